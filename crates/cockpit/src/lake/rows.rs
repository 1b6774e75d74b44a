//! Small tables of the `meta` schema as plain structs: to record batches and back.

use super::Lake;
use super::replace::{Scope, replace};
use super::table::Definition;
use crate::config::model::TableName;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::json::{LineDelimitedWriter, ReaderBuilder};
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

    /// Puts `rows` into a `meta` table in place of those for which `gone` says true.
    pub async fn meta_replace<T: Serialize>(
        &self,
        meta: &MetaTable,
        rows: &[T],
        gone: &(dyn Fn(&RecordBatch) -> anyhow::Result<BooleanArray> + Send + Sync),
    ) -> anyhow::Result<()> {
        self.meta_put(meta, rows, Scope::Where(gone)).await
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
            fingerprint: format!("{:?}", meta.schema.fields().len()),
            partition: None,
        };
        let table = self.table(&meta.name)?;
        replace(self, &table, scope, rows, definition, BTreeMap::new()).await?;
        Ok(())
    }
}

/// A condition that is true for no row: the new rows are added.
pub fn none(batch: &RecordBatch) -> anyhow::Result<BooleanArray> {
    Ok(BooleanArray::from(vec![false; batch.num_rows()]))
}

/// A condition that is true for every row: the new rows are all there is.
pub fn all(batch: &RecordBatch) -> anyhow::Result<BooleanArray> {
    Ok(BooleanArray::from(vec![true; batch.num_rows()]))
}
