//! Computes rows on threads of their own.
//!
//! *In*: data frames.
//! *Out*: streams of their batches.
//! *Promise*: a computation that occupies its thread for seconds delays neither connections, nor the live stream, nor
//! limits of time, which have other threads. It ends soon after its stream is dropped.

mod interrupt;

use super::error::Error;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::dataframe::DataFrame;
use datafusion::error::{DataFusionError, Result as Computed};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::execute_stream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures::future::BoxFuture;
use futures::{StreamExt as _, stream};
use interrupt::{Interrupt, InterruptOnDrop};
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Batches that are computed before they are read: the next one, while one is encoded.
const BATCHES_AHEAD: usize = 1;

/// A batch, or `None` after the last one. Without it a computation has ended early.
type Item = Option<Computed<RecordBatch>>;

/// The threads that compute rows; by default those of the caller.
#[derive(Debug, Clone, Default)]
pub struct Compute(Option<Handle>);

impl Compute {
    /// The threads of a runtime, which runs nothing else.
    pub fn new(runtime: Handle) -> Self {
        Self(Some(runtime))
    }

    /// The rows of `frame`.
    ///
    /// # Errors
    /// The frame cannot be executed.
    pub fn stream(
        &self,
        frame: DataFrame,
    ) -> BoxFuture<'static, Result<SendableRecordBatchStream, Error>> {
        let (started, schema) = oneshot::channel();
        let (sender, batches) = channel(BATCHES_AHEAD);
        let (mut task, interrupt) = (JoinSet::new(), Interrupt::default());
        let interrupted = InterruptOnDrop(interrupt.clone());
        task.spawn_on(compute(frame, interrupt, started, sender), &self.runtime());
        Box::pin(async move {
            let schema = schema.await.unwrap_or_else(|_lost| Err(ended_early()))?;
            let rows =
                stream::try_unfold(Open { batches, _task: task, _interrupted: interrupted }, next);
            let rows: SendableRecordBatchStream =
                Box::pin(RecordBatchStreamAdapter::new(schema, rows));
            Ok(rows)
        })
    }

    /// The number of rows of `frame`.
    ///
    /// # Errors
    /// The frame cannot be executed.
    pub fn count(&self, frame: DataFrame) -> BoxFuture<'static, Result<usize, Error>> {
        let mut task = JoinSet::new();
        task.spawn_on(frame.count(), &self.runtime());
        Box::pin(async move {
            match task.join_next().await {
                Some(Ok(counted)) => Ok(counted?),
                _ => Err(ended_early().into()),
            }
        })
    }

    fn runtime(&self) -> Handle {
        self.0.clone().unwrap_or_else(Handle::current)
    }
}

/// The reading side of a computation.
struct Open {
    batches: Receiver<Item>,
    _task: JoinSet<()>,
    _interrupted: InterruptOnDrop,
}

async fn next(mut open: Open) -> Computed<Option<(RecordBatch, Open)>> {
    match open.batches.recv().await {
        Some(Some(batch)) => Ok(Some((batch?, open))),
        Some(None) => Ok(None),
        None => Err(ended_early()),
    }
}

/// Sends the columns, then the batches, until the receiver is dropped.
async fn compute(
    frame: DataFrame,
    interrupt: Interrupt,
    started: oneshot::Sender<Computed<SchemaRef>>,
    sender: Sender<Item>,
) {
    let (schema, stream) = match Box::pin(execute(frame, &interrupt)).await {
        Ok(stream) => (Ok(stream.schema()), Some(stream)),
        Err(failed) => (Err(failed), None),
    };
    let is_read = started.send(schema).is_ok();
    let Some(mut stream) = stream.filter(|_| is_read) else { return };
    while let Some(batch) = stream.next().await {
        if sender.send(Some(batch)).await.is_err() {
            return;
        }
    }
    // This fails if the stream was dropped.
    let _is_read = sender.send(None).await.is_ok();
}

async fn execute(frame: DataFrame, interrupt: &Interrupt) -> Computed<SendableRecordBatchStream> {
    let context = Arc::new(frame.task_ctx());
    let plan = interrupt.guard(frame.create_physical_plan().await?)?;
    execute_stream(plan, context)
}

fn ended_early() -> DataFusionError {
    DataFusionError::Internal("the computation of a statement has ended early".to_owned())
}

#[cfg(test)]
mod tests;
