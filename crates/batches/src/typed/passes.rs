//! Times that occur twice on the clock of a zone, when it is set back: which of the two instants they mean.
//!
//! In a dump the order of its records decides. A dump with such times is scanned first ([`RepeatedHourTimes`]),
//! and the result ([`Passes`]) is applied to its batches. For a message the time decides at which the broker
//! received it.

use super::{Reader, Stage, text_column};
use anyhow::{Context as _, Result};
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use plant::ambiguous::{LocalReading, Pass, TimeColumn, WITHIN_S, passes};
use plant::contract::Kind;
use plant::format::{parse_timestamp, trim};
use plant::time::second_of_us;
use plant::zone::Repeat;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A dump with more than one step against its order in so many is not sorted by time. Without any order it is every
/// second step.
const STEPS_PER_DISORDER: usize = 8;

/// Times of one column that occur twice on the clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AmbiguousTimes {
    pub column: String,
    /// Number of these times.
    pub times: usize,
    /// Number of those whose instant is not certain.
    pub uncertain: usize,
}

/// Whether times of one dump are from the first or second pass of a repeated hour, by column and record number.
#[derive(Debug, Default)]
pub struct Passes {
    by_column: HashMap<Arc<str>, HashMap<i64, Pass>>,
    /// The occurrences of each time that is part of a key.
    times: HashMap<KeyTime, Occurrences>,
}

/// A column, the group of a record, and the local time in seconds.
type KeyTime = (Arc<str>, u64, i64);

/// The occurrences of one ambiguous time in a dump.
#[derive(Debug, Default)]
struct Occurrences {
    has_first: bool,
    has_second: bool,
    /// Records that are taken for the first pass only because their dump does not show the second.
    undecided: Vec<i64>,
}

/// Records of a dump with times near a repeated hour, by column and hour.
#[derive(Debug, Default)]
pub struct RepeatedHourTimes {
    columns: BTreeMap<Arc<str>, NearbyTimes>,
}

#[derive(Debug, Default)]
struct NearbyTimes {
    /// Record numbers and times, by repeated hour.
    by_repeat: BTreeMap<Repeat, Vec<(i64, LocalReading)>>,
    last_us: Option<i64>,
    steps_forward: usize,
    steps_back: usize,
}

impl NearbyTimes {
    fn step(&mut self, at_us: i64) {
        self.steps_forward += usize::from(self.last_us.is_some_and(|last_us| last_us < at_us));
        self.steps_back += usize::from(self.last_us.is_some_and(|last_us| last_us > at_us));
        self.last_us = Some(at_us);
    }

    /// Whether at most one step in [`STEPS_PER_DISORDER`] is against the order of most.
    fn is_sorted(&self) -> bool {
        let disorder = self.steps_forward.min(self.steps_back);
        disorder * STEPS_PER_DISORDER <= self.steps_forward + self.steps_back
    }
}

impl RepeatedHourTimes {
    /// Decides which instants the times of the dump mean. `is_key` returns whether a column is part of the key.
    pub fn passes(self, is_key: impl Fn(&str) -> bool) -> Passes {
        let mut found = Passes::default();
        for (name, times) in self.columns {
            let column = TimeColumn { is_key: is_key(&name), is_sorted: times.is_sorted() };
            for (repeat, mut readings) in times.by_repeat {
                readings.sort_by_key(|(record, _)| *record);
                let (records, readings): (Vec<i64>, Vec<LocalReading>) =
                    readings.into_iter().unzip();
                let passes = passes(repeat, &readings, column);
                let is_whole = is_whole(repeat, &readings);
                let all = readings.iter().zip(&passes).zip(&records);
                let key_times = all.filter(|_| column.is_key);
                let decided =
                    key_times.filter_map(|((at, pass), record)| Some((*at, (*pass)?, *record)));
                for (reading, pass, record) in decided {
                    found.record(&name, is_whole, reading, pass, record);
                }
                let decided = records.into_iter().zip(passes);
                let decided = decided.filter_map(|(record, pass)| Some((record, pass?)));
                found.by_column.entry(name.clone()).or_default().extend(decided);
            }
        }
        found
    }
}

/// Whether a dump has records from before and after the hour, and thus all of both passes.
fn is_whole(repeat: Repeat, readings: &[LocalReading]) -> bool {
    readings.iter().any(|it| it.local_s < repeat.from_local_s)
        && readings.iter().any(|it| it.local_s >= repeat.to_local_s)
}

impl Passes {
    fn record(
        &mut self,
        name: &Arc<str>,
        is_whole: bool,
        reading: LocalReading,
        pass: Pass,
        record: i64,
    ) {
        let time = (name.clone(), reading.group, reading.local_s);
        let found = self.times.entry(time).or_default();
        found.has_first |= !pass.is_second;
        found.has_second |= pass.is_second;
        if !pass.is_certain && !pass.is_second && !is_whole {
            found.undecided.push(record);
        }
    }

    /// Whether an older dump may show that a time of this one is from the second pass.
    pub fn has_undecided(&self) -> bool {
        self.times.values().any(|found| !found.undecided.is_empty())
    }

    /// Takes undecided times for the second pass if an older dump has the first one, so that they do not replace
    /// it.
    pub fn decide_by_older(&mut self, older: &Passes) {
        for (time, found) in &mut self.times {
            let is_first_there =
                older.times.get(time).is_some_and(|there| there.has_first && !there.has_second);
            let Some(records) = self.by_column.get_mut(&time.0).filter(|_| is_first_there) else {
                continue;
            };
            for record in found.undecided.drain(..) {
                records.insert(record, Pass { is_second: true, is_certain: false });
            }
        }
    }
}

impl Stage {
    /// Adds the records of a bronze batch that have a time near a repeated hour to `nearby`. `groups` has a number
    /// for each row; rows of one group are about the same thing.
    ///
    /// # Errors
    /// Fails only if the batch lacks a column of the contract or `_record`.
    pub fn scan_repeated_hours(
        &self,
        bronze: &RecordBatch,
        groups: &[u64],
        nearby: &mut RepeatedHourTimes,
    ) -> Result<()> {
        let records = bronze.column_by_name("_record").context("column _record is missing")?;
        let records = records.as_primitive::<Int64Type>();
        for reader in &self.columns {
            let Kind::Time { formats, zone, .. } = &reader.column.kind else { continue };
            let zone = self.zone(*zone);
            let raw = text_column(bronze, &reader.column.name)?;
            let times = nearby.columns.entry(reader.name.clone()).or_default();
            for (row, text) in raw.iter().enumerate() {
                let Some(text) = text.map(trim).filter(|text| !reader.nulls.contains(text)) else {
                    continue;
                };
                let Ok(timestamp) = parse_timestamp(text, formats, zone) else { continue };
                times.step(timestamp.at_us);
                let at_s = second_of_us(timestamp.at_us);
                let local_s = at_s + i64::from(zone.offset_s(at_s));
                let Some(repeat) = zone.repeat_near(local_s, WITHIN_S) else { continue };
                // A text with a UTC offset is not ambiguous.
                if repeat.contains(local_s) && timestamp.repeat_after_us == 0 {
                    continue;
                }
                let reading = LocalReading { group: groups[row], local_s };
                let readings = times.by_repeat.entry(repeat).or_default();
                readings.push((records.value(row), reading));
            }
        }
        Ok(())
    }
}

/// Resolves the ambiguous times, given as rows and the span to their second instant.
pub(super) fn resolve(
    reader: &Reader,
    times: &ArrayRef,
    rows: &[(usize, i64)],
    bronze: &RecordBatch,
    known: Option<&Passes>,
) -> Result<(ArrayRef, AmbiguousTimes)> {
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let mut values: Vec<Option<i64>> = times.iter().collect();
    let mut ambiguous =
        AmbiguousTimes { column: reader.column.name.clone(), times: rows.len(), uncertain: 0 };
    for (row, again_us) in rows {
        let at_us = times.value(*row);
        let pass = match bronze.column_by_name("_timestamp") {
            Some(received) => {
                let received = received.as_primitive::<TimestampMicrosecondType>();
                let received_us = received.is_valid(*row).then(|| received.value(*row));
                received_us.map(|received_us| by_receipt(at_us, *again_us, received_us))
            }
            None => known.map(|known| known.pass(reader, bronze, *row)).transpose()?.flatten(),
        };
        let pass = pass.unwrap_or(Pass { is_second: false, is_certain: false });
        ambiguous.uncertain += usize::from(!pass.is_certain);
        if pass.is_second {
            values[*row] = Some(at_us + again_us);
        }
    }
    let values = TimestampMicrosecondArray::from(values).with_timezone("UTC");
    Ok((Arc::new(values), ambiguous))
}

impl Passes {
    fn pass(&self, reader: &Reader, bronze: &RecordBatch, row: usize) -> Result<Option<Pass>> {
        let records = bronze.column_by_name("_record").context("column _record is missing")?;
        let record = records.as_primitive::<Int64Type>().value(row);
        Ok(self.by_column.get(&reader.name).and_then(|records| records.get(&record)).copied())
    }
}

/// The instant that is nearer to the receipt of its message, if that was within half of the repeated span; else
/// the first.
pub(super) fn by_receipt(at_us: i64, again_us: i64, received_us: i64) -> Pass {
    let (to_first_us, to_second_us) =
        ((received_us - at_us).abs(), (received_us - at_us - again_us).abs());
    let is_certain = to_first_us.min(to_second_us) <= again_us / 2;
    Pass { is_second: is_certain && to_second_us < to_first_us, is_certain }
}
