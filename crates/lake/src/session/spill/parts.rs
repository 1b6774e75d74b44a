//! The rows of one side of a join on disk, in parts by the hash of their join key.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::physical_expr::PhysicalExprRef;
use datafusion::physical_plan::EmptyRecordBatchStream;
use datafusion::physical_plan::SpillManager;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics, Time};
use datafusion::physical_plan::repartition::BatchPartitioner;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::StreamExt as _;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Rows of a part that are written together. All parts of a side gather as many.
const WRITTEN_ROWS: usize = 2_048;

/// Writes the rows of a stream into parts.
///
/// # Errors
/// Fails if the stream does, or if a file cannot be written.
pub async fn scatter(
    mut rows: SendableRecordBatchStream,
    keys: Vec<PhysicalExprRef>,
    parts: usize,
    context: &TaskContext,
    metrics: &ExecutionPlanMetricsSet,
) -> Result<Vec<Arc<JoinPart>>> {
    let schema = rows.schema();
    let metrics = SpillMetrics::new(metrics, 0);
    let manager = Arc::new(SpillManager::new(context.runtime_env(), metrics, schema.clone()));
    let mut partitioner = BatchPartitioner::new_hash_partitioner(keys, parts, Time::new())?;
    let file = |_| manager.create_in_progress_file("a part of a join");
    let mut files = (0..parts).map(file).collect::<Result<Vec<_>>>()?;
    let mut gathered: Vec<Gathered> = (0..parts).map(|_| Gathered::default()).collect();
    while let Some(batch) = rows.next().await {
        partitioner.partition(batch?, |part, batch| {
            let full = gathered[part].push(batch, &schema)?;
            full.map_or(Ok(()), |full| files[part].append_batch(&full).map(|_| ()))
        })?;
    }
    let mut written = Vec::with_capacity(parts);
    for (mut file, mut gathered) in files.into_iter().zip(gathered) {
        if let Some(last) = gathered.take(&schema)? {
            file.append_batch(&last)?;
        }
        let (manager, schema) = (manager.clone(), schema.clone());
        written.push(Arc::new(JoinPart { manager, schema, file: Mutex::new(file.finish()?) }));
    }
    Ok(written)
}

/// Rows of a part that are not written yet.
#[derive(Default)]
struct Gathered {
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl Gathered {
    /// Adds rows; returns all of them once they are enough.
    fn push(&mut self, batch: RecordBatch, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        self.rows += batch.num_rows();
        self.batches.push(batch);
        if self.rows >= WRITTEN_ROWS { self.take(schema) } else { Ok(None) }
    }

    fn take(&mut self, schema: &SchemaRef) -> Result<Option<RecordBatch>> {
        if std::mem::take(&mut self.rows) == 0 {
            return Ok(None);
        }
        Ok(Some(concat_batches(schema, &std::mem::take(&mut self.batches))?))
    }
}

/// A part that was written. It is read once; its file is deleted after that.
pub struct JoinPart {
    manager: Arc<SpillManager>,
    schema: SchemaRef,
    file: Mutex<Option<Arc<dyn SpillFile>>>,
}

impl fmt::Debug for JoinPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JoinPart")
    }
}

impl PartitionStream for JoinPart {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner).take();
        let stream = file.map(|file| self.manager.read_spill_as_stream(file, None));
        match stream {
            None => Box::pin(EmptyRecordBatchStream::new(self.schema.clone())),
            Some(Ok(stream)) => stream,
            Some(Err(error)) => {
                let failed = futures::stream::iter([Err(error)]);
                Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), failed))
            }
        }
    }
}
