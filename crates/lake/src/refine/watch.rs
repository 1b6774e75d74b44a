//! The watchdog of refinement: notices a step that makes no progress, so that it can be cut off.
//!
//! Progress is any sign of life of the step: it is woken (by rows, by the disk, by the network), or a
//! counter of its statement's operators changes (rows, bytes, time spent computing). A statement whose
//! tasks wait for each other shows neither. A step that waits for its turn is not judged: whoever has the
//! turn is watched itself.

use datafusion::arrow::array::RecordBatch;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use datafusion::physical_plan::{ExecutionPlan, collect};
use datafusion::prelude::DataFrame;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often within the time limit a step is looked at.
const LOOKS: u32 = 10;

/// The most operators a report names.
const NAMED_OPERATORS: usize = 4;

/// The most characters of an operator in a report.
const OPERATOR_CHARACTERS: usize = 160;

/// Watches one step.
#[derive(Debug, Default)]
pub struct Watch {
    wakes: AtomicU64,
    activity: Mutex<Activity>,
}

/// What the step does.
#[derive(Debug, Default)]
struct Activity {
    phase: &'static str,
    /// The statement that is running.
    plan: Option<Arc<dyn ExecutionPlan>>,
    /// Whether the step waits for its turn.
    is_queued: bool,
}

/// A step made no progress for too long.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Stalled {
    /// How long nothing happened, in seconds.
    pub seconds: u64,
    /// What the step was doing.
    pub phase: &'static str,
    /// Operators of its statement that have not finished although all below them have.
    pub operators: Vec<String>,
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no progress for {} s while {}", self.seconds, self.phase)?;
        if self.operators.is_empty() {
            return Ok(());
        }
        write!(f, "; it waits for: {}", self.operators.join("; "))
    }
}

impl Watch {
    /// Notes what the step does now.
    pub fn phase(&self, phase: &'static str) {
        *self.activity() = Activity { phase, ..Activity::default() };
    }

    /// All rows of a statement, whose operators are watched while it runs.
    pub async fn collect(&self, frame: DataFrame) -> Result<Vec<RecordBatch>, DataFusionError> {
        let context = Arc::new(frame.task_ctx());
        let plan = frame.create_physical_plan().await?;
        self.activity().plan = Some(plan.clone());
        let rows = collect(plan, context).await;
        self.activity().plan = None;
        rows
    }

    /// Waits for a turn that another step may have; however long that takes, it is no stall.
    pub async fn turn<T>(&self, turn: impl Future<Output = T>) -> T {
        self.activity().is_queued = true;
        let taken = turn.await;
        self.activity().is_queued = false;
        taken
    }

    /// Runs `work` and cuts it off once it has made no progress for `limit`.
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
        // Polls its future only when that is woken, not whenever the clock below is.
        let mut woken: FuturesUnordered<_> = std::iter::once(counted).collect();
        tokio::select! {
            Some(done) = woken.next() => Ok(done),
            stalled = self.stalled(limit) => Err(stalled),
        }
    }

    async fn stalled(&self, limit: Duration) -> Stalled {
        let mut seen = self.signs_of_life();
        let mut idle_looks = 0;
        while idle_looks < LOOKS {
            // Looks are counted, not hours: a machine that sleeps stalls nothing.
            tokio::time::sleep(limit / LOOKS).await;
            let now = self.signs_of_life();
            let is_alive = now != seen || self.activity().is_queued;
            idle_looks = if is_alive { 0 } else { idle_looks + 1 };
            seen = now;
        }
        let activity = self.activity();
        if let Some(plan) = &activity.plan {
            let plan = DisplayableExecutionPlan::with_metrics(plan.as_ref()).indent(false);
            tracing::info!(%plan, "stalled statement");
        }
        let operators = activity.plan.iter().flat_map(|plan| unfinished(plan.as_ref()));
        Stalled {
            seconds: limit.as_secs(),
            phase: activity.phase,
            operators: operators.take(NAMED_OPERATORS).collect(),
        }
    }

    /// A number that is another one whenever something has happened.
    fn signs_of_life(&self) -> u64 {
        let plan = self.activity().plan.clone();
        let counted = plan.map_or(0, |plan| counters(plan.as_ref()));
        self.wakes.load(Ordering::Relaxed).wrapping_add(counted)
    }

    fn activity(&self) -> MutexGuard<'_, Activity> {
        self.activity.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All counters of a plan, mixed into one number.
fn counters(plan: &dyn ExecutionPlan) -> u64 {
    let own = plan.metrics().unwrap_or_default();
    let own = own.iter().map(|metric| metric.value().as_usize() as u64);
    let below = plan.children().into_iter().map(|child| counters(child.as_ref()));
    own.chain(below).fold(0, |mixed, value| mixed.wrapping_mul(31).wrapping_add(value))
}

/// The lowest operators of a plan that have not finished. An operator may note its end too early, so one
/// counts as finished only if all below it are.
fn unfinished(plan: &dyn ExecutionPlan) -> Vec<String> {
    let children = plan.children();
    let below: Vec<String> = children.iter().flat_map(|child| unfinished(child.as_ref())).collect();
    let metrics = plan.metrics().unwrap_or_default();
    // What reads from outside and notes no end may be what does not answer.
    let is_over = has_ended(&metrics).unwrap_or(!children.is_empty());
    if below.is_empty() && !is_over { vec![operator(plan, &metrics)] } else { below }
}

/// Whether all partitions of an operator have noted their end; `None` if it notes none.
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
