//! Writing, reading, exporting and verifying the audit log.

use super::Access;
use crate::audit::{Anchor, Event, Filter, Page, Verified};
use crate::permission::Action;
use crate::store::audit as rows;
use crate::{Error, Identity};
use std::io::Write;
use std::sync::{MutexGuard, PoisonError};

impl Access {
    /// Appends an entry durably.
    pub fn audit(&self, event: &Event, now_us: i64) -> Result<(), Error> {
        let now_us = self.effective_now(now_us)?;
        self.store.write(|tx| self.append_audit(tx, event, now_us))
    }

    /// Buffers an entry: for queries and downloads, which must not wait for the disk. Entries are
    /// written by [`Access::flush_audit`] and [`Access::maintain`]. If the buffer has reached
    /// `audit_buffer_entries`, it is written first; if that fails, the entry is rejected and the
    /// caller must reject the request too. A killed process loses the buffered entries.
    pub fn audit_later(&self, event: Event, now_us: i64) -> Result<(), Error> {
        let now_us = self.effective_now(now_us)?;
        let is_full = self.pending().len() >= self.settings.audit_buffer_entries as usize;
        if is_full {
            self.flush_audit()?;
        }
        self.pending().push((event, now_us));
        Ok(())
    }

    /// Writes all buffered entries in one transaction and returns their number. On an error they
    /// stay in the buffer.
    pub fn flush_audit(&self) -> Result<usize, Error> {
        let _flushing = self.flushing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = std::mem::take(&mut *self.pending());
        if taken.is_empty() {
            return Ok(0);
        }
        let written = self.store.write(|tx| {
            taken.iter().try_for_each(|(event, at_us)| self.append_audit(tx, event, *at_us))
        });
        if let Err(error) = written {
            let mut waiting = self.pending();
            taken.append(&mut waiting);
            *waiting = taken;
            return Err(error);
        }
        Ok(taken.len())
    }

    fn pending(&self) -> MutexGuard<'_, Vec<(Event, i64)>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns at most `limit` entries that match the filter, newest first.
    pub fn audit_page(
        &self,
        by: &Identity,
        filter: &Filter,
        limit: u32,
        now_us: i64,
    ) -> Result<Page, Error> {
        self.require(by, Action::ReadAudit, now_us)?;
        self.flush_audit()?;
        let limit = limit.clamp(1, self.settings.audit_page_entries_max);
        self.store.read(|tx| rows::page(tx, filter, limit))
    }

    /// Writes the entries starting at `from_seq` as JSON lines, oldest first, and returns their
    /// number.
    pub fn export_audit(
        &self,
        by: &Identity,
        from_seq: i64,
        to: &mut dyn Write,
        now_us: i64,
    ) -> Result<u64, Error> {
        self.require(by, Action::ReadAudit, now_us)?;
        self.flush_audit()?;
        self.store.read_apart(|tx| rows::export(tx, from_seq, to))
    }

    /// Verifies the whole chain and returns the first broken entry. `anchor` is the result of an
    /// earlier verification that was kept outside of the database.
    pub fn verify_audit(
        &self,
        by: &Identity,
        anchor: Option<&Anchor>,
        now_us: i64,
    ) -> Result<Verified, Error> {
        self.require(by, Action::ReadAudit, now_us)?;
        self.flush_audit()?;
        self.store.read_apart(|tx| rows::verify(tx, anchor))
    }
}
