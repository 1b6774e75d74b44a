//! Functions of PostgreSQL that clients call about the catalogue and the connection.

mod arrays;
mod registered;

use super::numbers;
use super::objects::{Objects, column_description, index_definition, quoted_key};
use crate::postgres::variables::Variables;
use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, Int32Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarUDF, Signature, SimpleScalarUDF, TypeSignature, Volatility,
};
use datafusion::prelude::SessionContext;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog as library;
use library::generate_series_arg_coercion::CoerceIntArgsToBigInt;
use serve::TableInfo;
use std::sync::Arc;

/// The owner of all objects: no user has this name.
pub const OWNER: &str = "cockpit";

const TEXT: DataType = DataType::Utf8;
const INT: DataType = DataType::Int32;
const BOOL: DataType = DataType::Boolean;

/// Functions that are true of every object that a client can see.
const TRUE: [(&str, &[&[DataType]]); 17] = [
    ("has_function_privilege", &[&[INT, TEXT], &[TEXT, INT, TEXT]]),
    ("has_language_privilege", &[&[INT, TEXT], &[TEXT, INT, TEXT]]),
    ("pg_conversion_is_visible", &[&[INT]]),
    ("pg_opfamily_is_visible", &[&[INT]]),
    ("pg_statistics_obj_is_visible", &[&[INT]]),
    ("pg_ts_config_is_visible", &[&[INT]]),
    ("pg_ts_dict_is_visible", &[&[INT]]),
    ("pg_ts_parser_is_visible", &[&[INT]]),
    ("pg_ts_template_is_visible", &[&[INT]]),
    ("pg_function_is_visible", &[&[INT]]),
    ("pg_type_is_visible", &[&[INT]]),
    ("pg_opclass_is_visible", &[&[INT]]),
    ("pg_operator_is_visible", &[&[INT]]),
    ("pg_collation_is_visible", &[&[INT]]),
    ("pg_has_role", &[&[INT, TEXT], &[TEXT, TEXT], &[TEXT, INT, TEXT], &[TEXT, TEXT, TEXT]]),
    ("has_column_privilege", &[&[TEXT, TEXT, TEXT], &[INT, TEXT, TEXT], &[INT, INT, TEXT]]),
    ("has_sequence_privilege", &[&[TEXT, TEXT], &[INT, TEXT]]),
];
const FALSE: [(&str, &[&[DataType]]); 2] =
    [("pg_is_in_recovery", &[&[]]), ("pg_is_other_temp_schema", &[&[INT]])];
/// Functions about objects that do not exist here.
const NULL: [(&str, &[&[DataType]]); 15] = [
    ("json_build_object", &[]),
    ("pg_get_function_arg_default", &[&[INT, INT]]),
    ("pg_get_function_arguments", &[&[INT]]),
    ("pg_get_function_result", &[&[INT]]),
    ("pg_get_function_sqlbody", &[&[INT]]),
    ("pg_size_pretty", &[&[DataType::Int64]]),
    ("txid_current", &[&[]]),
    ("shobj_description", &[&[INT, TEXT]]),
    ("pg_get_viewdef", &[&[INT], &[INT, BOOL], &[TEXT]]),
    ("pg_get_ruledef", &[&[INT], &[INT, BOOL]]),
    ("pg_get_triggerdef", &[&[INT], &[INT, BOOL]]),
    ("pg_get_functiondef", &[&[INT]]),
    ("pg_get_serial_sequence", &[&[TEXT, TEXT]]),
    ("pg_get_function_identity_arguments", &[&[INT]]),
    ("pg_tablespace_location", &[&[INT]]),
];

/// Sizes in bytes, which are not known.
const SIZES: [&str; 4] =
    ["pg_database_size", "pg_indexes_size", "pg_table_size", "pg_tablespace_size"];
/// Functions whose result is 0: objects that do not exist, and the encoding SQL_ASCII.
const NUMBERS: [&str; 2] = ["pg_my_temp_schema", "pg_char_to_encoding"];

/// Registers the functions in `session`: those about the connection, and those about objects if the
/// statement reads the catalogue.
pub fn register(
    session: &SessionContext,
    objects: &Arc<Objects>,
    variables: &Variables,
    reads_catalogue: bool,
) {
    of_connection(session, &objects.user, variables);
    if !reads_catalogue {
        return;
    }
    of_library(session);
    of_truth(session);
    of_nothing(session);
    of_objects(session, objects);
    arrays::register(session);
    registered::register(session, objects);
}

/// Those with one answer.
fn of_truth(session: &SessionContext) {
    for (names, value) in [(&TRUE[..], true), (&FALSE[..], false)] {
        for (name, arguments) in names {
            let call = move |_: &[ArrayRef], rows| Ok(booleans(rows, value));
            session.register_udf(function(name, arguments, BOOL, call));
        }
    }
    for name in NUMBERS {
        let call = |_: &[ArrayRef], rows| Ok(Arc::new(Int32Array::from(vec![0; rows])) as ArrayRef);
        session.register_udf(function(name, &[&[], &[TEXT]], INT, call));
    }
}

/// Those whose result is null.
fn of_nothing(session: &SessionContext) {
    for (name, arguments) in NULL {
        let call = |_: &[ArrayRef], rows| Ok(texts(std::iter::repeat_n(None::<String>, rows)));
        session.register_udf(function(name, arguments, TEXT, call));
    }
    for name in SIZES {
        let call = |_: &[ArrayRef], rows| Ok(arrow::array::new_null_array(&DataType::Int64, rows));
        session.register_udf(function(name, &[&[DataType::Null]], DataType::Int64, call));
    }
}

/// Those of the library that do not depend on the tables.
fn of_library(session: &SessionContext) {
    for name in ["has_table_privilege", "has_schema_privilege", "has_database_privilege"] {
        session.register_udf(library::has_privilege_udf::create_has_privilege_udf(name));
    }
    let any_column = "has_any_column_privilege";
    session.register_udf(library::has_privilege_udf::create_has_privilege_udf(any_column));
    session.register_udf(library::create_pg_table_is_visible());
    session.register_udf(library::format_type::create_format_type_udf());
    session.register_udf(library::pg_get_expr_udf::create_pg_get_expr_udf());
    session.register_udf(library::create_pg_get_partkeydef_udf());
    session.register_udf(library::create_pg_relation_is_publishable_udf());
    session.register_udf(library::create_pg_get_statisticsobjdef_columns_udf());
    session.register_udf(library::create_pg_encoding_to_char_udf());
    session.register_udf(library::create_pg_backend_pid_udf());
    session.register_udf(library::create_pg_relation_size_udf());
    CoerceIntArgsToBigInt::widen(session);
    session.register_udf(library::create_pg_total_relation_size_udf());
    session.register_udf(library::create_pg_stat_get_numscans());
    session.register_udf(library::create_pg_get_partition_ancestors_udf());
    session.register_udf(library::quote_ident_udf::create_quote_ident_udf());
    session.register_udf(library::quote_ident_udf::create_parse_ident_udf());
    session.register_udf(library::array_bounds_udf::create_array_upper_udf());
    session.register_udf(library::array_bounds_udf::create_array_lower_udf());
}

fn of_connection(session: &SessionContext, user: &str, variables: &Variables) {
    for (name, value) in [
        ("version", Variables::version()),
        ("current_database", lake::session::CATALOG.to_owned()),
        ("session_user", user.to_owned()),
        ("user", user.to_owned()),
        ("current_schema", "gold".to_owned()),
        ("pg_client_encoding", "UTF8".to_owned()),
        ("getdatabaseencoding", "UTF8".to_owned()),
    ] {
        session.register_udf(constant(name, value));
    }
    let search_path = variables.get("search_path").unwrap_or_default().to_owned();
    let list = DataType::List(Arc::new(arrow::datatypes::Field::new("item", TEXT, true)));
    let call = move |_: &[ArrayRef], rows| Ok(schemas(&search_path, rows));
    session.register_udf(function("current_schemas", &[&[BOOL]], list, call));
    session.register_udf(setting(variables.clone()));
    let set = |arguments: &[ArrayRef], _rows| Ok(Arc::clone(&arguments[1]));
    session.register_udf(function("set_config", &[&[TEXT, TEXT, BOOL]], TEXT, set));
}

/// A function without arguments that returns `value`.
fn constant(name: &'static str, value: String) -> ScalarUDF {
    let call =
        move |_: &[ArrayRef], rows| Ok(texts(std::iter::repeat_n(Some(value.clone()), rows)));
    function(name, &[&[]], TEXT, call)
}

/// The schemas of a search path, and the catalogue, for each row.
fn schemas(search_path: &str, rows: usize) -> ArrayRef {
    let mut builder = arrow::array::ListBuilder::new(arrow::array::StringBuilder::new());
    for _ in 0..rows {
        for schema in search_path.split(',') {
            builder.values().append_value(schema.trim());
        }
        builder.values().append_value("pg_catalog");
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn setting(variables: Variables) -> ScalarUDF {
    let call = move |arguments: &[ArrayRef], _rows: usize| {
        Ok(mapped(&arguments[0], |name| variables.get(name).map(str::to_owned)))
    };
    function("current_setting", &[&[TEXT], &[TEXT, BOOL]], TEXT, call)
}

fn of_objects(session: &SessionContext, objects: &Arc<Objects>) {
    let one: &[&[DataType]] = &[&[INT]];
    session.register_udf(by_number("pg_get_userbyid", one, objects, role));
    let arguments: &[&[DataType]] = &[&[INT], &[INT, BOOL]];
    session.register_udf(by_number("pg_get_constraintdef", arguments, objects, constraint));
    let arguments: &[&[DataType]] = &[&[INT], &[INT, TEXT]];
    session.register_udf(by_number("obj_description", arguments, objects, table_description));
    let arguments: &[&[DataType]] = &[&[INT], &[INT, INT, BOOL]];
    let seen = Arc::clone(objects);
    let indexes = move |arguments: &[ArrayRef], rows| Ok(index(&seen, arguments, rows));
    session.register_udf(function("pg_get_indexdef", arguments, TEXT, indexes));
    let seen = Arc::clone(objects);
    let columns = move |arguments: &[ArrayRef], rows| Ok(descriptions(&seen, arguments, rows));
    session.register_udf(function("col_description", &[&[INT, INT]], TEXT, columns));
}

fn role(objects: &Objects, number: i32) -> Option<String> {
    Some(if number == numbers::USER { objects.user.clone() } else { OWNER.to_owned() })
}

fn constraint(objects: &Objects, number: i32) -> Option<String> {
    let (table, _) = objects.keyed().find(|(_, it)| it.constraint == number)?;
    Some(format!("PRIMARY KEY ({})", quoted_key(table)))
}

fn table_description(objects: &Objects, number: i32) -> Option<String> {
    let found = table(objects, number).map(|it| it.description.clone());
    found.filter(|text| !text.is_empty())
}

/// The descriptions of columns, by the numbers of their tables and their positions.
fn descriptions(objects: &Objects, arguments: &[ArrayRef], rows: usize) -> ArrayRef {
    let tables = arguments[0].as_primitive::<Int32Type>();
    let columns = arguments[1].as_primitive::<Int32Type>();
    texts((0..rows).map(|row| {
        let position = usize::try_from(columns.value(row)).ok()?.checked_sub(1)?;
        column_description(table(objects, tables.value(row))?.columns.get(position)?)
    }))
}

fn table(objects: &Objects, number: i32) -> Option<&TableInfo> {
    objects.all().find(|(_, it)| it.table == number).map(|(table, _)| table)
}

/// The definition of an index, or the name of one of its columns, by its position.
fn index(objects: &Objects, arguments: &[ArrayRef], rows: usize) -> ArrayRef {
    let numbers = arguments[0].as_primitive::<Int32Type>();
    let positions = arguments.get(1).map(|it| it.as_primitive::<Int32Type>());
    texts((0..rows).map(|row| {
        let (table, _) = objects.keyed().find(|(_, it)| it.index == numbers.value(row))?;
        match positions.map_or(0, |it| it.value(row)) {
            0 => Some(index_definition(table)),
            position => {
                let position = usize::try_from(position).ok()?.checked_sub(1)?;
                table.key.get(position).cloned()
            }
        }
    }))
}

/// A function of the number of an object with a text as result.
fn by_number(
    name: &'static str,
    arguments: &[&[DataType]],
    objects: &Arc<Objects>,
    find: impl Fn(&Objects, i32) -> Option<String> + Send + Sync + 'static,
) -> ScalarUDF {
    let objects = Arc::clone(objects);
    let call = move |arguments: &[ArrayRef], _rows| {
        let numbers: &Int32Array = arguments[0].as_primitive();
        Ok(texts(numbers.iter().map(|number| number.and_then(|it| find(&objects, it)))))
    };
    function(name, arguments, TEXT, call)
}

/// A function of any arguments of one of the numbers in `arguments`, each of which is cast to its type
/// there, or null where it cannot be. No list of arguments is any number of them.
fn function(
    name: &'static str,
    arguments: &[&[DataType]],
    returns: DataType,
    call: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static,
) -> ScalarUDF {
    let one = |types: &&[DataType]| match types {
        [] => TypeSignature::Nullary,
        types => TypeSignature::Any(types.len()),
    };
    let signature = match arguments {
        [] => TypeSignature::VariadicAny,
        arguments => TypeSignature::OneOf(arguments.iter().map(one).collect()),
    };
    let signature = Signature::new(signature, Volatility::Stable);
    let accepted: Vec<Vec<DataType>> = arguments.iter().map(|it| it.to_vec()).collect();
    let call = move |given: &[ColumnarValue]| {
        // Without arguments there is one value for all rows.
        let arrays = ColumnarValue::values_to_arrays(given)?;
        let rows = arrays.first().map_or(1, |it| it.len());
        let result = call(&converted(arrays, &accepted)?, rows)?;
        if given.iter().all(|it| matches!(it, ColumnarValue::Scalar(_))) {
            let value = datafusion::common::ScalarValue::try_from_array(&result, 0)?;
            return Ok(ColumnarValue::Scalar(value));
        }
        Ok(ColumnarValue::Array(result))
    };
    SimpleScalarUDF::new_with_signature(name, signature, returns, Arc::new(call)).into()
}

/// Arguments in the accepted types for their number; `Null` accepts any.
fn converted(arrays: Vec<ArrayRef>, accepted: &[Vec<DataType>]) -> Result<Vec<ArrayRef>> {
    let Some(types) = accepted.iter().find(|it| it.len() == arrays.len()) else {
        return Ok(arrays);
    };
    let one = |(array, kind): (ArrayRef, &DataType)| match kind {
        DataType::Null => Ok(array),
        kind => Ok(cast(&array, kind)?),
    };
    arrays.into_iter().zip(types).map(one).collect()
}

fn texts(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn booleans(rows: usize, value: bool) -> ArrayRef {
    Arc::new(BooleanArray::from(vec![value; rows]))
}

/// A text for each text.
fn mapped(names: &ArrayRef, find: impl Fn(&str) -> Option<String>) -> ArrayRef {
    let names: &StringArray = names.as_string();
    texts(names.iter().map(|name| name.and_then(&find)))
}
