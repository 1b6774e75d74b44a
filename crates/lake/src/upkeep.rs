//! Upkeep: compacts small files, deletes unreferenced files and old log entries, and removes the files of
//! killed runs.

use crate::claims::{CLAIMS, LANDERS};
use crate::delta::replace::conform;
use crate::delta::stats::{FileStats, landing_order};
use crate::delta::store::TEMPORARY;
use crate::delta::table::{Change, REMOVED_KEPT_MS, State};
use crate::delta::write::Folder;
use crate::error::is_commit_conflict;
use crate::lake::Lake;
use crate::lease::Holder;
use crate::session::{self, SCHEMAS};
use crate::stream;
use arrow::datatypes::{Field, Schema};
use chrono::TimeDelta;
use config::model::TableName;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// Deletes the uncommitted files of the dead holder of a lease. Files of other runs stay.
pub async fn delete_uncommitted(lake: &Lake, dead: &Holder) -> anyhow::Result<usize> {
    let mut deleted = 0;
    for schema in SCHEMAS {
        for name in session::table_names(lake, schema).await? {
            deleted += delete_uncommitted_of_table(lake, &TableName::new(schema, &name), &dead.run)
                .await?;
        }
    }
    Ok(deleted + delete_temporary(lake, "_cockpit", &dead.run).await?)
}

async fn delete_uncommitted_of_table(
    lake: &Lake,
    name: &TableName,
    run: &str,
) -> anyhow::Result<usize> {
    let table = lake.table(name)?;
    let (store, _) = table.store();
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
    let mut deleted = 0;
    for file in suspects {
        if !committed.contains(file.as_ref()) {
            deleted += delete(store.as_ref(), file).await?;
        }
    }
    Ok(deleted)
}

/// Data files that the log of a table references: active ones, and removed ones, which readers of an older
/// version may still need.
async fn committed(lake: &Lake, name: &TableName) -> anyhow::Result<BTreeSet<String>> {
    let Some(state) = lake.state(name).await? else { return Ok(BTreeSet::new()) };
    let mut committed: BTreeSet<String> = state.files().into_iter().map(|file| file.path).collect();
    let removed = lake.table(name)?.removed(&state).await?;
    committed.extend(removed.into_iter().map(|(path, _)| path));
    Ok(committed)
}

async fn delete_temporary(lake: &Lake, folder: &str, run: &str) -> anyhow::Result<usize> {
    let store = lake.location().store();
    let temporary = format!("{TEMPORARY}{run}-");
    let files = store.list(Some(&Key::from(folder))).map_ok(|it| it.location);
    let files: Vec<Key> = files.try_collect().await?;
    let mut deleted = 0;
    for file in files.iter().filter(|it| it.filename().is_some_and(|it| it.starts_with(&temporary)))
    {
        deleted += delete(store.as_ref(), file).await?;
    }
    Ok(deleted)
}

/// Deletes a file, unless another process was faster. Returns how many files were deleted.
async fn delete(store: &dyn ObjectStore, file: &Key) -> anyhow::Result<usize> {
    match store.delete(file).await {
        Ok(()) => Ok(1),
        Err(object_store::Error::NotFound { .. }) => Ok(0),
        Err(error) => Err(error.into()),
    }
}

/// Deletes what killed processes left in `_cockpit` before `before_ms`: temporary files, and claims that no
/// process took over.
async fn delete_left_over(lake: &Lake, before_ms: i64) -> anyhow::Result<usize> {
    let store = lake.location().store();
    let listed: Vec<ObjectMeta> = store.list(Some(&Key::from("_cockpit"))).try_collect().await?;
    let (claims, landers) = (Key::from(CLAIMS), Key::from(LANDERS));
    let is_left = |it: &&ObjectMeta| {
        let is_temporary = it.location.filename().is_some_and(|name| name.starts_with(TEMPORARY));
        let is_claim = it.location.prefix_matches(&claims) || it.location.prefix_matches(&landers);
        (is_temporary || is_claim) && it.last_modified.timestamp_millis() < before_ms
    };
    let mut deleted = 0;
    for file in listed.iter().filter(is_left) {
        deleted += delete(store.as_ref(), &file.location).await?;
    }
    Ok(deleted)
}

/// Compacts small files of the table of a stream into large ones, partition by partition. Rows keep their
/// order; readers of the previous version continue with the old files, which are kept for a day. Returns how
/// many files were merged.
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
        let count = files.len();
        state = match merge_files(lake, name, &state, files).await {
            // Another process has changed these files; the next upkeep compacts what it left.
            Err(error) if is_commit_conflict(&error) => return Ok(merged),
            done => done?,
        };
        merged += count;
        lake.remember(name, state.clone()).await;
    }
    Ok(merged)
}

/// Files of a partition to be merged next; none if there are too few.
fn small_files(lake: &Lake, mut files: Vec<Add>) -> Vec<Add> {
    let most_rows = lake.limits().lake.data_file_rows;
    files.sort_by_cached_key(landing_order);
    let least = lake.limits().lake.compact_files;
    let counts: Vec<usize> =
        files.iter().map(|file| FileStats::from_add(file).rows().unwrap_or(most_rows)).collect();
    let chosen = adjacent_files(&counts, most_rows, least);
    chosen.map(|chosen| files.drain(chosen).collect()).unwrap_or_default()
}

/// Merges files into as few as possible. Returns the table after the commit.
async fn merge_files(
    lake: &Lake,
    name: &TableName,
    state: &State,
    files: Vec<Add>,
) -> anyhow::Result<State> {
    tracing::debug!(table = %name, files = files.len(), "compacting small files");
    let table = lake.table(name)?;
    let folder = files[0].partition_values.iter().find_map(|(column, value)| {
        let value = value.clone()?;
        (column == stream::DAY).then_some(Folder { column: stream::DAY, value })
    });
    // Older files may lack columns that were added since.
    let is_in_files =
        |field: &&Arc<Field>| folder.as_ref().is_none_or(|it| it.column != field.name());
    let schema: Vec<_> = state.schema()?.fields().iter().filter(is_in_files).cloned().collect();
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
    tracing::debug!(table = %name, files = merged, "small files compacted");
    Ok(state)
}

/// Files of one level have at most this many times the rows of the level below.
const LEVEL_GROWTH: usize = 16;

/// The files to merge next, by their number of rows in landing order: adjacent ones, so that rows keep their
/// order, and the smallest first. Only files of about the same size are merged, so that a row is rewritten a
/// few times in total and not with every merge.
fn adjacent_files(rows: &[usize], most_rows: usize, least: usize) -> Option<Range<usize>> {
    let level = |rows: usize| rows.max(1).ilog(LEVEL_GROWTH);
    (0..=level(most_rows)).find_map(|highest| {
        let is_small = |rows: usize| rows < most_rows && level(rows) <= highest;
        let mut from = 0;
        rows.chunk_by(|left, right| is_small(*left) == is_small(*right)).find_map(|run| {
            let range = from..from + run.len();
            from = range.end;
            (is_small(run[0]) && run.len() >= least).then_some(range)
        })
    })
}

/// Deletes data files that were removed long ago, and log entries that a checkpoint covers. Returns how many
/// files were deleted.
pub async fn vacuum(lake: &Lake, name: &TableName) -> anyhow::Result<usize> {
    let Some(state) = lake.state(name).await? else { return Ok(0) };
    let table = lake.table(name)?;
    let (store, _) = table.store();
    let before_ms = lake.now_ms() - REMOVED_KEPT_MS;
    // A version that was restored has files again that were removed before.
    let active: BTreeSet<String> = state.files().into_iter().map(|file| file.path).collect();
    let mut deleted = 0;
    for (path, removed_ms) in table.removed(&state).await? {
        if removed_ms >= before_ms || active.contains(&path) {
            continue;
        }
        // If it was deleted before, the log drops its tombstone later.
        deleted += delete(store.as_ref(), &Key::from(path.as_str())).await?;
    }
    deleted += delete_orphans(lake, name, before_ms).await?;
    deleted += table.delete_log(state.version(), lake.now_ms() - state.log_kept_ms()).await?;
    // A busy stream commits so often that listing a day of its log takes longer than reading it.
    if let Some(newest) = state.version().checked_sub(lake.limits().lake.log_commits) {
        deleted += table.delete_log(newest, lake.now_ms()).await?;
    }
    Ok(deleted)
}

/// Deletes data and temporary files that are older than `before_ms` and that no log references. They belong
/// to a killed process that never held the lease, whose death is not recorded. A commit takes minutes at
/// most, so files of running processes are younger.
async fn delete_orphans(lake: &Lake, name: &TableName, before_ms: i64) -> anyhow::Result<usize> {
    let table = lake.table(name)?;
    let (store, _) = table.store();
    let listed: Vec<ObjectMeta> = store.list(None).try_collect().await?;
    let is_old = |it: &&ObjectMeta| {
        let name = it.location.filename().unwrap_or_default();
        let is_written = name.starts_with("part-") || name.starts_with(TEMPORARY);
        is_written && it.last_modified.timestamp_millis() < before_ms
    };
    let old: Vec<&ObjectMeta> = listed.iter().filter(is_old).collect();
    if old.is_empty() {
        return Ok(0);
    }
    let committed = committed(lake, name).await?;
    let mut deleted = 0;
    for file in old.iter().filter(|it| !committed.contains(it.location.as_ref())) {
        deleted += delete(store.as_ref(), &file.location).await?;
    }
    Ok(deleted)
}

/// [`vacuum`] of every table, at most once an hour, except those that another program has changed: the files that it
/// removed are needed to restore them.
pub async fn vacuum_all(lake: &Lake) -> anyhow::Result<usize> {
    let now = lake.now();
    {
        let mut last = lake.vacuumed_at.lock().await;
        if last.is_some_and(|last| now - last < TimeDelta::hours(1)) {
            return Ok(0);
        }
        *last = Some(now);
    }
    let mut deleted = delete_left_over(lake, lake.now_ms() - REMOVED_KEPT_MS).await?;
    for schema in SCHEMAS {
        for name in session::table_names(lake, schema).await? {
            let name = TableName::new(schema, &name);
            if let Err(error) = lake.refuse_foreign_changes(&name).await {
                tracing::warn!(table = %name, error = format!("{error:#}"), "its files are kept");
                continue;
            }
            deleted += vacuum(lake, &name).await?;
        }
    }
    Ok(deleted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta::table::Definition;
    use arrow::datatypes::DataType;
    use chrono::{DateTime, Utc};
    use config::location::{self, Purpose};
    use config::settings::Limits;

    #[expect(clippy::disallowed_methods, reason = "the files of the log are written now")]
    fn now() -> DateTime<Utc> {
        Utc::now()
    }

    /// The log of a stream keeps `log_commits` commits, however young they are, and those since the newest
    /// checkpoint; the table does not change.
    #[tokio::test]
    async fn a_log_keeps_the_configured_number_of_commits() {
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
        vacuum(&lake, &name).await.unwrap();
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
        assert_eq!(adjacent_files(rows, 1000, 3), expected, "{rows:?}");
    }

    #[test]
    fn small_adjacent_files_are_merged() {
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
