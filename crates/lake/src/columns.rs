//! Columns of record batches by name and type, and the selection of rows by their keys.

use anyhow::Context as _;
use arrow::array::{
    Array as _, AsArray as _, BooleanArray, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::DataType;
use std::collections::HashSet;

pub use batches::columns::column;

/// The text column `name`.
pub fn text<'a>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a StringArray> {
    let column = column(batch, name)?;
    column.as_string_opt().with_context(|| mismatch(name, "text", column.data_type()))
}

/// The column `name` of 32-bit integers.
pub fn int<'a>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a Int32Array> {
    let column = column(batch, name)?;
    column.as_primitive_opt().with_context(|| mismatch(name, "Int32", column.data_type()))
}

/// The column `name` of 64-bit integers.
pub fn long<'a>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a Int64Array> {
    let column = column(batch, name)?;
    column.as_primitive_opt().with_context(|| mismatch(name, "Int64", column.data_type()))
}

/// The column `name` of timestamps in microseconds.
pub fn timestamp<'a>(
    batch: &'a RecordBatch,
    name: &str,
) -> anyhow::Result<&'a TimestampMicrosecondArray> {
    let column = column(batch, name)?;
    column.as_primitive_opt().with_context(|| mismatch(name, "timestamp", column.data_type()))
}

fn mismatch(name: &str, expected: &str, found: &DataType) -> String {
    format!("column {name} is {found}, expected {expected}")
}

/// One value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyValue<'k> {
    Text(&'k str),
    Long(i64),
}

impl<'k> From<&'k str> for KeyValue<'k> {
    fn from(text: &'k str) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for KeyValue<'_> {
    fn from(number: i64) -> Self {
        Self::Long(number)
    }
}

/// Selects the rows whose values in some columns are one of a set of keys. A null is the empty text or
/// 0, as in the structs that the tables of `meta` are read into.
pub struct RowKeys<'k, const N: usize> {
    columns: [&'static str; N],
    keys: HashSet<[KeyValue<'k>; N]>,
}

impl<'k, const N: usize> RowKeys<'k, N> {
    /// Selects rows by these columns, each of text or 64-bit integers.
    pub fn new(
        columns: [&'static str; N],
        keys: impl IntoIterator<Item = [KeyValue<'k>; N]>,
    ) -> Self {
        Self { columns, keys: keys.into_iter().collect() }
    }

    /// Which rows have one of the keys.
    ///
    /// # Errors
    /// Fails if a column is missing or has another type.
    pub fn matches(&self, batch: &RecordBatch) -> anyhow::Result<BooleanArray> {
        let mut columns = Vec::with_capacity(N);
        for name in self.columns {
            columns.push(KeyColumn::new(batch, name)?);
        }
        let keys: &HashSet<[KeyValue<'_>; N]> = &self.keys;
        let has_key = |row: usize| {
            let mut key = [KeyValue::Long(0); N];
            for (value, column) in key.iter_mut().zip(&columns) {
                *value = column.value(row);
            }
            Some(keys.contains(&key))
        };
        Ok((0..batch.num_rows()).map(has_key).collect())
    }
}

enum KeyColumn<'a> {
    Text(&'a StringArray),
    Long(&'a Int64Array),
}

impl<'a> KeyColumn<'a> {
    fn new(batch: &'a RecordBatch, name: &str) -> anyhow::Result<Self> {
        match column(batch, name)?.data_type() {
            DataType::Int64 => Ok(Self::Long(long(batch, name)?)),
            _ => Ok(Self::Text(text(batch, name)?)),
        }
    }

    fn value(&self, row: usize) -> KeyValue<'a> {
        match self {
            Self::Text(texts) if texts.is_null(row) => KeyValue::Text(""),
            Self::Text(texts) => KeyValue::Text(texts.value(row)),
            Self::Long(numbers) if numbers.is_null(row) => KeyValue::Long(0),
            Self::Long(numbers) => KeyValue::Long(numbers.value(row)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::ArrayRef;
    use std::sync::Arc;

    fn batch() -> RecordBatch {
        let files: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), Some("b"), None]));
        let dumps: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), Some(1), None]));
        RecordBatch::try_from_iter([("file", files), ("dump", dumps)]).unwrap()
    }

    #[test]
    fn rows_match_by_all_columns_of_the_key() {
        let keys = RowKeys::new(["file", "dump"], [["a".into(), 1.into()], ["b".into(), 2.into()]]);
        assert_eq!(keys.matches(&batch()).unwrap(), BooleanArray::from(vec![true, false, false]));
        let keys = RowKeys::new(["file", "dump"], [["".into(), 0.into()]]);
        assert_eq!(keys.matches(&batch()).unwrap(), BooleanArray::from(vec![false, false, true]));
    }

    #[test]
    fn a_missing_column_and_another_type_are_errors() {
        let error = RowKeys::new(["other"], [["a".into()]]).matches(&batch()).unwrap_err();
        assert_eq!(error.to_string(), "column other is missing");
        let error = long(&batch(), "file").unwrap_err().to_string();
        assert_eq!(error, "column file is Utf8, expected Int64");
    }
}
