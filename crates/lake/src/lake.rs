//! The lake at one location, as one run of the program works on it.

use crate::bronze::landed::{DataFileRuns, LandedCache};
use crate::delta::store::Durable;
use crate::delta::table::{State, Table};
use crate::delta::write::{FileNames, FileSizes};
use chrono::{DateTime, Utc};
use config::location::Location;
use config::model::TableName;
use config::settings::Limits;
use deltalake::kernel::{Add, Version};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Mutex;

/// Returns the current time; passed in by `flow`, so that no code below it reads a clock.
pub type Clock = fn() -> DateTime<Utc>;

/// The lake at one location, as one run of the program works on it.
pub struct Lake {
    location: Location,
    limits: Limits,
    run: String,
    names: Arc<FileNames>,
    clock: Clock,
    states: Mutex<HashMap<TableName, State>>,
    /// The versions up to which other programs changed no rows.
    unchanged: Mutex<HashMap<TableName, Version>>,
    landed: LandedCache,
    /// When the newest dump started to land, in microseconds since 1970 UTC.
    ingested_us: AtomicI64,
    /// Serializes writes to `silver.rejected`, which steps that run in parallel share.
    pub(crate) rejected_turn: Mutex<()>,
    /// Serializes writes to the tables of `meta`.
    pub(crate) meta_turn: Mutex<()>,
    /// When upkeep last deleted unreferenced files.
    pub(crate) vacuumed_at: Mutex<Option<DateTime<Utc>>>,
}

impl Lake {
    /// The lake at `location`; a local one is wrapped in a durable store. `run` identifies this run of
    /// the program in every row and file it writes.
    pub fn new(mut location: Location, limits: Limits, run: &str, clock: Clock) -> Self {
        if location.folder.is_some() {
            location.root = Arc::new(Durable::new(run));
        }
        Self {
            location,
            limits,
            run: run.to_owned(),
            names: Arc::new(FileNames::new(run)),
            clock,
            states: Mutex::default(),
            unchanged: Mutex::default(),
            landed: LandedCache::default(),
            ingested_us: AtomicI64::default(),
            rejected_turn: Mutex::default(),
            meta_turn: Mutex::default(),
            vacuumed_at: Mutex::default(),
        }
    }

    pub fn location(&self) -> &Location {
        &self.location
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn run(&self) -> &str {
        &self.run
    }

    pub fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }

    pub fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }

    /// The time at which the next dump starts to land. It is later than that of every dump before,
    /// because it is the last criterion of the order of dumps.
    pub fn next_ingested_at(&self) -> DateTime<Utc> {
        let now_us = self.now().timestamp_micros();
        let next = |last: i64| Some(now_us.max(last + 1));
        let last = self.ingested_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let at = last.map_or(now_us, |last| now_us.max(last + 1));
        DateTime::from_timestamp_micros(at).unwrap_or_default()
    }

    /// Sizes of data files.
    pub fn sizes(&self) -> FileSizes {
        FileSizes {
            rows_per_file: self.limits.lake.data_file_rows,
            rows_per_group: self.limits.lake.row_group_rows,
        }
    }

    /// Sizes of the data files that a stream appends.
    pub fn stream_sizes(&self) -> FileSizes {
        FileSizes { rows_per_group: self.limits.lake.stream_row_group_rows, ..self.sizes() }
    }

    /// The names of the data files of this run.
    pub fn names(&self) -> Arc<FileNames> {
        self.names.clone()
    }

    pub fn batch_rows(&self) -> usize {
        self.limits.lake.batch_rows
    }

    /// The table `name`, which need not exist.
    pub fn table(&self, name: &TableName) -> anyhow::Result<Table> {
        Table::new(&self.location, name.clone())
    }

    /// The newest state of a table, `None` if it does not exist. A state that this run has loaded before
    /// is only extended by the commits since.
    pub async fn state(&self, name: &TableName) -> anyhow::Result<Option<State>> {
        let seen = self.states.lock().await.get(name).cloned();
        let table = self.table(name)?;
        let state = match seen {
            Some(seen) => Some(table.refresh(seen).await?),
            None => table.load().await?,
        };
        if let Some(state) = &state {
            self.remember(name, state.clone()).await;
        }
        Ok(state)
    }

    /// The state of a table at `version`; `None` if this version does not exist, or if its log or one of its
    /// data files is no longer stored.
    pub async fn state_at(
        &self,
        name: &TableName,
        version: Version,
    ) -> anyhow::Result<Option<State>> {
        let Some(newest) = self.state(name).await? else { return Ok(None) };
        if version >= newest.version() {
            return Ok((version == newest.version()).then_some(newest));
        }
        self.table(name)?.load_stored(version, &newest).await
    }

    /// Drops the cached state of a table that no longer exists.
    pub async fn forget(&self, name: &TableName) {
        self.states.lock().await.remove(name);
    }

    /// Caches a state that this run has loaded or committed.
    pub async fn remember(&self, name: &TableName, state: State) {
        self.states.lock().await.insert(name.clone(), state);
    }

    /// Fails if another program changed rows of a table. Each version is checked once in a run.
    ///
    /// # Errors
    /// [`Error::ForeignChange`](crate::error::Error::ForeignChange).
    pub async fn refuse_foreign_changes(&self, name: &TableName) -> anyhow::Result<()> {
        let Some(state) = self.state(name).await? else { return Ok(()) };
        let since = self.unchanged.lock().await.get(name).copied();
        // A table that was set aside and computed again starts over.
        let since = since.filter(|since| *since <= state.version());
        if since != Some(state.version()) {
            self.table(name)?.refuse_foreign_changes(&state, since).await?;
            self.unchanged.lock().await.insert(name.clone(), state.version());
        }
        Ok(())
    }

    /// The dumps in some data files of a bronze table.
    pub async fn landed(
        &self,
        table: &Table,
        files: Vec<Add>,
    ) -> anyhow::Result<Vec<DataFileRuns>> {
        self.landed.of_files(table, files, self.batch_rows()).await
    }

    /// The dumps in all data files of a bronze table; cached entries of other files are dropped.
    pub async fn all_landed(
        &self,
        table: &Table,
        files: Vec<Add>,
    ) -> anyhow::Result<Vec<DataFileRuns>> {
        self.landed.of_all_files(table, files, self.batch_rows()).await
    }
}
