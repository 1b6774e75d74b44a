//! The first request of a connection, gathered before anything else is allocated for it.
//!
//! hyper allocates 24 KiB for a request that arrives byte by byte. While the first request is gathered here, a slow
//! client costs the bytes that it has sent. They are passed on as they are and judged by hyper alone: what is
//! decided here is only when.

mod first;

use super::takeover::Takeover;
use crate::Limits;
use first::{FirstRequest, Progress, Sizes};
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 4_096;

/// How the wait for the first request ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Its bytes, and maybe more.
    Request(Vec<u8>),
    /// The client left, or did not send a head in time.
    Nothing,
    /// The body was not complete in time.
    SlowBody,
}

/// Reads until the first request is complete, is longer than permitted, or has a form whose length hyper determines.
///
/// # Errors
/// The connection is broken.
pub async fn gather<S: AsyncRead + Unpin>(stream: &mut S, limits: &Limits) -> io::Result<Arrival> {
    let (mut first, sizes) = (FirstRequest::default(), sizes(limits));
    let mut time = pin!(tokio::time::sleep(limits.head_time));
    let mut has_head = false;
    loop {
        match first.progress(sizes) {
            Progress::Complete => return Ok(Arrival::Request(first.bytes)),
            Progress::Body if !has_head => {
                has_head = true;
                time.as_mut().reset(Instant::now() + limits.body_time);
            }
            Progress::Head | Progress::Body => {}
        }
        tokio::select! {
            read = read_more(stream, &mut first.bytes) => {
                if read? == 0 {
                    return Ok(Arrival::Nothing);
                }
            }
            () = time.as_mut() => {
                return Ok(if has_head { Arrival::SlowBody } else { Arrival::Nothing });
            }
        }
    }
}

const fn sizes(limits: &Limits) -> Sizes {
    Sizes { head_bytes: limits.head_bytes, body_bytes: limits.body_bytes }
}

/// Appends what has arrived, and returns its length: 0 at the end. The buffer is on the stack only while it is read.
async fn read_more<S: AsyncRead + Unpin>(stream: &mut S, bytes: &mut Vec<u8>) -> io::Result<usize> {
    poll_fn(|context| {
        let mut chunk = [0; CHUNK_BYTES];
        let mut buffer = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer))?;
        bytes.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    })
    .await
}

/// A stream whose first bytes were read already.
#[derive(Debug)]
pub struct Rewound<S> {
    first: Vec<u8>,
    passed: usize,
    stream: S,
    takeover: Takeover,
}

impl<S> Rewound<S> {
    /// `stream` after `first`, which reports to `takeover` what was flushed.
    pub const fn new(first: Vec<u8>, stream: S, takeover: Takeover) -> Self {
        Self { first, passed: 0, stream, takeover }
    }

    /// The stream, without first bytes that were not read.
    pub fn into_stream(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Rewound<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let left = &self.first[self.passed..];
        if left.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, buffer);
        }
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        self.passed += count;
        if self.passed == self.first.len() {
            (self.first, self.passed) = (Vec::new(), 0);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Rewound<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        if flushed.is_ok() {
            self.takeover.note_flush();
        }
        Poll::Ready(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
