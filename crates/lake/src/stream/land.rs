//! Landing: the rows of a stream are committed to bronze, `silver.rejected` and silver, in this order.

use crate::context::LakeContext;
use crate::lake::Lake;
use crate::offsets::{Offsets, advance, checkpoints};
use crate::plan::Step;
use crate::rejected;
use crate::stream::interpret::Interpreted;
use crate::stream::rejected_sink::RejectedSink;
use crate::stream::sink::Sink;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use plant::contract::Contract;
use std::collections::BTreeMap;

/// Interpreted messages to be landed.
pub struct Chunk {
    /// The bronze rows; `None` if bronze has them already.
    pub bronze: Option<RecordBatch>,
    pub interpreted: Interpreted,
    /// The last offset of each partition among them.
    pub offsets: Offsets,
}

impl Chunk {
    /// Consecutive chunks as one; `None` if there are none.
    pub fn concat(mut chunks: Vec<Self>) -> anyhow::Result<Option<Self>> {
        if chunks.len() <= 1 {
            return Ok(chunks.pop());
        }
        let rows = chunks.iter().map(|it| &it.interpreted.rows);
        let rows = concat_batches(chunks[0].interpreted.rows.schema_ref(), rows)?;
        let rejected = chunks.iter().map(|it| &it.interpreted.rejected);
        let rejected = concat_batches(chunks[0].interpreted.rejected.schema_ref(), rejected)?;
        let landing: Vec<&RecordBatch> =
            chunks.iter().filter_map(|it| it.bronze.as_ref()).collect();
        let bronze = match landing.first() {
            Some(first) => Some(concat_batches(first.schema_ref(), landing.iter().copied())?),
            None => None,
        };
        let mut offsets = Offsets::new();
        for (partition, offset) in chunks.into_iter().flat_map(|it| it.offsets) {
            // Later offsets are greater.
            offsets.insert(partition, offset);
        }
        Ok(Some(Self { bronze, interpreted: Interpreted { rows, rejected }, offsets }))
    }
}

/// Lands the chunks of one stream. After an error it must not be used again; resume from the offsets in the
/// lake.
pub struct Lander {
    pub(crate) context: LakeContext,
    /// Columns whose values identify duplicates.
    pub(crate) key: Vec<String>,
    pub(crate) bronze: Sink,
    pub(crate) silver: Sink,
    rejected: Vec<RecordBatch>,
    pub(crate) rejected_sink: RejectedSink,
    /// Last offsets of the messages since the last commit.
    pending: Offsets,
    rows: usize,
    /// Further checkpoints of the next commit of bronze.
    pub(crate) marks: BTreeMap<String, i64>,
}

impl Lander {
    pub fn new(context: &LakeContext, step: &Step, contract: &Contract) -> anyhow::Result<Self> {
        Ok(Self {
            bronze: Sink::bronze(&context.lake, contract)?,
            silver: Sink::silver(context, step, contract)?,
            context: context.clone(),
            key: step.model.key.clone(),
            rejected: Vec::new(),
            rejected_sink: RejectedSink::default(),
            pending: Offsets::new(),
            rows: 0,
            marks: BTreeMap::new(),
        })
    }

    /// The number of messages since the last commit.
    pub fn pending_rows(&self) -> usize {
        self.rows
    }

    /// Writes messages; they are part of the lake once they are committed.
    pub async fn write(&mut self, chunk: Chunk) -> anyhow::Result<()> {
        let lake = self.context.lake.clone();
        if let Some(rows) = &chunk.bronze {
            self.bronze.write(&lake, rows).await?;
            self.rows += rows.num_rows();
        }
        self.silver.write(&lake, &chunk.interpreted.rows).await?;
        if chunk.interpreted.rejected.num_rows() > 0 {
            self.rejected.push(chunk.interpreted.rejected);
        }
        for (partition, offset) in chunk.offsets {
            advance(&mut self.pending, partition, offset);
        }
        Ok(())
    }

    /// Commits what was written: bronze, then the rejected, then silver. If the process dies in between, the
    /// offsets of bronze are ahead, and the next owner of the partitions completes the others from bronze.
    pub async fn commit(&mut self) -> anyhow::Result<Offsets> {
        let offsets = std::mem::take(&mut self.pending);
        if offsets.is_empty() {
            return Ok(offsets);
        }
        let lake = self.context.lake.clone();
        // Closing a file waits for the disk; both files can wait at once.
        tokio::try_join!(self.bronze.close_files(), self.silver.close_files())?;
        if std::mem::take(&mut self.rows) > 0 {
            let mut contained = checkpoints(&offsets);
            contained.append(&mut self.marks);
            self.bronze.commit(&lake, contained).await?;
        }
        self.commit_rejected(&lake, &offsets).await?;
        self.silver.commit(&lake, checkpoints(&offsets)).await?;
        Ok(offsets)
    }

    async fn commit_rejected(&mut self, lake: &Lake, offsets: &Offsets) -> anyhow::Result<()> {
        let rejected = std::mem::take(&mut self.rejected);
        if rejected.is_empty() {
            return Ok(());
        }
        let _turn = lake.rejected_turn.lock().await;
        let table = lake.table(&rejected::name())?;
        let (names, now_ms) = (lake.names(), lake.now_ms());
        let mut writer = table.writer(rejected::schema(), lake.sizes(), names, now_ms);
        for rows in rejected {
            writer.write(&rows).await?;
        }
        self.rejected_sink.commit(lake, table, writer.finish().await?, checkpoints(offsets)).await
    }
}
