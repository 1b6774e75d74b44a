//! The first records of a JSON document, and where they are in it.

use serde_json::{Map, Value};
use std::collections::VecDeque;

/// Records from which everything is detected.
const RECORDS: usize = 20_000;
/// Columns of a table.
const COLUMNS: usize = 500;
/// How deep the array of records is searched, and members of records are columns.
const DEPTH: usize = 6;

/// Records of a document.
#[derive(Debug, PartialEq, Eq)]
pub struct JsonSample {
    /// Whether each line is a record; else the document has an array.
    pub is_lines: bool,
    /// The path of the array; `None` if the document is the array.
    pub records: Option<String>,
    /// The paths of the columns.
    pub headers: Vec<String>,
    /// The values; empty if a record has none.
    pub rows: Vec<Vec<String>>,
    /// Paths whose values are arrays, which are not columns.
    pub arrays: Vec<String>,
}

impl JsonSample {
    /// Reads a text that may be cut off at its end unless `is_whole`; `None` if it is not JSON with records.
    pub fn read(text: &str, is_whole: bool) -> Option<Self> {
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with('[') {
            let elements = elements(text.strip_prefix('[')?);
            return Self::new(false, None, elements);
        }
        if !text.starts_with('{') {
            return None;
        }
        if let Some(records) = lines(text, is_whole) {
            let is_document = records.len() == 1;
            let inner = is_document.then(|| records.first().and_then(longest_array)).flatten();
            return match inner {
                Some((path, elements)) => Self::new(false, Some(path), elements),
                None => Self::new(true, None, records),
            };
        }
        let document: Value = serde_json::from_str(text).ok()?;
        let (path, elements) = longest_array(&document)?;
        Self::new(false, Some(path), elements)
    }

    fn new(is_lines: bool, records: Option<String>, elements: Vec<Value>) -> Option<Self> {
        let mut sample =
            Self { is_lines, records, headers: Vec::new(), rows: Vec::new(), arrays: Vec::new() };
        for element in elements.iter().take(RECORDS) {
            let mut row = vec![String::new(); sample.headers.len()];
            sample.add(element.as_object()?, "", 0, &mut row);
            sample.rows.push(row);
        }
        let width = sample.headers.len();
        sample.rows.iter_mut().for_each(|row| row.resize(width, String::new()));
        (width > 0 && !sample.rows.is_empty()).then_some(sample)
    }

    /// Adds the members of an object to a row.
    fn add(
        &mut self,
        object: &Map<String, Value>,
        prefix: &str,
        depth: usize,
        row: &mut Vec<String>,
    ) {
        for (key, value) in object {
            // A key with a dot has no path.
            if key.contains('.') || key.is_empty() {
                continue;
            }
            let path = format!("{prefix}{key}");
            let text = match value {
                Value::Object(inner) if depth < DEPTH => {
                    self.add(inner, &format!("{path}."), depth + 1, row);
                    continue;
                }
                Value::Array(_) | Value::Object(_) => {
                    if !self.arrays.contains(&path) {
                        self.arrays.push(path);
                    }
                    continue;
                }
                Value::Null => String::new(),
                Value::String(text) => text.trim().to_owned(),
                other => other.to_string(),
            };
            let at = self.headers.iter().position(|it| *it == path).unwrap_or_else(|| {
                self.headers.push(path);
                self.headers.len() - 1
            });
            if at < COLUMNS {
                row.resize(row.len().max(at + 1), String::new());
                row[at] = text;
            }
        }
    }
}

/// The records of JSON lines; `None` if a line is not an object.
fn lines(text: &str, is_whole: bool) -> Option<Vec<Value>> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if !is_whole && lines.len() > 1 {
        lines.pop();
    }
    let records = lines.into_iter().take(RECORDS).map(|line| serde_json::from_str(line).ok());
    let records: Option<Vec<Value>> = records.collect();
    records.filter(|records| records.iter().all(Value::is_object))
}

/// The elements of an array whose bracket was removed, as far as they are complete.
fn elements(mut text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    while found.len() < RECORDS {
        text = text.trim_start().trim_start_matches(',').trim_start();
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
        let Some(Ok(value)) = values.next() else { break };
        let end = values.byte_offset();
        found.push(value);
        text = &text[end..];
    }
    found
}

/// The longest array of objects in a document, with its path.
fn longest_array(document: &Value) -> Option<(String, Vec<Value>)> {
    let mut waiting = VecDeque::from([(String::new(), document, 0)]);
    let mut longest: Option<(String, &Vec<Value>)> = None;
    while let Some((path, value, depth)) = waiting.pop_front() {
        let Value::Object(object) = value else { continue };
        for (key, value) in object.iter().filter(|(key, _)| !key.contains('.') && !key.is_empty()) {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match value {
                Value::Array(elements)
                    if !elements.is_empty()
                        && elements.iter().all(Value::is_object)
                        && longest.as_ref().is_none_or(|(_, it)| elements.len() > it.len()) =>
                {
                    longest = Some((path, elements));
                }
                Value::Object(_) if depth < DEPTH => waiting.push_back((path, value, depth + 1)),
                _ => {}
            }
        }
    }
    longest.map(|(path, elements)| (path, elements.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, is_whole: bool) -> JsonSample {
        JsonSample::read(text, is_whole).unwrap()
    }

    #[test]
    fn lines_are_records() {
        let text = "{\"a\": 1, \"b\": {\"c\": \"x\"}}\n\n{\"a\": null, \"d\": [1], \"e\": true}\n";
        let sample = read(text, true);
        assert!(sample.is_lines);
        assert_eq!(sample.headers, ["a", "b.c", "e"]);
        assert_eq!(sample.rows, [["1", "x", ""], ["", "", "true"]]);
        assert_eq!(sample.arrays, ["d"]);
        assert_eq!(read("{\"a\": 1}\n{\"a\": 2}\n{\"a\":", false).rows.len(), 2);
    }

    #[test]
    fn an_array_may_be_cut_off() {
        let sample = read("[{\"a\": 1}, {\"a\": 2}, {\"a\"", false);
        assert_eq!((sample.is_lines, sample.records, sample.rows.len()), (false, None, 2));
    }

    #[test]
    fn the_longest_array_has_the_records() {
        let text = r#"{"meta": {"links": [{"x": 1}]}, "d": {"results": [{"id": 1}, {"id": 2}]}, "n": [1, 2, 3]}"#;
        for text in [text.to_owned(), text.replace(", ", ",\n")] {
            let sample = read(&text, true);
            assert_eq!((sample.records.as_deref(), sample.rows.len()), (Some("d.results"), 2));
        }
    }

    #[test]
    fn other_texts_have_no_records() {
        for text in ["", "a;b", "{", "[1, 2]", "{\"a\": {\"b\": 1", "[]", "{}"] {
            assert!(JsonSample::read(text, true).is_none(), "{text}");
        }
    }
}
