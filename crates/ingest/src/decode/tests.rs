//! Properties of all formats.

use super::testing::{contract, csv, decode_chunked, delimited, rows, slices};
use super::{DecodeError, DecodeLimits};
use batches::batch::Batch;
use plant::contract::{Contract, Encoding, Escape, Format, Lines, Origin};
use proptest::prelude::*;

fn contracts() -> Vec<Contract> {
    let delimited =
        |delimiter, quote, header| contract(delimited(delimiter, quote, header), &["a", "b"]);
    let escaped = Format::Delimited {
        delimiter: ",".into(),
        quote: Some(b'"'),
        escape: Escape::Byte(b'\\'),
        header: false,
    };
    let mut fixed = contract(Format::Fixed { header: false }, &["*a", "b"]);
    fixed.columns.iter_mut().for_each(|column| column.width_chars = 2);
    vec![
        csv(true, &["a", "b"]),
        csv(false, &["a", "b"]),
        delimited(",", None, false),
        delimited(",,", Some(b'"'), false),
        contract(escaped, &["a", "b"]),
        contract(Format::JsonLines, &["a", "b.c"]),
        contract(Format::JsonArray, &["a", "b.c"]),
        contract(Format::Tokens { pattern: "(?<a>[a-z]*)(?<b>[^a-z]*)".into() }, &["a", "b"]),
        fixed,
    ]
}

/// Contracts of dumps that contain more than records.
fn contracts_with_surroundings() -> Vec<Contract> {
    let lines = Lines {
        skip: 1,
        skip_footer: 1,
        skip_pattern: Some("^b".into()),
        record_type: Some("a".into()),
        ..Lines::default()
    };
    let mut delimited = csv(false, &["a", "b"]);
    delimited.lines = lines;
    let mut below = csv(true, &["a", "b"]);
    below.lines = Lines { skip_after_header: 1, skip_footer: 2, ..Lines::default() };
    let json = |format, path: Option<&str>| {
        let mut contract = contract(format, &["a", "c"]);
        contract.records = path.map(str::to_owned);
        contract.columns[1].origin = Origin::Envelope;
        contract
    };
    vec![
        delimited,
        below,
        json(Format::JsonLines, Some("b")),
        json(Format::JsonArray, Some("b")),
        json(Format::JsonArray, None),
    ]
}

fn encodings() -> impl Strategy<Value = Encoding> {
    use Encoding::*;
    let named = ["windows-1252", "windows-1253", "Shift_JIS", "gb18030", "ISO-2022-JP"].map(Named);
    prop::sample::select([&[Utf8, Utf16Le, Utf16Be], &named[..]].concat())
}

/// Bytes with many special characters.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => prop::sample::select(b"ab,\"\n\r{}[]:\\ 1\0".to_vec()).prop_map(|byte| vec![byte]),
        2 => prop::sample::select(vec![
            "{\"a\":1}", "\"a\"", "a,b\n", "é", "€😀", "\u{feff}", "[{", "{\"b\":[", "\"c\":", "sep=,\n",
        ])
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

fn positions_increase(batch: &Batch, size_bytes: usize) -> bool {
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
        probe_bytes in prop_oneof![Just(1 << 16), 0..40usize],
    ) {
        let limits = DecodeLimits { max_record_bytes, kept_faulty_bytes: 5, probe_bytes };
        for mut contract in contracts().into_iter().chain(contracts_with_surroundings()) {
            contract.encoding = encoding;
            let whole = decode_chunked(&contract, &file, limits, usize::MAX);
            if let Ok(batch) = &whole {
                prop_assert!(positions_increase(batch, file.len()), "{:?}", contract.format);
            }
            let chunked = decode_chunked(&contract, &file, limits, chunk_bytes);
            prop_assert_eq!(outcome(whole, &file), outcome(chunked, &file), "{:?}", contract.format);
        }
    }

    #[test]
    fn no_byte_is_lost(file in file(), encoding in encodings()) {
        // Such a line declares the delimiter and is not a record.
        prop_assume!(!file.windows(4).any(|bytes| bytes.eq_ignore_ascii_case(b"sep=")));
        // The envelope of an array of records is not in them.
        let is_around = file.iter().find(|byte| b"{[".contains(byte)) == Some(&b'{');
        let contracts = contracts().into_iter().skip(1);
        for mut contract in contracts.filter(|it| !is_around || it.format != Format::JsonArray) {
            contract.encoding = encoding;
            let Ok(batch) = decode_chunked(&contract, &file, DecodeLimits::default(), 64) else { continue };
            let mut at = 0;
            for (&from, &to) in batch.byte_from.values().iter().zip(batch.byte_to.values()) {
                prop_assert!(is_between_records(&file[at..from as usize]), "{:?}", contract.format);
                at = to as usize;
            }
            prop_assert!(is_between_records(&file[at..]), "{:?}", contract.format);
        }
    }

    /// A dump that is split after any line into two, both with its header, has the same records.
    #[test]
    fn parts_have_the_records_of_the_whole(
        lines in prop::collection::vec("[ab1,# é]{0,6}", 1..12),
        at in any::<prop::sample::Index>(),
    ) {
        let lines: Vec<String> = lines.iter().map(|line| format!("{line}\n")).collect();
        let (first, second) = lines.split_at(at.index(lines.len()));
        let mut contract = csv(true, &["a", "b"]);
        contract.lines = Lines { skip_pattern: Some("^#".into()), skip: 1, ..Lines::default() };
        let read = |lines: &[String]| {
            let file = format!("title\na,b\n{}", lines.concat());
            let batch = decode_chunked(&contract, file.as_bytes(), DecodeLimits::default(), 9).unwrap();
            rows(&batch)
        };
        prop_assert_eq!(read(&lines), [read(first), read(second)].concat());
    }
}

/// Whether these bytes contain no text in any of the encodings.
fn is_between_records(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| b"\r\n\0 \t[],\xEF\xBB\xBF\xFE\xFF".contains(byte))
}
