//! The files of a table at a version, for programs that read them directly (Delta Sharing).

mod changes;

pub use changes::{ChangedFile, Changes, FileChange, changes};

use crate::delta::stats::FileStats;
use crate::delta::table::State;
use crate::lake::Lake;
use anyhow::Context as _;
use bytes::Bytes;
use config::model::TableName;
use deltalake::kernel::{Add, Version};
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path as Key;
use object_store::{GetOptions, GetRange};
use serde_json::Value;
use std::ops::Range;
use std::time::Duration;

/// A table at a version.
#[derive(Debug, Clone)]
pub struct SharedTable {
    pub version: Version,
    /// The actions `protocol` and `metaData` of its log, as JSON.
    pub protocol: Value,
    pub metadata: Value,
    pub files: Vec<SharedFile>,
}

/// A data file of a table.
#[derive(Debug, Clone)]
pub struct SharedFile {
    /// Path below the folder of the table.
    pub path: String,
    /// The action `add` of the log, as JSON.
    pub add: Value,
    pub size_bytes: u64,
    pub rows: Option<u64>,
}

/// Bytes of a data file.
pub struct FileBytes {
    /// Size of the whole file.
    pub size_bytes: u64,
    /// The bytes that are delivered.
    pub range: Range<u64>,
    pub stream: BoxStream<'static, Result<Bytes, object_store::Error>>,
}

/// Which bytes of a file are requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// From a byte up to another one, exclusive.
    Bytes(u64, u64),
    From(u64),
    /// The last bytes.
    Last(u64),
}

/// A table at `version`, or at its newest one; `None` if it does not exist or is no longer stored.
pub async fn table(
    lake: &Lake,
    name: &TableName,
    version: Option<Version>,
) -> anyhow::Result<Option<SharedTable>> {
    let state = match version {
        Some(version) => lake.state_at(name, version).await?,
        None => lake.state(name).await?,
    };
    let Some(state) = state else { return Ok(None) };
    let files = state.files().iter().map(shared_file).collect::<anyhow::Result<_>>()?;
    let (protocol, metadata) = actions(&state)?;
    Ok(Some(SharedTable { version: state.version(), protocol, metadata, files }))
}

fn actions(state: &State) -> anyhow::Result<(Value, Value)> {
    let (protocol, metadata) = state.definition();
    Ok((serde_json::to_value(protocol)?, serde_json::to_value(metadata)?))
}

fn shared_file(add: &Add) -> anyhow::Result<SharedFile> {
    Ok(SharedFile {
        path: add.path.clone(),
        add: serde_json::to_value(add)?,
        size_bytes: u64::try_from(add.size).unwrap_or_default(),
        rows: FileStats::from_add(add).rows().map(|rows| rows as u64),
    })
}

/// The stored commits of a table and their times in milliseconds since 1970 UTC, oldest first. As in Delta, the
/// time of a commit is that of its file, and later than that of the commit before.
pub async fn commit_times(lake: &Lake, name: &TableName) -> anyhow::Result<Vec<(Version, i64)>> {
    let table = lake.table(name)?;
    let (store, _) = table.store();
    let listed = store.list(Some(&Key::from("_delta_log")));
    let files: Vec<_> = listed.try_collect().await.with_context(|| format!("listing {name}"))?;
    let commit = |file: &object_store::ObjectMeta| {
        let digits = file.location.filename()?.strip_suffix(".json")?;
        let version = digits.parse().ok().filter(|_| digits.len() == 20)?;
        Some((version, file.last_modified.timestamp_millis()))
    };
    let mut commits: Vec<(Version, i64)> = files.iter().filter_map(commit).collect();
    commits.sort_unstable();
    let mut last_ms = i64::MIN;
    for (_, at_ms) in &mut commits {
        *at_ms = (*at_ms).max(last_ms.saturating_add(1));
        last_ms = *at_ms;
    }
    Ok(commits)
}

/// An address from which a file can be read without credentials for `life`; `None` if the store has none.
pub async fn signed_url(
    lake: &Lake,
    name: &TableName,
    path: &str,
    life: Duration,
) -> anyhow::Result<Option<String>> {
    let Some(signer) = &lake.location().signer else { return Ok(None) };
    let table = lake.table(name)?;
    let (_, folder) = table.store();
    let key = path.split('/').fold(folder.clone(), |key, part| key.join(part));
    // The default method is GET.
    let url = signer.signed_url(Default::default(), &key, life).await;
    let url = url.with_context(|| format!("signing the address of {path} of {name}"))?;
    Ok(Some(url.to_string()))
}

/// Bytes of a data file; `None` if it is no longer stored.
pub async fn read_file(
    lake: &Lake,
    name: &TableName,
    path: &str,
    part: Part,
) -> anyhow::Result<Option<FileBytes>> {
    let table = lake.table(name)?;
    let (store, _) = table.store();
    let range = match part {
        Part::Whole => None,
        Part::Bytes(from, until) => Some(GetRange::Bounded(from..until)),
        Part::From(from) => Some(GetRange::Offset(from)),
        Part::Last(count) => Some(GetRange::Suffix(count)),
    };
    let options = GetOptions { range, ..GetOptions::default() };
    match store.get_opts(&Key::from(path), options).await {
        Ok(found) => Ok(Some(FileBytes {
            size_bytes: found.meta.size,
            range: found.range.clone(),
            stream: found.into_stream().boxed(),
        })),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {path} of {name}")),
    }
}
