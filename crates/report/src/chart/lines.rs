//! Lines over time or categories, with dashed limits. A missing value interrupts a line.

use super::axis::{Mark, ValueAxis, series_legend};
use super::category::Categories;
use super::svg::{Image, Stroke};
use super::{ChartRows, LimitValues, ink};

/// Most points of a line that are also drawn as dots.
const DOTS: usize = 40;

const LIMIT: Stroke = Stroke::dashed(ink::MUTED, 0.3);

/// The strokes of series: they differ in grey and in weight.
const STROKES: [Stroke; 4] = [
    Stroke::solid(ink::DARK, 0.55),
    Stroke::solid(ink::RUN, 0.55),
    Stroke::solid(ink::LIGHT, 0.8),
    Stroke::solid(ink::DEVIATION, 0.4),
];

pub fn draw(image: &mut Image, rows: &ChartRows<'_>) -> Result<(), String> {
    let series: Vec<Vec<Option<f64>>> = rows.y.iter().map(|at| rows.numbers(*at)).collect();
    let limits = rows.limits();
    let mut values: Vec<f64> = series.iter().flatten().flatten().copied().collect();
    values.extend(limits.iter().flat_map(|(_, limit)| limit.all()));
    let categories = Categories::new(rows);
    let margins = categories.margins(image, 0.0);
    let axis = ValueAxis::draw(image, &values, rows.unit(), false, margins);
    let area = axis.area;
    for (_, limit) in &limits {
        draw_limit(image, &axis, &categories, limit);
    }
    for (number, values) in series.iter().enumerate() {
        let stroke = STROKES[number % STROKES.len()];
        for part in parts(values) {
            let point = |(at, value): &(usize, f64)| (categories.middle(area, *at), axis.y(*value));
            let points: Vec<(f64, f64)> = part.iter().map(point).collect();
            image.polyline(&points, stroke);
            // A value between two missing ones is not visible as a line.
            let dots =
                if categories.len() <= DOTS || points.len() == 1 { &points[..] } else { &[] };
            for (x, y) in dots {
                image.circle(*x, *y, stroke.width * 1.1, stroke.color);
            }
        }
    }
    categories.draw(image, area);
    let marks: Vec<Mark> =
        (0..series.len()).map(|at| Mark::Line(STROKES[at % STROKES.len()])).collect();
    series_legend(image, rows, &marks, &Mark::Line(LIMIT));
    Ok(())
}

/// Draws a limit over the whole width, or with the value of each row.
pub fn draw_limit(
    image: &mut Image,
    axis: &ValueAxis,
    categories: &Categories,
    limit: &LimitValues,
) {
    let area = axis.area;
    match limit {
        LimitValues::All(value) => {
            let y = axis.y(*value);
            image.line((area.left, y), (area.right, y), LIMIT);
        }
        LimitValues::Rows(values) => {
            for part in parts(values) {
                let half = categories.slot(area) / 2.0;
                let step = |(at, value): &(usize, f64)| {
                    let (x, y) = (categories.middle(area, *at), axis.y(*value));
                    [(x - half, y), (x + half, y)]
                };
                let points: Vec<(f64, f64)> = part.iter().flat_map(step).collect();
                image.polyline(&points, LIMIT);
            }
        }
    }
}

/// Runs of values without a missing one, with their positions.
pub fn parts(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let mut parts: Vec<Vec<(usize, f64)>> = Vec::new();
    let mut is_open = false;
    for (at, value) in values.iter().enumerate() {
        match (value, is_open) {
            (None, _) => is_open = false,
            (Some(value), true) => {
                if let Some(part) = parts.last_mut() {
                    part.push((at, *value));
                }
            }
            (Some(value), false) => {
                parts.push(vec![(at, *value)]);
                is_open = true;
            }
        }
    }
    parts
}
