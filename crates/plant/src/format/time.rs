//! Date and time formats of dumps.

mod fields;
mod names;
mod serial;

pub use names::Locale;

use super::{ParseError, is_invisible, trim};
use crate::time::{DAY_S, DAY_US, SECOND_US};
use crate::zone::ZoneTable;
use fields::Fields;
use std::fmt;

/// 0001-01-01 and 10000-01-01 in days since 1970-01-01.
const FIRST_DAY: i64 = -719_162;
const END_DAY: i64 = 2_932_897;
const FIRST_US: i64 = FIRST_DAY * DAY_US;
const END_US: i64 = END_DAY * DAY_US;
/// Longer texts are not parsed a second time with normalized spaces and signs.
const MAX_NORMALIZED_BYTES: usize = 64;

const ALLOWED: &str = "allowed are yyyy or yy, MM or M, MMM (month in words), dd or d, HH or H, hh or h \
    with a (AM, PM), mm or m, ss or s, SSS (1 to 9 digits), XXX (Z, +05:30, +0530 or +05), T, signs, \
    text in '...', or one of epoch_s, epoch_ms, epoch_us, epoch_ns, excel, excel_1904, \
    dotnet_date, dotnet_ticks alone";

/// A date or time format.
///
/// - `yyyy MM dd HH mm ss` in any order, each with exactly that many digits; `M d H m s` with one
///   or two digits. `yy` is a year of two digits; `MMM` and `MMMM` are month names, short or in
///   full, in any letter case; `hh` or `h` with `a` is a 12-hour clock. `SSS` is a fraction of a
///   second of 1 to 9 digits, kept to the microsecond; `X`, `XX` and `XXX` are a zone offset: `Z`,
///   `UTC`, `+05:30`, `+0530` or `+05`. `T`, spaces and punctuation are literal, other letters need
///   single quotes. 24:00:00 is midnight at the end of the day.
///
/// - `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`: units since 1970-01-01T00:00:00Z, fractions
///   allowed. Numbers that are evidently in another unit are refused, see [`serial`].
///
/// - `excel`: a serial day number of the 1900 date system, 1 to 2958465, whose fraction is the time
///   of day rounded to seconds, as Excel shows it (dumps keep five decimals, which is not exact to
///   the second); 60 is refused, as 29 February 1900 did not exist. `excel_1904`: the same for the
///   1904 date system, 0 to 2957003.
///
/// - `dotnet_date`: `/Date(1700000000000+0100)/`, milliseconds since 1970-01-01T00:00:00Z as JSON
///   serializers of .NET write them. The offset, if there is one, only determines the local date.
///   `dotnet_ticks`: units of 100 ns since 0001-01-01T00:00:00Z.
///
/// All formats cover the years 1 to 9999.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeFormat {
    text: String,
    form: Form,
}

/// Options of a format besides its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOptions {
    /// Language of month names.
    pub locale: Locale,
    /// First of the hundred years that `yy` can mean.
    pub two_digit_years_from: u16,
}

impl Default for TimeOptions {
    /// English month names; `yy` is 1969 to 2068, as in POSIX.
    fn default() -> Self {
        Self { locale: Locale::default(), two_digit_years_from: 1969 }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Fields(Fields),
    Epoch(serial::EpochUnit),
    Excel(serial::DateSystem),
    DotnetDate,
    DotnetTicks,
}

/// A parsed text: local date and time, and the offset from UTC if the text contains one.
#[derive(Debug, Clone, Copy, Default)]
struct Stamp {
    /// Seconds since 1970-01-01T00:00:00 local time, and microseconds within the second.
    clock_s: i64,
    part_us: i64,
    offset_s: Option<i64>,
}

/// A parsed timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp {
    /// Microseconds since 1970-01-01T00:00:00Z; the earlier one if the local time is ambiguous.
    pub at_us: i64,
    /// Microseconds until the same local time occurs again; 0 if it does not, or if the text
    /// contains an offset.
    pub repeat_after_us: i64,
}

/// Whether a day, in days since 1970-01-01, is in the years 1 to 9999, which every reader supports.
pub fn is_storable_day(day: i32) -> bool {
    (FIRST_DAY..END_DAY).contains(&i64::from(day))
}

/// Parses a date, as days since 1970-01-01, by the first format that matches. A time of day in the
/// text is validated and dropped; 24:00:00 is the next day. Epochs count days of UTC.
pub fn parse_date(text: &str, formats: &[TimeFormat]) -> Result<i32, ParseError> {
    first_value(text, formats, |stamp| {
        let day = stamp.clock_s.div_euclid(DAY_S);
        let day = i32::try_from(day).ok();
        day.filter(|day| is_storable_day(*day)).ok_or(ParseError::NotATime)
    })
}

/// Parses a timestamp by the first format that matches. Texts without an offset are in `zone`; a
/// local time that does not exist is [`ParseError::NoSuchTime`]. A text without a time of day is
/// midnight. The result is in the years 1 to 9999 of UTC.
pub fn parse_timestamp(
    text: &str,
    formats: &[TimeFormat],
    zone: &ZoneTable,
) -> Result<Timestamp, ParseError> {
    first_value(text, formats, |stamp| stamp.timestamp(zone))
}

/// Parses a timestamp as [`parse_timestamp`] does, in microseconds since 1970-01-01T00:00:00Z; the
/// earlier one if the local time is ambiguous.
pub fn parse_time(text: &str, formats: &[TimeFormat], zone: &ZoneTable) -> Result<i64, ParseError> {
    parse_timestamp(text, formats, zone).map(|timestamp| timestamp.at_us)
}

/// The value of the first format that matches, or the most specific error.
fn first_value<T>(
    text: &str,
    formats: &[TimeFormat],
    value: impl Fn(Stamp) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let text = trim(text);
    let read = first_match(text, formats, &value);
    if text.is_ascii() || !matches!(read, Err(ParseError::NotATime)) {
        return read;
    }
    let mut buffer = [0; MAX_NORMALIZED_BYTES];
    match plain(text, &mut buffer) {
        Some(plain) => first_match(plain, formats, &value),
        None => read,
    }
}

fn first_match<T>(
    text: &str,
    formats: &[TimeFormat],
    value: &impl Fn(Stamp) -> Result<T, ParseError>,
) -> Result<T, ParseError> {
    let mut error = ParseError::NotATime;
    for format in formats {
        match format.parse_text(text).and_then(value) {
            Ok(value) => return Ok(value),
            Err(ParseError::NoSuchTime) => error = ParseError::NoSuchTime,
            Err(_) => {}
        }
    }
    Err(error)
}

/// Normalizes spaces and the typographic minus to ASCII and drops invisible characters; `None` if
/// the text is too long.
fn plain<'b>(text: &str, buffer: &'b mut [u8; MAX_NORMALIZED_BYTES]) -> Option<&'b str> {
    let mut len = 0;
    for sign in text.chars().filter(|sign| !is_invisible(*sign)) {
        let place = buffer.get_mut(len..).filter(|it| it.len() >= sign.len_utf8())?;
        len += normalized_char(sign).encode_utf8(place).len();
    }
    str::from_utf8(&buffer[..len]).ok()
}

fn normalized_char(sign: char) -> char {
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
                let second_s = zone.second_utc_s(self.clock_s);
                (utc_s, second_s.map_or(0, |second_s| second_s - utc_s))
            }
        };
        let at_us = utc_s * SECOND_US + self.part_us;
        let is_in_range = (FIRST_US..END_US).contains(&at_us);
        let timestamp = Timestamp { at_us, repeat_after_us: repeat_after_s * SECOND_US };
        is_in_range.then_some(timestamp).ok_or(ParseError::NotATime)
    }
}

impl TimeFormat {
    /// Parses a format as written in a contract, with default options.
    ///     ///
    /// # Errors
    ///     ///
    /// Describes what is wrong and what is allowed.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::with_options(text, TimeOptions::default())
    }

    /// Parses a format as written in a contract.
    ///     ///
    /// # Errors
    ///     ///
    /// Describes what is wrong and what is allowed.
    pub fn with_options(text: &str, options: TimeOptions) -> Result<Self, String> {
        let form = match text {
            "epoch_s" => Form::Epoch(serial::EpochUnit::Second),
            "epoch_ms" => Form::Epoch(serial::EpochUnit::Millisecond),
            "epoch_us" => Form::Epoch(serial::EpochUnit::Microsecond),
            "epoch_ns" => Form::Epoch(serial::EpochUnit::Nanosecond),
            "excel" => Form::Excel(serial::DateSystem::From1900),
            "dotnet_date" => Form::DotnetDate,
            "dotnet_ticks" => Form::DotnetTicks,
            "excel_1904" => Form::Excel(serial::DateSystem::From1904),
            _ => Form::Fields(
                Fields::parse(text, options)
                    .map_err(|wrong| format!("the time format \"{text}\" {wrong}; {ALLOWED}"))?,
            ),
        };
        Ok(Self { text: text.to_owned(), form })
    }

    fn parse_text(&self, text: &str) -> Result<Stamp, ParseError> {
        match &self.form {
            Form::Fields(fields) => fields.read(text.as_bytes()).ok_or(ParseError::NotATime),
            Form::Epoch(unit) => serial::parse_epoch(text, *unit),
            Form::Excel(system) => serial::parse_excel(text, *system),
            Form::DotnetDate => serial::parse_dotnet_date(text),
            Form::DotnetTicks => serial::parse_dotnet_ticks(text),
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
