//! Writes record batches into Parquet data files, with the statistics by which readers skip files.

mod encoding;
mod groups;
mod repeated;

use crate::delta::stats::{date_text, timestamp_text};
use crate::timing;
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
use parquet::file::metadata::ParquetMetaData;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::AsyncWriteExt as _;

use encoding::{has_statistics, properties};
use groups::RowGroups;

/// Longer texts are omitted from the statistics, because such a bound excludes no file.
const STATISTIC_TEXT_BYTES: usize = 64;

/// Limits of the data files.
#[derive(Debug, Clone, Copy)]
pub struct FileSizes {
    pub rows_per_file: usize,
    pub rows_per_group: usize,
}

/// What the data files of a table hold, which decides how they are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Records of dumps as received, all columns as text.
    Landed,
    /// Rows of a stream, as received or refined.
    Stream,
    /// Refined rows of dumps, and rows of the program itself.
    Refined,
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
    kind: FileKind,
    folder: Option<Folder>,
    open: Option<OpenFile>,
    done: Vec<Add>,
}

struct OpenFile {
    path: String,
    rows: usize,
    groups: RowGroups,
    sink: BufWriter,
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
        let (open, done, kind) = (None, Vec::new(), FileKind::Refined);
        Self { store, schema, sizes, names, modified_ms, kind, folder: None, open, done }
    }

    /// The same writer for records of dumps as received.
    pub fn of_landed_rows(mut self) -> Self {
        self.kind = FileKind::Landed;
        self
    }

    /// The same writer with its files in a partition folder; the schema lacks the partition column. Only tables
    /// of streams are partitioned.
    pub fn in_folder(mut self, folder: Folder) -> Self {
        self.folder = Some(folder);
        self.kind = FileKind::Stream;
        self
    }

    /// Writes rows; a file is closed when it is full.
    pub async fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let open = match self.open.as_mut() {
            Some(open) => open,
            None => self.open.insert(self.start(batch)?),
        };
        open.write(batch).await.with_context(|| format!("writing {}", open.path))?;
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

    /// Opens a file that begins with the rows of `first`.
    fn start(&self, first: &RecordBatch) -> anyhow::Result<OpenFile> {
        let path = self.names.next(self.folder.as_ref());
        let sink = BufWriter::new(self.store.clone(), Key::from(path.as_str()));
        let properties = properties(&self.schema, first, self.sizes, self.kind)?;
        let groups = RowGroups::new(self.schema.clone(), properties, self.sizes.rows_per_group)?;
        Ok(OpenFile { path, rows: 0, groups, sink })
    }

    async fn close(&mut self) -> anyhow::Result<()> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let metadata = open.finish().await.with_context(|| format!("closing {}", open.path))?;
        let size = i64::try_from(open.groups.bytes_written())?;
        tracing::trace!(target: timing::TARGET, written_bytes = size, "data file written");
        self.done.push(Add {
            path: open.path,
            partition_values: self.folder.iter().map(Folder::entry).collect(),
            size,
            modification_time: self.modified_ms,
            data_change: true,
            stats: Some(statistics(&metadata, &self.schema, self.kind)?.to_string()),
            tags: None,
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        });
        Ok(())
    }
}

impl OpenFile {
    async fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        self.groups.write(batch)?;
        self.pass_on().await
    }

    async fn finish(&mut self) -> anyhow::Result<ParquetMetaData> {
        let metadata = self.groups.finish()?;
        self.pass_on().await?;
        self.sink.shutdown().await?;
        Ok(metadata)
    }

    /// Passes the bytes of complete groups to the store.
    async fn pass_on(&mut self) -> anyhow::Result<()> {
        let ready = self.groups.take_bytes();
        if !ready.is_empty() {
            self.sink.put(ready.into()).await?;
        }
        Ok(())
    }
}

impl Folder {
    fn entry(&self) -> (String, Option<String>) {
        (self.column.to_owned(), Some(self.value.clone()))
    }
}

/// The statistics of a file in the format of Delta: rows, and nulls, minimum and maximum of each column.
fn statistics(
    metadata: &ParquetMetaData,
    schema: &SchemaRef,
    kind: FileKind,
) -> anyhow::Result<Value> {
    let parquet_schema = metadata.file_metadata().schema_descr();
    let groups = metadata.row_groups();
    let (mut nulls, mut least, mut greatest) = (Map::new(), Map::new(), Map::new());
    for field in schema.fields().iter().filter(|it| has_statistics(it, kind)) {
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
