//! Parses `.proto` texts of the syntaxes 2 and 3 and of editions. What does not change the meaning of bytes, such as
//! options and services, is skipped.

use super::schema::Label;
use super::tokens::{Token, tokens};
use crate::decode::datum::SchemaError;
use std::collections::HashMap;

/// Messages within messages.
const DEEPEST: usize = 32;

/// Fields of all messages of a schema. A schema of a table has a few hundred.
const MOST_FIELDS: usize = 20_000;

/// The messages and enumerations of all texts so far.
#[derive(Default)]
pub(super) struct Parser {
    pub messages: Vec<Declared>,
    pub enumerations: Vec<(String, HashMap<i32, String>)>,
    fields: usize,
}

/// A message as it is written.
pub(super) struct Declared {
    /// With package and outer messages.
    pub name: String,
    pub fields: Vec<DeclaredField>,
    pub nested: Vec<usize>,
}

/// A field as it is written.
pub(super) struct DeclaredField {
    pub name: String,
    pub number: u32,
    /// The name of its type; of a map that of its entries.
    pub kind: String,
    pub label: Label,
    pub is_implicit: bool,
}

fn error<T>(text: impl Into<String>) -> Result<T, SchemaError> {
    Err(SchemaError(text.into()))
}

impl Parser {
    /// Parses a text, and returns the messages outside of others.
    pub fn file(&mut self, text: &str) -> Result<Vec<usize>, SchemaError> {
        let tokens = tokens(text)?;
        let mut file = File { parser: self, tokens: &tokens, at: 0, is_proto3: false, depth: 0 };
        file.parse()
    }

    fn count_field(&mut self) -> Result<(), SchemaError> {
        self.fields += 1;
        match self.fields > MOST_FIELDS {
            true => error(format!("the schema has more than {MOST_FIELDS} fields")),
            false => Ok(()),
        }
    }
}

/// A text that is being parsed.
struct File<'p, 'a> {
    parser: &'p mut Parser,
    tokens: &'p [Token<'a>],
    at: usize,
    is_proto3: bool,
    depth: usize,
}

impl<'a> File<'_, 'a> {
    fn parse(&mut self) -> Result<Vec<usize>, SchemaError> {
        let (mut package, mut top) = (String::new(), Vec::new());
        while self.peek().is_some() {
            match self.next() {
                Some(Token::Word("syntax")) => {
                    self.expect('=')?;
                    self.is_proto3 = self.next() == Some(Token::Text("proto3"));
                    self.skip_statement();
                }
                Some(Token::Word("package")) => {
                    package = self.name()?;
                    self.skip_statement();
                }
                Some(Token::Word("message")) => top.push(self.message(&package)?),
                Some(Token::Word("enum")) => self.enumeration(&package)?,
                Some(Token::Word("service" | "extend")) => self.skip_block()?,
                Some(Token::Word("import" | "option" | "edition")) => self.skip_statement(),
                Some(Token::Sign(';')) => {}
                other => return error(format!("unexpected {}", shown(other.as_ref()))),
            }
        }
        Ok(top)
    }

    fn message(&mut self, scope: &str) -> Result<usize, SchemaError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return error(format!("messages are nested deeper than {DEEPEST}"));
        }
        let name = joined(scope, self.word()?);
        self.expect('{')?;
        let at = self.parser.messages.len();
        let declared = Declared { name: name.clone(), fields: Vec::new(), nested: Vec::new() };
        self.parser.messages.push(declared);
        self.members(at, &name, false)?;
        self.depth -= 1;
        Ok(at)
    }

    /// The members of a message up to its brace, or of a choice in it.
    fn members(&mut self, at: usize, name: &str, is_choice: bool) -> Result<(), SchemaError> {
        loop {
            match self.peek() {
                Some(Token::Sign('}')) => {
                    self.at += 1;
                    return Ok(());
                }
                Some(Token::Sign(';')) => self.at += 1,
                Some(Token::Word("message")) if self.is_declaration() => {
                    self.at += 1;
                    let nested = self.message(name)?;
                    self.parser.messages[at].nested.push(nested);
                }
                Some(Token::Word("enum")) if self.is_declaration() => {
                    self.at += 1;
                    self.enumeration(name)?;
                }
                Some(Token::Word("oneof")) if self.is_declaration() => {
                    self.at += 1;
                    self.word()?;
                    self.expect('{')?;
                    self.members(at, name, true)?;
                }
                Some(Token::Word("extend")) if !is_sign(self.tokens.get(self.at + 2), '=') => {
                    self.skip_block()?;
                }
                Some(Token::Word("option" | "reserved" | "extensions"))
                    if !is_sign(self.tokens.get(self.at + 2), '=') || self.is_option() =>
                {
                    self.skip_statement();
                }
                Some(_) => self.field(at, name, is_choice)?,
                None => return error(format!("the message `{name}` is not closed")),
            }
        }
    }

    /// Whether a word begins a declaration: a name and a brace follow. Otherwise it is the name of a type.
    fn is_declaration(&self) -> bool {
        is_sign(self.tokens.get(self.at + 2), '{')
    }

    /// Whether `option name = value` is an option, and not the field of a type named `option`.
    fn is_option(&self) -> bool {
        let value = self.tokens.get(self.at + 3);
        let is_number = matches!(value, Some(Token::Word(word)) if word.starts_with(|it: char| it.is_ascii_digit()));
        self.peek() == Some(&Token::Word("option")) && !is_number
    }

    fn field(&mut self, at: usize, scope: &str, is_choice: bool) -> Result<(), SchemaError> {
        let word = match self.peek() {
            Some(Token::Word(word)) => *word,
            _ => "",
        };
        let has_label = matches!(word, "optional" | "required" | "repeated");
        self.at += usize::from(has_label);
        let is_map =
            self.peek() == Some(&Token::Word("map")) && is_sign(self.tokens.get(self.at + 1), '<');
        let kind = if is_map { self.entries(at, scope)? } else { self.name()? };
        if kind == "group" {
            return error("groups are not supported");
        }
        let name = self.word()?.to_owned();
        self.expect('=')?;
        let number = number(self.word()?)?;
        let Ok(number) = u32::try_from(number) else {
            return error(format!("the field `{name}` has an invalid number"));
        };
        self.skip_statement();
        self.parser.count_field()?;
        let label = match (is_map, word) {
            (true, _) => Label::Map,
            (false, "repeated") => Label::Repeated,
            _ => Label::Single,
        };
        let is_implicit = self.is_proto3 && !has_label && !is_choice;
        let field = DeclaredField { name, number, kind, label, is_implicit };
        self.parser.messages[at].fields.push(field);
        Ok(())
    }

    /// The entries of a map: a message with a key and a value. Its name is returned.
    fn entries(&mut self, at: usize, scope: &str) -> Result<String, SchemaError> {
        self.at += 1;
        self.expect('<')?;
        let key = self.name()?;
        self.expect(',')?;
        let value = self.name()?;
        self.expect('>')?;
        let field = |name: &str, number, kind| DeclaredField {
            name: name.to_owned(),
            number,
            kind,
            label: Label::Single,
            is_implicit: true,
        };
        // No name of a text has a blank.
        let name = format!("{scope}.entry {at} {}", self.parser.messages.len());
        let fields = vec![field("key", 1, key), field("value", 2, value)];
        self.parser.messages.push(Declared { name: name.clone(), fields, nested: Vec::new() });
        Ok(format!(".{name}"))
    }

    fn enumeration(&mut self, scope: &str) -> Result<(), SchemaError> {
        let name = joined(scope, self.word()?);
        self.expect('{')?;
        let mut values = HashMap::new();
        loop {
            match self.next() {
                Some(Token::Sign('}')) => break,
                Some(Token::Sign(';')) => {}
                Some(Token::Word("option" | "reserved")) if !is_sign(self.peek(), '=') => {
                    self.skip_statement();
                }
                Some(Token::Word(value)) => {
                    self.expect('=')?;
                    let is_negative = is_sign(self.peek(), '-');
                    self.at += usize::from(is_negative);
                    let number = number(self.word()?)?;
                    let number = i32::try_from(if is_negative { -number } else { number });
                    // Two names of one value are allowed; the first one counts.
                    if let Ok(number) = number {
                        values.entry(number).or_insert_with(|| value.to_owned());
                    }
                    self.skip_statement();
                }
                other => return error(format!("unexpected {} in an enum", shown(other.as_ref()))),
            }
        }
        self.parser.enumerations.push((name, values));
        Ok(())
    }

    fn peek(&self) -> Option<&Token<'a>> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token<'a>> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn word(&mut self) -> Result<&'a str, SchemaError> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            other => error(format!("expected a name, found {}", shown(other.as_ref()))),
        }
    }

    /// A name with dots.
    fn name(&mut self) -> Result<String, SchemaError> {
        let mut name = String::new();
        if is_sign(self.peek(), '.') {
            self.at += 1;
            name.push('.');
        }
        name += self.word()?;
        while is_sign(self.peek(), '.') {
            self.at += 1;
            name.push('.');
            name += self.word()?;
        }
        Ok(name)
    }

    fn expect(&mut self, sign: char) -> Result<(), SchemaError> {
        match self.next() {
            Some(Token::Sign(found)) if found == sign => Ok(()),
            other => error(format!("expected `{sign}`, found {}", shown(other.as_ref()))),
        }
    }

    /// Skips what is left of a statement, with its semicolon. Braces in it are closed before.
    fn skip_statement(&mut self) {
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            match token {
                Token::Sign('{' | '[') => depth += 1,
                Token::Sign('}' | ']') => depth = depth.saturating_sub(1),
                Token::Sign(';') if depth == 0 => return,
                _ => {}
            }
        }
    }

    /// Skips a block in braces, and what is before it.
    fn skip_block(&mut self) -> Result<(), SchemaError> {
        let mut depth = 0_usize;
        while let Some(token) = self.next() {
            match token {
                Token::Sign('{') => depth += 1,
                Token::Sign('}') if depth <= 1 => return Ok(()),
                Token::Sign('}') => depth -= 1,
                _ => {}
            }
        }
        error("a block in the schema is not closed")
    }
}

fn is_sign(token: Option<&Token<'_>>, sign: char) -> bool {
    token == Some(&Token::Sign(sign))
}

fn joined(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}

/// A whole number, decimal, hexadecimal or octal.
fn number(text: &str) -> Result<i64, SchemaError> {
    let lower = text.to_ascii_lowercase();
    let parsed = match (lower.strip_prefix("0x"), lower.strip_prefix('0')) {
        (Some(digits), _) => i64::from_str_radix(digits, 16),
        (None, Some(digits)) if !digits.is_empty() => i64::from_str_radix(digits, 8),
        _ => lower.parse(),
    };
    parsed.or_else(|_invalid| error(format!("`{text}` is not a number")))
}

fn shown(token: Option<&Token<'_>>) -> String {
    match token {
        None => "the end of the schema".to_owned(),
        Some(Token::Word(word)) => format!("`{word}`"),
        Some(Token::Text(text)) => format!("\"{text}\""),
        Some(Token::Sign(sign)) => format!("`{sign}`"),
    }
}
