//! One record at a time: typed, selected and checked as contract and model say. What dumps and
//! streams have in common.

use super::Refinery;
use super::joined::Joined;
use super::keys::Hasher;
use super::rejected::Reason;
use crate::bronze::Pointer;
use crate::dump_columns::{self, with_dump_columns};
use crate::models::Step;
use crate::stream::ELEMENT;
use crate::table::Table;
use crate::{Lake, bronze, session};
use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use batches::typed;
use config::model::{Action, Model};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, ScalarValue, TableReference};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::PhysicalExpr;
use plant::contract::{Contract, Format, Kind, OnError, Origin, Supersede};
use std::collections::HashSet;
use std::sync::Arc;

/// Columns a cleaned table takes over from bronze: where the row comes from, and what its dump's
/// place in the order of dumps is.
const POINTERS: [(&str, Pointer); 7] = [
    ("_file", Pointer::Text),
    ("_file_sha256", Pointer::Text),
    ("_dump", Pointer::Long),
    ("_record", Pointer::Long),
    ("_dumped_at", Pointer::Time),
    ("_modified_at", Pointer::Time),
    ("_ingested_at", Pointer::Time),
];

/// The same for a table cleaned from a stream.
const STREAM_POINTERS: [(&str, Pointer); 4] = [
    ("_topic", Pointer::Text),
    ("_partition", Pointer::Int),
    ("_offset", Pointer::Long),
    ("_ingested_at", Pointer::Time),
];

/// The same if a message may hold several records.
const ELEMENT_POINTERS: [(&str, Pointer); 5] = {
    let [topic, partition, offset, ingested_at] = STREAM_POINTERS;
    [topic, partition, offset, (ELEMENT.0, ELEMENT.1), ingested_at]
};

const fn pointers(contract: &Contract) -> &'static [(&'static str, Pointer)] {
    match contract.format {
        Format::Message if contract.records.is_some() => &ELEMENT_POINTERS,
        Format::Message => &STREAM_POINTERS,
        _ => &POINTERS,
    }
}

/// The columns of a cleaned table and the pointers behind them.
pub(crate) fn stored(schema: &Schema, contract: &Contract) -> SchemaRef {
    let own = schema.fields().iter().map(|field| field.as_ref().clone());
    let pointer = |(name, kind): &(&str, Pointer)| Field::new(*name, kind.data_type(), true);
    let pointers = pointers(contract).iter().map(pointer);
    Arc::new(Schema::new(own.chain(pointers).collect::<Vec<_>>()))
}

/// Changes whenever the same bronze records would give another table.
pub(crate) fn fingerprint(step: &Step, contract: &Contract, refinery: &Refinery) -> String {
    let shifts = refinery.plant.calendar.shifts();
    let zone = refinery.plant.zone;
    // Where messages come from does not change what they mean, unless a column is taken from it; nor
    // does how bronze gets its columns, or when a dump is reported as faulty.
    let has_topic = contract.columns.iter().any(|column| column.origin == Origin::Topic);
    let topics = if has_topic { contract.topics.clone() } else { Vec::new() };
    let contract = Contract {
        topics,
        reject_at_most: None,
        case_sensitive_columns: false,
        ..contract.clone()
    };
    let said = format!("{}\n{contract:?}\n{zone}\n{shifts:?}", step.model.meaning());
    batches::digest::of_text(&said)
}

pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a ArrayRef> {
    batch.column_by_name(name).with_context(|| format!("column {name} is not there"))
}

/// A condition every row is expected to fulfil, ready to be asked.
struct Rule {
    name: String,
    condition: Arc<dyn PhysicalExpr>,
}

/// The contract without the columns that neither the table takes nor any record can be rejected for.
fn needed(contract: &Contract, projection: &[Expr]) -> Contract {
    let taken: HashSet<String> = projection
        .iter()
        .flat_map(|expr| expr.column_refs().into_iter().map(|column| column.name.clone()))
        .collect();
    let is_needed = |column: &&plant::contract::Column| {
        let is_taken = |name: &String| {
            name == &column.name
                || name.strip_prefix(&column.name).is_some_and(typed::is_local_part)
        };
        let can_fail = column.kind != Kind::Text && column.on_error == OnError::Reject;
        column.required || can_fail || taken.iter().any(is_taken)
    };
    let columns = contract.columns.iter().filter(is_needed).cloned().collect();
    Contract { columns, ..contract.clone() }
}

/// The expression with spans of less than a day as durations: adding one to a moment is adding two
/// numbers, adding an interval is a walk through the calendar, row by row.
fn with_durations(expr: Expr) -> anyhow::Result<Expr> {
    const NANOS_IN_MICRO: i64 = 1000;
    let swapped = expr.transform(|part| {
        let Expr::Literal(ScalarValue::IntervalMonthDayNano(Some(span)), metadata) = &part else {
            return Ok(Transformed::no(part));
        };
        if span.months != 0 || span.days != 0 || span.nanoseconds % NANOS_IN_MICRO != 0 {
            return Ok(Transformed::no(part));
        }
        let span = ScalarValue::DurationMicrosecond(Some(span.nanoseconds / NANOS_IN_MICRO));
        Ok(Transformed::yes(Expr::Literal(span, metadata.clone())))
    })?;
    Ok(swapped.data)
}

/// The bronze columns a cleaning step reads: those of its contract, and the pointers.
fn bronze_columns(contract: &Contract) -> Vec<String> {
    let own = contract.columns.iter().map(|column| column.name.clone());
    let pointers = bronze::POINTERS.iter().map(|(name, _, _)| (*name).to_owned());
    own.chain(pointers).collect()
}

/// The columns of the contract that the key of the table is made of.
fn key_columns(step: &Step, contract: &Contract, projection: &[Expr]) -> Vec<String> {
    let fields = step.schema.fields().iter().zip(projection);
    let of_key = fields.filter(|(field, _)| step.model.key.contains(field.name()));
    let taken: HashSet<String> = of_key
        .flat_map(|(_, expr)| expr.column_refs().into_iter().map(|column| column.name.clone()))
        .collect();
    let is_taken = |name: &String| {
        let is_part = |it: &String| it.strip_prefix(name).is_some_and(typed::is_local_part);
        taken.contains(name) || taken.iter().any(is_part)
    };
    contract.columns.iter().map(|column| column.name.clone()).filter(is_taken).collect()
}

/// One bronze batch, cleaned.
pub(crate) struct Cleaned {
    /// Every record, as the table would store it.
    pub(crate) rows: RecordBatch,
    /// Which of them must not reach the table.
    pub(crate) is_bad: Vec<bool>,
    /// Why, row by row.
    pub(crate) reasons: Vec<Reason>,
    /// Columns and how many of their unreadable texts became unknown in good rows.
    pub(crate) repaired: Vec<(String, usize)>,
    /// Columns with times that the clock shows twice.
    pub(crate) ambiguous: Vec<typed::Ambiguous>,
    /// Whether it takes the passes of the dump to date them.
    pub(super) needs_passes: bool,
}

impl Cleaned {
    /// Batches that follow each other, as one.
    pub(super) fn joined(pieces: Vec<Self>) -> anyhow::Result<Self> {
        let schema = pieces.first().context("no piece to join")?.rows.schema();
        let rows = concat_batches(&schema, pieces.iter().map(|piece| &piece.rows))?;
        let mut whole = Self {
            rows,
            is_bad: Vec::new(),
            reasons: Vec::new(),
            repaired: Vec::new(),
            ambiguous: Vec::new(),
            needs_passes: false,
        };
        for piece in pieces {
            let before = whole.is_bad.len();
            whole.reasons.extend(piece.reasons.into_iter().map(|mut reason| {
                reason.row += before;
                reason
            }));
            whole.is_bad.extend(piece.is_bad);
            whole.repaired.extend(piece.repaired);
            whole.ambiguous.extend(piece.ambiguous);
            whole.needs_passes |= piece.needs_passes;
        }
        Ok(whole)
    }

    /// Rejects a record for what no rule of its own finds wrong with it.
    pub(crate) fn reject(&mut self, row: usize, column: &str, code: &'static str) {
        self.is_bad[row] = true;
        let (column, code) = (column.into(), code.into());
        self.reasons.push(Reason { row, column, code, raw: None, rule: None });
    }

    /// The good rows.
    pub(crate) fn good(&self) -> anyhow::Result<RecordBatch> {
        if !self.is_bad.contains(&true) {
            return Ok(self.rows.clone());
        }
        let good: Vec<bool> = self.is_bad.iter().map(|is_bad| !is_bad).collect();
        Ok(filter_record_batch(&self.rows, &BooleanArray::from(good))?)
    }
}

/// How a column of the table is made of those of the typed stage.
enum Value {
    Joined(Joined),
    Expr(Arc<dyn PhysicalExpr>),
}

/// One cleaning step, made ready.
pub(crate) struct Cleaning<'a> {
    pub(crate) lake: &'a Lake,
    pub(crate) model: &'a Model,
    pub(super) table: &'a Table,
    pub(super) stage: typed::Stage,
    /// The columns of the typed stage, and those of the dump.
    typed: SchemaRef,
    /// Columns of the bronze table that are read at all.
    pub(super) read: Vec<String>,
    /// Those of them that the key of the table is made of.
    pub(super) key_columns: Vec<String>,
    pointers: &'static [(&'static str, Pointer)],
    columns: Vec<Value>,
    rules: Vec<Rule>,
    own: SchemaRef,
    pub(crate) stored: SchemaRef,
    pub(crate) hasher: Option<Hasher>,
}

impl<'a> Cleaning<'a> {
    pub(crate) fn new(
        refinery: &'a Refinery,
        step: &'a Step,
        contract: &Contract,
        table: &'a Table,
    ) -> anyhow::Result<Self> {
        let lake = refinery.lake.as_ref();
        let context = session::empty(lake.limits(), refinery.runtime.clone(), 1);
        let reference = TableReference::partial("typed", contract.table.as_str());
        let projection = step.projection.as_deref().context("the step is no cleaning step")?;
        let contract = &needed(contract, projection);
        let typed = with_dump_columns(&typed::schema(contract), contract, refinery.plant.zone);
        let schema = DFSchema::try_from_qualified_schema(reference, &typed)?;
        let mut columns = Vec::with_capacity(projection.len());
        for said in projection {
            let said = session::in_microseconds(said.clone().unalias(), &schema)?;
            columns.push(match Joined::of(&said, schema.as_arrow()) {
                Some(joined) => Value::Joined(joined),
                None => Value::Expr(context.create_physical_expr(said, &schema)?),
            });
        }
        let own = DFSchema::try_from(step.schema.as_ref().clone())?;
        let simplifier = ExprSimplifier::new(
            SimplifyContext::builder().with_schema(Arc::new(own.clone())).build(),
        );
        let mut rules = Vec::new();
        for expectation in &step.model.expectations {
            if expectation.action == Action::Reject {
                let condition = context.parse_sql_expr(&expectation.rule, &own)?;
                let condition = session::in_microseconds(condition, &own)?;
                let condition = simplifier.simplify(simplifier.coerce(condition, &own)?)?;
                let condition = with_durations(condition)?;
                let condition = context.create_physical_expr(condition, &own)?;
                rules.push(Rule { name: expectation.name.clone(), condition });
            }
        }
        let hasher = match contract.supersede {
            Supersede::Key | Supersede::Never => Some(Hasher::new(&step.schema, &step.model.key)?),
            Supersede::Dump => None,
        };
        Ok(Self {
            lake,
            model: &step.model,
            table,
            stage: typed::Stage::new(contract, &refinery.plant.calendar),
            typed,
            read: bronze_columns(contract),
            key_columns: key_columns(step, contract, projection),
            pointers: pointers(contract),
            columns,
            rules,
            own: step.schema.clone(),
            stored: stored(&step.schema, contract),
            hasher,
        })
    }

    /// Types, selects and checks one bronze batch: its good rows, and why the others are not.
    pub(crate) fn clean(&self, bronze: &RecordBatch) -> anyhow::Result<Cleaned> {
        self.clean_in_order(bronze, None)
    }

    /// Does the same, with what the order of the dump's records shows of times shown twice.
    pub(super) fn clean_in_order(
        &self,
        bronze: &RecordBatch,
        passes: Option<&typed::Passes>,
    ) -> anyhow::Result<Cleaned> {
        let mut typed = self.stage.apply(bronze, passes)?;
        typed.rows = dump_columns::add(&typed.rows, bronze, &self.typed)?;
        let mut columns = Vec::with_capacity(self.stored.fields().len());
        for (value, field) in self.columns.iter().zip(self.own.fields()) {
            let value = match value {
                Value::Joined(joined) => joined.values(&typed.rows)?,
                Value::Expr(expr) => {
                    expr.evaluate(&typed.rows)?.into_array(typed.rows.num_rows())?
                }
            };
            columns.push(cast(&value, field.data_type())?);
        }
        let own = RecordBatch::try_new(self.own.clone(), columns)?;
        let mut reasons: Vec<Reason> = typed.problems.into_iter().map(Reason::from).collect();
        let mut is_bad: Vec<bool> = typed.rejected.values().iter().collect();
        self.check(&own, &mut is_bad, &mut reasons)?;
        reasons.sort_by_key(|reason| reason.row);
        let mut columns = own.columns().to_vec();
        for (name, _) in self.pointers {
            columns.push(column(bronze, name)?.clone());
        }
        let rows = RecordBatch::try_new(self.stored.clone(), columns)?;
        Ok(Cleaned {
            rows,
            is_bad,
            reasons,
            repaired: typed.repaired,
            ambiguous: typed.ambiguous,
            needs_passes: typed.needs_passes,
        })
    }

    /// Asks the rules and the key of every row not yet bad. A condition that comes out unknown is
    /// not violated.
    fn check(
        &self,
        own: &RecordBatch,
        is_bad: &mut [bool],
        reasons: &mut Vec<Reason>,
    ) -> anyhow::Result<()> {
        let reason = |row: usize, column: &str, code: &'static str, rule: Option<&str>| Reason {
            row,
            column: column.into(),
            code: code.into(),
            raw: None,
            rule: rule.map(str::to_owned),
        };
        for rule in &self.rules {
            let holds = rule.condition.evaluate(own)?.into_array(own.num_rows())?;
            let holds = holds.as_boolean();
            if holds.false_count() == 0 {
                continue;
            }
            for (row, is_bad) in is_bad.iter_mut().enumerate() {
                if !*is_bad && holds.is_valid(row) && !holds.value(row) {
                    *is_bad = true;
                    reasons.push(reason(row, "", "expectation", Some(&rule.name)));
                }
            }
        }
        for name in &self.model.key {
            let Some(nulls) = column(own, name)?.nulls() else { continue };
            for (row, is_bad) in is_bad.iter_mut().enumerate() {
                if !*is_bad && nulls.is_null(row) {
                    *is_bad = true;
                    reasons.push(reason(row, name, "missing", None));
                }
            }
        }
        Ok(())
    }
}
