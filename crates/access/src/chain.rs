//! Logs whose entries are linked by hashes: making the links, and finding where they are broken.
//!
//! The hash of an entry is SHA-256 over the hash of the previous entry (32 bytes; zeros for the first)
//! followed by the content of the entry as canonical JSON. So a changed, inserted or removed entry breaks
//! the chain from there on. Removed entries at the end are found by the counter of the database and,
//! independently of the database, by an [`Anchor`] that was kept elsewhere. The audit log and the alarm
//! journal are such logs.

use crate::encoding;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

pub use crate::json::canonical;

/// An entry of a log, as it is stored.
pub trait Linked {
    /// From 1, without gaps.
    fn seq(&self) -> i64;
    /// Stored hash of the previous entry, in hexadecimal.
    fn prev(&self) -> &str;
    /// Stored hash of this entry, in hexadecimal.
    fn hash(&self) -> &str;
    /// What the hash covers, as canonical JSON without the hashes.
    fn content(&self) -> String;
}

/// The state of a log at one time, to be kept apart from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    pub seq: i64,
    /// In hexadecimal.
    pub hash: String,
}

/// Result of verifying a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Number of valid entries before the first broken one.
    pub entries: u64,
    /// The last valid entry. Keep it outside of the database to detect a replaced log later.
    pub anchor: Option<Anchor>,
    pub broken: Option<Broken>,
}

/// The first entry at which the verification failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    pub seq: i64,
    pub reason: BrokenReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokenReason {
    /// The entry is missing, but a later one exists.
    Missing,
    /// The content does not match the hash.
    Changed,
    /// The stored previous hash is not the hash of the previous entry.
    Unlinked,
    /// The entry was written, but it and all later ones were removed.
    CutOff,
    /// The entry differs from the anchor, so the log was replaced.
    Replaced,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.reason {
            BrokenReason::Missing => "is missing",
            BrokenReason::Changed => "was changed after it was written",
            BrokenReason::Unlinked => "does not follow the entry before it",
            BrokenReason::CutOff => "and those after it were removed from the end",
            BrokenReason::Replaced => "differs from the anchor: the log was replaced",
        };
        write!(f, "entry {} {text}", self.seq)
    }
}

/// The hash before the first entry.
pub fn genesis() -> String {
    encoding::hex(&[0; 32])
}

/// The hash of an entry with this content that follows one with the hash `prev` (in hexadecimal).
pub fn link(prev: &str, content: &str) -> String {
    let prev = encoding::from_hex(prev).unwrap_or_default();
    let digest = Sha256::new().chain_update(prev).chain_update(content.as_bytes()).finalize();
    encoding::hex(&digest)
}

/// Verifies a log entry by entry.
#[derive(Debug)]
pub struct Chain<'a> {
    next_seq: i64,
    prev: String,
    anchor: Option<&'a Anchor>,
    verified: Verified,
}

impl<'a> Chain<'a> {
    /// Starts at the first entry of a log.
    pub fn new(anchor: Option<&'a Anchor>) -> Self {
        Self::after(0, genesis(), anchor)
    }

    /// Starts at `first`, whose predecessor is not available: at the first entry of an export.
    pub fn from_entry(first: &impl Linked, anchor: Option<&'a Anchor>) -> Self {
        if first.seq() <= 1 {
            return Self::new(anchor);
        }
        Self::after(first.seq() - 1, first.prev().to_owned(), anchor)
    }

    fn after(seq: i64, prev: String, anchor: Option<&'a Anchor>) -> Self {
        let verified = Verified { entries: 0, anchor: None, broken: None };
        Self { next_seq: seq + 1, prev, anchor, verified }
    }

    /// Verifies the next entry; returns false once the chain is broken.
    pub fn check_next(&mut self, entry: &impl Linked) -> bool {
        if self.verified.broken.is_some() {
            return false;
        }
        if let Some(reason) = self.fault(entry) {
            let seq = if reason == BrokenReason::Missing { self.next_seq } else { entry.seq() };
            self.verified.broken = Some(Broken { seq, reason });
            return false;
        }
        self.next_seq += 1;
        entry.hash().clone_into(&mut self.prev);
        self.verified.entries += 1;
        self.verified.anchor = Some(Anchor { seq: entry.seq(), hash: self.prev.clone() });
        true
    }

    fn fault(&self, entry: &impl Linked) -> Option<BrokenReason> {
        if entry.seq() != self.next_seq {
            return Some(BrokenReason::Missing);
        }
        if entry.prev() != self.prev {
            return Some(BrokenReason::Unlinked);
        }
        if link(entry.prev(), &entry.content()) != entry.hash() {
            return Some(BrokenReason::Changed);
        }
        let is_other = |it: &Anchor| it.seq == entry.seq() && it.hash != entry.hash();
        self.anchor.is_some_and(is_other).then_some(BrokenReason::Replaced)
    }

    /// Returns the result after the last entry. `written` is the number of the last entry that was
    /// ever written, if known.
    pub fn finish(mut self, written: Option<i64>) -> Verified {
        let expected = written.max(self.anchor.map(|it| it.seq)).unwrap_or(0);
        if self.verified.broken.is_none() && expected >= self.next_seq {
            let reason = BrokenReason::CutOff;
            self.verified.broken = Some(Broken { seq: self.next_seq, reason });
        }
        self.verified
    }
}
