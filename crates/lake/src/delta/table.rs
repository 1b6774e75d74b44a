//! A Delta table: its state, its checkpoints, and the commit that changes both together.

use crate::delta::foreign::{ForeignChanges, WRITER, is_marked, is_own, may_be_of_older_version};
use crate::delta::write::{DataWriter, FileNames, FileSizes};
use crate::error::{Error, is_conflict};
use anyhow::Context as _;
use arrow::datatypes::{Schema, SchemaRef};
use config::location::Location;
use config::model::TableName;
use datafusion::catalog::TableProvider;
use deltalake::checkpoints::cleanup_expired_logs_for;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow as _, TryIntoKernel as _};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{
    Action, Add, Metadata, Protocol, Remove, StructType, Transaction, Version, new_metadata,
};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore, get_actions};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::config::TablePropertiesExt as _;
use deltalake::table::state::DeltaTableState;
use deltalake::{DeltaTable, DeltaTableError};
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use plant::time::DAY_MS;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Commits between two checkpoints of the log, stored in the properties of the table for every writer. A
/// stream commits continuously, and its checkpoints list the files of a day that were compacted away;
/// writing them as often would cost more than reading the commits.
const CHECKPOINT_COMMITS: &str = "20";
const STREAM_CHECKPOINT_COMMITS: &str = "100";

/// How long the log is kept; an incremental refresh from an older version becomes a full one. A stream
/// commits every few seconds, so its log is kept for less time.
const LOG_RETENTION: &str = "interval 30 days";
const STREAM_LOG_RETENTION: &str = "interval 1 days";

/// How long removed data files are kept for readers of an older version.
const REMOVED_RETENTION: &str = "interval 1 days";

/// [`REMOVED_RETENTION`] in milliseconds.
pub const REMOVED_KEPT_MS: i64 = DAY_MS;

/// Checkpoint of a commit that expires rows: the first day that has not expired. No other commit has it.
pub const RETENTION: &str = "retention";

/// The schema whose tables hold records as received.
const LANDED_SCHEMA: &str = "bronze";

/// Property with the fingerprint of the definition that the table was computed by.
const DEFINITION: &str = "cockpit.definition";

/// A table of the lake, which need not exist.
#[derive(Clone)]
pub struct Table {
    pub name: TableName,
    log: LogStoreRef,
    pub(crate) store: Arc<dyn ObjectStore>,
    folder: Key,
}

/// A table at one version.
#[derive(Clone)]
pub struct State {
    inner: DeltaTableState,
}

/// What one commit changes.
#[derive(Default)]
pub struct Change {
    pub adds: Vec<Add>,
    pub removes: Vec<Add>,
    /// Checkpoints: for each upstream, its version that is contained after the commit.
    pub checkpoints: BTreeMap<String, i64>,
    /// The definition, if the table is new or its definition changes.
    pub definition: Option<Definition>,
    /// Whether the same rows are only moved to other files.
    pub rearranges: bool,
}

/// What defines a table.
#[derive(Debug, Clone)]
pub struct Definition {
    pub schema: SchemaRef,
    pub description: String,
    /// Differs whenever the table has to be rebuilt.
    pub fingerprint: String,
    /// Partition column, by whose value the data files are in folders; the files do not contain it.
    pub partition: Option<&'static str>,
}

/// The data files that were added and removed between two versions.
#[derive(Debug, Default)]
pub struct Difference {
    pub added: Vec<Add>,
    pub removed: Vec<Add>,
}

impl Table {
    /// The table `name` of the lake at `location`.
    pub fn new(location: &Location, name: TableName) -> anyhow::Result<Self> {
        let url = location.url.join(&format!("{}/{}/", name.schema, name.name))?;
        let folder = location.prefix.clone().join(name.schema.as_str()).join(name.name.as_str());
        let store: Arc<dyn ObjectStore> =
            Arc::new(PrefixStore::new(location.root.clone(), folder.clone()));
        let options = StorageConfig::default();
        let log = default_logstore(store.clone(), location.root.clone(), &url, &options);
        Ok(Self { name, log, store, folder })
    }

    /// The newest state, or `None` if the table has never been committed to.
    pub async fn load(&self) -> anyhow::Result<Option<State>> {
        let is_there = self.log.is_delta_table_location().await;
        if !is_there.with_context(|| format!("opening {}", self.name))? {
            return Ok(None);
        }
        let inner = DeltaTableState::try_new(self.log.as_ref(), None).await;
        Ok(Some(State { inner: inner.with_context(|| format!("opening {}", self.name))? }))
    }

    /// When a version was committed, in milliseconds since 1970 UTC; `None` if the log no longer has its entry.
    pub async fn committed_at_ms(&self, version: Version) -> anyhow::Result<Option<i64>> {
        let Some(bytes) = self.log.read_commit_entry(version).await? else { return Ok(None) };
        let time = |action: Action| match action {
            Action::CommitInfo(info) => info.timestamp,
            _ => None,
        };
        Ok(get_actions(version, &bytes)?.into_iter().find_map(time))
    }

    /// `state` with the commits since.
    pub async fn refresh(&self, mut state: State) -> anyhow::Result<State> {
        state
            .inner
            .update(self.log.as_ref(), None)
            .await
            .with_context(|| format!("refreshing {}", self.name))?;
        Ok(state)
    }

    /// The checkpoint of `upstream` in `state`: its version that is contained.
    pub async fn checkpoint(&self, state: &State, upstream: &str) -> anyhow::Result<Option<i64>> {
        let version = state.inner.transaction_version(self.log.as_ref(), upstream).await?;
        Ok(version)
    }

    /// Commits a change on top of `state` and returns the state after it.
    ///
    /// # Errors
    /// [`Error::CommitConflict`] if another process has committed one of its checkpoints since.
    pub async fn commit(
        &self,
        state: Option<&State>,
        mut change: Change,
        now_ms: i64,
    ) -> anyhow::Result<State> {
        let is_rearranged = change.rearranges;
        let mode = if change.removes.is_empty() { SaveMode::Append } else { SaveMode::Overwrite };
        let checkpoints = std::mem::take(&mut change.checkpoints);
        // Two writers that create a table at the same time: delta-rs would retry and put the rows of the
        // second one behind those of the first without comparing the checkpoints. Without retries the
        // second one fails.
        let is_first = state.is_none() && !checkpoints.is_empty();
        let properties = CommitProperties::default()
            .with_application_transactions(transactions(&checkpoints, now_ms).collect())
            .with_metadata([(WRITER.to_owned(), json!(env!("CARGO_PKG_VERSION")))])
            .with_cleanup_expired_logs(Some(false));
        let properties = if is_first { properties.with_max_retries(0) } else { properties };
        let operation = if is_rearranged {
            DeltaOperation::Optimize { predicate: None, target_size: 0 }
        } else {
            DeltaOperation::Write { mode, partition_by: None, predicate: None }
        };
        let done = CommitBuilder::from(properties)
            .with_actions(self.actions(state.is_none(), change, now_ms)?)
            .build(state.map(|state| &state.inner as _), self.log.clone(), operation)
            .await
            .map_err(|error| self.commit_error(error))?;
        Ok(State { inner: done.snapshot() })
    }

    fn commit_error(&self, source: DeltaTableError) -> anyhow::Error {
        if is_conflict(&source) {
            return Error::CommitConflict { table: self.name.clone(), source }.into();
        }
        anyhow::Error::new(source).context(format!("committing to {}", self.name))
    }

    /// The actions of a change without its checkpoints.
    fn actions(&self, is_new: bool, change: Change, now_ms: i64) -> anyhow::Result<Vec<Action>> {
        let mut actions = Vec::new();
        if let Some(definition) = &change.definition {
            if is_new {
                let versions = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
                let protocol: Protocol = serde_json::from_value(versions)?;
                actions.push(Action::Protocol(protocol));
            }
            actions.push(self.metadata(definition)?);
        }
        let data_change = !change.rearranges;
        let removed = |add: Add| Action::Remove(Remove { data_change, ..remove(add, now_ms) });
        actions.extend(change.removes.into_iter().map(removed));
        let added = |add: Add| Action::Add(Add { data_change, ..add });
        actions.extend(change.adds.into_iter().map(added));
        Ok(actions)
    }

    fn metadata(&self, definition: &Definition) -> anyhow::Result<Action> {
        let schema: StructType = definition.schema.as_ref().try_into_kernel()?;
        let is_stream = definition.partition.is_some();
        let (log_retention, checkpoint_commits) = match is_stream {
            true => (STREAM_LOG_RETENTION, STREAM_CHECKPOINT_COMMITS),
            false => (LOG_RETENTION, CHECKPOINT_COMMITS),
        };
        let configuration = [
            (DEFINITION, definition.fingerprint.as_str()),
            ("delta.checkpointInterval", checkpoint_commits),
            ("delta.logRetentionDuration", log_retention),
            ("delta.deletedFileRetentionDuration", REMOVED_RETENTION),
        ];
        let mut metadata =
            serde_json::to_value(new_metadata(&schema, definition.partition, configuration)?)?;
        metadata["name"] = self.name.name.clone().into();
        metadata["description"] = definition.description.clone().into();
        Ok(Action::Metadata(serde_json::from_value(metadata)?))
    }

    /// What changed after version `from` up to the version of `state`; `None` if the log no longer has these
    /// commits, or if the table was redefined in between. Expired rows are not part of the difference: what
    /// was computed from them is kept.
    ///
    /// # Errors
    /// [`Error::ForeignChange`] if another program changed rows in between.
    pub async fn difference(&self, from: i64, state: &State) -> anyhow::Result<Option<Difference>> {
        let mut added = BTreeMap::new();
        let mut removed = BTreeMap::new();
        let from = Version::try_from(from)?;
        if from > state.version() {
            // The table was lost and rebuilt.
            return Ok(None);
        }
        let mut foreign = ForeignChanges::default();
        for version in from + 1..=state.version() {
            let Some(bytes) = self.log.read_commit_entry(version).await? else { return Ok(None) };
            let actions = get_actions(version, &bytes)?;
            foreign.read(version, &actions);
            let is_expiry = |it: &Action| matches!(it, Action::Txn(it) if it.app_id == RETENTION);
            let has_expired = actions.iter().any(is_expiry);
            for action in actions {
                match action {
                    Action::Metadata(_) => return Ok(None),
                    Action::Remove(_) if has_expired => {}
                    // A file that was both added and removed in between cancels out.
                    Action::Add(add) if add.data_change && removed.remove(&add.path).is_none() => {
                        added.insert(add.path.clone(), add);
                    }
                    Action::Remove(remove)
                        if remove.data_change && added.remove(&remove.path).is_none() =>
                    {
                        removed.insert(remove.path.clone(), as_add(remove));
                    }
                    _ => {}
                }
            }
        }
        if let Some(error) = foreign.into_error(&self.name) {
            return Err(error.into());
        }
        let (added, removed) = (added.into_values().collect(), removed.into_values().collect());
        Ok(Some(Difference { added, removed }))
    }

    /// Fails if other programs changed rows after the last commit of this one, or after version `since`.
    ///
    /// # Errors
    /// [`Error::ForeignChange`].
    pub async fn refuse_foreign_changes(
        &self,
        state: &State,
        since: Option<Version>,
    ) -> anyhow::Result<()> {
        let mut entries = Vec::new();
        // Whether only a version of the program that did not mark its commits has written the table.
        let mut is_unmarked = since.is_none();
        let oldest = since.map_or(0, |since| since + 1);
        for version in (oldest..=state.version()).rev() {
            let Some(bytes) = self.log.read_commit_entry(version).await? else { break };
            let actions = get_actions(version, &bytes)?;
            if since.is_none() && is_own(&actions) {
                is_unmarked = !is_marked(&actions);
                break;
            }
            entries.push((version, actions));
        }
        if is_unmarked {
            entries.retain(|(_, actions)| !may_be_of_older_version(actions));
        }
        let mut foreign = ForeignChanges::default();
        entries.iter().rev().for_each(|(version, actions)| foreign.read(*version, actions));
        foreign.into_error(&self.name).map_or(Ok(()), |error| Err(error.into()))
    }

    /// Removed data files that the log still lists, each with the time of its removal in milliseconds since
    /// 1970 UTC.
    pub async fn removed(&self, state: &State) -> anyhow::Result<Vec<(String, i64)>> {
        let tombstones = state.inner.all_tombstones(self.log.as_ref());
        let removed = tombstones
            .map_ok(|file| (file.path().into_owned(), file.deletion_timestamp().unwrap_or(0)));
        Ok(removed.try_collect().await?)
    }

    /// Deletes the entries of the log up to version `newest` that a checkpoint covers and that are older than
    /// `before_ms`, in milliseconds since 1970 UTC. Returns how many.
    pub async fn delete_log(&self, newest: Version, before_ms: i64) -> anyhow::Result<usize> {
        let log = self.log.as_ref();
        Ok(cleanup_expired_logs_for(newest, log, before_ms, None).await?)
    }

    /// A writer of data files for this table.
    pub fn writer(
        &self,
        schema: SchemaRef,
        sizes: FileSizes,
        names: Arc<FileNames>,
        now_ms: i64,
    ) -> DataWriter {
        let writer = DataWriter::new(self.store.clone(), schema, sizes, names, now_ms);
        if self.name.schema == LANDED_SCHEMA { writer.of_landed_rows() } else { writer }
    }

    /// Deletes data files that were written and will not be committed.
    pub async fn discard(&self, files: &[Add]) -> anyhow::Result<()> {
        for file in files {
            self.store.delete(&Key::from(file.path.as_str())).await?;
        }
        Ok(())
    }

    /// The table at `state` for DataFusion.
    pub async fn provider(&self, state: &State) -> anyhow::Result<Arc<dyn TableProvider>> {
        let provider = DeltaTable::new(self.log.clone())
            .table_provider()
            .with_eager_snapshot(state.inner.snapshot().clone())
            .await?;
        Ok(provider)
    }

    /// The log of the table.
    pub(crate) fn log(&self) -> &LogStoreRef {
        &self.log
    }

    /// The store rooted at the table, and the folder of the table below the root of the lake.
    pub fn store(&self) -> (&Arc<dyn ObjectStore>, &Key) {
        (&self.store, &self.folder)
    }
}

/// Checkpoints as actions of the log, with the time `now_ms`.
pub(crate) fn transactions(
    checkpoints: &BTreeMap<String, i64>,
    now_ms: i64,
) -> impl Iterator<Item = Transaction> {
    checkpoints
        .iter()
        .map(move |(app, version)| Transaction::new_with_last_update(app, *version, Some(now_ms)))
}

impl State {
    pub(crate) fn new(inner: DeltaTableState) -> Self {
        Self { inner }
    }

    /// The protocol and the metadata of the table, as its log has them.
    pub(crate) fn definition(&self) -> (&Protocol, &Metadata) {
        (self.inner.protocol(), self.inner.metadata())
    }

    pub fn version(&self) -> Version {
        self.inner.version()
    }

    /// The active data files.
    pub fn files(&self) -> Vec<Add> {
        #[expect(deprecated, reason = "the arrow form of the file list has no public reader yet")]
        let files = self.inner.log_data().iter().map(|file| file.add_action()).collect();
        files
    }

    /// Rows of all active files, from their statistics.
    pub fn rows(&self) -> usize {
        self.inner.log_data().iter().filter_map(|file| file.num_records()).sum()
    }

    /// Size of all active files.
    pub fn size_bytes(&self) -> i64 {
        self.inner.log_data().iter().map(|file| file.size()).sum()
    }

    /// When the newest active file was written, in milliseconds since 1970 UTC.
    pub fn modified_ms(&self) -> Option<i64> {
        self.inner.log_data().iter().map(|file| file.modification_time()).max()
    }

    /// The schema readers see.
    pub fn schema(&self) -> anyhow::Result<SchemaRef> {
        let schema: Schema = self.inner.schema().as_ref().try_into_arrow()?;
        Ok(Arc::new(schema))
    }

    /// Commits between two checkpoints of the log.
    pub fn checkpoint_commits(&self) -> Version {
        self.inner.table_config().checkpoint_interval().get()
    }

    /// How long the log of the table is kept, in milliseconds.
    pub fn log_kept_ms(&self) -> i64 {
        let configuration = self.inner.metadata().configuration();
        let retention = configuration.get("delta.logRetentionDuration").map(String::as_str);
        let days = if retention == Some(STREAM_LOG_RETENTION) { 1 } else { 30 };
        days * DAY_MS
    }

    /// The fingerprint of the definition that the table was computed by.
    pub fn fingerprint(&self) -> Option<&str> {
        self.inner.metadata().configuration().get(DEFINITION).map(String::as_str)
    }
}

fn remove(add: Add, now_ms: i64) -> Remove {
    Remove {
        path: add.path,
        data_change: true,
        deletion_timestamp: Some(now_ms),
        extended_file_metadata: Some(true),
        partition_values: Some(add.partition_values),
        size: Some(add.size),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
    }
}

/// A removed file as it was when it was active, as far as its tombstone has it.
fn as_add(removed: Remove) -> Add {
    Add {
        path: removed.path,
        partition_values: removed.partition_values.unwrap_or_default(),
        size: removed.size.unwrap_or_default(),
        modification_time: 0,
        data_change: true,
        stats: None,
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}
