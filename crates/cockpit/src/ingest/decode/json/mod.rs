//! JSON: one object a line, or an array of objects.
//!
//! *In*: the text of one object.
//! *Out*: one record, its fields found by path; what no column asks for goes to `rest`.
//! *Promise*: numbers keep the digits they were written with, and nothing in an object is lost.

pub(super) mod array;
mod object;

pub(super) use object::{Field, Paths, members, text_of};

use super::Limits;
use super::raw::Raw;
use crate::batch::{BatchBuilder, Fault};
use plant::contract::Contract;
use std::borrow::Cow;

/// Reads objects of one contract.
#[derive(Debug)]
pub(super) struct Objects {
    paths: Paths,
    width: usize,
    kept_faulty_bytes: usize,
}

impl Objects {
    pub fn new(contract: &Contract, limits: Limits) -> Self {
        Self {
            paths: Paths::new(contract.columns.iter().map(|column| column.header.as_str())),
            width: contract.columns.len(),
            kept_faulty_bytes: limits.kept_faulty_bytes,
        }
    }

    /// Lands one object.
    pub fn read(&self, raw: Raw<'_>, out: &mut BatchBuilder) {
        let Some(chars) = raw.chars() else {
            return raw.land_faulty(Fault::InvalidText, self.kept_faulty_bytes, out);
        };
        let text = chars.whole();
        let mut fields: Vec<Option<Field<'_>>> = vec![None; self.width];
        let mut rest = String::new();
        let texts = self.paths.read(&text, &mut fields, &mut rest).and_then(|()| {
            fields.iter().map(|field| field.as_ref().and_then(Field::text).transpose()).collect()
        });
        let texts: Vec<Option<Cow<'_, str>>> = match texts {
            Ok(texts) => texts,
            Err(_) => return raw.land_faulty(Fault::NotJson, self.kept_faulty_bytes, out),
        };
        texts.iter().for_each(|text| out.field(text.as_deref()));
        out.end(raw.place(), None, Some(rest.as_str()).filter(|rest| !rest.is_empty()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{contract, decode, rows};
    use plant::contract::Format;

    fn check(input: &str, expected: &[&str]) {
        let contract = contract(Format::JsonLines, &["a", "b.c", "b.d"]);
        assert_eq!(rows(&decode(&contract, input.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn fields_are_found_by_path() {
        check(r#"{"a":"x","b":{"c":"y","d":"z"}}"#, &["x|y|z"]);
        check("{\"a\":1}\n\n{\"a\":2}\r\n", &["1|∅|∅", "2|∅|∅"]);
        check(r#" {"a" : "x" } "#, &["x|∅|∅"]);
        check(r#"{}"#, &["∅|∅|∅"]);
        check(r#"{"b":{}}"#, &["∅|∅|∅"]);
        check(r#"{"b":null,"a":null}"#, &["∅|∅|∅"]);
        check(r#"{"a":"q\"\u00e9\n"}"#, &["q\"é\n|∅|∅"]);
    }

    #[test]
    fn values_keep_their_spelling() {
        check(r#"{"a":1.50,"b":{"c":1e3,"d":true}}"#, &["1.50|1e3|true"]);
        check(r#"{"a":123456789012345678901234567890}"#, &["123456789012345678901234567890|∅|∅"]);
        check(r#"{"a":[1, {"x": "y z"}], "b":{"c":{ }}}"#, &[r#"[1,{"x":"y z"}]|{}|∅"#]);
    }

    #[test]
    fn what_no_column_asks_for_is_kept() {
        check(r#"{"z": 1.0, "a":2, "y":[1, 2]}"#, &[r#"2|∅|∅ {"z":1.0,"y":[1,2]}"#]);
        check(r#"{"b":{"c":1,"e": null}, "z":0}"#, &[r#"∅|1|∅ {"b":{"e":null},"z":0}"#]);
        check(r#"{"b":5}"#, &[r#"∅|∅|∅ {"b":5}"#]);
        check(r#"{"a":1,"a":2}"#, &[r#"2|∅|∅ {"a":1}"#]);
    }

    #[test]
    fn a_bad_line_costs_one_record() {
        check("{\"a\":1}\n{\"a\":\n{\"a\":3}", &["1|∅|∅", "∅|∅|∅ not_json {\"a\":", "3|∅|∅"]);
        check("[1]", &["∅|∅|∅ not_json [1]"]);
        check("{} {}", &["∅|∅|∅ not_json {} {}"]);
        check(r#"{"a":"\ud800"}"#, &[r#"∅|∅|∅ not_json {"a":"\ud800"}"#]);
        check("{\"a\":\"\u{1}\"}", &["∅|∅|∅ not_json {\"a\":\"\u{1}\"}"]);
    }

    #[test]
    fn a_path_with_dots_may_be_one_key() {
        check(r#"{"b.c":1}"#, &["∅|1|∅"]);
    }
}
