//! Who is told of what, and when.

use super::world::{SECOND_US, T0, event, plan, planner};
use crate::notify::NotificationKind;
use plant::alarm::{Priority, Transition};

const PLANT: &str = r#"
[[channel]]
name = "mail"
kind = "email"
host = "mail.example"
from = "cockpit@plant.example"

[[channel]]
name = "phone"
kind = "outbox"

[[channel]]
name = "board"
kind = "outbox"

[[person]]
name = "anna"
role = "maintenance"
channels = ["mail", "phone"]
email = "anna@plant.example"
shifts = ["A"]
language = "hi"

[[person]]
name = "ben"
role = "maintenance"
channels = ["phone"]
shifts = ["B"]
quiet = "09:30-11:00"

[[person]]
name = "carl"
role = "lead"
channels = ["phone"]

[[route]]
priorities = [1, 2]
to = ["role:maintenance", "channel:board"]
returned = true
escalate = [{ after = "5 min", to = ["role:lead"] }, { after = "15 min", to = ["carl", "ben"] }]

[[route]]
priorities = [1]
rules = ["temperature_*"]
objects = ["Plant1*"]
to = ["anna", "carl"]
escalate = [{ after = "5 min", to = ["role:lead"] }]

[[route]]
priorities = [3]
shifts = ["B"]
to = ["ben"]
"#;

const HOUR_US: i64 = 3_600 * SECOND_US;

/// The recipients of an event as `channel/recipient`.
#[track_caller]
fn check(priority: Priority, transition: Transition, now_us: i64, expected: &[&str]) {
    let planned = plan(&planner(PLANT), &event(1, priority, transition), now_us);
    let found: Vec<String> =
        planned.notifications.iter().map(|it| format!("{}/{}", it.channel, it.recipient)).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_matching_route_applies_and_nobody_is_told_twice() {
    use Priority::{P1, P2, P3, P4};
    let urgent = ["board/channel:board", "mail/anna", "phone/anna", "phone/carl"];
    check(P1, Transition::Raised, T0, &urgent);
    check(P2, Transition::Raised, T0, &["board/channel:board", "mail/anna", "phone/anna"]);
    check(P3, Transition::Raised, T0, &[]);
    check(P4, Transition::Raised, T0, &[]);
    let at_night = T0 + 10 * HOUR_US;
    check(P2, Transition::Raised, at_night, &["board/channel:board", "phone/ben"]);
    check(P3, Transition::Raised, at_night, &["phone/ben"]);
}

#[test]
fn without_a_person_on_duty_all_holders_of_the_role_are_notified() {
    let between_shifts = T0 + 18 * HOUR_US;
    let all = ["board/channel:board", "mail/anna", "phone/anna", "phone/ben"];
    check(Priority::P2, Transition::Raised, between_shifts, &all);
}

#[test]
fn only_annunciations_and_wanted_returns_are_told() {
    use Transition::{Acknowledged, Cleared, Returned, ShelvingExpired};
    let all = ["board/channel:board", "mail/anna", "phone/anna"];
    check(Priority::P2, ShelvingExpired, T0, &all);
    check(Priority::P2, Returned, T0, &all);
    check(Priority::P2, Cleared, T0, &all);
    check(Priority::P2, Acknowledged, T0, &[]);
    // The second route does not tell of the end.
    check(Priority::P1, Returned, T0, &all);
}

#[test]
fn messages_are_in_the_language_of_the_recipient() {
    let planned = plan(&planner(PLANT), &event(1, Priority::P2, Transition::Returned), T0);
    let subject = |name: &str| {
        let found = planned.notifications.iter().find(|it| it.recipient == name).unwrap();
        (found.subject.clone(), found.kind)
    };
    assert!(subject("anna").0.contains("सामान्य"), "{:?}", subject("anna"));
    assert!(subject("channel:board").0.contains("Returned to normal"));
    let text = PLANT.replace("name = \"board\"\n", "name = \"board\"\nlanguage = \"ml\"\n");
    let planned = plan(&planner(&text), &event(1, Priority::P2, Transition::Returned), T0);
    let own = planned.notifications.iter().find(|it| it.recipient == "channel:board").unwrap();
    assert!(own.subject.contains("സാധാരണ"), "{}", own.subject);
    assert_eq!(subject("anna").1, NotificationKind::Returned);
}

#[test]
fn quiet_hours_delay_all_but_the_first_priority() {
    let due = |priority| {
        let planner = planner(&PLANT.replace("shifts = [\"B\"]\nquiet", "quiet"));
        let planned = plan(&planner, &event(1, priority, Transition::Raised), T0 + 7 * SECOND_US);
        let found = planned.notifications.iter().find(|it| it.recipient == "ben").unwrap();
        (found.due_at_us - T0) / SECOND_US
    };
    assert_eq!(due(Priority::P1), 7);
    assert_eq!(due(Priority::P2), 3_600, "11:00");
}

#[test]
fn escalations_of_all_routes_are_planned_once() {
    let planned = plan(&planner(PLANT), &event(1, Priority::P1, Transition::Raised), T0);
    let steps: Vec<(i64, &str)> = planned
        .escalations
        .iter()
        .map(|it| ((it.due_at_us - T0) / SECOND_US, it.recipients.as_str()))
        .collect();
    assert_eq!(steps, [(300, "[\"role:lead\"]"), (900, "[\"ben\",\"carl\"]")]);
    let returned = plan(&planner(PLANT), &event(1, Priority::P1, Transition::Returned), T0);
    assert!(returned.escalations.is_empty());
}

#[test]
fn keys_are_different_for_every_event_and_recipient_and_the_same_for_one() {
    let plan = |number, transition| {
        plan(&planner(PLANT), &event(number, Priority::P1, transition), T0).notifications
    };
    let mut keys: Vec<String> =
        [plan(1, Transition::Raised), plan(2, Transition::Raised), plan(1, Transition::Returned)]
            .concat()
            .into_iter()
            .map(|it| it.idempotency_key)
            .collect();
    let first = plan(1, Transition::Raised)[0].idempotency_key.clone();
    assert!(keys.contains(&first));
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count);
}
