//! The types of columns in PostgreSQL.

use crate::postgres::rows::type_modifier;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::error::Result;
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::sql::sqlparser::ast::DataType as SqlType;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::oid_type_planner::PgOidTypePlanner;
use std::sync::Arc;

/// Types in SQL that the engine does not have.
#[derive(Debug, Default)]
pub struct PgTypePlanner;

impl TypePlanner for PgTypePlanner {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<FieldRef>> {
        if let SqlType::Custom(name, _) = sql_type
            && let Some(name) = name.0.last().and_then(|it| it.as_ident())
            && let Some(kind) = data_type(&name.value.to_lowercase())
        {
            return Ok(Some(Arc::new(Field::new("", kind, true))));
        }
        PgOidTypePlanner.plan_type_field(sql_type)
    }
}

/// The type of values of a type of the catalogue.
fn data_type(name: &str) -> Option<DataType> {
    let kind = match name {
        "name" | "bpchar" | "char" | "cstring" | "aclitem" | "pg_node_tree" | "json" | "jsonb"
        | "uuid" | "sql_identifier" | "character_data" | "yes_or_no" => DataType::Utf8,
        "xid" | "cardinal_number" => DataType::Int32,
        "int2vector" => DataType::List(Arc::new(Field::new("item", DataType::Int16, true))),
        "oidvector" => DataType::List(Arc::new(Field::new("item", DataType::Int32, true))),
        _ => return None,
    };
    Some(kind)
}

/// A type as the catalogue describes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PgType {
    pub number: i32,
    /// The name in `pg_type`.
    pub name: &'static str,
    /// The name in SQL.
    pub sql_name: &'static str,
    /// Size of a value in bytes, -1 if it varies.
    pub size: i16,
    /// Precision and scale of a decimal, packed; -1 for other types.
    pub modifier: i32,
    /// Bits of a number in binary, or digits of a decimal.
    pub precision: Option<i32>,
    pub scale: Option<i32>,
}

impl PgType {
    const fn new(number: i32, name: &'static str, sql_name: &'static str, size: i16) -> Self {
        Self { number, name, sql_name, size, modifier: -1, precision: None, scale: None }
    }

    const fn with_bits(self, bits: i32) -> Self {
        Self { precision: Some(bits), ..self }
    }

    /// The type of a column, by the name of its type in the interface.
    pub fn of_column(type_name: &str) -> Self {
        if let Some(arguments) = type_name.strip_prefix("decimal(") {
            return Self::decimal(arguments.trim_end_matches(')'));
        }
        match type_name {
            "boolean" => Self::new(16, "bool", "boolean", 1),
            "tinyint" | "smallint" => Self::new(21, "int2", "smallint", 2).with_bits(16),
            "int" => Self::new(23, "int4", "integer", 4).with_bits(32),
            "bigint" => Self::new(20, "int8", "bigint", 8).with_bits(64),
            "unsigned bigint" => Self::new(1_700, "numeric", "numeric", -1),
            "float" => Self::new(700, "float4", "real", 4).with_bits(24),
            "double" => Self::new(701, "float8", "double precision", 8).with_bits(53),
            "binary" => Self::new(17, "bytea", "bytea", -1),
            "date" => Self::new(1_082, "date", "date", 4),
            "timestamp" => Self::new(1_184, "timestamptz", "timestamp with time zone", 8),
            "timestamp without time zone" => {
                Self::new(1_114, "timestamp", "timestamp without time zone", 8)
            }
            _ => Self::new(25, "text", "text", -1),
        }
    }

    fn decimal(arguments: &str) -> Self {
        let numeric = Self::new(1_700, "numeric", "numeric", -1);
        let parts = arguments.split_once(',');
        let parsed = parts.and_then(|(precision, scale)| {
            Some((precision.trim().parse().ok()?, scale.trim().parse().ok()?))
        });
        let Some((precision, scale)) = parsed else { return numeric };
        let modifier = type_modifier(&DataType::Decimal128(precision, scale));
        let (precision, scale) = (Some(i32::from(precision)), Some(i32::from(scale)));
        Self { modifier, precision, scale, ..numeric }
    }

    /// Whether values are numbers.
    pub fn is_number(&self) -> bool {
        matches!(self.number, 20 | 21 | 23 | 700 | 701 | 1_700)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_keeps_precision_and_scale() {
        let found = PgType::of_column("decimal(28,4)");
        assert_eq!((found.number, found.precision, found.scale), (1_700, Some(28), Some(4)));
        assert_eq!(found.modifier, (28 << 16) + 4 + 4);
    }

    #[test]
    fn the_type_of_a_column_is_that_of_its_values() {
        use datafusion::arrow::datatypes::TimeUnit::Microsecond;
        use datafusion_postgres::arrow_pg::datatypes::into_pg_type;
        for kind in [
            DataType::Boolean,
            DataType::Int16,
            DataType::Int32,
            DataType::Int64,
            DataType::UInt64,
            DataType::Float32,
            DataType::Float64,
            DataType::Utf8,
            DataType::Binary,
            DataType::Date32,
            DataType::Timestamp(Microsecond, Some("UTC".into())),
            DataType::Timestamp(Microsecond, None),
            DataType::Decimal128(10, 2),
        ] {
            let described = PgType::of_column(&serve::type_name(&kind));
            let sent = into_pg_type(&kind).unwrap();
            assert_eq!(i64::from(described.number), i64::from(sent.oid()), "{kind}");
            assert_eq!(described.name, sent.name(), "{kind}");
        }
    }
}
