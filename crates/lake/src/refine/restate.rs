//! `meta.restatements`: every figure of a past day that changed after it had been told.
//!
//! A figure of a running day is provisional. One that was stored after its day was over has been told
//! as final; if a later dump changes it, a row here says what it was, what it is and which files did it.

use super::Refinery;
use crate::bronze::utc;
use crate::dumps::{self, Status};
use crate::models::Step;
use crate::replace::{Replacement, conform};
use crate::rows::MetaTable;
use crate::table::State;
use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Int64Type, Schema, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use config::model::TableName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One figure that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restatement {
    pub table_name: String,
    /// Which row, as its grain says: `column=value`, with commas between.
    pub row_key: String,
    pub column_name: String,
    /// What it was; null if the row was not there or the figure not known.
    pub before: Option<String>,
    /// What it is; null if the row is gone or the figure no longer known.
    pub after: Option<String>,
    /// Files that landed since the figure was told, with commas between.
    pub cause_file: Option<String>,
    pub restated_at: DateTime<Utc>,
    /// Version of the table from which on it is so.
    pub version: i64,
}

/// The table's definition.
pub fn table() -> MetaTable {
    let text = |name| Field::new(name, DataType::Utf8, true);
    MetaTable {
        name: TableName::new("meta", "restatements"),
        description: "Figures of past days that changed after they had been told, and why.",
        schema: Arc::new(Schema::new(vec![
            text("table_name"),
            text("row_key"),
            text("column_name"),
            text("before"),
            text("after"),
            text("cause_file"),
            Field::new("restated_at", utc(), true),
            Field::new("version", DataType::Int64, true),
        ])),
    }
}

/// Notes what a replacement that is about to be committed changes in figures already told. Done twice
/// for one version, it notes them once.
pub async fn note(
    refinery: &Refinery,
    step: &Step,
    replacement: &Replacement,
) -> anyhow::Result<()> {
    let (Some(day), Some(state)) = (&step.model.certify, &replacement.state) else { return Ok(()) };
    // Another definition is no other fact.
    if replacement.is_redefined || !replacement.is_changed {
        return Ok(());
    }
    let lake = &refinery.lake;
    let told_s = state.modified_ms().map_or(i64::MIN, |told_ms| told_ms / 1000);
    let calendar = &refinery.plant.calendar;
    let is_over = |day: i32| calendar.production_day(day).1 <= told_s;
    let grain = &step.model.grain;
    let before = Figures::of(replacement.replaced(), &step.schema, grain, day)?;
    let after = Figures::of(&replacement.rows, &step.schema, grain, day)?;
    let changes = before.changes(&after, is_over);
    if changes.is_empty() {
        return Ok(());
    }
    let version = i64::try_from(state.version())? + 1;
    let name = step.name().to_string();
    let cause_file = causes(refinery, step, state).await?;
    let row = |(row_key, column_name, before, after)| Restatement {
        table_name: name.clone(),
        row_key,
        column_name,
        before,
        after,
        cause_file: cause_file.clone(),
        restated_at: lake.now(),
        version,
    };
    let rows: Vec<Restatement> = changes.into_iter().map(row).collect();
    tracing::warn!(table = name, figures = rows.len(), "figures already told have changed");
    let gone = |batch: &RecordBatch| -> anyhow::Result<BooleanArray> {
        let tables =
            batch.column(batch.schema().index_of("table_name")?).as_string::<i32>().clone();
        let versions = batch.column(batch.schema().index_of("version")?);
        let versions = versions.as_primitive::<Int64Type>();
        let is_gone = |row| Some(tables.value(row) == name && versions.value(row) == version);
        Ok((0..batch.num_rows()).map(is_gone).collect())
    };
    lake.meta_replace(&table(), &rows, &gone).await
}

/// The dumps below a table that landed since it was made last.
async fn causes(refinery: &Refinery, step: &Step, state: &State) -> anyhow::Result<Option<String>> {
    let mut below: BTreeSet<&TableName> = BTreeSet::new();
    let mut waiting: Vec<&TableName> = step.model.upstreams.iter().collect();
    while let Some(name) = waiting.pop() {
        if below.insert(name)
            && let Some(model) = refinery.plant.models.get(name)
        {
            waiting.extend(&model.upstreams);
        }
    }
    let landed: BTreeSet<&str> =
        below.iter().filter(|it| it.schema == "typed").map(|it| it.name.as_str()).collect();
    let told_ms = state.modified_ms().unwrap_or(i64::MIN);
    let mut files: BTreeSet<String> = BTreeSet::new();
    for row in dumps::load(&refinery.lake).await? {
        let is_new = row.status == Status::Landed && row.seen_at.timestamp_millis() >= told_ms;
        if is_new && landed.contains(row.table_name.as_str()) {
            files.insert(row.file);
        }
    }
    let files: Vec<String> = files.into_iter().collect();
    Ok((!files.is_empty()).then(|| files.join(", ")))
}

/// Row, column, and what is said in it before and after.
type Changed = (String, String, Option<String>, Option<String>);

/// Rows by their key: the day they are of, and what each column says.
#[derive(Debug, Default)]
struct Figures {
    columns: Vec<String>,
    rows: BTreeMap<String, (i32, Vec<Option<String>>)>,
}

impl Figures {
    fn of(
        batches: &[RecordBatch],
        schema: &SchemaRef,
        grain: &[String],
        day: &str,
    ) -> anyhow::Result<Self> {
        let is_figure = |field: &&Arc<Field>| !grain.contains(field.name());
        let columns = schema.fields().iter().filter(is_figure).map(|it| it.name().clone());
        let mut figures = Self { columns: columns.collect(), rows: BTreeMap::new() };
        for batch in batches {
            let batch = conform(batch, schema)?;
            let options = FormatOptions::default();
            let column = |name: &String| -> anyhow::Result<_> {
                let column = batch.column(schema.index_of(name)?);
                Ok((column, ArrayFormatter::try_new(column, &options)?))
            };
            let keys = grain.iter().map(column).collect::<anyhow::Result<Vec<_>>>()?;
            let values = figures.columns.iter().map(column).collect::<anyhow::Result<Vec<_>>>()?;
            let said = |(column, format): &(&ArrayRef, ArrayFormatter<'_>), row: usize| {
                column.is_valid(row).then(|| format.value(row).to_string())
            };
            let days = batch.column(batch.schema().index_of(day)?).as_primitive::<Date32Type>();
            for row in 0..batch.num_rows() {
                let mut key = Vec::with_capacity(grain.len());
                for (name, column) in grain.iter().zip(&keys) {
                    key.push(format!("{name}={}", said(column, row).unwrap_or_default()));
                }
                let values = values.iter().map(|column| said(column, row)).collect();
                figures.rows.insert(key.join(", "), (days.value(row), values));
            }
        }
        Ok(figures)
    }

    /// What differs in `after` on days that are over and of which something had been told.
    fn changes(&self, after: &Self, is_over: impl Fn(i32) -> bool) -> Vec<Changed> {
        let told: BTreeSet<i32> = self.rows.values().map(|(day, _)| *day).collect();
        let keys: BTreeSet<&String> = self.rows.keys().chain(after.rows.keys()).collect();
        let nothing = vec![None; self.columns.len()];
        let mut changes = Vec::new();
        for key in keys {
            let (old, new) = (self.rows.get(key), after.rows.get(key));
            let Some((day, _)) = old.or(new) else { continue };
            if !told.contains(day) || !is_over(*day) {
                continue;
            }
            let values = |of: Option<&(i32, Vec<Option<String>>)>| {
                of.map_or_else(|| nothing.clone(), |(_, values)| values.clone())
            };
            for ((column, old), new) in self.columns.iter().zip(values(old)).zip(values(new)) {
                if old != new {
                    changes.push((key.clone(), column.clone(), old, new));
                }
            }
        }
        changes
    }
}
