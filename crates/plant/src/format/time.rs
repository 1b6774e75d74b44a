//! Days and moments as dumps write them.

mod fields;
mod names;
mod serial;

pub use names::Locale;

use super::{ParseError, is_invisible, trim};
use crate::time::{DAY_S, DAY_US, SECOND_US};
use crate::zone::ZoneTable;
use fields::Fields;
use std::fmt;

/// 0001-01-01 and 10000-01-01, as days since 1970-01-01.
const FIRST_DAY: i64 = -719_162;
const END_DAY: i64 = 2_932_897;
const FIRST_US: i64 = FIRST_DAY * DAY_US;
const END_US: i64 = END_DAY * DAY_US;
/// Texts of more bytes are not read a second time with their blanks and signs made plain.
const MAX_PLAIN_BYTES: usize = 64;

const ALLOWED: &str = "allowed are yyyy or yy, MM or M, MMM (month in words), dd or d, HH or H, hh or h \
    with a (AM, PM), mm or m, ss or s, SSS (1 to 9 digits), XXX (Z, +05:30, +0530 or +05), T, signs, \
    text in '...', or one of epoch_s, epoch_ms, epoch_us, epoch_ns, excel, excel_1904 alone";

/// One way to write a day or a moment.
///
/// - `yyyy MM dd HH mm ss` in any order, each with exactly so many digits; `M d H m s` with one digit
///   or two. `yy` is a year of two digits; `MMM` and `MMMM` are the month in words, short or in full,
///   in any letter case; `hh` or `h` with `a` count hours from 12 to 11 in halves of a day. `SSS` is a
///   fraction of a second of 1 to 9 digits, kept to the microsecond; `X`, `XX` and `XXX` are a zone
///   offset: `Z`, `UTC`, `+05:30`, `+0530` or `+05`. `T`, blanks and signs are literal, other letters
///   are written between single quotes. 24:00:00 is the midnight at the end of its day.
/// - `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`: units since 1970-01-01 UTC, fractions allowed.
///   Numbers that are evidently of another unit are refused, see [`serial`].
/// - `excel`: a serial day number of the 1900 date system, 1 to 2958465, its fraction being the
///   time of day to the nearest second, as Excel shows it (dumps keep five decimals, which is not
///   exact to the second); number 60 is no day, as there was no 29 February 1900. `excel_1904`: the
///   same of the 1904 date system, 0 to 2957003.
///
/// Years run from 1 to 9999 in all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeFormat {
    text: String,
    form: Form,
}

/// What a spelling needs besides its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOptions {
    /// The language of months in words.
    pub locale: Locale,
    /// The first of the hundred years that `yy` means.
    pub two_digit_years_from: u16,
}

impl Default for TimeOptions {
    /// English months; `yy` is 1969 to 2068, as POSIX defines it.
    fn default() -> Self {
        Self { locale: Locale::default(), two_digit_years_from: 1969 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Fields(Fields),
    Epoch(serial::Unit),
    Excel(serial::DateSystem),
}

/// What a text says: a time on a clock, and how far that clock is ahead of UTC if the text says so.
#[derive(Debug, Clone, Copy, Default)]
struct Stamp {
    /// Seconds from 1970-01-01 00:00:00 on that clock, and microseconds from there on.
    clock_s: i64,
    part_us: i64,
    offset_s: Option<i64>,
}

/// A moment that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Microseconds since 1970-01-01 UTC; the earlier moment if the clock shows the time twice.
    pub at_us: i64,
    /// How much later the clock shows the same time again; 0 if it does not, or if the text tells
    /// which of the two is meant.
    pub repeat_after_us: i64,
}

/// Whether a day, in days since 1970-01-01, is in the years 1 to 9999, which every reader knows.
pub fn is_storable_day(day: i32) -> bool {
    (FIRST_DAY..END_DAY).contains(&i64::from(day))
}

/// Reads a calendar day, as days since 1970-01-01, by the first spelling that gives a real one. The
/// time of day in the text must be real too and is dropped, but 24:00:00 is the next day; epochs
/// count days of UTC.
pub fn parse_date(text: &str, formats: &[TimeFormat]) -> Result<i32, ParseError> {
    first(text, formats, |stamp| {
        let day = stamp.clock_s.div_euclid(DAY_S);
        let day = i32::try_from(day).ok();
        day.filter(|day| is_storable_day(*day)).ok_or(ParseError::NotATime)
    })
}

/// Reads a moment by the first spelling that gives a real one. `zone` is that of texts which name
/// none: a time its clock never shows is [`ParseError::NoSuchTime`]. A text without time of day is
/// midnight. Whatever the zone, the moment is in the years 1 to 9999 of UTC.
pub fn parse_timestamp(
    text: &str,
    formats: &[TimeFormat],
    zone: &ZoneTable,
) -> Result<Timestamp, ParseError> {
    first(text, formats, |stamp| stamp.timestamp(zone))
}

/// Reads a moment as [`parse_timestamp`] does, in microseconds since 1970-01-01 UTC; the earlier one if
/// the clock shows the time twice.
pub fn parse_time(text: &str, formats: &[TimeFormat], zone: &ZoneTable) -> Result<i64, ParseError> {
    parse_timestamp(text, formats, zone).map(|timestamp| timestamp.at_us)
}

/// The first spelling's value, or why the one that came closest has none.
fn first<T>(
    text: &str,
    formats: &[TimeFormat],
    value: impl Fn(Stamp) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let text = trim(text);
    let read = first_exact(text, formats, &value);
    if text.is_ascii() || !matches!(read, Err(ParseError::NotATime)) {
        return read;
    }
    let mut buffer = [0; MAX_PLAIN_BYTES];
    match plain(text, &mut buffer) {
        Some(plain) => first_exact(plain, formats, &value),
        None => read,
    }
}

fn first_exact<T>(
    text: &str,
    formats: &[TimeFormat],
    value: &impl Fn(Stamp) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let mut misread = ParseError::NotATime;
    for format in formats {
        match format.read(text).and_then(value) {
            Ok(value) => return Ok(value),
            Err(ParseError::NoSuchTime) => misread = ParseError::NoSuchTime,
            Err(_) => {}
        }
    }
    Err(misread)
}

/// The text with every blank as a space, the typographic minus as a hyphen, and without invisible
/// characters; `None` if it is too long.
fn plain<'b>(text: &str, buffer: &'b mut [u8; MAX_PLAIN_BYTES]) -> Option<&'b str> {
    let mut len = 0;
    for sign in text.chars().filter(|sign| !is_invisible(*sign)) {
        let place = buffer.get_mut(len..).filter(|it| it.len() >= sign.len_utf8())?;
        len += plain_sign(sign).encode_utf8(place).len();
    }
    str::from_utf8(&buffer[..len]).ok()
}

fn plain_sign(sign: char) -> char {
    match sign {
        '\u{2212}' => '-',
        _ if sign.is_whitespace() && !sign.is_control() => ' ',
        _ => sign,
    }
}

impl Stamp {
    fn new(clock_us: i64, offset_s: Option<i64>) -> Self {
        let (clock_s, part_us) = (clock_us.div_euclid(SECOND_US), clock_us.rem_euclid(SECOND_US));
        Self { clock_s, part_us, offset_s }
    }

    fn timestamp(self, zone: &ZoneTable) -> Result<Timestamp, ParseError> {
        let (utc_s, repeat_after_s) = match self.offset_s {
            Some(offset_s) => (self.clock_s - offset_s, 0),
            None => {
                let utc_s = zone.utc_s(self.clock_s).ok_or(ParseError::NoSuchTime)?;
                (
                    utc_s,
                    zone.repeat_after_s(self.clock_s)
                        .map_or(0, |repeat_after_s| repeat_after_s - utc_s),
                )
            }
        };
        let at_us = utc_s * SECOND_US + self.part_us;
        let is_real = (FIRST_US..END_US).contains(&at_us);
        let timestamp = Timestamp { at_us, repeat_after_us: repeat_after_s * SECOND_US };
        is_real.then_some(timestamp).ok_or(ParseError::NotATime)
    }
}

impl TimeFormat {
    /// Builds a spelling from its text, as it is written in a contract, with the default options.
    ///
    /// # Errors
    /// Says in words what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::with_options(text, TimeOptions::default())
    }

    /// Builds a spelling from its text, as it is written in a contract.
    ///
    /// # Errors
    /// Says in words what is wrong and what is allowed.
    pub fn with_options(text: &str, options: TimeOptions) -> Result<Self, String> {
        let form = match text {
            "epoch_s" => Form::Epoch(serial::Unit::Second),
            "epoch_ms" => Form::Epoch(serial::Unit::Millisecond),
            "epoch_us" => Form::Epoch(serial::Unit::Microsecond),
            "epoch_ns" => Form::Epoch(serial::Unit::Nanosecond),
            "excel" => Form::Excel(serial::DateSystem::From1900),
            "excel_1904" => Form::Excel(serial::DateSystem::From1904),
            _ => Form::Fields(
                Fields::parse(text, options)
                    .map_err(|wrong| format!("the time format \"{text}\" {wrong}; {ALLOWED}"))?,
            ),
        };
        Ok(Self { text: text.to_owned(), form })
    }

    fn read(&self, text: &str) -> Result<Stamp, ParseError> {
        match &self.form {
            Form::Fields(fields) => fields.read(text.as_bytes()).ok_or(ParseError::NotATime),
            Form::Epoch(unit) => serial::read_epoch(text, *unit),
            Form::Excel(system) => serial::read_excel(text, *system),
        }
    }
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
