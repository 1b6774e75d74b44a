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
    let mut sources = Sources::default();
    let columns = sources.of_columns(plan);
    let named =
        |numbers: &Numbers| numbers.iter().filter_map(|at| sources.0.get(*at).cloned()).collect();
    columns.iter().map(named).collect()
}

/// The columns of the tables that a plan scans. They are passed on by their numbers: names would be copied for each
/// column of each operator.
#[derive(Default)]
struct Sources(Vec<Source>);

/// Numbers of sources.
type Numbers = BTreeSet<usize>;

impl Sources {
    fn of_columns(&mut self, plan: &LogicalPlan) -> Vec<Numbers> {
        match plan {
            LogicalPlan::TableScan(scan) => {
                let (table, first) = (table_name(&scan.table_name), self.0.len());
                let names = plan.schema().fields().iter().map(|field| field.name().clone());
                self.0.extend(names.map(|name| (table.clone(), name)));
                (first..self.0.len()).map(|at| Numbers::from([at])).collect()
            }
            LogicalPlan::Projection(projection) => {
                self.of_expressions(&mut projection.expr.iter(), &projection.input)
            }
            LogicalPlan::Aggregate(aggregate) => {
                let (groups, values) = (&aggregate.group_expr, &aggregate.aggr_expr);
                self.of_expressions(&mut groups.iter().chain(values), &aggregate.input)
            }
            LogicalPlan::Window(window) => {
                let below = self.of_columns(&window.input);
                let schema = window.input.schema();
                let own: Vec<Numbers> = window
                    .window_expr
                    .iter()
                    .map(|expr| of_expression(expr, schema, &below))
                    .collect();
                below.into_iter().chain(own).collect()
            }
            LogicalPlan::Join(join) => {
                let mut all = self.of_columns(&join.left);
                all.extend(self.of_columns(&join.right));
                all.truncate(plan.schema().fields().len());
                all
            }
            LogicalPlan::Union(union) => {
                let mut all: Vec<Numbers> = Vec::new();
                for input in &union.inputs {
                    let columns = self.of_columns(input);
                    all.resize_with(columns.len(), Numbers::new);
                    all.iter_mut().zip(columns).for_each(|(into, from)| into.extend(from));
                }
                all
            }
            other => match other.inputs().as_slice() {
                [input] => self.of_columns(input),
                _ => vec![Numbers::new(); other.schema().fields().len()],
            },
        }
    }

    fn of_expressions(
        &mut self,
        exprs: &mut dyn Iterator<Item = &Expr>,
        input: &LogicalPlan,
    ) -> Vec<Numbers> {
        let below = self.of_columns(input);
        exprs.map(|expr| of_expression(expr, input.schema(), &below)).collect()
    }
}

fn of_expression(expr: &Expr, schema: &DFSchema, below: &[Numbers]) -> Numbers {
    let at = |column: &Column| schema.maybe_index_of_column(column).and_then(|at| below.get(at));
    expr.column_refs().into_iter().filter_map(at).flatten().copied().collect()
}

/// The table of a reference in a plan.
pub fn table_name(reference: &TableReference) -> TableName {
    TableName::new(reference.schema().unwrap_or("gold"), reference.table())
}
