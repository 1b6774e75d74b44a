//! The catalog: the tables, their columns, their lineage. `meta.tables`, `meta.columns`, `meta.lineage`.

use crate::alarm_events;
use crate::bronze::{POINTERS, utc};
use crate::context::LakeContext;
use crate::delta::table::State;
use crate::meta::{self, MetaTable, quality, restatements};
use crate::plan::bronze_source;
use crate::refine::Outcome;
use crate::{bronze, dumps, kpi, reconciliation, rejected, retention, sources, stream};
use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};
use config::model::TableName;
use futures::{StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};

/// Logs of tables that are read at the same time: in a bucket each read is a request.
const STATES_AT_ONCE: usize = 16;

/// A table of the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRow {
    pub schema_name: String,
    pub table_name: String,
    /// `landed`, `cleaned`, `derived` or `ledger`.
    pub kind: String,
    pub description: String,
    /// Columns that identify a row.
    pub grain: Option<String>,
    pub rows: i64,
    pub size_bytes: i64,
    pub version: i64,
    pub updated_at: Option<DateTime<Utc>>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRow {
    pub schema_name: String,
    pub table_name: String,
    pub column_name: String,
    pub position: i32,
    pub r#type: String,
    pub unit: Option<String>,
    pub nullable: bool,
    pub description: Option<String>,
}

/// A column of a table and a column it is computed from; without columns, a table and one that it reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineageRow {
    pub schema_name: String,
    pub table_name: String,
    pub column_name: Option<String>,
    pub from_schema: String,
    pub from_table: String,
    pub from_column: Option<String>,
}

/// The definitions of its tables.
pub(crate) fn all() -> [MetaTable; 4] {
    [tables(), columns(), lineage(), quality::table()]
}

fn tables() -> MetaTable {
    use DataType::{Int64, Utf8};
    let columns = [
        ("schema_name", Utf8),
        ("table_name", Utf8),
        ("kind", Utf8),
        ("description", Utf8),
        ("grain", Utf8),
        ("rows", Int64),
        ("size_bytes", Int64),
        ("version", Int64),
        ("updated_at", utc()),
    ];
    MetaTable::new("tables", "Every table of the lake.", columns)
}

fn columns() -> MetaTable {
    use DataType::{Boolean, Int32, Utf8};
    let columns = [
        ("schema_name", Utf8),
        ("table_name", Utf8),
        ("column_name", Utf8),
        ("position", Int32),
        ("type", Utf8),
        ("unit", Utf8),
        ("nullable", Boolean),
        ("description", Utf8),
    ];
    let description = "Every column of every table, with unit and description.";
    MetaTable::new("columns", description, columns)
}

fn lineage() -> MetaTable {
    let names =
        ["schema_name", "table_name", "column_name", "from_schema", "from_table", "from_column"];
    let columns = names.map(|name| (name, DataType::Utf8));
    let description =
        "The tables that each table reads and the columns that each column is computed from.";
    MetaTable::new("lineage", description, columns)
}

/// The tables of the `meta` schema.
fn meta_tables() -> Vec<MetaTable> {
    vec![
        tables(),
        columns(),
        lineage(),
        quality::table(),
        dumps::table(),
        reconciliation::table(),
        kpi::definition::table(),
        restatements::table(),
        retention::expire::table(),
        sources::table(),
    ]
}

/// Writes the catalog; the quality of the tables in `changed` is measured again.
pub async fn write(context: &LakeContext, changed: &[Outcome]) -> anyhow::Result<()> {
    let lake = &context.lake;
    meta::replace_all(lake, &quality::table(), &quality::measure(context, changed).await?).await?;
    let kpis: Vec<_> =
        context.plant.kpis.iter().map(kpi::definition::KpiDefinition::from_kpi).collect();
    meta::replace_all(lake, &kpi::definition::table(), &kpis).await?;
    if lake.state(&restatements::table().name).await?.is_none() {
        meta::append::<restatements::Restatement>(lake, &restatements::table(), &[]).await?;
    }
    meta::replace_all(lake, &lineage(), &lineage_rows(context)).await?;
    let of_columns: Vec<_> = entries(context).await?.into_iter().flat_map(|it| it.1).collect();
    meta::replace_all(lake, &columns(), &of_columns).await?;
    let of_tables: Vec<_> = entries(context).await?.into_iter().map(|it| it.0).collect();
    meta::replace_all(lake, &tables(), &of_tables).await?;
    Ok(())
}

/// A table as the catalog describes it: its row in `meta.tables`, its columns.
pub type TableEntry = (TableRow, Vec<ColumnRow>);

/// Every table of the lake with its columns.
pub async fn entries(context: &LakeContext) -> anyhow::Result<Vec<TableEntry>> {
    let reads = described(context).into_iter().map(|it| entry_of(context, it));
    // In order, so that the catalog does not depend on which log is read first.
    let entries: Vec<_> =
        futures::stream::iter(reads).buffered(STATES_AT_ONCE).try_collect().await?;
    Ok(entries.into_iter().flatten().collect())
}

/// One table with its columns, `None` if it is not in the lake; the logs of the other tables are not read.
pub async fn entry(context: &LakeContext, name: &TableName) -> anyhow::Result<Option<TableEntry>> {
    match described(context).into_iter().find(|described| described.name == *name) {
        Some(described) => entry_of(context, described).await,
        None => Ok(None),
    }
}

async fn entry_of(
    context: &LakeContext,
    Described { name, kind, description, grain }: Described,
) -> anyhow::Result<Option<TableEntry>> {
    let Some(state) = context.lake.state(&name).await? else { return Ok(None) };
    let columns = columns_of(context, &name, &state)?;
    let row = TableRow {
        schema_name: name.schema,
        table_name: name.name,
        kind: kind.to_owned(),
        description,
        grain,
        rows: i64::try_from(state.rows())?,
        size_bytes: state.size_bytes(),
        version: i64::try_from(state.version())?,
        updated_at: state.modified_ms().and_then(DateTime::from_timestamp_millis),
    };
    Ok(Some((row, columns)))
}

/// What the plant's folder and the program define of a table.
struct Described {
    name: TableName,
    kind: &'static str,
    description: String,
    grain: Option<String>,
}

impl Described {
    fn ledger(name: TableName, description: &str, grain: Option<&str>) -> Self {
        let (description, grain) = (description.to_owned(), grain.map(str::to_owned));
        Self { name, kind: "ledger", description, grain }
    }
}

fn described(context: &LakeContext) -> Vec<Described> {
    let mut all: Vec<Described> = Vec::new();
    for contract in context.plant.contracts.values() {
        let grain = if contract.is_stream() {
            "_topic, _partition, _offset"
        } else {
            "_file, _dump, _record"
        };
        let grain = Some(grain.to_owned());
        let (name, description) = (bronze::name(contract), contract.description.clone());
        all.push(Described { name, kind: "landed", description, grain });
    }
    for step in context.steps.iter() {
        let model = &step.model;
        let kind = if model.cleans().is_some() { "cleaned" } else { "derived" };
        let grain = if model.key.is_empty() { &model.grain } else { &model.key };
        let grain = (!grain.is_empty()).then(|| grain.join(", "));
        let (name, description) = (model.table.clone(), model.description.clone());
        all.push(Described { name, kind, description, grain });
    }
    let rejected = "Records that did not reach their table, each with its reason.";
    all.push(Described::ledger(rejected::name(), rejected, None));
    all.push(Described::ledger(alarm_events::name(), alarm_events::DESCRIPTION, Some("number")));
    let tables = meta_tables().into_iter();
    all.extend(tables.map(|it| Described::ledger(it.name, it.description, None)));
    all
}

fn columns_of(
    context: &LakeContext,
    name: &TableName,
    state: &State,
) -> anyhow::Result<Vec<ColumnRow>> {
    let schema = state.schema()?;
    let columns = (1_i32..).zip(schema.fields()).map(|(position, field)| {
        let (unit, description) = unit_and_description(context, name, field.name());
        ColumnRow {
            schema_name: name.schema.clone(),
            table_name: name.name.clone(),
            column_name: field.name().clone(),
            position,
            r#type: field.data_type().to_string(),
            unit,
            nullable: field.is_nullable(),
            description,
        }
    });
    Ok(columns.collect())
}

/// Unit and description of a column in the plant's folder.
fn unit_and_description(
    context: &LakeContext,
    table: &TableName,
    column: &str,
) -> (Option<String>, Option<String>) {
    let of_streams = stream::POINTERS.iter().chain(&stream::DETAILS).chain([&stream::ELEMENT]);
    let mut pointers = POINTERS.iter().chain(of_streams);
    if let Some((_, _, description)) = pointers.find(|(name, _, _)| *name == column) {
        return (None, Some((*description).to_owned()));
    }
    if *table == alarm_events::name() {
        let found = alarm_events::unit_and_description(column);
        return (
            found.and_then(|(unit, _)| unit.map(str::to_owned)),
            found.map(|(_, description)| description.to_owned()),
        );
    }
    if let Some(model) = context.plant.models.get(table) {
        let note = model.columns.iter().find(|note| note.name == column);
        return (
            note.and_then(|note| note.unit.clone()),
            note.map(|note| note.description.clone()),
        );
    }
    let contract = context.plant.contracts.get(&table.name).filter(|_| table.schema == "bronze");
    let found = contract.and_then(|it| it.columns.iter().find(|it| it.name == column));
    (None, found.map(|it| it.description.clone()).filter(|text| !text.is_empty()))
}

fn lineage_rows(context: &LakeContext) -> Vec<LineageRow> {
    let mut rows = Vec::new();
    for step in context.steps.iter() {
        let row = |column: Option<&String>, from: TableName, from_column| LineageRow {
            schema_name: step.name().schema.clone(),
            table_name: step.name().name.clone(),
            column_name: column.cloned(),
            from_schema: from.schema,
            from_table: from.name,
            from_column,
        };
        for upstream in &step.model.upstreams {
            let contract = context.plant.contracts.get(&upstream.name);
            let landed = contract.filter(|_| upstream.schema == "typed").map(bronze::name);
            rows.push(row(None, landed.unwrap_or_else(|| upstream.clone()), None));
        }
        for (field, sources) in step.schema.fields().iter().zip(&step.lineage) {
            for (from, column) in sources {
                let source = match from.schema.as_str() {
                    "typed" => bronze_source(&context.plant, &from.name, column),
                    _ => Some((from.clone(), column.clone())),
                };
                let Some((from, column)) = source else { continue };
                rows.push(row(Some(field.name()), from, Some(column)));
            }
        }
    }
    rows.sort();
    rows
}
