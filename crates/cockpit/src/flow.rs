//! The wiring: who feeds whom. The only file that knows all layers, and the only owner of a clock
//! besides `main`.
//!
//! bucket -> bronze; bronze -> silver -> gold; lake -> books and catalog; lake -> people.

mod answers;
mod audience;
pub mod demo;
mod judged;
mod refiner;
mod rounds;
pub mod serving;
pub mod stream;

use crate::config::Config;
use crate::config::folder::Plant;
use crate::config::kafka::Kafka;
use crate::config::kpi::Kpi;
use crate::config::location::{self, Location, Purpose};
use crate::config::model::TableName;
use crate::ingest::files::{self, Found, ReadError};
use crate::lake::bronze::{Dump, Landing, Start};
use crate::lake::columns::{self, LastColumns};
use crate::lake::dumps::{self, DumpRow, Status};
use crate::lake::kpi::{self, Asked, Row};
use crate::lake::models::{self, Step};
use crate::lake::refine::{Extent, Outcome, Refinery};
use crate::lake::{Lake, books, catalog, retention, session, upkeep};
use crate::serve::http;
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::StreamExt as _;
use plant::columns::FileColumns;
use plant::contract::Contract;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// Batches between a decoder and the lake: enough that neither waits for the other.
const BATCHES_BETWEEN: usize = 2;

/// Dumps that land side by side.
const LANDINGS: usize = 2;

/// Pause before the lake is asked for again while another program has it.
const RETRY: Duration = Duration::from_secs(5);

/// What a watcher of a run is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// So many dumps are to be read, of so many bytes.
    Listed { dumps: usize, bytes: u64 },
    /// A dump is done with.
    Dump { file: String, bytes: u64, status: Status },
    /// All dumps are; refinement begins.
    Refining,
}

/// Told of every event of a run.
pub type Watcher = Arc<dyn Fn(Event) + Send + Sync>;

/// What a run did.
#[derive(Debug, Default)]
pub struct Report {
    /// Dumps that were read in this run.
    pub read: Vec<DumpRow>,
    /// Dumps that cannot be read, whether found in this run or before.
    pub broken: Vec<DumpRow>,
    /// Dumps of the bucket of which too many records are rejected, whenever they landed.
    pub faulty: Vec<DumpRow>,
    /// Dumps whose columns changed, each reported by the run that read them first.
    pub changed_columns: Vec<DumpRow>,
    /// Files that no contract matches and that were not known before.
    pub unmatched: Vec<DumpRow>,
    /// Dumps as they were already.
    pub unchanged: usize,
    /// The table and key of every dump in the bucket; none if it was not listed.
    pub listed: Option<BTreeSet<(String, String)>>,
    /// Books written by this run.
    pub entries: Vec<books::Entry>,
    /// Tables with changed rows.
    pub changed: Vec<TableName>,
    /// What went wrong with streams.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether all went well: nothing broken, no dump of which too many records are rejected, and
    /// every book closes. Some rejected rows are well, and so are files of no contract.
    pub fn is_well(&self) -> bool {
        self.broken.is_empty()
            && self.faulty.is_empty()
            && self.problems.is_empty()
            && self.entries.iter().all(|entry| entry.closed)
    }
}

/// The lake, the plant, and the way from one to the other.
#[derive(Clone)]
pub struct Flow {
    pub refinery: Refinery,
    pub bucket: Option<Arc<Location>>,
    /// Brokers to read messages from.
    pub kafka: Option<Kafka>,
    /// Messages read from topics by this program.
    pub heard: Arc<AtomicU64>,
    /// Whether what is read is made up.
    pub is_simulated: bool,
    /// When files of no contract were looked for last.
    unmatched_at: Arc<Mutex<Option<DateTime<Utc>>>>,
}

#[expect(clippy::disallowed_methods, reason = "the flow owns the clock and hands it down")]
pub fn now() -> DateTime<Utc> {
    demo::shown(Utc::now())
}

/// Plans the plant's models; mistakes are an error that lists them all.
pub async fn plan(plant: &Plant) -> anyhow::Result<Vec<Step>> {
    let (steps, found) = models::plan(plant).await?;
    if !found.is_empty() {
        let listed = crate::config::listed(&found);
        bail!("the plant's models have mistakes; mend them first:\n{listed}");
    }
    Ok(steps)
}

impl Flow {
    /// Opens what the configuration names.
    pub async fn open(config: &Config, purpose: Purpose) -> anyhow::Result<Self> {
        let steps = plan(&config.plant).await?;
        let run = uuid::Uuid::now_v7().simple().to_string();
        let lake = location::open(&config.lake.0, purpose).context("the lake cannot be opened")?;
        let bucket = match &config.bucket {
            Some((url, _)) => Some(Arc::new(
                location::open(url, Purpose::Read)
                    .context("the bucket cannot be opened; name another with --bucket")?,
            )),
            None => None,
        };
        let limits = config.plant.limits.clone();
        let runtime = session::runtime(&limits)?;
        let refinery = Refinery {
            lake: Arc::new(Lake::new(lake, limits, &run, now)),
            plant: Arc::new(config.plant.clone()),
            steps: Arc::new(steps),
            runtime,
            memory: Arc::default(),
            read: stream::reader(&config.plant.limits),
        };
        let kafka = config.kafka.is_some().then(|| config.plant.kafka.clone());
        Ok(Self {
            refinery,
            bucket,
            kafka,
            heard: Arc::default(),
            is_simulated: false,
            unmatched_at: Arc::default(),
        })
    }

    fn lake(&self) -> &Lake {
        &self.refinery.lake
    }

    /// Reads every stream to its end, then does one round.
    pub async fn once(&self, watcher: &Watcher) -> anyhow::Result<Report> {
        let streamed = match &self.kafka {
            Some(kafka) => self.stream_once(kafka).await?,
            None => Default::default(),
        };
        let mut report = self.round(watcher).await?;
        report.entries.extend(streamed.0);
        report.problems = streamed.1;
        Ok(report)
    }

    /// One round: lands what is new in the bucket, refines, closes the books.
    pub async fn round(&self, watcher: &Watcher) -> anyhow::Result<Report> {
        let started_at = now();
        let mut report = match &self.bucket {
            Some(bucket) => self.land_new(bucket, watcher).await?,
            None if self.kafka.is_some() => Report::default(),
            None => bail!(
                "no bucket is named; say --bucket URL, COCKPIT_BUCKET, or bucket in plant.toml, or \
                 --kafka BROKERS to read messages"
            ),
        };
        watcher(Event::Refining);
        self.refine(&mut report, Extent::Changes, started_at).await?;
        Ok(report)
    }

    /// Lands the dumps of the bucket that are new.
    async fn land_new(&self, bucket: &Location, watcher: &Watcher) -> anyhow::Result<Report> {
        let known = dumps::load(self.lake()).await?;
        let newest = dumps::newest(&known);
        let contracts = self.refinery.plant.contracts.values().filter(|it| !it.is_stream());
        let contracts: Vec<Arc<Contract>> = contracts.cloned().map(Arc::new).collect();
        if contracts.is_empty() {
            // A plant of topics alone expects nothing in the bucket.
            return Ok(Report::default());
        }
        let found = files::list(bucket, &contracts, self.refinery.plant.zone).await?;
        if found.is_empty() && known.iter().all(|row| row.status == Status::Unmatched) {
            bail!("{}", self.nothing_found(bucket, &contracts).await);
        }
        let listed = found.iter().map(Found::place).collect();
        let (new, old): (Vec<Found>, Vec<Found>) = found
            .into_iter()
            .partition(|it| is_new(it, newest.get(&it.place()), self.lake().run()));
        let still_broken = old.iter().filter_map(|it| newest.get(&it.place()));
        let still_broken = still_broken.filter(|row| row.status == Status::Unreadable).cloned();
        let mut report = Report {
            unchanged: old.len(),
            broken: still_broken.collect(),
            listed: Some(listed),
            ..Report::default()
        };
        let columns = LastColumns::of(&known);
        report.read = self.land_all(bucket, new, (&newest, &columns), watcher).await;
        report.changed_columns = columns::newly_changed(&report.read, &newest);
        let is_broken = |row: &&DumpRow| matches!(row.status, Status::Unreadable | Status::Failed);
        report.broken.extend(report.read.iter().filter(is_broken).cloned());
        dumps::save(self.lake(), &report.read).await?;
        report.unmatched = self.note_unmatched(bucket, &contracts, &known).await?;
        Ok(report)
    }

    /// Makes silver and gold anew from bronze.
    pub async fn rebuild(&self) -> anyhow::Result<Report> {
        let mut report = Report::default();
        self.refine(&mut report, Extent::Everything, now()).await?;
        Ok(report)
    }

    async fn refine(
        &self,
        report: &mut Report,
        extent: Extent,
        started_at: DateTime<Utc>,
    ) -> anyhow::Result<()> {
        let outcomes = self.refinery.run(extent).await?;
        let changed: Vec<Outcome> = outcomes.into_iter().filter(|it| it.is_changed).collect();
        report.changed = changed.iter().map(|it| it.table.clone()).collect();
        let all = dumps::load(self.lake()).await?;
        let tables = self.to_be_counted(&report.changed, &all).await?;
        report.entries.extend(books::close(&self.refinery, &tables, &all, started_at).await?);
        report.faulty = self.judge(&all, report.listed.as_ref()).await?;
        retention::expire(&self.refinery).await?;
        upkeep::forget_all(self.lake()).await?;
        if !report.changed.is_empty() || !report.read.is_empty() || !report.entries.is_empty() {
            catalog::write(&self.refinery, &changed).await?;
        }
        Ok(())
    }

    /// The cleaned tables whose books are not certain: those that changed, and those of dumps a
    /// killed run landed without closing the books.
    async fn to_be_counted(
        &self,
        changed: &[TableName],
        dumps: &[DumpRow],
    ) -> anyhow::Result<Vec<TableName>> {
        let entries: Vec<books::Entry> = self.lake().meta_rows(&books::table()).await?;
        let counted: BTreeSet<(&str, &str, i64)> =
            entries.iter().map(|it| (it.table_name.as_str(), it.file.as_str(), it.dump)).collect();
        let is_uncertain = |step: &&Step| {
            let Some(source) = step.model.cleans() else { return false };
            let name = step.name().name.as_str();
            let mut landed =
                dumps.iter().filter(|row| row.table_name == source && row.status == Status::Landed);
            changed.contains(step.name())
                || landed.any(|row| !counted.contains(&(name, row.file.as_str(), row.dump)))
        };
        let steps = self.refinery.steps.iter().filter(is_uncertain);
        Ok(steps.map(|step| step.name().clone()).collect())
    }

    /// Lands dumps; those of one table one after the other, oldest first, different tables side by
    /// side. What fails is noted, and the rest goes on.
    async fn land_all(
        &self,
        bucket: &Location,
        new: Vec<Found>,
        (newest, columns): (&BTreeMap<(String, String), DumpRow>, &LastColumns),
        watcher: &Watcher,
    ) -> Vec<DumpRow> {
        let bytes = new.iter().map(|it| it.size_bytes.unsigned_abs()).sum();
        watcher(Event::Listed { dumps: new.len(), bytes });
        let mut by_table: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for found in new {
            by_table.entry(found.contract.table.clone()).or_default().push(found);
        }
        let lines = by_table.into_values().map(|line| async move {
            let mut rows = Vec::with_capacity(line.len());
            let mut before = line.first().and_then(|found| columns.table(&found.contract));
            for found in line {
                let known = newest.get(&found.place());
                let row = self.land_one(bucket, &found, known, &mut before).await;
                let bytes = found.size_bytes.unsigned_abs();
                watcher(Event::Dump { file: found.key, bytes, status: row.status });
                rows.push(row);
            }
            rows
        });
        let rows: Vec<Vec<DumpRow>> =
            futures::stream::iter(lines).buffer_unordered(LANDINGS).collect().await;
        let mut rows: Vec<DumpRow> = rows.into_iter().flatten().collect();
        rows.sort_by(|left, right| left.file.cmp(&right.file));
        rows
    }

    async fn land_one(
        &self,
        bucket: &Location,
        found: &Found,
        known: Option<&DumpRow>,
        before: &mut Option<FileColumns>,
    ) -> DumpRow {
        let mut row = DumpRow {
            file: found.key.clone(),
            dump: known.map_or(0, |known| known.dump) + 1,
            source: found.contract.source.clone(),
            table_name: found.contract.table.clone(),
            size_bytes: found.size_bytes,
            etag: found.etag.clone(),
            sha256: None,
            modified_at: found.modified_at,
            dumped_at: found.dumped_at,
            status: Status::Landed,
            reason: None,
            records: 0,
            rejected: None,
            columns: None,
            column_change: None,
            run: self.lake().run().to_owned(),
            seen_at: now(),
        };
        match self.land(bucket, found, known, &mut row).await {
            Ok(None) => {}
            Ok(Some(columns)) => {
                let judged = self.lake().limits().get("judged_records").cast_signed();
                columns::note(&mut row, &found.contract, columns, before, judged);
            }
            Err(ReadError::Content(reason)) => {
                row.status = Status::Unreadable;
                row.reason = Some(reason);
            }
            Err(error) => {
                row.status = Status::Failed;
                row.reason = Some(error.to_string());
            }
        }
        if let Some(reason) = &row.reason {
            tracing::warn!(file = row.file, status = ?row.status, reason, "dump did not land");
        }
        if let Some(change) = &row.column_change {
            tracing::warn!(file = row.file, change, "columns of dump changed");
        }
        row
    }

    async fn land(
        &self,
        bucket: &Location,
        found: &Found,
        known: Option<&DumpRow>,
        row: &mut DumpRow,
    ) -> Result<Option<FileColumns>, ReadError> {
        let fetched = files::fetch(bucket, found).await?;
        row.sha256 = Some(fetched.sha256.clone());
        let is_landed = |known: &&DumpRow| known.status == Status::Landed;
        if let Some(known) = known.filter(is_landed).filter(|it| it.sha256 == row.sha256) {
            // Touched but not changed: it is the dump it was.
            row.take_contents(known);
            return Ok(None);
        }
        let dump = Dump {
            key: found.key.clone(),
            sha256: fetched.sha256.clone(),
            dumped_at: found.dumped_at,
            modified_at: found.modified_at,
        };
        let start = Landing::start(self.lake(), &found.contract, dump).await;
        let mut landing = match start.map_err(ReadError::Place)? {
            Start::New(landing) => Some(landing),
            Start::Landed(number) => {
                row.dump = number;
                None
            }
        };
        row.dump = landing.as_ref().map_or(row.dump, |landing| landing.number());
        let (out, mut batches) = tokio::sync::mpsc::channel(BATCHES_BETWEEN);
        let contract = found.contract.clone();
        let limits = self.lake().limits().clone();
        let decoding =
            tokio::task::spawn_blocking(move || files::decode(fetched, &contract, &limits, &out));
        let mut landed = Ok(());
        while let Some(batch) = batches.recv().await {
            // A dump that is there already is only counted.
            if let Some(landing) = &mut landing {
                landed = landing.push(batch).await;
            }
            if landed.is_err() {
                break;
            }
        }
        drop(batches);
        let records = decoding.await.map_err(|error| ReadError::Place(error.into()));
        landed.map_err(ReadError::Place)?;
        let decoded = records??;
        row.records = decoded.records;
        if row.records == 0 {
            row.status = Status::Empty;
            row.reason = Some("the file holds no records".to_owned());
            return Ok(decoded.columns);
        }
        if let Some(landing) = landing {
            landing.finish().await.map_err(ReadError::Place)?;
        }
        Ok(decoded.columns)
    }
}

impl Flow {
    /// A session over the lake's tables.
    pub async fn session(&self) -> anyhow::Result<SessionContext> {
        let partitions = std::thread::available_parallelism().map_or(1, usize::from);
        self.refinery.lake.session(self.refinery.runtime.clone(), partitions).await
    }

    /// What some KPIs come to.
    pub async fn kpi_rows(&self, kpis: &[Kpi], asked: &Asked) -> anyhow::Result<Vec<Row>> {
        kpi::rows(&self.refinery, kpis, asked).await
    }

    /// A question in SQL, read-only.
    pub async fn ask(&self, sql: &str) -> anyhow::Result<DataFrame> {
        let context = self.session().await?;
        let limits = answers::limits(self.lake().limits());
        http::plan_reading(&context, sql, &limits).await.map_err(|error| match error.private {
            Some(cause) => cause.context(error.public),
            None => anyhow::anyhow!(error.public),
        })
    }
}

/// Cancels `stop` at the first Ctrl-C or SIGTERM. Both are listened for when this returns, so that
/// none ends the program while it holds the lake.
#[expect(clippy::disallowed_methods, reason = "lives as long as the program and holds nothing")]
pub fn cancel_on_signal(stop: CancellationToken) {
    let listened = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupted), Ok(mut terminated)) = listened else {
        tracing::warn!("signals cannot be listened for; the program ends without giving back");
        return;
    };
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        stop.cancel();
    });
}

/// Whether a dump has to be read: it was never seen, has changed, or failed last time. One that
/// gave nothing is read once more by each run of the program, for its contract may be mended.
fn is_new(found: &Found, known: Option<&DumpRow>, run: &str) -> bool {
    known.is_none_or(|known| {
        let seen = (known.size_bytes, known.etag.as_ref(), known.modified_at);
        let is_changed = seen != (found.size_bytes, found.etag.as_ref(), found.modified_at);
        match known.status {
            Status::Landed => is_changed,
            Status::Empty | Status::Unreadable => is_changed || known.run != run,
            Status::Failed | Status::Unmatched => true,
        }
    })
}
