//! How the databases write names and texts.

use super::columns::{ColumnKind, SqlColumn};
use plant::source::SqlRows;

/// How a database writes names and texts.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// The signs before and behind names.
    quotes: (char, char),
    /// Whether a backslash in a text is an escape.
    has_backslash: bool,
    /// Whether TOP behind SELECT bounds the number of rows, instead of LIMIT at the end.
    has_top: bool,
    /// How values depend on the type of their column, where the protocol does not give their text.
    typed: Option<TypedValues>,
}

/// How values of a column are written by its type.
#[derive(Debug, Clone, Copy)]
pub struct TypedValues {
    /// The text of an expression.
    pub text: fn(&SqlColumn, &str) -> String,
    /// The literal of a text.
    pub literal: fn(&SqlColumn, &str) -> String,
}

impl Dialect {
    /// A dialect with LIMIT, whose protocol gives values as text.
    pub const fn new(quote: char, has_backslash: bool) -> Self {
        Self { quotes: (quote, quote), has_backslash, has_top: false, typed: None }
    }

    /// A dialect with TOP and names in brackets.
    pub const fn bracketed(typed: TypedValues) -> Self {
        Self { quotes: ('[', ']'), has_backslash: false, has_top: true, typed: Some(typed) }
    }

    /// A name in quotes.
    pub fn name(self, name: &str) -> String {
        let (open, close) = self.quotes;
        let doubled = name.replace(close, &format!("{close}{close}"));
        format!("{open}{doubled}{close}")
    }

    /// An expression of a column's type as it is selected.
    pub fn selected(self, column: &SqlColumn, expression: String) -> String {
        match self.typed {
            Some(typed) => (typed.text)(column, &expression),
            None => expression,
        }
    }

    /// SELECT with at most `limit` rows: `rest` is what follows it, from the columns on.
    pub fn select(self, rest: &str, limit: Option<u64>) -> String {
        match limit {
            None => format!("SELECT {rest}"),
            Some(limit) if self.has_top => {
                format!("SELECT TOP ({}) {rest}", limit.min(i64::MAX.cast_unsigned()))
            }
            Some(limit) => format!("SELECT {rest} LIMIT {limit}"),
        }
    }

    /// What follows FROM.
    pub fn from(self, rows: &SqlRows) -> String {
        match rows {
            SqlRows::Table(table) => {
                table.split('.').map(|part| self.name(part)).collect::<Vec<_>>().join(".")
            }
            SqlRows::Query(query) => format!("({query}) AS {}", self.name("source")),
        }
    }

    /// A value of a column as a literal.
    pub fn literal(self, text: &str, column: &SqlColumn) -> String {
        if let Some(typed) = self.typed {
            return (typed.literal)(column, text);
        }
        let is_number = matches!(column.kind, ColumnKind::Integer | ColumnKind::Number);
        if is_number && !text.is_empty() && text.bytes().all(is_of_number) {
            return text.to_owned();
        }
        let doubled = text.replace('\'', "''");
        let escaped = if self.has_backslash { doubled.replace('\\', "\\\\") } else { doubled };
        format!("'{escaped}'")
    }
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E')
}

#[cfg(test)]
mod tests {
    use super::*;

    const MYSQL: Dialect = Dialect::new('`', true);
    const OTHERS: Dialect = Dialect::new('"', false);

    fn column(kind: ColumnKind) -> SqlColumn {
        SqlColumn {
            name: "a".into(),
            kind,
            type_name: String::new(),
            collation: String::new(),
            has_zone: false,
        }
    }

    #[test]
    fn names_and_texts_cannot_end_early() {
        assert_eq!(OTHERS.name("a\"b"), "\"a\"\"b\"");
        assert_eq!(MYSQL.name("a`b"), "`a``b`");
        let (text, number) = (column(ColumnKind::Text), column(ColumnKind::Number));
        assert_eq!(OTHERS.literal("it's \\", &text), "'it''s \\'");
        assert_eq!(MYSQL.literal("it's \\", &text), "'it''s \\\\'");
        assert_eq!(OTHERS.literal("12.5", &number), "12.5");
        assert_eq!(OTHERS.literal("1 OR 1", &number), "'1 OR 1'");
        assert_eq!(OTHERS.literal("12", &text), "'12'");
    }

    #[test]
    fn a_table_has_its_schema_before_a_dot() {
        let table = SqlRows::Table("mes.orders".into());
        assert_eq!(OTHERS.from(&table), "\"mes\".\"orders\"");
        assert_eq!(MYSQL.from(&SqlRows::Query("SELECT 1".into())), "(SELECT 1) AS `source`");
    }
    #[test]
    fn the_number_of_rows_is_bounded_where_the_dialect_has_it() {
        let typed = TypedValues { text: |_, it| it.to_owned(), literal: |_, it| it.to_owned() };
        let bracketed = Dialect::bracketed(typed);
        assert_eq!(OTHERS.select("a FROM b", Some(3)), "SELECT a FROM b LIMIT 3");
        assert_eq!(bracketed.select("a FROM b", Some(3)), "SELECT TOP (3) a FROM b");
        assert_eq!(
            bracketed.select("a FROM b", Some(u64::MAX)),
            "SELECT TOP (9223372036854775807) a FROM b"
        );
        assert_eq!(bracketed.select("a FROM b", None), "SELECT a FROM b");
        assert_eq!(bracketed.name("a]b[c"), "[a]]b[c]");
    }
}
