//! The sliding windows of every sensor, and statistics over them.

use super::{HOTTEST_WINDOW_US, OVER_WINDOW_US, Recent, Span, newest_of};
use plant::reading::{Reading, SensorId, SensorNumber};
use plant::running_stats::RunningStats;
use plant::sensor_window::SensorWindow;
use plant::time::{MINUTE_US, SECOND_US, minute_of_us};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Span of the rate at which a temperature changes.
const RATE_WINDOW_US: i64 = 2 * MINUTE_US;

/// The last minutes of all sensors, by their numbers.
#[derive(Default)]
pub struct Windows {
    tracks: Vec<Track>,
    /// The watermark; `None` before the first reading.
    newest_us: Option<i64>,
    late: u64,
}

#[derive(Clone, Default)]
struct Track {
    sensor_window: SensorWindow,
    /// Newest reading by event time.
    last: Option<(i64, f64)>,
}

/// The current state of all sensors.
pub struct Now {
    /// End of the windows: the newest event time.
    pub at_us: i64,
    /// Begin of the window in which components above the limit are counted.
    pub over_from_us: i64,
    /// Begin of the window of highest, mean and variance.
    pub hottest_from_us: i64,
    pub sensors: Vec<SensorNow>,
    /// By component type.
    pub over_limit: Vec<TypeCount>,
    /// By plant, lane and component.
    pub hottest: Vec<Group>,
}

/// The current state of one sensor.
pub struct SensorNow {
    pub sensor: Arc<SensorId>,
    pub at_us: i64,
    pub temp_c: f64,
    /// Its readings of the last 30 minutes.
    pub window: RunningStats,
    /// Seconds of the last 10 minutes with a reading above the limit.
    pub seconds_over: u32,
    pub rate_c_per_min: Option<f64>,
    pub age_us: i64,
    pub is_silent: bool,
}

impl SensorNow {
    /// Whether a reading of the last 10 minutes was above the limit.
    pub fn is_over(&self) -> bool {
        self.seconds_over > 0
    }
}

/// Components of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TypeCount {
    pub component: String,
    pub sensors: u32,
    /// Those with a reading above the limit in the last 10 minutes.
    pub over_limit: u32,
}

/// The components of one type in one lane.
#[derive(Debug, Clone)]
pub struct Group {
    pub plant: String,
    pub lane: String,
    pub component: String,
    pub sensors: u32,
    pub silent: u32,
    pub over_limit: u32,
    /// All readings of its sensors in the last 30 minutes.
    pub window: RunningStats,
    /// Newest reading of its sensors, and their highest current temperature (silent ones excluded).
    pub at_us: i64,
    pub temp_c: Option<f64>,
}

/// Begin of a window that ends at `newest_us`: a whole second.
fn window_from(newest_us: i64, length_us: i64) -> i64 {
    (newest_us - length_us).div_euclid(SECOND_US) * SECOND_US + SECOND_US
}

impl Windows {
    pub fn take(&mut self, readings: &[Reading], now_us: i64) {
        self.newest_us = self.newest_us.max(newest_of(readings, now_us));
        let newest_us = self.newest_us.unwrap_or(now_us);
        let first_minute = minute_of_us(window_from(newest_us, HOTTEST_WINDOW_US));
        for reading in readings {
            let index = reading.sensor.0 as usize;
            if index >= self.tracks.len() {
                self.tracks.resize(index + 1, Track::default());
            }
            let track = &mut self.tracks[index];
            if track.last.is_none_or(|(at_us, _)| reading.at_us >= at_us) {
                track.last = Some((reading.at_us, reading.temp_c));
            }
            let is_kept = track.sensor_window.add(reading.at_us, reading.temp_c, first_minute);
            self.late += u64::from(!is_kept);
        }
    }

    /// Readings older than the longest window at their arrival.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Adds the count of previous windows.
    pub fn count_late(&mut self, before: u64) {
        self.late += before;
    }

    /// See [`super::Live::now`]. `clock` is the current event time, and the time before which the
    /// last reading of a silent sensor is.
    pub fn now(
        &self,
        ids: &[Arc<SensorId>],
        is_selected: impl Fn(&SensorId) -> bool,
        limit_c: f64,
        clock: (i64, i64),
    ) -> Option<Now> {
        let at_us = self.newest_us?;
        let over_from_us = window_from(at_us, OVER_WINDOW_US);
        let hottest_from_us = window_from(at_us, HOTTEST_WINDOW_US);
        let rate_from_us = window_from(at_us, RATE_WINDOW_US);
        let (event_us, silent_before_us) = clock;
        let selected = ids.iter().zip(&self.tracks).filter(|(id, _)| is_selected(id));
        let sensor = |(id, track): (&Arc<SensorId>, &Track)| {
            let (at_us, temp_c) = track.last?;
            Some(SensorNow {
                sensor: Arc::clone(id),
                at_us,
                temp_c,
                window: track.sensor_window.since(hottest_from_us),
                seconds_over: track.sensor_window.seconds_over(limit_c, over_from_us),
                rate_c_per_min: track.sensor_window.rate_c_per_min(rate_from_us),
                age_us: (event_us - at_us).max(0),
                is_silent: at_us < silent_before_us,
            })
        };
        let sensors: Vec<SensorNow> = selected.filter_map(sensor).collect();
        let (over_limit, hottest) = (by_type(&sensors), by_lane(&sensors));
        Some(Now { at_us, over_from_us, hottest_from_us, sensors, over_limit, hottest })
    }

    /// See [`super::Live::recent`].
    pub fn recent(&self, number: SensorNumber, span: Span) -> Option<Recent> {
        let kept_us = window_from(self.newest_us?, HOTTEST_WINDOW_US);
        let whole_us = minute_of_us(kept_us) * MINUTE_US + MINUTE_US;
        let from_us = whole_us.max(span.from_us);
        let sensor_window = &self.tracks.get(number.0 as usize)?.sensor_window;
        Some(Recent {
            from_us,
            buckets: sensor_window.buckets(from_us, span.until_us, span.width_us),
        })
    }
}

fn by_type(sensors: &[SensorNow]) -> Vec<TypeCount> {
    let mut counts = BTreeMap::<&str, TypeCount>::new();
    for now in sensors {
        let count = counts.entry(&now.sensor.component).or_default();
        count.sensors += 1;
        count.over_limit += u32::from(now.is_over());
    }
    let named = |(component, count): (&str, TypeCount)| TypeCount {
        component: component.to_owned(),
        ..count
    };
    counts.into_iter().map(named).collect()
}

fn by_lane(sensors: &[SensorNow]) -> Vec<Group> {
    let mut groups = BTreeMap::<(&str, LaneOrder<'_>, &str), Group>::new();
    for now in sensors {
        let SensorId { plant, lane, component, .. } = &*now.sensor;
        let group =
            groups.entry((plant, LaneOrder::new(lane), component)).or_insert_with(|| Group {
                plant: plant.clone(),
                lane: lane.clone(),
                component: component.clone(),
                sensors: 0,
                silent: 0,
                over_limit: 0,
                window: RunningStats::default(),
                at_us: now.at_us,
                temp_c: None,
            });
        group.sensors += 1;
        group.silent += u32::from(now.is_silent);
        group.over_limit += u32::from(now.is_over());
        group.window.merge(&now.window);
        group.at_us = group.at_us.max(now.at_us);
        if !now.is_silent && group.temp_c.is_none_or(|temp_c| now.temp_c > temp_c) {
            group.temp_c = Some(now.temp_c);
        }
    }
    groups.into_values().collect()
}

/// Natural order of lanes: 2 before 10.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LaneOrder<'a>(Option<u64>, &'a str);

impl<'a> LaneOrder<'a> {
    fn new(lane: &'a str) -> Self {
        Self(lane.parse().ok(), lane)
    }
}
