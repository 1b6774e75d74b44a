//! A statement of a report, and the parameters that it names.

use super::kpi::{self, KpiPart};
use super::parameter::ReportParameter;
use crate::diagnostic::did_you_mean;
use crate::kpi::Kpi;
use crate::model::{self, TableName};
use crate::toml_reader::TomlReader;
use std::collections::BTreeSet;

/// A SELECT with named placeholders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Statement {
    /// The statement as written.
    pub text: String,
    /// The statement with a typed placeholder, such as `CAST($day AS DATE)`, for each `:day` and the formula for
    /// each `kpi(…)`; its lines are those of `text`.
    pub sql: String,
    /// Parameters that it names.
    pub parameters: BTreeSet<String>,
    /// Tables that it reads.
    pub tables: BTreeSet<TableName>,
    /// Line of its first line in the file.
    pub line: usize,
}

/// What a statement can name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Named<'a> {
    pub parameters: &'a [ReportParameter],
    pub kpis: &'a [Kpi],
}

/// Reads the statement under `key`; unknown parameters and KPIs are noted.
pub fn read(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    known: Named<'_>,
) -> Option<Statement> {
    let text = reader.required(key, "Write one SELECT over tables of the lake.")?;
    let line = reader.line_of_text(key);
    let mut sql = String::with_capacity(text.len());
    let mut parameters = BTreeSet::new();
    for piece in pieces(&text) {
        let (at, replaced) = match piece {
            Piece::Text(text) => (0, Ok(text.to_owned())),
            Piece::Parameter { name, at } => (at, known.parameter(name)),
            Piece::Kpi { part, name, at } => (at, known.kpi(part, name)),
        };
        match replaced {
            Ok(replaced) => {
                sql.push_str(&replaced);
                if let Piece::Parameter { name, .. } = piece {
                    parameters.insert(name.to_owned());
                }
            }
            Err((message, remedy)) => {
                let line = line + text[..at].matches('\n').count();
                reader.note_line(line, message, remedy);
                // The rest of the statement is checked all the same.
                sql.push_str("NULL");
            }
        }
    }
    // A mistake is noted; what refers to the query is checked all the same.
    let tables = model::tables_of(&sql, line, reader.findings()).unwrap_or_default();
    Some(Statement { text, sql, parameters, tables, line })
}

/// A mistake and its remedy.
type Mistake = (String, String);

impl Named<'_> {
    /// The typed placeholder of a parameter.
    fn parameter(self, name: &str) -> Result<String, Mistake> {
        let names: Vec<&str> = self.parameters.iter().map(|it| it.name.as_str()).collect();
        let remedy = || match names.is_empty() {
            true => "No parameter can be used here.".to_owned(),
            false => did_you_mean(name, &names),
        };
        let parameter = self.parameters.iter().find(|parameter| parameter.name == name);
        let parameter =
            parameter.ok_or_else(|| (format!("unknown parameter `:{name}`"), remedy()))?;
        Ok(format!("CAST(${name} AS {})", parameter.kind.sql_type()))
    }

    /// The expression of a part of a KPI.
    fn kpi(self, part: KpiPart, name: &str) -> Result<String, Mistake> {
        let names: Vec<&str> = self.kpis.iter().map(|it| it.name.as_str()).collect();
        let found = self.kpis.iter().find(|kpi| kpi.name == name);
        let found =
            found.ok_or_else(|| (format!("unknown KPI `{name}`"), did_you_mean(name, &names)))?;
        Ok(kpi::expression(part, found))
    }
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
    /// A part of a KPI, at byte `at`.
    Kpi {
        part: KpiPart,
        name: &'t str,
        at: usize,
    },
}

/// Splits a statement at its parameters and KPIs. Quoted text, quoted names, comments and casts (`::`) have none.
fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let (mut pieces, mut from, mut at) = (Vec::new(), 0, 0);
    while at < sql.len() {
        let rest = &sql[at..];
        let Some((piece, length)) = named(rest, at) else {
            // A word is skipped as a whole, since its end can look like a function.
            let first = rest.chars().next().map_or(1, char::len_utf8);
            at += skipped(rest).max(word(rest).len()).max(first);
            continue;
        };
        pieces.push(Piece::Text(&sql[from..at]));
        pieces.push(piece);
        at += length;
        from = at;
    }
    pieces.push(Piece::Text(&sql[from..]));
    pieces
}

/// The parameter or KPI at the beginning of a text, which is at byte `at`, and its length.
fn named(rest: &str, at: usize) -> Option<(Piece<'_>, usize)> {
    if let Some((part, name, length)) = kpi::call(rest, word(rest)) {
        return Some((Piece::Kpi { part, name, at }, length));
    }
    let name = rest.strip_prefix(':').map(word).filter(|name| !name.is_empty())?;
    Some((Piece::Parameter { name, at }, 1 + name.len()))
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
            Piece::Kpi { name, .. } => Some(name),
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
        assert_eq!(names("kpi(oee), my_kpi(b), 'kpi(c)', kpi_low( d ), kpi"), ["oee", "d"]);
    }

    #[test]
    fn pieces_are_the_whole_text() {
        let sql = "select :a, kpi(oee), 'x' -- :b\nfrom t";
        let whole: String = pieces(sql)
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.to_owned(),
                Piece::Parameter { name, .. } => format!(":{name}"),
                Piece::Kpi { name, .. } => format!("kpi({name})"),
            })
            .collect();
        assert_eq!(whole, sql);
    }
}
