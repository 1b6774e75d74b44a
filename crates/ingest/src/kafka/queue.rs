//! The client's queue of messages, taken many at a time.
//!
//! The client hands out one message a call, each by way of an event of its own, and asks the clock
//! several times for it: a tenth of all that reading a stream costs. Its own library also fills a list.

use super::connect::Context;
use crate::decode::headers::{self, Header};
use anyhow::Context as _;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaMessage, RDKafkaQueue, RDKafkaRespErr};
use std::ffi::{CStr, CString, c_void};
use std::ptr::{self, NonNull};
use std::time::Duration;

/// Messages taken at most at once. A message may be a megabyte, and all are held until the last one
/// was polled at.
const TAKEN: usize = 64;

/// A message, or what the client says in place of one of a partition.
pub type Found<'a> = Result<Message<'a>, KafkaError>;

/// One message of a partition.
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

    /// The headers as JSON; `None` if there are none.
    pub fn headers(&self) -> Option<String> {
        let mut list = ptr::null_mut();
        #[expect(unsafe_code, reason = "the client's own library")]
        // SAFETY: the message lives, and the list belongs to it.
        let found = unsafe { bindings::rd_kafka_message_headers(self.raw, &raw mut list) };
        if found != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR || list.is_null() {
            return None;
        }
        let (mut headers, mut at) = (Vec::new(), 0);
        loop {
            let (mut key, mut value, mut bytes) = (ptr::null(), ptr::null(), 0);
            #[expect(unsafe_code, reason = "the client's own library")]
            // SAFETY: the list lives as long as its message; a key ends in a zero byte, and a value
            // that is there has so many bytes.
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

/// Where the messages of the partitions go that are read. To be dropped before its consumer.
pub struct Queue {
    queue: NonNull<RDKafkaQueue>,
    taken: [*mut RDKafkaMessage; TAKEN],
}

impl Queue {
    pub fn new(consumer: &BaseConsumer<Context>) -> anyhow::Result<Self> {
        #[expect(unsafe_code, reason = "the client's own library")]
        // SAFETY: the consumer lives, and the queue is ours alone.
        let queue = unsafe { bindings::rd_kafka_queue_new(consumer.client().native_ptr()) };
        let queue = NonNull::new(queue).context("the Kafka client makes no queue")?;
        Ok(Self { queue, taken: [ptr::null_mut(); TAKEN] })
    }

    /// From now on the messages of a partition come here, and to the consumer no more.
    pub fn receive(
        &self,
        consumer: &BaseConsumer<Context>,
        topic: &str,
        partition: i32,
    ) -> anyhow::Result<()> {
        let (client, name) = (consumer.client().native_ptr(), CString::new(topic)?);
        #[expect(unsafe_code, reason = "the client's own library")]
        // SAFETY: the consumer lives, the name ends in a zero byte; what is handed out is given back,
        // and both queues are held by the client as long as one leads to the other.
        let found = unsafe {
            let queue = bindings::rd_kafka_queue_get_partition(client, name.as_ptr(), partition);
            if !queue.is_null() {
                bindings::rd_kafka_queue_forward(queue, self.queue.as_ptr());
                bindings::rd_kafka_queue_destroy(queue);
            }
            !queue.is_null()
        };
        found.then_some(()).with_context(|| format!("the Kafka client has no {topic}/{partition}"))
    }

    /// Hands on what has come, up to `most` at once, after a wait for the first if there is nothing.
    /// Returns how many. With more than one asked for, a wait is for all of them.
    pub fn take(&mut self, wait: Duration, most: usize, mut each: impl FnMut(Found<'_>)) -> usize {
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        let most = most.min(TAKEN);
        #[expect(unsafe_code, reason = "the client's own library")]
        // SAFETY: the list has room for `most`, and the queue lives as long as we do.
        let count = unsafe {
            let (queue, taken) = (self.queue.as_ptr(), self.taken.as_mut_ptr());
            bindings::rd_kafka_consume_batch_queue(queue, wait_ms, taken, most)
        };
        let count = usize::try_from(count).unwrap_or(0);
        for message in self.taken.iter().take(count).copied().filter(|it| !it.is_null()) {
            #[expect(unsafe_code, reason = "the client's own library")]
            // SAFETY: the client filled this place of the list, and the message is given back once,
            // after it was polled at.
            unsafe {
                each(found(&*message));
                bindings::rd_kafka_message_destroy(message);
            }
        }
        count
    }
}

#[expect(unsafe_code, reason = "the client's own library")]
impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: it was made by us and is given back once; the client lets go of what is in it.
        unsafe { bindings::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}

/// What the client's library put into its list.
fn found(message: &RDKafkaMessage) -> Found<'_> {
    let partition = message.partition;
    match message.err {
        RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => {}
        RDKafkaRespErr::RD_KAFKA_RESP_ERR__PARTITION_EOF => {
            return Err(KafkaError::PartitionEOF(partition));
        }
        error => return Err(KafkaError::MessageConsumption(RDKafkaErrorCode::from(error))),
    }
    #[expect(unsafe_code, reason = "the client's own library")]
    // SAFETY: a message without an error holds `len` bytes at `payload` and `key_len` bytes at `key`,
    // unless these are null, until it is given back, and knows its time.
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

/// The bytes at a place, unless it is null.
///
/// # Safety
/// There must be so many of them, and they must live long enough.
#[expect(unsafe_code, reason = "the client's own library")]
const unsafe fn slice<'a>(at: *const c_void, bytes: usize) -> Option<&'a [u8]> {
    if at.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    Some(unsafe { std::slice::from_raw_parts(at.cast::<u8>(), bytes) })
}
