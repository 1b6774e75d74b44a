//! Keys of rows, and which record of a key counts: the one of the newest dump, and within a dump the last.

pub mod distinct;
pub mod latest;
mod seen;
mod spill;

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use std::hash::{BuildHasher as _, Hasher as _};

/// A key's values, reduced to 128 bits. Two different keys meet in it with a probability below
/// 10^-20 in a table of 10^9 records.
pub type Key = u128;

/// Reduces key columns to keys.
pub struct Hasher {
    columns: Vec<usize>,
    converter: RowConverter,
    low: foldhash::quality::FixedState,
    high: foldhash::quality::FixedState,
}

impl Hasher {
    pub fn new(schema: &Schema, key: &[String]) -> anyhow::Result<Self> {
        let columns =
            key.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let field = |at: &usize| SortField::new(schema.field(*at).data_type().clone());
        Ok(Self {
            converter: RowConverter::new(columns.iter().map(field).collect())?,
            columns,
            low: foldhash::quality::FixedState::with_seed(1),
            high: foldhash::quality::FixedState::with_seed(2),
        })
    }

    /// The key of each row; `None` where a key column is null.
    pub fn keys(&self, batch: &RecordBatch) -> anyhow::Result<Vec<Option<Key>>> {
        let columns = self.columns(batch);
        let is_null = |row: usize| columns.iter().any(|column| column.is_null(row));
        let keys = self.keys_with_nulls(batch)?.into_iter().enumerate();
        Ok(keys.map(|(at, key)| (!is_null(at)).then_some(key)).collect())
    }

    /// The key of each row, in which null is a value like others.
    pub fn keys_with_nulls(&self, batch: &RecordBatch) -> anyhow::Result<Vec<Key>> {
        let rows = self.converter.convert_columns(&self.columns(batch))?;
        Ok(rows.iter().map(|row| self.key(row.as_ref())).collect())
    }

    fn columns(&self, batch: &RecordBatch) -> Vec<ArrayRef> {
        self.columns.iter().map(|at| batch.column(*at).clone()).collect()
    }

    /// The key of each row in 64 bits, computed without converting the row: enough to distinguish it from
    /// the last few million. `None` where a key column is null.
    pub fn short_keys(&self, batch: &RecordBatch) -> anyhow::Result<Vec<Option<u64>>> {
        let mut keys = vec![Some(0); batch.num_rows()];
        for at in &self.columns {
            self.mix(batch.column(*at), &mut keys)?;
        }
        Ok(keys)
    }

    /// Mixes the values of a column into keys.
    fn mix(&self, column: &ArrayRef, keys: &mut [Option<u64>]) -> anyhow::Result<()> {
        match column.data_type() {
            DataType::Utf8 => {
                let bytes = column.as_string::<i32>().iter().map(|text| text.map(str::as_bytes));
                self.mix_bytes(bytes, keys);
            }
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>().iter();
                self.mix_numbers(values.map(|value| value.map(f64::to_bits)), keys);
            }
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                let values = column.as_primitive::<TimestampMicrosecondType>().iter();
                self.mix_numbers(values.map(|value| value.map(i64::cast_unsigned)), keys);
            }
            other => {
                let converter = RowConverter::new(vec![SortField::new(other.clone())])?;
                let rows = converter.convert_columns(std::slice::from_ref(column))?;
                let is_valid = |row: &usize| column.is_valid(*row);
                let rows = (0..rows.num_rows()).map(|row| is_valid(&row).then(|| rows.row(row)));
                let rows: Vec<_> = rows.collect();
                let bytes = rows.iter().map(|row| row.as_ref().map(arrow::row::Row::as_ref));
                self.mix_bytes(bytes, keys);
            }
        }
        Ok(())
    }

    fn mix_bytes<'b>(
        &self,
        values: impl Iterator<Item = Option<&'b [u8]>>,
        keys: &mut [Option<u64>],
    ) {
        for (key, value) in keys.iter_mut().zip(values) {
            *key = key.zip(value).map(|(before, value)| {
                let mut hasher = self.low.build_hasher();
                hasher.write(value);
                hasher.write_u64(before);
                hasher.finish()
            });
        }
    }

    fn mix_numbers(&self, values: impl Iterator<Item = Option<u64>>, keys: &mut [Option<u64>]) {
        for (key, value) in keys.iter_mut().zip(values) {
            *key = key.zip(value).map(|(before, value)| {
                let mut hasher = self.low.build_hasher();
                hasher.write_u64(value);
                hasher.write_u64(before);
                hasher.finish()
            });
        }
    }

    fn key(&self, bytes: &[u8]) -> Key {
        let half = |state: &foldhash::quality::FixedState| {
            let mut hasher = state.build_hasher();
            hasher.write(bytes);
            u128::from(hasher.finish())
        };
        half(&self.high) << 64 | half(&self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use arrow::datatypes::Field;
    use std::sync::Arc;

    #[test]
    fn short_keys_distinguish_what_keys_distinguish() {
        let fields = [
            Field::new("text", DataType::Utf8, true),
            Field::new("number", DataType::Float64, true),
            Field::new("whole", DataType::Int64, true),
        ];
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let texts = StringArray::from(vec![Some("a"), Some("b"), Some("a"), None, Some("a")]);
        let numbers = Float64Array::from(vec![0.0, 0.0, -0.0, 0.0, 0.0]);
        let wholes = Int64Array::from(vec![Some(1), Some(1), Some(1), Some(1), Some(1)]);
        let columns: Vec<ArrayRef> = vec![Arc::new(texts), Arc::new(numbers), Arc::new(wholes)];
        let rows = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let key = ["text", "number", "whole"].map(str::to_owned);
        let hasher = Hasher::new(&schema, &key).unwrap();
        let (short, long) = (hasher.short_keys(&rows).unwrap(), hasher.keys(&rows).unwrap());
        for (left, right) in (0..5).flat_map(|left| (0..5).map(move |right| (left, right))) {
            assert_eq!(short[left] == short[right], long[left] == long[right], "{left} {right}");
        }
    }
}
