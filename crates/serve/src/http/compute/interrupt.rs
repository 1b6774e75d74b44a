//! Ends computations between two points at which they return to their thread.
//!
//! A task that is cancelled ends when it returns to the runtime the next time. An operator that reads or joins batches
//! without results, such as a join whose condition is never true, may not return for hours. So inputs, joins and the
//! conditions of joins check whether their statement was cancelled.

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, FieldRef, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode as _, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::coop::make_cooperative;
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{NestedLoopJoinExec, NestedLoopJoinExecBuilder};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt as _;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a statement was cancelled.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

/// Cancels a statement when it is dropped.
#[derive(Debug)]
pub struct InterruptOnDrop(pub Interrupt);

impl Drop for InterruptOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl Interrupt {
    fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(DataFusionError::Execution("the statement was cancelled".to_owned()));
        }
        Ok(())
    }

    /// `plan`, which ends soon after the statement was cancelled.
    ///
    /// # Errors
    /// The plan cannot be built again.
    pub fn guard(&self, plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        let guarded = plan.transform_up(|node| {
            if node.children().len() == 1 {
                return Ok(Transformed::no(node));
            }
            let node = self.with_checked_condition(node)?;
            Ok(Transformed::yes(Arc::new(Checked { inner: node, interrupt: self.clone() })))
        });
        guarded.map(|it| it.data)
    }

    /// The node; if it is a nested loop join, its condition checks for the cancellation, too.
    fn with_checked_condition(
        &self,
        node: Arc<dyn ExecutionPlan>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(join) = node.downcast_ref::<NestedLoopJoinExec>() else { return Ok(node) };
        let Some(filter) = join.filter() else { return Ok(node) };
        let condition =
            CheckedCondition { inner: Arc::clone(filter.expression()), interrupt: self.clone() };
        let filter = JoinFilter::new(
            Arc::new(condition),
            filter.column_indices().to_vec(),
            Arc::clone(filter.schema()),
        );
        let (left, right) = (Arc::clone(join.left()), Arc::clone(join.right()));
        let builder = NestedLoopJoinExecBuilder::new(left, right, *join.join_type());
        let projection = join.projection().clone();
        let join = builder.with_filter(Some(filter)).with_projection_ref(projection).build()?;
        Ok(Arc::new(join))
    }
}

/// A node that checks for the cancellation before each batch.
#[derive(Debug)]
struct Checked {
    inner: Arc<dyn ExecutionPlan>,
    interrupt: Interrupt,
}

impl DisplayAs for Checked {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Checked")
    }
}

impl ExecutionPlan for Checked {
    fn name(&self) -> &'static str {
        "Checked"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.inner.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.inner]
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
        let [inner] = <[_; 1]>::try_from(children).map_err(|given: Vec<_>| {
            DataFusionError::Internal(format!("{} inputs instead of one", given.len()))
        })?;
        Ok(Arc::new(Self { inner, interrupt: self.interrupt.clone() }))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let stream = self.inner.execute(partition, context)?;
        let (schema, interrupt) = (stream.schema(), self.interrupt.clone());
        let checked = stream.map(move |batch| interrupt.check().and(batch));
        Ok(make_cooperative(Box::pin(RecordBatchStreamAdapter::new(schema, checked))))
    }
}

/// A condition that fails once the statement was cancelled.
#[derive(Debug, Clone)]
struct CheckedCondition {
    inner: Arc<dyn PhysicalExpr>,
    interrupt: Interrupt,
}

impl PartialEq for CheckedCondition {
    fn eq(&self, other: &Self) -> bool {
        self.inner.eq(&other.inner)
    }
}

impl Eq for CheckedCondition {}

impl Hash for CheckedCondition {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

impl fmt::Display for CheckedCondition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl PhysicalExpr for CheckedCondition {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.inner.data_type(schema)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.inner.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        self.interrupt.check()?;
        self.inner.evaluate(batch)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        self.inner.return_field(schema)
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.inner]
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn PhysicalExpr>>,
    ) -> Result<Arc<dyn PhysicalExpr>> {
        let inner = children.into_iter().next().unwrap_or_else(|| Arc::clone(&self.inner));
        Ok(Arc::new(Self { inner, interrupt: self.interrupt.clone() }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt_sql(f)
    }
}
