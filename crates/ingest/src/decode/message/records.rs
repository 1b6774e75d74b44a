//! The records of a message that holds several, and the objects around them.

use super::super::json::members;
use batches::batch::Fault;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Path of the records if the message itself is their array.
pub const ROOT: &str = "$";

/// One record of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its JSON.
    pub text: &'a str,
    /// The JSON of the object its array is in; the record itself if it is in none.
    pub envelope: &'a str,
}

/// Whether a text is JSON.
pub fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// The records of a message whose array is at `path`. Arrays on the way to it are opened, and an
/// object without this path is a record itself: who sends several records at once sends a single one
/// without an array.
pub fn split<'a>(text: &'a str, path: &str) -> Result<Vec<Element<'a>>, Fault> {
    if !is_json(text) {
        return Err(Fault::NotJson);
    }
    let path = path.strip_prefix(ROOT).unwrap_or(path);
    let path = path.strip_prefix('.').unwrap_or(path);
    let mut found = Vec::new();
    collect(text.trim(), path, &mut found)?;
    if found.is_empty() { Err(Fault::NoRecords) } else { Ok(found) }
}

fn collect<'a>(json: &'a str, path: &str, found: &mut Vec<Element<'a>>) -> Result<(), Fault> {
    if json.starts_with('[') {
        return elements(json)?.into_iter().try_for_each(|json| collect(json, path, found));
    }
    let inner = match json.starts_with('{') && !path.is_empty() {
        true => Object::parse(json)?.get(path),
        false => None,
    };
    let Some(inner) = inner else {
        found.push(Element { text: json, envelope: json });
        return Ok(());
    };
    match inner.as_bytes().first() {
        Some(b'n') => {}
        Some(b'[') => {
            let elements = elements(inner)?.into_iter();
            found.extend(elements.map(|text| Element { text, envelope: json }));
        }
        _ => found.push(Element { text: inner, envelope: json }),
    }
    Ok(())
}

fn elements(json: &str) -> Result<Vec<&str>, Fault> {
    let elements: Vec<&RawValue> = serde_json::from_str(json).map_err(|_error| Fault::NotJson)?;
    Ok(elements.into_iter().map(RawValue::get).collect())
}

/// The members of an object.
#[derive(Debug)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    pub fn parse(json: &'a str) -> Result<Self, Fault> {
        members(json).map(Self).map_err(|_error| Fault::NotJson)
    }

    /// The JSON at a path. A path with dots may also be written as one key.
    pub fn get(&self, path: &str) -> Option<&'a str> {
        // Of repeated keys the last counts.
        let member = |key: &str| self.0.iter().rev().find(|it| it.0 == key).map(|it| it.1.get());
        member(path).or_else(|| {
            path.match_indices('.').find_map(|(at, _)| {
                let inner = member(&path[..at]).filter(|json| json.starts_with('{'))?;
                Object::parse(inner).ok()?.get(&path[at + 1..])
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, path: &str, expected: &[(&str, &str)]) {
        let found = split(text, path).unwrap();
        let found: Vec<(&str, &str)> = found.iter().map(|it| (it.text, it.envelope)).collect();
        assert_eq!(found, expected, "{text} at {path}");
    }

    #[test]
    fn records_are_found_by_path() {
        check("[1,{}]", "$", &[("1", "1"), ("{}", "{}")]);
        let batch = r#"{"unit":7,"values":[{"a":1}, {"a":2}]}"#;
        check(batch, "values", &[(r#"{"a":1}"#, batch), (r#"{"a":2}"#, batch)]);
        check(batch, "$.values", &[(r#"{"a":1}"#, batch), (r#"{"a":2}"#, batch)]);
        let deep = r#"{"a":{"b.c":[5]}}"#;
        check(deep, "a.b.c", &[("5", deep)]);
        check(r#"{"values":{"a":1}}"#, "values", &[(r#"{"a":1}"#, r#"{"values":{"a":1}}"#)]);
    }

    #[test]
    fn arrays_on_the_way_are_opened() {
        let text = r#"[{"v":[1,2]},{"v":[3]},{"x":4}]"#;
        let (first, second, third) = (r#"{"v":[1,2]}"#, r#"{"v":[3]}"#, r#"{"x":4}"#);
        check(text, "v", &[("1", first), ("2", first), ("3", second), (third, third)]);
        check("[[1],[2,3]]", "$", &[("1", "1"), ("2", "2"), ("3", "3")]);
    }

    #[test]
    fn a_message_without_the_path_is_a_record() {
        check(r#" {"a":1} "#, "values", &[(r#"{"a":1}"#, r#"{"a":1}"#)]);
        check("5", "values", &[("5", "5")]);
    }

    #[test]
    fn what_holds_no_record_says_so() {
        for (text, path) in
            [("[]", "$"), (r#"{"v":[]}"#, "v"), (r#"{"v":null}"#, "v"), (r#"[{"v":[]}]"#, "v")]
        {
            assert_eq!(split(text, path), Err(Fault::NoRecords), "{text}");
        }
        for text in ["", "[1", "{} {}", r#"{"v":[}"#] {
            assert_eq!(split(text, "v"), Err(Fault::NotJson), "{text}");
        }
    }
}
