//! Refinement: bronze -> silver -> gold, each table brought up to the versions of its upstreams.
//!
//! In: the steps of the plant in dependency order, and the lake as it stands.
//! Out: silver, `silver.rejected` and gold as the newest upstream versions make them.
//! Promise: a step reads its checkpoint from its table's last commit and writes it with the rows,
//! so a run may die anywhere; what comes out is what a rebuild from bronze would give.

mod change;
mod clean;
pub(crate) mod cleaning;
mod damage;
mod derive;
mod joined;
mod keyed;
pub(crate) mod keys;
pub(crate) mod ledger;
mod passes;
pub(crate) mod rejected;
pub(crate) mod restate;
mod superseded;
mod versions;
mod watch;
mod whole;

pub use rejected::name as rejected_name;

use super::Lake;
use super::models::Step;
use super::stream::{self, ReadMessages};
use anyhow::Context as _;
use config::folder::Plant;
use config::model::TableName;
use datafusion::execution::runtime_env::RuntimeEnv;
use plant::contract::Contract;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::RwLock;
use tokio::task::JoinSet;
use watch::Watch;

const CUT_OFF: &str = "it was cut off; the limit is refine_stalled_s";
const CUT_OFF_TWICE: &str = "it was cut off twice, and the table is as it was; the limit is \
    refine_stalled_s";

/// What refinement works with.
#[derive(Clone)]
pub struct Refinery {
    pub lake: Arc<Lake>,
    pub plant: Arc<Plant>,
    pub steps: Arc<Vec<Step>>,
    pub runtime: Arc<RuntimeEnv>,
    /// Held by all that makes rows side by side; taken alone by what needs the whole memory.
    pub memory: Arc<RwLock<()>>,
    /// How messages of a stream are read.
    pub read: ReadMessages,
}

/// What one step did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub table: TableName,
    /// Whether any row of the table changed.
    pub is_changed: bool,
    pub repairs: Repairs,
}

impl Outcome {
    fn untouched(table: &TableName) -> Self {
        Self { table: table.clone(), is_changed: false, repairs: Repairs::default() }
    }
}

impl Outcome {
    /// What people should know of the records that were read, in sentences.
    pub fn notes(&self) -> Vec<String> {
        let note = |(column, found): (&String, &Ambiguous)| {
            let (table, times, certain) = (&self.table, found.times, found.times - found.uncertain);
            let mut note = format!(
                "{table}: {times} ambiguous times of {column}, in an hour that the clock shows \
                 twice; the order of the records dates {certain}"
            );
            if found.uncertain > 0 {
                note += &format!(
                    "; {} are uncertain: export times with their UTC offset",
                    found.uncertain
                );
            }
            note
        };
        self.repairs.ambiguous.iter().map(note).collect()
    }
}

/// Texts that could not be read and became unknown, as the contract of their column allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repairs {
    /// Records read.
    pub records: usize,
    /// Repaired texts by bronze column.
    pub columns: BTreeMap<String, usize>,
    /// Times that the clock shows twice, by bronze column.
    pub ambiguous: BTreeMap<String, Ambiguous>,
}

/// Times of one column that the clock of their zone shows twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ambiguous {
    pub times: usize,
    /// Of how many the records do not show which of the two moments they mean.
    pub uncertain: usize,
}

impl Repairs {
    fn add_ambiguous(&mut self, found: &[batches::typed::Ambiguous]) {
        for found in found {
            let sum = self.ambiguous.entry(found.column.clone()).or_default();
            sum.times += found.times;
            sum.uncertain += found.uncertain;
        }
    }

    fn add(&mut self, records: usize, repaired: Vec<(String, usize)>) {
        self.records += records;
        for (column, count) in repaired {
            *self.columns.entry(column).or_default() += count;
        }
    }
}

/// How much of a table is made anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What can have changed since the last checkpoint.
    Changes,
    /// Everything, from bronze.
    Everything,
}

impl Refinery {
    /// Brings every table up to date. Steps run side by side where one does not need the other; the
    /// first error stops those not yet begun.
    pub async fn run(&self, extent: Extent) -> anyhow::Result<Vec<Outcome>> {
        self.watched_work("looking at the tables", self.prepare(extent)).await?;
        self.run_steps((0..self.steps.len()).collect(), extent).await
    }

    async fn prepare(&self, extent: Extent) -> anyhow::Result<()> {
        self.refuse_missing_bronze().await?;
        if extent == Extent::Everything {
            self.set_aside_damaged_rejected().await?;
        }
        Ok(())
    }

    /// Runs work that belongs to refinement and is no step of it; it fails once it has made no progress for
    /// `refine_stalled_s`. `phase` says what it does.
    pub async fn watched_work<T>(
        &self,
        phase: &'static str,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let watch = Watch::default();
        watch.phase(phase);
        match watch.run(self.stalled_after(), work).await {
            Ok(done) => done,
            Err(stalled) => Err(anyhow::Error::new(stalled).context(CUT_OFF)),
        }
    }

    fn stalled_after(&self) -> Duration {
        Duration::from_secs(self.lake.limits().refine.refine_stalled_s)
    }

    /// The silver tables of streams.
    pub fn stream_tables(&self) -> impl Iterator<Item = &TableName> {
        let is_stream = |step: &&Step| {
            let contract = step.model.cleans().and_then(|it| self.plant.contracts.get(it));
            contract.is_some_and(Contract::is_stream)
        };
        self.steps.iter().filter(is_stream).map(Step::name)
    }

    /// Brings those tables up to date that come from streams alone.
    pub async fn run_streams(&self) -> anyhow::Result<Vec<Outcome>> {
        let mut reached: BTreeSet<&TableName> = BTreeSet::new();
        let mut steps = Vec::new();
        // Steps stand in the order of their upstreams.
        for (at, step) in self.steps.iter().enumerate() {
            let contract = step.model.cleans().and_then(|it| self.plant.contracts.get(it));
            let is_source = contract.is_some_and(Contract::is_stream);
            let needs = &step.model.upstreams;
            if is_source || (!needs.is_empty() && needs.iter().all(|it| reached.contains(it))) {
                reached.insert(step.name());
                steps.push(at);
            }
        }
        self.run_steps(steps, Extent::Changes).await
    }

    async fn run_steps(
        &self,
        mut waiting: Vec<usize>,
        extent: Extent,
    ) -> anyhow::Result<Vec<Outcome>> {
        let mut done: BTreeMap<TableName, Outcome> = BTreeMap::new();
        let mut running = JoinSet::new();
        let slots = self.lake.limits().refine.refine_steps;
        let own: BTreeSet<&TableName> = waiting.iter().map(|at| self.steps[*at].name()).collect();
        loop {
            let is_ready = |at: &usize| {
                let mut needs = self.steps[*at].model.upstreams.iter();
                needs.all(|upstream| !own.contains(upstream) || done.contains_key(upstream))
            };
            while running.len() < slots
                && let Some(next) = waiting.iter().position(is_ready)
            {
                let step = waiting.remove(next);
                let refinery = self.clone();
                running.spawn(async move { refinery.step(step, extent).await });
            }
            let Some(outcome) = running.join_next().await else { break };
            let outcome = outcome.context("a refinement step was cut off")??;
            done.insert(outcome.table.clone(), outcome);
        }
        Ok(done.into_values().collect())
    }

    async fn step(&self, at: usize, extent: Extent) -> anyhow::Result<Outcome> {
        let step = &self.steps[at];
        let mut outcome = self.watched(step, extent).await;
        if let Err(error) = outcome {
            outcome = match self.after_failure(step, extent, error).await {
                Some(error) => Err(error),
                None => self.watched(step, extent).await,
            };
        }
        let outcome = outcome.with_context(|| format!("refining {}", step.name()))?;
        tracing::info!(table = %step.name(), is_changed = outcome.is_changed, "table refined");
        Ok(outcome)
    }

    /// Runs a step under the watchdog. One that makes no progress for `refine_stalled_s` is cut off,
    /// which harms nothing, and runs once more; the second time it fails.
    async fn watched(&self, step: &Step, extent: Extent) -> anyhow::Result<Outcome> {
        let limit = self.stalled_after();
        let watch = Watch::default();
        let stalled = match watch.run(limit, self.attempt(step, extent, &watch)).await {
            Ok(outcome) => return outcome,
            Err(stalled) => stalled,
        };
        let table = step.name().to_string();
        tracing::warn!(table, %stalled, "refinement stalled, it is cut off and runs once more");
        let watch = Watch::default();
        let outcome = watch.run(limit, self.attempt(step, extent, &watch)).await;
        outcome.unwrap_or_else(|stalled| Err(anyhow::Error::new(stalled).context(CUT_OFF_TWICE)))
    }

    async fn attempt(&self, step: &Step, extent: Extent, watch: &Watch) -> anyhow::Result<Outcome> {
        match step.model.cleans().and_then(|it| self.plant.contracts.get(it)) {
            Some(contract) if contract.is_stream() => {
                watch.phase("reading its messages");
                Box::pin(self.stream_step(step, contract, extent)).await
            }
            Some(contract) => {
                watch.phase("cleaning its dumps");
                Box::pin(clean::run(self, step, contract, extent)).await
            }
            None => Box::pin(derive::run(self, step, extent, watch)).await,
        }
    }

    /// A stream's silver rows come with its messages. Here they are only made anew, if all is, or
    /// if the table was made by another definition.
    async fn stream_step(
        &self,
        step: &Step,
        contract: &Contract,
        extent: Extent,
    ) -> anyhow::Result<Outcome> {
        let mut silver = stream::sink::Sink::silver(self, step, contract)?;
        silver.reload(&self.lake).await?;
        let is_changed = extent == Extent::Everything || silver.is_outdated();
        if is_changed {
            stream::resume::rebuild(self, step, contract, &self.read).await?;
        }
        Ok(Outcome { is_changed, ..Outcome::untouched(step.name()) })
    }
}
