//! Tables that cannot be read: a derived table is rebuilt, a missing source is reported.

use crate::bronze;
use crate::context::LakeContext;
use crate::dumps::{self, DumpRow, Status};
use crate::error::{Error, Stalled};
use crate::plan::Step;
use crate::refine::RefreshMode;
use crate::refine::watch::watched;
use crate::rejected;
use anyhow::Context as _;
use config::model::TableName;
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use std::collections::BTreeSet;

/// Where the logs of damaged tables are kept, below the lake.
const FOLDER: &str = "_cockpit/damaged";

/// Fails if dumps have landed in a bronze table that does not exist. Refining would take its records as
/// removed and delete what was computed from them.
///
/// # Errors
/// [`Error::BronzeMissing`].
pub async fn refuse_missing_bronze(context: &LakeContext) -> anyhow::Result<()> {
    let lake = &context.lake;
    let mut missing = Vec::new();
    for contract in context.plant.contracts.values().filter(|it| !it.is_stream()) {
        if lake.state(&bronze::name(contract)).await?.is_none() {
            missing.push(contract.table.as_str());
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let landed = dumps::load(lake).await?;
    for table in missing {
        let is_of_table = |row: &&DumpRow| row.table_name == table && row.status == Status::Landed;
        let dumps = landed.iter().filter(is_of_table).count();
        if dumps > 0 {
            let (table, lake) = (table.to_owned(), lake.location().name.clone());
            return Err(Error::BronzeMissing { table, dumps, lake }.into());
        }
    }
    Ok(())
}

/// Why a table cannot be read, `None` if it can. Reads all of it.
async fn damage(context: &LakeContext, name: &TableName) -> Option<anyhow::Error> {
    let lake = &context.lake;
    let read = async {
        let Some(state) = lake.state(name).await? else { return Ok(()) };
        let table = lake.table(name)?;
        for file in state.files() {
            let mut batches = table.read(&file, None, lake.batch_rows()).await?;
            while batches.try_next().await.with_context(|| file.path.clone())?.is_some() {}
        }
        Ok(())
    };
    Box::pin(read).await.err()
}

/// Handles the failure of a step. In a full refresh a damaged table is set aside, and `None` means that
/// the step can run again. Otherwise the error is returned, with a remedy if its table is damaged.
pub async fn recover(
    context: &LakeContext,
    step: &Step,
    mode: RefreshMode,
    error: anyhow::Error,
) -> Option<anyhow::Error> {
    if error.is::<Stalled>() {
        return Some(error);
    }
    let check = async { anyhow::Ok(damage(context, step.name()).await) };
    let Ok(Some(source)) = watched(context, "checking for damage", check).await else {
        return Some(error);
    };
    let table = step.name().clone();
    if mode == RefreshMode::Incremental {
        let remedy = "rebuild it with `cockpit rebuild`".to_owned();
        return Some(Error::Damaged { table, remedy, source }.into());
    }
    if let Some(expiring) = expiring_source(context, step) {
        let remedy = format!(
            "rows of {expiring}, which it was computed from, have expired. Restore {table} from a \
             backup, or delete its folder to rebuild it from the rows that remain"
        );
        return Some(Error::Damaged { table, remedy, source }.into());
    }
    tracing::warn!(%table, damage = format!("{source:#}"), "rebuilding a damaged table");
    set_aside(context, &table).await.err()
}

/// Sets `silver.rejected` aside if it is damaged: every step of a full refresh rewrites its part of it.
pub async fn set_aside_damaged_rejected(context: &LakeContext) -> anyhow::Result<()> {
    let table = rejected::name();
    let Some(source) = damage(context, &table).await else { return Ok(()) };
    tracing::warn!(%table, damage = format!("{source:#}"), "rebuilding a damaged table");
    set_aside(context, &table).await
}

/// A table whose rows expire and that this step reads, directly or not.
fn expiring_source(context: &LakeContext, step: &Step) -> Option<TableName> {
    let plant = &context.plant;
    let mut seen = BTreeSet::new();
    let mut waiting = vec![step.name().clone()];
    while let Some(name) = waiting.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if name != *step.name() && plant.retention.contains_key(&name) {
            return Some(name);
        }
        let Some(model) = plant.models.get(&name) else { continue };
        waiting.extend(model.upstreams.iter().cloned());
        let source = model.cleans().and_then(|it| plant.contracts.get(it));
        waiting.extend(source.map(bronze::name));
    }
    None
}

/// Moves the log of a table to [`FOLDER`], so that the table no longer exists. Upkeep deletes its data
/// files later, as files that no log references.
async fn set_aside(context: &LakeContext, name: &TableName) -> anyhow::Result<()> {
    let lake = &context.lake;
    let store = lake.location().store();
    let log = Key::from_iter([name.schema.as_str(), name.name.as_str(), "_delta_log"]);
    let kept = format!("{FOLDER}/{name}/{}", lake.run());
    let entries: Vec<_> = store.list(Some(&log)).try_collect().await?;
    for entry in entries {
        let from = entry.location;
        let Some(file) = from.filename() else { continue };
        let bytes = store.get(&from).await?.bytes().await?;
        store.put(&Key::from(format!("{kept}/{file}")), bytes.into()).await?;
        store.delete(&from).await?;
    }
    lake.forget(name).await;
    Ok(())
}
