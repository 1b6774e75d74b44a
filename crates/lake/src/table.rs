//! One Delta table: its state, its checkpoints, and the commit that changes both together.

use super::read::{Batches, DataFile};
use super::write::{DataWriter, FileNames, FileSizes};
use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use config::location::Location;
use config::model::TableName;
use datafusion::catalog::TableProvider;
use deltalake::DeltaTable;
use deltalake::checkpoints::cleanup_expired_logs_for;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow as _, TryIntoKernel as _};
use deltalake::kernel::transaction::{CommitBuilder, CommitProperties};
use deltalake::kernel::{
    Action, Add, Protocol, Remove, StructType, Transaction, Version, new_metadata,
};
use deltalake::logstore::{LogStoreRef, StorageConfig, default_logstore, get_actions};
use deltalake::protocol::{DeltaOperation, SaveMode};
use deltalake::table::config::TablePropertiesExt as _;
use deltalake::table::state::DeltaTableState;
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::RowSelection;
use parquet::arrow::async_reader::ParquetRecordBatchStreamBuilder;
use plant::time::DAY_MS;
use serde_json::json;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Commits after which a table writes a checkpoint. It stands in the table's own properties, where
/// every writer of the table finds it. A stream commits all the time, and its checkpoints name a day of
/// files that were laid together; to write them as often would cost more than to read the commits.
const CHECKPOINT_COMMITS: &str = "20";
const STREAM_CHECKPOINT_COMMITS: &str = "100";

/// How long the log tells what changed; after it, a refresh in part becomes a whole one. A stream
/// commits every few seconds, so its log is kept shorter.
const LOG_RETENTION: &str = "interval 30 days";
const STREAM_LOG_RETENTION: &str = "interval 1 days";

/// How long data files that were removed are remembered, and lie there for readers of an older
/// version.
const REMOVED_RETENTION: &str = "interval 1 days";

/// How long removed files lie there, in milliseconds; what [`REMOVED_RETENTION`] says.
pub const REMOVED_KEPT_MS: i64 = DAY_MS;

/// Checkpoint of a commit that takes rows out for their age alone: how far they are gone. It stands in
/// no other commit.
pub const RETENTION: &str = "retention";

/// Where a table keeps the fingerprint of the definition it was made by.
const DEFINITION: &str = "cockpit.definition";

/// A table of the lake, there or not yet.
#[derive(Clone)]
pub struct Table {
    pub name: TableName,
    log: LogStoreRef,
    store: Arc<dyn ObjectStore>,
    folder: Key,
}

/// What a table looked like at one version.
#[derive(Clone)]
pub struct State {
    inner: DeltaTableState,
}

/// What one commit changes.
#[derive(Default)]
pub struct Change {
    pub adds: Vec<Add>,
    pub removes: Vec<Add>,
    /// Checkpoints: for each upstream, the version of it that is now contained.
    pub checkpoints: BTreeMap<String, i64>,
    /// Schema and definition, if the table is new or they are.
    pub definition: Option<Definition>,
    /// Whether the same rows are only laid into other files.
    pub rearranges: bool,
}

/// What a table is made of and by.
#[derive(Debug, Clone)]
pub struct Definition {
    pub schema: SchemaRef,
    pub description: String,
    /// Changes whenever a rebuild is due.
    pub fingerprint: String,
    /// Column by whose value the data files lie in folders; it stands in none of the files.
    pub partition: Option<&'static str>,
}

/// The data files that came and went between two versions.
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
        if !is_there.with_context(|| format!("looking for {}", self.name))? {
            return Ok(None);
        }
        let inner = DeltaTableState::try_new(self.log.as_ref(), None).await;
        Ok(Some(State { inner: inner.with_context(|| format!("opening {}", self.name))? }))
    }

    /// `state` with the commits after it.
    pub async fn refresh(&self, mut state: State) -> anyhow::Result<State> {
        state
            .inner
            .update(self.log.as_ref(), None)
            .await
            .with_context(|| format!("refreshing {}", self.name))?;
        Ok(state)
    }

    /// The checkpoint for `upstream` in `state`: the version of it that is contained.
    pub async fn checkpoint(&self, state: &State, upstream: &str) -> anyhow::Result<Option<i64>> {
        let version = state.inner.transaction_version(self.log.as_ref(), upstream).await?;
        Ok(version)
    }

    /// Commits a change on top of `state` and returns the state after it. Fails if somebody else
    /// committed one of its checkpoints since.
    pub async fn commit(
        &self,
        state: Option<&State>,
        change: Change,
        now_ms: i64,
    ) -> anyhow::Result<State> {
        let mut actions = Vec::new();
        if let Some(definition) = &change.definition {
            if state.is_none() {
                let versions = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
                let protocol: Protocol = serde_json::from_value(versions)?;
                actions.push(Action::Protocol(protocol));
            }
            actions.push(self.metadata(definition)?);
        }
        let mode = if change.removes.is_empty() { SaveMode::Append } else { SaveMode::Overwrite };
        let data_change = !change.rearranges;
        let removed = |add: Add| Action::Remove(Remove { data_change, ..remove(add, now_ms) });
        actions.extend(change.removes.into_iter().map(removed));
        let added = |add: Add| Action::Add(Add { data_change, ..add });
        actions.extend(change.adds.into_iter().map(added));
        // If somebody else makes the table meanwhile, the library would put these rows behind theirs
        // without a look at the checkpoints of either.
        let is_first = state.is_none() && !change.checkpoints.is_empty();
        let properties = CommitProperties::default()
            .with_application_transactions(transactions(&change.checkpoints, now_ms).collect())
            .with_cleanup_expired_logs(Some(false));
        let properties = if is_first { properties.with_max_retries(0) } else { properties };
        let operation = if change.rearranges {
            DeltaOperation::Optimize { predicate: None, target_size: 0 }
        } else {
            DeltaOperation::Write { mode, partition_by: None, predicate: None }
        };
        let done = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(state.map(|state| &state.inner as _), self.log.clone(), operation)
            .await
            .with_context(|| format!("committing to {}", self.name))?;
        Ok(State { inner: done.snapshot() })
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

    /// What changed after version `from` up to the version of `state`; `None` if the log no longer
    /// tells, or if the table was made anew in between. Rows that went for their age alone are no
    /// difference: what they said stands.
    pub async fn difference(&self, from: i64, state: &State) -> anyhow::Result<Option<Difference>> {
        let mut added = BTreeMap::new();
        let mut removed = BTreeMap::new();
        let from = Version::try_from(from)?;
        if from > state.version() {
            // The table was lost and built again.
            return Ok(None);
        }
        for version in from + 1..=state.version() {
            let Some(bytes) = self.log.read_commit_entry(version).await? else { return Ok(None) };
            let actions = get_actions(version, &bytes)?;
            let is_mark = |it: &Action| matches!(it, Action::Txn(it) if it.app_id == RETENTION);
            let has_expired = actions.iter().any(is_mark);
            for action in actions {
                match action {
                    Action::Metadata(_) => return Ok(None),
                    Action::Remove(_) if has_expired => {}
                    Action::Add(add) if add.data_change => {
                        added.insert(add.path.clone(), add);
                    }
                    // What came and went in between is no difference.
                    Action::Remove(gone)
                        if gone.data_change && added.remove(&gone.path).is_none() =>
                    {
                        removed.insert(gone.path.clone(), readd(gone));
                    }
                    _ => {}
                }
            }
        }
        let (added, removed) = (added.into_values().collect(), removed.into_values().collect());
        Ok(Some(Difference { added, removed }))
    }

    /// Data files removed since and still named by the log, each with the time of its removal in
    /// milliseconds since 1970 UTC.
    pub async fn removed(&self, state: &State) -> anyhow::Result<Vec<(String, i64)>> {
        let tombstones = state.inner.all_tombstones(self.log.as_ref());
        let gone = tombstones
            .map_ok(|gone| (gone.path().into_owned(), gone.deletion_timestamp().unwrap_or(0)));
        Ok(gone.try_collect().await?)
    }

    /// Deletes the entries of the log up to version `newest` that a checkpoint stands for and that are
    /// older than `before_ms`, in milliseconds since 1970 UTC. Returns how many.
    pub async fn forget_log(&self, newest: Version, before_ms: i64) -> anyhow::Result<usize> {
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
        DataWriter::new(self.store.clone(), schema, sizes, names, now_ms)
    }

    /// Reads one data file, all columns or the named ones, as a stream of batches.
    pub async fn read(
        &self,
        file: &Add,
        columns: Option<&[&str]>,
        batch_rows: usize,
    ) -> anyhow::Result<Batches> {
        self.read_rows(file, columns, None, batch_rows).await
    }

    /// [`Table::read`] of some rows only: ranges in ascending order that do not overlap.
    pub async fn read_rows(
        &self,
        file: &Add,
        columns: Option<&[&str]>,
        rows: Option<Vec<Range<usize>>>,
        batch_rows: usize,
    ) -> anyhow::Result<Batches> {
        let reader = DataFile {
            store: self.store.clone(),
            key: Key::from(file.path.as_str()),
            size_bytes: u64::try_from(file.size)?,
        };
        let mut builder = ParquetRecordBatchStreamBuilder::new(reader)
            .await
            .with_context(|| format!("reading {} of {}", file.path, self.name))?
            .with_batch_size(batch_rows);
        if let Some(columns) = columns {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        if let Some(rows) = rows {
            let in_file = usize::try_from(builder.metadata().file_metadata().num_rows())?;
            let selection = RowSelection::from_consecutive_ranges(rows.into_iter(), in_file);
            builder = builder.with_row_selection(selection);
        }
        Ok(builder.build()?)
    }

    /// [`Table::read`] for several files, whole, in memory.
    pub async fn read_all(
        &self,
        files: &[Add],
        columns: Option<&[&str]>,
        batch_rows: usize,
    ) -> anyhow::Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for file in files {
            let stream = self.read(file, columns, batch_rows).await?;
            batches.extend(stream.try_collect::<Vec<_>>().await?);
        }
        Ok(batches)
    }

    /// Deletes data files that were written and shall not be committed.
    pub async fn discard(&self, files: &[Add]) -> anyhow::Result<()> {
        for file in files {
            self.store.delete(&Key::from(file.path.as_str())).await?;
        }
        Ok(())
    }

    /// The table at `state` as DataFusion reads it.
    pub async fn provider(&self, state: &State) -> anyhow::Result<Arc<dyn TableProvider>> {
        let provider = DeltaTable::new(self.log.clone())
            .table_provider()
            .with_eager_snapshot(state.inner.snapshot().clone())
            .await?;
        Ok(provider)
    }

    /// The table's log.
    pub(super) fn log(&self) -> &LogStoreRef {
        &self.log
    }

    /// The table's own store and its folder in the lake's root, for upkeep.
    pub fn place(&self) -> (&Arc<dyn ObjectStore>, &Key) {
        (&self.store, &self.folder)
    }
}

/// Checkpoints as the log holds them, noted at `now_ms`.
pub(super) fn transactions(
    checkpoints: &BTreeMap<String, i64>,
    now_ms: i64,
) -> impl Iterator<Item = Transaction> {
    checkpoints
        .iter()
        .map(move |(app, version)| Transaction::new_with_last_update(app, *version, Some(now_ms)))
}

impl State {
    pub fn version(&self) -> Version {
        self.inner.version()
    }

    /// The active data files.
    pub fn files(&self) -> Vec<Add> {
        #[expect(deprecated, reason = "the arrow form of the file list has no public reader yet")]
        let files = self.inner.log_data().iter().map(|file| file.add_action()).collect();
        files
    }

    /// Rows of all active files, by their statistics.
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

    /// Commits after which the table writes a checkpoint of its log.
    pub fn checkpoint_commits(&self) -> Version {
        self.inner.table_config().checkpoint_interval().get()
    }

    /// How long the table's log is kept, in milliseconds.
    pub fn log_kept_ms(&self) -> i64 {
        let configuration = self.inner.metadata().configuration();
        let said = configuration.get("delta.logRetentionDuration").map(String::as_str);
        let days = if said == Some(STREAM_LOG_RETENTION) { 1 } else { 30 };
        days * DAY_MS
    }

    /// The fingerprint of the definition the table was made by.
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

/// A removed file as it was when it was active, as far as its tombstone tells.
fn readd(gone: Remove) -> Add {
    Add {
        path: gone.path,
        partition_values: gone.partition_values.unwrap_or_default(),
        size: gone.size.unwrap_or_default(),
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
