//! Handles of prepared statements.
//!
//! A handle contains all of its statement, so that the service keeps no state between calls: the text, and the
//! values that were bound to it as the messages of Arrow in which the client sent them. A handle without values
//! is the text itself. The server trusts nothing in a handle: a client that sends one could send the statement.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use std::fmt;

/// The first byte of a handle with values, which no text in UTF-8 has.
const MARK: u8 = 0xff;
/// The form of a handle with values.
const VERSION: u8 = 1;
/// Bytes of a length.
const LENGTH_BYTES: usize = 4;

/// A statement, and the values that are bound to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    pub sql: String,
    /// The schema of the values, then their batches; nothing if none were bound.
    pub values: Vec<Part>,
}

/// A message of Arrow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub header: Bytes,
    pub body: Bytes,
}

/// A handle that this version of the service did not make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidHandle;

impl fmt::Display for InvalidHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown handle of a prepared statement: prepare the statement again")
    }
}

impl Handle {
    /// A statement without values.
    pub fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// Reads a handle.
    ///
    /// # Errors
    /// The bytes are not a handle, or one of another version.
    pub fn read(mut bytes: Bytes) -> Result<Self, InvalidHandle> {
        if bytes.first() != Some(&MARK) {
            return Ok(Self::new(text(&bytes)?));
        }
        if bytes.get(1) != Some(&VERSION) {
            return Err(InvalidHandle);
        }
        bytes.advance(2);
        let mut handle = Self::new(text(&section(&mut bytes)?)?);
        while !bytes.is_empty() {
            let (header, body) = (section(&mut bytes)?, section(&mut bytes)?);
            handle.values.push(Part { header, body });
        }
        if handle.values.is_empty() { Err(InvalidHandle) } else { Ok(handle) }
    }

    /// The bytes that [`Handle::read`] reads.
    pub fn write(&self) -> Bytes {
        if self.values.is_empty() {
            return Bytes::copy_from_slice(self.sql.as_bytes());
        }
        let mut bytes = BytesMut::with_capacity(self.bytes());
        bytes.put_slice(&[MARK, VERSION]);
        let sections = self.values.iter().flat_map(|part| [&part.header[..], &part.body[..]]);
        for section in [self.sql.as_bytes()].into_iter().chain(sections) {
            bytes.put_u32(u32::try_from(section.len()).unwrap_or(u32::MAX));
            bytes.put_slice(section);
        }
        bytes.freeze()
    }

    /// The length of the handle with values, in bytes.
    pub fn bytes(&self) -> usize {
        2 + LENGTH_BYTES + self.sql.len() + self.values.iter().map(Part::bytes).sum::<usize>()
    }
}

impl Part {
    /// The length within a handle, in bytes.
    pub fn bytes(&self) -> usize {
        2 * LENGTH_BYTES + self.header.len() + self.body.len()
    }
}

fn text(bytes: &[u8]) -> Result<String, InvalidHandle> {
    str::from_utf8(bytes).map(ToOwned::to_owned).ok().ok_or(InvalidHandle)
}

/// Takes bytes with their length before them.
fn section(bytes: &mut Bytes) -> Result<Bytes, InvalidHandle> {
    let length = bytes.try_get_u32().ok().ok_or(InvalidHandle)?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > bytes.len() { Err(InvalidHandle) } else { Ok(bytes.split_to(length)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn part(header: &[u8], body: &[u8]) -> Part {
        Part { header: Bytes::copy_from_slice(header), body: Bytes::copy_from_slice(body) }
    }

    #[test]
    fn a_handle_without_values_is_its_text() {
        let handle = Handle::new("SELECT 'é'");
        assert_eq!(handle.write(), "SELECT 'é'".as_bytes());
        assert_eq!(Handle::read(handle.write()), Ok(handle));
    }

    #[test]
    fn a_handle_with_values_has_each_part_with_its_length() {
        let handle = Handle { sql: "a".into(), values: vec![part(b"bc", b"")] };
        let expected = b"\xff\x01\0\0\0\x01a\0\0\0\x02bc\0\0\0\0";
        assert_eq!(handle.write(), &expected[..]);
        assert_eq!(handle.bytes(), expected.len());
        assert_eq!(Handle::read(handle.write()), Ok(handle));
    }

    #[test]
    fn a_handle_of_another_version_or_a_part_of_one_is_refused() {
        let whole = Handle { sql: "a".into(), values: vec![part(b"bc", b"d")] }.write();
        for end in 1..whole.len() {
            assert_eq!(Handle::read(whole.slice(..end)), Err(InvalidHandle), "{end}");
        }
        for bytes in [&b"\xff"[..], b"\xff\x02\0\0\0\x01a", b"\xff\x01\0\0\0\0", b"\xfe", b"a\xff"]
        {
            assert_eq!(Handle::read(Bytes::from_static(bytes)), Err(InvalidHandle), "{bytes:?}");
        }
        let long = Bytes::from_static(b"\xff\x01\xff\xff\xff\xffa");
        assert_eq!(Handle::read(long), Err(InvalidHandle));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            sql in ".{0,20}",
            values in proptest::collection::vec(("[a-c]{0,9}", "[a-c]{0,9}"), 0..4),
        ) {
            let values = values.iter().map(|(one, other)| part(one.as_bytes(), other.as_bytes()));
            let handle = Handle { sql, values: values.collect() };
            prop_assert_eq!(Handle::read(handle.write()), Ok(handle));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let marked = [&[MARK, VERSION][..], &bytes].concat();
            for given in [bytes, marked] {
                let given = Bytes::from(given);
                if let Ok(read) = Handle::read(given.clone()) {
                    prop_assert_eq!(read.write(), given);
                }
            }
        }
    }
}
