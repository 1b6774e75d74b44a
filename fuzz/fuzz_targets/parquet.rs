//! Parquet files, whole or corrupt.
#![no_main]

use cockpit_fuzz::decode::{DecodeError, parquet};
use cockpit_fuzz::promise::{columns, contract};
use libfuzzer_sys::fuzz_target;
use plant::contract::Format;

/// What a row is, whatever the batches.
type Rows = Vec<Vec<String>>;

fn decode(input: &[u8], batch_rows: usize) -> Result<Rows, DecodeError> {
    let contract = contract(Format::Parquet, &["a", "b"]);
    let file = bytes::Bytes::copy_from_slice(input);
    let mut rows = Rows::new();
    for batch in parquet::decode(&contract, file, batch_rows)? {
        let batch = batch?;
        assert!(batch.len() <= batch_rows);
        for row in 0..batch.len() {
            let text = |column| format!("{column:?}");
            rows.push(columns(&batch).iter().map(|column| text(column.slice(row, 1))).collect());
        }
        if rows.len() > 10_000 {
            break;
        }
    }
    Ok(rows)
}

fuzz_target!(
    // The hook of the fuzzer takes a panic for a crash even where it is caught, as the decoder
    // does with those of the library. One that is not caught still ends the run.
    init: std::panic::set_hook(Box::new(|_| ())),
    |input: &[u8]| {
        if let Ok(rows) = decode(input, 1000) {
            let same = |again| rows.len() > 10_000 || rows == again;
            assert!(decode(input, 7).is_ok_and(same), "batches changed the rows");
        }
    }
);
