//! Appending to a table: commits that add files and nothing else, made without reading the log again.
//!
//! In: data files, and how far each upstream is contained by them.
//! Out: an entry of the Delta log for each commit.
//! Promise: as with [`Table::commit`], files and checkpoints change together, and of two who hold the
//! same upstream only one goes on. What others did to the table meanwhile is read once, entry by
//! entry: to replay the log after each of a stream's commits costs more than landing its messages.

use super::table::{State, Table, transactions};
use anyhow::{Context as _, bail};
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

/// Where the log says which checkpoint is the newest.
const LAST_CHECKPOINT: &str = "_delta_log/_last_checkpoint";

/// Checkpoints that begin so say what a log is, and not how far it is contained: two programs may both
/// write the same one.
pub const IDENTITY: &str = "topic/";

/// Appends to one table. After an error it must not be used again: whoever goes on starts from what
/// the table says.
pub struct Appender {
    table: Table,
    /// The newest version known.
    version: Version,
    /// Commits after which a checkpoint is due.
    checkpoint_commits: Version,
    /// The checkpoint being written. It is written beside the commits: they need none, and to write one
    /// takes as long as many of them.
    checkpointing: JoinSet<()>,
}

impl Appender {
    /// Appends to what the table was at `state`.
    pub fn new(table: Table, state: &State) -> Self {
        let (version, checkpoint_commits) = (state.version(), state.checkpoint_commits());
        Self { table, version, checkpoint_commits, checkpointing: JoinSet::new() }
    }

    /// Commits files, and for each upstream the version of it that is now contained. Fails if
    /// somebody else committed one of these upstreams, or made the table anew.
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
                Err(TransactionError::VersionAlreadyExists(_)) => self.pass(&checkpoints).await?,
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
            self.settle().await;
            self.checkpointing.spawn(checkpoint(self.table.clone(), self.version));
        }
        Ok(())
    }

    /// Waits for the checkpoint that is being written.
    async fn settle(&mut self) {
        // What goes wrong with it is told by itself.
        while self.checkpointing.join_next().await.is_some() {}
    }

    /// Looks at the next version, which is somebody else's: whether we may go on behind it.
    async fn pass(&self, ours: &BTreeMap<String, i64>) -> anyhow::Result<()> {
        let (version, name) = (self.version + 1, &self.table.name);
        let bytes = self.table.log().read_commit_entry(version).await?;
        let bytes = bytes.with_context(|| format!("version {version} of {name} is gone"))?;
        for action in get_actions(version, &bytes)? {
            match action {
                Action::Txn(theirs) if is_conflict(&theirs, ours) => {
                    bail!("another program goes on with {} in {name}", theirs.app_id)
                }
                Action::Metadata(_) | Action::Protocol(_) => {
                    bail!("{name} was made anew by version {version}")
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes sure that what was just written is the newest version and none of the past: who was kept
    /// from working for long may find the log's entries behind his own gone, others having cleaned it
    /// up. They only do so up to a checkpoint.
    async fn ensure_newest(&self) -> anyhow::Result<()> {
        let (store, _) = self.table.place();
        let last = match store.get(&Key::from(LAST_CHECKPOINT)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        let last: serde_json::Value = serde_json::from_slice(&last)?;
        let is_past = last["version"].as_u64().is_some_and(|last| last >= self.version);
        if is_past {
            bail!("others went on with {} for long", self.table.name);
        }
        Ok(())
    }
}

/// Whether somebody else's checkpoint is one of ours.
fn is_conflict(theirs: &Transaction, ours: &BTreeMap<String, i64>) -> bool {
    let is_same_fact = |ours: i64| theirs.app_id.starts_with(IDENTITY) && theirs.version == ours;
    ours.get(&theirs.app_id).is_some_and(|ours| !is_same_fact(*ours))
}

/// Writes a checkpoint of a version. It may fail: the next one stands for this one too.
async fn checkpoint(table: Table, version: Version) {
    let written = async {
        let mut of = DeltaTable::new(table.log().clone());
        of.load_version(version).await?;
        create_checkpoint(&of, None).await
    };
    if let Err(error) = written.await {
        tracing::warn!(table = %table.name, version, %error, "a checkpoint is not written");
    }
}

/// The entry of the log: an action a line.
fn entry(
    adds: Vec<Add>,
    checkpoints: &BTreeMap<String, i64>,
    now_ms: i64,
) -> anyhow::Result<String> {
    let said = json!({ "commitInfo": {
        "timestamp": now_ms,
        "operation": "WRITE",
        "operationParameters": { "mode": "Append" },
        "isBlindAppend": true,
        "engineInfo": concat!("cockpit:", env!("CARGO_PKG_VERSION")),
    }});
    let adds = adds.into_iter().map(Action::Add);
    let actions = adds.chain(transactions(checkpoints, now_ms).map(Action::Txn));
    let lines = actions.map(|action| serde_json::to_string(&action));
    let lines: Vec<String> =
        [Ok(said.to_string())].into_iter().chain(lines).collect::<Result<_, _>>()?;
    Ok(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{Change, Definition};
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
    async fn what_is_appended_is_there_beside_what_others_commit() {
        let (_folder, table, state) = table().await;
        let mut ours = Appender::new(table.clone(), &state);
        ours.append(file("a"), reaches("ours", 1), NOW_MS).await.unwrap();
        let theirs =
            Change { adds: file("b"), checkpoints: reaches("theirs", 7), ..Change::default() };
        table.commit(Some(&state), theirs, NOW_MS).await.unwrap();
        let state = table.load().await.unwrap().unwrap();
        let laid = Change {
            adds: file("ab"),
            removes: state.files(),
            rearranges: true,
            ..Change::default()
        };
        table.commit(Some(&state), laid, NOW_MS).await.unwrap();
        ours.append(file("c"), reaches("ours", 2), NOW_MS).await.unwrap();
        assert_eq!(files(&table).await, ["ab", "c"]);
        let state = table.load().await.unwrap().unwrap();
        assert_eq!(table.checkpoint(&state, "ours").await.unwrap(), Some(2));
        assert_eq!(table.checkpoint(&state, "theirs").await.unwrap(), Some(7));
    }

    #[tokio::test]
    async fn of_two_who_hold_the_same_upstream_one_goes_on() {
        let (_folder, table, state) = table().await;
        let mut first = Appender::new(table.clone(), &state);
        let mut second = Appender::new(table.clone(), &state);
        first.append(file("a"), reaches("topic", 1), NOW_MS).await.unwrap();
        let error = second.append(file("b"), reaches("topic", 1), NOW_MS).await.unwrap_err();
        assert!(error.to_string().contains("another program goes on with topic"), "{error}");
        assert_eq!(files(&table).await, ["a"]);
    }

    #[tokio::test]
    async fn two_may_say_the_same_of_a_topic() {
        let (_folder, table, state) = table().await;
        let said = |id| reaches(&format!("{IDENTITY}t"), id);
        let mut first = Appender::new(table.clone(), &state);
        let mut second = Appender::new(table.clone(), &state);
        let mut third = Appender::new(table.clone(), &state);
        first.append(file("a"), said(7), NOW_MS).await.unwrap();
        second.append(file("b"), said(7), NOW_MS).await.unwrap();
        let error = third.append(file("c"), said(8), NOW_MS).await.unwrap_err();
        assert!(error.to_string().contains("another program"), "{error}");
        assert_eq!(files(&table).await, ["a", "b"]);
    }

    #[tokio::test]
    async fn a_table_made_anew_is_not_appended_to() {
        let (_folder, table, state) = table().await;
        let mut ours = Appender::new(table.clone(), &state);
        let anew = Change { definition: definition(), ..Change::default() };
        table.commit(Some(&state), anew, NOW_MS).await.unwrap();
        let error = ours.append(file("a"), reaches("topic", 1), NOW_MS).await.unwrap_err();
        assert!(error.to_string().contains("made anew"), "{error}");
        assert_eq!(files(&table).await, [""; 0]);
    }

    /// Who wakes up after others wrote and cleaned the log far beyond him writes into the past, which no
    /// reader sees, and must be told.
    #[tokio::test]
    async fn nothing_is_appended_to_the_past() {
        let (_folder, table, state) = table().await;
        let mut asleep = Appender::new(table.clone(), &state);
        let mut awake = Appender::new(table.clone(), &state);
        let commits = i64::try_from(3 * state.checkpoint_commits()).unwrap();
        for version in 1..=commits {
            let path = format!("awake-{version}");
            awake.append(file(&path), reaches("awake", version), NOW_MS).await.unwrap();
        }
        awake.settle().await;
        let newest = state.version() + u64::try_from(commits).unwrap();
        assert!(table.forget_log(newest, NOW_MS * 2).await.unwrap() > 0, "checkpoints are written");
        let error = asleep.append(file("a"), reaches("asleep", 1), NOW_MS).await.unwrap_err();
        assert!(error.to_string().contains("others went on"), "{error}");
        let found = files(&table).await;
        assert_eq!(found.len(), usize::try_from(commits).unwrap());
        assert!(found.iter().all(|path| path.starts_with("awake")), "{found:?}");
    }
}
