//! The shape of the values of a column, and the format of each.

use arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};
use parquet::basic::{LogicalType, Type as Physical};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor};
use std::sync::Arc;

/// A value within its column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    Leaf(Style),
    Struct(Vec<Shape>),
    List(Box<Shape>),
    /// Keys and values.
    Map(Box<(Shape, Shape)>),
}

/// How a value that is not nested becomes text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// As it is, because it is text.
    AsIs,
    /// UTF-8, or else hexadecimal: many writers do not declare which bytes are text.
    Bytes,
    /// The same for values of a fixed length.
    FixedBytes,
    /// Hexadecimal in five groups.
    Uuid,
    /// A number or boolean, which has the same form in JSON.
    Number,
    /// A time or another scalar.
    Scalar,
}

impl Shape {
    /// The shape at a path through structs.
    pub(super) fn at<'a>(shapes: &'a [Self], path: &[usize]) -> Option<&'a Self> {
        let (first, rest) = path.split_first()?;
        let shape = shapes.get(*first)?;
        match shape {
            _ if rest.is_empty() => Some(shape),
            Self::Struct(members) => Self::at(members, rest),
            _ => None,
        }
    }
}

/// The shapes of all columns of a file.
pub(super) fn shapes(fields: &Fields, schema: &SchemaDescriptor) -> Vec<Shape> {
    let mut leaves = schema.columns().iter();
    fields.iter().map(|field| shape(field, &mut leaves)).collect()
}

fn shape<'a>(field: &Field, leaves: &mut impl Iterator<Item = &'a ColumnDescPtr>) -> Shape {
    match field.data_type() {
        DataType::Struct(members) => {
            Shape::Struct(members.iter().map(|member| shape(member, leaves)).collect())
        }
        DataType::List(item) => Shape::List(Box::new(shape(item, leaves))),
        DataType::Map(entry, _) => {
            let DataType::Struct(parts) = entry.data_type() else {
                return Shape::Leaf(Style::Scalar);
            };
            let mut parts = parts.iter().map(|part| shape(part, leaves));
            let mut part = || parts.next().unwrap_or(Shape::Leaf(Style::Scalar));
            Shape::Map(Box::new((part(), part())))
        }
        plain => {
            let leaf = leaves.next();
            let logical = leaf.and_then(|leaf| leaf.logical_type_ref());
            Shape::Leaf(style(plain, logical == Some(&LogicalType::Uuid)))
        }
    }
}

fn style(data_type: &DataType, is_uuid: bool) -> Style {
    match data_type {
        DataType::Utf8 => Style::AsIs,
        DataType::Binary => Style::Bytes,
        DataType::FixedSizeBinary(_) if is_uuid => Style::Uuid,
        DataType::FixedSizeBinary(_) => Style::FixedBytes,
        DataType::Boolean => Style::Number,
        number if number.is_numeric() => Style::Number,
        _ => Style::Scalar,
    }
}

/// The fields with the types as which their columns are read. INT96 becomes microseconds, because nanoseconds end
/// in the year 2262 and "never" is often written as the year 9999. UTC becomes an offset, because zone names need
/// a time zone database.
pub(super) fn requested(fields: &Fields, schema: &SchemaDescriptor) -> Vec<FieldRef> {
    let mut leaves = schema.columns().iter();
    fields.iter().map(|field| requested_field(field, &mut leaves)).collect()
}

fn requested_field<'a>(
    field: &FieldRef,
    leaves: &mut impl Iterator<Item = &'a ColumnDescPtr>,
) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::Struct(members) => {
            DataType::Struct(members.iter().map(|member| requested_field(member, leaves)).collect())
        }
        DataType::List(item) => DataType::List(requested_field(item, leaves)),
        DataType::Map(entry, is_sorted) => {
            DataType::Map(requested_field(entry, leaves), *is_sorted)
        }
        DataType::Timestamp(unit, zone) => {
            let is_int96 =
                leaves.next().is_some_and(|leaf| leaf.physical_type() == Physical::INT96);
            let unit = if is_int96 { TimeUnit::Microsecond } else { *unit };
            let zone =
                zone.as_ref().map(|zone| if is_int96 { zone.clone() } else { "+00:00".into() });
            DataType::Timestamp(unit, zone)
        }
        plain => {
            leaves.next();
            plain.clone()
        }
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type))
}
