//! A statement of a report, and the parameters that it names.

use super::parameter::Parameter;
use crate::diagnostic::did_you_mean;
use crate::model::{self, TableName};
use crate::toml_reader::TomlReader;
use std::collections::BTreeSet;

/// A SELECT with named placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statement {
    /// The statement as written.
    pub text: String,
    /// The statement with a typed placeholder, such as `CAST($day AS DATE)`, for each `:day`; its lines are those
    /// of `text`.
    pub sql: String,
    /// Parameters that it names.
    pub parameters: BTreeSet<String>,
    /// Tables that it reads.
    pub tables: BTreeSet<TableName>,
    /// Line of its first line in the file.
    pub line: usize,
}

/// Reads the statement under `key`; unknown parameters are noted.
pub fn read(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    parameters: &[Parameter],
) -> Option<Statement> {
    let text = reader.required(key, "Write one SELECT over tables of the lake.")?;
    let line = reader.line_of_text(key);
    let mut sql = String::with_capacity(text.len());
    let mut named = BTreeSet::new();
    let known: Vec<&str> = parameters.iter().map(|it| it.name.as_str()).collect();
    for piece in pieces(&text) {
        let Piece::Parameter { name, at } = piece else {
            sql.push_str(piece.text());
            continue;
        };
        match parameters.iter().find(|parameter| parameter.name == name) {
            Some(parameter) => {
                sql.push_str(&format!("CAST(${name} AS {})", parameter.kind.sql_type()));
                named.insert(name.to_owned());
            }
            None => {
                let line = line + text[..at].matches('\n').count();
                let remedy = match known.is_empty() {
                    true => "No parameter can be used here.".to_owned(),
                    false => did_you_mean(name, &known),
                };
                reader.note_line(line, format!("unknown parameter `:{name}`"), remedy);
                // The rest of the statement is checked all the same.
                sql.push_str(&format!("${name}"));
            }
        }
    }
    let tables = model::tables_of(&sql, line, reader.findings())?;
    Some(Statement { text, sql, parameters: named, tables, line })
}

/// A part of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    /// A parameter without its colon, which is at byte `at`.
    Parameter {
        name: &'t str,
        at: usize,
    },
}

impl<'t> Piece<'t> {
    fn text(self) -> &'t str {
        match self {
            Self::Text(text) => text,
            Self::Parameter { name, .. } => name,
        }
    }
}

/// Splits a statement at its parameters. Quoted text, quoted names, comments and casts (`::`) have none.
fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let bytes = sql.as_bytes();
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let rest = &sql[at..];
        let skipped = skipped(rest);
        if skipped > 0 {
            at += skipped;
            continue;
        }
        let name = rest.strip_prefix(':').map(word).filter(|name| !name.is_empty());
        if let Some(name) = name {
            pieces.push(Piece::Text(&sql[from..at]));
            pieces.push(Piece::Parameter { name, at });
            at += 1 + name.len();
            from = at;
            continue;
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    pieces.push(Piece::Text(&sql[from..]));
    pieces
}

/// Bytes at the beginning that are quoted, a comment or a cast.
fn skipped(rest: &str) -> usize {
    let until = |open: usize, end: &str| {
        rest[open..].find(end).map_or(rest.len(), |at| open + at + end.len())
    };
    match rest {
        _ if rest.starts_with("::") => 2,
        _ if rest.starts_with("--") => until(2, "\n"),
        _ if rest.starts_with("/*") => until(2, "*/"),
        // A doubled quote ends one text and begins the next.
        _ if rest.starts_with('\'') => until(1, "'"),
        _ if rest.starts_with('"') => until(1, "\""),
        _ => 0,
    }
}

/// The name at the beginning of a text.
fn word(text: &str) -> &str {
    let is_part = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    let end = text.find(|sign: char| !is_part(sign)).unwrap_or(text.len());
    let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    if is_name { &text[..end] } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(sql: &str) -> Vec<&str> {
        let name = |piece| match piece {
            Piece::Parameter { name, .. } => Some(name),
            Piece::Text(_) => None,
        };
        pieces(sql).into_iter().filter_map(name).collect()
    }

    #[test]
    fn parameters_are_found_outside_of_quotes_comments_and_casts() {
        assert_eq!(names("select :a, b::int from t where c = :b2_c"), ["a", "b2_c"]);
        assert!(names("select ':a', \":b\", 1 -- :c\n /* :d */, '12:30', 'it''s :e'").is_empty());
        assert_eq!(names("-- x\n:a"), ["a"]);
        assert_eq!(names("'unfinished :a"), Vec::<&str>::new());
        assert_eq!(names("'é' || :ä || :a"), ["a"]);
    }

    #[test]
    fn pieces_are_the_whole_text() {
        let sql = "select :a, 'x' -- :b\nfrom t";
        let whole: String = pieces(sql)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Parameter { name, .. } => format!(":{name}"),
            })
            .collect();
        assert_eq!(whole, sql);
    }
}
