//! The type of each column, and the columns that identify a row.

use super::sample::Sample;
use std::collections::BTreeSet;

/// Formats of days.
const DATES: [&str; 6] =
    ["yyyy-MM-dd", "dd.MM.yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "dd-MM-yyyy", "yyyyMMdd"];
/// Formats of the time after a day.
const TIMES: [&str; 3] = ["HH:mm:ss", "HH:mm", "HH:mm:ss.SSS"];
/// Separators of day and time.
const BETWEEN: [&str; 2] = [" ", "T"];
/// Words for true and false.
const FLAGS: [&str; 6] = ["true", "false", "yes", "no", "y", "n"];
/// Digits that a 64-bit integer always holds.
const INT_DIGITS: usize = 18;
/// Columns of a key.
const KEY_COLUMNS: usize = 3;

/// The type of a column's values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    Text,
    Int,
    /// Decimal sign and sign between thousands.
    Float(char, Option<char>),
    Bool,
    /// Format of a day.
    Date(String),
    /// Format of a point in time.
    Time(String),
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
        Self { name, header, kind: guess_type(&known), is_complete }
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
    if let Some(format) = time_format(values) {
        return format;
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

/// The first format that fits all values.
fn time_format(values: &[&str]) -> Option<Type> {
    for date in DATES {
        if values.iter().all(|value| fits(value, date)) {
            return Some(Type::Date(date.to_owned()));
        }
        for between in BETWEEN {
            let formats = TIMES.map(|time| format!("{date}{between}{time}"));
            let found = formats.into_iter().find(|it| values.iter().all(|value| fits(value, it)));
            if let Some(format) = found {
                return Some(Type::Time(format));
            }
        }
    }
    None
}

/// Whether a value has the digits and signs of a format, with fields in range.
fn fits(value: &str, format: &str) -> bool {
    if value.len() != format.len() || !value.is_ascii() {
        return false;
    }
    let signs = value.bytes().zip(format.bytes());
    let is_shaped = signs.clone().all(|(sign, field)| match field {
        b'y' | b'M' | b'd' | b'H' | b'm' | b's' | b'S' => sign.is_ascii_digit(),
        _ => sign == field,
    });
    let in_range = |field: u8, min: u32, max: u32| {
        let digits: String = signs
            .clone()
            .filter(|(_, it)| *it == field)
            .map(|(sign, _)| char::from(sign))
            .collect();
        digits.is_empty() || digits.parse().is_ok_and(|number| (min..=max).contains(&number))
    };
    is_shaped
        && [(b'y', 1900, 2200), (b'M', 1, 12), (b'd', 1, 31), (b'H', 0, 23), (b'm', 0, 59)]
            .into_iter()
            .chain([(b's', 0, 59)])
            .all(|(field, min, max)| in_range(field, min, max))
}

/// The positions of the fewest columns whose values identify a row; empty if none do.
pub fn find_key(columns: &[ColumnGuess], sample: &Sample) -> Vec<usize> {
    let is_candidate =
        |at: &usize| columns[*at].is_complete && !matches!(columns[*at].kind, Type::Float(..));
    let candidates: Vec<usize> = (0..columns.len()).filter(is_candidate).collect();
    for size in 1..=KEY_COLUMNS.min(candidates.len()) {
        let mut found = combinations(&candidates, size).into_iter();
        if let Some(key) = found.find(|key| is_unique(key, sample)) {
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

fn is_unique(key: &[usize], sample: &Sample) -> bool {
    let mut seen = BTreeSet::new();
    sample.data().iter().all(|row| seen.insert(key.iter().map(|at| &row[*at]).collect::<Vec<_>>()))
}
