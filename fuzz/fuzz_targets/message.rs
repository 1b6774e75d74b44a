//! Messages of a stream, against the decoder of JSON lines.
#![no_main]

use arrow::array::{Array as _, BinaryArray, Int32Array, Int64Array};
use cockpit_fuzz::batch::{BatchBuilder, Messages};
use cockpit_fuzz::decode::message::MessageReader;
use cockpit_fuzz::decode::{DecodeLimits, Decoder};
use cockpit_fuzz::promise::contract;
use libfuzzer_sys::fuzz_target;
use plant::contract::{Format, Origin};

const HEADERS: [&str; 4] = ["a", "b.c", "b.d", "a.b.c"];

/// For any nesting each row belongs to a message, and each message has a row.
fn records(messages: &Messages, limits: DecodeLimits) {
    let mut contract = contract(Format::Message, &HEADERS);
    contract.records = Some("b.c".into());
    contract.columns[3].origin = Origin::Envelope;
    let fields = MessageReader::new(&contract, limits).read(messages);
    let elements = fields.elements.unwrap();
    assert_eq!(elements.count.len(), messages.len());
    assert!(elements.count.values().iter().all(|count| *count > 0));
    assert_eq!(elements.count.values().iter().sum::<i32>() as usize, fields.fault.len());
    assert!(elements.message.values().windows(2).all(|pair| pair[0] <= pair[1]));
    assert!(fields.columns.iter().all(|column| column.len() == fields.fault.len()));
}

fuzz_target!(|input: &[u8]| {
    let limits = DecodeLimits {
        max_record_bytes: 1 << 16,
        kept_faulty_bytes: 16,
        ..DecodeLimits::default()
    };
    let payloads: Vec<&[u8]> = input.split(|byte| *byte == b'\n').collect();
    let rows = payloads.len();
    let messages = Messages {
        topic: "fuzz".into(),
        partition: Int32Array::from(vec![0; rows]),
        offset: Int64Array::from_iter_values(0..rows as i64),
        timestamp_us: Int64Array::from(vec![0; rows]),
        payload: BinaryArray::from_iter_values(payloads.iter()),
        key: None,
        headers: None,
    };
    records(&messages, limits);
    let reader = MessageReader::new(&contract(Format::Message, &HEADERS), limits);
    let fields = reader.read(&messages);
    assert!(fields.columns.iter().all(|column| column.len() == rows));
    for (row, payload) in payloads.iter().enumerate() {
        assert_eq!(fields.fault.is_valid(row), fields.rest.is_valid(row));
        if fields.fault.is_valid(row) {
            continue;
        }
        let mut decoder = Decoder::new(&contract(Format::JsonLines, &HEADERS), limits).unwrap();
        let mut out = BatchBuilder::new(HEADERS.len());
        decoder.feed(payload, &mut out).unwrap();
        decoder.finish(&mut out).unwrap();
        let line = out.take();
        assert_eq!(line.len(), 1, "a message is one record");
        assert!(line.fault.is_null(0), "a good message is a good line");
        for (field, expected) in fields.columns.iter().zip(&line.fields) {
            assert_eq!(&field.slice(row, 1), expected);
        }
    }
});
