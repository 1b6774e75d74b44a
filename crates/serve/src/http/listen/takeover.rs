//! Streams over HTTP/1.1 that last as long as their client: once hyper has sent the head, the connection is taken
//! over and its buffers, 16 KiB, are released. What follows are the chunks of the body (RFC 9112, section 7.1).

use axum::body::{Body, Bytes, HttpBody};
use axum::response::Response;
use bytes::Buf as _;
use futures::StreamExt as _;
use hyper::body::Frame;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::Notify;

/// The extension of a response whose connection can be taken over.
#[derive(Debug, Clone, Copy)]
pub struct Endless;

/// The body of a response whose head hyper sends.
#[derive(Debug, Clone, Default)]
pub struct Takeover(Arc<State>);

#[derive(Debug, Default)]
struct State {
    body: Mutex<Option<Body>>,
    is_head_encoded: AtomicBool,
    is_head_sent: Notify,
}

impl Takeover {
    /// Keeps the body of an endless response, and leaves its head for hyper.
    pub fn keep(&self, response: Response) -> Response {
        if response.extensions().get::<Endless>().is_none() {
            return response;
        }
        let (parts, body) = response.into_parts();
        *self.0.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        Response::from_parts(parts, Body::new(HeadOnly(self.clone())))
    }

    /// Notes that everything that was encoded before is sent.
    pub fn note_flush(&self) {
        if self.0.is_head_encoded.load(Ordering::Acquire) {
            self.0.is_head_sent.notify_one();
        }
    }

    /// Waits until the head of an endless response is sent.
    pub async fn head_sent(&self) {
        self.0.is_head_sent.notified().await;
    }

    /// The body that was kept.
    pub fn body(&self) -> Option<Body> {
        self.0.body.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A body without an end. hyper polls its first frame after it has encoded the head.
struct HeadOnly(Takeover);

impl HttpBody for HeadOnly {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        self.0.0.is_head_encoded.store(true, Ordering::Release);
        Poll::Pending
    }
}

/// Sends a body in chunks until its end, or until the client leaves.
///
/// # Errors
/// The connection is broken, the client does not read, or the body fails.
pub async fn send<S>(mut stream: S, body: Body) -> anyhow::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut parts = body.into_data_stream();
    loop {
        tokio::select! {
            part = parts.next() => match part.transpose()? {
                Some(data) if data.is_empty() => {}
                Some(data) => send_chunk(&mut stream, data).await?,
                None => {
                    stream.write_all(b"0\r\n\r\n").await?;
                    return Ok(stream.shutdown().await?);
                }
            },
            () = has_left(&mut stream) => return Ok(()),
        }
    }
}

async fn send_chunk<S: AsyncWrite + Unpin>(stream: &mut S, data: Bytes) -> std::io::Result<()> {
    let length = Bytes::from(format!("{:x}\r\n", data.len()));
    let mut chunk = length.chain(data).chain(&b"\r\n"[..]);
    stream.write_all_buf(&mut chunk).await?;
    stream.flush().await
}

/// Waits for the end of what the client sends. Another request is not read, because this response has no end.
async fn has_left<S: AsyncRead + Unpin>(stream: &mut S) {
    poll_fn(|context| {
        let mut unread = [0; 64];
        loop {
            let mut buffer = ReadBuf::new(&mut unread);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use tokio::io::AsyncReadExt as _;

    #[tokio::test]
    async fn a_body_is_sent_in_chunks() {
        let (mut client, server) = tokio::io::duplex(8);
        let parts = ["abc", "", "0123456789abcdefg"].map(|it| Ok::<_, Infallible>(Bytes::from(it)));
        let body = Body::from_stream(futures::stream::iter(parts));
        let mut all = String::new();
        let (sent, read) = tokio::join!(send(server, body), client.read_to_string(&mut all));
        sent.unwrap();
        read.unwrap();
        assert_eq!(all, "3\r\nabc\r\n11\r\n0123456789abcdefg\r\n0\r\n\r\n");
    }

    #[tokio::test]
    async fn a_client_that_leaves_ends_it() {
        let (mut client, server) = tokio::io::duplex(64);
        client.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        drop(client);
        let never = futures::stream::pending::<Result<Bytes, Infallible>>();
        send(server, Body::from_stream(never)).await.unwrap();
    }

    #[tokio::test]
    async fn a_body_that_fails_has_no_end() {
        let (mut client, server) = tokio::io::duplex(64);
        let parts = [Ok(Bytes::from("abc")), Err(std::io::Error::other("lost"))];
        let sent = send(server, Body::from_stream(futures::stream::iter(parts))).await;
        assert!(sent.is_err());
        let mut all = String::new();
        client.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "3\r\nabc\r\n");
    }
}
