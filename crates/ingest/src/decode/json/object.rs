//! Reads the fields of a record from a JSON object.

use crate::decode::json_text::{push_compact, push_key};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// The columns of an object by their keys, and below these by further keys.
#[derive(Debug, Default)]
pub(in crate::decode) struct Paths {
    /// The column with this path.
    column: Option<usize>,
    deeper: HashMap<String, Paths>,
    /// Keys of `deeper` by their lower-case form, without those that differ in case alone; empty if letter
    /// case counts.
    lower_case: HashMap<String, String>,
}

/// A value as it is in the text.
#[derive(Debug, Clone, Copy)]
pub(in crate::decode) struct Field<'a>(pub(super) &'a RawValue);

impl<'a> Field<'a> {
    /// Whether it is an object or an array.
    pub fn is_nested(&self) -> bool {
        self.0.get().starts_with(['{', '['])
    }

    /// A string without its quotes and escapes, other scalars as written, nested values as compact JSON, `None`
    /// for null. Fails if a string escapes a lone surrogate.
    pub fn text(&self) -> Option<Result<Cow<'a, str>, serde_json::Error>> {
        let json = self.0.get();
        match json.as_bytes().first()? {
            b'n' => None,
            b'"' => Some(unescape(json)),
            b'{' | b'[' => Some(Ok(Cow::Owned(compact(json)))),
            _ => Some(Ok(Cow::Borrowed(json))),
        }
    }
}

fn unescape(json: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    match json.get(1..json.len() - 1) {
        Some(plain) if memchr::memchr(b'\\', plain.as_bytes()).is_none() => {
            Ok(Cow::Borrowed(plain))
        }
        _ => serde_json::from_str(json).map(Cow::Owned),
    }
}

fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    push_compact(&mut out, json);
    out
}

impl Paths {
    /// The paths of columns 0, 1, and so on; a dot leads into an object.
    pub fn new<'a>(headers: impl Iterator<Item = &'a str> + Clone) -> Self {
        Self::with_numbers(headers.enumerate())
    }

    /// The paths of columns by their numbers; a dot leads into an object.
    pub fn with_numbers<'a>(headers: impl Iterator<Item = (usize, &'a str)> + Clone) -> Self {
        let mut root = Self::default();
        for (column, header) in headers.clone() {
            let mut at = &mut root;
            for key in header.split('.') {
                at = at.deeper.entry(key.to_owned()).or_default();
            }
            at.column = Some(column);
        }
        for (column, header) in headers {
            root.deeper.entry(header.to_owned()).or_default().column.get_or_insert(column);
        }
        root
    }

    /// The same paths, whose keys match in any letter case if only one does.
    #[must_use]
    pub fn in_any_case(mut self) -> Self {
        let mut lower_case: HashMap<String, Option<String>> = HashMap::new();
        for key in self.deeper.keys() {
            let only = lower_case.entry(key.to_lowercase()).or_insert_with(|| Some(key.clone()));
            *only = only.take().filter(|only| only == key);
        }
        self.lower_case =
            lower_case.into_iter().filter_map(|(key, only)| Some((key, only?))).collect();
        let deeper = self.deeper.into_iter();
        self.deeper = deeper.map(|(key, paths)| (key, paths.in_any_case())).collect();
        self
    }

    /// The paths below a member: those of its exact key, else those of the only key that matches in any case.
    fn child(&self, key: &str, members: &[(Cow<'_, str>, &RawValue)]) -> Option<&Self> {
        if let Some(exact) = self.deeper.get(key) {
            return Some(exact);
        }
        if self.lower_case.is_empty() {
            return None;
        }
        let lower = key.to_lowercase();
        let name = self.lower_case.get(&lower)?;
        let fits = members.iter().filter(|(other, _)| other.to_lowercase() == lower).count();
        if fits == 1 { self.deeper.get(name) } else { None }
    }

    /// Calls `note` with every key of an object, and with nested ones, joined by dots, where a column may be.
    pub fn keys(&self, object: &str, above: &str, note: &mut dyn FnMut(String)) {
        let Ok(Members(members)) = serde_json::from_str(object) else { return };
        for (key, value) in &members {
            let name = format!("{above}{key}");
            match self.child(key, &members) {
                Some(paths) if !paths.deeper.is_empty() && value.get().starts_with('{') => {
                    paths.keys(value.get(), &format!("{name}."), note);
                }
                _ => note(name),
            }
        }
    }

    /// Reads one object: the value of each column into `fields`, all others into `rest` as a JSON object, which
    /// stays empty if there are none.
    pub fn read<'a>(
        &self,
        object: &'a str,
        fields: &mut [Option<Field<'a>>],
        rest: &mut String,
    ) -> Result<(), serde_json::Error> {
        let Members(members) = serde_json::from_str(object)?;
        for (key, value) in &members {
            match self.child(key, &members) {
                None => push_member(rest, key, value),
                Some(paths) => paths.take(key, value, fields, rest)?,
            }
        }
        if !rest.is_empty() {
            rest.push('}');
        }
        Ok(())
    }

    fn take<'a>(
        &self,
        key: &str,
        value: &'a RawValue,
        fields: &mut [Option<Field<'a>>],
        rest: &mut String,
    ) -> Result<(), serde_json::Error> {
        if let Some(field) = self.column.and_then(|column| fields.get_mut(column)) {
            // Of repeated keys the last counts, as in other JSON parsers.
            if let Some(Field(earlier)) = field.replace(Field(value)) {
                push_member(rest, key, earlier);
            }
        }
        if self.deeper.is_empty() {
            return Ok(());
        }
        if value.get().starts_with('{') {
            let mut nested = String::new();
            self.read(value.get(), fields, &mut nested)?;
            if !nested.is_empty() && self.column.is_none() {
                push_key(rest, key);
                rest.push_str(&nested);
            }
        } else if self.column.is_none() && value.get() != "null" {
            push_member(rest, key, value);
        }
        Ok(())
    }
}

fn push_member(rest: &mut String, key: &str, value: &RawValue) {
    push_key(rest, key);
    push_compact(rest, value.get());
}

/// The text of the value at `path` within a value, or of the value itself if the path is empty; `None` if there
/// is none or it is null.
pub(super) fn lookup(json: &str, path: &str) -> Result<Option<String>, serde_json::Error> {
    let value: &RawValue = serde_json::from_str(json)?;
    let field = if path.is_empty() { Some(Field(value)) } else { find(value, path)? };
    field.and_then(|field| field.text()).transpose().map(|text| text.map(Cow::into_owned))
}

/// The value at `path` within a value.
pub(super) fn find<'a>(
    value: &'a RawValue,
    path: &str,
) -> Result<Option<Field<'a>>, serde_json::Error> {
    if !value.get().starts_with('{') {
        return Ok(None);
    }
    let mut found = None;
    for (key, value) in members(value.get())? {
        match path.strip_prefix(key.as_ref()) {
            Some("") => found = Some(Field(value)),
            Some(deeper) if deeper.starts_with('.') => found = find(value, &deeper[1..])?.or(found),
            _ => {}
        }
    }
    Ok(found)
}

/// The members of an object in order, their values not parsed.
pub(super) fn members(object: &str) -> Result<Vec<(Cow<'_, str>, &RawValue)>, serde_json::Error> {
    let Members(members) = serde_json::from_str(object)?;
    Ok(members)
}

struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

/// Accepts an object and nothing else.
struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Members(members))
    }
}

/// A key, borrowed from the text unless it has escapes.
#[derive(serde::Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
