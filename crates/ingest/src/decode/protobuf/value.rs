//! A message becomes JSON text.

use super::ProtobufSchema;
use super::known::Known;
use super::schema::{FieldKind, FieldType, Label, MessageType};
use super::wire::{self, WireField, WireValue};
use crate::decode::DecodeLimits;
use crate::decode::datum::{decimal, write_bytes_text, write_float, write_text, zigzag};
use batches::batch::Fault;
use chrono::DateTime;
use std::fmt::Write as _;

/// Messages within messages.
const DEEPEST: usize = 64;

/// How much longer than a message its text may be: the names of fields are not in the message.
const TEXT_PER_BYTE: usize = 16;

impl ProtobufSchema {
    /// Writes a message as JSON text behind `out`. The bytes begin with the indexes of its type in the schema, as a
    /// registry's serializers write them.
    ///
    /// # Errors
    /// [`Fault::NotOfSchema`] if the bytes are not a message of this schema, and [`Fault::TooLong`] if the text is too
    /// long. `out` is then to be discarded.
    pub fn write_json(
        &self,
        bytes: &[u8],
        limits: DecodeLimits,
        out: &mut String,
    ) -> Result<(), Fault> {
        let mut rest = bytes;
        let kind = self.message_of(&mut rest)?;
        let longest = limits.max_record_bytes.saturating_mul(TEXT_PER_BYTE);
        let longest = longest.saturating_add(out.len());
        Writer { schema: self, depth: 0, longest }.message(kind, rest, out)
    }

    /// The message that indexes lead to: their number, then each; a single zero means the first message.
    fn message_of(&self, bytes: &mut &[u8]) -> Result<usize, Fault> {
        let index = |bytes: &mut &[u8]| {
            usize::try_from(zigzag(wire::take_varint(bytes)?))
                .map_err(|_negative| Fault::NotOfSchema)
        };
        let count = index(bytes)?;
        let first = if count == 0 { 0 } else { index(bytes)? };
        let mut kind = *self.top.get(first).ok_or(Fault::NotOfSchema)?;
        for _ in 1..count {
            let nested = index(bytes)?;
            kind = *self.messages[kind].nested.get(nested).ok_or(Fault::NotOfSchema)?;
        }
        Ok(kind)
    }
}

struct Writer<'s> {
    schema: &'s ProtobufSchema,
    depth: usize,
    /// The longest text.
    longest: usize,
}

/// The values of a field, in the order of the bytes.
type Values<'a> = Vec<WireValue<'a>>;

impl Writer<'_> {
    fn message(&mut self, kind: usize, bytes: &[u8], out: &mut String) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::NotOfSchema);
        }
        let kind = self.schema.messages.get(kind).ok_or(Fault::NotOfSchema)?;
        let values = values(kind, bytes)?;
        match kind.known {
            Some(known) => self.known(known, kind, &values, out)?,
            None => self.fields(kind, &values, out)?,
        }
        self.depth -= 1;
        if out.len() > self.longest { Err(Fault::TooLong) } else { Ok(()) }
    }

    fn fields(
        &mut self,
        kind: &MessageType,
        values: &[Values<'_>],
        out: &mut String,
    ) -> Result<(), Fault> {
        out.push('{');
        let mut is_first = true;
        for (field, values) in kind.fields.iter().zip(values) {
            if values.is_empty() && !field.is_implicit {
                continue;
            }
            if !std::mem::take(&mut is_first) {
                out.push(',');
            }
            out.push_str(&field.name);
            match field.label {
                Label::Single => self.single(field, values, out)?,
                Label::Repeated => self.repeated(field, values, out)?,
                Label::Map => self.map(field, values, out)?,
            }
        }
        out.push('}');
        Ok(())
    }

    /// The last value counts; messages are merged.
    fn single(
        &mut self,
        field: &FieldType,
        values: &[WireValue<'_>],
        out: &mut String,
    ) -> Result<(), Fault> {
        match (field.kind, values) {
            (FieldKind::Message(kind), [_, _, ..]) => {
                let parts = values.iter().map(|value| match value {
                    WireValue::Bytes(bytes) => Ok(*bytes),
                    _ => Err(Fault::NotOfSchema),
                });
                let merged = parts.collect::<Result<Vec<_>, _>>()?.concat();
                self.message(kind, &merged, out)
            }
            (_, [.., last]) => self.value(field.kind, *last, out),
            (kind, []) => {
                self.zero(kind, out);
                Ok(())
            }
        }
    }

    fn repeated(
        &mut self,
        field: &FieldType,
        values: &[WireValue<'_>],
        out: &mut String,
    ) -> Result<(), Fault> {
        out.push('[');
        let mut is_first = true;
        for value in values {
            let mut packed = match (*value, field.kind) {
                (WireValue::Bytes(bytes), kind) if is_scalar(kind) => bytes,
                (value, _) => {
                    self.item(&mut is_first, field.kind, value, out)?;
                    continue;
                }
            };
            while !packed.is_empty() {
                let value = match field.kind {
                    FieldKind::Double | FieldKind::Fixed64 | FieldKind::SignedFixed64 => {
                        WireValue::Fixed64(wire::take_array(&mut packed)?)
                    }
                    FieldKind::Float | FieldKind::Fixed32 | FieldKind::SignedFixed32 => {
                        WireValue::Fixed32(wire::take_array(&mut packed)?)
                    }
                    _ => WireValue::Varint(wire::take_varint(&mut packed)?),
                };
                self.item(&mut is_first, field.kind, value, out)?;
            }
        }
        out.push(']');
        Ok(())
    }

    fn item(
        &mut self,
        is_first: &mut bool,
        kind: FieldKind,
        value: WireValue<'_>,
        out: &mut String,
    ) -> Result<(), Fault> {
        if !std::mem::take(is_first) {
            out.push(',');
        }
        self.value(kind, value, out)?;
        if out.len() > self.longest { Err(Fault::TooLong) } else { Ok(()) }
    }

    fn map(
        &mut self,
        field: &FieldType,
        entries: &[WireValue<'_>],
        out: &mut String,
    ) -> Result<(), Fault> {
        let FieldKind::Message(entry) = field.kind else { return Err(Fault::NotOfSchema) };
        let kind = self.schema.messages.get(entry).ok_or(Fault::NotOfSchema)?;
        let [key, value] = kind.fields.as_slice() else { return Err(Fault::NotOfSchema) };
        out.push('{');
        for (at, bytes) in entries.iter().enumerate() {
            let WireValue::Bytes(bytes) = bytes else { return Err(Fault::NotOfSchema) };
            let found = values(kind, bytes)?;
            let [keys, texts] = found.as_slice() else { return Err(Fault::NotOfSchema) };
            if at > 0 {
                out.push(',');
            }
            let mut name = String::new();
            self.single(key, keys, &mut name)?;
            match name.starts_with('"') {
                true => out.push_str(&name),
                false => write_text(out, &name),
            }
            out.push(':');
            self.single(value, texts, out)?;
        }
        out.push('}');
        Ok(())
    }

    fn value(
        &mut self,
        kind: FieldKind,
        value: WireValue<'_>,
        out: &mut String,
    ) -> Result<(), Fault> {
        let written = match (kind, value) {
            (FieldKind::Double, WireValue::Fixed64(bytes)) => {
                let number = f64::from_le_bytes(bytes);
                write_float(number.is_finite(), &number, out);
                return Ok(());
            }
            (FieldKind::Float, WireValue::Fixed32(bytes)) => {
                let number = f32::from_le_bytes(bytes);
                write_float(number.is_finite(), &number, out);
                return Ok(());
            }
            (FieldKind::Text, WireValue::Bytes(bytes)) => {
                let text = std::str::from_utf8(bytes).map_err(|_error| Fault::InvalidText)?;
                write_text(out, text);
                return Ok(());
            }
            (FieldKind::Bytes, WireValue::Bytes(bytes)) => {
                write_bytes_text(bytes, out);
                return Ok(());
            }
            (FieldKind::Message(kind), WireValue::Bytes(bytes)) => {
                return self.message(kind, bytes, out);
            }
            (FieldKind::Enumeration(at), WireValue::Varint(number)) => {
                self.enumeration(at, number.cast_signed(), out);
                return Ok(());
            }
            (FieldKind::Bool, WireValue::Varint(number)) => write!(out, "{}", number != 0),
            (FieldKind::Int, WireValue::Varint(number)) => write!(out, "{}", number.cast_signed()),
            (FieldKind::Unsigned, WireValue::Varint(number)) => write!(out, "{number}"),
            (FieldKind::ZigZag, WireValue::Varint(number)) => write!(out, "{}", zigzag(number)),
            (FieldKind::Fixed32, WireValue::Fixed32(it)) => {
                write!(out, "{}", u32::from_le_bytes(it))
            }
            (FieldKind::Fixed64, WireValue::Fixed64(it)) => {
                write!(out, "{}", u64::from_le_bytes(it))
            }
            (FieldKind::SignedFixed32, WireValue::Fixed32(it)) => {
                write!(out, "{}", i32::from_le_bytes(it))
            }
            (FieldKind::SignedFixed64, WireValue::Fixed64(it)) => {
                write!(out, "{}", i64::from_le_bytes(it))
            }
            _ => return Err(Fault::NotOfSchema),
        };
        written.map_err(|_no_memory| Fault::TooLong)
    }

    /// The name of a value, or its number if the schema has none.
    fn enumeration(&self, at: usize, number: i64, out: &mut String) {
        let names = self.schema.enumerations.get(at);
        let number_32 = i32::try_from(number).ok();
        match number_32.and_then(|number| names?.get(&number)) {
            Some(name) => write_text(out, name),
            None => write!(out, "{number}").unwrap_or_default(),
        }
    }

    fn zero(&self, kind: FieldKind, out: &mut String) {
        match kind {
            FieldKind::Bool => out.push_str("false"),
            FieldKind::Text | FieldKind::Bytes => out.push_str("\"\""),
            FieldKind::Message(_) => out.push_str("{}"),
            FieldKind::Enumeration(at) => self.enumeration(at, 0, out),
            _ => out.push('0'),
        }
    }

    fn known(
        &mut self,
        known: Known,
        kind: &MessageType,
        values: &[Values<'_>],
        out: &mut String,
    ) -> Result<(), Fault> {
        let number = |at: usize| match values.get(at).and_then(|it| it.last()) {
            Some(WireValue::Varint(number)) => number.cast_signed(),
            _ => 0,
        };
        let bytes = match values.first().and_then(|it| it.last()) {
            Some(WireValue::Bytes(bytes)) => *bytes,
            _ => &[],
        };
        match (known, kind.fields.first()) {
            (Known::Timestamp, _) => {
                let nanos = u32::try_from(number(1)).map_err(|_negative| Fault::NotOfSchema)?;
                let at = DateTime::from_timestamp(number(0), nanos).ok_or(Fault::NotOfSchema)?;
                write_text(out, &at.format("%Y-%m-%d %H:%M:%S%.fZ").to_string());
                Ok(())
            }
            (Known::Duration, _) => {
                let nanos = i128::from(number(0)) * 1_000_000_000 + i128::from(number(1));
                out.push_str(&decimal(&nanos.to_be_bytes(), 9).ok_or(Fault::NotOfSchema)?);
                Ok(())
            }
            (Known::Decimal, _) => {
                let scale = u32::try_from(number(2)).map_err(|_negative| Fault::NotOfSchema)?;
                out.push_str(&decimal(bytes, scale).ok_or(Fault::NotOfSchema)?);
                Ok(())
            }
            (Known::Wrapper, Some(field)) => {
                self.single(field, values.first().map_or(&[], Vec::as_slice), out)
            }
            (Known::Wrapper, None) => Err(Fault::NotOfSchema),
        }
    }
}

fn is_scalar(kind: FieldKind) -> bool {
    !matches!(kind, FieldKind::Text | FieldKind::Bytes | FieldKind::Message(_))
}

/// The values of each field of a message.
fn values<'a>(kind: &MessageType, mut bytes: &'a [u8]) -> Result<Vec<Values<'a>>, Fault> {
    let mut found: Vec<Values<'a>> = vec![Vec::new(); kind.fields.len()];
    while let Some(WireField { number, value }) = wire::next(&mut bytes)? {
        if let Some(at) = kind.by_number.get(&number) {
            found[*at].push(value);
        }
    }
    Ok(found)
}
