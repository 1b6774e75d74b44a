//! Taking over partitions: what the lake contains of them, and what silver still lacks.

use crate::columns::int;
use crate::delta::stats::landing_order;
use crate::delta::table::{State, Table};
use crate::offsets::{Offsets, Partition, committed, rows_after};
use crate::rejected;
use crate::retention::late::LateDataFilter;
use crate::stream::bronze_messages::{may_have_after, messages};
use crate::stream::identity::Log;
use crate::stream::interpret::Interpreted;
use crate::stream::land::Lander;
use crate::stream::rejected_sink::RejectedSink;
use arrow::array::{Array as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use batches::batch::{Messages, TopicId, Witness};
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Partitions of a topic to be taken over.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub topic: Arc<str>,
    pub partitions: Vec<i32>,
    /// The id of the topic, if the brokers report one.
    pub id: Option<TopicId>,
    /// Whether it is known that the topic is not the one that was read last.
    pub is_other: bool,
}

/// The state of partitions in the lake.
#[derive(Debug)]
pub struct Resumed {
    /// The log of the topic, as rows have it in `_topic`.
    pub log: Arc<str>,
    /// Whether this log follows that of another topic and starts now.
    pub is_new: bool,
    /// The last messages in bronze, if it is uncertain whether they are from this topic.
    pub witnesses: BTreeMap<i32, Witness>,
    /// The last offsets in bronze; partitions without messages in the lake are left out.
    pub landed: Offsets,
    /// Messages in bronze that are not in silver yet, in their order.
    pub backlog: Vec<Messages>,
    /// The newest silver rows, oldest first, to detect duplicates.
    pub recent: Vec<RecordBatch>,
    /// Rejects rows for days that have expired in silver.
    pub late_data: LateDataFilter,
    /// The last offsets of the partitions of the backlog in silver and in the rejected.
    silver: Offsets,
    rejected: Offsets,
}

impl Resumed {
    /// The part of the backlog that is in neither silver nor the rejected yet.
    pub fn missing(&self, interpreted: Interpreted) -> anyhow::Result<Interpreted> {
        Ok(Interpreted {
            rows: rows_after(&interpreted.rows, &self.silver)?,
            rejected: rows_after(&interpreted.rejected, &self.rejected)?,
        })
    }
}

impl Lander {
    /// Takes over partitions: loads their offsets from the lake. Everything written must be committed.
    pub async fn resume(&mut self, wanted: &Wanted) -> anyhow::Result<Resumed> {
        let lake = self.context.lake.clone();
        self.bronze.reload(&lake).await?;
        self.silver.reload(&lake).await?;
        let (table, state) = (&self.bronze.table, self.bronze.state.as_ref());
        let log = Log::choose(table, state, &wanted.topic, wanted.id, wanted.is_other).await?;
        let partition = |number: &i32| Partition { topic: log.name.clone(), number: *number };
        let partitions: Vec<Partition> = wanted.partitions.iter().map(partition).collect();
        let landed = committed(table, state, &partitions).await?;
        let witnesses = match state.filter(|_| !log.is_certain) {
            Some(state) => witnesses(table, state, &landed).await?,
            None => BTreeMap::new(),
        };
        self.marks = log.marks;
        if log.is_new && self.bronze.state.is_some() {
            // The next process has to find the new log even if no message ever arrives.
            self.bronze.commit(&lake, std::mem::take(&mut self.marks)).await?;
        }
        let silver = committed(&self.silver.table, self.silver.state.as_ref(), &partitions).await?;
        let rejected_state = lake.state(&rejected::name()).await?;
        let rejected_table = lake.table(&rejected::name())?;
        let rejected = committed(&rejected_table, rejected_state.as_ref(), &partitions).await?;
        self.rejected_sink = RejectedSink::new(rejected_table, rejected_state)?;
        let (table, state) = (&self.bronze.table, self.bronze.state.as_ref());
        let backlog = backlog(table, state, (&landed, &silver), lake.batch_rows()).await?;
        let most = lake.limits().stream.dedupe_readings;
        let recent = match &self.silver.state {
            Some(state) => recent(&self.silver.table, state, &self.key, most).await?,
            None => Vec::new(),
        };
        let (log, is_new) = (log.name, log.is_new);
        let (table, state) = (&self.silver.table, self.silver.state.as_ref());
        let time = self.silver.time.clone();
        let late_data = LateDataFilter::load(&self.context, table, state, time).await?;
        Ok(Resumed { log, is_new, witnesses, landed, backlog, recent, late_data, silver, rejected })
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
    files.sort_by_key(|file| std::cmp::Reverse(landing_order(file)));
    for file in &files {
        let is_wanted = |(partition, last): &(&Partition, &i64)| {
            !found.contains_key(&partition.number) && may_have_after(file, **last - 1)
        };
        let wanted: Offsets =
            landed.iter().filter(is_wanted).map(|(it, last)| (it.clone(), *last)).collect();
        if wanted.is_empty() {
            continue;
        }
        let mut stream = bronze.read(file, Some(&columns), WITNESS_ROWS).await?;
        while let Some(batch) = stream.try_next().await? {
            for messages in messages(&batch)? {
                found.extend(witnesses_among(&messages, &wanted));
            }
        }
    }
    Ok(found)
}

/// Rows per batch when the last messages are searched.
const WITNESS_ROWS: usize = 8_192;

fn witnesses_among(messages: &Messages, wanted: &Offsets) -> Vec<(i32, Witness)> {
    let witness = |row: usize| {
        let (number, offset) = (messages.partition.value(row), messages.offset.value(row));
        let partition = Partition { topic: messages.topic.clone(), number };
        let is_wanted = wanted.get(&partition) == Some(&offset);
        is_wanted.then(|| {
            let payload = &messages.payload;
            let payload = payload.is_valid(row).then(|| payload.value(row).to_vec());
            let timestamp_us = messages.timestamp_us.value(row);
            (number, Witness { offset, timestamp_us, payload })
        })
    };
    (0..messages.len()).filter_map(witness).collect()
}

/// Columns of the newest rows of silver, at least `rows` of them if there are so many, oldest first.
async fn recent(
    silver: &Table,
    state: &State,
    columns: &[String],
    rows: usize,
) -> anyhow::Result<Vec<RecordBatch>> {
    let mut files = state.files();
    files.sort_by_key(|file| std::cmp::Reverse(landing_order(file)));
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

/// The messages in bronze after the offsets of silver, of the partitions that silver lacks some of.
async fn backlog(
    bronze: &Table,
    state: Option<&State>,
    (landed, silver): (&Offsets, &Offsets),
    batch_rows: usize,
) -> anyhow::Result<Vec<Messages>> {
    let is_behind = |(partition, last): &(&Partition, &i64)| {
        silver.get(*partition).is_none_or(|committed| committed < last)
    };
    let partitions: BTreeSet<&Partition> =
        landed.iter().filter(is_behind).map(|(partition, _)| partition).collect();
    let Some(state) = state.filter(|_| !partitions.is_empty()) else {
        return Ok(Vec::new());
    };
    let offsets = partitions.iter().map(|it| silver.get(*it).copied().unwrap_or(-1));
    let least = offsets.min().unwrap_or(-1);
    let files = state.files().into_iter().filter(|file| may_have_after(file, least));
    let mut files: Vec<Add> = files.collect();
    files.sort_by_key(landing_order);
    let mut found = Vec::new();
    for file in &files {
        let mut stream = bronze.read(file, None, batch_rows).await?;
        while let Some(batch) = stream.try_next().await? {
            let rows = rows_after(&batch, silver)?;
            let is_ours =
                |it: &Messages| partitions.iter().any(|partition| partition.topic == it.topic);
            found
                .extend(messages(&of_partitions(&rows, &partitions)?)?.into_iter().filter(is_ours));
        }
    }
    Ok(found)
}

fn of_partitions(
    rows: &RecordBatch,
    partitions: &BTreeSet<&Partition>,
) -> anyhow::Result<RecordBatch> {
    let is_ours = |number: i32| partitions.iter().any(|partition| partition.number == number);
    let numbers = int(rows, "_partition")?.values();
    let is_ours: BooleanArray = numbers.iter().map(|number| Some(is_ours(*number))).collect();
    Ok(filter_record_batch(rows, &is_ours)?)
}
