//! Numbers as dumps write them.

use super::{Misread, trim};
use crate::contract::NumberStyle;

/// Digits a decimal holds at most; every number of so many digits fits 128 bits.
const MAX_DIGITS: usize = 38;
/// Numbers of so many digits fit 64 bits, which count faster.
const FAST_DIGITS: usize = 19;
/// Whole numbers up to this one are exact in 64-bit floating point.
const MAX_EXACT_WHOLE: u128 = 1 << 53;
/// Exponents are cut here: beyond it every number but zero is out of range.
const MAX_EXPONENT: i32 = 100_000;
/// Digits between the last thousands separator and the decimal sign, in Western and Indian grouping.
const LAST_GROUP_DIGITS: usize = 3;

const POWERS: [u128; MAX_DIGITS + 1] = powers();
/// The powers of ten that are exact in 64-bit floating point.
const FLOAT_POWERS: [f64; 23] = float_powers();

/// Reads a whole number. A leading sign, leading zeros and surrounding space are fine. Thousands
/// separators may stand between digits in any grouping whose last group has three digits, so that a
/// decimal comma is never taken for one.
pub fn parse_int(text: &str, thousands: Option<char>) -> Result<i64, Misread> {
    let mut digits = Digits::default();
    let rest = digits.take_whole(trim(text).as_bytes(), thousands).ok_or(Misread::NotANumber)?;
    if !rest.is_empty() || digits.written == 0 {
        return Err(Misread::NotANumber);
    }
    i64::try_from(digits.value(0)?).ok().ok_or(Misread::OutOfRange)
}

/// Reads a decimal number as a multiple of `10^-scale`, exactly: digits beyond the scale are
/// [`Misread::TooPrecise`] unless they are zeros, more than `precision` digits in all
/// [`Misread::OutOfRange`]. `1.5E3`, `.5` and `5.` are fine too.
pub fn parse_decimal(
    text: &str,
    style: NumberStyle,
    precision: u8,
    scale: i8,
) -> Result<i128, Misread> {
    let mut digits = Digits::default();
    digits.take_number(trim(text).as_bytes(), style).ok_or(Misread::NotANumber)?;
    let value = digits.value(i32::from(scale))?;
    let limit = POWERS.get(usize::from(precision)).copied().unwrap_or(u128::MAX);
    if value.unsigned_abs() < limit { Ok(value) } else { Err(Misread::OutOfRange) }
}

/// Reads a number as the nearest 64-bit floating point number. There is no infinity and no NaN:
/// their names are no numbers, and numbers too large are [`Misread::OutOfRange`].
pub fn parse_float(text: &str, style: NumberStyle) -> Result<f64, Misread> {
    let text = trim(text);
    let mut digits = Digits::default();
    digits.take_number(text.as_bytes(), style).ok_or(Misread::NotANumber)?;
    let value = match digits.exact_float() {
        Some(value) => value,
        None => parse_long_float(text, style)?,
    };
    if value.is_finite() { Ok(value) } else { Err(Misread::OutOfRange) }
}

/// The way for numbers of many digits: the standard library rounds them.
fn parse_long_float(text: &str, style: NumberStyle) -> Result<f64, Misread> {
    let parsed = if style.decimal == '.' && style.thousands.is_none() {
        text.parse()
    } else {
        let kept = text.chars().filter(|sign| Some(*sign) != style.thousands);
        let plain = kept.map(|sign| if sign == style.decimal { '.' } else { sign });
        plain.collect::<String>().parse()
    };
    parsed.ok().ok_or(Misread::NotANumber)
}

/// A number taken apart: `mantissa * 10^(exponent + zeros)` and its sign.
#[derive(Debug, Default, Clone, Copy)]
struct Digits {
    mantissa: u128,
    negative: bool,
    /// Digits of the mantissa, counted only if there are more than [`FAST_DIGITS`] in all. Above
    /// [`MAX_DIGITS`] the mantissa is too short, and the last of them is not zero.
    significant: usize,
    /// Zeros that follow the mantissa.
    zeros: usize,
    exponent: i32,
    /// Digits read, leading zeros included.
    written: usize,
}

impl Digits {
    /// The number as a multiple of `10^-scale`.
    fn value(&self, scale: i32) -> Result<i128, Misread> {
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
                .ok_or(Misread::TooPrecise)?
        } else {
            let whole = power.filter(|_| !self.is_cut());
            whole.and_then(|power| self.mantissa.checked_mul(*power)).ok_or(Misread::OutOfRange)?
        };
        let size = i128::try_from(size).ok().ok_or(Misread::OutOfRange)?;
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

    /// Takes a whole text; `None` if it is no number.
    fn take_number(&mut self, text: &[u8], style: NumberStyle) -> Option<()> {
        let mut rest = self.take_whole(text, style.thousands)?;
        if let Some(fraction) = strip_char(rest, style.decimal) {
            rest = self.take_run(fraction);
            self.exponent -= i32::try_from(fraction.len() - rest.len()).ok()?;
        }
        if self.written == 0 {
            return None;
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            self.exponent = self.exponent.saturating_add(read_exponent(exponent)?);
            rest = &[];
        }
        rest.is_empty().then_some(())
    }

    /// Takes the sign and the whole part with its separators; `None` if they do not stand between digits.
    fn take_whole<'a>(&mut self, text: &'a [u8], thousands: Option<char>) -> Option<&'a [u8]> {
        let (negative, text) = split_sign(text);
        self.negative = negative;
        let mut rest = self.take_run(text);
        let Some(separator) = thousands.filter(|_| rest.len() < text.len()) else {
            return Some(rest);
        };
        let mut group = LAST_GROUP_DIGITS;
        while let Some(next) = strip_char(rest, separator) {
            rest = self.take_run(next);
            group = next.len() - rest.len();
            if group == 0 {
                return None;
            }
        }
        (group == LAST_GROUP_DIGITS).then_some(rest)
    }

    /// Takes digits up to the first other byte.
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLAIN: NumberStyle = NumberStyle { decimal: '.', thousands: None };
    const ENGLISH: NumberStyle = NumberStyle { decimal: '.', thousands: Some(',') };
    const GERMAN: NumberStyle = NumberStyle { decimal: ',', thousands: Some('.') };
    const FRENCH: NumberStyle = NumberStyle { decimal: ',', thousands: Some('\u{202f}') };
    const NOT: Misread = Misread::NotANumber;
    const OUT: Misread = Misread::OutOfRange;
    const FINE: Misread = Misread::TooPrecise;

    fn check_int(text: &str, thousands: Option<char>, expected: Result<i64, Misread>) {
        assert_eq!(parse_int(text, thousands), expected, "{text:?}");
    }

    #[test]
    fn whole_numbers() {
        for (text, expected) in
            [("0", 0), (" 42\t", 42), ("+7", 7), ("-007", -7), ("120000", 120_000)]
        {
            check_int(text, None, Ok(expected));
        }
        check_int("9223372036854775807", None, Ok(i64::MAX));
        check_int("-9223372036854775808", None, Ok(i64::MIN));
        check_int("9223372036854775808", None, Err(OUT));
        check_int(&"9".repeat(60), None, Err(OUT));
        check_int(&"0".repeat(60), None, Ok(0));
        for text in ["", " ", "-", "+-1", "1-", "1.0", "1e3", "1 2", "0x1", "１"] {
            check_int(text, None, Err(NOT));
        }
        check_int("1,234", None, Err(NOT));
    }

    #[test]
    fn separators_stand_between_digits() {
        for (text, expected) in [("1,234", 1234), ("-1,23,45,678", -12_345_678), ("1234", 1234)] {
            check_int(text, Some(','), Ok(expected));
        }
        for text in ["1,,234", ",123", "123,", "1,2", "1,2345", "1,234,", "-,123", ","] {
            check_int(text, Some(','), Err(NOT));
        }
        check_int("1\u{202f}234", Some('\u{202f}'), Ok(1234));
    }

    fn check(text: &str, style: NumberStyle, expected: Result<i128, Misread>) {
        assert_eq!(parse_decimal(text, style, 18, 4), expected, "{text:?}");
    }

    #[test]
    fn decimals_are_exact() {
        for (text, expected) in [
            ("1", 10_000),
            ("-0.0001", -1),
            ("1.5E3", 15_000_000),
            ("15e-1", 15_000),
            (".5", 5_000),
            ("5.", 50_000),
            ("1.50000000", 15_000),
            ("0.00000e99999999999", 0),
            ("99999999999999.9999", 999_999_999_999_999_999),
        ] {
            check(text, PLAIN, Ok(expected));
        }
        for text in ["0.00001", "1.00005", "1e-5", "0.33333333333333333333333333333333333333333333"]
        {
            check(text, PLAIN, Err(FINE));
        }
        for text in ["100000000000000", "1e14", "1e99999999999", &"9".repeat(60)] {
            check(text, PLAIN, Err(OUT));
        }
        for text in ["", ".", "-", "e5", "1e", "1e+", "1.2.3", "1,5", "NaN", "inf", "1e5.0", "1_0"]
        {
            check(text, PLAIN, Err(NOT));
        }
    }

    #[test]
    fn decimals_follow_the_style_of_their_column() {
        check("1,234.5", ENGLISH, Ok(12_345_000));
        check("1.234,56", GERMAN, Ok(12_345_600));
        check("1234,56", GERMAN, Ok(12_345_600));
        check("1\u{202f}234,56", FRENCH, Ok(12_345_600));
        check("1.5", GERMAN, Err(NOT));
        check("1,5", ENGLISH, Err(NOT));
        check("1.5,000", ENGLISH, Err(NOT));
        check("1,234e3", GERMAN, Ok(12_340_000));
    }

    #[test]
    fn decimals_of_every_scale() {
        assert_eq!(parse_decimal("1200", PLAIN, 5, -2), Ok(12));
        assert_eq!(parse_decimal("1250.5", PLAIN, 5, -2), Err(FINE));
        assert_eq!(parse_decimal("7", PLAIN, 38, 37), Ok(7 * 10i128.pow(37)));
        assert_eq!(parse_decimal("10", PLAIN, 38, 37), Err(OUT));
        assert_eq!(parse_decimal(&"9".repeat(38), PLAIN, 38, 0), Ok(10i128.pow(38) - 1));
    }

    fn check_float(text: &str, style: NumberStyle, expected: Result<f64, Misread>) {
        assert_eq!(parse_float(text, style), expected, "{text:?}");
    }

    #[test]
    fn floats() {
        check_float("36.6", PLAIN, Ok(36.6));
        check_float("-0.30000000000000004", PLAIN, Ok(-0.300_000_000_000_000_04));
        check_float("1,234.56789012345699999", ENGLISH, Ok(1_234.567_890_123_457));
        check_float("1.234,5", GERMAN, Ok(1234.5));
        check_float("2.5e-300", PLAIN, Ok(2.5e-300));
        check_float("1e309", PLAIN, Err(OUT));
        for text in ["nan", "NaN", "inf", "-Infinity", "", "1,5"] {
            check_float(text, PLAIN, Err(NOT));
        }
    }

    /// Digits, where the point stands among them, and an exponent, as text.
    fn written(digits: &str, point: usize, exponent: i32) -> String {
        let (whole, fraction) = digits.split_at(point.min(digits.len()));
        format!("{whole}.{fraction}e{exponent}")
    }

    /// The same by moving digits about, for numbers of at most 30 digits.
    fn by_hand(digits: &str, point: usize, exponent: i32, scale: i32) -> Result<i128, Misread> {
        let fraction = digits.len() - point.min(digits.len());
        let shift = exponent - i32::try_from(fraction).unwrap() + scale;
        let mut digits = digits.to_owned();
        for _ in 0..shift {
            digits.push('0');
        }
        for _ in shift..0 {
            if !digits.is_empty() && digits.pop() != Some('0') {
                return Err(FINE);
            }
        }
        let digits = digits.trim_start_matches('0');
        if digits.len() > 38 {
            return Err(OUT);
        }
        Ok(if digits.is_empty() { 0 } else { digits.parse().unwrap() })
    }

    proptest! {
        #[test]
        fn a_decimal_is_its_digits_moved(
            digits in "[0-9]{1,30}", point in 0usize..30, exponent in -30i32..30, scale in 0i8..20,
        ) {
            let text = written(&digits, point, exponent);
            let expected = by_hand(&digits, point, exponent, i32::from(scale));
            prop_assert_eq!(parse_decimal(&text, PLAIN, 38, scale), expected);
        }

        #[test]
        fn a_whole_number_is_read_again(value in any::<i64>()) {
            prop_assert_eq!(parse_int(&value.to_string(), None), Ok(value));
        }

        #[test]
        fn a_grouped_number_is_read_again(value in any::<u32>()) {
            let digits = value.to_string();
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            prop_assert_eq!(parse_int(&grouped, Some(',')), Ok(i64::from(value)));
            prop_assert_eq!(parse_float(&grouped, ENGLISH), Ok(f64::from(value)));
        }

        #[test]
        fn a_float_is_what_the_standard_library_reads(text in "-?[0-9]{1,25}(\\.[0-9]{1,25})?(e-?[0-9]{1,2})?") {
            prop_assert_eq!(parse_float(&text, PLAIN), Ok(text.parse::<f64>().unwrap()));
            prop_assert_eq!(parse_float(&text.replace('.', ","), GERMAN), Ok(text.parse::<f64>().unwrap()));
        }

        #[test]
        fn no_text_makes_it_fail(text in "[0-9eE+,. -]{0,50}") {
            let _read = (parse_int(&text, Some(',')), parse_decimal(&text, GERMAN, 18, 4), parse_float(&text, ENGLISH));
        }
    }
}
