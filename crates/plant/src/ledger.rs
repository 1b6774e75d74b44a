//! The time ledger: every second of a unit's time is assigned to exactly one category.
//!
//! Systems claim time: a machine reports that it ran from one time to another, and the next record
//! may begin before the previous one ended. [`close`] lays the claims over each other and over the
//! calendar. Its result has no gaps and no overlaps, whatever the claims are. It covers the time
//! from the first to the last known time of the unit; time outside is not part of the ledger.

use crate::calendar::{Calendar, LocalParts, Piece};
use std::collections::BinaryHeap;

/// A claim on a stretch of time, in whole seconds since 1970-01-01T00:00:00Z. A claim of zero
/// length takes no time; it only extends the range of the ledger to that second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    pub from_s: i64,
    /// Exclusive end.
    pub to_s: i64,
    /// Priority where claims differ: the greater value wins, then the later start, then the later
    /// position in the list.
    pub precedence: i64,
    /// Consecutive claims of the same kind form one interval.
    pub kind: u64,
}

/// A stretch of time within one piece of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    pub from_s: i64,
    /// Exclusive end.
    pub to_s: i64,
    /// Local time parts at its start.
    pub parts: LocalParts,
    /// Index of the claim that has this time; `None` if it is unclaimed.
    pub claim: Option<usize>,
    /// Seconds of other claims that this entry displaced, counted once per claim.
    pub overlap_s: i64,
    /// Whether an interval starts here: the second before is unclaimed or belongs to a claim of
    /// another kind.
    pub begins: bool,
}

impl Entry {
    /// Length in seconds.
    pub const fn duration_s(&self) -> i64 {
        self.to_s - self.from_s
    }
}

/// The range a ledger covers: the first second of any claim and the exclusive end of the last;
/// `None` without claims.
pub fn covered(claims: &[Claim]) -> Option<(i64, i64)> {
    let from_s = claims.iter().map(|claim| claim.from_s).min()?;
    let to_s = claims.iter().map(|claim| claim.to_s.max(claim.from_s + 1)).max()?;
    Some((from_s, to_s))
}

/// The ledger of one unit, in order of time and without gaps, over the range of its claims. The
/// entries of a production day between the first and the last sum to its 23, 24 or 25 hours; those
/// of the first and the last day to the covered part.
pub fn close(calendar: &Calendar, claims: &[Claim]) -> Vec<Entry> {
    let Some((from_s, to_s)) = covered(claims) else { return Vec::new() };
    let mut sweep = Sweep::new(claims);
    let mut entries: Vec<Entry> = Vec::new();
    for piece in calendar.pieces(from_s, to_s) {
        sweep.piece(&piece, &mut entries);
    }
    entries
}

/// Sweeps over the claims in order of time.
struct Sweep<'a> {
    claims: &'a [Claim],
    /// Claims that have not begun, the next one last.
    waiting: Vec<usize>,
    /// Open claims, the winning one first; ended ones are removed lazily when they reach the top.
    open: BinaryHeap<(i64, i64, usize)>,
    /// End times of claims, ascending, and how many of them have passed.
    ends: Vec<i64>,
    ended: usize,
    begun: usize,
}

impl<'a> Sweep<'a> {
    fn new(claims: &'a [Claim]) -> Self {
        let has_length = |at: &usize| claims[*at].to_s > claims[*at].from_s;
        let mut waiting: Vec<usize> = (0..claims.len()).filter(has_length).collect();
        let mut ends: Vec<i64> = waiting.iter().map(|at| claims[*at].to_s).collect();
        ends.sort_unstable();
        waiting.sort_unstable_by_key(|at| std::cmp::Reverse(claims[*at].from_s));
        Self { claims, waiting, open: BinaryHeap::new(), ends, ended: 0, begun: 0 }
    }

    fn piece(&mut self, piece: &Piece, entries: &mut Vec<Entry>) {
        let mut at_s = piece.from_s;
        while at_s < piece.to_s {
            self.advance(at_s);
            let winner = self.open.peek().map(|(_, _, at)| *at);
            let to_s = self.next_turn_s().map_or(piece.to_s, |turn_s| turn_s.min(piece.to_s));
            let others = (self.begun - self.ended).saturating_sub(1);
            let overlap_s = (to_s - at_s) * others.cast_signed() as i64;
            let last = entries.last_mut().filter(|last| {
                last.claim == winner && last.to_s == at_s && last.parts == piece.parts
            });
            match last {
                Some(last) => {
                    last.to_s = to_s;
                    last.overlap_s += overlap_s;
                }
                None => {
                    let begins = self.begins(winner, entries.last());
                    let parts = piece.parts;
                    let (from_s, claim) = (at_s, winner);
                    entries.push(Entry { from_s, to_s, parts, claim, overlap_s, begins });
                }
            }
            at_s = to_s;
        }
    }

    fn begins(&self, winner: Option<usize>, last: Option<&Entry>) -> bool {
        let kind = |claim: Option<usize>| claim.map(|at| self.claims[at].kind);
        kind(winner).is_some() && last.is_none_or(|last| kind(last.claim) != kind(winner))
    }

    /// Opens the claims that have begun and closes those that have ended at a given time.
    fn advance(&mut self, at_s: i64) {
        while let Some(at) = self.waiting.pop_if(|at| self.claims[*at].from_s <= at_s) {
            let claim = &self.claims[at];
            self.open.push((claim.precedence, claim.from_s, at));
            self.begun += 1;
        }
        while self.ends.get(self.ended).is_some_and(|end_s| *end_s <= at_s) {
            self.ended += 1;
        }
        while self.open.peek().is_some_and(|(_, _, at)| self.claims[*at].to_s <= at_s) {
            self.open.pop();
        }
    }

    /// The next time at which a claim begins or ends.
    fn next_turn_s(&self) -> Option<i64> {
        let begin_s = self.waiting.last().map(|at| self.claims[*at].from_s);
        let end_s = self.ends.get(self.ended).copied();
        begin_s.into_iter().chain(end_s).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Shift;
    use crate::time::HOUR_S;
    use chrono_tz::Tz;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// 2024-01-01 06:00 UTC.
    const MORNING_S: i64 = 1_704_088_800;

    fn calendar(zone: Tz) -> Calendar {
        let shift = |name: &str, start: u16, end: u16| Shift {
            name: name.to_owned(),
            start_min: start * 60,
            end_min: end * 60,
            ..Shift::default()
        };
        let shifts = vec![shift("A", 6, 14), shift("B", 14, 22), shift("C", 22, 6)];
        Calendar::new(zone, shifts).unwrap()
    }

    fn claim(from_s: i64, to_s: i64, kind: u64) -> Claim {
        Claim { from_s, to_s, precedence: 0, kind }
    }

    fn seconds(entries: &[Entry], claims: &[Claim], kind: Option<u64>) -> i64 {
        let is_kind = |it: &&Entry| it.claim.map(|at| claims[at].kind) == kind;
        entries.iter().filter(is_kind).map(Entry::duration_s).sum()
    }

    #[test]
    fn overlapping_stops_count_once_and_are_reported() {
        let at = |minute: i64| MORNING_S + minute * 60;
        let claims = [claim(at(0), at(900), 1), claim(at(10), at(840), 1)];
        let entries = close(&calendar(Tz::UTC), &claims);
        assert_eq!(seconds(&entries, &claims, Some(1)), 15 * HOUR_S);
        assert_eq!(entries.iter().map(|it| it.overlap_s).sum::<i64>(), 830 * 60);
        assert_eq!(entries.iter().filter(|it| it.begins).count(), 1);
        assert_eq!(seconds(&entries, &claims, None), 0);
    }

    #[test]
    fn time_outside_the_claims_is_not_covered() {
        let at = |hour: i64| MORNING_S + hour * HOUR_S;
        // Covered from 18 hours after the start of a production day until 3 hours into the third.
        let claims = [claim(at(18), at(20), 1), claim(at(30), at(51), 2)];
        let entries = close(&calendar(Tz::UTC), &claims);
        let mut days: BTreeMap<i32, i64> = BTreeMap::new();
        for entry in &entries {
            *days.entry(entry.parts.production_day).or_default() += entry.duration_s();
        }
        let days: Vec<i64> = days.into_values().collect();
        assert_eq!(days, [6 * HOUR_S, 24 * HOUR_S, 3 * HOUR_S]);
        assert_eq!(seconds(&entries, &claims, None), 10 * HOUR_S);
    }

    #[test]
    fn the_later_claim_wins_at_equal_priority() {
        let at = |hour: i64| MORNING_S + hour * HOUR_S;
        let claims = [claim(at(0), at(3), 1), claim(at(2), at(4), 2)];
        let entries = close(&calendar(Tz::UTC), &claims);
        assert_eq!(seconds(&entries, &claims, Some(1)), 2 * HOUR_S);
        assert_eq!(seconds(&entries, &claims, Some(2)), 2 * HOUR_S);
        let claims = [Claim { precedence: 1, ..claims[0] }, claims[1]];
        let entries = close(&calendar(Tz::UTC), &claims);
        assert_eq!(seconds(&entries, &claims, Some(1)), 3 * HOUR_S);
        assert_eq!(seconds(&entries, &claims, Some(2)), HOUR_S);
    }

    #[test]
    fn a_claim_of_zero_length_extends_the_range_only() {
        let claims = [claim(MORNING_S, MORNING_S, 1), claim(MORNING_S + 86_400, MORNING_S, 2)];
        let entries = close(&calendar(Tz::UTC), &claims);
        assert_eq!(entries.iter().map(Entry::duration_s).sum::<i64>(), 86_401);
        assert!(entries.iter().all(|it| it.claim.is_none() && !it.begins && it.overlap_s == 0));
        assert_eq!(close(&calendar(Tz::UTC), &[]), []);
    }

    fn any_claims() -> impl Strategy<Value = Vec<Claim>> {
        // Around 2024-03-31 and 2024-10-27, when clocks in Berlin change.
        let around = prop_oneof![Just(1_711_843_200_i64), Just(1_729_990_800)];
        let claim = (-200_000_i64..200_000, -100_i64..90_000, 0_i64..3, 0_u64..4);
        (around, prop::collection::vec(claim, 0..40)).prop_map(|(middle_s, drawn)| {
            let claim = |(from, length, precedence, kind)| {
                let from_s = middle_s + from;
                Claim { from_s, to_s: from_s + length, precedence, kind }
            };
            drawn.into_iter().map(claim).collect()
        })
    }

    /// The owner of a second, found by checking every claim.
    fn winner(claims: &[Claim], at_s: i64) -> Option<usize> {
        let has = |at: &usize| (claims[*at].from_s..claims[*at].to_s).contains(&at_s);
        let rank = |at: &usize| (claims[*at].precedence, claims[*at].from_s, *at);
        (0..claims.len()).filter(has).max_by_key(rank)
    }

    proptest! {
        #[test]
        fn days_sum_to_their_covered_part_and_every_second_is_the_winners(claims in any_claims()) {
            let calendar = calendar(Tz::Europe__Berlin);
            let entries = close(&calendar, &claims);
            let mut days: BTreeMap<i32, i64> = BTreeMap::new();
            for pair in entries.windows(2) {
                prop_assert_eq!(pair[0].to_s, pair[1].from_s);
            }
            for entry in &entries {
                prop_assert!(entry.duration_s() > 0 && entry.overlap_s >= 0);
                *days.entry(entry.parts.production_day).or_default() += entry.duration_s();
                for at_s in [entry.from_s, i64::midpoint(entry.from_s, entry.to_s), entry.to_s - 1] {
                    prop_assert_eq!(entry.claim, winner(&claims, at_s));
                }
            }
            let reach = (entries.first().map(|it| it.from_s), entries.last().map(|it| it.to_s));
            let (first_s, end_s) = covered(&claims).unzip();
            prop_assert_eq!(reach, (first_s, end_s));
            for (day, seconds) in days {
                let (from_s, to_s) = calendar.production_day(day);
                prop_assert!([82_800, 86_400, 90_000].contains(&(to_s - from_s)));
                let until_s = end_s.map_or(to_s, |it| it.min(to_s));
                let since_s = first_s.map_or(from_s, |it| it.max(from_s));
                prop_assert_eq!(seconds, until_s - since_s);
            }
        }

        #[test]
        fn the_order_of_arrival_does_not_matter(claims in any_claims(), turn in 0_usize..40) {
            let distinct = |it: &Claim| (it.precedence, it.from_s);
            let mut ranks: Vec<_> = claims.iter().map(distinct).collect();
            ranks.sort_unstable();
            ranks.dedup();
            prop_assume!(ranks.len() == claims.len());
            let mut turned = claims.clone();
            turned.rotate_left(turn.min(claims.len()));
            let told = |claims: &[Claim]| -> Vec<_> {
                let entries = close(&calendar(Tz::Europe__Berlin), claims);
                let told = |it: &Entry| (it.from_s, it.to_s, it.claim.map(|at| claims[at]), it.begins);
                entries.iter().map(told).collect()
            };
            prop_assert_eq!(told(&claims), told(&turned));
        }
    }
}
