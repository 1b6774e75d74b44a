use super::*;
use crate::decode::avro::AvroSchema;
use crate::decode::message::MessageReader;
use crate::decode::sparkplug::encoder::{born, encoded, int};
use crate::decode::testing::contract;
use crate::decode::{DecodeLimits, headers};
use arrow::array::{Array as _, AsArray as _, BinaryArray, Int64Array, StringArray};
use plant::contract::Format;
use plant::mqtt_source::{MqttPayload, MqttSource, MqttVersion};
use std::sync::Arc;

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
    shown_by(contract, messages, None)
}

/// The same with the schemas of a registry.
fn shown_by(contract: &Contract, messages: &Messages, schemas: Option<Schemas>) -> Vec<String> {
    let limits = DecodeLimits { max_record_bytes: 200, ..DecodeLimits::default() };
    let mut reader = MessageReader::new(contract, limits);
    if let Some(schemas) = schemas {
        reader = reader.with_schemas(schemas);
    }
    let fields = reader.read(messages);
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
        version: MqttVersion::Three,
        filters: filters.into(),
        payload: MqttPayload::Json,
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

const ROW: &str = r#"{"type":"record","name":"Row","fields":[
    {"name":"id","type":"int"},{"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"more","type":["null",{"type":"map","values":"string"}]}]}"#;

fn schemas() -> Schemas {
    let avro = |text| Arc::new(MessageSchema::Avro(AvroSchema::parse(text, &[]).unwrap()));
    let unusable = Arc::new(MessageSchema::Unusable("odd".to_owned()));
    let json = Arc::new(MessageSchema::Json);
    Schemas::from([(1, avro(ROW)), (2, avro("\"string\"")), (3, json), (4, unusable)])
}

fn frame(id: u32, body: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], body].concat()
}

#[test]
fn framed_messages_are_read_by_their_schemas() {
    let columns = [("id", Origin::Record), ("at", Origin::Record), ("more.k", Origin::Record)];
    let framed = Contract { framing: Framing::Confluent, ..laid_out(&columns) };
    let payloads = [
        frame(1, &[6, 0, 2, 2, 2, b'k', 2, b'v', 0]),
        frame(1, &[6, 0, 0]),
        frame(3, br#"{"id":7}"#),
        br#"{"id":8}"#.to_vec(),
        frame(1, &[6, 0]),
        frame(2, &[2, b'x']),
        frame(4, &[]),
        frame(99, &[]),
        frame(1, &[6, 0, 2, 2, 2, b'k', 2, 0xff, 0]),
    ];
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let shown = shown_by(&framed, &messages("t", &payloads), Some(schemas()));
    let fates: Vec<&str> = shown.iter().map(|it| it.split('\0').next().unwrap().trim()).collect();
    assert_eq!(
        fates,
        [
            "3|1970-01-01 00:00:00Z|v",
            "3|1970-01-01 00:00:00Z|∅",
            "7|∅|∅",
            "8|∅|∅",
            "∅|∅|∅ not_of_schema",
            "∅|∅|∅ not_object",
            "∅|∅|∅ unusable_schema",
            "∅|∅|∅ unknown_schema",
            "∅|∅|∅ invalid_text",
        ]
    );
}

#[test]
fn keys_and_places_are_columns() {
    let columns = [
        ("id", Origin::Record),
        ("key", Origin::Key),
        ("$.plant.id", Origin::Key),
        ("partition", Origin::Partition),
        ("offset", Origin::Offset),
    ];
    let contract = Contract { framing: Framing::Confluent, ..laid_out(&columns) };
    let keys = [Some(&br#"{"plant":{"id":5}}"#[..]), None, Some(b"k"), Some(br#"{"plant":{}}"#)];
    let messages = Messages {
        key: Some(BinaryArray::from_opt_vec(keys.to_vec())),
        partition: Int32Array::from(vec![3; 4]),
        ..messages("t", &[br#"{"id":1}"#.as_slice(); 4])
    };
    assert_eq!(
        shown(&contract, &messages),
        [
            r#"1|{"plant":{"id":5}}|5|3|0"#,
            "1|∅|∅|3|1",
            r#"∅|∅|∅|∅|∅ not_object {"id":1}"#,
            r#"1|{"plant":{}}|∅|3|3"#,
        ]
    );
}

#[test]
fn framed_keys_are_read_by_their_schemas() {
    let columns = [("id", Origin::Record), ("key", Origin::Key)];
    let contract = Contract { framing: Framing::Confluent, ..laid_out(&columns) };
    let keys = [frame(2, &[4, b'L', b'7']), frame(1, &[6, 0, 0]), frame(9, &[])];
    let messages = Messages {
        key: Some(BinaryArray::from_iter_values(&keys)),
        ..messages("t", &[br#"{"id":1}"#.as_slice(); 3])
    };
    assert_eq!(
        shown_by(&contract, &messages, Some(schemas())),
        [
            "1|L7",
            r#"1|{"id":3,"at":"1970-01-01 00:00:00Z","more":null}"#,
            r#"∅|∅ unknown_schema {"id":1}"#,
        ]
    );
}

fn changes() -> Contract {
    let columns = [
        ("id", Origin::Record),
        ("name", Origin::Record),
        ("op", Origin::Envelope),
        ("source.lsn", Origin::Envelope),
    ];
    Contract { changes: Some(ChangeFormat::Debezium), ..laid_out(&columns) }
}

#[test]
fn a_change_is_the_row_after_it_or_the_deleted_one() {
    check(
        &changes(),
        &[
            br#"{"before":null,"after":{"id":1,"name":"a"},"source":{"lsn":7},"op":"c"}"#,
            br#"{"before":{"id":1,"name":"a"},"after":{"id":1,"name":"b"},"op":"u"}"#,
            br#"{"schema":{},"payload":{"after":{"id":2},"source":{"lsn":9},"op":"r"}}"#,
            br#"{"before":{"id":1,"name":"b"},"after":null,"op":"d"}"#,
        ],
        &["1|a|c|7", "1|b|u|∅", "2|∅|r|9", "1|b|d|∅"],
    );
}

#[test]
fn a_deletion_without_its_row_has_its_key() {
    let deleted: &[u8] = br#"{"before":null,"after":null,"op":"d"}"#;
    let keys = [
        Some(&br#"{"id":1}"#[..]),
        Some(br#"{"schema":{"type":"struct"},"payload":{"id":2}}"#),
        None,
        Some(br#"{"id":4}"#),
        None,
        Some(b"5"),
    ];
    let payloads = vec![Some(deleted), Some(deleted), Some(deleted), None, None, None];
    let messages = Messages {
        key: Some(BinaryArray::from_opt_vec(keys.to_vec())),
        payload: BinaryArray::from_opt_vec(payloads),
        ..messages("t", &[deleted; 6])
    };
    let raw = "{\"before\":null,\"after\":null,\"op\":\"d\"}";
    assert_eq!(
        shown(&changes(), &messages),
        [
            "1|∅|d|∅",
            "2|∅|d|∅",
            &format!("∅|∅|∅|∅ not_a_change {raw}"),
            "4|∅|d|∅",
            "∅|∅|∅|∅ tombstone ∅",
            "∅|∅|∅|∅ tombstone ∅",
        ]
    );
}

#[test]
fn what_is_not_a_change_is_rejected() {
    let texts: [&[u8]; 8] = [
        br#"{"op":"t","source":{}}"#,
        br#"{"id":1,"name":"a"}"#,
        br#"{"op":"c","after":null}"#,
        br#"{"op":"u","after":7}"#,
        br#"{"op":5}"#,
        br#"{"payload":5}"#,
        b"[1]",
        b"{",
    ];
    let found = shown(&changes(), &messages("t", &texts));
    let reasons: Vec<&str> = found.iter().map(|it| it.split(' ').nth(1).unwrap()).collect();
    let expected = ["not_a_change"; 6].into_iter().chain(["array_received", "not_json"]);
    assert_eq!(reasons, expected.collect::<Vec<_>>());
}

#[test]
fn each_metric_of_sparkplug_is_a_row_of_its_message() {
    let columns = [
        ("metric", Origin::Record),
        ("site", Origin::Topic),
        ("value", Origin::Record),
        ("retained", Origin::Header),
    ];
    let filter = TopicFilter::parse("spBv1.0/{site}/#").unwrap();
    let mqtt = MqttSource {
        host: "broker".into(),
        port: 1883,
        is_encrypted: false,
        version: MqttVersion::Three,
        filters: vec![filter],
        payload: MqttPayload::SparkplugB,
        client_id: "cockpit".into(),
        user: None,
        password: None,
        ca_file: None,
    };
    let records = Some(plant::sparkplug::RECORDS.to_owned());
    let contract = Contract { mqtt: Some(mqtt), records, ..laid_out(&columns) };
    let birth = encoded(0, &[born("a", 1), born("b", 2)]);
    let data = encoded(1, &[int(Some(2), 7), int(Some(3), 8)]);
    let headers = [
        Some(r#"[{"key":"retained","value":"true"}]"#),
        Some(r#"[{"key":"sparkplug","value":"{\"metrics\":[[\"b\",3],null]}"}]"#),
        None,
    ];
    let messages = Messages {
        key: Some(BinaryArray::from_iter_values([
            "spBv1.0/G/NBIRTH/E",
            "spBv1.0/G/NDATA/E",
            "spBv1.0/G",
        ])),
        headers: Some(StringArray::from(headers.to_vec())),
        ..messages("mqtt/t", &[&birth, &data, b"\xff"])
    };
    let found = shown(&contract, &messages);
    assert_eq!(found[..3], ["0.0 a|G|1|true", "0.1 b|G|1|true", "1.0 b|G|7|∅"]);
    assert!(found[3].starts_with("1.1 ∅|∅|∅|∅ unknown_metric {"), "{}", found[3]);
    assert_eq!(found[4..], ["2.- ∅|∅|∅|∅ unknown_topic \u{fffd}"]);
}
