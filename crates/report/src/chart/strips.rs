//! States over time, one strip per row.

use super::axis::{Area, GAP, Mark, legend};
use super::category::time_label;
use super::svg::{Image, Stroke, TEXT_MM, shortened, text_width};
use super::words::word;
use super::{ChartRows, ink, text_of};
use crate::data::Cell;
use plant::time::{DAY_US, HOUR_US, MINUTE_US};

const HEAD: f64 = 5.2;
/// Longest name of a row.
const NAME_CHARS: usize = 22;
/// Distance between two ticks of time.
const TICK_MM: f64 = 14.0;
/// Steps of the axis of time.
const STEPS_US: [i64; 9] = [
    10 * MINUTE_US,
    30 * MINUTE_US,
    HOUR_US,
    2 * HOUR_US,
    4 * HOUR_US,
    6 * HOUR_US,
    12 * HOUR_US,
    DAY_US,
    7 * DAY_US,
];
/// States that are known, in the order of the legend.
const STATES: [&str; 6] = ["running", "idle", "setup", "planned", "stopped", "unknown"];

/// A state of a row.
struct Piece {
    row: usize,
    from_us: i64,
    to_us: i64,
    state: usize,
}

pub fn draw(image: &mut Image, rows: &ChartRows<'_>) -> Result<(), String> {
    let (names, pieces) = pieces(rows)?;
    let from_us = pieces.iter().map(|piece| piece.from_us).min().unwrap_or_default();
    let to_us = pieces.iter().map(|piece| piece.to_us).max().unwrap_or_default().max(from_us + 1);
    let shown: Vec<String> = names.iter().map(|name| shortened(name, NAME_CHARS)).collect();
    let width = shown.iter().map(|name| text_width(name)).fold(0.0, f64::max);
    let area = Area {
        left: width + GAP,
        top: HEAD,
        right: image.width - GAP,
        bottom: image.height - TEXT_MM - 2.0 * GAP,
    };
    let scale = area.width() / (to_us - from_us) as f64;
    let x = |at_us: i64| area.left + (at_us - from_us) as f64 * scale;
    ticks(image, rows, area, (from_us, to_us));
    let slot = area.height() / names.len().max(1) as f64;
    for (row, name) in shown.iter().enumerate() {
        let middle = area.top + (row as f64 + 0.5) * slot;
        image.text(area.left - GAP, middle + TEXT_MM * 0.36, "end", ink::TEXT, name);
    }
    let height = (slot * 0.7).min(7.0);
    for piece in &pieces {
        let top = area.top + (piece.row as f64 + 0.5) * slot - height / 2.0;
        let (left, right) = (x(piece.from_us), x(piece.to_us));
        match fill(image, STATES[piece.state]) {
            Some(fill) => image.rect(left, top, right - left, height, &fill),
            None => image.outline(left, top, right - left, height, ink::MUTED),
        }
    }
    let is_used = |state: &usize| pieces.iter().any(|piece| piece.state == *state);
    let used: Vec<usize> = (0..STATES.len()).filter(is_used).collect();
    let mut entries = Vec::with_capacity(used.len());
    for state in used {
        let mark = fill(image, STATES[state]).map_or(Mark::Outline, Mark::Fill);
        entries.push((mark, word(&rows.data.language, STATES[state]).to_owned()));
    }
    legend(image, &entries);
    Ok(())
}

/// The rows in the order in which they appear, and their states.
fn pieces(rows: &ChartRows<'_>) -> Result<(Vec<String>, Vec<Piece>), String> {
    let chart = rows.chart;
    let (Some(end), Some(row)) = (&chart.end, &chart.row) else {
        return Err("strips have the columns end and row".to_owned());
    };
    let state = *rows.y.first().ok_or("strips have a column of states")?;
    let starts = rows.table.cells(rows.x);
    let ends = rows.table.cells(rows.position(end)?);
    let states = rows.table.cells(state).zip(rows.table.cells(rows.position(row)?));
    let (mut names, mut pieces) = (Vec::<String>::new(), Vec::new());
    for ((start, end), (state, name)) in starts.zip(ends).zip(states) {
        let (Cell::Time(from_us), Cell::Time(to_us)) = (start, end) else {
            if matches!((start, end), (Cell::Null, _) | (_, Cell::Null)) {
                continue;
            }
            return Err("the columns x and end of strips are times".to_owned());
        };
        let name = text_of(name);
        let row = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        let state = text_of(state);
        let state = STATES.iter().position(|known| *known == state).unwrap_or(STATES.len() - 1);
        pieces.push(Piece { row, from_us, to_us, state });
    }
    Ok((names, pieces))
}

/// The fill of a state; `None` for an outline.
fn fill(image: &mut Image, state: &str) -> Option<String> {
    Some(match state {
        "running" => ink::RUN.to_owned(),
        "idle" => ink::GRID.to_owned(),
        "setup" => image.pattern("hatch"),
        "planned" => return None,
        "stopped" => ink::DEVIATION.to_owned(),
        _ => image.pattern("dots"),
    })
}

/// Draws the axis of time: ticks at whole steps of plant time.
fn ticks(image: &mut Image, rows: &ChartRows<'_>, area: Area, (from_us, to_us): (i64, i64)) {
    let span_us = to_us - from_us;
    let count = (area.width() / TICK_MM).floor().max(1.0);
    let fits = |step: &&i64| (**step as f64) * count >= span_us as f64;
    let step_us = *STEPS_US.iter().find(fits).unwrap_or(&STEPS_US[STEPS_US.len() - 1]);
    let zone = rows.data.zone;
    let offset_us = chrono::DateTime::from_timestamp_micros(from_us)
        .map_or(0, |at| i64::from(offset_s(at, zone)) * 1_000_000);
    let first_us = (from_us + offset_us).div_euclid(step_us) * step_us - offset_us;
    let mut at_us = first_us;
    while at_us <= to_us {
        if at_us >= from_us {
            let x = area.left + (at_us - from_us) as f64 / span_us as f64 * area.width();
            image.line((x, area.top), (x, area.bottom), Stroke::solid(ink::GRID, 0.15));
            let text = time_label(at_us, span_us, rows.data);
            image.text(x, area.bottom + TEXT_MM + GAP, "middle", ink::MUTED, &text);
        }
        at_us += step_us;
    }
}

/// Seconds that plant time is ahead of UTC.
fn offset_s(at: chrono::DateTime<chrono::Utc>, zone: chrono_tz::Tz) -> i32 {
    use chrono::Offset as _;
    at.with_timezone(&zone).offset().fix().local_minus_utc()
}
