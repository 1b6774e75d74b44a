//! A control chart: values, centre, limits, and marks where a rule is broken.

use super::axis::{Mark, ValueAxis, legend};
use super::category::Categories;
use super::lines::{draw_limit, parts};
use super::svg::{Image, Stroke};
use super::words::word;
use super::{ChartRows, LimitValues, ink};
use crate::data::Cell;

const VALUES: Stroke = Stroke::solid(ink::RUN, 0.4);
const CENTRE: Stroke = Stroke::solid(ink::MUTED, 0.25);

pub fn draw(image: &mut Image, rows: &ChartRows<'_>) -> Result<(), String> {
    let column = *rows.y.first().ok_or("a control chart has one column of values")?;
    let values = rows.numbers(column);
    let limits = rows.limits();
    let [lower, centre, upper] = limits.as_slice() else {
        return Err("a control chart has the limits lower, centre and upper".to_owned());
    };
    let mut all: Vec<f64> = values.iter().flatten().copied().collect();
    all.extend(limits.iter().flat_map(|(_, limit)| limit.all()));
    let categories = Categories::new(rows);
    let margins = categories.margins(image, 0.0);
    let axis = ValueAxis::draw(image, &all, rows.unit(), false, margins);
    draw_limit(image, &axis, &categories, &lower.1);
    draw_limit(image, &axis, &categories, &upper.1);
    draw_centre(image, &axis, &categories, &centre.1);
    let area = axis.area;
    let point = |at: usize, value: f64| (categories.middle(area, at), axis.y(value));
    for part in parts(&values) {
        let points: Vec<(f64, f64)> = part.iter().map(|(at, value)| point(*at, *value)).collect();
        image.polyline(&points, VALUES);
    }
    let marked = marked(rows)?;
    for (at, value) in values.iter().enumerate() {
        let Some(value) = *value else { continue };
        let (x, y) = point(at, value);
        let is_outside = lower.1.at(at).is_some_and(|limit| value < limit)
            || upper.1.at(at).is_some_and(|limit| value > limit);
        match is_outside || marked.get(at).copied().unwrap_or(false) {
            true => image.diamond(x, y, 1.15, ink::DEVIATION),
            false => image.circle(x, y, 0.55, ink::DARK),
        }
    }
    categories.draw(image, area);
    let entries = [
        (Mark::Line(VALUES), rows.column(column).title.clone()),
        (Mark::Line(CENTRE), centre.0.clone()),
        (Mark::Line(Stroke::dashed(ink::MUTED, 0.3)), format!("{} – {}", lower.0, upper.0)),
        (Mark::Diamond, word(&rows.data.language, "signal").to_owned()),
    ];
    legend(image, &entries);
    Ok(())
}

fn draw_centre(image: &mut Image, axis: &ValueAxis, categories: &Categories, centre: &LimitValues) {
    let area = axis.area;
    let rows = categories.len();
    let values: Vec<Option<f64>> = (0..rows).map(|row| centre.at(row)).collect();
    for part in parts(&values) {
        let point = |(at, value): &(usize, f64)| (categories.middle(area, *at), axis.y(*value));
        let points: Vec<(f64, f64)> = part.iter().map(point).collect();
        image.polyline(&points, CENTRE);
    }
}

/// Whether a rule is broken in each row; none without such a column.
fn marked(rows: &ChartRows<'_>) -> Result<Vec<bool>, String> {
    let Some(name) = &rows.chart.mark else { return Ok(Vec::new()) };
    let is_marked = |cell: Cell<'_>| match cell {
        Cell::Boolean(flag) => flag,
        Cell::Text(text) => !text.is_empty(),
        Cell::Integer(number) => number != 0,
        _ => false,
    };
    Ok(rows.table.cells(rows.position(name)?).map(is_marked).collect())
}
