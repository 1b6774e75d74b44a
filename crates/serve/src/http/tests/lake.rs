//! A small lake in memory, with every type and special values.

use crate::{
    BuildInfo, ColumnInfo, Health, LakeReader, ParameterInfo, RunInfo, State, TableInfo, type_name,
};
use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray,
};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use config::kpi::Kpi;
use config::model::TableName;
use datafusion::catalog::{MemTable, MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext, lit};
use deltalake::DeltaTable;
use futures::StreamExt as _;
use lake::kpi::{Dimensions, FigureStatus, KpiQuery, Level, Row};
use lake::shared::{ChangedFile, Changes, FileBytes, FileChange, Part, SharedFile, SharedTable};
use lake::sources::SourceRow;
use plant::equipment::{Equipment, Unit};
use report::{TableVersion, Versions};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Rows of `silver.board`.
pub const BOARDS: usize = 2_500;
const MEMORY_BYTES: usize = 32 * 1024 * 1024;

pub fn now() -> DateTime<Utc> {
    "2023-01-10T00:00:00Z".parse().unwrap()
}

pub struct Lake {
    tables: Vec<(TableInfo, Vec<RecordBatch>)>,
    /// Reads `gold.sample` instead of its batches.
    stored: Option<Arc<dyn TableProvider>>,
    pub equipment: Equipment,
    pub sources: Vec<SourceRow>,
}

impl Lake {
    pub fn new() -> Self {
        let sample = info("gold", "sample", &["id"], sample());
        let board = info("silver", "board", &[], boards());
        let mut ageing = info("gold", "ageing", &["bucket"], ageing());
        ageing.0.parameters = vec![ParameterInfo {
            name: "as_of".into(),
            type_name: "date".into(),
            default: Some("today".into()),
            description: None,
        }];
        Self {
            tables: vec![ageing, sample, board],
            stored: None,
            equipment: Equipment::default(),
            sources: Vec::new(),
        }
    }

    /// A lake of only these tables.
    pub fn of(tables: Vec<(&str, &str, RecordBatch)>) -> Self {
        let table = |(schema, name, rows)| info(schema, name, &[], vec![rows]);
        Self {
            tables: tables.into_iter().map(table).collect(),
            stored: None,
            equipment: Equipment::default(),
            sources: Vec::new(),
        }
    }

    /// The same lake with `gold.sample` as a Delta table in `folder`.
    pub async fn stored(folder: &Path) -> Self {
        let url = url::Url::from_directory_path(folder).unwrap();
        let table = DeltaTable::try_from_url(url).await.unwrap().write(sample()).await.unwrap();
        Self { stored: Some(table.table_provider().await.unwrap()), ..Self::new() }
    }
}

fn info(
    schema: &str,
    table: &str,
    key: &[&str],
    rows: Vec<RecordBatch>,
) -> (TableInfo, Vec<RecordBatch>) {
    let column = |field: &Arc<arrow::datatypes::Field>| ColumnInfo {
        name: field.name().clone(),
        type_name: type_name(field.data_type()),
        unit: None,
        description: None,
    };
    let count = rows.iter().map(RecordBatch::num_rows).sum::<usize>();
    let info = TableInfo {
        schema: schema.into(),
        table: table.into(),
        description: format!("The table {table}."),
        columns: rows[0].schema().fields().iter().map(column).collect(),
        key: key.iter().map(|key| (*key).to_owned()).collect(),
        parameters: Vec::new(),
        rows: Some(count as u64),
        version: Some(4),
        updated_at: Some(now()),
    };
    (info, rows)
}

pub fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true)))
        .unwrap()
}

fn sample() -> Vec<RecordBatch> {
    let at = TimestampMicrosecondArray::from(vec![
        Some(1_672_704_000_000_000),
        Some(1_672_704_000_120_000),
        None,
    ]);
    let decimals = Decimal128Array::from(vec![Some(1_500), Some(-5), None]);
    vec![batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1, 2, 9_007_199_254_740_993]))),
        ("Name of it", Arc::new(StringArray::from(vec![Some("മലയാളം, \"x\"\n"), Some(""), None]))),
        ("qty", Arc::new(decimals.with_precision_and_scale(28, 3).unwrap())),
        ("on_day", Arc::new(Date32Array::from(vec![Some(19_360), Some(-1), None]))),
        ("at", Arc::new(at.with_timezone("UTC"))),
        ("ratio", Arc::new(Float64Array::from(vec![Some(0.5), Some(f64::NAN), None]))),
        ("ok", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
    ])]
}

/// Many rows, some of them equal in every column, in several batches and no order.
fn boards() -> Vec<RecordBatch> {
    let rows = (0..BOARDS).map(|row| (row * 7_919) % BOARDS).collect::<Vec<_>>();
    rows.chunks(300)
        .map(|chunk| {
            let station = chunk.iter().map(|row| (row % 7 != 0).then(|| format!("S{}", row % 5)));
            let hour = chunk.iter().map(|row| Some((row % 24) as i32));
            let quantity = chunk.iter().map(|row| Some((row % 11) as i64));
            batch(vec![
                ("station", Arc::new(station.collect::<StringArray>())),
                ("hour", Arc::new(hour.collect::<Int32Array>())),
                ("quantity", Arc::new(quantity.collect::<Int64Array>())),
            ])
        })
        .collect()
}

fn ageing() -> Vec<RecordBatch> {
    vec![batch(vec![("bucket", Arc::new(StringArray::from(vec!["0-30", "31-60"])))])]
}

#[async_trait]
impl LakeReader for Lake {
    fn equipment(&self) -> &Equipment {
        &self.equipment
    }

    fn shift_end_us(&self, at_us: i64) -> Option<i64> {
        // Shifts of eight hours.
        let shift_us = 8 * 3_600_000_000;
        Some((at_us.div_euclid(shift_us) + 1) * shift_us)
    }

    fn kpis(&self) -> &[Kpi] {
        &[]
    }

    /// A row for each unit, line or plant of the equipment.
    async fn kpi_rows(&self, _kpis: &[Kpi], query: &KpiQuery) -> anyhow::Result<Vec<Row>> {
        let line = |unit: &Unit| Some(unit.line.clone()).filter(|line| !line.is_empty());
        let places: BTreeSet<_> = match query.level {
            Level::Unit => {
                self.equipment.units.iter().map(|it| (line(it), Some(it.name.clone()))).collect()
            }
            Level::Line => self.equipment.units.iter().map(|it| (line(it), None)).collect(),
            Level::Plant => BTreeSet::from([(None, None)]),
        };
        let row = |(line, unit)| Row {
            dimensions: Dimensions { line, unit, ..Dimensions::default() },
            status: FigureStatus::Certified,
            kpis: BTreeMap::new(),
        };
        Ok(places.into_iter().map(row).collect())
    }

    async fn sources(&self) -> anyhow::Result<Vec<SourceRow>> {
        Ok(self.sources.clone())
    }

    async fn session(&self) -> anyhow::Result<SessionContext> {
        let config = SessionConfig::new().with_information_schema(true).with_target_partitions(3);
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(MEMORY_BYTES, 1.0).build_arc()?;
        let session = SessionContext::new_with_config_rt(config, runtime);
        let catalog = session.catalog("datafusion").unwrap();
        let schemas = self.tables.iter().map(|(info, _)| info.schema.as_str());
        for schema in schemas.chain(["gold", "silver"]).collect::<BTreeSet<_>>() {
            catalog.register_schema(schema, Arc::new(MemorySchemaProvider::new()))?;
        }
        for (info, rows) in &self.tables {
            let partitions = rows.chunks(3).map(<[RecordBatch]>::to_vec).collect();
            let table = MemTable::try_new(rows[0].schema(), partitions)?;
            let schema: Arc<dyn SchemaProvider> = catalog.schema(&info.schema).unwrap();
            let stored = self.stored.clone().filter(|_| info.table == "sample");
            schema.register_table(info.table.clone(), stored.unwrap_or_else(|| Arc::new(table)))?;
        }
        Ok(session)
    }

    async fn tables(&self) -> anyhow::Result<Vec<TableInfo>> {
        Ok(self.tables.iter().map(|(info, _)| info.clone()).collect())
    }

    async fn table(&self, schema: &str, table: &str) -> anyhow::Result<Option<TableInfo>> {
        let tables = self.tables().await?;
        Ok(tables.into_iter().find(|info| info.schema == schema && info.table == table))
    }

    async fn version(&self, _schema: &str, _table: &str) -> anyhow::Result<Option<u64>> {
        Ok(Some(4))
    }

    async fn versions(
        &self,
        tables: &BTreeSet<TableName>,
        _at_us: Option<i64>,
    ) -> anyhow::Result<Versions> {
        let exists = |name: &&TableName| {
            self.tables
                .iter()
                .any(|(info, _)| info.schema == name.schema && info.table == name.name)
        };
        let version = TableVersion { version: 4, committed_at_us: 0 };
        Ok(tables.iter().filter(exists).map(|name| (name.to_string(), version)).collect())
    }

    /// This lake has one version.
    async fn session_at(&self, versions: &Versions) -> anyhow::Result<SessionContext> {
        anyhow::ensure!(versions.values().all(|it| it.version == 4), "unknown version");
        self.session().await
    }

    async fn table_at(
        &self,
        schema: &str,
        table: &str,
        version: u64,
    ) -> anyhow::Result<Option<Arc<dyn TableProvider>>> {
        if version != 4 {
            return Ok(None);
        }
        let name = TableReference::partial(schema, table);
        Ok(Some(self.session().await?.table_provider(name).await?))
    }

    async fn shared_table(
        &self,
        schema: &str,
        table: &str,
        version: Option<u64>,
    ) -> anyhow::Result<Option<SharedTable>> {
        if version.is_some_and(|version| version != 4) {
            return Ok(None);
        }
        let path = format!("{schema}-{table}.parquet");
        let add = json!({ "path": path, "partitionValues": {}, "size": 4, "modificationTime": 0,
                          "dataChange": true, "stats": "{\"numRecords\":3}" });
        let file = SharedFile { path, add, size_bytes: 4, rows: Some(3) };
        let protocol = json!({ "minReaderVersion": 1, "minWriterVersion": 2 });
        let metadata = json!({ "id": table, "schemaString": "{}", "partitionColumns": [] });
        Ok(Some(SharedTable { version: 4, protocol, metadata, files: vec![file] }))
    }

    async fn commit_times(&self, _schema: &str, _table: &str) -> anyhow::Result<Vec<(u64, i64)>> {
        Ok(vec![(3, 1_672_704_000_000), (4, 1_672_790_400_000)])
    }

    /// `silver.board` has a change data feed, other tables have none.
    async fn changes(
        &self,
        _schema: &str,
        table: &str,
        (from, to): (u64, u64),
    ) -> anyhow::Result<Changes> {
        if table != "board" {
            return Ok(Changes::NotEnabled(from));
        }
        let changed = |(change, path): (FileChange, &str)| {
            let path = path.to_owned();
            let add = json!({ "path": path, "partitionValues": {}, "size": 4 });
            let file = SharedFile { path, add, size_bytes: 4, rows: Some(1) };
            ChangedFile { change, version: to, file }
        };
        let files = [
            (FileChange::Add, "a.parquet"),
            (FileChange::Remove, "r.parquet"),
            (FileChange::Cdc, "_change_data/c.parquet"),
        ];
        Ok(Changes::Files(files.into_iter().map(changed).collect()))
    }

    async fn file_url(
        &self,
        _schema: &str,
        _table: &str,
        _path: &str,
        _life: Duration,
    ) -> anyhow::Result<Option<String>> {
        Ok(None)
    }

    /// The file of every table has the bytes `PAR1`.
    async fn read_file(
        &self,
        _schema: &str,
        _table: &str,
        _path: &str,
        part: Part,
    ) -> anyhow::Result<Option<FileBytes>> {
        let (from, until) = match part {
            Part::Whole => (0, 4),
            Part::Bytes(from, until) => (from, until.min(4)),
            Part::From(from) => (from, 4),
            Part::Last(count) => (4_u64.saturating_sub(count), 4),
        };
        anyhow::ensure!(from < until, "no bytes");
        let bytes = Bytes::from_static(b"PAR1").slice(from as usize..until as usize);
        let stream = futures::stream::iter([Ok(bytes)]).boxed();
        Ok(Some(FileBytes { size_bytes: 4, range: from..until, stream }))
    }

    async fn with_parameters(
        &self,
        schema: &str,
        table: &str,
        parameters: &BTreeMap<String, String>,
    ) -> anyhow::Result<DataFrame> {
        let frame = self.session().await?.table(format!("{schema}.{table}")).await?;
        Ok(frame.with_column("as_of", lit(parameters["as_of"].clone()))?)
    }

    fn health(&self) -> Health {
        let run = RunInfo {
            started_at: now(),
            ended_at: None,
            ok: true,
            read: 10,
            landed: 9,
            rejected: 1,
        };
        Health {
            state: State::Running,
            reason: None,
            plant: "Kerala".into(),
            zone: "Asia/Kolkata".into(),
            is_simulated: false,
            build: BuildInfo { version: "0.1.0".into(), commit: "abc".into() },
            lake: "file:///lake".into(),
            last_run: Some(run),
            next_run_at: None,
        }
    }
}
