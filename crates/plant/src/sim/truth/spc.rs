//! First pass yield per shift, and the control chart rules that a shift violates.

use super::production::{shift, station};
use super::time::Stretch;
use super::{Lines, ShiftOf, Truth, Value, moment};
use crate::sim::dump::date;
use crate::sim::site::Site;
use std::collections::BTreeMap;

/// Boards inspected and good in each shift of a unit, by start of the shift, production day and
/// index of the shift.
type Chart = BTreeMap<(i64, i32, u16), (i64, i64)>;

/// A shift of a unit on its control chart.
#[derive(Debug, Clone, Copy)]
struct Point {
    inspected: i64,
    yield_of: f64,
    sigma: f64,
    /// Distance from the center in sigmas; `None` if sigma is 0.
    z: Option<f64>,
}

impl Truth {
    /// The control charts, with or without the evaluation of the rules.
    pub(super) fn spc(&self, site: &Site, time: &[Stretch<'_>], is_judged: bool) -> String {
        let mut begins: BTreeMap<ShiftOf, i64> = BTreeMap::new();
        for stretch in time {
            let begin_s = begins.entry(stretch.shift()).or_insert(stretch.from_s);
            *begin_s = stretch.from_s.min(*begin_s);
        }
        let mut charts: BTreeMap<u16, Chart> = BTreeMap::new();
        for ((of_shift, ..), [good, scrap, rework, _]) in &self.verdicts {
            let (day, in_shift, unit) = *of_shift;
            let inspected = good + scrap + rework;
            if let (Some(in_shift), 1.., Some(begin_s)) =
                (in_shift, inspected, begins.get(of_shift))
            {
                let chart = charts.entry(unit).or_default();
                let sums = chart.entry((*begin_s, day, in_shift)).or_default();
                *sums = (sums.0 + inspected, sums.1 + good);
            }
        }
        let mut lines = Lines::default();
        for (unit, chart) in charts {
            push_chart(site, unit, &chart, is_judged, &mut lines);
        }
        lines.0
    }
}

impl Point {
    fn new(inspected: i64, good: i64, centre: f64) -> Self {
        let yield_of = good as f64 / inspected as f64;
        let sigma = (centre * (1.0 - centre) / inspected as f64).sqrt();
        let z = (sigma > 0.0).then(|| (yield_of - centre) / sigma);
        Self { inspected, yield_of, sigma, z }
    }
}

fn push_chart(site: &Site, unit: u16, chart: &Chart, is_judged: bool, lines: &mut Lines) {
    let inspected: i64 = chart.values().map(|(inspected, _)| inspected).sum();
    let good: i64 = chart.values().map(|(_, good)| good).sum();
    let centre = good as f64 / inspected as f64;
    let points: Vec<Point> =
        chart.values().map(|(inspected, good)| Point::new(*inspected, *good, centre)).collect();
    for (number, (begin_s, day, in_shift)) in (1..).zip(chart.keys()) {
        let past = &points[..number];
        let point = &points[number - 1];
        let [lower, upper] = [-3.0, 3.0].map(|by| (centre + by * point.sigma).clamp(0.0, 1.0));
        let nelson = nelson(past);
        let flag = |is_so: Option<bool>| is_so.map_or(Value::Null, Value::Flag);
        let is = |broken: Option<bool>| broken == Some(true);
        let western = [nelson[0], nelson[4], nelson[5], within(past, 8, on_one_side)];
        let (day, begin) = (date(*day).to_string(), moment(*begin_s));
        let mut row = vec![
            ("chart", Value::Text("first_pass_yield")),
            ("subject", station(site, unit)),
            ("period", Value::Text("all")),
            ("at", Value::Text(&begin)),
            ("production_day", Value::Text(&day)),
            ("shift", shift(site, Some(*in_shift))),
            ("size", Value::Whole(point.inspected)),
            ("value", Value::Real(point.yield_of)),
            ("centre", Value::Real(centre)),
            ("sigma", Value::Real(point.sigma)),
            ("lower_limit", Value::Real(lower)),
            ("upper_limit", Value::Real(upper)),
        ];
        let judged = [
            ("z", point.z.map_or(Value::Null, Value::Real)),
            ("nelson_1", flag(nelson[0])),
            ("nelson_2", flag(nelson[1])),
            ("nelson_3", flag(nelson[2])),
            ("nelson_4", flag(nelson[3])),
            ("nelson_5", flag(nelson[4])),
            ("nelson_6", flag(nelson[5])),
            ("nelson_7", flag(nelson[6])),
            ("nelson_8", flag(nelson[7])),
            ("western_electric", Value::Flag(western.into_iter().any(is))),
            ("is_in_control", Value::Flag(!nelson.into_iter().any(is))),
        ];
        row.extend(judged.into_iter().filter(|_| is_judged));
        lines.push(&row);
    }
}

/// The Nelson rules at the last of some points: whether each is violated; `None` if there are too
/// few points.
fn nelson(past: &[Point]) -> [Option<bool>; 8] {
    let last = past.last().and_then(|last| last.z);
    [
        last.map(|z| z.abs() > 3.0),
        within(past, 9, on_one_side),
        within(past, 6, |six| {
            let rises =
                |by: f64| six.windows(2).all(|it| by * (it[1].yield_of - it[0].yield_of) > 0.0);
            rises(1.0) || rises(-1.0)
        }),
        within(past, 14, |all| {
            let turns = |it: &[Point]| {
                let [one, two, three] = [it[0].yield_of, it[1].yield_of, it[2].yield_of];
                one < two && two > three || one > two && two < three
            };
            all.windows(3).all(turns)
        }),
        within(past, 3, |all| most_beyond(all, 2.0, 2)),
        within(past, 5, |all| most_beyond(all, 1.0, 4)),
        within(past, 15, |all| all.iter().all(|it| it.z.is_some_and(|z| z.abs() < 1.0))),
        within(past, 8, |all| all.iter().all(|it| it.z.is_some_and(|z| z.abs() > 1.0))),
    ]
}

/// Whether a condition holds for each of the last points, if there are enough.
fn within(past: &[Point], count: usize, is_so: impl Fn(&[Point]) -> bool) -> Option<bool> {
    past.len().checked_sub(count).map(|from| is_so(&past[from..]))
}

fn on_one_side(points: &[Point]) -> bool {
    most_beyond(points, 0.0, points.len())
}

/// Whether at least this many points are more than some sigmas off on the same side.
fn most_beyond(points: &[Point], sigmas: f64, count: usize) -> bool {
    let beyond =
        |by: f64| points.iter().filter(|it| it.z.is_some_and(|z| by * z > sigmas)).count() >= count;
    beyond(1.0) || beyond(-1.0)
}
