//! The horizontal axis: one slot per row, with as many labels as fit.

use super::axis::{Area, GAP, Margins};
use super::svg::{Image, TEXT_MM, shortened, slanted_size, text_width};
use super::words::month;
use super::{ChartRows, ink, text_of};
use crate::data::{Cell, ColumnType, Data, ReportTable};
use chrono::{DateTime, Datelike as _, NaiveDate, Timelike as _};
use plant::time::{DAY_US, date_from_days};

/// Longest label of a category.
const LABEL_CHARS: usize = 24;

/// Width that the axis of the values takes at most, if its labels have ten digits.
const AXIS_MM: f64 = 20.0;

/// One slot per row.
pub struct Categories {
    labels: Vec<String>,
    /// Whether every label has to be read, as the name of a thing.
    are_names: bool,
}

impl Categories {
    /// The labels of a chart's rows.
    pub fn new(rows: &ChartRows<'_>) -> Self {
        let labels = labels(rows.table, rows.x, rows.data);
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

    /// Whether labels are slanted in an area that ends at `right`: names that do not fit side by side.
    fn is_slanted(&self, right: f64) -> bool {
        self.are_names && (self.widest() + 2.0 * GAP) * self.labels.len() as f64 > right - AXIS_MM
    }

    /// The space that the labels need below and at the left of an area, which has the space `right` beside it.
    pub fn margins(&self, image: &Image, right: f64) -> Margins {
        if !self.is_slanted(image.width - right) {
            return Margins { left: 0.0, foot: TEXT_MM + 2.0 * GAP, right };
        }
        let height = |label: &String| slanted_size(label).1;
        let foot = self.labels.iter().map(height).fold(0.0, f64::max) + TEXT_MM + GAP;
        Margins { left: self.slanted_left(image.width - right), foot, right }
    }

    /// The left edge of an area up to `right`, so that every slanted label begins within the image.
    fn slanted_left(&self, right: f64) -> f64 {
        let count = self.labels.len().max(1) as f64;
        let left = |(at, label): (usize, &String)| {
            // A label ends at the middle of its slot, which is this share of the width of the area from the left.
            let share = (at as f64 + 0.5) / count;
            let width = slanted_size(label).0 - GAP;
            ((width - share * right) / (1.0 - share)).max(0.0)
        };
        self.labels.iter().enumerate().map(left).fold(0.0, f64::max)
    }

    /// Draws the labels.
    pub fn draw(&self, image: &mut Image, area: Area) {
        let is_slanted = self.is_slanted(area.right);
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

/// The labels of a column: days as `3 Feb` in the language of the report, times as `14:05`, with the day if they span several.
fn labels(table: &ReportTable, column: usize, data: &Data) -> Vec<String> {
    let times: Vec<i64> = table.cells(column).filter_map(time).collect();
    let span_us =
        times.iter().max().zip(times.iter().min()).map_or(0, |(most, least)| most - least);
    let label = |cell: Cell<'_>| match cell {
        Cell::Day(day) => {
            date_from_days(day).map(|day| day_label(day, &data.language)).unwrap_or_default()
        }
        Cell::Time(at_us) => time_label(at_us, span_us, data),
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

fn day_label(day: NaiveDate, language: &str) -> String {
    format!("{} {}", day.day(), month(language, day.month()))
}

/// A time of a range of this length: the time of day, the day, or both.
pub fn time_label(at_us: i64, span_us: i64, data: &Data) -> String {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default().with_timezone(&data.zone);
    let is_midnight = at.hour() == 0 && at.minute() == 0;
    match span_us {
        ..=DAY_US => at.format("%H:%M").to_string(),
        _ if is_midnight || span_us > 7 * DAY_US => day_label(at.date_naive(), &data.language),
        _ => format!("{} {}", day_label(at.date_naive(), &data.language), at.format("%H:%M")),
    }
}
