use super::*;
use crate::alarm::{Input, State, Status, Timing, Transition, step};
use proptest::prelude::*;

const SECOND_US: i64 = 1_000_000;
const DAY_US: i64 = 24 * HOUR_US;

fn key(object: usize) -> AlarmKey {
    AlarmKey { rule: "hot".into(), object: format!("o{object}").into() }
}

fn event(at_us: i64, object: usize, transition: Transition, from: State, to: State) -> AlarmEvent {
    AlarmEvent {
        number: 0,
        at_us,
        key: key(object),
        occurrence: 0,
        transition,
        from,
        to,
        priority: Priority::ALL[object % 4],
        value: None,
        limit: None,
        reading_at_us: None,
        actor: None,
        comment: None,
        evidence: None,
    }
}

fn raised(at_us: i64, object: usize) -> AlarmEvent {
    event(at_us, object, Transition::Raised, State::Normal, State::Unacknowledged)
}

fn acknowledged(at_us: i64, object: usize) -> AlarmEvent {
    let to = State::Acknowledged;
    event(at_us, object, Transition::Acknowledged, State::Unacknowledged, to)
}

fn returned(at_us: i64, object: usize) -> AlarmEvent {
    let to = State::ReturnedUnacknowledged;
    event(at_us, object, Transition::Returned, State::Unacknowledged, to)
}

#[test]
fn an_empty_period_has_no_figures() {
    let performance = Performance::from_events(&[], 0, 0, 0);
    assert_eq!((performance.annunciations, performance.positions), (0, 1));
    assert!(performance.assessments().iter().all(|it| it.is_acceptable && it.is_manageable));
    assert!(performance.per_hour.abs() < 1e-12 && performance.hours.is_empty());
}

#[test]
fn rates_are_per_position() {
    let events: Vec<AlarmEvent> = (0..48).map(|n| raised(n * 5 * MINUTE_US, 1)).collect();
    let performance = Performance::from_events(&events, 0, 4 * HOUR_US, 2);
    assert!((performance.per_hour - 6.0).abs() < 1e-9);
    assert!((performance.per_10_min - 1.0).abs() < 1e-9);
    assert_eq!(performance.hours, [12; 4]);
    assert_eq!(performance.peak_10_min, 2);
    let per_hour = performance.assessments()[0];
    assert!(per_hour.is_acceptable && per_hour.is_manageable);
    let single = Performance::from_events(&events, 0, 4 * HOUR_US, 1).assessments()[0];
    assert!(!single.is_acceptable && single.is_manageable);
}

#[test]
fn overloaded_hours_and_floods_are_counted() {
    let events: Vec<AlarmEvent> = (0..31).map(|n| raised(n * SECOND_US, n as usize)).collect();
    let performance = Performance::from_events(&events, 0, 10 * HOUR_US, 1);
    assert!((performance.overloaded_hours_share - 0.1).abs() < 1e-9);
    let flood = performance.floods[0];
    assert_eq!((flood.from_us, flood.annunciations), (10 * SECOND_US, 31));
    // Four remain when the alarm of second 26 leaves the window.
    assert_eq!(flood.to_us, TEN_MINUTES_US + 26 * SECOND_US);
    assert_eq!(performance.by_priority, [8, 8, 8, 7]);
}

#[test]
fn chattering_is_three_in_a_minute_and_is_not_fleeting() {
    let times = [0, 30, 60, 500, 900, 961, 1_022];
    let events: Vec<AlarmEvent> = times
        .into_iter()
        .flat_map(|s| [raised(s * SECOND_US, 1), returned((s + 5) * SECOND_US, 1)])
        .collect();
    let performance = Performance::from_events(&events, 0, HOUR_US, 1);
    assert_eq!(performance.chattering, [(key(1), 3)]);
    assert_eq!(performance.fleeting.iter().map(|(_, count)| count).sum::<usize>(), 4);
    assert_eq!(performance.top, [(key(1), 7)]);
}

#[test]
fn stale_alarms_are_annunciated_for_more_than_a_day() {
    let shelved = event(30 * HOUR_US, 2, Transition::Shelved, State::Acknowledged, State::Shelved);
    let unshelved =
        event(31 * HOUR_US, 2, Transition::Unshelved, State::Shelved, State::Acknowledged);
    let cleared = event(30 * HOUR_US, 3, Transition::Cleared, State::Acknowledged, State::Normal);
    let events = [
        raised(0, 1),
        raised(HOUR_US, 2),
        acknowledged(2 * HOUR_US, 2),
        raised(20 * HOUR_US, 3),
        acknowledged(21 * HOUR_US, 3),
        shelved,
        cleared,
        unshelved,
    ];
    let stale =
        |from_us: i64, to_us: i64| Performance::from_events(&events, from_us, to_us, 1).stale;
    assert_eq!(stale(0, DAY_US), []);
    assert_eq!(stale(0, DAY_US + 1), [(key(1), 0)]);
    // The second one was shelved after 29 h, and is annunciated again since hour 31.
    assert_eq!(stale(0, 56 * HOUR_US), [(key(1), 0), (key(2), 31 * HOUR_US)]);
}

#[test]
fn acknowledgement_has_median_and_ninth_decile() {
    let mut events = Vec::new();
    for object in 0..10 {
        let at_us = object as i64 * HOUR_US;
        events.push(raised(at_us, object));
        events.push(acknowledged(at_us + (object as i64 + 1) * SECOND_US, object));
    }
    events.push(raised(20 * HOUR_US, 11));
    let performance = Performance::from_events(&events, 0, DAY_US, 1);
    assert_eq!(performance.acknowledge_median_us, Some(5 * SECOND_US));
    assert_eq!(performance.acknowledge_p90_us, Some(9 * SECOND_US));
    assert_eq!(performance.unacknowledged, 1);
    let names: Vec<&str> = performance.assessments().iter().map(|it| it.metric.name).collect();
    assert!(names.contains(&"priority_4_share") && names.contains(&"flood_share"));
}

/// A journal that the state machine itself writes, of four alarms.
fn journals() -> impl Strategy<Value = Vec<AlarmEvent>> {
    let input = prop_oneof![
        8 => any::<bool>().prop_map(Input::Condition),
        3 => Just(Input::Acknowledge),
        1 => (1..7_200_i64).prop_map(|s| Input::Shelve { until_us: s * SECOND_US }),
        1 => Just(Input::Unshelve),
    ];
    let pause_s = prop_oneof![6 => 0..40_i64, 1 => 0..90_000_i64];
    prop::collection::vec((pause_s, 0..4_usize, input), 0..120).prop_map(journal)
}

fn journal(inputs: Vec<(i64, usize, Input)>) -> Vec<AlarmEvent> {
    let mut statuses = [Status::normal(0); 4];
    let (mut now_us, mut events) = (0, Vec::new());
    for (pause_s, object, input) in inputs {
        now_us += pause_s * SECOND_US;
        for (number, status) in statuses.iter_mut().enumerate() {
            let input = match input {
                _ if number != object => Input::Tick,
                Input::Shelve { until_us } => Input::Shelve { until_us: now_us + until_us },
                input => input,
            };
            let Ok((next, steps)) = step(status, &Timing::default(), input, now_us) else {
                continue;
            };
            *status = next;
            let entry =
                |it: &crate::alarm::Step| event(it.at_us, number, it.transition, it.from, it.to);
            events.extend(steps.iter().map(entry));
        }
    }
    events.sort_by_key(|event| event.at_us);
    events
}

/// Floods as they are defined: the rate is looked at whenever it can change.
fn naive_floods(times: &[i64], to_us: i64) -> Vec<(i64, i64)> {
    let in_window = |now_us: i64, done: usize| {
        let past = times[..done].iter();
        past.filter(|at| now_us - **at < TEN_MINUTES_US).count()
    };
    // Annunciations that leave do so before those that arrive at the same time.
    let mut moments: Vec<(i64, bool, usize)> = Vec::new();
    for (number, at_us) in times.iter().enumerate() {
        moments.push((*at_us, true, number + 1));
        let leaves_us = at_us + TEN_MINUTES_US;
        moments.push((leaves_us, false, times.iter().filter(|at| **at < leaves_us).count()));
    }
    moments.sort();
    let (mut floods, mut began) = (Vec::new(), None);
    for (now_us, _, done) in moments.into_iter().filter(|(now_us, _, _)| *now_us <= to_us) {
        match (began, in_window(now_us, done)) {
            (None, 11..) => began = Some(now_us),
            (Some(from_us), 0..5) => {
                floods.push((from_us, now_us));
                began = None;
            }
            _ => {}
        }
    }
    floods.extend(began.map(|from_us| (from_us, to_us)));
    floods
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// All figures equal those that are computed directly from their definitions.
    #[test]
    fn figures_equal_a_naive_computation(events in journals(), hours in 1..48_i64) {
        let to_us = hours * HOUR_US;
        let found = Performance::from_events(&events, 0, to_us, 1);
        let counted: Vec<&AlarmEvent> = events
            .iter()
            .filter(|it| it.at_us < to_us && it.transition.is_annunciation(it.to))
            .collect();
        let times: Vec<i64> = counted.iter().map(|it| it.at_us).collect();
        prop_assert_eq!(found.annunciations, counted.len());
        prop_assert_eq!(found.hours.iter().sum::<usize>(), counted.len());
        prop_assert_eq!(found.by_priority.iter().sum::<usize>(), counted.len());
        let floods: Vec<(i64, i64)> = found.floods.iter().map(|it| (it.from_us, it.to_us)).collect();
        prop_assert_eq!(floods, naive_floods(&times, to_us));
        let of = |object: usize| -> Vec<i64> {
            counted.iter().filter(|it| it.key == key(object)).map(|it| it.at_us).collect()
        };
        for object in 0..4 {
            let times = of(object);
            let is_part = |at: &&i64| {
                // Some minute that includes it has three.
                times.iter().any(|from| {
                    let inside = times.iter().filter(|it| (*from..=*from + MINUTE_US).contains(*it));
                    (*from..=*from + MINUTE_US).contains(*at) && inside.count() >= 3
                })
            };
            let chattering = times.iter().filter(is_part).count();
            let known = found.chattering.iter().find(|(it, _)| *it == key(object)).map_or(0, |it| it.1);
            prop_assert_eq!(known, chattering);
            let top = found.top.iter().find(|(it, _)| *it == key(object)).map_or(0, |it| it.1);
            prop_assert_eq!(top, times.len());
        }
        let waits = naive_waits(&events, to_us);
        prop_assert_eq!(found.unacknowledged, counted.len() - waits.len());
        prop_assert_eq!(found.acknowledge_median_us, waits.get(waits.len().div_ceil(2).max(1) - 1).copied());
        prop_assert!(found.flood_share <= 1.0 && found.top_share <= 1.0);
    }
}

/// For each annunciation, the time to the first acknowledgement before the next annunciation, sorted.
fn naive_waits(events: &[AlarmEvent], to_us: i64) -> Vec<i64> {
    let events: Vec<&AlarmEvent> = events.iter().filter(|it| it.at_us < to_us).collect();
    let mut waits = Vec::new();
    for (at, event) in events.iter().enumerate() {
        if !event.transition.is_annunciation(event.to) {
            continue;
        }
        let later = events[at + 1..].iter().filter(|it| it.key == event.key);
        let mut until_next = later.take_while(|it| !it.transition.is_annunciation(it.to));
        let found = until_next.find(|it| it.transition == Transition::Acknowledged);
        waits.extend(found.map(|it| it.at_us - event.at_us));
    }
    waits.sort_unstable();
    waits
}
