//! Dumps with too many rejected records: how many, why, and an example of such a record.

use crate::bronze;
use crate::dumps::{DumpRow, Status};
use crate::plan::Step;
use crate::reconciliation::RowBalance;
use anyhow::Context as _;
use arrow::array::{Array as _, AsArray as _, RecordBatch};
use arrow::datatypes::Int64Type;
use config::folder::Plant;
use config::model::TableName;
use datafusion::common::TableReference;
use datafusion::functions_aggregate::expr_fn::{count, min};
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::SessionContext;
use plant::contract::{Contract, Format, REJECT_AT_MOST};
use std::collections::BTreeMap;

/// How faulty dumps are detected and reported.
#[derive(Debug, Clone, Copy)]
pub struct FaultPolicy {
    /// Records a dump must have for the share of [`REJECT_AT_MOST`] to apply.
    pub judged_records: i64,
    /// Characters of a rejected record in a report at most.
    pub line_chars: usize,
}

/// The rejected records of a dump: the silver table with most of them, and their number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedCount {
    pub silver: String,
    pub rejected: i64,
}

/// The rejected records of each dump in its newest row balance, by bronze table, file and number.
pub fn rejected_counts(
    steps: &[Step],
    balances: &[RowBalance],
) -> BTreeMap<(String, String, i64), RejectedCount> {
    let cleans = |step: &Step| Some((step.name().name.clone(), step.model.cleans()?.to_owned()));
    let sources: BTreeMap<String, String> = steps.iter().filter_map(cleans).collect();
    let mut newest: BTreeMap<(&str, &str, i64), &RowBalance> = BTreeMap::new();
    for balance in balances {
        let key = (balance.table_name.as_str(), balance.file.as_str(), balance.dump);
        let known = newest.entry(key).or_insert(balance);
        if known.ended_at <= balance.ended_at {
            *known = balance;
        }
    }
    let mut counts: BTreeMap<(String, String, i64), RejectedCount> = BTreeMap::new();
    for ((silver, file, dump), balance) in newest {
        let Some(source) = sources.get(silver) else { continue };
        let found = RejectedCount { silver: silver.to_owned(), rejected: balance.rejected };
        let most =
            counts.entry((source.clone(), file.to_owned(), dump)).or_insert_with(|| found.clone());
        if most.rejected < found.rejected {
            *most = found;
        }
    }
    counts
}

impl FaultPolicy {
    /// Whether a dump has more rejected records than its contract allows.
    pub fn is_faulty(&self, contract: &Contract, records: i64, rejected: i64) -> bool {
        if records <= 0 || contract.reject_at_most.is_some_and(|share| share >= 1.0) {
            return false;
        }
        let is_judged = contract.reject_at_most.is_some() || records >= self.judged_records;
        let share = rejected as f64 / records as f64;
        let limit = contract.reject_at_most.unwrap_or(REJECT_AT_MOST);
        rejected >= records || (is_judged && share > limit)
    }

    /// Whether the row of a dump is up to date with its rejected records.
    pub fn is_current(&self, plant: &Plant, row: &DumpRow, counted: &RejectedCount) -> bool {
        let Some(contract) = plant.contracts.get(&row.table_name) else { return true };
        let is_faulty = self.is_faulty(contract, row.records, counted.rejected);
        let is_recorded = row.rejected == Some(counted.rejected) && is_faulty == row.is_faulty();
        is_recorded || row.status != Status::Landed
    }

    /// The row of a dump with its rejected records, and with a reason if it is faulty.
    pub async fn row(
        &self,
        session: &SessionContext,
        plant: &Plant,
        row: &DumpRow,
        counted: &RejectedCount,
    ) -> anyhow::Result<DumpRow> {
        let mut judged = DumpRow { rejected: Some(counted.rejected), reason: None, ..row.clone() };
        if let Some(contract) = plant.contracts.get(&row.table_name)
            && self.is_faulty(contract, row.records, counted.rejected)
        {
            judged.reason = Some(self.reason(session, contract, row, counted).await?);
        }
        Ok(judged)
    }

    /// Why a dump is faulty: how many records are rejected, the most frequent reason, and an example.
    async fn reason(
        &self,
        session: &SessionContext,
        contract: &Contract,
        row: &DumpRow,
        counted: &RejectedCount,
    ) -> anyhow::Result<String> {
        let (rejected, records) = (counted.rejected, row.records);
        let mut words = if rejected >= records {
            format!("all records are rejected ({rejected} of {records})")
        } else {
            let percent = |share: f64| (share * 1000.0).round() / 10.0;
            let share = percent(rejected as f64 / records as f64);
            let limit = percent(contract.reject_at_most.unwrap_or(REJECT_AT_MOST));
            format!(
                "{rejected} of {records} records are rejected ({share} %, reject_at_most is {limit} %)"
            )
        };
        let Some(frequent) = most_frequent_reason(session, row, counted).await? else {
            return Ok(words);
        };
        let column = frequent.column.as_ref().map(|name| format!(" in column `{name}`"));
        words += &format!(
            "; {} {}{}",
            times(frequent.records),
            frequent.code,
            column.unwrap_or_default()
        );
        let line = record_text(session, contract, row, frequent.record).await?;
        if let Some(line) = line {
            let shown = shortened(&line, self.line_chars);
            words += &format!(", such as record {}: `{shown}`", frequent.record);
            words += hint(contract, &frequent.code, &line);
        }
        if let Some(proposal) = proposal(session, row, counted, &frequent).await? {
            words += &proposal;
        }
        Ok(words)
    }
}

/// The most frequent reason among the rejected records of a dump.
struct FrequentReason {
    code: String,
    column: Option<String>,
    records: i64,
    /// The first such record.
    record: i64,
}

async fn most_frequent_reason(
    session: &SessionContext,
    row: &DumpRow,
    counted: &RejectedCount,
) -> anyhow::Result<Option<FrequentReason>> {
    let rejected = session.table(TableReference::partial("silver", "rejected")).await?;
    let of_table = col("table_name").eq(lit(counted.silver.clone()));
    let groups = vec![col("reason"), col("column_name")];
    let sums = vec![count(lit(1_i64)).alias("records"), min(col("_record")).alias("record")];
    let counts = rejected.filter(of_table.and(of_dump(row)))?.aggregate(groups, sums)?;
    let order = vec![col("records").sort(false, false), col("record").sort(true, false)];
    let batches = counts.sort(order)?.limit(0, Some(1))?.collect().await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
    let code = text(batch, "reason")?;
    let number = |name: &str| -> anyhow::Result<i64> {
        let column =
            batch.column_by_name(name).with_context(|| format!("column {name} is missing"))?;
        Ok(column.as_primitive::<Int64Type>().value(0))
    };
    Ok(Some(FrequentReason {
        code: code.unwrap_or_default(),
        column: text(batch, "column_name")?,
        records: number("records")?,
        record: number("record")?,
    }))
}

/// Reasons for which the values of a column have another type than the contract.
const RETYPED: [&str; 5] =
    ["not_a_number", "not_a_time", "not_a_bool", "out_of_range", "too_precise"];

/// Values from which the type of a column is found.
const TYPED_VALUES: usize = 500;

/// A type that fits the values of a column, if nearly all of them are rejected: the source writes it otherwise
/// than before.
async fn proposal(
    session: &SessionContext,
    row: &DumpRow,
    counted: &RejectedCount,
    frequent: &FrequentReason,
) -> anyhow::Result<Option<String>> {
    let is_retyped = RETYPED.contains(&frequent.code.as_str());
    let Some(name) = frequent.column.as_ref().filter(|_| is_retyped) else { return Ok(None) };
    if frequent.records * 10 < row.records * 9 {
        return Ok(None);
    }
    let rejected = session.table(TableReference::partial("silver", "rejected")).await?;
    let of_column = col("table_name")
        .eq(lit(counted.silver.clone()))
        .and(col("column_name").eq(lit(name.clone())))
        .and(col("reason").eq(lit(frequent.code.clone())))
        .and(col("raw").is_not_null());
    let values = rejected.filter(of_column.and(of_dump(row)))?.select(vec![col("raw")])?;
    let mut texts = Vec::new();
    for batch in values.limit(0, Some(TYPED_VALUES))?.collect().await? {
        let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8)?;
        texts.extend(column.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let fitting = config::starter::fitting_type(&texts);
    Ok(Some(format!("; proposed: {fitting} for column `{name}`, which fits these values")))
}

/// A record of a dump as text: its fields, or the part of it that was kept if it has none.
async fn record_text(
    session: &SessionContext,
    contract: &Contract,
    row: &DumpRow,
    record: i64,
) -> anyhow::Result<Option<String>> {
    let TableName { schema, name } = bronze::name(contract);
    let bronze = session.table(TableReference::partial(schema, name)).await?;
    let found = bronze.filter(of_dump(row).and(col("_record").eq(lit(record))))?;
    let batches = found.limit(0, Some(1))?.collect().await?;
    let Some(batch) = batches.iter().find(|batch| batch.num_rows() > 0) else { return Ok(None) };
    let mut fields = Vec::with_capacity(contract.columns.len());
    for column in &contract.columns {
        fields.push(text(batch, &column.name)?.unwrap_or_default());
    }
    let line = fields.join(FIELD_SEPARATOR);
    let line = line.trim_end_matches(FIELD_SEPARATOR);
    let rest = text(batch, "_rest")?.unwrap_or_default();
    let gap = if line.is_empty() || rest.is_empty() { "" } else { FIELD_SEPARATOR };
    Ok(Some(format!("{line}{gap}{rest}")))
}

/// Separator between the fields of a reported record.
const FIELD_SEPARATOR: &str = " | ";

fn of_dump(row: &DumpRow) -> Expr {
    col("_file").eq(lit(row.file.clone())).and(col("_dump").eq(lit(row.dump)))
}

fn text(batch: &RecordBatch, name: &str) -> anyhow::Result<Option<String>> {
    use arrow::datatypes::DataType;
    let Some(column) = batch.column_by_name(name) else { return Ok(None) };
    let column = arrow::compute::cast(column, &DataType::Utf8)?;
    let column = column.as_string::<i32>();
    Ok(column.is_valid(0).then(|| column.value(0).to_owned()))
}

fn times(count: i64) -> String {
    if count == 1 { "1 time".to_owned() } else { format!("{count} times") }
}

/// The beginning of a record on one line.
fn shortened(line: &str, most_chars: usize) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let cut: String = line.chars().take(most_chars).map(plain).collect();
    if line.chars().nth(most_chars).is_some() { format!("{cut}…") } else { cut }
}

/// A likely correction of the contract.
fn hint(contract: &Contract, code: &str, line: &str) -> &'static str {
    let is_lines = contract.format == Format::JsonLines && code == "not_json";
    match line.trim() {
        text if is_lines && text.starts_with('[') => {
            "; if the file is one array, set format = \"json_array\""
        }
        text if is_lines && text.len() < 3 => {
            "; the objects seem to be written on several lines each"
        }
        _ => "",
    }
}

#[cfg(test)]
mod tests;
