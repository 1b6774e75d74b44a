//! The containers of a dump, recognised by content and not by name.
//!
//! *In*: the bytes of a dump as they are in the bucket. *Out*: the bytes of its records, unpacked
//! while they are read, in bounded memory. *Promise*: what is packed in a way that is read here comes
//! out whole or with an error that names the container, where it is damaged, and what to do; what is
//! no text and no Parquet is refused by its name. Nothing unpacks to more than its limit.

mod gzip;
mod signature;
mod zip;
mod zstd;

use super::{Fetched, ReadError};
use config::settings::Limits;
use signature::{Content, content};
use std::cell::RefCell;
use std::io::{self, BufReader, Cursor, Read, Seek as _};
use std::rc::Rc;

/// Bytes of a file by which its content is known: `tar` has its mark at byte 257.
const HEAD_BYTES: usize = 512;

/// Memory that xz needs beside its dictionary.
const XZ_OWN_BYTES: u64 = 16 << 20;

/// How much unpacking may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Bytes one layer may unpack to.
    unpacked_bytes: u64,
    /// Memory for the window or dictionary of a layer.
    window_bytes: u64,
    /// Containers within each other.
    layers: usize,
    chunk_bytes: usize,
}

impl Bounds {
    pub fn new(limits: &Limits) -> Self {
        Self {
            unpacked_bytes: limits.ingest.max_unpacked_bytes,
            window_bytes: limits.ingest.max_window_bytes,
            layers: limits.ingest.max_container_layers,
            chunk_bytes: limits.ingest.read_chunk_bytes,
        }
    }
}

/// What is remarkable about a dump that was read all the same. Complete when it is read to its end.
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
    /// Whether they are those of the file itself.
    pub is_plain: bool,
}

/// Opens a dump layer by layer, from its beginning; what was appended to its file after its digest was
/// taken is not read. Parquet is refused unless the contract takes it.
pub fn open(
    dump: Fetched,
    takes_parquet: bool,
    bounds: Bounds,
    notes: &Notes,
) -> Result<Opened, ReadError> {
    let place = |error: io::Error| ReadError::Place(error.into());
    let Fetched { mut file, key, size_bytes, .. } = dump;
    file.rewind().map_err(place)?;
    let mut head = head(&mut file).map_err(place)?;
    file.rewind().map_err(place)?;
    let mut names: Vec<&'static str> = Vec::new();
    let mut reader: Box<dyn Read> = if content(&head) == Content::Zip {
        names.push("zip");
        let (member, name) = zip::only_member(file, bounds.window_bytes, notes)?;
        if !key.to_ascii_lowercase().ends_with(".zip") {
            notes.add(format!("it is a zip archive; `{name}`, the only file in it, was read"));
        }
        bounded(member, "zip", bounds)
    } else {
        Box::new(BufReader::with_capacity(bounds.chunk_bytes, file.take(size_bytes)))
    };
    loop {
        if !names.is_empty() {
            (reader, head) = peeked(reader).map_err(content_error)?;
        }
        let name = match content(&head) {
            Content::Plain => break,
            Content::Parquet if takes_parquet => break,
            Content::Parquet => return Err(refused("an Apache Parquet file", PARQUET)),
            Content::Foreign { name, remedy } => return Err(refused(name, remedy)),
            Content::Zip => return Err(refused("a zip archive within another container", UNPACK)),
            Content::Gzip => "gzip",
            Content::Zstd => "zstd",
            Content::Bzip2 => "bzip2",
            Content::Xz => "xz",
        };
        names.push(name);
        if names.len() > bounds.layers {
            let limit = bounds.layers;
            let problem = format!(
                "it is {}: more than the {limit} containers within each other that are unpacked \
                 (max_container_layers); unpack it before it is uploaded",
                within(&names)
            );
            return Err(ReadError::Content(problem));
        }
        reader = layer(reader, name, &head, bounds, notes)?;
    }
    if names.len() > 1 {
        notes.add(format!(
            "it is packed {} times, {}; all were unpacked",
            names.len(),
            within(&names)
        ));
    }
    Ok(Opened { reader, is_plain: names.is_empty() })
}

const PARQUET: &str = "set format = \"parquet\" in the contract if the source writes it so";
const UNPACK: &str = "unpack it before it is uploaded";

/// What is in a file but neither text nor Parquet.
fn refused(name: &str, remedy: &str) -> ReadError {
    ReadError::Content(format!(
        "it is {name}, which cannot be read as this contract's format; {remedy}"
    ))
}

fn within(names: &[&str]) -> String {
    names.iter().rev().copied().collect::<Vec<_>>().join(" within ")
}

fn layer(
    reader: Box<dyn Read>,
    name: &'static str,
    head: &[u8],
    bounds: Bounds,
    notes: &Notes,
) -> Result<Box<dyn Read>, ReadError> {
    let place = |error: io::Error| ReadError::Place(error.into());
    let buffered = BufReader::with_capacity(bounds.chunk_bytes, reader);
    let unpacked: Box<dyn Read> = match name {
        "gzip" => Box::new(gzip::Members::new(buffered, notes.clone())),
        "bzip2" => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered)),
        "xz" => {
            let memory_bytes = bounds.window_bytes.saturating_add(XZ_OWN_BYTES);
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(memory_bytes, flags);
            let stream = stream.map_err(|error| ReadError::Place(error.into()))?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(buffered, stream))
        }
        _ => zstd::reader(buffered, head, bounds.window_bytes, notes).map_err(place)?,
    };
    Ok(bounded(unpacked, name, bounds))
}

fn bounded(inner: Box<dyn Read>, name: &'static str, bounds: Bounds) -> Box<dyn Read> {
    Box::new(Layer { inner, name, bounds, left_bytes: bounds.unpacked_bytes })
}

/// The first bytes of what `reader` gives.
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

/// One layer: its errors name it, and it gives no more than its limit.
struct Layer {
    inner: Box<dyn Read>,
    name: &'static str,
    bounds: Bounds,
    left_bytes: u64,
}

impl Read for Layer {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into).map_err(|error| self.explained(error))?;
        match self.left_bytes.checked_sub(read as u64) {
            Some(left_bytes) => self.left_bytes = left_bytes,
            None => {
                return Err(unreadable(format!(
                    "the {} data unpacks to more than {} bytes; if that is right, raise \
                     max_unpacked_bytes",
                    self.name, self.bounds.unpacked_bytes
                )));
            }
        }
        Ok(read)
    }
}

impl Layer {
    fn explained(&self, error: io::Error) -> io::Error {
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
        "the {name} data ends early or is damaged ({error}); nothing of the file was taken. Copy it \
         into the bucket again"
    )
}

/// What is wrong with the bytes of a container, in words for people.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreadable(String);

fn unreadable(problem: String) -> io::Error {
    io::Error::other(Unreadable(problem))
}

/// An error met while reading: of the content if a layer explained it, else of the place.
pub fn content_error(error: io::Error) -> ReadError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Unreadable>()) {
        Some(Unreadable(problem)) => ReadError::Content(problem.clone()),
        None => ReadError::Place(error.into()),
    }
}

#[cfg(test)]
mod tests;
