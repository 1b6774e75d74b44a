//! The type of a file by its first bytes.

/// The content of a file or of an unpacked layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Probably text.
    Plain,
    Gzip,
    Zstd,
    Bzip2,
    Xz,
    Zip,
    Parquet,
    /// A format that is not supported.
    Foreign {
        /// With its article, as in "a tar archive".
        name: &'static str,
        remedy: &'static str,
    },
}

const REPACK: &str = "pack it as gzip, zstd, bzip2, xz or zip, or not at all";
const UNPACK: &str = "unpack it, so that each file in it is a dump";
const EXPORT: &str = "have the source export it as CSV, JSON or Parquet";

/// Unsupported formats: their first bytes, name, and remedy.
const FOREIGN: [(&[u8], &str, &str); 10] = [
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", REPACK),
    (b"Rar!\x1a\x07", "a RAR archive", REPACK),
    (b"\x1f\x9d", "packed with Unix compress (.Z)", REPACK),
    (b"\x04\x22\x4d\x18", "packed with LZ4", REPACK),
    (b"\xff\x06\x00\x00sNaPpY", "packed with Snappy", REPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (xls) or Office document", EXPORT),
    (b"%PDF-", "a PDF document", EXPORT),
    (b"Obj\x01", "an Avro file", EXPORT),
    (b"SQLite format 3\0", "an SQLite database", EXPORT),
    (b"PARE", "an encrypted Parquet file", "have the source write it unencrypted"),
];

/// The type of a file that starts with these bytes.
pub fn content(head: &[u8]) -> Content {
    match head {
        [0x1f, 0x8b, ..] => return Content::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => return Content::Zstd,
        // A skippable frame. LZ4 has the same, followed by an LZ4 frame.
        [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => return Content::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Content::Xz,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => {
            return Content::Zip;
        }
        [b'P', b'A', b'R', b'1', ..] => return Content::Parquet,
        _ => {}
    }
    if is_bzip2(head) {
        return Content::Bzip2;
    }
    if head.get(257..262) == Some(b"ustar") {
        return Content::Foreign { name: "a tar archive", remedy: UNPACK };
    }
    let known = FOREIGN.iter().find(|(mark, _, _)| head.starts_with(mark));
    known.map_or(Content::Plain, |&(_, name, remedy)| Content::Foreign { name, remedy })
}

/// `BZh`, a digit, and the magic number of a block or of the end; text may start with the first four bytes.
fn is_bzip2(head: &[u8]) -> bool {
    const BLOCK: &[u8] = &[0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
    const END: &[u8] = &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
    let [b'B', b'Z', b'h', b'1'..=b'9', mark @ ..] = head else { return false };
    mark.starts_with(BLOCK) || mark.starts_with(END)
}
