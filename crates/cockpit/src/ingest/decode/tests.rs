//! Promises that hold for every format.

use super::testing::{contract, csv, decode_chunked, rows, slices};
use super::{DecodeError, Limits};
use crate::batch::Batch;
use plant::contract::{Contract, Encoding, Format};
use proptest::prelude::*;

fn contracts() -> Vec<Contract> {
    let delimited =
        |quote, header| contract(Format::Delimited { delimiter: b',', quote, header }, &["a", "b"]);
    let mut fixed = contract(Format::Fixed { header: false }, &["*a", "b"]);
    fixed.columns.iter_mut().for_each(|column| column.width_chars = 2);
    vec![
        csv(true, &["a", "b"]),
        csv(false, &["a", "b"]),
        delimited(None, false),
        contract(Format::JsonLines, &["a", "b.c"]),
        contract(Format::JsonArray, &["a", "b.c"]),
        contract(Format::Tokens { pattern: "(?<a>[a-z]*)(?<b>[^a-z]*)".into() }, &["a", "b"]),
        fixed,
    ]
}

fn encodings() -> impl Strategy<Value = Encoding> {
    use Encoding::*;
    prop::sample::select(vec![Utf8, Utf16Le, Utf16Be, Latin1])
}

/// Bytes rich in the signs that matter.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(b"ab,\"\n\r{}[]:\\ 1\0".to_vec()).prop_map(|byte| vec![byte]),
        2 => prop::sample::select(vec!["{\"a\":1}", "\"a\"", "a,b\n", "é", "€😀", "\u{feff}", "[{"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..3),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn outcome(
    result: Result<Batch, DecodeError>,
    file: &[u8],
) -> Result<(Vec<String>, Vec<Vec<u8>>), String> {
    let view = |batch: Batch| {
        (rows(&batch), slices(&batch, file).into_iter().map(<[u8]>::to_vec).collect())
    };
    result.map(view).map_err(|error| error.to_string())
}

fn places_increase(batch: &Batch, size_bytes: usize) -> bool {
    let ends = batch.byte_from.values().iter().zip(batch.byte_to.values());
    let mut last = 0;
    ends.into_iter().all(|(&from, &to)| {
        let increases = last <= from && from <= to;
        last = to;
        increases
    }) && last <= size_bytes as i64
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn chunks_do_not_matter(
        file in file(),
        encoding in encodings(),
        chunk_bytes in 1..40usize,
        max_record_bytes in prop_oneof![Just(1 << 20), 0..40usize],
    ) {
        let limits = Limits { max_record_bytes, kept_faulty_bytes: 5 };
        for mut contract in contracts() {
            contract.encoding = encoding;
            let whole = decode_chunked(&contract, &file, limits, usize::MAX);
            if let Ok(batch) = &whole {
                prop_assert!(places_increase(batch, file.len()), "{:?}", contract.format);
            }
            let chunked = decode_chunked(&contract, &file, limits, chunk_bytes);
            prop_assert_eq!(outcome(whole, &file), outcome(chunked, &file), "{:?}", contract.format);
        }
    }

    #[test]
    fn no_byte_is_lost(file in file(), encoding in encodings()) {
        for mut contract in contracts().split_off(1) {
            contract.encoding = encoding;
            let Ok(batch) = decode_chunked(&contract, &file, Limits::default(), 64) else { continue };
            let mut at = 0;
            for (&from, &to) in batch.byte_from.values().iter().zip(batch.byte_to.values()) {
                prop_assert!(is_between_records(&file[at..from as usize]), "{:?}", contract.format);
                at = to as usize;
            }
            prop_assert!(is_between_records(&file[at..]), "{:?}", contract.format);
        }
    }
}

/// Whether no text is in these bytes, whatever their encoding.
fn is_between_records(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| b"\r\n\0 \t[],\xEF\xBB\xBF\xFE\xFF".contains(byte))
}
