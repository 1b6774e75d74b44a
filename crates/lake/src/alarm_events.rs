//! `silver.alarm_event`: the journal of alarms as a table.
//!
//! In: entries of the journal, in its order. Out: a row for each entry. Promise: the number of the last
//! entry is a checkpoint in the commit that adds its row, so an append that is repeated after a crash adds
//! nothing twice, and an entry that is missing is an error.

use crate::bronze::utc;
use crate::context::LakeContext;
use crate::delta::table::{Change, Definition, State, Table};
use crate::error::Error;
use crate::lake::Lake;
use anyhow::Context as _;
use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use config::model::TableName;
use plant::alarm::AlarmEvent;
use plant::calendar::{Calendar, LocalParts};
use plant::time::HOUR_US;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Checkpoint: the number of the last entry in the table.
const JOURNAL: &str = "alarm_journal";

/// What the table is, for the catalogue.
pub const DESCRIPTION: &str = "Entries of the journal of alarms, one row per transition.";

/// The columns: name, type, unit, description.
type Column = (&'static str, fn() -> DataType, Option<&'static str>, &'static str);

const COLUMNS: [Column; 20] = [
    ("number", || DataType::Int64, Some("1"), "Position in the journal, from 1, without gaps."),
    ("at", utc, None, "When the transition happened, UTC."),
    ("hour_at", utc, None, "Start of its hour, UTC."),
    ("at_day_local", || DataType::Date32, None, "Its day on the plant's clock."),
    ("at_hour_local", || DataType::Int32, Some("h"), "Its hour on the plant's clock."),
    ("at_shift", || DataType::Utf8, None, "Its shift; null outside the shifts."),
    ("at_production_day", || DataType::Date32, None, "Its production day."),
    ("rule", || DataType::Utf8, None, "The rule of the alarm."),
    (
        "object",
        || DataType::Utf8,
        None,
        "The object of the alarm: a sensor, a group, a unit, a table.",
    ),
    (
        "occurrence",
        || DataType::Int64,
        Some("1"),
        "Number of the entry that raised the alarm; 0 without one.",
    ),
    ("transition", || DataType::Utf8, None, "What happened: raised, acknowledged and so on."),
    ("from_state", || DataType::Utf8, None, "State of the alarm before."),
    ("to_state", || DataType::Utf8, None, "State of the alarm after."),
    ("priority", || DataType::Int32, Some("1"), "Priority of the rule at that time, 1 to 4."),
    ("value", || DataType::Float64, Some("unit of the rule"), "Value that was compared."),
    ("value_limit", || DataType::Float64, Some("unit of the rule"), "Limit at that time."),
    ("reading_at", utc, None, "When the value was measured, UTC."),
    ("actor", || DataType::Utf8, None, "User who caused the transition; null if the rule did."),
    ("comment", || DataType::Utf8, None, "Comment or reason of the user."),
    ("evidence", || DataType::Utf8, None, "Why the condition is met."),
];

/// The name of the table.
pub fn name() -> TableName {
    TableName::new("silver", "alarm_event")
}

/// The schema of the table.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let fields = COLUMNS.map(|(name, kind, _, _)| Field::new(name, kind(), true));
        Arc::new(Schema::new(fields.to_vec()))
    });
    SCHEMA.clone()
}

/// Unit and description of a column; `None` if the table has no such column.
pub fn unit_and_description(column: &str) -> Option<(Option<&'static str>, &'static str)> {
    let found = COLUMNS.iter().find(|(name, _, _, _)| *name == column);
    found.map(|(_, _, unit, description)| (*unit, *description))
}

/// The number of the last entry in the table; 0 if there is none.
pub async fn last_number(lake: &Lake) -> anyhow::Result<i64> {
    let state = lake.state(&name()).await?;
    last_in(&lake.table(&name())?, state.as_ref()).await
}

async fn last_in(table: &Table, state: Option<&State>) -> anyhow::Result<i64> {
    match state {
        Some(state) => Ok(table.checkpoint(state, JOURNAL).await?.unwrap_or(0)),
        None => Ok(0),
    }
}

/// Appends those entries that the table does not contain yet, and returns the number of its last entry.
/// Entries are in the order of the journal and continue the table without a gap; earlier ones are skipped.
/// Called under the lease of the refiner.
///
/// # Errors
/// [`Error::JournalGap`] if an entry between the last one and these is missing, and
/// [`Error::CommitConflict`] if another process appends at the same time; nothing is added then.
pub async fn append(context: &LakeContext, events: &[AlarmEvent]) -> anyhow::Result<i64> {
    let lake = &context.lake;
    let state = lake.state(&name()).await?;
    let table = lake.table(&name())?;
    let last = last_in(&table, state.as_ref()).await?;
    let new: Vec<&AlarmEvent> = events.iter().filter(|it| it.number > last).collect();
    let expected = last + 1..;
    if let Some((number, _)) = expected.zip(&new).find(|(number, it)| *number != it.number) {
        return Err(Error::JournalGap { table: name(), number }.into());
    }
    let Some(newest) = new.last().map(|it| it.number) else { return Ok(last) };
    let calendar = &context.plant.calendar;
    let mut writer = table.writer(schema(), lake.sizes(), lake.names(), lake.now_ms());
    for part in new.chunks(lake.batch_rows()) {
        writer.write(&rows(part, calendar)?).await?;
    }
    let change = Change {
        adds: writer.finish().await?,
        checkpoints: BTreeMap::from([(JOURNAL.to_owned(), newest)]),
        definition: state.is_none().then(definition),
        ..Change::default()
    };
    let state = table.commit(state.as_ref(), change, lake.now_ms()).await?;
    lake.remember(&name(), state).await;
    Ok(newest)
}

/// Creates the empty table, unless it exists or no table of the plant is computed from it.
pub async fn create_if_read(context: &LakeContext) -> anyhow::Result<()> {
    let lake = &context.lake;
    let is_read = context.steps.iter().any(|step| step.model.upstreams.contains(&name()));
    if !is_read || lake.state(&name()).await?.is_some() {
        return Ok(());
    }
    let checkpoints = BTreeMap::from([(JOURNAL.to_owned(), 0)]);
    let change = Change { definition: Some(definition()), checkpoints, ..Change::default() };
    let table = lake.table(&name())?;
    let state = table.commit(None, change, lake.now_ms()).await;
    lake.remember(&name(), state.context("creating the table of alarm events")?).await;
    Ok(())
}

fn definition() -> Definition {
    Definition {
        schema: schema(),
        description: DESCRIPTION.to_owned(),
        fingerprint: "alarm_event".to_owned(),
        partition: None,
    }
}

fn rows(events: &[&AlarmEvent], calendar: &Calendar) -> anyhow::Result<RecordBatch> {
    let parts: Vec<LocalParts> = events.iter().map(|it| calendar.local_parts(it.at_us)).collect();
    let shift = |it: &LocalParts| {
        let shift = calendar.shifts().get(usize::from(it.shift?))?;
        Some(shift.name.as_str())
    };
    let columns: [ArrayRef; COLUMNS.len()] = [
        Arc::new(events.iter().map(|it| it.number).collect::<Int64Array>()),
        times(events, |it| Some(it.at_us)),
        times(events, |it| Some(it.at_us.div_euclid(HOUR_US) * HOUR_US)),
        Arc::new(Date32Array::from_iter_values(parts.iter().map(|it| it.day))),
        Arc::new(parts.iter().map(|it| it.hour).collect::<Int32Array>()),
        Arc::new(parts.iter().map(shift).collect::<StringArray>()),
        Arc::new(Date32Array::from_iter_values(parts.iter().map(|it| it.production_day))),
        texts(events, |it| Some(&it.key.rule)),
        texts(events, |it| Some(&it.key.object)),
        Arc::new(events.iter().map(|it| it.occurrence).collect::<Int64Array>()),
        texts(events, |it| Some(it.transition.as_str())),
        texts(events, |it| Some(it.from.as_str())),
        texts(events, |it| Some(it.to.as_str())),
        Arc::new(events.iter().map(|it| i32::from(it.priority.number())).collect::<Int32Array>()),
        Arc::new(events.iter().map(|it| it.value).collect::<Float64Array>()),
        Arc::new(events.iter().map(|it| it.limit).collect::<Float64Array>()),
        times(events, |it| it.reading_at_us),
        texts(events, |it| it.actor.as_deref()),
        texts(events, |it| it.comment.as_deref()),
        texts(events, |it| it.evidence.as_deref()),
    ];
    Ok(RecordBatch::try_new(schema(), columns.to_vec())?)
}

fn times(events: &[&AlarmEvent], time: impl Fn(&AlarmEvent) -> Option<i64>) -> ArrayRef {
    let times = events.iter().map(|it| time(it)).collect::<TimestampMicrosecondArray>();
    Arc::new(times.with_timezone("UTC"))
}

fn texts(events: &[&AlarmEvent], text: impl Fn(&AlarmEvent) -> Option<&str>) -> ArrayRef {
    Arc::new(events.iter().map(|it| text(it)).collect::<StringArray>())
}

#[cfg(test)]
mod tests;
