//! Deriving: a table that joins and aggregates others is recomputed where its upstreams changed.

use crate::columns::column;
use crate::context::LakeContext;
use crate::delta::replace::{Replacement, Scope, conform};
use crate::delta::table::{Definition, State};
use crate::meta::restatements;
use crate::plan::{Step, equipment};
use crate::refine::change::{changed_rows, values};
use crate::refine::watch::Watch;
use crate::refine::{Outcome, RefreshMode};
use crate::retention::frozen::FrozenPeriods;
use crate::session;
use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, BooleanArray, RecordBatch};
use batches::{digest, ledger};
use config::definition::{default_parameters, describe_derived, with_parameters};
use config::model::{Model, ParameterValue, TableName, Via};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The part of a table that has to be recomputed.
enum Affected {
    Everything,
    /// Rows whose refresh column has one of these values.
    Values(HashSet<ScalarValue>),
}

/// The upstreams of a table as they are, `None` for one that does not exist yet.
type Upstreams = BTreeMap<TableName, Option<State>>;

/// Brings one derived table up to date with its upstreams.
pub async fn run(
    context: &LakeContext,
    step: &Step,
    mode: RefreshMode,
    watch: &Watch,
) -> anyhow::Result<Outcome> {
    watch.phase("reading the changes of its upstreams");
    let upstreams = upstreams(context, &step.model).await?;
    let sql = with_parameters(&step.model, &parameters(context, &step.model));
    let fingerprint = fingerprint(context, &step.model, &sql);
    let checkpoints = versions(&upstreams)?;
    let since = match mode {
        RefreshMode::Incremental => contained(context, step, &fingerprint, &checkpoints).await?,
        RefreshMode::Full => None,
    };
    if since.as_ref() == Some(&checkpoints) {
        return Ok(Outcome::untouched(step.name()));
    }
    let mut affected = match since {
        Some(since) => affected(context, &step.model, &upstreams, &since).await?,
        None => Affected::Everything,
    };
    // Periods whose rows have expired cannot be recomputed and keep their rows.
    let frozen = FrozenPeriods::of_step(context, step, &upstreams).await?;
    if let (Affected::Values(values), Some(frozen)) = (&mut affected, &frozen) {
        values.retain(|value| !frozen.contains(value));
    }
    let mut rows = rows(context, step, (&sql, &upstreams, &affected), watch).await?;
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
    let replacement = prepare(context, step, (&affected, frozen), rows, definition).await?;
    // Before the commit: if the process dies in between, the restatements are recorded once more for the
    // same version, but no figure changes without a record.
    restatements::record(context, step, &replacement).await?;
    let lake = context.lake.as_ref();
    let table = lake.table(step.name())?;
    let is_changed = replacement.commit(lake, &table, checkpoints).await?;
    Ok(Outcome { is_changed, ..Outcome::untouched(step.name()) })
}

/// The versions of the upstreams that exist.
fn versions(upstreams: &Upstreams) -> anyhow::Result<BTreeMap<String, i64>> {
    let mut versions = BTreeMap::new();
    for (name, upstream) in upstreams {
        if let Some(upstream) = upstream {
            versions.insert(name.to_string(), i64::try_from(upstream.version())?);
        }
    }
    Ok(versions)
}

/// The versions of the upstreams that the table contains; `None` if it has to be recomputed in full.
async fn contained(
    context: &LakeContext,
    step: &Step,
    fingerprint: &str,
    upstreams: &BTreeMap<String, i64>,
) -> anyhow::Result<Option<BTreeMap<String, i64>>> {
    let lake = context.lake.as_ref();
    let state = lake.state(step.name()).await?;
    let Some(state) = state.filter(|state| state.fingerprint() == Some(fingerprint)) else {
        return Ok(None);
    };
    let table = lake.table(step.name())?;
    let mut contained = BTreeMap::new();
    for name in upstreams.keys() {
        if let Some(version) = table.checkpoint(&state, name).await? {
            contained.insert(name.clone(), version);
        }
    }
    Ok(Some(contained))
}

/// Compares the rows with those of the table that they replace.
async fn prepare(
    context: &LakeContext,
    step: &Step,
    (affected, frozen): (&Affected, Option<FrozenPeriods>),
    rows: Vec<RecordBatch>,
    definition: Definition,
) -> anyhow::Result<Replacement> {
    let lake = context.lake.as_ref();
    let table = lake.table(step.name())?;
    let is_affected = |batch: &RecordBatch| affected_rows(batch, &step.model, affected);
    let stays = frozen.as_ref().map(|frozen| |batch: &RecordBatch| frozen.rows(batch));
    let scope = match (affected, &stays) {
        (Affected::Everything, Some(stays)) => Scope::Except(stays),
        (Affected::Everything, None) => Scope::Whole,
        (Affected::Values(values), _) => {
            let column = step.model.refresh.as_deref().unwrap_or_default();
            Scope::Among { column, values, hit: &is_affected }
        }
    };
    Replacement::prepare(lake, &table, scope, rows, definition).await
}

/// The rows of the statement. Hash joins are fastest; if these do not fit into memory, the step waits
/// until it has all of the memory and joins sorted rows, which spill to disk.
async fn rows(
    context: &LakeContext,
    step: &Step,
    (sql, upstreams, affected): (&str, &Upstreams, &Affected),
    watch: &Watch,
) -> anyhow::Result<Vec<RecordBatch>> {
    let joins = JoinMode::Hash;
    let session = session_for(context, &step.model, upstreams, affected, joins).await?;
    let shared = watch.turn(context.memory.read()).await;
    watch.phase("running its statement");
    let mut batches = watch.collect(session.sql(sql).await?).await;
    drop(shared);
    if is_exhausted(&batches) {
        let _alone = watch.turn(context.memory.write()).await;
        watch.phase("running its statement with joins that spill");
        tracing::info!(table = %step.name(), "joins exceed the memory, joining sorted rows");
        let joins = JoinMode::Sorted;
        let session = session_for(context, &step.model, upstreams, affected, joins).await?;
        batches = watch.collect(session.sql(sql).await?).await;
    }
    if is_exhausted(&batches) {
        batches = batches.map_err(|error| with_memory_remedy(context, error));
    }
    let batches = batches?;
    if step.model.is_ledger {
        let calendar = &context.plant.calendar;
        return ledger::close(calendar, &batches, &step.query_schema, &step.schema);
    }
    batches.iter().map(|batch| conform(batch, &step.schema)).collect()
}

fn is_exhausted(batches: &Result<Vec<RecordBatch>, DataFusionError>) -> bool {
    let root = batches.as_ref().err().map(DataFusionError::find_root);
    matches!(root, Some(DataFusionError::ResourcesExhausted(_)))
}

fn with_memory_remedy(context: &LakeContext, error: DataFusionError) -> DataFusionError {
    let bytes = context.lake.limits().refine.memory_bytes;
    let root = error.find_root().strip_backtrace();
    error.context(format!(
        "the statement does not fit into memory_bytes = {bytes}; raise it by COCKPIT_MEMORY_BYTES, or by \
         memory_bytes in [limits] of plant.toml ({root})"
    ))
}

/// How a statement joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JoinMode {
    /// With one side of each join in memory.
    Hash,
    /// With large joins over sorted rows, which spill to disk.
    Sorted,
}

/// Which rows of the table are affected.
fn affected_rows(
    batch: &RecordBatch,
    model: &Model,
    affected: &Affected,
) -> anyhow::Result<BooleanArray> {
    let (Affected::Values(values), Some(refresh)) = (affected, &model.refresh) else {
        return Ok(BooleanArray::from(vec![true; batch.num_rows()]));
    };
    let column = column(batch, refresh)?;
    let mut hits = Vec::with_capacity(column.len());
    for row in 0..column.len() {
        hits.push(values.contains(&ScalarValue::try_from_array(column, row)?));
    }
    Ok(hits.into())
}

/// Differs whenever the same upstreams would give another table.
fn fingerprint(context: &LakeContext, model: &Model, sql: &str) -> String {
    digest::sha256_hex(&describe_derived(&context.plant, model, sql))
}

async fn upstreams(context: &LakeContext, model: &Model) -> anyhow::Result<Upstreams> {
    let mut upstreams = Upstreams::new();
    let stored = model.upstreams.iter().filter(|name| name.schema != equipment::SCHEMA);
    for name in stored {
        upstreams.insert(name.clone(), context.lake.state(name).await?);
    }
    Ok(upstreams)
}

/// The values of the parameters of a model unless a query sets others.
fn parameters(context: &LakeContext, model: &Model) -> BTreeMap<String, ParameterValue> {
    let plant = &context.plant;
    let today = context.lake.now().with_timezone(&plant.zone).date_naive();
    default_parameters(plant, model, today)
}

/// What the changes of the upstreams since the given versions affect.
async fn affected(
    context: &LakeContext,
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
        let schema = &context.schema(name)?;
        let table = context.lake.table(name)?;
        let via = model.via.iter().find(|via| via.table == name.name);
        let leading = via.map_or(refresh, |via| &via.column);
        let has_it = schema.field_with_name(leading).is_ok();
        let leading: &[String] = if has_it { std::slice::from_ref(leading) } else { &[] };
        let changed = changed_rows(&context.lake, &table, state, *from, schema, leading).await?;
        let Some(changed) = changed else { return Ok(Affected::Everything) };
        if changed.iter().all(|batch| batch.num_rows() == 0) {
            continue;
        }
        if let Some(via) = via {
            affected.extend(propagated(context, via, refresh, &changed, upstreams).await?);
        } else if schema.field_with_name(refresh).is_ok() {
            affected.extend(values(&changed, refresh)?);
        } else {
            return Ok(Affected::Everything);
        }
        if affected.len() > context.lake.limits().refine.incremental_max_keys {
            return Ok(Affected::Everything);
        }
    }
    Ok(Affected::Values(affected))
}

/// The refresh values of the rows that a change propagates to through another table.
async fn propagated(
    context: &LakeContext,
    via: &Via,
    refresh: &str,
    changed: &[RecordBatch],
    upstreams: &Upstreams,
) -> anyhow::Result<HashSet<ScalarValue>> {
    let through = upstreams.iter().find(|(name, _)| name.name == via.through);
    let (through, state) = through.with_context(|| format!("table {} is missing", via.through))?;
    let Some(state) = state else { return Ok(HashSet::new()) };
    let keys = values(changed, &via.column)?;
    let lake = context.lake.as_ref();
    let table = lake.table(through)?;
    let columns = [via.column.as_str(), refresh];
    let mut found = HashSet::new();
    for file in state.files() {
        let files = std::slice::from_ref(&file);
        for batch in table.read_all(files, Some(&columns), lake.batch_rows()).await? {
            let (key, value) = (column(&batch, &via.column)?, column(&batch, refresh)?);
            found.extend(matching(key, value, &keys)?);
        }
    }
    Ok(found)
}

/// A session with the upstreams of a model as they are, each filtered to what is affected.
async fn session_for(
    context: &LakeContext,
    model: &Model,
    upstreams: &Upstreams,
    affected: &Affected,
    joins: JoinMode,
) -> anyhow::Result<SessionContext> {
    let lake = context.lake.as_ref();
    let session = match joins {
        JoinMode::Sorted => session::spilling(lake.limits())?,
        JoinMode::Hash => {
            let partitions = std::thread::available_parallelism().map_or(1, usize::from);
            session::empty(lake.limits(), context.runtime.clone(), partitions)
        }
    };
    session::attach(lake, &session);
    equipment::register(&session, &context.plant.equipment)?;
    for (name, state) in upstreams {
        let schema = context.schema(name)?;
        let Some(state) = state else {
            session::register(&session, name, Arc::new(EmptyTable::new(schema)))?;
            continue;
        };
        let provider = lake.table(name)?.provider(state).await?;
        let columns: Vec<&str> =
            schema.fields().iter().map(|field| field.name().as_str()).collect();
        let mut frame = session.read_table(provider)?.select_columns(&columns)?;
        // A table whose changes propagate through another one has rows of other refresh values.
        let is_filtered = !model.via.iter().any(|via| via.table == name.name);
        if let (Affected::Values(values), Some(refresh)) = (affected, &model.refresh)
            && is_filtered
            && schema.field_with_name(refresh).is_ok()
        {
            frame = frame.filter(is_one_of(refresh, values))?;
        }
        session::register(&session, name, frame.into_view())?;
    }
    Ok(session)
}

/// The rows of a model with other parameters than the stored ones, computed when they are collected.
///
/// # Errors
/// Fails if no model makes the table, or a parameter is invalid.
pub async fn recompute(
    context: &LakeContext,
    name: &TableName,
    parameters_by_name: &BTreeMap<String, String>,
) -> anyhow::Result<DataFrame> {
    let model = &context.step(name)?.model;
    let mut values = parameters(context, model);
    for parameter in &model.parameters {
        if let Some(text) = parameters_by_name.get(&parameter.name) {
            values.insert(parameter.name.clone(), parameter.default.parse(text)?);
        }
    }
    let upstreams = upstreams(context, model).await?;
    let everything = Affected::Everything;
    let session = session_for(context, model, &upstreams, &everything, JoinMode::Hash).await?;
    Ok(session.sql(&with_parameters(model, &values)).await?)
}

/// The values in the rows whose key is among `keys`.
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
