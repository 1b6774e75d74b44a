//! What stays as it is when a stream's silver table is made anew: messages bronze no longer has, and
//! messages whose rows silver had and that have expired.

use super::{Horizon, numbers};
use crate::Lake;
use crate::replace::conform;
use crate::stream::interpret::{Interpreted, Interpreter};
use crate::stream::sink::Sink;
use crate::table::{State, Table};
use crate::upkeep::landed;
use anyhow::ensure;
use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{Int32Type, Int64Type};
use batches::batch::Messages;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::time::DAY_US;
use std::collections::{BTreeMap, HashSet};

/// Offsets by topic and partition, as spans of offsets that follow each other.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(BTreeMap<(String, i32), Vec<(i64, i64)>>);

impl Ranges {
    /// Adds an offset. They mostly come in their order.
    pub fn add(&mut self, topic: &str, number: i32, offset: i64) {
        let spans = self.0.entry((topic.to_owned(), number)).or_default();
        match spans.last_mut() {
            Some((from, to)) if (*from..=*to + 1).contains(&offset) => *to = offset.max(*to),
            _ => spans.push((offset, offset)),
        }
    }

    /// Puts the spans into their order; nothing is found before.
    pub fn sort(&mut self) {
        for spans in self.0.values_mut() {
            spans.sort_unstable();
            let mut joined: Vec<(i64, i64)> = Vec::with_capacity(spans.len());
            for (from, to) in spans.drain(..) {
                match joined.last_mut() {
                    Some(last) if from <= last.1 + 1 => last.1 = to.max(last.1),
                    _ => joined.push((from, to)),
                }
            }
            *spans = joined;
        }
    }

    /// Which rows have one of the offsets.
    pub fn hold(&self, rows: &RecordBatch) -> anyhow::Result<BooleanArray> {
        let column = |name| anyhow::Ok(rows.column(rows.schema().index_of(name)?).clone());
        let (topics, numbers) = (column("_topic")?, column("_partition")?);
        let (topics, offsets) = (topics.as_string::<i32>(), column("_offset")?);
        let numbers = numbers.as_primitive::<Int32Type>();
        let offsets = offsets.as_primitive::<Int64Type>();
        let holds = |row: usize| {
            let spans = self.0.get(&(topics.value(row).to_owned(), numbers.value(row)));
            spans.is_some_and(|spans| contains(spans, offsets.value(row)))
        };
        Ok((0..rows.num_rows()).map(|row| Some(holds(row))).collect())
    }
}

fn contains(spans: &[(i64, i64)], offset: i64) -> bool {
    let behind = spans.partition_point(|(from, _)| *from <= offset);
    behind.checked_sub(1).is_some_and(|at| offset <= spans[at].1)
}

/// Tells what of a stream's silver table is made anew and what stays.
pub struct Lasting {
    /// The first day silver still has.
    day: Option<i64>,
    time: String,
    /// Messages bronze has, if it has not all of them.
    there: Option<Ranges>,
    /// Messages whose fate was told anew.
    told: Ranges,
}

impl Lasting {
    /// Looks what has expired of bronze and of silver, which is stored by the day of `time`.
    pub async fn of(
        lake: &Lake,
        (bronze, bronze_state): (&Table, &State),
        (silver, silver_state): (&Table, Option<&State>),
        time: String,
    ) -> anyhow::Result<Self> {
        let gone = Horizon::of(bronze, Some(bronze_state), []).await?;
        let expired = Horizon::of(silver, silver_state, []).await?;
        let there = match gone.day {
            Some(_) => Some(offsets(lake, bronze, &bronze_state.files()).await?),
            None => None,
        };
        Ok(Self { day: expired.day, time, there, told: Ranges::default() })
    }

    /// Writes the rows of silver whose messages bronze no longer has, and remembers them.
    pub async fn keep(
        &self,
        lake: &Lake,
        silver: &mut Sink,
        mut files: Vec<Add>,
        interpreter: &mut Interpreter<'_>,
    ) -> anyhow::Result<()> {
        let Some(there) = &self.there else { return Ok(()) };
        files.sort_by_key(landed);
        let (table, schema) = (silver.table.clone(), silver.schema.clone());
        for file in &files {
            let mut stream = table.read(file, None, lake.batch_rows()).await?;
            while let Some(batch) = stream.try_next().await? {
                let is_gone: BooleanArray =
                    there.hold(&batch)?.iter().map(|it| Some(it != Some(true))).collect();
                let rows = conform(&filter_record_batch(&batch, &is_gone)?, &schema)?;
                let times = rows.column(schema.index_of(&self.time)?);
                ensure!(
                    times.null_count() == 0,
                    "rows of {} whose messages have expired lack the column {}, by which it is stored",
                    table.name,
                    self.time
                );
                interpreter.remember(&rows)?;
                silver.write(lake, &rows).await?;
            }
        }
        Ok(())
    }

    /// What of these messages is told anew. Those whose rows have expired keep the fate they had;
    /// where nothing else stands beside them, so do the rejected among them.
    pub fn told(
        &mut self,
        messages: &Messages,
        interpreted: Interpreted,
    ) -> anyhow::Result<Interpreted> {
        if self.day.is_none() && self.there.is_none() {
            return Ok(interpreted);
        }
        let Interpreted { rows, rejected } = interpreted;
        let times = numbers(rows.column(rows.schema().index_of(&self.time)?))?;
        let least = self.day.map_or(i64::MIN, |day| day * DAY_US);
        let is_there: BooleanArray = times.iter().map(|at| Some(at >= Some(least))).collect();
        let current = filter_record_batch(&rows, &is_there)?;
        if current.num_rows() == 0 && rows.num_rows() > 0 {
            return Ok(Interpreted { rows: current, rejected: rejected.slice(0, 0) });
        }
        let numbers = rows.column(rows.schema().index_of("_partition")?).clone();
        let offsets = rows.column(rows.schema().index_of("_offset")?).clone();
        let numbers = numbers.as_primitive::<Int32Type>().values().iter();
        let places = numbers.zip(offsets.as_primitive::<Int64Type>().values());
        let expired = places.zip(is_there.values()).filter(|(_, is_there)| !is_there);
        let expired: HashSet<(i32, i64)> = expired.map(|((it, at), _)| (*it, *at)).collect();
        let numbers = messages.partition.values().iter().copied();
        for place in numbers.zip(messages.offset.values().iter().copied()) {
            if !expired.contains(&place) {
                self.told.add(&messages.topic, place.0, place.1);
            }
        }
        let rejected = if expired.is_empty() { rejected } else { without(&rejected, &expired)? };
        Ok(Interpreted { rows: current, rejected })
    }

    /// The messages told anew, if not all are.
    pub fn into_told(mut self) -> Option<Ranges> {
        self.told.sort();
        (self.day.is_some() || self.there.is_some()).then_some(self.told)
    }
}

/// Rejected records but for those of these messages, of whose other records some have expired: what is
/// noted of such a message stays.
fn without(rejected: &RecordBatch, expired: &HashSet<(i32, i64)>) -> anyhow::Result<RecordBatch> {
    let column = |name| anyhow::Ok(rejected.column(rejected.schema().index_of(name)?).clone());
    let (numbers, offsets) = (column("_partition")?, column("_offset")?);
    let numbers = numbers.as_primitive::<Int32Type>().values().iter();
    let places = numbers.zip(offsets.as_primitive::<Int64Type>().values());
    let is_left: BooleanArray =
        places.map(|(number, offset)| Some(!expired.contains(&(*number, *offset)))).collect();
    Ok(filter_record_batch(rejected, &is_left)?)
}

/// The offsets in bronze files.
async fn offsets(lake: &Lake, bronze: &Table, files: &[Add]) -> anyhow::Result<Ranges> {
    let mut ranges = Ranges::default();
    let columns = ["_topic", "_partition", "_offset"];
    for file in files {
        let mut stream = bronze.read(file, Some(&columns), lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let column = |name| anyhow::Ok(batch.column(batch.schema().index_of(name)?).clone());
            let (topics, numbers) = (column("_topic")?, column("_partition")?);
            let (topics, offsets) = (topics.as_string::<i32>(), column("_offset")?);
            let numbers = numbers.as_primitive::<Int32Type>().values();
            for (row, offset) in offsets.as_primitive::<Int64Type>().values().iter().enumerate() {
                ranges.add(topics.value(row), numbers[row], *offset);
            }
        }
    }
    ranges.sort();
    Ok(ranges)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn spans_hold_what_was_added(
            added in prop::collection::vec(0..60_i64, 0..40),
            asked in 0..60_i64,
        ) {
            let mut ranges = Ranges::default();
            added.iter().for_each(|offset| ranges.add("topic", 0, *offset));
            ranges.sort();
            let spans = ranges.0.values().next().cloned().unwrap_or_default();
            let all: BTreeSet<i64> = added.into_iter().collect();
            prop_assert_eq!(contains(&spans, asked), all.contains(&asked));
            prop_assert!(spans.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }
}
