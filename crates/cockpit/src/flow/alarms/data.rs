//! Conditions on the flow of data: dumps, streams, row balances, disk.

use super::ExpiredOffsets;
use crate::flow::Flow;
use crate::flow::access::local_folder;
use anyhow::Context as _;
use lake::dumps::{self, DumpRow, Status};
use lake::reconciliation;
use live::Live;
use plant::alarm::{DataCondition, DataKind};
use plant::time::{DAY_US, HOUR_US};
use std::collections::BTreeMap;
use std::path::Path;
use watch::evaluate::Observed;

/// The object of conditions on the disk of the lake.
const LAKE: &str = "lake";

/// Time for which expired offsets are counted.
const EXPIRED_WINDOW_US: i64 = DAY_US;

impl Flow {
    /// The values of a condition, and whether objects that are not listed do not meet it.
    pub(super) async fn data_values(
        &self,
        condition: &DataCondition,
        live: &Live,
        expired: &ExpiredOffsets,
        now_us: i64,
    ) -> anyhow::Result<(Vec<Observed>, bool)> {
        let (mut values, is_complete) = match condition.kind {
            DataKind::DumpLate => {
                (self.dump_values(|row| Some(hours_since(row, now_us))).await?, false)
            }
            DataKind::ColumnsChanged => (self.dump_values(changed_columns).await?, false),
            DataKind::RejectedShare => (self.dump_values(rejected_percent).await?, false),
            DataKind::ConsumerLag => (lags(live), false),
            DataKind::ExpiredOffsets => (expired_lately(expired, now_us), true),
            DataKind::RowBalance => (self.unaccounted().await?, true),
            DataKind::DiskFree => (self.disk_free().await?, false),
        };
        values.retain(|observed| condition.objects.matches(&observed.object));
        Ok((values, is_complete))
    }

    /// A value of the newest dump of each table that has dumps.
    async fn dump_values(
        &self,
        value: impl Fn(&DumpRow) -> Option<f64>,
    ) -> anyhow::Result<Vec<Observed>> {
        let rows = dumps::load(self.lake()).await?;
        let mut newest: BTreeMap<&str, &DumpRow> = BTreeMap::new();
        let has_landed = |row: &&DumpRow| matches!(row.status, Status::Landed | Status::Empty);
        for row in rows.iter().filter(has_landed).filter(|row| !row.table_name.is_empty()) {
            let known = newest.entry(&row.table_name).or_insert(row);
            if (row.seen_at, row.dumped_at, row.dump)
                >= (known.seen_at, known.dumped_at, known.dump)
            {
                *known = row;
            }
        }
        let observed = |(table, row): (&str, &DumpRow)| Observed {
            object: table.to_owned(),
            value: value(row),
            evidence: row.column_change.clone().or_else(|| Some(row.file.clone())),
        };
        Ok(newest.into_iter().map(observed).collect())
    }

    /// Records of each table that reconciliation cannot account for.
    async fn unaccounted(&self) -> anyhow::Result<Vec<Observed>> {
        let mut sums: BTreeMap<String, (i64, Option<String>)> = BTreeMap::new();
        for entry in reconciliation::load(self.lake()).await? {
            let (sum, file) = sums.entry(entry.table_name).or_default();
            if !entry.is_balanced {
                let kept = entry.silver + entry.rejected + entry.superseded;
                *sum += (entry.read - entry.bronze).abs() + (entry.bronze - kept).abs();
                *file = Some(entry.file);
            }
        }
        let observed = |(object, (sum, evidence)): (String, (i64, Option<String>))| Observed {
            object,
            value: Some(sum as f64),
            evidence,
        };
        Ok(sums.into_iter().map(observed).collect())
    }

    /// Free space of the disk of a lake on this machine, in percent.
    async fn disk_free(&self) -> anyhow::Result<Vec<Observed>> {
        let Some(folder) = local_folder(&self.lake().location().name) else {
            return Ok(Vec::new());
        };
        let free = tokio::task::spawn_blocking(move || free_percent(&folder)).await??;
        Ok(vec![Observed { object: LAKE.to_owned(), value: Some(free), evidence: None }])
    }
}

fn hours_since(row: &DumpRow, now_us: i64) -> f64 {
    (now_us - row.seen_at.timestamp_micros()) as f64 / HOUR_US as f64
}

/// Changes of the columns of a dump, which its row lists.
fn changed_columns(row: &DumpRow) -> Option<f64> {
    let Some(change) = &row.column_change else { return Some(0.0) };
    Some(change.split("; ").count() as f64)
}

fn rejected_percent(row: &DumpRow) -> Option<f64> {
    let rejected = row.rejected?;
    (row.records > 0).then(|| rejected as f64 / row.records as f64 * 100.0)
}

fn lags(live: &Live) -> Vec<Observed> {
    let observed = |lag: live::PartitionLag| Observed {
        object: format!("{}/{}", lag.topic, lag.partition),
        value: Some(lag.lag_messages as f64),
        evidence: None,
    };
    live.link_state().lags.into_iter().map(observed).collect()
}

fn expired_lately(expired: &ExpiredOffsets, now_us: i64) -> Vec<Observed> {
    let mut expired = expired.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let from_us = now_us - EXPIRED_WINDOW_US;
    expired.retain(|_, found| {
        found.retain(|(at_us, _)| *at_us > from_us);
        !found.is_empty()
    });
    let observed = |(partition, found): (&String, &Vec<(i64, i64)>)| Observed {
        object: partition.clone(),
        value: Some(found.iter().map(|(_, count)| *count as f64).sum()),
        evidence: None,
    };
    expired.iter().map(observed).collect()
}

/// Free space of the file system of a folder in percent.
fn free_percent(folder: &Path) -> anyhow::Result<f64> {
    let existing = folder.ancestors().find(|it| it.exists()).unwrap_or(Path::new("/"));
    let found = rustix::fs::statvfs(existing)
        .with_context(|| format!("cannot read the free space of {}", existing.display()))?;
    let used = found.f_blocks.saturating_sub(found.f_bfree);
    percent(used, found.f_bavail)
        .with_context(|| format!("the file system of {} has no size", existing.display()))
}

/// The share of the available blocks. Blocks that only root may use do not count, as in `df`.
fn percent(used: u64, available: u64) -> Option<f64> {
    let all = used.saturating_add(available);
    (all > 0).then(|| available as f64 / all as f64 * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_the_share_of_the_available_blocks() {
        assert_eq!(percent(600, 200), Some(25.0));
        assert_eq!(percent(0, 0), None);
        let here = free_percent(&std::env::temp_dir().join("absent/folder")).unwrap();
        assert!((0.0..=100.0).contains(&here), "{here}");
    }

    #[test]
    fn expired_offsets_are_counted_for_a_day() {
        let expired = ExpiredOffsets::default();
        expired.lock().unwrap().insert("t/0".to_owned(), vec![(0, 5), (DAY_US / 2, 7)]);
        assert_eq!(expired_lately(&expired, DAY_US / 2)[0].value, Some(12.0));
        assert_eq!(expired_lately(&expired, DAY_US + 1)[0].value, Some(7.0));
        assert!(expired_lately(&expired, 2 * DAY_US).is_empty());
    }
}
