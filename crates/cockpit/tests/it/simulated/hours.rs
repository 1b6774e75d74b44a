//! KPIs by the hour: their numerators and denominators add up to those of the shifts.

use super::site::{Clock, Delivery, Site};
use serde_json::Value;
use std::collections::BTreeMap;

/// Production day, shift, unit and KPI.
type Place = (String, String, String, String);

/// KPIs whose numerator and denominator are plain sums.
const ADDED: [&str; 4] = ["availability", "oee", "quality_ratio", "throughput_rate"];

/// Numerators and denominators, added up by shift.
fn sums(site: &Site, each: &str) -> BTreeMap<Place, [f64; 2]> {
    let mut sums: BTreeMap<Place, [f64; 2]> = BTreeMap::new();
    for row in site.printed_kpis(&["--each", each]) {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let kpi = text("kpi");
        if !ADDED.contains(&kpi.as_str()) {
            continue;
        }
        let of =
            sums.entry((text("production_day"), text("shift"), text("unit"), kpi)).or_default();
        of[0] += row["numerator"].as_f64().unwrap_or(0.0);
        of[1] += row["denominator"].as_f64().unwrap_or(0.0);
    }
    sums
}

/// The clock is changed within these days, and a shift runs over midnight.
#[test]
fn hours_add_up_to_shifts() {
    let site = Site::new(1, "usual", Clock::Changed, Delivery::Whole);
    site.ingest();
    let (hours, shifts) = (sums(&site, "hour"), sums(&site, "shift"));
    assert!(shifts.len() > 50, "{} places", shifts.len());
    assert_eq!(hours, shifts);
    let rows: Vec<Value> = site.printed_kpis(&["--each", "hour", "--unit", "TS-0001"]);
    let is_hour = |row: &Value| row["hour_local"].as_i64().is_some_and(|hour| hour < 24);
    assert!(rows.iter().all(|row| is_hour(row) && row["day_local"].is_string()));
}
