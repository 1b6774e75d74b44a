//! The data types of metrics, and their values as text.

use super::payload::MetricValue;
use crate::decode::datum::{write_float, write_text};
use crate::decode::protobuf::wire;
use std::borrow::Cow;

/// The names of the data types, by their numbers from 1.
const NAMES: [&str; 34] = [
    "Int8",
    "Int16",
    "Int32",
    "Int64",
    "UInt8",
    "UInt16",
    "UInt32",
    "UInt64",
    "Float",
    "Double",
    "Boolean",
    "String",
    "DateTime",
    "Text",
    "UUID",
    "DataSet",
    "Bytes",
    "File",
    "Template",
    "PropertySet",
    "PropertySetList",
    "Int8Array",
    "Int16Array",
    "Int32Array",
    "Int64Array",
    "UInt8Array",
    "UInt16Array",
    "UInt32Array",
    "UInt64Array",
    "FloatArray",
    "DoubleArray",
    "BooleanArray",
    "StringArray",
    "DateTimeArray",
];

/// The name of a data type; that of an unknown one is its number.
pub fn type_name(data_type: u32) -> Cow<'static, str> {
    let at = usize::try_from(data_type).ok().and_then(|number| number.checked_sub(1));
    match at.and_then(|at| NAMES.get(at)) {
        Some(name) => Cow::Borrowed(*name),
        None => Cow::Owned(data_type.to_string()),
    }
}

/// A value as text; `None` if it does not have this type. Times are milliseconds since 1970 UTC, arrays are JSON, and
/// bytes, data sets and templates are hexadecimal digits.
pub fn value_text<'a>(value: MetricValue<'a>, data_type: u32) -> Option<Cow<'a, str>> {
    let text = match (NAMES.get(usize::try_from(data_type).ok()?.checked_sub(1)?).copied()?, value)
    {
        ("Int8", value) => signed(value, 8)?.to_string(),
        ("Int16", value) => signed(value, 16)?.to_string(),
        ("Int32", value) => signed(value, 32)?.to_string(),
        ("Int64", value) => signed(value, 64)?.to_string(),
        ("UInt8", value) => unsigned(value, 8)?.to_string(),
        ("UInt16", value) => unsigned(value, 16)?.to_string(),
        ("UInt32", value) => unsigned(value, 32)?.to_string(),
        ("UInt64" | "DateTime", value) => unsigned(value, 64)?.to_string(),
        ("Float", MetricValue::Float(number)) => number.to_string(),
        ("Double", MetricValue::Double(number)) => number.to_string(),
        ("Boolean", MetricValue::Bool(flag)) => flag.to_string(),
        ("String" | "Text" | "UUID", MetricValue::Text(text)) => return Some(Cow::Borrowed(text)),
        ("DataSet", MetricValue::DataSet(bytes))
        | ("Bytes" | "File", MetricValue::Bytes(bytes))
        | ("Template", MetricValue::Template(bytes)) => hex::encode(bytes),
        (array, MetricValue::Bytes(bytes)) => array_text(array, bytes)?,
        _ => return None,
    };
    Some(Cow::Owned(text))
}

/// A whole number in two's complement of at most 64 bits; `None` if it does not fit into `bits`. Senders widen small
/// numbers to 32 or 64 bits with or without their sign.
fn signed(value: MetricValue<'_>, bits: u32) -> Option<i64> {
    let number = match value {
        MetricValue::Int(number) => i64::from(number.cast_signed()),
        MetricValue::Long(number) => number.cast_signed(),
        _ => return None,
    };
    let unused = 64 - bits;
    let narrow = (number << unused) >> unused;
    let is_narrow = narrow == number || number.cast_unsigned() >> bits.min(63) == 0;
    is_narrow.then_some(narrow)
}

/// A whole number without a sign; `None` if it does not fit into `bits`.
fn unsigned(value: MetricValue<'_>, bits: u32) -> Option<u64> {
    let number = match value {
        MetricValue::Int(number) => u64::from(number),
        MetricValue::Long(number) => number,
        _ => return None,
    };
    (bits == 64 || number >> bits == 0).then_some(number)
}

/// An array as JSON, from its packed bytes, the lowest byte of a number first.
fn array_text(array: &str, bytes: &[u8]) -> Option<String> {
    match array {
        "Int8Array" => numbers(bytes, |it| i8::from_le_bytes(it).to_string()),
        "Int16Array" => numbers(bytes, |it| i16::from_le_bytes(it).to_string()),
        "Int32Array" => numbers(bytes, |it| i32::from_le_bytes(it).to_string()),
        "Int64Array" => numbers(bytes, |it| i64::from_le_bytes(it).to_string()),
        "UInt8Array" => numbers(bytes, |it| u8::from_le_bytes(it).to_string()),
        "UInt16Array" => numbers(bytes, |it| u16::from_le_bytes(it).to_string()),
        "UInt32Array" => numbers(bytes, |it| u32::from_le_bytes(it).to_string()),
        "UInt64Array" | "DateTimeArray" => numbers(bytes, |it| u64::from_le_bytes(it).to_string()),
        "FloatArray" => numbers(bytes, |it| {
            let number = f32::from_le_bytes(it);
            float_text(number.is_finite(), &number)
        }),
        "DoubleArray" => numbers(bytes, |it| {
            let number = f64::from_le_bytes(it);
            float_text(number.is_finite(), &number)
        }),
        "BooleanArray" => flags(bytes),
        "StringArray" => texts(bytes),
        _ => None,
    }
}

fn float_text(is_finite: bool, number: &impl std::fmt::Display) -> String {
    let mut text = String::new();
    write_float(is_finite, number, &mut text);
    text
}

fn numbers<const N: usize>(mut bytes: &[u8], text: impl Fn([u8; N]) -> String) -> Option<String> {
    let mut items = Vec::with_capacity(bytes.len() / N);
    while !bytes.is_empty() {
        items.push(text(wire::take_array(&mut bytes).ok()?));
    }
    Some(list(&items))
}

/// Bits, the highest of a byte first, after their number in four bytes.
fn flags(mut bytes: &[u8]) -> Option<String> {
    let count = u32::from_le_bytes(wire::take_array(&mut bytes).ok()?);
    let count = usize::try_from(count).ok()?;
    if count.div_ceil(8) != bytes.len() {
        return None;
    }
    let flag = |at: usize| (bytes[at / 8] >> (7 - at % 8)) & 1 == 1;
    let items: Vec<String> = (0..count).map(|at| flag(at).to_string()).collect();
    Some(list(&items))
}

/// Texts, each of which ends at a zero.
fn texts(bytes: &[u8]) -> Option<String> {
    let Some(bytes) = bytes.strip_suffix(&[0]) else {
        return bytes.is_empty().then(|| list(&[]));
    };
    let mut items = Vec::new();
    for part in bytes.split(|byte| *byte == 0) {
        let mut text = String::new();
        write_text(&mut text, std::str::from_utf8(part).ok()?);
        items.push(text);
    }
    Some(list(&items))
}

fn list(items: &[String]) -> String {
    format!("[{}]", items.join(","))
}
