//! Reads TOML so that all mistakes are reported, each with its line, not only the first.
//!
//! A [`TomlReader`] reads one TOML table. Its getters take the known keys; [`TomlReader::finish`] reports the
//! others.

use super::diagnostic::{Diagnostic, did_you_mean, line_of};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Collects the mistakes of one file.
#[derive(Debug)]
pub struct Findings<'t> {
    file: &'t str,
    text: &'t str,
    found: RefCell<Vec<Diagnostic>>,
    is_toml: Cell<bool>,
    /// Keys that were read, whether present or not, with the path of their table.
    known: RefCell<BTreeSet<(String, String)>>,
}

impl<'t> Findings<'t> {
    pub fn new(file: &'t str, text: &'t str) -> Self {
        let (found, known) = (RefCell::default(), RefCell::default());
        Self { file, text, found, is_toml: Cell::new(true), known }
    }

    /// The line, from 1, of byte `offset` of the file.
    pub fn line_of(&self, offset: usize) -> usize {
        line_of(self.text, offset)
    }

    /// The keys that were read, whether present or not, each with the path of its table.
    pub fn known_keys(&self) -> BTreeSet<(String, String)> {
        self.known.borrow().clone()
    }

    /// Notes a mistake at byte `offset` of the file.
    pub fn note(&self, offset: usize, message: impl Into<String>, remedy: impl Into<String>) {
        self.note_line(line_of(self.text, offset), message, remedy);
    }

    /// Number of mistakes so far.
    pub fn count(&self) -> usize {
        self.found.borrow().len()
    }

    /// The text of the file.
    pub fn file_text(&self) -> &'t str {
        self.text
    }

    /// Whether the file is valid TOML, so that the other findings are reliable.
    pub fn are_about_meaning(&self) -> bool {
        self.is_toml.get()
    }

    /// Notes a mistake on a line of the file, counted from 1. In a file that is not valid TOML only the syntax
    /// error counts, because a key that seems to be missing may be present once the syntax is fixed.
    pub fn note_line(&self, line: usize, message: impl Into<String>, remedy: impl Into<String>) {
        if !self.is_toml.get() {
            return;
        }
        self.found.borrow_mut().push(Diagnostic {
            file: self.file.to_owned(),
            line,
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    pub fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.found.into_inner()
    }

    /// Parses the file as TOML and returns what could be parsed. Only the first syntax error is noted, since
    /// it usually causes the following ones.
    pub fn parse(&self) -> Spanned<DeTable<'t>> {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let at = |error: &toml::de::Error| error.span().map_or(0, |span| span.start);
        if let Some(error) = errors.iter().min_by_key(|error| at(error)) {
            let message = format!("not TOML: {}", error.message());
            self.note(at(error), message, "Fix the syntax here.");
            self.is_toml.set(false);
        }
        table
    }
}

/// Reads one TOML table.
#[derive(Debug)]
pub struct TomlReader<'a, 't> {
    table: &'a DeTable<'t>,
    at: usize,
    /// Keys above the table, joined by dots; empty for the root.
    path: String,
    known: Vec<&'static str>,
    findings: &'a Findings<'t>,
}

impl<'a, 't> TomlReader<'a, 't> {
    /// Reads `table`, which begins at byte `at`.
    pub fn new(table: &'a DeTable<'t>, at: usize, findings: &'a Findings<'t>) -> Self {
        Self { table, at, path: String::new(), known: Vec::new(), findings }
    }

    /// Reads a table below this one.
    fn below(&self, key: &str, table: &'a DeTable<'t>, at: usize) -> Self {
        let path =
            if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Self { path, ..Self::new(table, at, self.findings) }
    }

    /// Registers a key as known.
    fn register(&mut self, key: &'static str) {
        self.known.push(key);
        self.findings.known.borrow_mut().insert((self.path.clone(), key.to_owned()));
    }

    /// Byte at which the table begins.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Byte after the last value of the table, or its beginning if it has none.
    pub fn end(&self) -> usize {
        end_of(self.table).unwrap_or(self.at)
    }

    /// Byte of the first line of the text under `key`, behind its quotes; `None` if it is missing.
    pub fn at_text(&self, key: &str) -> Option<usize> {
        let span = self.table.get(key)?.span();
        let text = self.findings.text.get(span.clone())?;
        let quotes = ["\"\"\"\r\n", "\"\"\"\n", "'''\r\n", "'''\n"];
        let opening = quotes.iter().find(|quotes| text.starts_with(**quotes));
        Some(span.start + opening.map_or(0, |quotes| quotes.len()))
    }

    /// The text under `key`, without regard to mistakes.
    pub fn peek(&self, key: &str) -> Option<&'a str> {
        self.table.get(key)?.get_ref().as_str()
    }

    /// Byte at which the value of `key` begins, or the table if the key is missing.
    pub fn at_key(&self, key: &str) -> usize {
        self.table.get(key).map_or(self.at, |value| value.span().start)
    }

    /// Notes a mistake at the value of `key`.
    pub fn note(&self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.findings.note(self.at_key(key), message, remedy);
    }

    /// Notes a mistake at the beginning of the table.
    pub fn note_here(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.findings.note(self.at, message, remedy);
    }

    /// Notes a mistake on a line of the file, counted from 1.
    pub fn note_line(&self, line: usize, message: impl Into<String>, remedy: impl Into<String>) {
        self.findings.note_line(line, message, remedy);
    }

    /// The mistakes of the file.
    pub fn findings(&self) -> &'a Findings<'t> {
        self.findings
    }

    /// Line, from 1, of the first line of the text under `key`, or of the table if it is missing.
    pub fn line_of_text(&self, key: &str) -> usize {
        self.findings.line_of(self.at_text(key).unwrap_or(self.at))
    }

    /// Whether the value of `key` is a whole number.
    pub fn is_integer(&self, key: &str) -> bool {
        self.table.get(key).is_some_and(|value| value.get_ref().as_integer().is_some())
    }

    /// Whether the key is present, whatever its value.
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    pub(crate) fn value(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'t>>> {
        self.register(key);
        self.table.get(key)
    }

    pub(crate) fn wrong(&self, key: &str, wanted: &str) {
        self.note(key, format!("`{key}` is not {wanted}"), format!("Write {wanted} here."));
    }

    /// A text, or `None` if it is missing.
    pub fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            self.wrong(key, "a text in quotes");
        }
        text
    }

    /// A required text; its absence is noted with `remedy`.
    pub fn required(&mut self, key: &'static str, remedy: &str) -> Option<String> {
        if self.table.get(key).is_none() {
            self.register(key);
            self.findings.note(self.at, format!("`{key}` is missing"), remedy);
            return None;
        }
        self.text(key)
    }

    /// True or false, or `None` if it is missing.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.wrong(key, "true or false");
        }
        flag
    }

    /// A whole number that is not negative, or `None` if it is missing.
    pub fn number(&mut self, key: &'static str) -> Option<u64> {
        let value = self.value(key)?;
        let number = value.get_ref().as_integer().and_then(|integer| {
            u64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
        });
        if number.is_none() {
            self.wrong(key, "a whole number, not negative");
        }
        number
    }

    /// A list of whole numbers that are not negative, or `None` if it is missing.
    pub fn numbers(&mut self, key: &'static str) -> Option<Vec<u64>> {
        let value = self.value(key)?;
        let number = |item: &Spanned<DeValue<'_>>| {
            let integer = item.get_ref().as_integer()?;
            u64::from_str_radix(&integer.as_str().replace('_', ""), integer.radix()).ok()
        };
        let numbers = value.get_ref().as_array().and_then(|it| it.iter().map(number).collect());
        if numbers.is_none() {
            self.wrong(key, "a list of whole numbers");
        }
        numbers
    }

    /// A number, with or without a fraction, or `None` if it is missing.
    pub fn decimal(&mut self, key: &'static str) -> Option<f64> {
        let value = self.value(key)?.get_ref();
        let float = value.as_float().map(|float| float.as_str().replace('_', ""));
        let whole = value.as_integer().filter(|integer| integer.radix() == 10);
        let text = float.or_else(|| whole.map(|integer| integer.as_str().replace('_', "")));
        let number = text.and_then(|text| text.parse::<f64>().ok());
        if number.is_none() {
            self.wrong(key, "a number");
        }
        number
    }

    /// A list of texts, or `None` if it is missing.
    pub fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let value = self.value(key)?;
        let texts = value.get_ref().as_array().and_then(|array| {
            array.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect()
        });
        if texts.is_none() {
            self.wrong(key, "a list of texts");
        }
        texts
    }

    /// A list of texts, which are `Ok`, and of numbers, which are `Err`, or `None` if it is missing.
    pub fn texts_or_numbers(&mut self, key: &'static str) -> Option<Vec<Result<String, f64>>> {
        let value = self.value(key)?;
        let item = |item: &Spanned<DeValue<'_>>| {
            let item = item.get_ref();
            let float = item.as_float().map(|float| float.as_str().replace('_', ""));
            let whole = item.as_integer().map(|whole| whole.as_str().replace('_', ""));
            let number = || float.or(whole)?.parse::<f64>().ok().filter(|it| it.is_finite());
            item.as_str().map(|text| Ok(text.to_owned())).or_else(|| number().map(Err))
        };
        let items = value.get_ref().as_array().and_then(|it| it.iter().map(item).collect());
        if items.is_none() {
            self.wrong(key, "a list of texts and numbers");
        }
        items
    }

    /// The readers of the tables below this one, each with its key, in the order of the file. Other values are
    /// noted.
    pub fn into_tables(self) -> Vec<(String, TomlReader<'a, 't>)> {
        let mut tables = Vec::with_capacity(self.table.len());
        for (key, value) in self.table.iter() {
            let name: &str = key.get_ref();
            match value.get_ref().as_table() {
                // All tables of the list have the same keys, so they share a path.
                Some(table) => {
                    tables.push((name.to_owned(), self.below("*", table, key.span().start)))
                }
                None => self.findings.note(key.span().start, "not a table", "Write { … } here."),
            }
        }
        tables.sort_by_key(|(_, table)| table.at);
        tables
    }

    /// The readers of a list of tables.
    pub fn tables(&mut self, key: &'static str) -> Vec<TomlReader<'a, 't>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(array) = value.get_ref().as_array() else {
            self.wrong(key, "a list of tables");
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(array.len());
        for item in array.iter() {
            match item.get_ref().as_table() {
                Some(table) => tables.push(self.below(key, table, item.span().start)),
                None => self.findings.note(item.span().start, "not a table", "Write { … } here."),
            }
        }
        tables
    }

    /// The reader of a table below this one, or `None` if it is missing.
    pub fn table(&mut self, key: &'static str) -> Option<TomlReader<'a, 't>> {
        let value = self.value(key)?;
        match value.get_ref().as_table() {
            Some(table) => Some(self.below(key, table, value.span().start)),
            None => {
                self.wrong(key, "a table");
                None
            }
        }
    }

    /// Accepts these keys without reading them.
    pub fn allow(&mut self, keys: &[&'static str]) {
        self.known.extend(keys);
    }

    /// Notes every unknown key.
    pub fn finish(self) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !self.known.contains(&name) {
                self.findings.note(
                    key.span().start,
                    format!("unknown key `{name}`"),
                    did_you_mean(name, &self.known),
                );
            }
        }
    }
}

/// Byte after the last value of a table and the tables below it.
fn end_of(table: &DeTable<'_>) -> Option<usize> {
    let end = |value: &Spanned<DeValue<'_>>| {
        let below = value.get_ref().as_table().and_then(end_of);
        below.unwrap_or(0).max(value.span().end)
    };
    table.values().map(end).max()
}
