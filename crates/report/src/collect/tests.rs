//! Parameters, versions and rows of a report.

use super::*;
use crate::Engine;
use crate::data::Value;
use crate::source::TableVersion;
use crate::testing::{DAY, DEFINITION, NOW_US, TEMPLATE, definition, hours, plant, states};
use async_trait::async_trait;
use config::model::TableName;
use config::reports::Format;
use std::collections::BTreeSet;
use std::sync::Mutex;

/// A lake with one version of each table, which records what is asked of it.
#[derive(Default)]
struct Lake {
    asked: Mutex<Vec<String>>,
    is_slow: bool,
    fails_at: Option<usize>,
    /// Statements that list choices have no rows.
    is_empty: bool,
}

#[async_trait]
impl Source for Lake {
    async fn versions(
        &self,
        tables: &BTreeSet<TableName>,
        at_us: Option<i64>,
    ) -> Result<Versions, Error> {
        let version = TableVersion { version: 7, committed_at_us: at_us.unwrap_or(NOW_US) - 1 };
        Ok(tables.iter().map(|name| (name.to_string(), version)).collect())
    }

    async fn rows(
        &self,
        statements: &[Bound<'_>],
        versions: &Versions,
        limits: &[QueryLimits],
    ) -> Result<Vec<Rows>, (usize, Error)> {
        if self.is_slow {
            std::future::pending::<()>().await;
        }
        let mut asked = self.asked.lock().unwrap();
        let values: Vec<String> =
            statements[0].values.iter().map(|(name, value)| format!("{name}={value}")).collect();
        asked.push(format!("{} {:?}", values.join(" "), limits[0].rows_max));
        if let Some(at) = self.fails_at {
            let message = "no such column".to_owned();
            return Err((
                at,
                Error::Statement { file: String::new(), line: 1, query: String::new(), message },
            ));
        }
        assert_eq!(versions.len(), 2);
        if self.is_empty && statements.len() == 1 {
            let batch = hours(0);
            return Ok(vec![Rows {
                schema: batch.schema(),
                batches: vec![batch],
                is_truncated: false,
            }]);
        }
        let all = [hours(5), states()];
        let rows = |batch: RecordBatch| Rows {
            schema: batch.schema(),
            batches: vec![batch],
            is_truncated: false,
        };
        Ok(all.into_iter().map(rows).collect())
    }
}

fn request(values: &[(&str, &str)]) -> Request {
    let parameters = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Request { parameters: parameters.collect(), now_us: NOW_US, ..Request::default() }
}

/// The value of a parameter of a report that is run now.
async fn value(from: &str, to: &str, request: &Request) -> Result<Value, Error> {
    let report = definition(&DEFINITION.replacen(from, to, 1), TEMPLATE);
    let data = collect(&report, request, &plant(), &Lake::default()).await?;
    let name = if from.contains("yesterday") { "day" } else { "shift" };
    Ok(data.values()[name].clone())
}

#[tokio::test]
async fn data_has_rows_versions_receipts_and_an_address() {
    let (report, lake) = (definition(DEFINITION, TEMPLATE), Lake::default());
    let data = collect(&report, &request(&[]), &plant(), &lake).await.unwrap();
    assert_eq!(lake.asked.lock().unwrap()[0], "day=2026-02-02 shift=G 100");
    assert_eq!((data.row_count(), data.as_of_us), (11, Some(NOW_US - 1)));
    assert_eq!(data.versions["gold.time_ledger"].version, 7);
    assert_eq!((data.id.len(), data.tables[0].receipt.len()), (8, 6));
    assert_ne!(data.tables[0].receipt, data.tables[1].receipt);
    let address =
        format!("https://cockpit.example/base/reports/daily?day=2026-02-02&shift=G&id={}", data.id);
    assert_eq!(data.url.as_deref(), Some(address.as_str()));
    let (_, made) = data.tables[0].column("made").unwrap();
    assert_eq!(
        (made.title.as_str(), made.unit.as_deref(), made.digits),
        ("Made", Some("boards"), 0)
    );
}

#[tokio::test]
async fn the_receipt_differs_with_parameters_versions_and_definition() {
    let report = definition(DEFINITION, TEMPLATE);
    let lake = Lake::default();
    let first = collect(&report, &request(&[]), &plant(), &lake).await.unwrap();
    let again =
        Request { now_us: NOW_US + 1, pinned: Some(first.versions.clone()), ..request(&[]) };
    let again = collect(&report, &again, &plant(), &lake).await.unwrap();
    assert_eq!(first.id, again.id);
    let other =
        collect(&report, &request(&[("day", "2026-02-01")]), &plant(), &lake).await.unwrap();
    assert_ne!(first.id, other.id);
    let mut versions = first.versions.clone();
    versions.values_mut().next().unwrap().version = 8;
    let newer = Request { pinned: Some(versions), ..request(&[]) };
    assert_ne!(first.id, collect(&report, &newer, &plant(), &lake).await.unwrap().id);
    let edited = definition(DEFINITION, "= Other");
    assert_ne!(first.id, collect(&edited, &request(&[]), &plant(), &lake).await.unwrap().id);
}

#[tokio::test]
async fn defaults_are_resolved_in_plant_time() {
    let day = |offset: i32| Value::Day(DAY + offset);
    // 06:30 on 2026-02-03; the only shift begins at 06:00.
    let cases =
        [("yesterday", 0), ("today", 1), ("last", 0), ("last_week", -7), ("2026-01-31", -2)];
    for (default, offset) in cases {
        let found = value("yesterday", default, &request(&[])).await.unwrap();
        assert_eq!(found, day(offset), "{default}");
    }
    // One microsecond before the shift of 2026-02-02 ends, and when it ends.
    let end_us = NOW_US - 1_800_000_000;
    let before = Request { at_us: Some(end_us - 1), ..request(&[]) };
    assert_eq!(value("yesterday", "last", &before).await.unwrap(), day(-1));
    assert_eq!(value("yesterday", "today", &before).await.unwrap(), day(0));
    let at = Request { at_us: Some(end_us), ..request(&[]) };
    assert_eq!(value("yesterday", "last", &at).await.unwrap(), day(0));
    let then = Request { as_of_us: Some(end_us - 1), ..request(&[]) };
    assert_eq!(value("yesterday", "today", &then).await.unwrap(), day(0));
    assert_eq!(value("\"last\"", "\"current\"", &at).await.unwrap(), Value::Text("G".into()));
}

#[tokio::test]
async fn a_first_choice_that_the_lake_does_not_have_yet_is_empty() {
    let to = "kind = \"text\"\ndefault = \"first\"\nvalues = \"select hour from gold.production_hourly\"";
    let report =
        definition(&DEFINITION.replacen("kind = \"shift\"\ndefault = \"last\"", to, 1), TEMPLATE);
    let lake = Lake { is_empty: true, ..Lake::default() };
    let data = collect(&report, &request(&[]), &plant(), &lake).await.unwrap();
    assert_eq!(data.values()["shift"], Value::Text(String::new()));
}

#[tokio::test]
async fn files_do_not_depend_on_the_time_of_rendering() {
    let (report, plant) = (definition(DEFINITION, TEMPLATE), plant());
    let engine = Engine::new(&plant.limits);
    let day = [("day", "2026-02-02"), ("shift", "G")];
    let render = async |now_us: i64, issued_at_us: Option<i64>, format: Format| {
        let request = Request { now_us, issued_at_us, ..request(&day) };
        let data = collect(&report, &request, &plant, &Lake::default()).await.unwrap();
        engine.render(&report, &data, format).unwrap()
    };
    let later_us = NOW_US + 600_000_000;
    for format in Format::ALL {
        let first = render(NOW_US, None, format).await;
        assert_eq!(first, render(later_us, None, format).await, "{}", format.as_str());
        let issued = render(later_us, Some(NOW_US), format).await;
        assert_eq!(issued, render(NOW_US, Some(NOW_US), format).await, "{}", format.as_str());
        // CSV has no other times than those of its rows.
        assert_eq!(issued == first, format == Format::Csv, "{}", format.as_str());
    }
}

#[tokio::test]
async fn invalid_parameters_are_refused() {
    let check = async |values: &[(&str, &str)], expected: &str| {
        let found = value("yesterday", "today", &request(values)).await.unwrap_err();
        assert_eq!(found.to_string(), expected);
        assert!(found.is_bad_request());
    };
    check(&[("dya", "x")], "unknown parameter `dya`; Did you mean `day`? Known here: day, shift.")
        .await;
    check(&[("day", "soon")], "invalid day `soon`: expected a day such as 2026-01-31").await;
    check(&[("shift", "X")], "invalid shift `X`: expected a shift: G").await;
}

#[tokio::test]
async fn the_error_of_a_statement_has_file_and_line() {
    let report = definition(DEFINITION, TEMPLATE);
    let lake = Lake { fails_at: Some(1), ..Lake::default() };
    let error = collect(&report, &request(&[]), &plant(), &lake).await.unwrap_err();
    let line = 1 + DEFINITION.lines().position(|line| line.contains("gold.time_ledger")).unwrap();
    let expected =
        format!("reports/daily/report.toml:{line}: the query `states` failed: no such column");
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn queries_end_within_their_time() {
    let report = definition(DEFINITION, TEMPLATE);
    let lake = Lake { is_slow: true, ..Lake::default() };
    let mut plant = plant();
    plant.limits.report_time_s = 0;
    let error = collect(&report, &request(&[]), &plant, &lake).await.unwrap_err();
    assert!(error.to_string().contains("report_time_s = 0"), "{error}");
}
