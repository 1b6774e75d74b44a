//! Small tables made from rows.

use arrow::array::{
    ArrayRef, BooleanBuilder, Float32Builder, Int16Builder, Int32Builder, ListBuilder, RecordBatch,
    StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::error::Result;
use datafusion_postgres::arrow_pg::datatypes::{PG_CHAR_KEY, PG_OID_ALIAS_KEY};
use std::collections::HashMap;
use std::sync::Arc;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    Bool,
    Int2,
    Int4,
    Float4,
    Text,
    /// One character.
    Char,
    /// An object identifier.
    Oid,
    Int2List,
    /// A list that is written as numbers with spaces between, `int2vector`.
    Int2Vector,
    TextList,
}

/// The metadata key of a list of `int2` whose type in PostgreSQL is `int2vector`. Drivers read the two types
/// differently: psqlodbc takes the text of an array for a vector and reads numbers behind its end.
pub const INT2_VECTOR_KEY: &str = "pg.int2vector";

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Null,
    Bool(bool),
    Int(i32),
    Text(String),
    Ints(Vec<i16>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i32> for Cell {
    fn from(number: i32) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// Name and type of the columns of a table.
pub type Columns = &'static [(&'static str, ColumnKind)];

/// A table of `rows`; a row that is too short ends with nulls.
pub fn table(columns: Columns, rows: &[Vec<Cell>]) -> Result<Arc<dyn TableProvider>> {
    let fields: Vec<Field> = columns.iter().map(|(name, kind)| field(name, *kind)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays = columns.iter().enumerate().map(|(index, (_, kind))| {
        let cells = rows.iter().map(|row| row.get(index).unwrap_or(&Cell::Null));
        array(*kind, cells)
    });
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays.collect())?;
    Ok(Arc::new(MemTable::try_new(schema, vec![vec![batch]])?))
}

fn field(name: &str, kind: ColumnKind) -> Field {
    let list = |inner| DataType::List(Arc::new(Field::new("item", inner, true)));
    let marked = |key: &str, value: &str| HashMap::from([(key.to_owned(), value.to_owned())]);
    match kind {
        ColumnKind::Bool => Field::new(name, DataType::Boolean, true),
        ColumnKind::Int2 => Field::new(name, DataType::Int16, true),
        ColumnKind::Int4 => Field::new(name, DataType::Int32, true),
        ColumnKind::Float4 => Field::new(name, DataType::Float32, true),
        ColumnKind::Text => Field::new(name, DataType::Utf8, true),
        ColumnKind::Char => {
            Field::new(name, DataType::Utf8, true).with_metadata(marked(PG_CHAR_KEY, "char"))
        }
        ColumnKind::Oid => {
            Field::new(name, DataType::Int32, true).with_metadata(marked(PG_OID_ALIAS_KEY, "oid"))
        }
        ColumnKind::Int2List => Field::new(name, list(DataType::Int16), true),
        ColumnKind::Int2Vector => Field::new(name, list(DataType::Int16), true)
            .with_metadata(marked(INT2_VECTOR_KEY, "int2vector")),
        ColumnKind::TextList => Field::new(name, list(DataType::Utf8), true),
    }
}

fn array<'a>(kind: ColumnKind, cells: impl Iterator<Item = &'a Cell>) -> ArrayRef {
    match kind {
        ColumnKind::Bool => {
            let mut builder = BooleanBuilder::new();
            cells.for_each(|cell| builder.append_option(truth(cell)));
            Arc::new(builder.finish())
        }
        ColumnKind::Int2 => {
            let mut builder = Int16Builder::new();
            cells.for_each(|cell| {
                builder.append_option(number(cell).and_then(|it| i16::try_from(it).ok()));
            });
            Arc::new(builder.finish())
        }
        ColumnKind::Int4 | ColumnKind::Oid => {
            let mut builder = Int32Builder::new();
            cells.for_each(|cell| builder.append_option(number(cell)));
            Arc::new(builder.finish())
        }
        ColumnKind::Float4 => {
            let mut builder = Float32Builder::new();
            #[expect(clippy::cast_precision_loss, reason = "numbers of rows, for estimates")]
            cells.for_each(|cell| builder.append_option(number(cell).map(|it| it as f32)));
            Arc::new(builder.finish())
        }
        ColumnKind::Text | ColumnKind::Char => {
            let mut builder = StringBuilder::new();
            cells.for_each(|cell| builder.append_option(text(cell)));
            Arc::new(builder.finish())
        }
        ColumnKind::Int2List | ColumnKind::Int2Vector => int_lists(cells),
        ColumnKind::TextList => {
            let mut builder = ListBuilder::new(StringBuilder::new());
            cells.for_each(|_unused| builder.append_null());
            Arc::new(builder.finish())
        }
    }
}

fn int_lists<'a>(cells: impl Iterator<Item = &'a Cell>) -> ArrayRef {
    let mut builder = ListBuilder::new(Int16Builder::new());
    for cell in cells {
        if let Cell::Ints(numbers) = cell {
            builder.values().append_slice(numbers);
            builder.append(true);
        } else {
            builder.append_null();
        }
    }
    Arc::new(builder.finish())
}

fn truth(cell: &Cell) -> Option<bool> {
    if let Cell::Bool(value) = cell { Some(*value) } else { None }
}

fn number(cell: &Cell) -> Option<i32> {
    if let Cell::Int(number) = cell { Some(*number) } else { None }
}

fn text(cell: &Cell) -> Option<&str> {
    if let Cell::Text(text) = cell { Some(text) } else { None }
}
