use super::super::handle::Handle;
use super::*;
use arrow::array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int64Array, NullArray,
    StringArray, StringViewArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use arrow::ipc::writer::{
    DictionaryTracker, EncodedData, IpcDataGenerator, IpcWriteContext, IpcWriteOptions,
};
use proptest::prelude::*;

const ROWS_MAX: usize = 10;

fn parts(batches: Vec<RecordBatch>) -> Vec<Part> {
    let (maker, options) = (IpcDataGenerator::default(), IpcWriteOptions::default());
    let (mut tracker, mut context) = (DictionaryTracker::new(false), IpcWriteContext::default());
    let schema = batches[0].schema();
    let schema = maker.schema_to_bytes_with_dictionary_tracker(&schema, &mut tracker, &options);
    let part =
        |data: EncodedData| Part { header: data.ipc_message.into(), body: data.arrow_data.into() };
    let mut parts = vec![part(schema)];
    for batch in batches {
        parts.push(part(maker.encode(&batch, &mut tracker, &options, &mut context).unwrap().1));
    }
    parts
}

fn batch_of(columns: Vec<ArrayRef>) -> RecordBatch {
    let columns = columns.into_iter().zip(0..).map(|(it, at)| (format!("{at}"), it, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

/// A batch of two rows with all kinds of layouts.
fn mixed() -> RecordBatch {
    let decimals = Decimal128Array::from(vec![150, -1]).with_precision_and_scale(5, 2).unwrap();
    batch_of(vec![
        Arc::new(Int64Array::from(vec![Some(42), None])),
        Arc::new(StringArray::from(vec!["é", ""])),
        Arc::new(BooleanArray::from(vec![None, Some(true)])),
        Arc::new(NullArray::new(2)),
        Arc::new(decimals),
        Arc::new(TimestampMicrosecondArray::from(vec![7, 8]).with_timezone("UTC")),
    ])
}

#[test]
fn values_are_read_as_they_were_sent() {
    let sent = mixed();
    let read = read(&parts(vec![sent.clone()]), ROWS_MAX).unwrap();
    assert_eq!(read.schema().field(5).name(), "$6");
    assert_eq!(read.columns(), sent.columns());
}

#[test]
fn batches_are_read_one_after_the_other() {
    let row = |value: i64| batch_of(vec![Arc::new(Int64Array::from(vec![value]))]);
    let read = read(&parts(vec![row(1), row(2), row(3)]), ROWS_MAX).unwrap();
    assert_eq!(read.column(0).as_ref(), &Int64Array::from(vec![1, 2, 3]) as &dyn Array);
}

#[track_caller]
fn check_refused(parts: &[Part], expected: &str) {
    let refused = read(parts, ROWS_MAX).unwrap_err();
    assert!(refused.contains(expected), "{refused}");
}

#[test]
fn what_cannot_be_bound_is_named() {
    let rows = |count: usize| batch_of(vec![Arc::new(Int64Array::from(vec![7; count]))]);
    check_refused(&[], "no values");
    check_refused(&parts(vec![rows(0)]), "no row of values");
    check_refused(&parts(vec![rows(11)]), "more than 10 rows");
    check_refused(&parts(vec![rows(6), rows(6)]), "more than 10 rows");
    let coded: DictionaryArray<Int32Type> = ["a"].into_iter().collect();
    check_refused(&parts(vec![batch_of(vec![Arc::new(coded)])]), "$1 has the type Utf8");
    let views = StringViewArray::from(vec!["a"]);
    check_refused(&parts(vec![batch_of(vec![Arc::new(views)])]), "$1 has the type Utf8View");
    let whole = parts(vec![rows(1)]);
    check_refused(&whole[1..], "no schema");
    check_refused(&[whole[0].clone(), whole[0].clone()], "expected a batch");
    let other = parts(vec![mixed()]);
    check_refused(&[whole[0].clone(), other[1].clone()], "do not belong");
}

#[test]
fn a_body_that_is_too_short_is_refused() {
    let whole = parts(vec![mixed()]);
    for end in 0..whole[1].body.len() {
        let body = whole[1].body.slice(..end);
        let cut = [whole[0].clone(), Part { body, ..whole[1].clone() }];
        // What is missing at the end may be padding.
        if let Ok(read) = read(&cut, ROWS_MAX) {
            assert_eq!(read.columns(), mixed().columns(), "{end}");
        }
    }
    let none = [whole[0].clone(), Part { body: bytes::Bytes::new(), ..whole[1].clone() }];
    check_refused(&none, "do not belong");
}

proptest! {
    #[test]
    fn a_changed_message_is_read_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let whole = Handle { sql: "SELECT $1".into(), values: parts(vec![mixed()]) }.write();
        let mut bytes = whole.to_vec();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(handle) = Handle::read(bytes.into())
            && let Ok(values) = read(&handle.values, ROWS_MAX)
        {
            prop_assert!((1..=ROWS_MAX).contains(&values.num_rows()));
        }
    }

    #[test]
    fn a_changed_header_is_read_or_refused(at in any::<prop::sample::Index>(), value: u8, is_schema: bool) {
        let mut whole = parts(vec![mixed()]);
        let part = &mut whole[usize::from(!is_schema)];
        let mut header = part.header.to_vec();
        let at = at.index(header.len());
        header[at] = value;
        part.header = header.into();
        if let Ok(values) = read(&whole, ROWS_MAX) {
            prop_assert!((1..=ROWS_MAX).contains(&values.num_rows()));
        }
    }
}
