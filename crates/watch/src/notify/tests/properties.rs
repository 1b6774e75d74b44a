//! What holds for every sequence of alarms.

use super::rounds::round;
use super::world::{SECOND_US, T0, database, event, planner, raise};
use crate::notify::{NotificationQuery, NotificationState, list, round as steps};
use plant::alarm::{Priority, Transition};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

const PLANT: &str = r#"
[notifications]
group_after = 3
messages_per_hour = 8
messages_per_hour_reserved = 2

[[channel]]
name = "phone"
kind = "outbox"

[[channel]]
name = "program"
kind = "webhook"
url = "https://erp.example/alarms"

[[person]]
name = "anna"
channels = ["phone"]

[[person]]
name = "ben"
channels = ["phone"]
quiet = "10:05-10:20"

[[route]]
priorities = [1, 2, 3]
to = ["anna", "ben", "channel:program"]

[[route]]
priorities = [1]
to = ["anna"]
"#;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Every annunciation of a routed priority reaches each recipient in exactly one message, whatever the
    /// distance of alarms and however the clock is set; no recipient gets more than the budget in an hour.
    #[test]
    fn every_annunciation_is_in_exactly_one_message(
        alarms in proptest::collection::vec((0_u32..120, 1_i64..=4), 1..80),
        steps_s in proptest::collection::vec(-3_600_i64..3_600, 0..3),
    ) {
        let ((_folder, database), planner) = (database(), planner(PLANT));
        let mut now_us = T0;
        let mut begun: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let mut elapsed_us = 0;
        let mut note = |sent: Vec<crate::notify::Notification>, elapsed_us: i64| {
            for row in sent {
                begun.entry(row.content.recipient).or_default().push(elapsed_us);
            }
        };
        for (number, (pause_s, priority)) in (1_i64..).zip(&alarms) {
            let pause_us = i64::from(*pause_s) * SECOND_US;
            now_us += pause_us;
            elapsed_us += pause_us;
            if let Some(step_s) = steps_s.get(usize::try_from(number).unwrap() / 20).filter(|_| number % 20 == 0) {
                now_us += step_s * SECOND_US;
                database.write(|tx| steps::shift(tx, step_s * SECOND_US)).unwrap();
            }
            let priority = Priority::from_number(*priority).unwrap();
            raise(&database, &planner, &event(number, priority, Transition::Raised), now_us);
            note(round(&database, &planner, now_us), elapsed_us);
        }
        for _ in 0..600 {
            now_us += 30 * SECOND_US;
            elapsed_us += 30 * SECOND_US;
            note(round(&database, &planner, now_us), elapsed_us);
        }
        let query = NotificationQuery { limit: 100_000, ..NotificationQuery::default() };
        let rows = database.read(|tx| list(tx, &query)).unwrap();
        let sent: BTreeSet<i64> =
            rows.iter().filter(|row| row.state == NotificationState::Sent).map(|row| row.id).collect();
        let mut told: BTreeMap<(i64, String), usize> = BTreeMap::new();
        for row in rows.iter().filter(|row| row.content.event_number > 0) {
            let is_sent = sent.contains(&row.group_id.unwrap_or(row.id));
            prop_assert!(is_sent, "{:?}", row);
            *told.entry((row.content.event_number, row.content.recipient.clone())).or_default() += 1;
        }
        for (number, (_, priority)) in (1_i64..).zip(&alarms) {
            for recipient in ["anna", "ben", "channel:program"] {
                let count = told.get(&(number, recipient.to_owned())).copied().unwrap_or(0);
                prop_assert_eq!(count, usize::from(*priority < 4), "{} {}", number, recipient);
            }
        }
        for name in ["anna", "ben"] {
            for pair in begun.get(name).map(Vec::as_slice).unwrap_or_default().windows(9) {
                prop_assert!(pair[8] - pair[0] >= 3_600 * SECOND_US, "{} {:?}", name, pair);
            }
        }
    }
}
