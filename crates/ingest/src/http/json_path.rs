//! One value of a JSON document, found by its path without building the document in memory.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::io::Read;

/// The text or number at a path of keys separated by dots; `None` if it is missing or null. A key may contain dots
/// itself, as `@odata.nextLink` does.
///
/// # Errors
/// The document is not JSON as far as it was read: up to the value.
pub(super) fn value_at(json: impl Read, path: &str) -> Result<Option<String>, serde_json::Error> {
    let mut found = None;
    let mut reader = serde_json::Deserializer::from_reader(json);
    match (At { path, found: &mut found }).deserialize(&mut reader) {
        // Reading ends at the value.
        Err(error) if found.is_none() => Err(error),
        _ => Ok(found),
    }
}

/// What reading ends with when the value is found; never shown.
const FOUND: &str = "found";

struct At<'a> {
    path: &'a str,
    found: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl At<'_> {
    /// Takes a value, if the path ends here.
    fn take<E: Error>(self, value: impl ToString) -> Result<(), E> {
        if !self.path.is_empty() {
            return Ok(());
        }
        *self.found = Some(value.to_string());
        Err(E::custom(FOUND))
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let below = self.path.strip_prefix(key.as_str()).filter(|_| !self.path.is_empty());
            let below = match below {
                Some("") => Some(""),
                Some(rest) => rest.strip_prefix('.'),
                None => None,
            };
            match below {
                Some(path) => map.next_value_seed(At { path, found: &mut *self.found })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.take(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.take(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.take(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.take(value)
    }

    fn visit_bool<E: Error>(self, _value: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, path: &str, expected: Option<&str>) {
        assert_eq!(value_at(json.as_bytes(), path).unwrap().as_deref(), expected, "{json} {path}");
    }

    #[test]
    fn a_value_is_found_by_its_path() {
        check(r#"{"a":[1,{"next":"x"}],"next":"b"}"#, "next", Some("b"));
        check(r#"{"meta":{"page":{"next":7}},"next":1}"#, "meta.page.next", Some("7"));
        check(r#"{"@odata.nextLink":"u","value":[]}"#, "@odata.nextLink", Some("u"));
        check(r#"{"@odata":{"nextLink":"v"}}"#, "@odata.nextLink", Some("v"));
        check(r#"{"d":{"__next":"w","results":[{}]}}"#, "d.__next", Some("w"));
    }

    #[test]
    fn a_missing_value_is_none() {
        check(r#"{"next":null}"#, "next", None);
        check(r#"{"next":false,"nextpage":"x"}"#, "next", None);
        check(r#"{"next":{"a":"x"}}"#, "next", None);
        check(r#"[{"next":"x"}]"#, "next", None);
        check(r#""x""#, "next", None);
        check(r#"{"next":""}"#, "next", Some(""));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        assert!(value_at(&b"<html>"[..], "next").is_err());
        assert!(value_at(&b"{\"a\":1"[..], "next").is_err());
    }
}
