//! How well the expectations of the tables hold: `meta.quality`.

use crate::bronze::utc;
use crate::columns::text;
use crate::context::LakeContext;
use crate::delta::table::State;
use crate::meta::{self, MetaTable};
use crate::plan::Step;
use crate::refine::Outcome;
use crate::{rejected, session};
use arrow::array::{Array as _, AsArray as _};
use arrow::datatypes::{DataType, Int64Type};
use chrono::{DateTime, Utc};
use config::model::Action;
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
    pub share: Option<f64>,
    pub run: String,
    pub measured_at: DateTime<Utc>,
}

/// The definition of `meta.quality`.
pub(super) fn quality() -> MetaTable {
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
pub(super) async fn measure(context: &LakeContext, changed: &[Outcome]) -> anyhow::Result<Vec<QualityRow>> {
    let known: Vec<QualityRow> = meta::rows(&context.lake, &quality()).await?;
    let rejected = rejected_by_rule(context).await?;
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
        rows.extend(measure_step(context, step, &rejected).await?);
        if let Some(outcome) = outcome {
            rows.extend(repaired(context, outcome)?);
            rows.extend(ambiguous(context, outcome)?);
        }
    }
    Ok(rows)
}

/// Repairs in the records that this run read, by column.
fn repaired(context: &LakeContext, outcome: &Outcome) -> anyhow::Result<Vec<QualityRow>> {
    let mut rows = Vec::new();
    for (column, count) in &outcome.repairs.columns {
        let (checked, failed) = (i64::try_from(outcome.repairs.records)?, i64::try_from(*count)?);
        rows.push(QualityRow {
            table_name: outcome.table.to_string(),
            expectation: format!("{column}_is_readable"),
            rule: format!("{column} can be read by its contract, otherwise it is null"),
            action: "repair".to_owned(),
            checked,
            failed,
            share: (checked > 0).then(|| failed as f64 / checked as f64),
            run: context.lake.run().to_owned(),
            measured_at: context.lake.now(),
        });
    }
    Ok(rows)
}

/// Times that the clock shows twice in the records that this run read, by column.
fn ambiguous(context: &LakeContext, outcome: &Outcome) -> anyhow::Result<Vec<QualityRow>> {
    let mut rows = Vec::new();
    for (column, found) in &outcome.repairs.ambiguous {
        let checked = i64::try_from(outcome.repairs.records)?;
        let failed = i64::try_from(found.uncertain)?;
        rows.push(QualityRow {
            table_name: outcome.table.to_string(),
            expectation: format!("{column}_is_unambiguous"),
            rule: format!(
                "{column}: the order of the records shows which instant a time is that the clock shows \
                 twice, otherwise the first one is used"
            ),
            action: "repair".to_owned(),
            checked,
            failed,
            share: (checked > 0).then(|| failed as f64 / checked as f64),
            run: context.lake.run().to_owned(),
            measured_at: context.lake.now(),
        });
    }
    Ok(rows)
}

async fn measure_step(
    context: &LakeContext,
    step: &Step,
    rejected: &RejectedByRule,
) -> anyhow::Result<Vec<QualityRow>> {
    let lake = &context.lake;
    let Some(state) = lake.state(step.name()).await? else { return Ok(Vec::new()) };
    let measured = measured_rules(step);
    let counts = count_violations(context, step, &state, &measured).await?;
    let value = |at: usize| counts.get(at).copied().unwrap_or(0);
    let rejected = rejected.get(&step.name().name);
    let mut rows = Vec::new();
    for (at, (expectation, rule, action)) in (1..).zip(measured) {
        let rejected = rejected.and_then(|it| it.get(&expectation)).copied().unwrap_or(0);
        let (checked, failed) = (value(0) + rejected, value(at) + rejected);
        rows.push(QualityRow {
            table_name: step.name().to_string(),
            expectation,
            rule,
            action: action.as_str().to_owned(),
            checked,
            failed,
            share: (checked > 0).then(|| failed as f64 / checked as f64),
            run: lake.run().to_owned(),
            measured_at: lake.now(),
        });
    }
    Ok(rows)
}

/// Name, rule and action.
type MeasuredRule = (String, String, Action);

/// The expectations of a step; the last one is that of its grain, if it has one.
fn measured_rules(step: &Step) -> Vec<MeasuredRule> {
    let expectations = step.model.expectations.iter();
    let mut rules: Vec<MeasuredRule> =
        expectations.map(|it| (it.name.clone(), it.rule.clone(), it.action)).collect();
    if !step.model.grain.is_empty() {
        let rule = format!("({}) differs in every row", step.model.grain.join(", "));
        rules.push(("grain_is_unique".to_owned(), rule, Action::Warn));
    }
    rules
}

/// The number of rows, followed by that of the rows that violate each rule.
async fn count_violations(
    context: &LakeContext,
    step: &Step,
    state: &State,
    rules: &[MeasuredRule],
) -> anyhow::Result<Vec<i64>> {
    let lake = context.lake.as_ref();
    let expectations = rules.iter().take(step.model.expectations.len());
    let mut select: Vec<String> = vec!["count(*)".to_owned()];
    select.extend(expectations.map(|(_, rule, _)| format!("count(*) FILTER (WHERE NOT ({rule}))")));
    if !step.model.grain.is_empty() {
        let grain = step.model.grain.join(", ");
        select.push(format!(
            "count(*) - (SELECT count(*) FROM (SELECT DISTINCT {grain} FROM {}) AS grains)",
            step.name()
        ));
    }
    let session = session::empty(lake.limits(), context.runtime.clone(), 1);
    session::attach(lake, &session);
    session::register(&session, step.name(), lake.table(step.name())?.provider(state).await?)?;
    let sql = format!("SELECT {} FROM {}", select.join(", "), step.name());
    let batches = session.sql(&sql).await?.collect().await?;
    let Some(batch) = batches.first().filter(|batch| batch.num_rows() == 1) else {
        return Ok(Vec::new());
    };
    Ok(batch.columns().iter().map(|it| it.as_primitive::<Int64Type>().value(0)).collect())
}

/// Rejected rows by the name of their table and the rule that they violate.
type RejectedByRule = BTreeMap<String, BTreeMap<String, i64>>;

async fn rejected_by_rule(context: &LakeContext) -> anyhow::Result<RejectedByRule> {
    let mut counts = RejectedByRule::new();
    let lake = &context.lake;
    let Some(state) = lake.state(&rejected::name()).await? else { return Ok(counts) };
    let table = lake.table(&rejected::name())?;
    for file in state.files() {
        let columns = ["table_name", "rule"];
        let mut stream = table.read(&file, Some(&columns), lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let (tables, rules) = (text(&batch, "table_name")?, text(&batch, "rule")?);
            for row in (0..batch.num_rows()).filter(|row| rules.is_valid(*row)) {
                let (table, rule) = (tables.value(row).to_owned(), rules.value(row).to_owned());
                *counts.entry(table).or_default().entry(rule).or_default() += 1;
            }
        }
    }
    Ok(counts)
}
