//! Small tables of the `meta` schema as plain structs: to record batches and back.

use super::Lake;
use super::replace::{Scope, conform, replace};
use super::table::Definition;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::not;
use arrow::datatypes::SchemaRef;
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
use config::model::TableName;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;

/// What one `meta` table is made of.
pub struct MetaTable {
    pub name: TableName,
    pub description: &'static str,
    pub schema: SchemaRef,
}

/// Rows of a `meta` table; fields of `T` are its columns.
pub fn to_batch<T: Serialize>(schema: &SchemaRef, rows: &[T]) -> anyhow::Result<Vec<RecordBatch>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut decoder =
        ReaderBuilder::new(schema.clone()).with_batch_size(rows.len()).build_decoder()?;
    decoder.serialize(rows)?;
    Ok(decoder.flush()?.into_iter().collect())
}

/// The rows of record batches, as structs.
pub fn from_batches<T: DeserializeOwned>(batches: &[RecordBatch]) -> anyhow::Result<Vec<T>> {
    let mut text = Vec::new();
    let mut writer = LineDelimitedWriter::new(&mut text);
    writer.write_batches(&batches.iter().collect::<Vec<_>>())?;
    writer.finish()?;
    let rows = serde_json::Deserializer::from_slice(&text).into_iter::<T>();
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

impl Lake {
    /// All rows of a `meta` table.
    pub async fn meta_rows<T: DeserializeOwned>(&self, meta: &MetaTable) -> anyhow::Result<Vec<T>> {
        let Some(state) = self.state(&meta.name).await? else { return Ok(Vec::new()) };
        let table = self.table(&meta.name)?;
        from_batches(&table.read_all(&state.files(), None, self.batch_rows()).await?)
    }

    /// Puts `rows` into a `meta` table in place of those for which `gone` says true. All others stay,
    /// also if the table gets further columns, which are null in them.
    pub async fn meta_replace<T: Serialize>(
        &self,
        meta: &MetaTable,
        rows: &[T],
        gone: &(dyn Fn(&RecordBatch) -> anyhow::Result<BooleanArray> + Send + Sync),
    ) -> anyhow::Result<()> {
        // Not `Scope::Where`: with another fingerprint that would replace every row.
        let stays = |batch: &RecordBatch| Ok(not(&gone(&conform(batch, &meta.schema)?)?)?);
        self.meta_put(meta, rows, Scope::Except(&stays)).await
    }

    /// Adds rows to a `meta` table, without a look at those it has.
    pub async fn meta_append<T: Serialize>(
        &self,
        meta: &MetaTable,
        rows: &[T],
    ) -> anyhow::Result<()> {
        self.meta_put(meta, rows, Scope::Nothing).await
    }

    async fn meta_put<T: Serialize>(
        &self,
        meta: &MetaTable,
        rows: &[T],
        scope: Scope<'_>,
    ) -> anyhow::Result<()> {
        let _turn = self.meta_turn.lock().await;
        let rows = to_batch(&meta.schema, rows)?;
        let definition = Definition {
            schema: meta.schema.clone(),
            description: meta.description.to_owned(),
            fingerprint: fingerprint(&meta.schema),
            partition: None,
        };
        let table = self.table(&meta.name)?;
        replace(self, &table, scope, rows, definition, BTreeMap::new()).await?;
        Ok(())
    }
}

/// The columns of a table with their types: with others it is another definition.
fn fingerprint(schema: &SchemaRef) -> String {
    let fields = schema.fields().iter();
    let fields: Vec<String> =
        fields.map(|field| format!("{} {}", field.name(), field.data_type())).collect();
    fields.join(", ")
}

/// A condition that is true for no row: the new rows are added.
pub fn none(batch: &RecordBatch) -> anyhow::Result<BooleanArray> {
    Ok(BooleanArray::from(vec![false; batch.num_rows()]))
}

/// A condition that is true for every row: the new rows are all there is.
pub fn all(batch: &RecordBatch) -> anyhow::Result<BooleanArray> {
    Ok(BooleanArray::from(vec![true; batch.num_rows()]))
}

#[cfg(test)]
mod tests;
