//! The lake: batches -> bronze -> silver -> gold, as Delta tables any engine reads.
//!
//! In: batches from `ingest`, the models and contracts of the plant.
//! Out: tables under `bronze`, `silver`, `gold` and `meta`, and sessions to query them.
//! Promise: a table's rows and its checkpoints change in one commit, so a kill at any point loses
//! nothing and doubles nothing; every record is in silver, in `silver.rejected`, or superseded.

pub mod append;
pub mod books;
pub mod bronze;
pub mod catalog;
pub mod columns;
mod dump_columns;
pub mod dumps;
mod equipment;
pub mod faulty;
pub mod kpi;
mod landed;
pub mod lease;
pub mod lineage;
pub mod models;
pub mod read;
pub mod refine;
pub mod replace;
pub mod retention;
pub mod rows;
pub mod session;
mod spill;
pub mod store;
pub mod stream;
pub mod table;
pub mod upkeep;
pub mod write;

use chrono::{DateTime, Utc};
use config::location::Location;
use config::model::TableName;
use config::settings::Limits;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use store::Durable;
use table::{State, Table};
use tokio::sync::Mutex;
use write::{FileNames, FileSizes};

/// Reads the time; handed in by `flow`, so that nothing below it owns a clock.
pub type Clock = fn() -> DateTime<Utc>;

/// The lake at one place, as one run of the program works on it.
pub struct Lake {
    location: Location,
    limits: Limits,
    run: String,
    names: Arc<FileNames>,
    clock: Clock,
    states: Mutex<HashMap<TableName, State>>,
    /// The dumps in the data files of bronze tables, as far as they were read.
    landed: Mutex<landed::Known>,
    /// When the last dump started to land, in microseconds since 1970 UTC.
    ingested_us: AtomicI64,
    /// Steps that run side by side all write `silver.rejected`; they take turns.
    rejected_turn: Mutex<()>,
    /// The same for the ledgers of `meta`.
    meta_turn: Mutex<()>,
    /// When upkeep last deleted what nobody needs.
    forgotten_at: Mutex<Option<DateTime<Utc>>>,
}

impl Lake {
    /// The lake at `location`. A local lake is made durable. `run` names this run of the program
    /// in every row and file it writes.
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
            landed: Mutex::default(),
            ingested_us: AtomicI64::default(),
            rejected_turn: Mutex::default(),
            meta_turn: Mutex::default(),
            forgotten_at: Mutex::default(),
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

    /// The time at which the next dump starts to land: now, and later than that of any dump before it,
    /// because the order of dumps ends with it.
    pub fn next_ingested_at(&self) -> DateTime<Utc> {
        let now_us = self.now().timestamp_micros();
        let next = |last: i64| Some(now_us.max(last + 1));
        let last = self.ingested_us.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        let at = last.map_or(now_us, |last| now_us.max(last + 1));
        DateTime::from_timestamp_micros(at).unwrap_or_default()
    }

    pub fn sizes(&self) -> FileSizes {
        FileSizes {
            rows_per_file: self.limits.lake.data_file_rows,
            rows_per_group: self.limits.lake.row_group_rows,
        }
    }

    /// Sizes of the data files a stream lands in.
    pub fn stream_sizes(&self) -> FileSizes {
        FileSizes { rows_per_group: self.limits.lake.stream_row_group_rows, ..self.sizes() }
    }

    pub fn names(&self) -> Arc<FileNames> {
        self.names.clone()
    }

    pub fn batch_rows(&self) -> usize {
        self.limits.lake.batch_rows
    }

    pub fn table(&self, name: &TableName) -> anyhow::Result<Table> {
        Table::new(&self.location, name.clone())
    }

    /// The newest state of a table. A state this run has seen is brought up to date by the commits
    /// after it.
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

    /// Forgets the state of a table that is not there any more.
    pub async fn forget(&self, name: &TableName) {
        self.states.lock().await.remove(name);
    }

    /// Notes a state this run has just made or seen.
    pub async fn remember(&self, name: &TableName, state: State) {
        self.states.lock().await.insert(name.clone(), state);
    }
}
