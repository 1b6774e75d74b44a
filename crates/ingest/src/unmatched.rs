//! Files of the bucket that match no contract. They are not read, so they are reported.

use super::files::listing::{self, Object};
use chrono::{DateTime, Utc};
use config::location::Location;
use plant::contract::Contract;
use plant::pattern::Pattern;
use plant::similar::similarity;
use std::sync::Arc;

/// A file that matches no contract.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedFile {
    pub key: String,
    pub size_bytes: i64,
    pub etag: Option<String>,
    pub modified_at: DateTime<Utc>,
    /// The path that is most similar to its key, and the table of its contract.
    pub nearest: Option<(String, String)>,
}

/// Lists the files that match no contract among the first `most_keys` keys of the bucket. Empty files,
/// markers and hidden files are left out, and so are the files of `lake`. If the bucket cannot be
/// listed, this is logged and there are none.
pub async fn list(
    bucket: &Location,
    lake: &Location,
    contracts: &[Arc<Contract>],
    most_keys: usize,
) -> Vec<UnmatchedFile> {
    let lake_prefix = lake.url.as_str().strip_prefix(bucket.url.as_str());
    let objects = match listing::first_objects(bucket, "", most_keys).await {
        Ok(objects) => objects,
        Err(error) => {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(bucket = bucket.name, error, "unmatched files not listed");
            return Vec::new();
        }
    };
    let is_left_out = |object: &Object| {
        let is_lake = lake_prefix.is_some_and(|prefix| object.key.starts_with(prefix));
        is_lake || object.size_bytes == 0 || is_hidden(&object.key) || is_matched(contracts, object)
    };
    let objects = objects.into_iter().filter(|object| !is_left_out(object));
    let mut found: Vec<UnmatchedFile> =
        objects.map(|object| unmatched(contracts, object)).collect();
    found.sort_by(|left, right| left.key.cmp(&right.key));
    found
}

fn unmatched(contracts: &[Arc<Contract>], object: Object) -> UnmatchedFile {
    let modified_ms = object.modified_at.timestamp_millis();
    UnmatchedFile {
        nearest: nearest(contracts, &object.key),
        key: object.key,
        size_bytes: i64::try_from(object.size_bytes).unwrap_or(i64::MAX),
        etag: object.etag,
        modified_at: DateTime::from_timestamp_millis(modified_ms).unwrap_or(object.modified_at),
    }
}

/// Whether a file or a folder above it is a marker or hidden, such as `_SUCCESS`, `_temporary` and
/// `.part-0.csv.crc`.
fn is_hidden(key: &str) -> bool {
    key.split('/').any(|part| part.starts_with(['_', '.']))
}

fn is_matched(contracts: &[Arc<Contract>], object: &Object) -> bool {
    let takes = |pattern: &Pattern| {
        pattern.matches(&object.key).is_some_and(|hit| object.size_bytes >= hit.size_bytes_min)
    };
    contracts.iter().flat_map(|it| &it.paths).any(takes)
        || contracts.iter().any(|it| is_marker(it, &object.key))
}

/// Whether a file marks a dump of the contract as complete.
fn is_marker(contract: &Contract, key: &str) -> bool {
    let marked = contract.done_marker.as_deref().and_then(|marker| key.strip_suffix(marker));
    marked.is_some_and(|key| contract.paths.iter().any(|path| path.matches(key).is_some()))
}

/// The path that is most similar to a key, with its table.
fn nearest(contracts: &[Arc<Contract>], key: &str) -> Option<(String, String)> {
    let without_digits: String = key.chars().filter(|c| !c.is_ascii_digit()).collect();
    let mut best: Option<(f64, &Pattern, &Contract)> = None;
    for contract in contracts {
        for pattern in &contract.paths {
            let literal = literal(&pattern.to_string());
            let score = similarity(key, &literal).max(similarity(&without_digits, &literal));
            if score > best.map_or(0.0, |(best, _, _)| best) {
                best = Some((score, pattern, contract));
            }
        }
    }
    best.map(|(_, pattern, contract)| (pattern.to_string(), contract.table.clone()))
}

/// A path without its placeholders.
fn literal(pattern: &str) -> String {
    let mut is_inside = false;
    let mut literal = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '{' => is_inside = true,
            '}' => is_inside = false,
            _ if !is_inside && c != '*' => literal.push(c),
            _ => {}
        }
    }
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_and_hidden_files_are_left_out() {
        assert!(is_hidden("out/_SUCCESS") && is_hidden("_temporary/0/a.csv"));
        assert!(is_hidden("out/.part-0.csv.crc"));
        assert!(!is_hidden("out/part_0.csv") && !is_hidden("a.csv"));
    }

    #[test]
    fn placeholders_are_removed() {
        assert_eq!(literal("in/{yyyymmdd}/weld_*.csv"), "in//weld_.csv");
    }
}
