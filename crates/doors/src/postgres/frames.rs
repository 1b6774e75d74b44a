//! The limit on the size of a message.
//!
//! The decoder allows messages of a gigabyte and waits for their end in memory, also before the login. So
//! the lengths are checked while the bytes are read, before they are buffered.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of the type and the length of a message; the first message of a connection has no type.
const HEADER_BYTES: usize = 5;
const LENGTH_BYTES: usize = 4;

/// A stream of messages, each of which has at most `bytes_max` bytes.
#[derive(Debug)]
pub struct Frames<S> {
    stream: S,
    lengths: Lengths,
}

/// The place in the current message.
#[derive(Debug)]
struct Lengths {
    bytes_max: usize,
    header: Vec<u8>,
    /// Length of the header of this message.
    header_bytes: usize,
    /// Bytes of the body that are still to come.
    body_bytes: usize,
}

impl<S> Frames<S> {
    /// The messages of a connection from its start.
    pub fn new(stream: S, bytes_max: usize) -> Self {
        let header = Vec::with_capacity(HEADER_BYTES);
        let lengths = Lengths { bytes_max, header, header_bytes: LENGTH_BYTES, body_bytes: 0 };
        Self { stream, lengths }
    }

    /// Follows bytes that were read from the stream before.
    ///
    /// # Errors
    /// They are the beginning of a message that is too long.
    pub fn follow(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.lengths.follow(bytes)
    }
}

impl Lengths {
    /// Follows the messages in `bytes`; fails at one that is too long.
    fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some((first, rest)) = bytes.split_first() {
            if self.body_bytes > 0 {
                let skipped = self.body_bytes.min(bytes.len());
                self.body_bytes -= skipped;
                bytes = bytes.get(skipped..).unwrap_or_default();
                continue;
            }
            self.header.push(*first);
            bytes = rest;
            if self.header.len() == self.header_bytes {
                self.body_bytes = self.body_length()?;
                self.header.clear();
                self.header_bytes = HEADER_BYTES;
            }
        }
        Ok(())
    }

    fn body_length(&self) -> io::Result<usize> {
        let length = self.header.last_chunk::<LENGTH_BYTES>().copied().map(u32::from_be_bytes);
        let length = length.and_then(|it| usize::try_from(it).ok()).unwrap_or_default();
        match length.checked_sub(LENGTH_BYTES) {
            Some(body) if length <= self.bytes_max => Ok(body),
            _ => {
                let message =
                    format!("invalid length {length} of a message: at most {}", self.bytes_max);
                Err(io::Error::new(io::ErrorKind::InvalidData, message))
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Frames<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let Poll::Ready(Ok(())) = read {
            let new = buffer.filled().get(before..).unwrap_or_default();
            return Poll::Ready(self.lengths.follow(new));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Frames<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Whether messages of these body lengths are accepted when they arrive in parts of `part` bytes.
    fn is_accepted(bodies: &[usize], part: usize) -> bool {
        let mut bytes = Vec::new();
        for (index, body) in bodies.iter().enumerate() {
            bytes.extend((index > 0).then_some(b'Q'));
            bytes.extend(u32::try_from(body + LENGTH_BYTES).unwrap().to_be_bytes());
            bytes.extend(std::iter::repeat_n(0xff, *body));
        }
        let mut lengths = Frames::new((), 100).lengths;
        bytes.chunks(part).all(|part| lengths.follow(part).is_ok())
    }

    proptest! {
        #[test]
        fn only_long_messages_are_refused(
            bodies in proptest::collection::vec(0..120_usize, 0..6),
            part in 1..50_usize,
        ) {
            prop_assert_eq!(is_accepted(&bodies, part), bodies.iter().all(|it| *it <= 96));
        }
    }

    #[test]
    fn a_length_below_its_own_bytes_is_refused() {
        for length in [0_u32, 3, u32::MAX] {
            let mut lengths = Frames::new((), 100).lengths;
            assert!(lengths.follow(&length.to_be_bytes()).is_err(), "{length}");
        }
    }
}
