//! Deriving: a table that joins and aggregates others is recomputed where its upstreams changed.

use crate::columns::column;
use crate::context::LakeContext;
use crate::delta::replace::{Begun, Replacement, Scope, conform};
use crate::delta::staged::StagedRows;
use crate::delta::table::{Definition, State};
use crate::meta::restatements;
use crate::plan::{Step, equipment};
use crate::refine::change::{changed_rows, values};
use crate::refine::watch::Watch;
use crate::refine::{Outcome, RefreshMode};
use crate::retention::frozen::FrozenPeriods;
use crate::session;
use crate::timing;
use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, BooleanArray, RecordBatch};
use batches::{digest, ledger};
use config::definition::{default_parameters, describe_derived, with_parameters};
use config::model::{Model, ParameterValue, TableName, Via};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::TryStreamExt as _;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use tracing::Instrument as _;

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
    let definition = Definition {
        schema: step.schema.clone(),
        description: step.model.description.clone(),
        fingerprint,
        partition: None,
    };
    let table = context.lake.table(step.name())?;
    let mut begun = Begun::new(&context.lake, &table, definition).await?;
    if step.model.certify.is_some() {
        begun = begun.holding_rows();
    }
    let source = Source { sql: &sql, upstreams: &upstreams, affected: &affected };
    let computing = compute(context, step, &source, frozen.as_ref(), (&mut begun.rows, watch));
    computing.instrument(timing::part("statement")).await?;
    watch.phase("comparing and writing its rows");
    let comparing = compare(step, begun, &affected, frozen.as_ref());
    let replacement = comparing.instrument(timing::part("comparison")).await?;
    // Before the commit: if the process dies in between, the restatements are recorded once more for the
    // same version, but no figure changes without a record.
    let changes = restatements::changes(context, step, &replacement)?;
    if let Some(state) = &replacement.state {
        restatements::record(context, step, state, changes).await?;
    }
    let committing = replacement.commit(checkpoints).instrument(timing::part("derived write"));
    let is_changed = committing.await?;
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
async fn compare<'a>(
    step: &Step,
    begun: Begun<'a>,
    affected: &Affected,
    frozen: Option<&FrozenPeriods>,
) -> anyhow::Result<Replacement<'a>> {
    let is_affected = |batch: &RecordBatch| affected_rows(batch, &step.model, affected);
    let stays = frozen.map(|frozen| |batch: &RecordBatch| frozen.rows(batch));
    let scope = match (affected, &stays) {
        (Affected::Everything, Some(stays)) => Scope::Except(stays),
        (Affected::Everything, None) => Scope::Whole,
        (Affected::Values(values), _) => {
            let column = step.model.refresh.as_deref().unwrap_or_default();
            Scope::Among { column, values, hit: &is_affected }
        }
    };
    Box::pin(begun.compare(scope)).await
}

/// What the rows of a step are computed from.
struct Source<'a> {
    sql: &'a str,
    upstreams: &'a Upstreams,
    affected: &'a Affected,
}

/// Computes the rows of the statement, without those of frozen periods. Hash joins are fastest; if these do
/// not fit into memory, the step waits until it has all of the memory and joins in parts, which spill to disk.
async fn compute(
    context: &LakeContext,
    step: &Step,
    source: &Source<'_>,
    frozen: Option<&FrozenPeriods>,
    (rows, watch): (&mut StagedRows<'_>, &Watch),
) -> anyhow::Result<()> {
    let session = session_for(context, &step.model, source, JoinMode::Hash).await?;
    let shared = watch.turn(context.memory.read()).await;
    watch.phase("running its statement");
    let run = (&session, source.sql);
    let mut done = collect(context, step, run, frozen, (&mut *rows, watch)).await;
    drop(shared);
    if done.as_ref().is_err_and(is_exhausted) {
        let _alone = watch.turn(context.memory.write()).await;
        watch.phase("running its statement with joins that spill");
        tracing::info!(table = %step.name(), "joins exceed the memory, joining in parts");
        rows.clear().await?;
        let session = session_for(context, &step.model, source, JoinMode::Spilling).await?;
        done = collect(context, step, (&session, source.sql), frozen, (rows, watch)).await;
    }
    done.map_err(|error| with_memory_remedy(context, error))
}

/// Runs the statement in `session` and collects its rows.
async fn collect(
    context: &LakeContext,
    step: &Step,
    (session, sql): (&SessionContext, &str),
    frozen: Option<&FrozenPeriods>,
    (rows, watch): (&mut StagedRows<'_>, &Watch),
) -> anyhow::Result<()> {
    let frame = session.sql(sql).await?;
    if step.model.is_ledger {
        // Claims are laid over each other, so all of them are needed.
        let batches = watch.collect(frame).await?;
        let calendar = &context.plant.calendar;
        for batch in ledger::close(calendar, &batches, &step.query_schema, &step.schema)? {
            rows.push(&without_frozen(batch, frozen)?).await?;
        }
        return Ok(());
    }
    let mut stream = watch.stream(frame).await?;
    while let Some(batch) = stream.try_next().await? {
        let batch = without_frozen(conform(&batch, &step.schema)?, frozen)?;
        rows.push(&batch).instrument(timing::part("derived write")).await?;
    }
    Ok(())
}

fn without_frozen(
    batch: RecordBatch,
    frozen: Option<&FrozenPeriods>,
) -> anyhow::Result<RecordBatch> {
    frozen.map_or_else(|| Ok(batch.clone()), |frozen| frozen.without(&batch))
}

fn is_exhausted(error: &anyhow::Error) -> bool {
    let root = error.downcast_ref::<DataFusionError>().map(DataFusionError::find_root);
    matches!(root, Some(DataFusionError::ResourcesExhausted(_)))
}

fn with_memory_remedy(context: &LakeContext, error: anyhow::Error) -> anyhow::Error {
    if !is_exhausted(&error) {
        return error;
    }
    let bytes = context.lake.limits().refine.memory_bytes;
    error.context(format!(
        "the statement does not fit into memory_bytes = {bytes}; raise it by COCKPIT_MEMORY_BYTES, or by \
         memory_bytes in [limits] of plant.toml"
    ))
}

/// How a statement joins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JoinMode {
    /// With one side of each join in memory.
    Hash,
    /// With large joins in parts, which spill to disk.
    Spilling,
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
    source: &Source<'_>,
    joins: JoinMode,
) -> anyhow::Result<SessionContext> {
    let lake = context.lake.as_ref();
    let session = match joins {
        JoinMode::Spilling => session::spilling(lake.limits())?,
        JoinMode::Hash => {
            let partitions = std::thread::available_parallelism().map_or(1, usize::from);
            session::empty(lake.limits(), context.runtime.clone(), partitions)
        }
    };
    session::attach(lake, &session);
    equipment::register(&session, &context.plant.equipment)?;
    for (name, state) in source.upstreams {
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
        if let (Affected::Values(values), Some(refresh)) = (source.affected, &model.refresh)
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
    let sql = with_parameters(model, &values);
    let upstreams = upstreams(context, model).await?;
    let source = Source { sql: &sql, upstreams: &upstreams, affected: &Affected::Everything };
    let session = session_for(context, model, &source, JoinMode::Hash).await?;
    Ok(session.sql(&sql).await?)
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
