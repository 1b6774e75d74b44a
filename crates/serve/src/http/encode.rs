//! Encodes rows as JSON, CSV, Arrow or Parquet, batch by batch.
//!
//! Before they are encoded, batches are converted to types that every reader of Arrow and Parquet
//! supports: times in UTC, and no view types.

use super::format::Format;
use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::json::writer::{JsonFormat, Writer as JsonWriter, WriterBuilder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use report::csv::formula;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::Arc;

/// Encoded bytes after which a row group of Parquet is closed and written.
const ROW_GROUP_BYTES: usize = 16 * 1024 * 1024;

/// Encodes one answer. Call [`Encoder::rows`] per batch and [`Encoder::end`] once.
pub struct Encoder {
    schema: SchemaRef,
    sink: Sink,
    /// The line end of CSV.
    line_end: &'static [u8],
    /// Whether texts in CSV that a spreadsheet would evaluate as a formula are escaped.
    escapes_formulas: bool,
}

/// The line end of RFC 4180.
const CRLF: &[u8] = b"\r\n";
/// The line end for terminals and command line tools.
const LF: &[u8] = b"\n";

enum Sink {
    Json(Box<JsonWriter<Vec<u8>, CommaSeparated>>),
    Csv { header_due: bool },
    Arrow(Box<StreamWriter<Vec<u8>>>),
    Parquet(Box<ArrowWriter<Vec<u8>>>),
}

impl Encoder {
    /// An encoder for batches of `schema`.
    pub fn new(format: Format, schema: &Schema) -> Result<Self, ArrowError> {
        let schema = Arc::new(plain_schema(schema));
        let sink = match format {
            Format::Json => Sink::Json(Box::new(json_writer())),
            Format::Csv => Sink::Csv { header_due: true },
            Format::Arrow => Sink::Arrow(Box::new(StreamWriter::try_new(Vec::new(), &schema)?)),
            Format::Parquet => {
                let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY);
                let properties = Some(snappy.build());
                let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(&schema), properties)?;
                Sink::Parquet(Box::new(writer))
            }
        };
        Ok(Self { schema, sink, line_end: CRLF, escapes_formulas: false })
    }

    /// The same encoder whose lines of CSV end with a line feed alone.
    pub fn with_line_feeds(self) -> Self {
        Self { line_end: LF, ..self }
    }

    /// The same encoder, which writes a `'` before each text in CSV that a spreadsheet would evaluate as a
    /// formula. The other formats are not changed.
    pub fn with_escaped_formulas(self) -> Self {
        Self { escapes_formulas: true, ..self }
    }

    /// Adds `batch` and returns the bytes that are complete, possibly none.
    pub fn rows(&mut self, batch: &RecordBatch) -> Result<Bytes, ArrowError> {
        let batch = plain_batch(&self.schema, batch)?;
        let ready = match &mut self.sink {
            Sink::Json(writer) => {
                writer.write(&batch)?;
                std::mem::take(writer.get_mut())
            }
            Sink::Csv { header_due } => {
                let header = std::mem::take(header_due)
                    .then(|| csv_header(&self.schema, self.line_end, self.escapes_formulas));
                let texts = self.escapes_formulas.then(|| text_columns(&self.schema));
                csv_rows(
                    header.unwrap_or_default(),
                    &batch,
                    self.line_end,
                    &texts.unwrap_or_default(),
                )?
            }
            Sink::Arrow(writer) => {
                writer.write(&batch)?;
                std::mem::take(writer.get_mut())
            }
            Sink::Parquet(writer) => {
                writer.write(&batch)?;
                if writer.in_progress_size() > ROW_GROUP_BYTES {
                    writer.flush()?;
                }
                std::mem::take(writer.inner_mut())
            }
        };
        Ok(ready.into())
    }

    /// Returns the last bytes of the response.
    pub fn end(self) -> Result<Bytes, ArrowError> {
        let rest = match self.sink {
            Sink::Json(_) => Vec::new(),
            Sink::Csv { header_due: true } => {
                csv_header(&self.schema, self.line_end, self.escapes_formulas)
            }
            Sink::Csv { header_due: false } => Vec::new(),
            Sink::Arrow(mut writer) => {
                writer.finish()?;
                std::mem::take(writer.get_mut())
            }
            Sink::Parquet(writer) => writer.into_inner()?,
        };
        Ok(rest.into())
    }
}

/// JSON objects separated by commas; the caller writes the brackets.
#[derive(Debug, Default)]
struct CommaSeparated;

impl JsonFormat for CommaSeparated {
    fn start_row<W: Write>(&self, writer: &mut W, is_first_row: bool) -> Result<(), ArrowError> {
        if !is_first_row {
            writer.write_all(b",\n")?;
        }
        Ok(())
    }
}

fn json_writer() -> JsonWriter<Vec<u8>, CommaSeparated> {
    WriterBuilder::new().with_explicit_nulls(true).build(Vec::new())
}

fn csv_header(schema: &Schema, line_end: &[u8], escapes_formulas: bool) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, field) in schema.fields().iter().enumerate() {
        let mut name = field.name().clone();
        if escapes_formulas && formula::is_formula(&name) {
            name.insert(0, formula::ESCAPE);
        }
        csv_field(&mut out, index, Some(&name));
    }
    out.extend_from_slice(line_end);
    out
}

/// The columns that hold text, in which a value may look like a formula.
fn text_columns(schema: &Schema) -> Vec<usize> {
    let is_text = |index: &usize| {
        let field = schema.field(*index).data_type();
        !(field.is_numeric() || field.is_temporal() || *field == DataType::Boolean)
    };
    (0..schema.fields().len()).filter(is_text).collect()
}

/// Encodes rows by RFC 4180, except for the line ends. A null is an empty field without quotes, an empty
/// text is `""`. Formulas in the columns `texts` are escaped.
fn csv_rows(
    mut out: Vec<u8>,
    batch: &RecordBatch,
    line_end: &[u8],
    texts: &[usize],
) -> Result<Vec<u8>, ArrowError> {
    let options = FormatOptions::new();
    let columns = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()?;
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        for (index, column) in columns.iter().enumerate() {
            text.clear();
            write!(text, "{}", column.value(row)).map_err(unwritable)?;
            if texts.contains(&index) && formula::is_formula(&text) {
                text.insert(0, formula::ESCAPE);
            }
            let is_valid = batch.column(index).is_valid(row);
            csv_field(&mut out, index, is_valid.then_some(&text));
        }
        out.extend_from_slice(line_end);
    }
    Ok(out)
}

fn unwritable(error: std::fmt::Error) -> ArrowError {
    ArrowError::CsvError(format!("a value cannot be written as text: {error}"))
}

fn csv_field(out: &mut Vec<u8>, index: usize, text: Option<&String>) {
    if index > 0 {
        out.push(b',');
    }
    let Some(text) = text else { return };
    let special = |byte: u8| matches!(byte, b'"' | b',' | b'\r' | b'\n');
    let bare = !text.is_empty() && !text.bytes().any(special);
    if bare {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}

/// `schema` with types that every reader supports.
fn plain_schema(schema: &Schema) -> Schema {
    let field = |field: &Arc<Field>| {
        Field::new(field.name(), plain_type(field.data_type()), field.is_nullable())
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

fn plain_type(of: &DataType) -> DataType {
    match of {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("UTC".into())),
        other => other.clone(),
    }
}

fn plain_batch(schema: &SchemaRef, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let plain = |(column, field): (&ArrayRef, &Arc<Field>)| {
        if column.data_type() == field.data_type() {
            return Ok(Arc::clone(column));
        }
        cast(column, field.data_type())
    };
    let columns = batch.columns().iter().zip(schema.fields()).map(plain);
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns)
}
