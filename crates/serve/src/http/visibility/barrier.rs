//! A table that returns its visible rows and no information about the others.
//!
//! A condition in the plan of a query is not sufficient: the optimizer may evaluate an expression of
//! the query before it, and an expression that fails shows the value it failed on. So the rows are
//! filtered within a plan of one node, into which only comparisons of columns with constants are pushed,
//! which cannot fail. The node exposes neither statistics nor metrics.

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, expressions,
};
use std::fmt;
use std::sync::Arc;

/// Operators that have a result for any two values of one type.
const COMPARISONS: [Operator; 8] = [
    Operator::Eq,
    Operator::NotEq,
    Operator::Lt,
    Operator::LtEq,
    Operator::Gt,
    Operator::GtEq,
    Operator::IsDistinctFrom,
    Operator::IsNotDistinctFrom,
];

/// The rows of a table that meet a condition.
#[derive(Debug)]
pub struct Barrier {
    inner: Arc<dyn TableProvider>,
    condition: Expr,
}

impl Barrier {
    /// The rows of `inner` that meet `condition`.
    pub fn new(inner: Arc<dyn TableProvider>, condition: Expr) -> Self {
        Self { inner, condition }
    }

    /// Positions of the columns to read: those of the projection, then those of the condition.
    fn columns(&self, projection: &[usize]) -> Result<Vec<usize>> {
        let schema = self.inner.schema();
        let mut columns = projection.to_vec();
        for column in self.condition.column_refs() {
            let position = schema.index_of(&column.name)?;
            if !columns.contains(&position) {
                columns.push(position);
            }
        }
        Ok(columns)
    }
}

#[async_trait]
impl TableProvider for Barrier {
    fn schema(&self) -> SchemaRef {
        self.inner.schema()
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match cannot_fail(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all = || (0..self.inner.schema().fields().len()).collect();
        let projection: Vec<usize> = projection.cloned().unwrap_or_else(all);
        let columns = self.columns(&projection)?;
        let mut pushed = vec![self.condition.clone()];
        pushed.extend(filters.iter().filter(|it| cannot_fail(it)).cloned());
        // The limit of the query counts rows behind the filter, so it is not passed on.
        let scanned = self.inner.scan(state, Some(&columns), &pushed, None).await?;
        let visible = filtered(state, &self.condition, scanned)?;
        Ok(Arc::new(VisibleRows::new(projected(visible, projection.len())?)))
    }
}

fn filtered(
    state: &dyn Session,
    condition: &Expr,
    input: Arc<dyn ExecutionPlan>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let schema: DFSchema = Schema::clone(&input.schema()).try_into()?;
    let condition = state.create_physical_expr(condition.clone(), &schema)?;
    Ok(Arc::new(FilterExec::try_new(condition, input)?))
}

/// The first `count` columns of a plan.
fn projected(input: Arc<dyn ExecutionPlan>, count: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = input.schema();
    if schema.fields().len() == count {
        return Ok(input);
    }
    let names = schema.fields().iter().take(count).map(|field| field.name().clone());
    let columns = names.enumerate().map(|(position, name)| {
        let column: Arc<dyn PhysicalExpr> = Arc::new(expressions::Column::new(&name, position));
        (column, name)
    });
    Ok(Arc::new(ProjectionExec::try_new(columns.collect::<Vec<_>>(), input)?))
}

/// Whether an expression of a query only compares columns with constants. Such an expression cannot fail
/// on any row, visible or not.
fn cannot_fail(filter: &Expr) -> bool {
    let is_plain = |it: &Expr| matches!(it, Expr::Column(_) | Expr::Literal(..));
    match filter {
        Expr::BinaryExpr(it) if matches!(it.op, Operator::And | Operator::Or) => {
            cannot_fail(&it.left) && cannot_fail(&it.right)
        }
        Expr::BinaryExpr(it) => {
            COMPARISONS.contains(&it.op) && is_plain(&it.left) && is_plain(&it.right)
        }
        Expr::Between(it) => is_plain(&it.expr) && is_plain(&it.low) && is_plain(&it.high),
        Expr::InList(it) => is_plain(&it.expr) && it.list.iter().all(is_plain),
        Expr::IsNull(it) | Expr::IsNotNull(it) => is_plain(it),
        Expr::Not(it) => cannot_fail(it),
        _ => false,
    }
}

/// A plan without children: the rules of the optimizer do not change it.
#[derive(Debug)]
struct VisibleRows {
    plan: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl VisibleRows {
    fn new(plan: Arc<dyn ExecutionPlan>) -> Self {
        let properties = Arc::clone(plan.properties());
        Self { plan, properties }
    }
}

impl DisplayAs for VisibleRows {
    fn fmt_as(&self, _type: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VisibleRows")
    }
}

impl ExecutionPlan for VisibleRows {
    fn name(&self) -> &'static str {
        "VisibleRows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.is_empty() {
            return Ok(self);
        }
        Err(DataFusionError::Internal("VisibleRows has no children".to_owned()))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        self.plan.execute(partition, context)
    }
}
