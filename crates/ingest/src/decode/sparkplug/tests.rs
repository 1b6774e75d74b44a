use super::encoder::{born, encode, encoded, int};
use super::types::{type_name, value_text};
use super::*;
use batches::batch::Fault;
use proptest::prelude::*;

/// Births with room for 20 metrics, edge nodes and devices, and the messages so far.
#[derive(Default)]
struct Plant {
    births: Births,
    count: i64,
}

const MOST: usize = 20;
const BYTES: usize = 10_000;
/// Time of the receipt in microseconds.
const RECEIVED_US: i64 = 77_000;

impl Plant {
    fn context(&mut self, topic: &str, payload: &[u8], is_again: bool) -> BirthContext {
        let message = ReceivedMessage { offset: self.count, topic, payload, is_again };
        self.count += 1;
        let context = self.births.take(&message, MOST, BYTES);
        let stored = context.to_text().map(|text| BirthContext::from_text(&text));
        assert_eq!(stored.unwrap_or_default(), context);
        context
    }

    /// The rows of a message `G/TYPE/E[/D]`, each as its fields or its fault.
    fn rows(&mut self, topic: &str, payload: &[u8]) -> Vec<String> {
        let topic = format!("spBv1.0/{topic}");
        let context = self.context(&topic, payload, false);
        shown(&topic, payload, &context)
    }

    #[track_caller]
    fn check(&mut self, topic: &str, payload: &[u8], expected: &[&str]) {
        assert_eq!(self.rows(topic, payload), expected);
    }
}

fn shown(topic: &str, payload: &[u8], context: &BirthContext) -> Vec<String> {
    let found = match rows(topic, payload, context, RECEIVED_US) {
        Ok(found) => found,
        Err(fault) => return vec![fault.code().to_owned()],
    };
    let line = |row: &MetricRow<'_>| match &row.fault {
        Some((fault, text)) => format!("{} {text}", fault.code()),
        None => {
            let texts = row.fields.iter().map(|text| text.as_deref().unwrap_or("-"));
            texts.collect::<Vec<_>>().join("|")
        }
    };
    found.iter().map(line).collect()
}

#[test]
fn bytes_are_read_by_the_numbers_of_their_fields() {
    // Timestamp 1486144502122, one metric `t` of the type Int32 with the value 16, sequence number 2.
    let bytes = hex::decode("08eaf2f5a8a02b12070a0174200350101802").unwrap();
    let metric = SparkplugMetric { name: Some("t"), ..int(None, 16) };
    let expected = SparkplugPayload {
        timestamp_ms: Some(1_486_144_502_122),
        metrics: vec![metric],
        seq: Some(2),
    };
    assert_eq!(SparkplugPayload::parse(&bytes), Ok(expected));
}

#[test]
fn aliases_have_the_names_of_the_birth() {
    let mut plant = Plant::default();
    plant.check(
        "G/NBIRTH/E",
        &encoded(0, &[born("a", 1), born("b", 2)]),
        &[
            "G|E|-|NBIRTH|a|1|1|Int32|1|false|false|good|0",
            "G|E|-|NBIRTH|b|2|1|Int32|1|false|false|good|0",
        ],
    );
    // The same alias of a device is another metric.
    plant.rows("G/DBIRTH/E/D", &encoded(1, &[born("c", 1)]));
    let late = SparkplugMetric { timestamp_ms: Some(9), is_historical: true, ..int(Some(2), 5) };
    let null =
        SparkplugMetric { is_null: true, value: None, quality: Some(500), ..int(Some(1), 0) };
    plant.check(
        "G/NDATA/E",
        &encoded(2, &[late, null]),
        &[
            "G|E|-|NDATA|b|2|9|Int32|5|false|true|good|2",
            "G|E|-|NDATA|a|1|1|Int32|-|true|false|stale|2",
        ],
    );
    let untyped = SparkplugMetric { data_type: None, ..int(Some(1), 7) };
    plant.check(
        "G/DDATA/E/D",
        &encoded(3, &[untyped]),
        &["G|E|D|DDATA|c|1|1|Int32|7|false|false|good|3"],
    );
}

#[test]
fn what_has_no_birth_is_rejected() {
    let mut plant = Plant::default();
    let early = r#"before_birth {"topic":"spBv1.0/G/NDATA/E","alias":"1","data_type":"Int32","value":"Int(5)"}"#;
    plant.check("G/NDATA/E", &encoded(4, &[int(Some(1), 5)]), &[early]);
    plant.check("G/DDATA/E/D", &encoded(5, &[]), &["before_birth"]);
    plant.check("G/DDEATH/E/D", &encoded(6, &[]), &["before_birth"]);
    plant.rows("G/NBIRTH/E", &encoded(0, &[born("a", 1)]));
    let named = SparkplugMetric { name: Some("new"), ..int(None, 5) };
    let untyped = SparkplugMetric { name: Some("new"), data_type: None, ..int(None, 5) };
    let other = SparkplugMetric { data_type: Some(12), ..int(Some(1), 5) };
    let text =
        SparkplugMetric { value: Some(MetricValue::Text("x")), data_type: None, ..int(Some(1), 5) };
    let metrics = [int(Some(2), 5), named, untyped, other, text, int(Some(1), 6)];
    let found = plant.rows("G/NDATA/E", &encoded(1, &metrics));
    let codes: Vec<&str> = found.iter().map(|row| row.split(' ').next().unwrap()).collect();
    assert_eq!(
        codes,
        [
            "unknown_metric",
            "G|E|-|NDATA|new|-|1|Int32|5|false|false|good|1",
            "unknown_metric",
            "wrong_data_type",
            "wrong_data_type",
            "G|E|-|NDATA|a|1|1|Int32|6|false|false|good|1",
        ]
    );
    plant.check("G/NDATA/E", &encoded(2, &[]), &["no_records"]);
    plant.check("G/NDATA/E", b"\x0a", &["not_of_schema"]);
    plant.check("G/XDATA/E", &encoded(3, &[]), &["unknown_topic"]);
}

#[test]
fn a_gap_in_the_numbers_is_a_row_of_its_own() {
    let mut plant = Plant::default();
    plant.rows("G/NBIRTH/E", &encoded(254, &[born("a", 1)]));
    let data = |seq| encoded(seq, &[int(Some(1), 5)]);
    assert_eq!(plant.rows("G/NDATA/E", &data(255)).len(), 1);
    assert_eq!(plant.rows("G/NDATA/E", &data(0)).len(), 1);
    let gap = "sequence_gap G/E: expected number 1, received 3";
    assert_eq!(plant.rows("G/NDATA/E", &data(3))[1], gap);
    assert_eq!(plant.rows("G/NDATA/E", &data(4)).len(), 1);
    let without =
        encode(&SparkplugPayload { metrics: vec![int(Some(1), 5)], ..Default::default() });
    let gap = "sequence_gap G/E: expected number 5, received none";
    assert_eq!(plant.rows("G/NDATA/E", &without)[1], gap);
    // Another edge node has numbers of its own.
    assert_eq!(plant.rows("G/NBIRTH/F", &encoded(9, &[born("a", 1)])).len(), 1);
    assert_eq!(plant.rows("G/NDATA/E", &data(6)).len(), 1);
}

#[test]
fn a_message_that_is_sent_again_has_no_gap() {
    let mut plant = Plant::default();
    let birth = encoded(0, &[born("a", 1)]);
    let data = |seq| encoded(seq, &[int(Some(1), 5)]);
    plant.rows("G/NBIRTH/E", &birth);
    plant.rows("G/NDATA/E", &data(1));
    for payload in [&birth, &data(1)] {
        let topic = if *payload == birth { "spBv1.0/G/NBIRTH/E" } else { "spBv1.0/G/NDATA/E" };
        let context = plant.context(topic, payload, true);
        assert_eq!((context.gap, context.is_again), (None, true));
    }
    assert_eq!(plant.rows("G/NDATA/E", &data(2)).len(), 1);
    // Of messages that were sent again, the last may not have landed before.
    for seq in [1, 2, 3, 4] {
        assert_eq!(plant.context("spBv1.0/G/NDATA/E", &data(seq), true).gap, None);
    }
    assert_eq!(plant.rows("G/NDATA/E", &data(5)).len(), 1);
    plant.context("spBv1.0/G/NDATA/E", &data(7), true);
    assert_eq!(plant.rows("G/NDATA/E", &data(8)).len(), 2);
}

fn session(number: u64, data_type: u32) -> SparkplugMetric<'static> {
    let value = Some(MetricValue::Long(number));
    SparkplugMetric {
        name: Some("bdSeq"),
        data_type: Some(data_type),
        value,
        ..SparkplugMetric::default()
    }
}

#[test]
fn a_death_ends_every_metric() {
    let mut plant = Plant::default();
    let death = |number| {
        let metrics = vec![session(number, 4)];
        encode(&SparkplugPayload { timestamp_ms: Some(1), metrics, seq: None })
    };
    plant.check("G/NDEATH/E", &death(3), &["before_birth"]);
    plant.rows("G/NBIRTH/E", &encoded(0, &[session(3, 8), born("a", 1)]));
    plant.rows("G/DBIRTH/E/D1", &encoded(1, &[born("b", 2)]));
    plant.rows("G/DBIRTH/E/D2", &encoded(2, &[born("c", 3)]));
    plant.check(
        "G/DDEATH/E/D1",
        &encoded(3, &[]),
        &["G|E|D1|DDEATH|b|2|1|Int32|-|true|false|stale|3"],
    );
    plant.check("G/NDEATH/E", &death(2), &["other_session"]);
    plant.check(
        "G/NDEATH/E",
        &death(3),
        &[
            "G|E|-|NDEATH|bdSeq|-|77|Int64|3|false|false|good|-",
            "G|E|-|NDEATH|a|1|77|Int32|-|true|false|stale|-",
            "G|E|D2|NDEATH|c|3|77|Int32|-|true|false|stale|-",
        ],
    );
    plant.check("G/NDEATH/E", &death(3), &["other_session"]);
    let data = encoded(4, &[int(Some(3), 5)]);
    assert!(plant.rows("G/DDATA/E/D2", &data)[0].starts_with("before_birth"));
    // The next birth begins a session.
    plant.rows("G/NBIRTH/E", &encoded(0, &[session(4, 8), born("a", 9)]));
    assert_eq!(plant.rows("G/NDATA/E", &encoded(1, &[int(Some(9), 5)])).len(), 1);
}

#[test]
fn too_many_metrics_are_not_remembered() {
    let mut plant = Plant::default();
    let metrics: Vec<SparkplugMetric<'_>> = (0..19).map(|alias| born("a", alias)).collect();
    let found = plant.rows("G/NBIRTH/E", &encoded(0, &metrics));
    assert_eq!(found.len(), 20);
    assert_eq!(found[19], "too_many_metrics G/E: 19 metrics");
    let data = encoded(1, &[int(Some(1), 5)]);
    assert!(plant.rows("G/NDATA/E", &data)[0].starts_with("before_birth"));
}

#[test]
fn values_have_the_text_of_their_type() {
    let text = |value, data_type| value_text(value, data_type).map(|it| it.into_owned());
    let check = |value, data_type, expected: &str| {
        assert_eq!(text(value, data_type).as_deref(), Some(expected), "{}", type_name(data_type));
    };
    check(MetricValue::Int(0xffff_fffb), 1, "-5");
    check(MetricValue::Int(0xfb), 1, "-5");
    check(MetricValue::Int(0xffff_fffb), 3, "-5");
    check(MetricValue::Long(u64::MAX), 4, "-1");
    check(MetricValue::Int(255), 5, "255");
    check(MetricValue::Long(4_294_967_295), 7, "4294967295");
    check(MetricValue::Long(u64::MAX), 8, "18446744073709551615");
    check(MetricValue::Float(0.1), 9, "0.1");
    check(MetricValue::Double(1e300), 10, &format!("1{}", "0".repeat(300)));
    check(MetricValue::Bool(true), 11, "true");
    check(MetricValue::Text("é"), 12, "é");
    check(MetricValue::Long(1_790_000_000_000), 13, "1790000000000");
    check(MetricValue::DataSet(b"\x08\x01"), 16, "0801");
    check(MetricValue::Bytes(b"\x00\xff"), 17, "00ff");
    check(MetricValue::Bytes(b"\xff\x01"), 22, "[-1,1]");
    check(MetricValue::Bytes(b"\x00\x00\x80\x3f"), 30, "[1]");
    check(MetricValue::Bytes(b"\x03\x00\x00\x00\xa0"), 32, "[true,false,true]");
    check(MetricValue::Bytes(b"a\0\0\"\0"), 33, r#"["a","","\""]"#);
    check(MetricValue::Bytes(b""), 33, "[]");
    for (value, data_type) in [
        (MetricValue::Int(300), 1),
        (MetricValue::Int(256), 5),
        (MetricValue::Long(1 << 32), 7),
        (MetricValue::Int(1), 9),
        (MetricValue::Float(1.0), 10),
        (MetricValue::Int(1), 0),
        (MetricValue::Int(1), 35),
        (MetricValue::Bytes(b"\x01"), 23),
        (MetricValue::Bytes(b"\x09\x00\x00\x00\xff"), 32),
        (MetricValue::Bytes(b"a"), 33),
        (MetricValue::Bytes(b"a"), 12),
        (MetricValue::Text("a"), 17),
    ] {
        assert_eq!(text(value, data_type), None, "{value:?} {data_type}");
    }
    assert_eq!(type_name(34), "DateTimeArray");
    assert_eq!(type_name(99), "99");
}

fn value() -> impl Strategy<Value = MetricValue<'static>> {
    const BYTES: [&[u8]; 3] = [b"", b"\xff\x00", b"\x01\x02\x03\x04"];
    let bytes = || (0..BYTES.len()).prop_map(|at| BYTES[at]);
    prop_oneof![
        any::<u32>().prop_map(MetricValue::Int),
        any::<u64>().prop_map(MetricValue::Long),
        (-1e6_f32..1e6).prop_map(MetricValue::Float),
        (-1e9_f64..1e9).prop_map(MetricValue::Double),
        any::<bool>().prop_map(MetricValue::Bool),
        prop_oneof![Just("Temperatur °C"), Just("")].prop_map(MetricValue::Text),
        bytes().prop_map(MetricValue::Bytes),
        bytes().prop_map(MetricValue::DataSet),
        bytes().prop_map(MetricValue::Template),
    ]
}

fn metric() -> impl Strategy<Value = SparkplugMetric<'static>> {
    let name = proptest::option::of(prop_oneof![Just("a"), Just("Line 1/Öl")]);
    let number = || proptest::option::of(any::<u64>());
    let data_type = proptest::option::of(0..40_u32);
    let quality = proptest::option::of(any::<i32>());
    let value = proptest::option::of(value());
    let flags = any::<(bool, bool)>();
    (name, number(), number(), data_type, flags, quality, value).prop_map(
        |(name, alias, timestamp_ms, data_type, (is_historical, is_null), quality, value)| {
            SparkplugMetric {
                name,
                alias,
                timestamp_ms,
                data_type,
                is_historical,
                is_null,
                quality,
                value,
            }
        },
    )
}

fn payload() -> impl Strategy<Value = SparkplugPayload<'static>> {
    let number = || proptest::option::of(any::<u64>());
    let metrics = prop::collection::vec(metric(), 0..5);
    (number(), metrics, number()).prop_map(|(timestamp_ms, metrics, seq)| SparkplugPayload {
        timestamp_ms,
        metrics,
        seq,
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_read(payload in payload()) {
        let bytes = encode(&payload);
        prop_assert_eq!(SparkplugPayload::parse(&bytes), Ok(payload));
    }

    /// Every metric of a birth or of data has a row.
    #[test]
    fn every_metric_has_a_row(birth in payload(), data in payload(), cut in 0..40_usize) {
        let mut plant = Plant::default();
        let bytes = encode(&birth);
        let found = plant.rows("G/NBIRTH/E", &bytes);
        prop_assert!(found.len() >= birth.metrics.len());
        let bytes = encode(&data);
        let found = plant.rows("G/NDATA/E", &bytes);
        prop_assert!(found.len() >= data.metrics.len());
        let cut = &bytes[..bytes.len().saturating_sub(cut)];
        prop_assert!(!plant.rows("G/NDATA/E", cut).is_empty());
    }

    /// Births that were stored are the births.
    #[test]
    fn stored_births_are_the_same(births in prop::collection::vec(payload(), 0..4)) {
        let mut plant = Plant::default();
        for (at, birth) in births.iter().enumerate() {
            plant.rows(["G/NBIRTH/E", "G/DBIRTH/E/D"][at % 2], &encode(birth));
        }
        let text = serde_json::to_string(&plant.births).unwrap();
        prop_assert_eq!(serde_json::from_str::<Births>(&text).unwrap(), plant.births);
    }
}

#[test]
fn faults_have_their_codes() {
    let fault = SparkplugPayload::parse(b"\x12\x03\x0a\x01\xff").unwrap_err();
    assert_eq!(fault, Fault::InvalidText);
}
