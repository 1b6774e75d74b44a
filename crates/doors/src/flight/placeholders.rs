//! Parameters that are written as `?`, which many drivers use. The engine has numbered ones.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use serve::http::Error;
use std::borrow::Cow;

/// The statement with `$1`, `$2` and so on in place of each `?`.
///
/// # Errors
/// It has parameters with and without numbers.
pub fn numbered(sql: &str) -> Result<Cow<'_, str>, Error> {
    if !sql.contains('?') {
        return Ok(Cow::Borrowed(sql));
    }
    // The parser reports what is not SQL.
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location();
    let Ok(tokens) = tokens else { return Ok(Cow::Borrowed(sql)) };
    let mut places = Vec::new();
    let mut has_numbers = false;
    for token in tokens {
        let Token::Placeholder(name) = &token.token else { continue };
        match name.as_str() {
            "?" => places.push((token.span.start.line, token.span.start.column)),
            _ => has_numbers = true,
        }
    }
    if places.is_empty() {
        return Ok(Cow::Borrowed(sql));
    }
    if has_numbers {
        let message =
            "the statement has parameters with and without numbers: write all as $1 or all as ?";
        return Err(Error::bad("unknown_parameter", message));
    }
    Ok(Cow::Owned(replaced(sql, &places)))
}

/// The text with a number at each place, which is a line and a column from 1, in ascending order.
fn replaced(sql: &str, places: &[(u64, u64)]) -> String {
    let mut numbered = String::with_capacity(sql.len() + places.len() * 4);
    let mut places = places.iter().zip(1..).peekable();
    let (mut line, mut column) = (1, 1);
    for letter in sql.chars() {
        match places.next_if(|(place, _)| **place == (line, column)) {
            Some((_, number)) => numbered.push_str(&format!("${number}")),
            None => numbered.push(letter),
        }
        (line, column) = if letter == '\n' { (line + 1, 1) } else { (line, column + 1) };
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &str) {
        assert_eq!(numbered(sql).unwrap(), expected);
    }

    #[test]
    fn question_marks_are_numbered_in_their_order() {
        check("SELECT ?, ? + ?", "SELECT $1, $2 + $3");
        check(
            "SELECT 'é?' ,?\n, -- why?\n  ? /* ? */ AS \"?\"",
            "SELECT 'é?' ,$1\n, -- why?\n  $2 /* ? */ AS \"?\"",
        );
        check(
            "SELECT *\r\nFROM t\r\nWHERE a = ? AND b IN (?,?)",
            "SELECT *\r\nFROM t\r\nWHERE a = $1 AND b IN ($2,$3)",
        );
    }

    #[test]
    fn other_statements_stay_as_they_are() {
        for sql in ["SELECT $1", "SELECT 'what?'", "SELECT 'open ?", "SELECT ?1", ""] {
            check(sql, sql);
        }
    }

    #[test]
    fn parameters_with_and_without_numbers_are_refused() {
        for sql in ["SELECT $1, ?", "SELECT ?, ?2"] {
            assert_eq!(numbered(sql).unwrap_err().code, "unknown_parameter", "{sql}");
        }
    }
}
