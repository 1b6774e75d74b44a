//! Writes the JSON that lands in `rest`, without changing how a number was written.

/// Appends `text` as a JSON string.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
    out.push('"');
}

/// Begins the next member of the object `out`, which is still open, or empty.
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

/// Appends valid JSON without the blanks between its signs.
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
    fn blanks_go_and_spellings_stay() {
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
