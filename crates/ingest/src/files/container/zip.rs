//! Zip archives that contain one file.

use super::{Notes, unreadable};
use crate::Error;
use crate::decode::workbook;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};

/// The record at the end of an archive, and the longest comment after it.
const END_BYTES: usize = 22;
const MAX_COMMENT_BYTES: usize = 65_535;
const END_MARK: &[u8] = b"PK\x05\x06";
const LOCATOR_BYTES: usize = 20;
const END64_BYTES: usize = 56;
const ENTRY_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
/// A directory of this size lists some 100,000 files; that of an archive with one file is below 200 KiB.
const MAX_DIRECTORY_BYTES: u64 = 16 << 20;
/// The most file names in a message.
const LISTED_NAMES: usize = 5;

/// A file of an archive, as in its directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    name: String,
    is_encrypted: bool,
    method: u16,
    crc: u32,
    packed_bytes: u64,
    unpacked_bytes: u64,
    /// Position of its own header.
    at: u64,
}

impl Member {
    /// Whether it is a file, and not a folder or metadata of macOS.
    fn is_file(&self) -> bool {
        let name = self.name.rsplit('/').next().unwrap_or_default();
        !self.name.ends_with('/') && !self.name.starts_with("__MACOSX/") && name != ".DS_Store"
    }
}

/// The bytes of the only file in an archive, and its name. Office documents, archives of several files,
/// encrypted ones and those with rare compression methods are refused.
pub fn only_member(
    mut file: File,
    window_bytes: u64,
    notes: &Notes,
) -> Result<(Box<dyn Read>, String), Error> {
    let members = members(&mut file)?;
    let member = only(&members).map_err(Error::Data)?;
    let bytes = opened(file, member, window_bytes, notes)?;
    Ok((bytes, member.name.clone()))
}

/// The kind of a workbook, and the number of bytes to which its parts unpack; `None` for any
/// other archive.
///
/// # Errors
/// The archive is damaged.
pub fn workbook(file: &mut File) -> io::Result<Option<(workbook::Kind, u64)>> {
    let members = members(file)?;
    let has = |name: &str| members.iter().any(|member| member.name.starts_with(name));
    let kind = match document(&members) {
        Some(_) if has("xl/") => workbook::Kind::Xlsx,
        Some(_) if has("mimetype") && has("content.xml") => workbook::Kind::Ods,
        _ => return Ok(None),
    };
    let unpacked = members.iter().map(|member| member.unpacked_bytes);
    Ok(Some((kind, unpacked.fold(0, u64::saturating_add))))
}

fn only(members: &[Member]) -> Result<&Member, String> {
    if let Some(name) = document(members) {
        return Err(format!(
            "it is {name}, not the format of its file name; set format = \"workbook\" in the contract if it is a \
             spreadsheet, or have the source write CSV, JSON or Parquet"
        ));
    }
    let files: Vec<&Member> = members.iter().filter(|member| member.is_file()).collect();
    let [member] = files.as_slice() else {
        let names: Vec<&str> =
            files.iter().take(LISTED_NAMES).map(|member| member.name.as_str()).collect();
        let more = if files.len() > LISTED_NAMES { ", …" } else { "" };
        return Err(format!(
            "it is a zip archive of {} files [{}{more}], and only archives with one file are read; unpack it, so \
             that each file is a dump",
            files.len(),
            names.join(", ")
        ));
    };
    if member.is_encrypted {
        return Err(
            "it is an encrypted zip archive; have the source pack it without a password".into()
        );
    }
    Ok(member)
}

/// The type of an archive that is a document of an office program.
fn document(members: &[Member]) -> Option<&'static str> {
    let has = |name: &str| members.iter().any(|member| member.name.starts_with(name));
    if has("[Content_Types].xml") {
        return Some(if has("xl/") {
            "an Excel workbook (xlsx)"
        } else if has("word/") {
            "a Word document (docx)"
        } else {
            "an Office document, which is a zip archive"
        });
    }
    (has("mimetype") && has("META-INF/")).then_some("an OpenDocument file such as ods")
}

fn opened(
    mut file: File,
    member: &Member,
    window_bytes: u64,
    notes: &Notes,
) -> io::Result<Box<dyn Read>> {
    let local = read_at::<LOCAL_BYTES>(&mut file, member.at)?;
    if !local.starts_with(b"PK\x03\x04") {
        return Err(damaged("the header of its file is not where it should be"));
    }
    let begin = member.at
        + LOCAL_BYTES as u64
        + u64::from(u16_at(&local, 26)?)
        + u64::from(u16_at(&local, 28)?);
    file.seek(SeekFrom::Start(begin))?;
    let packed: Box<dyn Read> = Box::new(file.take(member.packed_bytes));
    let mut packed = BufReader::new(packed);
    let unpacked: Box<dyn Read> = match member.method {
        0 => Box::new(packed),
        8 => Box::new(flate2::bufread::DeflateDecoder::new(packed)),
        12 => Box::new(bzip2::bufread::MultiBzDecoder::new(packed)),
        93 => {
            let head = io::BufRead::fill_buf(&mut packed)?.to_vec();
            super::zstd::reader(packed, &head, window_bytes, notes)?
        }
        method => {
            let name = match method {
                9 => "Deflate64".to_owned(),
                14 => "LZMA".to_owned(),
                99 => "AES encryption".to_owned(),
                other => format!("method {other}"),
            };
            return Err(unreadable(format!(
                "it is a zip archive compressed with {name}, which is not supported; have the source use Deflate"
            )));
        }
    };
    let crc = flate2::Crc::new();
    Ok(Box::new(Checked { unpacked, crc, expected: member.crc, left_bytes: member.unpacked_bytes }))
}

/// A member whose checksum and length are verified at its end.
struct Checked {
    unpacked: Box<dyn Read>,
    crc: flate2::Crc,
    expected: u32,
    left_bytes: u64,
}

impl Read for Checked {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.unpacked.read(into)?;
        self.crc.update(&into[..read]);
        let left_bytes = self.left_bytes.checked_sub(read as u64);
        self.left_bytes = left_bytes.ok_or_else(|| damaged("its file is longer than declared"))?;
        if read == 0 && !into.is_empty() {
            if self.left_bytes > 0 {
                return Err(damaged("its file ends early"));
            }
            if self.crc.sum() != self.expected {
                return Err(damaged("the checksum of its file is wrong"));
            }
        }
        Ok(read)
    }
}

fn damaged(problem: &'static str) -> io::Error {
    unreadable(super::broken("zip", &io::Error::other(problem)))
}

/// All entries of the directory at the end of an archive.
fn members(file: &mut File) -> io::Result<Vec<Member>> {
    let size_bytes = file.seek(SeekFrom::End(0))?;
    let (at, len) = directory(file, size_bytes)?;
    if len > MAX_DIRECTORY_BYTES || at.checked_add(len).is_none_or(|end| end > size_bytes) {
        return Err(damaged("its directory is not where it should be"));
    }
    file.seek(SeekFrom::Start(at))?;
    let mut directory = Vec::new();
    file.take(len).read_to_end(&mut directory)?;
    let mut members = Vec::new();
    let mut rest = directory.as_slice();
    while rest.starts_with(b"PK\x01\x02") {
        let (member, after) = entry(rest)?;
        members.push(member);
        rest = after;
    }
    Ok(members)
}

/// Start and length of the directory in bytes.
fn directory(file: &mut File, size_bytes: u64) -> io::Result<(u64, u64)> {
    let tail_bytes = size_bytes.min((END_BYTES + MAX_COMMENT_BYTES) as u64);
    let tail_at = size_bytes - tail_bytes;
    file.seek(SeekFrom::Start(tail_at))?;
    let mut tail = Vec::new();
    file.take(tail_bytes).read_to_end(&mut tail)?;
    let is_end = |at: &usize| {
        let comment =
            tail[*at..].get(20..END_BYTES).map(|len| u16::from_le_bytes([len[0], len[1]]));
        comment.is_some_and(|len| at + END_BYTES + usize::from(len) <= tail.len())
    };
    let marks = memchr::memmem::find_iter(&tail, END_MARK);
    let at =
        marks.filter(is_end).last().ok_or_else(|| damaged("it has no directory at its end"))?;
    let (len, start) = (u32_at(&tail, at + 12)?, u32_at(&tail, at + 16)?);
    if len != u32::MAX && start != u32::MAX {
        return Ok((u64::from(start), u64::from(len)));
    }
    let locator = at.checked_sub(LOCATOR_BYTES).filter(|at| tail[*at..].starts_with(b"PK\x06\x07"));
    let locator = locator.ok_or_else(|| damaged("the record of its large directory is missing"))?;
    let end64 = read_at::<END64_BYTES>(file, u64_at(&tail, locator + 8)?)?;
    if !end64.starts_with(b"PK\x06\x06") {
        return Err(damaged("the record of its large directory is not where it should be"));
    }
    Ok((u64_at(&end64, 48)?, u64_at(&end64, 40)?))
}

/// The first entry of a directory, and the bytes after it.
fn entry(bytes: &[u8]) -> io::Result<(Member, &[u8])> {
    let width = |at: usize| u16_at(bytes, at).map(usize::from);
    let (name_len, extra_len, comment_len) = (width(28)?, width(30)?, width(32)?);
    let (_, rest) = split_at(bytes, ENTRY_BYTES)?;
    let (name, rest) = split_at(rest, name_len)?;
    let (extra, rest) = split_at(rest, extra_len)?;
    let (_comment, rest) = split_at(rest, comment_len)?;
    let mut large = large_numbers(extra);
    let mut number = |at: usize| match u32_at(bytes, at)? {
        u32::MAX => {
            large.next().ok_or_else(|| damaged("a large number of its directory is missing"))
        }
        small => Ok(u64::from(small)),
    };
    // 64-bit numbers are stored in this order.
    let (unpacked_bytes, packed_bytes, at) = (number(24)?, number(20)?, number(42)?);
    let member = Member {
        name: String::from_utf8_lossy(name).into_owned(),
        is_encrypted: u16_at(bytes, 8)? & 1 != 0,
        method: u16_at(bytes, 10)?,
        crc: u32_at(bytes, 16)?,
        packed_bytes,
        unpacked_bytes,
        at,
    };
    Ok((member, rest))
}

fn split_at(bytes: &[u8], len: usize) -> io::Result<(&[u8], &[u8])> {
    bytes.split_at_checked(len).ok_or_else(|| damaged("its directory ends early"))
}

/// The 64-bit numbers in the extra fields of an entry.
fn large_numbers(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut numbers = Vec::new();
    while let [a, b, c, d, rest @ ..] = extra {
        let (id, len) = (u16::from_le_bytes([*a, *b]), usize::from(u16::from_le_bytes([*c, *d])));
        let Some((field, after)) = rest.split_at_checked(len) else { break };
        if id == 1 {
            let (whole, _rest) = field.as_chunks::<8>();
            numbers.extend(whole.iter().map(|bytes| u64::from_le_bytes(*bytes)));
        }
        extra = after;
    }
    numbers.into_iter()
}

fn read_at<const N: usize>(file: &mut File, at: u64) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes).map_err(|_short| damaged("it ends early"))?;
    Ok(bytes)
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> io::Result<[u8; N]> {
    let part = bytes.get(at..).and_then(<[u8]>::first_chunk::<N>);
    part.copied().ok_or_else(|| damaged("its directory ends early"))
}

fn u16_at(bytes: &[u8], at: usize) -> io::Result<u16> {
    array(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> io::Result<u32> {
    array(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> io::Result<u64> {
    array(bytes, at).map(u64::from_le_bytes)
}
