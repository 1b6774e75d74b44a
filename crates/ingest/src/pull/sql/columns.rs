//! The columns of a table or a query.

use crate::Error;
use crate::decode::copy_text;

/// A column of a table or a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlColumn {
    pub name: String,
    pub kind: ColumnKind,
    /// Name of its type in the database.
    pub type_name: String,
    /// Collation of its texts where literals depend on it; else empty.
    pub collation: String,
    /// Whether its times have a zone, so that they are read in UTC.
    pub has_zone: bool,
}

/// What a column holds, as far as pages and watermarks depend on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Whole numbers.
    Integer,
    /// Other numbers.
    Number,
    /// Days and times.
    Time,
    Bool,
    Text,
}

/// The first line of a pull.
pub fn header(columns: &[SqlColumn]) -> Vec<u8> {
    copy_text::line(columns.iter().map(|column| Some(column.name.as_bytes())))
}

/// The column of a name, in the letter case of the database.
///
/// # Errors
/// There is none.
pub fn find<'a>(columns: &'a [SqlColumn], name: &str) -> Result<&'a SqlColumn, Error> {
    Ok(&columns[position(columns, name)?])
}

/// The position of the column of a name.
///
/// # Errors
/// There is none.
pub fn position(columns: &[SqlColumn], name: &str) -> Result<usize, Error> {
    let exact = columns.iter().position(|column| column.name == name);
    let found =
        exact.or_else(|| columns.iter().position(|column| column.name.eq_ignore_ascii_case(name)));
    found.ok_or_else(|| {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        Error::Data(format!(
            "the source has no column `{name}`, which the contract names as key or watermark; it has [{}]: \
             was it renamed or dropped?",
            names.join(", ")
        ))
    })
}
