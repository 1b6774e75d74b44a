//! Arrow values as text.

use arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use arrow::datatypes::FieldRef;
use arrow::error::ArrowError;
use arrow::json::writer::{EncoderOptions, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use std::fmt::Write;
use std::sync::Arc;

const STAMP: &str = "%Y-%m-%d %H:%M:%S%.f";
const STAMP_UTC: &str = "%Y-%m-%d %H:%M:%S%.fZ";
const TIME: &str = "%H:%M:%S%.f";

/// How the values of a column become text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// It is text.
    AsIs,
    /// UTF-8, or else hex: many writers do not say which bytes are text.
    Bytes,
    /// The same, all values of one length.
    FixedBytes,
    /// Hex in five groups.
    Uuid,
    /// A number, a stamp and the like.
    Scalar,
    /// Compact JSON.
    Json,
}

/// The values of a column as text, null where they are.
pub(super) fn texts(
    field: Option<&FieldRef>,
    array: &ArrayRef,
    style: Style,
) -> Result<ArrayRef, ArrowError> {
    let texts = match (style, field) {
        (Style::AsIs, _) => return Ok(Arc::clone(array)),
        (Style::Json, Some(field)) => objects(field, array)?,
        (Style::Bytes, _) => {
            array.as_binary::<i32>().iter().map(|value| value.map(bytes)).collect()
        }
        (Style::FixedBytes, _) => {
            array.as_fixed_size_binary().iter().map(|value| value.map(bytes)).collect()
        }
        (Style::Uuid, _) => {
            array.as_fixed_size_binary().iter().map(|value| value.map(uuid)).collect()
        }
        (Style::Scalar | Style::Json, _) => scalars(array)?,
    };
    Ok(Arc::new(texts))
}

/// Nested values as compact JSON, nulls and objects without a member as null.
pub(super) fn objects(field: &FieldRef, array: &dyn Array) -> Result<StringArray, ArrowError> {
    let options = EncoderOptions::default()
        .with_timestamp_format(STAMP.into())
        .with_timestamp_tz_format(STAMP_UTC.into())
        .with_time_format(TIME.into());
    let mut encoder = make_encoder(field, array, &options)?;
    let mut texts = StringBuilder::new();
    let mut json = Vec::new();
    for row in 0..array.len() {
        json.clear();
        if array.is_valid(row) {
            encoder.encode(row, &mut json);
        }
        let text = String::from_utf8_lossy(&json);
        texts.append_option(Some(text).filter(|text| !text.is_empty() && text != "{}"));
    }
    Ok(texts.finish())
}

fn scalars(array: &dyn Array) -> Result<StringArray, ArrowError> {
    // A stamp beyond the calendar becomes a text that says so, which no spelling accepts: the
    // record is rejected, its neighbours are not.
    let options = FormatOptions::new()
        .with_display_error(true)
        .with_timestamp_format(Some(STAMP))
        .with_timestamp_tz_format(Some(STAMP_UTC))
        .with_time_format(Some(TIME));
    let formatter = ArrayFormatter::try_new(array, &options)?;
    let nulls = array.logical_nulls();
    let mut texts = StringBuilder::new();
    for row in 0..array.len() {
        if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            texts.append_null();
            continue;
        }
        write!(texts, "{}", formatter.value(row))
            .map_err(|error| ArrowError::CastError(format!("row {row}: {error}")))?;
        texts.append_value("");
    }
    Ok(texts.finish())
}

fn bytes(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => hex(value),
    }
}

fn uuid(value: &[u8]) -> String {
    let mut text = hex(value);
    for dash in [20, 16, 12, 8] {
        if text.len() > dash {
            text.insert(dash, '-');
        }
    }
    text
}

fn hex(value: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    value.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
