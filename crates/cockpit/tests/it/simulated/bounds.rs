//! Withheld data is unknown, and unknown figures have bounds that contain the truth.

use super::site::{Clock, Delivery, Site};
use serde_json::Value;
use std::collections::BTreeMap;

/// Dumps withheld together, each of one day.
const WITHHELD: [&[&str]; 6] = [
    &["MachineEvents"],
    &["Quality"],
    &["Results"],
    &["RoutingStages"],
    &["MachineEvents", "Quality"],
    &["MachineEvents", "Results"],
];
const SLACK: f64 = 1e-9;

/// Numerator and denominator of a KPI, from the sums of a shift.
fn ratio(kpi: &str, sums: &Value) -> Option<f64> {
    let sum = |name: &str| sums[name].as_f64().unwrap();
    let (numerator, denominator) = match kpi {
        "oee" => (sum("ideal_gq_ms"), sum("pbt_s") * 1000.0),
        "availability" => (sum("apt_s"), sum("pbt_s")),
        "effectiveness" => (sum("ideal_pq_ms"), sum("apt_s") * 1000.0),
        "quality_ratio" => (sum("gq"), sum("pq")),
        _ => return None,
    };
    (denominator > 0.0).then_some(numerator / denominator)
}

fn place(row: &Value) -> String {
    format!("{} {} {}", row["production_day"], row["shift"], row["unit"])
}

/// Withholds the dumps and compares every KPI of every shift with what really happened. Returns how
/// many had to be bounded, and how many are what they really were.
fn check(seed: u64, clock: Clock, withheld: &[&str]) -> (usize, usize) {
    let site = Site::new(seed, "none", clock, Delivery::Daily);
    for dump in withheld {
        let mut files = site.files();
        files.retain(|file| file.contains(&format!("/{dump}/")));
        site.take(&files[1 + usize::try_from(seed).unwrap() % (files.len() - 1)]);
    }
    site.ingest();
    let truth: BTreeMap<String, Value> =
        site.true_rows("oee_shift").into_iter().map(|row| (place(&row), row)).collect();
    let (mut bounded, mut exact) = (0, 0);
    // Outside every shift a unit without events counts as not planned.
    for row in site.kpis().iter().filter(|row| !row["shift"].is_null()) {
        let kpi = row["kpi"].as_str().unwrap();
        let Some(sums) = truth.get(&place(row)) else { continue };
        let Some(truth) = ratio(kpi, sums) else { continue };
        let number = |name: &str| row[name].as_f64();
        match (number("low"), number("high"), number("value")) {
            (None, None, Some(value)) => {
                assert!(
                    (value - truth).abs() < SLACK,
                    "{truth} is not {row} ({seed}, {withheld:?})"
                );
                exact += 1;
            }
            (low, high, value) => {
                let is_above = low.is_none_or(|low| low - SLACK <= truth);
                let is_below = high.is_none_or(|high| truth <= high + SLACK);
                assert!(is_above && is_below, "{truth} is not within {row} ({seed}, {withheld:?})");
                let is_said = row["unknown"].is_string() || row["none"].is_string();
                assert!(value.is_some() || is_said, "{row} says nothing");
                bounded += 1;
            }
        }
    }
    (bounded, exact)
}

#[test]
fn bounds_contain_the_truth_whatever_is_withheld() {
    for (seed, withheld) in (0..).zip(WITHHELD) {
        let clock = if seed % 2 == 0 { Clock::Steady } else { Clock::Changed };
        let (bounded, exact) = check(seed, clock, withheld);
        assert!(bounded > 0 && exact > 0, "{withheld:?}: {bounded} bounded, {exact} exact");
    }
}
