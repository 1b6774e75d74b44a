//! Messages of clients.
//!
//! The decoder of the library reads beyond a message that is too short, allocates what a client announces,
//! and accepts a gigabyte before the login. This one reads a message only when it is complete and has at
//! most the configured size, and nothing outside of it.

use bytes::{Buf as _, Bytes, BytesMut};
use std::collections::BTreeMap;

/// Bytes of a length.
const LENGTH_BYTES: usize = 4;
/// The code of a request to cancel, in place of a version.
const CANCEL_CODE: u32 = 80_877_102;
/// Bytes of the first message at most, as in PostgreSQL.
const STARTUP_BYTES_MAX: usize = 10_000;

/// SQLSTATE of a violation of the protocol, and of text that is not UTF-8.
const VIOLATION: &str = "08P01";
const NOT_UTF8: &str = "22021";

/// A message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    pub state: &'static str,
    pub message: String,
    /// Whether the end of the message is unknown, so that nothing after it can be read.
    pub is_fatal: bool,
}

/// The result of reading.
pub type ReadResult<T> = Result<T, Malformed>;

fn violation(message: &str) -> Malformed {
    Malformed { state: VIOLATION, message: message.to_owned(), is_fatal: false }
}

fn fatal(message: String) -> Malformed {
    Malformed { state: VIOLATION, message, is_fatal: true }
}

/// The first message of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    Startup { major: u32, minor: u32, parameters: BTreeMap<String, String> },
    Cancel { number: i32, secret: Bytes },
}

/// A message after the first one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The answer to a request for authentication. Its content depends on the request.
    Authentication(Bytes),
    Query(String),
    Parse {
        name: String,
        sql: String,
        types: Vec<u32>,
    },
    Bind(Bind),
    Describe(Object),
    Execute {
        portal: String,
        rows_max: i32,
    },
    Close(Object),
    Flush,
    Sync,
    Terminate,
    /// Data of a COPY that was refused.
    Copy,
}

/// Values for a prepared statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    pub portal: String,
    pub statement: String,
    pub formats: Vec<i16>,
    pub values: Vec<Option<Bytes>>,
    pub result_formats: Vec<i16>,
}

/// What is described or closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    Statement(String),
    Portal(String),
}

impl Message {
    /// Whether the message belongs to the extended protocol, in which an error skips the messages up to the
    /// next `Sync`.
    pub fn is_extended(&self) -> bool {
        matches!(
            self,
            Self::Parse { .. }
                | Self::Bind(_)
                | Self::Describe(_)
                | Self::Execute { .. }
                | Self::Close(_)
                | Self::Flush
                | Self::Sync
        )
    }

    /// Takes a complete message from the beginning of `source`.
    ///
    /// # Errors
    /// The message is longer than `bytes_max`, of an unknown type, or its content is invalid.
    pub fn take(source: &mut BytesMut, bytes_max: usize) -> ReadResult<Option<Self>> {
        let Some((kind, rest)) = source.split_first() else { return Ok(None) };
        let kind = *kind;
        let Some(length) = length(rest, bytes_max)? else { return Ok(None) };
        if source.len() < length + 1 {
            source.reserve(length + 1 - source.len());
            return Ok(None);
        }
        let mut body = source.split_to(length + 1).freeze();
        body.advance(LENGTH_BYTES + 1);
        Self::read(kind, Body(body)).map(Some)
    }

    fn read(kind: u8, mut body: Body) -> ReadResult<Self> {
        let message = match kind {
            b'p' => Self::Authentication(body.rest()),
            b'Q' => Self::Query(body.text()?),
            b'P' => Self::Parse {
                name: body.text()?,
                sql: body.text()?,
                types: body.list(|it| it.number().map(i32::cast_unsigned))?,
            },
            b'B' => Self::Bind(Bind {
                portal: body.text()?,
                statement: body.text()?,
                formats: body.list(Body::short)?,
                values: body.list(Body::value)?,
                result_formats: body.list(Body::short)?,
            }),
            b'D' => Self::Describe(body.object()?),
            b'E' => Self::Execute { portal: body.text()?, rows_max: body.number()? },
            b'C' => Self::Close(body.object()?),
            b'H' => Self::Flush,
            b'S' => Self::Sync,
            b'X' => Self::Terminate,
            b'd' | b'c' | b'f' => return Ok(Self::Copy),
            _ => return Err(fatal(format!("invalid frontend message type {kind}"))),
        };
        if body.0.is_empty() { Ok(message) } else { Err(violation("invalid message format")) }
    }
}

impl First {
    /// Takes the first message from the beginning of `source`.
    ///
    /// # Errors
    /// It is too long or invalid.
    pub fn take(source: &mut BytesMut) -> ReadResult<Option<Self>> {
        let Some(length) = length(source, STARTUP_BYTES_MAX)? else { return Ok(None) };
        if source.len() < length {
            return Ok(None);
        }
        let mut body = source.split_to(length).freeze();
        body.advance(LENGTH_BYTES);
        let mut body = Body(body);
        let code = body.number()?.cast_unsigned();
        if code == CANCEL_CODE {
            return Ok(Some(Self::Cancel { number: body.number()?, secret: body.0 }));
        }
        let mut parameters = BTreeMap::new();
        loop {
            let name = body.text()?;
            if name.is_empty() {
                return Ok(Some(Self::Startup {
                    major: code >> 16,
                    minor: code & 0xffff,
                    parameters,
                }));
            }
            parameters.insert(name, body.text()?);
        }
    }
}

/// The password in the answer to a request for one.
///
/// # Errors
/// It is not a single text.
pub fn password(body: &Bytes) -> ReadResult<String> {
    let mut body = Body(body.clone());
    let password = body.text()?;
    if body.0.is_empty() { Ok(password) } else { Err(violation("invalid message format")) }
}

/// The mechanism that a client has chosen, and its first message (`SASLInitialResponse`).
///
/// # Errors
/// It is malformed, or has no message.
pub fn initial_response(body: Bytes) -> ReadResult<(String, Bytes)> {
    let mut body = Body(body);
    let mechanism = body.text()?;
    let response = body.value()?;
    match response {
        Some(response) if body.0.is_empty() => Ok((mechanism, response)),
        _ => Err(violation("invalid message format")),
    }
}

/// The length at the beginning of `source`, which counts itself.
fn length(source: &[u8], bytes_max: usize) -> ReadResult<Option<usize>> {
    let Some(length) = source.first_chunk::<LENGTH_BYTES>() else { return Ok(None) };
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if (LENGTH_BYTES..=bytes_max).contains(&length) {
        return Ok(Some(length));
    }
    Err(fatal(format!("invalid message length {length}: at most {bytes_max}")))
}

/// The content of a message.
struct Body(Bytes);

impl Body {
    fn bytes(&mut self, count: usize) -> ReadResult<Bytes> {
        if count > self.0.len() {
            return Err(violation("insufficient data left in message"));
        }
        Ok(self.0.split_to(count))
    }

    /// Everything that is left.
    fn rest(&mut self) -> Bytes {
        std::mem::take(&mut self.0)
    }

    fn short(&mut self) -> ReadResult<i16> {
        self.bytes(2).map(|mut it| it.get_i16())
    }

    fn number(&mut self) -> ReadResult<i32> {
        self.bytes(4).map(|mut it| it.get_i32())
    }

    /// A text up to its zero.
    fn text(&mut self) -> ReadResult<String> {
        let end = self.0.iter().position(|byte| *byte == 0);
        let end = end.ok_or_else(|| violation("invalid string in message"))?;
        let text = self.bytes(end)?;
        self.0.advance(1);
        match str::from_utf8(&text) {
            Ok(text) => Ok(text.to_owned()),
            Err(_invalid) => {
                let message = "invalid byte sequence for encoding \"UTF8\"".to_owned();
                Err(Malformed { state: NOT_UTF8, message, is_fatal: false })
            }
        }
    }

    /// A value with its length; -1 is null.
    fn value(&mut self) -> ReadResult<Option<Bytes>> {
        match self.number()? {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) => self.bytes(length).map(Some),
                Err(_negative) => Err(violation("invalid length of a value")),
            },
        }
    }

    /// Items with their number before them. Nothing is reserved for those that may not follow.
    fn list<T>(&mut self, item: impl Fn(&mut Self) -> ReadResult<T>) -> ReadResult<Vec<T>> {
        let count = self.short()?.cast_unsigned();
        (0..count).map(|_| item(self)).collect()
    }

    fn object(&mut self) -> ReadResult<Object> {
        let kind = self.bytes(1)?;
        match kind.first() {
            Some(b'S') => self.text().map(Object::Statement),
            Some(b'P') => self.text().map(Object::Portal),
            _ => Err(violation("invalid kind of object: expected a statement or a portal")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MAX: usize = 1_000;

    fn frame(kind: u8, body: &[u8]) -> BytesMut {
        let mut frame = BytesMut::from(&[kind][..]);
        frame.extend(u32::try_from(body.len() + LENGTH_BYTES).unwrap().to_be_bytes());
        frame.extend(body);
        frame
    }

    #[test]
    fn messages_are_read_when_they_are_complete() {
        let mut whole = frame(b'Q', b"select 1\0");
        whole.extend(frame(b'S', b""));
        for end in 0..14 {
            let mut part = BytesMut::from(&whole[..end]);
            assert_eq!(Message::take(&mut part, MAX).unwrap(), None, "{end}");
            assert_eq!(part.len(), end);
        }
        let first = Message::take(&mut whole, MAX).unwrap();
        assert_eq!(first, Some(Message::Query("select 1".into())));
        assert_eq!(Message::take(&mut whole, MAX).unwrap(), Some(Message::Sync));
        assert!(whole.is_empty());
    }

    #[test]
    fn a_message_with_values_keeps_nulls() {
        let body = b"p\0s\0\0\x01\0\x01\0\x02\0\0\0\x02ab\xff\xff\xff\xff\0\0";
        let expected = Bind {
            portal: "p".into(),
            statement: "s".into(),
            formats: vec![1],
            values: vec![Some(Bytes::from_static(b"ab")), None],
            result_formats: Vec::new(),
        };
        let read = Message::take(&mut frame(b'B', body), MAX).unwrap();
        assert_eq!(read, Some(Message::Bind(expected)));
    }

    #[test]
    fn a_message_that_announces_more_than_it_has_is_refused() {
        for (kind, body) in [
            (b'P', &b"\0select 1\0\xff\xff"[..]),
            (b'B', b"\0\0\x7f\xff"),
            (b'B', b"\0\0\0\0\0\x01\x7f\xff\xff\xff"),
            (b'B', b"\0\0\0\0\0\x01\xff\xff\xff\xfe"),
            (b'Q', b"no end"),
            (b'Q', b"more\0than one"),
            (b'Q', b"\xff\0"),
            (b'D', b"X\0"),
            (b'E', b"\0\0"),
            (b'?', b""),
        ] {
            assert!(Message::take(&mut frame(kind, body), MAX).is_err(), "{kind} {body:?}");
        }
    }

    #[test]
    fn answers_to_requests_for_authentication_are_read_by_their_kind() {
        let read = |body: &[u8]| match Message::take(&mut frame(b'p', body), MAX) {
            Ok(Some(Message::Authentication(body))) => body,
            other => panic!("{other:?}"),
        };
        assert_eq!(password(&read(b"secret\0")).unwrap(), "secret");
        for body in [&b""[..], b"secret", b"a\0b\0", b"\xff\0"] {
            assert!(password(&read(body)).is_err(), "{body:?}");
        }
        let expected = ("SCRAM-SHA-256".to_owned(), Bytes::from_static(b"n,,"));
        let whole = b"SCRAM-SHA-256\0\0\0\0\x03n,,";
        assert_eq!(initial_response(read(whole)).unwrap(), expected);
        for end in 0..whole.len() {
            assert!(initial_response(read(&whole[..end])).is_err(), "{end}");
        }
        for body in [&b"S\0\xff\xff\xff\xff"[..], b"S\0\0\0\0\x01ab", b"S\0\x7f\xff\xff\xffa"] {
            assert!(initial_response(read(body)).is_err(), "{body:?}");
        }
    }

    #[test]
    fn a_message_that_is_too_long_is_refused_at_its_length() {
        for length in [0_u32, 3, 1_001, u32::MAX] {
            let mut source = BytesMut::from(&b"Q"[..]);
            source.extend(length.to_be_bytes());
            assert!(Message::take(&mut source, MAX).is_err(), "{length}");
            assert!(
                First::take(&mut BytesMut::from(&length.to_be_bytes()[..])).is_err()
                    || length == 1_001
            );
        }
    }

    #[test]
    fn the_first_message_has_parameters_or_a_request_to_cancel() {
        let mut startup = frame(0, b"\0\x03\0\0user\0anna\0database\0lake\0\0").split_off(1);
        let parameters = [("user", "anna"), ("database", "lake")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected = First::Startup { major: 3, minor: 0, parameters: parameters.into() };
        assert_eq!(First::take(&mut startup).unwrap(), Some(expected));
        let mut cancel = frame(0, b"\x04\xd2\x16\x2e\0\0\0\x07abcd").split_off(1);
        let expected = First::Cancel { number: 7, secret: Bytes::from_static(b"abcd") };
        assert_eq!(First::take(&mut cancel).unwrap(), Some(expected));
        for body in [&b"\0\x03\0\0user"[..], b"\0\x03\0\0user\0", b"\0\x03\0\0", b"\0"] {
            assert!(First::take(&mut frame(0, body).split_off(1)).is_err(), "{body:?}");
        }
    }

    /// Numbers without a pattern (xorshift), so that a failure can be repeated.
    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn a_million_random_frames_are_read_or_refused() {
        let kinds = b"QPBDECSHXpdcf?";
        let (mut state, mut is_read) = (0x5eed_u64, 0);
        for _ in 0..1_000_000 {
            let kind = kinds[random(&mut state) as usize % kinds.len()];
            let length = random(&mut state) as usize % 40;
            // Small numbers are frequent, as in real messages: zeros end texts, and counts are small.
            let body: Vec<u8> = (0..length)
                .map(|_| {
                    let [one, other, ..] = random(&mut state).to_be_bytes();
                    if one < 160 { one % 4 } else { other }
                })
                .collect();
            let mut source = frame(kind, &body);
            is_read += usize::from(Message::take(&mut source, MAX).is_ok());
            assert!(source.is_empty());
            let _refused = First::take(&mut BytesMut::from(&body[..])).is_err();
        }
        assert!(is_read > 100_000, "{is_read} frames are valid");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut source = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = Message::take(&mut source, MAX) {}
            let _refused = First::take(&mut BytesMut::from(&bytes[..])).is_err();
        }

        #[test]
        fn any_content_is_read_or_refused(
            kind in proptest::sample::select(b"QPBDECSHXpdcf".to_vec()),
            body in proptest::collection::vec(any::<u8>(), 0..100),
        ) {
            let mut source = frame(kind, &body);
            let _refused = Message::take(&mut source, MAX).is_err();
            prop_assert!(source.is_empty(), "a message is taken as a whole");
        }
    }
}
