//! Statements over tables that do not fit into memory.
//!
//! A hash join holds one whole side. DataFusion spills sorts and sums to disk, but not that side, so a
//! join of two large tables has to be one of sorted rows instead. Small tables looked up beside a large
//! one stay hashed: sorting the large one once for each of them would cost more than all the rest.
//!
//! Of several sorts the first one running would take all memory, and those that begin while it holds it
//! would fail instead of spilling. Here each gets the same share, from the first to the last.

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{MemoryLimit, MemoryPool, MemoryReservation};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::joins::{HashJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The rule after which DataFusion knows which side of each join is small.
const AFTER: &str = "join_selection";

/// The rules of DataFusion, and after its choice of joins ours.
pub fn rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    // Before the rule that adds the sorting and parting the joins of sorted rows ask for.
    let at = rules.iter().position(|rule| rule.name() == AFTER).map_or(0, |at| at + 1);
    rules.insert(at, Arc::new(SortedLargeJoins));
    rules
}

/// Makes every hash join whose held side is not known to be small a join of sorted rows.
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

/// The same join of sorted rows, or nothing if the hash join may stay or has no such twin.
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

/// Whether DataFusion, too, would take the rows of a plan into memory without asking.
fn is_small(plan: &dyn ExecutionPlan, config: &ConfigOptions) -> Result<bool> {
    let statistics = StatisticsContext::new().compute(plan, &StatisticsArgs::new())?;
    let limits = &config.optimizer;
    Ok(match (statistics.total_byte_size.get_value(), statistics.num_rows.get_value()) {
        (Some(bytes), _) => *bytes < limits.hash_join_single_partition_threshold,
        (None, Some(rows)) => *rows < limits.hash_join_single_partition_threshold_rows,
        (None, None) => false,
    })
}

/// Sorts and sums a statement may do at once: both sides of some four joins. Their shares are half of
/// the memory; the other half is for what cannot spill, above all for merging what was spilled.
const SPILLING_AT_ONCE: usize = 8;

/// Memory in which everything that can spill gets the same share.
#[derive(Debug)]
pub struct EqualShares {
    bytes: usize,
    used: AtomicUsize,
}

impl EqualShares {
    /// Memory of so many bytes.
    pub fn new(bytes: usize) -> Self {
        Self { bytes, used: AtomicUsize::new(0) }
    }

    /// What one that can spill may hold, in bytes.
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
        let refused = |of: usize| {
            let name = consumer.name();
            let message = format!("{name} wants {additional} bytes more, {of} are to be had");
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

#[cfg(test)]
mod tests {
    use crate::config::model::TableName;
    use crate::config::settings::Limits;
    use crate::lake::session;
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::datasource::MemTable;
    use datafusion::error::Result;
    use datafusion::prelude::SessionContext;
    use std::sync::Arc;

    const ROWS: i64 = 300_000;
    const BATCH_ROWS: usize = 512;
    const ASKED: &str = "SELECT count(*) AS boards, sum(l.id) AS ids, count(small.id) AS found, \
        min(l.text || r.text) AS texts FROM silver.large AS l JOIN silver.other AS r ON r.id = l.id \
        LEFT JOIN silver.small AS small ON small.id = l.id";

    fn limits() -> Limits {
        let mut limits = Limits::default();
        limits.set("memory_bytes", 8 << 20);
        limits.set("batch_rows", BATCH_ROWS as u64);
        limits
    }

    fn register(context: &SessionContext, name: &str, ids: impl Iterator<Item = i64>) {
        let ids: Vec<i64> = ids.collect();
        let batch = |ids: &[i64]| {
            let texts = ids.iter().map(|id| Some(format!("a text as long as texts are, {id}")));
            let columns: [(&str, ArrayRef); 2] = [
                ("text", Arc::new(texts.collect::<StringArray>())),
                ("id", Arc::new(Int64Array::from(ids.to_vec()))),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        let batches: Vec<RecordBatch> = ids.chunks(BATCH_ROWS).map(batch).collect();
        let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
        session::register(context, &TableName::new("silver", name), Arc::new(table)).unwrap();
    }

    async fn asked(context: &SessionContext) -> Result<String> {
        // Every other row of the one is in the other, the other way round.
        register(context, "large", 0..ROWS);
        register(context, "other", (0..ROWS).rev().map(|id| id * 2));
        register(context, "small", 0..10);
        let batches = context.sql(ASKED).await?.collect().await?;
        Ok(pretty_format_batches(&batches)?.to_string())
    }

    #[tokio::test]
    async fn large_tables_are_joined_in_memory_that_holds_neither() {
        let held = session::empty(&limits(), session::runtime(&limits()).unwrap(), 1);
        let error = asked(&held).await.unwrap_err().to_string();
        assert!(error.contains("Resources exhausted"), "{error}");
        let found = ROWS / 2;
        let ids = found * (found - 1);
        let answer = asked(&session::spilling(&limits()).unwrap()).await.unwrap();
        assert!(answer.contains(&format!("| {found} | {ids} | 5 ")), "{answer}");
        assert!(answer.contains("a text as long as texts are, 0a text"), "{answer}");
    }
}
