//! Cleaning a bronze batch: its records are typed, projected and checked as contract and model define.
//! Dumps and streams share it.

use crate::bronze::dump_columns::with_dump_columns;
use crate::bronze::{Pointer, dump_columns};
use crate::columns::column;
use crate::context::LakeContext;
use crate::delta::table::Table;
use crate::lake::Lake;
use crate::plan::Step;
use crate::refine::concat::Concat;
use crate::refine::keys::Hasher;
use crate::rejected::Reason;
use crate::stream::ELEMENT;
use crate::{bronze, session};
use anyhow::Context as _;
use arrow::array::{Array as _, AsArray as _, BooleanArray, RecordBatch};
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
use datafusion::prelude::SessionContext;
use plant::contract::{Contract, Format, Kind, OnError, Origin, Supersede};
use std::collections::HashSet;
use std::sync::Arc;

/// Columns that a cleaned table copies from bronze: the origin of the row, and the position of its dump
/// in the order of dumps.
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

/// The columns of a cleaned table, followed by the pointers.
pub(crate) fn stored_schema(schema: &Schema, contract: &Contract) -> SchemaRef {
    let own = schema.fields().iter().map(|field| field.as_ref().clone());
    let pointer = |(name, kind): &(&str, Pointer)| Field::new(*name, kind.data_type(), true);
    let pointers = pointers(contract).iter().map(pointer);
    Arc::new(Schema::new(own.chain(pointers).collect::<Vec<_>>()))
}

/// Differs whenever the same bronze records would give another table.
pub(crate) fn fingerprint(step: &Step, contract: &Contract, context: &LakeContext) -> String {
    let shifts = context.plant.calendar.shifts();
    let zone = context.plant.zone;
    // The topics are irrelevant unless a column is taken from them, as are the settings that only affect
    // landing or the report of faulty dumps.
    let has_topic = contract.columns.iter().any(|column| column.origin == Origin::Topic);
    let topics = if has_topic { contract.topics.clone() } else { Vec::new() };
    let contract = Contract {
        topics,
        reject_at_most: None,
        case_sensitive_columns: false,
        ..contract.clone()
    };
    let definition = format!("{}\n{contract:?}\n{zone}\n{shifts:?}", step.model.meaning());
    batches::digest::of_text(&definition)
}

/// A condition that every row must fulfil, ready to be evaluated.
struct Rule {
    name: String,
    condition: Arc<dyn PhysicalExpr>,
}

/// The contract without the columns that the table does not use and that cannot cause a rejection.
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

/// The expression with intervals of less than a day as durations. Adding a duration to a timestamp is one
/// integer addition; adding an interval is calendar arithmetic, row by row.
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

/// The columns of the contract that the key of the table is computed from.
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
    /// Which of them are rejected.
    pub(crate) is_bad: Vec<bool>,
    /// The reasons, by row.
    pub(crate) reasons: Vec<Reason>,
    /// Columns and how many of their unreadable texts became null in good rows.
    pub(crate) repaired: Vec<(String, usize)>,
    /// Columns with times that the clock shows twice.
    pub(crate) ambiguous: Vec<typed::Ambiguous>,
    /// Whether the passes of the dump are needed to resolve them.
    pub(crate) needs_passes: bool,
}

impl Cleaned {
    /// Consecutive batches as one.
    pub(crate) fn concat(pieces: Vec<Self>) -> anyhow::Result<Self> {
        let schema = pieces.first().context("no batch to concatenate")?.rows.schema();
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

    /// Rejects a record for a reason outside the record itself.
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

/// How a column of the table is computed from those of the typed stage.
enum Value {
    Concat(Concat),
    Expr(Arc<dyn PhysicalExpr>),
}

/// A prepared cleaning step.
pub(crate) struct Cleaning<'a> {
    pub(crate) lake: &'a Lake,
    pub(crate) model: &'a Model,
    pub(crate) table: &'a Table,
    pub(crate) stage: typed::Stage,
    /// The columns of the typed stage, followed by those of the dump.
    typed: SchemaRef,
    /// Columns of the bronze table that are read.
    pub(crate) read: Vec<String>,
    /// Those of them that the key of the table is computed from.
    pub(crate) key_columns: Vec<String>,
    pointers: &'static [(&'static str, Pointer)],
    columns: Vec<Value>,
    rules: Vec<Rule>,
    own: SchemaRef,
    pub(crate) stored: SchemaRef,
    pub(crate) hasher: Option<Hasher>,
}

/// The rules of a step that reject records.
fn rules(session: &SessionContext, step: &Step) -> anyhow::Result<Vec<Rule>> {
    let own = DFSchema::try_from(step.schema.as_ref().clone())?;
    let simplify = SimplifyContext::builder().with_schema(Arc::new(own.clone())).build();
    let simplifier = ExprSimplifier::new(simplify);
    let mut rules = Vec::new();
    for expectation in step.model.expectations.iter().filter(|it| it.action == Action::Reject) {
        let condition = session.parse_sql_expr(&expectation.rule, &own)?;
        let condition = session::in_microseconds(condition, &own)?;
        let condition = simplifier.simplify(simplifier.coerce(condition, &own)?)?;
        let condition = with_durations(condition)?;
        let condition = session.create_physical_expr(condition, &own)?;
        rules.push(Rule { name: expectation.name.clone(), condition });
    }
    Ok(rules)
}

impl<'a> Cleaning<'a> {
    pub(crate) fn new(
        context: &'a LakeContext,
        step: &'a Step,
        contract: &Contract,
        table: &'a Table,
    ) -> anyhow::Result<Self> {
        let lake = context.lake.as_ref();
        let session = session::empty(lake.limits(), context.runtime.clone(), 1);
        let reference = TableReference::partial("typed", contract.table.as_str());
        let projection = step.projection.as_deref().context("not a cleaning step")?;
        let contract = &needed(contract, projection);
        let typed = with_dump_columns(&typed::schema(contract), contract, context.plant.zone);
        let schema = DFSchema::try_from_qualified_schema(reference, &typed)?;
        let mut columns = Vec::with_capacity(projection.len());
        for expr in projection {
            let expr = session::in_microseconds(expr.clone().unalias(), &schema)?;
            columns.push(match Concat::from_expr(&expr, schema.as_arrow()) {
                Some(concat) => Value::Concat(concat),
                None => Value::Expr(session.create_physical_expr(expr, &schema)?),
            });
        }
        let rules = rules(&session, step)?;
        let hasher = match contract.supersede {
            Supersede::Key | Supersede::Never => Some(Hasher::new(&step.schema, &step.model.key)?),
            Supersede::Dump => None,
        };
        Ok(Self {
            lake,
            model: &step.model,
            table,
            stage: typed::Stage::new(contract, &context.plant.calendar),
            typed,
            read: bronze_columns(contract),
            key_columns: key_columns(step, contract, projection),
            pointers: pointers(contract),
            columns,
            rules,
            own: step.schema.clone(),
            stored: stored_schema(&step.schema, contract),
            hasher,
        })
    }

    /// Types, projects and checks one bronze batch.
    pub(crate) fn clean(&self, bronze: &RecordBatch) -> anyhow::Result<Cleaned> {
        self.clean_in_order(bronze, None)
    }

    /// [`Cleaning::clean`], with the passes of the dump to resolve times that the clock shows twice.
    pub(crate) fn clean_in_order(
        &self,
        bronze: &RecordBatch,
        passes: Option<&typed::Passes>,
    ) -> anyhow::Result<Cleaned> {
        let mut typed = self.stage.apply(bronze, passes)?;
        typed.rows = dump_columns::add(&typed.rows, bronze, &self.typed)?;
        let mut columns = Vec::with_capacity(self.stored.fields().len());
        for (value, field) in self.columns.iter().zip(self.own.fields()) {
            let value = match value {
                Value::Concat(concat) => concat.values(&typed.rows)?,
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

    /// Checks the rules and the key of every row that is not rejected yet. A condition that is null is not
    /// violated.
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
