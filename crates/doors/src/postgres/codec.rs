//! Messages on a connection.

use super::errors::malformed;
use super::message::{First, Message};
use bytes::BytesMut;
use pgwire::error::PgWireError;
use pgwire::messages::PgWireBackendMessage;
use std::io;
use tokio_util::codec::{Decoder, Encoder};

/// A message of a client.
#[derive(Debug)]
pub enum Incoming {
    First(First),
    Next(Message),
    /// A message that cannot be read, and whether it belongs to the extended protocol. Unless the error is
    /// fatal, the next message can be read.
    Invalid(PgWireError, bool),
}

/// Reads messages of clients and writes those of the server.
#[derive(Debug)]
pub struct Codec {
    bytes_max: usize,
    is_started: bool,
}

impl Codec {
    /// A codec for a connection from its start, with messages of at most `bytes_max` bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self { bytes_max, is_started: false }
    }
}

impl Decoder for Codec {
    type Item = Incoming;
    type Error = io::Error;

    fn decode(&mut self, source: &mut BytesMut) -> io::Result<Option<Incoming>> {
        let is_extended = source.first() != Some(&b'Q');
        let taken = if self.is_started {
            Message::take(source, self.bytes_max).map(|it| it.map(Incoming::Next))
        } else {
            First::take(source).map(|it| it.map(Incoming::First))
        };
        self.is_started |= matches!(taken, Ok(Some(_)));
        Ok(taken.unwrap_or_else(|invalid| Some(Incoming::Invalid(malformed(invalid), is_extended))))
    }
}

impl Encoder<PgWireBackendMessage> for Codec {
    type Error = io::Error;

    fn encode(&mut self, message: PgWireBackendMessage, target: &mut BytesMut) -> io::Result<()> {
        message.encode(target).map_err(Into::into)
    }
}
