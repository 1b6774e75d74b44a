//! Writes the JSON of the column `_rest`. Numbers keep the digits they were written with.

use std::io;

/// Appends `text` as a JSON string.
pub(super) fn push_string(out: &mut String, text: &str) {
    // Writing text to a String cannot fail.
    serde_json::to_writer(StringWriter(out), text).unwrap_or_default();
}

/// Appends to a String what a serializer writes.
struct StringWriter<'a>(&'a mut String);

impl io::Write for StringWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.push_str(text);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the next member of the object `out`, which is empty or not closed yet.
pub(super) fn push_key(out: &mut String, key: &str) {
    out.push(if out.is_empty() { '{' } else { ',' });
    push_string(out, key);
    out.push(':');
}

/// Appends an array of strings.
pub(super) fn push_array<T: AsRef<str>>(out: &mut String, texts: impl Iterator<Item = T>) {
    out.push('[');
    for (index, text) in texts.enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(out, text.as_ref());
    }
    out.push(']');
}

/// Appends valid JSON without whitespace between its tokens.
pub(super) fn push_compact(out: &mut String, json: &str) {
    let mut quoted = false;
    let mut escaped = false;
    for character in json.chars() {
        let blank = matches!(character, ' ' | '\t' | '\r' | '\n');
        if quoted || !blank {
            out.push(character);
        }
        quoted ^= character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn whitespace_is_removed_and_values_stay() {
        let check = |json, expected: &str| {
            let mut out = String::new();
            push_compact(&mut out, json);
            assert_eq!(out, expected);
        };
        check(r#" { "a b" : [ 1.0 , 1e5 ] } "#, r#"{"a b":[1.0,1e5]}"#);
        check(r#"{"q" : "\" , \\" , "r" : " x "}"#, r#"{"q":"\" , \\","r":" x "}"#);
    }

    proptest! {
        #[test]
        fn any_string_survives(text in any::<String>(), key in any::<String>()) {
            let mut out = String::new();
            push_key(&mut out, &key);
            push_string(&mut out, &text);
            out.push('}');
            let value: serde_json::Value = serde_json::from_str(&out).unwrap();
            prop_assert_eq!(value[&key].as_str(), Some(text.as_str()));
        }
    }
}
