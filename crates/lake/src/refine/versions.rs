//! Which versions of a file still count after it was overwritten.

use crate::bronze::landed::{DataFileRuns, Version};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A version: key of the file and number.
pub type VersionId = (String, i64);

/// Versions that no longer count because a newer version of the same file replaces them.
#[derive(Debug, Default)]
pub struct Voids {
    by_file: HashMap<String, OfFile>,
}

#[derive(Debug, Default)]
struct OfFile {
    /// Versions below this number are void.
    counts_from: i64,
    /// Versions whose bytes are the beginning of another one. That one has all their records, with the
    /// last one complete, so neither their rows nor their rejects count.
    continued: BTreeSet<i64>,
}

impl Voids {
    /// What `versions` void among themselves. `removes`: whether a version voids all older ones of its
    /// file. A version in `idle` has no good record and removes nothing.
    pub fn new<'v>(
        versions: impl Iterator<Item = &'v Version>,
        removes: impl Fn(&Version) -> bool,
        idle: &HashSet<VersionId>,
    ) -> Self {
        let mut voids = Self::default();
        for version in versions {
            let removes = version.number > 1
                && removes(version)
                && !idle.contains(&(version.file.clone(), version.number));
            if !removes && version.continues.is_none() {
                continue;
            }
            let of_file = voids.by_file.entry(version.file.clone()).or_default();
            of_file.continued.extend(version.continues);
            if removes {
                of_file.counts_from = of_file.counts_from.max(version.number);
            }
        }
        voids
    }

    pub fn is_empty(&self) -> bool {
        self.by_file.is_empty()
    }

    /// Whether the rows of a version no longer count.
    pub fn is_void(&self, file: &str, number: i64) -> bool {
        self.by_file
            .get(file)
            .is_some_and(|it| number < it.counts_from || it.continued.contains(&number))
    }

    /// Whether the bytes of this version are the beginning of another one.
    pub fn is_continued(&self, file: &str, number: i64) -> bool {
        self.by_file.get(file).is_some_and(|it| it.continued.contains(&number))
    }

    /// The versions that are continued by others.
    pub fn continued(&self) -> impl Iterator<Item = (&str, i64)> {
        self.by_file
            .iter()
            .flat_map(|(file, of)| of.continued.iter().map(|number| (file.as_str(), *number)))
    }

    /// The version of a file below which all are void.
    pub fn counts_from(&self, file: &str) -> Option<i64> {
        self.by_file.get(file).map(|it| it.counts_from).filter(|number| *number > 0)
    }
}

/// The dumps in some data files, without duplicates, newest first.
pub fn newest_first(parts: &[DataFileRuns]) -> Vec<Arc<Version>> {
    let runs = parts.iter().flat_map(|part| part.runs.iter());
    let mut versions: Vec<Arc<Version>> = runs.map(|run| run.version.clone()).collect();
    let position = |it: &Version| (it.order, it.file.clone(), it.number);
    versions.sort_by_cached_key(|it| std::cmp::Reverse(position(it)));
    versions.dedup_by(|left, right| left.number == right.number && left.file == right.file);
    versions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: i64, continues: Option<i64>) -> Version {
        let order = (None, number, number);
        let (file, sha256) = ("a".to_owned(), String::new());
        Version { file, number, sha256, size_bytes: None, continues, order }
    }

    #[track_caller]
    fn check(removes: bool, versions: &[Version], idle: &[i64], expected: &[i64]) {
        let idle = idle.iter().map(|number| ("a".to_owned(), *number)).collect();
        let voids = Voids::new(versions.iter(), |_| removes, &idle);
        let void = versions.iter().filter(|it| voids.is_void(&it.file, it.number));
        assert_eq!(void.map(|it| it.number).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_overwritten_file_voids_its_older_versions_if_it_removes() {
        let versions = [1, 2, 3].map(|number| version(number, None));
        check(true, &versions, &[], &[1, 2]);
        check(false, &versions, &[], &[]);
    }

    #[test]
    fn a_version_without_a_good_record_voids_nothing() {
        let versions = [1, 2, 3].map(|number| version(number, None));
        check(true, &versions, &[3], &[1]);
        check(true, &versions, &[2, 3], &[]);
    }

    #[test]
    fn a_version_voids_the_one_it_continues() {
        let versions = [version(1, None), version(2, Some(1)), version(3, None)];
        check(false, &versions, &[], &[1]);
    }
}
