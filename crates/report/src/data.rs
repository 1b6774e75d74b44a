//! The data of one report: what templates, sheets and charts show.

use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch};
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use chrono::{DateTime, SecondsFormat};
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use plant::time::date_from_days;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The version of each table that a report reads, by its name in SQL.
pub type Versions = BTreeMap<String, TableVersion>;

/// A version of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableVersion {
    pub version: u64,
    /// When it was committed, in microseconds since 1970 UTC.
    pub committed_at_us: i64,
}

/// The data of one report: nothing else is needed to render it.
#[derive(Debug, Clone)]
pub struct Data {
    /// Name of the report.
    pub report: String,
    pub title: String,
    pub description: String,
    /// Language of titles: `en`, `ml`, `hi`.
    pub language: String,
    /// Name of the plant.
    pub plant: String,
    pub zone: Tz,
    /// ISO 4217 code; empty if the plant has none.
    pub currency: String,
    /// When the report was issued, in microseconds since 1970 UTC; `None` if it was not.
    pub issued_at_us: Option<i64>,
    /// When the newest version that was read was committed.
    pub as_of_us: Option<i64>,
    /// Receipt of the report: the same for the same definition, parameters and table versions.
    pub id: String,
    /// Address of the report's page with these parameters.
    pub url: Option<String>,
    /// In the order of the definition.
    pub parameters: Vec<ParameterValue>,
    /// In the order of the definition.
    pub tables: Vec<ReportTable>,
    pub versions: Versions,
    /// Whether the rows are made up to check a template.
    pub is_sample: bool,
}

/// A parameter with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct ParameterValue {
    pub name: String,
    pub title: String,
    pub value: Value,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Days since 1970-01-01.
    Day(i32),
    Text(String),
    Whole(i64),
    Decimal(f64),
}

impl Value {
    /// As a value of a statement.
    pub fn scalar(&self) -> ScalarValue {
        match self {
            Self::Day(day) => ScalarValue::Date32(Some(*day)),
            Self::Text(text) => ScalarValue::Utf8(Some(text.clone())),
            Self::Whole(number) => ScalarValue::Int64(Some(*number)),
            Self::Decimal(number) => ScalarValue::Float64(Some(*number)),
        }
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Day(day) => f.write_str(&day_text(*day)),
            Self::Text(text) => f.write_str(text),
            Self::Whole(number) => number.fmt(f),
            Self::Decimal(number) => number.fmt(f),
        }
    }
}

/// The rows of one query.
#[derive(Debug, Clone)]
pub struct ReportTable {
    /// Name of the query.
    pub name: String,
    pub title: String,
    pub columns: Vec<ReportColumn>,
    /// Columns in the types of [`ColumnType`].
    pub batches: Vec<RecordBatch>,
    /// Whether further rows are left out.
    pub is_truncated: bool,
    /// Receipt of its figures.
    pub receipt: String,
}

impl ReportTable {
    /// Number of rows.
    pub fn row_count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The column `name` with its position.
    pub fn column(&self, name: &str) -> Option<(usize, &ReportColumn)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name == name)
    }

    /// Every value of a column.
    pub fn cells(&self, column: usize) -> impl Iterator<Item = Cell<'_>> {
        self.batches.iter().flat_map(move |batch| {
            let values = batch.column(column);
            (0..batch.num_rows()).map(move |row| Cell::new(values, row))
        })
    }
}

/// A column of a report's table.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportColumn {
    pub name: String,
    pub title: String,
    /// `%` for a share from 0 to 1.
    pub unit: Option<String>,
    /// Digits after the point.
    pub digits: u8,
    pub kind: ColumnType,
    /// Whether tables leave it out.
    pub is_hidden: bool,
}

/// The types of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Integer,
    Decimal,
    Day,
    /// Microseconds since 1970 UTC.
    Time,
    Boolean,
}

impl ColumnType {
    /// The type for a type of Arrow.
    pub fn from_arrow(kind: &DataType) -> Self {
        match kind {
            DataType::Boolean => Self::Boolean,
            DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Self::Integer,
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
                Self::Integer
            }
            DataType::Decimal128(_, 0) | DataType::Decimal256(_, 0) => Self::Integer,
            kind if kind.is_numeric() => Self::Decimal,
            DataType::Date32 | DataType::Date64 => Self::Day,
            DataType::Timestamp(_, _) => Self::Time,
            DataType::Dictionary(_, value) => Self::from_arrow(value),
            _ => Self::Text,
        }
    }

    /// The type of Arrow that its values have.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text => DataType::Utf8,
            Self::Integer => DataType::Int64,
            Self::Decimal => DataType::Float64,
            Self::Day => DataType::Date32,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
            Self::Boolean => DataType::Boolean,
        }
    }

    /// Its name in the data of templates.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Day => "day",
            Self::Time => "time",
            Self::Boolean => "boolean",
        }
    }

    /// Whether values are numbers.
    pub const fn is_number(self) -> bool {
        matches!(self, Self::Integer | Self::Decimal)
    }
}

/// One value of a table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    Null,
    Text(&'a str),
    Integer(i64),
    Decimal(f64),
    /// Days since 1970-01-01.
    Day(i32),
    /// Microseconds since 1970 UTC.
    Time(i64),
    Boolean(bool),
}

impl<'a> Cell<'a> {
    /// The value in a row of a column in one of the types of [`ColumnType`]; null in another one.
    pub fn new(column: &'a ArrayRef, row: usize) -> Self {
        if column.is_null(row) {
            return Self::Null;
        }
        match column.data_type() {
            DataType::Utf8 => Self::Text(column.as_string::<i32>().value(row)),
            DataType::Int64 => Self::Integer(column.as_primitive::<Int64Type>().value(row)),
            DataType::Float64 => {
                let number = column.as_primitive::<Float64Type>().value(row);
                // Neither JSON nor a workbook has NaN or infinity.
                if number.is_finite() { Self::Decimal(number) } else { Self::Null }
            }
            DataType::Date32 => Self::Day(column.as_primitive::<Date32Type>().value(row)),
            DataType::Timestamp(TimeUnit::Microsecond, _) => {
                Self::Time(column.as_primitive::<TimestampMicrosecondType>().value(row))
            }
            DataType::Boolean => Self::Boolean(column.as_boolean().value(row)),
            _ => Self::Null,
        }
    }

    /// A number, `None` for other values.
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(number as f64),
            Self::Decimal(number) => Some(number),
            _ => None,
        }
    }

    /// As JSON; times in plant time.
    pub fn json(self, zone: Tz) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Text(text) => text.into(),
            Self::Integer(number) => number.into(),
            Self::Decimal(number) => number.into(),
            Self::Day(day) => day_text(day).into(),
            Self::Time(at_us) => time_text(at_us, zone).into(),
            Self::Boolean(flag) => flag.into(),
        }
    }
}

impl Data {
    /// The time that the file has, in microseconds since 1970 UTC: when the report was issued, otherwise when its data
    /// was committed. It is not the time of rendering, so the same data gives the same bytes.
    pub fn dated_at_us(&self) -> Option<i64> {
        self.issued_at_us.or(self.as_of_us)
    }

    /// Rows of all tables.
    pub fn row_count(&self) -> usize {
        self.tables.iter().map(ReportTable::row_count).sum()
    }

    /// The table of a query.
    pub fn table(&self, query: &str) -> Option<&ReportTable> {
        self.tables.iter().find(|table| table.name == query)
    }

    /// The values of the parameters by name.
    pub fn values(&self) -> BTreeMap<String, Value> {
        self.parameters.iter().map(|it| (it.name.clone(), it.value.clone())).collect()
    }
}

/// A day as `2026-01-31`.
pub fn day_text(day: i32) -> String {
    date_from_days(day).map(|date| date.to_string()).unwrap_or_default()
}

/// A time in plant time, such as `2026-01-31T14:05:00+05:30`.
pub fn time_text(at_us: i64, zone: Tz) -> String {
    let at = DateTime::from_timestamp_micros(at_us).unwrap_or_default().with_timezone(&zone);
    let has_fraction = at_us.rem_euclid(1_000_000) != 0;
    at.to_rfc3339_opts(
        if has_fraction { SecondsFormat::Micros } else { SecondsFormat::Secs },
        false,
    )
}
