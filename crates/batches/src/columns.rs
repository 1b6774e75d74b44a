//! Columns of Arrow batches by name and type.

use anyhow::{Context as _, Result};
use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;

/// A column of a batch by its name.
///
/// # Errors
/// Fails if the batch has no such column.
pub fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).with_context(|| format!("column {name} is missing"))
}

/// A batch in the columns of `schema`: cast where types differ, null where the batch has no such column.
///
/// # Errors
/// Fails if a value cannot be cast.
pub fn conform(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    if batch.schema_ref() == schema {
        return Ok(batch.clone());
    }
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        Some(column) if column.data_type() == field.data_type() => Ok(column.clone()),
        Some(column) => {
            cast(column, field.data_type()).with_context(|| format!("column `{}`", field.name()))
        }
    });
    Ok(RecordBatch::try_new(schema.clone(), columns.collect::<Result<_>>()?)?)
}
