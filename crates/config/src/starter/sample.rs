//! The first rows of a delimited file: delimiter, lines above the table, header.

use super::columns::{Type, guess_type};
use std::collections::BTreeSet;

/// Rows from which everything is detected.
const ROWS: usize = 20_000;
/// Signs that separate fields.
const DELIMITERS: [char; 4] = [';', ',', '\t', '|'];
/// Texts that usually mean that a value is unknown.
const NULLS: [&str; 8] = ["NULL", "null", "None", "N/A", "n/a", "NaN", "-", "#N/A"];

/// The first rows of a file.
#[derive(Debug)]
pub struct Sample {
    pub delimiter: char,
    pub has_header: bool,
    /// Lines above the table.
    pub skip_lines: usize,
    /// Whether lines that begin with # are comments.
    pub has_comments: bool,
    /// All rows of the table, the header included; each has the same number of fields.
    rows: Vec<Vec<String>>,
}

impl Sample {
    /// Detects the table; `None` if there is none.
    pub fn read(whole: &str, is_whole: bool) -> Option<Self> {
        let text = without_comments(whole);
        let has_comments = text.len() < whole.len();
        let tables = DELIMITERS.map(|it| (it, table(&text, it, is_whole)));
        let best = tables.into_iter().max_by_key(|(_, table)| table.score())?;
        let (delimiter, Table { skip_lines, rows, width, .. }) = best;
        if width < 2 || rows.len() < 2 {
            return None;
        }
        let has_header = is_header(&rows);
        let rows = if has_header { without_unnamed(rows) } else { rows };
        Some(Self { delimiter, has_header, skip_lines, has_comments, rows })
    }

    /// The names of the fields; numbered if the file has no header.
    pub fn headers(&self) -> Vec<String> {
        let first = self.rows.first().cloned().unwrap_or_default();
        if self.has_header {
            return first;
        }
        (1..=first.len()).map(|number| format!("column {number}")).collect()
    }

    /// The rows of data.
    pub fn into_data(mut self) -> Vec<Vec<String>> {
        self.rows.split_off(usize::from(self.has_header))
    }
}

/// Texts in the values that mean unknown.
pub fn nulls(rows: &[Vec<String>]) -> Vec<String> {
    let values: BTreeSet<&str> = rows.iter().flatten().map(String::as_str).collect();
    NULLS.iter().filter(|null| values.contains(*null)).map(|it| (*it).to_owned()).collect()
}

/// A text without the lines that begin with #, if there are several. A single one may name the columns.
fn without_comments(text: &str) -> String {
    let is_comment = |line: &&str| line.starts_with('#');
    if text.lines().filter(is_comment).take(2).count() < 2 {
        return text.to_owned();
    }
    text.split_inclusive('\n').filter(|line| !is_comment(line)).collect()
}

/// The text of the bytes, and the name of their encoding.
pub fn decode(bytes: &[u8]) -> (String, &'static str) {
    let encoding = match encoding_rs::Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None if is_utf8(bytes) => encoding_rs::UTF_8,
        None => encoding_rs::WINDOWS_1252,
    };
    let name = match encoding.name() {
        "UTF-16LE" => "utf-16le",
        "UTF-16BE" => "utf-16be",
        "windows-1252" => "windows-1252",
        _ => "utf-8",
    };
    (encoding.decode(bytes).0.into_owned(), name)
}

/// Whether the bytes are UTF-8, of which the last character may be cut off.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    }
}

/// The rows that a delimiter gives.
struct Table {
    skip_lines: usize,
    rows: Vec<Vec<String>>,
    /// Fields of most rows.
    width: usize,
    /// Rows with another number of fields, those above the table left out.
    ragged: usize,
}

impl Table {
    /// The greater, the more likely is the delimiter.
    fn score(&self) -> (bool, i64, usize) {
        let share = self.rows.len() as i64 - 20 * self.ragged as i64;
        (self.width > 1, share, self.width)
    }
}

fn table(text: &str, delimiter: char, is_whole: bool) -> Table {
    let mut rows = split(text, delimiter);
    if !is_whole && rows.len() > 1 {
        rows.pop();
    }
    let width = most_frequent(rows.iter().map(Vec::len));
    let skip_lines = rows.iter().take_while(|row| row.len() != width).count();
    let mut rows: Vec<Vec<String>> = rows.split_off(skip_lines);
    let all = rows.len();
    rows.retain(|row| row.len() == width);
    Table { skip_lines, ragged: all - rows.len(), rows, width }
}

fn most_frequent(widths: impl Iterator<Item = usize>) -> usize {
    let mut counts = std::collections::BTreeMap::<usize, usize>::new();
    widths.for_each(|width| *counts.entry(width).or_default() += 1);
    counts.into_iter().max_by_key(|(width, count)| (*count, *width)).map_or(0, |(width, _)| width)
}

/// The records of a text; a field in double quotes may contain delimiters, line ends and doubled quotes.
fn split(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if is_quoted && signs.peek() == Some(&'"') => field.extend(signs.next()),
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            '\n' if !is_quoted => {
                row.push(take_trimmed(&mut field));
                rows.push(std::mem::take(&mut row));
                if rows.len() == ROWS {
                    return rows;
                }
            }
            _ if sign == delimiter && !is_quoted => row.push(take_trimmed(&mut field)),
            _ => field.push(sign),
        }
    }
    if !row.is_empty() || !field.is_empty() {
        row.push(take_trimmed(&mut field));
        rows.push(row);
    }
    rows
}

fn take_trimmed(field: &mut String) -> String {
    std::mem::take(field).trim().to_owned()
}

/// The rows without the columns that the header does not name, such as those of a delimiter at the end of
/// each line.
fn without_unnamed(mut rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let is_named: Vec<bool> = rows[0].iter().map(|name| !name.is_empty()).collect();
    for row in &mut rows {
        let mut named = is_named.iter();
        row.retain(|_| named.next().is_some_and(|is_named| *is_named));
    }
    rows
}

/// Whether the first row names the columns: its fields are different texts that do not occur as values.
fn is_header(rows: &[Vec<String>]) -> bool {
    let Some((first, data)) = rows.split_first() else { return false };
    let names: Vec<&str> = first.iter().map(String::as_str).filter(|it| !it.is_empty()).collect();
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    // `No` is a common header, and a word for false.
    let are_texts = names.iter().all(|it| matches!(guess_type(&[it]), Type::Text | Type::Bool));
    if names.len() * 2 < first.len() || distinct.len() != names.len() || !are_texts {
        return false;
    }
    let is_value = |at: usize| data.iter().any(|row| row[at] == first[at]);
    (0..first.len()).all(|at| first[at].is_empty() || !is_value(at))
}
