//! The load of the operators: annunciations in ten minutes, and floods (ISA-18.2, clause 16.5).

use super::PlaceFilter;
use crate::http::temperatures::rfc3339;
use plant::alarm::{FLOOD_WINDOW_US, FloodMeter};
use serde::Serialize;
use utoipa::ToSchema;
use watch::Alarms;

/// Spans of ten minutes that are counted.
const SPANS: i64 = 12;

/// Whether there are more alarms than an operator can handle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Flood {
    /// It began with more than 10 alarms in ten minutes, and ends with fewer than 5.
    pub is_flood: bool,
    #[schema(format = DateTime)]
    pub since_at: Option<String>,
    /// Alarms raised in the last ten minutes.
    pub in_10_min: usize,
    /// Alarms raised in each of the last twelve spans of ten minutes, oldest first.
    pub per_10_min: Vec<usize>,
}

/// The load by the alarms that a caller sees.
pub fn find_flood(alarms: &Alarms, places: &PlaceFilter, now_us: i64) -> Flood {
    let from_us = now_us - SPANS * FLOOD_WINDOW_US;
    let times_us = alarms.annunciations(from_us, |place| places.is_visible(place));
    from_times(&times_us, now_us)
}

/// The load by the times of annunciations, in ascending order.
fn from_times(times_us: &[i64], now_us: i64) -> Flood {
    let mut meter = FloodMeter::new(1);
    for at_us in times_us {
        meter.annunciate(*at_us);
    }
    meter.advance(now_us);
    Flood {
        is_flood: meter.since_us().is_some(),
        since_at: meter.since_us().map(rfc3339),
        in_10_min: meter.in_window(),
        per_10_min: per_window(times_us, now_us),
    }
}

fn per_window(times_us: &[i64], now_us: i64) -> Vec<usize> {
    let count = |back: i64| {
        let until_us = now_us - back * FLOOD_WINDOW_US;
        let is_in = |at_us: &&i64| **at_us > until_us - FLOOD_WINDOW_US && **at_us <= until_us;
        times_us.iter().filter(is_in).count()
    };
    (0..SPANS).rev().map(count).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::time::MINUTE_US;

    fn flood(minutes: impl IntoIterator<Item = i64>, now: i64) -> (bool, Option<String>, usize) {
        let times: Vec<i64> = minutes.into_iter().map(|it| it * MINUTE_US).collect();
        let flood = from_times(&times, now * MINUTE_US);
        (flood.is_flood, flood.since_at, flood.in_10_min)
    }

    #[test]
    fn a_flood_begins_above_ten_and_ends_below_five() {
        assert_eq!(flood([], 100), (false, None, 0));
        assert_eq!(flood([95; 10], 100), (false, None, 10));
        let since = Some(rfc3339(95 * MINUTE_US));
        assert_eq!(flood([95; 11], 100), (true, since.clone(), 11));
        // Five alarms in the window continue the flood, four do not.
        let later = |count: usize| [vec![95; 11], vec![104; count]].concat();
        assert_eq!(flood(later(5), 106), (true, since.clone(), 5));
        assert_eq!(flood(later(4), 106), (false, None, 4));
        let overlapping = [vec![95; 11], vec![100; 5]].concat();
        assert_eq!(flood(overlapping.clone(), 105), (true, since, 5));
        assert_eq!(flood(overlapping, 110), (false, None, 0));
    }

    #[test]
    fn the_load_of_two_hours_is_counted() {
        let times = [1, 119 * MINUTE_US, 120 * MINUTE_US];
        let flood = from_times(&times, 120 * MINUTE_US);
        assert_eq!((flood.per_10_min[0], flood.per_10_min[11]), (1, 2));
        assert_eq!(flood.per_10_min.iter().sum::<usize>(), 3);
    }
}
