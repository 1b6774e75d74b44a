use super::*;
use arrow::array::BooleanArray;
use plant::time::SECOND_US;

/// Unit, category, beginning, end and precedence of a claim.
type Row = (&'static str, &'static str, i64, i64, i64);

fn claims(rows: &[Row]) -> RecordBatch {
    let texts = |text: fn(&Row) -> Option<String>| {
        Arc::new(rows.iter().map(text).collect::<StringArray>()) as ArrayRef
    };
    let times = |time_s: fn(&Row) -> i64| {
        let times = rows.iter().map(|row| Some(time_s(row) * SECOND_US));
        Arc::new(times.collect::<TimestampMicrosecondArray>().with_timezone("UTC")) as ArrayRef
    };
    let columns = vec![
        ("unit", texts(|row| (!row.0.is_empty()).then(|| row.0.to_owned()))),
        ("line", texts(|_| Some("L1".to_owned()))),
        ("category", texts(|row| Some(row.1.to_owned()))),
        ("reason", texts(|_| None)),
        ("source", texts(|_| Some("machine".to_owned()))),
        ("from_at", times(|row| row.2)),
        ("to_at", times(|row| row.3)),
        ("precedence", Arc::new(rows.iter().map(|row| Some(row.4)).collect::<Int64Array>()) as _),
    ];
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// Unit, category, source, duration and overlap of each row.
fn shown(batch: &RecordBatch) -> Vec<String> {
    let text = |name: &str, row: usize| {
        let column = column(batch, name).unwrap().as_string::<i32>();
        if column.is_valid(row) { column.value(row).to_owned() } else { "-".to_owned() }
    };
    let number =
        |name: &str, row| column(batch, name).unwrap().as_primitive::<Int64Type>().value(row);
    (0..batch.num_rows())
        .map(|row| {
            let texts = ["unit", "category", "source"].map(|name| text(name, row)).join(" ");
            format!("{texts} {} {}", number("duration_s", row), number("overlap_s", row))
        })
        .collect()
}

#[test]
fn every_second_goes_to_one_claim_or_to_the_calendar() {
    let calendar = Calendar::new(chrono_tz::Tz::UTC, Vec::new()).unwrap();
    // 1970-01-01 is a day without shifts: what no claim covers is not planned.
    let batch = claims(&[
        ("U2", "producing", 0, 100, 1),
        ("U1", "producing", 0, 100, 1),
        ("U1", "unplanned_stop", 40, 60, 2),
        ("U1", "producing", 150, 200, 1),
        ("", "producing", 0, 1000, 9),
    ]);
    let stored = stored_schema(&batch.schema()).unwrap();
    let closed = close(&calendar, std::slice::from_ref(&batch), &batch.schema(), &stored).unwrap();
    let rows: Vec<String> = closed.iter().flat_map(shown).collect();
    let expected = [
        "U1 producing machine 40 0",
        "U1 unplanned_stop machine 20 20",
        "U1 producing machine 40 0",
        "U1 no_production_planned calendar 50 0",
        "U1 producing machine 50 0",
        "U2 producing machine 100 0",
    ];
    assert_eq!(rows, expected);
    assert!(closed.iter().all(|batch| batch.schema() == stored));
    let begins = column(&closed[0], "begins").unwrap();
    let begins = begins.as_any().downcast_ref::<BooleanArray>().unwrap();
    assert_eq!(begins.true_count(), 4);
}

#[test]
fn a_query_without_a_column_of_the_ledger_is_refused() {
    let batch = claims(&[]);
    let without = batch.project(&[0, 1, 2, 3, 4, 5, 6]).unwrap();
    let error = stored_schema(&without.schema()).unwrap_err();
    assert_eq!(error, "column `precedence`, which a ledger requires, is missing");
    let schema = Schema::new(vec![Field::new("unit", DataType::Int64, true)]);
    assert_eq!(
        stored_schema(&schema).unwrap_err(),
        "column `unit` of a ledger must be Utf8, it is Int64"
    );
}
