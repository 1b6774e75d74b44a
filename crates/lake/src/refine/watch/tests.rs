use crate::error::Stalled;
use crate::refine::watch::Watch;
use crate::session;
use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use config::model::TableName;
use config::settings::Limits;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::SessionContext;
use futures::StreamExt as _;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

/// Long enough for a busy machine, short enough for a test.
const LIMIT: Duration = Duration::from_millis(500);

/// An input that returns some batches with pauses, and then either ends or blocks forever.
#[derive(Debug)]
struct Input {
    schema: SchemaRef,
    batches: u32,
    pause: Duration,
    ends: bool,
}

impl Input {
    fn new(batches: u32, pause: Duration, ends: bool) -> Arc<Self> {
        let schema = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
        Arc::new(Self { schema, batches, pause, ends })
    }
}

impl PartitionStream for Input {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (schema, pause, ends) = (self.schema.clone(), self.pause, self.ends);
        let ids = Arc::new(Int64Array::from(vec![1, 2, 3]));
        let batch = RecordBatch::try_new(schema.clone(), vec![ids]).unwrap();
        let given = futures::stream::iter(0..self.batches).then(move |_| {
            let batch = batch.clone();
            async move {
                tokio::time::sleep(pause).await;
                Ok(batch)
            }
        });
        let rest = futures::stream::once(async move {
            if !ends {
                pending::<()>().await;
            }
        });
        let rest = rest.filter_map(|()| async { None });
        Box::pin(RecordBatchStreamAdapter::new(schema, given.chain(rest)))
    }
}

/// A session in two partitions over two such inputs, `silver.a` and `silver.b`.
fn session(inputs: [Arc<Input>; 2]) -> SessionContext {
    let limits = Limits::default();
    let session = session::empty(&limits, session::runtime(&limits).unwrap(), 2);
    for (name, input) in ["a", "b"].into_iter().zip(inputs) {
        let schema = input.schema.clone();
        let table = StreamingTable::try_new(schema, vec![input]).unwrap();
        session::register(&session, &TableName::new("silver", name), Arc::new(table)).unwrap();
    }
    session
}

const JOINED: &str =
    "SELECT a.id, count(*) AS n FROM silver.a AS a JOIN silver.b AS b ON b.id = a.id GROUP BY a.id";

async fn watched(watch: &Watch, inputs: [Arc<Input>; 2]) -> Result<usize, Stalled> {
    let session = session(inputs);
    let work = async {
        watch.phase("running its statement");
        let batches = watch.collect(session.sql(JOINED).await?).await?;
        Ok::<usize, datafusion::error::DataFusionError>(
            batches.iter().map(RecordBatch::num_rows).sum(),
        )
    };
    watch.run(LIMIT, work).await.map(|done| done.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_over_a_stalled_input_is_cancelled_with_its_operators() {
    let now = Duration::ZERO;
    let inputs = [Input::new(2, now, true), Input::new(2, now, false)];
    let stalled = watched(&Watch::default(), inputs).await.unwrap_err();
    let text = stalled.to_string();
    assert!(text.contains("while running its statement; waiting for: "), "{text}");
    assert!(text.contains("StreamingTableExec"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_statement_is_not_cancelled() {
    // Longer than the limit in total, but each pause is shorter.
    let slow = || Input::new(12, LIMIT / 5, true);
    assert_eq!(watched(&Watch::default(), [slow(), slow()]).await, Ok(3));
}

#[tokio::test]
async fn work_that_is_never_woken_is_cancelled() {
    let watch = Watch::default();
    watch.phase("writing its files");
    let stalled = watch.run(LIMIT, pending::<()>()).await.unwrap_err();
    assert_eq!((stalled.phase, stalled.operators.len()), ("writing its files", 0));
}

#[tokio::test]
async fn work_that_is_woken_is_not_cancelled() {
    let work = async {
        for _ in 0..20 {
            tokio::time::sleep(LIMIT / 10).await;
        }
        7
    };
    assert_eq!(Watch::default().run(LIMIT, work).await, Ok(7));
}

#[tokio::test]
async fn waiting_for_a_turn_is_not_a_stall() {
    let watch = Watch::default();
    let (give, turn) = tokio::sync::oneshot::channel();
    let work = watch.run(LIMIT, watch.turn(turn));
    let other = async {
        tokio::time::sleep(LIMIT * 3).await;
        give.send(5).unwrap();
    };
    let (done, ()) = tokio::join!(work, other);
    assert_eq!(done.unwrap(), Ok(5));
}
