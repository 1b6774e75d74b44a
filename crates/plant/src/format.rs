//! Parsing of field values by the formats of their columns.
//!
//! *In*: the text of one field and the format of its column. *Out*: the value, or an error with a
//! reason code. *Promise*: the whole text is used; nothing is guessed, and nothing is rounded
//! unless the column is configured so. These functions run once per field of every dump, so they do not
//! allocate.

mod number;
mod time;

pub use number::{parse_decimal, parse_float, parse_int};
pub use time::{
    Locale, TimeFormat, TimeOptions, Timestamp, is_storable_day, parse_date, parse_time,
    parse_timestamp,
};

/// Why a text is not a value of its column's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParseError {
    /// The text does not match the number format of the column.
    NotANumber,
    /// The number has more digits than the column can hold.
    OutOfRange,
    /// No format of the column matches the text with fields in range.
    NotATime,
    /// The text matches a format, but the local time does not exist in the time zone.
    NoSuchTime,
    /// The text is neither a true nor a false value of the column.
    NotABool,
    /// The number has digits beyond the scale of the column.
    TooPrecise,
    /// The text contains a NUL character: bytes are missing or damaged.
    NulInText,
}

impl ParseError {
    /// The stable reason code in `silver.rejected`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::OutOfRange => "out_of_range",
            Self::NotATime => "not_a_time",
            Self::NoSuchTime => "no_such_time",
            Self::NotABool => "not_a_bool",
            Self::TooPrecise => "too_precise",
            Self::NulInText => "nul_in_text",
        }
    }
}

/// Strips white space and invisible characters: NUL, byte order marks, zero-width spaces, soft
/// hyphens and directional marks.
pub fn trim(text: &str) -> &str {
    let visible = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if visible(bytes.first()) && visible(bytes.last()) {
        text
    } else {
        text.trim_matches(|sign: char| sign.is_whitespace() || is_invisible(sign))
    }
}

/// Whether a character is invisible and has no width. Joiners are excluded because they change the
/// rendering of adjacent letters.
pub(crate) fn is_invisible(sign: char) -> bool {
    matches!(
        sign,
        '\0' | '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
    )
}

/// Parses a text: trimmed, and without NUL inside.
pub fn parse_text(text: &str) -> Result<&str, ParseError> {
    let text = trim(text);
    if text.as_bytes().contains(&0) { Err(ParseError::NulInText) } else { Ok(text) }
}

/// Parses a boolean by the column's texts for true and false, with exact letter case unless
/// `any_case`. Surrounding space is ignored.
pub fn parse_bool(
    text: &str,
    yes: &[String],
    no: &[String],
    any_case: bool,
) -> Result<bool, ParseError> {
    let text = trim(text);
    let is_word = |word: &String| word == text || (any_case && word.eq_ignore_ascii_case(text));
    if yes.iter().any(is_word) {
        return Ok(true);
    }
    no.iter().any(is_word).then_some(false).ok_or(ParseError::NotABool)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, any_case: bool, expected: Result<bool, ParseError>) {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            parse_bool(text, &words(&["1", "Yes"]), &words(&["0", "No"]), any_case),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn booleans_are_the_texts_of_the_column() {
        check("1", false, Ok(true));
        check(" Yes\t", false, Ok(true));
        check("0", false, Ok(false));
        check("No", false, Ok(false));
        check("yes", false, Err(ParseError::NotABool));
        check("yes", true, Ok(true));
        check("NO", true, Ok(false));
        check("", true, Err(ParseError::NotABool));
    }

    #[test]
    fn invisible_characters_are_trimmed_and_nul_inside_is_refused() {
        for text in ["P1", "\u{feff}P1", "P1\0\0", "\0 P1 \u{200b}", "\u{ad}P1\u{2060}"] {
            assert_eq!(parse_text(text), Ok("P1"), "{text:?}");
        }
        assert_eq!(parse_text("P\u{0}1"), Err(ParseError::NulInText));
        assert_eq!(parse_text("P\u{200b}1"), Ok("P\u{200b}1"));
        assert_eq!(parse_text("\0\0"), Ok(""));
    }

    #[test]
    fn every_kind_of_space_is_trimmed() {
        for (text, expected) in
            [("a", "a"), (" a b ", "a b"), ("\u{a0}a\u{2003}", "a"), ("é ", "é"), (" ", "")]
        {
            assert_eq!(trim(text), expected);
        }
    }
}
