//! The time ledger as a table. The rows of the statement are claims on the time of a unit; the stored rows
//! assign every second of every production day to exactly one claim or to the calendar.

use crate::bronze::utc;
use crate::columns::{long, text, timestamp};
use crate::delta::replace::conform;
use anyhow::Context as _;
use arrow::array::{
    Array as _, ArrayRef, AsArray as _, BooleanArray, Date32Array, Int32Array, Int64Array,
    RecordBatch, StringArray, TimestampMicrosecondArray, UInt64Array,
};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use plant::calendar::Calendar;
use plant::ledger::{Claim, Entry, close};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

const SECOND_US: i64 = 1_000_000;

/// Columns that the statement must have.
const CLAIMED: [(&str, DataType); 5] = [
    ("unit", DataType::Utf8),
    ("line", DataType::Utf8),
    ("category", DataType::Utf8),
    ("reason", DataType::Utf8),
    ("source", DataType::Utf8),
];

/// Columns for the time and the rank of a claim. Claims that differ only in these are of one kind.
const POSITION: [&str; 4] = ["from_at", "to_at", "precedence", "source"];

/// The columns of the stored table: those of the statement, and those that are computed.
///
/// # Errors
/// A sentence about the column that is missing or has another type.
pub fn stored_schema(query: &Schema) -> Result<SchemaRef, String> {
    let mut needed: Vec<(&str, DataType)> = CLAIMED.to_vec();
    needed.extend([("from_at", utc()), ("to_at", utc()), ("precedence", DataType::Int64)]);
    for (name, kind) in needed {
        match query.field_with_name(name) {
            Ok(field) if *field.data_type() == kind => {}
            Ok(field) => {
                let found = field.data_type();
                return Err(format!("column `{name}` of a ledger must be {kind}, it is {found}"));
            }
            Err(_) => return Err(format!("column `{name}`, which a ledger requires, is missing")),
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
    let own = query.fields().iter().cloned();
    let added = added.map(|(name, kind)| Arc::new(Field::new(name, kind, true)));
    Ok(Arc::new(Schema::new(own.chain(added).collect::<Vec<_>>())))
}

/// The ledgers of all units that have claims.
pub fn ledger_rows(
    calendar: &Calendar,
    claims: &[RecordBatch],
    query: &SchemaRef,
    stored: &SchemaRef,
) -> anyhow::Result<Vec<RecordBatch>> {
    let claims: Vec<RecordBatch> =
        claims.iter().map(|batch| conform(batch, query)).collect::<anyhow::Result<_>>()?;
    let claims = Claims::new(concat_batches(query, &claims)?)?;
    let mut batches = Vec::new();
    for (unit, rows) in claims.by_unit()? {
        batches.push(claims.unit_ledger(calendar, &unit, &rows, stored)?);
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
        let is_content = |field: &&Arc<Field>| !POSITION.contains(&field.name().as_str());
        let fields = schema.fields().iter().filter(is_content);
        let converter =
            RowConverter::new(fields.map(|it| SortField::new(it.data_type().clone())).collect())?;
        let content = schema.fields().iter().zip(batch.columns());
        let content = content.filter(|(field, _)| is_content(field));
        let content: Vec<ArrayRef> = content.map(|(_, column)| column.clone()).collect();
        let rows = converter.convert_columns(&content)?;
        let mut known: HashMap<Vec<u8>, u64> = HashMap::new();
        let mut kinds = Vec::with_capacity(batch.num_rows());
        for row in &rows {
            let next = known.len() as u64;
            kinds.push(*known.entry(row.as_ref().to_vec()).or_insert(next));
        }
        Ok(Self { batch, kinds })
    }

    /// The rows of each unit. Claims without a unit are ignored.
    fn by_unit(&self) -> anyhow::Result<BTreeMap<String, Vec<usize>>> {
        let mut units: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, unit) in text(&self.batch, "unit")?.iter().enumerate() {
            if let Some(unit) = unit {
                units.entry(unit.to_owned()).or_default().push(row);
            }
        }
        Ok(units)
    }

    fn unit_ledger(
        &self,
        calendar: &Calendar,
        unit: &str,
        rows: &[usize],
        stored: &SchemaRef,
    ) -> anyhow::Result<RecordBatch> {
        let (from, to) = (timestamp(&self.batch, "from_at")?, timestamp(&self.batch, "to_at")?);
        let precedence = long(&self.batch, "precedence")?;
        let lines = text(&self.batch, "line")?;
        let mut claims = Vec::with_capacity(rows.len());
        let mut claim_rows = Vec::with_capacity(rows.len());
        for row in rows.iter().copied().filter(|row| from.is_valid(*row) && to.is_valid(*row)) {
            claims.push(Claim {
                from_s: from.value(row).div_euclid(SECOND_US),
                to_s: to.value(row).div_euclid(SECOND_US),
                precedence: precedence.value(row),
                kind: self.kinds[row],
            });
            claim_rows.push(row);
        }
        let line = rows.iter().find(|row| lines.is_valid(**row)).map(|row| lines.value(*row));
        let entries = close(calendar, &claims);
        let unit = UnitCalendar { calendar, unit, line };
        let claimed: UInt64Array =
            entries.iter().map(|entry| entry.claim.map(|at| claim_rows[at] as u64)).collect();
        let mut columns = Vec::with_capacity(stored.fields().len());
        for field in stored.fields() {
            let values = match self.batch.column_by_name(field.name()) {
                Some(column) => Some(take(column, &claimed, None)?),
                None => None,
            };
            columns.push(unit.column(field.name(), &entries, values)?);
        }
        Ok(RecordBatch::try_new(stored.clone(), columns)?)
    }
}

/// A unit and the calendar, which categorizes unclaimed time.
struct UnitCalendar<'a> {
    calendar: &'a Calendar,
    unit: &'a str,
    line: Option<&'a str>,
}

impl<'a> UnitCalendar<'a> {
    /// A stored column: the values of the claims, or what follows from the entries.
    fn column(
        &self,
        name: &str,
        entries: &[Entry],
        values: Option<ArrayRef>,
    ) -> anyhow::Result<ArrayRef> {
        let all = entries.iter();
        Ok(match name {
            "unit" => texts(all.map(|_| Some(self.unit))),
            "line" => texts(all.map(|_| self.line)),
            "category" | "reason" | "source" => {
                self.categories(name, entries, &values.context("claims without categories")?)?
            }
            "from_at" => timestamps(all.map(|entry| entry.from_s)),
            "to_at" => timestamps(all.map(|entry| entry.to_s)),
            "duration_s" => longs(all.map(Entry::duration_s)),
            "overlap_s" => longs(all.map(|entry| entry.overlap_s)),
            "begins" => Arc::new(all.map(|it| Some(it.begins)).collect::<BooleanArray>()),
            "day_local" => dates(all.map(|entry| entry.parts.day)),
            "production_day" => dates(all.map(|entry| entry.parts.production_day)),
            "hour_local" => Arc::new(all.map(|it| Some(it.parts.hour)).collect::<Int32Array>()),
            "shift" => texts(all.map(|entry| self.shift(entry))),
            _ => values.with_context(|| format!("column {name} is missing"))?,
        })
    }

    fn shift(&self, entry: &Entry) -> Option<&'a str> {
        let shift = self.calendar.shifts().get(usize::from(entry.parts.shift?))?;
        Some(shift.name.as_str())
    }

    /// Category, reason or source of each entry: that of its claim, or that of the calendar.
    fn categories(
        &self,
        name: &str,
        entries: &[Entry],
        claimed: &ArrayRef,
    ) -> anyhow::Result<ArrayRef> {
        let claimed = claimed.as_string_opt::<i32>().context("categories must be texts")?;
        let values = entries.iter().enumerate().map(|(row, entry)| match entry.claim {
            Some(_) => claimed.is_valid(row).then(|| claimed.value(row)),
            None => self.unclaimed(entry, name),
        });
        Ok(texts(values))
    }

    /// Category, reason or source of unclaimed time.
    fn unclaimed(&self, entry: &Entry, column: &str) -> Option<&'a str> {
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

fn timestamps(seconds: impl Iterator<Item = i64>) -> ArrayRef {
    let us = seconds.map(|second| Some(second * SECOND_US));
    Arc::new(us.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn longs(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<Int64Array>())
}

fn dates(days: impl Iterator<Item = i32>) -> ArrayRef {
    Arc::new(days.map(Some).collect::<Date32Array>())
}

fn texts<'t>(values: impl Iterator<Item = Option<&'t str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}
