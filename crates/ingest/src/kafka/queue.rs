//! The client's message queue, read in batches.
//!
//! `rdkafka` returns one message per call, each through an event of its own with several reads of the
//! clock, which takes a tenth of all the time spent on a stream. The librdkafka function below it fills a
//! list.

use super::connect::Context;
use crate::decode::headers::{self, Header};
use crate::messages_builder::MessageParts;
use anyhow::Context as _;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaMessage, RDKafkaQueue, RDKafkaRespErr};
use std::ffi::{CStr, CString, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// Most messages per call. A message may be a megabyte, and all are held until the last one is read.
const MOST: usize = 64;

/// A message, or the error that the client returns in its place.
pub type MessageResult<'a> = Result<Message<'a>, KafkaError>;

/// A message of a partition.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    pub partition: i32,
    pub offset: i64,
    /// The broker's time, in milliseconds since 1970 UTC; `None` if there is none.
    pub timestamp_ms: Option<i64>,
    /// `None` if the message has no value, which is not the same as an empty one.
    pub payload: Option<&'a [u8]>,
    pub key: Option<&'a [u8]>,
    raw: &'a RDKafkaMessage,
}

impl Message<'_> {
    /// The broker's time in microseconds since 1970 UTC; 0 if there is none.
    pub fn timestamp_us(&self) -> i64 {
        self.timestamp_ms.unwrap_or_default().saturating_mul(1000)
    }

    /// The message for a batch.
    pub fn parts(&self) -> MessageParts<'_> {
        MessageParts {
            partition: self.partition,
            offset: self.offset,
            timestamp_us: self.timestamp_us(),
            payload: self.payload,
            key: self.key,
            headers: self.headers(),
        }
    }

    /// The headers as JSON; `None` if there are none.
    fn headers(&self) -> Option<String> {
        let mut list = ptr::null_mut();
        #[expect(unsafe_code, reason = "a function of librdkafka")]
        // SAFETY: the message is alive and owns the list.
        let found = unsafe { bindings::rd_kafka_message_headers(self.raw, &raw mut list) };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || list.is_null() {
            return None;
        }
        let (mut headers, mut at) = (Vec::new(), 0);
        loop {
            let (mut key, mut value, mut bytes) = (ptr::null(), ptr::null(), 0);
            #[expect(unsafe_code, reason = "a function of librdkafka")]
            // SAFETY: the list is alive as long as its message; a key ends in a zero byte, and a value
            // that is not null has `bytes` bytes.
            unsafe {
                let (key_at, value_at) = (&raw mut key, &raw mut value);
                let got =
                    bindings::rd_kafka_header_get_all(list, at, key_at, value_at, &raw mut bytes);
                if got != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
                    return Some(headers::write(&headers));
                }
                headers.push(Header::new(CStr::from_ptr(key).to_bytes(), slice(value, bytes)));
            }
            at += 1;
        }
    }
}

/// The queue to which the assigned partitions are forwarded. To be dropped before its consumer.
pub struct Queue {
    queue: NonNull<RDKafkaQueue>,
    messages: [*mut RDKafkaMessage; MOST],
}

impl Queue {
    pub fn new(consumer: &BaseConsumer<Context>) -> anyhow::Result<Self> {
        #[expect(unsafe_code, reason = "a function of librdkafka")]
        // SAFETY: the consumer is alive, and no one else owns the queue.
        let queue = unsafe { bindings::rd_kafka_queue_new(consumer.client().native_ptr()) };
        let queue = NonNull::new(queue).context("the Kafka client cannot create a queue")?;
        Ok(Self { queue, messages: [ptr::null_mut(); MOST] })
    }

    /// Forwards the messages of a partition to this queue; the consumer no longer returns them.
    pub fn receive(
        &self,
        consumer: &BaseConsumer<Context>,
        topic: &str,
        partition: i32,
    ) -> anyhow::Result<()> {
        let (client, name) = (consumer.client().native_ptr(), CString::new(topic)?);
        #[expect(unsafe_code, reason = "a function of librdkafka")]
        // SAFETY: the consumer is alive and the name ends in a zero byte. The reference to the partition's
        // queue is released, and the client keeps both queues alive while one is forwarded to the other.
        let is_found = unsafe {
            let queue = bindings::rd_kafka_queue_get_partition(client, name.as_ptr(), partition);
            if !queue.is_null() {
                bindings::rd_kafka_queue_forward(queue, self.queue.as_ptr());
                bindings::rd_kafka_queue_destroy(queue);
            }
            !queue.is_null()
        };
        is_found
            .then_some(())
            .with_context(|| format!("the Kafka client has no partition {topic}/{partition}"))
    }

    /// Calls `each` with up to `most` messages and returns their number. Blocks for `wait` until there are
    /// as many as `most`, so a wait makes sense with `most` = 1 only.
    pub fn take(
        &mut self,
        wait: Duration,
        most: usize,
        mut each: impl FnMut(MessageResult<'_>),
    ) -> usize {
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        let most = most.min(MOST);
        #[expect(unsafe_code, reason = "a function of librdkafka")]
        // SAFETY: the list has room for `most` messages, and the queue is alive as long as `self`.
        let count = unsafe {
            let (queue, messages) = (self.queue.as_ptr(), self.messages.as_mut_ptr());
            bindings::rd_kafka_consume_batch_queue(queue, wait_ms, messages, most)
        };
        let count = usize::try_from(count).unwrap_or(0);
        for message in self.messages.iter().take(count).copied().filter(|it| !it.is_null()) {
            #[expect(unsafe_code, reason = "a function of librdkafka")]
            // SAFETY: the client filled this element of the list, and the message is destroyed once, after
            // it was read.
            unsafe {
                each(result_of(&*message));
                bindings::rd_kafka_message_destroy(message);
            }
        }
        count
    }
}

#[expect(unsafe_code, reason = "a function of librdkafka")]
impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: created by `new` and destroyed once; the client drops the messages in it.
        unsafe { bindings::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// The message or error in an element of the client's list.
fn result_of(message: &RDKafkaMessage) -> MessageResult<'_> {
    let partition = message.partition;
    match message.err {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {}
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
            return Err(KafkaError::PartitionEOF(partition));
        }
        error => return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::from(error))),
    }
    #[expect(unsafe_code, reason = "a function of librdkafka")]
    // SAFETY: a message without an error has `len` bytes at `payload` and `key_len` bytes at `key`, unless
    // these are null, until it is destroyed.
    let (payload, key, timestamp_ms) = unsafe {
        (
            slice(message.payload, message.len),
            slice(message.key, message.key_len),
            bindings::rd_kafka_message_timestamp(message, ptr::null_mut()),
        )
    };
    let timestamp_ms = Some(timestamp_ms).filter(|it| *it >= 0);
    Ok(Message { partition, offset: message.offset, timestamp_ms, payload, key, raw: message })
}

/// The bytes at an address, unless it is null.
///
/// # Safety
/// There must be `bytes` bytes, and they must live for `'a`.
#[expect(unsafe_code, reason = "a function of librdkafka")]
const unsafe fn slice<'a>(at: *const c_void, bytes: usize) -> Option<&'a [u8]> {
    if at.is_null() {
        return None;
    }
    // SAFETY: by the caller's contract.
    Some(unsafe { std::slice::from_raw_parts(at.cast::<u8>(), bytes) })
}
