//! Bars side by side, with a tick per bar for each limit.

use super::axis::{Mark, ValueAxis, series_legend};
use super::category::Categories;
use super::svg::{Image, Stroke};
use super::{ChartRows, ink};

/// Share of a slot that bars occupy.
const FILLED: f64 = 0.72;
/// Widest bar, so that a chart of two bars does not look like a wall.
const WIDEST_MM: f64 = 16.0;

pub fn draw(image: &mut Image, rows: &ChartRows<'_>) -> Result<(), String> {
    let series: Vec<Vec<Option<f64>>> = rows.y.iter().map(|at| rows.numbers(*at)).collect();
    let limits = rows.limits();
    let mut values: Vec<f64> = series.iter().flatten().flatten().copied().collect();
    values.extend(limits.iter().flat_map(|(_, limit)| limit.all()));
    let categories = Categories::new(rows);
    let margins = categories.margins(image, 0.0);
    let axis = ValueAxis::draw(image, &values, rows.unit(), true, margins);
    let area = axis.area;
    let group = (categories.slot(area) * FILLED).min(WIDEST_MM * series.len() as f64);
    let width = group / series.len().max(1) as f64;
    for at in 0..categories.len() {
        let left = categories.middle(area, at) - group / 2.0;
        for (number, values) in series.iter().enumerate() {
            let Some(value) = values.get(at).copied().flatten() else { continue };
            let (y, zero) = (axis.y(value), axis.zero());
            let fill = ink::SERIES[number % ink::SERIES.len()];
            let left = left + number as f64 * width;
            image.rect(left, y.min(zero), width * 0.94, (zero - y).abs(), fill);
        }
        for (_, limit) in &limits {
            let Some(value) = limit.at(at) else { continue };
            let y = axis.y(value);
            let over = group * 0.06;
            image.line((left - over, y), (left + group + over, y), Stroke::solid(ink::TEXT, 0.5));
        }
    }
    image.line(
        (area.left, axis.zero()),
        (area.right, axis.zero()),
        Stroke::solid(ink::MUTED, 0.25),
    );
    categories.draw(image, area);
    let marks: Vec<Mark> = (0..series.len())
        .map(|number| Mark::Fill(ink::SERIES[number % ink::SERIES.len()].to_owned()))
        .collect();
    series_legend(image, rows, &marks, &Mark::Tick);
    Ok(())
}
