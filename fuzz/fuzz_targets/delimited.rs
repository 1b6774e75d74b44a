//! Delimited text with various delimiters, quotes, escapes and headers, with or without lines around the data.
#![no_main]

use cockpit_fuzz::promise::{Case, contract, lines};
use libfuzzer_sys::fuzz_target;
use plant::contract::{Escape, Format};

fuzz_target!(|input: &[u8]| {
    let Some(case) = Case::new(input) else { return };
    let quote = (case.flags & 1 == 0).then_some(b'"');
    let header = case.flags & 2 != 0;
    let delimiter = [",", "\t", "||", "¦"][usize::from(case.flags >> 2 & 3)].to_owned();
    let escape = if header { Escape::Detect } else { Escape::Byte(b'\\') };
    let format = Format::Delimited { delimiter, quote, escape, header };
    let mut contract = contract(format, &["a", "b", "c"]);
    contract.lines = lines(case.flags & 16 != 0);
    case.check(contract);
});
