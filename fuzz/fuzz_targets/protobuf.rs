//! Schemas in the language of Protobuf and messages: any text that the decoder makes is JSON, and never longer than its
//! limit.
#![no_main]

use cockpit_fuzz::decode::DecodeLimits;
use cockpit_fuzz::decode::protobuf::ProtobufSchema;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

const LIMITS: DecodeLimits =
    DecodeLimits { max_record_bytes: 4_096, kept_faulty_bytes: 16, probe_bytes: 64 };

fuzz_target!(|input: &[u8]| {
    // A schema, a zero byte, and a message.
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (schema, message) = input.split_at(end);
    let message = message.get(1..).unwrap_or_default();
    let Ok(schema) = std::str::from_utf8(schema) else { return };
    let Ok(schema) = ProtobufSchema::parse(schema, &[]) else { return };
    let mut text = String::new();
    if schema.write_json(message, LIMITS, &mut text).is_ok() {
        serde_json::from_str::<&RawValue>(&text).unwrap();
        assert!(text.len() <= 16 * 4_096);
    }
});
