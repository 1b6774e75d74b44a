//! Control charts of temperatures, computed independently from the readings and the published rules.

use crate::simulated::site::world;
use crate::stream::Broker;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::collections::BTreeMap;

const TOPIC: &str = "IOTTemperatureStream01";
/// A Monday.
const WEEK: &str = "2024-01-01T00:00:00Z";
const READINGS_PER_HOUR: u32 = 10;
const PARTS: usize = 5;

/// The readings of one sensor, by the minute of the week.
type Readings = BTreeMap<u32, f64>;

/// So many hours of a sensor: around 40 degC with a step of `by` after hour 20, and an hour of which a
/// part is missing.
fn readings(seed: u32, hours: u32, by: f64, gap: Option<u32>) -> Readings {
    let every = 60 / READINGS_PER_HOUR;
    let mut readings = Readings::new();
    for number in 0..hours * READINGS_PER_HOUR {
        let (hour, minute) = (number / READINGS_PER_HOUR, number * every);
        if gap == Some(hour) && minute % 60 < 12 {
            continue;
        }
        let noise = (number * 7_919 + seed * 104_729) % 61;
        let step = if hour > 20 { by } else { 0.0 };
        readings.insert(minute, (400.0 + f64::from(noise) + step * 10.0).round() / 10.0);
    }
    readings
}

fn messages(manufacturer: &str, readings: &Readings) -> Vec<String> {
    let week: DateTime<Utc> = WEEK.parse().unwrap();
    let message = |(minute, temp_c): (&u32, &f64)| {
        let at = (week + TimeDelta::minutes((*minute).into())).timestamp();
        format!(
            r#"{{"plant_name": "P1", "lane_number": "Lane1", "timestamp": "{at}", "temperature": "{temp_c}", "component_info": {{"component_type": "Oven", "component_manufacturer": "{manufacturer}"}}}}"#
        )
    };
    readings.iter().map(message).collect()
}

/// What a chart shows: by hour its value, with the centre and sigma of all.
#[derive(Debug, Default)]
struct Chart {
    values: Vec<(u32, f64)>,
    centre: f64,
    sigma: f64,
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The three charts of a sensor, as defined in textbooks.
fn charts(readings: &Readings) -> BTreeMap<&'static str, Chart> {
    let mut hours: BTreeMap<u32, Vec<Vec<f64>>> = BTreeMap::new();
    for (minute, temp_c) in readings {
        let parts = hours.entry(minute / 60).or_insert_with(|| vec![Vec::new(); PARTS]);
        parts[(minute % 60 / 12) as usize].push(*temp_c);
    }
    hours.retain(|_, parts| parts.iter().all(|part| !part.is_empty()));
    if hours.len() < 12 {
        return BTreeMap::new();
    }
    let mut of: BTreeMap<&str, Chart> = BTreeMap::new();
    for (hour, parts) in &hours {
        let means: Vec<f64> = parts.iter().map(|part| mean(part)).collect();
        let highest = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max);
        let lowest = means.iter().copied().fold(f64::MAX, f64::min);
        let mut add = |name, value| of.entry(name).or_default().values.push((*hour, value));
        add("temperature_mean", mean(&means));
        add("temperature_range", highest(&means) - lowest);
        add("temperature_highest", highest(&parts.concat()));
    }
    for chart in of.values_mut() {
        chart.centre = mean(&chart.values.iter().map(|(_, value)| *value).collect::<Vec<_>>());
    }
    let range = of["temperature_range"].centre;
    let highest = &of["temperature_highest"].values;
    let moved: Vec<f64> = highest.windows(2).map(|it| (it[1].1 - it[0].1).abs()).collect();
    let sigmas = [
        ("temperature_mean", range / 2.326 / 5f64.sqrt()),
        ("temperature_range", range * 0.8641 / 2.326),
        ("temperature_highest", mean(&moved) / 1.128),
    ];
    for (name, sigma) in sigmas {
        of.get_mut(name).unwrap().sigma = sigma;
    }
    of
}

/// Whether at least `least` of the last `count` points lie beyond so many sigmas on one side.
fn beyond(z: &[f64], count: usize, least: usize, sigmas: f64) -> Option<bool> {
    let last = &z[z.len().checked_sub(count)?..];
    let of = |sign: f64| last.iter().filter(|z| sign * **z > sigmas).count() >= least;
    Some(of(1.0) || of(-1.0))
}

fn all(z: &[f64], count: usize, is_so: impl Fn(&[f64]) -> bool) -> Option<bool> {
    Some(is_so(&z[z.len().checked_sub(count)?..]))
}

/// The rules of Nelson for the last of some points.
fn nelson(z: &[f64], is_symmetric: bool) -> [Option<bool>; 8] {
    let steps: Vec<f64> = z.windows(2).map(|it| it[1] - it[0]).collect();
    let rises = |it: &[f64]| it.iter().all(|step| *step > 0.0) || it.iter().all(|step| *step < 0.0);
    let turns = |it: &[f64]| it.windows(2).all(|it| it[0] * it[1] < 0.0);
    let mut rules = [
        beyond(z, 1, 1, 3.0),
        beyond(z, 9, 9, 0.0),
        all(&steps, 5, rises),
        all(&steps, 13, turns),
        beyond(z, 3, 2, 2.0),
        beyond(z, 5, 4, 1.0),
        all(z, 15, |it| it.iter().all(|z| z.abs() < 1.0)),
        all(z, 8, |it| it.iter().all(|z| z.abs() > 1.0)),
    ];
    if !is_symmetric {
        rules[4..].fill(None);
    }
    rules
}

#[track_caller]
fn check(row: &Value, chart: &Chart, at: usize, is_symmetric: bool) {
    let near = |name: &str, expected: f64| {
        let value = row[name].as_f64().unwrap();
        assert!((value - expected).abs() < 1e-9, "{name} must be {expected}: {row}");
    };
    let (_, value) = chart.values[at];
    let z: Vec<f64> = chart.values.iter().map(|it| (it.1 - chart.centre) / chart.sigma).collect();
    let past = &z[..=at];
    near("value", value);
    near("centre", chart.centre);
    near("sigma", chart.sigma);
    near("z", z[at]);
    near("upper_limit", chart.centre + 3.0 * chart.sigma);
    let lower = chart.centre - 3.0 * chart.sigma;
    near("lower_limit", if is_symmetric { lower } else { lower.max(0.0) });
    let rules = nelson(past, is_symmetric);
    for (number, rule) in (1..).zip(rules) {
        let name = format!("nelson_{number}");
        assert_eq!(row[&name].as_bool(), rule, "{name}: {row}");
    }
    let is = |rule: Option<bool>| rule == Some(true);
    let western = [rules[0], rules[4], rules[5], beyond(past, 8, 8, 0.0)].into_iter().any(is);
    assert_eq!(row["western_electric"], western, "{row}");
    assert_eq!(row["is_in_control"], !rules.into_iter().any(is), "{row}");
}

#[test]
fn control_charts_of_temperatures_follow_the_textbook_definitions() {
    let sensors = [
        ("steady", readings(1, 30, 0.0, None)),
        ("jumping", readings(2, 40, 4.0, Some(7))),
        ("short", readings(3, 12, 0.0, Some(5))),
    ];
    let (world, broker) = (world(), Broker::with_topic(TOPIC));
    let messages: Vec<String> = sensors.iter().flat_map(|(name, it)| messages(name, it)).collect();
    broker.send(&messages.iter().map(String::as_str).collect::<Vec<_>>());
    broker.ingest_into(&world);
    let rows = world.sql("SELECT * FROM gold.spc ORDER BY subject, chart, at");
    let mut rows = rows.iter();
    let mut broken = 0;
    for (name, readings) in BTreeMap::from_iter(sensors.iter().map(|it| (it.0, &it.1))) {
        for (chart_name, chart) in charts(readings) {
            for (at, (hour, _)) in chart.values.iter().enumerate() {
                let row = rows.next().unwrap();
                assert_eq!(row["subject"], format!("P1.Lane1.Oven.{name}"), "{row}");
                assert_eq!(row["chart"], chart_name, "{row}");
                assert_eq!(row["period"], "2024-01-01", "{row}");
                let begin =
                    WEEK.parse::<DateTime<Utc>>().unwrap() + TimeDelta::hours((*hour).into());
                assert_eq!(row["at"].as_str().unwrap().parse::<DateTime<Utc>>().unwrap(), begin);
                check(row, &chart, at, chart_name != "temperature_range");
                broken += usize::from(row["is_in_control"] == false);
            }
        }
    }
    assert!(rows.next().is_none(), "a week of eleven hours has no chart");
    assert!(broken > 0, "a step of four degrees breaks rules");
}
