//! A refinement run: every step of the plant in the order of its upstreams.
//!
//! In: the steps of the plant, upstreams first, and the lake.
//! Out: silver, `silver.rejected` and gold as the newest upstream versions define them.
//! Promise: a step starts after all steps it reads have succeeded; the first error stops those that have
//! not started.

use crate::alarm_events;
use crate::bronze;
use crate::context::LakeContext;
use crate::error::Stalled;
use crate::plan::Step;
use crate::refine::damage::{recover, refuse_missing_bronze, set_aside_damaged_rejected};
use crate::refine::watch::{Watch, stall_limit};
use crate::refine::{Outcome, RefreshMode, clean, derive};
use crate::rejected;
use crate::stream::{rebuild, sink};
use crate::timing;
use anyhow::Context as _;
use config::model::TableName;
use plant::contract::Contract;
use std::collections::{BTreeMap, BTreeSet};
use tokio::task::JoinSet;
use tracing::Instrument as _;

const CANCELLED_TWICE: &str = "it was cancelled twice, and the table is unchanged; the limit is \
    refine_stalled_s";

/// Brings every table up to date. Steps run in parallel where one does not read the other.
pub async fn refine(context: &LakeContext, mode: RefreshMode) -> anyhow::Result<Vec<Outcome>> {
    let prepared = prepare(context, mode);
    crate::refine::watch::watched(context, "checking the tables", prepared).await?;
    run_steps(context, (0..context.steps.len()).collect(), mode).await
}

async fn prepare(context: &LakeContext, mode: RefreshMode) -> anyhow::Result<()> {
    refuse_missing_bronze(context).await?;
    alarm_events::create_if_read(context).await?;
    if mode == RefreshMode::Incremental {
        return context.lake.refuse_foreign_changes(&rejected::name()).await;
    }
    set_aside_damaged_rejected(context).await?;
    // An incremental run checks what it reads; this one reads everything.
    for contract in context.plant.contracts.values() {
        context.lake.refuse_foreign_changes(&bronze::name(contract)).await?;
    }
    Ok(())
}

/// Brings those tables up to date that read streams and the journal of alarms alone.
pub async fn refine_streams(context: &LakeContext) -> anyhow::Result<Vec<Outcome>> {
    alarm_events::create_if_read(context).await?;
    let alarm_events = alarm_events::name();
    let mut included: BTreeSet<&TableName> = BTreeSet::from([&alarm_events]);
    let mut steps = Vec::new();
    // The steps are in the order of their upstreams, so one pass finds all.
    for (at, step) in context.steps.iter().enumerate() {
        let is_source = context.contract(step).is_some_and(Contract::is_stream);
        let needs = &step.model.upstreams;
        if is_source || (!needs.is_empty() && needs.iter().all(|it| included.contains(it))) {
            included.insert(step.name());
            steps.push(at);
        }
    }
    run_steps(context, steps, RefreshMode::Incremental).await
}

async fn run_steps(
    context: &LakeContext,
    mut waiting: Vec<usize>,
    mode: RefreshMode,
) -> anyhow::Result<Vec<Outcome>> {
    let mut done: BTreeMap<TableName, Outcome> = BTreeMap::new();
    let mut running = JoinSet::new();
    let slots = context.lake.limits().refine.refine_steps;
    let own: BTreeSet<&TableName> = waiting.iter().map(|at| context.steps[*at].name()).collect();
    loop {
        let is_ready = |at: &usize| {
            let mut needs = context.steps[*at].model.upstreams.iter();
            needs.all(|upstream| !own.contains(upstream) || done.contains_key(upstream))
        };
        while running.len() < slots
            && let Some(next) = waiting.iter().position(is_ready)
        {
            let (step, context) = (waiting.remove(next), context.clone());
            running.spawn(async move { run_step(&context, step, mode).await });
        }
        let Some(outcome) = running.join_next().await else { break };
        let outcome = outcome.context("a refinement step was cancelled")??;
        done.insert(outcome.table.clone(), outcome);
    }
    Ok(done.into_values().collect())
}

async fn run_step(context: &LakeContext, at: usize, mode: RefreshMode) -> anyhow::Result<Outcome> {
    let step = &context.steps[at];
    let span = timing::part_of("other work of the step", step.name());
    let mut outcome = run_watched(context, step, mode).instrument(span).await;
    if let Err(error) = outcome {
        outcome = match recover(context, step, mode, error).await {
            Some(error) => Err(error),
            None => run_watched(context, step, mode).await,
        };
    }
    let outcome = outcome.with_context(|| format!("refining {}", step.name()))?;
    tracing::info!(table = %step.name(), is_changed = outcome.is_changed, "table refined");
    Ok(outcome)
}

/// Runs a step under the watchdog. A step that makes no progress for `refine_stalled_s` is cancelled,
/// which leaves its table as it was, and runs once more; the second time it fails.
async fn run_watched(
    context: &LakeContext,
    step: &Step,
    mode: RefreshMode,
) -> anyhow::Result<Outcome> {
    let limit = stall_limit(context);
    let watch = Watch::default();
    let stalled: Stalled = match watch.run(limit, attempt(context, step, mode, &watch)).await {
        Ok(outcome) => return outcome,
        Err(stalled) => stalled,
    };
    tracing::warn!(table = %step.name(), %stalled, "refinement stalled, retrying once");
    let watch = Watch::default();
    let outcome = watch.run(limit, attempt(context, step, mode, &watch)).await;
    outcome.unwrap_or_else(|stalled| Err(anyhow::Error::new(stalled).context(CANCELLED_TWICE)))
}

async fn attempt(
    context: &LakeContext,
    step: &Step,
    mode: RefreshMode,
    watch: &Watch,
) -> anyhow::Result<Outcome> {
    if mode == RefreshMode::Incremental {
        watch.phase("checking its log");
        context.lake.refuse_foreign_changes(step.name()).await?;
    }
    match context.contract(step) {
        Some(contract) if contract.is_stream() => {
            watch.phase("reading its messages");
            Box::pin(run_stream_step(context, step, contract, mode)).await
        }
        Some(contract) => {
            watch.phase("cleaning its dumps");
            Box::pin(clean::run(context, step, contract, mode)).await
        }
        None => Box::pin(derive::run(context, step, mode, watch)).await,
    }
}

/// The silver rows of a stream are committed with its messages. They are only rebuilt here: in a full
/// refresh, or if the table has another definition.
async fn run_stream_step(
    context: &LakeContext,
    step: &Step,
    contract: &Contract,
    mode: RefreshMode,
) -> anyhow::Result<Outcome> {
    let mut silver = sink::Sink::silver(context, step, contract)?;
    silver.reload(&context.lake).await?;
    let is_changed = mode == RefreshMode::Full || silver.is_outdated();
    if is_changed {
        rebuild::rebuild(context, step, contract).await?;
    }
    Ok(Outcome { is_changed, ..Outcome::untouched(step.name()) })
}
