//! `meta.restatements`: changes of published figures.
//!
//! A figure of a running day is provisional. A figure that was stored after the end of its day is final; if
//! a later dump changes it, a row records its old value, its new value and the files that caused it.

use crate::bronze::utc;
use crate::columns::{RowKeys, column};
use crate::context::LakeContext;
use crate::delta::replace::{Replacement, conform};
use crate::delta::table::State;
use crate::dumps::{self, Status};
use crate::meta;
use crate::meta::MetaTable;
use crate::plan::Step;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, SchemaRef};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use chrono::{DateTime, Utc};
use config::model::TableName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A changed figure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restatement {
    pub table_name: String,
    /// The row by its grain: `column=value`, separated by commas.
    pub row_key: String,
    pub column_name: String,
    /// The old value; null if the row did not exist or the figure was unknown.
    pub before: Option<String>,
    /// The new value; null if the row no longer exists or the figure is unknown.
    pub after: Option<String>,
    /// Files that have landed since the figure was published, separated by commas.
    pub cause_file: Option<String>,
    pub restated_at: DateTime<Utc>,
    /// First version of the table with the new value.
    pub version: i64,
}

/// The table's definition.
pub fn table() -> MetaTable {
    use DataType::{Int64, Utf8};
    let columns = [
        ("table_name", Utf8),
        ("row_key", Utf8),
        ("column_name", Utf8),
        ("before", Utf8),
        ("after", Utf8),
        ("cause_file", Utf8),
        ("restated_at", utc()),
        ("version", Int64),
    ];
    let description = "Figures of past days that changed after they were published, and why.";
    MetaTable::new("restatements", description, columns)
}

/// The published figures that a prepared replacement changes.
pub fn changes(
    context: &LakeContext,
    step: &Step,
    replacement: &Replacement<'_>,
) -> anyhow::Result<Vec<Changed>> {
    let (Some(day), Some(state)) = (&step.model.certify, &replacement.state) else {
        return Ok(Vec::new());
    };
    // A change of the definition is not a change of the facts.
    if replacement.is_redefined || !replacement.is_changed {
        return Ok(Vec::new());
    }
    let published_s = state.modified_ms().map_or(i64::MIN, |at_ms| at_ms / 1000);
    let calendar = &context.plant.calendar;
    let is_over = |day: i32| calendar.production_day(day).1 <= published_s;
    let grain = &step.model.grain;
    let before = Figures::new(replacement.replaced(), &step.schema, grain, day)?;
    let after = Figures::new(replacement.rows(), &step.schema, grain, day)?;
    Ok(before.changes(&after, is_over))
}

/// Records changes of published figures in the table at `state`. Recording one version twice replaces the
/// rows of the first time.
pub async fn record(
    context: &LakeContext,
    step: &Step,
    state: &State,
    changes: Vec<Changed>,
) -> anyhow::Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    let lake = &context.lake;
    let version = i64::try_from(state.version())? + 1;
    let name = step.name().to_string();
    let cause_file = causes(context, step, state).await?;
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
    tracing::warn!(table = name, figures = rows.len(), "published figures changed");
    let keys = RowKeys::new(["table_name", "version"], [[name.as_str().into(), version.into()]]);
    meta::replace(lake, &table(), &rows, &keys).await
}

/// The dumps that a table is computed from and that have landed since it was last written.
async fn causes(
    context: &LakeContext,
    step: &Step,
    state: &State,
) -> anyhow::Result<Option<String>> {
    let mut below: BTreeSet<&TableName> = BTreeSet::new();
    let mut waiting: Vec<&TableName> = step.model.upstreams.iter().collect();
    while let Some(name) = waiting.pop() {
        if below.insert(name)
            && let Some(model) = context.plant.models.get(name)
        {
            waiting.extend(&model.upstreams);
        }
    }
    let landed: BTreeSet<&str> =
        below.iter().filter(|it| it.schema == "typed").map(|it| it.name.as_str()).collect();
    let published_ms = state.modified_ms().unwrap_or(i64::MIN);
    let mut files: BTreeSet<String> = BTreeSet::new();
    for row in dumps::load(&context.lake).await? {
        let is_new = row.status == Status::Landed && row.seen_at.timestamp_millis() >= published_ms;
        if is_new && landed.contains(row.table_name.as_str()) {
            files.insert(row.file);
        }
    }
    let files: Vec<String> = files.into_iter().collect();
    Ok((!files.is_empty()).then(|| files.join(", ")))
}

/// Row, column, old value and new value.
pub type Changed = (String, String, Option<String>, Option<String>);

/// Rows by their key: the day of each, and the text of each column.
#[derive(Debug, Default)]
struct Figures {
    columns: Vec<String>,
    rows: BTreeMap<String, (i32, Vec<Option<String>>)>,
}

impl Figures {
    fn new(
        batches: &[RecordBatch],
        schema: &SchemaRef,
        grain: &[String],
        day: &str,
    ) -> anyhow::Result<Self> {
        let is_figure = |field: &&Arc<Field>| !grain.contains(field.name());
        let columns = schema.fields().iter().filter(is_figure).map(|it| it.name().clone());
        let mut figures = Self { columns: columns.collect(), rows: BTreeMap::new() };
        for batch in batches {
            figures.add(&conform(batch, schema)?, grain, day)?;
        }
        Ok(figures)
    }

    fn add(&mut self, batch: &RecordBatch, grain: &[String], day: &str) -> anyhow::Result<()> {
        let (keys, values) = (texts(batch, grain)?, texts(batch, &self.columns)?);
        let days = column(batch, day)?.as_primitive::<Date32Type>();
        for row in 0..batch.num_rows() {
            let key = grain.iter().zip(&keys);
            let key = key.map(|(name, text)| format!("{name}={}", text(row).unwrap_or_default()));
            let key = key.collect::<Vec<_>>().join(", ");
            let values = values.iter().map(|text| text(row)).collect();
            self.rows.insert(key, (days.value(row), values));
        }
        Ok(())
    }

    /// What differs in `after` on days that are over and had rows before.
    fn changes(&self, after: &Self, is_over: impl Fn(i32) -> bool) -> Vec<Changed> {
        let published: BTreeSet<i32> = self.rows.values().map(|(day, _)| *day).collect();
        let keys: BTreeSet<&String> = self.rows.keys().chain(after.rows.keys()).collect();
        let nothing = vec![None; self.columns.len()];
        let mut changes = Vec::new();
        for key in keys {
            let (old, new) = (self.rows.get(key), after.rows.get(key));
            let Some((day, _)) = old.or(new) else { continue };
            if !published.contains(day) || !is_over(*day) {
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

/// The text of a row in one column; `None` for null.
type Text<'b> = Box<dyn Fn(usize) -> Option<String> + 'b>;

fn texts<'b>(batch: &'b RecordBatch, names: &[String]) -> anyhow::Result<Vec<Text<'b>>> {
    const OPTIONS: FormatOptions<'static> = FormatOptions::new();
    let text = |name: &String| -> anyhow::Result<Text<'b>> {
        let column = column(batch, name)?;
        let format = ArrayFormatter::try_new(column, &OPTIONS)?;
        Ok(Box::new(move |row| column.is_valid(row).then(|| format.value(row).to_string())))
    };
    names.iter().map(text).collect()
}
