//! Records within a JSON text that is in memory: the object itself, or the elements of an array in
//! it together with fields of the objects around the array.

use super::object::{Field, Paths, find, members};
use batches::batch::Fault;
use plant::contract::{Column, Contract, Origin};
use serde_json::value::RawValue;

/// Where records and their fields are in a JSON text.
///
/// The path of the array and those of fields around it have dots between keys; a key that itself has
/// dots is found too. Where the path of the records leads through an array, each of its elements is
/// followed.
#[derive(Debug)]
pub(in super::super) struct Records {
    /// The columns of the record itself.
    own: Paths,
    /// Columns from the objects around the array, and their paths.
    around: Vec<(usize, String)>,
    /// The path of the array, `None` if the text is the record.
    path: Option<String>,
    width: usize,
}

/// One record of a text.
#[derive(Debug)]
pub(in super::super) struct Record<'a> {
    /// The bytes of the text it is.
    pub from: usize,
    pub to: usize,
    /// The value of each column of the contract; `None` for those it has not, and for columns whose
    /// origin is neither the record nor what is around it.
    pub fields: Vec<Option<Field<'a>>>,
    /// What no column asks for, as JSON; empty if there is nothing.
    pub rest: String,
    /// Why it cannot be read.
    pub fault: Option<Fault>,
}

/// What is known on the way from a text to its records.
struct Way<'p, 'a> {
    path: Option<&'p str>,
    around: Vec<(usize, &'p str)>,
    known: Vec<Option<Field<'a>>>,
}

impl Records {
    /// The records of a contract in the texts of a dump's lines, of elements of its array, or of
    /// messages.
    pub fn new(contract: &Contract) -> Self {
        Self::within(contract, "")
    }

    /// The records of a contract in texts that are elements of the array at the path `array`.
    pub fn within(contract: &Contract, array: &str) -> Self {
        let columns = contract.columns.iter().enumerate();
        let of =
            |origin| columns.clone().filter(move |(_, it): &(usize, &Column)| it.origin == origin);
        let own = of(Origin::Record).map(|(at, column)| (at, column.header.as_str()));
        let around = of(Origin::Envelope).filter_map(|(at, column)| {
            deeper(&column.header, array).map(|path| (at, path.to_owned()))
        });
        let path = contract.records.as_deref().and_then(|path| deeper(path, array));
        let own = Paths::of_columns(own);
        let is_exact = contract.case_sensitive_columns || contract.is_stream();
        Self {
            own: if is_exact { own } else { own.in_any_case() },
            around: around.collect(),
            path: path.filter(|path| !path.is_empty()).map(str::to_owned),
            width: contract.columns.len(),
        }
    }

    /// Where the columns of the record itself are.
    pub fn own(&self) -> &Paths {
        &self.own
    }

    /// Calls `each` with every record of `text`, in order. A text or an element that is not as the
    /// contract says is a record with a fault; an array without elements has no records.
    pub fn read<'a>(&self, text: &'a str, each: &mut dyn FnMut(Record<'a>)) {
        let known = vec![None; self.width];
        let Some(path) = &self.path else {
            return each(self.record(text, 0, known));
        };
        let Ok(value) = serde_json::from_str::<&RawValue>(text) else {
            return each(faulty(Fault::NotJson, 0, text.len()));
        };
        let around = self.around.iter().map(|(at, path)| (*at, path.as_str())).collect();
        let mut found = |found: Found<'a>| {
            each(match found {
                Found::Record(value, known) => self.record(value.get(), offset(text, value), known),
                Found::Faulty(value, fault) => {
                    let from = offset(text, value);
                    faulty(fault, from, from + value.get().len())
                }
            });
        };
        follow(value, Way { path: Some(path), around, known }, &mut found);
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

enum Found<'a> {
    Record(&'a RawValue, Vec<Option<Field<'a>>>),
    Faulty(&'a RawValue, Fault),
}

/// Follows the path through a value.
fn follow<'a>(value: &'a RawValue, way: Way<'_, 'a>, found: &mut dyn FnMut(Found<'a>)) {
    match (value.get().as_bytes().first(), way.path) {
        (Some(b'['), _) => {
            let Ok(elements) = serde_json::from_str::<Vec<&RawValue>>(value.get()) else {
                return found(Found::Faulty(value, Fault::NotJson));
            };
            for element in elements {
                let (around, known) = (way.around.clone(), way.known.clone());
                match way.path {
                    None => found(Found::Record(element, known)),
                    path => follow(element, Way { path, around, known }, found),
                }
            }
        }
        (Some(b'{'), None) => found(Found::Record(value, way.known)),
        (Some(b'{'), Some(path)) => match enter(value, path, way) {
            Ok(Some((value, way))) => follow(value, way, found),
            Ok(None) => found(Found::Faulty(value, Fault::NoRecords)),
            Err(_) => found(Found::Faulty(value, Fault::NotJson)),
        },
        // Null in place of an array is how many programs write an empty one.
        (Some(b'n'), None) => {}
        _ => found(Found::Faulty(value, Fault::NoRecords)),
    }
}

/// The member of an object through which the path leads, and what is known there.
fn enter<'p, 'a>(
    object: &'a RawValue,
    path: &'p str,
    mut way: Way<'p, 'a>,
) -> Result<Option<(&'a RawValue, Way<'p, 'a>)>, serde_json::Error> {
    let mut next = None;
    let mut around = Vec::new();
    for (key, value) in members(object.get())? {
        let is_next = key == path || path.strip_prefix(key.as_ref()).is_some_and(is_deeper);
        if is_next {
            let deeper = deeper(path, &key).filter(|deeper| !deeper.is_empty());
            next = Some((value, deeper));
            around.clear();
        }
        for (column, wanted) in &way.around {
            match deeper(wanted, &key) {
                Some("") => way.known[*column] = Some(Field(value)),
                Some(deeper) if is_next => around.push((*column, deeper)),
                Some(deeper) => {
                    way.known[*column] = find(value, deeper)?.or(way.known[*column]);
                }
                None => {}
            }
        }
    }
    let known = way.known;
    Ok(next.map(|(value, path)| (value, Way { path, around, known })))
}

/// What is left of a path behind the key or path `passed`: empty at its end, `None` if it does not
/// lead there.
fn deeper<'p>(path: &'p str, passed: &str) -> Option<&'p str> {
    if passed.is_empty() {
        return Some(path);
    }
    let left = path.strip_prefix(passed)?;
    if left.is_empty() { Some(left) } else { left.strip_prefix('.') }
}

fn is_deeper(left: &str) -> bool {
    left.starts_with('.')
}

fn faulty<'a>(fault: Fault, from: usize, to: usize) -> Record<'a> {
    Record { from, to, fields: Vec::new(), rest: String::new(), fault: Some(fault) }
}

/// Where a value begins in the text it is borrowed from.
fn offset(text: &str, value: &RawValue) -> usize {
    value.get().as_ptr().addr().saturating_sub(text.as_ptr().addr())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::contract;
    use super::*;
    use plant::contract::Format;

    /// Each record of `text` as `field|field fault` with its place, under a contract of the columns
    /// `id` and `pos.x` of the record, and `unit` and `head.at` around it.
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
    fn elements_are_records_with_what_is_around_them() {
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
    fn nothing_is_passed_over() {
        check("v", r#"{"v":[]}"#, &[]);
        check("v", r#"{"v":null}"#, &[]);
        check("v", r#"{"w":[]}"#, &[r#" no_records {"w":[]}"#]);
        check("v", r#"{"v":5}"#, &[" no_records 5"]);
        check("v", r#"[{"v":[{"id":1}]},7]"#, &["1|∅|∅|∅ {\"id\":1}", " no_records 7"]);
        check("v", r#"{"v":[7,{"id":1}]}"#, &[" not_json 7", "1|∅|∅|∅ {\"id\":1}"]);
        check("v", "{\"v\":[", &[" not_json {\"v\":["]);
    }
}
