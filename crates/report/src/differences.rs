//! Which figures differ between two versions of a report.
//!
//! Rows are compared by their key, so that a new row, or another order of rows, is not a change of all rows after it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A difference between two versions of a report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Name of the query.
    pub query: String,
    /// Key of the row: the values before its first figure.
    pub row: String,
    #[serde(flatten)]
    pub change: FigureChange,
}

/// How a row differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum FigureChange {
    /// A value of the row.
    Changed {
        /// Title of the column.
        column: String,
        unit: Option<String>,
        before: Value,
        after: Value,
    },
    /// The row is new.
    Added,
    /// The row is not in the new version.
    Removed,
}

/// The differences between the queries of two versions, in the order of the queries and of the rows. Both are the
/// object `queries` of the data of a report: by name, `columns` and `rows`.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let none = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&none), after.as_object().unwrap_or(&none));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    names.into_iter().flat_map(|name| compare(name, before.get(name), after.get(name))).collect()
}

fn compare(query: &str, before: Option<&Value>, after: Option<&Value>) -> Vec<Difference> {
    let columns = columns(after.or(before));
    let key_columns = key_columns(&columns, [before, after].into_iter().flatten());
    let (old, new) = (keyed(before, &key_columns), keyed(after, &key_columns));
    let difference =
        |row: &String, change| Difference { query: query.into(), row: row.clone(), change };
    let old_by_key: BTreeMap<&String, &Value> = old.iter().map(|(key, row)| (key, *row)).collect();
    let new_keys: BTreeSet<&String> = new.iter().map(|(key, _)| key).collect();
    let mut found = Vec::new();
    for (key, row) in &new {
        match old_by_key.get(key) {
            None => found.push(difference(key, FigureChange::Added)),
            Some(old) => {
                let changes = changes(&columns, old, row);
                found.extend(changes.into_iter().map(|change| difference(key, change)));
            }
        }
    }
    let removed = old.iter().filter(|(key, _)| !new_keys.contains(key));
    found.extend(removed.map(|(key, _)| difference(key, FigureChange::Removed)));
    found
}

fn changes(columns: &[&Value], before: &Value, after: &Value) -> Vec<FigureChange> {
    let change = |column: &&Value| {
        let name = text(column, "name")?;
        let (before, after) = (before.get(name), after.get(name));
        let is_equal = before.unwrap_or(&Value::Null) == after.unwrap_or(&Value::Null);
        (!is_equal).then(|| FigureChange::Changed {
            column: text(column, "title").unwrap_or(name).to_owned(),
            unit: text(column, "unit").map(str::to_owned),
            before: before.cloned().unwrap_or_default(),
            after: after.cloned().unwrap_or_default(),
        })
    };
    columns.iter().filter_map(change).collect()
}

fn columns(query: Option<&Value>) -> Vec<&Value> {
    let columns = query.and_then(|query| query.get("columns")).and_then(Value::as_array);
    columns.map(|columns| columns.iter().collect()).unwrap_or_default()
}

fn rows(query: Option<&Value>) -> &[Value] {
    let rows = query.and_then(|query| query.get("rows")).and_then(Value::as_array);
    rows.map(Vec::as_slice).unwrap_or_default()
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// The columns that identify a row: those before the first figure, or, if two rows agree in them, all columns
/// without figures.
fn key_columns<'v>(
    columns: &[&'v Value],
    queries: impl Iterator<Item = &'v Value> + Clone,
) -> Vec<&'v str> {
    let is_figure = |column: &&&Value| {
        let name = text(column, "name").unwrap_or_default();
        queries.clone().any(|query| has_number(query, name))
    };
    let names =
        |columns: Vec<&&'v Value>| columns.into_iter().filter_map(|it| text(it, "name")).collect();
    let leading: Vec<&str> = names(columns.iter().take_while(|it| !is_figure(it)).collect());
    match queries.clone().all(|query| is_unique(query, &leading)) {
        true => leading,
        false => names(columns.iter().filter(|it| !is_figure(it)).collect()),
    }
}

/// Whether a column has a number in any row.
fn has_number(query: &Value, column: &str) -> bool {
    rows(Some(query)).iter().any(|row| row.get(column).is_some_and(Value::is_number))
}

/// Whether no two rows have the same values in these columns.
fn is_unique(query: &Value, columns: &[&str]) -> bool {
    let mut seen = BTreeSet::new();
    rows(Some(query)).iter().all(|row| seen.insert(key(row, columns)))
}

fn key(row: &Value, columns: &[&str]) -> String {
    let value = |name: &&str| match row.get(*name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => "–".to_owned(),
        Some(other) => other.to_string(),
    };
    columns.iter().map(value).collect::<Vec<_>>().join(", ")
}

/// The rows with their keys. Rows with the same key are numbered.
fn keyed<'v>(query: Option<&'v Value>, columns: &[&str]) -> Vec<(String, &'v Value)> {
    let mut seen = BTreeMap::<String, usize>::new();
    let keyed = |row: &'v Value| {
        let key = key(row, columns);
        let count = seen.entry(key.clone()).or_default();
        *count += 1;
        let key = if *count == 1 { key } else { format!("{key} ({count})") };
        (key, row)
    };
    rows(query).iter().map(keyed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn queries(rows: Value) -> Value {
        let columns = json!([
            { "name": "day", "title": "Day", "type": "date" },
            { "name": "station", "title": "Station", "type": "text" },
            { "name": "made", "title": "Made", "unit": "boards", "type": "int64" },
            { "name": "status", "title": "Status", "type": "text" },
        ]);
        json!({ "hours": { "columns": columns, "rows": rows, "truncated": false } })
    }

    fn row(station: &str, made: Value, status: &str) -> Value {
        json!({ "day": "2026-06-01", "station": station, "made": made, "status": status })
    }

    fn changed(column: &str, unit: Option<&str>, before: Value, after: Value) -> FigureChange {
        let unit = unit.map(str::to_owned);
        FigureChange::Changed { column: column.into(), unit, before, after }
    }

    fn check(before: Value, after: Value, expected: &[(&str, FigureChange)]) {
        let found = differences(&queries(before), &queries(after));
        let found: Vec<_> = found.into_iter().map(|it| (it.row, it.change)).collect();
        let expected: Vec<_> =
            expected.iter().map(|(row, change)| ((*row).to_owned(), change.clone())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn equal_data_has_no_differences() {
        let rows = json!([row("EP", json!(5), "final"), row("SB", Value::Null, "final")]);
        check(rows.clone(), rows, &[]);
    }

    #[test]
    fn a_changed_value_names_row_column_and_unit() {
        let before = json!([row("EP", json!(5), "final"), row("SB", json!(7), "final")]);
        let after = json!([row("EP", json!(5), "final"), row("SB", json!(9), "corrected")]);
        let expected = [
            ("2026-06-01, SB", changed("Made", Some("boards"), json!(7), json!(9))),
            ("2026-06-01, SB", changed("Status", None, json!("final"), json!("corrected"))),
        ];
        check(before, after, &expected);
    }

    #[test]
    fn a_row_that_is_inserted_changes_no_other_row() {
        let before = json!([row("SB", json!(7), "final")]);
        let after = json!([row("EP", json!(5), "final"), row("SB", json!(7), "final")]);
        check(before.clone(), after.clone(), &[("2026-06-01, EP", FigureChange::Added)]);
        check(after, before, &[("2026-06-01, EP", FigureChange::Removed)]);
    }

    #[test]
    fn rows_with_the_same_leading_values_are_compared_by_all_texts_then_by_number() {
        let rows = |made: i64| {
            json!([
                row("EP", json!(1), "day"),
                row("EP", json!(made), "night"),
                row("EP", json!(3), "night")
            ])
        };
        let expected =
            [("2026-06-01, EP, night", changed("Made", Some("boards"), json!(2), json!(4)))];
        check(rows(2), rows(4), &expected);
    }

    #[test]
    fn a_query_that_is_new_or_without_data_is_compared() {
        let after = queries(json!([row("EP", json!(1), "final")]));
        let found = differences(&json!({}), &after);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].query.as_str(), &found[0].change), ("hours", &FigureChange::Added));
        assert_eq!(differences(&Value::Null, &Value::Null), []);
    }
}
