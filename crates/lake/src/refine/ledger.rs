//! The time ledger as a table: the rows of a statement are claims on a unit's time; what is stored
//! gives every second of every production day to exactly one of them or to the calendar.

use crate::bronze::utc;
use crate::replace::conform;
use anyhow::Context as _;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Date32Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use plant::calendar::Calendar;
use plant::ledger::{Claim, Entry, close};
use plant::time::{SECOND_US, second_of_us};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Columns the statement has to give.
const CLAIMED: [(&str, DataType); 5] = [
    ("unit", DataType::Utf8),
    ("line", DataType::Utf8),
    ("category", DataType::Utf8),
    ("reason", DataType::Utf8),
    ("source", DataType::Utf8),
];

/// Columns that say when and how strongly, which are not part of what is said.
const PLACE: [&str; 4] = ["from_at", "to_at", "precedence", "source"];

/// The columns of the stored table: those of the statement, and what closing adds.
///
/// # Errors
/// Says in words which column the statement lacks.
pub fn stored(asked: &Schema) -> Result<SchemaRef, String> {
    let mut needed: Vec<(&str, DataType)> = CLAIMED.to_vec();
    needed.extend([("from_at", utc()), ("to_at", utc()), ("precedence", DataType::Int64)]);
    for (name, kind) in needed {
        match asked.field_with_name(name) {
            Ok(field) if *field.data_type() == kind => {}
            Ok(field) => {
                return Err(format!("`{name}` is {}, a ledger needs {kind}", field.data_type()));
            }
            Err(_) => return Err(format!("a ledger needs a column `{name}`")),
        }
    }
    let added = [
        ("duration_s", DataType::Int64),
        ("overlap_s", DataType::Int64),
        ("begins", DataType::Boolean),
        ("day_local", DataType::Date32),
        ("hour_local", DataType::Int32),
        ("shift", DataType::Utf8),
        ("production_day", DataType::Date32),
    ];
    let own = asked.fields().iter().cloned();
    let added = added.map(|(name, kind)| Arc::new(Field::new(name, kind, true)));
    Ok(Arc::new(Schema::new(own.chain(added).collect::<Vec<_>>())))
}

/// Closes the ledgers of all units among the claims.
pub fn closed(
    calendar: &Calendar,
    claims: &[RecordBatch],
    asked: &SchemaRef,
    stored: &SchemaRef,
) -> anyhow::Result<Vec<RecordBatch>> {
    let claims: Vec<RecordBatch> =
        claims.iter().map(|batch| conform(batch, asked)).collect::<anyhow::Result<_>>()?;
    let claims = Claims::new(concat_batches(asked, &claims)?)?;
    let mut batches = Vec::new();
    for (unit, rows) in claims.by_unit()? {
        batches.push(claims.close(calendar, &unit, &rows, stored)?);
    }
    Ok(batches)
}

struct Claims {
    batch: RecordBatch,
    kinds: Vec<u64>,
}

impl Claims {
    fn new(batch: RecordBatch) -> anyhow::Result<Self> {
        let schema = batch.schema();
        let is_said = |field: &&Arc<Field>| !PLACE.contains(&field.name().as_str());
        let fields = schema.fields().iter().filter(is_said);
        let converter =
            RowConverter::new(fields.map(|it| SortField::new(it.data_type().clone())).collect())?;
        let said = schema.fields().iter().zip(batch.columns());
        let said = said.filter(|(field, _)| is_said(field)).map(|(_, column)| column.clone());
        let rows = converter.convert_columns(&said.collect::<Vec<_>>())?;
        let mut known: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut kinds = Vec::with_capacity(batch.num_rows());
        for row in &rows {
            let next = known.len() as u64;
            kinds.push(*known.entry(row.as_ref().to_vec()).or_insert(next));
        }
        Ok(Self { batch, kinds })
    }

    fn column(&self, name: &str) -> anyhow::Result<&ArrayRef> {
        self.batch.column_by_name(name).with_context(|| format!("no column {name}"))
    }

    fn text(&self, name: &str) -> anyhow::Result<&StringArray> {
        self.column(name)?.as_string_opt().with_context(|| format!("{name} is no text"))
    }

    /// The rows of each unit. A claim on no unit claims nothing.
    fn by_unit(&self) -> anyhow::Result<BTreeMap<String, Vec<usize>>> {
        let mut units: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, unit) in self.text("unit")?.iter().enumerate() {
            if let Some(unit) = unit {
                units.entry(unit.to_owned()).or_default().push(row);
            }
        }
        Ok(units)
    }

    fn close(
        &self,
        calendar: &Calendar,
        unit: &str,
        rows: &[usize],
        stored: &SchemaRef,
    ) -> anyhow::Result<RecordBatch> {
        let from = self.column("from_at")?.as_primitive::<TimestampMicrosecondType>();
        let to = self.column("to_at")?.as_primitive::<TimestampMicrosecondType>();
        let precedence = self.column("precedence")?.as_primitive::<arrow::datatypes::Int64Type>();
        let lines = self.text("line")?;
        let mut claims = Vec::with_capacity(rows.len());
        let mut places = Vec::with_capacity(rows.len());
        for row in rows.iter().copied().filter(|row| from.is_valid(*row) && to.is_valid(*row)) {
            claims.push(Claim {
                from_s: second_of_us(from.value(row)),
                to_s: second_of_us(to.value(row)),
                precedence: precedence.value(row),
                kind: self.kinds[row],
            });
            places.push(row);
        }
        let line = rows.iter().find(|row| lines.is_valid(**row)).map(|row| lines.value(*row));
        let entries = close(calendar, &claims);
        let nobodys = Nobodys { calendar, unit, line };
        let of: UInt64Array =
            entries.iter().map(|entry| entry.claim.map(|at| places[at] as u64)).collect();
        let mut columns = Vec::with_capacity(stored.fields().len());
        for field in stored.fields() {
            let said = match self.batch.column_by_name(field.name()) {
                Some(column) => Some(take(column, &of, None)?),
                None => None,
            };
            columns.push(nobodys.column(field.name(), &entries, said)?);
        }
        Ok(RecordBatch::try_new(stored.clone(), columns)?)
    }
}

/// Time nobody claims, which is what the calendar says.
struct Nobodys<'a> {
    calendar: &'a Calendar,
    unit: &'a str,
    line: Option<&'a str>,
}

impl<'a> Nobodys<'a> {
    /// A stored column: what the claims say in it, or what follows from the entry.
    fn column(
        &self,
        name: &str,
        entries: &[Entry],
        said: Option<ArrayRef>,
    ) -> anyhow::Result<ArrayRef> {
        let moments = |take: fn(&Entry) -> i64| -> ArrayRef {
            let all = entries.iter().map(|entry| Some(take(entry) * SECOND_US));
            Arc::new(all.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        };
        let wholes = |take: fn(&Entry) -> i64| -> ArrayRef {
            Arc::new(entries.iter().map(|entry| Some(take(entry))).collect::<Int64Array>())
        };
        let days = |take: fn(&Entry) -> i32| -> ArrayRef {
            Arc::new(entries.iter().map(|entry| Some(take(entry))).collect::<Date32Array>())
        };
        let texts = |take: &dyn Fn(&Entry) -> Option<&'a str>| -> ArrayRef {
            Arc::new(entries.iter().map(take).collect::<StringArray>())
        };
        Ok(match name {
            "unit" => texts(&|_| Some(self.unit)),
            "line" => texts(&|_| self.line),
            "category" | "reason" | "source" => {
                let said = said.context("no such column")?;
                let said = said.as_string_opt::<i32>().context("no text")?;
                let value = |(row, entry): (usize, &Entry)| match entry.claim {
                    Some(_) => said.is_valid(row).then(|| said.value(row).to_owned()),
                    None => self.verdict(entry, name).map(str::to_owned),
                };
                Arc::new(entries.iter().enumerate().map(value).collect::<StringArray>())
            }
            "from_at" => moments(|entry| entry.from_s),
            "to_at" => moments(|entry| entry.to_s),
            "duration_s" => wholes(Entry::duration_s),
            "overlap_s" => wholes(|entry| entry.overlap_s),
            "begins" => {
                Arc::new(entries.iter().map(|it| Some(it.begins)).collect::<BooleanArray>())
            }
            "day_local" => days(|entry| entry.parts.day),
            "production_day" => days(|entry| entry.parts.production_day),
            "hour_local" => {
                Arc::new(entries.iter().map(|it| Some(it.parts.hour)).collect::<Int32Array>())
            }
            "shift" => {
                let shifts = self.calendar.shifts();
                texts(&|entry| Some(shifts.get(usize::from(entry.parts.shift?))?.name.as_str()))
            }
            _ => said.with_context(|| format!("no column {name}"))?,
        })
    }

    /// Category, reason or source of time nobody claims.
    fn verdict(&self, entry: &Entry, column: &str) -> Option<&'a str> {
        let parts = &entry.parts;
        let (category, reason) = match self.calendar.rest(parts.production_day, self.line) {
            Some(rest) => ("no_production_planned", Some(rest.name.as_str())),
            None if parts.shift.is_none() => ("no_production_planned", Some("off_shift")),
            None if parts.is_break => ("planned_stop", Some("break")),
            None => ("unknown", None),
        };
        match column {
            "category" => Some(category),
            "reason" => reason,
            _ => Some("calendar"),
        }
    }
}
