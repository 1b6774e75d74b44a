use crate::decode::testing::{contract, decode, decode_chunked, rows};
use crate::decode::{DecodeError, DecodeLimits, Decoder};
use plant::contract::{Format, Origin};

fn decoded(input: &str) -> Result<Vec<String>, DecodeError> {
    let contract = contract(Format::JsonArray, &["a"]);
    decode(&contract, input.as_bytes()).map(|batch| rows(&batch))
}

fn check(input: &str, expected: &[&str]) {
    assert_eq!(decoded(input).unwrap(), expected, "{input}");
}

#[test]
fn elements_are_records() {
    check("[]", &[]);
    check(" [\n] \n", &[]);
    check(r#"[{"a":1},{"a":2}]"#, &["1", "2"]);
    check("[\r\n  {\"a\": \"],}\\\"\"} ,\n {\"a\":[1,[2]]}\n]\n", &["],}\"", "[1,[2]]"]);
    check(r#"[{"a":1},]"#, &["1"]);
    check(r#"[{"a":1}] [{"a":2}]"#, &["1", "2"]);
}

#[test]
fn a_bad_element_is_one_faulty_record() {
    check(r#"[{"a":1},{"a":},{"a":3}]"#, &["1", "∅ not_json {\"a\":}", "3"]);
    check(r#"[{"a":1},7,{"a":3}]"#, &["1", "∅ not_json 7", "3"]);
    check("[{\"a\":\"x},\n{\"a\":2}]", &["∅ not_json {\"a\":\"x},", "2"]);
    check(r#"[{"a":[1},{"a":2}]"#, &["∅ not_json {\"a\":[1}", "2"]);
    check(r#"[{"a":1}},{"a":2}]"#, &["∅ not_json {\"a\":1}}", "2"]);
    check(r#"[{"a":1]"#, &["∅ not_json {\"a\":1"]);
    check(r#"[,{"a":1},,{"a":2}]"#, &["1", "2"]);
}

#[test]
fn deep_nesting_is_one_element() {
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    check(&format!("[{{\"a\":{deep}}},{{\"a\":2}}]"), &[deep.as_str(), "2"]);
}

#[test]
fn a_cut_array_has_its_complete_elements() {
    check(r#"[{"a":1},{"a":2"#, &["1", "∅ not_json {\"a\":2"]);
    check(r#"[{"a":1},{"a":2}"#, &["1", "2", "∅ not_json"]);
    check("[{\"a\":1},\n", &["1", "∅ not_json"]);
    check("[", &["∅ not_json"]);
    check("[{\"a\":1}]\nbye\n", &["1", "∅ not_json bye"]);
}

#[test]
fn a_file_without_an_array_is_refused() {
    let check = |input, expected: &str| {
        let text = decoded(input).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    };
    check(" 7", "'7' instead of '[' at byte 1");
    check(" \n", "all 2 bytes are whitespace");
    check("", "all 0 bytes are whitespace");
}

#[test]
fn the_only_array_of_objects_holds_the_records() {
    check(r#"{"x":1,"v":[{"a":1},{"a":2}],"next":null}"#, &["1", "2"]);
    check(r#"{"d":{"r":[{"a":1}],"n":[]},"t":["[",{}],"u":"{"}"#, &["1"]);
    check("{\n \"v\" : [ {\"a\":\"],\"} ] ,\n \"s\\\"\" : -1.5 }\n", &["],"]);
    check(r#"{"v":[],"n":0}"#, &[]);
    check(
        r#"{"v":[{"a":1},7,{"a":}],"n":0} x"#,
        &["1", "∅ not_json 7", "∅ not_json {\"a\":}", "∅ not_json x"],
    );
    check(r#"{"v":[{"a":1},{"a":2"#, &["1", "∅ not_json {\"a\":2"]);
    check(r#"{"v":[{"a":1}]"#, &["1", "∅ not_json"]);
}

#[test]
fn an_object_without_the_array_is_refused() {
    let check = |input, expected: &str| {
        let text = decoded(input).unwrap_err().to_string();
        assert!(text.contains(expected), "{text}");
    };
    check(r#"{"a":1,"b":{"c":[1]}}"#, "without an array of objects; found [a, b, b.c]");
    check(r#"{"v":[{"a":1}],"e":{"w":[{"a":2}]}}"#, "several arrays of objects [v, e.w]");
    check(r#"{"v":[{"a":1}], 7}"#, "cannot be read at byte 16");
    check(r#"{"v" [{"a":1}]}"#, "cannot be read at byte 5");
    check(r#"{"x":"torn"#, "without an array of objects; found [x]");
}

/// Decodes a file in one chunk and in chunks of every size, each time twice if fields of the envelope may follow
/// the array.
fn check_around(records: Option<&str>, header: &str, input: &str, expected: Result<&[&str], &str>) {
    let mut contract = contract(Format::JsonArray, &["a", header]);
    contract.records = records.map(str::to_owned);
    contract.columns[1].origin = Origin::Envelope;
    for chunk in 1..=input.len() {
        let limits = DecodeLimits { max_record_bytes: 40, kept_faulty_bytes: 5, probe_bytes: 4 };
        let decoded = decode_chunked(&contract, input.as_bytes(), limits, chunk);
        match (decoded, expected) {
            (Ok(batch), Ok(expected)) => assert_eq!(rows(&batch), expected, "{input} in {chunk}"),
            (Err(error), Err(words)) => assert!(error.to_string().contains(words), "{error}"),
            (decoded, _) => panic!("{input} in {chunk}: {:?}", decoded.map(|it| rows(&it))),
        }
    }
}

#[test]
fn records_are_at_the_path_of_the_contract() {
    let text = r#"{"m":{"id":7},"d":{"n":"x","r":[{"a":1},{"a":2}],"z":9},"w":[{"a":3}]}"#;
    check_around(Some("d.r"), "m.id", text, Ok(&["1|7", "2|7"]));
    check_around(Some("d.r"), "d.n", text, Ok(&["1|x", "2|x"]));
    check_around(Some("d.r"), "d.z", text, Ok(&["1|9", "2|9"]));
    check_around(Some("w"), "d.z", text, Ok(&["3|9"]));
    check_around(Some("m"), "d.n", text, Ok(&["∅|x {\"id\":7}"]));
    check_around(Some("d.n"), "m.id", text, Err("no array at `d.n`"));
    check_around(Some("d.x"), "m.id", text, Err("no array at `d.x`"));
    check_around(None, "m", r#"{"m":1,"r":[{"a":1}]}"#, Ok(&["1|1"]));
    check_around(None, "m.k", r#"{"r":[{"a":1}],"m":{"k":2}}"#, Ok(&["1|2"]));
    check_around(Some("d.r"), "d.n", r#"{"d":null}"#, Err("no array at `d.r`"));
    check_around(Some("d"), "n", r#"{"d":null,"n":1}"#, Ok(&[]));
    check_around(Some("d"), "n", "{\"x\":\"torn\n\",\"d\":[]}", Err("cannot be read at byte 5"));
}

#[test]
fn elements_may_be_objects_around_arrays() {
    let text = r#"{"u":[{"m":1,"r":[{"a":1},{"a":2}]},{"r":[{"a":3}],"m":2},{"m":3}]}"#;
    let missing = "∅|∅ no_records {\"m\":";
    check_around(Some("u.r"), "u.m", text, Ok(&["1|1", "2|1", "3|2", missing]));
    check_around(Some("r"), "m", &text[5..text.len() - 1], Ok(&["1|1", "2|1", "3|2", missing]));
}

#[test]
fn a_field_after_the_records_needs_a_second_pass() {
    let mut contract = contract(Format::JsonArray, &["a", "m"]);
    contract.columns[1].origin = Origin::Envelope;
    let mut decoder = Decoder::new(&contract, DecodeLimits::default()).unwrap();
    let mut out = batches::batch::BatchBuilder::new(2);
    decoder.feed(br#"{"r":[{"a":1}],"m":2}"#, &mut out).unwrap();
    let error = decoder.finish(&mut out).unwrap_err().to_string();
    assert!(error.contains("`m` follows the records"), "{error}");
}
