//! Tests of [`Live`] through its public interface.

use super::*;
use plant::reading::SensorNumber;
use plant::time::MINUTE_US;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// 2023-01-12 10:22:00 UTC.
const BEGIN_US: i64 = 1_673_518_920_000_000;
/// An hour later: after every reading of the property tests.
const CLOCK_US: i64 = BEGIN_US + 60 * MINUTE_US;

/// Two plants, two lanes, two types: eight sensors, by their numbers.
fn ids() -> Vec<SensorId> {
    let positions = ["Plant1", "Plant2"].into_iter().flat_map(|plant| {
        ["1", "2"].into_iter().flat_map(move |lane| {
            ["label_printer", "solder_paste_printer"].map(|component| (plant, lane, component))
        })
    });
    positions
        .map(|(plant, lane, component)| SensorId {
            plant: plant.into(),
            lane: lane.into(),
            component: component.into(),
            manufacturer: "manufact2".into(),
        })
        .collect()
}

fn live_with(viewers: usize, streams: usize) -> Live {
    live_with_frames(viewers, streams, 20_000)
}

fn live_with_frames(viewers: usize, streams: usize, frames_per_s: usize) -> Live {
    let registry = Registry::default();
    let mut sensors = registry.write().unwrap();
    for id in ids() {
        sensors.register(id);
    }
    drop(sensors);
    let limits = LiveLimits { limit_c: 50.0, silent_us: MINUTE_US, viewers, streams, frames_per_s };
    Live::new(registry, limits, "boot-1".into())
}

fn live() -> Live {
    live_with(10, 10)
}

fn reading(sensor: u32, at_us: i64, temp_c: f64) -> Reading {
    Reading { sensor: SensorNumber(sensor), at_us, temp_c }
}

/// Readings of eight sensors over fifty minutes on whole seconds, none twice, in any order.
fn readings() -> impl Strategy<Value = Vec<Reading>> {
    let one = (0..8u32, 0..3_000i64, 2_000..12_000i32);
    proptest::collection::vec(one, 1..400).prop_map(|all| {
        let mut seen = BTreeSet::new();
        let all = all.into_iter().filter(|(sensor, second, _)| seen.insert((*sensor, *second)));
        all.map(|(sensor, second, hundredths)| {
            reading(sensor, BEGIN_US + second * 1_000_000, f64::from(hundredths) / 100.0)
        })
        .collect()
    })
}

/// Temperatures of a group younger than `minutes` before the newest reading of all.
fn young(readings: &[Reading], minutes: i64, mine: impl Fn(&SensorId) -> bool) -> Vec<(u32, f64)> {
    let (ids, newest_us) = (ids(), readings.iter().map(|it| it.at_us).max().unwrap_or(0));
    let is_young = |it: &&Reading| it.at_us > newest_us - minutes * MINUTE_US;
    let is_mine = |it: &&Reading| mine(&ids[it.sensor.0 as usize]);
    let found = readings.iter().filter(is_young).filter(is_mine);
    found.map(|it| (it.sensor.0, it.temp_c)).collect()
}

fn near(one: Option<f64>, other: f64) -> bool {
    one.is_some_and(|one| (one - other).abs() < 1e-9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// For any order and batches, results equal those computed from all readings.
    #[test]
    fn statistics_are_exact_in_any_order(
        readings in readings().prop_shuffle(), batch in 1usize..50, limit in 30..100i32,
    ) {
        let (live, limit_c) = (live(), f64::from(limit));
        for batch in readings.chunks(batch) {
            live.take(batch, CLOCK_US);
        }
        let now = live.now(limit_c, |_| true, CLOCK_US).unwrap();
        for count in &now.over_limit {
            let all = young(&readings, 10, |id| id.component == count.component);
            let over = all.iter().filter(|(_, temp_c)| *temp_c > limit_c);
            let over: BTreeSet<u32> = over.map(|(sensor, _)| *sensor).collect();
            prop_assert_eq!(count.over_limit as usize, over.len());
        }
        for group in &now.hottest {
            let all = young(&readings, 30, |id| {
                (&id.plant, &id.lane, &id.component) == (&group.plant, &group.lane, &group.component)
            });
            let temps: Vec<f64> = all.iter().map(|(_, temp_c)| *temp_c).collect();
            prop_assert_eq!(group.window.count() as usize, temps.len());
            prop_assert_eq!(group.window.max(), temps.iter().copied().reduce(f64::max));
            if temps.is_empty() {
                continue;
            }
            let mean = temps.iter().sum::<f64>() / temps.len() as f64;
            let variance = temps.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / temps.len() as f64;
            prop_assert!(near(group.window.mean(), mean) && near(group.window.variance(), variance));
        }
        let registered: BTreeSet<u32> = readings.iter().map(|it| it.sensor.0).collect();
        prop_assert_eq!(now.sensors.len(), registered.len());
    }

    /// A restart with all earlier readings from the lake changes no result.
    #[test]
    fn restored_windows_are_the_same(readings in readings().prop_shuffle(), cut in 0usize..400) {
        let (whole, again) = (live(), live());
        let (before, after) = readings.split_at(cut.min(readings.len()));
        whole.take(&readings, CLOCK_US);
        again.take(&readings[..readings.len() / 2], CLOCK_US);
        again.restore(before, CLOCK_US);
        again.take(after, CLOCK_US);
        let text = |live: &Live| {
            let now = live.now(50.0, |_| true, BEGIN_US).unwrap();
            let hottest = now.hottest.iter().map(|it| (it.window.count(), it.window.max(), it.over_limit, it.temp_c));
            (now.at_us, now.over_limit, hottest.collect::<Vec<_>>())
        };
        prop_assert_eq!(text(&whole), text(&again));
    }

    /// Two viewers, one polled at every change and one rarely, end with the same values.
    #[test]
    fn conflated_frames_end_where_every_frame_does(
        readings in readings(), looks in proptest::collection::vec(any::<bool>(), 400),
    ) {
        let live = live();
        let mut often = live.open(&Subscription::default(), BEGIN_US).unwrap();
        let mut seldom = live.open(&Subscription::default(), BEGIN_US).unwrap();
        let (mut seen, mut also) = (Screen::default(), Screen::default());
        for (some, looks) in readings.chunks(3).zip(looks) {
            live.take(some, CLOCK_US);
            push::publish_all(&live, CLOCK_US);
            seen.show(&drain(&mut often));
            if looks {
                also.show(&drain(&mut seldom));
            }
        }
        also.show(&drain(&mut seldom));
        prop_assert_eq!(&seen.values, &also.values);
        for (position, shown) in seen.values.iter().enumerate() {
            let of_sensor = readings.iter().filter(|it| it.sensor.0 as usize == position);
            let newest = of_sensor.max_by_key(|it| it.at_us);
            prop_assert_eq!(shown.as_i64(), newest.map(|it| (it.temp_c * 100.0).round() as i64));
        }
    }
}

/// All frames that a viewer receives without waiting.
fn drain(viewer: &mut Viewer) -> String {
    use futures::FutureExt as _;
    let mut text = String::new();
    while let Some(Some(bytes)) = Box::pin(viewer.next()).now_or_never() {
        text.push_str(str::from_utf8(&bytes).unwrap());
    }
    text
}

/// The state that a page builds from the events.
#[derive(Default)]
struct Screen {
    names: Vec<String>,
    values: Vec<Value>,
    silent: Value,
    events: Vec<String>,
    last_id: String,
    versions: Vec<Value>,
}

impl Screen {
    fn show(&mut self, text: &str) {
        for event in text.split("\n\n").filter(|event| !event.is_empty()) {
            let field = |name: &str| event.lines().find_map(|it| it.strip_prefix(name));
            let data: Value = serde_json::from_str(field("data: ").unwrap()).unwrap();
            let kind = field("event: ").unwrap();
            self.last_id = field("id: ").map_or(self.last_id.clone(), str::to_owned);
            self.events.push(kind.to_owned());
            match kind {
                "dict" => {
                    let names = data["s"].as_array().unwrap().iter();
                    self.names = names.map(|it| it[0].as_str().unwrap().to_owned()).collect();
                    self.values.resize(self.names.len(), Value::Null);
                }
                "snap" => self.values = data["v"].as_array().unwrap().clone(),
                "t" => {
                    let values = data["v"].as_array().unwrap().iter();
                    for (position, value) in data["i"].as_array().unwrap().iter().zip(values) {
                        self.values[position.as_u64().unwrap() as usize] = value.clone();
                    }
                }
                "ver" => self.versions.push(data.clone()),
                _ => {}
            }
            if !data["q"].is_null() {
                self.silent = data["q"].clone();
            }
        }
    }

    fn events(&mut self) -> String {
        std::mem::take(&mut self.events).join(" ")
    }
}

#[test]
fn a_stream_sends_names_values_and_changes() {
    let live = live();
    live.take(&[reading(5, BEGIN_US, 82.414), reading(0, BEGIN_US, 47.93)], BEGIN_US);
    let subscription = Subscription { plant: Some("Plant2".into()), ..Subscription::default() };
    let (mut viewer, mut screen) = (live.open(&subscription, BEGIN_US).unwrap(), Screen::default());
    screen.show(&drain(&mut viewer));
    assert_eq!(screen.events(), "dict snap hb");
    assert_eq!(screen.names[1], "Plant2.1.solder_paste_printer.manufact2");
    assert_eq!(screen.values, [Value::Null, json!(8241), Value::Null, Value::Null]);
    assert_eq!(screen.last_id, "boot1-1");
    live.take(&[reading(0, BEGIN_US, 48.0)], BEGIN_US);
    push::publish_all(&live, BEGIN_US);
    assert_eq!(drain(&mut viewer), "", "nothing of this plant changed");
    live.take(&[reading(7, BEGIN_US, -3.0)], BEGIN_US);
    push::publish_all(&live, BEGIN_US);
    screen.show(&drain(&mut viewer));
    assert_eq!((screen.events(), &screen.values[3]), ("t".into(), &json!(-300)));
}

#[test]
fn viewers_of_a_stream_share_its_bytes() {
    let live = live();
    let open = || live.open(&Subscription::default(), BEGIN_US).unwrap();
    let (mut one, mut other) = (open(), open());
    drain(&mut one);
    drain(&mut other);
    live.take(&[reading(1, BEGIN_US, 40.0)], BEGIN_US);
    push::publish_all(&live, BEGIN_US);
    use futures::FutureExt as _;
    let next = |viewer: &mut Viewer| Box::pin(viewer.next()).now_or_never().unwrap().unwrap();
    assert_eq!(next(&mut one).as_ptr(), next(&mut other).as_ptr());
    assert_eq!((live.counts().frames, live.counts().viewers), (1, 2));
    drop(one);
    assert_eq!(live.counts().viewers, 1);
}

#[test]
fn a_viewer_that_reconnects_receives_the_changes() {
    let live = live();
    live.take(&[reading(0, BEGIN_US, 40.0), reading(1, BEGIN_US, 41.0)], BEGIN_US);
    let (mut viewer, mut screen) =
        (live.open(&Subscription::default(), BEGIN_US).unwrap(), Screen::default());
    screen.show(&drain(&mut viewer));
    drop(viewer);
    live.take(&[reading(1, BEGIN_US + 1, 42.0)], BEGIN_US);
    live.table_changed("gold.temperature_minute", 812);
    let back = Subscription { last_id: Some(screen.last_id.clone()), ..Subscription::default() };
    screen.events();
    let mut viewer = live.open(&back, BEGIN_US).unwrap();
    screen.show(&drain(&mut viewer));
    assert_eq!((screen.events(), &screen.values[1]), ("dict t hb".into(), &json!(4200)));
    push::publish_all(&live, BEGIN_US);
    screen.show(&drain(&mut viewer));
    assert_eq!(screen.versions, [json!({"table": "gold.temperature_minute", "v": 812})]);
    for stale in ["boot2-1", "boot1-99", "boot1-x", ""] {
        let back = Subscription { last_id: Some(stale.into()), ..Subscription::default() };
        screen.events();
        screen.show(&drain(&mut live.open(&back, BEGIN_US).unwrap()));
        assert_eq!(screen.events(), "dict snap hb", "{stale}");
    }
}

#[test]
fn a_new_sensor_is_listed_before_its_first_value() {
    let live = live();
    let (mut viewer, mut screen) =
        (live.open(&Subscription::default(), BEGIN_US).unwrap(), Screen::default());
    screen.show(&drain(&mut viewer));
    let id = SensorId { lane: "9".into(), ..ids()[0].clone() };
    let number = live.shared.registry.write().unwrap().register(id);
    live.take(&[Reading { sensor: number, at_us: BEGIN_US, temp_c: 33.0 }], BEGIN_US);
    // Opened now, before the stream has sent anything: it must not lack the new sensor either.
    let mut late = Screen::default();
    let mut opened = live.open(&Subscription::default(), BEGIN_US).unwrap();
    late.show(&drain(&mut opened));
    push::publish_all(&live, BEGIN_US);
    screen.show(&drain(&mut viewer));
    late.show(&drain(&mut opened));
    assert_eq!((screen.names.len(), &screen.values[8]), (9, &json!(3300)));
    assert_eq!(screen.values, late.values);
}

#[test]
fn a_sensor_becomes_silent_and_live_again() {
    let live = live();
    let (mut viewer, mut screen) =
        (live.open(&Subscription::default(), BEGIN_US).unwrap(), Screen::default());
    let mut at = |offset_us: i64, sensors: &[u32]| {
        let readings: Vec<_> =
            sensors.iter().map(|it| reading(*it, BEGIN_US + offset_us, 40.0)).collect();
        live.take(&readings, BEGIN_US + offset_us);
        push::publish_all(&live, BEGIN_US + offset_us);
        screen.show(&drain(&mut viewer));
        screen.silent.clone()
    };
    assert_eq!(at(0, &[0, 1]), json!([]));
    assert_eq!(at(MINUTE_US, &[1]), json!([]));
    // The list of silent sensors is updated ten times a second.
    assert_eq!(at(MINUTE_US + 100_000, &[1]), json!([0]));
    assert_eq!(at(MINUTE_US + 100_001, &[0]), json!([]));
    // The whole stream stops: the clock advances, and all sensors become silent.
    assert_eq!(at(3 * MINUTE_US, &[]), json!([0, 1]));
    let now = live.now(50.0, |_| true, BEGIN_US + 3 * MINUTE_US).unwrap();
    assert!(now.sensors.iter().all(|it| it.is_silent));
    assert_eq!(now.sensors[1].age_us, 2 * MINUTE_US - 100_000);
    assert_eq!(now.at_us, BEGIN_US + MINUTE_US + 100_001, "windows end at the newest reading");
}

/// A sensor with a wrong clock does not affect others.
#[test]
fn a_clock_that_is_ahead_moves_no_window() {
    let live = live();
    live.take(&[reading(0, BEGIN_US, 60.0), reading(1, BEGIN_US + 50 * MINUTE_US, 70.0)], BEGIN_US);
    let now = live.now(50.0, |_| true, BEGIN_US).unwrap();
    assert_eq!((now.at_us, live.counts().newest_at_us), (BEGIN_US, Some(BEGIN_US)));
    assert!(now.sensors.iter().all(|it| it.is_over() && !it.is_silent && it.age_us == 0));
}

#[test]
fn the_frames_of_all_viewers_are_limited() {
    let live = live_with_frames(100, 10, 226);
    let open = |hz| live.open(&Subscription { hz, ..Subscription::default() }, BEGIN_US);
    let every_change = [open(0).unwrap(), open(0).unwrap()];
    assert_eq!(open(0).err(), Some(OpenError::Frames(226)));
    let fast = open(25).unwrap();
    let slow = open(1).unwrap();
    assert_eq!(open(1).err(), Some(OpenError::Frames(226)));
    drop(every_change);
    assert!(open(0).is_ok());
    drop((fast, slow));
    assert_eq!(live.counts().viewers, 0);
}

#[test]
fn viewers_and_streams_have_limits() {
    let live = live_with(2, 1);
    let _one = live.open(&Subscription::default(), BEGIN_US).unwrap();
    let other = Subscription { hz: 5, ..Subscription::default() };
    assert_eq!(live.open(&other, BEGIN_US).err(), Some(OpenError::Streams(1)));
    let _two = live.open(&Subscription::default(), BEGIN_US).unwrap();
    assert_eq!(live.open(&Subscription::default(), BEGIN_US).err(), Some(OpenError::Viewers(2)));
    assert_eq!(live.counts().viewers, 2);
}

#[test]
fn late_and_rejected_are_counted() {
    let live = live();
    live.take(&[reading(0, BEGIN_US, 40.0), reading(0, BEGIN_US - 40 * MINUTE_US, 99.0)], BEGIN_US);
    live.count_rejected(BEGIN_US, 3);
    live.count_rejected(BEGIN_US + MINUTE_US, 1);
    let now = live.now(50.0, |_| true, BEGIN_US).unwrap();
    assert_eq!((now.sensors[0].temp_c, now.sensors[0].window.count()), (40.0, 1));
    let counts = live.counts();
    assert_eq!((counts.readings, counts.late, counts.rejected), (2, 1, 4));
    assert_eq!(live.rejected_lately(BEGIN_US + 9 * MINUTE_US), 4);
    assert_eq!(live.rejected_lately(BEGIN_US + 10 * MINUTE_US), 1);
}

/// The whole push: a frame at once, a frame at the next tick, a change of the link, the end.
#[tokio::test]
async fn frames_come_at_their_rate_and_end_with_the_program() {
    let live = live();
    let stop = CancellationToken::new();
    let clock: NowUs = Arc::new(|| BEGIN_US);
    let watching = async {
        let open =
            |hz| live.open(&Subscription { hz, ..Subscription::default() }, BEGIN_US).unwrap();
        let (mut eager, mut slow) = (open(0), open(1));
        let (mut at_once, mut later) = (Screen::default(), Screen::default());
        at_once.show(&drain(&mut eager));
        later.show(&drain(&mut slow));
        live.take(&[reading(0, BEGIN_US, 40.0)], BEGIN_US);
        at_once.show(str::from_utf8(&eager.next().await.unwrap()).unwrap());
        later.show(str::from_utf8(&slow.next().await.unwrap()).unwrap());
        assert_eq!(at_once.events(), "dict snap hb t");
        assert_eq!(at_once.values, later.values);
        live.set_link(LinkState {
            link: Link::Lost,
            reason: Some("broker_down".into()),
            lags: Vec::new(),
        });
        let frame = eager.next().await.unwrap();
        let frame = str::from_utf8(&frame).unwrap();
        assert!(
            frame.contains("\"link\":\"lost\"") && frame.contains("\"reason\":\"broker_down\""),
            "{frame}"
        );
        stop.cancel();
        while slow.next().await.is_some() {}
        assert_eq!(live.open(&Subscription::default(), BEGIN_US).err(), Some(OpenError::Stopping));
    };
    tokio::join!(live.push(clock, stop.clone()), watching);
}

/// The time per reading; it is printed, and the bound is generous.
#[test]
fn taking_is_fast() {
    let live = live();
    let batches: Vec<Vec<Reading>> = (0..1_000i64)
        .map(|batch| {
            let at_us = |step: i64| BEGIN_US + (batch * 1_000 + step) * 100;
            (0..1_000).map(|step| reading((step % 8) as u32, at_us(step), 50.0)).collect()
        })
        .collect();
    #[expect(clippy::disallowed_methods, reason = "measures the time it takes")]
    let begin = std::time::Instant::now();
    batches.iter().for_each(|batch| live.take(batch, BEGIN_US));
    let taken = begin.elapsed();
    println!("{} ns a reading", taken.as_nanos() / 1_000_000);
    assert!(taken < Duration::from_secs(5), "{taken:?}");
}
