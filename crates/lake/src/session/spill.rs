//! Statements over tables that do not fit into memory.
//!
//! A hash join holds one side in memory. DataFusion spills sorts and aggregations to disk, but not that
//! side, so a join of two large tables has to be a sort-merge join. Joins of a large table with small ones
//! stay hash joins: sorting the large one for each of them would cost more than the rest of the statement.
//!
//! The first of several sorts would take all memory, and those that start meanwhile would fail instead of
//! spilling. Here each has the same share from the start.
//!
//! A statement in several partitions must not deadlock: see [`SingleRepartitionInput`].

mod single_input;
#[cfg(test)]
mod tests;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use single_input::SingleRepartitionInput;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The rule after which the small side of each join is on the left.
const AFTER: &str = "join_selection";

/// The first rule after which no operator is added, moved or removed.
const BEFORE: &str = "EnsureCooperative";

/// The rules of DataFusion for statements in several partitions, and the one that prevents their deadlock.
pub fn partitioned_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    let at = rules.iter().position(|rule| rule.name() == BEFORE).unwrap_or(rules.len());
    rules.insert(at, Arc::new(SingleRepartitionInput));
    rules
}

/// [`partitioned_rules`], and after the join selection of DataFusion our own for joins that can spill.
pub fn spilling_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = partitioned_rules();
    // Before the rule that adds the sorts and repartitionings that sort-merge joins require.
    let at = rules.iter().position(|rule| rule.name() == AFTER).map_or(0, |at| at + 1);
    rules.insert(at, Arc::new(SortedLargeJoins));
    rules
}

/// Replaces every hash join whose left side is not known to be small by a sort-merge join.
#[derive(Debug)]
struct SortedLargeJoins;

impl PhysicalOptimizerRule for SortedLargeJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let sorted = plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            Ok(match sorted(join, config)? {
                Some(sorted) => Transformed::yes(sorted),
                None => Transformed::no(plan),
            })
        })?;
        Ok(sorted.data)
    }

    fn name(&self) -> &'static str {
        "sorted_large_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The equivalent sort-merge join; `None` if the hash join may stay or has no equivalent.
fn sorted(join: &HashJoinExec, config: &ConfigOptions) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let is_plain = !join.null_aware && join.projection.is_none();
    if is_small(join.left().as_ref(), config)? || !is_plain {
        return Ok(None);
    }
    Ok(Some(Arc::new(SortMergeJoinExec::try_new(
        join.left().clone(),
        join.right().clone(),
        join.on().to_vec(),
        join.filter().cloned(),
        *join.join_type(),
        vec![Default::default(); join.on().len()],
        join.null_equality(),
    )?)))
}

/// Whether a plan is below the threshold up to which DataFusion collects one side of a join.
fn is_small(plan: &dyn ExecutionPlan, config: &ConfigOptions) -> Result<bool> {
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::new())?;
    let limits = &config.optimizer;
    Ok(match (statistics.total_byte_size.get_value(), statistics.num_rows.get_value()) {
        (Some(bytes), _) => *bytes < limits.hash_join_single_partition_threshold,
        (None, Some(rows)) => *rows < limits.hash_join_single_partition_threshold_rows,
        (None, None) => false,
    })
}

/// Sorts and aggregations of a statement that run at once: both sides of some four joins. They share half
/// of the memory; the other half is for operations that cannot spill, mostly merging spilled rows.
const SPILLING_AT_ONCE: usize = 8;

/// A memory pool in which every consumer that can spill has the same share.
#[derive(Debug)]
pub struct EqualShares {
    bytes: usize,
    used: AtomicUsize,
}

impl EqualShares {
    /// A pool of this size in bytes.
    pub fn new(bytes: usize) -> Self {
        Self { bytes, used: AtomicUsize::new(0) }
    }

    /// The share of a consumer that can spill, in bytes.
    pub fn share_bytes(&self) -> usize {
        self.bytes / SPILLING_AT_ONCE / 2
    }
}

impl fmt::Display for EqualShares {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({} bytes)", self.name(), self.bytes)
    }
}

impl MemoryPool for EqualShares {
    fn name(&self) -> &'static str {
        "equal_shares"
    }

    fn grow(&self, _reservation: &MemoryReservation, additional: usize) {
        self.used.fetch_add(additional, Ordering::Relaxed);
    }

    fn shrink(&self, _reservation: &MemoryReservation, shrink: usize) {
        self.used.fetch_sub(shrink, Ordering::Relaxed);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        let consumer = reservation.consumer();
        let refused = |available: usize| {
            let name = consumer.name();
            let message =
                format!("{name} requests {additional} more bytes, {available} are available");
            Err(DataFusionError::ResourcesExhausted(message))
        };
        if consumer.can_spill() && reservation.size() + additional > self.share_bytes() {
            return refused(self.share_bytes().saturating_sub(reservation.size()));
        }
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(additional).filter(|used| *used <= self.bytes)
        });
        match taken {
            Ok(_) => Ok(()),
            Err(used) => refused(self.bytes.saturating_sub(used)),
        }
    }

    fn reserved(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.bytes)
    }
}
