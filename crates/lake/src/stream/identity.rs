//! The identity of the log of a topic: a topic that was deleted and created again has the same name and
//! offsets, but is another log.
//!
//! A bronze table has a checkpoint for each log, whose value is derived from the id of the topic (KIP-516).
//! It is committed together with the first rows of the log, so that offsets are never compared with those
//! of another topic. Brokers before Kafka 2.8 report no id, and lakes of older programs have none; then the
//! last message that was read is compared with the message that the broker has at its offset.

use crate::delta::append::IDENTITY;
use crate::delta::table::{State, Table};
use batches::batch::{TopicId, log_name};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The value of a checkpoint if the broker reported no id.
const UNKNOWN: i64 = 0;

/// The log of a topic to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    pub name: Arc<str>,
    /// Whether it follows another log and nothing has been read of it yet.
    pub is_new: bool,
    /// Whether it is certain that offsets of this log are those of the existing topic.
    pub is_certain: bool,
    /// Checkpoints to be committed with its first rows.
    pub marks: BTreeMap<String, i64>,
}

impl Log {
    /// The log of the topic that has this id now. `is_other` if it is known to differ from the one that was
    /// read last.
    pub async fn choose(
        table: &Table,
        state: Option<&State>,
        topic: &str,
        id: Option<TopicId>,
        is_other: bool,
    ) -> anyhow::Result<Self> {
        let mut known = Vec::new();
        if let Some(state) = state {
            for number in 1.. {
                let Some(value) = table.checkpoint(state, &checkpoint(topic, number)).await? else {
                    break;
                };
                known.push(value);
            }
        }
        let choice = choose(&known, id.map(fold), is_other);
        let mark = |(number, value)| (checkpoint(topic, number), value);
        Ok(Self {
            name: log_name(topic, choice.number),
            is_new: choice.is_new,
            is_certain: choice.is_certain,
            marks: choice.marks.into_iter().map(mark).collect(),
        })
    }
}

fn checkpoint(topic: &str, number: i64) -> String {
    format!("{IDENTITY}{}", log_name(topic, number))
}

/// An id as the value of a checkpoint: ids are random, so half of one is enough to distinguish them.
fn fold(TopicId(id): TopicId) -> i64 {
    const LOW: u128 = u64::MAX as u128;
    let half = u64::try_from((id >> 64) ^ (id & LOW)).unwrap_or(u64::MAX);
    (half >> 1).cast_signed().max(UNKNOWN + 1)
}

#[derive(Debug, PartialEq, Eq)]
struct Choice {
    number: i64,
    is_new: bool,
    is_certain: bool,
    marks: Vec<(i64, i64)>,
}

impl Choice {
    /// A log that starts now. The first log of a topic has a mark, too, before another one follows.
    fn new_log(known: &[i64], number: i64, id: Option<i64>) -> Self {
        let first = known.is_empty().then_some((1, UNKNOWN));
        let marks = first.into_iter().chain([(number, id.unwrap_or(UNKNOWN))]).collect();
        Self { number, is_new: true, is_certain: true, marks }
    }

    fn known_log(number: i64, is_certain: bool, id: Option<i64>) -> Self {
        let marks = id.map(|id| (number, id)).into_iter().collect();
        Self { number, is_new: false, is_certain, marks }
    }
}

/// Chooses the log of a topic with this id by the ids of its logs so far.
fn choose(known: &[i64], id: Option<i64>, is_other: bool) -> Choice {
    let number_of = |at: usize| i64::try_from(at + 1).unwrap_or(i64::MAX);
    let last = number_of(known.len().saturating_sub(1));
    if is_other {
        return Choice::new_log(known, last + 1, id);
    }
    let found = known.iter().rposition(|it| Some(*it) == id).map(number_of);
    match (id, known.last()) {
        (Some(_), _) if let Some(number) = found => Choice::known_log(number, true, None),
        (Some(id), None | Some(&UNKNOWN)) => Choice::known_log(last, false, Some(id)),
        (Some(_), Some(_)) => Choice::new_log(known, last + 1, id),
        (None, _) => Choice::known_log(last, false, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(known: &[i64], id: Option<i64>, is_other: bool, number: i64, marks: &[(i64, i64)]) {
        let choice = choose(known, id, is_other);
        assert_eq!((choice.number, &choice.marks[..]), (number, marks), "{known:?} {id:?}");
    }

    #[test]
    fn a_topic_continues_its_log() {
        check(&[], Some(7), false, 1, &[(1, 7)]);
        check(&[], None, false, 1, &[]);
        check(&[7], Some(7), false, 1, &[]);
        check(&[7], None, false, 1, &[]);
        check(&[7, 8], Some(8), false, 2, &[]);
        check(&[UNKNOWN], Some(7), false, 1, &[(1, 7)]);
    }

    #[test]
    fn another_topic_starts_another_log() {
        check(&[7], Some(8), false, 2, &[(2, 8)]);
        check(&[7, 8], Some(9), false, 3, &[(3, 9)]);
        check(&[], Some(8), true, 2, &[(1, UNKNOWN), (2, 8)]);
        check(&[7], Some(7), true, 2, &[(2, 7)]);
        check(&[7, 7], Some(7), false, 2, &[]);
        check(&[UNKNOWN], None, true, 2, &[(2, UNKNOWN)]);
    }

    #[test]
    fn a_topic_of_a_cluster_that_was_read_before_continues_its_log() {
        check(&[7, 8], Some(7), false, 1, &[]);
    }

    proptest! {
        /// The marks always continue the numbers, and the same id gives the same log after the commit.
        #[test]
        fn a_choice_is_stable(ids in prop::collection::vec((1..5_i64, any::<bool>()), 1..12)) {
            let mut known: Vec<i64> = Vec::new();
            for (id, is_other) in ids {
                let choice = choose(&known, Some(id), is_other);
                for (number, value) in &choice.marks {
                    let at = usize::try_from(*number - 1).unwrap();
                    prop_assert!(at <= known.len());
                    if at == known.len() { known.push(*value) } else { known[at] = *value }
                }
                let again = choose(&known, Some(id), false);
                prop_assert_eq!(again.number, choice.number);
                prop_assert!(again.is_certain && again.marks.is_empty());
            }
        }
    }
}
