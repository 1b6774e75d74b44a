//! Upkeep: small files made into large ones, what nobody needs any more deleted, and what a killed
//! run left behind swept up.

use super::lease::Holder;
use super::replace::conform;
use super::session::SCHEMAS;
use super::store::TEMPORARY;
use super::table::{Change, REMOVED_KEPT_MS, State};
use super::write::Folder;
use super::{Lake, stream};
use arrow::datatypes::{Field, Schema};
use chrono::TimeDelta;
use config::model::TableName;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as Key;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

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
    let removed = lake.table(name)?.removed(&state).await?;
    committed.extend(removed.into_iter().map(|(path, _)| path));
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

/// Lays the rows of small files of a stream's table into large ones, folder by folder. Rows keep
/// their order; readers of the version before go on with the old files, which lie there for a day.
pub async fn compact(lake: &Lake, name: &TableName) -> anyhow::Result<usize> {
    let Some(mut state) = lake.state(name).await? else { return Ok(0) };
    let mut folders: BTreeMap<Vec<(String, Option<String>)>, Vec<Add>> = BTreeMap::new();
    for file in state.files() {
        let mut values: Vec<_> = file.partition_values.clone().into_iter().collect();
        values.sort();
        folders.entry(values).or_default().push(file);
    }
    let mut merged = 0;
    for files in folders.into_values() {
        let files = small_files(lake, files);
        if files.is_empty() {
            continue;
        }
        merged += files.len();
        state = lay_together(lake, name, &state, files).await?;
        lake.remember(name, state.clone()).await;
    }
    Ok(merged)
}

/// Files of a folder that are to be laid together next; none if there are too few.
fn small_files(lake: &Lake, mut files: Vec<Add>) -> Vec<Add> {
    let most_rows = lake.limits().lake.data_file_rows;
    files.sort_by_cached_key(landed);
    let least = lake.limits().lake.compact_files;
    let counts: Vec<usize> = files.iter().map(|file| rows(file).unwrap_or(most_rows)).collect();
    let chosen = neighbours(&counts, most_rows, least);
    chosen.map(|chosen| files.drain(chosen).collect()).unwrap_or_default()
}

/// Lays the rows of these files into as few as they fill. Returns the table after it.
async fn lay_together(
    lake: &Lake,
    name: &TableName,
    state: &State,
    files: Vec<Add>,
) -> anyhow::Result<State> {
    tracing::debug!(table = %name, files = files.len(), "small files are being laid together");
    let table = lake.table(name)?;
    let folder = files[0].partition_values.iter().find_map(|(column, value)| {
        let value = value.clone()?;
        (column == stream::DAY).then_some(Folder { column: stream::DAY, value })
    });
    // Older files may lack columns the table has by now.
    let of_files = |field: &&Arc<Field>| folder.as_ref().is_none_or(|it| it.column != field.name());
    let schema: Vec<_> = state.schema()?.fields().iter().filter(of_files).cloned().collect();
    let schema = Arc::new(Schema::new(schema));
    let (names, now_ms) = (lake.names(), lake.now_ms());
    let mut writer = table.writer(schema.clone(), lake.sizes(), names, now_ms);
    if let Some(folder) = &folder {
        writer = writer.in_folder(folder.clone());
    }
    for file in &files {
        let mut rows = table.read(file, None, lake.batch_rows()).await?;
        while let Some(batch) = rows.try_next().await? {
            writer.write(&conform(&batch, &schema)?).await?;
        }
    }
    let merged = files.len();
    let change = Change {
        adds: writer.finish().await?,
        removes: files,
        rearranges: true,
        ..Change::default()
    };
    let state = table.commit(Some(state), change, lake.now_ms()).await?;
    tracing::debug!(table = %name, files = merged, "small files were laid together");
    Ok(state)
}

/// Files of a level have at most so many times the rows of the level below.
const LEVEL_GROWTH: usize = 16;

/// The files to merge next, by their rows, in the order in which these came: some that stand side by
/// side, so that rows keep their order, the smallest first. Only so many of about the same size are
/// merged, so that a row is rewritten a few times in its life and not with every merge.
fn neighbours(rows: &[usize], most_rows: usize, least: usize) -> Option<Range<usize>> {
    let level = |rows: usize| rows.max(1).ilog(LEVEL_GROWTH);
    (0..=level(most_rows)).find_map(|highest| {
        let is_small = |rows: usize| rows < most_rows && level(rows) <= highest;
        let mut from = 0;
        rows.chunk_by(|left, right| is_small(*left) == is_small(*right)).find_map(|run| {
            let place = from..from + run.len();
            from = place.end;
            (is_small(run[0]) && run.len() >= least).then_some(place)
        })
    })
}

fn rows(file: &Add) -> Option<usize> {
    let stats: serde_json::Value = serde_json::from_str(file.stats.as_deref()?).ok()?;
    usize::try_from(stats["numRecords"].as_u64()?).ok()
}

/// When a file's rows landed, as far as its statistics tell, then its name: the order in which rows
/// came.
pub fn landed(file: &Add) -> (String, String) {
    let stats: Option<serde_json::Value> =
        file.stats.as_deref().and_then(|stats| serde_json::from_str(stats).ok());
    let least = stats.as_ref().and_then(|it| it["minValues"]["_ingested_at"].as_str());
    (least.unwrap_or_default().to_owned(), file.path.clone())
}

/// Deletes data files that were removed long ago, and entries of the log that a checkpoint stands
/// for. Returns how many files went.
pub async fn forget(lake: &Lake, name: &TableName) -> anyhow::Result<usize> {
    let Some(state) = lake.state(name).await? else { return Ok(0) };
    let table = lake.table(name)?;
    let (store, _) = table.place();
    let before_ms = lake.now_ms() - REMOVED_KEPT_MS;
    let mut gone = 0;
    for (path, removed_ms) in table.removed(&state).await? {
        if removed_ms >= before_ms {
            continue;
        }
        match store.delete(&Key::from(path.as_str())).await {
            Ok(()) => gone += 1,
            // It was deleted before, and the log will forget it in time.
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    gone += forget_uncommitted(lake, name, before_ms).await?;
    gone += table.forget_log(state.version(), lake.now_ms() - state.log_kept_ms()).await?;
    // A busy stream commits so often that to list a day of it takes longer than to read it.
    if let Some(newest) = state.version().checked_sub(lake.limits().lake.log_commits) {
        gone += table.forget_log(newest, lake.now_ms()).await?;
    }
    Ok(gone)
}

/// Deletes files older than `before_ms` that no log names, data and temporary ones: what a killed
/// program wrote that never held the lease, so that nobody knows it is dead. A commit takes minutes
/// at most.
async fn forget_uncommitted(
    lake: &Lake,
    name: &TableName,
    before_ms: i64,
) -> anyhow::Result<usize> {
    let table = lake.table(name)?;
    let (store, _) = table.place();
    let listed: Vec<object_store::ObjectMeta> = store.list(None).try_collect().await?;
    let is_old = |it: &&object_store::ObjectMeta| {
        let name = it.location.filename().unwrap_or_default();
        let is_written = name.starts_with("part-") || name.starts_with(TEMPORARY);
        is_written && it.last_modified.timestamp_millis() < before_ms
    };
    let old: Vec<&object_store::ObjectMeta> = listed.iter().filter(is_old).collect();
    if old.is_empty() {
        return Ok(0);
    }
    let committed = committed(lake, name).await?;
    let mut gone = 0;
    for file in old.iter().filter(|it| !committed.contains(it.location.as_ref())) {
        store.delete(&file.location).await?;
        gone += 1;
    }
    Ok(gone)
}

/// Deletes what nobody needs any more from every table, at most once an hour.
pub async fn forget_all(lake: &Lake) -> anyhow::Result<usize> {
    let now = lake.now();
    {
        let mut last = lake.forgotten_at.lock().await;
        if last.is_some_and(|last| now - last < TimeDelta::hours(1)) {
            return Ok(0);
        }
        *last = Some(now);
    }
    let mut gone = 0;
    for schema in SCHEMAS {
        for name in lake.table_names(schema).await? {
            gone += forget(lake, &TableName::new(schema, &name)).await?;
        }
    }
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Definition;
    use arrow::datatypes::DataType;
    use chrono::{DateTime, Utc};
    use config::location::{self, Purpose};
    use config::settings::Limits;

    #[expect(clippy::disallowed_methods, reason = "the files of the log are written now")]
    fn now() -> DateTime<Utc> {
        Utc::now()
    }

    /// The log of a stream keeps so many commits, however young they are, and what the newest
    /// checkpoint needs; the table stays what it is.
    #[tokio::test]
    async fn a_log_keeps_so_many_commits() {
        let folder = tempfile::tempdir().unwrap();
        let place = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
        let mut limits = Limits::default();
        limits.lake.log_commits = 30;
        let lake = Lake::new(place, limits, "run", now);
        let name = TableName::new("silver", "busy");
        let table = lake.table(&name).unwrap();
        let field = Field::new("a", DataType::Utf8, true);
        let mut definition = Some(Definition {
            schema: Arc::new(Schema::new(vec![field])),
            description: String::new(),
            fingerprint: String::new(),
            partition: None,
        });
        for version in 0..=100 {
            let state = lake.state(&name).await.unwrap();
            let checkpoints = [("topic".to_owned(), version)].into();
            let change = Change { checkpoints, definition: definition.take(), ..Change::default() };
            let state = table.commit(state.as_ref(), change, lake.now_ms()).await.unwrap();
            lake.remember(&name, state).await;
        }
        forget(&lake, &name).await.unwrap();
        let log = std::fs::read_dir(folder.path().join("silver/busy/_delta_log")).unwrap();
        let names = log.map(|file| file.unwrap().file_name().into_string().unwrap());
        let commits = names.filter(|name| name.ends_with(".json")).count();
        // Down to the newest checkpoint that is not among those kept, of one every 20 commits.
        assert!((31..=51).contains(&commits), "{commits} commits are kept");
        let state = lake.table(&name).unwrap().load().await.unwrap().unwrap();
        assert_eq!(state.version(), 100);
        assert_eq!(table.checkpoint(&state, "topic").await.unwrap(), Some(100));
    }

    fn check(rows: &[usize], expected: Option<std::ops::Range<usize>>) {
        assert_eq!(neighbours(rows, 1000, 3), expected, "{rows:?}");
    }

    #[test]
    fn small_neighbours_are_merged_and_rows_keep_their_order() {
        check(&[], None);
        check(&[5, 5], None);
        check(&[5, 5, 5], Some(0..3));
        check(&[300, 5, 5, 5, 300], Some(1..4));
        check(&[5, 5, 1000, 5], None);
        check(&[1000, 1000, 1000], None);
    }

    #[test]
    fn files_that_alternate_in_size_are_merged_too() {
        check(&[5, 20, 5, 20], Some(0..4));
    }
}
