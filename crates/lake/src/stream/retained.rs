//! What stays when the silver table of a stream is rebuilt: rows whose messages have expired in bronze, and
//! messages whose rows have expired in silver.

use crate::columns::{column, int, long, text};
use crate::delta::replace::conform;
use crate::delta::stats::landing_order;
use crate::delta::table::{State, Table};
use crate::lake::Lake;
use crate::offsets::Ranges;
use crate::retention::{Horizon, numbers};
use crate::stream::interpret::{Interpreted, Interpreter};
use crate::stream::sink::Sink;
use anyhow::ensure;
use arrow::array::{Array as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use batches::batch::Messages;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::time::DAY_US;
use std::collections::HashSet;

/// Decides which rows of the silver table of a stream are rebuilt and which stay.
pub struct RetainedRows {
    /// The first day that has not expired in silver.
    day: Option<i64>,
    time: String,
    /// The messages in bronze, if some have expired.
    in_bronze: Option<Ranges>,
    /// Messages whose rows were rewritten.
    rewritten: Ranges,
}

/// The partition and the offset of a message.
type Message = (i32, i64);

impl RetainedRows {
    /// Loads what has expired in bronze and in silver, which is partitioned by the day of `time`.
    pub async fn load(
        lake: &Lake,
        (bronze, bronze_state): (&Table, &State),
        (silver, silver_state): (&Table, Option<&State>),
        time: String,
    ) -> anyhow::Result<Self> {
        let bronze_horizon = Horizon::load(bronze, Some(bronze_state), []).await?;
        let silver_horizon = Horizon::load(silver, silver_state, []).await?;
        let in_bronze = match bronze_horizon.day {
            Some(_) => Some(offsets(lake, bronze, &bronze_state.files()).await?),
            None => None,
        };
        Ok(Self { day: silver_horizon.day, time, in_bronze, rewritten: Ranges::default() })
    }

    /// Copies the rows of silver whose messages have expired, and remembers their keys.
    pub async fn copy(
        &self,
        lake: &Lake,
        silver: &mut Sink,
        mut files: Vec<Add>,
        interpreter: &mut Interpreter<'_>,
    ) -> anyhow::Result<()> {
        let Some(in_bronze) = &self.in_bronze else { return Ok(()) };
        files.sort_by_key(landing_order);
        let (table, schema) = (silver.table.clone(), silver.schema.clone());
        for file in &files {
            let mut stream = table.read(file, None, lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                let has_expired: BooleanArray =
                    in_bronze.contain(&batch)?.iter().map(|it| Some(it != Some(true))).collect();
                let rows = conform(&filter_record_batch(&batch, &has_expired)?, &schema)?;
                ensure!(
                    column(&rows, &self.time)?.null_count() == 0,
                    "rows of {} whose messages have expired lack the column {}, by which the table is \
                     partitioned",
                    table.name,
                    self.time
                );
                interpreter.remember(&rows)?;
                silver.write(lake, &rows).await?;
            }
        }
        Ok(())
    }

    /// What is written for these messages. Messages whose rows have expired are skipped, and so are the
    /// rejected records of a batch whose other rows have all expired.
    pub fn select_rewritten(
        &mut self,
        messages: &Messages,
        interpreted: Interpreted,
    ) -> anyhow::Result<Interpreted> {
        if self.day.is_none() && self.in_bronze.is_none() {
            return Ok(interpreted);
        }
        let Interpreted { rows, rejected } = interpreted;
        let times = numbers(column(&rows, &self.time)?)?;
        let least = self.day.map_or(i64::MIN, |day| day * DAY_US);
        let is_current: BooleanArray = times.iter().map(|at| Some(at >= Some(least))).collect();
        let current = filter_record_batch(&rows, &is_current)?;
        if current.num_rows() == 0 && rows.num_rows() > 0 {
            return Ok(Interpreted { rows: current, rejected: rejected.slice(0, 0) });
        }
        let expired = expired_messages(&rows, &is_current)?;
        let numbers = messages.partition.values().iter().copied();
        for message in numbers.zip(messages.offset.values().iter().copied()) {
            if !expired.contains(&message) {
                self.rewritten.add(&messages.topic, message.0, message.1);
            }
        }
        let rejected = if expired.is_empty() { rejected } else { without(&rejected, &expired)? };
        Ok(Interpreted { rows: current, rejected })
    }

    /// The messages whose rows were rewritten, if not all were.
    pub fn into_rewritten(mut self) -> Option<Ranges> {
        self.rewritten.sort();
        (self.day.is_some() || self.in_bronze.is_some()).then_some(self.rewritten)
    }
}

/// The messages of the rows that are not current.
fn expired_messages(
    rows: &RecordBatch,
    is_current: &BooleanArray,
) -> anyhow::Result<HashSet<Message>> {
    let (numbers, offsets) = (int(rows, "_partition")?, long(rows, "_offset")?);
    let messages = numbers.values().iter().copied().zip(offsets.values().iter().copied());
    let expired = messages.zip(is_current.values()).filter(|(_, is_current)| !is_current);
    Ok(expired.map(|(message, _)| message).collect())
}

/// Rejected records without those of the given messages, whose other records have expired at least in
/// part: their rejected records stay as they are.
fn without(rejected: &RecordBatch, messages: &HashSet<Message>) -> anyhow::Result<RecordBatch> {
    let (numbers, offsets) = (int(rejected, "_partition")?, long(rejected, "_offset")?);
    let all = numbers.values().iter().zip(offsets.values());
    let is_other: BooleanArray =
        all.map(|(number, offset)| Some(!messages.contains(&(*number, *offset)))).collect();
    Ok(filter_record_batch(rejected, &is_other)?)
}

/// The offsets in bronze files.
async fn offsets(lake: &Lake, bronze: &Table, files: &[Add]) -> anyhow::Result<Ranges> {
    let mut ranges = Ranges::default();
    let columns = ["_topic", "_partition", "_offset"];
    for file in files {
        let mut stream = bronze.read(file, Some(&columns), lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let (topics, numbers) = (text(&batch, "_topic")?, int(&batch, "_partition")?);
            for (row, offset) in long(&batch, "_offset")?.values().iter().enumerate() {
                ranges.add(topics.value(row), numbers.value(row), *offset);
            }
        }
    }
    ranges.sort();
    Ok(ranges)
}
