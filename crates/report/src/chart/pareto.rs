//! Bars in descending order, with a line of their cumulative share.

use super::axis::{GAP, Mark, ValueAxis, legend};
use super::category::Categories;
use super::svg::{Image, Stroke, TEXT_MM};
use super::{ChartRows, ink, text_of};

/// Bars before the others are summed up.
const BARS: usize = 12;
const FILLED: f64 = 0.72;
const WIDEST_MM: f64 = 16.0;
/// Space for the axis of shares at the right.
const SHARES_MM: f64 = 9.0;
const LINE: Stroke = Stroke::solid(ink::DARK, 0.4);

pub fn draw(image: &mut Image, rows: &ChartRows<'_>) -> Result<(), String> {
    let column = *rows.y.first().ok_or("a Pareto chart has one column of values")?;
    let bars = bars(rows, column);
    let total: f64 = bars.iter().map(|(_, value)| value).sum();
    let categories = Categories::names(bars.iter().map(|(label, _)| label.clone()).collect());
    let margins = categories.margins(image, SHARES_MM);
    let values: Vec<f64> = bars.iter().map(|(_, value)| *value).collect();
    let axis = ValueAxis::draw(image, &values, rows.unit(), true, margins);
    let area = axis.area;
    let width = (categories.slot(area) * FILLED).min(WIDEST_MM);
    let mut sum = 0.0;
    let mut points = Vec::with_capacity(bars.len());
    for (at, (_, value)) in bars.iter().enumerate() {
        let (x, y) = (categories.middle(area, at), axis.y(*value));
        image.rect(x - width / 2.0, y, width, axis.zero() - y, ink::RUN);
        sum += value;
        let share = if total > 0.0 { sum / total } else { 0.0 };
        points.push((x, area.bottom - share * area.height()));
    }
    image.line(
        (area.left, axis.zero()),
        (area.right, axis.zero()),
        Stroke::solid(ink::MUTED, 0.25),
    );
    image.polyline(&points, LINE);
    for (x, y) in &points {
        image.circle(*x, *y, 0.6, ink::DARK);
    }
    for share in [0.0, 0.5, 0.8, 1.0] {
        let y = area.bottom - share * area.height() + TEXT_MM * 0.36;
        let text = format!("{:.0} %", share * 100.0);
        image.text(area.right + GAP, y, "start", ink::MUTED, &text);
    }
    categories.draw(image, area);
    let title = rows.column(column).title.clone();
    legend(
        image,
        &[(Mark::Fill(ink::RUN.to_owned()), title), (Mark::Line(LINE), "Σ %".to_owned())],
    );
    Ok(())
}

/// Labels and values in descending order; those beyond [`BARS`] are summed up. Nothing is lost in the sum.
fn bars(rows: &ChartRows<'_>, column: usize) -> Vec<(String, f64)> {
    let labels = rows.table.cells(rows.x).map(text_of);
    let values = rows.numbers(column).into_iter().map(|value| value.unwrap_or(0.0).max(0.0));
    let mut bars: Vec<(String, f64)> = labels.zip(values).collect();
    bars.sort_by(|left, right| right.1.total_cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
    if bars.len() > BARS {
        let others = bars.split_off(BARS - 1);
        let sum = others.iter().map(|(_, value)| value).sum();
        bars.push((format!("+ {}", others.len()), sum));
    }
    bars
}
