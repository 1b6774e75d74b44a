//! Which column of a file is which column of its contract, and what changed since the file before.
//!
//! Sources rename, add and drop columns without notice. What a contract names is found by its exact
//! name, else whatever the letters' case; every other difference is a [`Change`] that people have to
//! see, because the values of a missing column would otherwise be unknown from that day on.

use crate::similar::similarity;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// How alike a missing and an unknown column must be for one to have become the other.
const RENAMED_SIMILARITY: f64 = 0.55;
/// What standing at the same place adds to the likeness of two names.
const SAME_PLACE: f64 = 0.4;
/// Missing columns, and unknown ones, that are compared with each other: enough for any file that
/// belongs to its table, and bounded for one that does not.
const COMPARED_COLUMNS: usize = 200;

/// What a contract expects of the columns of a file.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Names of the columns as the source writes them, in the order of the contract; empty for a
    /// column whose values are not in the record.
    pub headers: &'a [&'a str],
    /// Whether `Qty` is another column than `qty`.
    pub is_case_sensitive: bool,
}

/// The columns a file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileColumns {
    /// Every record has these, in this order.
    Names(Vec<String>),
    /// Some records have these; each may leave out any of them, as JSON objects do.
    Keys(Vec<String>),
    /// Without names: most records have so many fields.
    Fields(usize),
}

impl FileColumns {
    fn names(&self) -> &[String] {
        match self {
            Self::Names(names) | Self::Keys(names) => names,
            Self::Fields(_) => &[],
        }
    }

    /// What is known of the columns after this file: records may leave out keys, so a key that an
    /// earlier file had is no new one if it comes again.
    #[must_use]
    pub fn after(self, before: Option<&Self>) -> Self {
        match (self, before) {
            (Self::Keys(mut names), Some(Self::Keys(earlier))) => {
                let known: HashSet<String> = names.iter().cloned().collect();
                names.extend(earlier.iter().filter(|name| !known.contains(*name)).cloned());
                Self::Keys(names)
            }
            (found, _) => found,
        }
    }
}

/// One difference between the columns of a file and those it is expected to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A column of the contract is not there, perhaps because it has another name now.
    Missing { header: String, instead: Option<String> },
    /// A column of the contract that the file before lacked is there again.
    Restored { header: String },
    /// A column of the contract is written in other letter case, and is read.
    OtherCase { header: String, name: String },
    /// Several columns have one name; the first of them is read.
    Repeated { name: String, times: usize },
    /// A column that neither the contract nor the file before has.
    New { name: String },
    /// A column that the contract does not name and only the file before had.
    Removed { name: String },
    /// The records have more or fewer fields than the contract has columns.
    Fields { found: usize, expected: usize },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { header, instead: None } => write!(f, "lacks column `{header}`"),
            Self::Missing { header, instead: Some(name) } => {
                write!(f, "lacks column `{header}`, has `{name}` instead")
            }
            Self::Restored { header } => write!(f, "has column `{header}` again"),
            Self::OtherCase { header, name } => {
                write!(f, "has column `{header}` as `{name}`, which is read all the same")
            }
            Self::Repeated { name, times: 2 } => {
                write!(f, "has two columns of the same name `{name}`; the first is read")
            }
            Self::Repeated { name, times } => {
                write!(f, "has {times} columns of the same name `{name}`; the first is read")
            }
            Self::New { name } => write!(f, "has a new column `{name}`"),
            Self::Removed { name } => write!(f, "no longer has column `{name}`"),
            Self::Fields { found, expected } => {
                let (field, column) = (plural(*found, "field"), plural(*expected, "column"));
                write!(f, "has {field} in most records, but its contract has {column}")
            }
        }
    }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The place of each expected column among `names`: that of its exact name, else of the only name
/// that differs from it in letter case alone. Blanks around names do not count; of equal names the
/// first is taken, and an expected column without a name is nowhere.
pub fn positions(names: &[String], expected: Expected<'_>) -> Vec<Option<usize>> {
    let mut exact: HashMap<&str, usize> = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        exact.entry(name.trim()).or_insert(at);
    }
    let place = |header: &&str| exact.get(header.trim()).copied().filter(|_| !header.is_empty());
    let mut positions: Vec<Option<usize>> = expected.headers.iter().map(place).collect();
    if expected.is_case_sensitive || positions.iter().all(Option::is_some) {
        return positions;
    }
    let lower = |name: &str| name.trim().to_lowercase();
    let mut wanted: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, header) in expected.headers.iter().enumerate() {
        if positions[at].is_none() && !header.is_empty() {
            wanted.entry(lower(header)).or_default().push(at);
        }
    }
    let taken: HashSet<&str> = positions.iter().flatten().map(|at| names[*at].trim()).collect();
    let mut fits: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, name) in names.iter().enumerate().filter(|(_, name)| !taken.contains(name.trim())) {
        fits.entry(lower(name)).or_default().push(at);
    }
    for (name, columns) in wanted {
        if let ([column], Some([only])) = (columns.as_slice(), fits.get(&name).map(Vec::as_slice)) {
            positions[*column] = Some(*only);
        }
    }
    positions
}

/// What differs between the columns of a file and those it is expected to have, as far as it did not
/// in the file `before` of the same table. The same columns as before are no change.
pub fn changes(
    expected: Expected<'_>,
    found: &FileColumns,
    before: Option<&FileColumns>,
) -> Vec<Change> {
    if before == Some(found) {
        return Vec::new();
    }
    if let FileColumns::Fields(fields) = found {
        let columns = expected.headers.len();
        let is_other = *fields != columns;
        let change = Change::Fields { found: *fields, expected: columns };
        return is_other.then_some(change).into_iter().collect();
    }
    let now = View::new(expected, found);
    let then = before.map(|before| View::new(expected, before));
    let then = then.as_ref().filter(|it| !it.names.is_empty());
    let mut changes = now.missing(expected, then, matches!(found, FileColumns::Keys(_)));
    let mut instead = BTreeSet::new();
    for change in &changes {
        if let Change::Missing { instead: Some(name), .. } = change {
            instead.insert(name.clone());
        }
    }
    changes.extend(now.other_case(expected, then));
    changes.extend(now.repeated(then));
    let Some(then) = then else { return changes };
    changes.extend(now.back(expected, then));
    let is_new = |name: &&String| !then.names.contains(name) && !instead.contains(*name);
    changes.extend(now.unknown().filter(is_new).map(|name| Change::New { name: name.clone() }));
    let is_gone = |name: &&String| !now.names.contains(name);
    if matches!(found, FileColumns::Names(_)) {
        changes
            .extend(then.unknown().filter(is_gone).map(|it| Change::Removed { name: it.clone() }));
    }
    changes
}

/// The names of a file and which of them are columns of the contract.
struct View<'a> {
    names: &'a [String],
    positions: Vec<Option<usize>>,
}

impl<'a> View<'a> {
    fn new(expected: Expected<'_>, found: &'a FileColumns) -> Self {
        Self { names: found.names(), positions: positions(found.names(), expected) }
    }

    /// Names the contract has no column for, each once.
    fn unknown(&self) -> impl Iterator<Item = &'a String> {
        let is_first = |at: usize| !self.names[..at].contains(&self.names[at]);
        let is_unknown = move |at: &usize| !self.positions.contains(&Some(*at)) && is_first(*at);
        let known: BTreeSet<&str> =
            self.positions.iter().flatten().map(|at| self.names[*at].as_str()).collect();
        let all: Vec<&String> =
            (0..self.names.len()).filter(is_unknown).map(|at| &self.names[at]).collect();
        all.into_iter().filter(move |name| !known.contains(name.as_str()) && !name.is_empty())
    }

    /// Expected columns that are not there, but were if there is a file before.
    fn missing(
        &self,
        expected: Expected<'_>,
        then: Option<&View<'_>>,
        is_optional: bool,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut free: Vec<&String> = self.unknown().collect();
        let was_new = |name: &&&String| then.is_none_or(|then| !then.names.contains(name));
        let new = free.iter().filter(was_new).count();
        let lost = |at: &usize| {
            let is_missing = self.positions[*at].is_none() && !expected.headers[*at].is_empty();
            is_missing && then.is_none_or(|then| then.positions[*at].is_some())
        };
        let all: Vec<usize> = (0..expected.headers.len()).filter(lost).collect();
        for at in all.iter().take(COMPARED_COLUMNS) {
            let header = expected.headers[*at].to_owned();
            // One column went and one came: whatever their names, one became the other.
            let is_only = all.len() == 1 && new == 1 && then.is_some();
            let instead = self.instead(&header, *at, then, &free, is_only);
            free.retain(|name| Some(*name) != instead.as_ref());
            // That no record has an optional key is a change only if there was one.
            if instead.is_some() || then.is_some() || !is_optional {
                changes.push(Change::Missing { header, instead });
            }
        }
        changes
    }

    /// Expected columns that are there again.
    fn back(&self, expected: Expected<'_>, then: &View<'_>) -> Vec<Change> {
        let is_back = |at: &usize| self.positions[*at].is_some() && then.positions[*at].is_none();
        let back = (0..expected.headers.len()).filter(is_back);
        back.map(|at| Change::Restored { header: expected.headers[at].to_owned() }).collect()
    }

    /// The unknown column that most likely is a missing one under another name.
    fn instead(
        &self,
        header: &str,
        at: usize,
        then: Option<&View<'_>>,
        free: &[&String],
        is_only: bool,
    ) -> Option<String> {
        let place = then.map_or(Some(at), |then| then.positions[at]);
        let mut best: Option<(f64, &String)> = None;
        for name in free.iter().copied().take(COMPARED_COLUMNS) {
            let is_new = then.is_none_or(|then| !then.names.contains(name));
            let is_there = place.and_then(|place| self.names.get(place)) == Some(name);
            let bonus = if is_there && is_new { SAME_PLACE } else { 0.0 };
            let score = similarity(header, name) + bonus;
            let is_enough = score >= RENAMED_SIMILARITY || (is_only && is_new);
            if is_enough && best.is_none_or(|(best, _)| score > best) {
                best = Some((score, name));
            }
        }
        best.map(|(_, name)| name.clone())
    }

    fn other_case(&self, expected: Expected<'_>, then: Option<&View<'_>>) -> Vec<Change> {
        let mut changes = Vec::new();
        for (header, place) in expected.headers.iter().zip(&self.positions) {
            let Some(name) = place.map(|place| &self.names[place]) else { continue };
            let is_other = name.trim() != header.trim();
            if is_other && then.is_none_or(|then| !then.names.contains(name)) {
                let header = (*header).to_owned();
                changes.push(Change::OtherCase { header, name: name.clone() });
            }
        }
        changes
    }

    fn repeated(&self, then: Option<&View<'_>>) -> Vec<Change> {
        let count = |names: &[String], name: &String| names.iter().filter(|it| *it == name).count();
        let mut changes: Vec<Change> = Vec::new();
        for (at, name) in self.names.iter().enumerate() {
            let times = count(self.names, name);
            let is_first = !self.names[..at].contains(name);
            let was = then.map_or(0, |then| count(then.names, name));
            if is_first && times > 1 && times != was && !name.is_empty() {
                changes.push(Change::Repeated { name: name.clone(), times });
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests;
