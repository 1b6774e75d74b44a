//! Matches the columns of a file to those of its contract and detects changes since the previous
//! file.
//!
//! Sources rename, add and drop columns without notice. A column of the contract is matched by its
//! exact name, otherwise by the only name that differs in letter case alone. Every other difference
//! is a [`Change`] that people have to see, because the values of a missing column would be null
//! from that day on.

use crate::similar::similarity;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;

/// Minimum similarity of a missing and an unknown column that are reported as a rename.
const RENAMED_SIMILARITY: f64 = 0.55;
/// Bonus for an unknown column at the position of the missing one.
const SAME_POSITION_BONUS: f64 = 0.4;
/// Limit of missing and of unknown columns that are compared with each other: enough for any file
/// that belongs to its table, and a bound for one that does not.
const COMPARED_COLUMNS: usize = 200;

/// The columns a contract expects in a file.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// Column names as the source writes them, in the order of the contract; empty for a column
    /// whose values are not in the record.
    pub headers: &'a [&'a str],
    /// Whether column names are case sensitive.
    pub is_case_sensitive: bool,
}

/// The columns of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileColumns {
    /// Column names in order, the same for all records.
    Names(Vec<String>),
    /// Keys of the records, each of them optional, as in JSON objects.
    Keys(Vec<String>),
    /// No names: the number of fields of most records.
    Fields(usize),
}

impl FileColumns {
    fn names(&self) -> &[String] {
        match self {
            Self::Names(names) | Self::Keys(names) => names,
            Self::Fields(_) => &[],
        }
    }

    /// The known columns after this file: records may omit keys, so a key of an earlier file is not
    /// new if it comes back.
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

/// A difference between the columns of a file and the expected ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A column of the contract is missing, possibly renamed.
    Missing { header: String, instead: Option<String> },
    /// A column of the contract that was missing in the previous file is present.
    Restored { header: String },
    /// A column of the contract is written in different letter case and is used.
    OtherCase { header: String, name: String },
    /// Several columns have the same name; the first one is used.
    Repeated { name: String, times: usize },
    /// A column that is neither in the contract nor in the previous file.
    New { name: String },
    /// A column that is not in the contract and was in the previous file only.
    Removed { name: String },
    /// The number of fields differs from the number of columns of the contract.
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
                write!(f, "has column `{header}` as `{name}`, which is accepted")
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

impl Change {
    /// The change of the contract that would follow; `None` if the contract need not change.
    pub fn proposal(&self) -> Option<String> {
        Some(match self {
            Self::Missing { header, instead: Some(name) } => {
                format!("proposed: header = {name:?} for the column of `{header}`")
            }
            Self::Missing { header, instead: None } => {
                format!("proposed: remove the column of `{header}` if it does not return")
            }
            Self::New { name } => {
                let column = column_name(name);
                format!("proposed: {{ name = {column:?}, header = {name:?}, type = \"text\" }}")
            }
            Self::Fields { found, expected } if found > expected => {
                "proposed: a further column where the new field is".to_owned()
            }
            Self::Fields { .. } => "proposed: remove the column whose field is missing".to_owned(),
            Self::Restored { .. }
            | Self::OtherCase { .. }
            | Self::Repeated { .. }
            | Self::Removed { .. } => return None,
        })
    }
}

/// A name of a column in a contract for a name in a file: small letters, digits and `_`.
fn column_name(name: &str) -> String {
    let mut column = String::with_capacity(name.len());
    for sign in name.trim().chars() {
        match sign.is_ascii_alphanumeric() {
            true => column.push(sign.to_ascii_lowercase()),
            false if !column.ends_with('_') => column.push('_'),
            false => {}
        }
    }
    let column = column.trim_matches('_');
    match column.chars().next() {
        Some(first) if first.is_ascii_lowercase() => column.to_owned(),
        _ => format!("c_{column}"),
    }
}

fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The position of each expected column among `names`: that of the exact name, otherwise of the
/// only name that differs in letter case alone. Spaces around names are ignored; the first of equal
/// names is used; an expected column without a name has no position.
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

/// The differences between the columns of a file and the expected ones that were not in the file
/// `before` of the same table. The same columns as before are not a change.
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
    let current = View::new(expected, found);
    let previous = before.map(|before| View::new(expected, before));
    let previous = previous.as_ref().filter(|it| !it.names.is_empty());
    let mut changes = current.missing(expected, previous, matches!(found, FileColumns::Keys(_)));
    let mut instead = BTreeSet::new();
    for change in &changes {
        if let Change::Missing { instead: Some(name), .. } = change {
            instead.insert(name.clone());
        }
    }
    changes.extend(current.other_case(expected, previous));
    changes.extend(current.repeated(previous));
    let Some(previous) = previous else { return changes };
    changes.extend(current.restored(expected, previous));
    let is_new = |name: &&String| !previous.names.contains(name) && !instead.contains(*name);
    changes.extend(current.unknown().filter(is_new).map(|name| Change::New { name: name.clone() }));
    let is_gone = |name: &&String| !current.names.contains(name);
    if matches!(found, FileColumns::Names(_)) {
        changes.extend(
            previous.unknown().filter(is_gone).map(|it| Change::Removed { name: it.clone() }),
        );
    }
    changes
}

/// The names of a file and their assignment to columns of the contract.
struct View<'a> {
    names: &'a [String],
    positions: Vec<Option<usize>>,
}

impl<'a> View<'a> {
    fn new(expected: Expected<'_>, found: &'a FileColumns) -> Self {
        Self { names: found.names(), positions: positions(found.names(), expected) }
    }

    /// Names without a column in the contract, without repetition.
    fn unknown(&self) -> impl Iterator<Item = &'a String> {
        let is_first = |at: usize| !self.names[..at].contains(&self.names[at]);
        let is_unknown = move |at: &usize| !self.positions.contains(&Some(*at)) && is_first(*at);
        let known: BTreeSet<&str> =
            self.positions.iter().flatten().map(|at| self.names[*at].as_str()).collect();
        let all: Vec<&String> =
            (0..self.names.len()).filter(is_unknown).map(|at| &self.names[at]).collect();
        all.into_iter().filter(move |name| !known.contains(name.as_str()) && !name.is_empty())
    }

    /// Expected columns that are missing and were present in the previous file, if there is one.
    fn missing(
        &self,
        expected: Expected<'_>,
        previous: Option<&View<'_>>,
        is_optional: bool,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut free: Vec<&String> = self.unknown().collect();
        let was_new =
            |name: &&&String| previous.is_none_or(|previous| !previous.names.contains(name));
        let new = free.iter().filter(was_new).count();
        let lost = |at: &usize| {
            let is_missing = self.positions[*at].is_none() && !expected.headers[*at].is_empty();
            is_missing && previous.is_none_or(|previous| previous.positions[*at].is_some())
        };
        let all: Vec<usize> = (0..expected.headers.len()).filter(lost).collect();
        for at in all.iter().take(COMPARED_COLUMNS) {
            let header = expected.headers[*at].to_owned();
            // One column disappeared and one appeared: treat it as a rename whatever the names.
            let is_only = all.len() == 1 && new == 1 && previous.is_some();
            let instead = self.instead(&header, *at, previous, &free, is_only);
            free.retain(|name| Some(*name) != instead.as_ref());
            // An optional key that no record has is a change only if it was present before.
            if instead.is_some() || previous.is_some() || !is_optional {
                changes.push(Change::Missing { header, instead });
            }
        }
        changes
    }

    /// Expected columns that are present again.
    fn restored(&self, expected: Expected<'_>, previous: &View<'_>) -> Vec<Change> {
        let is_back =
            |at: &usize| self.positions[*at].is_some() && previous.positions[*at].is_none();
        let back = (0..expected.headers.len()).filter(is_back);
        back.map(|at| Change::Restored { header: expected.headers[at].to_owned() }).collect()
    }

    /// The unknown column that most likely is the missing one under another name.
    fn instead(
        &self,
        header: &str,
        at: usize,
        previous: Option<&View<'_>>,
        free: &[&String],
        is_only: bool,
    ) -> Option<String> {
        let place = previous.map_or(Some(at), |previous| previous.positions[at]);
        let mut best: Option<(f64, &String)> = None;
        for name in free.iter().copied().take(COMPARED_COLUMNS) {
            let is_new = previous.is_none_or(|previous| !previous.names.contains(name));
            let is_there = place.and_then(|place| self.names.get(place)) == Some(name);
            let bonus = if is_there && is_new { SAME_POSITION_BONUS } else { 0.0 };
            let score = similarity(header, name) + bonus;
            let is_enough = score >= RENAMED_SIMILARITY || (is_only && is_new);
            if is_enough && best.is_none_or(|(best, _)| score > best) {
                best = Some((score, name));
            }
        }
        best.map(|(_, name)| name.clone())
    }

    fn other_case(&self, expected: Expected<'_>, previous: Option<&View<'_>>) -> Vec<Change> {
        let mut changes = Vec::new();
        for (header, place) in expected.headers.iter().zip(&self.positions) {
            let Some(name) = place.map(|place| &self.names[place]) else { continue };
            let is_other = name.trim() != header.trim();
            if is_other && previous.is_none_or(|previous| !previous.names.contains(name)) {
                let header = (*header).to_owned();
                changes.push(Change::OtherCase { header, name: name.clone() });
            }
        }
        changes
    }

    fn repeated(&self, previous: Option<&View<'_>>) -> Vec<Change> {
        let count = |names: &[String], name: &String| names.iter().filter(|it| *it == name).count();
        let mut changes: Vec<Change> = Vec::new();
        for (at, name) in self.names.iter().enumerate() {
            let times = count(self.names, name);
            let is_first = !self.names[..at].contains(name);
            let was = previous.map_or(0, |previous| count(previous.names, name));
            if is_first && times > 1 && times != was && !name.is_empty() {
                changes.push(Change::Repeated { name: name.clone(), times });
            }
        }
        changes
    }
}

#[cfg(test)]
mod tests;
