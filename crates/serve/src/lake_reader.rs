//! The interface through which the service reads the lake.

use arrow::datatypes::DataType;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use config::kpi::Kpi;
use config::model::TableName;
use datafusion::catalog::TableProvider;
use datafusion::dataframe::DataFrame;
use datafusion::prelude::SessionContext;
use lake::kpi::{KpiQuery, Row};
use lake::shared::{Changes, FileBytes, Part, SharedTable};
use lake::sources::SourceRow;
use plant::equipment::Equipment;
use report::Versions;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use utoipa::ToSchema;

/// Read access to the lake.
#[async_trait]
pub trait LakeReader: Send + Sync {
    /// A session in which every table of the lake is registered as `schema.table`, read-only, with
    /// its limits of memory and of spilled bytes set.
    async fn session(&self) -> anyhow::Result<SessionContext>;

    /// Every table; reads metadata only.
    async fn tables(&self) -> anyhow::Result<Vec<TableInfo>>;

    /// One table, `None` if it is not in the lake. Called for each request of a table: the metadata of the other
    /// tables are not needed.
    async fn table(&self, schema: &str, table: &str) -> anyhow::Result<Option<TableInfo>>;

    /// The sources and their last reads.
    async fn sources(&self) -> anyhow::Result<Vec<SourceRow>>;

    /// Version of one table as of now, `None` if it has none (the response then has no ETag). Called
    /// before [`LakeReader::session`], so an ETag may be older than the rows, never newer.
    async fn version(&self, schema: &str, table: &str) -> anyhow::Result<Option<u64>>;

    /// The newest version of each of these tables, or the newest at a time in microseconds since 1970 UTC. Tables
    /// that do not exist, or did not exist then, are left out.
    async fn versions(
        &self,
        tables: &BTreeSet<TableName>,
        at_us: Option<i64>,
    ) -> anyhow::Result<Versions>;

    /// A session as [`LakeReader::session`] in which only these tables exist, at these versions. Statements give
    /// their rows in the same order each time.
    async fn session_at(&self, versions: &Versions) -> anyhow::Result<SessionContext>;

    /// The table at `version`, for queries in a session of [`LakeReader::session`]; `None` if the log or a
    /// data file of this version is no longer stored.
    async fn table_at(
        &self,
        schema: &str,
        table: &str,
        version: u64,
    ) -> anyhow::Result<Option<Arc<dyn TableProvider>>>;

    /// The files of a table at `version`, or at its newest one; `None` if it is not stored.
    async fn shared_table(
        &self,
        schema: &str,
        table: &str,
        version: Option<u64>,
    ) -> anyhow::Result<Option<SharedTable>>;

    /// The stored versions of a table and the times of their commits in milliseconds since 1970 UTC, in
    /// ascending order.
    async fn commit_times(&self, schema: &str, table: &str) -> anyhow::Result<Vec<(u64, i64)>>;

    /// The changed files of the versions of a table from one to another, both included.
    async fn changes(
        &self,
        schema: &str,
        table: &str,
        versions: (u64, u64),
    ) -> anyhow::Result<Changes>;

    /// An address from which a data file can be read for `life` without credentials; `None` if the store
    /// of the lake has none.
    async fn file_url(
        &self,
        schema: &str,
        table: &str,
        path: &str,
        life: Duration,
    ) -> anyhow::Result<Option<String>>;

    /// Bytes of a data file; `None` if it is no longer stored.
    async fn read_file(
        &self,
        schema: &str,
        table: &str,
        path: &str,
        part: Part,
    ) -> anyhow::Result<Option<FileBytes>>;

    /// The table recomputed with `parameters`, whose names and values have been checked against
    /// [`TableInfo::parameters`].
    async fn with_parameters(
        &self,
        schema: &str,
        table: &str,
        parameters: &BTreeMap<String, String>,
    ) -> anyhow::Result<DataFrame>;

    /// The equipment of the plant, which rows belong to.
    fn equipment(&self) -> &Equipment;

    /// The end of the shift that a time is in, in microseconds since 1970 UTC; `None` outside every shift.
    fn shift_end_us(&self, at_us: i64) -> Option<i64>;

    /// The definitions of the KPIs, in the order of their file.
    fn kpis(&self) -> &[Kpi];

    /// Computes `kpis` for `query`.
    async fn kpi_rows(&self, kpis: &[Kpi], query: &KpiQuery) -> anyhow::Result<Vec<Row>>;

    /// The state of the program, without I/O.
    fn health(&self) -> Health;
}

/// The description of a table.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct TableInfo {
    pub schema: String,
    pub table: String,
    pub description: String,
    pub columns: Vec<ColumnInfo>,
    /// Columns that together identify a row; empty if none are declared.
    pub key: Vec<String>,
    /// Parameters the table can be recomputed with.
    pub parameters: Vec<ParameterInfo>,
    /// Number of rows, if known without reading them.
    pub rows: Option<u64>,
    /// Version of the table in the lake.
    pub version: Option<u64>,
    /// When the table last changed (UTC).
    #[schema(value_type = Option<String>, format = DateTime)]
    pub updated_at: Option<DateTime<Utc>>,
}

impl TableInfo {
    /// Name in SQL.
    pub fn name(&self) -> String {
        format!("{}.{}", self.schema, self.table)
    }
}

/// The description of a column.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ColumnInfo {
    pub name: String,
    /// Type, as [`type_name`] writes it.
    #[serde(rename = "type")]
    pub type_name: String,
    pub unit: Option<String>,
    pub description: Option<String>,
}

/// A parameter of a table.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct ParameterInfo {
    pub name: String,
    /// `date`, `bigint`, `double`, `boolean` or `text`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Description of the default value ("today").
    pub default: Option<String>,
    pub description: Option<String>,
}

/// The state of the program.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    pub state: State,
    /// Why the state is not `running`, for people.
    pub reason: Option<String>,
    /// Name of the plant.
    pub plant: String,
    /// Time zone of the plant ("Asia/Kolkata").
    pub zone: String,
    /// Whether the plant is simulated, so that no value is a measurement.
    pub is_simulated: bool,
    pub build: BuildInfo,
    /// Location of the lake, without credentials.
    pub lake: String,
    pub last_run: Option<RunInfo>,
    /// When the next ingest run starts (UTC).
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run_at: Option<DateTime<Utc>>,
}

/// Whether the program works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not every table can be queried yet.
    Starting,
    /// Everything works.
    Running,
    /// Requests are answered, but a person has to act; `reason` has the details.
    Degraded,
}

/// Version and commit of the program.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct BuildInfo {
    pub version: String,
    pub commit: String,
}

/// One ingest run and the fate of its records.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunInfo {
    #[schema(value_type = String, format = DateTime)]
    pub started_at: DateTime<Utc>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether every source was read to its end.
    pub ok: bool,
    pub read: u64,
    pub landed: u64,
    pub rejected: u64,
}

/// The name of a column type in the API, in lower-case SQL: `bigint`, `decimal(28,4)`, `text`.
pub fn type_name(of: &DataType) -> String {
    match of {
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "tinyint".into(),
        DataType::Int16 => "smallint".into(),
        DataType::Int32 => "int".into(),
        DataType::Int64 => "bigint".into(),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            "unsigned bigint".into()
        }
        DataType::Float16 | DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "binary".into(),
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp".into(),
        DataType::Timestamp(_, None) => "timestamp without time zone".into(),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Dictionary(_, value) => type_name(value),
        other => other.to_string().to_lowercase(),
    }
}
