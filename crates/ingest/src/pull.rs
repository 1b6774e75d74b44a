//! Sources that are read on a schedule. One read of a source is a pull: its bytes are spooled to the disk, and
//! are decoded and landed as those of a dump.
//!
//! *In*: the contract, and where the last pull that landed ended. *Out*: the bytes with their SHA-256, and the
//! place of the pull, which has the next checkpoint. *Promise*: the same rows give the same bytes; a pull that
//! fails yields nothing.
//!
//! A new kind of source gets a reader that [`read`] calls; see [`plant::source`] for all the steps.

mod sql;

use crate::Error;
use crate::files::Fetched;
use batches::digest::PrefixDigest;
use config::settings::Limits;
use plant::contract::Contract;
use plant::source::{Increment, PullOrigin, PullPlace};
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write as _};

/// What to read.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    pub contract: &'a Contract,
    pub limits: &'a Limits,
    /// The last increment that landed; `None` if none has, or if the source is read as a whole.
    pub last: Option<&'a Increment>,
    /// Digests ([`batches::record_digest`]) of the records in bronze that may be read again. They are left
    /// out of an increment.
    pub known: &'a HashSet<u128>,
    /// The most records to read, for a sample; `None` for all.
    pub sample: Option<u64>,
}

/// What one read of a source returned.
#[derive(Debug)]
pub struct Pulled {
    /// `_file` of its records. For an increment it has the next checkpoint.
    pub place: PullPlace,
    /// Its bytes, in the format of the contract.
    pub bytes: Fetched,
    pub records: u64,
    /// Whether the source has more new records, which the next pull reads.
    pub has_more: bool,
    /// Peculiarities of the source, as sentences without a period.
    pub notes: Vec<String>,
}

/// Reads a source. `None` if it has no new records.
///
/// # Errors
/// [`Error::Config`] if the contract has no source that is read on a schedule, or its settings do not fit the
/// source; [`Error::Auth`], [`Error::Unreachable`], [`Error::NotFound`] and [`Error::Data`] about the source.
pub async fn read(request: Request<'_>) -> Result<Option<Pulled>, Error> {
    match request.contract.pull.as_ref().map(|pull| &pull.origin) {
        Some(PullOrigin::Sql(source)) => Box::pin(sql::read(&request, source)).await,
        None => {
            let table = &request.contract.table;
            Err(Error::Config(anyhow::anyhow!("the contract of {table} has no source to read")))
        }
    }
}

/// Whether records of the increment `landed` may be read again by the increment after `last`.
pub fn reads_again(
    contract: &Contract,
    limits: &Limits,
    last: &Increment,
    landed: &Increment,
) -> bool {
    match contract.pull.as_ref().map(|pull| &pull.origin) {
        Some(PullOrigin::Sql(source)) => sql::reads_again(source, limits, last, landed),
        None => false,
    }
}

/// Bytes of a pull on their way to the disk.
#[derive(Debug)]
pub struct Spool {
    file: BufWriter<File>,
    digest: PrefixDigest,
}

impl Spool {
    /// An empty spool in the folder of temporary files.
    ///
    /// # Errors
    /// The file cannot be created.
    pub fn new() -> Result<Self, Error> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), digest: PrefixDigest::new(None) })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// The disk is full.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.digest.update(bytes);
        Ok(self.file.write_all(bytes)?)
    }

    /// Number of bytes so far.
    pub fn size_bytes(&self) -> u64 {
        self.digest.size_bytes()
    }

    /// The bytes, for the place `key`.
    ///
    /// # Errors
    /// The disk is full.
    pub fn finish(self, key: &str) -> Result<Fetched, Error> {
        let file = self.file.into_inner().map_err(|error| error.into_error())?;
        Ok(Fetched::new(key, file, self.digest)?)
    }
}
