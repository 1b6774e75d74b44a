//! The id of a topic (KIP-516). The client's consumer does not hand it out, its administration does.

use super::connect::Context;
use anyhow::Context as _;
use batches::batch::TopicId;
use rdkafka::bindings;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::{RDKafkaAdminOp, RDKafkaQueue, RDKafkaRespErr};
use std::ffi::CString;
use std::ptr::NonNull;
use std::time::Duration;

/// Room for the client's reason to refuse an option. Those that are set here are never refused.
const REASON_BYTES: usize = 128;

/// Requests the description of a topic; the answer comes later. To be dropped before its consumer.
pub struct Describe {
    queue: NonNull<RDKafkaQueue>,
    is_waiting: bool,
}

impl Describe {
    pub fn new(consumer: &BaseConsumer<Context>) -> anyhow::Result<Self> {
        #[expect(unsafe_code, reason = "the client's own library")]
        // SAFETY: the consumer lives, and the queue is ours alone.
        let queue = unsafe { bindings::rd_kafka_queue_new(consumer.client().native_ptr()) };
        let queue = NonNull::new(queue).context("the Kafka client makes no queue")?;
        Ok(Self { queue, is_waiting: false })
    }

    /// Whether an answer is still to come.
    pub const fn is_waiting(&self) -> bool {
        self.is_waiting
    }

    /// Requests the description from a broker, unless an answer is still to come. After `timeout` the
    /// answer is that there is no id.
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
        #[expect(unsafe_code, reason = "the client's own library")]
        // SAFETY: the consumer and the queue live, and the texts end in a zero byte. What is made here is
        // given back once, and the client copies what it needs of it.
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

    /// The answer, after a wait for it: the topic's id, or `None` within if the brokers report none.
    pub fn answer(&mut self, wait: Duration) -> Option<Option<TopicId>> {
        if !self.is_waiting {
            return None;
        }
        let wait_ms = i32::try_from(wait.as_millis()).unwrap_or(i32::MAX);
        #[expect(unsafe_code, reason = "the client's own library")]
        // SAFETY: the queue lives; the event is polled at and given back once.
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
/// The event must live.
#[expect(unsafe_code, reason = "the client's own library")]
unsafe fn id(event: *mut bindings::rd_kafka_event_t) -> Option<TopicId> {
    // SAFETY: all that is polled at belongs to the event; the list has as many places as it says.
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

#[expect(unsafe_code, reason = "the client's own library")]
impl Drop for Describe {
    fn drop(&mut self) {
        // SAFETY: it was made by us and is given back once; the client lets go of what is in it.
        unsafe { bindings::rd_kafka_queue_destroy(self.queue.as_ptr()) };
    }
}
