//! Whether due messages to one recipient are sent, grouped or held back: a pure decision.

use config::settings::NotificationLimits;

const SECOND_US: i64 = 1_000_000;
const HOUR_US: i64 = 3_600 * SECOND_US;

/// The messages of one recipient on one channel, either those of priority 1 or the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Class<'a> {
    /// Messages of the class that are due and were never attempted.
    pub due: usize,
    pub is_urgent: bool,
    /// Whether a flood becomes one message.
    pub is_grouped: bool,
    /// When recent messages of the class were first attempted, in order.
    pub begun_us: &'a [i64],
    /// The same for all messages of the person on all channels; `None` if the recipient is a channel.
    pub person_begun_us: Option<&'a [i64]>,
}

/// What happens to the due messages of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Each is sent.
    Send,
    /// One message lists all.
    Group,
    /// They wait for the end of the window of grouping, which is looked at in every round.
    Wait,
    /// The budget of the person is used up until this time.
    Hold { until_us: i64 },
}

/// Decides about a class.
pub(super) fn decide(class: &Class<'_>, limits: &NotificationLimits, now_us: i64) -> Decision {
    let left = match class.person_begun_us.map(|begun| budget(begun, class, limits, now_us)) {
        None => usize::MAX,
        Some(Ok(left)) => left,
        Some(Err(until_us)) => return Decision::Hold { until_us },
    };
    if !class.is_grouped {
        return if class.due <= left { Decision::Send } else { Decision::Group };
    }
    let window_us = i64::from(limits.group_window_s) * SECOND_US;
    let in_window = after(class.begun_us, now_us - window_us).len();
    let free = (limits.group_after as usize).saturating_sub(in_window);
    if class.due <= free.min(left) {
        Decision::Send
    } else if in_window == 0 {
        Decision::Group
    } else {
        Decision::Wait
    }
}

/// How many messages the person may receive now, at least one, or when the next one.
fn budget(
    begun_us: &[i64],
    class: &Class<'_>,
    limits: &NotificationLimits,
    now_us: i64,
) -> Result<usize, i64> {
    let reserved = if class.is_urgent { 0 } else { limits.messages_per_hour_reserved };
    let allowed = limits.messages_per_hour.saturating_sub(reserved).max(1) as usize;
    let in_hour = after(begun_us, now_us - HOUR_US);
    match allowed.checked_sub(in_hour.len()).filter(|left| *left > 0) {
        Some(left) => Ok(left),
        None => Err(in_hour.get(in_hour.len() - allowed).map_or(now_us, |begun| begun + HOUR_US)),
    }
}

/// The times after `from_us`.
fn after(times_us: &[i64], from_us: i64) -> &[i64] {
    &times_us[times_us.partition_point(|time| *time <= from_us)..]
}

/// When a message is attempted again after `attempts` failed ones: the pause doubles each time, and differs by
/// up to a fifth between messages, so that a server that comes back does not receive all at once.
/// `asked_us` is the pause that the receiver requested.
pub fn pause_us(
    attempts: u32,
    key: &str,
    asked_us: Option<i64>,
    limits: &NotificationLimits,
) -> i64 {
    let longest_us = i64::from(limits.retry_longest_ms) * 1_000;
    let doubled = 1_i64.checked_shl(attempts.saturating_sub(1).min(40)).unwrap_or(i64::MAX);
    let pause_us = (i64::from(limits.retry_first_ms) * 1_000).saturating_mul(doubled);
    let pause_us = pause_us.min(longest_us);
    // The key is a digest, so its bytes are as good as random ones, and the same after a restart.
    let seed = key
        .bytes()
        .fold(u64::from(attempts), |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
    let share = i64::try_from(seed % 401).unwrap_or(0) - 200;
    let pause_us = pause_us + pause_us / 1_000 * share;
    pause_us.max(asked_us.unwrap_or(0).min(longest_us))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limits() -> NotificationLimits {
        NotificationLimits {
            messages_per_hour: 6,
            messages_per_hour_reserved: 2,
            group_after: 3,
            group_window_s: 60,
            ..NotificationLimits::default()
        }
    }

    fn decided(due: usize, is_urgent: bool, begun_s: &[i64], person_s: &[i64]) -> Decision {
        let us = |times: &[i64]| times.iter().map(|it| it * SECOND_US).collect::<Vec<_>>();
        let (begun_us, person_us) = (us(begun_s), us(person_s));
        let class = Class {
            due,
            is_urgent,
            is_grouped: true,
            begun_us: &begun_us,
            person_begun_us: Some(&person_us),
        };
        decide(&class, &limits(), 10_000 * SECOND_US)
    }

    #[test]
    fn few_messages_are_sent_and_a_flood_is_one() {
        assert_eq!(decided(3, false, &[], &[]), Decision::Send);
        assert_eq!(decided(4, false, &[], &[]), Decision::Group);
        assert_eq!(decided(1, false, &[9_990, 9_995], &[]), Decision::Send);
        assert_eq!(decided(2, false, &[9_990, 9_995], &[]), Decision::Wait);
        assert_eq!(decided(2, false, &[9_940], &[]), Decision::Send);
    }

    #[test]
    fn a_budget_that_is_used_up_holds_messages() {
        let four = [7_000, 8_000, 9_000, 9_100];
        let until_us = (7_000 + 3_600) * SECOND_US;
        assert_eq!(decided(1, false, &[], &four), Decision::Hold { until_us });
        assert_eq!(decided(2, true, &[], &four), Decision::Send, "the reserve");
        assert_eq!(decided(3, true, &[], &four), Decision::Group, "the last one lists all");
        let six = [7_000, 8_000, 9_000, 9_100, 9_200, 9_300];
        assert_eq!(decided(1, true, &[], &six), Decision::Hold { until_us });
        assert_eq!(decided(1, false, &[], &[6_400, 6_400, 6_400, 6_400]), Decision::Send);
    }

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let limits = NotificationLimits::default();
        let pauses: Vec<i64> =
            (1..=12).map(|it| pause_us(it, "a", None, &limits) / SECOND_US).collect();
        assert!(pauses[0] >= 4 && pauses[0] <= 6, "{pauses:?}");
        assert!(pauses.windows(2).take(7).all(|pair| pair[0] < pair[1]), "{pauses:?}");
        assert!(pauses.iter().all(|it| *it <= 1_080), "{pauses:?}");
        assert_eq!(pause_us(1, "a", Some(60 * SECOND_US), &limits), 60 * SECOND_US);
        assert_eq!(pause_us(1, "a", Some(i64::MAX), &limits), 900 * SECOND_US);
        assert!(pause_us(u32::MAX, "a", None, &limits) > 0);
    }

    proptest! {
        /// A person who is sent what is decided never receives more than the budget in any hour, and everything
        /// is sent in the end.
        #[test]
        fn the_budget_is_never_exceeded(
            arrivals in proptest::collection::vec((0_i64..20_000, any::<bool>()), 1..200),
        ) {
            let limits = limits();
            let mut arrivals = arrivals;
            arrivals.sort_unstable();
            let (mut begun, mut by_class) = (Vec::new(), [Vec::new(), Vec::new()]);
            let (mut waiting, mut delivered) = ([0_usize; 2], 0);
            for second in 0..40_000_i64 {
                let now_us = second * SECOND_US;
                for (_, is_urgent) in arrivals.iter().filter(|(at, _)| *at == second) {
                    waiting[usize::from(*is_urgent)] += 1;
                }
                for number in [1, 0] {
                    let class = Class {
                        due: waiting[number],
                        is_urgent: number == 1,
                        is_grouped: true,
                        begun_us: &by_class[number],
                        person_begun_us: Some(&begun),
                    };
                    if class.due == 0 {
                        continue;
                    }
                    let messages = match decide(&class, &limits, now_us) {
                        Decision::Send => waiting[number],
                        Decision::Group => 1,
                        _ => continue,
                    };
                    delivered += std::mem::take(&mut waiting[number]);
                    begun.extend(std::iter::repeat_n(now_us, messages));
                    by_class[number].extend(std::iter::repeat_n(now_us, messages));
                }
            }
            prop_assert_eq!(delivered, arrivals.len());
            let budget = limits.messages_per_hour as usize;
            for pair in begun.windows(budget + 1) {
                prop_assert!(pair[budget] - pair[0] >= HOUR_US, "{:?}", pair);
            }
        }
    }
}
