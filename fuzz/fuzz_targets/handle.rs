//! Handles of prepared statements, with the values of their parameters.
#![no_main]

use bytes::Bytes;
use cockpit_fuzz::handle::Handle;
use cockpit_fuzz::values;
use libfuzzer_sys::fuzz_target;

const ROWS_MAX: usize = 100;

fuzz_target!(|input: &[u8]| {
    let Ok(handle) = Handle::read(Bytes::copy_from_slice(input)) else { return };
    assert_eq!(handle.write(), input, "a handle is written as it was read");
    match values::read(&handle.values, ROWS_MAX) {
        Ok(values) => {
            assert!((1..=ROWS_MAX).contains(&values.num_rows()));
            // Each value can be read.
            for column in values.columns() {
                let _shown = format!("{column:?}");
            }
        }
        Err(refused) => assert!(!refused.is_empty()),
    }
});
