//! What `plant.toml` says of the equipment, as tables a model can read: `plant.unit` and `plant.alias`.

use super::session;
use anyhow::Context as _;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use config::model::TableName;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use plant::equipment::Equipment;
use std::sync::Arc;

/// The schema of the tables.
pub const SCHEMA: &str = "plant";

/// Their names.
pub const TABLES: [&str; 2] = ["alias", "unit"];

/// Lets `context` read them.
pub fn register(context: &SessionContext, equipment: &Equipment) -> anyhow::Result<()> {
    for (name, batch) in [("alias", aliases(equipment)?), ("unit", units(equipment)?)] {
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        session::register(context, &TableName::new(SCHEMA, name), Arc::new(table))?;
    }
    Ok(())
}

/// One row per unit, with all that it is part of.
fn units(of: &Equipment) -> anyhow::Result<RecordBatch> {
    let rows = of.units.iter().map(|unit| {
        [&of.enterprise, &of.site, &unit.area, &unit.line, &unit.name].map(String::as_str)
    });
    texts(["enterprise", "site", "area", "line", "unit"], rows)
}

/// One row per name a system has for a unit, its own included: `station` or `lane`.
fn aliases(of: &Equipment) -> anyhow::Result<RecordBatch> {
    let rows = of.units.iter().flat_map(|unit| {
        let stations = unit.stations.iter().map(|it| ["station", it.as_str(), unit.name.as_str()]);
        let lanes = unit.lanes.iter().map(|it| ["lane", it.as_str(), unit.name.as_str()]);
        stations.chain(lanes)
    });
    texts(["kind", "alias", "unit"], rows)
}

/// Texts as a table; an empty one is unknown.
fn texts<'a, const N: usize>(
    names: [&str; N],
    rows: impl Iterator<Item = [&'a str; N]>,
) -> anyhow::Result<RecordBatch> {
    let rows: Vec<[&str; N]> = rows.collect();
    let column = |at: usize| -> ArrayRef {
        let values = rows.iter().map(|row| Some(row[at]).filter(|text| !text.is_empty()));
        Arc::new(values.collect::<StringArray>())
    };
    let fields = names.map(|name| Field::new(name, DataType::Utf8, true));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    RecordBatch::try_new(schema, (0..N).map(column).collect()).context("the equipment as a table")
}
