//! Rounds on a real database: grouping, budgets, escalations, clock steps, expiry.

use super::world::{SECOND_US, T0, database, event, planner, raise};
use crate::notify::round::{self, Outcome};
use crate::notify::{
    Notification, NotificationKind, NotificationPlanner, NotificationQuery, NotificationState,
    backlog, list, queue_test, retry,
};
use access::Database;
use plant::alarm::{Priority, Transition};
use std::collections::BTreeMap;

const ONE: &str = r#"
[notifications]
group_after = 3
messages_per_hour = 6
messages_per_hour_reserved = 2
attempts_at_once = 100

[[channel]]
name = "phone"
kind = "outbox"

[[person]]
name = "anna"
role = "lead"
channels = ["phone"]

[[route]]
to = ["anna"]
escalate = [{ after = "5 min", to = ["role:lead"] }]
"#;

/// One round in which every attempt succeeds; what was attempted.
pub fn round(database: &Database, planner: &NotificationPlanner, now_us: i64) -> Vec<Notification> {
    let claimed = database.write(|tx| round::claim(tx, planner, &BTreeMap::new(), now_us)).unwrap();
    let outcomes: Vec<_> = claimed.iter().map(|row| (row.id, Outcome::Sent)).collect();
    database.write(|tx| round::finish(tx, &outcomes, now_us)).unwrap();
    claimed
}

fn all(database: &Database) -> Vec<Notification> {
    let query = NotificationQuery { limit: 100_000, ..NotificationQuery::default() };
    database.read(|tx| list(tx, &query)).unwrap()
}

fn count(database: &Database, state: NotificationState) -> usize {
    all(database).iter().filter(|row| row.state == state).count()
}

#[test]
fn a_flood_is_one_message_with_the_first_alarm_first() {
    let ((_folder, database), planner) = (database(), planner(ONE));
    for number in 1..=10 {
        raise(&database, &planner, &event(number, Priority::P2, Transition::Raised), T0);
    }
    let sent = round(&database, &planner, T0);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].content.kind, NotificationKind::Group);
    assert!(sent[0].content.subject.contains("10 alarms"), "{}", sent[0].content.subject);
    assert!(sent[0].content.body.lines().next().unwrap().contains("Plant1.1"));
    assert_eq!(count(&database, NotificationState::Grouped), 10);
    // What follows waits for the end of the window, except what is urgent.
    for number in 11..=14 {
        raise(&database, &planner, &event(number, Priority::P2, Transition::Raised), T0);
    }
    raise(&database, &planner, &event(15, Priority::P1, Transition::Raised), T0);
    let sent = round(&database, &planner, T0 + SECOND_US);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].content.occurrence, 15);
    assert_eq!(round(&database, &planner, T0 + 59 * SECOND_US).len(), 0);
    assert_eq!(round(&database, &planner, T0 + 61 * SECOND_US).len(), 1);
    assert_eq!(count(&database, NotificationState::Waiting), 0);
}

#[test]
fn what_exceeds_the_budget_is_summed_up_when_the_hour_is_over() {
    let without_escalation = ONE.split("escalate").next().unwrap();
    let ((_folder, database), planner) = (database(), planner(without_escalation));
    let mut sent = 0;
    for number in 1..=30 {
        let now_us = T0 + number * 61 * SECOND_US;
        raise(&database, &planner, &event(number, Priority::P2, Transition::Raised), now_us);
        sent += round(&database, &planner, now_us).len();
    }
    assert_eq!(sent, 4, "two of six are reserved for priority 1");
    let held = backlog_waiting(&database, T0 + 3_000 * SECOND_US);
    assert_eq!(held, 26);
    let after = round(&database, &planner, T0 + 3_662 * SECOND_US);
    assert_eq!(after.len(), 1, "{after:?}");
    assert!(after[0].content.subject.contains("26 alarms"), "{}", after[0].content.subject);
}

fn backlog_waiting(database: &Database, now_us: i64) -> u32 {
    database.read(|tx| backlog(tx, now_us)).unwrap().waiting
}

#[test]
fn an_escalation_happens_on_time_unless_somebody_acknowledges() {
    let ((_folder, database), planner) = (database(), planner(ONE));
    raise(&database, &planner, &event(1, Priority::P2, Transition::Raised), T0);
    raise(&database, &planner, &event(2, Priority::P2, Transition::Raised), T0);
    assert_eq!(round(&database, &planner, T0).len(), 2);
    let mut acknowledged = event(3, Priority::P2, Transition::Acknowledged);
    acknowledged.occurrence = 2;
    raise(&database, &planner, &acknowledged, T0 + 60 * SECOND_US);
    assert_eq!(round(&database, &planner, T0 + 299 * SECOND_US).len(), 0);
    let sent = round(&database, &planner, T0 + 300 * SECOND_US);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].content.kind, NotificationKind::Escalation);
    assert_eq!(sent[0].content.occurrence, 1);
    assert!(sent[0].content.subject.contains("Not acknowledged since"));
    assert_eq!(round(&database, &planner, T0 + 900 * SECOND_US).len(), 0, "only once");
}

#[test]
fn an_alarm_that_is_annunciated_again_has_new_escalations_only() {
    let ((_folder, database), planner) = (database(), planner(ONE));
    raise(&database, &planner, &event(1, Priority::P2, Transition::Raised), T0);
    let mut again = event(2, Priority::P2, Transition::ShelvingExpired);
    again.occurrence = 1;
    raise(&database, &planner, &again, T0 + 200 * SECOND_US);
    round(&database, &planner, T0 + 200 * SECOND_US);
    assert_eq!(round(&database, &planner, T0 + 301 * SECOND_US).len(), 0);
    let sent = round(&database, &planner, T0 + 500 * SECOND_US);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].content.event_number, 2);
}

#[test]
fn a_clock_step_changes_no_pause() {
    let step_us = 3_600 * SECOND_US;
    for step_us in [step_us, -step_us] {
        let ((_folder, database), planner) = (database(), planner(ONE));
        raise(&database, &planner, &event(1, Priority::P2, Transition::Raised), T0);
        round(&database, &planner, T0);
        database.write(|tx| round::shift(tx, step_us)).unwrap();
        assert_eq!(round(&database, &planner, T0 + step_us + 299 * SECOND_US).len(), 0);
        assert_eq!(round(&database, &planner, T0 + step_us + 300 * SECOND_US).len(), 1);
        let begun: Vec<i64> =
            all(&database).iter().filter_map(|row| row.first_attempt_at_us).collect();
        assert!(begun.contains(&(T0 + step_us)), "{begun:?}");
    }
}

#[test]
fn an_attempt_that_was_cut_off_is_repeated_with_its_key() {
    let ((_folder, database), planner) = (database(), planner(ONE));
    raise(&database, &planner, &event(1, Priority::P2, Transition::Raised), T0);
    let claim =
        |now_us| database.write(|tx| round::claim(tx, &planner, &BTreeMap::new(), now_us)).unwrap();
    let first = claim(T0);
    assert_eq!(claim(T0 + SECOND_US).len(), 0, "it is being attempted");
    assert_eq!(database.write(|tx| round::recover(tx, T0 + 2 * SECOND_US)).unwrap(), 1);
    let second = claim(T0 + 2 * SECOND_US);
    assert_eq!(second.len(), 1);
    assert_eq!(second[0].content.idempotency_key, first[0].content.idempotency_key);
    assert_eq!(second[0].attempts, 2);
    assert!(second[0].last_error.as_ref().unwrap().contains("unknown"));
}

#[test]
fn a_failed_message_is_kept_and_tried_again_by_hand() {
    let ((_folder, database), planner) = (database(), planner(ONE));
    raise(&database, &planner, &event(1, Priority::P2, Transition::Raised), T0);
    let claimed = database.write(|tx| round::claim(tx, &planner, &BTreeMap::new(), T0)).unwrap();
    let id = claimed[0].id;
    let failed = Outcome::Failed { error: "mailbox full".to_owned() };
    database.write(|tx| round::finish(tx, &[(id, failed)], T0)).unwrap();
    assert_eq!(round(&database, &planner, T0 + 60 * SECOND_US).len(), 0);
    let query = NotificationQuery {
        state: Some(NotificationState::Failed),
        limit: 10,
        ..NotificationQuery::default()
    };
    let found = database.read(|tx| list(tx, &query)).unwrap();
    assert_eq!(found[0].last_error.as_deref(), Some("mailbox full"));
    assert_eq!(database.read(|tx| backlog(tx, T0)).unwrap().failed, 1);
    database.write(|tx| retry(tx, id, T0 + 61 * SECOND_US)).unwrap();
    assert_eq!(round(&database, &planner, T0 + 61 * SECOND_US).len(), 1);
    let error = database.write(|tx| retry(tx, id, T0)).unwrap_err().to_string();
    assert!(error.contains("sent") && error.contains("a failed one"), "{error}");
    assert!(database.write(|tx| retry(tx, 999, T0)).is_err());
}

#[test]
fn a_test_goes_to_a_channel_or_to_a_person_with_it() {
    let ((_folder, database), planner) = (database(), planner(ONE));
    let test = |channel: &str, recipient: Option<&str>| {
        let queued = database.write(|tx| queue_test(tx, &planner, channel, recipient, T0));
        queued.map_err(|error| error.to_string())
    };
    assert!(test("phone", None).is_ok() && test("phone", Some("anna")).is_ok());
    assert_eq!(round(&database, &planner, T0).len(), 2);
    assert!(test("fax", None).unwrap_err().contains("no channel `fax`"));
    assert!(test("phone", Some("ben")).unwrap_err().contains("no person `ben`"));
}

#[test]
fn old_notifications_are_deleted_with_their_group() {
    let ((_folder, database), planner) = (database(), planner(ONE));
    for number in 1..=10 {
        raise(&database, &planner, &event(number, Priority::P2, Transition::Raised), T0);
    }
    round(&database, &planner, T0);
    let later = T0 + 86_400 * SECOND_US;
    raise(&database, &planner, &event(11, Priority::P2, Transition::Raised), later);
    database.write(|tx| round::expire(tx, T0)).unwrap();
    assert_eq!(all(&database).len(), 12);
    assert_eq!(database.write(|tx| round::expire(tx, later)).unwrap(), 11);
    assert_eq!(count(&database, NotificationState::Waiting), 1);
}

#[test]
fn attempts_at_the_same_time_are_limited_for_each_channel() {
    let text = ONE.replace("attempts_at_once = 100", "attempts_at_once = 2");
    let ((_folder, database), planner) = (database(), planner(&text));
    for number in 1..=3 {
        raise(&database, &planner, &event(number, Priority::P2, Transition::Raised), T0);
    }
    let claim = |running: usize| {
        let running = BTreeMap::from([("phone".to_owned(), running)]);
        database.write(|tx| round::claim(tx, &planner, &running, T0)).unwrap().len()
    };
    assert_eq!((claim(0), claim(2), claim(1)), (2, 0, 1));
}
