//! Which record of a key counts: the one of the newest dump, and within a dump the last.

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Schema, TimeUnit, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use std::collections::HashMap;
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
        let columns: Vec<ArrayRef> =
            self.columns.iter().map(|at| batch.column(*at).clone()).collect();
        let rows = self.converter.convert_columns(&columns)?;
        let is_null = |row: usize| columns.iter().any(|column| column.is_null(row));
        let key = |(at, row): (usize, arrow::row::Row<'_>)| {
            (!is_null(at)).then(|| self.key(row.as_ref()))
        };
        Ok(rows.iter().enumerate().map(key).collect())
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

/// A row of the files being written: the file's number and the row in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Written {
    pub file: u32,
    pub row: u32,
}

/// The position of a record among those of its key: the rank of its dump (0 is newest) and its number in
/// the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    pub dump: u32,
    pub record: u32,
}

impl Rank {
    /// Whether this record supersedes `other`: its dump is newer, or it is later in the same dump.
    fn supersedes(self, other: Self) -> bool {
        (other.dump, self.record) > (self.dump, other.record)
    }
}

/// The newest record of each key among those seen so far, in any order.
#[derive(Default)]
pub struct LatestByKey {
    by_key: HashMap<Key, (Rank, Written), foldhash::fast::FixedState>,
    withdrawn: Vec<Written>,
}

impl LatestByKey {
    /// Adds a record of `key`, which would be written at `at`. Returns whether it is the newest so far;
    /// the record it supersedes is withdrawn.
    pub fn insert(&mut self, key: Key, rank: Rank, at: Written) -> bool {
        use std::collections::hash_map::Entry;
        match self.by_key.entry(key) {
            Entry::Vacant(vacant) => {
                vacant.insert((rank, at));
                true
            }
            Entry::Occupied(mut known) if rank.supersedes(known.get().0) => {
                self.withdrawn.push(known.get().1);
                known.insert((rank, at));
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// The rank of the dump of the newest record of `key`.
    pub fn rank(&self, key: Key) -> Option<u32> {
        self.by_key.get(&key).map(|(rank, _)| rank.dump)
    }

    /// Withdraws the newest record of `key`, because the table has a newer one.
    pub fn withdraw(&mut self, key: Key) {
        if let Some((_, at)) = self.by_key.remove(&key) {
            self.withdrawn.push(at);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The written rows that were withdrawn, by file.
    pub fn into_withdrawn(self) -> HashMap<u32, Vec<u32>> {
        let mut files: HashMap<u32, Vec<u32>> = HashMap::new();
        for at in self.withdrawn {
            files.entry(at.file).or_default().push(at.row);
        }
        files
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int64Array, StringArray};
    use arrow::datatypes::Field;
    use std::sync::Arc;

    fn at(row: u32) -> Written {
        Written { file: 0, row }
    }

    fn rank(dump: u32, record: u32) -> Rank {
        Rank { dump, record }
    }

    #[test]
    fn the_last_record_of_the_newest_dump_is_kept() {
        let mut latest = LatestByKey::default();
        assert!(latest.insert(7, rank(0, 1), at(0)));
        assert!(latest.insert(7, rank(0, 2), at(1)));
        assert!(!latest.insert(7, rank(1, 9), at(2)));
        assert!(latest.insert(8, rank(1, 9), at(2)));
        assert_eq!(latest.rank(7), Some(0));
        latest.withdraw(8);
        assert_eq!(latest.into_withdrawn()[&0], [0, 2]);
    }

    proptest::proptest! {
        #[test]
        fn the_order_of_insertion_does_not_matter(
            met in proptest::collection::vec((0..3_u128, 0..4_u32, 0..5_u32), 1..20)
        ) {
            let mut places: Vec<(Key, u32, u32)> = met.clone();
            places.sort_unstable();
            places.dedup();
            let mut seen = std::collections::HashSet::new();
            let mut latest = LatestByKey::default();
            let mut written = Vec::new();
            for (key, dump, record) in met.into_iter().filter(|it| seen.insert(*it)) {
                let row = u32::try_from(written.len()).unwrap();
                if latest.insert(key, rank(dump, record), at(row)) {
                    written.push((key, dump, record));
                }
            }
            let withdrawn = latest.into_withdrawn().remove(&0).unwrap_or_default();
            let left = written.iter().enumerate().filter(|(row, _)| {
                !withdrawn.contains(&u32::try_from(*row).unwrap())
            });
            let mut left: Vec<_> = left.map(|(_, it)| *it).collect();
            left.sort_unstable();
            let newest = |key| {
                let of_key = places.iter().filter(move |it| it.0 == key);
                of_key.min_by_key(|it| (it.1, std::cmp::Reverse(it.2))).copied()
            };
            let expected: Vec<_> = (0..3).filter_map(newest).collect();
            proptest::prop_assert_eq!(left, expected);
        }
    }

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
