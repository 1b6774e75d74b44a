//! The schema of a datum.

use crate::decode::datum::SchemaError;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Types of one schema, with those it refers to. A schema of a table has a few hundred.
const MOST_TYPES: usize = 20_000;

/// Types within types. The registry's own parsers allow about as many.
const DEEPEST: usize = 64;

/// A schema, ready to read data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AvroSchema {
    pub(super) types: Vec<Type>,
    pub(super) root: usize,
}

/// A type. Types within it are numbers of [`AvroSchema::types`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    Null,
    Boolean,
    Int(Meaning),
    Long(Meaning),
    Float,
    Double,
    Bytes(Meaning),
    Text,
    Fixed(usize, Meaning),
    Enumeration(Vec<String>),
    /// Fields with their names as JSON text and a colon.
    Record(Vec<(String, usize)>),
    Array(usize),
    Map(usize),
    Union(Vec<usize>),
}

/// What a number or bytes mean (logical types).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    Itself,
    /// Days since 1970-01-01.
    Date,
    /// Time of day in units of so many per second.
    TimeOfDay(i64),
    /// Units since 1970-01-01T00:00:00, so many per second; in UTC or on an unknown clock.
    Moment {
        per_s: i64,
        is_utc: bool,
    },
    /// A whole number with so many digits after the point.
    Decimal(u32),
}

impl AvroSchema {
    /// Parses a schema. `references` are the schemas it refers to, each after those that it refers to itself.
    ///
    /// # Errors
    /// [`SchemaError`] if a text is not a schema, or refers to an unknown type.
    pub fn parse(text: &str, references: &[String]) -> Result<Self, SchemaError> {
        let mut parser = Parser::default();
        for reference in references {
            parser.text(reference)?;
        }
        let root = parser.text(text)?;
        Ok(Self { types: parser.types, root })
    }
}

#[derive(Default)]
struct Parser {
    types: Vec<Type>,
    /// Named types by their full names.
    named: HashMap<String, usize>,
    depth: usize,
}

fn error<T>(text: impl Into<String>) -> Result<T, SchemaError> {
    Err(SchemaError(text.into()))
}

impl Parser {
    fn text(&mut self, text: &str) -> Result<usize, SchemaError> {
        // A registry returns the schema of a primitive type as `"string"`, some clients register it as `string`.
        let value = serde_json::from_str(text).or_else(|found| match text.trim() {
            word if word.bytes().all(|it| it.is_ascii_lowercase()) => Ok(Value::from(word)),
            _ => error(format!("the schema is not JSON: {found}")),
        })?;
        // Likewise `null`, which is JSON.
        let value = if value.is_null() { Value::from("null") } else { value };
        self.parse(&value, "")
    }

    fn add(&mut self, kind: Type) -> Result<usize, SchemaError> {
        if self.types.len() >= MOST_TYPES {
            return error(format!("the schema has more than {MOST_TYPES} types"));
        }
        self.types.push(kind);
        Ok(self.types.len() - 1)
    }

    fn parse(&mut self, schema: &Value, namespace: &str) -> Result<usize, SchemaError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return error(format!("the schema is nested deeper than {DEEPEST} types"));
        }
        let parsed = match schema {
            Value::String(name) => self.by_name(name, namespace),
            Value::Array(members) => {
                let parsed = members.iter().map(|it| self.parse(it, namespace));
                let members = parsed.collect::<Result<Vec<_>, _>>()?;
                self.add(Type::Union(members))
            }
            Value::Object(object) => self.object(object, namespace),
            other => error(format!("expected a type, found {other}")),
        };
        self.depth -= 1;
        parsed
    }

    fn by_name(&mut self, name: &str, namespace: &str) -> Result<usize, SchemaError> {
        if let Some(kind) = primitive(name, Meaning::Itself) {
            return self.add(kind);
        }
        let full = full_name(name, namespace);
        let found = self.named.get(&full).or_else(|| self.named.get(name)).copied();
        found.map_or_else(|| error(format!("unknown type `{full}`")), Ok)
    }

    fn object(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> Result<usize, SchemaError> {
        let Some(kind) = object.get("type") else { return error("a type without `type`") };
        let Value::String(kind) = kind else { return self.parse(kind, namespace) };
        match kind.as_str() {
            "record" | "error" => self.record(object, namespace),
            "enum" => {
                let symbols = texts(object, "symbols")?;
                self.named_type(object, namespace, Type::Enumeration(symbols))
            }
            "fixed" => {
                let size = object.get("size").and_then(Value::as_u64);
                let Some(size) = size.and_then(|it| usize::try_from(it).ok()) else {
                    return error("a fixed type without `size`");
                };
                self.named_type(object, namespace, Type::Fixed(size, meaning(object)))
            }
            "array" => {
                let items = self.member(object, "items", namespace)?;
                self.add(Type::Array(items))
            }
            "map" => {
                let values = self.member(object, "values", namespace)?;
                self.add(Type::Map(values))
            }
            name => match primitive(name, meaning(object)) {
                Some(kind) => self.add(kind),
                None => self.by_name(name, namespace),
            },
        }
    }

    fn member(
        &mut self,
        object: &Map<String, Value>,
        key: &str,
        namespace: &str,
    ) -> Result<usize, SchemaError> {
        match object.get(key) {
            Some(member) => self.parse(member, namespace),
            None => error(format!("a type without `{key}`")),
        }
    }

    fn named_type(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
        kind: Type,
    ) -> Result<usize, SchemaError> {
        let (name, _) = name_of(object, namespace)?;
        let at = self.add(kind)?;
        self.named.insert(name, at);
        Ok(at)
    }

    fn record(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> Result<usize, SchemaError> {
        let (name, inner) = name_of(object, namespace)?;
        // Its fields may refer to it.
        let at = self.add(Type::Record(Vec::new()))?;
        self.named.insert(name, at);
        let Some(Value::Array(listed)) = object.get("fields") else {
            return error("a record without `fields`");
        };
        let mut fields = Vec::with_capacity(listed.len());
        for field in listed {
            let (Some(Value::String(name)), Some(kind)) = (field.get("name"), field.get("type"))
            else {
                return error("a field without `name` or `type`");
            };
            // The logical type may stand beside the name of a primitive type.
            let is_plain = kind.is_string() && field.get("logicalType").is_some();
            let kind = if is_plain { field } else { kind };
            let parsed = self.parse(kind, &inner)?;
            fields.push((format!("{}:", Value::from(name.as_str())), parsed));
        }
        self.types[at] = Type::Record(fields);
        Ok(at)
    }
}

fn primitive(name: &str, meaning: Meaning) -> Option<Type> {
    Some(match name {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "int" => Type::Int(meaning),
        "long" => Type::Long(meaning),
        "float" => Type::Float,
        "double" => Type::Double,
        "bytes" => Type::Bytes(meaning),
        "string" => Type::Text,
        _ => return None,
    })
}

/// The logical type. One that does not fit the type or is unknown has no effect, as the specification requires.
fn meaning(object: &Map<String, Value>) -> Meaning {
    let number = |key: &str| object.get(key).and_then(Value::as_u64);
    let Some(name) = object.get("logicalType").and_then(Value::as_str) else {
        return Meaning::Itself;
    };
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default();
    let unit = |unit: &str| match unit {
        "millis" => Some(1_000),
        "micros" => Some(1_000_000),
        "nanos" => Some(1_000_000_000),
        _ => None,
    };
    match (name, kind) {
        ("date", "int") => Meaning::Date,
        ("time-millis", "int") => Meaning::TimeOfDay(1_000),
        ("time-micros", "long") => Meaning::TimeOfDay(1_000_000),
        ("decimal", "bytes" | "fixed") => {
            number("scale").unwrap_or(0).try_into().map_or(Meaning::Itself, Meaning::Decimal)
        }
        (name, "long") => {
            let local = name.strip_prefix("local-timestamp-");
            let (rest, is_utc) = match local {
                Some(rest) => (rest, false),
                None => (name.strip_prefix("timestamp-").unwrap_or_default(), true),
            };
            unit(rest).map_or(Meaning::Itself, |per_s| Meaning::Moment { per_s, is_utc })
        }
        _ => Meaning::Itself,
    }
}

/// The full name of a named type, and the namespace of the names in it.
fn name_of(object: &Map<String, Value>, namespace: &str) -> Result<(String, String), SchemaError> {
    let Some(name) = object.get("name").and_then(Value::as_str) else {
        return error("a named type without `name`");
    };
    let own = object.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
    let full = full_name(name, own);
    let inner = full.rsplit_once('.').map_or("", |(inner, _)| inner).to_owned();
    Ok((full, inner))
}

fn full_name(name: &str, namespace: &str) -> String {
    match name.contains('.') || namespace.is_empty() {
        true => name.to_owned(),
        false => format!("{namespace}.{name}"),
    }
}

fn texts(object: &Map<String, Value>, key: &str) -> Result<Vec<String>, SchemaError> {
    let Some(Value::Array(listed)) = object.get(key) else {
        return error(format!("a type without `{key}`"));
    };
    Ok(listed.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
