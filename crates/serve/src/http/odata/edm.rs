//! The types and names of the entity data model, by which OData describes tables.

use crate::TableInfo;
use crate::type_name;
use arrow::datatypes::{DataType, Schema};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The namespace of the entity types.
pub const NAMESPACE: &str = "Cockpit";
/// The name of the entity container.
pub const CONTAINER: &str = "Lake";

/// Schemas of the lake whose tables are entity sets.
pub const SCHEMAS: [&str; 2] = ["gold", "silver"];

/// Characters of a name of the model.
const NAME_CHARS_MAX: usize = 128;

/// A primitive type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edm {
    Boolean,
    SByte,
    Int16,
    Int32,
    Int64,
    Single,
    Double,
    Decimal {
        precision: u8,
        scale: i8,
    },
    Text,
    Binary,
    Date,
    /// A time in UTC, in microseconds.
    DateTimeOffset,
}

impl Edm {
    /// The type of a column, by its name in [`crate::ColumnInfo`]; `None` for lists and other types that
    /// OData clients do not read.
    pub fn from_type_name(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Boolean,
            "tinyint" => Self::SByte,
            "smallint" => Self::Int16,
            "int" => Self::Int32,
            "bigint" => Self::Int64,
            "unsigned bigint" => Self::Decimal { precision: 20, scale: 0 },
            "float" => Self::Single,
            "double" => Self::Double,
            "text" => Self::Text,
            "binary" => Self::Binary,
            "date" => Self::Date,
            "timestamp" | "timestamp without time zone" => Self::DateTimeOffset,
            other => return decimal(other),
        })
    }

    /// The type of a column in Arrow.
    pub fn from_arrow(of: &DataType) -> Option<Self> {
        Self::from_type_name(&type_name(of))
    }

    /// The name of the type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Boolean => "Edm.Boolean",
            Self::SByte => "Edm.SByte",
            Self::Int16 => "Edm.Int16",
            Self::Int32 => "Edm.Int32",
            Self::Int64 => "Edm.Int64",
            Self::Single => "Edm.Single",
            Self::Double => "Edm.Double",
            Self::Decimal { .. } => "Edm.Decimal",
            Self::Text => "Edm.String",
            Self::Binary => "Edm.Binary",
            Self::Date => "Edm.Date",
            Self::DateTimeOffset => "Edm.DateTimeOffset",
        }
    }

    /// The facets of the type, as attributes of XML.
    pub fn facets(self) -> String {
        match self {
            Self::Decimal { precision, scale } => {
                format!(" Precision=\"{precision}\" Scale=\"{}\"", scale.max(0))
            }
            Self::DateTimeOffset => " Precision=\"6\"".to_owned(),
            _ => String::new(),
        }
    }
}

fn decimal(name: &str) -> Option<Edm> {
    let (precision, scale) = name.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
    Some(Edm::Decimal { precision: precision.parse().ok()?, scale: scale.trim().parse().ok()? })
}

/// A property of an entity: a column under a name of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    pub column: String,
    pub edm: Edm,
}

/// The properties of the columns of a schema. Columns without a type of the model are left out.
pub fn properties_of_schema(schema: &Schema) -> Vec<Property> {
    let columns = schema.fields().iter();
    properties(columns.map(|field| (field.name().as_str(), Edm::from_arrow(field.data_type()))))
}

/// The properties of the columns of a table.
pub fn properties_of_table(info: &TableInfo) -> Vec<Property> {
    let columns = info.columns.iter();
    properties(columns.map(|it| (it.name.as_str(), Edm::from_type_name(&it.type_name))))
}

fn properties<'a>(columns: impl Iterator<Item = (&'a str, Option<Edm>)>) -> Vec<Property> {
    let mut taken = BTreeSet::new();
    let mut found = Vec::new();
    for (column, edm) in columns {
        let Some(edm) = edm else { continue };
        let name = property_name(column);
        if taken.insert(name.clone()) {
            found.push(Property { name, column: column.to_owned(), edm });
        }
    }
    found
}

/// The name of the property of a column. Characters that OData does not allow in a name are encoded as
/// `_x0020_`, as XML tools of Microsoft do.
pub fn property_name(column: &str) -> String {
    let mut name = String::new();
    for (position, character) in column.chars().enumerate() {
        let is_start = character.is_alphabetic() || character == '_';
        let is_plain = is_start || (position > 0 && is_name_character(character));
        // A column that looks encoded must not have the name of another one.
        let is_escape = character == '_' && column.chars().nth(position + 1) == Some('x');
        match is_plain && !is_escape {
            true => name.push(character),
            // Writing to a text cannot fail.
            false => write!(name, "_x{:04X}_", u32::from(character)).unwrap_or_default(),
        }
    }
    name.chars().take(NAME_CHARS_MAX).collect()
}

fn is_name_character(character: char) -> bool {
    // Vowel signs of Indic scripts are marks: neither letters nor digits.
    let is_mark = !character.is_ascii() && !character.is_whitespace() && !character.is_control();
    character.is_alphanumeric() || character == '_' || is_mark
}

/// The name of the entity set of a table, which is also that of its type.
pub fn set_name(schema: &str, table: &str) -> String {
    property_name(&format!("{schema}_{table}"))
}

/// The table of an entity set among `tables`.
pub fn find_set<'a>(tables: &'a [TableInfo], name: &str) -> Option<&'a TableInfo> {
    tables.iter().find(|info| is_set(info) && set_name(&info.schema, &info.table) == name)
}

/// Whether a table is an entity set.
pub fn is_set(info: &TableInfo) -> bool {
    SCHEMAS.contains(&info.schema.as_str())
}

/// `text` as content or attribute of XML. Characters that XML 1.0 does not allow are left out.
pub fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\u{FFFE}' | '\u{FFFF}' => {}
            other if other.is_control() => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_valid_and_different() {
        for (column, expected) in [
            ("day_local", "day_local"),
            ("_file", "_file"),
            ("Name of it", "Name_x0020_of_x0020_it"),
            ("2nd", "_x0032_nd"),
            ("a.b/c", "a_x002E_b_x002F_c"),
            ("a_x0020_b", "a_x005F_x0020_b"),
            ("എണ്ണം", "എണ്ണം"),
        ] {
            assert_eq!(property_name(column), expected);
        }
        assert_eq!(set_name("gold", "production_daily"), "gold_production_daily");
    }

    #[test]
    fn types_have_their_facets() {
        let check = |name: &str, edm: &str, facets: &str| {
            let found = Edm::from_type_name(name).unwrap();
            assert_eq!((found.name(), found.facets().as_str()), (edm, facets), "{name}");
        };
        check("decimal(28,4)", "Edm.Decimal", " Precision=\"28\" Scale=\"4\"");
        check("unsigned bigint", "Edm.Decimal", " Precision=\"20\" Scale=\"0\"");
        check("timestamp", "Edm.DateTimeOffset", " Precision=\"6\"");
        check("text", "Edm.String", "");
        assert_eq!(Edm::from_type_name("list(int64)"), None);
        assert_eq!(xml("a<b> & \"c\"\u{1}"), "a&lt;b&gt; &amp; &quot;c&quot;");
    }
}
