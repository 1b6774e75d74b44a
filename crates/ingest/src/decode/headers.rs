//! The headers of a message as one JSON array in their order, `[{"key":"unit","value":"7"}]`.
//!
//! A key may occur several times. A value that is not UTF-8 is written as `value_hex`, and a header without
//! a value has neither.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header<'a> {
    #[serde(borrow)]
    key: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    value_hex: Option<String>,
}

/// The value of a header is not text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotText;

impl<'a> Header<'a> {
    /// A header as received.
    pub fn new(key: &'a [u8], value: Option<&'a [u8]>) -> Self {
        let text = value.map(std::str::from_utf8);
        Self {
            key: String::from_utf8_lossy(key),
            value: text.and_then(Result::ok).map(Cow::Borrowed),
            value_hex: value.filter(|_| text.is_some_and(|it| it.is_err())).map(hex::encode),
        }
    }
}

/// Serializes headers.
pub fn write(headers: &[Header<'_>]) -> String {
    // Serializing strings cannot fail.
    serde_json::to_string(headers).unwrap_or_default()
}

/// The value of a header in a text of [`write`], `None` if there is none. Of several headers with this key the
/// last counts.
///
/// # Errors
/// If the value is not text.
pub fn find<'a>(text: &'a str, key: &str) -> Result<Option<Cow<'a, str>>, NotText> {
    let headers: Vec<Header<'a>> = serde_json::from_str(text).unwrap_or_default();
    let Some(found) = headers.into_iter().rev().find(|header| header.key == key) else {
        return Ok(None);
    };
    if found.value_hex.is_some() { Err(NotText) } else { Ok(found.value) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(headers: &[(&str, Option<&[u8]>)]) -> String {
        let headers = headers.iter().map(|(key, value)| Header::new(key.as_bytes(), *value));
        write(&headers.collect::<Vec<_>>())
    }

    #[test]
    fn headers_keep_their_order_and_values() {
        let all = [
            ("unit", Some(&b"7"[..])),
            ("empty", Some(b"")),
            ("none", None),
            ("raw", Some(b"\xff\x00")),
        ];
        let expected = r#"[{"key":"unit","value":"7"},{"key":"empty","value":""},{"key":"none"},{"key":"raw","value_hex":"ff00"}]"#;
        let text = text(&all);
        assert_eq!(text, expected);
        assert_eq!(find(&text, "unit"), Ok(Some("7".into())));
        assert_eq!(find(&text, "empty"), Ok(Some("".into())));
        assert_eq!(find(&text, "none"), Ok(None));
        assert_eq!(find(&text, "absent"), Ok(None));
        assert_eq!(find(&text, "raw"), Err(NotText));
    }

    #[test]
    fn of_several_values_the_last_counts() {
        let text = text(&[("unit", Some(b"1")), ("unit", Some(b"2"))]);
        assert_eq!(find(&text, "unit"), Ok(Some("2".into())));
    }

    proptest! {
        #[test]
        fn what_is_written_is_found(key in ".{0,8}", value in ".{0,8}") {
            let text = text(&[(&key, Some(value.as_bytes()))]);
            prop_assert_eq!(find(&text, &key), Ok(Some(value.into())));
        }
    }
}
