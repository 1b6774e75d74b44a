//! Verified sessions and tokens in memory, by the hash of their secret.

use crate::secret::Hash;
use crate::{Error, Identity, Settings, session};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// How often the last use of a session or token is written.
const WRITTEN_EVERY_US: i64 = 60_000_000;

#[derive(Debug)]
pub(super) struct Cache {
    entries_max: usize,
    known: RwLock<HashMap<Hash, Arc<Known>>>,
}

/// A session or token as it was read at a revision.
#[derive(Debug)]
pub(super) struct Known {
    pub revision: u64,
    pub identity: Identity,
    /// The row it is stored in.
    pub id: i64,
    pub is_session: bool,
    pub created_us: i64,
    pub expires_us: i64,
    /// When it was used last, and what of that is written.
    pub seen_us: AtomicI64,
    pub written_us: AtomicI64,
}

/// A use that is not written yet.
#[derive(Debug)]
pub(super) struct Used(Arc<Known>, i64);

impl Cache {
    pub fn new(entries_max: u32) -> Self {
        Self { entries_max: entries_max as usize, known: RwLock::default() }
    }

    pub fn get(&self, hash: &Hash) -> Option<Arc<Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(hash).map(Arc::clone)
    }

    /// Keeps an entry. If there are too many, those of earlier revisions go first, then all.
    pub fn put(&self, hash: Hash, known: Arc<Known>) {
        let mut entries = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= self.entries_max && !entries.contains_key(&hash) {
            entries.retain(|_, it| it.revision == known.revision);
            if entries.len() >= self.entries_max {
                entries.clear();
            }
        }
        entries.insert(hash, known);
    }

    pub fn remove(&self, hash: &Hash) {
        self.known.write().unwrap_or_else(PoisonError::into_inner).remove(hash);
    }

    /// Uses that were not written for a while.
    pub fn unwritten(&self) -> Vec<Used> {
        let entries = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let used =
            entries.values().map(|it| Used(Arc::clone(it), it.seen_us.load(Ordering::Acquire)));
        used.filter(Used::is_due).collect()
    }
}

impl Used {
    fn is_due(&self) -> bool {
        let written_us = self.0.written_us.load(Ordering::Acquire);
        // A session has a first use in its row; a token may have none.
        let is_first = written_us == i64::MIN && self.1 > i64::MIN;
        is_first || self.1.saturating_sub(written_us) >= WRITTEN_EVERY_US
    }

    /// Whether it is a session, its row, and the time.
    pub fn parts(&self) -> (bool, i64, i64) {
        (self.0.is_session, self.0.id, self.1)
    }

    /// Notes that it is on the disk.
    pub fn written(&self) {
        self.0.written_us.fetch_max(self.1, Ordering::AcqRel);
    }
}

impl Known {
    /// Refuses what has ended.
    pub fn check(&self, now_us: i64, settings: &Settings) -> Result<(), Error> {
        if !self.is_session {
            let is_over = now_us >= self.expires_us;
            return if is_over { Err(Error::TokenExpired) } else { Ok(()) };
        }
        let seen_us = self.seen_us.load(Ordering::Acquire);
        if session::is_over(self.created_us, seen_us, self.expires_us, now_us, settings) {
            return Err(Error::SessionExpired);
        }
        Ok(())
    }
}
