//! Columns of Arrow batches by name and type.

use anyhow::{Context as _, Result};
use arrow::array::{ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow::buffer::{Buffer, OffsetBuffer};
use arrow::compute::cast;
use arrow::datatypes::SchemaRef;

/// A column of a batch by its name.
///
/// # Errors
/// Fails if the batch has no such column.
pub fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef> {
    batch.column_by_name(name).with_context(|| format!("column {name} is missing"))
}

/// A text in each of `rows` rows, copied as bytes instead of row by row.
///
/// # Errors
/// Fails if the texts have more than 2 GiB together.
pub fn repeated_text(text: &str, rows: usize) -> Result<StringArray> {
    let bytes = text.len().checked_mul(rows);
    let is_small = bytes.is_some_and(|bytes| i32::try_from(bytes).is_ok());
    anyhow::ensure!(is_small, "{rows} rows with a text of {} bytes", text.len());
    let offsets = OffsetBuffer::from_repeated_length(text.len(), rows);
    let values = Buffer::from_vec(text.as_bytes().repeat(rows));
    Ok(StringArray::try_new(offsets, values, None)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_repeated() {
        for (text, rows) in [("", 0), ("", 3), ("é", 0), ("é", 1), ("ab", 3)] {
            assert_eq!(repeated_text(text, rows).unwrap(), StringArray::from(vec![text; rows]));
        }
        assert!(repeated_text("ab", 1 << 30).is_err());
    }
}
