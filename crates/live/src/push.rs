//! Frames to viewers.
//!
//! Viewers of the same plant at the same rate share a stream: a frame is encoded once and its bytes
//! go to all of them. A stream keeps only its newest frame. A viewer whose socket takes nothing for
//! a while misses frames and then gets one of its own, with the newest value of everything that
//! changed meanwhile; so it sees fewer frames, never older ones, and all it costs is the number of
//! the last change it was shown.

mod viewer;

pub use viewer::{Viewer, open};

use super::frame::{self, Dict, Moment};
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

/// The most frames a second; the beat all rates are counted in.
pub const HZ_MOST: u32 = 25;
const TICK: Duration = Duration::from_millis(1_000 / HZ_MOST as u64);
/// Between two frames sent as it happens: less than between two handfuls read of a busy topic.
const RUSH: Duration = Duration::from_millis(1);
/// Age up to which the list of silent sensors is reused: silence is reported this much later.
const SILENT_US: i64 = 100_000;
/// Ticks between heartbeats, 5 s, and between whole snapshots, 60 s.
const BEAT_TICKS: u64 = 5 * HZ_MOST as u64;
const SNAP_TICKS: u64 = 60 * HZ_MOST as u64;
/// Tables whose newest version is remembered for viewers that come back.
const TABLES_MOST: usize = 256;

/// What a viewer subscribes to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Subscription {
    /// Only sensors of this plant.
    pub plant: Option<String>,
    /// Only sensors of these lanes: what the viewer is permitted to see; `None` for all.
    pub lanes: Option<Lanes>,
    /// Frames a second, up to [`HZ_MOST`]; 0 is as it happens.
    pub hz: u32,
    /// Id of the last frame the viewer has seen.
    pub last_id: Option<String>,
}

/// Why a stream was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// As many viewers as are allowed.
    Viewers(usize),
    /// As many different streams as are allowed.
    Streams(usize),
    /// The program is stopping.
    Stopping,
}

/// What distinguishes one stream from another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    selection: Selection,
    hz: u32,
}

impl Subscription {
    fn key(&self) -> Key {
        let selection = Selection { plant: self.plant.clone(), lanes: self.lanes.clone() };
        Key { selection, hz: self.hz.min(HZ_MOST) }
    }
}

/// What a stream's viewers are shown; a clone shares all bytes.
#[derive(Clone)]
struct Frame {
    /// Holds all that changed after `from`, up to `to`.
    from: u64,
    to: u64,
    event: Bytes,
    dict: Arc<Dict>,
    /// Places of the sensors that are silent, ascending, and as of which event time.
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
    /// Held while a frame is made, so that each follows on the one before.
    publishing: Mutex<()>,
}

/// All streams.
pub struct Hub {
    streams: Mutex<HashMap<Key, Arc<Stream>>>,
    viewers: Arc<AtomicUsize>,
    viewers_most: usize,
    streams_most: usize,
    beat: Mutex<Beat>,
    is_beat_due: AtomicBool,
    versions: Mutex<Arc<Versions>>,
    is_stopping: AtomicBool,
    /// Woken when a stream is opened, and when something changed while one is sent as it happens.
    opened: Notify,
    rushed: Notify,
    rushing: AtomicBool,
    frames: AtomicU64,
    sent: Arc<AtomicU64>,
}

impl Hub {
    pub fn new(viewers_most: usize, streams_most: usize) -> Self {
        Self {
            streams: Mutex::default(),
            viewers: Arc::default(),
            viewers_most,
            streams_most,
            beat: Mutex::default(),
            is_beat_due: AtomicBool::new(false),
            versions: Mutex::default(),
            is_stopping: AtomicBool::new(false),
            opened: Notify::new(),
            rushed: Notify::new(),
            rushing: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            sent: Arc::default(),
        }
    }

    /// Something changed: wakes the streams that are sent as it happens. Costs a load if none is.
    pub fn rush(&self) {
        if self.is_rushing() {
            self.rushed.notify_one();
        }
    }

    /// Whether a stream is sent as it happens.
    pub fn is_rushing(&self) -> bool {
        self.rushing.load(Ordering::Relaxed)
    }

    /// Schedules a heartbeat for the next tick.
    pub fn beat_soon(&self) {
        self.is_beat_due.store(true, Ordering::Relaxed);
    }

    pub fn changed(&self, table: &str, version: u64) {
        let mut shared = lock(&self.versions);
        let mut versions = Versions::clone(&shared);
        if versions.tables.len() >= TABLES_MOST && !versions.tables.contains_key(table) {
            return;
        }
        versions.number += 1;
        let event = (versions.number, frame::version(table, version));
        versions.tables.insert(table.to_owned(), event);
        *shared = Arc::new(versions);
        drop(shared);
        self.beat_soon();
    }

    /// Viewers, streams, frames encoded, frames handed to viewers.
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
        let is_rushing = streams.keys().any(|key| key.hz == 0);
        self.rushing.store(is_rushing, Ordering::Relaxed);
    }
}

/// The sensors of a stream and the last values, such that every sensor with a value is among them:
/// a sensor is registered before its first reading is taken. The lock of the registry is not held
/// at the same time, so that no thread waits for two locks.
fn settled<'a>(
    live: &'a Live,
    selection: &Selection,
    known: &Arc<Dict>,
) -> (Arc<Dict>, MutexGuard<'a, Latest>) {
    let mut dict = Arc::clone(known);
    loop {
        let latest = lock(&live.shared.latest);
        if latest.slots().len() <= dict.met {
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
    if streams.len() >= hub.streams_most {
        return Err(OpenError::Streams(hub.streams_most));
    }
    if key.hz == 0 {
        hub.rushing.store(true, Ordering::Relaxed);
    }
    Ok(streams.entry(key).or_insert(stream).frames.subscribe())
}

fn silent_places(live: &Live, dict: &Dict, latest: &Latest, event_us: i64) -> Vec<u32> {
    let before_us = event_us - live.shared.limits.silent_us;
    let is_silent = |number: &u32| {
        let slot = latest.slot(*number);
        slot.change > 0 && slot.at_us < before_us
    };
    let placed = (0..).zip(&dict.members);
    placed.filter(|(_, number)| is_silent(number)).map(|(place, _)| place).collect()
}

impl Stream {
    fn new(live: &Live, key: Key) -> Self {
        let hub = &live.shared.hub;
        let dict = Arc::new(Dict::new(&live.ids(), &key.selection, live.limit_c()));
        let (dict, latest) = settled(live, &key.selection, &dict);
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
        let (dict, mut latest) = settled(live, &self.key.selection, &before.dict);
        let boot = &live.shared.boot[..];
        let changed = dict.changed(&latest, before.to);
        let (silent, silent_us) = match before.is_silence_known(&dict, &changed, event_us) {
            true => (Arc::clone(&before.silent), before.silent_us),
            false => (Arc::new(silent_places(live, &dict, &latest, event_us)), event_us),
        };
        let is_other_silent = *before.silent != *silent;
        if is_other_silent {
            latest.count_change();
        }
        let is_changed = is_other_silent || !changed.is_empty();
        let moment = Moment { boot, dict: &dict, latest: &latest, silent: &silent };
        let to = latest.change();
        let (from, to, event) = match (is_snap, is_changed) {
            (true, _) => (0, to, moment.snap()),
            (false, true) => (before.to, to, moment.delta(&changed, is_other_silent)),
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
    /// Whether the list of silent sensors still holds: young, and none of them has spoken.
    fn is_silence_known(&self, dict: &Dict, changed: &[usize], event_us: i64) -> bool {
        let has_spoken = |place: &usize| {
            u32::try_from(*place).is_ok_and(|place| self.silent.binary_search(&place).is_ok())
        };
        let is_young =
            event_us.checked_sub(self.silent_us).is_some_and(|age| age.abs() < SILENT_US);
        is_young && dict.members.len() == self.dict.members.len() && !changed.iter().any(has_spoken)
    }
}

/// See [`Live::push`].
pub async fn run(live: &Live, now_us: NowUs, stop: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = ticks(live, &now_us) => {}
        () = rushes(live, &now_us) => {}
    }
    let hub = &live.shared.hub;
    let mut streams = lock(&hub.streams);
    hub.is_stopping.store(true, Ordering::Relaxed);
    // Without its sender a stream ends, and with it the answers to its viewers.
    streams.clear();
}

/// Frames at the rates viewers named, heartbeats, snapshots.
async fn ticks(live: &Live, now_us: &NowUs) {
    let hub = &live.shared.hub;
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(MissedTickBehavior::Skip);
    for tick in 1u64.. {
        if hub.all().is_empty() {
            hub.opened.notified().await;
        }
        interval.tick().await;
        let is_asked = hub.is_beat_due.swap(false, Ordering::Relaxed);
        let is_beat = is_asked || tick.is_multiple_of(BEAT_TICKS);
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
        // A rate of 10 is due at ticks 3, 5, 8, 10, ...: whenever another of its frames begins.
        let nth = |tick: u64| tick * hz / u64::from(HZ_MOST);
        let is_due = nth(tick) != nth(tick - 1);
        if is_due || is_beat {
            stream.publish(live, event_us, tick.is_multiple_of(SNAP_TICKS));
        }
    }
}

/// A frame of every stream with changes, as at a tick at which all are due.
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

/// Frames as it happens: at once after a quiet time, else one every few milliseconds.
async fn rushes(live: &Live, now_us: &NowUs) {
    let hub = &live.shared.hub;
    loop {
        hub.rushed.notified().await;
        let event_us = lock(&live.shared.latest).event_us(now_us());
        for stream in hub.all().iter().filter(|stream| stream.key.hz == 0) {
            stream.publish(live, event_us, false);
        }
        tokio::time::sleep(RUSH).await;
    }
}
