//! Upkeep: sweeping up what a killed run left behind.

use super::Lake;
use super::lease::Holder;
use super::session::SCHEMAS;
use super::store::TEMPORARY;
use crate::config::model::TableName;
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use std::collections::BTreeSet;

/// Deletes the files a dead holder of the lake wrote and never committed. Files of every other run
/// are left alone, whether committed or not.
pub async fn sweep(lake: &Lake, dead: &Holder) -> anyhow::Result<usize> {
    let mut swept = 0;
    for schema in SCHEMAS {
        for name in lake.table_names(schema).await? {
            swept += sweep_table(lake, &TableName::new(schema, &name), &dead.run).await?;
        }
    }
    Ok(swept + sweep_folder(lake, "_cockpit", &dead.run).await?)
}

async fn sweep_table(lake: &Lake, name: &TableName, run: &str) -> anyhow::Result<usize> {
    let table = lake.table(name)?;
    let (store, _) = table.place();
    let ours = format!("part-{run}-");
    let temporary = format!("{TEMPORARY}{run}-");
    let files: Vec<Key> = store.list(None).map_ok(|it| it.location).try_collect().await?;
    let is_suspect = |file: &&Key| {
        let name = file.filename().unwrap_or_default();
        name.starts_with(&ours) || name.starts_with(&temporary)
    };
    let suspects: Vec<&Key> = files.iter().filter(is_suspect).collect();
    if suspects.is_empty() {
        return Ok(0);
    }
    let committed = committed(lake, name).await?;
    let mut swept = 0;
    for file in suspects {
        if !committed.contains(file.as_ref()) {
            store.delete(file).await?;
            swept += 1;
        }
    }
    Ok(swept)
}

/// Data files the table's log names: active ones, and those removed since, which readers of an
/// older version may still need.
async fn committed(lake: &Lake, name: &TableName) -> anyhow::Result<BTreeSet<String>> {
    let Some(state) = lake.state(name).await? else { return Ok(BTreeSet::new()) };
    let mut committed: BTreeSet<String> = state.files().into_iter().map(|file| file.path).collect();
    committed.extend(lake.table(name)?.removed(&state).await?);
    Ok(committed)
}

async fn sweep_folder(lake: &Lake, folder: &str, run: &str) -> anyhow::Result<usize> {
    let store = lake.location().store();
    let temporary = format!("{TEMPORARY}{run}-");
    let files = store.list(Some(&Key::from(folder))).map_ok(|it| it.location);
    let files: Vec<Key> = files.try_collect().await?;
    let mut swept = 0;
    for file in files.iter().filter(|it| it.filename().is_some_and(|it| it.starts_with(&temporary)))
    {
        store.delete(file).await?;
        swept += 1;
    }
    Ok(swept)
}
