//! Column lineage, from the query plan.

use config::model::TableName;
use datafusion::common::{Column, DFSchema, TableReference};
use datafusion::logical_expr::{Expr, LogicalPlan};
use std::collections::BTreeSet;

/// A column of a table.
pub type Source = (TableName, String);

/// For each output column of a plan, the table columns that its value is computed from, without those that
/// only select rows (filters, joins, groupings).
pub fn columns(plan: &LogicalPlan) -> Vec<BTreeSet<Source>> {
    match plan {
        LogicalPlan::TableScan(scan) => {
            let table = table_name(&scan.table_name);
            let source = |name: &String| BTreeSet::from([(table.clone(), name.clone())]);
            plan.schema().fields().iter().map(|field| source(field.name())).collect()
        }
        LogicalPlan::Projection(projection) => sources_of_all(&projection.expr, &projection.input),
        LogicalPlan::Aggregate(aggregate) => {
            let exprs: Vec<Expr> =
                aggregate.group_expr.iter().chain(&aggregate.aggr_expr).cloned().collect();
            sources_of_all(&exprs, &aggregate.input)
        }
        LogicalPlan::Window(window) => {
            let mut all = columns(&window.input);
            all.extend(sources_of_all(&window.window_expr, &window.input));
            all
        }
        LogicalPlan::Join(join) => {
            let mut all = columns(&join.left);
            all.extend(columns(&join.right));
            all.truncate(plan.schema().fields().len());
            all
        }
        LogicalPlan::Union(union) => {
            let mut inputs = union.inputs.iter().map(|input| columns(input));
            let mut all = inputs.next().unwrap_or_default();
            for input in inputs {
                all.iter_mut().zip(input).for_each(|(into, from)| into.extend(from));
            }
            all
        }
        other => match other.inputs().as_slice() {
            [input] => columns(input),
            _ => vec![BTreeSet::new(); other.schema().fields().len()],
        },
    }
}

fn sources_of_all(exprs: &[Expr], input: &LogicalPlan) -> Vec<BTreeSet<Source>> {
    let below = columns(input);
    let schema = input.schema();
    exprs.iter().map(|expr| sources_of(expr, schema, &below)).collect()
}

fn sources_of(expr: &Expr, schema: &DFSchema, below: &[BTreeSet<Source>]) -> BTreeSet<Source> {
    let mut sources = BTreeSet::new();
    let at = |column: &Column| schema.maybe_index_of_column(column).and_then(|at| below.get(at));
    for column in expr.column_refs() {
        sources.extend(at(column).into_iter().flatten().cloned());
    }
    sources
}

/// The table of a reference in a plan.
pub fn table_name(reference: &TableReference) -> TableName {
    TableName::new(reference.schema().unwrap_or("gold"), reference.table())
}
