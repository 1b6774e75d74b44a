//! Time and memory of rendering alone: `cargo test -p report --lib -- --ignored bench_ --nocapture --test-threads 1`.

use super::*;
use crate::check::sample;
use crate::collect::PlantContext;
use crate::sheet::Workbook;
use crate::source::Rows;
use config::folder;
use lake::plan::{known, planner};
use std::time::Duration;
use tokio::time::Instant;

/// Rows of each query of the shift summary, about those of a shift of the reference plant.
const ROWS: usize = 24;
const RUNS: usize = 100;
/// Rows and batches of the large sheet.
const BATCHES: usize = 250;
const BATCH_ROWS: usize = 4_000;

/// The shift summary of the reference plant with made-up rows.
async fn shift_summary() -> (Arc<Definition>, Data, Engine) {
    let plant = folder::read(&folder::texts(None).unwrap()).0.unwrap();
    let (steps, _) = planner::plan(&plant).await.unwrap();
    let session = known::session(&steps).unwrap();
    let report = plant.reports["shift-summary"].clone();
    let mut rows = Vec::new();
    for query in &report.queries {
        let plan = session.state().create_logical_plan(&query.statement.sql).await.unwrap();
        let schema = Arc::new(plan.schema().as_arrow().clone());
        let batches = vec![sample::batch(&schema, ROWS).unwrap()];
        rows.push(Rows { schema, batches, is_truncated: false });
    }
    let context = PlantContext::new(&plant, None);
    let data = sample::data(&report, rows, &context).unwrap();
    (report, data, Engine::new(&context.limits))
}

#[tokio::test]
#[ignore = "a bench"]
async fn bench_shift_summary() {
    let (report, data, engine) = shift_summary().await;
    for format in [Format::Pdf, Format::Xlsx, Format::Html] {
        let mut times: Vec<Duration> = Vec::new();
        for run in 0..RUNS {
            // Other data each time: the compiler reuses its results for equal files.
            let data = Data { id: format!("{run:08}"), ..data.clone() };
            let started = Instant::now();
            engine.render(&report, &data, format).unwrap();
            times.push(started.elapsed());
        }
        times.sort();
        let (p50, p99) = (times[RUNS / 2], times[RUNS * 99 / 100]);
        println!("shift summary to {}: p50 {p50:?}, p99 {p99:?}", format.as_str());
    }
}

#[test]
#[ignore = "a bench"]
fn bench_million_rows_to_xlsx() {
    let report = crate::testing::definition(crate::testing::DEFINITION, "= x");
    let data = crate::testing::data(&report, &crate::testing::hours(BATCH_ROWS as i64), "en");
    let table = &data.tables[0];
    let before = peak_kib();
    let started = Instant::now();
    let mut workbook = Workbook::new("bench", crate::testing::NOW_US, data.zone).unwrap();
    let mut sheet = workbook.sheet("rows", &table.columns, "bench").unwrap();
    for _ in 0..BATCHES {
        sheet.push(&table.batches[0]).unwrap();
    }
    let rows = sheet.finish().unwrap();
    let bytes = workbook.finish().unwrap().len();
    let (time, after) = (started.elapsed(), peak_kib());
    println!(
        "{rows} rows of 8 columns to XLSX: {time:?}, {} MiB, peak memory {} -> {} MiB",
        bytes >> 20,
        before >> 10,
        after >> 10
    );
}

/// The peak memory of this process in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
