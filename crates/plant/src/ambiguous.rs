//! Resolves ambiguous local times by the order of the records in their dump.
//!
//! When clocks are set back, an hour of local times occurs twice, and a text such as `02:30` does
//! not state which occurrence is meant. The neighboring records do: where times step back within
//! the hour, the second pass starts. Dumps are not always in order, so a step back counts only if
//! it is larger than those elsewhere in the dump and consistent with the distance between records.
//! If the time is part of the key, records are first compared within their group (the same machine,
//! for example). Remaining and other times are compared with all records if the dump is sorted by
//! time. A time that cannot be resolved is assigned to the first pass and reported as uncertain.

use crate::time::HOUR_S;
use crate::zone::Repeat;
use std::collections::{BTreeMap, HashMap};

/// Distance around a repeated hour within which records are considered, in seconds. Hourly readings
/// still have two steps on each side.
pub const WITHIN_S: i64 = 3 * HOUR_S;

/// Properties of a time column in a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeColumn {
    /// Whether the time is part of the key, so that equal times in a group are two readings;
    /// otherwise they may be one record written twice.
    pub is_key: bool,
    /// Whether the dump is sorted by this column, apart from minor disorder.
    pub is_sorted: bool,
}

/// A record with a time in or near a repeated hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalReading {
    /// The group of the record, in which times are ascending.
    pub group: u64,
    /// Local time in seconds since 1970-01-01T00:00:00 local time.
    pub local_s: i64,
}

/// Which of two occurrences a local time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Whether the second occurrence is meant.
    pub is_second: bool,
    /// Whether the order of the records proves it.
    pub is_certain: bool,
}

const UNDECIDED: Pass = Pass { is_second: false, is_certain: false };

/// Resolves the readings around one repeated hour, in the order of their dump; `None` for times
/// that are not ambiguous.
pub fn passes(repeat: Repeat, readings: &[LocalReading], column: TimeColumn) -> Vec<Option<Pass>> {
    let undecided = |reading: &LocalReading| repeat.contains(reading.local_s).then_some(UNDECIDED);
    let mut passes: Vec<Option<Pass>> = readings.iter().map(undecided).collect();
    if column.is_key {
        let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (at, reading) in readings.iter().enumerate() {
            groups.entry(reading.group).or_default().push(at);
        }
        for group in groups.into_values() {
            decide(repeat, readings, &group, true, &mut passes);
        }
    }
    if column.is_sorted && passes.iter().flatten().any(|pass| !pass.is_certain) {
        let all: Vec<usize> = (0..readings.len()).collect();
        decide(repeat, readings, &all, false, &mut passes);
    }
    if column.is_key {
        separate_repetitions(readings, &mut passes);
    }
    passes
}

/// Resolves the undecided readings at these positions as one sequence.
fn decide(
    repeat: Repeat,
    readings: &[LocalReading],
    positions: &[usize],
    is_group: bool,
    passes: &mut [Option<Pass>],
) {
    let mut positions = positions.to_vec();
    let steps = |positions: &[usize], is_back: bool| {
        let times = positions.windows(2).map(|pair| (readings[pair[0]], readings[pair[1]]));
        times.filter(|(a, b)| (a.local_s > b.local_s) == is_back && a.local_s != b.local_s).count()
    };
    if steps(&positions, true) > steps(&positions, false) {
        positions.reverse();
    }
    let times: Vec<i64> = positions.iter().map(|at| readings[*at].local_s).collect();
    let Some(second_from) = (Sequence { repeat, times: &times, is_group }).second_from() else {
        return;
    };
    for (number, at) in positions.iter().enumerate() {
        if let Some(pass) = passes[*at].as_mut().filter(|pass| !pass.is_certain) {
            *pass = Pass { is_second: number >= second_from, is_certain: true };
        }
    }
}

/// Assigns the second of two undecided readings with the same group and time to the second pass, so
/// that neither replaces the other.
fn separate_repetitions(readings: &[LocalReading], passes: &mut [Option<Pass>]) {
    let mut met: HashMap<(u64, i64), usize> = HashMap::new();
    for (reading, pass) in readings.iter().zip(passes) {
        let Some(pass) = pass.as_mut().filter(|pass| !pass.is_certain) else { continue };
        let before = met.entry((reading.group, reading.local_s)).or_default();
        pass.is_second = *before > 0;
        *before += 1;
    }
}

/// Times in ascending order except for disorder and the step back that is searched.
struct Sequence<'a> {
    repeat: Repeat,
    times: &'a [i64],
    /// Whether all times belong to one group, in which a repeated time is a step back.
    is_group: bool,
}

impl Sequence<'_> {
    /// The position from which ambiguous times belong to the second pass; `None` if undecided.
    fn second_from(&self) -> Option<usize> {
        let back = self.steps_back();
        let half_s = self.repeat.len_s() / 2;
        match back.as_slice() {
            [] => self.by_neighbours(),
            [(at, _)] => Some(*at),
            several => {
                let mut large = several.iter().filter(|(_, step_s)| *step_s >= half_s);
                let (at, _) = large.next()?;
                large.next().is_none().then_some(*at)
            }
        }
    }

    fn is_inside(&self, at: usize) -> bool {
        self.repeat.contains(self.times[at])
    }

    /// How far time steps back at a position, if it does.
    fn step_back_s(&self, at: usize) -> Option<i64> {
        let step_s = self.times[at - 1] - self.times[at];
        (step_s > 0 || (step_s == 0 && self.is_group)).then_some(step_s)
    }

    /// The positions at which the second pass may start, and how far time steps back there.
    fn steps_back(&self) -> Vec<(usize, i64)> {
        let (inside, outside): (Vec<usize>, Vec<usize>) =
            (1..self.times.len()).partition(|at| self.is_inside(at - 1) && self.is_inside(*at));
        let disorder_s = outside.iter().filter_map(|at| self.step_back_s(*at)).max();
        let stride_s = self.stride_s();
        let (len_s, is_known) = (self.repeat.len_s(), !outside.is_empty());
        let is_change = |step_s: i64| {
            let is_large = step_s >= len_s / 2;
            let fits = stride_s.is_none_or(|stride_s| len_s - step_s <= 2 * stride_s);
            let is_plausible = is_large || (fits && (is_known || step_s == 0));
            is_plausible && disorder_s.is_none_or(|disorder_s| step_s > disorder_s)
        };
        let steps = inside.into_iter().filter_map(|at| Some((at, self.step_back_s(at)?)));
        steps.filter(|(_, step_s)| is_change(*step_s)).collect()
    }

    /// The longest step forward within the stretches before, in and after the hour.
    fn stride_s(&self) -> Option<i64> {
        let is_same = |at: &usize| self.is_inside(at - 1) == self.is_inside(*at);
        let steps = (1..self.times.len()).filter(is_same);
        steps.map(|at| self.times[at] - self.times[at - 1]).filter(|step_s| *step_s > 0).max()
    }

    /// Without a step back, times that directly follow the hour before, with nothing after them,
    /// are the first pass; times that lead directly into the hour after are the second.
    fn by_neighbours(&self) -> Option<usize> {
        let end = self.times.len();
        let is_sorted = (1..end).all(|at| self.times[at] >= self.times[at - 1]);
        let first = (0..end).find(|at| self.is_inside(*at))?;
        let behind = (first..end).find(|at| !self.is_inside(*at));
        let is_same = |at: &usize| self.is_inside(at - 1) == self.is_inside(*at);
        if !is_sorted || (1..end).filter(is_same).count() < 2 {
            return None;
        }
        let stride_s = self.stride_s()?;
        let follows = |at: usize| 2 * (self.times[at] - self.times[at - 1]) <= 3 * stride_s;
        match (first > 0, behind) {
            (true, None) => follows(first).then_some(end),
            (false, Some(behind)) => follows(behind).then_some(0),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
