//! Limits of reading topics.

use super::section::settings;

settings! {
    /// Limits of the messages between a topic and the lake.
    StreamLimits {
        /// Longest message.
        max_message_bytes: usize = 64 << 10,
            "a message of a sensor has some 200 bytes; a longer one is stored and rejected";
        /// Messages decoded together.
        stream_batch_messages: usize = 16_384,
            "enough that the cost per message is small; some 3 MB";
        /// Interval between two commits of a stream.
        stream_commit_every_ms: u64 = 2_000,
            "messages become visible in the lake this soon; each commit costs files and some 20 ms";
        /// Rows that trigger a commit before its interval has passed.
        stream_commit_rows: usize = 1_000_000,
            "bounds the memory of rows that wait for their commit";
        /// Time that decoded messages are collected before they are passed to the lake.
        stream_linger_ms: u64 = 50, formerly "stream_hold_ms",
            "passing a few messages at a time would wake threads all the time";
        /// Messages that are passed to the lake before the linger time has passed.
        stream_linger_messages: usize = 4_096, formerly "stream_hold_messages",
            "a full batch gains nothing by waiting";
        /// Most recent messages among which a duplicate is recognized.
        dedupe_readings: usize = 1_000_000,
            "duplicates follow soon after the original; some 40 MB";
        /// Interval between two listings of topics that match the patterns of a contract.
        topic_listing_every_s: u64 = 30,
            "a new topic is read this soon; a listing is one response of a broker";
        /// Topics read for one contract with patterns.
        pattern_topics: usize = 200,
            "each topic costs several threads and some 10 MB";
    }
}

settings! {
    /// Limits of the Kafka client.
    KafkaLimits {
        /// Bytes the client fetches ahead.
        kafka_queue_bytes: u64 = 32 << 20,
            "a second of a very busy topic";
        /// Time the client waits for more messages while a page shows each message as it arrives.
        kafka_linger_ms: u64 = 2, formerly "kafka_gather_ms",
            "each fetch costs as much as 100 messages";
        /// Time the client waits for more messages otherwise; at most a quarter of the commit interval.
        kafka_idle_linger_ms: u64 = 100, formerly "kafka_unhurried_ms",
            "fewer, larger fetches cost less where no page shows each message";
        /// Time after which the partitions of a failed consumer are reassigned.
        kafka_session_ms: u64 = 10_000,
            "short enough that another consumer takes over soon, long enough for a busy machine";
        /// Interval between two measurements of the consumer lag.
        kafka_lag_every_ms: u64 = 5_000,
            "each measurement costs the client a pass over all partitions";
        /// Longest wait for the answer of a broker to one request.
        kafka_answer_ms: u64 = 10_000,
            "a busy broker answers within seconds; one that does not is taken for unreachable";
        /// First pause before a lost broker is tried again; it doubles with each attempt.
        kafka_retry_min_ms: u64 = 100,
            "a broker that only restarts its listener is back at once";
        /// Longest pause before a lost broker is tried again.
        kafka_retry_max_ms: u64 = 10_000,
            "messages are read this soon after an outage, and a broker that starts is not flooded";
        /// Pause after a connection was refused because of credentials, permissions or certificates.
        kafka_auth_retry_s: u64 = 300, formerly "kafka_refused_retry_s",
            "each attempt counts towards a locked account, and the cause is fixed by an operator";
    }
}

settings! {
    /// Limits of the MQTT client.
    MqttLimits {
        /// Interval of the packets that keep a connection open.
        mqtt_keep_alive_s: u64 = 30, in 5 to 65_535,
            "a broker closes a silent connection after one and a half intervals";
        /// Longest wait for a connection to a broker.
        mqtt_connect_timeout_s: u64 = 10, in 1 to 600,
            "a broker in the same plant answers within milliseconds";
        /// Unacknowledged messages after which an MQTT broker may send no further ones.
        mqtt_inflight_messages: usize = 20, in 1 to 65_535,
            "the default of Mosquitto; when so many are not in the lake yet and none follow, they are committed at once";
        /// Unacknowledged messages after which an MQTT broker sends no further ones with version 5: its receive maximum.
        mqtt_receive_messages: u16 = 10_000, in 1 to 65_535,
            "a fast broker sends so many during a commit; they stay in memory until they are in the lake, some 3 MB";
        /// Time for which a broker keeps the session of this program with version 5 while it is not connected.
        mqtt_session_expiry_s: u32 = 2_592_000, in 60 to 4_294_967_295,
            "30 days are longer than an outage or a holiday; 4294967295 is without end, and a forgotten session fills the disk of the broker";
        /// Topics that a broker may replace by numbers with version 5: its topic alias maximum; 0 is none.
        mqtt_topic_aliases: u16 = 100, in 0 to 65_535,
            "each is kept in memory; a topic without a number only costs some bytes";
        /// Time without a message after which a broker is taken to wait for acknowledgements.
        mqtt_stall_ms: u64 = 20, in 1 to 1_000,
            "a broker that may send does so within milliseconds";
        /// First pause before a lost MQTT broker is tried again; it doubles with each attempt.
        mqtt_retry_min_ms: u64 = 200, in 10 to 600_000,
            "a broker that only restarts is back at once";
        /// Longest pause before a lost MQTT broker is tried again.
        mqtt_retry_max_ms: u64 = 10_000, in 10 to 600_000,
            "messages are read this soon after an outage, and a broker that starts is not flooded";
        /// Longest MQTT packet.
        mqtt_packet_bytes: usize = 16 << 20, in 1_024 to 268_435_455,
            "a message of a machine has some kilobytes; pictures have megabytes";
        /// Time without a message after which `ingest --once` has read a broker to its end.
        mqtt_once_idle_ms: u64 = 2_000, in 10 to 600_000,
            "a broker sends queued messages without pauses; MQTT has no mark for the last one";
        /// Metrics, edge nodes and devices of Sparkplug that are remembered for one contract.
        sparkplug_metrics: usize = 200_000, in 1 to 10_000_000,
            "a large plant has some ten thousand tags; each costs some 300 bytes";
        /// Interval between two copies of the births of Sparkplug in the lake.
        sparkplug_births_every_s: u64 = 60, in 1 to 86_400,
            "the next start reads the messages since the copy again from bronze; a copy costs one file";
    }
}

settings! {
    /// Limits of the schema registry's client.
    RegistryLimits {
        /// Longest wait for an answer of the schema registry.
        schema_registry_answer_ms: u64 = 10_000, in 100 to 600_000,
            "a registry in the same plant answers within milliseconds";
        /// First pause before a registry that does not answer is tried again; it doubles with each attempt.
        schema_registry_retry_min_ms: u64 = 200, in 10 to 600_000,
            "a registry that only restarts is back at once";
        /// Longest pause before a registry that does not answer is tried again.
        schema_registry_retry_max_ms: u64 = 10_000, in 10 to 600_000,
            "messages are read this soon after an outage, and a registry that starts is not flooded";
        /// Attempts to reach the registry in `ingest --once` and `rebuild`.
        schema_registry_attempts: u64 = 5, in 1 to 1_000,
            "a short outage is bridged, and a command that a person waits for ends";
        /// Longest answer of the registry.
        schema_registry_answer_bytes: usize = 4 << 20, in 1_024 to 1_073_741_824,
            "the schema of a wide table has some 100 kB";
        /// Time after which a schema that the registry did not know is requested again.
        schema_unknown_s: u64 = 30, in 1 to 86_400,
            "a schema that is registered late is found this soon, and garbage costs few requests";
        /// Unknown schemas among messages read together after which no further ones are requested.
        schema_unknown_ids: usize = 20, in 1 to 100_000,
            "messages that are not framed have random ids, and each would cost a request";
    }
}
