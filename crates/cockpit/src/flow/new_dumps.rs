//! Files -> bronze: which dumps of the bucket are new.

use super::landing::Others;
use super::{Flow, Report, Watcher};
use anyhow::bail;
use chrono::{DateTime, Utc};
use config::location::Location;
use ingest::files::{self, ListedDump};
use lake::claims::Claims;
use lake::dumps::{DumpRow, KnownDumps, Status, column_changes};
use plant::contract::Contract;
use std::sync::Arc;

const NO_SOURCE: &str = "no bucket is configured: use --bucket URL, COCKPIT_BUCKET, or bucket in plant.toml, --kafka BROKERS to read \
                         messages, or a contract with [sql] or [http]";

impl Flow {
    /// Lands the new dumps of the bucket. Returns the report and all known dumps.
    pub(super) async fn files_to_bronze(
        &self,
        watcher: &Watcher,
        others: Others,
    ) -> anyhow::Result<(Report, KnownDumps)> {
        self.sweep_landers(&Claims::new(self.lake())).await?;
        let mut known = KnownDumps::load(self.lake()).await?;
        let Some(bucket) = &self.bucket else {
            if !self.has_source() {
                bail!("{NO_SOURCE}");
            }
            return Ok((Report::default(), known));
        };
        let contracts: Vec<Arc<Contract>> = self.dump_contracts().cloned().map(Arc::new).collect();
        if contracts.is_empty() {
            // A plant that only reads topics expects no dumps.
            return Ok((Report::default(), known));
        }
        let found = files::list(bucket, &contracts, self.refinery.plant.zone).await?;
        for skipped in bucket.skipped.take_fresh() {
            let (name, reason) = (skipped.name, skipped.reason);
            tracing::warn!(name, reason, "object skipped because of its name");
        }
        if found.is_empty() && known.rows().iter().all(|row| row.status == Status::Unmatched) {
            bail!("{}", self.nothing_found(bucket, &contracts).await);
        }
        let mut report = Report {
            listed: Some(found.iter().map(ListedDump::table_and_key).collect()),
            ..Report::default()
        };
        let watched = (watcher, others);
        self.land_changed(bucket, &contracts, found, &mut known, &mut report, watched).await?;
        report.unmatched = self.note_unmatched(bucket, &contracts, known.rows()).await?;
        Ok((report, known))
    }

    /// Lands those of the listed files that are new, changed or failed before.
    pub(super) async fn land_changed(
        &self,
        bucket: &Location,
        contracts: &[Arc<Contract>],
        found: Vec<ListedDump>,
        known: &mut KnownDumps,
        report: &mut Report,
        watched: (&Watcher, Others),
    ) -> anyhow::Result<()> {
        let newest = known.newest().clone();
        let (new, old): (Vec<ListedDump>, Vec<ListedDump>) = found
            .into_iter()
            .partition(|it| is_new(it, newest.get(&it.table_and_key()), self.began_at));
        report.unchanged = old.len();
        let still_broken = old.iter().filter_map(|it| newest.get(&it.table_and_key()));
        let still_broken = still_broken.filter(|row| row.status == Status::Unreadable);
        report.broken.extend(still_broken.cloned());
        let (new, unfinished) = self.at_rest(bucket, contracts, new).await?;
        report.unfinished = unfinished;
        let landed = self.land_all(bucket, new, known, watched).await?;
        report.read = landed.read;
        report.elsewhere = landed.claimed.len();
        report.changed_columns = column_changes::newly_changed(&report.read, &newest);
        let is_broken = |row: &&DumpRow| matches!(row.status, Status::Unreadable | Status::Failed);
        report.broken.extend(report.read.iter().filter(is_broken).cloned());
        Ok(())
    }
}

/// Whether a dump has to be read: it is new, has changed, or failed last time. One without records is read
/// again by a process that began later, because its contract may have been corrected.
pub(super) fn is_new(found: &ListedDump, known: Option<&DumpRow>, began_at: DateTime<Utc>) -> bool {
    known.is_none_or(|known| {
        let before = (known.size_bytes, known.etag.as_ref(), known.modified_at);
        let is_changed = before != (found.size_bytes, found.etag.as_ref(), found.modified_at);
        match known.status {
            Status::Landed => is_changed,
            Status::Empty | Status::Unreadable => is_changed || known.seen_at < began_at,
            Status::Failed | Status::Unmatched => true,
        }
    })
}
