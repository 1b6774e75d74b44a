//! Formats nested values as compact JSON, for every Parquet type, including maps with keys of any type. Null
//! members are kept, because a missing member and a null one differ.

use super::shape::{Shape, Style};
use super::text::leaf_texts;
use arrow::array::{Array as _, ArrayRef, AsArray as _, StringArray, StringBuilder};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::error::ArrowError;

/// A column whose rows can be written as JSON.
pub(super) enum Value {
    /// Texts that are valid JSON, except NaN and infinities.
    Number(StringArray),
    Text(StringArray),
    Struct(Option<NullBuffer>, Object),
    List(Option<NullBuffer>, OffsetBuffer<i32>, Box<Value>),
    Map {
        nulls: Option<NullBuffer>,
        entries: OffsetBuffer<i32>,
        keys: Box<Value>,
        values: Box<Value>,
    },
}

/// Named values.
pub(super) struct Object(Vec<(String, Value)>);

impl Value {
    pub(super) fn new(array: &ArrayRef, shape: &Shape) -> Result<Self, ArrowError> {
        Ok(match shape {
            Shape::Leaf(style) => {
                let texts = leaf_texts(array, *style)?;
                if *style == Style::Number { Self::Number(texts) } else { Self::Text(texts) }
            }
            Shape::Struct(members) => {
                let array = array.as_struct();
                let parts = array.fields().iter().zip(array.columns()).zip(members);
                let member = |((field, column), shape): (
                    (&arrow::datatypes::FieldRef, &ArrayRef),
                    &Shape,
                )| {
                    Ok((field.name().clone(), Self::new(column, shape)?))
                };
                let members: Result<Vec<_>, ArrowError> = parts.map(member).collect();
                Self::Struct(array.nulls().cloned(), Object(members?))
            }
            Shape::List(item) => {
                let array = array.as_list::<i32>();
                let item = Box::new(Self::new(array.values(), item)?);
                Self::List(array.nulls().cloned(), array.offsets().clone(), item)
            }
            Shape::Map(parts) => {
                let array = array.as_map();
                Self::Map {
                    nulls: array.nulls().cloned(),
                    entries: array.offsets().clone(),
                    keys: Box::new(Self::new(array.keys(), &parts.0)?),
                    values: Box::new(Self::new(array.values(), &parts.1)?),
                }
            }
        })
    }

    /// Every row as JSON; nulls stay null.
    pub(super) fn texts(&self, rows: usize) -> Result<StringArray, ArrowError> {
        let mut texts = StringBuilder::new();
        let mut json = Vec::new();
        for row in 0..rows {
            if self.is_null(row) {
                texts.append_null();
                continue;
            }
            json.clear();
            self.write(row, &mut json)?;
            texts.append_value(String::from_utf8_lossy(&json));
        }
        Ok(texts.finish())
    }

    fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Number(texts) | Self::Text(texts) => texts.is_null(row),
            Self::Struct(nulls, _) | Self::List(nulls, ..) | Self::Map { nulls, .. } => {
                nulls.as_ref().is_some_and(|nulls| nulls.is_null(row))
            }
        }
    }

    fn write(&self, row: usize, json: &mut Vec<u8>) -> Result<(), ArrowError> {
        if self.is_null(row) {
            json.extend(b"null");
            return Ok(());
        }
        match self {
            Self::Number(texts) if is_json(texts.value(row)) => {
                json.extend(texts.value(row).bytes())
            }
            Self::Number(texts) | Self::Text(texts) => quote(texts.value(row), json)?,
            Self::Struct(_, members) => members.write(row, false, json)?,
            Self::List(_, offsets, item) => write_list(&range(offsets, row), item, json)?,
            Self::Map { entries, keys, values, .. } => {
                write_map(&range(entries, row), keys, values, json)?;
            }
        }
        Ok(())
    }

    /// The value as the key of a member.
    fn write_key(&self, row: usize, json: &mut Vec<u8>) -> Result<(), ArrowError> {
        match self {
            Self::Number(texts) | Self::Text(texts) if texts.is_valid(row) => {
                quote(texts.value(row), json)
            }
            _ => {
                let mut key = Vec::new();
                self.write(row, &mut key)?;
                quote(&String::from_utf8_lossy(&key), json)
            }
        }
    }
}

impl Object {
    pub(super) fn new(members: Vec<(String, Value)>) -> Self {
        Self(members)
    }

    /// Every row as an object without null members; null if no member is left.
    pub(super) fn texts(&self, rows: usize) -> Result<StringArray, ArrowError> {
        let mut texts = StringBuilder::new();
        let mut json = Vec::new();
        for row in 0..rows {
            if self.0.iter().all(|(_, member)| member.is_null(row)) {
                texts.append_null();
                continue;
            }
            json.clear();
            self.write(row, true, &mut json)?;
            texts.append_value(String::from_utf8_lossy(&json));
        }
        Ok(texts.finish())
    }

    fn write(&self, row: usize, skips_nulls: bool, json: &mut Vec<u8>) -> Result<(), ArrowError> {
        let members = self.0.iter().filter(|(_, member)| !skips_nulls || !member.is_null(row));
        json.push(b'{');
        for (at, (name, member)) in members.enumerate() {
            if at > 0 {
                json.push(b',');
            }
            quote(name, json)?;
            json.push(b':');
            member.write(row, json)?;
        }
        json.push(b'}');
        Ok(())
    }
}

fn range(offsets: &OffsetBuffer<i32>, row: usize) -> std::ops::Range<usize> {
    offsets[row] as usize..offsets[row + 1] as usize
}

fn write_list(
    rows: &std::ops::Range<usize>,
    item: &Value,
    json: &mut Vec<u8>,
) -> Result<(), ArrowError> {
    json.push(b'[');
    for row in rows.clone() {
        if row > rows.start {
            json.push(b',');
        }
        item.write(row, json)?;
    }
    json.push(b']');
    Ok(())
}

fn write_map(
    rows: &std::ops::Range<usize>,
    keys: &Value,
    values: &Value,
    json: &mut Vec<u8>,
) -> Result<(), ArrowError> {
    json.push(b'{');
    for row in rows.clone() {
        if row > rows.start {
            json.push(b',');
        }
        keys.write_key(row, json)?;
        json.push(b':');
        values.write(row, json)?;
    }
    json.push(b'}');
    Ok(())
}

fn quote(text: &str, json: &mut Vec<u8>) -> Result<(), ArrowError> {
    serde_json::to_writer(json, text).map_err(|error| ArrowError::JsonError(error.to_string()))
}

/// Whether the text of a number or boolean is JSON. `NaN` and `inf` are not.
fn is_json(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|sign: char| sign.is_ascii_digit()) || matches!(text, "true" | "false")
}
