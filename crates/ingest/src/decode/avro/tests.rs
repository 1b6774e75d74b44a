use super::*;
use crate::decode::DecodeLimits;
use batches::batch::Fault;
use proptest::prelude::*;

fn read(schema: &str, bytes: &[u8]) -> Result<String, Fault> {
    let schema = AvroSchema::parse(schema, &[]).unwrap();
    let limits = DecodeLimits { max_record_bytes: 1_000, ..DecodeLimits::default() };
    let mut text = String::new();
    schema.write_json(bytes, limits, &mut text).map(|()| text)
}

fn check(schema: &str, bytes: &[u8], expected: &str) {
    assert_eq!(read(schema, bytes).as_deref(), Ok(expected), "{schema}");
}

fn logical(kind: &str, logical: &str) -> String {
    format!(r#"{{"type":"{kind}","logicalType":"{logical}"}}"#)
}

#[test]
fn primitive_values_are_json() {
    check("\"null\"", &[], "null");
    check("null", &[], "null");
    check("\"boolean\"", &[1], "true");
    check("\"int\"", &[1], "-1");
    check("\"long\"", &[0x80, 0x01], "64");
    check("\"long\"", &[255, 255, 255, 255, 255, 255, 255, 255, 255, 1], "-9223372036854775808");
    check("\"float\"", &1.5_f32.to_le_bytes(), "1.5");
    check("\"double\"", &0.1_f64.to_le_bytes(), "0.1");
    check("\"double\"", &f64::NAN.to_le_bytes(), "\"NaN\"");
    check("\"double\"", &f64::NEG_INFINITY.to_le_bytes(), "\"-inf\"");
    check("\"string\"", b"\x0aa\"\\\n\x01", "\"a\\\"\\\\\\n\\u0001\"");
    check("\"bytes\"", b"\x04ab", "\"ab\"");
    check("\"bytes\"", b"\x04\xff\x00", "\"ff00\"");
}

#[test]
fn named_types_refer_to_each_other() {
    let schema = r#"{"type":"record","name":"Reading","namespace":"plant","fields":[
        {"name":"press","type":"string"},
        {"name":"state","type":{"type":"enum","name":"State","symbols":["RUN","STOP"]}},
        {"name":"before","type":["null","State"]},
        {"name":"parts","type":{"type":"array","items":"long"}},
        {"name":"tags","type":{"type":"map","values":"boolean"}},
        {"name":"id","type":{"type":"fixed","name":"Id","size":2}},
        {"name":"next","type":["null","plant.Reading"],"default":null}]}"#;
    let inner = b"\x02b\x00\x00\x00\x00\x01\x02\x00";
    let mut bytes = b"\x02a\x02\x02\x00\x03\x04\x02\x04\x00\x02\x02k\x01\x00hi\x02".to_vec();
    bytes.extend_from_slice(inner);
    let expected = r#"{"press":"a","state":"STOP","before":"RUN","parts":[1,2],"tags":{"k":true},"id":"hi","next":{"press":"b","state":"RUN","before":null,"parts":[],"tags":{},"id":"\u0001\u0002","next":null}}"#;
    check(schema, &bytes, expected);
}

#[test]
fn a_schema_may_be_in_several_texts() {
    let unit = r#"{"type":"record","name":"Unit","namespace":"plant","fields":[{"name":"name","type":"string"}]}"#;
    let text = r#"{"type":"record","name":"R","fields":[{"name":"unit","type":"plant.Unit"}]}"#;
    let schema = AvroSchema::parse(text, &[unit.to_owned()]).unwrap();
    let mut out = String::new();
    schema.write_json(b"\x02u", DecodeLimits::default(), &mut out).unwrap();
    assert_eq!(out, r#"{"unit":{"name":"u"}}"#);
    let error = AvroSchema::parse(text, &[]).unwrap_err();
    assert_eq!(error.to_string(), "unknown type `plant.Unit`");
}

#[test]
fn days_moments_and_decimals_are_texts() {
    check(&logical("int", "date"), &[0x02], "\"1970-01-02\"");
    check(&logical("int", "time-millis"), &[0xd0, 0x0f], "\"00:00:01\"");
    check(&logical("long", "timestamp-millis"), &[0x01], "\"1969-12-31 23:59:59.999Z\"");
    check(&logical("long", "timestamp-micros"), &[0x02], "\"1970-01-01 00:00:00.000001Z\"");
    check(&logical("long", "local-timestamp-millis"), &[0xe8, 0x07], "\"1970-01-01 00:00:00.500\"");
    check(&logical("long", "unknown"), &[0x02], "1");
    check(&logical("string", "uuid"), b"\x02x", "\"x\"");
    let far = [254, 255, 255, 255, 255, 255, 255, 255, 255, 1];
    check(&logical("long", "timestamp-millis"), &far, "9223372036854775807");
    let decimal = r#"{"type":"bytes","logicalType":"decimal","precision":9,"scale":3}"#;
    check(decimal, b"\x04\x30\x39", "12.345");
    check(decimal, b"\x02\xff", "-0.001");
    check(decimal, b"\x00", "0.000");
    let fixed = r#"{"type":"fixed","name":"D","size":2,"logicalType":"decimal","precision":4}"#;
    check(fixed, b"\xff\x00", "-256");
    let field =
        r#"{"type":"record","name":"R","fields":[{"name":"d","type":"int","logicalType":"date"}]}"#;
    check(field, &[0], r#"{"d":"1970-01-01"}"#);
}

#[test]
fn bytes_of_another_schema_are_a_fault() {
    let fault = |schema: &str, bytes: &[u8]| read(schema, bytes).unwrap_err();
    for (schema, bytes) in [
        ("\"string\"", &b"\x08ab"[..]),
        ("\"string\"", b"\x01"),
        ("\"int\"", &[0xff; 11]),
        ("\"int\"", &[0xff, 0xff, 0xff, 0xff, 0x7f]),
        ("\"boolean\"", &[2]),
        ("\"int\"", &[0, 0]),
        ("[\"null\"]", &[2]),
        ("[\"null\"]", &[1]),
        ("\"double\"", &[0; 7]),
    ] {
        assert_eq!(fault(schema, bytes), Fault::NotOfSchema, "{schema} {bytes:?}");
    }
    assert_eq!(fault("\"string\"", b"\x02\xff"), Fault::InvalidText);
    // A billion items without a byte each.
    let nulls = r#"{"type":"array","items":"null"}"#;
    assert_eq!(fault(nulls, b"\x80\x94\xeb\xdc\x03\x00"), Fault::TooLong);
    let list = r#"{"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]}"#;
    assert_eq!(fault(list, &[2; 200]), Fault::NotOfSchema);
}

#[test]
fn a_text_that_is_no_schema_is_an_error() {
    for (schema, expected) in [
        ("{", "the schema is not JSON"),
        ("{}", "a type without `type`"),
        ("\"Unit\"", "unknown type `Unit`"),
        (r#"{"type":"array"}"#, "a type without `items`"),
        (r#"{"type":"enum","name":"E"}"#, "a type without `symbols`"),
        (r#"{"type":"fixed","name":"E"}"#, "a fixed type without `size`"),
        (r#"{"type":"record","fields":[]}"#, "a named type without `name`"),
        (r#"{"type":"record","name":"a"}"#, "a record without `fields`"),
        (r#"{"type":"record","name":"a","fields":[{}]}"#, "a field without"),
        ("7", "expected a type, found 7"),
    ] {
        let error = AvroSchema::parse(schema, &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{schema}: {error}");
    }
    let deep = format!("{}\"int\"{}", "[".repeat(80), "]".repeat(80));
    assert!(AvroSchema::parse(&deep, &[]).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_json_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let schema = r#"{"type":"record","name":"R","fields":[
            {"name":"a","type":["null","string",{"type":"array","items":"R"}]},
            {"name":"b","type":{"type":"map","values":["bytes","double",
                {"type":"long","logicalType":"timestamp-micros"}]}},
            {"name":"c","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}}]}"#;
        if let Ok(text) = read(schema, &bytes) {
            let parsed = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert!(parsed.is_ok(), "{}", text);
        }
    }
}
