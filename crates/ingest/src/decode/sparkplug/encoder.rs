//! Payloads as bytes, for tests.

use super::payload::{MetricValue, SparkplugMetric, SparkplugPayload};

/// The bytes of a payload.
pub fn encode(payload: &SparkplugPayload<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    optional(1, payload.timestamp_ms, &mut out);
    for metric in &payload.metrics {
        sized(2, &encode_metric(metric), &mut out);
    }
    optional(3, payload.seq, &mut out);
    out
}

/// The bytes of a payload of the time 1 ms with a sequence number.
pub fn encoded(seq: u64, metrics: &[SparkplugMetric<'_>]) -> Vec<u8> {
    let (timestamp_ms, seq) = (Some(1), Some(seq));
    encode(&SparkplugPayload { timestamp_ms, metrics: metrics.to_vec(), seq })
}

/// A metric of a birth, of the type Int32.
pub fn born(name: &str, alias: u64) -> SparkplugMetric<'_> {
    SparkplugMetric { name: Some(name), ..int(Some(alias), 1) }
}

/// A metric of the type Int32 without a name.
pub fn int<'a>(alias: Option<u64>, value: u32) -> SparkplugMetric<'a> {
    let value = Some(MetricValue::Int(value));
    SparkplugMetric { alias, data_type: Some(3), value, ..SparkplugMetric::default() }
}

fn encode_metric(metric: &SparkplugMetric<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(name) = metric.name {
        sized(1, name.as_bytes(), &mut out);
    }
    optional(2, metric.alias, &mut out);
    optional(3, metric.timestamp_ms, &mut out);
    optional(4, metric.data_type.map(u64::from), &mut out);
    optional(5, metric.is_historical.then_some(1), &mut out);
    optional(7, metric.is_null.then_some(1), &mut out);
    if let Some(quality) = metric.quality {
        let mut property = Vec::new();
        optional(1, Some(3), &mut property);
        optional(3, Some(u64::from(quality.cast_unsigned())), &mut property);
        let mut properties = Vec::new();
        sized(1, b"Quality", &mut properties);
        sized(2, &property, &mut properties);
        sized(9, &properties, &mut out);
    }
    if let Some(value) = metric.value {
        encode_value(value, &mut out);
    }
    out
}

fn encode_value(value: MetricValue<'_>, out: &mut Vec<u8>) {
    match value {
        MetricValue::Int(number) => optional(10, Some(u64::from(number)), out),
        MetricValue::Long(number) => optional(11, Some(number), out),
        MetricValue::Float(number) => {
            varint((12 << 3) | 5, out);
            out.extend(number.to_le_bytes());
        }
        MetricValue::Double(number) => {
            varint((13 << 3) | 1, out);
            out.extend(number.to_le_bytes());
        }
        MetricValue::Bool(flag) => optional(14, Some(u64::from(flag)), out),
        MetricValue::Text(text) => sized(15, text.as_bytes(), out),
        MetricValue::Bytes(bytes) => sized(16, bytes, out),
        MetricValue::DataSet(bytes) => sized(17, bytes, out),
        MetricValue::Template(bytes) => sized(18, bytes, out),
    }
}

fn optional(field: u64, value: Option<u64>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        varint(field << 3, out);
        varint(value, out);
    }
}

fn sized(field: u64, bytes: &[u8], out: &mut Vec<u8>) {
    varint((field << 3) | 2, out);
    varint(bytes.len() as u64, out);
    out.extend(bytes);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
