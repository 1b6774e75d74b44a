//! Splits the text of an option into tokens.

use super::SyntaxError;
use super::literal::Literal;
use std::iter::Peekable;
use std::str::Chars;

/// A token and the character it begins at, from 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Lexeme {
    pub kind: TokenKind,
    pub at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub enum TokenKind {
    Open,
    Close,
    Comma,
    Slash,
    Star,
    Equals,
    Minus,
    /// A name, an operator or a keyword.
    Word(String),
    Literal(Literal),
    End,
}

/// The tokens of `text`, with [`TokenKind::End`] as the last one.
pub fn tokens(text: &str) -> Result<Vec<Lexeme>, SyntaxError> {
    let mut lexer = Lexer { rest: text.chars().peekable(), at: 1 };
    let mut found = Vec::new();
    loop {
        let token = lexer.token()?;
        let is_end = token.kind == TokenKind::End;
        found.push(token);
        if is_end {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    rest: Peekable<Chars<'a>>,
    /// The next character, from 1.
    at: usize,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let next = self.rest.next();
        self.at += usize::from(next.is_some());
        next
    }

    fn token(&mut self) -> Result<Lexeme, SyntaxError> {
        while self.rest.next_if(|c| matches!(c, ' ' | '\t' | '\n' | '\r')).is_some() {
            self.at += 1;
        }
        let at = self.at;
        let Some(first) = self.next() else { return Ok(Lexeme { kind: TokenKind::End, at }) };
        let kind = match first {
            '(' => TokenKind::Open,
            ')' => TokenKind::Close,
            ',' => TokenKind::Comma,
            '/' => TokenKind::Slash,
            '*' => TokenKind::Star,
            '=' => TokenKind::Equals,
            '\'' => TokenKind::Literal(Literal::Text(self.text(at)?)),
            '-' if !self.begins_number() => TokenKind::Minus,
            '-' | '0'..='9' => self.number(first, at)?,
            first if is_in_word(first) => self.word(first),
            other => return Err(SyntaxError::new(at, format!("unexpected character `{other}`"))),
        };
        Ok(Lexeme { kind, at })
    }

    /// Whether a number, or `INF`, follows a minus.
    fn begins_number(&self) -> bool {
        let mut ahead = self.rest.clone();
        match ahead.next() {
            Some('I') => ahead.take(2).eq("NF".chars()),
            next => next.is_some_and(|c| c.is_ascii_digit()),
        }
    }

    /// The text of a literal whose first quote is read; two quotes are one.
    fn text(&mut self, begin: usize) -> Result<String, SyntaxError> {
        let mut text = String::new();
        loop {
            match self.next() {
                None => {
                    return Err(SyntaxError::new(begin, "the closing quote of a text is missing"));
                }
                Some('\'') if self.rest.peek() == Some(&'\'') => {
                    self.next();
                    text.push('\'');
                }
                Some('\'') => return Ok(text),
                Some(other) => text.push(other),
            }
        }
    }

    fn number(&mut self, first: char, at: usize) -> Result<TokenKind, SyntaxError> {
        let mut text = String::from(first);
        let is_in_number = |c: &char| c.is_ascii_alphanumeric() || "+-:.".contains(*c);
        while let Some(next) = self.rest.next_if(is_in_number) {
            self.at += 1;
            text.push(next);
        }
        // The plus of an offset that is not encoded in the address is received as a space.
        if text.contains('T') && self.is_offset() {
            self.next();
            text.push('+');
            text.extend((0..5).filter_map(|_| self.next()));
        }
        let invalid = || {
            let expected = "expected a number, a date such as 2023-01-31 or a time such as 2023-01-31T14:05:00Z";
            SyntaxError::new(at, format!("invalid literal `{text}`: {expected}"))
        };
        Literal::from_number(&text).map(TokenKind::Literal).ok_or_else(invalid)
    }

    /// Whether ` 05:30` follows.
    fn is_offset(&self) -> bool {
        let ahead: Vec<char> = self.rest.clone().take(6).collect();
        let is_digit = |at: usize| ahead.get(at).is_some_and(char::is_ascii_digit);
        ahead.first() == Some(&' ')
            && ahead.get(3) == Some(&':')
            && [1, 2, 4, 5].into_iter().all(is_digit)
    }

    fn word(&mut self, first: char) -> TokenKind {
        let mut word = String::from(first);
        while let Some(next) = self.rest.next_if(|c| is_in_word(*c)) {
            self.at += 1;
            word.push(next);
        }
        Literal::from_word(&word).map_or(TokenKind::Word(word), TokenKind::Literal)
    }
}

fn is_in_word(c: char) -> bool {
    // Marks belong to letters of Malayalam and Hindi.
    c.is_alphanumeric() || "_$.@".contains(c) || (!c.is_ascii() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_split() {
        let kinds: Vec<TokenKind> =
            tokens("not (a_b eq 'it''s')").unwrap().into_iter().map(|it| it.kind).collect();
        let word = |text: &str| TokenKind::Word(text.to_owned());
        let text = TokenKind::Literal(Literal::Text("it's".to_owned()));
        let expected = [
            word("not"),
            TokenKind::Open,
            word("a_b"),
            word("eq"),
            text,
            TokenKind::Close,
            TokenKind::End,
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn an_offset_whose_plus_became_a_space_is_read() {
        let utc = tokens("2023-01-31T00:00:00Z").unwrap();
        assert_eq!(tokens("2023-01-31T05:30:00 05:30").unwrap()[0].kind, utc[0].kind);
        assert_eq!(tokens("-INF").unwrap().len(), 2);
        assert_eq!(tokens("-INFO").unwrap_err().at, 1);
    }

    #[test]
    fn errors_have_a_position() {
        assert_eq!(tokens("a eq 'x").unwrap_err().at, 6);
        assert_eq!(tokens("a eq 1x").unwrap_err().at, 6);
        assert_eq!(tokens("a;b").unwrap_err().at, 2);
    }
}
