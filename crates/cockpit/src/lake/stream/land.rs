//! Landing: the rows of a stream into bronze, `silver.rejected` and silver, cycle by cycle.

use super::super::append::Appender;
use super::super::models::Step;
use super::super::refine::Refinery;
use super::super::refine::cleaning;
use super::super::refine::rejected;
use super::super::table::{Change, Definition, State, Table};
use super::super::write::{DataWriter, Folder};
use super::super::{Lake, bronze};
use super::interpret::Interpreted;
use super::{DAY, Partition, with_day};
use crate::config::model::TableName;
use anyhow::{Context as _, bail};
use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, SchemaRef, TimestampMicrosecondType};
use chrono::DateTime;
use deltalake::kernel::Add;
use plant::contract::Contract;
use std::collections::{BTreeMap, BTreeSet};

/// Days whose files a sink keeps open; late readings of further days close the oldest one.
const OPEN_DAYS: usize = 8;

const DAY_US: i64 = 86_400_000_000;

/// The last offset of each partition.
pub type Offsets = BTreeMap<Partition, i64>;

/// One table of a stream, being appended to.
pub struct Sink {
    pub table: Table,
    /// The table as it was taken; what we appended since is not in it.
    pub state: Option<State>,
    appender: Option<Appender>,
    pub(in crate::lake) schema: SchemaRef,
    definition: Definition,
    /// Column whose day decides the folder.
    pub(in crate::lake) time: String,
    open: BTreeMap<i64, DataWriter>,
    closed: Vec<Add>,
}

impl Sink {
    /// The bronze table of a stream.
    pub fn bronze(lake: &Lake, contract: &Contract) -> anyhow::Result<Self> {
        let schema = super::schema();
        let definition = Definition {
            schema: with_day(&schema),
            description: contract.description.clone(),
            fingerprint: "bronze".to_owned(),
            partition: Some(DAY),
        };
        Self::new(lake, bronze::name(contract), schema, definition, "_timestamp".to_owned())
    }

    /// The silver table of a stream; its folders are the days of its first moment.
    pub fn silver(refinery: &Refinery, step: &Step, contract: &Contract) -> anyhow::Result<Self> {
        let schema = cleaning::stored(&step.schema, contract);
        let is_moment = |kind: &DataType| matches!(kind, DataType::Timestamp(_, _));
        let mut fields = schema.fields().iter();
        let time = fields.find(|field| is_moment(field.data_type())).context("no moment")?;
        let time = time.name().clone();
        let definition = Definition {
            schema: with_day(&schema),
            description: step.model.description.clone(),
            fingerprint: cleaning::fingerprint(step, contract, refinery),
            partition: Some(DAY),
        };
        Self::new(&refinery.lake, step.name().clone(), schema, definition, time)
    }

    fn new(
        lake: &Lake,
        name: TableName,
        schema: SchemaRef,
        definition: Definition,
        time: String,
    ) -> anyhow::Result<Self> {
        let table = lake.table(&name)?;
        let (open, closed) = (BTreeMap::new(), Vec::new());
        let (state, appender) = (None, None);
        Ok(Self { table, state, appender, schema, definition, time, open, closed })
    }

    /// Takes the table as it stands; what was written and not committed is forgotten.
    pub async fn reload(&mut self, lake: &Lake) -> anyhow::Result<()> {
        self.state = lake.state(&self.table.name).await?;
        self.appender = self.state.as_ref().map(|it| Appender::new(self.table.clone(), it));
        (self.open, self.closed) = (BTreeMap::new(), Vec::new());
        Ok(())
    }

    /// Whether the table was made by another definition than this one.
    pub fn is_outdated(&self) -> bool {
        let made_by = self.state.as_ref().map(State::fingerprint);
        made_by.is_some_and(|it| it != Some(self.definition.fingerprint.as_str()))
    }

    /// Appends rows, each to the file of its day.
    pub async fn write(&mut self, lake: &Lake, rows: &RecordBatch) -> anyhow::Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let times = rows.column(rows.schema().index_of(&self.time)?);
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let day = |at: &i64| at.div_euclid(DAY_US);
        let bounds = (times.values().iter().min(), times.values().iter().max());
        if let (Some(first), Some(last)) = bounds
            && day(first) == day(last)
        {
            return self.of_day(lake, day(first)).await?.write(rows).await;
        }
        let days: Vec<i64> = times.values().iter().map(day).collect();
        let different: BTreeSet<i64> = days.iter().copied().collect();
        for day in different {
            let is_of_day: BooleanArray = days.iter().map(|it| Some(*it == day)).collect();
            let rows = filter_record_batch(rows, &is_of_day)?;
            self.of_day(lake, day).await?.write(&rows).await?;
        }
        Ok(())
    }

    async fn of_day(&mut self, lake: &Lake, day: i64) -> anyhow::Result<&mut DataWriter> {
        if !self.open.contains_key(&day)
            && self.open.len() >= OPEN_DAYS
            && let Some((_, oldest)) = self.open.pop_first()
        {
            self.closed.extend(oldest.finish().await?);
        }
        let folder = || -> anyhow::Result<Folder> {
            let start = DateTime::from_timestamp_micros(day * DAY_US).context("no such day")?;
            Ok(Folder { column: DAY, value: start.format("%Y-%m-%d").to_string() })
        };
        let writer = || -> anyhow::Result<DataWriter> {
            let (names, now_ms) = (lake.names(), lake.now_ms());
            let writer = self.table.writer(self.schema.clone(), lake.stream_sizes(), names, now_ms);
            Ok(writer.in_folder(folder()?))
        };
        Ok(match self.open.entry(day) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => vacant.insert(writer()?),
        })
    }

    /// Closes the files that are open.
    async fn pack(&mut self) -> anyhow::Result<()> {
        for (_, writer) in std::mem::take(&mut self.open) {
            self.closed.extend(writer.finish().await?);
        }
        Ok(())
    }

    /// Commits what was written, and the offsets it reaches to. Fails if somebody else committed
    /// one of these partitions since the table was taken.
    ///
    /// A table made by another definition keeps its fingerprint: the rows it has are still to be
    /// made anew.
    pub async fn commit(&mut self, lake: &Lake, offsets: &Offsets) -> anyhow::Result<()> {
        self.pack().await?;
        let Some(appender) = &mut self.appender else {
            return self.commit_in_place_of(lake, offsets, Vec::new(), true).await;
        };
        let adds = std::mem::take(&mut self.closed);
        appender.append(adds, checkpoints(offsets), lake.now_ms()).await
    }

    /// [`Sink::commit`] of all rows there are, in place of these files.
    pub async fn commit_anew(
        &mut self,
        lake: &Lake,
        offsets: &Offsets,
        removes: Vec<Add>,
    ) -> anyhow::Result<()> {
        let is_redefined = self.state.is_none() || self.is_outdated();
        self.commit_in_place_of(lake, offsets, removes, is_redefined).await
    }

    async fn commit_in_place_of(
        &mut self,
        lake: &Lake,
        offsets: &Offsets,
        removes: Vec<Add>,
        is_redefined: bool,
    ) -> anyhow::Result<()> {
        self.pack().await?;
        let change = Change {
            adds: std::mem::take(&mut self.closed),
            removes,
            checkpoints: checkpoints(offsets),
            definition: is_redefined.then(|| self.definition.clone()),
            rearranges: false,
        };
        let state = self.table.commit(self.state.as_ref(), change, lake.now_ms()).await?;
        lake.remember(&self.table.name, state.clone()).await;
        self.appender = Some(Appender::new(self.table.clone(), &state));
        self.state = Some(state);
        Ok(())
    }
}

pub(in crate::lake) fn checkpoints(offsets: &Offsets) -> BTreeMap<String, i64> {
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
            self.bronze.commit(&lake, &offsets).await?;
        }
        self.commit_rejected(&lake, &offsets).await?;
        self.silver.commit(&lake, &offsets).await?;
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

/// `silver.rejected`, being appended to: others append to it too.
#[derive(Default)]
pub(super) struct RejectedSink {
    /// The table as it was taken.
    state: Option<State>,
    appender: Option<Appender>,
}

impl RejectedSink {
    /// Takes the table as it stands.
    pub(super) fn new(table: Table, state: Option<State>) -> anyhow::Result<Self> {
        // An older program's table lacks columns, and has to be told of them first.
        let is_current = match &state {
            Some(state) => state.schema()?.fields().len() >= rejected::schema().fields().len(),
            None => false,
        };
        let current = state.as_ref().filter(|_| is_current);
        Ok(Self { appender: current.map(|state| Appender::new(table, state)), state })
    }

    async fn commit(
        &mut self,
        lake: &Lake,
        table: Table,
        adds: Vec<Add>,
        checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        if self.appender.is_none() {
            self.catch_up(lake, &table, &checkpoints).await?;
        }
        if let Some(appender) = &mut self.appender {
            return appender.append(adds, checkpoints, lake.now_ms()).await;
        }
        let definition = Some(rejected::definition());
        let change = Change { adds, checkpoints, definition, ..Change::default() };
        let state = table.commit(self.state.as_ref(), change, lake.now_ms()).await?;
        lake.remember(&table.name, state.clone()).await;
        *self = Self::new(table, Some(state))?;
        Ok(())
    }

    /// Takes the table anew: dumps may have made it meanwhile. Fails if somebody else went on with one
    /// of these upstreams.
    async fn catch_up(
        &mut self,
        lake: &Lake,
        table: &Table,
        upstreams: &BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        let Some(state) = lake.state(&table.name).await? else { return Ok(()) };
        for upstream in upstreams.keys() {
            let before = match &self.state {
                Some(before) => table.checkpoint(before, upstream).await?,
                None => None,
            };
            if table.checkpoint(&state, upstream).await? != before {
                bail!("another program goes on with {upstream} in {}", table.name);
            }
        }
        *self = Self::new(table.clone(), Some(state))?;
        Ok(())
    }
}

/// The last offset of each of these partitions that a table contains.
pub(in crate::lake) async fn reached(
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
pub(in crate::lake) fn is_behind(
    rows: &RecordBatch,
    known: &Offsets,
) -> anyhow::Result<BooleanArray> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::location::{self, Purpose};
    use crate::config::settings::Limits;
    use chrono::Utc;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_795_441_733_776).unwrap()
    }

    fn reaches(upstream: &str, version: i64) -> BTreeMap<String, i64> {
        [(upstream.to_owned(), version)].into()
    }

    /// A table that dumps made after the stream had looked for it is appended to, unless another
    /// program went on with the stream.
    #[tokio::test]
    async fn rejected_messages_go_to_the_table_dumps_made_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let place = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        let lake = Lake::new(place, Limits::default(), "run", now);
        let table = lake.table(&rejected::name()).unwrap();
        let mut ours = RejectedSink::new(table.clone(), None).unwrap();
        let mut theirs = RejectedSink::new(table.clone(), None).unwrap();
        let definition = Some(rejected::definition());
        let made = Change { definition, ..Change::default() };
        table.commit(None, made, lake.now_ms()).await.unwrap();
        ours.commit(&lake, table.clone(), Vec::new(), reaches("topic", 1)).await.unwrap();
        ours.commit(&lake, table.clone(), Vec::new(), reaches("topic", 2)).await.unwrap();
        let refused = theirs.commit(&lake, table.clone(), Vec::new(), reaches("topic", 1)).await;
        assert!(refused.unwrap_err().to_string().contains("another program"));
        let state = lake.state(&rejected::name()).await.unwrap().unwrap();
        assert_eq!(table.checkpoint(&state, "topic").await.unwrap(), Some(2));
    }
}
