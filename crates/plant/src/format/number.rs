//! Number formats of dumps.

mod parts;

use super::{ParseError, trim};
use crate::contract::NumberStyle;
use parts::{NumberParts, is_same_separator};

/// Maximum number of decimal digits; every number of this length fits into 128 bits.
const MAX_DIGITS: usize = 38;
/// Numbers of up to this many digits fit into 64 bits, which is faster.
const FAST_DIGITS: usize = 19;
/// Largest integer up to which all integers are exact in 64-bit floating point.
const MAX_EXACT_WHOLE: u128 = 1 << 53;
/// Exponents are clamped here; beyond it every number except zero is out of range.
const MAX_EXPONENT: i32 = 100_000;
/// Digits between the last thousands separator and the decimal separator, in Western and Indian
/// grouping.
const LAST_GROUP_DIGITS: usize = 3;

const HUNDRED: f64 = 100.0;
const POWERS: [u128; MAX_DIGITS + 1] = powers();
/// Powers of ten that are exact in 64-bit floating point.
const FLOAT_POWERS: [f64; 23] = float_powers();

/// Parses an integer. Signs, leading zeros, a fraction of zeros, units and surrounding space are
/// accepted; any other fraction is [`ParseError::TooPrecise`]. Thousands separators are accepted
/// between digits in any grouping whose last group has three digits, so a decimal comma is never
/// mistaken for one.
pub fn parse_int(text: &str, style: &NumberStyle) -> Result<i64, ParseError> {
    let taken = take(trim(text), style, Digits::take_plain)?;
    i64::try_from(taken.digits.value(0)?).ok().ok_or(ParseError::OutOfRange)
}

/// Parses a decimal number as a multiple of `10^-scale`, exactly: nonzero digits beyond the scale
/// are [`ParseError::TooPrecise`], more than `precision` digits [`ParseError::OutOfRange`].
/// `1.5E3`, `.5` and `5.` are accepted.
pub fn parse_decimal(
    text: &str,
    style: &NumberStyle,
    precision: u8,
    scale: i8,
) -> Result<i128, ParseError> {
    let taken = take(trim(text), style, Digits::take_number)?;
    let value = taken.digits.value(i32::from(scale))?;
    let limit = POWERS.get(usize::from(precision)).copied().unwrap_or(u128::MAX);
    if value.unsigned_abs() < limit { Ok(value) } else { Err(ParseError::OutOfRange) }
}

/// Parses a number as the nearest 64-bit floating point number. Infinity and NaN are not accepted;
/// numbers that are too large are [`ParseError::OutOfRange`].
pub fn parse_float(text: &str, style: &NumberStyle) -> Result<f64, ParseError> {
    let taken = take(trim(text), style, Digits::take_number)?;
    let value = match taken.digits.exact_float() {
        Some(value) => value,
        None => parse_long_float(&taken, style)?,
    };
    if value.is_finite() { Ok(value) } else { Err(ParseError::OutOfRange) }
}

/// Slow path for numbers of many digits, rounded by the standard library.
fn parse_long_float(taken: &Taken<'_>, style: &NumberStyle) -> Result<f64, ParseError> {
    let unsigned = taken.number.trim_start_matches(['-', '+']);
    let parsed = if style.decimal == '.' && style.thousands.is_none() {
        unsigned.parse::<f64>()
    } else {
        let is_separator =
            |sign: char| style.thousands.is_some_and(|it| is_same_separator(it, sign));
        let kept = unsigned.chars().filter(|sign| !is_separator(*sign));
        let plain = kept.map(|sign| if sign == style.decimal { '.' } else { sign });
        plain.collect::<String>().parse()
    };
    let size = parsed.ok().ok_or(ParseError::NotANumber)?;
    let size = if taken.is_divided { size / HUNDRED } else { size };
    Ok(if taken.digits.negative { -size } else { size })
}

/// A number found in a text.
struct Taken<'a> {
    digits: Digits,
    /// The digits, possibly with a sign in front.
    number: &'a str,
    /// Whether the number is a percentage; `digits` already include the division by 100.
    is_divided: bool,
}

/// Splits a trimmed text into number and decoration: directly if it is a bare number, otherwise
/// after the decoration is removed.
fn take<'a>(
    text: &'a str,
    style: &NumberStyle,
    take: impl Fn(&mut Digits, &[u8], &NumberStyle) -> Option<()>,
) -> Result<Taken<'a>, ParseError> {
    let mut digits = Digits::default();
    if take(&mut digits, text.as_bytes(), style).is_some() {
        return Ok(Taken { digits, number: text, is_divided: false });
    }
    let written = NumberParts::parse(text, style).ok_or(ParseError::NotANumber)?;
    let mut digits = Digits::default();
    take(&mut digits, written.number.as_bytes(), style).ok_or(ParseError::NotANumber)?;
    digits.negative = written.is_negative;
    let is_divided = written.is_percent && style.percent_is_fraction;
    if is_divided {
        digits.exponent = digits.exponent.saturating_sub(2);
    }
    Ok(Taken { digits, number: written.number, is_divided })
}

/// A parsed number: `mantissa * 10^(exponent + zeros)` and its sign.
#[derive(Debug, Default, Clone, Copy)]
struct Digits {
    mantissa: u128,
    negative: bool,
    /// Number of mantissa digits, counted only if there are more than [`FAST_DIGITS`]. Above
    /// [`MAX_DIGITS`] the mantissa is truncated and its last digit was not zero.
    significant: usize,
    /// Zeros that follow the mantissa.
    zeros: usize,
    exponent: i32,
    /// Digits parsed, including leading zeros.
    written: usize,
}

impl Digits {
    /// The number as a multiple of `10^-scale`.
    fn value(&self, scale: i32) -> Result<i128, ParseError> {
        if self.mantissa == 0 {
            return Ok(0);
        }
        let shift = self.power().saturating_add(scale);
        let power = POWERS.get(shift.unsigned_abs() as usize);
        let size = if shift < 0 {
            let parts = power.filter(|power| self.mantissa.is_multiple_of(**power));
            parts
                .filter(|_| !self.is_cut())
                .map(|power| self.mantissa / power)
                .ok_or(ParseError::TooPrecise)?
        } else {
            let whole = power.filter(|_| !self.is_cut());
            whole
                .and_then(|power| self.mantissa.checked_mul(*power))
                .ok_or(ParseError::OutOfRange)?
        };
        let size = i128::try_from(size).ok().ok_or(ParseError::OutOfRange)?;
        Ok(if self.negative { -size } else { size })
    }

    fn is_cut(&self) -> bool {
        self.significant > MAX_DIGITS
    }

    /// The number in floating point if one multiplication or division rounds it correctly.
    fn exact_float(&self) -> Option<f64> {
        let power = self.power();
        if self.is_cut()
            || self.mantissa > MAX_EXACT_WHOLE
            || power.unsigned_abs() as usize >= FLOAT_POWERS.len()
        {
            return None;
        }
        let (mantissa, factor) =
            (self.mantissa as u64 as f64, FLOAT_POWERS[power.unsigned_abs() as usize]);
        let size = if power < 0 { mantissa / factor } else { mantissa * factor };
        Some(if self.negative { -size } else { size })
    }

    fn power(&self) -> i32 {
        self.exponent.saturating_add_unsigned(u32::try_from(self.zeros).unwrap_or(u32::MAX))
    }

    /// Parses a whole text without an exponent; `None` if it is not a number.
    fn take_plain(&mut self, text: &[u8], style: &NumberStyle) -> Option<()> {
        self.take_digits(text, style)?.is_empty().then_some(())
    }

    /// Parses a whole text; `None` if it is not a number.
    fn take_number(&mut self, text: &[u8], style: &NumberStyle) -> Option<()> {
        let mut rest = self.take_digits(text, style)?;
        if let [b'e' | b'E', exponent @ ..] = rest {
            self.exponent = self.exponent.saturating_add(read_exponent(exponent)?);
            rest = &[];
        }
        rest.is_empty().then_some(())
    }

    /// Parses the integer part and the fraction, one of which has a digit.
    fn take_digits<'a>(&mut self, text: &'a [u8], style: &NumberStyle) -> Option<&'a [u8]> {
        let mut rest = self.take_whole(text, style.thousands)?;
        if let Some(fraction) = strip_char(rest, style.decimal) {
            rest = self.take_run(fraction);
            self.exponent -= i32::try_from(fraction.len() - rest.len()).ok()?;
        }
        (self.written > 0).then_some(rest)
    }

    /// Parses the sign and the integer part with its separators; `None` if a separator is not
    /// between digits.
    fn take_whole<'a>(&mut self, text: &'a [u8], thousands: Option<char>) -> Option<&'a [u8]> {
        let (negative, text) = split_sign(text);
        self.negative = negative;
        let mut rest = self.take_run(text);
        let Some(separator) = thousands.filter(|_| rest.len() < text.len()) else {
            return Some(rest);
        };
        let mut group = LAST_GROUP_DIGITS;
        while let Some(next) = strip_separator(rest, separator) {
            rest = self.take_run(next);
            group = next.len() - rest.len();
            if group == 0 {
                return None;
            }
        }
        (group == LAST_GROUP_DIGITS).then_some(rest)
    }

    /// Parses digits up to the first other byte.
    fn take_run<'a>(&mut self, text: &'a [u8]) -> &'a [u8] {
        let len = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        let (run, rest) = text.split_at(len);
        self.written += len;
        if self.written > FAST_DIGITS {
            self.push_run(run);
            return rest;
        }
        let add = |value, byte: &u8| value * 10 + u64::from(byte - b'0');
        self.mantissa = u128::from(run.iter().fold(self.mantissa as u64, add));
        rest
    }

    fn push_run(&mut self, run: &[u8]) {
        if self.significant == 0 {
            self.significant = self.mantissa.checked_ilog10().map_or(0, |log| log as usize + 1);
        }
        for byte in run {
            self.push(byte - b'0');
        }
    }

    fn push(&mut self, digit: u8) {
        if digit == 0 {
            self.zeros += usize::from(self.significant > 0);
            return;
        }
        self.significant += self.zeros + 1;
        if !self.is_cut() {
            self.mantissa = self.mantissa * POWERS[self.zeros + 1] + u128::from(digit);
        }
        self.zeros = 0;
    }
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

fn strip_char(text: &[u8], sign: char) -> Option<&[u8]> {
    match text {
        [first, rest @ ..] if first.is_ascii() => (char::from(*first) == sign).then_some(rest),
        _ => text.strip_prefix(sign.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Strips a thousands separator: the configured one or an equivalent.
fn strip_separator(text: &[u8], separator: char) -> Option<&[u8]> {
    strip_char(text, separator).or_else(|| {
        let first = str::from_utf8(text).ok()?.chars().next()?;
        let is_same = is_same_separator(separator, first);
        is_same.then(|| &text[first.len_utf8()..])
    })
}

fn read_exponent(text: &[u8]) -> Option<i32> {
    let (negative, digits) = split_sign(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits
        .iter()
        .fold(0, |size: i32, digit| (size * 10 + i32::from(digit - b'0')).min(MAX_EXPONENT));
    Some(if negative { -size } else { size })
}

const fn powers() -> [u128; MAX_DIGITS + 1] {
    let mut powers = [1; MAX_DIGITS + 1];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
}

const fn float_powers() -> [f64; 23] {
    let mut powers = [1.0; 23];
    let mut at = 1;
    while at < powers.len() {
        powers[at] = POWERS[at] as f64;
        at += 1;
    }
    powers
}

#[cfg(test)]
mod tests;
