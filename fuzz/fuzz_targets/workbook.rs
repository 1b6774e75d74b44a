//! Workbooks, whole or corrupt.
#![no_main]

use cockpit_fuzz::batch::Batch;
use cockpit_fuzz::decode::workbook::{Kind, decode};
use cockpit_fuzz::promise::contract;
use libfuzzer_sys::fuzz_target;
use plant::contract::{CellRange, Format};
use std::io::Cursor;

/// The number of records, if the file can be read.
fn records(kind: Kind, input: &[u8], batch_rows: usize) -> Option<i64> {
    let format = Format::Workbook { sheet: None, range: CellRange::default(), header: false };
    let contract = contract(format, &["a", "b"]);
    let mut received = 0;
    let mut receive = |batch: Batch| {
        assert!(batch.len() <= batch_rows && !batch.is_empty());
        received += batch.len() as i64;
        true
    };
    let sheets = decode(&contract, kind, Cursor::new(input), batch_rows, &mut receive).ok()?;
    assert_eq!(sheets.records, received, "each record is in one batch");
    Some(received)
}

fuzz_target!(
    // A panic of the library is caught; the fuzzer's hook would report it nevertheless.
    init: std::panic::set_hook(Box::new(|_| ())),
    |input: &[u8]| {
        for kind in [Kind::Xlsx, Kind::Ods] {
            let expected = records(kind, input, 1000);
            assert_eq!(records(kind, input, 7), expected, "batches changed the records");
        }
    }
);
