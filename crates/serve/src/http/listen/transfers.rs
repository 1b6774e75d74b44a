//! The responses of one HTTP/2 connection that are being sent.
//!
//! Over HTTP/2, a write does not block when the client stops reading: the flow control window is closed,
//! and the response stays in memory. This is detected at the body, which has returned data and is not
//! polled again. A body that waits for its own source, such as a live stream, is not stalled.

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use hyper::body::{Frame, SizeHint};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;

/// The running requests of a connection, shared with their bodies.
#[derive(Debug, Clone)]
pub struct Transfers(Arc<Mutex<Running>>);

#[derive(Debug)]
struct Running {
    next_id: u64,
    /// The time at which the body returned data without being polled since; `None` while it waits for its
    /// source.
    handed_at: HashMap<u64, Option<Instant>>,
    idle_since: Instant,
}

/// One running request; it counts until this is dropped.
#[derive(Debug)]
pub struct Transfer {
    transfers: Transfers,
    id: u64,
}

impl Transfers {
    pub fn new(now: Instant) -> Self {
        let running = Running { next_id: 0, handed_at: HashMap::new(), idle_since: now };
        Self(Arc::new(Mutex::new(running)))
    }

    /// Registers a request.
    pub fn begin(&self) -> Transfer {
        let mut running = self.running();
        let id = running.next_id;
        running.next_id += 1;
        running.handed_at.insert(id, None);
        Transfer { transfers: self.clone(), id }
    }

    /// Whether the client has read nothing of some response for `limit`.
    pub fn is_stalled(&self, now: Instant, limit: Duration) -> bool {
        let is_over = |at: &Instant| now.saturating_duration_since(*at) >= limit;
        self.running().handed_at.values().flatten().any(is_over)
    }

    /// Whether there has been no request for `limit`.
    pub fn is_idle(&self, now: Instant, limit: Duration) -> bool {
        let running = self.running();
        running.handed_at.is_empty() && now.saturating_duration_since(running.idle_since) >= limit
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transfer {
    /// The response, with a body that reports its progress.
    pub fn track(self, response: Response) -> Response {
        response.map(|body| Body::new(Tracked { body, transfer: self }))
    }

    fn set(&self, handed_at: Option<Instant>) {
        self.transfers.running().handed_at.insert(self.id, handed_at);
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        let mut running = self.transfers.running();
        running.handed_at.remove(&self.id);
        running.idle_since = Instant::now();
    }
}

/// A body that reports when it is polled.
struct Tracked {
    body: Body,
    transfer: Transfer,
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.transfer.set(polled.is_ready().then(Instant::now));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::StreamExt as _;

    const LIMIT: Duration = Duration::from_secs(1_000);

    /// The time `LIMIT` from now, at which every transfer so far is over the limit.
    fn later() -> Instant {
        Instant::now() + LIMIT
    }

    async fn next(response: &mut Response) -> Bytes {
        let polled =
            std::future::poll_fn(|context| Pin::new(response.body_mut()).poll_frame(context));
        polled.await.unwrap().unwrap().into_data().unwrap()
    }

    #[tokio::test]
    async fn a_body_that_is_not_polled_again_is_stalled() {
        let transfers = Transfers::new(Instant::now());
        let parts = futures::stream::iter(["a", "b"]).map(Ok::<_, std::io::Error>);
        let mut response = transfers.begin().track(Response::new(Body::from_stream(parts)));
        assert!(!transfers.is_stalled(later(), LIMIT), "no data was returned yet");
        assert_eq!(next(&mut response).await, "a");
        assert!(!transfers.is_stalled(Instant::now(), LIMIT));
        assert!(transfers.is_stalled(later(), LIMIT));
        drop(response);
        assert!(!transfers.is_stalled(later(), LIMIT));
    }

    #[tokio::test]
    async fn a_body_that_waits_for_its_source_is_not_stalled() {
        let transfers = Transfers::new(Instant::now());
        let quiet = futures::stream::pending::<Result<Bytes, std::io::Error>>();
        let first = futures::stream::iter([Ok(Bytes::from("a"))]);
        let body = Body::from_stream(first.chain(quiet));
        let mut response = transfers.begin().track(Response::new(body));
        assert_eq!(next(&mut response).await, "a");
        assert!(transfers.is_stalled(later(), LIMIT));
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(response.body_mut()).poll_frame(&mut context).is_pending());
        assert!(!transfers.is_stalled(later(), LIMIT));
        assert!(!transfers.is_idle(later(), LIMIT));
    }

    #[test]
    fn a_connection_is_idle_since_its_last_request() {
        let transfers = Transfers::new(Instant::now());
        assert!(transfers.is_idle(later(), LIMIT));
        let running = transfers.begin();
        assert!(!transfers.is_idle(later(), LIMIT));
        drop(running);
        assert!(!transfers.is_idle(Instant::now(), LIMIT));
        assert!(transfers.is_idle(later(), LIMIT));
    }
}
