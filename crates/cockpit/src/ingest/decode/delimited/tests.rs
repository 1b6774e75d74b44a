use super::super::testing::{contract, csv, decode, decode_chunked, rows, slices};
use super::super::{DecodeError, Limits};
use plant::contract::{Encoding, Format};
use proptest::prelude::*;

fn check(header: bool, input: &str, expected: &[&str]) {
    let batch = decode(&csv(header, &["*A", "B"]), input.as_bytes()).unwrap();
    assert_eq!(rows(&batch), expected, "{input:?}");
}

#[test]
fn without_a_header_the_first_row_is_data() {
    check(false, "A,B\n1,2", &["A|B", "1|2"]);
    check(false, "", &[]);
    check(false, "\r\n\n", &[]);
}

#[test]
fn line_ends_may_be_mixed() {
    check(false, "1,2\r\n3,4\n\n5,6\r\n\r\n7,8\r", &["1|2", "3|4", "5|6", "7|8"]);
    check(false, "1,\"a\r\nb\"\n", &["1|a\r\nb"]);
}

#[test]
fn quotes_hold_anything() {
    check(false, "\"a,b\",\"c\"\"d\"\n", &["a,b|c\"d"]);
    check(false, "\"\"\"\",\"\"\n", &["\"|"]);
    check(false, "5\" pipe,x\"y\"\n", &["5\" pipe|x\"y\""]);
}

#[test]
fn a_broken_quote_costs_its_line() {
    check(false, "\"1,2\n3,4\n", &["∅|∅ broken_quote \"1,2", "3|4"]);
    check(false, "\"1,2\n\"3\",4\n", &["∅|∅ broken_quote \"1,2", "3|4"]);
    check(false, "1,\"a\"b\n3,4\n", &["∅|∅ broken_quote 1,\"a\"b", "3|4"]);
}

#[test]
fn ragged_lines_keep_what_they_have() {
    check(
        false,
        "1,2\n3\n4,5,6,\"7,\"\n",
        &["1|2", "3|∅ too_few_fields", "4|5 too_many_fields [\"6\",\"7,\"]"],
    );
    check(
        true,
        "A,B,C\n1,2,3,4\n5\n",
        &["1|2 too_many_fields {\"C\":\"3\",\"\":[\"4\"]}", "5|∅ too_few_fields"],
    );
}

#[test]
fn a_delimiter_at_every_line_end_separates_nothing() {
    check(false, "1,2,\n3,4,\n5,6\n7,8,9\n", &["1|2", "3|4", "5|6", "7|8 too_many_fields [\"9\"]"]);
    check(true, "A,B,\n1,2,\n3,4\n", &["1|2", "3|4"]);
    check(false, "1,2\n3,4,\n", &["1|2", "3|4 too_many_fields [\"\"]"]);
}

#[test]
fn the_header_places_the_columns() {
    check(true, "B,A\n1,2\n", &["2|1"]);
    check(true, "\u{feff}A , \"B\"\n1,2\n", &["1|∅ {\"\\\"B\\\"\":\"2\"}"]);
    check(true, "\u{feff}\"A\",B\r\n1,2\r\n", &["1|2"]);
    check(true, "A\n1\n", &["1|∅"]);
    check(true, "C,A,D\n1,2,x\"y\n", &["2|∅ {\"C\":\"1\",\"D\":\"x\\\"y\"}"]);
    check(true, "\nA,B\n", &[]);
}

#[test]
fn a_header_in_the_data_is_told() {
    check(
        true,
        "A,B\n1,2\nA,B\r\n\u{feff}A,B\n3,4",
        &["1|2", "∅|∅ repeated_header A,B", "∅|∅ repeated_header \u{feff}A,B", "3|4"],
    );
}

#[test]
fn a_file_of_another_table_is_refused() {
    let check = |input: &[u8], expected: &str| {
        let text = decode(&csv(true, &["*A", "B"]), input).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    };
    check(b"B,X\n1,2\n", "missing [A], found [B, X]");
    check(b"", "no line in its 0 bytes");
    check(b"\n\"A,B\n1,2\n", "at byte 1 cannot be read (broken_quote)");
    check(b"A,B\xFF\n1,2\n", "at byte 0 cannot be read (invalid_text)");
    check(&[b'A'; 2_000_000], "at byte 0 cannot be read (too_long)");
}

#[test]
fn a_contract_that_cannot_be_cut_is_refused() {
    let check = |delimiter, quote, encoding, refused| {
        let format = Format::Delimited { delimiter, quote, header: false };
        let mut contract = contract(format, &["A"]);
        contract.encoding = encoding;
        let result = decode(&contract, b"");
        assert_eq!(matches!(result, Err(DecodeError::Contract { .. })), refused, "{result:?}");
    };
    check(b',', Some(b','), Encoding::Utf8, true);
    check(b'\n', None, Encoding::Utf8, true);
    check(0xA6, None, Encoding::Utf8, true);
    check(0xA6, None, Encoding::Latin1, false);
}

#[test]
fn every_encoding_keeps_its_positions() {
    let text = "ä,1\n\"€😀\",2\r\n\n3,4";
    let expected = ["ä|1", "€😀|2", "3|4"];
    let mut contract = csv(false, &["A", "B"]);
    for (encoding, mark) in [(Encoding::Utf16Le, ""), (Encoding::Utf8, "\u{feff}")] {
        contract.encoding = encoding;
        let bytes = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let file = bytes(&format!("{mark}{text}"));
        let batch = decode(&contract, &file).unwrap();
        assert_eq!(rows(&batch), expected);
        assert_eq!(slices(&batch, &file), [bytes("ä,1"), bytes("\"€😀\",2"), bytes("3,4")]);
    }
    contract.encoding = Encoding::Latin1;
    let batch = decode(&contract, b"\xE4,\"\xDF\"\"\"\n").unwrap();
    assert_eq!(rows(&batch), ["ä|ß\""]);
}

#[test]
fn bad_text_costs_its_record() {
    let file = b"1,2\n\xFF,3\n4,5\n";
    let batch = decode(&csv(false, &["A", "B"]), file).unwrap();
    assert_eq!(rows(&batch), ["1|2", "∅|∅ invalid_text \u{fffd},3", "4|5"]);
    let mut contract = csv(false, &["A", "B"]);
    contract.encoding = Encoding::Utf16Be;
    let file = b"\0a\0,\xD8\x00\0\n\0b\0,\0c";
    let batch = decode(&contract, file).unwrap();
    assert_eq!(rows(&batch), ["∅|∅ invalid_text a,\u{fffd}\u{fffd}\u{fffd}", "b|c"]);
    assert_eq!(slices(&batch, file), [&b"\0a\0,\xD8\x00"[..], b"\0b\0,\0c"]);
}

#[test]
fn a_long_line_costs_its_record() {
    let limits = Limits { max_record_bytes: 8, kept_faulty_bytes: 3 };
    let file = b"1,2\n123456789,\"0\r\n3,4\n\"5\n\",23456789\"\n6,7";
    for chunk in 1..=file.len() {
        let batch = decode_chunked(&csv(false, &["A", "B"]), file, limits, chunk).unwrap();
        let long = ["∅|∅ too_long 123", "∅|∅ too_long \"5\n"];
        assert_eq!(rows(&batch), ["1|2", long[0], "3|4", long[1], "6|7"], "{chunk}");
        assert_eq!(slices(&batch, file)[1], b"123456789,\"0");
    }
}

#[test]
fn memory_stays_small() {
    let mut decoder = super::super::Decoder::new(&csv(false, &["A"]), Limits::default()).unwrap();
    let mut out = crate::batch::BatchBuilder::new(1);
    let chunk = vec![b'"'; 1 << 20];
    for _ in 0..100 {
        decoder.feed(&chunk, &mut out).unwrap();
    }
    decoder.feed(b"\nx", &mut out).unwrap();
    decoder.finish(&mut out).unwrap();
    assert!(decoder.input.capacity_bytes() < 4 << 20);
    let batch = out.take();
    assert_eq!(batch.byte_to.values(), &[100 << 20, (100 << 20) + 2]);
    assert_eq!(rows(&batch)[1], "x");
}

/// Any text, but often with the signs that matter.
fn field() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[a,\"\r\n\t é]{0,8}"]
}

fn encode(rows: &[[String; 2]], line_end: &str) -> (String, Vec<String>) {
    let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
    let line = |row: &[String; 2]| row.each_ref().map(quoted).join(",");
    let lines: Vec<String> = rows.iter().map(line).collect();
    (lines.iter().map(|line| format!("{line}{line_end}")).collect(), lines)
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        rows_in in prop::collection::vec([field(), field()], 0..20),
        crlf in any::<bool>(),
    ) {
        let (text, lines) = encode(&rows_in, if crlf { "\r\n" } else { "\n" });
        let batch = decode(&csv(false, &["A", "B"]), text.as_bytes()).unwrap();
        let expected: Vec<String> = rows_in.iter().map(|row| row.join("|")).collect();
        prop_assert_eq!(rows(&batch), expected);
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        prop_assert_eq!(slices(&batch, text.as_bytes()), lines);
    }
}
