//! How the databases write names and texts.

use super::columns::ColumnKind;
use plant::source::SqlRows;

/// How a database writes names and texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dialect {
    /// The sign around names.
    pub quote: char,
    /// Whether a backslash in a text is an escape.
    pub has_backslash: bool,
}

impl Dialect {
    /// A name in quotes.
    pub fn name(self, name: &str) -> String {
        let quote = self.quote;
        let doubled = name.replace(quote, &format!("{quote}{quote}"));
        format!("{quote}{doubled}{quote}")
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
    pub fn literal(self, text: &str, kind: ColumnKind) -> String {
        let is_number = matches!(kind, ColumnKind::Integer | ColumnKind::Number);
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

    const MYSQL: Dialect = Dialect { quote: '`', has_backslash: true };
    const OTHERS: Dialect = Dialect { quote: '"', has_backslash: false };

    #[test]
    fn names_and_texts_cannot_end_early() {
        assert_eq!(OTHERS.name("a\"b"), "\"a\"\"b\"");
        assert_eq!(MYSQL.name("a`b"), "`a``b`");
        assert_eq!(OTHERS.literal("it's \\", ColumnKind::Text), "'it''s \\'");
        assert_eq!(MYSQL.literal("it's \\", ColumnKind::Text), "'it''s \\\\'");
        assert_eq!(OTHERS.literal("12.5", ColumnKind::Number), "12.5");
        assert_eq!(OTHERS.literal("1 OR 1", ColumnKind::Number), "'1 OR 1'");
        assert_eq!(OTHERS.literal("12", ColumnKind::Text), "'12'");
    }

    #[test]
    fn a_table_has_its_schema_before_a_dot() {
        let table = SqlRows::Table("mes.orders".into());
        assert_eq!(OTHERS.from(&table), "\"mes\".\"orders\"");
        assert_eq!(MYSQL.from(&SqlRows::Query("SELECT 1".into())), "(SELECT 1) AS `source`");
    }
}
