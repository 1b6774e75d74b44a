use crate::decode::testing::{
    contract, csv, decode, decode_chunked, decode_with_summary, delimited, rows, slices,
};
use crate::decode::{DecodeError, DecodeLimits};
use plant::contract::{Contract, Encoding, Escape, Format, Lines, Origin};
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
fn a_broken_quote_makes_its_line_faulty() {
    check(false, "\"1,2\n3,4\n", &["∅|∅ broken_quote \"1,2", "3|4"]);
    check(false, "\"1,2\n\"3\",4\n", &["∅|∅ broken_quote \"1,2", "3|4"]);
    check(false, "1,\"a\"b\n3,4\n", &["∅|∅ broken_quote 1,\"a\"b", "3|4"]);
}

#[test]
fn ragged_lines_keep_their_fields() {
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
fn a_delimiter_at_every_line_end_is_ignored() {
    check(false, "1,2,\n3,4,\n5,6\n7,8,9\n", &["1|2", "3|4", "5|6", "7|8 too_many_fields [\"9\"]"]);
    check(true, "A,B,\n1,2,\n3,4\n", &["1|2", "3|4"]);
    check(false, "1,2\n3,4,\n", &["1|2", "3|4 too_many_fields [\"\"]"]);
}

#[test]
fn the_header_determines_the_columns() {
    check(true, "B,A\n1,2\n", &["2|1"]);
    check(true, "\u{feff}A , \"B\"\n1,2\n", &["1|2"]);
    check(true, "\u{feff}\"A\",B\r\n1,2\r\n", &["1|2"]);
    check(true, "A\n1\n", &["1|∅"]);
    check(true, "C,A,D\n1,2,x\"y\n", &["2|∅ {\"C\":\"1\",\"D\":\"x\\\"y\"}"]);
    check(true, "\nA,B\n", &[]);
}

#[test]
fn a_header_in_the_data_is_a_fault() {
    check(
        true,
        "A,B\n1,2\nA,B\r\n\u{feff}A,B\n3,4",
        &["1|2", "∅|∅ repeated_header A,B", "∅|∅ repeated_header A,B", "3|4"],
    );
}

#[test]
fn a_file_of_another_table_is_refused() {
    let check = |input: &[u8], expected: &str| {
        let text = decode(&csv(true, &["*A", "B"]), input).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    };
    check(b"B,X\n1,2\n", "missing [A], found [B, X]");
    check(b"", "the 0 bytes of the file have no line");
    check(b"\n\"A,B\n1,2\n", "at byte 1 cannot be read (broken_quote)");
    check(b"A,B\xFF\n1,2\n", "at byte 0 cannot be read (invalid_text)");
    check(&[b'A'; 2_000_000], "at byte 0 cannot be read (too_long)");
}

#[test]
fn an_invalid_dialect_is_refused() {
    let check = |delimiter: &str, quote, escape, refused| {
        let delimiter = delimiter.to_owned();
        let format = Format::Delimited { delimiter, quote, escape, header: false };
        let result = decode(&contract(format, &["A"]), b"");
        assert_eq!(matches!(result, Err(DecodeError::Contract { .. })), refused, "{result:?}");
    };
    check(",", Some(b','), Escape::Detect, true);
    check("", None, Escape::Detect, true);
    check("\n", None, Escape::Detect, true);
    check("||", Some(b'|'), Escape::Detect, true);
    check("\\", None, Escape::Byte(b'\\'), true);
    check("¦", Some(b'"'), Escape::Byte(b'\\'), false);
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
    contract.encoding = Encoding::Named("windows-1252");
    let batch = decode(&contract, b"\xE4,\"\xDF\"\"\"\n").unwrap();
    assert_eq!(rows(&batch), ["ä|ß\""]);
    // The second byte of a character may look like a delimiter or an escape.
    contract.format = delimited("|", Some(b'"'), false);
    contract.encoding = Encoding::Named("Shift_JIS");
    let file = b"\x83|\x95\\|1\n\"\x95\\|\"|2\n";
    let batch = decode(&contract, file).unwrap();
    assert_eq!(rows(&batch), ["ポ表|1", "表||2"]);
    assert_eq!(slices(&batch, file), [&file[..6], &file[7..14]]);
}

#[test]
fn invalid_text_is_a_fault_of_its_record() {
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
fn a_long_line_is_a_fault_of_its_record() {
    let limits = DecodeLimits { max_record_bytes: 8, kept_faulty_bytes: 3, probe_bytes: 4 };
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
    let mut decoder =
        crate::decode::Decoder::new(&csv(false, &["A"]), DecodeLimits::default()).unwrap();
    let mut out = batches::batch::BatchBuilder::new(1);
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

/// Any text, often with special characters.
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

/// Decodes in chunks of every size, and expects these records and this number of skipped lines.
fn check_lines(contract: &Contract, input: &str, expected: &[&str], skipped_lines: u64) {
    for chunk in 1..=input.len() {
        let limits = DecodeLimits { max_record_bytes: 30, kept_faulty_bytes: 30, probe_bytes: 4 };
        let (batch, summary) =
            decode_with_summary(contract, input.as_bytes(), limits, chunk).unwrap();
        assert_eq!(rows(&batch), expected, "{input:?} in chunks of {chunk}");
        assert_eq!(summary.skipped_lines, skipped_lines, "{input:?} in chunks of {chunk}");
    }
}

#[test]
fn lines_around_the_data_are_skipped() {
    let lines = |skip, skip_after_header, skip_footer| {
        let mut contract = csv(true, &["*A", "B"]);
        contract.lines = Lines { skip, skip_after_header, skip_footer, ..Lines::default() };
        contract
    };
    let title = "Report \"5\", with a title that is longer than any record may be\n\n";
    check_lines(&lines(2, 0, 0), &format!("{title}A,B\n1,2\n"), &["1|2"], 2);
    check_lines(&lines(0, 1, 0), "A,B\n[mm],[kg]\n1,2\n", &["1|2"], 1);
    check_lines(&lines(0, 2, 0), "A,B\n\n[mm],[kg]\n1,2\n", &["1|2"], 2);
    check_lines(&lines(0, 0, 2), "A,B\n1,2\n3,4\nTotal 2\n\"end\n \n\n", &["1|2", "3|4"], 2);
    check_lines(&lines(0, 0, 1), "A,B\n1,2\nTotal 1", &["1|2"], 1);
    check_lines(&lines(0, 0, 1), "A,B\nTotal\n", &[], 1);
    assert!(matches!(decode(&lines(0, 0, 1), b"A,B\n"), Err(DecodeError::NoHeader { .. })));
    check_lines(&lines(1, 1, 1), "x\nA,B\ny\n1,2\nz\n", &["1|2"], 3);
}

#[test]
fn lines_that_match_a_pattern_are_skipped() {
    let mut contract = csv(true, &["*A", "B"]);
    contract.lines.skip_pattern = Some("^(#|--)|^$|TOTAL".into());
    let input = "# by\nA,B\n1,\"x\n#y\"\n-- z\n#\n3,SUBTOTAL\n\n5,6\n#";
    check_lines(&contract, input, &["1|x\n#y", "5|6"], 5);
    contract.lines.skip_pattern = Some("(".into());
    assert!(matches!(decode(&contract, b""), Err(DecodeError::Contract { .. })));
}

#[test]
fn records_of_another_type_are_skipped() {
    let mut contract = csv(false, &["kind", "*A", "B"]);
    contract.lines.record_type = Some("D".into());
    let input = "H,file,1,2,3\nD,1,2\n\"D\",3,4\nd,5\nD,7\n\"T,\nT,2";
    let expected = ["D|1|2", "D|3|4", "D|7|∅ too_few_fields", "∅|∅|∅ broken_quote \"T,"];
    check_lines(&contract, input, &expected, 3);
}

#[test]
fn a_line_declares_the_delimiter() {
    let contract = csv(true, &["*A", "B"]);
    check_lines(&contract, "sep=,\r\nA,B\r\n1,2\r\n", &["1|2"], 1);
    check_lines(&contract, "\"sep=,\"\nA,B\nsep=,3\n", &["sep=|3"], 1);
    let summary =
        decode_with_summary(&contract, b"sep=,\nA,B\n", DecodeLimits::default(), 9).unwrap().1;
    assert!(summary.notes[0].contains("sep=,"), "{summary:?}");
    let text = decode(&contract, b"sep=;\nA;B\n").unwrap_err().to_string();
    assert!(text.contains("set delimiter = \";\""), "{text}");
}

#[test]
fn lines_may_end_with_cr_alone() {
    check(true, "A,B\r1,2\r\r3,4", &["1|2", "3|4"]);
    check(false, "1,\"a\nb\"\r2,\"c\"\r3,d\r", &["1|a\nb", "2|c", "3|d"]);
    check(false, "1,2\r3,4\r\"5,6\r7,8\r", &["1|2", "3|4", "∅|∅ broken_quote \"5,6", "7|8"]);
    check(false, "1,a\rb\n2,c\n", &["1|a\rb", "2|c"]);
}

#[test]
fn marks_and_nuls_before_a_record_are_ignored() {
    check(
        false,
        "\u{feff}1,2\n\u{feff}\"3\",4\n\u{feff}\n5,6\u{feff}\n",
        &["1|2", "3|4", "5|6\u{feff}"],
    );
    let file = b"A,B\n1,2\n\0\0\0\x003,4\n\0\0\n5,\0\n\0\0";
    let batch = decode(&csv(true, &["*A", "B"]), file).unwrap();
    assert_eq!(rows(&batch), ["1|2", "3|4", "5|\0"]);
    assert_eq!(slices(&batch, file)[1], b"3,4");
}

#[test]
fn quotes_may_be_escaped() {
    let text = "1,\"a \\\"b\\\", c\"\n\"C:\\\\x\",\\N\n\"5\"\"\",6\n";
    check(false, text, &["1|a \"b\", c", "C:\\x|\\N", "5\"|6"]);
    let summary =
        decode_with_summary(&csv(false, &["A", "B"]), text.as_bytes(), DecodeLimits::default(), 7);
    assert!(summary.unwrap().1.notes[0].contains("escape = '\\'"));
    check(false, "\"C:\\x\\\",\"\\\\srv\\a\"\n", &["C:\\x\\|\\\\srv\\a"]);
    let mut contract = csv(false, &["A", "B"]);
    let escape = Escape::Byte(b'\\');
    contract.format =
        Format::Delimited { delimiter: "\t".into(), quote: None, escape, header: false };
    let file = b"a\\\tb\t\\N\nc\\\nd\te\\nf\\\\\n";
    assert_eq!(rows(&decode(&contract, file).unwrap()), ["a\tb|\\N", "c\nd|e\nf\\"]);
    contract.format = Format::Delimited {
        delimiter: ",".into(),
        quote: Some(b'"'),
        escape: Escape::Never,
        header: false,
    };
    let file = b"1,\"a\\\"b\"\n";
    assert_eq!(rows(&decode(&contract, file).unwrap()), ["∅|∅ broken_quote 1,\"a\\\"b\""]);
}

#[test]
fn whitespace_around_quotes_is_ignored() {
    check(false, "1, \"a, b\"\n\"2\" ,\t\"c\" \r\n", &["1|a, b", "2|c"]);
    check(false, "1, \"a\" b\n2, \"c\n", &["1| \"a\" b", "2| \"c"]);
}

#[test]
fn columns_from_elsewhere_have_no_cells() {
    let mut contract = csv(false, &["line", "*A", "B"]);
    contract.columns[0].origin = Origin::Path;
    assert_eq!(rows(&decode(&contract, b"1,2\n").unwrap()), ["∅|1|2"]);
    contract.format = delimited(",", None, true);
    assert_eq!(rows(&decode(&contract, b"B,A\n1,2\n").unwrap()), ["∅|2|1"]);
}
