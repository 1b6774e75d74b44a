//! JSON lines and JSON arrays, with records at the top level or within an object.
#![no_main]

use cockpit_fuzz::promise::{Case, contract};
use libfuzzer_sys::fuzz_target;
use plant::contract::{Format, Origin};

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::new(input) else { return };
    let format = if case.flags & 1 == 0 { Format::JsonLines } else { Format::JsonArray };
    let mut contract = contract(format, &["a", "b.c", "b.d", "a.b.c"]);
    contract.records =
        [None, Some("a"), Some("b.c"), None][usize::from(case.flags >> 1 & 3)].map(str::to_owned);
    if case.flags & 8 != 0 {
        contract.columns[2].origin = Origin::Envelope;
    }
    case.check(contract);
});
