//! The change data feed of a table, from the commits of its log.

use super::SharedFile;
use crate::lake::Lake;
use anyhow::Context as _;
use config::model::TableName;
use deltalake::kernel::Version;
use futures::StreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use serde_json::Value;
use std::sync::Arc;

/// The property of a table with a change data feed.
const ENABLED: &str = "delta.enableChangeDataFeed";

/// What a commit changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileChange {
    /// All rows of the file were added.
    Add,
    /// All rows of the file were removed.
    Remove,
    /// The rows of the file are changes, with their type in `_change_type`.
    Cdc,
}

/// A file with changed rows.
#[derive(Debug, Clone)]
pub struct ChangedFile {
    pub change: FileChange,
    /// The version that changed the rows.
    pub version: Version,
    pub file: SharedFile,
}

/// The answer to a request for the changes of a table.
#[derive(Debug)]
pub enum Changes {
    /// The changed files, in the order of their commits.
    Files(Vec<ChangedFile>),
    /// The table had no change data feed at this version.
    NotEnabled(Version),
    /// The log of this version is no longer stored.
    NotStored(Version),
}

/// The changes of the versions `from` to `to`, both included.
///
/// # Errors
/// Fails if the log cannot be read.
pub async fn changes(
    lake: &Lake,
    name: &TableName,
    (from, to): (Version, Version),
) -> anyhow::Result<Changes> {
    let Some(state) = lake.state_at(name, from).await? else {
        return Ok(Changes::NotStored(from));
    };
    let (_, metadata) = state.definition();
    if !is_enabled(&serde_json::to_value(metadata)?) {
        return Ok(Changes::NotEnabled(from));
    }
    let table = lake.table(name)?;
    let (store, _) = table.store();
    let mut files = Vec::new();
    for version in from..=to {
        let Some(actions) =
            commit(store, version).await.with_context(|| format!("reading {name}"))?
        else {
            return Ok(Changes::NotStored(version));
        };
        let mut changed_metadata = actions.iter().filter_map(|it| it.get("metaData"));
        if changed_metadata.any(|it| !is_enabled(it)) {
            return Ok(Changes::NotEnabled(version));
        }
        files.extend(of_commit(&actions, version));
    }
    Ok(Changes::Files(files))
}

fn is_enabled(metadata: &Value) -> bool {
    metadata["configuration"][ENABLED].as_str().is_some_and(|it| it.eq_ignore_ascii_case("true"))
}

/// The actions of a commit; `None` if its file is no longer stored.
async fn commit(
    store: &Arc<dyn ObjectStore>,
    version: Version,
) -> anyhow::Result<Option<Vec<Value>>> {
    let found = match store.get(&Key::from(format!("_delta_log/{version:020}.json"))).await {
        Ok(found) => found,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    let mut parts = found.into_stream();
    while let Some(part) = parts.next().await {
        bytes.extend_from_slice(&part?);
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let actions: Result<_, _> = lines.map(serde_json::from_slice).collect();
    Ok(Some(actions?))
}

/// The files of a commit with changes: those that it wrote as such; without any, the files whose rows it added
/// or removed. Files that were only rewritten (`dataChange` false) have no changes.
fn of_commit(actions: &[Value], version: Version) -> Vec<ChangedFile> {
    let of = |key: &str, change: FileChange| {
        let found = actions.iter().filter_map(move |it| it.get(key));
        let changed = move |action: &Value| {
            let file = changed_file(action)?;
            Some(ChangedFile { change: change.clone(), version, file })
        };
        found.filter_map(changed).collect::<Vec<_>>()
    };
    let written = of("cdc", FileChange::Cdc);
    if !written.is_empty() {
        return written;
    }
    let mut files = of("add", FileChange::Add);
    files.extend(of("remove", FileChange::Remove));
    files.retain(|it| it.file.add["dataChange"] != false);
    files
}

fn changed_file(action: &Value) -> Option<SharedFile> {
    let stats = action["stats"].as_str().and_then(|it| serde_json::from_str::<Value>(it).ok());
    Some(SharedFile {
        path: action["path"].as_str()?.to_owned(),
        add: action.clone(),
        size_bytes: action["size"].as_u64().unwrap_or_default(),
        rows: stats.and_then(|it| it["numRecords"].as_u64()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn paths(actions: &[Value]) -> Vec<(FileChange, String)> {
        let files = of_commit(actions, 7);
        assert!(files.iter().all(|it| it.version == 7));
        files.into_iter().map(|it| (it.change, it.file.path)).collect()
    }

    #[test]
    fn changes_are_those_of_the_feed_or_of_whole_files() {
        let add = json!({ "add": { "path": "a", "size": 3, "dataChange": true, "stats": "{\"numRecords\":2}" } });
        let remove = json!({ "remove": { "path": "r", "dataChange": true } });
        let rewritten = json!({ "add": { "path": "c", "dataChange": false } });
        let whole = [add.clone(), remove.clone(), rewritten];
        let expected = [(FileChange::Add, "a".to_owned()), (FileChange::Remove, "r".to_owned())];
        assert_eq!(paths(&whole), expected);
        let file = &of_commit(&whole, 7)[0].file;
        assert_eq!((file.size_bytes, file.rows), (3, Some(2)));
        let feed = json!({ "cdc": { "path": "_change_data/x", "size": 9, "dataChange": false } });
        let expected = [(FileChange::Cdc, "_change_data/x".to_owned())];
        assert_eq!(paths(&[add, remove, feed]), expected);
    }

    #[test]
    fn a_feed_is_a_property_of_the_table() {
        assert!(is_enabled(&json!({ "configuration": { ENABLED: "true" } })));
        assert!(!is_enabled(&json!({ "configuration": { ENABLED: "false" } })));
        assert!(!is_enabled(&json!({ "configuration": {} })));
    }
}
