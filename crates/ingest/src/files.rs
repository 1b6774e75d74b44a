//! Files as a source: which dumps lie in the bucket, their bytes, and the records in them.

mod container;
pub mod listing;
mod path_columns;

use super::decode::{self, DecodeError, Decoder};
use anyhow::Context as _;
use batches::batch::{Batch, BatchBuilder};
use batches::digest::PrefixDigest;
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use config::location::Location;
use config::settings::Limits;
use container::{Bounds, Notes, Opened, content_error};
use futures::TryStreamExt as _;
use listing::Object;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use path_columns::PathColumns;
use plant::columns::FileColumns;
use plant::contract::{Contract, Format};
use plant::pattern::Pattern;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// A dump as the listing shows it.
#[derive(Debug, Clone)]
pub struct Found {
    pub contract: Arc<Contract>,
    pub key: String,
    pub size_bytes: i64,
    pub etag: Option<String>,
    pub modified_at: DateTime<Utc>,
    /// Time the dump's name carries, in the plant's zone.
    pub dumped_at: Option<DateTime<Utc>>,
}

impl Found {
    /// The table the dump is for, and its key. One dump may be for several tables.
    pub fn place(&self) -> (String, String) {
        (self.contract.table.clone(), self.key.clone())
    }
}

/// Why a dump did not land.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The bytes are not what the contract says; reading them again helps nothing.
    #[error("{0}")]
    Content(String),
    /// The bytes could not be had; trying again may help.
    #[error("{0:#}")]
    Place(anyhow::Error),
    /// Nobody takes the records any more.
    #[error("reading was stopped")]
    Stopped,
}

impl From<DecodeError> for ReadError {
    fn from(error: DecodeError) -> Self {
        Self::Content(error.to_string())
    }
}

/// Lists the dumps of all contracts, oldest first. Names that cannot be dumps although they lie where
/// dumps are expected are noted in `bucket.skipped`.
pub async fn list(
    bucket: &Location,
    contracts: &[Arc<Contract>],
    zone: Tz,
) -> anyhow::Result<Vec<Found>> {
    let mut folders: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    let mut found: BTreeMap<(String, String), Found> = BTreeMap::new();
    for contract in contracts {
        for pattern in &contract.paths {
            let folder = pattern.prefix().to_owned();
            if !folders.contains_key(&folder) {
                folders.insert(folder.clone(), listing::objects(bucket, &folder).await?);
            }
            for object in &folders[&folder] {
                let Some(hit) = pattern.matches(&object.key) else {
                    note_hidden(bucket, pattern, object);
                    continue;
                };
                if object.size_bytes < hit.size_bytes_min {
                    continue;
                }
                let dumped_at = hit.dumped_on.and_then(|at| in_zone(at, zone));
                let dump = found_dump(contract, object, dumped_at);
                found.insert((contract.table.clone(), object.key.clone()), dump);
            }
        }
    }
    let mut found: Vec<Found> = found.into_values().collect();
    found.sort_by(|left, right| {
        let order = |it: &Found| (it.dumped_at, it.modified_at, it.key.clone());
        order(left).cmp(&order(right))
    });
    Ok(found)
}

/// Files that tools of the Hadoop family put beside data.
const MARKERS: [&str; 3] = ["_SUCCESS", "_metadata", "_common_metadata"];

/// Notes a file that would be a dump but for the `_` its own name begins with: unlike names with a dot
/// and what lies in folders such as `_temporary`, it may well have been meant.
fn note_hidden(bucket: &Location, pattern: &Pattern, object: &Object) {
    let name = object.key.rsplit('/').next().unwrap_or_default();
    let is_marker = MARKERS.contains(&name)
        || ["_committed_", "_started_"].iter().any(|start| name.starts_with(start));
    if object.size_bytes > 0 && name.starts_with('_') && !is_marker && pattern.hides(&object.key) {
        let reason = format!(
            "matches `{pattern}`, but a name that begins with _ is no dump; write the _ into the path \
             of the contract if it is one"
        );
        bucket.skipped.add(&object.key, reason);
    }
}

fn found_dump(
    contract: &Arc<Contract>,
    object: &Object,
    dumped_at: Option<DateTime<Utc>>,
) -> Found {
    let modified_ms = object.modified_at.timestamp_millis();
    Found {
        contract: contract.clone(),
        key: object.key.clone(),
        size_bytes: i64::try_from(object.size_bytes).unwrap_or(i64::MAX),
        etag: object.etag.clone(),
        modified_at: DateTime::from_timestamp_millis(modified_ms).unwrap_or(object.modified_at),
        dumped_at,
    }
}

fn in_zone(at: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&at) {
        LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => Some(at.to_utc()),
        LocalResult::None => Some(Utc.from_utc_datetime(&at)),
    }
}

/// A dump's bytes on this machine.
#[derive(Debug)]
pub struct Fetched {
    file: File,
    key: String,
    /// SHA-256 of the bytes as they lie in the bucket, in hexadecimal digits.
    pub sha256: String,
    pub size_bytes: u64,
    /// SHA-256 of as many first bytes as were asked for, if there are so many.
    pub prefix_sha256: Option<String>,
}

impl Fetched {
    fn new(key: &str, mut file: File, digest: PrefixDigest) -> io::Result<Self> {
        file.rewind()?;
        let size_bytes = digest.size_bytes();
        let (sha256, prefix_sha256) = digest.finish();
        let key = key.to_owned();
        Ok(Self { file, key, sha256, size_bytes, prefix_sha256 })
    }

    /// The same bytes once more. Both share their position in the file.
    fn try_clone(&self) -> io::Result<Self> {
        let (sha256, prefix_sha256) = (self.sha256.clone(), self.prefix_sha256.clone());
        let (file, key) = (self.file.try_clone()?, self.key.clone());
        Ok(Self { file, key, sha256, size_bytes: self.size_bytes, prefix_sha256 })
    }
}

/// Brings a dump's bytes onto this machine, if they are not there, and takes their fingerprint and
/// that of the first `prefix_bytes`.
pub async fn fetch(
    bucket: &Location,
    found: &Found,
    prefix_bytes: Option<u64>,
) -> Result<Fetched, ReadError> {
    let fetched = match &bucket.folder {
        Some(folder) => {
            let (path, key) = (folder.join(&found.key), found.key.clone());
            tokio::task::spawn_blocking(move || fetch_local(&key, &path, prefix_bytes))
                .await
                .map_err(|error| ReadError::Place(error.into()))?
        }
        None => fetch_remote(bucket, &found.key, prefix_bytes).await,
    };
    fetched.with_context(|| format!("fetching {}", found.key)).map_err(ReadError::Place)
}

fn fetch_local(key: &str, path: &Path, prefix_bytes: Option<u64>) -> anyhow::Result<Fetched> {
    let mut file = File::open(path)?;
    let mut digest = PrefixDigest::new(prefix_bytes);
    io::copy(&mut BufReader::with_capacity(1 << 16, &mut file), &mut digest)?;
    Ok(Fetched::new(key, file, digest)?)
}

async fn fetch_remote(
    bucket: &Location,
    key: &str,
    prefix_bytes: Option<u64>,
) -> anyhow::Result<Fetched> {
    let mut file = tempfile::tempfile()?;
    let mut digest = PrefixDigest::new(prefix_bytes);
    let mut bytes = bucket.store().get(&Key::parse(key)?).await?.into_stream();
    while let Some(bytes) = bytes.try_next().await? {
        digest.update(&bytes);
        file.write_all(&bytes)?;
    }
    Ok(Fetched::new(key, file, digest)?)
}

/// What decoding a dump came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    pub records: i64,
    /// Its columns; `None` for formats that fix them, and where no record shows them.
    pub columns: Option<FileColumns>,
    /// Lines and records that were passed over as the contract says.
    pub skipped_lines: u64,
    /// What is remarkable about the file although it was read, as whole sentences without a period.
    pub notes: Vec<String>,
}

/// Decodes a dump and hands its records over in batches. A file of 0 bytes holds no record, whatever
/// its format. Blocks.
pub fn decode(
    fetched: Fetched,
    contract: &Contract,
    limits: &Limits,
    out: &Sender<Batch>,
) -> Result<Decoded, ReadError> {
    if fetched.size_bytes == 0 {
        return Ok(Decoded::default());
    }
    let path_columns = PathColumns::new(contract, &fetched.key);
    let contract = path_columns.of_records(contract);
    let work = Work { contract: &contract, limits, out, path_columns: &path_columns };
    match contract.format {
        Format::Parquet => work.parquet(fetched),
        _ => work.text(fetched),
    }
}

/// What decoding a dump works with.
struct Work<'a> {
    /// The columns that are in the records.
    contract: &'a Contract,
    limits: &'a Limits,
    out: &'a Sender<Batch>,
    path_columns: &'a PathColumns,
}

impl Work<'_> {
    fn text(&self, fetched: Fetched) -> Result<Decoded, ReadError> {
        let bounds = Bounds::new(self.limits);
        let decode_limits = decode::Limits {
            max_record_bytes: self.limits.ingest.max_record_bytes,
            kept_faulty_bytes: self.limits.ingest.kept_faulty_bytes,
            probe_bytes: self.limits.ingest.probe_bytes,
        };
        let mut decoder = Decoder::new(self.contract, decode_limits)?;
        let mut records = BatchBuilder::new(self.contract.columns.len());
        let mut chunk = vec![0; self.limits.ingest.read_chunk_bytes];
        let place = |error: io::Error| ReadError::Place(error.into());
        if decoder.wants_preview() {
            let copy = fetched.try_clone().map_err(place)?;
            let opened = container::open(copy, false, bounds, &Notes::default())?;
            preview(&mut decoder, opened, &mut chunk)?;
        }
        let notes = Notes::default();
        let mut opened = container::open(fetched, false, bounds, &notes)?;
        loop {
            let read = opened.reader.read(&mut chunk).map_err(content_error)?;
            if read == 0 {
                break;
            }
            decoder.feed(&chunk[..read], &mut records)?;
            if self.is_full(&records) {
                self.hand_over(&mut records)?;
            }
        }
        decoder.finish(&mut records)?;
        self.hand_over(&mut records)?;
        let decode::Summary { skipped_lines, notes: found } = decoder.summary();
        let notes = notes.take().into_iter().chain(found).collect();
        let records = records.records();
        let is_unread = decoder.unread_bytes() > self.limits.ingest.empty_file_bytes;
        if records == 0 && skipped_lines == 0 && is_unread {
            return Err(ReadError::Content(nothing_in(decoder.unread_bytes())));
        }
        Ok(Decoded { records, columns: decoder.columns(), skipped_lines, notes })
    }

    fn is_full(&self, records: &BatchBuilder) -> bool {
        records.pending() >= self.limits.lake.batch_rows
            || records.size_bytes() >= self.limits.ingest.read_chunk_bytes
    }

    fn hand_over(&self, records: &mut BatchBuilder) -> Result<(), ReadError> {
        if records.pending() == 0 {
            return Ok(());
        }
        self.send(records.take())
    }

    fn send(&self, batch: Batch) -> Result<(), ReadError> {
        let batch = self.path_columns.complete(batch);
        self.out.blocking_send(batch).map_err(|_closed| ReadError::Stopped)
    }

    fn parquet(&self, fetched: Fetched) -> Result<Decoded, ReadError> {
        let (bounds, notes) = (Bounds::new(self.limits), Notes::default());
        let whole = fetched.file.try_clone().map_err(|error| ReadError::Place(error.into()))?;
        let opened = container::open(fetched, true, bounds, &notes)?;
        let file = if opened.is_plain { whole } else { unpacked(opened)? };
        let batches = decode::parquet::decode(self.contract, file, self.limits.lake.batch_rows)?;
        let columns = Some(batches.columns());
        let mut records = 0;
        for batch in batches {
            let batch = batch?;
            records += i64::try_from(batch.len()).unwrap_or(i64::MAX);
            self.send(batch)?;
        }
        Ok(Decoded { records, columns, notes: notes.take(), ..Decoded::default() })
    }
}

fn nothing_in(size_bytes: u64) -> String {
    format!(
        "no record was found in its {size_bytes} bytes; check format, encoding and delimiter in the \
         contract, and whether the file is what the source meant to write"
    )
}

/// Reads a dump to its end for what its records need that is behind them.
fn preview(decoder: &mut Decoder, mut opened: Opened, chunk: &mut [u8]) -> Result<(), ReadError> {
    loop {
        let read = opened.reader.read(chunk).map_err(content_error)?;
        if read == 0 {
            break;
        }
        decoder.preview(&chunk[..read])?;
    }
    Ok(decoder.end_preview()?)
}

/// The unpacked bytes as a file, for formats that are read from their end.
fn unpacked(mut opened: Opened) -> Result<File, ReadError> {
    let place = |error: io::Error| ReadError::Place(error.into());
    let mut plain = tempfile::tempfile().map_err(place)?;
    io::copy(&mut opened.reader, &mut plain).map_err(content_error)?;
    plain.rewind().map_err(place)?;
    Ok(plain)
}

#[cfg(test)]
mod tests;
