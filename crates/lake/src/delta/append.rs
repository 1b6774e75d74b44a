//! Blind appends: commits that only add files, without reading the log again.
//!
//! In: data files, and the checkpoints of the upstreams they contain.
//! Out: an entry of the Delta log for each commit.
//! Promise: as with [`Table::commit`], files and checkpoints change together, and of two writers of the
//! same upstream only one succeeds. Commits of other writers are read once, entry by entry: replaying the
//! log after each commit of a stream would cost more than landing its messages.

use crate::delta::foreign::ENGINE;
use crate::delta::table::{State, Table, transactions};
use crate::error::Error;
use anyhow::Context as _;
use deltalake::DeltaTable;
use deltalake::checkpoints::create_checkpoint;
use deltalake::kernel::transaction::TransactionError;
use deltalake::kernel::{Action, Add, Transaction, Version};
use deltalake::logstore::{CommitOrBytes, get_actions};
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use serde_json::json;
use std::collections::BTreeMap;
use tokio::task::JoinSet;
use uuid::Uuid;

/// The file of the log that names its newest checkpoint.
const LAST_CHECKPOINT: &str = "_delta_log/_last_checkpoint";

/// Prefix of checkpoints that identify a log instead of a position in it: two processes may commit the same
/// value.
pub const IDENTITY: &str = "topic/";

/// Appends to one table. After an error it must not be used again; resume from the checkpoints of the
/// table.
pub struct Appender {
    table: Table,
    /// The newest known version.
    version: Version,
    /// Commits between two checkpoints of the log.
    checkpoint_commits: Version,
    /// The checkpoint of the log that is being written. Commits do not wait for it, because it takes as long
    /// as many of them.
    checkpointing: JoinSet<()>,
}

impl Appender {
    /// Appends to the table at `state`.
    pub fn new(table: Table, state: &State) -> Self {
        let (version, checkpoint_commits) = (state.version(), state.checkpoint_commits());
        Self { table, version, checkpoint_commits, checkpointing: JoinSet::new() }
    }

    /// Commits files, and for each upstream its version that is contained after the commit.
    ///
    /// The commit is the creation of the next log entry, which the store allows once. An entry that exists
    /// already belongs to another writer and is checked before the next one is tried.
    ///
    /// # Errors
    /// [`Error::CheckpointTaken`], [`Error::Redefined`] or [`Error::CommitBehind`] if another process has
    /// committed one of these checkpoints, redefined the table, or advanced it far past this commit.
    pub async fn append(
        &mut self,
        adds: Vec<Add>,
        checkpoints: BTreeMap<String, i64>,
        now_ms: i64,
    ) -> anyhow::Result<()> {
        let entry = entry(adds, &checkpoints, now_ms)?;
        loop {
            let next = self.version + 1;
            let bytes = CommitOrBytes::LogBytes(entry.clone().into());
            let written = self.table.log().write_commit_entry(next, bytes, Uuid::nil()).await;
            match written {
                Ok(()) => break,
                Err(TransactionError::VersionAlreadyExists(_)) => {
                    self.check_foreign_commit(&checkpoints).await?;
                }
                Err(error) => {
                    return Err(error)
                        .with_context(|| format!("committing to {}", self.table.name));
                }
            }
            self.version = next;
        }
        self.version += 1;
        self.ensure_newest().await?;
        if (self.version + 1).is_multiple_of(self.checkpoint_commits) {
            self.finish_checkpoint().await;
            self.checkpointing.spawn(checkpoint(self.table.clone(), self.version));
        }
        Ok(())
    }

    /// Waits for the checkpoint that is being written, which logs its own errors.
    async fn finish_checkpoint(&mut self) {
        while self.checkpointing.join_next().await.is_some() {}
    }

    /// Whether this writer may append after the next version, which another process has committed.
    async fn check_foreign_commit(&self, ours: &BTreeMap<String, i64>) -> anyhow::Result<()> {
        let (version, table) = (self.version + 1, self.table.name.clone());
        let bytes = self.table.log().read_commit_entry(version).await?;
        let Some(bytes) = bytes else {
            return Err(Error::VersionMissing { table, version }.into());
        };
        for action in get_actions(version, &bytes)? {
            match action {
                Action::Txn(theirs) if is_conflict(&theirs, ours) => {
                    let checkpoint = theirs.app_id;
                    return Err(Error::CheckpointTaken { table, checkpoint }.into());
                }
                Action::Metadata(_) | Action::Protocol(_) => {
                    return Err(Error::Redefined { table, version }.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes sure that the entry just written is the newest version. A process that was suspended for long
    /// may find that the next entries have been deleted, and write one of them again, where no reader looks.
    /// Entries are only deleted up to a checkpoint, so an entry after the newest checkpoint is safe.
    async fn ensure_newest(&self) -> anyhow::Result<()> {
        let (store, _) = self.table.store();
        let last = match store.get(&Key::from(LAST_CHECKPOINT)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let last: serde_json::Value = serde_json::from_slice(&last)?;
        let is_behind = last["version"].as_u64().is_some_and(|last| last >= self.version);
        if is_behind {
            let (table, version) = (self.table.name.clone(), self.version);
            return Err(Error::CommitBehind { table, version }.into());
        }
        Ok(())
    }
}

/// Whether a checkpoint of another process is one of ours. The same identity is not a conflict.
fn is_conflict(theirs: &Transaction, ours: &BTreeMap<String, i64>) -> bool {
    let is_same_identity =
        |ours: i64| theirs.app_id.starts_with(IDENTITY) && theirs.version == ours;
    ours.get(&theirs.app_id).is_some_and(|ours| !is_same_identity(*ours))
}

/// Writes a checkpoint of a version. It may fail, because the next one covers this one too.
async fn checkpoint(table: Table, version: Version) {
    let written = async {
        let mut at_version = DeltaTable::new(table.log().clone());
        at_version.load_version(version).await?;
        create_checkpoint(&at_version, None).await
    };
    if let Err(error) = written.await {
        tracing::warn!(table = %table.name, version, %error, "writing a checkpoint failed");
    }
}

/// The entry of the log, with one action per line.
fn entry(
    adds: Vec<Add>,
    checkpoints: &BTreeMap<String, i64>,
    now_ms: i64,
) -> anyhow::Result<String> {
    let info = json!({ "commitInfo": {
        "timestamp": now_ms,
        "operation": "WRITE",
        "operationParameters": { "mode": "Append" },
        "isBlindAppend": true,
        "engineInfo": format!("{ENGINE}{}", env!("CARGO_PKG_VERSION")),
    }});
    let adds = adds.into_iter().map(Action::Add);
    let actions = adds.chain(transactions(checkpoints, now_ms).map(Action::Txn));
    let lines = actions.map(|action| serde_json::to_string(&action));
    let lines: Vec<String> =
        [Ok(info.to_string())].into_iter().chain(lines).collect::<Result<_, _>>()?;
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::table::{Change, Definition};
    use arrow::datatypes::{DataType, Field, Schema};
    use config::location::{self, Purpose};
    use config::model::TableName;
    use std::sync::Arc;
    use tempfile::TempDir;

    const NOW_MS: i64 = 1_795_441_733_776;

    fn definition() -> Option<Definition> {
        let field = Field::new("a", DataType::Utf8, true);
        Some(Definition {
            schema: Arc::new(Schema::new(vec![field])),
            description: String::new(),
            fingerprint: String::new(),
            partition: None,
        })
    }

    /// A new table and its state.
    async fn table() -> (TempDir, Table, State) {
        let folder = tempfile::tempdir().unwrap();
        let place = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        let table = Table::new(&place, TableName::new("silver", "busy")).unwrap();
        let change = Change { definition: definition(), ..Change::default() };
        let state = table.commit(None, change, NOW_MS).await.unwrap();
        (folder, table, state)
    }

    fn file(path: &str) -> Vec<Add> {
        let add = serde_json::json!({
            "path": path, "partitionValues": {}, "size": 1, "modificationTime": 0, "dataChange": true,
        });
        vec![serde_json::from_value(add).unwrap()]
    }

    fn reaches(upstream: &str, version: i64) -> BTreeMap<String, i64> {
        [(upstream.to_owned(), version)].into()
    }

    async fn files(table: &Table) -> Vec<String> {
        let state = table.load().await.unwrap().unwrap();
        let mut files: Vec<String> = state.files().into_iter().map(|file| file.path).collect();
        files.sort();
        files
    }

    #[tokio::test]
    async fn appends_keep_the_commits_of_others() {
        let (_folder, table, state) = table().await;
        let mut ours = Appender::new(table.clone(), &state);
        ours.append(file("a"), reaches("ours", 1), NOW_MS).await.unwrap();
        let theirs =
            Change { adds: file("b"), checkpoints: reaches("theirs", 7), ..Change::default() };
        table.commit(Some(&state), theirs, NOW_MS).await.unwrap();
        let state = table.load().await.unwrap().unwrap();
        let compacted = Change {
            adds: file("ab"),
            removes: state.files(),
            rearranges: true,
            ..Change::default()
        };
        table.commit(Some(&state), compacted, NOW_MS).await.unwrap();
        ours.append(file("c"), reaches("ours", 2), NOW_MS).await.unwrap();
        assert_eq!(files(&table).await, ["ab", "c"]);
        let state = table.load().await.unwrap().unwrap();
        assert_eq!(table.checkpoint(&state, "ours").await.unwrap(), Some(2));
        assert_eq!(table.checkpoint(&state, "theirs").await.unwrap(), Some(7));
    }

    #[tokio::test]
    async fn of_two_writers_of_one_upstream_only_one_commits() {
        let (_folder, table, state) = table().await;
        let mut first = Appender::new(table.clone(), &state);
        let mut second = Appender::new(table.clone(), &state);
        first.append(file("a"), reaches("topic", 1), NOW_MS).await.unwrap();
        let error = second.append(file("b"), reaches("topic", 1), NOW_MS).await.unwrap_err();
        let found = error.downcast_ref();
        let is_topic = |it: &Error| matches!(it, Error::CheckpointTaken { checkpoint, .. } if checkpoint == "topic");
        assert!(found.is_some_and(is_topic), "{error}");
        assert_eq!(files(&table).await, ["a"]);
    }

    #[tokio::test]
    async fn two_writers_may_commit_the_same_identity() {
        let (_folder, table, state) = table().await;
        let identity = |id| reaches(&format!("{IDENTITY}t"), id);
        let mut first = Appender::new(table.clone(), &state);
        let mut second = Appender::new(table.clone(), &state);
        let mut third = Appender::new(table.clone(), &state);
        first.append(file("a"), identity(7), NOW_MS).await.unwrap();
        second.append(file("b"), identity(7), NOW_MS).await.unwrap();
        let error = third.append(file("c"), identity(8), NOW_MS).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::CheckpointTaken { .. })), "{error}");
        assert_eq!(files(&table).await, ["a", "b"]);
    }

    #[tokio::test]
    async fn a_redefined_table_is_not_appended_to() {
        let (_folder, table, state) = table().await;
        let mut ours = Appender::new(table.clone(), &state);
        let redefined = Change { definition: definition(), ..Change::default() };
        table.commit(Some(&state), redefined, NOW_MS).await.unwrap();
        let error = ours.append(file("a"), reaches("topic", 1), NOW_MS).await.unwrap_err();
        assert!(
            matches!(error.downcast_ref(), Some(Error::Redefined { version: 1, .. })),
            "{error}"
        );
        assert_eq!(files(&table).await, [""; 0]);
    }

    /// A writer that resumes after others have advanced and cleaned up the log writes an entry that no
    /// reader sees, and gets an error.
    #[tokio::test]
    async fn nothing_is_appended_behind_a_checkpoint() {
        let (_folder, table, state) = table().await;
        let mut asleep = Appender::new(table.clone(), &state);
        let mut awake = Appender::new(table.clone(), &state);
        let commits = i64::try_from(3 * state.checkpoint_commits()).unwrap();
        for version in 1..=commits {
            let path = format!("awake-{version}");
            awake.append(file(&path), reaches("awake", version), NOW_MS).await.unwrap();
        }
        awake.finish_checkpoint().await;
        let newest = state.version() + u64::try_from(commits).unwrap();
        assert!(table.delete_log(newest, NOW_MS * 2).await.unwrap() > 0, "checkpoints are written");
        let error = asleep.append(file("a"), reaches("asleep", 1), NOW_MS).await.unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(Error::CommitBehind { .. })), "{error}");
        let found = files(&table).await;
        assert_eq!(found.len(), usize::try_from(commits).unwrap());
        assert!(found.iter().all(|path| path.starts_with("awake")), "{found:?}");
    }
}
