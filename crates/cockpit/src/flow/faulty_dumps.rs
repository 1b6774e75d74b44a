//! What a round has to report besides what it read: dumps of which too many records are rejected, and
//! files of no contract.

use super::{Flow, now};
use chrono::TimeDelta;
use config::location::Location;
use ingest::unmatched::{self, UnmatchedFile};
use lake::dumps::faulty::{self, FaultPolicy};
use lake::dumps::{self, DumpRow, Status};
use lake::reconciliation;
use plant::contract::Contract;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

/// Files of no contract that an error names.
const NAMED_FILES: usize = 5;

impl Flow {
    /// Notes in `meta.files` how many records of each dump were rejected and, of dumps with too many,
    /// why. Returns all of these that are `listed`, or all if nothing was listed.
    pub(super) async fn judge(
        &self,
        all: &[DumpRow],
        listed: Option<&BTreeSet<(String, String)>>,
    ) -> anyhow::Result<Vec<DumpRow>> {
        let (lake, plant) = (self.lake(), &self.refinery.plant);
        let entries: Vec<reconciliation::RowBalance> = reconciliation::load(lake).await?;
        let counted = faulty::rejected_counts(&self.refinery.steps, &entries);
        let policy = FaultPolicy {
            judged_records: lake.limits().ingest.judged_records.cast_signed(),
            line_chars: lake.limits().ingest.reported_line_chars,
        };
        let mut newest = dumps::newest(all);
        let mut context = None;
        let mut changed = Vec::new();
        for row in newest.values_mut() {
            let key = (row.table_name.clone(), row.file.clone(), row.dump);
            let Some(counted) = counted.get(&key) else { continue };
            if policy.is_current(plant, row, counted) {
                continue;
            }
            if context.is_none() {
                context = Some(self.session().await?);
            }
            let Some(context) = &context else { continue };
            *row = policy.row(context, plant, row, counted).await?;
            changed.push(row.clone());
        }
        dumps::save(lake, &changed, all).await?;
        let is_listed = |row: &DumpRow| listed.is_none_or(|it| it.contains(&row.table_and_file()));
        Ok(newest.into_values().filter(|row| row.is_faulty() && is_listed(row)).collect())
    }

    /// Notes in `meta.files` which files of the bucket no contract matches, if that is due. Returns
    /// those that were not known before.
    pub(super) async fn note_unmatched(
        &self,
        bucket: &Location,
        contracts: &[Arc<Contract>],
        known: &[DumpRow],
    ) -> anyhow::Result<Vec<DumpRow>> {
        if !self.unmatched_is_due() {
            return Ok(Vec::new());
        }
        let known: Vec<&DumpRow> =
            known.iter().filter(|row| row.status == Status::Unmatched).collect();
        let found = self.unmatched(bucket, contracts).await;
        let is_known = |file: &UnmatchedFile| {
            known.iter().find(|row| row.file == file.key && row.size_bytes == file.size_bytes)
        };
        let mut rows = Vec::with_capacity(found.len());
        let mut new = Vec::new();
        for file in found {
            match is_known(&file) {
                Some(row) => rows.push((*row).clone()),
                None => {
                    rows.push(self.unmatched_row(file));
                    new.extend(rows.last().cloned());
                }
            }
        }
        if !new.is_empty() || rows.len() != known.len() {
            dumps::save_unmatched(self.lake(), &rows).await?;
        }
        Ok(new)
    }

    fn unmatched_is_due(&self) -> bool {
        let every_s = self.lake().limits().ingest.unmatched_every_s.cast_signed();
        let mut last = self.unmatched_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now() - last >= TimeDelta::seconds(every_s));
        if is_due {
            *last = Some(now());
        }
        is_due
    }

    async fn unmatched(
        &self,
        bucket: &Location,
        contracts: &[Arc<Contract>],
    ) -> Vec<UnmatchedFile> {
        let most_keys = self.lake().limits().ingest.unmatched_keys;
        unmatched::list(bucket, self.lake().location(), contracts, most_keys).await
    }

    fn unmatched_row(&self, file: UnmatchedFile) -> DumpRow {
        let reason = match &file.nearest {
            Some((path, table)) => {
                format!("no contract matches; the nearest path is {path} ({table})")
            }
            None => "no contract matches".to_owned(),
        };
        DumpRow {
            file: file.key,
            dump: 0,
            source: String::new(),
            table_name: String::new(),
            size_bytes: file.size_bytes,
            etag: file.etag,
            sha256: None,
            modified_at: file.modified_at,
            dumped_at: None,
            status: Status::Unmatched,
            reason: Some(reason),
            records: 0,
            rejected: None,
            columns: None,
            column_change: None,
            run: self.lake().run().to_owned(),
            seen_at: now(),
        }
    }

    /// Why a bucket without any dump is an error: what was looked for, and what is there instead.
    pub(super) async fn nothing_found(
        &self,
        bucket: &Location,
        contracts: &[Arc<Contract>],
    ) -> String {
        let paths = contracts.iter().flat_map(|contract| &contract.paths);
        let paths: Vec<String> = paths.map(|path| format!("  {path}")).collect();
        let found = self.unmatched(bucket, contracts).await;
        let named: Vec<&str> =
            found.iter().take(NAMED_FILES).map(|file| file.key.as_str()).collect();
        let there = match named.as_slice() {
            [] => String::new(),
            named => format!("\nIt has {} other files, such as {}", found.len(), named.join(", ")),
        };
        format!(
            "the bucket {} holds no dump of this plant. Looked for:\n{}{there}\nName another bucket, \
             or fix the paths of the contracts",
            bucket.name,
            paths.join("\n")
        )
    }
}
