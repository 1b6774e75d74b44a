//! The rule that prevents a deadlock of statements in several partitions.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::Result;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties as _};
use std::sync::Arc;

/// Gives every repartitioning a single input.
///
/// When memory is short, a `RepartitionExec` writes batches to files and sends a marker for each. Its reader
/// reads the files one after the other and waits at the end of the first until it is closed. Two inputs
/// that write at the same time open two files, so the batch of a marker may be in the second one while the
/// reader waits for the first. As soon as each output has something queued, the inputs wait for the readers
/// and the readers for the inputs: a deadlock (DataFusion 55, apache/datafusion#24883). With one input at
/// most one file is open, and the batch of a marker is in it. Operators below and above still run in several
/// partitions; only the distribution of rows among them runs in one.
#[derive(Debug)]
pub struct SingleRepartitionInput;

impl PhysicalOptimizerRule for SingleRepartitionInput {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let single = plan.transform_up(|plan| {
            let Some(repartition) = plan.downcast_ref::<RepartitionExec>() else {
                return Ok(Transformed::no(plan));
            };
            // One that preserves the order of its inputs has separate files for each of them.
            if has_single_input(repartition) || repartition.preserve_order() {
                return Ok(Transformed::no(plan));
            }
            let input = Arc::new(CoalescePartitionsExec::new(repartition.input().clone()));
            let partitioning = repartition.partitioning().clone();
            Ok(Transformed::yes(Arc::new(RepartitionExec::try_new(input, partitioning)?) as _))
        })?;
        Ok(single.data)
    }

    fn name(&self) -> &'static str {
        "single_repartition_input"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether only one task writes to the files of a repartitioning.
pub fn has_single_input(repartition: &RepartitionExec) -> bool {
    repartition.input().output_partitioning().partition_count() < 2
}
