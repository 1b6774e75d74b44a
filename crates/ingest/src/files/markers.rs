//! Marker files: `a.csv.done` marks `a.csv` as complete.

use super::listing::Object;
use chrono::{DateTime, Utc};
use plant::contract::Contract;
use std::collections::HashMap;

/// The markers of the dumps of a contract, in one folder.
pub(super) enum Markers<'a> {
    /// The contract has no markers.
    Unused,
    /// The end of their names, and when the marker of each dump was last written.
    Used { end: &'a str, written: HashMap<&'a str, DateTime<Utc>> },
}

impl<'a> Markers<'a> {
    pub fn new(contract: &'a Contract, objects: &'a [Object]) -> Self {
        let Some(end) = contract.done_marker.as_deref() else { return Self::Unused };
        let marked = |it: &'a Object| Some((it.key.strip_suffix(end)?, it.modified_at));
        Self::Used { end, written: objects.iter().filter_map(marked).collect() }
    }

    /// Whether a file is a complete dump. A marker counts for the version of the file that it was written after, so
    /// a file that is written again is read once its marker is, too.
    pub fn complete(&self, object: &Object) -> bool {
        match self {
            Self::Unused => true,
            Self::Used { end, .. } if object.key.ends_with(end) => false,
            Self::Used { written, .. } => {
                written.get(object.key.as_str()).is_some_and(|at| *at >= object.modified_at)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::contract;
    use plant::contract::Format;

    fn object(key: &str, at_s: i64) -> Object {
        let modified_at = DateTime::from_timestamp(at_s, 0).unwrap();
        Object { key: key.to_owned(), size_bytes: 1, etag: None, modified_at }
    }

    #[test]
    fn a_file_counts_once_its_marker_is_written() {
        let mut contract = contract(Format::JsonLines, &["a"]);
        let objects = [
            object("a.csv", 5),
            object("a.csv.done", 5),
            object("b.csv", 5),
            object("c.csv", 5),
            object("c.csv.done", 4),
        ];
        let complete = |contract: &Contract| {
            let markers = Markers::new(contract, &objects);
            objects.iter().filter(|it| markers.complete(it)).count()
        };
        assert_eq!(complete(&contract), 5);
        contract.done_marker = Some(".done".to_owned());
        assert_eq!(complete(&contract), 1, "b has no marker, and that of c is older than c");
    }
}
