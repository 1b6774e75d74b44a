//! Token text with a pattern like that of the reference plant.
#![no_main]

use cockpit_fuzz::promise::{Case, contract, lines};
use libfuzzer_sys::fuzz_target;
use plant::contract::Format;

const PATTERN: &str =
    r"C[0-9]{3}(?<id>.*?)UU-(?<text>.*?)\$\$(?<stamp>[0-9]{2}-[0-9]{2}|[0-9/]{4})?(?<rest>.*)";

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::new(input) else { return };
    let format = Format::Tokens { pattern: PATTERN.into() };
    let mut contract = contract(format, &["id", "text", "stamp", "rest"]);
    contract.lines = lines(case.flags & 1 != 0);
    case.check(contract);
});
