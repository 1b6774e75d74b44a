//! Exactly once, and the figures of `gold.alarm_performance` against those of the rules.

use super::*;
use crate::plan::planner;
use crate::refine::RefreshMode;
use crate::run::refine;
use crate::session;
use arrow::array::AsArray as _;
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Utc};
use config::folder;
use config::location::{self, Purpose};
use config::settings::Limits;
use plant::alarm::performance::Performance;
use plant::alarm::{
    AlarmKey, Input, Priority, State as AlarmState, Status, Timing, Transition, step,
};
use plant::time::{DAY_US, MINUTE_US, SECOND_US};

/// 2026-11-02 00:00:00 UTC.
const START_US: i64 = 20_759 * DAY_US;

const PLANT: &str = "name = \"Case\"\nzone = \"Asia/Kolkata\"\n";

fn clock() -> DateTime<Utc> {
    DateTime::from_timestamp_micros(START_US).unwrap()
}

async fn open(folder: &tempfile::TempDir) -> LakeContext {
    let performance = include_str!("../../../../plants/kerala/gold/alarm_performance.sql");
    let texts = [("plant.toml", PLANT), ("gold/alarm_performance.sql", performance)];
    let texts = texts.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    let (plant, mistakes) = folder::read(&texts);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let plant = plant.unwrap();
    let (steps, mistakes) = planner::plan(&plant).await.unwrap();
    assert!(mistakes.is_empty(), "{mistakes:?}");
    let place = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
    let limits = Limits::default();
    let run = uuid::Uuid::now_v7().simple().to_string();
    LakeContext {
        lake: Arc::new(Lake::new(place, limits.clone(), &run, clock)),
        plant: Arc::new(plant),
        steps: Arc::new(steps),
        runtime: session::runtime(&limits).unwrap(),
        memory: Arc::default(),
        read: Arc::new(|_, _| unreachable!("the plant has no stream")),
    }
}

async fn query(context: &LakeContext, sql: &str) -> Vec<RecordBatch> {
    let session = session::open(&context.lake, context.runtime.clone(), 1).await.unwrap();
    session.sql(sql).await.unwrap().collect().await.unwrap()
}

async fn numbers(context: &LakeContext) -> Vec<i64> {
    let mut numbers = Vec::new();
    for batch in query(context, "SELECT number FROM silver.alarm_event ORDER BY number").await {
        numbers.extend(batch.column(0).as_primitive::<Int64Type>().values());
    }
    numbers
}

fn event(number: i64, at_us: i64) -> AlarmEvent {
    AlarmEvent {
        number,
        at_us,
        key: AlarmKey { rule: "hot".into(), object: "Plant1.1.label_printer.manufact1".into() },
        occurrence: number,
        transition: Transition::Raised,
        from: AlarmState::Normal,
        to: AlarmState::Unacknowledged,
        priority: Priority::P2,
        value: Some(81.5),
        limit: Some(80.0),
        reading_at_us: Some(at_us - SECOND_US),
        actor: None,
        comment: None,
        evidence: Some("above 80 degC".to_owned()),
    }
}

fn events(numbers: std::ops::RangeInclusive<i64>) -> Vec<AlarmEvent> {
    numbers.map(|it| event(it, START_US + it * SECOND_US)).collect()
}

#[tokio::test]
async fn the_table_and_its_figures_exist_before_the_first_alarm() {
    let folder = tempfile::tempdir().unwrap();
    let context = open(&folder).await;
    refine(&context, RefreshMode::Incremental).await.unwrap();
    assert_eq!(last_number(&context.lake).await.unwrap(), 0);
    assert_eq!(numbers(&context).await, [0_i64; 0]);
    let rows = query(&context, "SELECT hour_at FROM gold.alarm_performance").await;
    assert_eq!(rows.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
}

#[tokio::test]
async fn entries_are_appended_once() {
    let folder = tempfile::tempdir().unwrap();
    let context = open(&folder).await;
    assert_eq!(append(&context, &events(1..=3)).await.unwrap(), 3);
    assert_eq!(append(&context, &events(1..=3)).await.unwrap(), 3);
    assert_eq!(append(&context, &events(2..=5)).await.unwrap(), 5);
    assert_eq!(append(&context, &[]).await.unwrap(), 5);
    // A restarted program has only what the table contains.
    let context = open(&folder).await;
    assert_eq!(last_number(&context.lake).await.unwrap(), 5);
    assert_eq!(append(&context, &events(4..=7)).await.unwrap(), 7);
    assert_eq!(numbers(&context).await, [1, 2, 3, 4, 5, 6, 7]);
    // A full refresh keeps the table.
    refine(&context, RefreshMode::Full).await.unwrap();
    assert_eq!(numbers(&context).await, [1, 2, 3, 4, 5, 6, 7]);
}

/// A process that is killed after it wrote the data file and before the commit leaves a file that no log
/// refers to; one that is killed after the commit has moved the checkpoint with it.
#[tokio::test]
async fn a_killed_append_doubles_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let context = open(&folder).await;
    append(&context, &events(1..=3)).await.unwrap();
    let table = context.lake.table(&name()).unwrap();
    let lake = &context.lake;
    let mut writer = table.writer(schema(), lake.sizes(), lake.names(), lake.now_ms());
    let new = events(4..=6);
    let batch = rows(&new.iter().collect::<Vec<_>>(), &context.plant.calendar).unwrap();
    writer.write(&batch).await.unwrap();
    writer.finish().await.unwrap();
    drop(context);
    let context = open(&folder).await;
    assert_eq!(last_number(&context.lake).await.unwrap(), 3);
    assert_eq!(append(&context, &new).await.unwrap(), 6);
    drop(context);
    let context = open(&folder).await;
    assert_eq!(append(&context, &new).await.unwrap(), 6);
    assert_eq!(numbers(&context).await, [1, 2, 3, 4, 5, 6]);
}

#[tokio::test]
async fn of_two_processes_one_appends() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (open(&folder).await, open(&folder).await);
    append(&one, &events(1..=2)).await.unwrap();
    append(&other, &events(1..=2)).await.unwrap();
    let table = one.lake.table(&name()).unwrap();
    // The other one commits between the time this one reads the table and its commit.
    let state = one.lake.state(&name()).await.unwrap();
    append(&other, &events(3..=4)).await.unwrap();
    let change =
        Change { checkpoints: BTreeMap::from([(JOURNAL.to_owned(), 4)]), ..Change::default() };
    let error = table.commit(state.as_ref(), change, 0).await.err().unwrap();
    assert!(matches!(error.downcast_ref(), Some(Error::CommitConflict { .. })), "{error:#}");
    assert_eq!(append(&one, &events(3..=4)).await.unwrap(), 4);
    assert_eq!(numbers(&one).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_missing_entry_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let context = open(&folder).await;
    append(&context, &events(1..=2)).await.unwrap();
    let error = append(&context, &events(4..=5)).await.unwrap_err();
    assert!(error.to_string().contains("entry 3 of the journal"), "{error:#}");
    assert_eq!(numbers(&context).await, [1, 2]);
}

#[tokio::test]
async fn a_row_has_all_of_its_entry() {
    let folder = tempfile::tempdir().unwrap();
    let context = open(&folder).await;
    append(&context, &events(1..=1)).await.unwrap();
    let batches = query(&context, "SELECT * FROM silver.alarm_event").await;
    let text = arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
    for expected in [
        "2026-11-02T00:00:01Z", // at
        "2026-11-02T00:00:00Z", // hour_at
        "Plant1.1.label_printer.manufact1",
        " raised ",
        " normal ",
        " unacknowledged ",
        " 81.5 ",
        " 80.0 ",
        "above 80 degC",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(batches[0].schema().fields().len(), COLUMNS.len());
    assert!(COLUMNS.iter().all(|(name, _, _, _)| unit_and_description(name).is_some()));
}

/// Numbers that are the same on every machine.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: i64) -> i64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % limit.unsigned_abs()).unwrap()
    }
}

/// A journal of some days that the state machine makes of random inputs.
fn journal(seed: u64) -> Vec<AlarmEvent> {
    let mut numbers = Numbers(seed);
    let timing = Timing { on_delay_us: 0, off_delay_us: 0, latching: seed.is_multiple_of(2) };
    let mut alarms = [Status::normal(START_US); 6];
    let mut now_us = START_US;
    let mut events = Vec::new();
    for turn in 0..600 {
        // Quiet times and bursts take turns.
        let is_burst = turn / 50 % 2 == 1;
        now_us += match numbers.below(40) {
            _ if is_burst => numbers.below(4) * SECOND_US,
            0 => numbers.below(30 * 3600) * SECOND_US,
            1..=4 => numbers.below(1800) * SECOND_US,
            _ => numbers.below(25) * SECOND_US,
        };
        let at = numbers.below(6);
        let status = &mut alarms[usize::try_from(at).unwrap()];
        let input = match numbers.below(12) + if is_burst { 4 } else { 0 } {
            0 => Input::Shelve { until_us: now_us + (1 + numbers.below(60)) * MINUTE_US },
            1 => Input::Unshelve,
            2 => Input::Suppress,
            3 => Input::Unsuppress,
            4 | 5 => Input::Acknowledge,
            _ => Input::Condition(!status.is_active),
        };
        let Ok((next, steps)) = step(status, &timing, input, now_us) else { continue };
        *status = next;
        for made in steps.iter() {
            let mut entry = event(0, made.at_us);
            entry.key.object = format!("unit {at}").into();
            entry.priority = Priority::ALL[usize::try_from(at % 4).unwrap()];
            (entry.transition, entry.from, entry.to) = (made.transition, made.from, made.to);
            events.push(entry);
        }
    }
    // Shelving that expired is found by the next input of its alarm.
    events.sort_by_key(|it| it.at_us);
    (1..).zip(&mut events).for_each(|(number, event)| event.number = number);
    events
}

/// A row of `gold.alarm_performance`: its hour, the counts and the two durations.
#[derive(Debug, Default, PartialEq)]
struct Hour {
    at_us: i64,
    counts: Vec<i64>,
    acknowledge_s: Option<f64>,
    flood_s: f64,
}

async fn hours(context: &LakeContext) -> Vec<Hour> {
    let sql = "SELECT hour_at, acknowledge_s_median, flood_s, annunciations, annunciations_p1, \
               annunciations_p2, annunciations_p3, annunciations_p4, annunciations_10_min_max, \
               acknowledged, chattering, fleeting, stale FROM gold.alarm_performance ORDER BY hour_at";
    let mut hours = Vec::new();
    for batch in query(context, sql).await {
        for row in 0..batch.num_rows() {
            let number = |at: usize| batch.column(at).as_primitive::<Float64Type>();
            let count = |at: usize| batch.column(at).as_primitive::<Int64Type>().value(row);
            let waits = number(1);
            hours.push(Hour {
                at_us: batch.column(0).as_primitive::<TimestampMicrosecondType>().value(row),
                counts: (3..13).map(count).collect(),
                acknowledge_s: waits.iter().nth(row).flatten(),
                flood_s: number(2).value(row),
            });
        }
    }
    hours
}

/// The events of those annunciations that happened in an hour.
fn of_hour(events: &[AlarmEvent], from_us: i64) -> Vec<AlarmEvent> {
    let mut is_in: std::collections::HashMap<&AlarmKey, bool> = std::collections::HashMap::new();
    let mut found = Vec::new();
    for event in events {
        if event.transition.is_annunciation(event.to) {
            is_in.insert(&event.key, (from_us..from_us + HOUR_US).contains(&event.at_us));
        }
        if is_in.get(&event.key) == Some(&true) {
            found.push(event.clone());
        }
    }
    found
}

fn long(count: usize) -> i64 {
    i64::try_from(count).unwrap()
}

fn check(hours: &[Hour], events: &[AlarmEvent]) {
    let end_us = events.last().map_or(START_US, |it| it.at_us + 1);
    let all = Performance::from_events(events, START_US, end_us, 1);
    let sum = |at: usize| hours.iter().map(|it| it.counts[at]).sum::<i64>();
    let by_priority = all.by_priority.map(long);
    assert_eq!(sum(0), long(all.annunciations));
    assert_eq!([1, 2, 3, 4].map(sum), by_priority);
    let peak = hours.iter().map(|it| it.counts[5]).max();
    assert_eq!(peak, Some(long(all.peak_10_min)));
    assert_eq!(sum(6), long(all.annunciations - all.unacknowledged));
    assert_eq!(sum(7), all.chattering.iter().map(|it| long(it.1)).sum::<i64>());
    assert_eq!(sum(8), all.fleeting.iter().map(|it| long(it.1)).sum::<i64>());
    assert_eq!(sum(9), long(all.stale.len()));
    for hour in hours {
        let at = usize::try_from((hour.at_us - START_US) / HOUR_US).unwrap();
        assert_eq!(hour.counts[0], all.hours.get(at).map_or(0, |it| long(*it)), "{hour:?}");
        let own = of_hour(events, hour.at_us);
        let own = Performance::from_events(&own, START_US, end_us, 1);
        let expected_s = own.acknowledge_median_us.map(|it| it as f64 / 1e6);
        assert_eq!(hour.acknowledge_s, expected_s, "{hour:?}");
        assert_eq!(hour.counts[6], long(own.annunciations - own.unacknowledged), "{hour:?}");
        let from_us = hour.at_us;
        let flood_us = all.floods.iter().map(|it| {
            // The journal ends with its last entry; a flood ends when its annunciations leave.
            (it.to_us.min(from_us + HOUR_US) - it.from_us.max(from_us)).max(0)
        });
        let flood_s = flood_us.sum::<i64>() as f64 / 1e6;
        let is_last = hour.at_us + HOUR_US >= end_us;
        assert!((hour.flood_s - flood_s).abs() < 1e-6 || is_last, "{hour:?} {flood_s}");
    }
}

#[tokio::test]
async fn the_figures_equal_those_of_the_rules() {
    let mut seen = [0_i64; 10];
    let mut flood_s = 0.0;
    for seed in 1..=6 {
        let folder = tempfile::tempdir().unwrap();
        let context = open(&folder).await;
        let events = journal(seed);
        let (first, second) = events.split_at(events.len() / 2);
        append(&context, first).await.unwrap();
        refine(&context, RefreshMode::Incremental).await.unwrap();
        check(&hours(&context).await, first);
        append(&context, second).await.unwrap();
        refine(&context, RefreshMode::Incremental).await.unwrap();
        let hours = hours(&context).await;
        check(&hours, &events);
        for hour in &hours {
            seen.iter_mut().zip(&hour.counts).for_each(|(sum, count)| *sum += count);
            flood_s += hour.flood_s;
        }
    }
    // Every figure occurs, so none of the comparisons is of zeros.
    assert!(seen.iter().all(|it| *it > 0) && flood_s > 0.0, "{seen:?} {flood_s}");
}
