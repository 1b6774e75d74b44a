//! Values of SQL Server as text and back, by the types of their columns.
//!
//! Conversions lose nothing, and depend neither on the language nor on the date format of the login. A literal
//! has exactly the type and the collation of its column: otherwise the server would convert the column, use no
//! index, and compare in another order than it sorts.

use crate::pull::sql::columns::{ColumnKind, SqlColumn};

/// The longest `nvarchar` that is not `max`.
const NVARCHAR_MAX: usize = 4_000;

/// A column by its description.
pub fn column(name: String, type_name: String, collation: String) -> SqlColumn {
    let kind = match base(&type_name) {
        "tinyint" | "smallint" | "int" | "bigint" | "timestamp" => ColumnKind::Integer,
        "decimal" | "numeric" | "money" | "smallmoney" | "float" | "real" => ColumnKind::Number,
        "date" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset" => ColumnKind::Time,
        "bit" => ColumnKind::Bool,
        _ => ColumnKind::Text,
    };
    let has_zone = base(&type_name) == "datetimeoffset";
    SqlColumn { name, kind, type_name, collation, has_zone }
}

/// Whether the column has the version of each row, which is called `timestamp` in the system.
pub fn is_rowversion(column: &SqlColumn) -> bool {
    base(&column.type_name) == "timestamp"
}

/// The name of a type without length, precision and scale.
fn base(type_name: &str) -> &str {
    type_name.split('(').next().unwrap_or(type_name)
}

/// Length, precision and scale of a type, with their parentheses; empty if there are none.
fn size(type_name: &str) -> &str {
    type_name.find('(').map_or("", |at| &type_name[at..])
}

/// The text of an expression of the type of a column. Bytes stay bytes.
pub fn text(column: &SqlColumn, expression: &str) -> String {
    let type_name = column.type_name.as_str();
    let converted =
        |length: &str, style: &str| format!("CONVERT(nvarchar({length}), {expression}{style})");
    match base(type_name) {
        "nvarchar" | "nchar" | "binary" | "varbinary" => expression.to_owned(),
        "varchar" | "char" => {
            let length = size(type_name).trim_matches(['(', ')']).parse::<usize>().ok();
            let length = length.filter(|length| *length <= NVARCHAR_MAX);
            converted(&length.map_or_else(|| "max".to_owned(), |it| it.to_string()), "")
        }
        "bit" | "tinyint" | "smallint" | "int" | "bigint" => converted("20", ""),
        "decimal" | "numeric" => converted("41", ""),
        "money" | "smallmoney" => converted("22", ", 2"),
        // 17 digits, from which the same number is read.
        "float" | "real" => converted("30", ", 3"),
        "date" => converted("10", ", 23"),
        "smalldatetime" => converted("19", ", 120"),
        "time" | "datetime" | "datetime2" => converted("27", ", 121"),
        "datetimeoffset" => {
            let precision = size(type_name);
            let utc = format!("SWITCHOFFSET({expression}, '+00:00')");
            format!("CONVERT(nvarchar(27), CONVERT(datetime2{precision}, {utc}), 121) + N'+00'")
        }
        "timestamp" => format!("CONVERT(nvarchar(20), CONVERT(bigint, {expression}))"),
        "uniqueidentifier" => converted("36", ""),
        "xml" | "text" | "ntext" | "json" | "vector" | "sql_variant" => converted("max", ""),
        "hierarchyid" => format!("{expression}.ToString()"),
        // Images, and other types of the common language runtime.
        _ => format!("CONVERT(varbinary(max), {expression})"),
    }
}

/// The literal of a text that [`text`] gave.
pub fn literal(column: &SqlColumn, text: &str) -> String {
    let type_name = column.type_name.as_str();
    match base(type_name) {
        "nvarchar" | "nchar" => quoted(text),
        "varchar" | "char" if column.collation.bytes().all(is_of_name) => {
            let collation = match column.collation.as_str() {
                "" => String::new(),
                name => format!(" COLLATE {name}"),
            };
            format!("CONVERT({type_name}, {}{collation})", quoted(text))
        }
        "binary" | "varbinary" => {
            let digits = text.strip_prefix("\\x").unwrap_or(text);
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            format!("0x{}", if is_hex { digits } else { "" })
        }
        // As bytes, since a number would be compared as an `int`.
        "timestamp" => format!("0x{:016X}", text.parse::<i64>().unwrap_or_default().max(0)),
        "date" | "datetime" | "datetime2" | "smalldatetime" | "datetimeoffset" => {
            format!("CONVERT({type_name}, {})", quoted(&moment(base(type_name), text)))
        }
        _ => format!("CONVERT({type_name}, {})", quoted(text)),
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A time in the ISO 8601 form that every language and date format of a login reads alike.
fn moment(base: &str, text: &str) -> String {
    let Some((day, time)) = text.split_once([' ', 'T']) else {
        return if base == "date" { text.to_owned() } else { format!("{text}T00:00:00") };
    };
    let (time, offset) = match time.strip_suffix("+00").or_else(|| time.strip_suffix('Z')) {
        Some(time) => (time, "+00:00"),
        None => (time, ""),
    };
    // Digits that the type has not would be an error for `datetime`.
    let digits = match base {
        "date" | "smalldatetime" => "HH:mm:ss".len(),
        "datetime" => "HH:mm:ss.SSS".len(),
        _ => usize::MAX,
    };
    format!("{day}T{}{offset}", time.get(..digits).unwrap_or(time))
}

/// A text as a literal.
pub fn quoted(text: &str) -> String {
    format!("N'{}'", text.replace('\'', "''"))
}
