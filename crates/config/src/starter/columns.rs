//! The type of each column, and the columns that identify a row.

use super::times::time_formats;
use std::collections::BTreeSet;

/// Words for true and false.
const FLAGS: [&str; 6] = ["true", "false", "yes", "no", "y", "n"];
/// Digits that a 64-bit integer always holds.
const INT_DIGITS: usize = 18;
/// Columns of a key.
const KEY_COLUMNS: usize = 3;
/// Columns that a key is searched among; keys are among the first columns.
const KEY_CANDIDATES: usize = 24;

/// The type of a column's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    Text,
    Int,
    /// Decimal sign and sign between thousands.
    Float(char, Option<char>),
    Bool,
    /// Formats of a day.
    Date(Vec<String>),
    /// Formats of a point in time.
    Time(Vec<String>),
}

/// A detected column.
#[derive(Debug)]
pub struct ColumnGuess {
    pub name: String,
    pub header: String,
    pub kind: Type,
    /// Whether each row has a value.
    pub is_complete: bool,
}

impl ColumnGuess {
    /// The column of these values, of which `nulls` mean unknown.
    pub fn new<'a>(
        name: String,
        header: String,
        values: impl Iterator<Item = &'a str>,
        nulls: &[String],
    ) -> Self {
        let all: Vec<&str> = values.collect();
        let is_known = |value: &&str| !value.is_empty() && !nulls.iter().any(|null| null == value);
        let known: Vec<&str> = all.iter().copied().filter(is_known).collect();
        let is_complete = known.len() == all.len();
        let kind = match guess_type(&known) {
            Type::Int => epoch(&name, &known).unwrap_or(Type::Int),
            kind => kind,
        };
        Self { name, header, kind, is_complete }
    }

    pub fn is_number(&self) -> bool {
        matches!(self.kind, Type::Int | Type::Float(..))
    }
}

/// The type that fits all values; text if there are none.
pub fn guess_type(values: &[&str]) -> Type {
    if values.is_empty() {
        return Type::Text;
    }
    if values.iter().all(|value| is_int(value)) {
        return Type::Int;
    }
    if let Some(found) = time_formats(values) {
        return if found.has_time { Type::Time(found.formats) } else { Type::Date(found.formats) };
    }
    let styles = [('.', None), (',', None), (',', Some('.')), ('.', Some(','))];
    for (decimal, thousands) in styles {
        if values.iter().all(|value| is_float(value, decimal, thousands)) {
            return Type::Float(decimal, thousands);
        }
    }
    let is_flag = |value: &&str| FLAGS.iter().any(|flag| value.eq_ignore_ascii_case(flag));
    if values.iter().all(is_flag) { Type::Bool } else { Type::Text }
}

/// A whole number; one with leading zeros is a code.
fn is_int(value: &str) -> bool {
    let digits = value.strip_prefix(['-', '+']).unwrap_or(value);
    let is_code = digits.len() > 1 && digits.starts_with('0');
    !is_code && is_digits(digits) && digits.len() <= INT_DIGITS
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_float(value: &str, decimal: char, thousands: Option<char>) -> bool {
    let value = value.strip_prefix(['-', '+']).unwrap_or(value);
    let (whole, fraction) = value.split_once(decimal).unwrap_or((value, "0"));
    let is_code = whole.len() > 1 && whole.starts_with('0');
    let is_whole = match thousands {
        None => is_digits(whole),
        Some(sign) => {
            let mut groups = whole.split(sign);
            let is_first = groups.next().is_some_and(|it| it.len() <= 3 && is_digits(it));
            is_first && groups.all(|group| group.len() == 3 && is_digits(group))
        }
    };
    !is_code && is_whole && is_digits(fraction)
}

/// Seconds since 1970 that are likely a time: from 2000 to 2100.
const EPOCHS_S: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// A column of whole numbers that is named like a time and has seconds or milliseconds since 1970.
fn epoch(name: &str, values: &[&str]) -> Option<Type> {
    let is_named =
        name.split('_').any(|word| ["at", "time", "timestamp", "ts", "date"].contains(&word));
    let numbers: Vec<i64> = values.iter().filter_map(|value| value.parse().ok()).collect();
    if !is_named || numbers.is_empty() || numbers.len() != values.len() {
        return None;
    }
    let units = [("epoch_s", 1), ("epoch_ms", 1_000)];
    let fits = |unit: i64| numbers.iter().all(|number| EPOCHS_S.contains(&(number / unit)));
    let (format, _) = units.into_iter().find(|(_, unit)| fits(*unit))?;
    Some(Type::Time(vec![format.to_owned()]))
}

/// The positions of the fewest columns whose values identify a row; empty if none do.
pub fn find_key(columns: &[ColumnGuess], rows: &[Vec<String>]) -> Vec<usize> {
    let is_candidate =
        |at: &usize| columns[*at].is_complete && !matches!(columns[*at].kind, Type::Float(..));
    let candidates = (0..columns.len()).filter(is_candidate).take(KEY_CANDIDATES);
    let candidates: Vec<usize> = candidates.collect();
    // Whole numbers after the first column are likely counts, which identify a row only by chance.
    let is_label = |at: &usize| *at == 0 || columns[*at].kind != Type::Int;
    let labels: Vec<usize> = candidates.iter().copied().filter(is_label).collect();
    for columns in [&labels, &candidates] {
        let mut keys = (1..=KEY_COLUMNS).flat_map(|size| combinations(columns, size));
        if let Some(key) = keys.find(|key| is_unique(key, rows)) {
            return key;
        }
    }
    Vec::new()
}

/// The subsets of a size, in the order of the columns.
fn combinations(columns: &[usize], size: usize) -> Vec<Vec<usize>> {
    if size == 0 {
        return vec![Vec::new()];
    }
    let mut found = Vec::new();
    for (at, first) in columns.iter().enumerate() {
        for mut rest in combinations(&columns[at + 1..], size - 1) {
            rest.insert(0, *first);
            found.push(rest);
        }
    }
    found
}

fn is_unique(key: &[usize], rows: &[Vec<String>]) -> bool {
    let mut seen = BTreeSet::new();
    rows.iter().all(|row| seen.insert(key.iter().map(|at| &row[*at]).collect::<Vec<_>>()))
}
