//! The words of a `.proto` text.

use crate::decode::datum::SchemaError;

/// A word of a `.proto` text, with comments and blanks left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// An identifier or a number.
    Word(&'a str),
    /// A text, without its quotes; escapes are left as they are, since no name has any.
    Text(&'a str),
    Sign(char),
}

/// Splits a text.
///
/// # Errors
/// A text or a comment is not closed.
pub(super) fn tokens(text: &str) -> Result<Vec<Token<'_>>, SchemaError> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    while let Some(sign) = rest.chars().next() {
        if sign.is_whitespace() {
            rest = rest.trim_start();
        } else if let Some(comment) = rest.strip_prefix("//") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").ok_or_else(|| open("a comment"))?.1;
        } else if sign == '"' || sign == '\'' {
            let end = closing(rest, sign).ok_or_else(|| open("a text"))?;
            found.push(Token::Text(&rest[1..end]));
            rest = &rest[end + 1..];
        } else if is_in_word(sign) {
            let end = rest.find(|it| !is_in_word(it)).unwrap_or(rest.len());
            found.push(Token::Word(&rest[..end]));
            rest = &rest[end..];
        } else {
            found.push(Token::Sign(sign));
            rest = &rest[sign.len_utf8()..];
        }
    }
    Ok(found)
}

fn is_in_word(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_'
}

/// The position of the quote that ends the text at the beginning of `text`.
fn closing(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, sign) in text.char_indices().skip(1) {
        if is_escaped {
            is_escaped = false;
        } else if sign == '\\' {
            is_escaped = true;
        } else if sign == quote {
            return Some(at);
        }
    }
    None
}

fn open(what: &str) -> SchemaError {
    SchemaError(format!("{what} in the schema is not closed"))
}
