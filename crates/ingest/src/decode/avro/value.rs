//! A datum becomes JSON text.

use super::AvroSchema;
use super::schema::{Meaning, Type};
use crate::decode::DecodeLimits;
use crate::decode::datum::{decimal, varint, write_bytes_text, write_float, write_text, zigzag};
use batches::batch::Fault;
use chrono::{DateTime, NaiveTime};
use std::fmt::Write as _;

/// Values within values.
const DEEPEST: usize = 64;

/// How much longer than a message its text may be: the names of fields are not in the message.
const TEXT_PER_BYTE: usize = 16;

const NANOS_PER_S: i64 = 1_000_000_000;

impl AvroSchema {
    /// Writes a datum as JSON text behind `out`.
    ///
    /// # Errors
    /// [`Fault::NotOfSchema`] if the bytes are not a datum of this schema or have more than one, and
    /// [`Fault::TooLong`] if the text is too long. `out` is then to be discarded.
    pub fn write_json(
        &self,
        bytes: &[u8],
        limits: DecodeLimits,
        out: &mut String,
    ) -> Result<(), Fault> {
        let longest = limits.max_record_bytes.saturating_mul(TEXT_PER_BYTE);
        let longest = longest.saturating_add(out.len());
        let mut reader = Reader { schema: self, bytes, depth: 0, longest };
        reader.value(self.root, out)?;
        if reader.bytes.is_empty() { Ok(()) } else { Err(Fault::NotOfSchema) }
    }
}

struct Reader<'a> {
    schema: &'a AvroSchema,
    /// What is not read yet.
    bytes: &'a [u8],
    depth: usize,
    /// The longest text.
    longest: usize,
}

impl<'a> Reader<'a> {
    fn value(&mut self, kind: usize, out: &mut String) -> Result<(), Fault> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Fault::NotOfSchema);
        }
        let schema = self.schema;
        match schema.types.get(kind).ok_or(Fault::NotOfSchema)? {
            Type::Null => out.push_str("null"),
            Type::Boolean => match self.take(1)? {
                [0] => out.push_str("false"),
                [1] => out.push_str("true"),
                _ => return Err(Fault::NotOfSchema),
            },
            Type::Int(meaning) => {
                let value = i32::try_from(self.long()?).map_err(|_too_large| Fault::NotOfSchema)?;
                write_number(i64::from(value), *meaning, out)?;
            }
            Type::Long(meaning) => write_number(self.long()?, *meaning, out)?,
            Type::Float => {
                let value = f32::from_le_bytes(self.array()?);
                write_float(value.is_finite(), &value, out);
            }
            Type::Double => {
                let value = f64::from_le_bytes(self.array()?);
                write_float(value.is_finite(), &value, out);
            }
            Type::Bytes(meaning) => write_bytes(self.sized()?, *meaning, out)?,
            Type::Fixed(size, meaning) => write_bytes(self.take(*size)?, *meaning, out)?,
            Type::Text => {
                let text = std::str::from_utf8(self.sized()?);
                write_text(out, text.map_err(|_error| Fault::InvalidText)?);
            }
            Type::Enumeration(symbols) => {
                let symbol = usize::try_from(self.long()?).ok().and_then(|at| symbols.get(at));
                write_text(out, symbol.ok_or(Fault::NotOfSchema)?);
            }
            Type::Record(fields) => self.record(fields, out)?,
            Type::Array(items) => {
                self.blocks(out, ['[', ']'], |reader, out| reader.value(*items, out))?
            }
            Type::Map(values) => self.blocks(out, ['{', '}'], |reader, out| {
                let key = std::str::from_utf8(reader.sized()?);
                write_text(out, key.map_err(|_error| Fault::InvalidText)?);
                out.push(':');
                reader.value(*values, out)
            })?,
            Type::Union(members) => {
                let member = usize::try_from(self.long()?).ok().and_then(|at| members.get(at));
                self.value(*member.ok_or(Fault::NotOfSchema)?, out)?;
            }
        }
        self.depth -= 1;
        if out.len() > self.longest { Err(Fault::TooLong) } else { Ok(()) }
    }

    fn record(&mut self, fields: &[(String, usize)], out: &mut String) -> Result<(), Fault> {
        out.push('{');
        for (at, (name, kind)) in fields.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            out.push_str(name);
            self.value(*kind, out)?;
        }
        out.push('}');
        Ok(())
    }

    /// Reads blocks of items up to an empty one. A negative count is followed by the size of the block.
    fn blocks(
        &mut self,
        out: &mut String,
        [open, close]: [char; 2],
        mut item: impl FnMut(&mut Self, &mut String) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        out.push(open);
        let mut is_first = true;
        loop {
            let count = self.long()?;
            if count < 0 {
                self.long()?;
            }
            if count == 0 {
                break;
            }
            for _ in 0..count.unsigned_abs() {
                if !std::mem::take(&mut is_first) {
                    out.push(',');
                }
                item(self, out)?;
            }
        }
        out.push(close);
        Ok(())
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Fault::NotOfSchema)?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(Fault::NotOfSchema)?;
        self.bytes = rest;
        Ok(*taken)
    }

    /// Bytes with their number in front.
    fn sized(&mut self) -> Result<&'a [u8], Fault> {
        let size = usize::try_from(self.long()?).map_err(|_negative| Fault::NotOfSchema)?;
        self.take(size)
    }

    /// A whole number: groups of seven bits, the lowest first, in zigzag order.
    fn long(&mut self) -> Result<i64, Fault> {
        let (value, rest) = varint(self.bytes).ok_or(Fault::NotOfSchema)?;
        self.bytes = rest;
        Ok(zigzag(value))
    }
}

fn write_number(value: i64, meaning: Meaning, out: &mut String) -> Result<(), Fault> {
    /// Seconds of a day.
    const DAY_S: i64 = 86_400;
    let moment = |seconds: i64, per_s: i64, rest: i64| {
        let nanos = u32::try_from(rest * (NANOS_PER_S / per_s)).ok()?;
        DateTime::from_timestamp(seconds, nanos)
    };
    let text = match meaning {
        Meaning::Itself | Meaning::Decimal(_) => {
            write!(out, "{value}").unwrap_or_default();
            return Ok(());
        }
        Meaning::Date => {
            let day = value.checked_mul(DAY_S).and_then(|seconds| moment(seconds, 1, 0));
            day.map(|day| day.format("%Y-%m-%d").to_string())
        }
        Meaning::TimeOfDay(per_s) => {
            let nanos = u32::try_from(value.rem_euclid(per_s) * (NANOS_PER_S / per_s)).ok();
            let seconds = u32::try_from(value.div_euclid(per_s)).ok();
            let time = seconds.zip(nanos).and_then(|(seconds, nanos)| {
                NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)
            });
            time.map(|time| time.format("%H:%M:%S%.f").to_string())
        }
        Meaning::Moment { per_s, is_utc } => {
            let at = moment(value.div_euclid(per_s), per_s, value.rem_euclid(per_s));
            let format = if is_utc { "%Y-%m-%d %H:%M:%S%.fZ" } else { "%Y-%m-%d %H:%M:%S%.f" };
            at.map(|at| at.format(format).to_string())
        }
    };
    // A number outside of the calendar stays the number, which no format of times accepts.
    match text {
        Some(text) => write_text(out, &text),
        None => write!(out, "{value}").unwrap_or_default(),
    }
    Ok(())
}

fn write_bytes(bytes: &[u8], meaning: Meaning, out: &mut String) -> Result<(), Fault> {
    match meaning {
        Meaning::Decimal(scale) => {
            out.push_str(&decimal(bytes, scale).ok_or(Fault::NotOfSchema)?);
            Ok(())
        }
        _ => {
            write_bytes_text(bytes, out);
            Ok(())
        }
    }
}
