//! Which files of a watched folder are complete, by what the kernel reports of them.

use std::collections::{HashMap, HashSet};

/// A change of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was created, and is empty or still being written.
    Created,
    /// Bytes were written, or it was truncated.
    Modified,
    /// A program that could write to it closed it.
    Closed,
    /// It was renamed into its place, and was complete before.
    MovedIn,
    /// It was deleted, or renamed away.
    Removed,
}

/// Whether a file can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was renamed into its place, written in one go, or has rested.
    Complete,
    /// It was changed less than the settle time ago, and may grow further.
    Growing,
    /// It did not change while the folder was watched.
    Unknown,
}

/// The files of a folder that changed since a round read it. Times are in milliseconds since 1970-01-01T00:00:00Z.
///
/// A file that is created, written and closed is complete at once, and so is one that is renamed into its place.
/// Any other change may be followed by more, so the file has to rest: a program may append to it again and again.
#[derive(Debug, Default)]
pub struct Arrivals {
    settle_ms: i64,
    growing: HashMap<String, Growing>,
    /// Complete files that no round has read.
    waiting: HashSet<String>,
    /// Complete files that the current round reads.
    round: HashSet<String>,
    is_incomplete: bool,
}

#[derive(Debug, Clone, Copy)]
struct Growing {
    /// Whether the file is new and was not closed yet.
    is_new: bool,
    changed_at_ms: i64,
}

impl Arrivals {
    /// Files rest when they have not changed for `settle_ms`.
    pub fn new(settle_ms: i64) -> Self {
        Self { settle_ms, ..Self::default() }
    }

    /// Takes note of a change.
    pub fn note(&mut self, key: &str, change: Change, now_ms: i64) {
        let before = self.growing.get(key).copied();
        let is_new = before.is_some_and(|it| it.is_new);
        match change {
            Change::Created => self.grows(key, true, now_ms),
            Change::Modified => self.grows(key, is_new, now_ms),
            Change::Closed if is_new => self.completes(key),
            Change::Closed if before.is_none() && self.waiting.contains(key) => {}
            Change::Closed => self.grows(key, false, now_ms),
            Change::MovedIn => self.completes(key),
            Change::Removed => {
                self.growing.remove(key);
                self.waiting.remove(key);
            }
        }
    }

    /// Takes note that changes were lost, so that the whole folder has to be listed.
    pub fn note_lost(&mut self) {
        self.is_incomplete = true;
    }

    fn grows(&mut self, key: &str, is_new: bool, now_ms: i64) {
        self.waiting.remove(key);
        self.growing.insert(key.to_owned(), Growing { is_new, changed_at_ms: now_ms });
    }

    fn completes(&mut self, key: &str) {
        self.growing.remove(key);
        self.waiting.insert(key.to_owned());
    }

    /// Whether there is something to read.
    pub fn is_due(&mut self, now_ms: i64) -> bool {
        self.settle(now_ms);
        self.is_incomplete || !self.waiting.is_empty()
    }

    /// When the next growing file has rested if it does not change again.
    pub fn next_due_ms(&self) -> Option<i64> {
        let rested = |it: &Growing| it.changed_at_ms.saturating_add(self.settle_ms);
        self.growing.values().map(rested).min()
    }

    /// Starts a round, which reads all files that are complete by now.
    pub fn begin_round(&mut self, now_ms: i64) {
        self.settle(now_ms);
        self.is_incomplete = false;
        self.round = std::mem::take(&mut self.waiting);
    }

    /// Whether the current round can read a file.
    pub fn arrival(&self, key: &str) -> Arrival {
        match key {
            _ if self.growing.contains_key(key) => Arrival::Growing,
            _ if self.round.contains(key) || self.waiting.contains(key) => Arrival::Complete,
            _ => Arrival::Unknown,
        }
    }

    fn settle(&mut self, now_ms: i64) {
        let settle_ms = self.settle_ms;
        // A clock that was set back must not keep a file waiting for ever.
        let has_rested = |it: &Growing| (now_ms - it.changed_at_ms).abs() >= settle_ms;
        let rested = self.growing.extract_if(|_key, it| has_rested(it)).map(|(key, _it)| key);
        self.waiting.extend(rested);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Change::{Closed, Created, Modified, MovedIn, Removed};

    /// The arrival of a file at `now_ms` after changes, each with its time.
    fn after(changes: &[(Change, i64)], now_ms: i64) -> Arrival {
        let mut arrivals = Arrivals::new(2_000);
        for (change, at_ms) in changes {
            arrivals.note("a.csv", *change, *at_ms);
        }
        let is_due = arrivals.is_due(now_ms);
        arrivals.begin_round(now_ms);
        assert_eq!(is_due, arrivals.arrival("a.csv") == Arrival::Complete);
        arrivals.arrival("a.csv")
    }

    #[test]
    fn a_file_written_in_one_go_is_complete_at_once() {
        assert_eq!(after(&[(Created, 0), (Modified, 1), (Closed, 2)], 2), Arrival::Complete);
        assert_eq!(after(&[(Created, 0), (Modified, 1), (Modified, 900)], 901), Arrival::Growing);
        assert_eq!(after(&[(MovedIn, 5)], 5), Arrival::Complete);
    }

    #[test]
    fn a_file_that_grows_waits_until_it_rests() {
        let slow = [(Created, 0), (Modified, 1_000), (Modified, 2_500)];
        assert_eq!(after(&slow, 4_499), Arrival::Growing);
        assert_eq!(after(&slow, 4_500), Arrival::Complete);
        // Whoever opens a file again may do so once more.
        let appended = [(Created, 0), (Closed, 1), (Modified, 2), (Closed, 3)];
        assert_eq!(after(&appended, 2_002), Arrival::Growing);
        assert_eq!(after(&appended, 2_003), Arrival::Complete);
        assert_eq!(after(&[(Modified, 0), (Closed, 1)], 2), Arrival::Growing);
        assert_eq!(after(&[(Closed, 1)], 2), Arrival::Growing);
    }

    #[test]
    fn a_removed_file_is_forgotten() {
        assert_eq!(after(&[(MovedIn, 0), (Removed, 1)], 2), Arrival::Unknown);
        assert_eq!(after(&[(Created, 0), (Removed, 1)], 9_000), Arrival::Unknown);
        assert_eq!(after(&[], 0), Arrival::Unknown);
    }

    #[test]
    fn a_round_reads_what_was_complete_when_it_began() {
        let mut arrivals = Arrivals::new(2_000);
        arrivals.note("a", MovedIn, 0);
        arrivals.note("b", Created, 100);
        assert_eq!(arrivals.next_due_ms(), Some(2_100));
        arrivals.begin_round(100);
        assert_eq!(arrivals.arrival("a"), Arrival::Complete);
        assert!(!arrivals.is_due(101), "the round reads the only complete file");
        // It changes while the round reads: the next one reads it again.
        arrivals.note("a", Modified, 150);
        assert_eq!(arrivals.arrival("a"), Arrival::Growing);
        assert!(arrivals.is_due(2_100) && arrivals.is_due(2_150));
        arrivals.begin_round(2_150);
        assert_eq!(["a", "b"].map(|it| arrivals.arrival(it)), [Arrival::Complete; 2]);
        assert_eq!(arrivals.next_due_ms(), None);
    }

    #[test]
    fn lost_changes_cause_a_round() {
        let mut arrivals = Arrivals::new(2_000);
        arrivals.note_lost();
        assert!(arrivals.is_due(0));
        arrivals.begin_round(0);
        assert!(!arrivals.is_due(9_000));
    }

    #[test]
    fn a_clock_that_is_set_back_delays_no_file_for_ever() {
        assert_eq!(after(&[(Created, 1_000_000)], 0), Arrival::Complete);
    }
}
