//! Deriving: a table that joins and sums others, made anew where its upstreams changed.

use super::change::{changed_rows, values};
use super::watch::Watch;
use super::{Extent, Outcome, Refinery, ledger, restate};
use crate::models::{Step, with_parameters};
use crate::replace::{Replacement, Scope, conform};
use crate::retention::Frozen;
use crate::table::{Definition, State};
use crate::{equipment, session};
use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, BooleanArray, RecordBatch};
use batches::digest;
use config::model::{Model, ParameterDefault, ParameterValue, TableName, Via};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The part of a table that has to be made anew.
enum Affected {
    Everything,
    /// Rows whose refresh column has one of these values.
    Values(HashSet<ScalarValue>),
}

/// Brings one derived table up to its upstreams.
pub async fn run(
    refinery: &Refinery,
    step: &Step,
    extent: Extent,
    watch: &Watch,
) -> anyhow::Result<Outcome> {
    watch.phase("reading what changed in its sources");
    let lake = refinery.lake.as_ref();
    let table = lake.table(step.name())?;
    let state = lake.state(step.name()).await?;
    let upstreams = refinery.upstreams(&step.model).await?;
    let sql = with_parameters(&step.model, &refinery.parameters(&step.model));
    let fingerprint = refinery.fingerprint(&step.model, &sql);
    let mut checkpoints = BTreeMap::new();
    for (name, upstream) in &upstreams {
        if let Some(upstream) = upstream {
            checkpoints.insert(name.to_string(), i64::try_from(upstream.version())?);
        }
    }
    let mut since = None;
    if let Some(state) = state.as_ref().filter(|_| extent == Extent::Changes)
        && state.fingerprint() == Some(fingerprint.as_str())
    {
        let mut contained = BTreeMap::new();
        for name in checkpoints.keys() {
            if let Some(version) = table.checkpoint(state, name).await? {
                contained.insert(name.clone(), version);
            }
        }
        if contained == checkpoints {
            return Ok(Outcome::untouched(step.name()));
        }
        since = Some(contained);
    }
    let mut affected = match since {
        Some(since) => refinery.affected(&step.model, &upstreams, &since).await?,
        None => Affected::Everything,
    };
    // Periods whose rows have expired stay as they are told.
    let frozen = Frozen::of(refinery, step, &upstreams).await?;
    if let (Affected::Values(values), Some(frozen)) = (&mut affected, &frozen) {
        values.retain(|value| !frozen.holds(value));
    }
    let mut rows = rows(refinery, step, (&sql, &upstreams, &affected), watch).await?;
    watch.phase("comparing and writing its rows");
    if let Some(frozen) = &frozen {
        rows = frozen.without(rows)?;
    }
    let definition = Definition {
        schema: step.schema.clone(),
        description: step.model.description.clone(),
        fingerprint,
        partition: None,
    };
    let in_scope = |batch: &RecordBatch| hits(batch, &step.model, &affected);
    let stays = frozen.as_ref().map(|frozen| |batch: &RecordBatch| frozen.rows(batch));
    let scope = match (&affected, &stays) {
        (Affected::Everything, Some(stays)) => Scope::Except(stays),
        (Affected::Everything, None) => Scope::Whole,
        (Affected::Values(values), _) => {
            let column = step.model.refresh.as_deref().unwrap_or_default();
            Scope::Among { column, values, hit: &in_scope }
        }
    };
    let replacement = Replacement::prepare(lake, &table, scope, rows, definition).await?;
    // Before the commit, so that no figure changes without a word of it.
    restate::note(refinery, step, &replacement).await?;
    let is_changed = replacement.commit(lake, &table, checkpoints).await?;
    Ok(Outcome { is_changed, ..Outcome::untouched(step.name()) })
}

/// The rows of the statement. With one side of each join in memory they come fastest; where that does
/// not fit, the step waits until it has the memory for itself and makes them with joins that spill.
async fn rows(
    refinery: &Refinery,
    step: &Step,
    (sql, upstreams, affected): (&str, &Upstreams, &Affected),
    watch: &Watch,
) -> anyhow::Result<Vec<RecordBatch>> {
    let context = refinery.context(&step.model, upstreams, affected, Room::Ample).await?;
    let shared = watch.turn(refinery.memory.read()).await;
    watch.phase("running its statement");
    let mut batches = watch.collect(context.sql(sql).await?).await;
    drop(shared);
    if is_exhausted(&batches) {
        let _alone = watch.turn(refinery.memory.write()).await;
        watch.phase("running its statement with joins that spill");
        tracing::info!(table = %step.name(), "joins do not fit into memory, sorting instead");
        let context = refinery.context(&step.model, upstreams, affected, Room::Scarce).await?;
        batches = watch.collect(context.sql(sql).await?).await;
    }
    if is_exhausted(&batches) {
        let bytes = refinery.lake.limits().refine.memory_bytes;
        let remedy =
            "give it more by COCKPIT_MEMORY_BYTES, or by memory_bytes in [limits] of plant.toml";
        batches = batches.map_err(|error| {
            let root = error.find_root().strip_backtrace();
            error.context(format!("it does not fit into memory_bytes = {bytes}; {remedy} ({root})"))
        });
    }
    let batches = batches?;
    if step.model.is_ledger {
        let calendar = &refinery.plant.calendar;
        return ledger::closed(calendar, &batches, &step.asked, &step.schema);
    }
    batches.iter().map(|batch| conform(batch, &step.schema)).collect()
}

fn is_exhausted(batches: &Result<Vec<RecordBatch>, DataFusionError>) -> bool {
    let root = batches.as_ref().err().map(DataFusionError::find_root);
    matches!(root, Some(DataFusionError::ResourcesExhausted(_)))
}

/// How a statement is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    /// With one side of each join in memory.
    Ample,
    /// With nothing in memory that can be large.
    Scarce,
}

fn hits(batch: &RecordBatch, model: &Model, affected: &Affected) -> anyhow::Result<BooleanArray> {
    let (Affected::Values(values), Some(refresh)) = (affected, &model.refresh) else {
        return Ok(BooleanArray::from(vec![true; batch.num_rows()]));
    };
    let column = batch.column(batch.schema().index_of(refresh)?);
    let mut hits = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        hits.push(values.contains(&ScalarValue::try_from_array(column, row)?));
    }
    Ok(hits.into())
}

type Upstreams = BTreeMap<TableName, Option<State>>;

impl Refinery {
    /// Changes whenever the same upstreams would give another table.
    fn fingerprint(&self, model: &Model, sql: &str) -> String {
        let plant = self.plant.as_ref();
        let mut said = sql.to_owned();
        if model.upstreams.iter().any(|name| name.schema == equipment::SCHEMA) {
            said.push_str(&format!("\n{:?}", plant.equipment));
        }
        if model.is_ledger {
            let (shifts, rests) = (plant.calendar.shifts(), plant.calendar.rests());
            said.push_str(&format!("\n{}\n{shifts:?}\n{rests:?}", plant.zone));
        }
        digest::of_text(&said)
    }

    async fn upstreams(&self, model: &Model) -> anyhow::Result<Upstreams> {
        let mut upstreams = Upstreams::new();
        let stored = model.upstreams.iter().filter(|name| name.schema != equipment::SCHEMA);
        for name in stored {
            upstreams.insert(name.clone(), self.lake.state(name).await?);
        }
        Ok(upstreams)
    }

    /// The values a model's parameters have unless a query sets others.
    pub fn parameters(&self, model: &Model) -> BTreeMap<String, ParameterValue> {
        let today = self.lake.now().with_timezone(&self.plant.zone).date_naive();
        let value = |default| match default {
            ParameterDefault::Today => ParameterValue::Day(today),
            ParameterDefault::TemperatureLimit => {
                ParameterValue::Number(self.plant.temperature.limit_c)
            }
        };
        model.parameters.iter().map(|it| (it.name.clone(), value(it.default))).collect()
    }

    fn step_of(&self, name: &TableName) -> anyhow::Result<&Step> {
        let step = self.steps.iter().find(|step| step.name() == name);
        step.with_context(|| format!("no model makes {name}"))
    }

    /// What a change of the upstreams since the given versions can reach.
    async fn affected(
        &self,
        model: &Model,
        upstreams: &Upstreams,
        since: &BTreeMap<String, i64>,
    ) -> anyhow::Result<Affected> {
        let Some(refresh) = &model.refresh else { return Ok(Affected::Everything) };
        let mut affected = HashSet::new();
        for (name, state) in upstreams {
            let Some(state) = state else { continue };
            let Some(from) = since.get(&name.to_string()) else { return Ok(Affected::Everything) };
            if *from == i64::try_from(state.version())? {
                continue;
            }
            let schema = &self.step_of(name)?.schema;
            let table = self.lake.table(name)?;
            let via = model.via.iter().find(|via| via.table == name.name);
            let leading = via.map_or(refresh, |via| &via.column);
            let has_it = schema.field_with_name(leading).is_ok();
            let leading: &[String] = if has_it { std::slice::from_ref(leading) } else { &[] };
            let changed = changed_rows(&self.lake, &table, state, *from, schema, leading).await?;
            let Some(changed) = changed else { return Ok(Affected::Everything) };
            if changed.iter().all(|batch| batch.num_rows() == 0) {
                continue;
            }
            if let Some(via) = via {
                affected.extend(self.reached(via, refresh, &changed, upstreams).await?);
            } else if schema.field_with_name(refresh).is_ok() {
                affected.extend(values(&changed, refresh)?);
            } else {
                return Ok(Affected::Everything);
            }
            if affected.len() > self.lake.limits().refine.incremental_max_keys {
                return Ok(Affected::Everything);
            }
        }
        Ok(Affected::Values(affected))
    }

    /// The refresh values of the rows that a change reaches through another table.
    async fn reached(
        &self,
        via: &Via,
        refresh: &str,
        changed: &[RecordBatch],
        upstreams: &Upstreams,
    ) -> anyhow::Result<HashSet<ScalarValue>> {
        let through = upstreams.iter().find(|(name, _)| name.name == via.through);
        let (through, state) = through.with_context(|| format!("no table {}", via.through))?;
        let Some(state) = state else { return Ok(HashSet::new()) };
        let keys = values(changed, &via.column)?;
        let table = self.lake.table(through)?;
        let columns = [via.column.as_str(), refresh];
        let mut found = HashSet::new();
        for file in state.files() {
            let files = std::slice::from_ref(&file);
            for batch in table.read_all(files, Some(&columns), self.lake.batch_rows()).await? {
                let schema = batch.schema();
                let key = batch.column(schema.index_of(&via.column)?);
                let value = batch.column(schema.index_of(refresh)?);
                found.extend(matching(key, value, &keys)?);
            }
        }
        Ok(found)
    }

    /// A session with the model's upstreams as they stand, each cut down to what is affected.
    async fn context(
        &self,
        model: &Model,
        upstreams: &Upstreams,
        affected: &Affected,
        room: Room,
    ) -> anyhow::Result<SessionContext> {
        let limits = self.lake.limits();
        let context = match room {
            Room::Scarce => session::spilling(limits)?,
            Room::Ample => {
                let partitions = std::thread::available_parallelism().map_or(1, usize::from);
                session::empty(limits, self.runtime.clone(), partitions)
            }
        };
        self.lake.attach(&context);
        equipment::register(&context, &self.plant.equipment)?;
        for (name, state) in upstreams {
            let schema = self.step_of(name)?.schema.clone();
            let Some(state) = state else {
                session::register(&context, name, Arc::new(EmptyTable::new(schema)))?;
                continue;
            };
            let provider = self.lake.table(name)?.provider(state).await?;
            let columns: Vec<&str> =
                schema.fields().iter().map(|field| field.name().as_str()).collect();
            let mut frame = context.read_table(provider)?.select_columns(&columns)?;
            let is_cut = !model.via.iter().any(|via| via.table == name.name);
            if let (Affected::Values(values), Some(refresh)) = (affected, &model.refresh)
                && is_cut
                && schema.field_with_name(refresh).is_ok()
            {
                frame = frame.filter(is_one_of(refresh, values))?;
            }
            session::register(&context, name, frame.into_view())?;
        }
        Ok(context)
    }

    /// The rows of a model with other parameters than the stored ones, asked now.
    pub async fn recompute(
        &self,
        name: &TableName,
        parameters: &BTreeMap<String, String>,
    ) -> anyhow::Result<DataFrame> {
        let model = &self.step_of(name)?.model;
        let mut values = self.parameters(model);
        for parameter in &model.parameters {
            if let Some(text) = parameters.get(&parameter.name) {
                values.insert(parameter.name.clone(), parameter.default.parse(text)?);
            }
        }
        let upstreams = self.upstreams(model).await?;
        let everything = Affected::Everything;
        let context = self.context(model, &upstreams, &everything, Room::Ample).await?;
        Ok(context.sql(&with_parameters(model, &values)).await?)
    }
}

/// The values beside those keys that are among `keys`.
fn matching(
    key: &ArrayRef,
    value: &ArrayRef,
    keys: &HashSet<ScalarValue>,
) -> anyhow::Result<HashSet<ScalarValue>> {
    let mut found = HashSet::new();
    for row in 0..key.len() {
        if keys.contains(&ScalarValue::try_from_array(key, row)?) {
            found.insert(ScalarValue::try_from_array(value, row)?);
        }
    }
    Ok(found)
}

fn is_one_of(column: &str, values: &HashSet<ScalarValue>) -> Expr {
    let known = values.iter().filter(|value| !value.is_null()).cloned().map(lit).collect();
    let is_known = col(column).in_list(known, false);
    if values.iter().any(ScalarValue::is_null) {
        is_known.or(col(column).is_null())
    } else {
        is_known
    }
}
