//! Partitions of topics and the offsets that tables contain.

use crate::columns::{int, long, text};
use crate::delta::table::{State, Table};
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use batches::batch::Messages;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    /// The log of the topic, as the column `_topic` has it.
    pub topic: Arc<str>,
    pub number: i32,
}

impl Partition {
    /// The name of its checkpoint in the tables that contain its messages.
    pub fn checkpoint(&self) -> String {
        format!("kafka/{}/{}", self.topic, self.number)
    }
}

/// The last offset of each partition.
pub type Offsets = BTreeMap<Partition, i64>;

/// Raises the offset of a partition to `offset`.
pub fn advance(offsets: &mut Offsets, partition: Partition, offset: i64) {
    let last = offsets.entry(partition).or_insert(offset);
    *last = offset.max(*last);
}

/// The checkpoints that record these offsets.
pub fn checkpoints(offsets: &Offsets) -> BTreeMap<String, i64> {
    offsets.iter().map(|(partition, offset)| (partition.checkpoint(), *offset)).collect()
}

/// The last offset of each of these partitions that a table contains.
pub async fn committed(
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

/// The rows after the offsets `known`.
pub fn rows_after(rows: &RecordBatch, known: &Offsets) -> anyhow::Result<RecordBatch> {
    Ok(filter_record_batch(rows, &are_after(rows, known)?)?)
}

/// Which rows are after the offsets `known`.
pub fn are_after(rows: &RecordBatch, known: &Offsets) -> anyhow::Result<BooleanArray> {
    let topics = text(rows, "_topic")?;
    let (numbers, offsets) = (int(rows, "_partition")?, long(rows, "_offset")?);
    let is_after = |row: usize| {
        let partition = Partition { topic: topics.value(row).into(), number: numbers.value(row) };
        known.get(&partition).is_none_or(|last| offsets.value(row) > *last)
    };
    Ok((0..rows.num_rows()).map(|row| Some(is_after(row))).collect())
}

/// The last offset of each partition among messages.
pub fn last_offsets(messages: &Messages) -> Offsets {
    let mut offsets = Offsets::new();
    let mut last: Option<(i32, i64)> = None;
    let mut note = |(number, offset): (i32, i64)| {
        advance(&mut offsets, Partition { topic: messages.topic.clone(), number }, offset);
    };
    let numbers = messages.partition.values().iter().copied();
    for at in numbers.zip(messages.offset.values().iter().copied()) {
        // Messages of one partition are adjacent, so each run is looked up once.
        if let Some(before) = last.filter(|(number, _)| *number != at.0) {
            note(before);
        }
        last = Some(at);
    }
    last.into_iter().for_each(&mut note);
    offsets
}

/// Sets of offsets by topic and partition, as ranges.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(BTreeMap<(String, i32), Vec<(i64, i64)>>);

impl Ranges {
    /// Adds an offset. Offsets that are added in order extend the last range.
    pub fn add(&mut self, topic: &str, number: i32, offset: i64) {
        let ranges = self.0.entry((topic.to_owned(), number)).or_default();
        match ranges.last_mut() {
            Some((from, to)) if (*from..=*to + 1).contains(&offset) => *to = offset.max(*to),
            _ => ranges.push((offset, offset)),
        }
    }

    /// Sorts and merges the ranges, which [`Ranges::contain`] requires.
    pub fn sort(&mut self) {
        for ranges in self.0.values_mut() {
            ranges.sort_unstable();
            let mut merged: Vec<(i64, i64)> = Vec::with_capacity(ranges.len());
            for (from, to) in ranges.drain(..) {
                match merged.last_mut() {
                    Some(last) if from <= last.1 + 1 => last.1 = to.max(last.1),
                    _ => merged.push((from, to)),
                }
            }
            *ranges = merged;
        }
    }

    /// Which rows have one of the offsets.
    pub fn contain(&self, rows: &RecordBatch) -> anyhow::Result<BooleanArray> {
        let topics = text(rows, "_topic")?;
        let (numbers, offsets) = (int(rows, "_partition")?, long(rows, "_offset")?);
        let is_in = |row: usize| {
            let ranges = self.0.get(&(topics.value(row).to_owned(), numbers.value(row)));
            ranges.is_some_and(|ranges| contains(ranges, offsets.value(row)))
        };
        Ok((0..rows.num_rows()).map(|row| Some(is_in(row))).collect())
    }
}

fn contains(ranges: &[(i64, i64)], offset: i64) -> bool {
    let after = ranges.partition_point(|(from, _)| *from <= offset);
    after.checked_sub(1).is_some_and(|at| offset <= ranges[at].1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_contain_what_was_added(
            added in prop::collection::vec(0..60_i64, 0..40),
            probe in 0..60_i64,
        ) {
            let mut ranges = Ranges::default();
            added.iter().for_each(|offset| ranges.add("topic", 0, *offset));
            ranges.sort();
            let ranges = ranges.0.values().next().cloned().unwrap_or_default();
            let all: BTreeSet<i64> = added.into_iter().collect();
            prop_assert_eq!(contains(&ranges, probe), all.contains(&probe));
            prop_assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
        }
    }
}
