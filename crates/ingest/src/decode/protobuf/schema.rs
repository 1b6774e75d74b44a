//! The schema of a message: its types with resolved names.

use super::known::{self, Known};
use super::parser::{Declared, DeclaredField, Parser};
use crate::decode::datum::SchemaError;
use std::collections::HashMap;

/// A schema, ready to read messages.
#[derive(Debug, Clone, PartialEq)]
pub struct ProtobufSchema {
    pub(super) messages: Vec<MessageType>,
    /// Names of values by their numbers.
    pub(super) enumerations: Vec<HashMap<i32, String>>,
    /// The messages of the schema itself, in the order of its text.
    pub(super) top: Vec<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct MessageType {
    pub fields: Vec<FieldType>,
    /// Positions among `fields`.
    pub by_number: HashMap<u32, usize>,
    /// Messages declared within this one, in the order of the text.
    pub nested: Vec<usize>,
    pub known: Option<Known>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldType {
    /// The name as JSON text and a colon.
    pub name: String,
    pub kind: FieldKind,
    pub label: Label,
    /// Whether a field that is missing has its zero value.
    pub is_implicit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    Single,
    Repeated,
    /// Entries with a key and a value.
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    Double,
    Float,
    Int,
    Unsigned,
    ZigZag,
    Fixed32,
    Fixed64,
    SignedFixed32,
    SignedFixed64,
    Bool,
    Text,
    Bytes,
    Message(usize),
    Enumeration(usize),
}

impl ProtobufSchema {
    /// Parses a schema. `imports` are the texts that it imports, directly or not.
    ///
    /// # Errors
    /// [`SchemaError`] if a text is not a schema, a type is unknown, or it uses what is not supported.
    pub fn parse(text: &str, imports: &[String]) -> Result<Self, SchemaError> {
        let mut parser = Parser::default();
        for import in known::FILES {
            parser.file(import)?;
        }
        for import in imports {
            parser.file(import)?;
        }
        let top = parser.file(text)?;
        resolve(parser, top)
    }
}

/// A message or an enumeration.
#[derive(Clone, Copy)]
enum Named {
    Message(usize),
    Enumeration(usize),
}

fn resolve(parser: Parser, top: Vec<usize>) -> Result<ProtobufSchema, SchemaError> {
    let messages = parser.messages.iter().enumerate();
    let mut names: HashMap<&str, Named> =
        messages.map(|(at, it)| (it.name.as_str(), Named::Message(at))).collect();
    let enumerations = parser.enumerations.iter().enumerate();
    names.extend(enumerations.map(|(at, (name, _))| (name.as_str(), Named::Enumeration(at))));
    let resolved = parser.messages.iter().map(|message| message_type(message, &names));
    let messages = resolved.collect::<Result<Vec<_>, _>>()?;
    let enumerations = parser.enumerations.iter().map(|(_, values)| values.clone()).collect();
    Ok(ProtobufSchema { messages, enumerations, top })
}

fn message_type(
    message: &Declared,
    names: &HashMap<&str, Named>,
) -> Result<MessageType, SchemaError> {
    let mut fields = Vec::with_capacity(message.fields.len());
    let mut by_number = HashMap::with_capacity(message.fields.len());
    for field in &message.fields {
        by_number.insert(field.number, fields.len());
        let kind = kind(field, &message.name, names)?;
        let is_message = matches!(kind, FieldKind::Message(_));
        fields.push(FieldType {
            name: format!("\"{}\":", field.name),
            kind,
            label: field.label,
            is_implicit: field.is_implicit && !is_message && field.label == Label::Single,
        });
    }
    let known = Known::by_name(&message.name);
    Ok(MessageType { fields, by_number, nested: message.nested.clone(), known })
}

fn kind(
    field: &DeclaredField,
    scope: &str,
    names: &HashMap<&str, Named>,
) -> Result<FieldKind, SchemaError> {
    Ok(match field.kind.as_str() {
        "double" => FieldKind::Double,
        "float" => FieldKind::Float,
        "int32" | "int64" => FieldKind::Int,
        "uint32" | "uint64" => FieldKind::Unsigned,
        "sint32" | "sint64" => FieldKind::ZigZag,
        "fixed32" => FieldKind::Fixed32,
        "fixed64" => FieldKind::Fixed64,
        "sfixed32" => FieldKind::SignedFixed32,
        "sfixed64" => FieldKind::SignedFixed64,
        "bool" => FieldKind::Bool,
        "string" => FieldKind::Text,
        "bytes" => FieldKind::Bytes,
        name => match find(name, scope, names) {
            Some(Named::Message(at)) => FieldKind::Message(at),
            Some(Named::Enumeration(at)) => FieldKind::Enumeration(at),
            None => return Err(SchemaError(format!("unknown type `{name}`"))),
        },
    })
}

/// The type of a name within a scope: the innermost one counts.
fn find(name: &str, scope: &str, names: &HashMap<&str, Named>) -> Option<Named> {
    if let Some(full) = name.strip_prefix('.') {
        return names.get(full).copied();
    }
    let mut scope = scope;
    loop {
        let full = if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") };
        if let Some(found) = names.get(full.as_str()) {
            return Some(*found);
        }
        if scope.is_empty() {
            return None;
        }
        scope = scope.rsplit_once('.').map_or("", |(outer, _)| outer);
    }
}
