//! Bronze -> silver -> gold, and the bookkeeping after it.

use super::{Flow, Report};
use chrono::{DateTime, Utc};
use config::model::TableName;
use lake::dumps::{self, DumpRow, KnownDumps, Status};
use lake::meta::catalog;
use lake::plan::Step;
use lake::refine::{Outcome, RefreshMode, watch};
use lake::retention::expire::expire;
use lake::{bronze, claims, reconciliation, run, timing, upkeep};
use std::collections::BTreeSet;
use tracing::Instrument as _;

impl Flow {
    /// Refines silver and gold, then reconciles, expires, compacts and describes the tables. `dumps` are all known dumps.
    pub(super) async fn bronze_to_gold(
        &self,
        report: &mut Report,
        mode: RefreshMode,
        started_at: DateTime<Utc>,
        dumps: &mut KnownDumps,
    ) -> anyhow::Result<()> {
        let outcomes = run::refine(&self.refinery, mode).await?;
        let finished = Box::pin(self.finish_round(report, outcomes, started_at, dumps));
        watch::watched(&self.refinery, "reconciling rows", finished).await
    }

    /// The steps after refinement: reconciliation, faulty dumps, retention, upkeep and the catalog.
    async fn finish_round(
        &self,
        report: &mut Report,
        outcomes: Vec<Outcome>,
        started_at: DateTime<Utc>,
        known: &mut KnownDumps,
    ) -> anyhow::Result<()> {
        // A dump in bronze that is not listed is landed now by another process, if there is one.
        let is_shared = claims::has_others(self.lake()).await?;
        known.refresh(self.lake()).await?;
        let all = known.rows();
        let changed: Vec<Outcome> = outcomes.into_iter().filter(|it| it.is_changed).collect();
        report.changed = changed.iter().map(|it| it.table.clone()).collect();
        report.notes.extend(changed.iter().flat_map(Outcome::notes));
        let stored = reconciliation::load(self.lake()).await?;
        let tables = self.unreconciled(&report.changed, all, &stored);
        let landed = reconciliation::dumps::LandedDumps { rows: all, is_shared };
        let reconciling =
            reconciliation::dumps::reconcile(&self.refinery, &tables, landed, &stored, started_at);
        let entries = reconciling.instrument(timing::part("reconciliation")).await?;
        report.entries.extend(entries);
        report.faulty = self.judge(all, report.listed.as_ref()).await?;
        expire(&self.refinery).await?;
        self.compact(report).instrument(timing::part("compaction")).await?;
        upkeep::vacuum_all(self.lake()).await?;
        if !report.changed.is_empty() || !report.read.is_empty() || !report.entries.is_empty() {
            let cataloguing = catalog::write(&self.refinery, &changed);
            cataloguing.instrument(timing::part("catalog")).await?;
        }
        Ok(())
    }

    /// The cleaned tables to reconcile: those that changed, and those of dumps that an interrupted run landed
    /// without reconciling them.
    fn unreconciled(
        &self,
        changed: &[TableName],
        dumps: &[DumpRow],
        entries: &[reconciliation::RowBalance],
    ) -> Vec<TableName> {
        let reconciled: BTreeSet<(&str, &str, i64)> =
            entries.iter().map(|it| (it.table_name.as_str(), it.file.as_str(), it.dump)).collect();
        let is_unreconciled = |step: &&Step| {
            let Some(source) = step.model.cleans() else { return false };
            let name = step.name().name.as_str();
            let mut landed =
                dumps.iter().filter(|row| row.table_name == source && row.status == Status::Landed);
            changed.contains(step.name())
                || landed.any(|row| !reconciled.contains(&(name, row.file.as_str(), row.dump)))
        };
        let steps = self.refinery.steps.iter().filter(is_unreconciled);
        steps.map(|step| step.name().clone()).collect()
    }

    /// Compacts the small files that rounds leave in the tables of dumps. This follows refinement, when all
    /// derived tables contain the rows.
    async fn compact(&self, report: &Report) -> anyhow::Result<()> {
        let mut tables = BTreeSet::new();
        for step in self.refinery.steps.iter().filter(|it| report.changed.contains(it.name())) {
            let contract = step.model.cleans().and_then(|it| self.refinery.plant.contracts.get(it));
            if let Some(contract) = contract.filter(|it| !it.is_stream()) {
                tables.extend([bronze::name(contract), step.name().clone()]);
            }
        }
        if !report.read.is_empty() || !report.entries.is_empty() {
            tables.extend([dumps::table().name, reconciliation::table().name]);
        }
        for name in tables {
            upkeep::compact(self.lake(), &name).await?;
        }
        Ok(())
    }
}
