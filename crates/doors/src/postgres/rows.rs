//! Rows of a statement as messages.

mod binary;

use super::catalog::INT2_VECTOR_KEY;
use super::errors::{from_read_path, unsupported};
use arrow::array::{ArrayRef, AsArray, ListArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Int16Type, Schema, SchemaRef};
use binary::BinaryRows;
use datafusion_postgres::arrow_pg::datatypes::arrow_schema_to_pg_fields;
use datafusion_postgres::arrow_pg::row_encoder::RowEncoder;
use pgwire::api::Type;
use pgwire::api::portal::Format;
use pgwire::api::results::{FieldFormat, FieldInfo};
use pgwire::error::PgWireResult;
use pgwire::messages::data::{DataRow, RowDescription};
use pgwire::types::format::FormatOptions;
use serve::http::Rows;
use std::sync::Arc;

/// The columns of a result in the types of PostgreSQL.
pub type Fields = Arc<Vec<FieldInfo>>;

/// The size of values without a fixed one.
const VARIABLE: i16 = -1;

/// Sizes of values in bytes, by type.
const SIZES: [(Type, i16); 12] = [
    (Type::BOOL, 1),
    (Type::CHAR, 1),
    (Type::INT2, 2),
    (Type::INT4, 4),
    (Type::OID, 4),
    (Type::FLOAT4, 4),
    (Type::DATE, 4),
    (Type::INT8, 8),
    (Type::FLOAT8, 8),
    (Type::TIME, 8),
    (Type::TIMESTAMP, 8),
    (Type::TIMESTAMPTZ, 8),
];

/// The columns of `schema`, with values in `format`.
///
/// # Errors
/// PostgreSQL has no type for a column, or the number of formats differs from that of the columns.
pub fn fields(
    schema: &Schema,
    format: &Format,
    options: &Arc<FormatOptions>,
) -> PgWireResult<Fields> {
    if let Format::Individual(codes) = format
        && codes.len() != schema.fields().len()
    {
        let (codes, columns) = (codes.len(), schema.fields().len());
        return Err(super::errors::violation(format!(
            "bind message has {codes} result formats but query has {columns} columns"
        )));
    }
    let fields = arrow_schema_to_pg_fields(schema, format, None)?;
    let complete = |(field, info): (&FieldRef, FieldInfo)| {
        let info = if is_int2_vector(field) {
            FieldInfo::new(info.name().to_owned(), None, None, Type::INT2_VECTOR, info.format())
        } else {
            info
        };
        let size = SIZES.iter().find(|(known, _)| known == info.datatype());
        let size = size.map_or(VARIABLE, |(_, size)| *size);
        let modifier = type_modifier(field.data_type());
        info.with_type_size(size)
            .with_type_modifier(modifier)
            .with_format_options(Arc::clone(options))
    };
    Ok(Arc::new(schema.fields().iter().zip(fields).map(complete).collect()))
}

/// Precision and scale of a decimal as PostgreSQL packs them; -1 for other types.
pub fn type_modifier(kind: &DataType) -> i32 {
    match kind {
        DataType::Decimal128(precision, scale) => {
            ((i32::from(*precision) << 16) | i32::from(*scale)) + 4
        }
        DataType::Dictionary(_, value) => type_modifier(value),
        _ => -1,
    }
}

/// Whether the type of a column is `int2vector`; its elements and aggregates of it have no mark or another type.
fn is_int2_vector(field: &Field) -> bool {
    matches!(field.data_type(), DataType::List(_)) && field.metadata().contains_key(INT2_VECTOR_KEY)
}

/// The column of a result; a vector in text format is a text, since the encoder writes lists as arrays.
fn sent_field(field: &Field, info: &FieldInfo) -> Field {
    let field = field.clone().with_nullable(true);
    if is_int2_vector(&field) && info.format() == FieldFormat::Text {
        field.with_data_type(DataType::Utf8)
    } else {
        field
    }
}

/// The column as it is encoded: the encoder quotes the text of a vector like an element of an array.
fn encoded_field(info: &FieldInfo) -> FieldInfo {
    if *info.datatype() == Type::INT2_VECTOR && info.format() == FieldFormat::Text {
        FieldInfo::new(info.name().to_owned(), None, None, Type::TEXT, FieldFormat::Text)
    } else {
        info.clone()
    }
}

/// The text of each vector: its numbers with spaces between.
fn vector_texts(vectors: &ListArray) -> StringArray {
    let text = |vector: Option<ArrayRef>| {
        let numbers = vector?;
        let numbers = numbers.as_primitive_opt::<Int16Type>()?;
        let texts: Vec<String> = numbers.iter().flatten().map(|it| it.to_string()).collect();
        Some(texts.join(" "))
    };
    vectors.iter().map(text).collect()
}

/// The message that describes columns.
pub fn description(fields: &Fields) -> RowDescription {
    RowDescription::new(fields.iter().map(Into::into).collect())
}

/// Rows of a running statement.
pub struct OpenRows {
    rows: Rows,
    /// The columns with the metadata of the plan, which the execution may have lost.
    schema: SchemaRef,
    fields: Fields,
    /// The columns in the types that are encoded.
    encoded: Fields,
    batch: Option<Encoder>,
    sql: Arc<str>,
}

/// The rows of a batch.
enum Encoder {
    Binary(BinaryRows),
    /// Types or formats that are seldom.
    Other(Box<RowEncoder>),
}

impl Encoder {
    fn new(batch: RecordBatch, fields: &Fields) -> Self {
        match BinaryRows::new(&batch, fields) {
            Some(rows) => Self::Binary(rows),
            None => Self::Other(Box::new(RowEncoder::new(batch, Arc::clone(fields)))),
        }
    }

    fn next_row(&mut self) -> Option<PgWireResult<DataRow>> {
        match self {
            Self::Binary(rows) => rows.next_row().map(Ok),
            Self::Other(rows) => rows.next_row(),
        }
    }
}

impl OpenRows {
    /// Rows in the types of `fields`, which are those of `schema`.
    pub fn new(rows: Rows, schema: &Schema, fields: Fields, sql: Arc<str>) -> Self {
        let sent = schema.fields().iter().zip(fields.iter()).map(|(it, info)| sent_field(it, info));
        let schema = Arc::new(Schema::new(sent.collect::<Vec<_>>()));
        let encoded = Arc::new(fields.iter().map(encoded_field).collect());
        Self { rows, schema, fields, encoded, batch: None, sql }
    }

    /// The columns.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The next row; `None` after the last one.
    ///
    /// # Errors
    /// The statement fails or exceeds a limit, or a value has no representation.
    pub async fn next(&mut self) -> PgWireResult<Option<DataRow>> {
        loop {
            if let Some(row) = self.batch.as_mut().and_then(Encoder::next_row) {
                return row.map(Some);
            }
            let next = self.rows.next_batch().await;
            let Some(batch) = next.map_err(|error| from_read_path(error, &self.sql))? else {
                return Ok(None);
            };
            let batch = self.described(&batch)?;
            self.batch = Some(Encoder::new(batch, &self.encoded));
        }
    }

    fn described(&self, batch: &RecordBatch) -> PgWireResult<RecordBatch> {
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let typed = |(column, field): (&ArrayRef, &FieldRef)| match field.data_type() {
            kind if kind == column.data_type() => Ok(Arc::clone(column)),
            kind => match column.as_list_opt::<i32>() {
                Some(vectors) if field.metadata().contains_key(INT2_VECTOR_KEY) => {
                    Ok(Arc::new(vector_texts(vectors)) as ArrayRef)
                }
                _ => cast(column, kind),
            },
        };
        let columns: Result<Vec<ArrayRef>, _> =
            batch.columns().iter().zip(self.schema.fields()).map(typed).collect();
        columns
            .and_then(|columns| {
                RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            })
            .map_err(|error| unsupported(format!("the result cannot be described: {error}")))
    }
}
