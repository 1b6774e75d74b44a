use crate::session;
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::pretty::pretty_format_batches;
use config::model::TableName;
use config::settings::Limits;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

const ROWS: i64 = 300_000;
const BATCH_ROWS: usize = 512;
const ASKED: &str = "SELECT count(*) AS boards, sum(l.id) AS ids, count(small.id) AS found, \
    min(l.text || r.text) AS texts FROM silver.large AS l JOIN silver.other AS r ON r.id = l.id \
    LEFT JOIN silver.small AS small ON small.id = l.id";

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.refine.memory_bytes = 8 << 20;
    limits.lake.batch_rows = BATCH_ROWS;
    limits
}

fn register(session: &SessionContext, name: &str, ids: impl Iterator<Item = i64>) {
    let ids: Vec<i64> = ids.collect();
    let batch = |ids: &[i64]| {
        let texts = ids.iter().map(|id| Some(format!("a text as long as texts are, {id}")));
        let columns: [(&str, ArrayRef); 2] = [
            ("text", Arc::new(texts.collect::<StringArray>())),
            ("id", Arc::new(Int64Array::from(ids.to_vec()))),
        ];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let batches: Vec<RecordBatch> = ids.chunks(BATCH_ROWS).map(batch).collect();
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    session::register(session, &TableName::new("silver", name), Arc::new(table)).unwrap();
}

async fn join_result(session: &SessionContext) -> Result<String> {
    // Every second row of one table is in the other, in reverse order.
    register(session, "large", 0..ROWS);
    register(session, "other", (0..ROWS).rev().map(|id| id * 2));
    register(session, "small", 0..10);
    let batches = session.sql(ASKED).await?.collect().await?;
    Ok(pretty_format_batches(&batches)?.to_string())
}

#[tokio::test]
async fn tables_larger_than_the_memory_are_joined() {
    let held = session::empty(&limits(), session::runtime(&limits()).unwrap(), 1);
    let error = join_result(&held).await.unwrap_err().to_string();
    assert!(error.contains("Resources exhausted"), "{error}");
    let found = ROWS / 2;
    let ids = found * (found - 1);
    let answer = join_result(&session::spilling(&limits()).unwrap()).await.unwrap();
    assert!(answer.contains(&format!("| {found} | {ids} | 5 ")), "{answer}");
    assert!(answer.contains("a text as long as texts are, 0a text"), "{answer}");
}

mod repartitioned;
