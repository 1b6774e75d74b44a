//! JSON with exactly one form for each value.

use serde_json::Value;
use std::collections::BTreeMap;

/// Keys sorted by their bytes, no white space. Keys are sorted here because the order of a
/// `serde_json` map depends on a feature that another crate may enable.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            let pairs = sorted.iter().map(|(key, it)| format!("{}:{}", quoted(key), canonical(it)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        Value::String(text) => quoted(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = json!({ "b": [{ "z": null, "a": true }], "a": "x\n\"", "é": 1 });
        let expected = r#"{"a":"x\n\"","b":[{"a":true,"z":null}],"é":1}"#;
        assert_eq!(canonical(&value), expected);
    }

    proptest! {
        #[test]
        fn text_leads_back_to_the_value(pairs: Vec<(String, i64)>, list: Vec<String>) {
            let map: serde_json::Map<String, Value> =
                pairs.into_iter().map(|(key, it)| (key, it.into())).collect();
            let value = json!({ "map": map, "list": list });
            let text = canonical(&value);
            let read: Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(canonical(&read), text);
            prop_assert_eq!(read, value);
        }
    }
}
