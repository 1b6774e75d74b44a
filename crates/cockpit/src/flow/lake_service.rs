//! The lake as the HTTP service queries it.

use super::Report;
use super::source_states::SourceStates;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use config::kpi::Kpi;
use config::model::{ParameterDefault, TableName};
use config::sentence::sentence;
use datafusion::catalog::TableProvider;
use datafusion::prelude::{DataFrame, SessionContext};
use lake::context::LakeContext;
use lake::kpi::{self, KpiQuery, Row};
use lake::meta::catalog::{self, ColumnRow, TableEntry};
use lake::shared::{self, Changes, FileBytes, Part, SharedTable};
use lake::sources::SourceRow;
use lake::{pinned, session};
use plant::equipment::Equipment;
use plant::time::{MILLISECOND_US, SECOND_US, second_of_us};
use report::{TableVersion, Versions};
use serve::{
    BuildInfo, ColumnInfo, Health, LakeReader, ParameterInfo, RunInfo, State, TableInfo, type_name,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;
use watch::Alarms;

/// The lake behind the service.
pub struct LakeService {
    refinery: LakeContext,
    /// Whether this program refines the lake itself.
    is_refining: bool,
    is_simulated: bool,
    rounds: Mutex<Rounds>,
    alarms: OnceLock<Alarms>,
    states: SourceStates,
}

#[derive(Default)]
struct Rounds {
    last: Option<RunInfo>,
    next_at: Option<DateTime<Utc>>,
    trouble: Option<String>,
    /// When the last round that refined the lake began.
    refined_at: Option<DateTime<Utc>>,
}

impl LakeService {
    pub fn new(refinery: LakeContext, is_refining: bool, is_simulated: bool) -> Self {
        let (rounds, alarms) = (Mutex::default(), OnceLock::new());
        let states = SourceStates::default();
        Self { refinery, is_refining, is_simulated, rounds, alarms, states }
    }

    /// The same service with the states of sources as this process reads them.
    #[must_use]
    pub fn with_states(self, states: &SourceStates) -> Self {
        Self { states: states.clone(), ..self }
    }

    /// Includes the state of the alarms in that of the service.
    pub fn report_alarms(&self, alarms: Alarms) {
        self.alarms.get_or_init(|| alarms);
    }

    fn rounds(&self) -> std::sync::MutexGuard<'_, Rounds> {
        self.rounds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The alarms of this service, if it has some.
    pub fn alarms(&self) -> Option<&Alarms> {
        self.alarms.get()
    }

    /// Records that another process refines the lake, or why this one cannot.
    pub fn not_refining(&self, reason: String) {
        self.rounds().trouble = Some(reason);
    }

    /// When the last round that refined the lake began.
    pub fn refined_at(&self) -> Option<DateTime<Utc>> {
        self.rounds().refined_at
    }

    /// Records the result of a round.
    pub fn round_done(
        &self,
        started_at: DateTime<Utc>,
        ended_at: DateTime<Utc>,
        next_at: DateTime<Utc>,
        done: &anyhow::Result<Report>,
    ) {
        let mut rounds = self.rounds();
        rounds.next_at = Some(next_at);
        if done.is_ok() {
            rounds.refined_at = Some(started_at);
        }
        let (ok, entries, trouble) = match done {
            Ok(report) => (report.is_success(), report.entries.as_slice(), broken(report)),
            Err(error) => (false, [].as_slice(), Some(sentence(error))),
        };
        let sum = |count: fn(&lake::reconciliation::RowBalance) -> i64| {
            entries.iter().map(|entry| count(entry).unsigned_abs()).sum()
        };
        rounds.last = Some(RunInfo {
            started_at,
            ended_at: Some(ended_at),
            ok,
            read: sum(|entry| entry.read),
            landed: sum(|entry| entry.bronze),
            rejected: sum(|entry| entry.rejected),
        });
        rounds.trouble = trouble;
    }
}

fn broken(report: &Report) -> Option<String> {
    let names: Vec<&str> = report.broken.iter().map(|row| row.file.as_str()).collect();
    if !names.is_empty() {
        return Some(format!("unreadable files: {}", names.join(", ")));
    }
    let names: Vec<&str> = report.faulty.iter().map(|row| row.file.as_str()).collect();
    if !names.is_empty() {
        return Some(format!("files with too many rejected records: {}", names.join(", ")));
    }
    if report.entries.iter().any(|entry| !entry.is_balanced) {
        return Some("rows do not balance; see meta.runs".to_owned());
    }
    (!report.problems.is_empty()).then(|| report.problems.join("; "))
}

#[async_trait]
impl LakeReader for LakeService {
    async fn session(&self) -> anyhow::Result<SessionContext> {
        let partitions = std::thread::available_parallelism().map_or(1, usize::from);
        session::open(&self.refinery.lake, self.refinery.runtime.clone(), partitions).await
    }

    async fn tables(&self) -> anyhow::Result<Vec<TableInfo>> {
        let entries = catalog::entries(&self.refinery).await?;
        Ok(entries.into_iter().map(|entry| self.table_info(entry)).collect())
    }

    async fn table(&self, schema: &str, table: &str) -> anyhow::Result<Option<TableInfo>> {
        let entry = catalog::entry(&self.refinery, &TableName::new(schema, table)).await?;
        Ok(entry.map(|entry| self.table_info(entry)))
    }

    async fn sources(&self) -> anyhow::Result<Vec<SourceRow>> {
        self.states.read(&self.refinery.lake).await
    }

    async fn version(&self, schema: &str, table: &str) -> anyhow::Result<Option<u64>> {
        let state = self.refinery.lake.state(&TableName::new(schema, table)).await?;
        Ok(state.map(|state| state.version()))
    }

    async fn versions(
        &self,
        tables: &BTreeSet<TableName>,
        at_us: Option<i64>,
    ) -> anyhow::Result<Versions> {
        let at_ms = at_us.map(|at_us| at_us.div_euclid(MILLISECOND_US));
        let mut versions = Versions::new();
        for name in tables {
            let found = pinned::version(&self.refinery.lake, name, at_ms).await?;
            versions.extend(found.map(|found| {
                let committed_at_us = found.committed_at_ms * MILLISECOND_US;
                (name.to_string(), TableVersion { version: found.version, committed_at_us })
            }));
        }
        Ok(versions)
    }

    async fn session_at(&self, versions: &Versions) -> anyhow::Result<SessionContext> {
        let table = |(name, version): (&String, &TableVersion)| {
            let (schema, table) = name.split_once('.')?;
            Some((TableName::new(schema, table), version.version))
        };
        let versions = versions.iter().filter_map(table).collect();
        let LakeContext { lake, runtime, steps, .. } = &self.refinery;
        pinned::open(lake, runtime.clone(), steps, &versions)
    }

    async fn table_at(
        &self,
        schema: &str,
        table: &str,
        version: u64,
    ) -> anyhow::Result<Option<Arc<dyn TableProvider>>> {
        let (lake, name) = (&self.refinery.lake, TableName::new(schema, table));
        let Some(state) = lake.state_at(&name, version).await? else { return Ok(None) };
        Ok(Some(lake.table(&name)?.provider(&state).await?))
    }

    async fn shared_table(
        &self,
        schema: &str,
        table: &str,
        version: Option<u64>,
    ) -> anyhow::Result<Option<SharedTable>> {
        shared::table(&self.refinery.lake, &TableName::new(schema, table), version).await
    }

    async fn commit_times(&self, schema: &str, table: &str) -> anyhow::Result<Vec<(u64, i64)>> {
        shared::commit_times(&self.refinery.lake, &TableName::new(schema, table)).await
    }

    async fn changes(
        &self,
        schema: &str,
        table: &str,
        versions: (u64, u64),
    ) -> anyhow::Result<Changes> {
        shared::changes(&self.refinery.lake, &TableName::new(schema, table), versions).await
    }

    async fn file_url(
        &self,
        schema: &str,
        table: &str,
        path: &str,
        life: Duration,
    ) -> anyhow::Result<Option<String>> {
        let name = TableName::new(schema, table);
        shared::signed_url(&self.refinery.lake, &name, path, life).await
    }

    async fn read_file(
        &self,
        schema: &str,
        table: &str,
        path: &str,
        part: Part,
    ) -> anyhow::Result<Option<FileBytes>> {
        shared::read_file(&self.refinery.lake, &TableName::new(schema, table), path, part).await
    }

    async fn with_parameters(
        &self,
        schema: &str,
        table: &str,
        parameters: &BTreeMap<String, String>,
    ) -> anyhow::Result<DataFrame> {
        lake::refine::derive::recompute(&self.refinery, &TableName::new(schema, table), parameters)
            .await
    }

    fn equipment(&self) -> &Equipment {
        &self.refinery.plant.equipment
    }

    fn shift_end_us(&self, at_us: i64) -> Option<i64> {
        let end_s = self.refinery.plant.calendar.shift_end_s(second_of_us(at_us))?;
        Some(end_s * SECOND_US)
    }

    fn kpis(&self) -> &[Kpi] {
        &self.refinery.plant.kpis
    }

    async fn kpi_rows(&self, kpis: &[Kpi], query: &KpiQuery) -> anyhow::Result<Vec<Row>> {
        kpi::figures::rows(&self.refinery, kpis, query).await
    }

    fn health(&self) -> Health {
        let rounds = self.rounds();
        let of_alarms = self.alarms.get().and_then(|alarms| alarms.health().problem);
        let reason = rounds.trouble.clone().or(of_alarms);
        let state = match (&reason, &rounds.last) {
            (Some(_), _) => State::Degraded,
            (None, None) if self.is_refining => State::Starting,
            _ => State::Running,
        };
        Health {
            state,
            reason,
            plant: self.refinery.plant.name.clone(),
            zone: self.refinery.plant.zone.to_string(),
            is_simulated: self.is_simulated,
            build: BuildInfo {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                commit: option_env!("COCKPIT_COMMIT").unwrap_or("unknown").to_owned(),
            },
            lake: self.refinery.lake.location().name.clone(),
            last_run: rounds.last.clone(),
            next_run_at: rounds.next_at,
        }
    }
}

impl LakeService {
    fn table_info(&self, (row, columns): TableEntry) -> TableInfo {
        let name = TableName::new(&row.schema_name, &row.table_name);
        let model = self.refinery.plant.models.get(&name);
        let parameters = model.map(|model| model.parameters.as_slice()).unwrap_or_default();
        let parameter = |it: &config::model::Parameter| ParameterInfo {
            name: it.name.clone(),
            type_name: it.default.type_name().to_owned(),
            default: match it.default {
                ParameterDefault::Today => Some("today".to_owned()),
                ParameterDefault::TemperatureLimit => {
                    Some(self.refinery.plant.temperature.limit_c.to_string())
                }
            },
            description: None,
        };
        TableInfo {
            schema: row.schema_name,
            table: row.table_name,
            description: row.description,
            columns: columns.into_iter().map(column).collect(),
            key: row.grain.iter().flat_map(|it| it.split(", ")).map(str::to_owned).collect(),
            parameters: parameters.iter().map(parameter).collect(),
            rows: u64::try_from(row.rows).ok(),
            version: u64::try_from(row.version).ok(),
            updated_at: row.updated_at,
        }
    }
}

fn column(row: ColumnRow) -> ColumnInfo {
    let type_name = row.r#type.parse().map_or(row.r#type, |kind| type_name(&kind));
    ColumnInfo { name: row.column_name, type_name, unit: row.unit, description: row.description }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_cannot_be_read_is_the_reason() {
        let text = "work_order: the database cannot be reached".to_owned();
        let report = Report { problems: vec![text.clone()], ..Report::default() };
        assert_eq!(broken(&report), Some(text));
        assert_eq!(broken(&Report::default()), None);
    }
}
