use super::*;
use arrow::util::pretty::pretty_format_batches;
use plant::calendar::Shift;
use plant::contract::{
    DumpUnit, Encoding, Format, Framing, Lines, NumberStyle, OnError, Origin, RemovedRecords,
    Rounding, Supersede,
};
use plant::format::TimeFormat;
use plant::time::MINUTE_US;
use proptest::prelude::*;
use std::sync::LazyLock;

const PLAIN: NumberStyle = NumberStyle::PLAIN;

fn formats(texts: &[&str]) -> Vec<TimeFormat> {
    texts.iter().map(|text| TimeFormat::parse(text).unwrap()).collect()
}

fn column(name: &str, kind: Kind) -> Column {
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
    let time = |zone, local_parts| Kind::Time {
        formats: formats(&["yyyy-MM-dd HH:mm:ss"]),
        zone,
        local_parts,
    };
    let yes_no =
        Kind::Bool { yes: vec!["1".to_owned()], no: vec!["0".to_owned()], any_case: false };
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
        nulls: vec![String::new(), "None".to_owned()],
        columns: vec![
            Column { required: true, ..column("id", Kind::Int { number: PLAIN }) },
            Column { nulls: vec!["-".to_owned()], ..column("name", Kind::Text) },
            column(
                "price",
                Kind::Decimal { precision: 9, scale: 2, rounding: Rounding::Reject, number: PLAIN },
            ),
            column("temp_c", Kind::Float { number: PLAIN }),
            column("good", yes_no),
            Column {
                on_error: OnError::Null,
                ..column("due", Kind::Date { formats: formats(&["yyyy-MM-dd"]) })
            },
            column("at", time(Tz::Asia__Kolkata, true)),
            column("seen", time(Tz::Europe__Berlin, false)),
        ],
        reject_at_most: None,
        case_sensitive_columns: false,
    }
}

static STAGE: LazyLock<Stage> = LazyLock::new(|| {
    let shift = Shift { name: "G".to_owned(), start_min: 540, end_min: 1260, ..Shift::default() };
    let calendar = Calendar::new(Tz::Asia__Kolkata, vec![shift]).unwrap();
    Stage::new(&contract(), &calendar)
});

/// A bronze batch of records with fields separated by `|`, then `_fault` and `_rest`; `~` is null.
fn bronze(records: &[&str]) -> RecordBatch {
    let records: Vec<Vec<&str>> = records.iter().map(|text| text.split('|').collect()).collect();
    let names = contract().columns.into_iter().map(|column| column.name);
    let names = names.chain(["_fault".to_owned(), "_rest".to_owned()]);
    let columns = names.enumerate().map(|(at, name)| {
        let texts =
            records.iter().map(|fields| fields.get(at).copied().filter(|text| *text != "~"));
        (name, Arc::new(texts.collect::<StringArray>()) as ArrayRef)
    });
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

const GOOD: &str = "7| bolt |12.5|36.6|1|2024-02-29|2023-01-03 20:59:59|2023-01-03 00:00:00|~|~";

#[test]
fn good_rows_are_typed() {
    let night = "8|-|~|None||~|2023-01-03 21:00:00|~|~|~";
    let typed = STAGE.apply(&bronze(&[GOOD, night]), None).unwrap();
    let expected = "\
+----+------+-------+--------+------+------------+----------------------+--------------+---------------+----------+-------------------+----------------------+
| id | name | price | temp_c | good | due        | at                   | at_day_local | at_hour_local | at_shift | at_production_day | seen                 |
+----+------+-------+--------+------+------------+----------------------+--------------+---------------+----------+-------------------+----------------------+
| 7  | bolt | 12.50 | 36.6   | true | 2024-02-29 | 2023-01-03T15:29:59Z | 2023-01-03   | 20            | G        | 2023-01-03        | 2023-01-02T23:00:00Z |
| 8  |      |       |        |      |            | 2023-01-03T15:30:00Z | 2023-01-03   | 21            |          | 2023-01-03        |                      |
+----+------+-------+--------+------+------------+----------------------+--------------+---------------+----------+-------------------+----------------------+";
    assert_eq!(pretty_format_batches(&[typed.rows]).unwrap().to_string(), expected);
    assert_eq!((typed.rejections, typed.repaired), (vec![], vec![]));
    assert_eq!(typed.rejected, BooleanArray::from(vec![false, false]));
}

/// Expects the rejection of a record as column, reason and raw text, and its repaired columns.
fn check(record: &str, problem: Option<(&str, &str, Option<&str>)>, repaired: &[&str]) {
    let typed = STAGE.apply(&bronze(&[GOOD, record]), None).unwrap();
    let expected = problem.map(|(column, reason, raw)| Rejection {
        row: 1,
        column: column.into(),
        reason: reason.to_owned().into(),
        raw: raw.map(str::to_owned),
        rule: None,
    });
    assert_eq!(typed.rejections, Vec::from_iter(expected), "{record}");
    let expected: Vec<_> = repaired.iter().map(|column| ((*column).to_owned(), 1)).collect();
    assert_eq!(typed.repaired, expected, "{record}");
    assert_eq!(typed.rejected, BooleanArray::from(vec![false, problem.is_some()]), "{record}");
}

#[test]
fn rejected_rows_have_a_reason() {
    check("7|~|~|~|~|~|~|~|~|~", None, &[]);
    check("x7|~|~|~|~|~|~|~|~|~", Some(("id", "not_a_number", Some("x7"))), &[]);
    check("~|~|~|~|~|~|~|~|~|~", Some(("id", "missing", None)), &[]);
    check(" None |~|~|~|~|~|~|~|~|~", Some(("id", "missing", Some(" None "))), &[]);
    check("7|~|1.234|~|~|~|~|~|~|~", Some(("price", "too_precise", Some("1.234"))), &[]);
    check(
        "7|~|12345678.00|~|~|~|~|~|~|~",
        Some(("price", "out_of_range", Some("12345678.00"))),
        &[],
    );
    check("7|~|~|hot|2|~|~|~|~|~", Some(("temp_c", "not_a_number", Some("hot"))), &[]);
    check("7|~|~|~|2|~|~|~|~|~", Some(("good", "not_a_bool", Some("2"))), &[]);
    check("7|~|~|~|~|~|2023-01-03|~|~|~", Some(("at", "not_a_time", Some("2023-01-03"))), &[]);
    let never = "2024-03-31 02:30:00";
    check(&format!("7|~|~|~|~|~|~|{never}|~|~"), Some(("seen", "no_such_time", Some(never))), &[]);
    check("x|~|~|~|~|~|~|~|too_few_fields|x;", Some(("", "too_few_fields", Some("x;"))), &[]);
}

#[test]
fn a_text_with_nul_inside_is_refused() {
    check("7|a\0b|~|~|~|~|~|~|~|~", Some(("name", "nul_in_text", Some("a\0b"))), &[]);
    let typed = STAGE.apply(&bronze(&["7|\0a\0|~|~|~|~|~|~|~|~"]), None).unwrap();
    assert_eq!(typed.rows.column_by_name("name").unwrap().as_string::<i32>().value(0), "a");
    assert_eq!(typed.rejections, vec![]);
}

#[test]
fn a_local_day_outside_the_calendar_is_null() {
    let mut contract = contract();
    contract.columns[6].kind =
        Kind::Time { formats: formats(&["yyyy-MM-dd HH:mmXXX"]), zone: Tz::UTC, local_parts: true };
    let stage = Stage::new(&contract, &Calendar::new(Tz::Asia__Kolkata, vec![]).unwrap());
    let records = ["7|~|~|~|~|~|9999-12-31 18:29Z|~|~|~", "8|~|~|~|~|~|9999-12-31 18:30Z|~|~|~"];
    let typed = stage.apply(&bronze(&records), None).unwrap();
    for part in ["at_day_local", "at_production_day"] {
        let days = typed.rows.column_by_name(part).unwrap();
        assert_eq!((days.is_valid(0), days.is_valid(1)), (true, false), "{part}");
    }
    assert_eq!(typed.rows.column_by_name("at").unwrap().null_count(), 0);
}

/// Records with a number, which is also their number in the dump, and the time `seen`.
fn seen(times: &[&str]) -> RecordBatch {
    let records: Vec<String> =
        (1..).zip(times).map(|(at, time)| format!("{at}|~|~|~|~|~|~|{time}|~|~")).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let batch = bronze(&records);
    let numbers: Int64Array = (1..=times.len() as i64).collect();
    let fields =
        batch.schema().fields().iter().map(|field| field.name().clone()).collect::<Vec<_>>();
    let columns = fields.into_iter().zip(batch.columns().to_vec());
    let columns = columns.chain([("_record".to_owned(), Arc::new(numbers) as ArrayRef)]);
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true)))
        .unwrap()
}

fn seen_hours(typed: &Typed) -> String {
    let times = typed.rows.column_by_name("seen").unwrap();
    let times = times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
    let text = |at: i64| chrono::DateTime::from_timestamp_micros(at).unwrap().format("%H:%M");
    times.values().iter().map(|at| text(*at).to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn ambiguous_times_are_resolved_by_the_order_of_their_dump() {
    let times = ["01:30", "02:00", "02:30", "02:00", "02:30", "03:00"];
    let times = times.map(|time| format!("2024-10-27 {time}:00"));
    let batch = seen(&times.each_ref().map(String::as_str));
    let first = STAGE.apply(&batch, None).unwrap();
    assert_eq!(seen_hours(&first), "23:30 00:00 00:30 00:00 00:30 02:00");
    assert!(first.needs_passes);
    let mut nearby = RepeatedHourTimes::default();
    // A dump is scanned in several batches.
    for (from, len) in [(0, 3), (3, 3)] {
        STAGE.scan_repeated_hours(&batch.slice(from, len), &[0; 3], &mut nearby).unwrap();
    }
    let passes = nearby.passes(|column| column == "seen");
    let second = STAGE.apply(&batch, Some(&passes)).unwrap();
    assert_eq!(seen_hours(&second), "23:30 00:00 00:30 01:00 01:30 02:00");
    assert!(!second.needs_passes);
    let expected = AmbiguousTimes { column: "seen".to_owned(), times: 4, uncertain: 0 };
    assert_eq!(second.ambiguous, vec![expected]);
}

#[test]
fn an_ambiguous_time_of_a_message_is_resolved_by_its_receipt() {
    let (first_us, again_us) = (1_729_989_000_000_000, 60 * MINUTE_US);
    for (received_min, expected) in [
        (0, (false, true)),
        (29, (false, true)),
        (31, (true, true)),
        (60, (true, true)),
        (89, (true, true)),
        (200, (false, false)),
    ] {
        let pass = passes::by_receipt(first_us, again_us, first_us + received_min * MINUTE_US);
        assert_eq!((pass.is_second, pass.is_certain), expected, "{received_min} min");
    }
}

#[test]
fn unreadable_values_may_become_null() {
    check("7|~|~|~|~|2023-02-30|~|~|~|~", None, &["due"]);
    check("x|~|~|~|~|2023-02-30|~|~|~|~", Some(("id", "not_a_number", Some("x"))), &[]);
    check("7|~|~|~|~|2023-02-30|x|~|~|~", Some(("at", "not_a_time", Some("x"))), &[]);
}

#[test]
fn a_required_column_cannot_become_null() {
    let mut contract = contract();
    contract.columns[5].required = true;
    let stage = Stage::new(&contract, &Calendar::new(Tz::UTC, vec![]).unwrap());
    let typed = stage.apply(&bronze(&["7|~|~|~|~|2023-02-30|~|~|~|~"]), None).unwrap();
    assert_eq!(typed.rejections[0].reason, "not_a_time");
    assert!(typed.repaired.is_empty());
}

#[test]
fn clean_text_is_shared() {
    let shared = |records: &[&str]| {
        let batch = bronze(records);
        let typed = STAGE.apply(&batch, None).unwrap();
        let raw = batch.column_by_name("name").unwrap().as_string::<i32>().values().as_ptr();
        let text = typed.rows.column_by_name("name").unwrap().as_string::<i32>().clone();
        (
            text.values().as_ptr() == raw,
            text.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>(),
        )
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(shared(&["7|nut", "8|~"]), (true, vec![some("nut"), None]));
    assert_eq!(shared(&["7|nut", "8|-"]), (true, vec![some("nut"), None]));
    assert_eq!(shared(&["7|nut", "8| - "]), (false, vec![some("nut"), None]));
}

#[test]
fn text_may_be_of_any_string_type() {
    let batch = bronze(&[GOOD]);
    let view = |array: &ArrayRef| cast(array, &DataType::Utf8View).unwrap();
    let names = batch.schema();
    let columns = names.fields().iter().zip(batch.columns());
    let views = columns.map(|(field, array)| (field.name(), view(array), true));
    let views = RecordBatch::try_from_iter_with_nullable(views).unwrap();
    assert_eq!(STAGE.apply(&views, None).unwrap().rows, STAGE.apply(&batch, None).unwrap().rows);
    let error = STAGE.apply(&batch.project(&[0, 1]).unwrap(), None).unwrap_err();
    assert_eq!(error.to_string(), "column _fault is missing");
}

fn any_record() -> impl Strategy<Value = String> {
    let any_of = |words: &'static [&'static str]| proptest::sample::select(words);
    (
        any_of(&["1", "x", "~", "None"]),
        any_of(&["a", " a", "-", "~"]),
        any_of(&["1.5", "1.555", "~"]),
        any_of(&["2023-01-01", "2023-02-30", "~"]),
        any_of(&["~", "~", "not_json"]),
    )
        .prop_map(|(id, name, price, due, fault)| {
            format!("{id}|{name}|{price}|~|~|{due}|~|~|{fault}|r")
        })
}

proptest! {
    #[test]
    fn every_row_is_accepted_or_rejected(records in proptest::collection::vec(any_record(), 0..20)) {
        let records: Vec<&str> = records.iter().map(String::as_str).collect();
        let typed = STAGE.apply(&bronze(&records), None).unwrap();
        prop_assert_eq!(typed.rows.num_rows(), records.len());
        prop_assert_eq!(typed.rejected.len(), records.len());
        let rejected: Vec<usize> = (0..records.len()).filter(|row| typed.rejected.value(*row)).collect();
        let named: Vec<usize> = typed.rejections.iter().map(|problem| problem.row).collect();
        prop_assert_eq!(rejected, named);
        for (row, record) in records.iter().enumerate() {
            let bad = ["x|", "~|", "None|", "|1.555|", "|not_json|"].iter().any(|part| match *part {
                start if !start.starts_with('|') => record.starts_with(start),
                inside => format!("|{record}").contains(inside),
            });
            prop_assert_eq!(typed.rejected.value(row), bad, "{}", record);
        }
        let repairs = typed.repaired.iter().map(|(_, count)| count).sum::<usize>();
        let stays = |row: &usize| !typed.rejected.value(*row) && records[*row].contains("2023-02-30");
        prop_assert_eq!(repairs, (0..records.len()).filter(stays).count());
    }
}
