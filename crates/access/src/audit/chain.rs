//! The hashes of the audit log, and the verification of an export.

use super::{Anchor, Entry, Verified};
use crate::chain::{Chain, Linked, link};
use crate::{Error, json};
use serde::Deserialize;
use serde_json::value::RawValue;
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

impl HashedFields<'_> {
    fn content(&self) -> String {
        let address = self.address.map_or_else(|| "null".to_owned(), json::quoted);
        format!(
            r#"{{"actor":{},"address":{address},"at_us":{},"detail":{},"kind":{},"seq":{}}}"#,
            json::quoted(self.actor),
            self.at_us,
            self.detail,
            json::quoted(self.kind),
            self.seq
        )
    }
}

/// The hash of an entry that follows one with the hash `prev` (in hexadecimal).
pub(crate) fn entry_hash(prev: &str, entry: &HashedFields<'_>) -> String {
    link(prev, &entry.content())
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

impl Linked for Entry {
    fn seq(&self) -> i64 {
        self.seq
    }

    fn prev(&self) -> &str {
        &self.prev
    }

    fn hash(&self) -> &str {
        &self.hash
    }

    fn content(&self) -> String {
        self.hashed_fields().content()
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
        let begun = chain.get_or_insert_with(|| Chain::from_entry(&entry, anchor));
        if !begun.check_next(&entry) {
            break;
        }
    }
    let chain = chain.unwrap_or_else(|| Chain::new(anchor));
    Ok(chain.finish(None))
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
