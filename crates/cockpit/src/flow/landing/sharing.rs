//! Dumps are shared with other processes that land from the same bucket: each lands those that it has claimed.

use super::TableLanding;
use crate::flow::new_dumps::is_new;
use crate::flow::{Event, Flow, Watcher};
use config::location::Location;
use futures::StreamExt as _;
use ingest::files::ListedDump;
use lake::claims::{self, Claims};
use lake::dumps::column_changes::LastColumns;
use lake::dumps::{DumpRow, KnownDumps};
use lake::upkeep;
use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::Duration;
use tokio::sync::Mutex;

/// Tables that receive dumps at the same time.
const LANDINGS: usize = 2;

/// Pause before dumps that other processes have claimed are checked again.
const WATCH: Duration = Duration::from_secs(1);

/// What happens with dumps that other processes have claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::flow) enum Others {
    /// The round ends when they have landed, and lands those of processes that fail.
    Wait,
    /// A later round checks them again.
    Leave,
}

/// What the tables of a round share.
struct Sharing<'a> {
    flow: &'a Flow,
    bucket: &'a Location,
    claims: &'a Claims,
    known: Mutex<&'a mut KnownDumps>,
    columns: LastColumns,
    watcher: &'a Watcher,
}

/// The result of landing.
#[derive(Debug, Default)]
pub(in crate::flow) struct Landed {
    /// Dumps that this process has read.
    pub read: Vec<DumpRow>,
    /// Dumps that other processes have claimed.
    pub claimed: Vec<ListedDump>,
}

/// A dump that waits, and the name of the claim on it.
struct Waiting {
    name: String,
    found: ListedDump,
}

impl Waiting {
    fn new(found: ListedDump) -> Self {
        Self { name: claims::name(&found.contract.table, &found.key), found }
    }
}

impl Flow {
    /// Lands dumps: those of one table one after the other, oldest first, different tables in parallel. A
    /// failed dump is recorded and does not stop the others. The rows are saved.
    pub(in crate::flow) async fn land_all(
        &self,
        bucket: &Location,
        new: Vec<ListedDump>,
        known: &mut KnownDumps,
        (watcher, others): (&Watcher, Others),
    ) -> anyhow::Result<Landed> {
        let bytes = new.iter().map(|it| it.size_bytes.unsigned_abs()).sum();
        watcher(Event::Listed { dumps: new.len(), bytes });
        if new.is_empty() {
            return Ok(Landed::default());
        }
        let claims = Claims::new(self.lake());
        let columns = LastColumns::new(known.rows());
        let (claims, known) = (&claims, Mutex::new(&mut *known));
        let sharing = Sharing { flow: self, bucket, claims, known, columns, watcher };
        claims.hold(sharing.land_all(new, others)).await
    }

    /// Deletes what other processes have left that were killed while they landed dumps.
    pub(in crate::flow) async fn sweep_landers(&self, claims: &Claims) -> anyhow::Result<()> {
        for dead in claims.sweep().await? {
            let swept = upkeep::delete_uncommitted(self.lake(), &dead).await?;
            let (host, pid) = (dead.host, dead.pid);
            // A process that is stopped while it lands leaves its claims, too, so this is usual.
            tracing::info!(host, pid, swept, "claims of a process that has ended deleted");
        }
        Ok(())
    }
}

impl Sharing<'_> {
    async fn land_all(&self, new: Vec<ListedDump>, others: Others) -> anyhow::Result<Landed> {
        let mut landed = self.land_once(new).await?;
        while others == Others::Wait && !landed.claimed.is_empty() {
            tokio::time::sleep(WATCH).await;
            self.flow.sweep_landers(self.claims).await?;
            let again = self.land_once(landed.claimed).await?;
            landed.read.extend(again.read);
            landed.claimed = again.claimed;
        }
        landed.read.sort_by(|left, right| left.file.cmp(&right.file));
        Ok(landed)
    }

    async fn land_once(&self, new: Vec<ListedDump>) -> anyhow::Result<Landed> {
        let mut by_table: BTreeMap<String, Vec<ListedDump>> = BTreeMap::new();
        for found in new {
            by_table.entry(found.contract.table.clone()).or_default().push(found);
        }
        let tables = by_table.into_values().map(|waiting| self.land_table(waiting));
        let tables = futures::stream::iter(tables).buffer_unordered(LANDINGS);
        let done: Vec<anyhow::Result<Landed>> = tables.collect().await;
        let mut landed = Landed::default();
        for table in done {
            let table = table?;
            landed.read.extend(table.read);
            landed.claimed.extend(table.claimed);
        }
        Ok(landed)
    }

    /// Lands the dumps of one table that no other process has claimed.
    async fn land_table(&self, dumps: Vec<ListedDump>) -> anyhow::Result<Landed> {
        let columns = dumps.first().and_then(|found| self.columns.table(&found.contract));
        let mut landing = TableLanding::new(self.flow, columns);
        let mut waiting: VecDeque<Waiting> = dumps.into_iter().map(Waiting::new).collect();
        let mut read = Vec::new();
        loop {
            let mine = self.claim_next(&mut waiting).await?;
            if mine.is_empty() {
                let claimed = waiting.into_iter().map(|it| it.found).collect();
                return Ok(Landed { read, claimed });
            }
            landing.refresh().await?;
            for Waiting { found, .. } in &mine {
                let known = self.known.lock().await.newest().get(&found.table_and_key()).cloned();
                let status = landing.land_one(self.bucket, found, known.as_ref()).await;
                let bytes = found.size_bytes.unsigned_abs();
                (self.watcher)(Event::Dump { file: found.key.clone(), bytes, status });
            }
            let rows = landing.close().await;
            self.known.lock().await.save(self.flow.lake(), &rows).await?;
            self.claims.release(mine.into_iter().map(|it| it.name)).await?;
            read.extend(rows);
        }
    }

    /// Claims the next dumps, as many as share a commit, and removes them from those that wait. Dumps that
    /// other processes have landed since are removed, too; what remains at the end is claimed by others.
    async fn claim_next(&self, waiting: &mut VecDeque<Waiting>) -> anyhow::Result<Vec<Waiting>> {
        loop {
            let others = self.claims.all().await?;
            let (chosen, mut claimed) = self.next_commit(waiting, &others).await?;
            if chosen.is_empty() {
                waiting.extend(claimed);
                return Ok(Vec::new());
            }
            let names = chosen.iter().map(|it| it.name.clone()).collect();
            let taken = self.claims.take(names).await?;
            let (mine, lost): (Vec<_>, Vec<_>) =
                chosen.into_iter().partition(|it| taken.contains(&it.name));
            claimed.extend(lost);
            for it in claimed.into_iter().rev() {
                waiting.push_front(it);
            }
            // Another process may have landed them and released its claims before.
            let (mine, landed) = self.still_new(mine).await?;
            self.claims.release(landed.into_iter().map(|it| it.name)).await?;
            if !mine.is_empty() {
                return Ok(mine);
            }
        }
    }

    /// Takes the first dumps that are free and still new, as many as share a commit; and, apart, those before
    /// them that others have claimed.
    async fn next_commit(
        &self,
        waiting: &mut VecDeque<Waiting>,
        others: &HashSet<String>,
    ) -> anyhow::Result<(Vec<Waiting>, Vec<Waiting>)> {
        let limits = &self.flow.lake().limits().ingest;
        let (mut chosen, mut claimed, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut known = self.known.lock().await;
        known.refresh(self.flow.lake()).await?;
        while let Some(next) = waiting.pop_front() {
            if others.contains(&next.name) {
                claimed.push(next);
                continue;
            }
            let row = known.newest().get(&next.found.table_and_key());
            if !is_new(&next.found, row, self.flow.began_at) {
                continue;
            }
            bytes += next.found.size_bytes.unsigned_abs();
            chosen.push(next);
            let is_full = chosen.len() >= limits.land_together_dumps;
            if is_full || bytes >= limits.land_together_bytes as u64 {
                break;
            }
        }
        Ok((chosen, claimed))
    }

    /// Splits dumps into those that are still new, and those that have landed.
    async fn still_new(&self, dumps: Vec<Waiting>) -> anyhow::Result<(Vec<Waiting>, Vec<Waiting>)> {
        let mut known = self.known.lock().await;
        known.refresh(self.flow.lake()).await?;
        let is_still_new = |it: &Waiting| {
            let row = known.newest().get(&it.found.table_and_key());
            is_new(&it.found, row, self.flow.began_at)
        };
        Ok(dumps.into_iter().partition(is_still_new))
    }
}
