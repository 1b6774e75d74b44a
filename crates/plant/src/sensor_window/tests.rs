use super::*;
use crate::time::{MINUTE_US, SECOND_US, minute_of_us, second_of_us};
use proptest::prelude::*;

/// A whole minute somewhere in 2023.
const BEGIN_US: i64 = 27_891_982 * MINUTE_US;

fn window(readings: &[(i64, f64)]) -> SensorWindow {
    let mut window = SensorWindow::default();
    for (at_us, temp_c) in readings {
        assert!(window.add(*at_us, *temp_c, 0));
    }
    window
}

/// The same statistics computed from every reading.
fn naive(readings: &[(i64, f64)], from_us: i64) -> Vec<f64> {
    readings.iter().filter(|(at_us, _)| *at_us >= from_us).map(|(_, temp_c)| *temp_c).collect()
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

fn check(readings: &[(i64, f64)], from_us: i64) -> Result<(), TestCaseError> {
    let window = window(readings);
    let (found, values) = (window.since(from_us), naive(readings, from_us));
    prop_assert_eq!(found.count() as usize, values.len());
    prop_assert_eq!(found.max(), values.iter().copied().reduce(f64::max));
    prop_assert_eq!(found.min(), values.iter().copied().reduce(f64::min));
    let mut over: Vec<i64> = readings
        .iter()
        .filter(|(at_us, temp_c)| *at_us >= from_us && *temp_c > 50.0)
        .map(|(at_us, _)| second_of_us(*at_us))
        .collect();
    over.sort_unstable();
    over.dedup();
    prop_assert_eq!(window.seconds_over(50.0, from_us) as usize, over.len());
    if let (Some(mean), Some(variance)) = (found.mean(), found.variance()) {
        let count = values.len() as f64;
        let wanted = values.iter().sum::<f64>() / count;
        let spread: f64 = values.iter().map(|value| (value - wanted).powi(2)).sum();
        prop_assert!(near(mean, wanted), "{mean} {wanted}");
        prop_assert!(near(variance, spread / count), "{variance} {}", spread / count);
    }
    Ok(())
}

/// Times within a few minutes, in any order, some of them many per second.
fn readings() -> impl Strategy<Value = Vec<(i64, f64)>> {
    let slow = (0..300 * SECOND_US, -10.0..120.0f64);
    let fast = (120 * SECOND_US..125 * SECOND_US, 40.0..60.0f64);
    let some = (proptest::collection::vec(slow, 0..80), proptest::collection::vec(fast, 0..300));
    some.prop_map(|(slow, fast)| {
        let all = slow.into_iter().chain(fast);
        all.map(|(offset_us, temp_c)| (BEGIN_US + offset_us, temp_c)).collect::<Vec<_>>()
    })
    .prop_shuffle()
}

proptest! {
    #[test]
    fn a_window_is_that_of_every_reading(readings in readings(), from_s in -5i64..310) {
        check(&readings, BEGIN_US + from_s * SECOND_US)?;
    }

    #[test]
    fn buckets_are_those_of_every_reading(readings in readings(), from_s in 0i64..300, width_s in 1i64..90) {
        let (from_us, width_us) = (BEGIN_US + from_s * SECOND_US, width_s * SECOND_US);
        let until_us = from_us + 100 * SECOND_US;
        let mut wanted = std::collections::BTreeMap::<i64, Vec<f64>>::new();
        for (at_us, temp_c) in readings.iter().filter(|it| (from_us..until_us).contains(&it.0)) {
            wanted.entry(at_us.div_euclid(width_us) * width_us).or_default().push(*temp_c);
        }
        let found = window(&readings).buckets(from_us, until_us, width_us);
        prop_assert_eq!(found.len(), wanted.len());
        for ((begin_us, moments), (wanted_us, values)) in found.iter().zip(&wanted) {
            prop_assert_eq!(begin_us, wanted_us);
            prop_assert_eq!(moments.count() as usize, values.len());
            prop_assert_eq!(moments.max(), values.iter().copied().reduce(f64::max));
        }
    }
}

#[test]
fn old_minutes_are_dropped() {
    let mut window = SensorWindow::default();
    let first = minute_of_us(BEGIN_US);
    assert!(window.add(BEGIN_US, 40.0, first));
    assert!(window.add(BEGIN_US + 2 * MINUTE_US, 42.0, first));
    assert!(!window.add(BEGIN_US - 1, 99.0, first), "before the window");
    assert_eq!(window.since(0).count(), 2);
    assert!(window.add(BEGIN_US + 3 * MINUTE_US, 43.0, first + 1));
    assert_eq!((window.since(0).count(), window.since(0).min()), (2, Some(42.0)));
}

#[test]
fn a_linear_rise_has_its_slope_as_rate() {
    let rise = |per_min: f64| {
        let reading =
            |second: i64| (BEGIN_US + second * SECOND_US, 40.0 + per_min * second as f64 / 60.0);
        window(&(0..60).map(reading).collect::<Vec<_>>())
    };
    for per_min in [1.1, 0.0, -3.0] {
        assert!(near(rise(per_min).rate_c_per_min(BEGIN_US).unwrap(), per_min), "{per_min}");
    }
    let same_moment = window(&[(BEGIN_US, 1.0), (BEGIN_US, 2.0)]);
    assert_eq!(same_moment.rate_c_per_min(BEGIN_US), None);
    assert_eq!(SensorWindow::default().rate_c_per_min(BEGIN_US), None);
}

/// A thousand readings per second for a minute need no more memory than their seconds.
#[test]
fn a_fast_sensor_stays_small() {
    let readings: Vec<_> =
        (0..60_000).map(|step| (BEGIN_US + step * 1_000, 50.0 + step as f64 % 7.0)).collect();
    let window = window(&readings);
    assert!(window.size_bytes() < 4_000, "{}", window.size_bytes());
    assert_eq!(window.since(BEGIN_US + 30 * SECOND_US).count(), 30_000);
}
