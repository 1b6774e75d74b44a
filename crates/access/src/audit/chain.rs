//! The chain of hashes: making it, and finding where it is broken.

use super::{Anchor, Entry, json};
use crate::{Error, encoding};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::BufRead;

/// The parts of an entry that its hash covers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HashedFields<'a> {
    pub seq: i64,
    pub at_us: i64,
    pub kind: &'a str,
    pub actor: &'a str,
    pub address: Option<&'a str>,
    pub detail: &'a str,
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

/// The hash of an entry that follows one with the hash `prev` (in hexadecimal).
pub(crate) fn entry_hash(prev: &str, entry: &HashedFields<'_>) -> String {
    let address = entry.address.map_or_else(|| "null".to_owned(), json::quoted);
    let text = format!(
        r#"{{"actor":{},"address":{address},"at_us":{},"detail":{},"kind":{},"seq":{}}}"#,
        json::quoted(entry.actor),
        entry.at_us,
        entry.detail,
        json::quoted(entry.kind),
        entry.seq
    );
    let prev = encoding::from_hex(prev).unwrap_or_default();
    let digest = Sha256::new().chain_update(prev).chain_update(text.as_bytes()).finalize();
    encoding::hex(&digest)
}

/// Verifies a log entry by entry.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    next_seq: i64,
    prev: String,
    anchor: Option<&'a Anchor>,
    verified: Verified,
}

impl<'a> Chain<'a> {
    /// Starts at the first entry of a log.
    pub fn new(anchor: Option<&'a Anchor>) -> Self {
        Self::after(0, super::genesis(), anchor)
    }

    fn after(seq: i64, prev: String, anchor: Option<&'a Anchor>) -> Self {
        let verified = Verified { entries: 0, anchor: None, broken: None };
        Self { next_seq: seq + 1, prev, anchor, verified }
    }

    /// Verifies the next entry; returns false once the chain is broken.
    pub fn check_next(&mut self, entry: &Entry) -> bool {
        if self.verified.broken.is_some() {
            return false;
        }
        if let Some(reason) = self.fault(entry) {
            let seq = if reason == BrokenReason::Missing { self.next_seq } else { entry.seq };
            self.verified.broken = Some(Broken { seq, reason });
            return false;
        }
        self.next_seq += 1;
        self.prev.clone_from(&entry.hash);
        self.verified.entries += 1;
        self.verified.anchor = Some(entry.anchor());
        true
    }

    fn fault(&self, entry: &Entry) -> Option<BrokenReason> {
        if entry.seq != self.next_seq {
            return Some(BrokenReason::Missing);
        }
        if entry.prev != self.prev {
            return Some(BrokenReason::Unlinked);
        }
        if entry_hash(&entry.prev, &entry.hashed_fields()) != entry.hash {
            return Some(BrokenReason::Changed);
        }
        let is_other = |it: &Anchor| it.seq == entry.seq && it.hash != entry.hash;
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

impl Entry {
    fn hashed_fields(&self) -> HashedFields<'_> {
        HashedFields {
            seq: self.seq,
            at_us: self.at_us,
            kind: &self.kind,
            actor: &self.actor,
            address: self.address.as_deref(),
            detail: &self.detail,
        }
    }
}

/// A line of an export.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    actor: String,
    address: Option<String>,
    at_us: i64,
    detail: Box<RawValue>,
    hash: String,
    kind: String,
    prev: String,
    seq: i64,
}

impl Line {
    fn entry(self) -> Entry {
        let Self { actor, address, at_us, detail, hash, kind, prev, seq } = self;
        Entry { seq, at_us, kind, actor, address, detail: detail.get().to_owned(), prev, hash }
    }
}

/// Verifies an export without the database. An export may start at any entry.
pub fn verify_export(lines: impl BufRead, anchor: Option<&Anchor>) -> Result<Verified, Error> {
    let mut chain: Option<Chain<'_>> = None;
    for (line, number) in lines.lines().zip(1_u64..) {
        let named = format!("line {number} of the export");
        let line = line.map_err(|error| Error::invalid("export", &named, error.to_string()))?;
        let entry: Line = serde_json::from_str(&line).map_err(|error| {
            Error::invalid("export", &named, format!("an audit entry ({error})"))
        })?;
        let entry = entry.entry();
        let begun = chain.get_or_insert_with(|| begin(&entry, anchor));
        if !begun.check_next(&entry) {
            break;
        }
    }
    let chain = chain.unwrap_or_else(|| Chain::new(anchor));
    Ok(chain.finish(None))
}

fn begin<'a>(first: &Entry, anchor: Option<&'a Anchor>) -> Chain<'a> {
    if first.seq <= 1 {
        return Chain::new(anchor);
    }
    Chain::after(first.seq - 1, first.prev.clone(), anchor)
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
