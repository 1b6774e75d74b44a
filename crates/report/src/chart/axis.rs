//! The frame of a chart: its area, the axis of the values, the legend.

use super::number::{Ticks, grouped};
use super::svg::{Image, Stroke, TEXT_MM, text_width};
use super::{ChartRows, ink};

/// Distance between texts and what they are at.
pub const GAP: f64 = 1.2;
/// Space above the area: the unit and the legend.
const HEAD: f64 = 5.2;
/// Height that one tick of the axis needs.
const TICK_MM: f64 = 9.0;

/// The area of a chart, in millimetres.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// The space around an area, in millimetres.
#[derive(Debug, Clone, Copy)]
pub struct Margins {
    /// At least, if the labels of the values need less.
    pub left: f64,
    /// Below.
    pub foot: f64,
    pub right: f64,
}

/// The axis of the values at the left.
pub struct ValueAxis {
    pub area: Area,
    ticks: Ticks,
}

impl ValueAxis {
    /// Draws an axis that covers `values`. An axis of bars begins at 0.
    pub fn draw(
        image: &mut Image,
        values: &[f64],
        unit: &str,
        begins_at_zero: bool,
        margins: Margins,
    ) -> Self {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (least, most) = if values.is_empty() { (0.0, 1.0) } else { (least, most) };
        let (least, most) =
            if begins_at_zero { (least.min(0.0), most.max(0.0)) } else { (least, most) };
        let bottom = image.height - margins.foot;
        let count = ((bottom - HEAD) / TICK_MM).floor().clamp(1.0, 8.0) as usize;
        let ticks = Ticks::new(least, most, count);
        let digits = ticks.digits();
        let labels: Vec<(f64, String)> =
            ticks.all().map(|tick| (tick, grouped(tick, digits))).collect();
        let width = labels.iter().map(|(_, text)| text_width(text)).fold(0.0, f64::max);
        let left = (width + GAP).max(margins.left);
        let area = Area { left, top: HEAD, right: image.width - margins.right, bottom };
        let axis = Self { area, ticks };
        for (tick, text) in &labels {
            let y = axis.y(*tick);
            image.line((area.left, y), (area.right, y), Stroke::solid(ink::GRID, 0.15));
            image.text(area.left - GAP, y + TEXT_MM * 0.36, "end", ink::MUTED, text);
        }
        if !unit.is_empty() {
            image.text(0.0, TEXT_MM, "start", ink::MUTED, unit);
        }
        axis
    }

    /// The height of a value.
    pub fn y(&self, value: f64) -> f64 {
        let share = (value - self.ticks.from) / (self.ticks.to - self.ticks.from);
        self.area.bottom - share * self.area.height()
    }

    /// The height of 0, or of the bottom if the axis does not contain it.
    pub fn zero(&self) -> f64 {
        self.y(0f64.clamp(self.ticks.from, self.ticks.to))
    }
}

/// The mark of a legend's entry.
#[derive(Debug, Clone)]
pub enum Mark {
    Fill(String),
    Outline,
    Line(Stroke),
    Tick,
    Diamond,
}

/// Draws a legend that ends at the upper right corner; entries that do not fit are left out.
pub fn legend(image: &mut Image, entries: &[(Mark, String)]) {
    let mut right = image.width;
    for (mark, text) in entries.iter().rev() {
        let left = right - text_width(text) - 4.6;
        if left < image.width * 0.12 {
            return;
        }
        image.text(left + 4.2, TEXT_MM, "start", ink::MUTED, text);
        draw_mark(image, mark, left);
        right = left - 2.6;
    }
}

fn draw_mark(image: &mut Image, mark: &Mark, left: f64) {
    let middle = TEXT_MM * 0.62;
    match mark {
        Mark::Fill(fill) => image.rect(left, middle - 1.1, 3.4, 2.2, fill),
        Mark::Outline => image.outline(left, middle - 1.1, 3.4, 2.2, ink::MUTED),
        Mark::Line(stroke) => image.line((left, middle), (left + 3.4, middle), *stroke),
        Mark::Tick => {
            image.line((left, middle), (left + 3.4, middle), Stroke::solid(ink::TEXT, 0.5));
        }
        Mark::Diamond => image.diamond(left + 1.7, middle, 1.1, ink::DEVIATION),
    }
}

/// The legend of series and limits, if there is more than one thing to tell apart.
pub fn series_legend(image: &mut Image, rows: &ChartRows<'_>, series: &[Mark], limit: &Mark) {
    let titles = rows.y.iter().map(|at| rows.column(*at).title.clone());
    let mut entries: Vec<(Mark, String)> = series.iter().cloned().zip(titles).collect();
    let limits = rows.limits().into_iter().map(|(title, _)| (limit.clone(), title));
    entries.extend(limits);
    if entries.len() > 1 {
        legend(image, &entries);
    }
}
