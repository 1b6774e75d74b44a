//! The typed stage between bronze and silver: the texts of each column are parsed into values, and rows that
//! cannot be read are rejected with a reason.
//!
//! No row is dropped: the result has the rows of the batch in the same order, so that the caller can add their
//! positions in the source.

use anyhow::{Context, Result, bail};
use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int32Array,
    Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::compute::{cast, nullif};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use chrono_tz::Tz;
use plant::calendar::{Calendar, LocalParts};
use plant::contract::{Column, Contract, Kind};
use plant::format::{
    ParseError, TimeFormat, is_storable_day, parse_bool, parse_date, parse_decimal, parse_float,
    parse_int, parse_text, parse_timestamp, trim,
};
use plant::zone::ZoneTable;
use std::borrow::Cow;
use std::sync::Arc;

pub use passes::{AmbiguousTimes, Passes, RepeatedHourTimes};

mod passes;
mod verdicts;

use verdicts::Verdicts;

/// Reason code of a row without a value its contract requires.
pub const MISSING: &str = "missing";

/// The type of every time of the lake: microseconds in UTC.
pub fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Parses the bronze rows of one contract. Built once, it serves any number of batches.
#[derive(Debug)]
pub struct Stage {
    columns: Vec<Reader>,
    calendar: Calendar,
    /// Time zones of columns other than the plant's.
    zones: Vec<ZoneTable>,
    schema: SchemaRef,
}

/// One typed bronze batch.
#[derive(Debug, Clone)]
pub struct Typed {
    /// Every row of the batch, in order, with the columns of [`schema`]; unreadable values are null.
    pub rows: RecordBatch,
    /// Which rows have a [`Rejection`] and must not reach silver; never null.
    pub rejected: BooleanArray,
    /// The first reason of each rejected row, in the order of the rows.
    pub rejections: Vec<Rejection>,
    /// Columns, and how many of their unreadable texts became null in accepted rows.
    pub repaired: Vec<(String, usize)>,
    /// Columns with times that occur twice on the clock of their zone.
    pub ambiguous: Vec<AmbiguousTimes>,
    /// Whether there are such times and no [`Passes`] were given to resolve them.
    pub needs_passes: bool,
}

/// Why a row is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Position of the row in its batch, from 0.
    pub row: usize,
    /// The column that cannot be read; empty if the reason concerns the whole record.
    pub column: Arc<str>,
    /// The code of a [`ParseError`] or of a fault of the record, [`MISSING`], or
    /// [`EXPECTATION`](crate::clean::EXPECTATION).
    pub reason: Cow<'static, str>,
    /// The text of the column as received, if there is any.
    pub raw: Option<String>,
    /// Name of the expectation that is not met.
    pub rule: Option<String>,
}

impl Rejection {
    /// A rejection without a text and without an expectation.
    pub fn new(row: usize, column: &str, reason: &'static str) -> Self {
        Self { row, column: column.into(), reason: reason.into(), raw: None, rule: None }
    }
}

/// Column with the broker's time of a message, in the typed table of a stream.
const RECEIVED_AT: &str = "received_at";

/// The columns of a typed table: those of the contract in order, each time with local parts followed by
/// `<name>_day_local`, `<name>_hour_local`, `<name>_shift` and `<name>_production_day`; for a stream also
/// `received_at`, the broker's time of the message.
pub fn schema(contract: &Contract) -> SchemaRef {
    let mut fields = Vec::new();
    for column in &contract.columns {
        fields.push(Field::new(&column.name, data_type(&column.kind), true));
        if let Kind::Time { local_parts: true, .. } = column.kind {
            let field =
                |part: &str, kind| Field::new(format!("{}_{part}", column.name), kind, true);
            fields.push(field("day_local", DataType::Date32));
            fields.push(field("hour_local", DataType::Int32));
            fields.push(field("shift", DataType::Utf8));
            fields.push(field("production_day", DataType::Date32));
        }
    }
    if contract.is_stream() {
        fields.push(Field::new(RECEIVED_AT, utc(), true));
    }
    Arc::new(Schema::new(fields))
}

/// Whether this ending, after the name of a time column, makes the name of one of its local parts.
pub fn is_local_part(ending: &str) -> bool {
    matches!(ending, "_day_local" | "_hour_local" | "_shift" | "_production_day")
}

fn data_type(kind: &Kind) -> DataType {
    match kind {
        Kind::Text => DataType::Utf8,
        Kind::Int { .. } => DataType::Int64,
        Kind::Decimal { precision, scale, .. } => DataType::Decimal128(*precision, *scale),
        Kind::Float { .. } => DataType::Float64,
        Kind::Bool { .. } => DataType::Boolean,
        Kind::Date { .. } => DataType::Date32,
        Kind::Time { .. } => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    }
}

impl Stage {
    /// The stage of a contract in a plant's calendar.
    pub fn new(contract: &Contract, calendar: &Calendar) -> Self {
        let mut zones: Vec<ZoneTable> = Vec::new();
        for column in &contract.columns {
            let Kind::Time { zone, .. } = column.kind else { continue };
            let known = zones.iter().chain([calendar.zone()]).any(|table| table.zone() == zone);
            if !known {
                zones.push(ZoneTable::new(zone));
            }
        }
        let reader = |column: &Column| Reader {
            name: column.name.as_str().into(),
            column: column.clone(),
            nulls: Nulls::new(contract.nulls.iter().chain(&column.nulls)),
        };
        Self {
            columns: contract.columns.iter().map(reader).collect(),
            calendar: calendar.clone(),
            zones,
            schema: schema(contract),
        }
    }

    /// Types a bronze batch, which has the columns of the contract, `_fault` and `_rest`, all text. A time that
    /// occurs twice on the clock is resolved by the `passes` of its dump; without them it is the first.
    ///
    /// # Errors
    /// Fails only if the batch lacks a column of the contract.
    pub fn apply(&self, bronze: &RecordBatch, passes: Option<&Passes>) -> Result<Typed> {
        let mut ambiguous = Vec::new();
        let mut verdicts = Verdicts::new(bronze.num_rows());
        verdicts.add_faults(&text_column(bronze, "_fault")?, &text_column(bronze, "_rest")?);
        let mut arrays = Vec::with_capacity(self.schema.fields().len());
        for reader in &self.columns {
            let column = &reader.column;
            let raw = text_column(bronze, &column.name)?;
            let (mut array, marks) =
                self.parse(reader, &raw).with_context(|| format!("column {}", column.name))?;
            if !marks.ambiguous.is_empty() {
                let resolved = passes::resolve(reader, &array, &marks.ambiguous, bronze, passes)?;
                array = resolved.0;
                ambiguous.push(resolved.1);
            }
            verdicts.judge(reader, &raw, &array, marks.errors);
            if let Kind::Time { local_parts: true, .. } = column.kind {
                let parts = self.local_parts(array.as_primitive());
                arrays.push(array);
                arrays.extend(parts);
            } else {
                arrays.push(array);
            }
        }
        if self.schema.fields().len() > arrays.len() {
            let received = bronze.column_by_name("_timestamp");
            arrays.push(received.context("column _timestamp is missing")?.clone());
        }
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        let is_stream = bronze.column_by_name("_timestamp").is_some();
        Ok(Typed {
            needs_passes: !ambiguous.is_empty() && passes.is_none() && !is_stream,
            ambiguous,
            ..verdicts.finish(rows)
        })
    }

    /// The values of a column, with its unreadable texts and ambiguous times.
    fn parse(&self, reader: &Reader, raw: &StringArray) -> Result<(ArrayRef, Marks)> {
        let mut marks = Marks::default();
        let errors = &mut marks.errors;
        let array: ArrayRef = match &reader.column.kind {
            Kind::Text => reader.text(raw, errors)?,
            Kind::Int { number } => {
                Arc::new(reader.values::<Int64Array, _>(raw, errors, |it| parse_int(it, number)))
            }
            Kind::Decimal { precision, scale, number } => {
                let values = reader.values::<Decimal128Array, _>(raw, errors, |text| {
                    parse_decimal(text, number, *precision, *scale)
                });
                Arc::new(values.with_precision_and_scale(*precision, *scale)?)
            }
            Kind::Float { number } => {
                Arc::new(
                    reader.values::<Float64Array, _>(raw, errors, |it| parse_float(it, number)),
                )
            }
            Kind::Bool { yes, no, any_case } => {
                Arc::new(reader.values::<BooleanArray, _>(raw, errors, |text| {
                    parse_bool(text, yes, no, *any_case)
                }))
            }
            Kind::Date { formats } => {
                Arc::new(reader.values::<Date32Array, _>(raw, errors, |it| parse_date(it, formats)))
            }
            Kind::Time { formats, zone, .. } => {
                Arc::new(reader.times(raw, &mut marks, formats, self.zone(*zone)))
            }
        };
        Ok((array, marks))
    }

    /// Whether a column holds times.
    pub fn is_time(&self, name: &str) -> bool {
        let column = self.columns.iter().find(|reader| reader.column.name == name);
        column.is_some_and(|reader| matches!(reader.column.kind, Kind::Time { .. }))
    }

    fn zone(&self, zone: Tz) -> &ZoneTable {
        let other = self.zones.iter().find(|table| table.zone() == zone);
        other.unwrap_or(self.calendar.zone())
    }

    /// Day, hour, shift and production day of each time, as the plant's clock shows it.
    fn local_parts(&self, times: &TimestampMicrosecondArray) -> [ArrayRef; 4] {
        let part = |at: i64| self.calendar.local_parts(at);
        let parts: Vec<Option<LocalParts>> = times.iter().map(|at| at.map(part)).collect();
        // Near the first and last year of the calendar a local day can be outside of it.
        let day = |day: i32| is_storable_day(day).then_some(day);
        let days = parts.iter().map(|parts| day((*parts)?.day));
        let hours = parts.iter().map(|parts| parts.map(|parts| parts.hour));
        let shifts = parts.iter().map(|parts| {
            let shift = self.calendar.shifts().get(usize::from((*parts)?.shift?))?;
            Some(shift.name.as_str())
        });
        let production_days = parts.iter().map(|parts| day((*parts)?.production_day));
        [
            Arc::new(days.collect::<Date32Array>()),
            Arc::new(hours.collect::<Int32Array>()),
            Arc::new(shifts.collect::<StringArray>()),
            Arc::new(production_days.collect::<Date32Array>()),
        ]
    }
}

/// A typed row whose times are all `at_us`, in microseconds since 1970 UTC, with their local parts; all other
/// columns are null.
///
/// # Errors
/// Fails if Arrow refuses the columns.
pub fn row_at(contract: &Contract, calendar: &Calendar, at_us: i64) -> Result<RecordBatch> {
    let schema = schema(contract);
    let times = TimestampMicrosecondArray::from(vec![at_us]).with_timezone("UTC");
    let parts = Stage::new(contract, calendar).local_parts(&times);
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    for column in &contract.columns {
        match column.kind {
            Kind::Time { local_parts, .. } => {
                arrays.push(Arc::new(times.clone()));
                arrays.extend(parts.iter().filter(|_| local_parts).cloned());
            }
            _ => arrays.push(new_null_array(&data_type(&column.kind), 1)),
        }
    }
    if contract.is_stream() {
        arrays.push(Arc::new(times));
    }
    Ok(RecordBatch::try_new(schema, arrays)?)
}

/// Rows whose text is not a value, in order, with the reason.
type ParseErrors = Vec<(usize, ParseError)>;

/// Rows of a column that need attention.
#[derive(Debug, Default)]
struct Marks {
    errors: ParseErrors,
    /// Rows with a time that occurs again on the clock, and how many microseconds later.
    ambiguous: Vec<(usize, i64)>,
}

/// Parses one column.
#[derive(Debug)]
struct Reader {
    name: Arc<str>,
    column: Column,
    nulls: Nulls,
}

impl Reader {
    /// The texts without surrounding whitespace and null markers. Texts that are clean already are shared, not
    /// copied.
    fn text(&self, raw: &StringArray, errors: &mut ParseErrors) -> Result<ArrayRef> {
        if holds_nul(raw) {
            let values = self
                .values::<StringArray, _>(raw, errors, |text| parse_text(text).map(str::to_owned));
            return Ok(Arc::new(values));
        }
        let is_clean = |text: &str| trim(text).len() == text.len() && !self.nulls.contains(text);
        if raw.iter().flatten().all(is_clean) {
            return Ok(Arc::new(raw.clone()));
        }
        if raw.iter().flatten().any(|text| trim(text).len() != text.len()) {
            let known =
                raw.iter().map(|text| text.map(trim).filter(|text| !self.nulls.contains(text)));
            return Ok(Arc::new(known.collect::<StringArray>()));
        }
        let is_unknown = |text: Option<&str>| text.is_some_and(|text| self.nulls.contains(text));
        Ok(nullif(raw, &BooleanArray::from_iter(raw.iter().map(|it| Some(is_unknown(it)))))?)
    }

    /// The texts as instants. Unreadable ones become null and are recorded. Ambiguous ones are recorded too, and
    /// become the first of their two instants.
    fn times(
        &self,
        raw: &StringArray,
        marks: &mut Marks,
        formats: &[TimeFormat],
        zone: &ZoneTable,
    ) -> TimestampMicrosecondArray {
        let Marks { errors, ambiguous } = marks;
        let mut value = |(row, text): (usize, Option<&str>)| {
            let text = text.map(trim).filter(|text| !self.nulls.contains(text))?;
            let parsed = parse_timestamp(text, formats, zone);
            let timestamp = parsed.inspect_err(|error| errors.push((row, *error))).ok()?;
            if timestamp.repeat_after_us != 0 {
                ambiguous.push((row, timestamp.repeat_after_us));
            }
            Some(timestamp.at_us)
        };
        let values: TimestampMicrosecondArray = raw.iter().enumerate().map(&mut value).collect();
        values.with_timezone("UTC")
    }

    /// The texts as values. Unreadable ones become null and are recorded.
    fn values<A: FromIterator<Option<V>>, V>(
        &self,
        raw: &StringArray,
        errors: &mut ParseErrors,
        read: impl Fn(&str) -> Result<V, ParseError>,
    ) -> A {
        let mut value = |(row, text): (usize, Option<&str>)| {
            let text = text.map(trim).filter(|text| !self.nulls.contains(text))?;
            read(text).inspect_err(|error| errors.push((row, *error))).ok()
        };
        raw.iter().enumerate().map(&mut value).collect()
    }
}

/// Whether any of the texts holds a NUL character.
fn holds_nul(raw: &StringArray) -> bool {
    let offsets = raw.value_offsets();
    let (from, to) = (offsets[0] as usize, offsets[raw.len()] as usize);
    raw.value_data()[from..to].contains(&0)
}

/// Texts that mean null.
#[derive(Debug)]
struct Nulls {
    texts: Vec<String>,
    /// Bit n is set if a text has n bytes, the last bit if one has more: the length alone excludes most values.
    lengths: u64,
}

impl Nulls {
    fn new<'a>(texts: impl Iterator<Item = &'a String>) -> Self {
        let texts: Vec<String> = texts.map(|text| trim(text).to_owned()).collect();
        let lengths = texts.iter().fold(0, |bits, text| bits | length_bit(text));
        Self { texts, lengths }
    }

    fn contains(&self, text: &str) -> bool {
        self.lengths & length_bit(text) != 0 && self.texts.iter().any(|null| null == text)
    }
}

fn length_bit(text: &str) -> u64 {
    1 << text.len().min(63)
}

/// A column of a batch as text, in any of Arrow's string types.
fn text_column(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    let array = batch.column_by_name(name).with_context(|| format!("column {name} is missing"))?;
    match array.data_type() {
        DataType::Utf8 => Ok(array.as_string().clone()),
        DataType::LargeUtf8 | DataType::Utf8View => {
            Ok(cast(array, &DataType::Utf8)?.as_string().clone())
        }
        other => bail!("column {name} is {other}, not text"),
    }
}

#[cfg(test)]
mod tests;
