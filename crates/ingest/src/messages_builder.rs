//! Collects messages into one batch.

use arrow::array::{ArrayBuilder as _, BinaryBuilder, Int32Builder, Int64Builder, StringBuilder};
use batches::batch::Messages;
use std::sync::Arc;

/// A message as received.
#[derive(Debug, Clone, Default)]
pub struct MessageParts<'a> {
    pub partition: i32,
    pub offset: i64,
    /// The time of the message in microseconds since 1970 UTC.
    pub timestamp_us: i64,
    /// `None` if the message has no value, which is not the same as an empty one.
    pub payload: Option<&'a [u8]>,
    pub key: Option<&'a [u8]>,
    /// The headers as JSON.
    pub headers: Option<String>,
}

/// Collects messages into one [`Messages`].
pub struct MessagesBuilder {
    partition: Int32Builder,
    offset: Int64Builder,
    timestamp_us: Int64Builder,
    payload: BinaryBuilder,
    /// Most topics have neither. The first message that has one starts the column.
    key: Option<BinaryBuilder>,
    headers: Option<StringBuilder>,
    /// Bytes of payloads, keys and headers.
    pub bytes: usize,
}

impl MessagesBuilder {
    /// A builder with capacity for so many messages and bytes.
    pub fn with_capacity((messages, bytes): (usize, usize)) -> Self {
        /// Batches differ slightly in size; growing the buffer near its end would copy all of it.
        const SPARE: usize = 16;
        Self {
            partition: Int32Builder::with_capacity(messages),
            offset: Int64Builder::with_capacity(messages),
            timestamp_us: Int64Builder::with_capacity(messages),
            payload: BinaryBuilder::with_capacity(messages, bytes + bytes / SPARE),
            key: None,
            headers: None,
            bytes: 0,
        }
    }

    /// Number of messages.
    pub fn len(&self) -> usize {
        self.offset.len()
    }

    /// Adds a message after those before it.
    pub fn push(&mut self, message: &MessageParts<'_>) {
        if let Some(key) = message.key {
            self.push_key(key);
        } else if let Some(keys) = &mut self.key {
            keys.append_null();
        }
        if let Some(headers) = &message.headers {
            self.push_headers(headers);
        } else if let Some(headers) = &mut self.headers {
            headers.append_null();
        }
        self.partition.append_value(message.partition);
        self.offset.append_value(message.offset);
        self.timestamp_us.append_value(message.timestamp_us);
        self.payload.append_option(message.payload);
        self.bytes += message.payload.map_or(0, <[u8]>::len);
    }

    fn push_key(&mut self, key: &[u8]) {
        let before = self.offset.len();
        let keys = self.key.get_or_insert_with(|| {
            let mut keys = BinaryBuilder::new();
            (0..before).for_each(|_| keys.append_null());
            keys
        });
        keys.append_value(key);
        self.bytes += key.len();
    }

    fn push_headers(&mut self, text: &str) {
        let before = self.offset.len();
        let headers = self.headers.get_or_insert_with(|| {
            let mut headers = StringBuilder::new();
            (0..before).for_each(|_| headers.append_null());
            headers
        });
        headers.append_value(text);
        self.bytes += text.len();
    }

    /// The messages, of `topic`.
    pub fn finish(mut self, topic: &Arc<str>) -> Messages {
        Messages {
            topic: topic.clone(),
            partition: self.partition.finish(),
            offset: self.offset.finish(),
            timestamp_us: self.timestamp_us.finish(),
            payload: self.payload.finish(),
            key: self.key.map(|mut keys| keys.finish()),
            headers: self.headers.map(|mut headers| headers.finish()),
        }
    }
}
