//! Statements over tables that do not fit into memory.
//!
//! A hash join holds one side in memory. DataFusion spills sorts and aggregations to disk, but not that
//! side, so two large tables are joined in parts ([`PartedJoin`]). Joins of a large table with small ones stay
//! hash joins.
//!
//! The first of several sorts would take all memory, and those that start meanwhile would fail instead of
//! spilling. Here each has the same share from the start.
//!
//! A statement in several partitions must not deadlock: see [`SingleRepartitionInput`].

mod parted;
mod parts;
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
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use parted::PartedJoin;
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
    // Before the rules that add operators which a join in parts does not need, and before filters are pushed
    // from one side of a join to the other.
    let at = rules.iter().position(|rule| rule.name() == AFTER).map_or(0, |at| at + 1);
    rules.insert(at, Arc::new(PartedLargeJoins));
    rules
}

/// Replaces every hash join whose left side is not known to be small by one in parts.
#[derive(Debug)]
struct PartedLargeJoins;

impl PhysicalOptimizerRule for PartedLargeJoins {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let parted = plan.transform_up(|plan| {
            let Some(join) = plan.downcast_ref::<HashJoinExec>() else {
                return Ok(Transformed::no(plan));
            };
            // Whether a row with a null matches one of these depends on all parts.
            if join.null_aware || is_small(join.left().as_ref(), config)? {
                return Ok(Transformed::no(plan));
            }
            Ok(Transformed::yes(Arc::new(PartedJoin::new(join.builder().build()?)) as _))
        })?;
        Ok(parted.data)
    }

    fn name(&self) -> &'static str {
        "parted_large_joins"
    }

    fn schema_check(&self) -> bool {
        true
    }
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
