//! Issues reports: reads, renders and stores them, and queues their deliveries.

use super::error::IssueError;
use super::record::{
    Delivery, FileSummary, IssueCause, IssuedFile, IssuedReport, NewDelivery, NewIssue,
};
use super::store::{self, IssuedQuery};
use super::{period, queue, recipients};
use crate::collect::PlantContext;
use crate::data::Data;
use crate::differences::Difference;
use crate::engine::Engine;
use crate::source::{Source, Versions};
use crate::{Error, Request, collect};
use access::Database;
use config::diagnostic::did_you_mean;
use config::reports::{Definition, Format};
use rusqlite::Transaction;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch::Receiver;
use watch::notify::NotificationPlanner;

/// Format of the file with the rows, which corrections are compared with.
pub const DATA_FORMAT: &str = "data";

/// What an [`Issuer`] works with.
pub struct IssuerSetup {
    pub database: Arc<Database>,
    pub engine: Engine,
    /// Reads the lake without limits of scope.
    pub source: Arc<dyn Source>,
    pub plant: PlantContext,
    pub reports: BTreeMap<String, Arc<Definition>>,
    /// People and channels.
    pub planner: Receiver<Arc<NotificationPlanner>>,
}

/// Issues reports and reads issued ones. A clone is cheap.
#[derive(Clone)]
pub struct Issuer {
    setup: Arc<IssuerSetup>,
    /// The last failure of each scheduled report.
    problems: Arc<Mutex<BTreeMap<String, String>>>,
}

/// A report that is to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Name of the report.
    pub report: String,
    /// Values of parameters; others have their defaults.
    pub parameters: BTreeMap<String, String>,
    /// Language of the report; otherwise that of its schedule, or English.
    pub language: Option<String>,
    pub cause: IssueCause,
    /// Time at which the defaults of parameters are resolved, in microseconds since 1970 UTC.
    pub at_us: i64,
    /// Whether it is sent to the recipients of the report.
    pub is_sent: bool,
}

/// What a corrected report takes over from the one before.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Correction {
    pub corrects: i64,
    pub differences: Vec<Difference>,
    pub formats: BTreeSet<Format>,
    pub deliveries: Vec<NewDelivery>,
}

impl Issuer {
    pub fn new(setup: IssuerSetup) -> Self {
        Self { setup: Arc::new(setup), problems: Arc::default() }
    }

    /// The reports of the plant by name.
    pub fn reports(&self) -> &BTreeMap<String, Arc<Definition>> {
        &self.setup.reports
    }

    /// What the reports need of the plant.
    pub fn plant(&self) -> &PlantContext {
        &self.setup.plant
    }

    /// The engine that renders reports.
    pub fn engine(&self) -> &Engine {
        &self.setup.engine
    }

    pub(crate) fn source(&self) -> &dyn Source {
        self.setup.source.as_ref()
    }

    pub(crate) fn database(&self) -> &Arc<Database> {
        &self.setup.database
    }

    /// Identifies the database among those of all programs with the same lake.
    pub fn database_name(&self) -> String {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        format!("{}:{}", host.trim(), self.database().path().display())
    }

    pub(crate) fn planner(&self) -> Arc<NotificationPlanner> {
        Arc::clone(&self.setup.planner.borrow())
    }

    /// The report of a name.
    ///
    /// # Errors
    /// There is none.
    pub fn report(&self, name: &str) -> Result<&Arc<Definition>, Error> {
        self.reports().get(name).ok_or_else(|| {
            let known: Vec<&str> = self.reports().keys().map(String::as_str).collect();
            Error::UnknownReport { name: name.to_owned(), remedy: did_you_mean(name, &known) }
        })
    }

    /// Issues a report. Returns its number; `None` if the run of its schedule was issued already.
    ///
    /// # Errors
    /// The report cannot be made or stored. Then nothing of it is stored or sent.
    pub async fn issue(&self, order: &Order, now_us: i64) -> Result<Option<i64>, IssueError> {
        let report = Arc::clone(self.report(&order.report)?);
        let scheduled = report.schedule.as_ref().map(|it| it.language.clone());
        let request = Request {
            parameters: order.parameters.clone(),
            language: order.language.clone().or(scheduled).unwrap_or_default(),
            now_us,
            issued_at_us: Some(now_us),
            at_us: Some(order.at_us),
            ..Request::default()
        };
        let data = collect(&report, &request, &self.setup.plant, self.source()).await?;
        let mut new = self.describe(&report, &data, order.cause.clone());
        if order.is_sent {
            new.deliveries = recipients::deliveries(&report, &self.planner(), now_us);
        }
        self.store(report, data, recipients::formats, new).await
    }

    /// Issues a report again with data that differs from the report that it corrects.
    pub(super) async fn issue_correction(
        &self,
        report: Arc<Definition>,
        data: Data,
        correction: Correction,
    ) -> Result<Option<i64>, IssueError> {
        let mut new = self.describe(&report, &data, IssueCause::Correction);
        new.is_correctable = true;
        new.corrects = Some(correction.corrects);
        new.differences = correction.differences;
        new.deliveries = correction.deliveries;
        let formats = correction.formats;
        self.store(report, data, move |_report| formats, new).await
    }

    /// An issue without files and recipients.
    fn describe(&self, report: &Definition, data: &Data, cause: IssueCause) -> NewIssue {
        NewIssue {
            report: report.name.clone(),
            title: data.title.clone(),
            language: data.language.clone(),
            parameters: period::parameters(data),
            issued_at_us: data.issued_at_us.unwrap_or_default(),
            is_correctable: period::is_over(report, data, &cause, &self.setup.plant.calendar),
            cause,
            data_as_of_us: data.as_of_us,
            versions: data.versions.clone(),
            corrects: None,
            differences: Vec::new(),
            files: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    /// Renders the files and stores everything in one transaction.
    async fn store(
        &self,
        report: Arc<Definition>,
        data: Data,
        formats: impl FnOnce(&Definition) -> BTreeSet<Format>,
        mut new: NewIssue,
    ) -> Result<Option<i64>, IssueError> {
        let formats = formats(&report);
        let engine = self.setup.engine.clone();
        let rendering = move || files(&engine, &report, &data, &formats);
        new.files = tokio::task::spawn_blocking(rendering).await.map_err(anyhow::Error::new)??;
        let written = self.write(move |tx| {
            let id = store::insert(tx, &new)?;
            if let IssueCause::Schedule { run_at_us } = new.cause {
                store::note_run(tx, &new.report, run_at_us)?;
            }
            Ok(id)
        });
        written.await
    }

    /// Issued reports, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub fn issued(&self, query: &IssuedQuery) -> Result<Vec<IssuedReport>, access::Error> {
        self.setup.database.read(|tx| store::list(tx, query))
    }

    /// An issued report with its deliveries.
    ///
    /// # Errors
    /// There is none with this number, or the database fails.
    pub fn issued_with_deliveries(
        &self,
        id: i64,
    ) -> Result<(IssuedReport, Vec<Delivery>), access::Error> {
        self.setup.database.read(|tx| Ok((store::get(tx, id)?, queue::list(tx, id)?)))
    }

    /// A file of an issued report, as it was stored.
    ///
    /// # Errors
    /// There is no such file, it is damaged, or the database fails.
    pub fn file(&self, id: i64, format: &str) -> Result<IssuedFile, access::Error> {
        self.setup.database.read(|tx| store::file(tx, id, format))
    }

    /// Attempts a failed delivery again.
    ///
    /// # Errors
    /// There is none with this number, it is not failed, or the database fails.
    pub fn retry_delivery(&self, id: i64, now_us: i64) -> Result<Delivery, access::Error> {
        self.setup.database.write(|tx| queue::retry(tx, id, now_us))
    }

    /// Makes the files of an issued report again, from the versions of the tables that it read.
    ///
    /// # Errors
    /// A version is not in the lake any more, or the report cannot be made.
    pub async fn remake(&self, issued: &IssuedReport) -> Result<Vec<IssuedFile>, IssueError> {
        let report = Arc::clone(self.report(&issued.report)?);
        let data = self.read_again(&report, issued, issued.issued_at_us, true).await?;
        let is_file = |file: &&FileSummary| file.format != DATA_FORMAT;
        let formats = issued.files.iter().filter(is_file);
        let formats: BTreeSet<Format> =
            formats.filter_map(|file| Format::from_name(&file.format)).collect();
        let engine = self.setup.engine.clone();
        let rendering = move || files(&engine, &report, &data, &formats);
        Ok(tokio::task::spawn_blocking(rendering).await.map_err(anyhow::Error::new)??)
    }

    /// The data of an issued report: of the same versions, or of the newest ones.
    pub(super) async fn read_again(
        &self,
        report: &Definition,
        issued: &IssuedReport,
        now_us: i64,
        is_pinned: bool,
    ) -> Result<Data, Error> {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let request = Request {
            parameters: issued
                .parameters
                .iter()
                .map(|(name, it)| (name.clone(), text(it)))
                .collect(),
            language: issued.language.clone(),
            now_us,
            issued_at_us: Some(now_us),
            pinned: is_pinned.then(|| issued.versions.clone()),
            ..Request::default()
        };
        collect(report, &request, &self.setup.plant, self.source()).await
    }

    /// The newest versions of the tables of a report.
    pub(super) async fn versions(&self, report: &Definition) -> Result<Versions, Error> {
        self.source().versions(&report.tables(), None).await
    }

    /// Why the last run of a scheduled report failed; `None` if it did not.
    pub fn problem(&self, report: &str) -> Option<String> {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).get(report).cloned()
    }

    pub(super) fn set_problem(&self, report: &str, problem: Option<String>) {
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        match problem {
            Some(problem) => problems.insert(report.to_owned(), problem),
            None => problems.remove(report),
        };
    }

    /// Reads a snapshot of the database on a thread for blocking work.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, access::Error> + Send + 'static,
    ) -> Result<T, IssueError> {
        let database = Arc::clone(&self.setup.database);
        let done = tokio::task::spawn_blocking(move || database.read(work)).await;
        Ok(done.map_err(anyhow::Error::new)??)
    }

    /// Runs `work` in one transaction on a thread for blocking work.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, access::Error> + Send + 'static,
    ) -> Result<T, IssueError> {
        let database = Arc::clone(&self.setup.database);
        let done = tokio::task::spawn_blocking(move || database.write(work)).await;
        Ok(done.map_err(anyhow::Error::new)??)
    }
}

/// The files of a report in the formats, and its rows.
fn files(
    engine: &Engine,
    report: &Definition,
    data: &Data,
    formats: &BTreeSet<Format>,
) -> Result<Vec<IssuedFile>, Error> {
    let stem = period::file_stem(data);
    let mut files = Vec::new();
    for format in formats {
        let bytes = engine.render(report, data, *format)?;
        let name = format!("{stem}.{}", period::extension(*format, &bytes));
        files.push(IssuedFile { format: format.as_str().to_owned(), name, bytes: bytes.into() });
    }
    let rows = serde_json::to_vec(&engine.json(report, data)).map_err(anyhow::Error::new)?;
    files.push(IssuedFile {
        format: DATA_FORMAT.to_owned(),
        name: format!("{stem}.json"),
        bytes: rows.into(),
    });
    Ok(files)
}
