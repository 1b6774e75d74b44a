//! How well the expectations of the tables hold. `meta.quality`.

use crate::bronze::utc;
use crate::columns::text;
use crate::context::LakeContext;
use crate::delta::table::State;
use crate::meta::{self, MetaTable};
use crate::plan::Step;
use crate::refine::Outcome;
use crate::refine::keys::Hasher;
use crate::refine::keys::distinct::DistinctKeys;
use crate::{rejected, session};
use arrow::array::{Array as _, ArrayRef, AsArray as _};
use arrow::datatypes::{DataType, Int64Type};
use chrono::{DateTime, Utc};
use config::model::{Action, TableName};
use futures::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An expectation and how many rows of the table fulfil it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QualityRow {
    pub table_name: String,
    pub expectation: String,
    pub rule: String,
    pub action: String,
    /// Rows that were checked.
    pub checked: i64,
    /// Rows that do not fulfil it.
    pub failed: i64,
    /// failed / checked; null if no row was checked.
    #[serde(default, deserialize_with = "meta::exact_number")]
    pub share: Option<f64>,
    pub run: String,
    pub measured_at: DateTime<Utc>,
}

/// The definition of `meta.quality`.
pub fn table() -> MetaTable {
    use DataType::{Float64, Int64, Utf8};
    let columns = [
        ("table_name", Utf8),
        ("expectation", Utf8),
        ("rule", Utf8),
        ("action", Utf8),
        ("checked", Int64),
        ("failed", Int64),
        ("share", Float64),
        ("run", Utf8),
        ("measured_at", utc()),
    ];
    let description = "How many rows of each table fulfil each expectation.";
    MetaTable::new("quality", description, columns)
}

/// Measures the expectations of the changed tables; the other tables keep their rows.
pub async fn measure(
    context: &LakeContext,
    changed: &[Outcome],
) -> anyhow::Result<Vec<QualityRow>> {
    let known: Vec<QualityRow> = meta::rows(&context.lake, &table()).await?;
    let mut rows = Vec::new();
    for step in context.steps.iter() {
        let name = step.name().to_string();
        let last: Vec<QualityRow> =
            known.iter().filter(|row| row.table_name == name).cloned().collect();
        let outcome = changed.iter().find(|it| &it.table == step.name());
        if outcome.is_none() && !last.is_empty() {
            rows.extend(last);
            continue;
        }
        rows.extend(measure_step(context, step).await?);
        if let Some(outcome) = outcome {
            rows.extend(repaired(context, outcome)?);
            rows.extend(ambiguous(context, outcome)?);
        }
    }
    Ok(rows)
}

/// Repairs in the records that this run read, by column.
fn repaired(context: &LakeContext, outcome: &Outcome) -> anyhow::Result<Vec<QualityRow>> {
    let row = |(column, count): (&String, &usize)| {
        let expectation = format!("{column}_is_readable");
        let rule = format!("{column} can be read by its contract, otherwise it is null");
        let counts = (i64::try_from(outcome.repairs.records)?, i64::try_from(*count)?);
        Ok(quality_row(context, &outcome.table, (expectation, rule, REPAIR), counts))
    };
    outcome.repairs.columns.iter().map(row).collect()
}

/// Times that the clock shows twice in the records that this run read, by column.
fn ambiguous(context: &LakeContext, outcome: &Outcome) -> anyhow::Result<Vec<QualityRow>> {
    let mut rows = Vec::new();
    for (column, found) in &outcome.repairs.ambiguous {
        let expectation = format!("{column}_is_unambiguous");
        let rule = format!(
            "{column}: the order of the records shows which instant a time is that the clock shows \
             twice, otherwise the first one is used"
        );
        let counts = (i64::try_from(outcome.repairs.records)?, i64::try_from(found.uncertain)?);
        rows.push(quality_row(context, &outcome.table, (expectation, rule, REPAIR), counts));
    }
    Ok(rows)
}

async fn measure_step(context: &LakeContext, step: &Step) -> anyhow::Result<Vec<QualityRow>> {
    let Some(state) = context.lake.state(step.name()).await? else { return Ok(Vec::new()) };
    let counts = count_violations(context, step, &state).await?;
    let value = |at: usize| counts.get(at).copied().unwrap_or(0);
    let rejected = rejected_by_rule(context, step).await?;
    let mut rows = Vec::new();
    for (at, measured) in (1..).zip(measured_rules(step)) {
        let rejected = rejected.get(&measured.0).copied().unwrap_or(0);
        let counts = (value(0) + rejected, value(at) + rejected);
        rows.push(quality_row(context, step.name(), measured, counts));
    }
    Ok(rows)
}

/// The row of a rule of which this run checked and found violated so many rows.
fn quality_row(
    context: &LakeContext,
    table: &TableName,
    (expectation, rule, action): MeasuredRule,
    (checked, failed): (i64, i64),
) -> QualityRow {
    QualityRow {
        table_name: table.to_string(),
        expectation,
        rule,
        action: action.to_owned(),
        checked,
        failed,
        share: (checked > 0).then(|| failed as f64 / checked as f64),
        run: context.lake.run().to_owned(),
        measured_at: context.lake.now(),
    }
}

/// Name, rule and action.
type MeasuredRule = (String, String, &'static str);

/// The action of rules that values are repaired by.
const REPAIR: &str = "repair";

/// The expectations of a step; the last one is that of its grain, if it has one.
fn measured_rules(step: &Step) -> Vec<MeasuredRule> {
    let expectations = step.model.expectations.iter();
    let mut rules: Vec<MeasuredRule> =
        expectations.map(|it| (it.name.clone(), it.rule.clone(), it.action.as_str())).collect();
    if !step.model.grain.is_empty() {
        let rule = format!("({}) differs in every row", step.model.grain.join(", "));
        rules.push(("grain_is_unique".to_owned(), rule, Action::Warn.as_str()));
    }
    rules
}

/// The number of rows, followed by that of the rows that violate each rule.
async fn count_violations(
    context: &LakeContext,
    step: &Step,
    state: &State,
) -> anyhow::Result<Vec<i64>> {
    let lake = context.lake.as_ref();
    let table = lake.table(step.name())?;
    let rules = step.model.expectations.iter().map(|it| &it.rule);
    let mut select: Vec<String> = vec!["count(*)".to_owned()];
    select.extend(rules.map(|rule| format!("count(*) FILTER (WHERE NOT ({rule}))")));
    let session = session::empty(lake.limits(), context.runtime.clone(), 1);
    session::attach(lake, &session);
    session::register(&session, step.name(), table.provider(state).await?)?;
    let sql = format!("SELECT {} FROM {}", select.join(", "), step.name());
    let batches = session.sql(&sql).await?.collect().await?;
    let Some(batch) = batches.first().filter(|batch| batch.num_rows() == 1) else {
        return Ok(Vec::new());
    };
    let count = |column: &ArrayRef| column.as_primitive::<Int64Type>().value(0);
    let mut counts: Vec<i64> = batch.columns().iter().map(count).collect();
    if !step.model.grain.is_empty() {
        let rows = counts.first().copied().unwrap_or(0);
        counts.push(rows - distinct_grains(context, step, state).await?);
    }
    Ok(counts)
}

/// The number of different values of the grain. `SELECT DISTINCT` would hold all of them in memory, or sort them on
/// disk.
async fn distinct_grains(context: &LakeContext, step: &Step, state: &State) -> anyhow::Result<i64> {
    let lake = context.lake.as_ref();
    let table = lake.table(step.name())?;
    let columns: Vec<&str> = step.model.grain.iter().map(String::as_str).collect();
    let mut grains = DistinctKeys::new(lake.limits().refine.held_keys);
    let mut hasher = None;
    for file in state.files() {
        let mut batches = table.read(&file, Some(&columns), lake.batch_rows()).await?;
        while let Some(batch) = batches.try_next().await? {
            let hasher = match &mut hasher {
                Some(hasher) => hasher,
                none => none.insert(Hasher::new(batch.schema_ref(), &step.model.grain)?),
            };
            for key in hasher.keys_with_nulls(&batch)? {
                grains.insert(key)?;
            }
        }
    }
    Ok(i64::try_from(grains.count()?)?)
}

async fn rejected_by_rule(
    context: &LakeContext,
    step: &Step,
) -> anyhow::Result<BTreeMap<String, i64>> {
    let mut counts = BTreeMap::new();
    let lake = &context.lake;
    let Some(state) = lake.state(&rejected::name()).await? else { return Ok(counts) };
    let table = lake.table(&rejected::name())?;
    let columns = ["table_name", "rule"];
    for batch in table.read_all(&state.files(), Some(&columns), lake.batch_rows()).await? {
        let (tables, rules) = (text(&batch, "table_name")?, text(&batch, "rule")?);
        for row in 0..batch.num_rows() {
            if tables.value(row) == step.name().name && rules.is_valid(row) {
                *counts.entry(rules.value(row).to_owned()).or_default() += 1;
            }
        }
    }
    Ok(counts)
}
