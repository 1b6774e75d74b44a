//! Statements whose conditions count their calls, and cancel at one of them.

use super::interrupt::{Interrupt, InterruptOnDrop};
use super::{Compute, Computed};
use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::pretty::pretty_format_batches;
use datafusion::dataframe::DataFrame;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::physical_plan::collect;
use datafusion::prelude::{SessionConfig, SessionContext};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::channel;

const BATCH_ROWS: usize = 100;
const LIMIT: Duration = Duration::from_secs(60);

/// A session with the function `never(bigint)`, which is false and calls `called` for each batch.
fn session(called: impl Fn() + Send + Sync + 'static) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(BATCH_ROWS);
    let session = SessionContext::new_with_config(config);
    let never = move |values: &[ColumnarValue]| -> Computed<ColumnarValue> {
        called();
        let rows = ColumnarValue::values_to_arrays(values)?.first().map_or(0, |it| it.len());
        let is_true: ArrayRef = Arc::new(BooleanArray::from(vec![false; rows]));
        Ok(ColumnarValue::Array(is_true))
    };
    session.register_udf(create_udf(
        "never",
        vec![DataType::Int64],
        DataType::Boolean,
        Volatility::Immutable,
        Arc::new(never),
    ));
    session
}

async fn rows(frame: DataFrame, interrupt: Option<&Interrupt>) -> Computed<Vec<RecordBatch>> {
    let context = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await?;
    let plan = match interrupt {
        Some(interrupt) => interrupt.guard(plan)?,
        None => plan,
    };
    collect(plan, context).await
}

/// How often `never` is called by a guarded statement, and whether it failed. The call with the number `cancel_at`
/// cancels it.
async fn calls(sql: &str, cancel_at: usize) -> (usize, bool) {
    let (interrupt, counted) = (Interrupt::default(), Arc::new(AtomicUsize::new(0)));
    let cancel = Mutex::new(Some(InterruptOnDrop(interrupt.clone())));
    let count = Arc::clone(&counted);
    let session = session(move || {
        if count.fetch_add(1, Ordering::Relaxed) + 1 == cancel_at {
            drop(cancel.lock().unwrap().take());
        }
    });
    let frame = session.sql(sql).await.unwrap();
    let found = rows(frame, Some(&interrupt)).await;
    if let Err(failed) = &found {
        assert!(failed.to_string().contains("cancelled"), "{sql}: {failed}");
    }
    (counted.load(Ordering::Relaxed), found.is_err())
}

#[tokio::test]
async fn a_cancelled_statement_without_rows_computes_no_further_batch() {
    for sql in [
        "SELECT * FROM generate_series(1, 900) a JOIN generate_series(1, 900) b ON never(a.value + b.value)",
        "SELECT * FROM generate_series(1, 900) a LEFT JOIN generate_series(1, 900) b ON never(a.value + b.value)",
        "SELECT value FROM generate_series(1, 9000) WHERE never(value)",
        "SELECT count(*) FROM generate_series(1, 9000) WHERE never(value)",
        "SELECT value FROM (SELECT value FROM generate_series(1, 9000) UNION ALL SELECT 1) a WHERE never(value)",
    ] {
        let (all, failed) = calls(sql, usize::MAX).await;
        assert!(all >= 9 && !failed, "{sql}: {all} calls");
        assert_eq!(calls(sql, 3).await, (3, true), "{sql}");
    }
}

#[tokio::test]
async fn a_statement_that_is_not_cancelled_keeps_its_rows() {
    let session = session(|| ());
    for sql in [
        "SELECT b.value, a.value FROM generate_series(1, 30) a LEFT JOIN generate_series(9, 40) b ON a.value > b.value",
        "SELECT a.value FROM generate_series(1, 30) a FULL JOIN generate_series(9, 40) b ON a.value > b.value + 1",
        "SELECT a.value, b.value FROM generate_series(1, 300) a JOIN generate_series(9, 400) b USING (value)",
        "SELECT a.value, b.value FROM generate_series(1, 30) a, generate_series(1, 30) b ORDER BY 2 DESC, 1",
        "SELECT value FROM generate_series(1, 30) UNION ALL SELECT 7",
        "WITH RECURSIVE n AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM n WHERE n < 9) SELECT sum(n) FROM n",
        "SELECT value FROM generate_series(1, 30) WHERE value IN (SELECT value FROM generate_series(20, 40))",
    ] {
        let frame = session.sql(sql).await.unwrap();
        let plain = rows(frame.clone(), None).await.unwrap();
        let guarded = rows(frame, Some(&Interrupt::default())).await.unwrap();
        let shown = |rows: &[RecordBatch]| pretty_format_batches(rows).unwrap().to_string();
        assert_eq!(shown(&guarded), shown(&plain), "{sql}");
        assert!(plain.iter().any(|it| it.num_rows() > 0), "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_stream_ends_its_computation() {
    let (sender, mut called) = channel(1);
    let endless = "SELECT * FROM generate_series(1, 900000) a JOIN generate_series(1, 900000) b \
        ON never(a.value + b.value)";
    // A full channel is as good as a sent call.
    let called_once = move || {
        let _is_full = sender.try_send(()).is_err();
    };
    let frame = session(called_once).sql(endless).await.unwrap();
    let stream = Compute::default().stream(frame).await.unwrap();
    assert!(called.recv().await.is_some(), "the statement computes");
    drop(stream);
    // The function, and the sender with it, is dropped with the plan.
    let ended = async { while called.recv().await.is_some() {} };
    tokio::time::timeout(LIMIT, ended).await.expect("the computation has ended");
}
