//! The time limit on the body of a request, so that a client that sends it byte by byte does not hold a
//! connection and a handler.

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// A body that fails if it is not complete within a time. The time runs from the first read on.
pub struct TimedBody {
    body: Body,
    limit: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl TimedBody {
    /// `body`, complete within `limit`.
    pub fn new(body: Body, limit: Duration) -> Self {
        Self { body, limit, timer: None }
    }
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if polled.is_ready() {
            return polled;
        }
        let limit = self.limit;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        let too_late = |()| {
            let message = format!("the body was not complete within {} s", limit.as_secs_f64());
            Some(Err(axum::Error::new(std::io::Error::new(std::io::ErrorKind::TimedOut, message))))
        };
        timer.as_mut().poll(context).map(too_late)
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
    use axum::body::to_bytes;

    #[tokio::test]
    async fn a_body_that_does_not_end_fails() {
        let first = futures::stream::iter([Ok::<_, std::io::Error>("a")]);
        let never = futures::stream::pending();
        let slow = Body::from_stream(futures::StreamExt::chain(first, never));
        let timed = Body::new(TimedBody::new(slow, Duration::from_millis(1)));
        let error = to_bytes(timed, 100).await.unwrap_err().to_string();
        assert!(error.contains("not complete within 0.001 s"), "{error}");
    }

    #[tokio::test]
    async fn a_body_in_time_is_passed_on() {
        let timed = Body::new(TimedBody::new(Body::from("abc"), Duration::from_secs(60)));
        assert_eq!(to_bytes(timed, 100).await.unwrap(), "abc");
    }
}
