//! Compiles the text of a field format into pieces.

use super::{Block, Field, Piece};
use crate::format::time::normalized_char;

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
pub(super) struct Draft<'a> {
    pub(super) pieces: Vec<Piece>,
    block: Block,
    seen: Vec<&'a str>,
}

impl<'a> Draft<'a> {
    /// Compiles the first token and returns the rest of the text.
    pub(super) fn take_token(&mut self, text: &'a str) -> Result<&'a str, String> {
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
        for sign in literal.chars().map(normalized_char) {
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

    pub(super) fn end_block(&mut self) {
        if self.block.len > 0 {
            self.pieces.push(Piece::Block(std::mem::take(&mut self.block)));
        }
    }

    /// The token that starts with one of these letters.
    fn token(&self, letters: &str) -> Option<&'a str> {
        self.seen.iter().find(|token| token.starts_with(|it| letters.contains(it))).copied()
    }

    pub(super) fn check(&self) -> Result<(), String> {
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
