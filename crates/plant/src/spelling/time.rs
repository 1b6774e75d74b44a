//! Days and moments as dumps write them.

use super::{Misread, parse_decimal, parse_float, trim};
use crate::contract::NumberStyle;
use crate::zone::ZoneTable;
use std::fmt;

const SECOND_US: i64 = 1_000_000;
const DAY_S: i64 = 86_400;
const DAY_US: i64 = DAY_S * SECOND_US;
const DAY_S_F64: f64 = 86_400.0;
/// 0001-01-01 00:00:00 and 10000-01-01 00:00:00, as microseconds since 1970-01-01.
const FIRST_US: i64 = -719_162 * DAY_US;
const END_US: i64 = 2_932_897 * DAY_US;
/// Days from the Excel serial number 0 to 1970-01-01, for serial numbers from 61 on.
const EXCEL_EPOCH_DAY: i64 = 25_569;
/// The serial number of 29 February 1900, a day Excel invented.
const EXCEL_NO_DAY: i64 = 60;
/// The serial number of 9999-12-31, the last day Excel knows.
const EXCEL_LAST_DAY: i64 = 2_958_465;
/// How epochs and serial numbers are written.
const PLAIN: NumberStyle = NumberStyle { decimal: '.', thousands: None };

const ALLOWED: &str = "allowed are yyyy MM dd HH mm ss, SSS (1 to 9 digits), XXX (Z or +05:30), T, \
    signs, text in '...', or one of epoch_s, epoch_ms, excel alone";

/// One way to write a day or a moment.
///
/// - `yyyy MM dd HH mm ss` in any order, each with exactly so many digits; `SSS` is a fraction of a
///   second of 1 to 9 digits, kept to the microsecond; `XXX` is a zone offset, `Z` or `+05:30`.
///   `T` and every sign stand for themselves, other letters between single quotes.
/// - `epoch_s`, `epoch_ms`: seconds or milliseconds since 1970-01-01 UTC, fractions allowed.
/// - `excel`: a serial day number of the 1900 date system, 1 to 2958465, its fraction being the
///   time of day to the nearest second, as Excel shows it (dumps keep five decimals, which is not
///   exact to the second); number 60 is no day, as there was no 29 February 1900.
///
/// Years run from 1 to 9999 in all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSpelling {
    text: String,
    form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Fields(Vec<Piece>),
    EpochS,
    EpochMs,
    Excel,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Block(Block),
    Fraction,
    Zone,
}

/// Fields and literals between pieces of varying width; all lie at fixed places in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Block {
    len: usize,
    literals: Vec<(usize, u8)>,
    /// Where a field begins and which it is.
    fields: Vec<(usize, Field)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

const FIELDS: [(&str, Field); 6] = [
    ("yyyy", Field::Year),
    ("MM", Field::Month),
    ("dd", Field::Day),
    ("HH", Field::Hour),
    ("mm", Field::Minute),
    ("ss", Field::Second),
];

/// What a text says: a time on a clock, and how far that clock is ahead of UTC if the text says so.
#[derive(Debug, Clone, Copy, Default)]
struct Stamp {
    /// Seconds from 1970-01-01 00:00:00 on that clock, and microseconds from there on.
    clock_s: i64,
    part_us: i64,
    offset_s: Option<i64>,
}

/// Reads a calendar day, as days since 1970-01-01, by the first spelling that gives a real one. The
/// time of day in the text must be real too and is dropped; epochs count days of UTC.
pub fn parse_date(text: &str, spellings: &[TimeSpelling]) -> Result<i32, Misread> {
    let day = |stamp: Stamp| i32::try_from(stamp.clock_s.div_euclid(DAY_S)).ok();
    first(text, spellings, |stamp| day(stamp).ok_or(Misread::NotATime))
}

/// Reads a moment, as microseconds since 1970-01-01 UTC, by the first spelling that gives a real
/// one. `zone` is that of texts which name none: a time its clock shows twice is the earlier one, a
/// time it never shows is [`Misread::NoSuchTime`]. A text without time of day is midnight.
pub fn parse_time(
    text: &str,
    spellings: &[TimeSpelling],
    zone: &ZoneTable,
) -> Result<i64, Misread> {
    first(text, spellings, |stamp| stamp.utc_us(zone))
}

/// The first spelling's value, or why the one that came closest has none.
fn first<T>(
    text: &str,
    spellings: &[TimeSpelling],
    value: impl Fn(Stamp) -> Result<T, Misread>,
) -> Result<T, Misread> {
    let text = trim(text);
    let mut misread = Misread::NotATime;
    for spelling in spellings {
        match spelling.read(text).and_then(&value) {
            Ok(value) => return Ok(value),
            Err(Misread::NoSuchTime) => misread = Misread::NoSuchTime,
            Err(_) => {}
        }
    }
    Err(misread)
}

impl Stamp {
    fn new(clock_us: i64, offset_s: Option<i64>) -> Self {
        let (clock_s, part_us) = (clock_us.div_euclid(SECOND_US), clock_us.rem_euclid(SECOND_US));
        Self { clock_s, part_us, offset_s }
    }

    fn utc_us(self, zone: &ZoneTable) -> Result<i64, Misread> {
        let utc_s = match self.offset_s {
            Some(offset_s) => self.clock_s - offset_s,
            None => zone.utc_s(self.clock_s).ok_or(Misread::NoSuchTime)?,
        };
        Ok(utc_s * SECOND_US + self.part_us)
    }
}

impl TimeSpelling {
    /// Builds a spelling from its text, as it stands in a contract.
    ///
    /// # Errors
    /// Says in words what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        let form = match text {
            "epoch_s" => Form::EpochS,
            "epoch_ms" => Form::EpochMs,
            "excel" => Form::Excel,
            _ => Form::Fields(
                pieces(text)
                    .map_err(|wrong| format!("the time spelling \"{text}\" {wrong}; {ALLOWED}"))?,
            ),
        };
        Ok(Self { text: text.to_owned(), form })
    }

    fn read(&self, text: &str) -> Result<Stamp, Misread> {
        match &self.form {
            Form::Fields(pieces) => read_pieces(pieces, text.as_bytes()).ok_or(Misread::NotATime),
            Form::EpochS => read_epoch(text, 9),
            Form::EpochMs => read_epoch(text, 6),
            Form::Excel => read_excel(text),
        }
    }
}

impl fmt::Display for TimeSpelling {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

fn read_pieces(pieces: &[Piece], text: &[u8]) -> Option<Stamp> {
    let mut parts = [0; FIELDS.len()];
    let mut stamp = Stamp::default();
    let mut rest = text;
    for piece in pieces {
        match piece {
            Piece::Block(block) => rest = block.read(rest, &mut parts)?,
            Piece::Fraction => (stamp.part_us, rest) = read_fraction(rest)?,
            Piece::Zone => {
                let (offset_s, after) = read_zone(rest)?;
                (stamp.offset_s, rest) = (Some(offset_s), after);
            }
        }
    }
    stamp.clock_s = clock_s(parts)?;
    rest.is_empty().then_some(stamp)
}

impl Block {
    /// Reads the fields of this block into `parts` and gives the text after it.
    fn read<'a>(&self, text: &'a [u8], parts: &mut [u32; FIELDS.len()]) -> Option<&'a [u8]> {
        let (text, rest) = text.split_at_checked(self.len)?;
        if self.literals.iter().any(|(at, byte)| text[*at] != *byte) {
            return None;
        }
        for (at, field) in &self.fields {
            let value = match field {
                Field::Year => read_two(text, *at)? * 100 + read_two(text, at + 2)?,
                _ => read_two(text, *at)?,
            };
            parts[*field as usize] = value;
        }
        Some(rest)
    }
}

fn read_two(text: &[u8], at: usize) -> Option<u32> {
    let tens = text[at].wrapping_sub(b'0');
    let ones = text[at + 1].wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// Seconds from 1970-01-01 on a clock that shows these parts; `None` if none ever does.
fn clock_s([year, month, day, hour, minute, second]: [u32; FIELDS.len()]) -> Option<i64> {
    let real = year > 0
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    let time_s = i64::from(hour * 3600 + minute * 60 + second);
    real.then(|| epoch_day(year, month, day) * DAY_S + time_s)
}

fn days_in_month(year: u32, month: u32) -> u32 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. The year is counted from March, so that the leap day is its last.
fn epoch_day(year: u32, month: u32, day: u32) -> i64 {
    let year = year - u32::from(month < 3);
    let month = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    i64::from(365 * year + leap_days + day_of_year) - 719_468
}

/// Reads 1 to 9 digits as a fraction of a second, cut to microseconds.
fn read_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let len = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    if !(1..=9).contains(&len) {
        return None;
    }
    let (digits, rest) = text.split_at(len);
    let digit = |at: usize| digits.get(at).map_or(0, |digit| i64::from(digit - b'0'));
    Some(((0..6).fold(0, |sum, at| sum * 10 + digit(at)), rest))
}

/// Reads a zone offset of up to 18 hours, in seconds east of UTC.
fn read_zone(text: &[u8]) -> Option<(i64, &[u8])> {
    if let [b'Z', rest @ ..] = text {
        return Some((0, rest));
    }
    let (zone, rest) = text.split_at_checked(6)?;
    let sign = match zone[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (read_two(zone, 1)?, read_two(zone, 4)?);
    let real = zone[3] == b':' && minutes < 60 && hours * 60 + minutes <= 18 * 60;
    real.then(|| (sign * i64::from(hours * 3600 + minutes * 60), rest))
}

/// Reads a number of units of `10^scale` nanoseconds.
fn read_epoch(text: &str, scale: i8) -> Result<Stamp, Misread> {
    let ns = parse_decimal(text, PLAIN, 38, scale)?;
    let clock_us = i64::try_from(ns.div_euclid(1000)).ok().ok_or(Misread::NotATime)?;
    let real = (FIRST_US..END_US).contains(&clock_us);
    real.then_some(Stamp::new(clock_us, Some(0))).ok_or(Misread::NotATime)
}

fn read_excel(text: &str) -> Result<Stamp, Misread> {
    let serial_s = (parse_float(text, PLAIN)? * DAY_S_F64).round();
    if !(DAY_S_F64..(EXCEL_LAST_DAY + 1) as f64 * DAY_S_F64).contains(&serial_s) {
        return Err(Misread::NotATime);
    }
    let serial_us = serial_s as i64 * 1_000_000;
    match serial_us / DAY_US {
        EXCEL_NO_DAY => Err(Misread::NoSuchTime),
        day => {
            let first_day = EXCEL_EPOCH_DAY - i64::from(day < EXCEL_NO_DAY);
            Ok(Stamp::new(serial_us - first_day * DAY_US, None))
        }
    }
}

/// Takes a spelling of fields apart; the error goes on after "the time spelling ...".
fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut draft = Draft::default();
    let mut rest = text;
    while !rest.is_empty() {
        rest = draft.take_token(rest)?;
    }
    draft.end_block();
    draft.check()?;
    Ok(draft.pieces)
}

#[derive(Default)]
struct Draft<'a> {
    pieces: Vec<Piece>,
    block: Block,
    seen: Vec<&'a str>,
}

impl<'a> Draft<'a> {
    /// Takes the first token and gives the text after it.
    fn take_token(&mut self, text: &'a str) -> Result<&'a str, String> {
        for (token, field) in FIELDS {
            if let Some(rest) = text.strip_prefix(token) {
                self.see(token)?;
                self.block.fields.push((self.block.len, field));
                self.block.len += token.len();
                return Ok(rest);
            }
        }
        for (token, piece) in [("SSS", Piece::Fraction), ("XXX", Piece::Zone)] {
            if let Some(rest) = text.strip_prefix(token) {
                self.see(token)?;
                self.end_block();
                self.pieces.push(piece);
                return Ok(rest);
            }
        }
        self.take_literal(text)
    }

    fn take_literal(&mut self, text: &'a str) -> Result<&'a str, String> {
        if let Some(quoted) = text.strip_prefix('\'') {
            let (literal, rest) =
                quoted.split_once('\'').ok_or("opens a quote and never closes it")?;
            self.add_literal(literal);
            return Ok(rest);
        }
        let end = text.chars().next().map_or(0, char::len_utf8);
        let (literal, rest) = text.split_at(end);
        if literal != "T" && literal.chars().all(char::is_alphabetic) {
            return Err(format!("has \"{literal}\" where no field begins"));
        }
        self.add_literal(literal);
        Ok(rest)
    }

    fn add_literal(&mut self, literal: &str) {
        for byte in literal.bytes() {
            self.block.literals.push((self.block.len, byte));
            self.block.len += 1;
        }
    }

    fn see(&mut self, token: &'a str) -> Result<(), String> {
        if self.seen.contains(&token) {
            return Err(format!("has {token} twice"));
        }
        self.seen.push(token);
        Ok(())
    }

    fn end_block(&mut self) {
        if self.block.len > 0 {
            self.pieces.push(Piece::Block(std::mem::take(&mut self.block)));
        }
    }

    fn check(&self) -> Result<(), String> {
        for token in ["yyyy", "MM", "dd"] {
            if !self.seen.contains(&token) {
                return Err(format!("has no {token}"));
            }
        }
        for (token, needed) in [("mm", "HH"), ("ss", "mm"), ("SSS", "ss"), ("XXX", "HH")] {
            if self.seen.contains(&token) && !self.seen.contains(&needed) {
                return Err(format!("has {token} but no {needed}"));
            }
        }
        let after_fraction = |pair: &[Piece]| match pair {
            [Piece::Fraction, Piece::Block(block)] => block.begins_with_digit(),
            _ => false,
        };
        if self.pieces.windows(2).any(after_fraction) {
            return Err("has digits right after SSS, whose width varies".to_owned());
        }
        Ok(())
    }
}

impl Block {
    fn begins_with_digit(&self) -> bool {
        self.literals.first().is_none_or(|(at, byte)| *at > 0 || byte.is_ascii_digit())
    }
}

#[cfg(test)]
mod tests;
