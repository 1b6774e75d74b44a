//! JSON Schema (draft 2020-12) of the TOML files.

use super::{Document, Key, Kind, Table};
use crate::settings::Setting;
use serde_json::{Map, Value, json};

/// The JSON Schema of a TOML file, as text with line ends.
pub fn json_schema(document: Document) -> String {
    let table = document.table();
    let mut schema = table_schema(table);
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), document.as_str().into());
    format!("{:#}\n", Value::Object(schema))
}

fn table_schema(table: &Table) -> Map<String, Value> {
    let mut properties = Map::new();
    for key in table.keys {
        properties.insert(key.name.to_owned(), key_schema(key));
    }
    for setting in (table.settings)() {
        properties.insert(setting.name.to_owned(), setting_schema(&setting));
        if let Some(former) = setting.former_name {
            let description = format!("Use {}.", setting.name);
            let schema =
                json!({ "type": "integer", "description": description, "deprecated": true });
            properties.insert(former.to_owned(), schema);
        }
    }
    let required: Vec<&str> =
        table.keys.iter().filter(|key| key.is_required).map(|key| key.name).collect();
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("description".to_owned(), table.description.into());
    schema.insert("properties".to_owned(), properties.into());
    if !required.is_empty() {
        schema.insert("required".to_owned(), required.into());
    }
    schema.insert("additionalProperties".to_owned(), false.into());
    schema
}

fn key_schema(key: &Key) -> Value {
    let mut schema = kind_schema(key.kind);
    schema.insert("description".to_owned(), key.description.into());
    if let Some(default) = toml_value(key.default) {
        schema.insert("default".to_owned(), default);
    }
    if let Some(example) = toml_value(key.example) {
        schema.insert("examples".to_owned(), Value::Array(vec![example]));
    }
    if key.is_deprecated {
        schema.insert("deprecated".to_owned(), true.into());
    }
    schema.into()
}

fn kind_schema(kind: Kind) -> Map<String, Value> {
    let schema = match kind {
        Kind::Text => json!({ "type": "string" }),
        Kind::Choice(choices) => json!({ "type": "string", "enum": choices }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Number(min, max) => number_schema(min, max),
        Kind::Decimal => json!({ "type": "number" }),
        Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Numbers => json!({ "type": "array", "items": { "type": "integer", "minimum": 0 } }),
        Kind::OneOrMore => json!({ "anyOf": [
            { "type": "string" }, { "type": "array", "items": { "type": "string" } }
        ] }),
        Kind::Translated => json!({ "anyOf": [
            { "type": "string" },
            { "type": "object", "additionalProperties": { "type": "string" }, "required": ["en"] }
        ] }),
        Kind::Duration => json!({ "type": "string" }),
        Kind::Limit => json!({ "anyOf": [{ "type": "number" }, { "type": "string" }] }),
        Kind::Ratio => json!({
            "type": "array", "items": { "type": "string" }, "minItems": 2, "maxItems": 2
        }),
        Kind::Table(table) => return table_schema(table),
        Kind::Map(table) => json!({
            "type": "object", "additionalProperties": table_schema(table)
        }),
        Kind::Tables(table) => json!({ "type": "array", "items": table_schema(table) }),
    };
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

fn setting_schema(setting: &Setting) -> Value {
    let mut schema = number_schema(setting.min, setting.max);
    let Setting { description, default, reason, .. } = setting;
    schema["description"] = format!("{description} Default {default}: {reason}.").into();
    schema["default"] = (*default).into();
    schema
}

/// A whole number. Bounds that only the type of the field has are left out.
fn number_schema(min: u64, max: u64) -> Value {
    let mut schema = json!({ "type": "integer", "minimum": min });
    if max < u64::from(u32::MAX) {
        schema["maximum"] = max.into();
    }
    schema
}

/// A value in TOML as JSON; `None` if the text is empty.
pub(super) fn toml_value(text: &str) -> Option<Value> {
    let literal = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    match literal {
        Some(text) => Some(text.into()),
        // Without literal strings, the values of the tables are the same in TOML and JSON.
        None => serde_json::from_str(text).ok(),
    }
}
