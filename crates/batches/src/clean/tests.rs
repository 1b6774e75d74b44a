use super::*;
use crate::typed::utc;
use arrow::array::{Int64Array, StringArray, new_null_array};
use arrow::datatypes::{DataType, Field, Schema};
use plant::contract::{
    Column, DumpUnit, Encoding, Format, Framing, Kind, Lines, NumberStyle, OnError, Origin,
    RemovedRecords, Supersede,
};
use std::sync::Arc;

fn column_of(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        header: name.to_owned(),
        origin: Origin::Record,
        kind,
        required: false,
        on_error: OnError::Reject,
        nulls: Vec::new(),
        width_chars: 0,
        description: String::new(),
    }
}

fn contract() -> Contract {
    Contract {
        table: "boards".to_owned(),
        description: String::new(),
        source: "mes".to_owned(),
        paths: Vec::new(),
        http: None,
        done_marker: None,
        topics: Vec::new(),
        mqtt: None,
        pull: None,
        framing: Framing::default(),
        changes: None,
        format: Format::JsonLines,
        encoding: Encoding::Utf8,
        lines: Lines::default(),
        records: None,
        supersede: Supersede::Key,
        removed_records: RemovedRecords::ByName,
        dump_unit: DumpUnit::ByName,
        nulls: vec![String::new()],
        columns: vec![
            column_of("id", Kind::Int { number: NumberStyle::PLAIN }),
            column_of("good", Kind::Int { number: NumberStyle::PLAIN }),
            Column {
                on_error: OnError::Null,
                ..column_of("scrap", Kind::Int { number: NumberStyle::PLAIN })
            },
        ],
        reject_at_most: None,
        case_sensitive_columns: false,
    }
}

fn calendar() -> Calendar {
    Calendar::new(chrono_tz::Tz::Asia__Kolkata, Vec::new()).unwrap()
}

/// A bronze batch of records `id|good|scrap|fault`; an empty field is null.
fn bronze(records: &[&str]) -> RecordBatch {
    let field = |at: usize| {
        let texts = records.iter().map(|it| it.split('|').nth(at).filter(|it| !it.is_empty()));
        Arc::new(texts.collect::<StringArray>()) as ArrayRef
    };
    let rows = records.len();
    let numbers: Int64Array = (1..=rows as i64).collect();
    let files = StringArray::from(vec!["boards.jsonl"; rows]);
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("id", field(0)),
        ("good", field(1)),
        ("scrap", field(2)),
        ("_fault", field(3)),
        ("_rest", field(3)),
        ("_file", Arc::new(files)),
        ("_record", Arc::new(numbers)),
    ];
    for (name, kind) in [
        ("_file_sha256", DataType::Utf8),
        ("_dump", DataType::Int64),
        ("_dumped_at", utc()),
        ("_modified_at", utc()),
        ("_ingested_at", utc()),
    ] {
        columns.push((name, new_null_array(&kind, rows)));
    }
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn reasons(cleaned: &Cleaned) -> Vec<(usize, String)> {
    let text = |it: &Rejection| {
        let rule = it.rule.as_deref().unwrap_or_default();
        format!("{} {} {} {rule}", it.column, it.reason, it.raw.as_deref().unwrap_or("null"))
    };
    cleaned.rejections.iter().map(|it| (it.row, text(it))).collect()
}

fn numbers(batch: &RecordBatch, name: &str) -> Vec<Option<i64>> {
    let column = column(batch, name).unwrap();
    column.as_primitive::<arrow::datatypes::Int64Type>().iter().collect()
}

#[test]
fn a_contract_and_a_key_are_enough() {
    let records = ["1|5|0|", "|5|0|", "3|five|0|", "4|5|none|", "5|||too_few_fields"];
    let cleaned =
        super::clean(&bronze(&records), &contract(), &calendar(), vec!["id".to_owned()]).unwrap();
    assert_eq!(cleaned.rows.num_rows(), records.len());
    assert_eq!(cleaned.is_rejected, [false, true, true, false, true]);
    let expected = [
        (1, "id missing null "),
        (2, "good not_a_number five "),
        (4, " too_few_fields too_few_fields "),
    ];
    assert_eq!(reasons(&cleaned), expected.map(|(row, text)| (row, text.to_owned())));
    assert_eq!(cleaned.repaired, [("scrap".to_owned(), 1)]);
    let accepted = cleaned.accepted().unwrap();
    assert_eq!(numbers(&accepted, "id"), [Some(1), Some(4)]);
    assert_eq!(numbers(&accepted, "scrap"), [Some(0), None]);
    assert_eq!(numbers(&accepted, "_record"), [Some(1), Some(4)]);
}

/// The number of boards as the sum of two columns, at most ten of them.
fn selection() -> Selection {
    let total: Evaluate = Box::new(|rows| {
        let sums = numbers(rows, "good").into_iter().zip(numbers(rows, "scrap"));
        Ok(Arc::new(sums.map(|(good, scrap)| Some(good? + scrap?)).collect::<Int64Array>()))
    });
    let at_most_ten: Evaluate = Box::new(|rows| {
        let holds = numbers(rows, "total").into_iter().map(|total| Some(total? <= 10));
        Ok(Arc::new(holds.collect::<BooleanArray>()))
    });
    Selection {
        schema: Arc::new(Schema::new(vec![Field::new("total", DataType::Int64, true)])),
        columns: vec![total],
        expectations: vec![Expectation { name: "at_most_ten".to_owned(), condition: at_most_ten }],
        key: Vec::new(),
    }
}

#[test]
fn selected_columns_are_checked_against_expectations() {
    let cleaner = Cleaner::new(&contract(), &calendar(), selection());
    let batch = bronze(&["1|5|5|", "2|5|6|", "3|x|6|", "4|9||"]);
    let cleaned = cleaner.clean(&batch, None).unwrap();
    assert_eq!(cleaned.rows.schema_ref(), cleaner.schema());
    assert_eq!(numbers(&cleaned.rows, "total"), [Some(10), Some(11), None, None]);
    let expected = [(1, " expectation null at_most_ten"), (2, "good not_a_number x ")];
    assert_eq!(reasons(&cleaned), expected.map(|(row, text)| (row, text.to_owned())));
}

#[test]
fn cleaned_batches_are_concatenated_with_their_rejections() {
    let cleaner = Cleaner::new(&contract(), &calendar(), selection());
    let records = ["1|5|5|", "2|5|6|", "3|x|6|", "4|1|1|"];
    let whole = cleaner.clean(&bronze(&records), None).unwrap();
    let pieces = [&records[..2], &records[2..]]
        .map(|records| cleaner.clean(&bronze(records), None).unwrap());
    let mut concatenated = Cleaned::concat(pieces.into()).unwrap();
    assert_eq!(concatenated.is_rejected, whole.is_rejected);
    assert_eq!(reasons(&concatenated), reasons(&whole));
    concatenated.reject(3, "id", "duplicate");
    assert_eq!(numbers(&concatenated.accepted().unwrap(), "total"), [Some(10)]);
}

#[test]
fn an_expectation_that_is_not_a_condition_is_an_error() {
    let mut selection = selection();
    selection.expectations[0].condition = Box::new(|rows| Ok(rows.column(0).clone()));
    let cleaner = Cleaner::new(&contract(), &calendar(), selection);
    let error = cleaner.clean(&bronze(&["1|5|5|"]), None).unwrap_err();
    assert_eq!(error.to_string(), "expectation at_most_ten is Int64, not a condition");
}
