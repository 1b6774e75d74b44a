//! What the decoders of messages with a schema share: numbers in the bytes, and values as JSON text.

pub(super) use super::json_text::push_string as write_text;

use std::fmt::Write as _;

/// The most bytes of a decimal number: 38 digits.
const DECIMAL_BYTES: usize = 16;
/// The most digits after the point.
const DECIMAL_SCALE: u32 = 38;

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(pub String);

/// The whole number at the beginning of `bytes`, and what follows it.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth group has one bit.
        if at == 9 && bits > 1 {
            return None;
        }
        value |= bits << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

/// The number of a zigzag code: 0, -1, 1, -2, and so on.
pub(super) const fn zigzag(code: u64) -> i64 {
    (code >> 1).cast_signed() ^ -(code & 1).cast_signed()
}

/// JSON has no text for numbers that are not finite.
pub(super) fn write_float(is_finite: bool, value: &impl std::fmt::Display, out: &mut String) {
    match is_finite {
        true => write!(out, "{value}").unwrap_or_default(),
        false => write!(out, "\"{value}\"").unwrap_or_default(),
    }
}

/// Writes bytes as text if they are UTF-8, and as hexadecimal digits otherwise.
pub(super) fn write_bytes_text(bytes: &[u8], out: &mut String) {
    match std::str::from_utf8(bytes) {
        Ok(text) => write_text(out, text),
        Err(_binary) => {
            out.push('"');
            out.push_str(&hex::encode(bytes));
            out.push('"');
        }
    }
}

/// A whole number, the highest byte first in two's complement, with a point before its last `scale` digits; `None` if
/// it has more than 38.
pub(super) fn decimal(bytes: &[u8], scale: u32) -> Option<String> {
    if bytes.len() > DECIMAL_BYTES || scale > DECIMAL_SCALE {
        return None;
    }
    let is_negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let start = if is_negative { -1_i128 } else { 0 };
    let value = bytes.iter().fold(start, |value, byte| (value << 8) | i128::from(*byte));
    let (sign, digits) = (if value < 0 { "-" } else { "" }, value.unsigned_abs().to_string());
    let scale = scale as usize;
    if scale == 0 {
        return Some(format!("{sign}{digits}"));
    }
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    Some(format!("{sign}{whole}.{fraction}"))
}
