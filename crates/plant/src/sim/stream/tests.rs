use super::*;
use crate::format::{TimeFormat, parse_time};
use crate::zone::ZoneTable;
use std::collections::{BTreeMap, BTreeSet};

/// 2026-11-02 08:00:00 UTC.
const FROM_US: i64 = 1_793_606_400 * SECOND_US;

fn plan(sensors: usize, interval_us: i64, faults: MessageFaults) -> StreamPlan {
    StreamPlan { sensors, interval_us, seed: 5, faults }
}

/// Messages from a time on.
fn messages(plan: StreamPlan, from_us: i64, count: usize) -> Vec<(Message, String)> {
    let mut stream = Stream::new(plan, from_us);
    let mut payload = Vec::new();
    let next = |_| {
        let message = stream.next(&mut payload);
        (message, String::from_utf8_lossy(&payload).into_owned())
    };
    (0..count).map(next).collect()
}

#[test]
fn messages_have_the_format_of_the_reference_data() {
    let mut stream = Stream::new(plan(65, SECOND_US, MessageFaults::None), FROM_US);
    let mut payload = Vec::new();
    let message = stream.next(&mut payload);
    let MessageOutcome::Landed { at_s, temp_centi } = message.outcome else {
        panic!("{message:?}")
    };
    assert_eq!(at_s, 1_793_606_400);
    let temp = format!("{}.{:02}", temp_centi / 100, temp_centi % 100);
    let expected = format!(
        "{{\"plant_name\": \"Plant1\", \"lane_number\": \"1\", \"timestamp\": \"1793606400\", \
         \"temperature\": \"{temp}\", \"component_info\": {{\"component_type\": \
         \"label_printer\", \"component_manufacturer\": \"manufact1\"}}}}"
    );
    assert_eq!(String::from_utf8(payload).unwrap(), expected);
}

/// Value of a text field of a plain message.
fn field<'t>(payload: &'t str, name: &str) -> &'t str {
    let (_, after) = payload.split_once(&format!("\"{name}\": \"")).unwrap();
    after.split_once('"').unwrap().0
}

#[test]
fn plain_messages_match_their_truth_in_every_time_format() {
    let spellings = ["epoch_s", "yyyyMMddHHmmss", "yyyy-MM-dd HH:mm:ss", "yyyy/MM/dd HH:mm:ss"];
    let utc = ZoneTable::new(chrono_tz::Tz::UTC);
    let mut met = BTreeSet::new();
    for (message, payload) in messages(plan(65, SECOND_US, MessageFaults::None), FROM_US, 5000) {
        let MessageOutcome::Landed { at_s, temp_centi } = message.outcome else {
            panic!("{message:?}")
        };
        let time = field(&payload, "timestamp");
        // Fourteen digits are also epoch seconds of a year far in the future; the longer format is
        // meant.
        let meant = if time.len() == 14 { &spellings[1..] } else { &spellings[..] };
        let meant: Vec<TimeFormat> =
            meant.iter().map(|text| TimeFormat::parse(text).unwrap()).collect();
        assert_eq!(parse_time(time, &meant, &utc), Ok(at_s * SECOND_US), "{payload}");
        let temp: f64 = field(&payload, "temperature").parse().unwrap();
        assert!((temp * 100.0 - f64::from(temp_centi)).abs() < 1e-6, "{payload}");
        met.insert((time.len(), time.contains('/')));
    }
    assert_eq!(met.len(), 4);
}

#[test]
fn a_stream_does_not_depend_on_its_start() {
    for (sensors, interval_us) in
        [(65, SECOND_US), (7, 250_000), (10, 90 * SECOND_US), (1, 777_777)]
    {
        let plan = plan(sensors, interval_us, MessageFaults::Filthy);
        let whole = messages(plan.clone(), FROM_US, 3000);
        for skip_s in [1, 59, 700] {
            let from_us = FROM_US + skip_s * SECOND_US;
            let mut rest = whole.iter().skip_while(|(message, _)| message.sent_at_us < from_us);
            let Some(first) = rest.next() else { continue };
            let again = messages(plan.clone(), from_us, 100);
            assert_eq!(again[0], *first, "{sensors} {interval_us} {skip_s}");
            for ((again, messages), (expected, payload)) in again[1..].iter().zip(rest) {
                // A repetition is a duplicate only if the first one was received.
                let is_first = again.kind == MessageKind::Repeated;
                let outcome = if is_first { again.outcome } else { expected.outcome };
                assert_eq!((again, messages), (&Message { outcome, ..*expected }, payload));
            }
        }
    }
}

#[test]
fn messages_are_ordered_by_time_and_have_the_planned_rate() {
    let all = messages(plan(100, 500_000, MessageFaults::None), FROM_US, 20_000);
    assert!(all.is_sorted_by_key(|(message, _)| message.sent_at_us));
    let took_us = all.last().unwrap().0.sent_at_us - FROM_US;
    // 200 per second, except for silent sensors.
    assert!((99 * SECOND_US..130 * SECOND_US).contains(&took_us), "{took_us}");
}

#[test]
fn no_reading_lands_twice() {
    for interval_us in [SECOND_US, 50_000] {
        let mut met = BTreeSet::new();
        let mut again = 0;
        for (message, payload) in
            messages(plan(20, interval_us, MessageFaults::Filthy), FROM_US, 50_000)
        {
            match message.outcome {
                MessageOutcome::Landed { at_s, temp_centi } => {
                    assert!(met.insert((message.sensor, at_s, temp_centi)), "{payload}");
                }
                MessageOutcome::Rejected(DUPLICATE) => again += 1,
                MessageOutcome::Rejected(_) => {}
            }
        }
        assert!(again > 100, "{again} are messages twice");
    }
}

#[test]
fn a_repetition_of_an_unreceived_message_is_a_reading() {
    let mut heard = BTreeSet::new();
    let mut first = 0;
    for (message, payload) in messages(plan(500, SECOND_US, MessageFaults::Usual), FROM_US, 40_000)
    {
        let is_new = heard.insert(payload.clone());
        if message.kind == MessageKind::Repeated {
            let is_landed = matches!(message.outcome, MessageOutcome::Landed { .. });
            assert_eq!(is_landed, is_new, "{payload}");
            let written_s = message.sent_at_us / SECOND_US;
            first += u32::from(is_landed && !payload.contains(&written_s.to_string()));
        }
    }
    assert!(first > 10, "{first} are heard only the second time");
}

#[test]
fn faults_have_the_frequency_of_their_level() {
    let count = |faults| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (message, _) in messages(plan(65, SECOND_US, faults), FROM_US, 60_000) {
            *counts.entry(message.kind.name()).or_default() += 1;
        }
        counts
    };
    assert_eq!(count(MessageFaults::None).into_keys().collect::<Vec<_>>(), ["plain"]);
    let usual = count(MessageFaults::Usual);
    assert!((52_000..55_000).contains(&usual["plain"]), "{usual:?}");
    assert_eq!(usual.len(), 6, "{usual:?}");
    let filthy = count(MessageFaults::Filthy);
    assert_eq!(filthy.len(), MessageKind::all().count(), "{filthy:?}");
}

/// One payload of each kind.
fn one_of_each() -> BTreeMap<&'static str, Vec<u8>> {
    let mut stream = Stream::new(plan(65, SECOND_US, MessageFaults::Filthy), FROM_US);
    let mut found = BTreeMap::new();
    let mut payload = Vec::new();
    while found.len() < MessageKind::all().count() {
        let message = stream.next(&mut payload);
        found.entry(message.kind.name()).or_insert_with(|| payload.clone());
    }
    found
}

#[test]
fn payloads_of_each_kind() {
    let all = one_of_each();
    let text = |name: &str| String::from_utf8(all[name].clone()).unwrap();
    assert!(text("null_temperature").contains("\"temperature\": null, \"component_info\": {\"c"));
    assert!(text("no_component").ends_with("\"component_info\": {}}"));
    assert!(text("null_temperature_no_component").ends_with("null, \"component_info\": {}}"));
    assert!(text("escaped").starts_with("{\"plant_\\u006eame\": \"\\u0050lant"));
    assert!(text("escaped").contains("\",\"lane_number\": \""), "{}", text("escaped"));
    assert!(text("extra_field").ends_with("}, \"firmware\": {\"major\": 2}}"));
    assert!(!text("missing_plant").contains("plant_name"));
    assert!(text("missing_plant").starts_with("{\"lane_number\": \""));
    assert!(text("top_array").starts_with("[{") && text("top_array").ends_with("}]"));
    assert!(text("deeply_nested").ends_with("]]]]}"));
    assert_eq!(all["huge"].len(), 1_000_000);
    assert!(all["huge"].ends_with(b"xxx\"}"));
    assert!(all["empty"].is_empty());
    assert!(std::str::from_utf8(&all["invalid_text"]).is_err());
    let lane = text("bare_lane");
    let (_, after) = lane.split_once("\"lane_number\": ").unwrap();
    assert!(after.as_bytes()[0].is_ascii_digit(), "{lane}");
    let bare = text("bare_temperature");
    let (_, after) = bare.split_once("\"temperature\": ").unwrap();
    assert!(after.as_bytes()[0].is_ascii_digit(), "{bare}");
}
