//! Functions of arrays, and of texts that hold arrays: the tables that are the same for everybody have these.

use super::{TEXT, booleans, function, texts};
use arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Int32Builder, Int64Builder, ListBuilder,
    StructBuilder,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Fields, Int64Type};
use datafusion::error::Result;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// Any type.
const ANY: DataType = DataType::Null;

/// Registers the functions.
pub fn register(session: &SessionContext) {
    let numbers = DataType::List(Arc::new(Field::new("item", DataType::Int64, true)));
    let arguments: &[&[DataType]] = &[&[ANY, DataType::Int64]];
    session.register_udf(function("pg_subscripts", arguments, numbers, subscripts));
    let elements = DataType::List(Arc::new(Field::new("item", DataType::Struct(pair()), true)));
    session.register_udf(function("pg_expanded", &[&[ANY]], elements, expanded));
    let arguments: &[&[DataType]] = &[&[TEXT, ANY]];
    session.register_udf(function("pg_is_any", arguments, DataType::Boolean, is_any));
    let arguments: &[&[DataType]] = &[&[ANY, TEXT], &[ANY, TEXT, TEXT]];
    session.register_udf(function("pg_array_to_string", arguments, TEXT, joined));
    session.register_udf(function("format", &[], TEXT, formatted));
}

/// A value and its position.
fn pair() -> Fields {
    let field = |name: &str| Field::new(name, DataType::Int32, true);
    vec![field("x"), field("n")].into()
}

/// The texts of the elements of each array; `None` is a null array.
fn elements(arrays: &ArrayRef) -> Result<Vec<Option<Vec<Option<String>>>>> {
    let texts_of = |values: &ArrayRef| -> Result<Vec<Option<String>>> {
        let values = cast(values, &TEXT)?;
        Ok(values.as_string::<i32>().iter().map(|it| it.map(str::to_owned)).collect())
    };
    if let DataType::List(_) = arrays.data_type() {
        let lists = arrays.as_list::<i32>().iter();
        return lists.map(|it| it.as_ref().map(texts_of).transpose()).collect();
    }
    let arrays = cast(arrays, &TEXT)?;
    let parsed = arrays.as_string::<i32>().iter().map(|it| Ok(it.map(parse)));
    parsed.collect()
}

/// The elements of `{a,b}`, or of a vector, whose elements have blanks between them.
fn parse(text: &str) -> Vec<Option<String>> {
    let inner = text.trim().trim_start_matches('{').trim_end_matches('}');
    let parts = inner.split([',', ' ']).filter(|it| !it.is_empty());
    parts.map(|it| (it != "NULL").then(|| it.trim_matches('"').to_owned())).collect()
}

fn subscripts(arguments: &[ArrayRef], _rows: usize) -> Result<ArrayRef> {
    let mut builder = ListBuilder::new(Int64Builder::new());
    let froms = arguments[1].as_primitive::<Int64Type>();
    for (row, array) in elements(&arguments[0])?.into_iter().enumerate() {
        let from = froms.value(row);
        let count = i64::try_from(array.as_ref().map_or(0, Vec::len)).unwrap_or_default();
        builder.values().extend((from..from + count).map(Some));
        builder.append(array.is_some());
    }
    Ok(Arc::new(builder.finish()))
}

fn expanded(arguments: &[ArrayRef], _rows: usize) -> Result<ArrayRef> {
    let mut builder = ListBuilder::new(StructBuilder::from_fields(pair(), 0));
    for array in elements(&arguments[0])? {
        for (element, position) in array.iter().flatten().zip(1..) {
            let values = [element.as_deref().and_then(|it| it.parse().ok()), Some(position)];
            for (field, value) in values.into_iter().enumerate() {
                if let Some(field) = builder.values().field_builder::<Int32Builder>(field) {
                    field.append_option(value);
                }
            }
            builder.values().append(true);
        }
        builder.append(array.is_some());
    }
    Ok(Arc::new(builder.finish()))
}

fn is_any(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    if matches!(arguments[1].data_type(), DataType::Null) {
        return Ok(booleans(rows, false));
    }
    let values = arguments[0].as_string::<i32>().iter();
    let found = values.zip(elements(&arguments[1])?).map(|(value, array)| {
        let (value, array) = (value?, array?);
        Some(array.iter().flatten().any(|it| it == value))
    });
    Ok(Arc::new(found.collect::<BooleanArray>()))
}

fn joined(arguments: &[ArrayRef], _rows: usize) -> Result<ArrayRef> {
    let separators = arguments[1].as_string::<i32>();
    let nulls = arguments.get(2).map(|it| it.as_string::<i32>());
    let arrays = elements(&arguments[0])?;
    let one = |(row, array): (usize, Option<Vec<Option<String>>>)| {
        let null = nulls.filter(|it| it.is_valid(row)).map(|it| it.value(row).to_owned());
        let parts = array?.into_iter().filter_map(|it| it.or_else(|| null.clone()));
        let separator = if separators.is_valid(row) { separators.value(row) } else { return None };
        Some(parts.collect::<Vec<_>>().join(separator))
    };
    Ok(texts(arrays.into_iter().enumerate().map(one)))
}

/// `format` with `%s`, `%I` and `%L`.
fn formatted(arguments: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
    let arguments = arguments.iter().map(|it| cast(it, &TEXT)).collect::<Result<Vec<_>, _>>()?;
    let one = |row: usize| {
        let mut values = arguments.iter().map(|it| {
            let texts = it.as_string::<i32>();
            texts.is_valid(row).then(|| texts.value(row).to_owned())
        });
        Some(fill(&values.next()??, values))
    };
    Ok(texts((0..rows).map(one)))
}

fn fill(pattern: &str, mut values: impl Iterator<Item = Option<String>>) -> String {
    let mut filled = String::new();
    let mut rest = pattern.chars();
    while let Some(character) = rest.next() {
        match (character, if character == '%' { rest.next() } else { None }) {
            ('%', Some('%')) => filled.push('%'),
            ('%', Some('L')) => match values.next().flatten() {
                Some(value) => filled.push_str(&format!("'{}'", value.replace('\'', "''"))),
                None => filled.push_str("NULL"),
            },
            ('%', Some(_)) => filled.push_str(&values.next().flatten().unwrap_or_default()),
            (character, _) => filled.push(character),
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_from_their_texts() {
        for (text, expected) in [
            ("{a,\"b\"}", vec![Some("a"), Some("b")]),
            ("1 2", vec![Some("1"), Some("2")]),
            ("{NULL}", vec![None]),
            ("{}", vec![]),
        ] {
            let expected: Vec<Option<String>> =
                expected.into_iter().map(|it: Option<&str>| it.map(str::to_owned)).collect();
            assert_eq!(parse(text), expected, "{text}");
        }
    }

    #[test]
    fn values_are_formatted() {
        let values = [Some("a'b".to_owned()), None, Some("c".to_owned())];
        assert_eq!(fill("%L %L %% %I", values.into_iter()), "'a''b' NULL % c");
    }
}
