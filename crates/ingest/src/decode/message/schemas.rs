//! The schemas of framed messages.

use crate::decode::avro::AvroSchema;
use crate::decode::protobuf::ProtobufSchema;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes in front of a payload in a schema registry's wire format: a zero and the id of the schema.
const FRAME_BYTES: usize = 5;

/// The schemas of messages by their ids.
pub type Schemas = BTreeMap<u32, Arc<MessageSchema>>;

/// A schema of a registry.
#[derive(Debug, Clone, PartialEq)]
pub enum MessageSchema {
    /// The message is JSON text, which describes itself.
    Json,
    Avro(AvroSchema),
    Protobuf(ProtobufSchema),
    /// The registry has the schema, but it cannot be used for this reason.
    Unusable(String),
}

/// The id of the schema of a framed message or key, and what follows the frame; `None` without a frame.
pub fn framed(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (frame, body) = bytes.split_first_chunk::<FRAME_BYTES>()?;
    match *frame {
        [0, id @ ..] => Some((u32::from_be_bytes(id), body)),
        _ => None,
    }
}
