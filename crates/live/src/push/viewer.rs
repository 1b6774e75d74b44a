//! One viewer: the changes it has received, and the bytes to send next.

use super::frame::{self, FrameSource};
use super::{Frame, Hub, OpenError, Subscription, lock_consistent, silent_positions, subscribe};
use crate::{Live, lock};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use tokio::sync::watch;

/// One viewer of a stream. Dropping it releases its permit.
pub struct Viewer {
    live: Live,
    frames: watch::Receiver<Frame>,
    /// What is to be sent next, in this order. The parts are shared by all viewers where possible: those of
    /// viewers that do not read wait in memory.
    parts: VecDeque<Bytes>,
    /// The state that the viewer has received: last change, number of sensors, heartbeat, table versions.
    shown: u64,
    known: usize,
    beat: u64,
    versions: u64,
    sent: Arc<AtomicU64>,
    _permits: [Permit; 2],
}

/// Adds to a count until it is dropped.
struct Permit {
    count: Arc<AtomicUsize>,
    amount: usize,
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.count.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

pub fn open(live: &Live, subscription: &Subscription, now_us: i64) -> Result<Viewer, OpenError> {
    let hub = &live.shared.hub;
    let permits = acquire_permits(hub, subscription)?;
    let key = subscription.key();
    let frames = subscribe(live, key.clone())?;
    hub.opened.notify_one();
    let frame = frames.borrow().clone();
    let seen = subscription.last_id.as_deref().and_then(|id| last_seen_change(live, id));
    let (dict, latest) = lock_consistent(live, &key.selection, &frame.dict);
    let silent = silent_positions(live, &dict, &latest, latest.event_us(now_us));
    let boot = &live.shared.boot[..];
    let source = FrameSource { boot, dict: &dict, latest: &latest, silent: &silent };
    let shown = latest.change();
    let values = match seen.filter(|change| *change <= shown) {
        Some(change) => source.delta(&dict.changed(&latest, change), true),
        None => source.snap(),
    };
    drop(latest);
    let beat = frame::beat(now_us, &live.link_state(), live.rejected_lately(now_us));
    Ok(Viewer {
        live: live.clone(),
        parts: present([dict.event.clone(), values, beat]),
        shown,
        known: dict.members.len(),
        beat: frame.beat.number,
        // A viewer that reconnects may have missed versions; a new one has not read a table yet.
        versions: if seen.is_some() { 0 } else { frame.versions.number },
        frames,
        sent: Arc::clone(&hub.sent),
        _permits: permits,
    })
}

impl Viewer {
    /// The next bytes for the viewer, as soon as there are some; `None` when the program stops.
    pub async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(part) = self.parts.pop_front() {
                return Some(part);
            }
            self.frames.changed().await.ok()?;
            let frame = self.frames.borrow_and_update().clone();
            self.parts = self.due(&frame);
            self.sent.fetch_add(u64::from(!self.parts.is_empty()), Ordering::Relaxed);
        }
    }

    /// The parts of a frame that this viewer has not received, including missed changes.
    fn due(&mut self, frame: &Frame) -> VecDeque<Bytes> {
        let values = self.values(frame);
        let is_dict = frame.dict.members.len() != self.known;
        let dict = if is_dict { frame.dict.event.clone() } else { Bytes::new() };
        let mut due = present([dict, values]);
        if frame.versions.number != self.versions {
            let tables = frame.versions.tables.values();
            let newer = tables.filter(|(number, _)| *number > self.versions);
            due.extend(newer.map(|(_, event)| event.clone()));
        }
        if frame.beat.number != self.beat {
            due.push_back(frame.beat.event.clone());
        }
        self.known = frame.dict.members.len();
        self.beat = frame.beat.number;
        self.versions = frame.versions.number;
        due
    }

    /// The shared frame if this viewer has received the previous one, else a frame of its own.
    fn values(&mut self, frame: &Frame) -> Bytes {
        if frame.to <= self.shown {
            return Bytes::new();
        }
        let missed = frame.from > self.shown;
        let after = std::mem::replace(&mut self.shown, frame.to);
        if !missed {
            return frame.event.clone();
        }
        let latest = lock(&self.live.shared.latest);
        self.shown = latest.change();
        let boot = &self.live.shared.boot[..];
        let source =
            FrameSource { boot, dict: &frame.dict, latest: &latest, silent: &frame.silent };
        source.delta(&frame.dict.changed(&latest, after), true)
    }
}

/// The parts that have bytes: an empty one would end the response.
fn present<const N: usize>(parts: [Bytes; N]) -> VecDeque<Bytes> {
    parts.into_iter().filter(|part| !part.is_empty()).collect()
}

fn acquire_permits(hub: &Hub, subscription: &Subscription) -> Result<[Permit; 2], OpenError> {
    let limits = hub.limits;
    let viewer = Permit::acquire(&hub.viewers, 1, limits.viewers);
    let viewer = viewer.ok_or(OpenError::Viewers(limits.viewers))?;
    let amount = subscription.frames_per_s();
    let frames = Permit::acquire(&hub.frames_per_s, amount, limits.frames_per_s);
    Ok([viewer, frames.ok_or(OpenError::Frames(limits.frames_per_s))?])
}

impl Permit {
    /// Adds `amount` to the count, unless that exceeds `limit`.
    fn acquire(count: &Arc<AtomicUsize>, amount: usize, limit: usize) -> Option<Self> {
        let before = count.fetch_add(amount, Ordering::Relaxed);
        let permit = Self { count: Arc::clone(count), amount };
        (before + amount <= limit).then_some(permit)
    }
}

/// The last change that a viewer has received, if the id is of this run of the program.
fn last_seen_change(live: &Live, id: &str) -> Option<u64> {
    let (boot, change) = id.rsplit_once('-')?;
    change.parse().ok().filter(|_| boot == live.shared.boot)
}
