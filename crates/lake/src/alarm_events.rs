//! `silver.alarm_event`: the journal of alarms as a table.
//!
//! In: entries of the journal, in its order. Out: a row for each entry. Promise: the number of the last
//! entry is a checkpoint in the commit that adds its row, so an append that is repeated after a crash adds
//! nothing twice, and an entry that is missing is an error.

use crate::alarm_columns::COLUMNS;
use crate::context::LakeContext;
use crate::delta::table::{Change, Definition, State, Table};
use crate::error::Error;
use crate::lake::Lake;
use anyhow::Context as _;
use arrow::array::{
    ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use plant::alarm::AlarmEvent;
use plant::calendar::{Calendar, LocalParts};
use plant::time::HOUR_US;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::alarm_columns::{DESCRIPTION, name, schema, unit_and_description};

/// Checkpoint: the number of the last entry in the table.
const JOURNAL: &str = "alarm_journal";

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
        // Journals of earlier versions may have an event with the least time there is.
        times(events, |it| Some(it.at_us.div_euclid(HOUR_US).saturating_mul(HOUR_US))),
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
