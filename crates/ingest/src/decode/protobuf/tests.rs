use super::*;
use crate::decode::DecodeLimits;
use batches::batch::Fault;
use proptest::prelude::*;

const READING: &str = r#"
syntax = "proto3"; // comment
package plant.press;
import "google/protobuf/timestamp.proto";
option java_package = "com.plant";
/* a
   comment */
message Other { int32 a = 1; }
message Reading {
  reserved 20, 30 to 40;
  reserved "old";
  option (meta).name = { a: "}" };
  string press = 1 [deprecated = true, (x) = "a;]"];
  sint64 force = 2;
  optional double temp = 3;
  repeated int32 parts = 4;
  map<string, Inner> tags = 5;
  enum State { option allow_alias = true; RUN = 0; STOP = 1; HALT = 1; ODD = -0x2; }
  State state = 6;
  message Inner { .plant.press.Other other = 1; message Deep { bool on = 1; } Deep deep = 2; }
  oneof choice { string text = 7; Inner inner = 8; }
  google.protobuf.Timestamp at = 9;
  bytes raw = 10;
  fixed32 f = 11;
  message message = 12;
  message message { uint64 n = 1; }
  repeated string names = 13;
}
service Presses { rpc Read (Reading) returns (Reading) { option x = 1; } }
"#;

fn limits() -> DecodeLimits {
    DecodeLimits { max_record_bytes: 1_000, ..DecodeLimits::default() }
}

fn read(schema: &str, bytes: &[u8]) -> Result<String, Fault> {
    let schema = ProtobufSchema::parse(schema, &[]).unwrap();
    let mut text = String::new();
    schema.write_json(bytes, limits(), &mut text).map(|()| text)
}

/// Bytes of the second message of the schema.
fn reading(bytes: &[u8]) -> Result<String, Fault> {
    read(READING, &[&[2, 2], bytes].concat())
}

fn check(bytes: &[u8], expected: &str) {
    let zero = r#"{"press":"","force":0,"state":"RUN","raw":"","f":0}"#;
    let expected = if expected.is_empty() { zero } else { expected };
    assert_eq!(reading(bytes).as_deref(), Ok(expected), "{bytes:?}");
}

#[test]
fn fields_are_json() {
    check(&[], "");
    check(
        b"\x0a\x01a\x10\x03\x19\0\0\0\0\0\0\xf8\x3f\x30\x01\x52\x02\xff\x00\x5d\x07\0\0\0",
        r#"{"press":"a","force":-2,"temp":1.5,"state":"STOP","raw":"ff00","f":7}"#,
    );
    // Packed and single items, and the last of several values.
    check(
        b"\x22\x03\x01\x02\x03\x20\x04\x10\x02\x10\x04\x30\x63",
        r#"{"press":"","force":2,"parts":[1,2,3,4],"state":99,"raw":"","f":0}"#,
    );
    check(
        b"\x2a\x0a\x0a\x01k\x12\x05\x0a\x03\x08\x96\x01\x2a\x00",
        r#"{"press":"","force":0,"tags":{"k":{"other":{"a":150}},"":{}},"state":"RUN","raw":"","f":0}"#,
    );
    check(
        b"\x3a\x00\x4a\x08\x08\x01\x10\x80\xca\xb5\xee\x01\x62\x02\x08\x05\x6a\x01x\x6a\x01y",
        r#"{"press":"","force":0,"state":"RUN","text":"","at":"1970-01-01 00:00:01.500Z","raw":"","f":0,"message":{"n":5},"names":["x","y"]}"#,
    );
    // Two parts of one message, and fields that the schema does not know.
    check(
        b"\x42\x04\x12\x02\x08\x01\x42\x02\x0a\x00\xf8\x06\x01\xfa\x06\x01a\xfd\x06\0\0\0\0",
        r#"{"press":"","force":0,"state":"RUN","inner":{"other":{"a":0},"deep":{"on":true}},"raw":"","f":0}"#,
    );
    check(
        b"\x30\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        r#"{"press":"","force":0,"state":"ODD","raw":"","f":0}"#,
    );
}

#[test]
fn indexes_lead_to_the_message() {
    assert_eq!(read(READING, &[0, 8, 1]).as_deref(), Ok(r#"{"a":1}"#));
    assert_eq!(read(READING, &[2, 0, 8, 1]).as_deref(), Ok(r#"{"a":1}"#));
    assert_eq!(read(READING, &[6, 2, 0, 0, 8, 1]).as_deref(), Ok(r#"{"on":true}"#));
    assert_eq!(read(READING, &[4, 2, 2, 8, 1]).as_deref(), Ok(r#"{"n":1}"#));
    for bytes in [&[2, 4][..], &[], &[1], &[4, 2, 8], &[3, 0]] {
        assert_eq!(read(READING, bytes), Err(Fault::NotOfSchema), "{bytes:?}");
    }
}

#[test]
fn imports_and_known_types_are_found() {
    let unit = "syntax = \"proto3\"; package plant; message Unit { string line = 1; }";
    let schema = r#"edition = "2023"; package plant.x; import public "unit.proto";
        message R {
          plant.Unit unit = 1; google.protobuf.DoubleValue v = 2; google.protobuf.Duration d = 3;
          confluent.type.Decimal dec = 4; int32 n = 5 [features.field_presence = EXPLICIT];
        }"#;
    let parsed = ProtobufSchema::parse(schema, &[unit.to_owned()]).unwrap();
    let mut text = String::new();
    let bytes = b"\x00\x0a\x03\x0a\x01u\x12\x00\x1a\x02\x08\x02\x22\x06\x0a\x02\x30\x39\x18\x02";
    parsed.write_json(bytes, limits(), &mut text).unwrap();
    assert_eq!(text, r#"{"unit":{"line":"u"},"v":0,"d":2.000000000,"dec":123.45}"#);
    assert!(ProtobufSchema::parse(schema, &[]).is_err());
}

#[test]
fn fields_of_the_second_syntax_have_no_zero_values() {
    let schema = "message R { required int32 a = 1; optional string b = 2 [default = \"x\"]; extensions 100 to max; }";
    assert_eq!(read(schema, &[0, 8, 3]).as_deref(), Ok(r#"{"a":3}"#));
}

#[test]
fn bytes_of_another_schema_are_a_fault() {
    for bytes in [
        &b"\x0a\x05a"[..],
        b"\x08\x01",
        b"\x10",
        b"\x0b",
        b"\x00\x01",
        b"\x22\x01\x80",
        b"\x4a\x02\x10\x81",
        b"\x2a\x02\x08\x01",
    ] {
        assert_eq!(reading(bytes), Err(Fault::NotOfSchema), "{bytes:?}");
    }
    assert_eq!(reading(b"\x0a\x01\xff"), Err(Fault::InvalidText));
    let schema = "syntax = \"proto3\"; message L { L next = 1; repeated E many = 2; } enum E { A_LONG_NAME_OF_A_VALUE = 0; }";
    let deep = (0..100).fold(Vec::new(), |inner: Vec<u8>, _| {
        let size = u8::try_from(inner.len()).unwrap_or(127).min(127);
        [&[10, size][..], &inner[..usize::from(size)]].concat()
    });
    assert_eq!(read(schema, &[&[0][..], &deep].concat()), Err(Fault::NotOfSchema));
    let many = [&[0, 18, 0xff, 0x07][..], &[0; 1023]].concat();
    assert_eq!(read(schema, &many), Err(Fault::TooLong));
}

#[test]
fn a_text_that_is_no_schema_is_an_error() {
    for (schema, expected) in [
        ("message", "expected a name"),
        ("message R {", "not closed"),
        ("message R { Unit u = 1; }", "unknown type `Unit`"),
        ("message R { int32 u = x; }", "not a number"),
        ("message R { int32 u 1; }", "expected `=`"),
        ("message R { optional group G = 1 { } }", "groups"),
        ("/* ", "a comment"),
        ("syntax = \"proto3", "a text"),
        ("struct R {}", "unexpected `struct`"),
        ("enum E { A = 1; ] }", "in an enum"),
        ("service S {", "not closed"),
    ] {
        let error = ProtobufSchema::parse(schema, &[]).unwrap_err().to_string();
        assert!(error.contains(expected), "{schema}: {error}");
    }
    let deep = format!("{}{}", "message R { ".repeat(50), "}".repeat(50));
    assert!(ProtobufSchema::parse(&deep, &[]).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_json_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        if let Ok(text) = reading(&bytes) {
            let parsed = serde_json::from_str::<serde_json::Value>(&text);
            prop_assert!(parsed.is_ok(), "{}", text);
        }
    }

    #[test]
    fn any_text_is_a_schema_or_an_error(
        words in prop::collection::vec(prop::sample::select(vec![
            "message", "R", "{", "}", "int32", "=", "1", ";", "enum", "oneof", "map", "<", ">", ",",
            "string", "option", "reserved", "[", "]", "repeated", ".", "\"x\"", "service", "extend",
        ]), 0..40)
    ) {
        drop(ProtobufSchema::parse(&words.join(" "), &[]));
    }
}
