//! The horizontal axis: one slot per row, with as many labels as fit.

use super::axis::{Area, GAP};
use super::svg::{Image, TEXT_MM, shortened, text_width};
use super::{ChartRows, ink, text_of};
use crate::data::{Cell, ColumnType, ReportTable};
use chrono::{DateTime, NaiveDate, Timelike as _};
use chrono_tz::Tz;
use plant::time::{DAY_US, date_from_days};

/// Longest label of a category.
const LABEL_CHARS: usize = 24;
/// Height of slanted labels relative to their length: the sine of their angle.
const SLANT: f64 = 0.53;

/// One slot per row.
pub struct Categories {
    labels: Vec<String>,
    /// Whether every label has to be read, as the name of a thing.
    are_names: bool,
}

impl Categories {
    /// The labels of a chart's rows.
    pub fn new(rows: &ChartRows<'_>) -> Self {
        let labels = labels(rows.table, rows.x, rows.data.zone);
        Self { labels, are_names: rows.x_kind() == ColumnType::Text }
    }

    /// The labels of given names.
    pub fn names(labels: Vec<String>) -> Self {
        let labels = labels.iter().map(|label| shortened(label, LABEL_CHARS)).collect();
        Self { labels, are_names: true }
    }

    fn widest(&self) -> f64 {
        self.labels.iter().map(|label| text_width(label)).fold(0.0, f64::max)
    }

    /// Whether labels are slanted in an image of this width: names that do not fit side by side.
    fn is_slanted(&self, width: f64) -> bool {
        self.are_names && (self.widest() + GAP) * self.labels.len() as f64 > width
    }

    /// The space that the labels need below the area.
    pub fn foot(&self, image: &Image) -> f64 {
        // The axis takes about a tenth of the width.
        if self.is_slanted(image.width * 0.9) {
            return self.widest() * SLANT + TEXT_MM + GAP;
        }
        TEXT_MM + 2.0 * GAP
    }

    /// Draws the labels.
    pub fn draw(&self, image: &mut Image, area: Area) {
        let is_slanted = self.is_slanted(image.width * 0.9);
        let slot = area.width() / self.labels.len().max(1) as f64;
        let needed = if is_slanted { TEXT_MM * 1.1 } else { self.widest() + 2.0 * GAP };
        let every = (needed / slot).ceil().max(1.0) as usize;
        for (at, label) in self.labels.iter().enumerate().step_by(every) {
            let x = self.middle(area, at);
            match is_slanted {
                true => image.slanted(x + GAP, area.bottom + TEXT_MM + 0.4, ink::MUTED, label),
                false => image.text(x, area.bottom + TEXT_MM + GAP, "middle", ink::MUTED, label),
            }
        }
    }

    /// Number of slots.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Width of a slot.
    pub fn slot(&self, area: Area) -> f64 {
        area.width() / self.labels.len().max(1) as f64
    }

    /// The middle of a slot.
    pub fn middle(&self, area: Area, at: usize) -> f64 {
        area.left + (at as f64 + 0.5) * self.slot(area)
    }
}

/// The labels of a column: days as `3 Feb`, times as `14:05`, with the day if they span several.
fn labels(table: &ReportTable, column: usize, zone: Tz) -> Vec<String> {
    let times: Vec<i64> = table.cells(column).filter_map(time).collect();
    let span_us =
        times.iter().max().zip(times.iter().min()).map_or(0, |(most, least)| most - least);
    let label = |cell: Cell<'_>| match cell {
        Cell::Day(day) => date_from_days(day).map(day_label).unwrap_or_default(),
        Cell::Time(at_us) => time_label(at_us, span_us, zone),
        cell => shortened(&text_of(cell), LABEL_CHARS),
    };
    table.cells(column).map(label).collect()
}

fn time(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Time(at_us) => Some(at_us),
        _ => None,
    }
}

fn day_label(day: NaiveDate) -> String {
    day.format("%-d %b").to_string()
}

/// A time of a range of this length: the time of day, the day, or both.
pub fn time_label(at_us: i64, span_us: i64, zone: Tz) -> String {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default().with_timezone(&zone);
    let is_midnight = at.hour() == 0 && at.minute() == 0;
    match span_us {
        ..=DAY_US => at.format("%H:%M").to_string(),
        _ if is_midnight || span_us > 7 * DAY_US => at.format("%-d %b").to_string(),
        _ => at.format("%-d %b %H:%M").to_string(),
    }
}
