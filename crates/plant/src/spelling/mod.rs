//! How text becomes a value.
//!
//! *In:* the text of one field and how its column spells values. *Out:* the value, or why the text
//! is none. *Promise:* the whole text counts, nothing is guessed and nothing rounded silently; these
//! functions run once per field of every dump, so they allocate nothing.

mod number;
mod time;

pub use number::{parse_decimal, parse_float, parse_int};
pub use time::{TimeSpelling, parse_date, parse_time};

/// Why a text is not a value of its column's kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misread {
    /// The text is not a number as the column writes numbers.
    NotANumber,
    /// The number has more digits than the column holds.
    OutOfRange,
    /// No spelling of the column matches with fields in range.
    NotATime,
    /// The text is well spelled, but the clock of the zone never showed that time.
    NoSuchTime,
    /// The text is none of the column's words for yes and no.
    NotABool,
    /// The number has digits beyond the last place the column keeps.
    TooPrecise,
}

impl Misread {
    /// The reason code as it stands in `silver.rejected`; it never changes.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotANumber => "not_a_number",
            Self::OutOfRange => "out_of_range",
            Self::NotATime => "not_a_time",
            Self::NoSuchTime => "no_such_time",
            Self::NotABool => "not_a_bool",
            Self::TooPrecise => "too_precise",
        }
    }
}

/// The text without the white space around it.
pub fn trim(text: &str) -> &str {
    let visible = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    let bytes = text.as_bytes();
    if visible(bytes.first()) && visible(bytes.last()) { text } else { text.trim() }
}

/// Reads yes or no by a column's words for them, letter by letter. Surrounding space is skipped.
pub fn parse_bool(text: &str, yes: &[String], no: &[String]) -> Result<bool, Misread> {
    let text = trim(text);
    if yes.iter().any(|word| word == text) {
        return Ok(true);
    }
    no.iter().any(|word| word == text).then_some(false).ok_or(Misread::NotABool)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<bool, Misread>) {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            parse_bool(text, &words(&["1", "Yes"]), &words(&["0", "No"])),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn yes_and_no_are_the_words_of_the_column() {
        check("1", Ok(true));
        check(" Yes\t", Ok(true));
        check("0", Ok(false));
        check("No", Ok(false));
        check("yes", Err(Misread::NotABool));
        check("", Err(Misread::NotABool));
    }

    #[test]
    fn trimming_takes_every_kind_of_space() {
        for (text, expected) in
            [("a", "a"), (" a b ", "a b"), ("\u{a0}a\u{2003}", "a"), ("é ", "é"), (" ", "")]
        {
            assert_eq!(trim(text), expected);
        }
    }
}
