//! The client's queue of messages, taken many at a time.
//!
//! The client hands out one message a call, each by way of an event of its own, and asks the clock
//! several times for it: a tenth of all that reading a stream costs. Its own library also fills a list.

use super::connect::Context;
use anyhow::Context as _;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaMessage, RDKafkaQueue, RDKafkaRespErr};
use std::ffi::CString;
use std::ptr::{self, NonNull};
use std::time::Duration;

/// Messages taken at most at once. A message may be a megabyte, and all are held until the last one
/// was looked at.
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
    pub payload: &'a [u8],
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
            // after it was looked at.
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
    // SAFETY: a message without an error holds `len` bytes at `payload`, unless that is null, until it
    // is given back, and knows its time.
    let (payload, timestamp_ms) = unsafe {
        let payload: &[u8] = match message.payload.is_null() {
            true => &[],
            false => std::slice::from_raw_parts(message.payload.cast::<u8>(), message.len),
        };
        (payload, bindings::rd_kafka_message_timestamp(message, ptr::null_mut()))
    };
    let timestamp_ms = Some(timestamp_ms).filter(|it| *it >= 0);
    Ok(Message { partition, offset: message.offset, timestamp_ms, payload })
}
