//! Dumps: lists those of the bucket, fetches their bytes, and decodes their records.

mod container;
pub mod listing;
mod markers;
mod path_columns;

use super::Error;
use super::decode::copy_text::CopyRows;
use super::decode::{self, DecodeLimits, Decoder};
use anyhow::{Context as _, bail};
use batches::batch::{Batch, BatchBuilder};
use batches::digest::PrefixDigest;
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use config::location::Location;
use config::settings::Limits;
use container::{Bounds, Notes};
use futures::TryStreamExt as _;
use listing::Object;
use markers::Markers;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use path_columns::PathColumns;
use plant::columns::FileColumns;
use plant::contract::{Contract, Format};
use plant::pattern::Pattern;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read, Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// A dump in the listing of the bucket.
#[derive(Debug, Clone)]
pub struct ListedDump {
    pub contract: Arc<Contract>,
    pub key: String,
    pub size_bytes: i64,
    pub etag: Option<String>,
    pub modified_at: DateTime<Utc>,
    /// The time in the dump's name, which is in the plant's time zone.
    pub dumped_at: Option<DateTime<Utc>>,
}

impl ListedDump {
    /// The table of the dump, and its key. One file may be a dump of several tables.
    pub fn table_and_key(&self) -> (String, String) {
        (self.contract.table.clone(), self.key.clone())
    }
}

/// Lists the dumps of all contracts, oldest first. A dump that has to be marked as complete is not listed before. Names that cannot be dumps although they are where
/// dumps are expected are recorded in `bucket.skipped`.
///
/// # Errors
/// [`Error::NotFound`] if the bucket does not exist, [`Error::Storage`] if it cannot be listed.
pub async fn list(
    bucket: &Location,
    contracts: &[Arc<Contract>],
    zone: Tz,
) -> Result<Vec<ListedDump>, Error> {
    let mut folders: BTreeMap<String, Vec<Object>> = BTreeMap::new();
    let mut found: BTreeMap<(String, String), ListedDump> = BTreeMap::new();
    for contract in contracts {
        for pattern in &contract.paths {
            let folder = pattern.prefix().to_owned();
            if !folders.contains_key(&folder) {
                folders.insert(folder.clone(), listing::objects(bucket, &folder).await?);
            }
            let markers = Markers::new(contract, &folders[&folder]);
            for object in &folders[&folder] {
                let Some(hit) = pattern.matches(&object.key) else {
                    record_hidden(bucket, pattern, object);
                    continue;
                };
                if object.size_bytes < hit.size_bytes_min || !markers.complete(object) {
                    continue;
                }
                let dumped_at = hit.dumped_on.and_then(|at| in_zone(at, zone));
                let dump = found_dump(contract, object, dumped_at);
                found.insert((contract.table.clone(), object.key.clone()), dump);
            }
        }
    }
    let mut found: Vec<ListedDump> = found.into_values().collect();
    found.sort_by(|left, right| {
        let order = |it: &ListedDump| (it.dumped_at, it.modified_at, it.key.clone());
        order(left).cmp(&order(right))
    });
    Ok(found)
}

/// Marker files of the Hadoop tools.
const MARKERS: [&str; 3] = ["_SUCCESS", "_metadata", "_common_metadata"];

/// Records a file that would be a dump if its name did not start with `_`. Unlike names with a dot and
/// files in folders such as `_temporary`, it may be meant as one.
fn record_hidden(bucket: &Location, pattern: &Pattern, object: &Object) {
    let name = object.key.rsplit('/').next().unwrap_or_default();
    let is_marker = MARKERS.contains(&name)
        || ["_committed_", "_started_"].iter().any(|start| name.starts_with(start));
    if object.size_bytes > 0 && name.starts_with('_') && !is_marker && pattern.hides(&object.key) {
        let reason = format!(
            "matches `{pattern}`, but names that start with _ are not read as dumps; if it is one, write the _ \
             into the path of the contract"
        );
        bucket.skipped.add(&object.key, reason);
    }
}

fn found_dump(
    contract: &Arc<Contract>,
    object: &Object,
    dumped_at: Option<DateTime<Utc>>,
) -> ListedDump {
    let modified_ms = object.modified_at.timestamp_millis();
    ListedDump {
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
    /// SHA-256 of the bytes as in the bucket, in hexadecimal.
    pub sha256: String,
    pub size_bytes: u64,
    /// SHA-256 of the requested number of first bytes, if there are as many.
    pub prefix_sha256: Option<String>,
}

impl Fetched {
    /// The bytes in `file`, whose digest is `digest`.
    pub(crate) fn new(key: &str, mut file: File, digest: PrefixDigest) -> io::Result<Self> {
        file.rewind()?;
        let size_bytes = digest.size_bytes();
        let (sha256, prefix_sha256) = digest.finish();
        let key = key.to_owned();
        Ok(Self { file, key, sha256, size_bytes, prefix_sha256 })
    }

    /// The same bytes to be read once more, from their beginning. Only one of the two may be read at a time.
    pub(crate) fn again(&self) -> io::Result<Self> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        let (key, sha256) = (self.key.clone(), self.sha256.clone());
        let (size_bytes, prefix_sha256) = (self.size_bytes, self.prefix_sha256.clone());
        Ok(Self { file, key, sha256, size_bytes, prefix_sha256 })
    }

    /// The bytes, from the current position.
    pub(crate) fn into_file(self) -> File {
        self.file
    }
}

/// Copies a dump to this machine unless it is here, and computes the SHA-256 of its bytes and of the first
/// `prefix_bytes`.
pub async fn fetch(
    bucket: &Location,
    found: &ListedDump,
    prefix_bytes: Option<u64>,
) -> Result<Fetched, Error> {
    let fetched = match &bucket.folder {
        Some(folder) => {
            let (path, key) = (folder.join(&found.key), found.key.clone());
            tokio::task::spawn_blocking(move || fetch_local(&key, &path, prefix_bytes))
                .await
                .map_err(|error| Error::Storage(error.into()))?
        }
        None => fetch_remote(bucket, found, prefix_bytes).await,
    };
    fetched.with_context(|| format!("fetching {}", found.key)).map_err(Error::Storage)
}

fn fetch_local(key: &str, path: &Path, prefix_bytes: Option<u64>) -> anyhow::Result<Fetched> {
    let mut file = File::open(path)?;
    let mut digest = PrefixDigest::new(prefix_bytes);
    io::copy(&mut BufReader::with_capacity(1 << 16, &mut file), &mut digest)?;
    Ok(Fetched::new(key, file, digest)?)
}

async fn fetch_remote(
    bucket: &Location,
    found: &ListedDump,
    prefix_bytes: Option<u64>,
) -> anyhow::Result<Fetched> {
    let key = found.key.as_str();
    let mut file = tempfile::tempfile()?;
    let mut digest = PrefixDigest::new(prefix_bytes);
    let mut bytes = bucket.store().get(&Key::parse(key)?).await?.into_stream();
    while let Some(bytes) = bytes.try_next().await? {
        digest.update(&bytes);
        file.write_all(&bytes)?;
    }
    let fetched = Fetched::new(key, file, digest)?;
    let (read, listed) = (fetched.size_bytes, found.size_bytes);
    if bucket.is_file_server && i64::try_from(read).is_ok_and(|read| read != listed) {
        bail!(
            "it has changed from {listed} to {read} bytes since it was listed; the next round reads it"
        );
    }
    Ok(fetched)
}

/// The result of decoding a dump.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    pub records: i64,
    /// Its columns; `None` for formats without names, and if there is no record.
    pub columns: Option<FileColumns>,
    /// Lines and records that were skipped by the rules of the contract.
    pub skipped_lines: u64,
    /// Peculiarities of the file, as sentences without a period.
    pub notes: Vec<String>,
}

/// Decodes a dump and sends its records in batches. A file of 0 bytes has no records in any format. Blocks.
///
/// # Errors
/// [`Error::Data`] if the file does not follow the contract, [`Error::Storage`] if it cannot be read, and
/// [`Error::Stopped`] if the receiver of the batches is closed.
pub fn decode(
    fetched: Fetched,
    contract: &Contract,
    limits: &Limits,
    out: &Sender<Batch>,
) -> Result<Decoded, Error> {
    if fetched.size_bytes == 0 {
        return Ok(Decoded::default());
    }
    let path_columns = PathColumns::new(contract, &fetched.key);
    let contract = path_columns.contract_of_records(contract);
    let reader = DumpReader { contract: &contract, limits, out, path_columns: &path_columns };
    match contract.format {
        Format::Parquet => reader.parquet(fetched),
        Format::Workbook { .. } => reader.workbook(fetched),
        Format::CopyText => reader.copy_text(fetched),
        _ => reader.text(fetched),
    }
}

/// The decoding of one dump.
struct DumpReader<'a> {
    /// The contract with the columns that are in the records.
    contract: &'a Contract,
    limits: &'a Limits,
    out: &'a Sender<Batch>,
    path_columns: &'a PathColumns,
}

impl DumpReader<'_> {
    fn text(&self, fetched: Fetched) -> Result<Decoded, Error> {
        let mut decoder = Decoder::new(self.contract, decode_limits(self.limits))?;
        let notes = Notes::default();
        let mut chunk = vec![0; self.limits.ingest.read_chunk_bytes];
        let mut reader = if decoder.wants_preview() {
            self.previewed(fetched, &notes, &mut decoder, &mut chunk)?
        } else {
            container::open(fetched, false, Bounds::new(self.limits), &notes)?.reader
        };
        let records = self.read_records(&mut reader, &mut decoder, &mut chunk)?;
        let decode::Summary { skipped_lines, notes: found } = decoder.summary();
        let notes = notes.take().into_iter().chain(found).collect();
        let is_unread = decoder.unread_bytes() > self.limits.ingest.empty_file_bytes;
        if records == 0 && skipped_lines == 0 && is_unread {
            return Err(Error::Data(no_records(decoder.unread_bytes())));
        }
        Ok(Decoded { records, columns: decoder.columns(), skipped_lines, notes })
    }

    /// Reads a dump to its end for values that its records need and that may follow them. Returns a
    /// reader that starts again. A packed dump is unpacked once, into a temporary file.
    fn previewed(
        &self,
        fetched: Fetched,
        notes: &Notes,
        decoder: &mut Decoder,
        chunk: &mut [u8],
    ) -> Result<Box<dyn Read>, Error> {
        let (mut file, size_bytes) = self.plain_file(fetched, false, notes)?;
        file.rewind()?;
        let mut reader = (&file).take(size_bytes);
        loop {
            let read = reader.read(chunk)?;
            if read == 0 {
                break;
            }
            decoder.preview(&chunk[..read])?;
        }
        decoder.end_preview()?;
        file.rewind()?;
        Ok(Box::new(file.take(size_bytes)))
    }

    /// The unpacked bytes of a dump as a file, and their number.
    fn plain_file(
        &self,
        fetched: Fetched,
        takes_parquet: bool,
        notes: &Notes,
    ) -> Result<(File, u64), Error> {
        let (whole, size_bytes) = (fetched.file.try_clone()?, fetched.size_bytes);
        let mut opened = container::open(fetched, takes_parquet, Bounds::new(self.limits), notes)?;
        if opened.is_plain {
            return Ok((whole, size_bytes));
        }
        let mut plain = tempfile::tempfile()?;
        let size_bytes = io::copy(&mut opened.reader, &mut plain)?;
        Ok((plain, size_bytes))
    }

    /// Decodes everything that `reader` returns, and returns the number of records.
    fn read_records(
        &self,
        reader: &mut dyn Read,
        decoder: &mut Decoder,
        chunk: &mut [u8],
    ) -> Result<i64, Error> {
        let mut records = BatchBuilder::new(self.contract.columns.len());
        loop {
            let read = reader.read(chunk)?;
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
        Ok(records.records())
    }

    fn is_full(&self, records: &BatchBuilder) -> bool {
        records.pending() >= self.limits.lake.batch_rows
            || records.size_bytes() >= self.limits.ingest.read_chunk_bytes
    }

    fn hand_over(&self, records: &mut BatchBuilder) -> Result<(), Error> {
        if records.pending() == 0 {
            return Ok(());
        }
        self.send(records.take())
    }

    fn send(&self, batch: Batch) -> Result<(), Error> {
        let batch = self.path_columns.complete(batch);
        self.out.blocking_send(batch).map_err(|_closed| Error::Stopped)
    }

    fn parquet(&self, fetched: Fetched) -> Result<Decoded, Error> {
        let notes = Notes::default();
        let (file, _) = self.plain_file(fetched, true, &notes)?;
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

    fn copy_text(&self, fetched: Fetched) -> Result<Decoded, Error> {
        let mut reader =
            BufReader::with_capacity(self.limits.ingest.read_chunk_bytes, fetched.file);
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        let mut rows = CopyRows::new(self.contract, &line, decode_limits(self.limits))?;
        let mut records = BatchBuilder::new(self.contract.columns.len());
        loop {
            line.clear();
            if reader.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            rows.read(&line, &mut records);
            if self.is_full(&records) {
                self.hand_over(&mut records)?;
            }
        }
        self.hand_over(&mut records)?;
        Ok(Decoded {
            records: records.records(),
            columns: Some(rows.columns()),
            ..Decoded::default()
        })
    }

    fn workbook(&self, fetched: Fetched) -> Result<Decoded, Error> {
        let mut file = fetched.file;
        let kind = container::workbook_kind(&mut file, self.limits.ingest.max_workbook_bytes)?;
        let mut is_stopped = false;
        let mut receive = |batch: Batch| {
            is_stopped = self.send(batch).is_err();
            !is_stopped
        };
        let (rows, file) = (self.limits.lake.batch_rows, BufReader::new(file));
        let sheet = decode::workbook::decode(self.contract, kind, file, rows, &mut receive)?;
        if is_stopped {
            return Err(Error::Stopped);
        }
        let decode::workbook::Sheets { records, columns, notes } = sheet;
        Ok(Decoded { records, columns, notes, ..Decoded::default() })
    }
}

/// The limits of a decoder.
pub(crate) fn decode_limits(limits: &Limits) -> DecodeLimits {
    DecodeLimits {
        max_record_bytes: limits.ingest.max_record_bytes,
        kept_faulty_bytes: limits.ingest.kept_faulty_bytes,
        probe_bytes: limits.ingest.probe_bytes,
    }
}

fn no_records(size_bytes: u64) -> String {
    format!(
        "no record was found in its {size_bytes} bytes; check format, encoding and delimiter in the \
         contract, and whether the source has written the right file"
    )
}

#[cfg(test)]
mod tests;
