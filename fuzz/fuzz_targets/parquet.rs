//! Parquet files, whole or corrupt.
#![no_main]

use cockpit_fuzz::decode::{DecodeError, parquet};
use cockpit_fuzz::promise::{columns, contract};
use libfuzzer_sys::fuzz_target;
use plant::contract::Format;

/// The values of all rows, for any batch size.
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
    // The fuzzer's hook reports every panic as a crash, even one that is caught, as those of the Parquet library
    // are. A panic that is not caught still ends the run.
    init: std::panic::set_hook(Box::new(|_| ())),
    |input: &[u8]| {
        if let Ok(rows) = decode(input, 1000) {
            let same = |again| rows.len() > 10_000 || rows == again;
            assert!(decode(input, 7).is_ok_and(same), "batches changed the rows");
        }
    }
);
