//! Collects the keys of the objects in a file.

use super::Paths;
use plant::columns::FileColumns;

/// Number of objects of which all keys are recorded. Of later ones only the columns are: reading every key of
/// every object would cost as much as decoding it.
const NOTED_OBJECTS: u64 = 1_000;
/// The most keys that are recorded; where there are more, keys are data.
const NOTED_KEYS: usize = 512;

/// The keys found so far.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// Keys as in the file, nested ones with dots, in the order of their first occurrence.
    names: Vec<String>,
    /// For each column of the contract whether an object has it.
    seen: Vec<bool>,
    objects: u64,
}

impl Keys {
    /// Records the keys of one object, and which columns of the contract it has.
    pub fn note(&mut self, paths: &Paths, object: &str, columns: impl Iterator<Item = bool>) {
        for (at, is_there) in columns.enumerate() {
            if at == self.seen.len() {
                self.seen.push(false);
            }
            self.seen[at] |= is_there;
        }
        self.objects += 1;
        if self.objects <= NOTED_OBJECTS {
            paths.keys(object, "", &mut |key| {
                if self.names.len() < NOTED_KEYS && !self.names.contains(&key) {
                    self.names.push(key);
                }
            });
        }
    }

    /// The keys, and the names of columns that only later objects have.
    pub fn found(&self, headers: &[String]) -> Option<FileColumns> {
        if self.objects == 0 {
            return None;
        }
        let mut names = self.names.clone();
        for (header, is_seen) in headers.iter().zip(&self.seen) {
            let is_noted = || names.iter().any(|it| it.to_lowercase() == header.to_lowercase());
            if *is_seen && !header.is_empty() && !is_noted() {
                names.push(header.clone());
            }
        }
        Some(FileColumns::Keys(names))
    }
}
