//! Reads Parquet data files as streams of batches, by ranges from any object store.

use crate::delta::table::Table;
use anyhow::Context as _;
use arrow::array::RecordBatch;
use bytes::Bytes;
use deltalake::kernel::Add;
use futures::FutureExt as _;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, RowSelection};
use parquet::arrow::async_reader::{
    AsyncFileReader, ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder,
};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use std::ops::Range;
use std::sync::Arc;

impl Table {
    /// Reads all or some columns of a data file as a stream of batches.
    pub async fn read(
        &self,
        file: &Add,
        columns: Option<&[&str]>,
        batch_rows: usize,
    ) -> anyhow::Result<Batches> {
        self.read_rows(file, columns, None, batch_rows).await
    }

    /// [`Table::read`] of some rows: ascending ranges that do not overlap.
    pub async fn read_rows(
        &self,
        file: &Add,
        columns: Option<&[&str]>,
        rows: Option<Vec<Range<usize>>>,
        batch_rows: usize,
    ) -> anyhow::Result<Batches> {
        let reader = DataFile {
            store: self.store.clone(),
            key: Key::from(file.path.as_str()),
            size_bytes: u64::try_from(file.size)?,
        };
        let mut builder = ParquetRecordBatchStreamBuilder::new(reader)
            .await
            .with_context(|| format!("reading {} of {}", file.path, self.name))?
            .with_batch_size(batch_rows);
        if let Some(columns) = columns {
            let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
            builder = builder.with_projection(mask);
        }
        if let Some(rows) = rows {
            let in_file = usize::try_from(builder.metadata().file_metadata().num_rows())?;
            let selection = RowSelection::from_consecutive_ranges(rows.into_iter(), in_file);
            builder = builder.with_row_selection(selection);
        }
        Ok(builder.build()?)
    }

    /// Opens a data file whose row groups are read one by one.
    pub async fn open_groups(&self, file: &Add) -> anyhow::Result<GroupedFile> {
        let mut data = DataFile {
            store: self.store.clone(),
            key: Key::from(file.path.as_str()),
            size_bytes: u64::try_from(file.size)?,
        };
        let metadata = ArrowReaderMetadata::load_async(&mut data, ArrowReaderOptions::default());
        let metadata =
            metadata.await.with_context(|| format!("reading {} of {}", file.path, self.name))?;
        Ok(GroupedFile { data, metadata })
    }

    /// [`Table::read`] of several files into memory.
    pub async fn read_all(
        &self,
        files: &[Add],
        columns: Option<&[&str]>,
        batch_rows: usize,
    ) -> anyhow::Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for file in files {
            let stream = self.read(file, columns, batch_rows).await?;
            batches.extend(stream.try_collect::<Vec<_>>().await?);
        }
        Ok(batches)
    }
}

/// An opened data file.
pub struct GroupedFile {
    data: DataFile,
    metadata: ArrowReaderMetadata,
}

impl GroupedFile {
    /// The rows of each row group, in the order of the file.
    pub fn groups(&self) -> anyhow::Result<Vec<Range<usize>>> {
        let mut groups = Vec::new();
        let mut from = 0;
        for group in self.metadata.metadata().row_groups() {
            let to = from + usize::try_from(group.num_rows())?;
            groups.push(from..to);
            from = to;
        }
        Ok(groups)
    }

    /// Reads some columns of a row group: the given rows, which are counted from its first one, ascend and do not
    /// overlap.
    pub fn read_group(
        &self,
        group: usize,
        columns: &[&str],
        rows: Vec<Range<usize>>,
        batch_rows: usize,
    ) -> anyhow::Result<Batches> {
        let (data, metadata) = (self.data.clone(), self.metadata.clone());
        let builder = ParquetRecordBatchStreamBuilder::new_with_metadata(data, metadata);
        let in_group = usize::try_from(builder.metadata().row_group(group).num_rows())?;
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        let selection = RowSelection::from_consecutive_ranges(rows.into_iter(), in_group);
        let builder = builder.with_batch_size(batch_rows).with_row_groups(vec![group]);
        Ok(builder.with_projection(mask).with_row_selection(selection).build()?)
    }
}

/// The batches of one data file.
pub type Batches = ParquetRecordBatchStream<DataFile>;

/// A data file of a table.
#[derive(Clone)]
pub struct DataFile {
    pub store: Arc<dyn ObjectStore>,
    pub key: Key,
    pub size_bytes: u64,
}

impl AsyncFileReader for DataFile {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move { self.store.get_range(&self.key, range).await.map_err(external) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move { self.store.get_ranges(&self.key, &ranges).await.map_err(external) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        _options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let size_bytes = self.size_bytes;
            let metadata = ParquetMetaDataReader::new().load_and_finish(self, size_bytes).await?;
            Ok(Arc::new(metadata))
        }
        .boxed()
    }
}

fn external(error: object_store::Error) -> ParquetError {
    ParquetError::External(error.into())
}
