//! Tables of the `meta` schema: small, and read and written as structs.

pub mod catalog;
mod quality;
pub mod restatements;

use crate::columns::RowKeys;
use crate::delta;
use crate::delta::replace::{Scope, conform};
use crate::delta::table::Definition;
use crate::error::is_commit_conflict;
use crate::lake::Lake;
use arrow::array::RecordBatch;
use arrow::compute::not;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use config::model::TableName;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize as _, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Attempts to commit to a table that other processes change, too.
const COMMIT_ATTEMPTS: usize = 20;

/// The definition of a `meta` table.
pub struct MetaTable {
    pub name: TableName,
    pub description: &'static str,
    pub schema: SchemaRef,
}

impl MetaTable {
    /// The definition of `meta.<name>` with these columns, all nullable.
    pub fn new<const N: usize>(
        name: &str,
        description: &'static str,
        columns: [(&str, DataType); N],
    ) -> Self {
        let fields = columns.map(|(name, kind)| Field::new(name, kind, true));
        let schema = Arc::new(Schema::new(fields.to_vec()));
        Self { name: TableName::new("meta", name), description, schema }
    }
}

/// Structs as record batches; the fields of `T` are the columns.
pub fn to_batch<T: Serialize>(schema: &SchemaRef, rows: &[T]) -> anyhow::Result<Vec<RecordBatch>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut decoder =
        ReaderBuilder::new(schema.clone()).with_batch_size(rows.len()).build_decoder()?;
    decoder.serialize(rows)?;
    Ok(decoder.flush()?.into_iter().collect())
}

/// The rows of record batches as structs.
pub fn from_batches<T: DeserializeOwned>(batches: &[RecordBatch]) -> anyhow::Result<Vec<T>> {
    let mut text = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut text);
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    let rows = serde_json::Deserializer::from_slice(&text).into_iter::<T>();
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

/// Reads a number of [`from_batches`] as the nearest `f64`. The parser of `serde_json` can differ in the last
/// digit of 17, so that a row would change whenever the rows around it are replaced.
pub fn exact_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let text = Option::<&RawValue>::deserialize(deserializer)?;
    text.map(|it| it.get().parse()).transpose().map_err(D::Error::custom)
}

/// All rows of a `meta` table.
pub async fn rows<T: DeserializeOwned>(lake: &Lake, meta: &MetaTable) -> anyhow::Result<Vec<T>> {
    let Some(state) = lake.state(&meta.name).await? else { return Ok(Vec::new()) };
    let table = lake.table(&meta.name)?;
    from_batches(&table.read_all(&state.files(), None, lake.batch_rows()).await?)
}

/// Replaces the rows of a `meta` table that have one of `keys`. All other rows stay, also if the table gets
/// further columns, which are null in them.
pub async fn replace<T: Serialize, const N: usize>(
    lake: &Lake,
    meta: &MetaTable,
    rows: &[T],
    keys: &RowKeys<'_, N>,
) -> anyhow::Result<()> {
    // Not `Scope::Where`: if the definition changes, that would replace every row.
    let stays = |batch: &RecordBatch| Ok(not(&keys.matches(&conform(batch, &meta.schema)?)?)?);
    put(lake, meta, rows, Scope::Except(&stays)).await
}

/// Replaces all rows of a `meta` table.
pub async fn replace_all<T: Serialize>(
    lake: &Lake,
    meta: &MetaTable,
    rows: &[T],
) -> anyhow::Result<()> {
    put(lake, meta, rows, Scope::Whole).await
}

/// Adds rows to a `meta` table without reading those it has.
pub async fn append<T: Serialize>(lake: &Lake, meta: &MetaTable, rows: &[T]) -> anyhow::Result<()> {
    put(lake, meta, rows, Scope::Nothing).await
}

async fn put<T: Serialize>(
    lake: &Lake,
    meta: &MetaTable,
    rows: &[T],
    scope: Scope<'_>,
) -> anyhow::Result<()> {
    let _turn = lake.meta_turn.lock().await;
    let rows = to_batch(&meta.schema, rows)?;
    let definition = Definition {
        schema: meta.schema.clone(),
        description: meta.description.to_owned(),
        fingerprint: fingerprint(&meta.schema),
        partition: None,
    };
    let table = lake.table(&meta.name)?;
    for _ in 0..COMMIT_ATTEMPTS {
        let (rows, definition) = (rows.clone(), definition.clone());
        let done =
            delta::replace::replace(lake, &table, scope, rows, definition, BTreeMap::new()).await;
        match done {
            Err(error) if is_commit_conflict(&error) => {}
            done => return done.map(drop),
        }
    }
    anyhow::bail!("other processes changed {} {COMMIT_ATTEMPTS} times meanwhile", meta.name)
}

/// The columns of a table and their types.
fn fingerprint(schema: &SchemaRef) -> String {
    let fields = schema.fields().iter();
    let fields: Vec<String> =
        fields.map(|field| format!("{} {}", field.name(), field.data_type())).collect();
    fields.join(", ")
}

#[cfg(test)]
mod tests;
