//! The packets of version 3 of the SSH File Transfer Protocol.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

/// The version that servers of OpenSSH and others have in common.
pub const VERSION: u32 = 3;

/// The longest packet that is accepted: that of OpenSSH. Answers are shorter, because no more is requested.
pub const PACKET_BYTES: usize = 256 * 1024;

/// Requests, by their numbers in the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Request {
    Init = 1,
    Open = 3,
    Close = 4,
    Read = 5,
    FileStat = 8,
    OpenFolder = 11,
    ReadFolder = 12,
    RealPath = 16,
    Stat = 17,
}

/// A file or folder that the server has opened.
pub type Handle = Bytes;

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SftpReply {
    Version(u32),
    Status { code: u32, text: String },
    Handle(Handle),
    Data(Bytes),
    Names(Vec<(Bytes, Attributes)>),
    Attributes(Attributes),
}

/// Codes of [`SftpReply::Status`].
pub const OK: u32 = 0;
pub const END: u32 = 1;
pub const NO_SUCH_FILE: u32 = 2;
pub const PERMISSION_DENIED: u32 = 3;

/// What the server reports of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    pub size_bytes: Option<u64>,
    /// Type and permissions as in POSIX.
    pub mode: Option<u32>,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub modified_s: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    /// A device, a socket or a pipe.
    Other,
}

impl Attributes {
    /// The type. Without a mode it is a file: some servers report none.
    pub fn kind(&self) -> Kind {
        match self.mode.map(|mode| mode & 0o170_000) {
            None | Some(0 | 0o100_000) => Kind::File,
            Some(0o040_000) => Kind::Folder,
            Some(0o120_000) => Kind::Link,
            Some(_) => Kind::Other,
        }
    }
}

/// A packet with its length. `numbers` follow the texts.
pub fn request(kind: Request, id: u32, texts: &[&[u8]], numbers: &[Number]) -> Bytes {
    let mut packet = BytesMut::new();
    packet.put_u32(0);
    packet.put_u8(kind as u8);
    packet.put_u32(id);
    for text in texts {
        packet.put_u32(u32::try_from(text.len()).unwrap_or(u32::MAX));
        packet.put_slice(text);
    }
    for number in numbers {
        match number {
            Number::Short(number) => packet.put_u32(*number),
            Number::Long(number) => packet.put_u64(*number),
        }
    }
    let length = u32::try_from(packet.len() - 4).unwrap_or(u32::MAX);
    packet[..4].copy_from_slice(&length.to_be_bytes());
    packet.freeze()
}

/// A number of a request.
#[derive(Debug, Clone, Copy)]
pub enum Number {
    Short(u32),
    Long(u64),
}

/// Reads an answer without its length: the number of its request, and its content. The answer to `Init` has the
/// number 0.
///
/// # Errors
/// The packet is not what the protocol describes.
pub fn reply(packet: Bytes) -> Result<(u32, SftpReply), &'static str> {
    let mut fields = Fields(packet);
    let kind = fields.byte()?;
    if kind == 2 {
        return Ok((0, SftpReply::Version(fields.number()?)));
    }
    let id = fields.number()?;
    let reply = match kind {
        101 => SftpReply::Status { code: fields.number()?, text: fields.optional_text() },
        102 => SftpReply::Handle(fields.text()?),
        103 => SftpReply::Data(fields.text()?),
        104 => SftpReply::Names(fields.names()?),
        105 => SftpReply::Attributes(fields.attributes()?),
        _ => return Err("an answer has an unknown type"),
    };
    Ok((id, reply))
}

/// The rest of a packet.
struct Fields(Bytes);

const SHORT: &str = "an answer is shorter than its fields";

impl Fields {
    fn byte(&mut self) -> Result<u8, &'static str> {
        self.0.try_get_u8().map_err(|_short| SHORT)
    }

    fn number(&mut self) -> Result<u32, &'static str> {
        self.0.try_get_u32().map_err(|_short| SHORT)
    }

    fn long(&mut self) -> Result<u64, &'static str> {
        self.0.try_get_u64().map_err(|_short| SHORT)
    }

    fn text(&mut self) -> Result<Bytes, &'static str> {
        let length = usize::try_from(self.number()?).map_err(|_large| SHORT)?;
        if length > self.0.len() {
            return Err(SHORT);
        }
        Ok(self.0.split_to(length))
    }

    /// A text that old servers leave out.
    fn optional_text(&mut self) -> String {
        self.text().map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    }

    fn names(&mut self) -> Result<Vec<(Bytes, Attributes)>, &'static str> {
        let count = self.number()?;
        let mut names = Vec::new();
        for _ in 0..count {
            let name = self.text()?;
            // The line of `ls -l`, for people.
            self.text()?;
            names.push((name, self.attributes()?));
        }
        Ok(names)
    }

    fn attributes(&mut self) -> Result<Attributes, &'static str> {
        let flags = self.number()?;
        let has = |flag: u32| flags & flag != 0;
        let mut attributes = Attributes::default();
        if has(0x1) {
            attributes.size_bytes = Some(self.long()?);
        }
        if has(0x2) {
            // User and group.
            self.long()?;
        }
        if has(0x4) {
            attributes.mode = Some(self.number()?);
        }
        if has(0x8) {
            // The time of the last read comes first.
            self.number()?;
            attributes.modified_s = Some(self.number()?);
        }
        if has(0x8000_0000) {
            for _ in 0..self.number()? {
                self.text()?;
                self.text()?;
            }
        }
        Ok(attributes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes(hex: &str) -> Bytes {
        let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
        let byte =
            |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn requests_have_the_bytes_of_the_protocol() {
        let read = [Number::Long(65_536), Number::Short(32_768)];
        let packet = request(Request::Read, 7, &[b"\x01\x02"], &read);
        let expected = "00000017 05 00000007 00000002 0102 0000000000010000 00008000";
        assert_eq!(packet, bytes(expected));
        let packet = request(Request::OpenFolder, 1, &[b"/srv"], &[]);
        assert_eq!(packet, bytes("0000000d 0b 00000001 00000004 2f737276"));
        // The first request has a version where others have a number.
        assert_eq!(request(Request::Init, VERSION, &[], &[]), bytes("00000005 01 00000003"));
    }

    #[test]
    fn answers_are_read() {
        let version = "02 00000003 00000004 74657374 00000001 31";
        assert_eq!(reply(bytes(version)).unwrap(), (0, SftpReply::Version(3)));
        let status = "65 00000002 00000002 0000000c 4e6f20737563682066696c65 00000000";
        let text = "No such file".to_owned();
        assert_eq!(
            reply(bytes(status)).unwrap(),
            (2, SftpReply::Status { code: NO_SUCH_FILE, text })
        );
        let bare = SftpReply::Status { code: END, text: String::new() };
        assert_eq!(reply(bytes("65 00000002 00000001")).unwrap(), (2, bare));
        let names = "68 00000005 00000001 00000001 61 00000001 6c \
                     0000000d 0000000000000009 000081a4 00000001 65000000";
        let attributes = Attributes {
            size_bytes: Some(9),
            mode: Some(0o100_644),
            modified_s: Some(0x6500_0000),
        };
        assert_eq!(attributes.kind(), Kind::File);
        let expected = SftpReply::Names(vec![(Bytes::from_static(b"a"), attributes)]);
        assert_eq!(reply(bytes(names)).unwrap(), (5, expected));
        let owned =
            "69 00000006 80000006 00000001 00000002 000041ed 00000001 00000001 61 00000001 62";
        let (_, SftpReply::Attributes(folder)) = reply(bytes(owned)).unwrap() else { panic!() };
        assert_eq!((folder.kind(), folder.size_bytes), (Kind::Folder, None));
    }

    #[test]
    fn an_answer_that_is_cut_off_is_an_error() {
        let whole = bytes("68 00000005 00000001 00000001 61 00000001 6c 00000001 0000000000000009");
        for length in 0..whole.len() {
            assert!(reply(whole.slice(..length)).is_err(), "{length}");
        }
        assert!(reply(whole).is_ok());
        // A count that the packet cannot hold takes no memory.
        assert!(reply(bytes("68 00000005 ffffffff")).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_fail(packet in prop::collection::vec(any::<u8>(), 0..64)) {
            drop(reply(packet.into()));
        }
    }
}
