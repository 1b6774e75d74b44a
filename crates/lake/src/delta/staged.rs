//! Rows of a table that are to be committed: few of them wait in memory, many in data files that no log
//! refers to yet.

use crate::delta::replace::conform;
use crate::delta::table::Table;
use crate::delta::write::DataWriter;
use crate::lake::Lake;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use deltalake::kernel::Add;
use std::hash::{BuildHasher as _, Hasher as _};

/// Collects the rows of one table in the columns of its schema. Rows beyond `staged_bytes` are written to
/// data files at once, so memory does not grow with the table.
pub struct StagedRows<'a> {
    lake: &'a Lake,
    table: Table,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    bytes: usize,
    /// Bytes up to which rows stay in memory.
    max_bytes: usize,
    writer: Option<DataWriter>,
    digest: Option<RowDigest>,
}

impl<'a> StagedRows<'a> {
    pub fn new(lake: &'a Lake, table: &Table, schema: SchemaRef) -> Self {
        let (table, max_bytes) = (table.clone(), lake.limits().refine.staged_bytes);
        let (batches, writer, digest) = (Vec::new(), None, None);
        Self { lake, table, schema, batches, bytes: 0, max_bytes, writer, digest }
    }

    /// Keeps all rows in memory, for callers that read them.
    pub fn in_memory(mut self) -> Self {
        self.max_bytes = usize::MAX;
        self
    }

    /// Computes the digest of the rows.
    ///
    /// # Errors
    /// Fails if a column has a type that rows cannot be compared by.
    pub fn with_digest(mut self) -> anyhow::Result<Self> {
        self.digest = Some(RowDigest::new(&self.schema)?);
        Ok(self)
    }

    /// Adds rows.
    pub async fn push(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let batch = conform(batch, &self.schema)?;
        if let Some(digest) = &mut self.digest {
            digest.add(&batch)?;
        }
        self.bytes += batch.get_array_memory_size();
        self.batches.push(batch);
        if self.bytes <= self.max_bytes {
            return Ok(());
        }
        let writer =
            self.writer.get_or_insert_with(|| writer(self.lake, &self.table, &self.schema));
        for batch in self.batches.drain(..) {
            writer.write(&batch).await?;
        }
        Ok(())
    }

    /// Removes all rows, and deletes the data files that were written.
    pub async fn clear(&mut self) -> anyhow::Result<()> {
        self.batches.clear();
        self.bytes = 0;
        if self.digest.is_some() {
            self.digest = Some(RowDigest::new(&self.schema)?);
        }
        match self.writer.take() {
            Some(writer) => self.table.discard(&writer.finish().await?).await,
            None => Ok(()),
        }
    }

    /// The rows that are in memory: all of them after [`StagedRows::in_memory`].
    pub fn batches(&self) -> &[RecordBatch] {
        &self.batches
    }

    /// The digest of the rows, if it is computed.
    pub fn digest(&self) -> Option<&RowDigest> {
        self.digest.as_ref()
    }
}

/// Writes the rows of several collections into data files, those in memory together.
///
/// # Errors
/// Fails if a data file cannot be written.
pub async fn write_all<'a>(
    collections: impl IntoIterator<Item = StagedRows<'a>>,
) -> anyhow::Result<Vec<Add>> {
    let mut files = Vec::new();
    let mut shared: Option<DataWriter> = None;
    for rows in collections {
        if let Some(own) = rows.writer {
            files.extend(own.finish().await?);
        }
        for batch in &rows.batches {
            let writer = shared.get_or_insert_with(|| writer(rows.lake, &rows.table, &rows.schema));
            writer.write(batch).await?;
        }
    }
    if let Some(writer) = shared {
        files.extend(writer.finish().await?);
    }
    Ok(files)
}

fn writer(lake: &Lake, table: &Table, schema: &SchemaRef) -> DataWriter {
    table.writer(schema.clone(), lake.sizes(), lake.names(), lake.now_ms())
}

/// Reduces rows to 128 bits. Two different rows meet in them with a probability below 10^-20 among 10^9 rows.
pub struct RowHasher {
    converter: RowConverter,
    low: foldhash::quality::FixedState,
    high: foldhash::quality::FixedState,
}

impl RowHasher {
    /// For rows in these columns.
    ///
    /// # Errors
    /// Fails if a column has a type that rows cannot be compared by.
    pub fn new(schema: &SchemaRef) -> anyhow::Result<Self> {
        let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone()));
        Ok(Self {
            converter: RowConverter::new(fields.collect())?,
            low: foldhash::quality::FixedState::with_seed(1),
            high: foldhash::quality::FixedState::with_seed(2),
        })
    }

    /// The hash of each row.
    pub fn hashes(&self, batch: &RecordBatch) -> anyhow::Result<Vec<u128>> {
        let rows = self.converter.convert_columns(batch.columns())?;
        Ok(rows.iter().map(|row| self.hash(row.as_ref())).collect())
    }

    fn hash(&self, bytes: &[u8]) -> u128 {
        let half = |state: &foldhash::quality::FixedState| {
            let mut hasher = state.build_hasher();
            hasher.write(bytes);
            u128::from(hasher.finish())
        };
        half(&self.high) << 64 | half(&self.low)
    }
}

/// A digest of a multiset of rows: their number, and the sum of their 128-bit hashes. Two sets of rows that
/// differ have the same digest with a probability below 10^-30.
pub struct RowDigest {
    hasher: RowHasher,
    rows: usize,
    sum: u128,
}

impl RowDigest {
    /// The digest of no rows with these columns.
    ///
    /// # Errors
    /// Fails if a column has a type that rows cannot be compared by.
    pub fn new(schema: &SchemaRef) -> anyhow::Result<Self> {
        Ok(Self { hasher: RowHasher::new(schema)?, rows: 0, sum: 0 })
    }

    /// Adds rows in these columns.
    pub fn add(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        for hash in self.hasher.hashes(batch)? {
            self.sum = self.sum.wrapping_add(hash);
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Whether the rows are the same, in any order and each as often.
    pub fn equals(&self, other: &Self) -> bool {
        (self.rows, self.sum) == (other.rows, other.sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use arrow::datatypes::{DataType, Field, Schema};
    use std::sync::Arc;

    type Rows = Vec<(Option<i64>, Option<String>)>;

    fn digest(pieces: &[Rows]) -> RowDigest {
        let fields =
            [Field::new("a", DataType::Int64, true), Field::new("b", DataType::Utf8, true)];
        let schema = Arc::new(Schema::new(fields.to_vec()));
        let mut digest = RowDigest::new(&schema).unwrap();
        for rows in pieces {
            let numbers: Int64Array = rows.iter().map(|row| row.0).collect();
            let texts: StringArray = rows.iter().map(|row| row.1.as_deref()).collect();
            let columns: Vec<arrow::array::ArrayRef> = vec![Arc::new(numbers), Arc::new(texts)];
            digest.add(&RecordBatch::try_new(schema.clone(), columns).unwrap()).unwrap();
        }
        digest
    }

    proptest::proptest! {
        #[test]
        fn digests_are_equal_if_the_rows_are(
            left in proptest::collection::vec(
                (proptest::option::of(0..3_i64), proptest::option::of("[ab]{0,2}")), 0..6),
            right in proptest::collection::vec(
                (proptest::option::of(0..3_i64), proptest::option::of("[ab]{0,2}")), 0..6),
            at in 0_usize..6,
        ) {
            let sorted = |rows: &Rows| {
                let mut rows = rows.clone();
                rows.sort();
                rows
            };
            let is_same = sorted(&left) == sorted(&right);
            let found = digest(std::slice::from_ref(&left)).equals(&digest(&[right]));
            proptest::prop_assert_eq!(found, is_same);
            let (first, second) = left.split_at(at.min(left.len()));
            let pieces = [second.to_vec(), first.to_vec()];
            proptest::prop_assert!(digest(&pieces).equals(&digest(std::slice::from_ref(&left))));
        }
    }
}
