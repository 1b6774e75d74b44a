//! The containers of a dump (gzip, zip and others), detected by content and not by name.
//!
//! *In*: the bytes of a dump as in the bucket. *Out*: the bytes of its records, decompressed while they are
//! read, in bounded memory. *Promise*: a supported container is read completely, or the error names the
//! container, the damage and the remedy; files that are neither text nor Parquet are refused by their type.
//! Nothing decompresses to more than its limit.

mod gzip;
mod signature;
mod zip;
mod zstd;

use super::Fetched;
use crate::Error;
use crate::decode::workbook;
use config::settings::Limits;
use signature::{Content, content};
use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek as _};
use std::rc::Rc;

/// Number of first bytes that show the type of a file: `tar` has its magic number at byte 257.
const HEAD_BYTES: usize = 512;

/// Memory that xz needs besides its dictionary.
const XZ_OWN_BYTES: u64 = 16 << 20;

/// Limits on decompression.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The most bytes to which one layer may decompress.
    unpacked_bytes: u64,
    /// Memory for the window or dictionary of a layer.
    window_bytes: u64,
    /// The most nested containers.
    layers: usize,
    chunk_bytes: usize,
}

impl Bounds {
    /// The configured limits.
    pub fn new(limits: &Limits) -> Self {
        Self {
            unpacked_bytes: limits.ingest.max_unpacked_bytes,
            window_bytes: limits.ingest.max_window_bytes,
            layers: limits.ingest.max_container_layers,
            chunk_bytes: limits.ingest.read_chunk_bytes,
        }
    }
}

/// Peculiarities of a dump that was read nevertheless. Complete when it is read to its end.
#[derive(Debug, Clone, Default)]
pub struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    pub fn add(&self, note: impl Into<String>) {
        self.0.borrow_mut().push(note.into());
    }

    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// A dump, opened.
pub struct Opened {
    /// The bytes of its records.
    pub reader: Box<dyn Read>,
    /// Whether these are the bytes of the file itself.
    pub is_plain: bool,
}

/// Opens a dump layer by layer, from its beginning. Bytes appended to its file after its digest was
/// computed are not read. Parquet is refused unless `takes_parquet`.
pub fn open(
    dump: Fetched,
    takes_parquet: bool,
    bounds: Bounds,
    notes: &Notes,
) -> Result<Opened, Error> {
    let Fetched { mut file, key, size_bytes, .. } = dump;
    file.rewind()?;
    let head = head(&mut file)?;
    file.rewind()?;
    let mut layers = Layers { names: Vec::new(), bounds, notes };
    let reader: Box<dyn Read> = if content(&head) == Content::Zip {
        layers.open_zip(file, &key)?
    } else {
        Box::new(BufReader::with_capacity(bounds.chunk_bytes, file.take(size_bytes)))
    };
    let reader = layers.unpack(reader, head, takes_parquet)?;
    if layers.names.len() > 1 {
        let names = nesting(&layers.names);
        notes.add(format!(
            "packed {} times ({names}); all layers were unpacked",
            layers.names.len()
        ));
    }
    Ok(Opened { reader, is_plain: layers.names.is_empty() })
}

/// The kind of a workbook.
///
/// # Errors
/// The file is not a workbook, is damaged, or its parts unpack to more than `limit_bytes`.
pub fn workbook_kind(file: &mut File, limit_bytes: u64) -> Result<workbook::Kind, Error> {
    file.rewind()?;
    let head = head(file)?;
    let found = match content(&head) {
        Content::Zip => zip::workbook(file)?,
        _ => None,
    };
    file.rewind()?;
    match found {
        None => Err(Error::Data(
            "it is not a workbook in the format xlsx or ods; save it as xlsx (a workbook with a password and the \
             older xls cannot be read), or correct the format in the contract"
                .to_owned(),
        )),
        Some((_, bytes)) if bytes > limit_bytes => Err(Error::Data(format!(
            "the workbook unpacks to {bytes} bytes, more than {limit_bytes}; if that is expected, raise \
             max_workbook_bytes"
        ))),
        Some((kind, _)) => Ok(kind),
    }
}

/// The layers of a dump, opened from the outermost.
struct Layers<'a> {
    names: Vec<&'static str>,
    bounds: Bounds,
    notes: &'a Notes,
}

impl Layers<'_> {
    fn open_zip(&mut self, file: File, key: &str) -> Result<Box<dyn Read>, Error> {
        self.names.push("zip");
        let (member, name) = zip::only_member(file, self.bounds.window_bytes, self.notes)?;
        if !key.to_ascii_lowercase().ends_with(".zip") {
            self.notes.add(format!("zip archive: its only file `{name}` was read"));
        }
        Ok(bounded(member, "zip", self.bounds))
    }

    /// Opens layers until the content is text, or Parquet if that is expected. `head` are the first bytes of
    /// `reader`, unless it is in a zip archive.
    fn unpack(
        &mut self,
        mut reader: Box<dyn Read>,
        mut head: Vec<u8>,
        takes_parquet: bool,
    ) -> Result<Box<dyn Read>, Error> {
        loop {
            if !self.names.is_empty() {
                (reader, head) = peeked(reader)?;
            }
            let name = match content(&head) {
                Content::Plain => return Ok(reader),
                Content::Parquet if takes_parquet => return Ok(reader),
                Content::Parquet => return Err(unsupported("an Apache Parquet file", PARQUET)),
                Content::Foreign { name, remedy } => return Err(unsupported(name, remedy)),
                Content::Zip => {
                    return Err(unsupported("a zip archive within another container", UNPACK));
                }
                Content::Gzip => "gzip",
                Content::Zstd => "zstd",
                Content::Bzip2 => "bzip2",
                Content::Xz => "xz",
            };
            self.names.push(name);
            let limit = self.bounds.layers;
            if self.names.len() > limit {
                let names = nesting(&self.names);
                return Err(Error::Data(format!(
                    "it is {names}: more than the {limit} nested containers that are unpacked \
                     (max_container_layers); unpack it before it is uploaded"
                )));
            }
            reader = layer(reader, name, &head, self.bounds, self.notes)?;
        }
    }
}

const PARQUET: &str = "set format = \"parquet\" in the contract if the source writes it so";
const UNPACK: &str = "unpack it before it is uploaded";

/// The error for a file that is neither text nor the Parquet of the contract.
fn unsupported(name: &str, remedy: &str) -> Error {
    Error::Data(format!("it is {name}, which is not the format of this contract; {remedy}"))
}

/// The names of nested layers, the innermost first.
fn nesting(names: &[&str]) -> String {
    names.iter().rev().copied().collect::<Vec<_>>().join(" within ")
}

fn layer(
    reader: Box<dyn Read>,
    name: &'static str,
    head: &[u8],
    bounds: Bounds,
    notes: &Notes,
) -> Result<Box<dyn Read>, Error> {
    let buffered = BufReader::with_capacity(bounds.chunk_bytes, reader);
    let unpacked: Box<dyn Read> = match name {
        "gzip" => Box::new(gzip::Members::new(buffered, notes.clone())),
        "bzip2" => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
        "xz" => {
            let memory_bytes = bounds.window_bytes.saturating_add(XZ_OWN_BYTES);
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(memory_bytes, flags);
            let stream = stream.map_err(|error| Error::Storage(error.into()))?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(buffered, stream))
        }
        _ => zstd::reader(buffered, head, bounds.window_bytes, notes)?,
    };
    Ok(bounded(unpacked, name, bounds))
}

fn bounded(inner: Box<dyn Read>, name: &'static str, bounds: Bounds) -> Box<dyn Read> {
    Box::new(Layer { inner, name, bounds, left_bytes: bounds.unpacked_bytes })
}

/// The first bytes of `reader`.
fn head(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD_BYTES);
    reader.take(HEAD_BYTES as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// The same reader, and its first bytes.
fn peeked(mut reader: Box<dyn Read>) -> io::Result<(Box<dyn Read>, Vec<u8>)> {
    let head = head(&mut reader)?;
    Ok((Box::new(Cursor::new(head.clone()).chain(reader)), head))
}

/// One layer: its errors name it, and it returns no more bytes than its limit.
struct Layer {
    inner: Box<dyn Read>,
    name: &'static str,
    bounds: Bounds,
    left_bytes: u64,
}

impl Read for Layer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into).map_err(|error| self.explain(error))?;
        match self.left_bytes.checked_sub(read as u64) {
            Some(left_bytes) => self.left_bytes = left_bytes,
            None => {
                return Err(unreadable(format!(
                    "the {} data unpacks to more than {} bytes; if that is expected, raise \
                     max_unpacked_bytes",
                    self.name, self.bounds.unpacked_bytes
                )));
            }
        }
        Ok(read)
    }
}

impl Layer {
    fn explain(&self, error: io::Error) -> io::Error {
        let inner = error.get_ref();
        if error.kind() == io::ErrorKind::Interrupted
            || inner.is_some_and(|it| it.is::<Unreadable>())
        {
            return error;
        }
        let cause = inner.and_then(|it| it.downcast_ref::<liblzma::stream::Error>());
        if cause == Some(&liblzma::stream::Error::MemLimit) {
            return unreadable(format!(
                "the xz data needs a dictionary of more than {} bytes; pack it with a smaller one \
                 (xz -9 or less), or raise max_window_bytes",
                self.bounds.window_bytes
            ));
        }
        unreadable(broken(self.name, &error))
    }
}

fn broken(name: &str, error: &io::Error) -> String {
    format!(
        "the {name} data is truncated or damaged ({error}); none of the file was ingested. Copy it \
         into the bucket again"
    )
}

/// Why a container cannot be read, for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

fn unreadable(problem: String) -> io::Error {
    io::Error::other(Unreadable(problem))
}

impl From<io::Error> for Error {
    /// [`Error::Data`] if a container explained the error, else [`Error::Storage`].
    fn from(error: io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<Unreadable>()) {
            Some(Unreadable(problem)) => Self::Data(problem.clone()),
            None => Self::Storage(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
