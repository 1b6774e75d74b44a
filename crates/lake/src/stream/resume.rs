//! Taking over partitions: what the lake has of them, and what silver still lacks of that.

use super::super::bronze::utc;
use super::super::models::Step;
use super::super::refine::{Refinery, rejected, rejected_name};
use super::super::retention::{Lasting, Lateness};
use super::super::table::{State, Table};
use super::super::upkeep::landed as landed_at;
use super::identity::Log;
use super::interpret::{Interpreted, Interpreter};
use super::land::{Lander, Offsets, behind, reached};
use super::rejected_sink::RejectedSink;
use super::sink::Sink;
use super::{Partition, ReadMessages};
use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use batches::batch::{Messages, TopicId, Witness};
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Partitions of a topic that are to be gone on with.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub topic: Arc<str>,
    pub partitions: Vec<i32>,
    /// The topic's id, if the brokers report one.
    pub id: Option<TopicId>,
    /// Whether it is known that the topic is not the one that was read last.
    pub is_other: bool,
}

/// What is needed to go on with partitions.
#[derive(Debug)]
pub struct Resumed {
    /// The log of the topic, as rows have it in `_topic`.
    pub log: Arc<str>,
    /// Whether this log follows that of another topic, and begins now.
    pub is_new: bool,
    /// The last messages in bronze, where it is not certain that the topic is the one they came from.
    pub witnesses: BTreeMap<i32, Witness>,
    /// The last offset in bronze; partitions the lake has nothing of are left out.
    pub landed: Offsets,
    /// Messages in bronze that are not in silver yet, in their order.
    pub backlog: Vec<Messages>,
    /// The newest silver rows, oldest first, so that repetitions are known.
    pub recent: Vec<RecordBatch>,
    /// What silver takes no rows for any more.
    pub lateness: Lateness,
    /// How far silver and the rejected reach, of the backlog's partitions.
    silver: Offsets,
    rejected: Offsets,
}

impl Resumed {
    /// What of the backlog is in neither silver nor the rejected yet.
    pub fn lacking(&self, interpreted: Interpreted) -> anyhow::Result<Interpreted> {
        Ok(Interpreted {
            rows: behind(&interpreted.rows, &self.silver)?,
            rejected: behind(&interpreted.rejected, &self.rejected)?,
        })
    }
}

impl Lander {
    /// Takes over partitions: reads from the lake how far they are. Nothing may be uncommitted.
    pub async fn resume(&mut self, wanted: &Wanted) -> anyhow::Result<Resumed> {
        let lake = self.refinery.lake.clone();
        self.bronze.reload(&lake).await?;
        self.silver.reload(&lake).await?;
        let (table, state) = (&self.bronze.table, self.bronze.state.as_ref());
        let log = Log::of(table, state, &wanted.topic, wanted.id, wanted.is_other).await?;
        let partition = |number: &i32| Partition { topic: log.name.clone(), number: *number };
        let partitions: Vec<Partition> = wanted.partitions.iter().map(partition).collect();
        let landed = reached(table, state, &partitions).await?;
        let witnesses = match state.filter(|_| !log.is_certain) {
            Some(state) => witnesses(table, state, &landed).await?,
            None => BTreeMap::new(),
        };
        self.marks = log.marks;
        if log.is_new && self.bronze.state.is_some() {
            // Who comes later has to find it even if no message ever comes.
            self.bronze.commit(&lake, std::mem::take(&mut self.marks)).await?;
        }
        let silver = reached(&self.silver.table, self.silver.state.as_ref(), &partitions).await?;
        let rejected_state = lake.state(&rejected_name()).await?;
        let rejected_table = lake.table(&rejected_name())?;
        let rejected = reached(&rejected_table, rejected_state.as_ref(), &partitions).await?;
        self.rejected_sink = RejectedSink::new(rejected_table, rejected_state)?;
        let is_short = |(partition, last): (&Partition, &i64)| {
            silver.get(partition).is_none_or(|reached| reached < last)
        };
        let short: BTreeSet<&Partition> =
            landed.iter().filter(|it| is_short(*it)).map(|(partition, _)| partition).collect();
        let backlog = match &self.bronze.state {
            Some(state) if !short.is_empty() => {
                backlog(&self.bronze.table, state, &short, &silver, lake.batch_rows()).await?
            }
            _ => Vec::new(),
        };
        let (log, is_new) = (log.name, log.is_new);
        let most = lake.limits().stream.dedupe_readings;
        let recent = match &self.silver.state {
            Some(state) => recent(&self.silver.table, state, &self.key, most).await?,
            None => Vec::new(),
        };
        let (table, state) = (&self.silver.table, self.silver.state.as_ref());
        let lateness = Lateness::of(&self.refinery, table, state, self.silver.time.clone()).await?;
        Ok(Resumed { log, is_new, witnesses, landed, backlog, recent, lateness, silver, rejected })
    }
}

/// The last message of each partition, as far as bronze still has it.
async fn witnesses(
    bronze: &Table,
    state: &State,
    landed: &Offsets,
) -> anyhow::Result<BTreeMap<i32, Witness>> {
    let columns = ["payload", "_topic", "_partition", "_offset", "_timestamp"];
    let mut found = BTreeMap::new();
    let mut files = state.files();
    files.sort_by_key(|file| std::cmp::Reverse(landed_at(file)));
    for file in &files {
        let is_sought = |(partition, last): &(&Partition, &i64)| {
            !found.contains_key(&partition.number) && may_reach_behind(file, **last - 1)
        };
        let sought: Offsets =
            landed.iter().filter(is_sought).map(|(it, last)| (it.clone(), *last)).collect();
        if sought.is_empty() {
            continue;
        }
        let mut stream = bronze.read(file, Some(&columns), WITNESS_ROWS).await?;
        while let Some(batch) = stream.try_next().await? {
            for messages in messages(&batch)? {
                found.extend(witnesses_among(&messages, &sought));
            }
        }
    }
    Ok(found)
}

/// Rows looked at together in search of the last messages.
const WITNESS_ROWS: usize = 8_192;

fn witnesses_among(messages: &Messages, sought: &Offsets) -> Vec<(i32, Witness)> {
    let witness = |row: usize| {
        let (number, offset) = (messages.partition.value(row), messages.offset.value(row));
        let partition = Partition { topic: messages.topic.clone(), number };
        let is_sought = sought.get(&partition) == Some(&offset);
        is_sought.then(|| {
            let payload = &messages.payload;
            let payload = payload.is_valid(row).then(|| payload.value(row).to_vec());
            let timestamp_us = messages.timestamp_us.value(row);
            (number, Witness { offset, timestamp_us, payload })
        })
    };
    (0..messages.len()).filter_map(witness).collect()
}

/// These columns of the newest rows of silver, at least so many rows if there are, oldest first.
async fn recent(
    silver: &Table,
    state: &State,
    columns: &[String],
    rows: usize,
) -> anyhow::Result<Vec<RecordBatch>> {
    let mut files = state.files();
    files.sort_by_key(|file| std::cmp::Reverse(landed_at(file)));
    let columns: Vec<&str> = columns.iter().map(String::as_str).chain(["_topic"]).collect();
    let (mut read, mut newest) = (0, Vec::new());
    for file in &files {
        if read >= rows {
            break;
        }
        let files = std::slice::from_ref(file);
        let batches = silver.read_all(files, Some(&columns), rows).await?;
        read += batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        newest.push(batches);
    }
    Ok(newest.into_iter().rev().flatten().collect())
}

async fn backlog(
    bronze: &Table,
    state: &State,
    partitions: &BTreeSet<&Partition>,
    silver: &Offsets,
    batch_rows: usize,
) -> anyhow::Result<Vec<Messages>> {
    let mut found = Vec::new();
    let mut files: Vec<Add> =
        state.files().into_iter().filter(|file| may_hold(file, partitions, silver)).collect();
    files.sort_by_key(landed_at);
    for file in &files {
        let mut stream = bronze.read(file, None, batch_rows).await?;
        while let Some(batch) = stream.try_next().await? {
            let rows = behind(&batch, silver)?;
            let is_ours =
                |it: &Messages| partitions.iter().any(|partition| partition.topic == it.topic);
            found.extend(messages(&of_partitions(&rows, partitions)?)?.into_iter().filter(is_ours));
        }
    }
    Ok(found)
}

/// Whether a bronze file may hold messages behind what silver has.
fn may_hold(file: &Add, partitions: &BTreeSet<&Partition>, silver: &Offsets) -> bool {
    let least = |it: &&Partition| silver.get(*it).copied().unwrap_or(-1);
    may_reach_behind(file, partitions.iter().map(least).min().unwrap_or(-1))
}

/// Whether a file may hold messages behind an offset, of any partition.
pub(super) fn may_reach_behind(file: &Add, offset: i64) -> bool {
    let stats: Option<serde_json::Value> =
        file.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
    stats.and_then(|it| it["maxValues"]["_offset"].as_i64()).is_none_or(|last| last > offset)
}

fn of_partitions(
    rows: &RecordBatch,
    partitions: &BTreeSet<&Partition>,
) -> anyhow::Result<RecordBatch> {
    let numbers = rows.column(rows.schema().index_of("_partition")?).as_primitive::<Int32Type>();
    let is_ours = |number: i32| partitions.iter().any(|partition| partition.number == number);
    let is_ours: BooleanArray =
        numbers.values().iter().map(|number| Some(is_ours(*number))).collect();
    Ok(filter_record_batch(rows, &is_ours)?)
}

/// Bronze rows as the messages they were, those of each topic together.
pub(super) fn messages(rows: &RecordBatch) -> anyhow::Result<Vec<Messages>> {
    let column = |name| anyhow::Ok(rows.column(rows.schema().index_of(name)?).clone());
    let topics = column("_topic")?;
    let topics = topics.as_string::<i32>();
    let different: BTreeSet<&str> = topics.iter().flatten().collect();
    let mut found = Vec::with_capacity(different.len());
    for topic in different {
        let is_of_topic: BooleanArray = topics.iter().map(|it| Some(it == Some(topic))).collect();
        let rows = filter_record_batch(rows, &is_of_topic)?;
        let column = |name| anyhow::Ok(rows.column(rows.schema().index_of(name)?).clone());
        let times = cast(&column("_timestamp")?, &utc())?;
        let times = times.as_primitive::<TimestampMicrosecondType>().values().clone();
        let payload = cast(&column("payload")?, &DataType::Binary)?;
        // Files of an older program have no such columns.
        let key = rows.column_by_name("_key").map(|key| cast(key, &DataType::Binary));
        let headers = rows.column_by_name("_headers").map(|all| cast(all, &DataType::Utf8));
        found.push(Messages {
            topic: topic.into(),
            partition: column("_partition")?.as_primitive::<Int32Type>().clone(),
            offset: column("_offset")?.as_primitive::<Int64Type>().clone(),
            timestamp_us: arrow::array::Int64Array::new(times, None),
            payload: payload.as_binary::<i32>().clone(),
            key: key.transpose()?.map(|key| key.as_binary::<i32>().clone()),
            headers: headers.transpose()?.map(|all| all.as_string::<i32>().clone()),
        });
    }
    Ok(found)
}

/// Makes the silver table of a stream anew from bronze, its rejected rows with it. What has expired of
/// either stays as it is: rows whose messages are gone stay, and rows that are gone do not come back.
pub async fn rebuild(
    refinery: &Refinery,
    step: &Step,
    contract: &Contract,
    read: &ReadMessages,
) -> anyhow::Result<()> {
    let lake = refinery.lake.as_ref();
    let mut bronze = Sink::bronze(lake, contract)?;
    bronze.reload(lake).await?;
    let Some(state) = bronze.state.clone() else { return Ok(()) };
    let mut silver = Sink::silver(refinery, step, contract)?;
    silver.reload(lake).await?;
    let gone = silver.state.as_ref().map(State::files).unwrap_or_default();
    let table = lake.table(step.name())?;
    let mut interpreter = Interpreter::new(refinery, step, contract, &table)?;
    let (source, made) = ((&bronze.table, &state), (&table, silver.state.as_ref()));
    let mut lasting = Lasting::of(lake, source, made, silver.time.clone()).await?;
    lasting.keep(lake, &mut silver, gone.clone(), &mut interpreter).await?;
    let (mut offsets, mut rejected) = (Offsets::new(), Vec::new());
    let mut files = state.files();
    files.sort_by_key(landed_at);
    for file in &files {
        let mut stream = bronze.table.read(file, None, lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            for messages in messages(&batch)? {
                let pointers = interpreter.pointers(&messages);
                let interpreted =
                    interpreter.interpret(&messages, &pointers, read(contract, &messages))?;
                let interpreted = lasting.told(&messages, interpreted)?;
                silver.write(lake, &interpreted.rows).await?;
                rejected.push(interpreted.rejected);
                for (partition, offset) in last_offsets(&messages) {
                    let last = offsets.entry(partition).or_insert(offset);
                    *last = offset.max(*last);
                }
            }
        }
    }
    rejected.retain(|rows| rows.num_rows() > 0);
    let told = lasting.into_told();
    rejected::replace_messages(lake, step.name(), rejected, &offsets, told.as_ref()).await?;
    silver.commit_anew(lake, &offsets, gone).await
}

/// The last offset of each partition among messages.
pub fn last_offsets(messages: &Messages) -> Offsets {
    let mut offsets = Offsets::new();
    let mut last: Option<(i32, i64)> = None;
    let mut note = |(number, offset): (i32, i64)| {
        let partition = Partition { topic: messages.topic.clone(), number };
        let known = offsets.entry(partition).or_insert(offset);
        *known = offset.max(*known);
    };
    for at in
        messages.partition.values().iter().copied().zip(messages.offset.values().iter().copied())
    {
        if let Some(before) = last.filter(|(number, _)| *number != at.0) {
            note(before);
        }
        last = Some(at);
    }
    last.into_iter().for_each(&mut note);
    offsets
}
