//! How many may run at a time, and for how long.

use super::error::Error;
use crate::Limits;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// A number of places; a request holds one until its answer is delivered.
#[derive(Debug)]
pub struct Places {
    /// What takes a place, for people ("queries").
    what: &'static str,
    count: usize,
    free: Arc<Semaphore>,
    refused: AtomicU64,
}

/// A place taken; given back when dropped.
pub type Place = OwnedSemaphorePermit;

impl Places {
    /// `count` free places.
    pub fn new(what: &'static str, count: usize) -> Self {
        Self { what, count, free: Arc::new(Semaphore::new(count)), refused: AtomicU64::new(0) }
    }

    /// A place, as soon as one is free; 429 if none is within the limit.
    pub async fn take(&self, limits: &Limits) -> Result<Place, Error> {
        let wait = Arc::clone(&self.free).acquire_owned();
        if let Ok(Ok(place)) = tokio::time::timeout(limits.wait_time, wait).await {
            return Ok(place);
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(Error::busy(self.what, self.count, limits))
    }

    /// Places taken now.
    pub fn taken(&self) -> usize {
        self.count.saturating_sub(self.free.available_permits())
    }

    /// Requests that found no place since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// The end of a request's time.
#[derive(Debug)]
pub struct Deadline {
    limit: Duration,
    end: Pin<Box<Sleep>>,
}

impl Deadline {
    /// A deadline `limit` from now.
    pub fn after(limit: Duration) -> Self {
        Self { limit, end: Box::pin(tokio::time::sleep(limit)) }
    }

    /// What `work` comes to, unless the time is over first; `work` is then dropped.
    pub async fn within<T>(&mut self, work: impl Future<Output = T> + Send) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = &mut self.end => Err(Error::timeout(self.limit)),
            done = work => Ok(done),
        }
    }
}
