//! Taking over partitions: what the lake has of them, and what silver still lacks of that.

use super::super::bronze::utc;
use super::super::models::Step;
use super::super::refine::{Refinery, rejected, rejected_name};
use super::super::retention::{Lasting, Lateness};
use super::super::table::{State, Table};
use super::super::upkeep::landed;
use super::interpret::{Interpreted, Interpreter};
use super::land::{Lander, Offsets, RejectedSink, Sink, behind, reached};
use super::{Partition, ReadMessages};
use crate::batch::Messages;
use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMicrosecondType};
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::contract::Contract;
use std::collections::BTreeSet;

/// What is needed to go on with partitions.
#[derive(Debug)]
pub struct Resumed {
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
    pub async fn resume(&mut self, partitions: &[Partition]) -> anyhow::Result<Resumed> {
        let lake = self.refinery.lake.clone();
        self.bronze.reload(&lake).await?;
        self.silver.reload(&lake).await?;
        let landed = reached(&self.bronze.table, self.bronze.state.as_ref(), partitions).await?;
        let silver = reached(&self.silver.table, self.silver.state.as_ref(), partitions).await?;
        let rejected_state = lake.state(&rejected_name()).await?;
        let rejected_table = lake.table(&rejected_name())?;
        let rejected = reached(&rejected_table, rejected_state.as_ref(), partitions).await?;
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
        let most = lake.limits().size("dedupe_readings");
        let recent = match &self.silver.state {
            Some(state) => recent(&self.silver.table, state, &self.key, most).await?,
            None => Vec::new(),
        };
        let (table, state) = (&self.silver.table, self.silver.state.as_ref());
        let lateness = Lateness::of(&self.refinery, table, state, self.silver.time.clone()).await?;
        Ok(Resumed { landed, backlog, recent, lateness, silver, rejected })
    }
}

/// These columns of the newest rows of silver, at least so many rows if there are, oldest first.
async fn recent(
    silver: &Table,
    state: &State,
    columns: &[String],
    rows: usize,
) -> anyhow::Result<Vec<RecordBatch>> {
    let mut files = state.files();
    files.sort_by_key(|file| std::cmp::Reverse(landed(file)));
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
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
    files.sort_by_key(landed);
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
        found.push(Messages {
            topic: topic.into(),
            partition: column("_partition")?.as_primitive::<Int32Type>().clone(),
            offset: column("_offset")?.as_primitive::<Int64Type>().clone(),
            timestamp_us: arrow::array::Int64Array::new(times, None),
            payload: payload.as_binary::<i32>().clone(),
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
    files.sort_by_key(landed);
    for file in &files {
        let mut stream = bronze.table.read(file, None, lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            for messages in messages(&batch)? {
                let pointers = interpreter.pointers(&messages);
                let interpreted = interpreter.interpret(&pointers, read(contract, &messages))?;
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
