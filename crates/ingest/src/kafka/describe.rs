//! The id of a topic (KIP-516). librdkafka returns it through its admin API only.

use super::connect::Context;
use anyhow::Context as _;
use batches::batch::TopicId;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::{RDKafkaAdminOp, RDKafkaQueue, RDKafkaRespErr};
use std::ffi::CString;
use std::ptr::NonNull;
use std::time::Duration;

/// Size of the buffer for the client's reason to reject an option. The options set here are always valid.
const REASON_BYTES: usize = 128;

/// Requests the description of a topic; the answer arrives later. To be dropped before its consumer.
pub struct Describe {
    queue: NonNull<RDKafkaQueue>,
    is_waiting: bool,
}

impl Describe {
    pub fn new(consumer: &BaseConsumer<Context>) -> anyhow::Result<Self> {
        #[expect(unsafe_code, reason = "a function of librdkafka")]
        // SAFETY: the consumer is alive, and no one else owns the queue.
        let queue = unsafe { bindings::rd_kafka_queue_new(consumer.client().native_ptr()) };
        let queue = NonNull::new(queue).context("the Kafka client cannot create a queue")?;
        Ok(Self { queue, is_waiting: false })
    }

    /// Whether an answer is pending.
    pub const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Requests the description from a broker, unless an answer is pending. After `timeout` the answer is
    /// that there is no id.
    pub fn request(
        &mut self,
        consumer: &BaseConsumer<Context>,
        topic: &str,
        broker: i32,
        timeout: Duration,
    ) -> anyhow::Result<()> {
        if self.is_waiting {
            return Ok(());
        }
        let (client, name) = (consumer.client().native_ptr(), CString::new(topic)?);
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        let mut names = [name.as_ptr()];
        let mut reason = [0; REASON_BYTES];
        #[expect(unsafe_code, reason = "a function of librdkafka")]
        // SAFETY: the consumer and the queue are alive, and the strings end in a zero byte. Each object
        // created here is destroyed once, and the client copies what it needs of it.
        unsafe {
            let for_api = RDKafkaAdminOp::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
            let options = bindings::rd_kafka_AdminOptions_new(client, for_api);
            let (at, room) = (reason.as_mut_ptr(), reason.len());
            bindings::rd_kafka_AdminOptions_set_broker(options, broker, at, room);
            bindings::rd_kafka_AdminOptions_set_request_timeout(options, timeout_ms, at, room);
            let list =
                bindings::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
            bindings::rd_kafka_DescribeTopics(client, list, options, self.queue.as_ptr());
            bindings::rd_kafka_TopicCollection_destroy(list);
            bindings::rd_kafka_AdminOptions_destroy(options);
        }
        self.is_waiting = true;
        Ok(())
    }

    /// The answer, after a wait of at most `wait`: the topic's id, or an inner `None` if the brokers report
    /// none. The outer `None` means that there is no answer yet.
    pub fn answer(&mut self, wait: Duration) -> Option<Option<TopicId>> {
        if !self.is_waiting {
            return None;
        }
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        #[expect(unsafe_code, reason = "a function of librdkafka")]
        // SAFETY: the queue is alive; the event is read and destroyed once.
        let id = unsafe {
            let event = bindings::rd_kafka_queue_poll(self.queue.as_ptr(), wait_ms);
            if event.is_null() {
                return None;
            }
            let id = id(event);
            bindings::rd_kafka_event_destroy(event);
            id
        };
        self.is_waiting = false;
        Some(id)
    }
}

/// The id in an answer.
///
/// # Safety
/// The event must be alive.
#[expect(unsafe_code, reason = "a function of librdkafka")]
unsafe fn id(event: *mut bindings::rd_kafka_event_t) -> Option<TopicId> {
    // SAFETY: everything read here is owned by the event; the list has `count` elements.
    unsafe {
        let result = bindings::rd_kafka_event_DescribeTopics_result(event);
        if result.is_null()
            || bindings::rd_kafka_event_error(event) != RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR
        {
            return None;
        }
        let mut count = 0;
        let topics = bindings::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        if topics.is_null() || count == 0 {
            return None;
        }
        let uuid = bindings::rd_kafka_TopicDescription_topic_id(*topics);
        if uuid.is_null() {
            return None;
        }
        let high = bindings::rd_kafka_Uuid_most_significant_bits(uuid).cast_unsigned();
        let low = bindings::rd_kafka_Uuid_least_significant_bits(uuid).cast_unsigned();
        let id = (u128::from(high) << 64) | u128::from(low);
        (id != 0).then_some(TopicId(id))
    }
}

#[expect(unsafe_code, reason = "a function of librdkafka")]
impl Drop for Describe {
    fn drop(&mut self) {
        // SAFETY: created by `new` and destroyed once; the client drops the events in it.
        unsafe { bindings::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}
