//! Field formats such as `yyyy-MM-dd HH:mm:ss`.

use super::{Locale, Stamp, TimeOptions};
use crate::time::DAY_S;

/// A compiled format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    pieces: Vec<Piece>,
    options: TimeOptions,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Block(Block),
    /// One or two digits, or a space and a digit.
    Short(Field),
    /// A month name; `is_dot_literal` if a dot follows in the format.
    Month {
        is_dot_literal: bool,
    },
    /// AM or PM.
    HalfDay,
    Fraction,
    Zone,
}

/// Fields and literals at fixed positions between pieces of variable width.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Block {
    len: usize,
    literals: Vec<(usize, u8)>,
    /// Position and kind of each field.
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
    ShortYear,
}

/// Year, month, day, hour, minute and second of a text.
type Parts = [u32; 6];

impl Field {
    const fn place(self) -> usize {
        match self {
            Self::ShortYear => Self::Year as usize,
            _ => self as usize,
        }
    }
}

/// What a text contains besides its [`Parts`].
#[derive(Default)]
struct Parsed {
    parts: Parts,
    part_us: i64,
    offset_s: Option<i64>,
    is_pm: Option<bool>,
}

impl Fields {
    /// Compiles a format; the error continues a sentence that starts with "the time format ...".
    pub(super) fn parse(text: &str, options: TimeOptions) -> Result<Self, String> {
        let mut draft = Draft::default();
        let mut rest = text;
        while !rest.is_empty() {
            rest = draft.take_token(rest)?;
        }
        draft.end_block();
        draft.check()?;
        Ok(Self { pieces: draft.pieces, options })
    }

    /// Parses a whole text; `None` if it does not match or is not a valid date and time.
    pub(super) fn read(&self, text: &[u8]) -> Option<Stamp> {
        let mut parsed = Parsed::default();
        let mut rest = text;
        for piece in &self.pieces {
            rest = match piece {
                Piece::Block(block) => block.read(rest, &mut parsed.parts, self.options)?,
                other => self.read_varying(other, rest, &mut parsed)?,
            };
        }
        rest.is_empty().then_some(())?;
        parsed.stamp()
    }

    fn read_varying<'a>(
        &self,
        piece: &Piece,
        text: &'a [u8],
        parsed: &mut Parsed,
    ) -> Option<&'a [u8]> {
        match piece {
            Piece::Block(block) => block.read(text, &mut parsed.parts, self.options),
            Piece::Short(field) => {
                let (value, rest) = parse_short(text)?;
                parsed.parts[field.place()] = value;
                Some(rest)
            }
            Piece::Month { is_dot_literal } => {
                let (month, rest) = parse_month(text, self.options.locale, *is_dot_literal)?;
                parsed.parts[Field::Month.place()] = month;
                Some(rest)
            }
            Piece::HalfDay => {
                let (is_pm, rest) = parse_half_day(text)?;
                parsed.is_pm = Some(is_pm);
                Some(rest)
            }
            Piece::Fraction => {
                let (part_us, rest) = parse_fraction(text)?;
                parsed.part_us = part_us;
                Some(rest)
            }
            Piece::Zone => {
                let (offset_s, rest) = parse_zone(text)?;
                parsed.offset_s = Some(offset_s);
                Some(rest)
            }
        }
    }
}

impl Parsed {
    fn stamp(mut self) -> Option<Stamp> {
        let hour = &mut self.parts[Field::Hour.place()];
        if let Some(is_pm) = self.is_pm {
            (1..=12).contains(hour).then_some(())?;
            *hour = *hour % 12 + if is_pm { 12 } else { 0 };
        }
        let clock_s = clock_s(self.parts, self.part_us)?;
        Some(Stamp { clock_s, part_us: self.part_us, offset_s: self.offset_s })
    }
}

impl Block {
    /// Parses the fields of this block into `parts` and returns the rest of the text.
    fn read<'a>(
        &self,
        text: &'a [u8],
        parts: &mut Parts,
        options: TimeOptions,
    ) -> Option<&'a [u8]> {
        let (text, rest) = text.split_at_checked(self.len)?;
        let is_other =
            |(at, byte): &(usize, u8)| text[*at] != *byte && (*byte, text[*at]) != (b'T', b't');
        if self.literals.iter().any(is_other) {
            return None;
        }
        for (at, field) in &self.fields {
            parts[field.place()] = match field {
                Field::Year => read_two(text, *at)? * 100 + read_two(text, at + 2)?,
                Field::ShortYear => full_year(read_two(text, *at)?, options),
                _ => read_two(text, *at)?,
            };
        }
        Some(rest)
    }

    fn begins_with_digit(&self) -> bool {
        self.literals.first().is_none_or(|(at, byte)| *at > 0 || byte.is_ascii_digit())
    }
}

fn read_two(text: &[u8], at: usize) -> Option<u32> {
    let tens = text[at].wrapping_sub(b'0');
    let ones = text[at + 1].wrapping_sub(b'0');
    (tens < 10 && ones < 10).then(|| u32::from(tens) * 10 + u32::from(ones))
}

/// The year of a two-digit year in the range of a hundred years.
fn full_year(digits: u32, options: TimeOptions) -> u32 {
    let first = u32::from(options.two_digit_years_from);
    first + (digits + 100 - first % 100) % 100
}

/// Parses one or two digits, or a space and a digit.
fn parse_short(text: &[u8]) -> Option<(u32, &[u8])> {
    let digit = |at: usize| text.get(at).filter(|byte| byte.is_ascii_digit());
    let value = |byte: &u8| u32::from(byte - b'0');
    match (text.first()?, digit(0), digit(1)) {
        (_, Some(tens), Some(ones)) => Some((value(tens) * 10 + value(ones), &text[2..])),
        (_, Some(only), None) => Some((value(only), &text[1..])),
        (b' ', None, Some(only)) => Some((value(only), &text[2..])),
        _ => None,
    }
}

/// Parses a month name, and the dot of an abbreviation.
fn parse_month(text: &[u8], locale: Locale, is_dot_literal: bool) -> Option<(u32, &[u8])> {
    let (month, len) = locale.month(str::from_utf8(text).ok()?)?;
    let rest = &text[len..];
    let has_own_dot = match rest {
        [b'.', b'.', ..] => true,
        [b'.', ..] => !is_dot_literal,
        _ => false,
    };
    Some((month, &rest[usize::from(has_own_dot)..]))
}

/// Parses AM or PM, in any letter case, with or without dots; true for PM.
fn parse_half_day(text: &[u8]) -> Option<(bool, &[u8])> {
    let (letter, rest) = text.split_first()?;
    let is_pm = match letter.to_ascii_lowercase() {
        b'a' => false,
        b'p' => true,
        _ => return None,
    };
    match rest {
        [b'm' | b'M', rest @ ..] | [b'.', b'm' | b'M', b'.', rest @ ..] => Some((is_pm, rest)),
        [b'.', b' ', b'm' | b'M', b'.', rest @ ..] => Some((is_pm, rest)),
        _ => None,
    }
}

/// Parses 1 to 9 digits as a fraction of a second, truncated to microseconds.
fn parse_fraction(text: &[u8]) -> Option<(i64, &[u8])> {
    let len = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    if !(1..=9).contains(&len) {
        return None;
    }
    let (digits, rest) = text.split_at(len);
    let digit = |at: usize| digits.get(at).map_or(0, |digit| i64::from(digit - b'0'));
    Some(((0..6).fold(0, |sum, at| sum * 10 + digit(at)), rest))
}

/// Parses a zone offset of up to 18 hours, in seconds east of UTC: `Z`, `UTC`, `GMT`, `+05:30`,
/// `+0530`, `+05`, or an offset behind `UTC` or `GMT`.
fn parse_zone(text: &[u8]) -> Option<(i64, &[u8])> {
    if let [b'Z' | b'z', rest @ ..] = text {
        return Some((0, rest));
    }
    if let Some((word, rest)) = text.split_at_checked(3)
        && (word.eq_ignore_ascii_case(b"utc") || word.eq_ignore_ascii_case(b"gmt"))
    {
        return Some(read_offset(rest).unwrap_or((0, rest)));
    }
    read_offset(text)
}

fn read_offset(text: &[u8]) -> Option<(i64, &[u8])> {
    let (sign, rest) = match text {
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let two = |text: &[u8]| (text.len() >= 2).then(|| read_two(text, 0)).flatten();
    let hours = two(rest)?;
    let rest = &rest[2..];
    let (minutes, rest) = match rest {
        [b':', minutes @ ..] => (two(minutes)?, &minutes[2..]),
        _ => two(rest).map_or((0, rest), |minutes| (minutes, &rest[2..])),
    };
    let is_valid = minutes < 60 && hours * 60 + minutes <= 18 * 60;
    is_valid.then(|| (sign * i64::from(hours * 3600 + minutes * 60), rest))
}

/// Seconds since 1970-01-01T00:00:00 local time; `None` if the parts are not a valid time. 24:00:00
/// is midnight at the end of the day.
fn clock_s([year, month, day, hour, minute, second]: Parts, part_us: i64) -> Option<i64> {
    let is_end_of_day = hour == 24 && minute == 0 && second == 0 && part_us == 0;
    let is_valid = year > 0
        && (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && (hour < 24 || is_end_of_day)
        && minute < 60
        && second < 60;
    let time_s = i64::from(hour * 3600 + minute * 60 + second);
    is_valid.then(|| epoch_day(year, month, day) * DAY_S + time_s)
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

/// Days since 1970-01-01. The year starts in March, so the leap day is its last.
pub(super) const fn epoch_day(year: u32, month: u32, day: u32) -> i64 {
    let year = if month < 3 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year / 4 - year / 100 + year / 400;
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    (365 * year + leap_days + day_of_year) as i64 - 719_468
}

/// A run of letters in a format and its meaning.
enum Token {
    Fixed(Field),
    Varying(Piece),
}

impl Token {
    /// The token of a run of `len` equal letters.
    fn from_run(letter: char, len: usize) -> Option<Self> {
        let field = match letter {
            'y' if len == 2 => return Some(Self::Fixed(Field::ShortYear)),
            'y' if len == 4 => return Some(Self::Fixed(Field::Year)),
            'M' if matches!(len, 3 | 4) => {
                return Some(Self::Varying(Piece::Month { is_dot_literal: false }));
            }
            'S' if len <= 9 => return Some(Self::Varying(Piece::Fraction)),
            'X' if len <= 3 => return Some(Self::Varying(Piece::Zone)),
            'a' if len == 1 => return Some(Self::Varying(Piece::HalfDay)),
            'M' => Field::Month,
            'd' => Field::Day,
            'H' | 'h' => Field::Hour,
            'm' => Field::Minute,
            's' => Field::Second,
            _ => return None,
        };
        match len {
            1 => Some(Self::Varying(Piece::Short(field))),
            2 => Some(Self::Fixed(field)),
            _ => None,
        }
    }
}

/// A letter of a token, the letters one of which it requires, and how to write that.
const NEEDED: [(char, &str, &str); 6] = [
    ('m', "Hh", "HH"),
    ('s', "m", "mm"),
    ('S', "s", "ss"),
    ('X', "Hh", "HH"),
    ('h', "a", "a"),
    ('a', "h", "hh"),
];

#[derive(Default)]
struct Draft<'a> {
    pieces: Vec<Piece>,
    block: Block,
    seen: Vec<&'a str>,
}

impl<'a> Draft<'a> {
    /// Compiles the first token and returns the rest of the text.
    fn take_token(&mut self, text: &'a str) -> Result<&'a str, String> {
        let letter = text.chars().next().unwrap_or_default();
        let len = text.chars().take_while(|it| *it == letter).count();
        let Some(token) = Token::from_run(letter, len) else { return self.take_literal(text) };
        let (token_text, rest) = text.split_at(len);
        self.see(token_text)?;
        match token {
            Token::Fixed(field) => {
                self.block.fields.push((self.block.len, field));
                self.block.len += len;
            }
            Token::Varying(piece) => {
                self.end_block();
                let is_dot_literal = rest.starts_with('.');
                self.pieces.push(match piece {
                    Piece::Month { .. } => Piece::Month { is_dot_literal },
                    other => other,
                });
            }
        }
        Ok(rest)
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

    /// Spaces are literal: texts are parsed with normalized spaces.
    fn add_literal(&mut self, literal: &str) {
        for sign in literal.chars().map(super::normalized_char) {
            for byte in sign.encode_utf8(&mut [0; 4]).bytes() {
                self.block.literals.push((self.block.len, byte));
                self.block.len += 1;
            }
        }
    }

    fn see(&mut self, token: &'a str) -> Result<(), String> {
        let hours = |token: &str| token.starts_with(['H', 'h']);
        let is_same =
            |known: &&&str| known.starts_with(&token[..1]) || (hours(known) && hours(token));
        match self.seen.iter().find(is_same) {
            Some(known) if *known == token => Err(format!("has {token} twice")),
            Some(known) => Err(format!("has both {known} and {token}")),
            None => {
                self.seen.push(token);
                Ok(())
            }
        }
    }

    fn end_block(&mut self) {
        if self.block.len > 0 {
            self.pieces.push(Piece::Block(std::mem::take(&mut self.block)));
        }
    }

    /// The token that starts with one of these letters.
    fn token(&self, letters: &str) -> Option<&'a str> {
        self.seen.iter().find(|token| token.starts_with(|it| letters.contains(it))).copied()
    }

    fn check(&self) -> Result<(), String> {
        for (letter, name) in [("y", "yyyy"), ("M", "MM"), ("d", "dd")] {
            self.token(letter).ok_or_else(|| format!("has no {name}"))?;
        }
        for (letter, needed, name) in NEEDED {
            if let Some(token) = self.token(letter.encode_utf8(&mut [0; 4]))
                && self.token(needed).is_none()
            {
                return Err(format!("has {token} but no {name}"));
            }
        }
        self.check_widths()
    }

    /// A field of variable width must not be followed by digits.
    fn check_widths(&self) -> Result<(), String> {
        let varies = |piece: &Piece| match piece {
            Piece::Fraction => Some("SSS"),
            Piece::Short(_) => Some("a field of one or two digits"),
            Piece::Zone => Some("XXX"),
            _ => None,
        };
        let begins_with_digit = |piece: &Piece| match piece {
            Piece::Block(block) => block.begins_with_digit(),
            Piece::Short(_) | Piece::Fraction => true,
            _ => false,
        };
        let found = self
            .pieces
            .windows(2)
            .find_map(|pair: &[Piece]| varies(&pair[0]).filter(|_| begins_with_digit(&pair[1])));
        match found {
            Some(name) => Err(format!("has digits right after {name}, whose width varies")),
            None => Ok(()),
        }
    }
}
