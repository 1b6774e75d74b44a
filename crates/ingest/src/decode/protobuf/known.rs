//! Types that every registry knows without a reference, and that are written as single values.

/// Their definitions.
pub(super) const FILES: [&str; 2] = [GOOGLE, CONFLUENT];

const GOOGLE: &str = r#"
syntax = "proto3";
package google.protobuf;
message Timestamp { int64 seconds = 1; int32 nanos = 2; }
message Duration { int64 seconds = 1; int32 nanos = 2; }
message DoubleValue { double value = 1; }
message FloatValue { float value = 1; }
message Int64Value { int64 value = 1; }
message UInt64Value { uint64 value = 1; }
message Int32Value { int32 value = 1; }
message UInt32Value { uint32 value = 1; }
message BoolValue { bool value = 1; }
message StringValue { string value = 1; }
message BytesValue { bytes value = 1; }
message Any { string type_url = 1; bytes value = 2; }
message Empty {}
message FieldMask { repeated string paths = 1; }
enum NullValue { NULL_VALUE = 0; }
message Struct { map<string, Value> fields = 1; }
message ListValue { repeated Value values = 1; }
message Value {
  oneof kind {
    NullValue null_value = 1; double number_value = 2; string string_value = 3; bool bool_value = 4;
    Struct struct_value = 5; ListValue list_value = 6;
  }
}
"#;

const CONFLUENT: &str = r#"
syntax = "proto3";
package confluent.type;
message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }
"#;

/// A message that is written as a single value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known {
    Timestamp,
    Duration,
    /// The value of its field.
    Wrapper,
    Decimal,
}

impl Known {
    pub fn by_name(name: &str) -> Option<Self> {
        if name == "confluent.type.Decimal" {
            return Some(Self::Decimal);
        }
        match name.strip_prefix("google.protobuf.")? {
            "Timestamp" => Some(Self::Timestamp),
            "Duration" => Some(Self::Duration),
            "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
            | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue" => Some(Self::Wrapper),
            _ => None,
        }
    }
}
