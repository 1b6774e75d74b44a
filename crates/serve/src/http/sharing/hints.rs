//! Predicate hints: which files cannot contain a row that meets a condition.
//!
//! A hint (`jsonPredicateHints`) is evaluated with the statistics of a file. An operation that is not
//! understood, or a column without statistics, may match, so a file is left out only if it has no such row.
//! The client filters the rows again.

use chrono::DateTime;
use serde_json::Value;
use std::cmp::Ordering;

/// Levels of a hint that are evaluated.
const DEPTH_MAX: usize = 32;

/// Whether a file may contain rows that meet `hint`. `add` is the action of the log.
pub fn may_match(hint: &Value, add: &Value) -> bool {
    let stats = add["stats"].as_str().and_then(|text| serde_json::from_str(text).ok());
    let file = File { stats: stats.unwrap_or_default(), partition: &add["partitionValues"] };
    file.evaluate(hint, DEPTH_MAX) != Truth::Never
}

/// What holds for the rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    /// For no row.
    Never,
    /// For every row.
    Always,
    Unknown,
}

struct File<'a> {
    stats: Value,
    partition: &'a Value,
}

impl File<'_> {
    fn evaluate(&self, hint: &Value, depth: usize) -> Truth {
        let Some(children) = hint["children"].as_array().filter(|_| depth > 0) else {
            return Truth::Unknown;
        };
        let op = hint["op"].as_str().unwrap_or_default();
        if let "and" | "or" = op {
            // Once for each child: twice would double with every level.
            let below: Vec<Truth> =
                children.iter().map(|child| self.evaluate(child, depth - 1)).collect();
            return combined(op, &below);
        }
        match (op, children.as_slice()) {
            // Of a null neither a comparison nor its opposite holds, so the opposite of what always
            // holds is all that is known.
            ("not", [child]) if self.evaluate(child, depth - 1) == Truth::Always => Truth::Never,
            ("isNull", [column]) => self.is_null(column),
            (op, [column, literal]) => self.compare(op, column, literal),
            _ => Truth::Unknown,
        }
    }

    fn is_null(&self, column: &Value) -> Truth {
        let name = column["name"].as_str().unwrap_or_default();
        match (self.stats["nullCount"][name].as_u64(), self.stats["numRecords"].as_u64()) {
            (Some(0), _) => Truth::Never,
            (Some(nulls), Some(rows)) if nulls == rows => Truth::Always,
            _ => Truth::Unknown,
        }
    }

    fn compare(&self, op: &str, column: &Value, literal: &Value) -> Truth {
        let is_comparison = column["op"] == "column" && literal["op"] == "literal";
        let (Some(name), Some(value), true) =
            (column["name"].as_str(), literal["value"].as_str(), is_comparison)
        else {
            return Truth::Unknown;
        };
        let kind = literal["valueType"].as_str().unwrap_or_default();
        let bound = |of: &str| match &self.partition[name] {
            Value::String(text) => Some(Value::from(text.as_str())),
            _ => Some(self.stats[of][name].clone()).filter(|it| !it.is_null()),
        };
        let (Some(least), Some(most)) = (bound("minValues"), bound("maxValues")) else {
            return Truth::Unknown;
        };
        // How the bounds are to the value: less, equal or greater.
        let (Some(least), Some(most)) = (order(&least, value, kind), order(&most, value, kind))
        else {
            return Truth::Unknown;
        };
        let is_outside = match op {
            "equal" => least == Ordering::Greater || most == Ordering::Less,
            "lessThan" => least != Ordering::Less,
            "lessThanOrEqual" => least == Ordering::Greater,
            "greaterThan" => most != Ordering::Greater,
            "greaterThanOrEqual" => most == Ordering::Less,
            _ => false,
        };
        if is_outside { Truth::Never } else { Truth::Unknown }
    }
}

/// What holds for conditions that are combined by `and` or `or`.
fn combined(op: &str, below: &[Truth]) -> Truth {
    let (decides, otherwise) = match op {
        "and" => (Truth::Never, Truth::Always),
        _ => (Truth::Always, Truth::Never),
    };
    if below.contains(&decides) {
        return decides;
    }
    let is_certain = !below.is_empty() && below.iter().all(|it| *it == otherwise);
    if is_certain { otherwise } else { Truth::Unknown }
}

/// The order of a bound and a value of this type; `None` if it is not certain.
fn order(bound: &Value, value: &str, kind: &str) -> Option<Ordering> {
    let bound = match bound {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match kind {
        "int" | "long" | "short" | "byte" => {
            Some(bound.parse::<i128>().ok()?.cmp(&value.parse().ok()?))
        }
        "double" | "float" => bound.parse::<f64>().ok()?.partial_cmp(&value.parse().ok()?),
        // A bound of a text may be only its beginning.
        "string" if value.starts_with(&bound) || bound.starts_with(value) => {
            (bound == value).then_some(Ordering::Equal)
        }
        "string" | "date" => Some(bound.as_str().cmp(value)),
        "timestamp" => {
            // A bound may be truncated to milliseconds.
            let at = |text: &str| Some(DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis());
            let order = at(&bound)?.cmp(&at(value)?);
            (order != Ordering::Equal).then_some(order)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(hint: &Value, expected: bool) {
        let stats = json!({
            "numRecords": 10,
            "minValues": { "n": 5, "day": "2023-01-01", "s": "b", "at": "2023-01-01T00:00:00.000Z" },
            "maxValues": { "n": 9, "day": "2023-01-31", "s": "d", "at": "2023-01-01T01:00:00.000Z" },
            "nullCount": { "n": 0, "s": 10 }
        });
        let add = json!({ "stats": stats.to_string(), "partitionValues": { "p": "2023-02-01" } });
        assert_eq!(may_match(hint, &add), expected, "{hint}");
    }

    fn compare(op: &str, name: &str, value: &str, kind: &str) -> Value {
        json!({ "op": op, "children": [
            { "op": "column", "name": name, "valueType": kind },
            { "op": "literal", "value": value, "valueType": kind }
        ]})
    }

    #[test]
    fn a_file_is_left_out_only_if_no_row_matches() {
        for (op, value, expected) in [
            ("equal", "4", false),
            ("equal", "5", true),
            ("equal", "10", false),
            ("lessThan", "5", false),
            ("lessThanOrEqual", "5", true),
            ("greaterThan", "9", false),
            ("greaterThanOrEqual", "9", true),
            ("like", "100", true),
            ("equal", "x", true),
        ] {
            check(&compare(op, "n", value, "long"), expected);
        }
        check(&compare("equal", "day", "2023-02-01", "date"), false);
        check(&compare("equal", "p", "2023-02-01", "date"), true);
        check(&compare("equal", "p", "2023-02-02", "date"), false);
        check(&compare("greaterThan", "s", "e", "string"), false);
        check(&compare("greaterThan", "s", "dz", "string"), true);
        check(&compare("greaterThan", "at", "2023-01-01T01:00:00.000500Z", "timestamp"), true);
        check(&compare("greaterThan", "at", "2023-01-01T02:00:00Z", "timestamp"), false);
        check(&compare("equal", "unknown", "1", "long"), true);
    }

    #[test]
    fn conditions_are_combined() {
        let (never, may) = (compare("equal", "n", "1", "long"), compare("equal", "n", "7", "long"));
        check(&json!({ "op": "and", "children": [never, may] }), false);
        check(&json!({ "op": "or", "children": [never, may] }), true);
        check(&json!({ "op": "or", "children": [never, never] }), false);
        check(&json!({ "op": "not", "children": [never] }), true);
        check(&json!({ "op": "isNull", "children": [{ "op": "column", "name": "n" }] }), false);
        let all_null = json!({ "op": "isNull", "children": [{ "op": "column", "name": "s" }] });
        check(&json!({ "op": "not", "children": [all_null] }), false);
        for odd in [json!(null), json!([]), json!({ "op": "or", "children": [] }), json!({})] {
            check(&odd, true);
        }
        let deep = (0..100).fold(never, |hint, _| json!({ "op": "and", "children": [hint] }));
        check(&deep, true);
    }
}
