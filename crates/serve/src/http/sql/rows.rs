//! The rows of a statement, computed by a task of their own.
//!
//! So the time limit is observed, and the permission to run is released, also while the client reads
//! nothing.

use super::Running;
use crate::http::error::Error;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;

/// Batches, then `None` at the end of the rows.
type Item = Result<Option<RecordBatch>, Error>;

/// The frames of a statement that is executed several times. Each is made when the one before it has ended.
pub type Frames = Box<dyn Iterator<Item = Result<DataFrame, Error>> + Send>;

/// The rows of a statement. It is cancelled when this is dropped.
pub struct Rows {
    schema: SchemaRef,
    items: Receiver<Item>,
    is_over: bool,
    _task: JoinSet<()>,
}

impl Rows {
    pub(super) fn new(
        running: Running,
        first: SendableRecordBatchStream,
        later: Frames,
        batches_ahead: usize,
    ) -> Self {
        let schema = first.schema();
        let (sender, items) = channel(batches_ahead.max(1));
        let mut task = JoinSet::new();
        task.spawn(produce(running, first, later, sender));
        Self { schema, items, is_over: false, _task: task }
    }

    /// The columns.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The next batch; `None` after the last one.
    ///
    /// # Errors
    /// The statement fails, or exceeds its time or rows.
    pub fn next_batch(&mut self) -> BoxFuture<'_, Result<Option<RecordBatch>, Error>> {
        Box::pin(async {
            if self.is_over {
                return Ok(None);
            }
            let item = self.items.recv().await;
            let item = item.unwrap_or_else(|| {
                Err(Error::internal(anyhow::anyhow!("the task of a statement has ended early")))
            });
            self.is_over = !matches!(item, Ok(Some(_)));
            item
        })
    }
}

/// Computes the rows. The permission to run is released before the last item waits for its reader.
async fn produce(
    mut running: Running,
    first: SendableRecordBatchStream,
    later: Frames,
    sender: Sender<Item>,
) {
    let sent = running.send_each(first, later, &sender).await;
    let end = match sent {
        Ok(()) => running.receipt.close().map(|()| None),
        Err(error) => Err(error),
    };
    drop(running);
    // This fails if the rows were dropped.
    let _is_read = sender.send(end).await.is_ok();
}

impl Running {
    async fn send_each(
        &mut self,
        first: SendableRecordBatchStream,
        later: Frames,
        sender: &Sender<Item>,
    ) -> Result<(), Error> {
        let mut is_read = self.send(first, sender).await?;
        for frame in later {
            if !is_read {
                break;
            }
            let stream = self.deadline.within(self.compute.stream(frame?)).await??;
            is_read = self.send(stream, sender).await?;
        }
        Ok(())
    }

    /// Sends the rows of one execution; false if the reader has left.
    async fn send(
        &mut self,
        mut stream: SendableRecordBatchStream,
        sender: &Sender<Item>,
    ) -> Result<bool, Error> {
        while let Some(batch) = self.deadline.within(stream.next()).await?.transpose()? {
            let rows = self.receipt.rows + batch.num_rows() as u64;
            if rows > self.rows_max {
                let message = format!("more than {} rows; filter or aggregate them", self.rows_max);
                return Err(Error::bad("too_many_rows", message));
            }
            if self.deadline.within(sender.send(Ok(Some(batch)))).await?.is_err() {
                return Ok(false);
            }
            self.receipt.rows = rows;
        }
        Ok(true)
    }
}
