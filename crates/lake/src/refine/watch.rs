//! The watchdog of refinement: cancels a step that makes no progress.
//!
//! Progress is any activity of the step: its future is woken (by rows, the disk, the network), or a metric
//! of an operator of its statement changes (rows, bytes, compute time). A statement whose tasks deadlock
//! shows neither. A step that waits for its turn is exempt, because the step that holds the turn is
//! watched itself.

use crate::context::LakeContext;
use crate::error::Stalled;

use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use datafusion::physical_plan::{
    ExecutionPlan, SendableRecordBatchStream, collect, execute_stream,
};
use datafusion::prelude::DataFrame;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const CANCELLED: &str = "it was cancelled; the limit is refine_stalled_s";

/// How often a step is sampled within the time limit.
const SAMPLES: u32 = 10;

/// The most operators a report names.
const NAMED_OPERATORS: usize = 4;

/// The most characters of an operator in a report.
const OPERATOR_CHARACTERS: usize = 160;

/// Runs work that belongs to refinement but is not a step; it fails after `refine_stalled_s` without
/// progress. `phase` names it in the error.
pub async fn watched<T>(
    context: &LakeContext,
    phase: &'static str,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    let watch = Watch::default();
    watch.phase(phase);
    match watch.run(stall_limit(context), work).await {
        Ok(done) => done,
        Err(stalled) => Err(anyhow::Error::new(stalled).context(CANCELLED)),
    }
}

/// How long a step may make no progress.
pub fn stall_limit(context: &LakeContext) -> Duration {
    Duration::from_secs(context.lake.limits().refine.refine_stalled_s)
}

/// Watches one step.
#[derive(Debug, Default)]
pub struct Watch {
    wakes: AtomicU64,
    activity: Mutex<Activity>,
}

/// What the step is doing.
#[derive(Debug, Default)]
struct Activity {
    phase: &'static str,
    /// The running statement.
    plan: Option<Arc<dyn ExecutionPlan>>,
    /// Whether the step waits for its turn.
    is_queued: bool,
}

impl Watch {
    /// Records what the step is doing now.
    pub fn phase(&self, phase: &'static str) {
        *self.activity() = Activity { phase, ..Activity::default() };
    }

    /// Runs a statement, whose operators are watched meanwhile, and returns all of its rows.
    pub async fn collect(&self, frame: DataFrame) -> Result<Vec<RecordBatch>, DataFusionError> {
        let context = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await?;
        self.activity().plan = Some(plan.clone());
        let rows = collect(plan, context).await;
        self.activity().plan = None;
        rows
    }

    /// Runs a statement, whose operators are watched until the next phase, and returns a stream of its rows.
    pub async fn stream(
        &self,
        frame: DataFrame,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let context = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await?;
        self.activity().plan = Some(plan.clone());
        execute_stream(plan, context)
    }

    /// Waits for a turn that another step may hold; waiting never counts as a stall.
    pub async fn turn<T>(&self, turn: impl Future<Output = T>) -> T {
        self.activity().is_queued = true;
        let taken = turn.await;
        self.activity().is_queued = false;
        taken
    }

    /// Runs `work` and cancels it after `limit` without progress.
    pub async fn run<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = T>,
    ) -> Result<T, Stalled> {
        let mut work = pin!(work);
        let counted = poll_fn(|context| {
            self.wakes.fetch_add(1, Ordering::Relaxed);
            work.as_mut().poll(context)
        });
        // Polls its future only when that is woken, not when the timer below is.
        let mut woken: FuturesUnordered<_> = std::iter::once(counted).collect();
        tokio::select! {
            Some(done) = woken.next() => Ok(done),
            stalled = self.stalled(limit) => Err(stalled),
        }
    }

    async fn stalled(&self, limit: Duration) -> Stalled {
        let mut seen = self.progress();
        let mut idle_samples = 0;
        while idle_samples < SAMPLES {
            // Samples are counted, not time: suspending the machine is not a stall.
            tokio::time::sleep(limit / SAMPLES).await;
            let now = self.progress();
            let is_alive = now != seen || self.activity().is_queued;
            idle_samples = if is_alive { 0 } else { idle_samples + 1 };
            seen = now;
        }
        let activity = self.activity();
        if let Some(plan) = &activity.plan {
            let plan = DisplayableExecutionPlan::with_metrics(plan.as_ref()).indent(false);
            tracing::info!(%plan, "statement stalled");
        }
        let operators = activity.plan.iter().flat_map(|plan| unfinished(plan.as_ref()));
        Stalled {
            seconds: limit.as_secs(),
            phase: activity.phase,
            operators: operators.take(NAMED_OPERATORS).collect(),
        }
    }

    /// A number that changes with any progress.
    fn progress(&self) -> u64 {
        let plan = self.activity().plan.clone();
        let counted = plan.map_or(0, |plan| counters(plan.as_ref()));
        self.wakes.load(Ordering::Relaxed).wrapping_add(counted)
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All metrics of a plan, mixed into one number.
fn counters(plan: &dyn ExecutionPlan) -> u64 {
    let own = plan.metrics().unwrap_or_default();
    let own = own.iter().map(|metric| metric.value().as_usize() as u64);
    let below = plan.children().into_iter().map(|child| counters(child.as_ref()));
    own.chain(below).fold(0, |mixed, value| mixed.wrapping_mul(31).wrapping_add(value))
}

/// The lowest operators of a plan that have not finished. An operator may record its end too early, so it
/// counts as finished only if all operators below it are.
fn unfinished(plan: &dyn ExecutionPlan) -> Vec<String> {
    let children = plan.children();
    let below: Vec<String> = children.iter().flat_map(|child| unfinished(child.as_ref())).collect();
    let metrics = plan.metrics().unwrap_or_default();
    // A source that records no end may be the one that does not answer.
    let is_over = has_ended(&metrics).unwrap_or(!children.is_empty());
    if below.is_empty() && !is_over { vec![operator(plan, &metrics)] } else { below }
}

/// Whether all partitions of an operator have recorded their end; `None` if it records none.
fn has_ended(metrics: &MetricsSet) -> Option<bool> {
    let ends = metrics.iter().filter_map(|metric| match metric.value() {
        MetricValue::EndTimestamp(at) => Some(at.value().is_some()),
        _ => None,
    });
    ends.reduce(|all, one| all && one)
}

fn operator(plan: &dyn ExecutionPlan, metrics: &MetricsSet) -> String {
    let line = DisplayableExecutionPlan::new(plan).one_line().to_string();
    let line: String = line.trim().chars().take(OPERATOR_CHARACTERS).collect();
    format!("{line} ({} rows so far)", metrics.output_rows().unwrap_or(0))
}

#[cfg(test)]
mod tests;
