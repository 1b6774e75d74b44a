//! The typed stage between bronze and silver: the text of each column becomes values, and rows that
//! cannot be read are told apart with their reason.
//!
//! Nothing is dropped here: rows come out in the number and order they went in, so that the caller
//! can lay them beside their place in the source.

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

pub use passes::{Ambiguous, Nearby, Passes};

mod passes;
mod verdicts;

use verdicts::Verdicts;

/// Reason code of a row without a value its contract requires.
pub const MISSING: &str = "missing";

/// The type of every time of the lake: microseconds in UTC.
pub fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// Reads the bronze rows of one contract as values. Built once, it serves any number of batches.
#[derive(Debug)]
pub struct Stage {
    columns: Vec<Reader>,
    calendar: Calendar,
    /// Zones of columns that do not follow the plant's own.
    zones: Vec<ZoneTable>,
    schema: SchemaRef,
}

/// One bronze batch, read.
#[derive(Debug, Clone)]
pub struct Typed {
    /// Every row of the batch, in its order, as [`schema`] says; unreadable values are null.
    pub rows: RecordBatch,
    /// Which rows have a [`Problem`] and must not reach silver; never null.
    pub rejected: BooleanArray,
    /// The first problem of each rejected row, in the order of the rows.
    pub problems: Vec<Problem>,
    /// Columns and how many of their texts were unreadable and became unknown, in rows that stay.
    pub repaired: Vec<(String, usize)>,
    /// Columns with times that the clock of their zone shows twice.
    pub ambiguous: Vec<Ambiguous>,
    /// Whether there are such times, and the order of the dump's records was not given.
    pub needs_passes: bool,
}

/// Why a row is rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Place of the row in its batch, from 0.
    pub row: usize,
    /// The column that cannot be read; empty if the whole record cannot.
    pub column: Arc<str>,
    /// The code of a [`ParseError`] or of a fault of the record, or [`MISSING`].
    pub reason: Cow<'static, str>,
    /// The text as it came, if there was any.
    pub raw: Option<String>,
}

/// When the broker received a message, in the typed table of a stream.
const RECEIVED_AT: &str = "received_at";

/// The columns of a typed table: those of the contract in its order, a time with local parts being
/// followed by `<name>_day_local`, `<name>_hour_local`, `<name>_shift` and `<name>_production_day`; of a
/// stream also `received_at`, the broker's time of the message.
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

/// Whether a typed column's name, behind the name of a time column, says it is a local part of it.
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

    /// Reads a bronze batch: the contract's columns, `_fault` and `_rest` by name, all text. Which of
    /// two moments a time means that a clock shows twice is what `passes` of its dump say; without
    /// them it is the first.
    ///
    /// # Errors
    /// Fails only if the batch is not one of this contract's table.
    pub fn apply(&self, bronze: &RecordBatch, passes: Option<&Passes>) -> Result<Typed> {
        let mut ambiguous = Vec::new();
        let mut verdicts = Verdicts::new(bronze.num_rows());
        verdicts.add_faults(&text_column(bronze, "_fault")?, &text_column(bronze, "_rest")?);
        let mut arrays = Vec::with_capacity(self.schema.fields().len());
        for reader in &self.columns {
            let column = &reader.column;
            let raw = text_column(bronze, &column.name)?;
            let (mut array, marks) =
                self.read(reader, &raw).with_context(|| format!("column {}", column.name))?;
            if !marks.shown_twice.is_empty() {
                let settled = passes::settle(reader, &array, &marks.shown_twice, bronze, passes)?;
                array = settled.0;
                ambiguous.push(settled.1);
            }
            verdicts.judge(reader, &raw, &array, marks.misreads);
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
            arrays.push(received.context("no column _timestamp")?.clone());
        }
        let rows = RecordBatch::try_new(Arc::clone(&self.schema), arrays)?;
        let is_stream = bronze.column_by_name("_timestamp").is_some();
        Ok(Typed {
            needs_passes: !ambiguous.is_empty() && passes.is_none() && !is_stream,
            ambiguous,
            ..verdicts.close(rows)
        })
    }

    /// The values of a column, and what is to be said of its rows.
    fn read(&self, reader: &Reader, raw: &StringArray) -> Result<(ArrayRef, Marks)> {
        let mut marks = Marks::default();
        let into = &mut marks.misreads;
        let array: ArrayRef = match &reader.column.kind {
            Kind::Text => reader.text(raw, into)?,
            Kind::Int { number } => {
                let read = |text: &str| parse_int(text, number);
                Arc::new(reader.values::<Int64Array, _>(raw, into, read))
            }
            Kind::Decimal { precision, scale, number } => {
                let read = |text: &str| parse_decimal(text, number, *precision, *scale);
                let values = reader.values::<Decimal128Array, _>(raw, into, read);
                Arc::new(values.with_precision_and_scale(*precision, *scale)?)
            }
            Kind::Float { number } => {
                let read = |text: &str| parse_float(text, number);
                Arc::new(reader.values::<Float64Array, _>(raw, into, read))
            }
            Kind::Bool { yes, no, any_case } => {
                let read = |text: &str| parse_bool(text, yes, no, *any_case);
                Arc::new(reader.values::<BooleanArray, _>(raw, into, read))
            }
            Kind::Date { formats } => {
                let read = |text: &str| parse_date(text, formats);
                Arc::new(reader.values::<Date32Array, _>(raw, into, read))
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
        // At the ends of time a day of the plant's clock can lie outside the years of the calendar.
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

/// A typed row of which nothing is known but its times, which are all `at_us`, in microseconds since
/// 1970 UTC, and what follows from them.
pub fn moment(contract: &Contract, calendar: &Calendar, at_us: i64) -> Result<RecordBatch> {
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

/// Rows whose text is no value, in their order.
type Misreads = Vec<(usize, ParseError)>;

/// What is to be said of the rows of a column.
#[derive(Debug, Default)]
struct Marks {
    misreads: Misreads,
    /// Rows with a time that the clock shows again, and how many microseconds later.
    shown_twice: Vec<(usize, i64)>,
}

/// Reads one column.
#[derive(Debug)]
struct Reader {
    name: Arc<str>,
    column: Column,
    nulls: Nulls,
}

impl Reader {
    /// The texts without the space around them and without spellings of "unknown". Texts that are
    /// clean already are shared, not copied.
    fn text(&self, raw: &StringArray, misreads: &mut Misreads) -> Result<ArrayRef> {
        if holds_nul(raw) {
            let read = |text: &str| parse_text(text).map(str::to_owned);
            return Ok(Arc::new(self.values::<StringArray, _>(raw, misreads, read)));
        }
        let is_clean = |text: &str| trim(text).len() == text.len() && !self.nulls.has(text);
        if raw.iter().flatten().all(is_clean) {
            return Ok(Arc::new(raw.clone()));
        }
        if raw.iter().flatten().any(|text| trim(text).len() != text.len()) {
            let known = raw.iter().map(|text| text.map(trim).filter(|text| !self.nulls.has(text)));
            return Ok(Arc::new(known.collect::<StringArray>()));
        }
        let is_unknown = |text: Option<&str>| text.is_some_and(|text| self.nulls.has(text));
        Ok(nullif(raw, &BooleanArray::from_iter(raw.iter().map(|it| Some(is_unknown(it)))))?)
    }

    /// The texts as moments; those that are none become null and are noted, as are those that come
    /// twice, which are the first of the two.
    fn times(
        &self,
        raw: &StringArray,
        marks: &mut Marks,
        formats: &[TimeFormat],
        zone: &ZoneTable,
    ) -> TimestampMicrosecondArray {
        let Marks { misreads, shown_twice } = marks;
        let mut value = |(row, text): (usize, Option<&str>)| {
            let text = text.map(trim).filter(|text| !self.nulls.has(text))?;
            let read = parse_timestamp(text, formats, zone);
            let timestamp = read.inspect_err(|misread| misreads.push((row, *misread))).ok()?;
            if timestamp.repeat_after_us != 0 {
                shown_twice.push((row, timestamp.repeat_after_us));
            }
            Some(timestamp.at_us)
        };
        let values: TimestampMicrosecondArray = raw.iter().enumerate().map(&mut value).collect();
        values.with_timezone("UTC")
    }

    /// The texts as values; those that are none become null and are noted.
    fn values<A: FromIterator<Option<V>>, V>(
        &self,
        raw: &StringArray,
        misreads: &mut Misreads,
        read: impl Fn(&str) -> Result<V, ParseError>,
    ) -> A {
        let mut value = |(row, text): (usize, Option<&str>)| {
            let text = text.map(trim).filter(|text| !self.nulls.has(text))?;
            read(text).inspect_err(|misread| misreads.push((row, *misread))).ok()
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

/// Spellings of "unknown".
#[derive(Debug)]
struct Nulls {
    spellings: Vec<String>,
    /// Bit n is set if a spelling has n bytes, the last bit if one has more: most texts are told
    /// from all spellings by their length.
    lengths: u64,
}

impl Nulls {
    fn new<'a>(spellings: impl Iterator<Item = &'a String>) -> Self {
        let spellings: Vec<String> = spellings.map(|text| trim(text).to_owned()).collect();
        let lengths = spellings.iter().fold(0, |bits, text| bits | length_bit(text));
        Self { spellings, lengths }
    }

    fn has(&self, text: &str) -> bool {
        self.lengths & length_bit(text) != 0 && self.spellings.iter().any(|null| null == text)
    }
}

fn length_bit(text: &str) -> u64 {
    1 << text.len().min(63)
}

/// A column of a batch as text, whichever way its text is laid out.
fn text_column(batch: &RecordBatch, name: &str) -> Result<StringArray> {
    let array = batch.column_by_name(name).with_context(|| format!("no column {name}"))?;
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
