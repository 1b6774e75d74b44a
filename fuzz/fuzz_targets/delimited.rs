//! Delimited text of any delimiter, quote and header.
#![no_main]

use cockpit_fuzz::promise::{Case, contract};
use libfuzzer_sys::fuzz_target;
use plant::contract::Format;

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::new(input) else { return };
    let quote = (case.flags & 1 == 0).then_some(b'"');
    let header = case.flags & 2 != 0;
    let delimiter = [b',', b'\t', b'|', 0xA6][usize::from(case.flags >> 2 & 3)];
    let format = Format::Delimited { delimiter, quote, header };
    case.check(contract(format, &["a", "b", "c"]));
});
