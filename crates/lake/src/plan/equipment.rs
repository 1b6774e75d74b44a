//! The equipment in `plant.toml` as tables that models can read: `plant.unit` and `plant.alias`.

use crate::session;
use anyhow::Context as _;
use arrow::array::{ArrayRef, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use config::model::TableName;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use plant::equipment::Equipment;
use std::sync::Arc;

/// The schema of the tables.
pub const SCHEMA: &str = config::definition::EQUIPMENT;

/// Their names.
pub const TABLES: [&str; 2] = ["alias", "unit"];

/// Registers them in `session`.
pub fn register(session: &SessionContext, equipment: &Equipment) -> anyhow::Result<()> {
    for (name, batch) in [("alias", aliases(equipment)?), ("unit", units(equipment)?)] {
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        session::register(session, &TableName::new(SCHEMA, name), Arc::new(table))?;
    }
    Ok(())
}

/// One row per unit, with the levels above it.
fn units(equipment: &Equipment) -> anyhow::Result<RecordBatch> {
    let rows = equipment.units.iter().map(|unit| {
        [&equipment.enterprise, &equipment.site, &unit.area, &unit.line, &unit.name]
            .map(String::as_str)
    });
    texts(["enterprise", "site", "area", "line", "unit"], rows)
}

/// One row per name of a unit in another system: `station` or `lane`.
fn aliases(equipment: &Equipment) -> anyhow::Result<RecordBatch> {
    let rows = equipment.units.iter().flat_map(|unit| {
        let stations = unit.stations.iter().map(|it| ["station", it.as_str(), unit.name.as_str()]);
        let lanes = unit.lanes.iter().map(|it| ["lane", it.as_str(), unit.name.as_str()]);
        stations.chain(lanes)
    });
    texts(["kind", "alias", "unit"], rows)
}

/// Texts as a table; an empty text is null.
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
    RecordBatch::try_new(schema, (0..N).map(column).collect())
        .context("building the tables of the equipment")
}
