//! Finds the records within a JSON text that is in memory: the text itself, or the elements of an array
//! in it, together with fields of the objects around the array (the envelope).

use super::object::{Field, find, members};
use batches::batch::Fault;
use serde_json::value::RawValue;

/// Path of the records if the text itself is their array.
pub(in crate::decode) const ROOT: &str = "$";

/// Where the records are in a JSON text.
///
/// Paths have dots between keys; a key that itself contains dots is found too. Where the path of the
/// records leads through an array, each of its elements is followed.
#[derive(Debug)]
pub(in crate::decode) struct Splitter {
    /// The path of the array, `None` if the text is the record or an array of records.
    path: Option<String>,
    /// Columns of the envelope, and their paths.
    envelope: Vec<(usize, String)>,
    /// Number of columns of the contract.
    width: usize,
    /// Whether a value without the path is a record itself, instead of a fault: a program that sends
    /// several records in an array may send a single one without it.
    is_lenient: bool,
}

/// A record, or a value in place of one.
pub(in crate::decode) enum Found<'a> {
    /// A record, with the values of the envelope by column.
    Record(&'a RawValue, Vec<Option<Field<'a>>>),
    Faulty(&'a RawValue, Fault),
}

/// The part of the paths that is left at some value, and the fields known there.
struct Position<'p, 'a> {
    path: Option<&'p str>,
    envelope: Vec<(usize, &'p str)>,
    known: Vec<Option<Field<'a>>>,
    /// Whether no object was entered yet.
    is_root: bool,
}

impl<'a> Position<'_, 'a> {
    /// The same position for an element of an array.
    fn for_element(&self) -> Self {
        let (envelope, known) = (self.envelope.clone(), self.known.clone());
        Self { path: self.path, envelope, known, is_root: self.is_root }
    }
}

impl Splitter {
    /// A splitter for the array at `path`, and for `envelope` columns of a contract with `width` columns.
    pub fn new(path: Option<&str>, envelope: Vec<(usize, String)>, width: usize) -> Self {
        let path = path.filter(|path| !path.is_empty()).map(str::to_owned);
        Self { path, envelope, width, is_lenient: false }
    }

    /// The same for messages: a value without the path is a record itself, and the path may be [`ROOT`].
    #[must_use]
    pub fn lenient(mut self) -> Self {
        let below_root = |path: String| match path.strip_prefix(ROOT) {
            Some(below) => below.strip_prefix('.').unwrap_or(below).to_owned(),
            None => path,
        };
        self.path = self.path.map(below_root).filter(|path| !path.is_empty());
        self.is_lenient = true;
        self
    }

    /// Whether the records are the texts themselves.
    pub fn is_whole(&self) -> bool {
        self.path.is_none()
    }

    /// No field of the envelope.
    pub fn no_fields<'a>(&self) -> Vec<Option<Field<'a>>> {
        vec![None; self.width]
    }

    /// Calls `each` with every record of `text`, in order. An array without elements has no records.
    ///
    /// # Errors
    /// [`Fault::NotJson`] if the text is not JSON.
    pub fn split<'a>(&self, text: &'a str, each: &mut dyn FnMut(Found<'a>)) -> Result<(), Fault> {
        let value = serde_json::from_str::<&RawValue>(text).map_err(|_not_json| Fault::NotJson)?;
        let position = Position {
            path: self.path.as_deref(),
            envelope: self.envelope.iter().map(|(at, path)| (*at, path.as_str())).collect(),
            known: self.no_fields(),
            is_root: true,
        };
        self.follow(value, position, each);
        Ok(())
    }

    fn follow<'a>(
        &self,
        value: &'a RawValue,
        position: Position<'_, 'a>,
        each: &mut dyn FnMut(Found<'a>),
    ) {
        match (value.get().as_bytes().first(), position.path) {
            (Some(b'['), _) => self.follow_elements(value, &position, each),
            (Some(b'{'), None) if !position.is_root => {
                each(Found::Record(value, position.known));
            }
            (Some(b'{'), _) => self.follow_object(value, position, each),
            // Many programs write null in place of an empty array.
            (Some(b'n'), None) if !position.is_root => {}
            _ if self.is_lenient => each(Found::Record(value, position.known)),
            _ => each(Found::Faulty(value, Fault::NoRecords)),
        }
    }

    fn follow_elements<'a>(
        &self,
        array: &'a RawValue,
        position: &Position<'_, 'a>,
        each: &mut dyn FnMut(Found<'a>),
    ) {
        let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(array.get()) else {
            return each(Found::Faulty(array, Fault::NotJson));
        };
        for element in elements {
            if position.path.is_none() && !(position.is_root && self.is_lenient) {
                each(Found::Record(element, position.known.clone()));
            } else {
                self.follow(element, position.for_element(), each);
            }
        }
    }

    fn follow_object<'a>(
        &self,
        object: &'a RawValue,
        mut position: Position<'_, 'a>,
        each: &mut dyn FnMut(Found<'a>),
    ) {
        match enter(object, &mut position) {
            Ok(Some(inner)) => self.follow(inner, position, each),
            Ok(None) if self.is_lenient => each(Found::Record(object, position.known)),
            Ok(None) => each(Found::Faulty(object, Fault::NoRecords)),
            Err(_) => each(Found::Faulty(object, Fault::NotJson)),
        }
    }
}

/// Moves the position into the member of an object that is on the path, and takes the fields of the
/// envelope from its other members. Returns the member, if there is one.
fn enter<'a>(
    object: &'a RawValue,
    position: &mut Position<'_, 'a>,
) -> Result<Option<&'a RawValue>, serde_json::Error> {
    let mut next = None;
    let mut envelope = Vec::new();
    for (key, value) in members(object.get())? {
        let inner_path = position.path.and_then(|path| strip_key(path, &key));
        if let Some(inner_path) = inner_path {
            // The last of repeated keys counts.
            next = Some((value, inner_path));
            envelope.clear();
        }
        for (column, wanted) in &position.envelope {
            let known = &mut position.known[*column];
            match strip_key(wanted, &key) {
                Some("") => *known = Some(Field(value)),
                Some(deeper) if inner_path.is_some() => envelope.push((*column, deeper)),
                Some(deeper) => *known = find(value, deeper)?.or(*known),
                None => {}
            }
        }
    }
    let Some((value, path)) = next else { return Ok(None) };
    position.path = Some(path).filter(|path| !path.is_empty());
    position.envelope = envelope;
    position.is_root = false;
    Ok(Some(value))
}

/// The rest of a path after `key`: empty at its end, `None` if the path does not start with the key.
fn strip_key<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    let left = path.strip_prefix(key)?;
    if left.is_empty() { Some(left) } else { left.strip_prefix('.') }
}

/// The rest of a path below the path `above`, which may be empty.
pub(super) fn below<'p>(path: &'p str, above: &str) -> Option<&'p str> {
    if above.is_empty() { Some(path) } else { strip_key(path, above) }
}

/// Position of a value in the text that it is borrowed from.
pub(super) fn offset(text: &str, value: &RawValue) -> usize {
    value.get().as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records of a message as `record envelope`, the envelope being its fields `u` and `h.t`.
    fn split(path: &str, text: &str) -> Result<Vec<String>, Fault> {
        let envelope = vec![(0, "u".to_owned()), (1, "h.t".to_owned())];
        let mut found = Vec::new();
        Splitter::new(Some(path), envelope, 2).lenient().split(text, &mut |record| {
            found.push(match record {
                Found::Record(value, known) => {
                    let fields = known.iter().flatten().map(|field| field.0.get());
                    [value.get()].into_iter().chain(fields).collect::<Vec<_>>().join(" ")
                }
                Found::Faulty(value, fault) => format!("{} {}", fault.code(), value.get()),
            });
        })?;
        Ok(found)
    }

    fn check(text: &str, path: &str, expected: &[&str]) {
        assert_eq!(split(path, text).unwrap(), expected, "{text} at {path}");
    }

    #[test]
    fn records_are_found_by_path() {
        check("[1,{}]", "$", &["1", "{}"]);
        check(r#"{"u":7,"v":[{"a":1}, {"a":2}]}"#, "v", &[r#"{"a":1} 7"#, r#"{"a":2} 7"#]);
        check(r#"{"v":[{"a":1}],"u":7}"#, "$.v", &[r#"{"a":1} 7"#]);
        check(r#"{"a":{"b.c":[5]}}"#, "a.b.c", &["5"]);
        check(r#"{"v":{"a":1},"h":{"t":"x"}}"#, "v", &[r#"{"a":1} "x""#]);
        check(r#"{"v":5}"#, "v", &["5"]);
    }

    #[test]
    fn arrays_on_the_path_are_followed() {
        check(r#"[{"v":[1,2]},{"v":[3]},{"x":4}]"#, "v", &["1", "2", "3", r#"{"x":4}"#]);
        check("[[1],[2,3]]", "$", &["1", "2", "3"]);
        check(r#"{"v":[[1],2]}"#, "v", &["[1]", "2"]);
        check(r#"{"g":[{"u":1,"v":[5]},{"u":2,"v":[6]}]}"#, "g.v", &["5", "6"]);
    }

    #[test]
    fn a_message_without_the_path_is_a_record_and_its_own_envelope() {
        check(r#" {"a":1,"u":2} "#, "v", &[r#"{"a":1,"u":2} 2"#]);
        check(r#"[{"u":3}]"#, "$", &[r#"{"u":3} 3"#]);
        check("5", "v", &["5"]);
        check("null", "$", &["null"]);
    }

    #[test]
    fn an_empty_array_has_no_records() {
        for (text, path) in
            [("[]", "$"), (r#"{"v":[]}"#, "v"), (r#"{"v":null}"#, "v"), (r#"[{"v":[]}]"#, "v")]
        {
            check(text, path, &[]);
        }
        for text in ["", "[1", "{} {}", r#"{"v":[}"#] {
            assert_eq!(split("v", text), Err(Fault::NotJson), "{text}");
        }
    }
}
