//! JSON lines and JSON arrays.
#![no_main]

use cockpit_fuzz::promise::{Case, contract};
use libfuzzer_sys::fuzz_target;
use plant::contract::Format;

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::new(input) else { return };
    let format = if case.flags & 1 == 0 { Format::JsonLines } else { Format::JsonArray };
    case.check(contract(format, &["a", "b.c", "b.d", "a.b.c"]));
});
