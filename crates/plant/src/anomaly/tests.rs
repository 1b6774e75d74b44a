//! Laws of the detectors, and a short form of the judgement.

use super::baseline::Ewma;
use super::judge::{Charts, JudgedSize, Ours, chance, judge};
use super::{Channel, Detector, LIMIT, Reason, Score, Sisters};
use crate::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};
use proptest::prelude::*;

/// 2026-11-02 00:00:00 UTC.
const START_US: i64 = 1_793_577_600 * SECOND_US;

/// Scatter from -1 to 1, the same for the same number.
fn scatter(number: i64) -> f64 {
    let mixed = number
        .wrapping_mul(0x5851_f42d_4c95_7f2d)
        .rotate_left(29)
        .wrapping_mul(0x2545_f491_4f6c_dd1d);
    (mixed >> 11) as f64 / (1_i64 << 52) as f64
}

/// A temperature with a daily cycle and scatter, in degC.
fn usual_c(at_us: i64) -> f64 {
    let of_day = (at_us - START_US).rem_euclid(DAY_US) as f64 / DAY_US as f64;
    let busy = if (0.3..0.7).contains(&of_day) { 12.0 } else { 0.0 };
    40.0 + busy + 5.0 * (of_day * std::f64::consts::TAU).sin() + 0.2 * scatter(at_us / SECOND_US)
}

/// The detector after `days` of readings every half minute, and the time of the next one.
fn after(days: i64) -> (Detector, i64) {
    let (mut detector, end_us) = (Detector::new(), START_US + days * DAY_US);
    for at_us in (START_US..end_us).step_by(30_000_000) {
        detector.take(at_us, usual_c(at_us));
    }
    (detector, end_us)
}

/// The greatest score of readings every half minute.
fn greatest(
    detector: &mut Detector,
    times_us: std::ops::Range<i64>,
    value_c: impl Fn(i64) -> f64,
) -> Option<Score> {
    let scores =
        times_us.step_by(30_000_000).filter_map(|at_us| detector.take(at_us, value_c(at_us)));
    scores.max_by(|one, other| one.score.total_cmp(&other.score))
}

#[track_caller]
fn check(found: Option<Score>, is_expected: impl Fn(Reason) -> bool) {
    assert!(found.is_some_and(|it| it.score >= LIMIT && is_expected(it.reason)), "{found:?}");
}

/// A type that is copied owns no heap memory.
fn owns_no_heap<T: Copy>(_: &T) {}

#[test]
fn a_detector_is_small_and_owns_no_heap() {
    assert!(size_of::<Detector>() <= 1024, "{}", size_of::<Detector>());
    assert!(size_of::<Sisters>() <= 1024, "{}", size_of::<Sisters>());
    owns_no_heap(&Detector::new());
    owns_no_heap(&Sisters::new());
}

#[test]
fn each_fault_has_its_reason() {
    let (known, from_us) = after(10);
    let mut detector = known;
    let found = greatest(&mut detector, from_us..from_us + MINUTE_US, |at_us| usual_c(at_us) + 9.0);
    check(found, |it| matches!(it, Reason::Jump { by, .. } if (8.0..10.0).contains(&by)));
    let mut detector = known;
    let found = greatest(&mut detector, from_us..from_us + HOUR_US, |_| 41.2);
    check(found, |it| matches!(it, Reason::Stuck { at, for_s } if at == 41.2 && for_s > 3000.0));
    let mut detector = known;
    let found = greatest(&mut detector, from_us..from_us + HOUR_US, |at_us| {
        usual_c(at_us) + (at_us - from_us) as f64 / MINUTE_US as f64
    });
    check(found, |it| matches!(it, Reason::Rate { per_min, .. } if (0.5..1.5).contains(&per_min)));
    check(
        known.silence(from_us + HOUR_US),
        |it| matches!(it, Reason::Silence { for_s, .. } if for_s > 3500.0),
    );
    assert_eq!(known.silence(from_us - MINUTE_US), None, "a time before the last reading");
}

#[test]
fn what_repeats_every_day_is_usual() {
    let (mut detector, from_us) = after(10);
    let found = greatest(&mut detector, from_us..from_us + 5 * DAY_US, usual_c);
    assert!(found.is_some_and(|it| it.score < LIMIT), "{found:?}");
}

#[test]
fn a_new_level_becomes_usual() {
    let (mut detector, from_us) = after(10);
    let level = |at_us| usual_c(at_us) + 8.0;
    check(greatest(&mut detector, from_us..from_us + HOUR_US, level), |_| true);
    greatest(&mut detector, from_us + HOUR_US..from_us + DAY_US, level);
    let found = greatest(&mut detector, from_us + DAY_US..from_us + 4 * DAY_US, level);
    assert!(found.is_some_and(|it| it.score < LIMIT), "{found:?}");
}

#[test]
fn a_clock_that_is_set_gives_at_most_a_silence() {
    for step_us in [-HOUR_US, -DAY_US, HOUR_US] {
        let (mut detector, from_us) = after(10);
        let found =
            greatest(&mut detector, from_us + step_us..from_us + step_us + 3 * HOUR_US, |at_us| {
                usual_c(at_us - step_us)
            });
        let is_silence = found.is_some_and(|it| matches!(it.reason, Reason::Silence { .. }));
        assert!(
            found.is_some_and(|it| it.score < LIMIT) || (step_us > 0 && is_silence),
            "{found:?}"
        );
        // Readings count again soon after the clock is set back.
        assert!(found.is_some());
    }
}

#[test]
fn missing_readings_do_not_change_what_is_usual() {
    let (mut detector, from_us) = after(10);
    let mut greatest = 0.0_f64;
    for at_us in (from_us..from_us + 2 * DAY_US).step_by(30_000_000) {
        if scatter(at_us / SECOND_US + 1) > -0.9 {
            greatest = greatest.max(detector.take(at_us, usual_c(at_us)).unwrap().score);
        }
    }
    assert!(greatest < LIMIT, "{greatest}");
}

#[test]
fn a_single_far_reading_is_no_change_of_the_level() {
    let (mut detector, end_us) = (Detector::new(), START_US + 12 * DAY_US);
    let far_us = START_US + 10 * DAY_US;
    let mut unusual = Vec::new();
    for at_us in (START_US..end_us).step_by(300_000_000) {
        let far_c = if at_us == far_us { 30.0 } else { 0.0 };
        let found = detector.take(at_us, usual_c(at_us) + far_c).unwrap();
        if at_us >= far_us && found.score >= LIMIT {
            unusual.push(found);
        }
    }
    assert!((1..=3).contains(&unusual.len()), "{unusual:?}");
}

#[test]
fn a_sensor_departs_from_its_sisters() {
    let mut sisters = Sisters::new();
    let mut found = 0.0_f64;
    let end_us = START_US + 10 * DAY_US;
    for at_us in (START_US..end_us + 2 * HOUR_US).step_by(30_000_000) {
        let others = [1, 2, 3].map(|it| usual_c(at_us) + scatter(at_us / SECOND_US + it));
        let alone_c = if at_us < end_us { 0.0 } else { 6.0 };
        let score = sisters.take(at_us, usual_c(at_us) + alone_c, &others).unwrap();
        if at_us < end_us {
            assert!(score.score < 0.99, "{score:?}");
            continue;
        }
        found = found.max(score.score);
        let is_known = matches!(score.reason, Reason::Sisters { .. } | Reason::SistersRate { .. });
        assert!(score.score == 0.0 || is_known, "{score:?}");
    }
    assert!(found >= LIMIT, "{found}");
    assert_eq!(sisters.take(end_us + DAY_US, 40.0, &[40.0]), None, "one sister is too few");
}

#[test]
fn reasons_are_sentences() {
    let check = |reason: Reason, text: &str| assert_eq!(reason.to_string(), text);
    check(Reason::Jump { by: 9.3, usual: 0.42 }, "jumped up by 9.3 degC, usually at most 0.42");
    check(Reason::Rate { per_min: 1.1, usual: 0.1 }, "rises 1.1 degC/min, usually at most 0.1");
    check(
        Reason::Rate { per_min: -12.3, usual: 0.04 },
        "falls 12 degC/min, usually at most 4.0e-2",
    );
    check(Reason::Stuck { at: 41.2, for_s: 240.0 }, "stuck at 41.2 degC for 4 min");
    let silence = Reason::Silence { for_s: 7300.0, usual_s: 30.0 };
    check(silence, "no reading for 2.0 h, usually at most 30 s");
    check(Reason::Noise { mean: 0.5, usual: 0.2 }, "scatters by 0.5 degC, usually at most 0.2");
    let level = |is_daily| Reason::Level { by: -6.2, usual: 1.0, is_daily };
    check(level(false), "6.2 degC lower than in the last hours, usually at most 1.0");
    check(level(true), "6.2 degC lower than usual at this time of day, usually at most 1.0");
    let sisters = Reason::Sisters { by: 6.2, usual: 1.0 };
    check(sisters, "6.2 degC higher than like sensors, usually at most 1.0");
    let text = Reason::Jump { by: -3.0, usual: 1.0 }.with_unit("bar").to_string();
    assert_eq!(text, "jumped down by 3.0 bar, usually at most 1.0");
}

/// A short form of the judgement in BENCHMARKS.md: the bounds are some way below its figures.
#[test]
fn faults_are_found_at_one_false_alarm_per_week() {
    let size = JudgedSize { sensors: 6, weeks: 3, interval_us: 30 * SECOND_US };
    let seeds = (&[1][..], &[201, 202][..]);
    let ours = judge(|_, _| Ours::default(), seeds, &size);
    let chart = judge(|_, _| Charts::new(0.1), seeds, &size);
    let chance = judge(chance, seeds, &size);
    assert!(ours.false_alarms <= 2.0, "{ours:?}");
    assert!(ours.recall() > 0.7 && ours.recall() > chart.recall() + 0.2, "{ours:?} {chart:?}");
    assert!(chance.recall() < 0.1, "{chance:?}");
}

#[test]
fn the_control_chart_finds_a_jump() {
    let mut chart = Ewma::new(0.1);
    for at in 0..1000 {
        assert!(chart.take(40.0 + scatter(at)) < 0.6);
    }
    assert!(chart.take(60.0) > 0.8);
}

#[test]
fn channels_are_numbered_in_order() {
    for (at, channel) in Channel::ALL.into_iter().enumerate() {
        assert_eq!(channel as usize, at);
    }
}

/// Readings of some days with jumps, gaps and equal readings: time and value.
fn readings() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let reading = (1..400_i64, -3.0..3.0_f64, 0..60_u8);
    prop::collection::vec(reading, 200..1500).prop_map(|drawn| {
        let mut at_us = START_US;
        let mut value = 40.0;
        let each = drawn.into_iter().map(|(after_s, change, kind)| {
            at_us += if kind == 0 { DAY_US } else { after_s * SECOND_US };
            value += if kind == 1 { 20.0 * change } else { (change * 8.0).trunc() / 8.0 };
            (at_us, value)
        });
        each.collect()
    })
}

fn scores(readings: impl IntoIterator<Item = (i64, f64)>) -> Vec<Option<f64>> {
    let mut detector = Detector::new();
    let each = readings.into_iter().map(|(at_us, value)| detector.take(at_us, value));
    each.map(|it| it.map(|it| it.score)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn scores_are_from_0_to_1_for_any_input(
        input in prop::collection::vec((any::<i64>(), any::<f64>()), 0..300),
        now_us in any::<i64>(),
    ) {
        let (mut detector, mut sisters) = (Detector::new(), Sisters::new());
        for (at_us, value) in input {
            let own = detector.take(at_us, value);
            let other = sisters.take(at_us, value, &[value, -value, at_us as f64]);
            let silence = detector.silence(now_us);
            for found in [own, other, silence].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&found.score), "{found:?}");
                prop_assert!(!found.reason.to_string().contains("NaN"), "{found:?}");
            }
        }
    }

    #[test]
    fn scores_do_not_depend_on_offset_and_factor(
        readings in readings(),
        offset in -1000.0..1000.0_f64,
        factor in prop_oneof![0.01..100.0_f64, -100.0..-0.01_f64],
    ) {
        let other = readings.iter().map(|(at_us, value)| (*at_us, value * factor + offset));
        let other = scores(other.collect::<Vec<_>>());
        for (one, other) in scores(readings).into_iter().zip(other) {
            prop_assert_eq!(one.is_some(), other.is_some());
            let difference = one.unwrap_or(0.0) - other.unwrap_or(0.0);
            prop_assert!(difference.abs() < 0.01, "{:?} {:?}", one, other);
        }
    }

    #[test]
    fn repeated_and_late_readings_change_nothing(
        readings in readings(),
        repeated in prop::collection::vec(0..5_usize, 1500),
    ) {
        let mut detector = Detector::new();
        let mut found = Vec::new();
        for (at, reading) in readings.iter().enumerate() {
            found.push(detector.take(reading.0, reading.1).map(|it| it.score));
            // Repeats the last readings, each of which is older except the newest.
            for (at_us, value) in &readings[at.saturating_sub(repeated[at])..=at] {
                prop_assert_eq!(detector.take(*at_us, *value), None);
            }
        }
        prop_assert_eq!(found, scores(readings));
    }
}
