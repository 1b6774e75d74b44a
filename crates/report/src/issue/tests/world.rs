//! A program that issues reports: a database, a lake in memory, and claims in a folder.

use crate::data::Value;
use crate::issue::claim::Claims;
use crate::issue::issuer::{Issuer, IssuerSetup};
use crate::issue::runner::Runner;
use crate::schedule::Progress;
use crate::source::{Bound, QueryLimits, Rows, Source, TableVersion, Versions};
use crate::{Engine, Error, testing};
use access::{Database, Settings};
use arrow::array::{Int64Array, RecordBatch, StringArray};
use async_trait::async_trait;
use config::location::{Purpose, open};
use config::model::TableName;
use config::notifications::{Notifications, read};
use config::settings::{IssueLimits, ReportLimits};
use config::toml_reader::{Findings, TomlReader};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::sync::watch::channel;
use watch::notify::NotificationPlanner;

pub const SECOND_US: i64 = 1_000_000;
pub const HOUR_US: i64 = 3_600 * SECOND_US;
pub const DAY_US: i64 = 24 * HOUR_US;
/// 06:30 in the plant, half an hour after the production day began.
pub const T0: i64 = testing::NOW_US;

const TEMPLATE: &str =
    "#let data = json(\"data.json\")\n= #data.title\n#data.queries.hours.rows.len()\n";

const ALARMS: &str = "
[[channel]]
name = \"box\"
kind = \"outbox\"
[[person]]
name = \"anna\"
role = \"manager\"
channels = [\"box\"]
";

/// Rows of `gold.hours` by station and boards, with a version of their own.
#[derive(Debug, Default)]
pub struct Lake {
    versions: Mutex<Vec<Vec<(&'static str, i64)>>>,
}

impl Lake {
    /// Commits a version of the table.
    pub fn commit(&self, rows: &[(&'static str, i64)]) {
        self.versions.lock().unwrap().push(rows.to_vec());
    }
}

#[async_trait]
impl Source for Lake {
    async fn versions(
        &self,
        tables: &BTreeSet<TableName>,
        _at_us: Option<i64>,
    ) -> Result<Versions, Error> {
        let version = self.versions.lock().unwrap().len() as u64;
        let newest = TableVersion { version, committed_at_us: T0 + version as i64 };
        Ok(tables.iter().map(|table| (table.to_string(), newest)).collect())
    }

    async fn rows(
        &self,
        _statements: &[Bound<'_>],
        versions: &Versions,
        _limits: &[QueryLimits],
    ) -> Result<Vec<Rows>, (usize, Error)> {
        let version = versions.values().next().map_or(0, |it| it.version) as usize;
        let rows = self.versions.lock().unwrap()[version - 1].clone();
        let stations = StringArray::from_iter_values(rows.iter().map(|it| it.0));
        let made = Int64Array::from_iter_values(rows.iter().map(|it| it.1));
        let columns: [(&str, arrow::array::ArrayRef); 2] =
            [("station", Arc::new(stations)), ("made", Arc::new(made))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        Ok(vec![Rows { schema: batch.schema(), batches: vec![batch], is_truncated: false }])
    }
}

/// Folders that several programs share.
pub struct World {
    pub folder: TempDir,
    pub lake: Arc<Lake>,
}

/// A program.
pub struct Program {
    pub issuer: Issuer,
    pub runner: Runner,
}

impl World {
    pub fn new() -> Self {
        let lake = Lake::default();
        lake.commit(&[("EP", 5), ("SB", 7)]);
        Self { folder: tempfile::tempdir().unwrap(), lake: Arc::new(lake) }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// A program with the database `name` and a report with this schedule and these recipients.
    pub fn program(&self, name: &str, schedule: &str) -> Program {
        let definition = format!(
            "title = \"Hours\"\n[parameters.day]\nkind = \"day\"\ndefault = \"yesterday\"\n\
             [[query]]\nname = \"hours\"\nsql = \"select station, made from gold.hours where day = :day\"\n\
             [schedule]\n{schedule}\nformats = [\"pdf\", \"csv\"]\n\
             [[send]]\nkind = \"link\"\nroles = [\"manager\"]\n\
             [[send]]\nkind = \"folder\"\nlocation = \"{}\"\n",
            self.path("sent")
        );
        let report = testing::definition(&definition, TEMPLATE);
        let database = Path::new(&self.path(name)).with_extension("db");
        let plant = testing::plant();
        let notifications = Arc::new(notifications(ALARMS));
        let calendar = Arc::new(plant.calendar.clone());
        let planner = NotificationPlanner::new(notifications, calendar, plant.public_url.clone());
        let issuer = Issuer::new(IssuerSetup {
            database: Arc::new(Database::open(&database, &Settings::default()).unwrap()),
            engine: Engine::new(&ReportLimits::default()),
            source: Arc::clone(&self.lake) as Arc<dyn Source>,
            plant,
            reports: BTreeMap::from([(report.name.clone(), report)]),
            planner: channel(Arc::new(planner)).1,
        });
        let location = open(&self.path("lake"), Purpose::Write).unwrap();
        let claims = Claims::new(&location, issuer.database_name(), 900 * SECOND_US);
        let limits = IssueLimits { report_correction_pause_s: 60, ..IssueLimits::default() };
        let runner = Runner::new(issuer.clone(), claims, limits).unwrap();
        Program { issuer, runner }
    }
}

fn notifications(text: &str) -> Notifications {
    let findings = Findings::new("alarms.toml", text);
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
    let read = read(&mut reader, &[]);
    reader.finish();
    assert_eq!(findings.into_diagnostics(), []);
    read
}

impl Program {
    /// A round and the deliveries at a time; everything was refined just before.
    pub async fn at(&mut self, now_us: i64) {
        self.runner.round(Progress { now_us, refined_at_us: Some(now_us) }).await.unwrap();
        self.runner.deliver(now_us).await.unwrap();
    }

    /// The days of the issued reports, oldest first.
    pub fn days(&self) -> Vec<String> {
        let mut issued = self.issuer.issued(&all()).unwrap();
        issued.reverse();
        issued.iter().map(|it| it.parameters["day"].as_str().unwrap().to_owned()).collect()
    }
}

/// The query for all issued reports.
pub fn all() -> crate::issue::store::IssuedQuery {
    crate::issue::store::IssuedQuery { report: None, before: None, limit: 100 }
}

/// The text of a day, counted from 1970-01-01.
pub fn day(number: i32) -> String {
    Value::Day(number).to_string()
}
