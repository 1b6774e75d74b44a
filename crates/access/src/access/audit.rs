//! Writing, reading, exporting and verifying the audit log.

use super::Access;
use crate::audit::{Anchor, Event, Filter, Page, Verified};
use crate::permission::Action;
use crate::store::audit as rows;
use crate::{Error, Identity};
use std::io::Write;
use std::sync::PoisonError;

impl Access {
    /// Appends an entry; it is on the disk when this returns.
    pub fn audit(&self, event: &Event, now_us: i64) -> Result<(), Error> {
        let now_us = self.at(now_us)?;
        self.store.write(|tx| self.note(tx, event, now_us))
    }

    /// Appends an entry soon, together with others: for queries and downloads, which must not wait
    /// for the disk. It is written by [`Access::write_waiting`] and [`Access::maintain`], or at
    /// once if `audit_buffer_entries` wait already. A killed program loses those that wait.
    pub fn audit_later(&self, event: Event, now_us: i64) -> Result<(), Error> {
        let now_us = self.at(now_us)?;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push((event, now_us));
        let is_full = waiting.len() >= self.settings.audit_buffer_entries as usize;
        drop(waiting);
        if is_full {
            self.write_waiting()?;
        }
        Ok(())
    }

    /// Writes the entries that wait in one transaction; how many. On an error they wait on.
    pub fn write_waiting(&self) -> Result<usize, Error> {
        // Held until they are written, so that nobody's entries are written out of order.
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_empty() {
            return Ok(0);
        }
        self.store.write(|tx| {
            waiting.iter().try_for_each(|(event, at_us)| self.note(tx, event, *at_us))
        })?;
        let count = waiting.len();
        waiting.clear();
        Ok(count)
    }

    /// Entries that pass the filter, newest first, at most `limit` of them.
    pub fn audit_page(
        &self,
        by: &Identity,
        filter: &Filter,
        limit: u32,
        now_us: i64,
    ) -> Result<Page, Error> {
        self.permitted(by, Action::ReadAudit, now_us)?;
        self.write_waiting()?;
        let limit = limit.clamp(1, self.settings.audit_page_entries_max);
        self.store.read(|tx| rows::page(tx, filter, limit))
    }

    /// Writes the entries from a number on as lines of JSON, oldest first; how many.
    pub fn export_audit(
        &self,
        by: &Identity,
        from_seq: i64,
        to: &mut dyn Write,
        now_us: i64,
    ) -> Result<u64, Error> {
        self.permitted(by, Action::ReadAudit, now_us)?;
        self.write_waiting()?;
        self.store.read_apart(&self.settings, |tx| rows::export(tx, from_seq, to))
    }

    /// Follows the whole chain and names the first broken entry. `anchor` is what an earlier
    /// verification gave and was kept elsewhere.
    pub fn verify_audit(
        &self,
        by: &Identity,
        anchor: Option<&Anchor>,
        now_us: i64,
    ) -> Result<Verified, Error> {
        self.permitted(by, Action::ReadAudit, now_us)?;
        self.write_waiting()?;
        self.store.read_apart(&self.settings, |tx| rows::verify(tx, anchor))
    }
}
