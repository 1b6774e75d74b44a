//! Compiles the SQL of a cleaning step for `batches::clean`. Dumps and streams share it.

use crate::context::LakeContext;
use crate::delta::table::Table;
use crate::lake::Lake;
use crate::plan::Step;
use crate::refine::concat::Concat;
use crate::refine::keys::Hasher;
use crate::{bronze, session};
use anyhow::Context as _;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use batches::clean::{Cleaned, Cleaner, Evaluate, Expectation, Selection, typed_schema};
use batches::typed::{Passes, Stage, is_local_part};
use config::definition::describe_cleaned;
use config::model::{Action, Model};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, ScalarValue, TableReference};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::SessionContext;
use plant::calendar::Calendar;
use plant::contract::{Contract, Kind, OnError, Supersede};
use std::collections::HashSet;
use std::sync::Arc;

/// Differs whenever the same bronze records would give another table.
pub(crate) fn fingerprint(step: &Step, contract: &Contract, context: &LakeContext) -> String {
    batches::digest::sha256_hex(&describe_cleaned(&context.plant, &step.model, contract))
}

/// The contract without the columns that the table does not use and that cannot cause a rejection.
fn needed(contract: &Contract, projection: &[Expr]) -> Contract {
    let taken: HashSet<String> = projection
        .iter()
        .flat_map(|expr| expr.column_refs().into_iter().map(|column| column.name.clone()))
        .collect();
    let is_needed = |column: &&plant::contract::Column| {
        let is_taken = |name: &String| {
            name == &column.name || name.strip_prefix(&column.name).is_some_and(is_local_part)
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
        let is_part = |it: &String| it.strip_prefix(name).is_some_and(is_local_part);
        taken.contains(name) || taken.iter().any(is_part)
    };
    contract.columns.iter().map(|column| column.name.clone()).filter(is_taken).collect()
}

/// A prepared cleaning step: its SQL, compiled, and the lake and table it works on.
pub(crate) struct Cleaning<'a> {
    pub(crate) lake: &'a Lake,
    pub(crate) model: &'a Model,
    pub(crate) table: &'a Table,
    cleaner: Cleaner,
    /// Columns of the bronze table that are read.
    pub(crate) read: Vec<String>,
    /// Those of them that the key of the table is computed from.
    pub(crate) key_columns: Vec<String>,
    pub(crate) stored: SchemaRef,
    pub(crate) hasher: Option<Hasher>,
}

/// The columns of a step, compiled for typed rows of its contract.
fn columns(
    session: &SessionContext,
    projection: &[Expr],
    contract: &Contract,
    calendar: &Calendar,
) -> anyhow::Result<Vec<Evaluate>> {
    let reference = TableReference::partial("typed", contract.table.as_str());
    let typed = typed_schema(contract, calendar);
    let schema = DFSchema::try_from_qualified_schema(reference, &typed)?;
    let simplifier = simplifier(&schema);
    let mut columns: Vec<Evaluate> = Vec::with_capacity(projection.len());
    for expr in projection {
        let expr = session::in_microseconds(expr.clone().unalias(), &schema)?;
        columns.push(match Concat::from_expr(&expr, schema.as_arrow()) {
            Some(concat) => Box::new(move |rows| concat.values(rows)),
            // Functions such as `coalesce` exist until they are simplified, and cannot be evaluated.
            None => {
                let expr = simplifier.simplify(simplifier.coerce(expr, &schema)?)?;
                evaluate(session.create_physical_expr(expr, &schema)?)
            }
        });
    }
    Ok(columns)
}

/// The expectations of a step that reject records, compiled for rows of its table.
fn expectations(session: &SessionContext, step: &Step) -> anyhow::Result<Vec<Expectation>> {
    let own = DFSchema::try_from(step.schema.as_ref().clone())?;
    let simplifier = simplifier(&own);
    let mut expectations = Vec::new();
    for expectation in step.model.expectations.iter().filter(|it| it.action == Action::Reject) {
        let condition = session.parse_sql_expr(&expectation.rule, &own)?;
        let condition = session::in_microseconds(condition, &own)?;
        let condition = simplifier.simplify(simplifier.coerce(condition, &own)?)?;
        let condition = with_durations(condition)?;
        let condition = evaluate(session.create_physical_expr(condition, &own)?);
        expectations.push(Expectation { name: expectation.name.clone(), condition });
    }
    Ok(expectations)
}

fn simplifier(schema: &DFSchema) -> ExprSimplifier {
    ExprSimplifier::new(SimplifyContext::builder().with_schema(Arc::new(schema.clone())).build())
}

fn evaluate(expr: Arc<dyn PhysicalExpr>) -> Evaluate {
    Box::new(move |rows| Ok(expr.evaluate(rows)?.into_array(rows.num_rows())?))
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
        let projection = step.projection.as_deref().context("not a cleaning step")?;
        let contract = &needed(contract, projection);
        let calendar = &context.plant.calendar;
        let selection = Selection {
            schema: step.schema.clone(),
            columns: columns(&session, projection, contract, calendar)?,
            expectations: expectations(&session, step)?,
            key: step.model.key.clone(),
        };
        let hasher = match contract.supersede {
            Supersede::Key | Supersede::Never => Some(Hasher::new(&step.schema, &step.model.key)?),
            Supersede::Dump => None,
        };
        let cleaner = Cleaner::new(contract, calendar, selection);
        Ok(Self {
            lake,
            model: &step.model,
            table,
            stored: cleaner.schema().clone(),
            cleaner,
            read: bronze_columns(contract),
            key_columns: key_columns(step, contract, projection),
            hasher,
        })
    }

    /// Types, projects and checks one bronze batch.
    pub(crate) fn clean(&self, bronze: &RecordBatch) -> anyhow::Result<Cleaned> {
        self.cleaner.clean(bronze, None)
    }

    /// [`Cleaning::clean`], with the passes of the dump to resolve times that the clock shows twice.
    pub(crate) fn clean_in_order(
        &self,
        bronze: &RecordBatch,
        passes: Option<&Passes>,
    ) -> anyhow::Result<Cleaned> {
        self.cleaner.clean(bronze, passes)
    }

    /// The stage that parses the texts of the contract's columns.
    pub(crate) fn stage(&self) -> &Stage {
        self.cleaner.stage()
    }
}
