//! Plans the models of a plant: the columns and the lineage of each table, and the order of the steps.

mod model;

use crate::alarm_events;
use crate::kpi::statement::check as check_kpis;
use crate::plan::planner::model::ModelPlanner;
use crate::plan::{Step, equipment};
use crate::retention::check::check as check_retention;
use crate::session;
use batches::dump_columns::with_dump_columns;
use batches::typed;
use config::diagnostic::Diagnostic;
use config::folder::Plant;
use config::model::{Model, TableName};
use config::settings::Limits;
use datafusion::datasource::empty::EmptyTable;
use datafusion::prelude::SessionContext;
use futures::executor::block_on;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// Plans every model of a plant over empty tables. Returns the steps, upstreams first, and every mistake.
pub async fn plan(plant: &Plant) -> anyhow::Result<(Vec<Step>, Vec<Diagnostic>)> {
    let limits = Limits::default();
    let session = session::empty(&limits, session::runtime(&limits)?, 1);
    for contract in plant.contracts.values() {
        let name = TableName::new("typed", &contract.table);
        let schema = with_dump_columns(&typed::schema(contract), contract, plant.zone);
        session::register(&session, &name, Arc::new(EmptyTable::new(schema)))?;
    }
    equipment::register(&session, &plant.equipment)?;
    let of_alarms = Arc::new(EmptyTable::new(alarm_events::schema()));
    session::register(&session, &alarm_events::name(), of_alarms)?;
    let (mut done, mut names, mut found) = (BTreeSet::new(), Vec::new(), Vec::new());
    for name in plant.models.keys() {
        names.extend(order(plant, name, &mut Vec::new(), &mut done, &mut found));
    }
    let mut planner = Planner { plant, session, steps: BTreeMap::new(), found };
    planner.plan_all(&names)?;
    let Planner { session, mut steps, mut found, .. } = planner;
    let schemas = steps.iter().map(|(name, it)| (name.clone(), it.schema.clone())).collect();
    found.extend(check_kpis(&session, &plant.kpis, &schemas).await);
    let steps: Vec<Step> = names.iter().filter_map(|name| steps.remove(name)).collect();
    found.extend(check_retention(plant, &steps));
    found.sort();
    Ok((steps, found))
}

/// `name` and the tables it reads, upstreams first, without those in `done`.
fn order(
    plant: &Plant,
    name: &TableName,
    path: &mut Vec<TableName>,
    done: &mut BTreeSet<TableName>,
    found: &mut Vec<Diagnostic>,
) -> Vec<TableName> {
    let Some(model) = plant.models.get(name).filter(|_| !done.contains(name)) else {
        return Vec::new();
    };
    if let Some(at) = path.iter().position(|on_path| on_path == name) {
        let circle: Vec<String> =
            path[at..].iter().chain([name]).map(ToString::to_string).collect();
        let message = format!("tables read each other in a cycle: {}", circle.join(" <- "));
        found.push(diagnostic(
            model,
            1,
            message,
            "Break the cycle: one of them must read a table further upstream.",
        ));
        return Vec::new();
    }
    path.push(name.clone());
    let mut names: Vec<TableName> = Vec::new();
    for upstream in &model.upstreams {
        names.extend(order(plant, upstream, path, done, found));
    }
    path.pop();
    if done.insert(name.clone()) {
        names.push(name.clone());
    }
    names
}

fn diagnostic(
    model: &Model,
    line: usize,
    message: String,
    remedy: impl Into<String>,
) -> Diagnostic {
    let file = format!("{}/{}.sql", model.table.schema, model.table.name);
    Diagnostic { file, line, message, remedy: remedy.into() }
}

struct Planner<'a> {
    plant: &'a Plant,
    /// Tables of the plant, and the models that are planned.
    session: SessionContext,
    steps: BTreeMap<TableName, Step>,
    found: Vec<Diagnostic>,
}

impl Planner<'_> {
    /// Plans the models of these names, which are sorted upstreams first. Models that do not read each other are
    /// planned in parallel.
    fn plan_all(&mut self, names: &[TableName]) -> anyhow::Result<()> {
        let models = &self.plant.models;
        let mut waiting: Vec<&Model> = names.iter().filter_map(|name| models.get(name)).collect();
        while !waiting.is_empty() {
            let unplanned: BTreeSet<&TableName> = waiting.iter().map(|it| &it.table).collect();
            let must_wait =
                |model: &&Model| model.upstreams.iter().any(|it| unplanned.contains(it));
            let (later, ready): (Vec<&Model>, Vec<&Model>) =
                waiting.into_iter().partition(must_wait);
            // Models that read each other in a cycle are never ready; their other mistakes are reported, too.
            let (later, ready) = if ready.is_empty() { (ready, later) } else { (later, ready) };
            for (step, found) in self.plan_in_parallel(&ready) {
                self.found.extend(found);
                let Some(step) = step else { continue };
                let table = Arc::new(EmptyTable::new(step.schema.clone()));
                session::register(&self.session, step.name(), table)?;
                self.steps.insert(step.name().clone(), step);
            }
            waiting = later;
        }
        Ok(())
    }

    /// Plans models whose upstreams are planned, on all processors.
    fn plan_in_parallel(&self, models: &[&Model]) -> Vec<(Option<Step>, Vec<Diagnostic>)> {
        let state = self.session.state();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut planned = Vec::new();
            while let Some(model) = models.get(next.fetch_add(1, Ordering::Relaxed)) {
                let planner = ModelPlanner::new(self.plant, &state, &self.steps, model);
                planned.push(block_on(planner.plan()));
            }
            planned
        };
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let others = processors.min(models.len()).saturating_sub(1);
        thread::scope(|scope| {
            let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
            let mut planned = work();
            for other in others {
                planned.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
            planned
        })
    }
}

#[cfg(test)]
mod tests;
