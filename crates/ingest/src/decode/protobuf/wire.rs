//! The fields in the bytes of a message.

use crate::decode::datum::varint;
use batches::batch::Fault;

/// A field in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireField<'a> {
    pub number: u32,
    pub value: WireValue<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WireValue<'a> {
    Varint(u64),
    Fixed64([u8; 8]),
    Fixed32([u8; 4]),
    Bytes(&'a [u8]),
}

/// Takes the next field off; `None` at the end.
pub fn next<'a>(bytes: &mut &'a [u8]) -> Result<Option<WireField<'a>>, Fault> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let tag = take_varint(bytes)?;
    let number = u32::try_from(tag >> 3).map_err(|_too_large| Fault::NotOfSchema)?;
    let value = match tag & 7 {
        0 => WireValue::Varint(take_varint(bytes)?),
        1 => WireValue::Fixed64(take_array(bytes)?),
        2 => WireValue::Bytes(take_sized(bytes)?),
        5 => WireValue::Fixed32(take_array(bytes)?),
        _ => return Err(Fault::NotOfSchema),
    };
    if number == 0 { Err(Fault::NotOfSchema) } else { Ok(Some(WireField { number, value })) }
}

pub fn take_varint(bytes: &mut &[u8]) -> Result<u64, Fault> {
    let (value, rest) = varint(bytes).ok_or(Fault::NotOfSchema)?;
    *bytes = rest;
    Ok(value)
}

pub fn take_array<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Fault> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(Fault::NotOfSchema)?;
    *bytes = rest;
    Ok(*taken)
}

fn take_sized<'a>(bytes: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let size = usize::try_from(take_varint(bytes)?).map_err(|_too_large| Fault::NotOfSchema)?;
    let (taken, rest) = bytes.split_at_checked(size).ok_or(Fault::NotOfSchema)?;
    *bytes = rest;
    Ok(taken)
}
