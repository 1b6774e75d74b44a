//! What waits to be evaluated.

use crate::alarm::Alarm;
use crate::command::{Actor, Command};
use crate::error::Error;
use crate::evaluate::{Observation, SuppressedPlace};
use plant::alarm::{AlarmKey, Rule};
use plant::reading::Reading;
use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The current time in microseconds since 1970 UTC; provided by the owner of the clock.
pub type NowUs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Readings that arrived at one time.
#[derive(Debug)]
pub(crate) struct Arrived {
    pub readings: Vec<Reading>,
    pub now_us: i64,
    /// Whether they arrive now, or are read from the lake.
    pub is_live: bool,
}

/// Something other than readings.
pub(crate) enum Request {
    Command {
        key: AlarmKey,
        command: Command,
        actor: Actor,
        reply: SyncSender<Result<Alarm, Error>>,
    },
    Observe(Observation),
    Suppress {
        rule: Arc<str>,
        places: Vec<SuppressedPlace>,
    },
    Observing(bool),
    Reload {
        rules: Vec<Arc<Rule>>,
        actor: Option<String>,
        comment: Option<String>,
    },
}

/// Everything that waited.
#[derive(Default)]
pub(crate) struct Work {
    /// The time until which all readings that arrived are included.
    pub now_us: i64,
    pub readings: VecDeque<Arrived>,
    pub requests: Vec<Request>,
    pub is_closed: bool,
}

/// A bounded queue with one consumer. Adding readings takes a short lock; it waits only while the queue is
/// full, which slows the reading of the stream down instead of losing readings.
pub(crate) struct Inbox {
    waiting: Mutex<Waiting>,
    added: Condvar,
    taken: Condvar,
    readings_max: usize,
}

#[derive(Default)]
struct Waiting {
    work: Work,
    readings: usize,
}

impl Inbox {
    pub fn new(readings_max: usize) -> Self {
        let (waiting, added, taken) = (Mutex::default(), Condvar::new(), Condvar::new());
        Self { waiting, added, taken, readings_max }
    }

    /// Adds readings, in the order of their arrival.
    pub fn add_readings(&self, readings: &[Reading], now_us: i64, is_live: bool) {
        if readings.is_empty() {
            return;
        }
        let is_full = |waiting: &mut Waiting| {
            waiting.readings >= self.readings_max && !waiting.work.is_closed
        };
        let waiting = self.taken.wait_while(self.lock(), is_full);
        let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
        if waiting.work.is_closed {
            return;
        }
        waiting.readings += readings.len();
        let queue = &mut waiting.work.readings;
        match queue.back_mut().filter(|last| last.now_us == now_us && last.is_live == is_live) {
            Some(last) => last.readings.extend_from_slice(readings),
            None => queue.push_back(Arrived { readings: readings.to_vec(), now_us, is_live }),
        }
        drop(waiting);
        self.added.notify_one();
    }

    /// Adds a request; returns whether it will be executed.
    pub fn add_request(&self, request: Request) -> bool {
        let mut waiting = self.lock();
        if waiting.work.is_closed {
            return false;
        }
        waiting.work.requests.push(request);
        drop(waiting);
        self.added.notify_one();
        true
    }

    /// Refuses further work; what waits is still done.
    pub fn close(&self) {
        self.lock().work.is_closed = true;
        self.added.notify_one();
        self.taken.notify_all();
    }

    /// Whether no further work is accepted.
    pub fn is_closed(&self) -> bool {
        self.lock().work.is_closed
    }

    /// Readings that wait.
    pub fn len(&self) -> usize {
        self.lock().readings
    }

    /// Takes everything that waits; waits up to `patience` for something.
    pub fn take(&self, patience: Duration, now_us: &NowUs) -> Work {
        let is_empty = |waiting: &mut Waiting| {
            let work = &waiting.work;
            work.readings.is_empty() && work.requests.is_empty() && !work.is_closed
        };
        let waited = self.added.wait_timeout_while(self.lock(), patience, is_empty);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.readings = 0;
        let is_closed = waiting.work.is_closed;
        let work = std::mem::replace(&mut waiting.work, Work { is_closed, ..Work::default() });
        // Under the lock: a reading that arrived before is among those taken.
        let now_us = now_us();
        drop(waiting);
        self.taken.notify_all();
        Work { now_us, ..work }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plant::reading::SensorNumber;

    fn reading(at_us: i64) -> Reading {
        Reading { sensor: SensorNumber(0), at_us, temp_c: 20.0 }
    }

    fn clock() -> NowUs {
        Arc::new(|| 7)
    }

    #[test]
    fn a_full_inbox_slows_down_and_loses_nothing() {
        let inbox = Arc::new(Inbox::new(10));
        let adding = Arc::clone(&inbox);
        let thread = std::thread::spawn(move || {
            for at_us in 0..1_000 {
                adding.add_readings(&[reading(at_us)], at_us, true);
            }
            adding.close();
        });
        let mut times = Vec::new();
        loop {
            let work = inbox.take(Duration::from_secs(10), &clock());
            let taken: Vec<i64> =
                work.readings.iter().flat_map(|it| &it.readings).map(|it| it.at_us).collect();
            assert!(taken.len() <= 10, "{}", taken.len());
            times.extend(taken);
            if work.is_closed && work.readings.is_empty() {
                break;
            }
        }
        thread.join().unwrap();
        assert_eq!(times, (0..1_000).collect::<Vec<_>>());
    }

    #[test]
    fn a_closed_inbox_refuses_work() {
        let inbox = Inbox::new(10);
        assert!(inbox.add_request(Request::Observing(true)));
        inbox.close();
        assert!(!inbox.add_request(Request::Observing(true)));
        inbox.add_readings(&[reading(1)], 1, true);
        let work = inbox.take(Duration::ZERO, &clock());
        assert_eq!((work.requests.len(), work.readings.len()), (1, 0));
    }
}
