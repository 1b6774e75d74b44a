//! Writes record batches into Parquet data files, with the statistics by which readers skip files.

use crate::delta::stats::{date_text, timestamp_text};
use anyhow::Context as _;
use arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use arrow::compute::{max, max_string, min, min_string};
use arrow::datatypes::{
    DataType, Date32Type, Int32Type, Int64Type, SchemaRef, TimestampMicrosecondType,
};
use deltalake::kernel::Add;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::arrow::async_writer::AsyncArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longer texts are omitted from the statistics, because such a bound excludes no file.
const STATISTIC_TEXT_BYTES: usize = 64;

/// Size of a page of the files of a stream, in bytes: the payloads of one page fit into the CPU cache.
const STREAM_PAGE_BYTES: usize = 256 << 10;

/// Limits of the data files.
#[derive(Debug, Clone, Copy)]
pub struct FileSizes {
    pub rows_per_file: usize,
    pub rows_per_group: usize,
}

/// Names the data files of one run, so that the files of a killed run can be identified.
#[derive(Debug)]
pub struct FileNames {
    run: String,
    next: AtomicU64,
}

impl FileNames {
    pub fn new(run: &str) -> Self {
        Self { run: run.to_owned(), next: AtomicU64::new(0) }
    }

    fn next(&self, folder: Option<&Folder>) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = folder.map(|it| format!("{}={}/", it.column, it.value)).unwrap_or_default();
        format!("{folder}part-{}-{number:05}.parquet", self.run)
    }
}

/// The folder of the data files with one value of the partition column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    pub column: &'static str,
    pub value: String,
}

/// Writes the data files of one table. They are part of the table once they are committed; files of a
/// writer that is dropped before are orphans, which the next run deletes.
pub struct DataWriter {
    store: Arc<dyn ObjectStore>,
    schema: SchemaRef,
    sizes: FileSizes,
    names: Arc<FileNames>,
    modified_ms: i64,
    folder: Option<Folder>,
    open: Option<OpenFile>,
    done: Vec<Add>,
}

struct OpenFile {
    path: String,
    rows: usize,
    writer: AsyncArrowWriter<BufWriter>,
}

impl DataWriter {
    /// A writer into the table that `store` is rooted at. `modified_ms` is the time of the files, in
    /// milliseconds since 1970 UTC.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        schema: SchemaRef,
        sizes: FileSizes,
        names: Arc<FileNames>,
        modified_ms: i64,
    ) -> Self {
        let (open, done) = (None, Vec::new());
        Self { store, schema, sizes, names, modified_ms, folder: None, open, done }
    }

    /// The same writer with its files in a partition folder; the schema lacks the partition column.
    pub fn in_folder(mut self, folder: Folder) -> Self {
        self.folder = Some(folder);
        self
    }

    /// Writes rows; a file is closed when it is full.
    pub async fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let open = match self.open.as_mut() {
            Some(open) => open,
            None => self.open.insert(self.start()?),
        };
        open.writer.write(batch).await.with_context(|| format!("writing {}", open.path))?;
        open.rows += batch.num_rows();
        if open.rows >= self.sizes.rows_per_file {
            self.close().await?;
        }
        Ok(())
    }

    /// The position of the next row: the number of its file among those of this writer, and its row in it.
    pub fn position(&self) -> (usize, usize) {
        (self.done.len(), self.open.as_ref().map_or(0, |open| open.rows))
    }

    /// Closes the last file and returns all files to be committed.
    pub async fn finish(mut self) -> anyhow::Result<Vec<Add>> {
        self.close().await?;
        Ok(self.done)
    }

    fn start(&self) -> anyhow::Result<OpenFile> {
        let path = self.names.next(self.folder.as_ref());
        let sink = BufWriter::new(self.store.clone(), Key::from(path.as_str()));
        let properties = properties(&self.schema, self.sizes, self.is_stream())?;
        let writer = AsyncArrowWriter::try_new(sink, self.schema.clone(), Some(properties))?;
        Ok(OpenFile { path, rows: 0, writer })
    }

    /// Only tables of streams are partitioned.
    fn is_stream(&self) -> bool {
        self.folder.is_some()
    }

    async fn close(&mut self) -> anyhow::Result<()> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let metadata =
            open.writer.finish().await.with_context(|| format!("closing {}", open.path))?;
        let size = i64::try_from(open.writer.bytes_written())?;
        self.done.push(Add {
            path: open.path,
            partition_values: self.folder.iter().map(Folder::entry).collect(),
            size,
            modification_time: self.modified_ms,
            data_change: true,
            stats: Some(statistics(&metadata, &self.schema, self.is_stream())?.to_string()),
            tags: None,
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        });
        Ok(())
    }
}

impl Folder {
    fn entry(&self) -> (String, Option<String>) {
        (self.column.to_owned(), Some(self.value.clone()))
    }
}

/// The settings of a Parquet file.
fn properties(
    schema: &SchemaRef,
    sizes: FileSizes,
    is_stream: bool,
) -> anyhow::Result<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(sizes.rows_per_group));
    if is_stream {
        properties = properties.set_data_page_size_limit(STREAM_PAGE_BYTES);
    }
    for field in schema.fields() {
        let column = ColumnPath::from(field.name().as_str());
        if !has_dictionary(field.data_type(), is_stream) {
            properties = properties.set_column_dictionary_enabled(column.clone(), false);
        }
        if !has_statistics(field.data_type(), is_stream) {
            properties = properties.set_column_statistics_enabled(column, EnabledStatistics::None);
        }
    }
    Ok(properties.build())
}

/// Whether a column is dictionary-encoded. Payloads rarely repeat, and neither do the offsets, timestamps
/// and measurements of a stream, where the lookups would cost more than the dictionary saves.
fn has_dictionary(kind: &DataType, is_stream: bool) -> bool {
    match kind {
        DataType::Binary => false,
        DataType::Int64 | DataType::Float64 | DataType::Timestamp(_, _) => !is_stream,
        _ => true,
    }
}

/// Whether a column has statistics. No reader skips files by payloads, nor by the texts of a stream: every
/// file has messages of all producers.
fn has_statistics(kind: &DataType, is_stream: bool) -> bool {
    match kind {
        DataType::Binary => false,
        DataType::Utf8 => !is_stream,
        _ => true,
    }
}

/// The statistics of a file in the format of Delta: rows, and nulls, minimum and maximum of each column.
fn statistics(
    metadata: &ParquetMetaData,
    schema: &SchemaRef,
    is_stream: bool,
) -> anyhow::Result<Value> {
    let parquet_schema = metadata.file_metadata().schema_descr();
    let groups = metadata.row_groups();
    let (mut nulls, mut least, mut greatest) = (Map::new(), Map::new(), Map::new());
    for field in schema.fields().iter().filter(|it| has_statistics(it.data_type(), is_stream)) {
        let converter = StatisticsConverter::try_new(field.name(), schema, parquet_schema)?;
        let counts = converter.row_group_null_counts(groups)?;
        nulls.insert(field.name().clone(), json!(counts.iter().flatten().sum::<u64>()));
        let low = bound(&converter.row_group_mins(groups)?, false);
        let high = bound(&converter.row_group_maxes(groups)?, true);
        if let (Some(low), Some(high)) = (low, high) {
            least.insert(field.name().clone(), low);
            greatest.insert(field.name().clone(), high);
        }
    }
    Ok(json!({
        "numRecords": metadata.file_metadata().num_rows(),
        "minValues": least,
        "maxValues": greatest,
        "nullCount": nulls,
    }))
}

/// The minimum or maximum of the bounds of the row groups, in the format of Delta; `None` where a bound
/// would not be exact or would not exclude anything.
fn bound(values: &ArrayRef, greatest: bool) -> Option<Value> {
    match values.data_type() {
        DataType::Int32 => {
            let values = values.as_primitive::<Int32Type>();
            (if greatest { max(values) } else { min(values) }).map(|value| json!(value))
        }
        DataType::Int64 => {
            let values = values.as_primitive::<Int64Type>();
            (if greatest { max(values) } else { min(values) }).map(|value| json!(value))
        }
        DataType::Date32 => {
            let values = values.as_primitive::<Date32Type>();
            let days = (if greatest { max(values) } else { min(values) })?;
            Some(json!(date_text(days)?))
        }
        DataType::Timestamp(_, _) => {
            let values = values.as_primitive::<TimestampMicrosecondType>();
            let us = (if greatest { max(values) } else { min(values) })?;
            Some(json!(timestamp_text(us)?))
        }
        DataType::Utf8 => {
            let values = values.as_string::<i32>();
            let text = (if greatest { max_string(values) } else { min_string(values) })?;
            (text.len() <= STATISTIC_TEXT_BYTES).then(|| json!(text))
        }
        _ => None,
    }
}
