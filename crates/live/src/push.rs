//! Pushes frames to viewers.
//!
//! Viewers with the same selection and rate share a stream: a frame is encoded once and its bytes are
//! sent to all of them. A stream keeps only its newest frame. A viewer whose socket is not writable for a
//! while misses frames and then receives one of its own, with the newest value of everything that changed
//! meanwhile. So it receives fewer frames, never older ones, and its only state is the number of the last
//! change it has received.

mod viewer;

pub use viewer::{Viewer, open};

use super::frame::{self, Dict, FrameSource};
use super::latest::Latest;
use super::selection::{Lanes, Selection};
use super::{Live, NowUs, lock};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// The highest rate in frames a second; all rates are counted in its ticks.
pub const HZ_MAX: u32 = 25;
const TICK: Duration = Duration::from_millis(1_000 / HZ_MAX as u64);
/// Pause between two frames of an unthrottled stream: less than between two batches of a busy topic.
const UNTHROTTLED_INTERVAL: Duration = Duration::from_millis(1);
/// What a viewer of an unthrottled stream counts as, in frames a second: what a busy topic causes.
const UNTHROTTLED_HZ: usize = 100;
/// Age up to which the list of silent sensors is reused: silence is reported this much later.
const SILENT_LIST_AGE_US: i64 = 100_000;
/// Ticks between heartbeats, 5 s, and between whole snapshots, 60 s.
const BEAT_TICKS: u64 = 5 * HZ_MAX as u64;
const SNAP_TICKS: u64 = 60 * HZ_MAX as u64;
/// Tables whose newest version is stored for viewers that reconnect.
const TABLES_MAX: usize = 256;

/// What a viewer subscribes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Only sensors of this plant.
    pub plant: Option<String>,
    /// Only sensors of these lanes: those that the viewer has permission for; `None` for all.
    pub lanes: Option<Lanes>,
    /// Frames a second, up to [`HZ_MAX`]; 0 sends every change at once.
    pub hz: u32,
    /// Id of the last frame that the viewer has received.
    pub last_id: Option<String>,
}

/// Why a stream was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// The limit of viewers is reached.
    Viewers(usize),
    /// The limit of different streams is reached.
    Streams(usize),
    /// The limit of frames a second, of all viewers together, is reached.
    Frames(usize),
    /// The program is stopping.
    Stopping,
}

/// The identity of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    selection: Selection,
    hz: u32,
}

impl Subscription {
    /// Frames a second that the viewer receives at most.
    fn frames_per_s(&self) -> usize {
        match self.hz.min(HZ_MAX) {
            0 => UNTHROTTLED_HZ,
            hz => hz as usize,
        }
    }

    fn key(&self) -> Key {
        let selection = Selection { plant: self.plant.clone(), lanes: self.lanes.clone() };
        Key { selection, hz: self.hz.min(HZ_MAX) }
    }
}

/// The newest state of a stream; a clone shares all bytes.
#[derive(Clone)]
struct Frame {
    /// The event contains all changes after `from`, up to `to`.
    from: u64,
    to: u64,
    event: Bytes,
    dict: Arc<Dict>,
    /// Positions of the silent sensors, ascending, and the event time of this list.
    silent: Arc<Vec<u32>>,
    silent_us: i64,
    beat: Beat,
    versions: Arc<Versions>,
}

/// The newest heartbeat and its number.
#[derive(Clone, Default)]
struct Beat {
    number: u64,
    event: Bytes,
}

/// Newest version of each table that changed: the number of the change, and its event.
#[derive(Default, Clone)]
struct Versions {
    number: u64,
    tables: BTreeMap<String, (u64, Bytes)>,
}

/// One plant at one rate.
struct Stream {
    key: Key,
    frames: watch::Sender<Frame>,
    /// Locked while a frame is encoded, so that frames are consecutive.
    publishing: Mutex<()>,
}

/// Limits of all streams together.
#[derive(Debug, Clone, Copy)]
pub struct HubLimits {
    pub viewers: usize,
    pub streams: usize,
    pub frames_per_s: usize,
}

/// All streams.
pub struct Hub {
    streams: Mutex<HashMap<Key, Arc<Stream>>>,
    viewers: Arc<AtomicUsize>,
    /// Frames a second that all viewers receive together.
    frames_per_s: Arc<AtomicUsize>,
    limits: HubLimits,
    beat: Mutex<Beat>,
    is_beat_due: AtomicBool,
    versions: Mutex<Arc<Versions>>,
    is_stopping: AtomicBool,
    /// Notified when a stream is opened, and when a value changed while there is an unthrottled stream.
    opened: Notify,
    unthrottled_due: Notify,
    has_unthrottled: AtomicBool,
    frames: AtomicU64,
    sent: Arc<AtomicU64>,
}

impl Hub {
    pub fn new(limits: HubLimits) -> Self {
        Self {
            streams: Mutex::default(),
            viewers: Arc::default(),
            frames_per_s: Arc::default(),
            limits,
            beat: Mutex::default(),
            is_beat_due: AtomicBool::new(false),
            versions: Mutex::default(),
            is_stopping: AtomicBool::new(false),
            opened: Notify::new(),
            unthrottled_due: Notify::new(),
            has_unthrottled: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            sent: Arc::default(),
        }
    }

    /// Wakes the unthrottled streams after a change. Without such a stream it costs one atomic load.
    pub fn notify_unthrottled(&self) {
        if self.has_unthrottled_streams() {
            self.unthrottled_due.notify_one();
        }
    }

    /// Whether there is an unthrottled stream.
    pub fn has_unthrottled_streams(&self) -> bool {
        self.has_unthrottled.load(Ordering::Relaxed)
    }

    /// Schedules a heartbeat for the next tick.
    pub fn schedule_beat(&self) {
        self.is_beat_due.store(true, Ordering::Relaxed);
    }

    pub fn changed(&self, table: &str, version: u64) {
        let mut shared = lock(&self.versions);
        let mut versions = Versions::clone(&shared);
        if versions.tables.len() >= TABLES_MAX && !versions.tables.contains_key(table) {
            return;
        }
        versions.number += 1;
        let event = (versions.number, frame::version(table, version));
        versions.tables.insert(table.to_owned(), event);
        *shared = Arc::new(versions);
        drop(shared);
        self.schedule_beat();
    }

    /// Viewers, streams, frames encoded, frames sent to viewers.
    pub fn counts(&self) -> (usize, usize, u64, u64) {
        (
            self.viewers.load(Ordering::Relaxed),
            lock(&self.streams).len(),
            self.frames.load(Ordering::Relaxed),
            self.sent.load(Ordering::Relaxed),
        )
    }

    fn all(&self) -> Vec<Arc<Stream>> {
        lock(&self.streams).values().cloned().collect()
    }

    /// Removes streams without viewers.
    fn sweep(&self) {
        let mut streams = lock(&self.streams);
        streams.retain(|_, stream| stream.frames.receiver_count() > 0);
        let has_unthrottled_streams = streams.keys().any(|key| key.hz == 0);
        self.has_unthrottled.store(has_unthrottled_streams, Ordering::Relaxed);
    }
}

/// The sensors of a stream and the last values, consistent: every sensor with a value is in the list, because
/// a sensor is registered before its first reading is taken. The lock of the registry is not held
/// at the same time, so that no thread waits for two locks.
fn lock_consistent<'a>(
    live: &'a Live,
    selection: &Selection,
    known: &Arc<Dict>,
) -> (Arc<Dict>, MutexGuard<'a, Latest>) {
    let mut dict = Arc::clone(known);
    loop {
        let latest = lock(&live.shared.latest);
        if latest.slots().len() <= dict.registered {
            return (dict, latest);
        }
        drop(latest);
        let newer = Dict::new(&live.ids(), selection, live.limit_c());
        let is_same = newer.members.len() == dict.members.len();
        let event = if is_same { dict.event.clone() } else { newer.event };
        dict = Arc::new(Dict { event, ..newer });
    }
}

/// The stream of a key, created by its first viewer.
fn subscribe(live: &Live, key: Key) -> Result<watch::Receiver<Frame>, OpenError> {
    let hub = &live.shared.hub;
    if let Some(stream) = lock(&hub.streams).get(&key) {
        return Ok(stream.frames.subscribe());
    }
    let stream = Arc::new(Stream::new(live, key.clone()));
    let mut streams = lock(&hub.streams);
    if hub.is_stopping.load(Ordering::Relaxed) {
        return Err(OpenError::Stopping);
    }
    if streams.len() >= hub.limits.streams {
        return Err(OpenError::Streams(hub.limits.streams));
    }
    if key.hz == 0 {
        hub.has_unthrottled.store(true, Ordering::Relaxed);
    }
    Ok(streams.entry(key).or_insert(stream).frames.subscribe())
}

fn silent_positions(live: &Live, dict: &Dict, latest: &Latest, event_us: i64) -> Vec<u32> {
    let before_us = event_us - live.shared.limits.silent_us;
    let is_silent = |number: &u32| {
        let slot = latest.slot(*number);
        slot.change > 0 && slot.at_us < before_us
    };
    let members = (0..).zip(&dict.members);
    members.filter(|(_, number)| is_silent(number)).map(|(position, _)| position).collect()
}

impl Stream {
    fn new(live: &Live, key: Key) -> Self {
        let hub = &live.shared.hub;
        let dict = Arc::new(Dict::new(&live.ids(), &key.selection, live.limit_c()));
        let (dict, latest) = lock_consistent(live, &key.selection, &dict);
        let change = latest.change();
        drop(latest);
        let (beat, versions) = (lock(&hub.beat).clone(), Arc::clone(&lock(&hub.versions)));
        let (from, event, silent, silent_us) = (change, Bytes::new(), Arc::default(), i64::MIN);
        let frame = Frame { from, to: change, event, dict, silent, silent_us, beat, versions };
        Self { key, frames: watch::channel(frame).0, publishing: Mutex::default() }
    }

    /// Encodes what changed since the last frame and sends it, if there is anything.
    fn publish(&self, live: &Live, event_us: i64, is_snap: bool) {
        let hub = &live.shared.hub;
        let _one_at_a_time = lock(&self.publishing);
        let before = self.frames.borrow().clone();
        let (dict, mut latest) = lock_consistent(live, &self.key.selection, &before.dict);
        let boot = &live.shared.boot[..];
        let changed = dict.changed(&latest, before.to);
        let (silent, silent_us) = match before.is_silent_list_current(&dict, &changed, event_us) {
            true => (Arc::clone(&before.silent), before.silent_us),
            false => (Arc::new(silent_positions(live, &dict, &latest, event_us)), event_us),
        };
        let is_other_silent = *before.silent != *silent;
        if is_other_silent {
            latest.count_change();
        }
        let is_changed = is_other_silent || !changed.is_empty();
        let source = FrameSource { boot, dict: &dict, latest: &latest, silent: &silent };
        let to = latest.change();
        let (from, to, event) = match (is_snap, is_changed) {
            (true, _) => (0, to, source.snap()),
            (false, true) => (before.to, to, source.delta(&changed, is_other_silent)),
            (false, false) => (before.from, before.to, before.event.clone()),
        };
        drop(latest);
        let (beat, versions) = (lock(&hub.beat).clone(), Arc::clone(&lock(&hub.versions)));
        hub.frames.fetch_add(u64::from(is_snap || is_changed), Ordering::Relaxed);
        if is_snap || is_changed || beat.number != before.beat.number {
            let frame = Frame { from, to, event, dict, silent, silent_us, beat, versions };
            self.frames.send_replace(frame);
        }
    }
}

impl Frame {
    /// Whether the list of silent sensors can be reused: it is recent, and none of them has sent a reading.
    fn is_silent_list_current(&self, dict: &Dict, changed: &[usize], event_us: i64) -> bool {
        let has_new_reading = |position: &usize| {
            u32::try_from(*position)
                .is_ok_and(|position| self.silent.binary_search(&position).is_ok())
        };
        let is_young =
            event_us.checked_sub(self.silent_us).is_some_and(|age| age.abs() < SILENT_LIST_AGE_US);
        is_young
            && dict.members.len() == self.dict.members.len()
            && !changed.iter().any(has_new_reading)
    }
}

/// See [`Live::push`].
pub async fn run(live: &Live, now_us: NowUs, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = push_throttled(live, &now_us) => {}
        () = push_unthrottled(live, &now_us) => {}
    }
    let hub = &live.shared.hub;
    let mut streams = lock(&hub.streams);
    hub.is_stopping.store(true, Ordering::Relaxed);
    // Dropping the sender ends a stream and the responses to its viewers.
    streams.clear();
}

/// Sends frames at the requested rates, heartbeats and snapshots.
async fn push_throttled(live: &Live, now_us: &NowUs) {
    let hub = &live.shared.hub;
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for tick in 1u64.. {
        if hub.all().is_empty() {
            hub.opened.notified().await;
        }
        interval.tick().await;
        let is_requested = hub.is_beat_due.swap(false, Ordering::Relaxed);
        let is_beat = is_requested || tick.is_multiple_of(BEAT_TICKS);
        if is_beat {
            beat(live, now_us());
        }
        publish_due(live, now_us(), tick, is_beat);
        hub.sweep();
    }
}

fn beat(live: &Live, now_us: i64) {
    let hub = &live.shared.hub;
    let event = frame::beat(now_us, &live.link_state(), live.rejected_lately(now_us));
    let mut beat = lock(&hub.beat);
    *beat = Beat { number: beat.number + 1, event };
}

fn publish_due(live: &Live, now_us: i64, tick: u64, is_beat: bool) {
    let event_us = lock(&live.shared.latest).event_us(now_us);
    for stream in live.shared.hub.all() {
        let hz = u64::from(stream.key.hz);
        // A rate of 10 is due at ticks 3, 5, 8, 10, ...: whenever its next frame begins.
        let nth = |tick: u64| tick * hz / u64::from(HZ_MAX);
        let is_due = nth(tick) != nth(tick - 1);
        if is_due || is_beat {
            stream.publish(live, event_us, tick.is_multiple_of(SNAP_TICKS));
        }
    }
}

/// Publishes a frame of every stream with changes, as at a tick at which all are due.
#[cfg(test)]
pub fn publish_all(live: &Live, now_us: i64) {
    let event_us = lock(&live.shared.latest).event_us(now_us);
    if live.shared.hub.is_beat_due.swap(false, Ordering::Relaxed) {
        beat(live, now_us);
    }
    for stream in live.shared.hub.all() {
        stream.publish(live, event_us, false);
    }
}

/// Sends frames of unthrottled streams: at once after a pause, else every [`UNTHROTTLED_INTERVAL`].
async fn push_unthrottled(live: &Live, now_us: &NowUs) {
    let hub = &live.shared.hub;
    loop {
        hub.unthrottled_due.notified().await;
        let event_us = lock(&live.shared.latest).event_us(now_us());
        for stream in hub.all().iter().filter(|stream| stream.key.hz == 0) {
            stream.publish(live, event_us, false);
        }
        tokio::time::sleep(UNTHROTTLED_INTERVAL).await;
    }
}
