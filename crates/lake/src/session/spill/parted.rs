//! A join of two large inputs in parts.
//!
//! Both inputs are written to disk in parts by the hash of their join key (a Grace hash join). Rows that join
//! are in the same part, so the parts are joined one after the other, each with one side in memory.

use super::parts::{JoinPart, scatter};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExprRef};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::joins::{HashJoinExec, PartitionMode};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::StreamingTableExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, Partitioning, PlanProperties,
};
use futures::{StreamExt as _, TryStreamExt as _};
use std::fmt;
use std::sync::Arc;

/// Rows of the side in memory that a part has on average, as far as statistics know: some 50 MB.
const PART_ROWS: usize = 250_000;

/// Least and most parts. Each side has a file per part.
const PARTS: (usize, usize) = (16, 256);

/// A hash join whose inputs are joined in parts.
#[derive(Debug)]
pub struct PartedJoin {
    join: HashJoinExec,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl PartedJoin {
    pub fn new(join: HashJoinExec) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(join.schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { join, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() }
    }

    /// The expressions that the sides are joined by.
    fn keys(&self) -> (Vec<PhysicalExprRef>, Vec<PhysicalExprRef>) {
        self.join.on().iter().cloned().unzip()
    }

    fn parts(&self) -> Result<usize> {
        let left = self.join.left().as_ref();
        let statistics = StatisticsContext::new().compute(left, &StatisticsArgs::new())?;
        let rows = statistics.num_rows.get_value().copied().unwrap_or(usize::MAX);
        Ok(rows.div_ceil(PART_ROWS).clamp(PARTS.0, PARTS.1))
    }

    /// The join of one part.
    fn of_part(&self, left: Arc<JoinPart>, right: Arc<JoinPart>) -> Result<HashJoinExec> {
        let source = |part: Arc<JoinPart>, side: &Arc<dyn ExecutionPlan>| -> Result<_> {
            let source =
                StreamingTableExec::try_new(side.schema(), vec![part], None, [], false, None)?;
            Ok(Arc::new(source) as Arc<dyn ExecutionPlan>)
        };
        let sides = vec![source(left, self.join.left())?, source(right, self.join.right())?];
        self.join
            .builder()
            .with_new_children(sides)?
            .with_partition_mode(PartitionMode::CollectLeft)
            .reset_state()
            .recompute_properties()
            .build()
    }
}

impl DisplayAs for PartedJoin {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartedJoin: ")?;
        self.join.fmt_as(kind, f)
    }
}

impl ExecutionPlan for PartedJoin {
    fn name(&self) -> &'static str {
        "PartedJoin"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn required_input_distribution(&self) -> Vec<Distribution> {
        vec![Distribution::SinglePartition; 2]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; 2]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.join.children()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&PhysicalExprRef) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.join.apply_expressions(f)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let join = self.join.builder().with_new_children(children)?.recompute_properties();
        Ok(Arc::new(Self::new(join.build()?)))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition > 0 {
            return Err(DataFusionError::Internal(format!(
                "PartedJoin has no partition {partition}"
            )));
        }
        let own = Arc::new(Self::new(self.join.builder().reset_state().build()?));
        let (left_keys, right_keys) = self.keys();
        let left = self.join.left().execute(0, context.clone())?;
        let right = self.join.right().execute(0, context.clone())?;
        let (parts, metrics) = (self.parts()?, self.metrics.clone());
        let output = BaselineMetrics::new(&self.metrics, 0);
        let joined = futures::stream::once(async move {
            let left = scatter(left, left_keys, parts, &context, &metrics).await?;
            let right = scatter(right, right_keys, parts, &context, &metrics).await?;
            let parts = futures::stream::iter(left.into_iter().zip(right));
            let joined = parts
                .map(move |(left, right)| own.of_part(left, right)?.execute(0, context.clone()));
            Ok::<_, DataFusionError>(joined.try_flatten())
        });
        let joined = joined.try_flatten().inspect_ok(move |batch| {
            output.record_output(batch.num_rows());
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), joined)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}
