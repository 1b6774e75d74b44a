//! Landing: the rows of a stream into bronze, `silver.rejected` and silver, cycle by cycle.

use super::super::Lake;
use super::super::models::Step;
use super::super::refine::Refinery;
use super::super::refine::rejected;
use super::super::table::{State, Table};
use super::Partition;
use super::interpret::Interpreted;
use super::rejected_sink::RejectedSink;
use super::sink::Sink;
use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use plant::contract::Contract;
use std::collections::BTreeMap;

/// The last offset of each partition.
pub type Offsets = BTreeMap<Partition, i64>;

pub(crate) fn checkpoints(offsets: &Offsets) -> BTreeMap<String, i64> {
    offsets.iter().map(|(partition, offset)| (partition.checkpoint(), *offset)).collect()
}

/// Messages on their way into the lake.
pub struct Chunk {
    /// The bronze rows; `None` if they are there already.
    pub bronze: Option<RecordBatch>,
    pub interpreted: Interpreted,
    /// The last offset of each partition among them.
    pub offsets: Offsets,
}

impl Chunk {
    /// Chunks that follow each other, as one; `None` if there are none.
    pub fn joined(mut chunks: Vec<Self>) -> anyhow::Result<Option<Self>> {
        if chunks.len() <= 1 {
            return Ok(chunks.pop());
        }
        let joined = |of: &dyn Fn(&Self) -> &RecordBatch| -> anyhow::Result<RecordBatch> {
            Ok(concat_batches(of(&chunks[0]).schema_ref(), chunks.iter().map(of))?)
        };
        let rows = joined(&|it| &it.interpreted.rows)?;
        let rejected = joined(&|it| &it.interpreted.rejected)?;
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

/// Lands the chunks of one stream. After an error it must not be used again: whoever goes on starts
/// from what the lake says.
pub struct Lander {
    pub(super) refinery: Refinery,
    /// Columns that say when two messages say the same.
    pub(super) key: Vec<String>,
    pub(super) bronze: Sink,
    pub(super) silver: Sink,
    rejected: Vec<RecordBatch>,
    pub(super) rejected_sink: RejectedSink,
    /// Offsets of what was taken since the last commit.
    taken: Offsets,
    rows: usize,
    /// Further checkpoints of bronze that its next commit has.
    pub(super) marks: BTreeMap<String, i64>,
}

impl Lander {
    pub fn new(refinery: &Refinery, step: &Step, contract: &Contract) -> anyhow::Result<Self> {
        Ok(Self {
            bronze: Sink::bronze(&refinery.lake, contract)?,
            silver: Sink::silver(refinery, step, contract)?,
            refinery: refinery.clone(),
            key: step.model.key.clone(),
            rejected: Vec::new(),
            rejected_sink: RejectedSink::default(),
            taken: Offsets::new(),
            rows: 0,
            marks: BTreeMap::new(),
        })
    }

    /// Messages taken since the last commit.
    pub fn pending(&self) -> usize {
        self.rows
    }

    /// Takes messages; they count once they are committed.
    pub async fn take(&mut self, chunk: Chunk) -> anyhow::Result<()> {
        let lake = self.refinery.lake.clone();
        if let Some(rows) = &chunk.bronze {
            self.bronze.write(&lake, rows).await?;
            self.rows += rows.num_rows();
        }
        self.silver.write(&lake, &chunk.interpreted.rows).await?;
        if chunk.interpreted.rejected.num_rows() > 0 {
            self.rejected.push(chunk.interpreted.rejected);
        }
        for (partition, offset) in chunk.offsets {
            let last = self.taken.entry(partition).or_insert(offset);
            *last = offset.max(*last);
        }
        Ok(())
    }

    /// Commits what was taken: bronze, then the rejected, then silver.
    pub async fn commit(&mut self) -> anyhow::Result<Offsets> {
        let offsets = std::mem::take(&mut self.taken);
        if offsets.is_empty() {
            return Ok(offsets);
        }
        let lake = self.refinery.lake.clone();
        // The disk takes its time with each file, and can take it for both at once.
        tokio::try_join!(self.bronze.pack(), self.silver.pack())?;
        if std::mem::take(&mut self.rows) > 0 {
            let mut reached = checkpoints(&offsets);
            reached.append(&mut self.marks);
            self.bronze.commit(&lake, reached).await?;
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

/// The last offset of each of these partitions that a table contains.
pub(crate) async fn reached(
    table: &Table,
    state: Option<&State>,
    partitions: impl IntoIterator<Item = &Partition>,
) -> anyhow::Result<Offsets> {
    let mut offsets = Offsets::new();
    let Some(state) = state else { return Ok(offsets) };
    for partition in partitions {
        if let Some(offset) = table.checkpoint(state, &partition.checkpoint()).await? {
            offsets.insert(partition.clone(), offset);
        }
    }
    Ok(offsets)
}

/// The rows behind the offsets the lake has already.
pub(super) fn behind(rows: &RecordBatch, known: &Offsets) -> anyhow::Result<RecordBatch> {
    Ok(filter_record_batch(rows, &is_behind(rows, known)?)?)
}

/// Which rows those are.
pub(crate) fn is_behind(rows: &RecordBatch, known: &Offsets) -> anyhow::Result<BooleanArray> {
    let column = |name| anyhow::Ok(rows.column(rows.schema().index_of(name)?).clone());
    let (topics, numbers) = (column("_topic")?, column("_partition")?);
    let (topics, offsets) = (topics.as_string::<i32>(), column("_offset")?);
    let numbers = numbers.as_primitive::<arrow::datatypes::Int32Type>();
    let offsets = offsets.as_primitive::<arrow::datatypes::Int64Type>();
    let is_new = |row: usize| {
        let partition = Partition { topic: topics.value(row).into(), number: numbers.value(row) };
        known.get(&partition).is_none_or(|last| offsets.value(row) > *last)
    };
    Ok((0..offsets.len()).map(|row| Some(is_new(row))).collect())
}
