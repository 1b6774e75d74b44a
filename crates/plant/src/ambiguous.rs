//! Times that a clock shows twice: which of the two moments a record means, by the order of the
//! records in their dump.
//!
//! When a clock is set back, an hour of local times comes twice, and a text such as `02:30` does not
//! tell which one it means. The records before and behind it do: where times step back within the
//! hour, the second pass begins. Dumps are not always in order, so a step back counts only if it is
//! larger than those elsewhere in the same dump, and if it fits to how far the records are apart.
//! If the time is part of the key, records are compared with those of the same group first (the same
//! machine, say); after that, and otherwise, with all records, if their dump is sorted by the time.
//! What cannot be decided is the first pass and reported as uncertain.

use crate::time::HOUR_S;
use crate::zone::Repeat;
use std::collections::{BTreeMap, HashMap};

/// How far around a repeated hour records are looked at. Readings once an hour are still seen with
/// two steps on each side.
pub const WITHIN_S: i64 = 3 * HOUR_S;

/// What is known of a column of times in a dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeColumn {
    /// Whether the time is part of what tells records apart, so that the same time in one group means
    /// two readings; otherwise it can be one record that was written twice.
    pub is_key: bool,
    /// Whether the dump is sorted by it, but for some disorder.
    pub is_sorted: bool,
}

/// A record with a time in or near a repeated hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalReading {
    /// What the record is about; times of one group follow each other.
    pub group: u64,
    /// What the clock showed, in seconds since 1970-01-01 on that clock.
    pub local_s: i64,
}

/// Which of two moments a time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pass {
    /// Whether the clock showed the time for the second time.
    pub is_second: bool,
    /// Whether the order of the records shows it.
    pub is_certain: bool,
}

const UNDECIDED: Pass = Pass { is_second: false, is_certain: false };

/// Decides for the readings around one repeated hour, in the order of their dump; `None` for those
/// whose times the clock shows once.
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
        part_repetitions(readings, &mut passes);
    }
    passes
}

/// Decides for the readings at these places as one sequence, and leaves alone what is decided.
fn decide(
    repeat: Repeat,
    readings: &[LocalReading],
    places: &[usize],
    is_group: bool,
    passes: &mut [Option<Pass>],
) {
    let mut places = places.to_vec();
    let steps = |places: &[usize], is_back: bool| {
        let times = places.windows(2).map(|pair| (readings[pair[0]], readings[pair[1]]));
        times.filter(|(a, b)| (a.local_s > b.local_s) == is_back && a.local_s != b.local_s).count()
    };
    if steps(&places, true) > steps(&places, false) {
        places.reverse();
    }
    let times: Vec<i64> = places.iter().map(|at| readings[*at].local_s).collect();
    let Some(second_from) = (Sequence { repeat, times: &times, is_group }).second_from() else {
        return;
    };
    for (number, at) in places.iter().enumerate() {
        if let Some(pass) = passes[*at].as_mut().filter(|pass| !pass.is_certain) {
            *pass = Pass { is_second: number >= second_from, is_certain: true };
        }
    }
}

/// Of undecided readings of one group and time, the second is taken for the second pass, so that
/// none stands in for the other.
fn part_repetitions(readings: &[LocalReading], passes: &mut [Option<Pass>]) {
    let mut met: HashMap<(u64, i64), usize> = HashMap::new();
    for (reading, pass) in readings.iter().zip(passes) {
        let Some(pass) = pass.as_mut().filter(|pass| !pass.is_certain) else { continue };
        let before = met.entry((reading.group, reading.local_s)).or_default();
        pass.is_second = *before > 0;
        *before += 1;
    }
}

/// Times in ascending order but for the step back that is sought, and for disorder.
struct Sequence<'a> {
    repeat: Repeat,
    times: &'a [i64],
    /// Whether all times are of one group, in which a time that comes again is a step back.
    is_group: bool,
}

impl Sequence<'_> {
    /// The place from which on ambiguous times are of the second pass; `None` if undecided.
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

    /// How far time steps back to a place, if it does.
    fn step_back_s(&self, at: usize) -> Option<i64> {
        let step_s = self.times[at - 1] - self.times[at];
        (step_s > 0 || (step_s == 0 && self.is_group)).then_some(step_s)
    }

    /// The places where the second pass may begin, and how far time steps back there.
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

    /// The longest step forward within the stretches before, in and behind the hour.
    fn stride_s(&self) -> Option<i64> {
        let is_same = |at: &usize| self.is_inside(at - 1) == self.is_inside(*at);
        let steps = (1..self.times.len()).filter(is_same);
        steps.map(|at| self.times[at] - self.times[at - 1]).filter(|step_s| *step_s > 0).max()
    }

    /// Without a step back, times that follow the hour before without a gap, and nothing behind
    /// them, are the first pass; times that lead into the hour behind, the second.
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
