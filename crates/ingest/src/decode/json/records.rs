//! Records within the texts of a dump, with their fields.

use super::object::{Field, Paths};
use super::split::{Found, Splitter, below, offset};
use batches::batch::Fault;
use plant::contract::{Column, Contract, Origin};

/// Reads the records of a contract.
#[derive(Debug)]
pub(in crate::decode) struct Records {
    /// The columns of the record itself.
    own: Paths,
    splitter: Splitter,
}

/// One record of a text.
#[derive(Debug)]
pub(in crate::decode) struct Record<'a> {
    /// Its bytes in the text.
    pub from: usize,
    pub to: usize,
    /// The value of each column of the contract; `None` for columns that the record lacks, and for
    /// columns that are neither in the record nor in its envelope.
    pub fields: Vec<Option<Field<'a>>>,
    /// What the contract has no column for, as JSON; empty if there is nothing.
    pub rest: String,
    /// Why it cannot be read.
    pub fault: Option<Fault>,
}

impl Records {
    /// The records of a contract in the texts of a dump's lines, or of elements of its array.
    pub fn new(contract: &Contract) -> Self {
        Self::within(contract, "")
    }

    /// The records of a contract in texts that are elements of the array at the path `array`.
    pub fn within(contract: &Contract, array: &str) -> Self {
        let columns = contract.columns.iter().enumerate();
        let of_origin =
            |origin| columns.clone().filter(move |(_, it): &(usize, &Column)| it.origin == origin);
        let own = of_origin(Origin::Record).map(|(at, column)| (at, column.header.as_str()));
        let own = Paths::with_numbers(own);
        let envelope = of_origin(Origin::Envelope)
            .filter_map(|(at, column)| Some((at, below(&column.header, array)?.to_owned())))
            .collect();
        let path = contract.records.as_deref().and_then(|path| below(path, array));
        let is_exact = contract.case_sensitive_columns || contract.is_stream();
        Self {
            own: if is_exact { own } else { own.in_any_case() },
            splitter: Splitter::new(path, envelope, contract.columns.len()),
        }
    }

    /// The paths of the columns that are in the record itself.
    pub fn own(&self) -> &Paths {
        &self.own
    }

    /// Calls `each` with every record of `text`, in order. A text or an element that does not follow the
    /// contract is a record with a fault; an array without elements has no records.
    pub fn read<'a>(&self, text: &'a str, each: &mut dyn FnMut(Record<'a>)) {
        if self.splitter.is_whole() {
            return each(self.record(text, 0, self.splitter.no_fields()));
        }
        let split = self.splitter.split(text, &mut |found| {
            each(match found {
                Found::Record(value, known) => self.record(value.get(), offset(text, value), known),
                Found::Faulty(value, fault) => {
                    let from = offset(text, value);
                    faulty(fault, from, from + value.get().len())
                }
            });
        });
        if let Err(fault) = split {
            each(faulty(fault, 0, text.len()));
        }
    }

    fn record<'a>(
        &self,
        json: &'a str,
        from: usize,
        mut fields: Vec<Option<Field<'a>>>,
    ) -> Record<'a> {
        let to = from + json.len();
        let mut rest = String::new();
        match self.own.read(json, &mut fields, &mut rest) {
            Ok(()) => Record { from, to, fields, rest, fault: None },
            Err(_) => faulty(Fault::NotJson, from, to),
        }
    }
}

fn faulty<'a>(fault: Fault, from: usize, to: usize) -> Record<'a> {
    Record { from, to, fields: Vec::new(), rest: String::new(), fault: Some(fault) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::contract;
    use plant::contract::Format;

    /// Each record of `text` as `field|field fault` with its bytes, under a contract of the columns `id` and
    /// `pos.x` of the record, and `unit` and `head.at` of the envelope.
    fn check(path: &str, text: &str, expected: &[&str]) {
        let mut contract = contract(Format::JsonLines, &["id", "pos.x", "unit", "head.at"]);
        contract.records = Some(path.to_owned());
        contract.columns[2..].iter_mut().for_each(|it| it.origin = Origin::Envelope);
        let mut records = Vec::new();
        Records::new(&contract).read(text, &mut |record| {
            let field = |field: &Option<Field<'_>>| match field.as_ref().and_then(Field::text) {
                Some(text) => text.unwrap().into_owned(),
                None => "∅".to_owned(),
            };
            let mut parts = vec![record.fields.iter().map(field).collect::<Vec<_>>().join("|")];
            parts.extend(record.fault.map(|fault| fault.code().to_owned()));
            parts.extend(Some(record.rest).filter(|rest| !rest.is_empty()));
            parts.push(text[record.from..record.to].to_owned());
            records.push(parts.join(" "));
        });
        assert_eq!(records, expected, "{text}");
    }

    #[test]
    fn elements_are_records_with_their_envelope() {
        let head = r#""unit":"P1","head":{"at":5,"x":6}"#;
        let one = r#"{"id":1,"pos":{"x":7},"z":0}"#;
        let expected = [format!(r#"1|7|P1|5 {{"z":0}} {one}"#), "2|∅|P1|5 {\"id\":2}".to_owned()];
        let expected = expected.each_ref().map(String::as_str);
        check("v", &format!(r#" {{{head},"v":[{one}, {{"id":2}}]}}"#), &expected);
        check("v", &format!(r#"{{"v":[{one},{{"id":2}}],{head}}}"#), &expected);
        check("d.v", &format!(r#"{{{head},"d":{{"v":[{one},{{"id":2}}]}}}}"#), &expected);
        check("d.v", &format!(r#"{{{head},"d.v":[{one},{{"id":2}}]}}"#), &expected);
        check("v", r#"{"v":{"id":3}}"#, &["3|∅|∅|∅ {\"id\":3}"]);
    }

    #[test]
    fn a_path_may_lead_through_arrays() {
        let text =
            r#"{"unit":"P1","head":[{"at":1,"v":[{"id":1}]},{"at":2,"v":[{"id":2},{"id":3}]}]}"#;
        let expected = ["1|∅|P1|1 {\"id\":1}", "2|∅|P1|2 {\"id\":2}", "3|∅|P1|2 {\"id\":3}"];
        check("head.v", text, &expected);
    }

    #[test]
    fn nothing_is_skipped_silently() {
        check("v", r#"{"v":[]}"#, &[]);
        check("v", r#"{"v":null}"#, &[]);
        check("v", r#"{"w":[]}"#, &[r#" no_records {"w":[]}"#]);
        check("v", r#"{"v":5}"#, &[" no_records 5"]);
        check("v", r#"[{"v":[{"id":1}]},7]"#, &["1|∅|∅|∅ {\"id\":1}", " no_records 7"]);
        check("v", r#"{"v":[7,{"id":1}]}"#, &[" not_json 7", "1|∅|∅|∅ {\"id\":1}"]);
        check("v", "{\"v\":[", &[" not_json {\"v\":["]);
    }
}
