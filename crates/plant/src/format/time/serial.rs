//! Timestamps as numbers: epochs, spreadsheet serial days and the formats of .NET.
//!
//! A number does not state its unit, so numbers that are evidently in another unit are refused
//! instead of being dated 1970 or 5138. Milliseconds since 1973 read as seconds are beyond the year
//! 5000; seconds up to 2286 read as a finer unit are in the first months of 1970. Therefore epochs
//! end with the year 4999, except for 9999-12-31, which many systems use as "forever", and epochs
//! finer than seconds exclude the months around 1970-01-01, except for that instant itself.

use super::fields::epoch_day;
use super::{END_DAY, FIRST_US, Stamp};
use crate::contract::{NumberStyle, Units};
use crate::format::{ParseError, parse_decimal, parse_float};
use crate::time::{DAY_S, DAY_US};

/// The first year that is implausible in an epoch.
const EPOCH_END_US: i64 = epoch_day(5000, 1, 1) * DAY_US;
const LAST_DAY_US: std::ops::Range<i64> = (END_DAY - 1) * DAY_US..END_DAY * DAY_US;
/// Distance from 1970-01-01 within which an epoch finer than seconds is implausible: 1e7 s, some
/// 116 days.
const NEAR_1970_US: i64 = 10_000_000_000_000;

const DAY_S_F64: f64 = DAY_S as f64;
/// Serial number of 29 February 1900, a day that exists in Excel only.
const EXCEL_NO_DAY: i64 = 60;

/// Number formats of epochs and serial numbers.
const POINT: NumberStyle = bare_number('.');
const COMMA: NumberStyle = bare_number(',');

const fn bare_number(decimal: char) -> NumberStyle {
    let units = Units::Only(Vec::new());
    NumberStyle { decimal, thousands: None, units, percent_is_fraction: false }
}

/// Unit of an epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl Unit {
    /// Decimal places that convert the unit to nanoseconds.
    const fn places(self) -> i8 {
        match self {
            Self::Second => 9,
            Self::Millisecond => 6,
            Self::Microsecond => 3,
            Self::Nanosecond => 0,
        }
    }
}

/// First day of a spreadsheet's date system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateSystem {
    From1900,
    From1904,
}

impl DateSystem {
    /// Serial number of 1970-01-01; in the 1900 system for numbers from 61 on.
    const fn epoch(self) -> i64 {
        match self {
            Self::From1900 => 25_569,
            Self::From1904 => 24_107,
        }
    }

    /// The first valid serial number.
    const fn first(self) -> i64 {
        match self {
            Self::From1900 => 1,
            Self::From1904 => 0,
        }
    }
}

pub(super) fn parse_epoch(text: &str, unit: Unit) -> Result<Stamp, ParseError> {
    let ns = parse_decimal(bare(text)?, &POINT, 38, unit.places())?;
    let clock_us = i64::try_from(ns.div_euclid(1000)).ok().ok_or(ParseError::NotATime)?;
    let in_range = (FIRST_US..EPOCH_END_US).contains(&clock_us) || LAST_DAY_US.contains(&clock_us);
    let is_near_1970 = clock_us != 0 && clock_us.abs() < NEAR_1970_US;
    let is_plausible = in_range && (unit == Unit::Second || !is_near_1970);
    is_plausible.then_some(Stamp::new(clock_us, Some(0))).ok_or(ParseError::NotATime)
}

pub(super) fn parse_excel(text: &str, system: DateSystem) -> Result<Stamp, ParseError> {
    let serial_s = (parse_serial(bare(text)?)? * DAY_S_F64).round();
    let end_s = (END_DAY + system.epoch()) as f64 * DAY_S_F64;
    if !(system.first() as f64 * DAY_S_F64..end_s).contains(&serial_s) {
        return Err(ParseError::NotATime);
    }
    let serial_us = serial_s as i64 * 1_000_000;
    let day = serial_us / DAY_US;
    if system == DateSystem::From1900 && day == EXCEL_NO_DAY {
        return Err(ParseError::NoSuchTime);
    }
    let is_before = system == DateSystem::From1900 && day < EXCEL_NO_DAY;
    Ok(Stamp::new(serial_us - (system.epoch() - i64::from(is_before)) * DAY_US, None))
}

/// Parses a serial number with a decimal point or comma. A comma that could be a thousands
/// separator, as in `45,296`, is refused.
fn parse_serial(text: &str) -> Result<f64, ParseError> {
    let Some((whole, fraction)) = text.split_once(',') else {
        return parse_float(text, &POINT);
    };
    if whole.trim_start_matches('-').len() <= 3 && fraction.len() == 3 {
        return Err(ParseError::NotATime);
    }
    parse_float(text, &COMMA)
}

/// The text if it is a number without decoration.
fn bare(text: &str) -> Result<&str, ParseError> {
    let is_digit = |sign: char| sign.is_ascii_digit();
    let is_bare = text.starts_with(|sign: char| is_digit(sign) || matches!(sign, '-' | '+' | '.'))
        && text.ends_with(|sign: char| is_digit(sign) || sign == '.');
    is_bare.then_some(text).ok_or(ParseError::NotATime)
}
