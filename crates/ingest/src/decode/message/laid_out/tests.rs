use super::*;
use crate::decode::message::MessageReader;
use crate::decode::testing::contract;
use crate::decode::{DecodeLimits, headers};
use arrow::array::{AsArray as _, BinaryArray, Int64Array, StringArray};
use plant::contract::Format;

/// A contract with columns of these paths and origins.
fn laid_out(columns: &[(&str, Origin)]) -> Contract {
    let paths: Vec<&str> = columns.iter().map(|(path, _)| *path).collect();
    let mut contract = contract(Format::Message, &paths);
    for (column, (_, origin)) in contract.columns.iter_mut().zip(columns) {
        column.origin = *origin;
    }
    contract
}

fn messages(topic: &str, payloads: &[&[u8]]) -> Messages {
    let rows = payloads.len();
    Messages {
        topic: topic.into(),
        partition: Int32Array::from(vec![0; rows]),
        offset: Int64Array::from_iter_values(0..rows as i64),
        timestamp_us: Int64Array::from(vec![0; rows]),
        payload: BinaryArray::from_iter_values(payloads),
        key: None,
        headers: None,
    }
}

/// Each row: the number of its message and its position, the fields, and the fault with its text.
fn shown(contract: &Contract, messages: &Messages) -> Vec<String> {
    let limits = DecodeLimits { max_record_bytes: 200, ..DecodeLimits::default() };
    let fields = MessageReader::new(contract, limits).read(messages);
    let cell = |column: &StringArray, row: usize| match column.is_valid(row) {
        true => column.value(row).to_owned(),
        false => "∅".to_owned(),
    };
    let line = |row: usize| {
        let columns = fields.columns.iter().map(|column| cell(column.as_string(), row));
        let mut line = columns.collect::<Vec<_>>().join("|");
        if let Some(elements) = &fields.elements {
            let position = elements.position.is_valid(row).then(|| elements.position.value(row));
            let position = position.map_or("-".to_owned(), |it| it.to_string());
            line = format!("{}.{position} {line}", elements.message.value(row));
        }
        if fields.fault.is_valid(row) {
            line += &format!(" {} {}", fields.fault.value(row), cell(&fields.rest, row));
        }
        line
    };
    if let Some(elements) = &fields.elements {
        assert_eq!(elements.count.len(), messages.len());
        assert_eq!(elements.count.values().iter().sum::<i32>() as usize, fields.fault.len());
    }
    (0..fields.fault.len()).map(line).collect()
}

fn check(contract: &Contract, payloads: &[&[u8]], expected: &[&str]) {
    assert_eq!(shown(contract, &messages("t", payloads)), expected);
}

#[test]
fn each_element_is_a_row_of_its_message() {
    let columns = [("a", Origin::Record), ("unit", Origin::Envelope)];
    let contract = Contract { records: Some("values".into()), ..laid_out(&columns) };
    check(
        &contract,
        &[
            br#"{"unit":"x","values":[{"a":1},{"a":"\u0032"}]}"#,
            br#"[{"a":3},{"a":4,"unit":"y"}]"#,
            br#"{"a":5}"#,
        ],
        &["0.0 1|x", "0.1 2|x", "1.0 3|∅", "1.1 4|y", "2.0 5|∅"],
    );
}

#[test]
fn a_faulty_record_affects_no_other() {
    let contract = Contract { records: Some("v".into()), ..laid_out(&[("a", Origin::Record)]) };
    check(
        &contract,
        &[
            br#"{"v":[{"a":1},7,{"a":[2]},{"a":3}]}"#,
            br#"{"v":[]}"#,
            br#"{"v":["#,
            b"\xff",
            b"\0\0\0\0\x01{}",
        ],
        &[
            "0.0 1",
            "0.1 ∅ not_object 7",
            r#"0.2 ∅ not_scalar {"a":[2]}"#,
            "0.3 3",
            r#"1.- ∅ no_records {"v":[]}"#,
            r#"2.- ∅ not_json {"v":["#,
            "3.- ∅ invalid_text \u{fffd}",
            "4.- ∅ schema_registry_framing \0\0\0\0\u{1}{}",
        ],
    );
}

#[test]
fn a_frame_is_skipped_and_may_be_missing() {
    let framed = Contract { framing: Framing::Confluent, ..laid_out(&[("a", Origin::Record)]) };
    check(
        &framed,
        &[
            b"\0\0\0\x01\x90{\"a\":1}",
            b"{\"a\":2}",
            b"\0\0\0",
            b"\0\0\0\0\x01\x02\x80",
            b"\0\0\0\0\x01[{}]",
        ],
        &[
            "1",
            "2",
            "∅ not_json \0\0\0",
            "∅ invalid_text \0\0\0\0\u{1}\u{2}\u{fffd}",
            "∅ array_received \0\0\0\0\u{1}[{}]",
        ],
    );
}

#[test]
fn columns_come_from_topic_key_and_header() {
    let columns = [
        ("press", Origin::Topic),
        ("whole", Origin::Topic),
        ("a", Origin::Record),
        ("key", Origin::Key),
        ("unit", Origin::Header),
    ];
    let contract =
        Contract { topics: vec![r"^plant\.(?<press>[a-z]+)$".into()], ..laid_out(&columns) };
    let header = headers::write(&[headers::Header::new(b"unit", Some(b"u1"))]);
    let raw = headers::write(&[headers::Header::new(b"unit", Some(b"\xff"))]);
    let messages = Messages {
        key: Some(BinaryArray::from_opt_vec(vec![Some(b"k"), None, None, Some(b"\xff")])),
        headers: Some(StringArray::from(vec![Some(header), None, Some(raw), None])),
        ..messages("plant.left#2", &[br#"{"a":1}"#.as_slice(); 4])
    };
    assert_eq!(
        shown(&contract, &messages),
        [
            "left|plant.left|1|k|u1",
            "left|plant.left|1|∅|∅",
            r#"∅|∅|∅|∅|∅ invalid_text {"a":1}"#,
            r#"∅|∅|∅|∅|∅ invalid_text {"a":1}"#,
        ]
    );
}

#[test]
fn levels_of_a_topic_of_mqtt_are_columns() {
    let columns = [
        ("a", Origin::Record),
        ("unit", Origin::Topic),
        ("line", Origin::Topic),
        ("topic", Origin::Topic),
        ("retained", Origin::Header),
    ];
    let filters = ["plant/{line}/{unit}/t", "old/{unit}"].map(|it| TopicFilter::parse(it).unwrap());
    let mqtt = MqttSource {
        host: "broker".into(),
        port: 1883,
        is_encrypted: false,
        filters: filters.into(),
        client_id: "cockpit".into(),
        user: None,
        password: None,
        ca_file: None,
    };
    let contract = Contract { mqtt: Some(mqtt), ..laid_out(&columns) };
    let payload: &[u8] = br#"{"a":1}"#;
    let keys: [&[u8]; 4] = [b"plant/L1/U7/t", b"old/U8", b"other", b"old/\xff"];
    let headers =
        StringArray::from(vec![Some(r#"[{"key":"retained","value":"true"}]"#), None, None, None]);
    let messages = Messages {
        key: Some(BinaryArray::from_iter_values(keys)),
        headers: Some(headers),
        ..messages("mqtt/t", &[payload; 4])
    };
    let expected = [
        "1|U7|L1|plant/L1/U7/t|true",
        "1|U8|∅|old/U8|∅",
        "1|∅|∅|other|∅",
        "∅|∅|∅|∅|∅ invalid_text {\"a\":1}",
    ];
    assert_eq!(shown(&contract, &messages), expected);
}
