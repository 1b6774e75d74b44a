use super::*;
use crate::folder;
use crate::toml_reader::Findings;
use chrono_tz::Tz;
use std::collections::BTreeSet;

/// The keys of a table and of those below it, each with the path of its table.
fn keys_of(table: &Table, path: &str, keys: &mut BTreeSet<(String, String)>) {
    for key in table.keys {
        keys.insert((path.to_owned(), key.name.to_owned()));
        if let Kind::Table(below) | Kind::Tables(below) = key.kind {
            let path = if path.is_empty() { key.name } else { &format!("{path}.{}", key.name) };
            keys_of(below, path, keys);
        }
        if let Kind::Map(below) = key.kind {
            let path = if path.is_empty() { key.name } else { &format!("{path}.{}", key.name) };
            keys_of(below, &format!("{path}.*"), keys);
        }
    }
    for setting in (table.settings)() {
        let names = [Some(setting.name), setting.former_name];
        keys.extend(names.into_iter().flatten().map(|name| (path.to_owned(), name.to_owned())));
    }
}

/// A plant file, contracts and KPIs that together make the readers read every key.
const PLANT: &str = "name = 'p'\nzone = 'UTC'\n[kafka]\n[serve]\n[temperature]\n[access]\n[limits]\n\
                     [[shift]]\n[[rest]]\n[[line]]\n[[unit]]\n[[openid]]\n[[openid.role]]\n";
const CONTRACTS: [&str; 8] = [
    "format = 'delimited'\ncolumns = [ { name = 'a', type = 'decimal' }, { name = 'b', type = 'bool' }, \
     { name = 'c', type = 'time' } ]",
    "format = 'message'\n",
    "format = 'tokens'\n",
    "format = 'fixed'\n",
    "format = 'workbook'\n",
    "[sql]\nurl = 'mysql://a@b/c'\nwatermark = 'w'\n",
    "format = 'json_lines'\n[http]\n",
    "[mqtt]\n",
];
const KPIS: &str = "[[hours]]\n[[kpi]]\nunknown = [{}]\ncause = [{}]\n";

const REPORT: &str = "[parameters.p]\nkind = 'text'\nvalues = ''\n[[query]]\n[query.columns.c]\n[[chart]]\n[schedule]\n[[send]]\n";
/// A board that makes the reader read every key.
const BOARD: &str = "newest_day = ''\n[[tile]]\nkind = 'number'\nstale_after = ''\nlimits = [{}]\n\
                     [tile.columns.a]\n";

/// Rules of all kinds, which together make the reader read every key.
fn alarms() -> String {
    let rules =
        crate::alarms::KINDS.map(|kind| format!("[[rule]]\nname = '{kind}'\nkind = '{kind}'\n"));
    format!("{NOTIFICATIONS}\n[[suppression]]\n{}", rules.concat())
}

/// The keys that the reader of a document reads.
fn read_keys(document: Document, text: &str) -> BTreeSet<(String, String)> {
    let findings = Findings::new("x.toml", text);
    match document {
        Document::Plant => drop(folder::read_plant(&findings)),
        Document::Contract => drop(crate::contract::read("x", Tz::UTC, &findings)),
        Document::Kpis => drop(crate::kpi::read(&findings, |_| 1)),
        Document::Alarms => return crate::alarms::known_keys(text),
        Document::Report => crate::reports::read_keys(&findings),
        Document::Board => return crate::boards::known_keys(text),
    }
    findings.known_keys()
}

#[track_caller]
fn check(document: Document, texts: &[&str]) {
    let mut expected = BTreeSet::new();
    keys_of(document.table(), "", &mut expected);
    let found: BTreeSet<_> = texts.iter().flat_map(|text| read_keys(document, text)).collect();
    let missing: Vec<_> = found.difference(&expected).collect();
    let unread: Vec<_> = expected.difference(&found).collect();
    assert!(missing.is_empty() && unread.is_empty(), "missing {missing:?}, never read {unread:?}");
}

#[test]
fn the_tables_have_exactly_the_keys_that_are_read() {
    let former = (plant::PLANT.keys.iter())
        .filter_map(|key| match key.kind {
            Kind::Table(table) => Some((table.settings)()),
            _ => None,
        })
        .flatten();
    let former = former.filter_map(|setting| setting.former_name).map(|name| format!("{name} = 1"));
    let former = format!("{PLANT}\n[limits]\n{}", former.collect::<Vec<_>>().join("\n"));
    check(Document::Plant, &[PLANT, &former.replacen("[limits]\n", "", 1)]);
    check(Document::Contract, &CONTRACTS);
    check(Document::Kpis, &[KPIS]);
    check(Document::Alarms, &[&alarms()]);
    check(Document::Report, &[REPORT]);
    check(Document::Board, &[BOARD]);
}

/// Notifications that together make the reader read every key.
const NOTIFICATIONS: &str = "channel = [{ kind = 'email' }, { kind = 'webhook' }, { kind = 'slack' }, \
                             { kind = 'telegram' }, { kind = 'ntfy' }, { kind = 'mqtt' }]\n\
                             [notifications]\n[[person]]\n[[route]]\nescalate = [{}]\n";

#[test]
fn the_keys_of_notifications_are_those_that_are_read() {
    let mut expected = BTreeSet::new();
    for key in NOTIFICATION_KEYS {
        expected.insert((String::new(), key.name.to_owned()));
        if let Kind::Table(table) | Kind::Tables(table) = key.kind {
            keys_of(table, key.name, &mut expected);
        }
    }
    let findings = Findings::new("alarms.toml", NOTIFICATIONS);
    let document = findings.parse();
    let mut reader = crate::toml_reader::TomlReader::new(document.get_ref(), 0, &findings);
    drop(crate::notifications::read(&mut reader, &[]));
    let found = findings.known_keys();
    let missing: Vec<_> = found.difference(&expected).collect();
    let unread: Vec<_> = expected.difference(&found).collect();
    assert!(missing.is_empty() && unread.is_empty(), "missing {missing:?}, never read {unread:?}");
}

/// The files of the reference plant use known keys only, and satisfy the schema as far as it is simple to check.
#[test]
fn the_reference_plant_satisfies_the_schemas() {
    let texts = folder::texts(None).unwrap();
    let mut count = 0;
    for (file, text) in texts.iter().filter(|(file, _)| file.ends_with(".toml")) {
        let document = match file.as_str() {
            "plant.toml" => Document::Plant,
            "kpis.toml" => Document::Kpis,
            "alarms.toml" => Document::Alarms,
            file if file.starts_with("reports/") => Document::Report,
            board if board.starts_with("boards/") => Document::Board,
            _ => Document::Contract,
        };
        let value: serde_json::Value = toml::from_str(text).unwrap();
        let schema: serde_json::Value = serde_json::from_str(&json_schema(document)).unwrap();
        let mut mistakes = Vec::new();
        validate(&value, &schema, file, &mut mistakes);
        assert_eq!(mistakes, Vec::<String>::new());
        count += 1;
    }
    assert!(count > 10);
}

/// Compares a value with the parts of JSON Schema that the tables use.
fn validate(
    value: &serde_json::Value,
    schema: &serde_json::Value,
    at: &str,
    out: &mut Vec<String>,
) {
    if let Some(schemas) = schema["anyOf"].as_array() {
        let is_valid = |schema: &serde_json::Value| {
            let mut mistakes = Vec::new();
            validate(value, schema, at, &mut mistakes);
            mistakes.is_empty()
        };
        if !schemas.iter().any(is_valid) {
            out.push(format!("{at}: {value} matches no alternative"));
        }
        return;
    }
    let is_type = match schema["type"].as_str().unwrap() {
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    if !is_type {
        out.push(format!("{at}: not {}", schema["type"]));
        return;
    }
    if schema["enum"].as_array().is_some_and(|choices| !choices.contains(value)) {
        out.push(format!("{at}: {value} is not in {}", schema["enum"]));
    }
    if schema["minimum"].as_u64().is_some_and(|min| value.as_u64() < Some(min)) {
        out.push(format!("{at}: {value} is too small"));
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        if value.get(key.as_str().unwrap()).is_none() {
            out.push(format!("{at}: {key} is missing"));
        }
    }
    for (key, below) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(schema) => validate(below, schema, &format!("{at}.{key}"), out),
            None if schema["additionalProperties"].is_object() => {
                validate(below, &schema["additionalProperties"], at, out);
            }
            None => out.push(format!("{at}: unknown key {key}")),
        }
    }
    for below in value.as_array().into_iter().flatten() {
        validate(below, &schema["items"], at, out);
    }
}

#[test]
fn a_schema_refuses_what_the_reader_refuses() {
    let schema: serde_json::Value = serde_json::from_str(&json_schema(Document::Plant)).unwrap();
    let check = |text: &str, expected: &str| {
        let mut mistakes = Vec::new();
        let text = format!("name = 'p'\nzone = 'UTC'\n{text}");
        validate(&toml::from_str(&text).unwrap(), &schema, "p", &mut mistakes);
        assert!(mistakes.join("\n").contains(expected), "{text}: {mistakes:?}");
    };
    check("[limits]\nbatch_rows = 0", "too small");
    check("[limits]\nbatch_row = 1", "unknown key batch_row");
    check("[kafka]\nprotocol = 'tls'", "is not in");
    check("[[shift]]\nname = 'a'", "\"start\" is missing");
    check("lake = 1", "not \"string\"");
}

#[test]
fn defaults_and_examples_are_values() {
    fn check(table: &Table) {
        for key in table.keys {
            for text in [key.default, key.example] {
                let value = json::toml_value(text);
                assert_eq!(value.is_none(), text.is_empty(), "{}: {text}", key.name);
                let document: toml::Table = toml::from_str(&format!("x = {text}"))
                    .or_else(|_| toml::from_str("x = 1"))
                    .unwrap();
                if let Some(value) = value {
                    let in_toml = serde_json::to_value(&document["x"]).unwrap();
                    assert_eq!(in_toml, value, "{}", key.name);
                }
            }
            if let Kind::Table(below) | Kind::Tables(below) | Kind::Map(below) = key.kind {
                check(below);
            }
            assert!(key.description.ends_with('.'), "{}", key.name);
        }
    }
    Document::ALL.iter().for_each(|document| check(document.table()));
}
