//! Request bodies that a handler does not read to the end, such as those of refused requests.
//!
//! Without a reader the rest of the body is rejected: HTTP/2 resets the stream, HTTP/1.1 closes the
//! connection. Some clients then report an error of the connection instead of the response.

use axum::body::{Body, Bytes, HttpBody};
use futures::StreamExt as _;
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// The rest of a request body, once its handler has dropped it.
#[derive(Clone, Default)]
pub struct UnreadBody(Arc<Mutex<Option<Body>>>);

impl UnreadBody {
    /// `body`, whose rest is kept here if it is dropped before its end.
    pub fn watch(&self, body: Body) -> Body {
        Body::new(WatchedBody { body, unread: self.clone() })
    }

    /// Reads and drops the rest, unless it is longer than `limit_bytes`.
    pub async fn discard(&self, limit_bytes: usize) {
        let Some(body) = self.replace(None) else { return };
        let mut left_bytes = limit_bytes;
        if usize::try_from(body.size_hint().lower()).map_or(true, |lower| lower > left_bytes) {
            return;
        }
        let mut chunks = body.into_data_stream();
        while let Some(Ok(chunk)) = chunks.next().await {
            let Some(left) = left_bytes.checked_sub(chunk.len()) else { return };
            left_bytes = left;
        }
    }

    fn replace(&self, body: Option<Body>) -> Option<Body> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *kept, body)
    }
}

struct WatchedBody {
    body: Body,
    unread: UnreadBody,
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for WatchedBody {
    fn drop(&mut self) {
        if !self.body.is_end_stream() {
            self.unread.replace(Some(std::mem::take(&mut self.body)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Chunks of two bytes, and how many have been read.
    fn chunks(count: usize) -> (Body, Arc<AtomicUsize>) {
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let chunks = futures::stream::iter(0..count).map(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::io::Error>("ab")
        });
        (Body::from_stream(chunks), read)
    }

    #[tokio::test]
    async fn the_rest_of_a_dropped_body_is_read() {
        let (body, read) = chunks(5);
        let unread = UnreadBody::default();
        let mut watched = unread.watch(body).into_data_stream();
        watched.next().await.unwrap().unwrap();
        drop(watched);
        assert_eq!(read.load(Ordering::Relaxed), 1);
        unread.discard(8).await;
        assert_eq!(read.load(Ordering::Relaxed), 5);
    }

    #[tokio::test]
    async fn no_more_is_read_than_the_limit() {
        let (body, read) = chunks(5);
        let unread = UnreadBody::default();
        drop(unread.watch(body));
        unread.discard(5).await;
        assert_eq!(read.load(Ordering::Relaxed), 3);
        drop(unread.watch(Body::from("longer")));
        unread.discard(5).await;
        assert!(unread.replace(None).is_none());
    }
}
