//! The bytes of a payload, by `sparkplug_b.proto` of the specification.

use crate::decode::protobuf::wire::{self, WireField, WireValue};
use batches::batch::Fault;

/// A payload as received. What no row needs is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparkplugPayload<'a> {
    /// Milliseconds since 1970 UTC.
    pub timestamp_ms: Option<u64>,
    pub metrics: Vec<SparkplugMetric<'a>>,
    /// The sequence number, 0 to 255.
    pub seq: Option<u64>,
}

/// A metric of a payload.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SparkplugMetric<'a> {
    pub name: Option<&'a str>,
    pub alias: Option<u64>,
    /// Milliseconds since 1970 UTC.
    pub timestamp_ms: Option<u64>,
    /// The number of its data type.
    pub data_type: Option<u32>,
    pub is_historical: bool,
    pub is_null: bool,
    /// The property `Quality`.
    pub quality: Option<i32>,
    pub value: Option<MetricValue<'a>>,
}

/// The value of a metric, by the field that has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MetricValue<'a> {
    Int(u32),
    Long(u64),
    Float(f32),
    Double(f64),
    Bool(bool),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// The bytes of a data set.
    DataSet(&'a [u8]),
    /// The bytes of a template.
    Template(&'a [u8]),
}

/// Name of the property that has the quality of a value.
const QUALITY: &str = "Quality";

impl<'a> SparkplugPayload<'a> {
    /// Reads a payload.
    ///
    /// # Errors
    /// [`Fault::NotOfSchema`] if the bytes are not a payload, and [`Fault::InvalidText`] if a text is not UTF-8.
    pub fn parse(mut bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut payload = Self::default();
        while let Some(WireField { number, value }) = wire::next(&mut bytes)? {
            match (number, value) {
                (1, WireValue::Varint(ms)) => payload.timestamp_ms = Some(ms),
                (2, WireValue::Bytes(metric)) => {
                    payload.metrics.push(SparkplugMetric::parse(metric)?);
                }
                (3, WireValue::Varint(seq)) => payload.seq = Some(seq),
                (1..=3, _) => return Err(Fault::NotOfSchema),
                _ => {}
            }
        }
        Ok(payload)
    }
}

impl<'a> SparkplugMetric<'a> {
    fn parse(mut bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut metric = Self::default();
        while let Some(WireField { number, value }) = wire::next(&mut bytes)? {
            match (number, value) {
                (1, WireValue::Bytes(name)) => metric.name = Some(text(name)?),
                (2, WireValue::Varint(alias)) => metric.alias = Some(alias),
                (3, WireValue::Varint(ms)) => metric.timestamp_ms = Some(ms),
                (4, WireValue::Varint(code)) => metric.data_type = Some(low(code)),
                (5, WireValue::Varint(flag)) => metric.is_historical = flag != 0,
                (7, WireValue::Varint(flag)) => metric.is_null = flag != 0,
                (9, WireValue::Bytes(properties)) => metric.quality = quality(properties)?,
                (10..=18, value) => metric.value = Some(metric_value(number, value)?),
                (1..=5 | 7 | 9, _) => return Err(Fault::NotOfSchema),
                _ => {}
            }
        }
        Ok(metric)
    }

    /// The value as a whole number, if it is one.
    pub fn whole(&self) -> Option<u64> {
        match self.value? {
            MetricValue::Int(number) => Some(u64::from(number)),
            MetricValue::Long(number) => Some(number),
            _ => None,
        }
    }
}

/// The value of one of the fields of `oneof value`.
fn metric_value(number: u32, value: WireValue<'_>) -> Result<MetricValue<'_>, Fault> {
    Ok(match (number, value) {
        (10, WireValue::Varint(number)) => MetricValue::Int(low(number)),
        (11, WireValue::Varint(number)) => MetricValue::Long(number),
        (12, WireValue::Fixed32(bytes)) => MetricValue::Float(f32::from_le_bytes(bytes)),
        (13, WireValue::Fixed64(bytes)) => MetricValue::Double(f64::from_le_bytes(bytes)),
        (14, WireValue::Varint(flag)) => MetricValue::Bool(flag != 0),
        (15, WireValue::Bytes(bytes)) => MetricValue::Text(text(bytes)?),
        (16, WireValue::Bytes(bytes)) => MetricValue::Bytes(bytes),
        (17, WireValue::Bytes(bytes)) => MetricValue::DataSet(bytes),
        (18, WireValue::Bytes(bytes)) => MetricValue::Template(bytes),
        _ => return Err(Fault::NotOfSchema),
    })
}

/// A field of 32 bits: Protobuf ignores the higher ones.
fn low(number: u64) -> u32 {
    (number & u64::from(u32::MAX)) as u32
}

fn text(bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|_error| Fault::InvalidText)
}

/// The quality in a set of properties, whose names and values are two lists of the same order.
fn quality(mut bytes: &[u8]) -> Result<Option<i32>, Fault> {
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    while let Some(WireField { number, value }) = wire::next(&mut bytes)? {
        match (number, value) {
            (1, WireValue::Bytes(key)) => keys.push(key),
            (2, WireValue::Bytes(value)) => values.push(value),
            (1 | 2, _) => return Err(Fault::NotOfSchema),
            _ => {}
        }
    }
    let at = keys.iter().position(|key| *key == QUALITY.as_bytes());
    let Some(mut property) = at.and_then(|at| values.get(at).copied()) else { return Ok(None) };
    let mut found = None;
    while let Some(WireField { number, value }) = wire::next(&mut property)? {
        if let (3 | 4, WireValue::Varint(number)) = (number, value) {
            found = Some(low(number).cast_signed());
        }
    }
    Ok(found)
}
