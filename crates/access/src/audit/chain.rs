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
pub(crate) struct Sealed<'a> {
    pub seq: i64,
    pub at_us: i64,
    pub kind: &'a str,
    pub actor: &'a str,
    pub address: Option<&'a str>,
    pub detail: &'a str,
}

/// What is known after verifying a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Entries that are in order, up to the first broken one.
    pub entries: u64,
    /// The last entry that is in order: worth keeping elsewhere.
    pub anchor: Option<Anchor>,
    pub broken: Option<Broken>,
}

/// The first place where a log is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    pub seq: i64,
    pub reason: BrokenReason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BrokenReason {
    /// The entry is missing, while a later one is there.
    Missing,
    /// Its content does not fit its hash.
    Changed,
    /// It does not name the hash of the entry before it.
    Unlinked,
    /// It was written once and is gone, as are all after it.
    CutOff,
    /// It differs from the anchor that was kept elsewhere, so the log was replaced.
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
pub(crate) fn seal(prev: &str, entry: &Sealed<'_>) -> String {
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

/// Follows a log entry by entry.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    next_seq: i64,
    prev: String,
    anchor: Option<&'a Anchor>,
    verified: Verified,
}

impl<'a> Chain<'a> {
    /// Begins at the first entry of a log.
    pub fn new(anchor: Option<&'a Anchor>) -> Self {
        Self::after(0, super::genesis(), anchor)
    }

    fn after(seq: i64, prev: String, anchor: Option<&'a Anchor>) -> Self {
        let verified = Verified { entries: 0, anchor: None, broken: None };
        Self { next_seq: seq + 1, prev, anchor, verified }
    }

    /// Takes the next entry; false once the chain is broken.
    pub fn follow(&mut self, entry: &Entry) -> bool {
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
        if seal(&entry.prev, &entry.sealed()) != entry.hash {
            return Some(BrokenReason::Changed);
        }
        let is_other = |it: &Anchor| it.seq == entry.seq && it.hash != entry.hash;
        self.anchor.is_some_and(is_other).then_some(BrokenReason::Replaced)
    }

    /// The result, after the last entry. `written` is the number of the last entry that was ever
    /// written, if that is known.
    pub fn end(mut self, written: Option<i64>) -> Verified {
        let expected = written.max(self.anchor.map(|it| it.seq)).unwrap_or(0);
        if self.verified.broken.is_none() && expected >= self.next_seq {
            let reason = BrokenReason::CutOff;
            self.verified.broken = Some(Broken { seq: self.next_seq, reason });
        }
        self.verified
    }
}

impl Entry {
    fn sealed(&self) -> Sealed<'_> {
        Sealed {
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

/// Verifies an export without its database. An export may begin at any entry.
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
        if !begun.follow(&entry) {
            break;
        }
    }
    let chain = chain.unwrap_or_else(|| Chain::new(anchor));
    Ok(chain.end(None))
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
