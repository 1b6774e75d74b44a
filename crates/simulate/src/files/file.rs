//! A dump file while it is written to any object store.

use super::{columns, stages};
use anyhow::Context as _;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use object_store::ObjectStore;
use object_store::buffered::BufWriter;
use object_store::path::Path as Key;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use plant::sim::dump_writer::PartContent;
use plant::sim::world::World;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;

/// Rows per batch passed to the Parquet writer.
const BATCH_ROWS: usize = 16_384;
/// Rows per row group, which the writer holds in memory.
const GROUP_ROWS: usize = 131_072;

/// A file while it is written. It becomes visible when it is closed.
pub struct File {
    to: BufWriter,
    /// The encoder of a Parquet file.
    encoder: Option<ArrowWriter<Vec<u8>>>,
    bytes: u64,
}

impl File {
    /// Creates a file for parts like `content`.
    pub fn new(
        store: Arc<dyn ObjectStore>,
        key: &str,
        content: &PartContent,
    ) -> anyhow::Result<Self> {
        let encoder = match content {
            PartContent::Text(_) => None,
            PartContent::Stages(_) => Some(encoder(stages::schema())?),
            PartContent::Materials(_) => Some(encoder(columns::materials_schema())?),
            PartContent::CycleTimes(_) => Some(encoder(columns::cycle_times_schema())?),
        };
        let to = BufWriter::new(store, Key::from(key));
        Ok(Self { to, encoder, bytes: 0 })
    }

    /// Appends a part.
    pub async fn append(&mut self, content: &PartContent, world: &World) -> anyhow::Result<()> {
        match content {
            PartContent::Text(text) => self.put(text).await,
            PartContent::Stages(rows) => {
                for rows in rows.chunks(BATCH_ROWS) {
                    self.encode(&stages::batch(rows, world)?).await?;
                }
                Ok(())
            }
            PartContent::Materials(rows) => self.encode(&columns::materials(rows, world)?).await,
            PartContent::CycleTimes(rows) => self.encode(&columns::cycle_times(rows, world)?).await,
        }
    }

    /// Closes the file and returns its size in bytes.
    pub async fn close(mut self) -> anyhow::Result<u64> {
        if let Some(encoder) = self.encoder.take() {
            let rest = encoder.into_inner()?;
            self.put(&rest).await?;
        }
        self.to.shutdown().await?;
        Ok(self.bytes)
    }

    async fn encode(&mut self, rows: &RecordBatch) -> anyhow::Result<()> {
        let encoder = self.encoder.as_mut().context("the file is not Parquet")?;
        encoder.write(rows)?;
        let ready = std::mem::take(encoder.inner_mut());
        self.put(&ready).await
    }

    async fn put(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.bytes += bytes.len() as u64;
        self.to.write_all(bytes).await?;
        Ok(())
    }
}

/// A Parquet encoder. Integers use delta encoding without dictionary and statistics, as most
/// columns hold a single value.
fn encoder(schema: SchemaRef) -> anyhow::Result<ArrowWriter<Vec<u8>>> {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(GROUP_ROWS));
    let numbers = schema.fields().iter().filter(|field| field.data_type().is_numeric());
    for column in numbers.map(|field| ColumnPath::from(field.name().as_str())) {
        properties = properties
            .set_column_dictionary_enabled(column.clone(), false)
            .set_column_encoding(column.clone(), Encoding::DELTA_BINARY_PACKED)
            .set_column_statistics_enabled(column, EnabledStatistics::None);
    }
    Ok(ArrowWriter::try_new(Vec::new(), schema, Some(properties.build()))?)
}
