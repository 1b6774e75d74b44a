//! The wiring: who feeds whom. The only file that knows all layers, and the only owner of a clock
//! besides `main`.
//!
//! bucket -> bronze; bronze -> silver -> gold; lake -> books and catalog; lake -> people.

pub mod demo;
mod faulty_dumps;
mod lake_service;
mod landing;
mod observer;
mod refiner;
mod schedule;
pub mod serving;
pub mod stream;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use config::Config;
use config::folder::Plant;
use config::kafka::Kafka;
use config::kpi::Kpi;
use config::location::{self, Location, Purpose};
use config::model::TableName;
use datafusion::prelude::{DataFrame, SessionContext};
use ingest::files::{self, ListedDump};
use lake::context::LakeContext;
use lake::dumps::column_changes::{self, LastColumns};
use lake::dumps::{self, DumpRow, Status};
use lake::kpi::{self, KpiQuery, Row};
use lake::meta::catalog;
use lake::plan::{Step, planner};
use lake::refine::{Outcome, RefreshMode, watch};
use lake::retention::expire::expire;
use lake::{Lake, bronze, reconciliation, run, session, upkeep};
use plant::contract::Contract;
use serve::http;
use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

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
    /// Keys of files that are still being written; the next round looks at them again.
    pub unfinished: Vec<String>,
    /// The table and key of every dump in the bucket; none if it was not listed.
    pub listed: Option<BTreeSet<(String, String)>>,
    /// Books written by this run.
    pub entries: Vec<reconciliation::RowBalance>,
    /// Tables with changed rows.
    pub changed: Vec<TableName>,
    /// What went wrong with streams.
    pub problems: Vec<String>,
    /// What was noticed in the records of this run; nothing went wrong.
    pub notes: Vec<String>,
}

impl Report {
    /// Whether all went well: nothing broken, no dump of which too many records are rejected, and
    /// every book closes. Some rejected rows are well, and so are files of no contract.
    pub fn is_well(&self) -> bool {
        self.broken.is_empty()
            && self.faulty.is_empty()
            && self.problems.is_empty()
            && self.entries.iter().all(|entry| entry.is_balanced)
    }
}

/// The lake, the plant, and the way from one to the other.
#[derive(Clone)]
pub struct Flow {
    pub refinery: LakeContext,
    pub bucket: Option<Arc<Location>>,
    /// Brokers to read messages from.
    pub kafka: Option<Kafka>,
    /// Messages read from topics by this program.
    pub messages_read: Arc<AtomicU64>,
    /// Whether what is read is made up.
    pub is_simulated: bool,
    /// When files of no contract were looked for last.
    unmatched_at: Arc<Mutex<Option<DateTime<Utc>>>>,
}

#[expect(clippy::disallowed_methods, reason = "the flow owns the clock and hands it down")]
pub fn now() -> DateTime<Utc> {
    demo::shown(Utc::now())
}

/// The time of the machine, by which the file system dates its files.
#[expect(clippy::disallowed_methods, reason = "the flow owns the clock")]
fn machine_now() -> DateTime<Utc> {
    Utc::now()
}

/// Plans the plant's models; mistakes are an error that lists them all.
pub async fn plan(plant: &Plant) -> anyhow::Result<Vec<Step>> {
    let (steps, found) = planner::plan(plant).await?;
    if !found.is_empty() {
        let listed = config::listed(&found);
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
        let refinery = LakeContext {
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
            messages_read: Arc::default(),
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
        let (mut report, dumps) = match &self.bucket {
            Some(bucket) => self.land_new(bucket, watcher).await?,
            None if self.kafka.is_some() => (Report::default(), dumps::load(self.lake()).await?),
            None => bail!(
                "no bucket is named; say --bucket URL, COCKPIT_BUCKET, or bucket in plant.toml, or \
                 --kafka BROKERS to read messages"
            ),
        };
        watcher(Event::Refining);
        self.refine(&mut report, RefreshMode::Incremental, started_at, &dumps).await?;
        Ok(report)
    }

    /// Lands the dumps of the bucket that are new; returns also all dumps that are known after it.
    async fn land_new(
        &self,
        bucket: &Location,
        watcher: &Watcher,
    ) -> anyhow::Result<(Report, Vec<DumpRow>)> {
        let known = dumps::load(self.lake()).await?;
        let newest = dumps::newest(&known);
        let contracts = self.refinery.plant.contracts.values().filter(|it| !it.is_stream());
        let contracts: Vec<Arc<Contract>> = contracts.cloned().map(Arc::new).collect();
        if contracts.is_empty() {
            // A plant of topics alone expects nothing in the bucket.
            return Ok((Report::default(), known));
        }
        let found = files::list(bucket, &contracts, self.refinery.plant.zone).await?;
        for skipped in bucket.skipped.take_fresh() {
            tracing::warn!(
                name = skipped.name,
                reason = skipped.reason,
                "a name in the bucket is passed over"
            );
        }
        if found.is_empty() && known.iter().all(|row| row.status == Status::Unmatched) {
            bail!("{}", self.nothing_found(bucket, &contracts).await);
        }
        let listed = found.iter().map(ListedDump::table_and_key).collect();
        let (new, old): (Vec<ListedDump>, Vec<ListedDump>) = found
            .into_iter()
            .partition(|it| is_new(it, newest.get(&it.table_and_key()), self.lake().run()));
        let still_broken = old.iter().filter_map(|it| newest.get(&it.table_and_key()));
        let still_broken = still_broken.filter(|row| row.status == Status::Unreadable).cloned();
        let mut report = Report {
            unchanged: old.len(),
            broken: still_broken.collect(),
            listed: Some(listed),
            ..Report::default()
        };
        let (new, unfinished) = self.at_rest(bucket, &contracts, new).await?;
        report.unfinished = unfinished;
        let columns = LastColumns::new(&known);
        report.read = self.land_all(bucket, new, (&newest, &columns), watcher).await;
        report.changed_columns = column_changes::newly_changed(&report.read, &newest);
        let is_broken = |row: &&DumpRow| matches!(row.status, Status::Unreadable | Status::Failed);
        report.broken.extend(report.read.iter().filter(is_broken).cloned());
        dumps::save(self.lake(), &report.read, &known).await?;
        report.unmatched = self.note_unmatched(bucket, &contracts, &known).await?;
        let all = dumps::merged(known, &report.read);
        Ok((report, all))
    }

    /// Makes silver and gold anew from bronze.
    pub async fn rebuild(&self) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let dumps = dumps::load(self.lake()).await?;
        self.refine(&mut report, RefreshMode::Full, now(), &dumps).await?;
        Ok(report)
    }

    async fn refine(
        &self,
        report: &mut Report,
        mode: RefreshMode,
        started_at: DateTime<Utc>,
        all: &[DumpRow],
    ) -> anyhow::Result<()> {
        let outcomes = run::refine(&self.refinery, mode).await?;
        let settled = Box::pin(self.settle(report, outcomes, started_at, all));
        watch::watched(&self.refinery, "reconciling rows", settled).await
    }

    /// What follows on refinement: the books, what has expired, upkeep, and the catalog.
    async fn settle(
        &self,
        report: &mut Report,
        outcomes: Vec<Outcome>,
        started_at: DateTime<Utc>,
        all: &[DumpRow],
    ) -> anyhow::Result<()> {
        let changed: Vec<Outcome> = outcomes.into_iter().filter(|it| it.is_changed).collect();
        report.changed = changed.iter().map(|it| it.table.clone()).collect();
        report.notes.extend(changed.iter().flat_map(Outcome::notes));
        let noted = reconciliation::load(self.lake()).await?;
        let tables = self.to_be_counted(&report.changed, all, &noted);
        let entries =
            reconciliation::dumps::reconcile(&self.refinery, &tables, all, &noted, started_at)
                .await?;
        report.entries.extend(entries);
        report.faulty = self.judge(all, report.listed.as_ref()).await?;
        expire(&self.refinery).await?;
        self.compact(report).await?;
        upkeep::vacuum_all(self.lake()).await?;
        if !report.changed.is_empty() || !report.read.is_empty() || !report.entries.is_empty() {
            catalog::write(&self.refinery, &changed).await?;
        }
        Ok(())
    }

    /// The cleaned tables whose books are not certain: those that changed, and those of dumps a
    /// killed run landed without closing the books.
    fn to_be_counted(
        &self,
        changed: &[TableName],
        dumps: &[DumpRow],
        entries: &[reconciliation::RowBalance],
    ) -> Vec<TableName> {
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
        steps.map(|step| step.name().clone()).collect()
    }

    /// Lays the small files together that the rounds leave in the tables of dumps. It comes after
    /// refinement: what is made of a table has taken all its rows by then.
    async fn compact(&self, report: &Report) -> anyhow::Result<()> {
        let mut tables = BTreeSet::new();
        for step in self.refinery.steps.iter().filter(|it| report.changed.contains(it.name())) {
            let contract = step.model.cleans().and_then(|it| self.refinery.plant.contracts.get(it));
            if let Some(contract) = contract.filter(|it| !it.is_stream()) {
                tables.extend([bronze::name(contract), step.name().clone()]);
            }
        }
        if !report.read.is_empty() || !report.entries.is_empty() {
            tables.extend([dumps::table().name, reconciliation::table().name]);
        }
        for name in tables {
            upkeep::compact(self.lake(), &name).await?;
        }
        Ok(())
    }
}

impl Flow {
    /// A session over the lake's tables.
    pub async fn session(&self) -> anyhow::Result<SessionContext> {
        let partitions = std::thread::available_parallelism().map_or(1, usize::from);
        session::open(&self.refinery.lake, self.refinery.runtime.clone(), partitions).await
    }

    /// What some KPIs come to.
    pub async fn kpi_rows(&self, kpis: &[Kpi], query: &KpiQuery) -> anyhow::Result<Vec<Row>> {
        kpi::figures::rows(&self.refinery, kpis, query).await
    }

    /// A question in SQL, read-only.
    pub async fn run_sql(&self, sql: &str) -> anyhow::Result<DataFrame> {
        let context = self.session().await?;
        let limits = serve::Limits::from_settings(self.lake().limits());
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
fn is_new(found: &ListedDump, known: Option<&DumpRow>, run: &str) -> bool {
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
