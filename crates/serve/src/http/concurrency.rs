//! Limits on the number of concurrent requests and on the time of each.

use super::error::Error;
use crate::Limits;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

/// Limits how many requests of one kind run at a time. A request holds a permit until its response is
/// delivered.
#[derive(Debug)]
pub struct ConcurrencyLimit {
    /// What is limited, for messages ("queries").
    what: &'static str,
    count: usize,
    free: Arc<Semaphore>,
    refused: AtomicU64,
}

/// The permission to run; released when dropped.
pub type Permit = OwnedSemaphorePermit;

impl ConcurrencyLimit {
    /// A limit of `count` concurrent requests.
    pub fn new(what: &'static str, count: usize) -> Self {
        Self { what, count, free: Arc::new(Semaphore::new(count)), refused: AtomicU64::new(0) }
    }

    /// Waits for a permit; 429 if none is released within [`Limits::wait_time`].
    pub async fn take(&self, limits: &Limits) -> Result<Permit, Error> {
        let wait = Arc::clone(&self.free).acquire_owned();
        if let Ok(Ok(permit)) = tokio::time::timeout(limits.wait_time, wait).await {
            return Ok(permit);
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        Err(Error::busy(self.what, self.count, limits))
    }

    /// Requests that are running.
    pub fn running(&self) -> usize {
        self.count.saturating_sub(self.free.available_permits())
    }

    /// Requests that were refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

/// The time limit of a request.
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

    /// The result of `work`. If the time is over first, `work` is dropped and the result is an error.
    pub async fn within<T>(&mut self, work: impl Future<Output = T> + Send) -> Result<T, Error> {
        tokio::select! {
            biased;
            () = &mut self.end => Err(Error::timeout(self.limit)),
            done = work => Ok(done),
        }
    }
}
