//! Fixed-width text. A column is as wide as its header.
#![no_main]

use cockpit_fuzz::promise::{Case, contract, lines};
use libfuzzer_sys::fuzz_target;
use plant::contract::Format;

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::new(input) else { return };
    let format = Format::Fixed { header: case.flags & 1 != 0 };
    let mut contract = contract(format, &["aaa", "*bb", "c"]);
    contract.lines = lines(case.flags & 2 != 0);
    case.check(contract);
});
