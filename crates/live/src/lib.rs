//! Live temperatures in memory: the current value of every sensor, sliding windows, and the push to
//! viewers.
//!
//! *In*: readings as they are decoded, the state of the link to their source, and versions of
//! tables that changed.
//! *Out*: current values and statistics ([`Live::now`], [`Live::recent`]), and frames of server-sent
//! events for viewers ([`Live::open`]).
//! *Promise*: [`Live::take`] never waits for a viewer; memory is bounded per sensor and per viewer;
//! a window is exact for every reading that was received within it, in any order of arrival.
//!
//! **Time.** All windows are of event time. Their end is the watermark: the newest time of any
//! reading received so far, except that readings ahead of the wall clock do not advance it. No allowed
//! lateness is subtracted, because a late reading is added to its minute when it arrives and is part of
//! the next result. A window begins at the watermark minus its length, rounded up to a whole second, so
//! for readings on whole seconds it means "younger than ten minutes". A reading older than the longest
//! window affects no result; it is counted as late and only the lake stores it. Age and silence are
//! relative to the watermark too, advanced by the wall clock while no reading arrives, so that the
//! sensors of a stopped stream become silent.

mod frame;
mod latest;
mod push;
mod selection;
#[cfg(test)]
mod tests;
mod windows;

pub use push::{OpenError, Subscription, Viewer};
pub use selection::Lanes;
pub use windows::{Group, Now, SensorNow, TypeCount};

use config::settings::Limits;
use config::temperature::Temperature;
use latest::Latest;
use plant::reading::{Reading, Registry, SensorId};
use plant::running_stats::RunningStats;
use plant::time::{MINUTE_US, SECOND_US, second_of_us};
use push::{Hub, HubLimits};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;
use windows::Windows;

/// Span in which a component above its limit is counted.
pub const OVER_WINDOW_US: i64 = 10 * MINUTE_US;
/// Span of the highest temperature, the mean and the variance.
pub const HOTTEST_WINDOW_US: i64 = 30 * MINUTE_US;
/// A reading this far ahead of the clock does not move the watermark: otherwise one sensor with a
/// wrong clock would push the readings of all others out of their windows.
const AHEAD_US: i64 = 5 * SECOND_US;
/// Span over which dirty messages are counted.
const REJECTED_WINDOW_US: i64 = OVER_WINDOW_US;

/// The current time in microseconds since 1970 UTC; provided by `flow`, which owns the clock.
pub type NowUs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Limits of the live part, and the temperature limit of the plant.
#[derive(Debug, Clone)]
pub struct LiveLimits {
    /// Temperature above which a component is too hot, in degrees Celsius.
    pub limit_c: f64,
    /// Time without a reading after which a sensor is silent.
    pub silent_us: i64,
    /// Viewers at a time.
    pub viewers: usize,
    /// Different streams (a plant at a rate) at a time.
    pub streams: usize,
    /// Frames a second to all viewers together.
    pub frames_per_s: usize,
}

impl LiveLimits {
    /// The configured limits, with the temperature settings of the plant.
    pub fn from_settings(limits: &Limits, temperature: &Temperature) -> Self {
        let silent_s = i64::try_from(temperature.sensor_silent_s).unwrap_or(i64::MAX / SECOND_US);
        Self {
            limit_c: temperature.limit_c,
            silent_us: silent_s.saturating_mul(SECOND_US),
            viewers: limits.live.live_viewers,
            streams: limits.live.live_streams,
            frames_per_s: limits.live.live_frames_per_s,
        }
    }
}

/// The state of the connection to the source of the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LinkState {
    pub link: Link,
    /// Why the link is lost, for people.
    pub reason: Option<String>,
    /// Messages that are not read yet, by partition.
    pub lags: Vec<PartitionLag>,
}

/// Whether there is a link to the source of the stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Link {
    /// No source is configured.
    #[default]
    None,
    Connected,
    /// No broker answers; the stream reconnects by itself.
    Lost,
    /// The brokers refuse the connection, or the configuration is invalid; an operator has to fix the cause.
    Failed,
}

impl Link {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Connected => "connected",
            Self::Lost => "lost",
            Self::Failed => "failed",
        }
    }
}

/// Messages of a partition that are not read yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionLag {
    pub topic: String,
    pub partition: i32,
    pub lag_messages: i64,
}

/// Counters since the start.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub sensors: usize,
    pub viewers: usize,
    /// Different streams that viewers have open.
    pub streams: usize,
    pub readings: u64,
    pub late: u64,
    pub rejected: u64,
    /// Frames encoded, and frames sent to viewers.
    pub frames: u64,
    pub sent: u64,
    /// Newest event time; `None` before the first reading.
    pub newest_at_us: Option<i64>,
    /// Delay of the newest reading at its arrival.
    pub delay_us: Option<i64>,
    pub link: LinkState,
}

/// The current temperature of every sensor, and its last minutes. Cheap to clone; all clones share the
/// same state.
#[derive(Clone)]
pub struct Live {
    shared: Arc<Shared>,
}

struct Shared {
    registry: Registry,
    limits: LiveLimits,
    /// Identifies this run of the program in the ids of frames; has no `-`.
    boot: String,
    // Never locked at the same time, so that the push does not wait for the windows.
    latest: Mutex<Latest>,
    windows: Mutex<Windows>,
    link: Mutex<LinkState>,
    rejects: Mutex<Rejects>,
    readings: AtomicU64,
    hub: Hub,
}

/// Dirty messages by second.
#[derive(Default)]
struct Rejects {
    total: u64,
    seconds: VecDeque<(i64, u64)>,
}

/// A span of time in buckets, counted from 1970. All three are whole seconds.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    pub from_us: i64,
    /// End, exclusive.
    pub until_us: i64,
    pub width_us: i64,
}

/// The recent readings of one sensor in memory.
pub struct Recent {
    /// Memory contains every reading from here on: a whole minute, unless the span begins later. Earlier
    /// readings are in the lake only.
    pub from_us: i64,
    /// The statistics of each bucket, by its begin.
    pub buckets: Vec<(i64, RunningStats)>,
}

/// The newest event time of readings that is not ahead of the clock.
fn newest_of(readings: &[Reading], now_us: i64) -> Option<i64> {
    let times = readings.iter().map(|reading| reading.at_us);
    times.filter(|at_us| *at_us <= now_us + AHEAD_US).max()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    /// An empty state. `boot` identifies this run of the program.
    pub fn new(registry: Registry, limits: LiveLimits, boot: String) -> Self {
        let shared = Shared {
            registry,
            hub: Hub::new(HubLimits {
                viewers: limits.viewers,
                streams: limits.streams,
                frames_per_s: limits.frames_per_s,
            }),
            limits,
            boot: boot.replace('-', ""),
            latest: Mutex::default(),
            windows: Mutex::default(),
            link: Mutex::default(),
            rejects: Mutex::default(),
            readings: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Whether a viewer receives every change at once, without a limit on the rate.
    pub fn has_unthrottled_viewers(&self) -> bool {
        self.shared.hub.has_unthrottled_streams()
    }

    /// Records readings and wakes the push to viewers. `now_us` is their time of arrival. Can be called from
    /// any thread.
    pub fn take(&self, readings: &[Reading], now_us: i64) {
        if readings.is_empty() {
            return;
        }
        lock(&self.shared.latest).take(readings, now_us);
        self.shared.hub.notify_unthrottled();
        lock(&self.shared.windows).take(readings, now_us);
        self.shared.readings.fetch_add(readings.len() as u64, Ordering::Relaxed);
    }

    /// Rebuilds the windows from the readings of the last half hour in the lake, in any order, at `now_us`.
    /// Called when partitions of the stream are assigned to this program, before their first reading is
    /// recorded: readings of another consumer are in the lake, not in memory.
    pub fn restore(&self, readings: &[Reading], now_us: i64) {
        let mut windows = Windows::default();
        windows.take(readings, now_us);
        lock(&self.shared.latest).restore(readings, now_us);
        let mut current = lock(&self.shared.windows);
        windows.count_late(current.late());
        *current = windows;
    }

    /// Counts `count` messages without a reading that arrived at `at_us`.
    pub fn count_rejected(&self, at_us: i64, count: u64) {
        let mut rejects = lock(&self.shared.rejects);
        let second = second_of_us(at_us);
        rejects.total += count;
        match rejects.seconds.back_mut().filter(|(newest, _)| *newest >= second) {
            Some((_, rejected)) => *rejected += count,
            None => rejects.seconds.push_back((second, count)),
        }
        rejects.remove_before(at_us - REJECTED_WINDOW_US);
    }

    /// Sets the state of the link to the source; viewers receive a heartbeat when it changes.
    pub fn set_link(&self, state: LinkState) {
        let mut current = lock(&self.shared.link);
        let has_changed = (current.link, &current.reason) != (state.link, &state.reason);
        *current = state;
        drop(current);
        if has_changed {
            self.shared.hub.schedule_beat();
        }
    }

    /// Notifies viewers that `table` has a new version.
    pub fn table_changed(&self, table: &str, version: u64) {
        self.shared.hub.changed(table, version);
    }

    /// The name of this run of the program in the ids of frames.
    pub fn boot(&self) -> &str {
        &self.shared.boot
    }

    /// The plant's temperature limit, in degrees Celsius.
    pub fn limit_c(&self) -> f64 {
        self.shared.limits.limit_c
    }

    /// The current temperature and the windows of every selected sensor, compared with `limit_c`.
    /// `None` before the first reading.
    pub fn now(
        &self,
        limit_c: f64,
        is_selected: impl Fn(&SensorId) -> bool,
        now_us: i64,
    ) -> Option<Now> {
        let event_us = lock(&self.shared.latest).event_us(now_us);
        let ids = self.ids();
        let silent_before_us = event_us - self.shared.limits.silent_us;
        lock(&self.shared.windows).now(&ids, is_selected, limit_c, (event_us, silent_before_us))
    }

    /// The recent readings of one sensor within `span`; `None` for an unknown sensor.
    pub fn recent(&self, sensor: &SensorId, span: Span) -> Option<Recent> {
        let registry = self.shared.registry.read().unwrap_or_else(PoisonError::into_inner);
        let number = registry.number(sensor)?;
        drop(registry);
        lock(&self.shared.windows).recent(number, span)
    }

    /// The sensors by their numbers, shared with the decoders of messages.
    pub fn registry(&self) -> Registry {
        Arc::clone(&self.shared.registry)
    }

    /// All registered sensors, by their numbers.
    pub fn ids(&self) -> Vec<Arc<SensorId>> {
        self.shared.registry.read().unwrap_or_else(PoisonError::into_inner).ids().to_vec()
    }

    /// Messages without a reading in the ten minutes before `now_us`.
    pub fn rejected_lately(&self, now_us: i64) -> u64 {
        let mut rejects = lock(&self.shared.rejects);
        rejects.remove_before(now_us - REJECTED_WINDOW_US);
        rejects.seconds.iter().map(|(_, count)| count).sum()
    }

    /// The last reported state of the link to the source.
    pub fn link_state(&self) -> LinkState {
        lock(&self.shared.link).clone()
    }

    /// Opens a stream of frames.
    pub fn open(&self, subscription: &Subscription, now_us: i64) -> Result<Viewer, OpenError> {
        push::open(self, subscription, now_us)
    }

    /// Sends frames to viewers until `stop`, then ends their streams. Run once, by `flow`.
    pub async fn push(&self, now_us: NowUs, stop: CancellationToken) {
        push::run(self, now_us, stop).await;
    }

    /// Counters since the start.
    pub fn counts(&self) -> Counts {
        let (newest_at_us, delay_us) = lock(&self.shared.latest).newest();
        let (viewers, streams, frames, sent) = self.shared.hub.counts();
        Counts {
            sensors: self.ids().len(),
            viewers,
            streams,
            readings: self.shared.readings.load(Ordering::Relaxed),
            late: lock(&self.shared.windows).late(),
            rejected: lock(&self.shared.rejects).total,
            frames,
            sent,
            newest_at_us,
            delay_us,
            link: self.link_state(),
        }
    }
}

impl Rejects {
    fn remove_before(&mut self, at_us: i64) {
        let second = second_of_us(at_us);
        while self.seconds.front().is_some_and(|(oldest, _)| *oldest <= second) {
            self.seconds.pop_front();
        }
    }
}
