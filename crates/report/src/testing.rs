//! A report with its data, for tests.

use crate::collect::{PlantContext, table};
use crate::data::{Data, ParameterValue, Value};
use crate::receipt;
use crate::source::{Rows, TableVersion};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use chrono_tz::Asia::Kolkata;
use config::reports::Definition;
use plant::calendar::{Calendar, Shift};
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2026-02-03T01:00:00Z, which is 06:30 in the plant.
pub const NOW_US: i64 = 1_770_080_400_000_000;
/// 2026-02-02 in days.
pub const DAY: i32 = 20_486;

pub const TEMPLATE: &str = "#let data = json(\"data.json\")\n#set document(title: data.title)\n= #data.title\n\
    #for row in data.queries.hours.rows [#row.hour: #row.made \\ ]\n\
    #for (name, chart) in data.charts { image(chart.path) }\n#image(\"qr.svg\")\n";

pub const DEFINITION: &str = "title = { en = \"Daily <output>\", ml = \"ദിവസം\" }
description = \"Output of a day.\"
[parameters.day]
kind = \"day\"
default = \"yesterday\"
[parameters.shift]
kind = \"shift\"
default = \"last\"
[[query]]
name = \"hours\"
title = { en = \"Output by hour\", ml = \"ഉത്പാദനം\" }
sql = \"select * from gold.production_hourly where production_day = :day and shift = :shift\"
max_rows = 100
[query.columns.made]
title = { en = \"Made\", ml = \"ഉണ്ടാക്കിയത്\" }
unit = \"boards\"
[query.columns.yield]
unit = \"%\"
digits = 1
[query.columns.secret]
hidden = true
[[query]]
name = \"states\"
sql = \"select * from gold.time_ledger\"
[[chart]]
name = \"bars\"
kind = \"bars\"
query = \"hours\"
title = \"Made by hour\"
x = \"hour\"
y = [\"made\", \"planned\"]
limits = [\"planned\", 40]
[[chart]]
name = \"line\"
kind = \"lines\"
query = \"hours\"
x = \"at\"
y = \"yield\"
limits = [90]
[[chart]]
name = \"pareto\"
kind = \"pareto\"
query = \"hours\"
x = \"item\"
y = \"made\"
[[chart]]
name = \"strips\"
kind = \"strips\"
query = \"states\"
x = \"from_at\"
end = \"to_at\"
row = \"unit\"
y = \"state\"
[[chart]]
name = \"control\"
kind = \"control\"
query = \"hours\"
x = \"at\"
y = \"made\"
limits = [10, 20, \"planned\"]
";

/// The definition with a template.
pub fn definition(text: &str, template: &str) -> Arc<Definition> {
    let texts = [("reports/daily/report.toml", text), ("reports/daily/report.typ", template)];
    let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let (mut reports, found) = config::reports::read(&texts.into(), &["G".to_owned()], &[]);
    assert_eq!(found, []);
    reports.remove("daily").unwrap()
}

pub fn plant() -> PlantContext {
    let shift = Shift { name: "G".into(), start_min: 360, end_min: 360, ..Shift::default() };
    PlantContext {
        name: "Kerala".into(),
        zone: Kolkata,
        currency: "INR".into(),
        calendar: Calendar::new(Kolkata, vec![shift]).unwrap(),
        limits: config::settings::ReportLimits::default(),
        public_url: Some("https://cockpit.example/base/".parse().unwrap()),
    }
}

/// Rows of the query `hours`.
pub fn hours(count: i64) -> RecordBatch {
    let numbers = || 0..count;
    let time = |at: i64| NOW_US - (count - at) * 3_600_000_000;
    let columns: [(&str, ArrayRef); 9] = [
        ("hour", Arc::new(Int64Array::from_iter_values(numbers().map(|at| at % 24)))),
        ("day", Arc::new(Date32Array::from_iter_values(numbers().map(|_| DAY)))),
        (
            "at",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(numbers().map(time))
                    .with_timezone("UTC"),
            ),
        ),
        (
            "item",
            Arc::new(StringArray::from_iter_values(numbers().map(|at| format!("=IT & {at}")))),
        ),
        ("made", Arc::new(Int64Array::from_iter(numbers().map(|at| (at != 3).then_some(at * 7))))),
        ("planned", Arc::new(Int64Array::from_iter_values(numbers().map(|at| at * 6 + 5)))),
        (
            "yield",
            Arc::new(Float64Array::from_iter(numbers().map(|at| Some(0.9 + at as f64 / 1_000.0)))),
        ),
        ("is_late", Arc::new(BooleanArray::from_iter(numbers().map(|at| Some(at % 2 == 0))))),
        ("secret", Arc::new(StringArray::from_iter_values(numbers().map(|_| "hidden")))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// Rows of the query `states`.
pub fn states() -> RecordBatch {
    let states = ["running", "idle", "setup", "planned", "stopped", "mystery"];
    let time = |at: usize| NOW_US - (states.len() - at) as i64 * 3_600_000_000;
    let times = |ahead: usize| -> ArrayRef {
        let times = (0..states.len()).map(|at| time(at + ahead));
        Arc::new(TimestampMicrosecondArray::from_iter_values(times).with_timezone("UTC"))
    };
    let columns: [(&str, ArrayRef); 4] = [
        ("unit", Arc::new(StringArray::from_iter_values(states.map(|_| "TS")))),
        ("from_at", times(0)),
        ("to_at", times(1)),
        ("state", Arc::new(StringArray::from_iter_values(states))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The data of a definition with the queries `hours` and `states`.
pub fn data(report: &Definition, hours: &RecordBatch, language: &str) -> Data {
    let batches = [hours.clone(), states()];
    let versions = BTreeMap::from([(
        "gold.production_hourly".to_owned(),
        TableVersion { version: 12, committed_at_us: NOW_US - 60_000_000 },
    )]);
    let day = ParameterValue { name: "day".into(), title: "Day".into(), value: Value::Day(DAY) };
    let shift = ParameterValue {
        name: "shift".into(),
        title: "Shift".into(),
        value: Value::Text("G".into()),
    };
    let parameters = vec![day, shift];
    let id = receipt::report_id(report, &parameters, &versions);
    let tables = report.queries.iter().zip(batches).map(|(query, batch)| {
        let rows = Rows { schema: batch.schema(), batches: vec![batch], is_truncated: false };
        table(query, rows, language, &id).unwrap()
    });
    let tables = tables.collect();
    Data {
        report: report.name.clone(),
        title: report.title.in_language(language).to_owned(),
        description: report.description.in_language(language).to_owned(),
        language: language.to_owned(),
        plant: "Kerala".into(),
        zone: Kolkata,
        currency: "INR".into(),
        issued_at_us: Some(NOW_US),
        as_of_us: Some(NOW_US - 60_000_000),
        url: Some(format!("https://cockpit.example/reports/daily?day=2026-02-02&id={id}")),
        id,
        parameters,
        tables,
        versions,
        is_sample: false,
    }
}
