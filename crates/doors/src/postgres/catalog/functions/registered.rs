//! The numbers of objects by name, and their names by number.

use super::{INT, TEXT, function, texts};
use crate::postgres::catalog::numbers;
use crate::postgres::catalog::objects::{Objects, key_name};
use arrow::array::{Array as _, ArrayRef, AsArray as _, Int32Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use pgwire::api::Type;
use std::sync::Arc;

/// The tables of PostgreSQL that clients refer to by number.
const SYSTEM_TABLES: [(&str, i32); 14] = [
    ("pg_am", 2_601),
    ("pg_attribute", 1_249),
    ("pg_authid", 1_260),
    ("pg_class", numbers::PG_CLASS),
    ("pg_constraint", 2_606),
    ("pg_database", 1_262),
    ("pg_description", 2_609),
    ("pg_extension", 3_079),
    ("pg_index", 2_610),
    ("pg_namespace", 2_615),
    ("pg_opclass", 2_616),
    ("pg_operator", 2_617),
    ("pg_proc", 1_255),
    ("pg_type", 1_247),
];
/// Names of types in SQL that differ from those in `pg_type`.
const SQL_NAMES: [(&str, &str); 12] = [
    ("bigint", "int8"),
    ("boolean", "bool"),
    ("bit varying", "varbit"),
    ("character", "bpchar"),
    ("character varying", "varchar"),
    ("double precision", "float8"),
    ("integer", "int4"),
    ("real", "float4"),
    ("smallint", "int2"),
    ("time without time zone", "time"),
    ("timestamp without time zone", "timestamp"),
    ("timestamp with time zone", "timestamptz"),
];
/// The numbers of the types of PostgreSQL end here.
const TYPES_TO: u32 = 6_200;

type Find = fn(&Objects, &str) -> Option<i32>;
type Name = fn(&Objects, i32) -> Option<String>;

/// Registers the functions.
pub fn register(session: &SessionContext, objects: &Arc<Objects>) {
    let by_name: [(&'static str, Find); 4] = [
        ("to_regclass", table_number),
        ("to_regnamespace", |_, name| schema_number(name)),
        ("to_regrole", role_number),
        ("to_regtype", |_, name| type_number(name)),
    ];
    for (name, find) in by_name {
        let seen = Arc::clone(objects);
        let call = move |arguments: &[ArrayRef], _rows: usize| found(&arguments[0], &seen, find);
        session.register_udf(function(name, &[&[DataType::Null]], INT, call));
    }
    let by_number: [(&'static str, Name); 4] = [
        ("pg_class_name", table_name),
        ("pg_namespace_name", |_, number| schema_name(number)),
        ("pg_role_name", |objects, number| super::role(objects, number)),
        ("pg_type_name", |_, number| type_name(number)),
    ];
    for (name, find) in by_number {
        let seen = Arc::clone(objects);
        let call = move |arguments: &[ArrayRef], _rows: usize| named(&arguments[0], &seen, find);
        session.register_udf(function(name, &[&[DataType::Null]], TEXT, call));
    }
}

/// Numbers, or those of names. The text of a number is that number.
fn found(values: &ArrayRef, objects: &Objects, find: Find) -> Result<ArrayRef> {
    if values.data_type().is_integer() {
        return Ok(cast(values, &INT)?);
    }
    let names = cast(values, &TEXT)?;
    let one = |name: &str| name.trim().parse().ok().or_else(|| find(objects, name.trim()));
    let numbers = names.as_string::<i32>().iter().map(|name| name.and_then(one));
    Ok(Arc::new(numbers.collect::<Int32Array>()))
}

/// Names of numbers, or names as they are. A number without an object is shown as it is.
fn named(values: &ArrayRef, objects: &Objects, name: Name) -> Result<ArrayRef> {
    if !values.data_type().is_integer() {
        return Ok(cast(values, &TEXT)?);
    }
    let numbers = cast(values, &INT)?;
    let one = |number: i32| match number {
        0 => "-".to_owned(),
        number => name(objects, number).unwrap_or_else(|| number.to_string()),
    };
    Ok(texts(numbers.as_primitive::<Int32Type>().iter().map(|it| it.map(one))))
}

/// The parts of a name, without their quotes.
fn parts(name: &str) -> Vec<String> {
    let part = |it: &str| match it.strip_prefix('"').and_then(|it| it.strip_suffix('"')) {
        Some(quoted) => quoted.replace("\"\"", "\""),
        None => it.to_lowercase(),
    };
    name.split('.').map(|it| part(it.trim())).collect()
}

fn table_number(objects: &Objects, name: &str) -> Option<i32> {
    let parts = parts(name);
    let (schema, table) = match parts.as_slice() {
        [table] => (None, table),
        [schema, table] | [_, schema, table] => (Some(schema.as_str()), table),
        _ => return None,
    };
    let known = |(known, number): &(&str, i32)| (known == table).then_some(*number);
    if schema.is_none_or(|it| it == "pg_catalog")
        && let Some(number) = SYSTEM_TABLES.iter().find_map(known)
    {
        return Some(number);
    }
    let schema = schema.unwrap_or("gold");
    objects.all().filter(|(it, _)| it.schema == schema).find_map(|(it, numbers)| {
        let of_key = (key_name(it) == *table).then_some(numbers.index);
        (it.table == *table).then_some(numbers.table).or(of_key)
    })
}

/// The name of a table, with its schema unless that is searched.
fn table_name(objects: &Objects, number: i32) -> Option<String> {
    let known = SYSTEM_TABLES.iter().find(|(_, it)| *it == number);
    if let Some((name, _)) = known {
        return Some((*name).to_owned());
    }
    let (table, numbers) =
        objects.all().find(|(_, it)| it.table == number || it.index == number)?;
    let name = if numbers.table == number { table.table.clone() } else { key_name(table) };
    Some(if table.schema == "gold" { name } else { format!("{}.{name}", table.schema) })
}

fn schema_number(name: &str) -> Option<i32> {
    let name = parts(name).pop()?;
    schemas().into_iter().find_map(|(known, number)| (known == name).then_some(number))
}

fn schema_name(number: i32) -> Option<String> {
    schemas().into_iter().find_map(|(name, it)| (it == number).then(|| name.to_owned()))
}

fn schemas() -> Vec<(&'static str, i32)> {
    let own = [
        ("pg_catalog", numbers::PG_CATALOG_SCHEMA),
        ("information_schema", numbers::INFORMATION_SCHEMA),
    ];
    lake::session::SCHEMAS.iter().map(|it| (*it, numbers::schema(it))).chain(own).collect()
}

fn role_number(objects: &Objects, name: &str) -> Option<i32> {
    match parts(name).pop()? {
        name if name == objects.user.to_lowercase() => Some(numbers::USER),
        name if name == super::OWNER => Some(numbers::OWNER),
        _ => None,
    }
}

fn type_number(name: &str) -> Option<i32> {
    let name = name.to_lowercase();
    let name = name.strip_prefix("pg_catalog.").unwrap_or(&name).trim_matches('"');
    let (name, is_array) = match name.strip_suffix("[]") {
        Some(element) => (element, true),
        None => (name, false),
    };
    let known = SQL_NAMES.iter().find(|(sql, _)| *sql == name).map_or(name, |it| it.1);
    let wanted = if is_array { format!("_{known}") } else { known.to_owned() };
    let found = (16..TYPES_TO).filter_map(Type::from_oid).find(|it| it.name() == wanted)?;
    i32::try_from(found.oid()).ok()
}

fn type_name(number: i32) -> Option<String> {
    let found = Type::from_oid(u32::try_from(number).ok()?)?;
    let sql = |name: &str| {
        let known = SQL_NAMES.iter().find(|(_, it)| *it == name);
        known.map_or(name, |it| it.0).to_owned()
    };
    match found.name().strip_prefix('_') {
        Some(element) => Some(format!("{}[]", sql(element))),
        None => Some(sql(found.name())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_both_names() {
        for (name, number) in [
            ("int4", 23),
            ("integer", 23),
            ("pg_catalog.text", 25),
            ("double precision", 701),
            ("integer[]", 1_007),
            ("_text", 1_009),
        ] {
            assert_eq!(type_number(name), Some(number), "{name}");
        }
        assert_eq!(type_number("hstore"), None);
        assert_eq!(type_name(1_007).as_deref(), Some("integer[]"));
        assert_eq!(type_name(1_184).as_deref(), Some("timestamp with time zone"));
    }

    #[test]
    fn names_have_quotes_where_they_need_them() {
        assert_eq!(parts("gold.\"A\""), ["gold", "A"]);
        assert_eq!(parts("Gold.T"), ["gold", "t"]);
    }
}
