//! Files as a source: which dumps lie in the bucket, their bytes, and the records in them.

use super::decode::{self, DecodeError, Decoder};
use crate::batch::{Batch, BatchBuilder};
use crate::config::location::Location;
use crate::config::settings::Limits;
use crate::digest::Fingerprint;
use anyhow::{Context as _, anyhow};
use chrono::{DateTime, LocalResult, NaiveDateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};
use plant::columns::FileColumns;
use plant::contract::{Contract, Format};
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

/// Lists the dumps of all contracts, oldest first.
pub async fn list(
    bucket: &Location,
    contracts: &[Arc<Contract>],
    zone: Tz,
) -> anyhow::Result<Vec<Found>> {
    let store = bucket.store();
    let mut folders: BTreeMap<String, Vec<ObjectMeta>> = BTreeMap::new();
    let mut found: BTreeMap<(String, String), Found> = BTreeMap::new();
    for contract in contracts {
        for pattern in &contract.paths {
            let folder = pattern.prefix().to_owned();
            if !folders.contains_key(&folder) {
                let objects = list_folder(store.as_ref(), &folder).await;
                let objects = objects.with_context(|| {
                    format!("the bucket {} cannot be listed at `{folder}`", bucket.name)
                })?;
                folders.insert(folder.clone(), objects);
            }
            for object in &folders[&folder] {
                let key = object.location.to_string();
                let Some(hit) = pattern.matches(&key) else { continue };
                let dumped_at = hit.dumped_on.and_then(|at| in_zone(at, zone));
                let dump = found_dump(contract, object, key.clone(), dumped_at);
                found.insert((contract.table.clone(), key), dump);
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

fn found_dump(
    contract: &Arc<Contract>,
    object: &ObjectMeta,
    key: String,
    dumped_at: Option<DateTime<Utc>>,
) -> Found {
    let modified_ms = object.last_modified.timestamp_millis();
    Found {
        contract: contract.clone(),
        key,
        size_bytes: i64::try_from(object.size).unwrap_or(i64::MAX),
        etag: object.e_tag.clone(),
        modified_at: DateTime::from_timestamp_millis(modified_ms).unwrap_or(object.last_modified),
        dumped_at,
    }
}

async fn list_folder(
    store: &dyn ObjectStore,
    folder: &str,
) -> object_store::Result<Vec<ObjectMeta>> {
    let prefix = Key::from(folder);
    let prefix = Some(&prefix).filter(|_| !folder.is_empty());
    match store.list(prefix).try_collect().await {
        Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
        listed => listed,
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
    /// SHA-256 of the bytes as they lie in the bucket, in hexadecimal digits.
    pub sha256: String,
}

/// Brings a dump's bytes onto this machine, if they are not there, and takes their fingerprint.
pub async fn fetch(bucket: &Location, found: &Found) -> Result<Fetched, ReadError> {
    let key = Key::from(found.key.as_str());
    let fetched = match &bucket.folder {
        Some(folder) => {
            let path = folder.join(&found.key);
            tokio::task::spawn_blocking(move || fetch_local(&path))
                .await
                .map_err(|error| ReadError::Place(error.into()))?
        }
        None => fetch_remote(bucket, &key).await,
    };
    fetched.with_context(|| format!("fetching {}", found.key)).map_err(ReadError::Place)
}

fn fetch_local(path: &Path) -> anyhow::Result<Fetched> {
    let mut file = File::open(path)?;
    let mut hasher = Fingerprint::default();
    io::copy(&mut BufReader::with_capacity(1 << 16, &mut file), &mut hasher)?;
    file.rewind()?;
    Ok(Fetched { file, sha256: hasher.finish() })
}

async fn fetch_remote(bucket: &Location, key: &Key) -> anyhow::Result<Fetched> {
    let mut file = tempfile::tempfile()?;
    let mut hasher = Fingerprint::default();
    let mut bytes = bucket.store().get(key).await?.into_stream();
    while let Some(bytes) = bytes.try_next().await? {
        hasher.update(&bytes);
        file.write_all(&bytes)?;
    }
    file.rewind()?;
    Ok(Fetched { file, sha256: hasher.finish() })
}

/// What a dump held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    pub records: i64,
    /// Its columns; `None` for formats that fix them, and where no record shows them.
    pub columns: Option<FileColumns>,
}

/// Decodes a dump and hands its records over in batches. Blocks.
pub fn decode(
    fetched: Fetched,
    contract: &Contract,
    limits: &Limits,
    out: &Sender<Batch>,
) -> Result<Decoded, ReadError> {
    let mut file = fetched.file;
    let compression = compression(&mut file).map_err(|error| ReadError::Place(error.into()))?;
    if contract.format == Format::Parquet {
        return decode_parquet(plain_file(file, compression)?, contract, limits, out);
    }
    let mut reader = plain_reader(file, compression)?;
    let decode_limits = decode::Limits {
        max_record_bytes: limits.size("max_record_bytes"),
        kept_faulty_bytes: limits.size("kept_faulty_bytes"),
    };
    let mut decoder = Decoder::new(contract, decode_limits)?;
    let mut records = BatchBuilder::new(contract.columns.len());
    let mut chunk = vec![0; limits.size("read_chunk_bytes")];
    let is_full = |records: &BatchBuilder| {
        records.pending() >= limits.size("batch_rows")
            || records.size_bytes() >= limits.size("read_chunk_bytes")
    };
    loop {
        let read = read_chunk(reader.as_mut(), &mut chunk, compression)?;
        if read == 0 {
            break;
        }
        decoder.feed(&chunk[..read], &mut records)?;
        if is_full(&records) {
            hand_over(&mut records, out)?;
        }
    }
    decoder.finish(&mut records)?;
    hand_over(&mut records, out)?;
    let records = records.records();
    if records == 0 && decoder.unread_bytes() > limits.get("empty_file_bytes") {
        return Err(ReadError::Content(nothing_in(decoder.unread_bytes())));
    }
    Ok(Decoded { records, columns: decoder.columns() })
}

fn nothing_in(size_bytes: u64) -> String {
    format!(
        "no record was found in its {size_bytes} bytes; check format, encoding and delimiter in the \
         contract, and whether the file is what the source meant to write"
    )
}

fn hand_over(records: &mut BatchBuilder, out: &Sender<Batch>) -> Result<(), ReadError> {
    if records.pending() == 0 {
        return Ok(());
    }
    out.blocking_send(records.take()).map_err(|_closed| ReadError::Stopped)
}

fn decode_parquet(
    file: File,
    contract: &Contract,
    limits: &Limits,
    out: &Sender<Batch>,
) -> Result<Decoded, ReadError> {
    let mut records = 0;
    let batches = decode::parquet::decode(contract, file, limits.size("batch_rows"))?;
    let columns = Some(batches.columns());
    for batch in batches {
        let batch = batch?;
        records += i64::try_from(batch.len()).unwrap_or(i64::MAX);
        out.blocking_send(batch).map_err(|_closed| ReadError::Stopped)?;
    }
    Ok(Decoded { records, columns })
}

/// How a dump is compressed, by its first bytes, whatever its name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

fn compression(file: &mut File) -> io::Result<Compression> {
    let mut start = Vec::with_capacity(4);
    Read::by_ref(file).take(4).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(match start.as_slice() {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
        _ => Compression::None,
    })
}

fn plain_reader(file: File, compression: Compression) -> Result<Box<dyn Read>, ReadError> {
    Ok(match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file))),
        Compression::Zstd => {
            let reader = zstd::stream::read::Decoder::new(file);
            Box::new(reader.map_err(|error| ReadError::Place(error.into()))?)
        }
    })
}

fn plain_file(file: File, compression: Compression) -> Result<File, ReadError> {
    if compression == Compression::None {
        return Ok(file);
    }
    let failed = |error: io::Error| ReadError::Content(broken(compression, &error));
    let mut plain = tempfile::tempfile().map_err(|error| ReadError::Place(error.into()))?;
    io::copy(&mut plain_reader(file, compression)?, &mut plain).map_err(failed)?;
    plain.rewind().map_err(|error| ReadError::Place(error.into()))?;
    Ok(plain)
}

fn read_chunk(
    reader: &mut dyn Read,
    chunk: &mut [u8],
    compression: Compression,
) -> Result<usize, ReadError> {
    reader.read(chunk).map_err(|error| match compression {
        Compression::None => ReadError::Place(anyhow!(error)),
        _ => ReadError::Content(broken(compression, &error)),
    })
}

fn broken(compression: Compression, error: &io::Error) -> String {
    let name = if compression == Compression::Gzip { "gzip" } else { "zstd" };
    format!(
        "the {name} data ends early or is damaged ({error}); nothing of the file was taken. Copy it \
         into the bucket again"
    )
}
