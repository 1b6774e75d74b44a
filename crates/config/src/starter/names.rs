//! Names of tables and columns, and patterns of file names.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

/// Words that SQL reserves, so that they are not valid as column names.
const RESERVED: [&str; 44] = [
    "all", "and", "as", "asc", "between", "by", "case", "cast", "create", "cross", "default",
    "desc", "distinct", "drop", "else", "end", "except", "exists", "false", "fetch", "for", "from",
    "full", "group", "having", "in", "inner", "insert", "interval", "into", "is", "join", "left",
    "limit", "not", "null", "on", "or", "order", "right", "select", "table", "then", "true",
];

/// A date in the name of a file.
static DATE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(19|20)\d\d-\d\d-\d\d").ok());
/// The same without hyphens.
static DENSE_DATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(19|20)\d\d[01]\d[0-3]\d").ok());

/// The name of the table for a file.
pub fn table_name(file: &str) -> String {
    let stem = file.split('.').next().unwrap_or_default();
    let name: String = stem.chars().map(|it| if it.is_ascii_digit() { '_' } else { it }).collect();
    let name = plain(&name);
    if name.is_empty() { "data".to_owned() } else { name }
}

/// The pattern of the names of later files: a date in the name varies.
pub fn path_pattern(file: &str) -> String {
    let plain = file.replace(['{', '}', '*'], "*");
    for (pattern, part) in [(&DATE, "{date}"), (&DENSE_DATE, "{yyyymmdd}")] {
        if let Some(pattern) = pattern.as_ref().filter(|it| it.is_match(&plain)) {
            return pattern.replace(&plain, part).into_owned();
        }
    }
    plain
}

/// The names of columns for the headers of a file: unique, and usable in SQL without quotes.
pub fn column_names(headers: &[String]) -> Vec<String> {
    let mut used = BTreeSet::new();
    let mut names = Vec::with_capacity(headers.len());
    for (at, header) in headers.iter().enumerate() {
        let mut name = plain(header);
        if name.is_empty() {
            name = format!("column_{}", at + 1);
        }
        if RESERVED.contains(&name.as_str()) {
            name.push_str("_value");
        }
        let mut unique = name.clone();
        let mut number = 2;
        while !used.insert(unique.clone()) {
            unique = format!("{name}_{number}");
            number += 1;
        }
        names.push(unique);
    }
    names
}

/// Small letters, digits and `_`, starting with a letter; empty if nothing of the text remains. An upper case
/// letter after a small one starts a word.
fn plain(text: &str) -> String {
    let mut name = String::new();
    let mut was_small = false;
    for sign in text.chars() {
        let is_word = sign.is_ascii_alphanumeric();
        if (!is_word || (was_small && sign.is_ascii_uppercase())) && !name.ends_with('_') {
            name.push('_');
        }
        if is_word {
            name.push(sign.to_ascii_lowercase());
        }
        was_small = sign.is_ascii_lowercase() || sign.is_ascii_digit();
    }
    let name = name.trim_matches('_').to_owned();
    if name.starts_with(|sign: char| sign.is_ascii_digit()) { format!("c_{name}") } else { name }
}
