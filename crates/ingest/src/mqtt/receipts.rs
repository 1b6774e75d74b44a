//! Which messages were received and not acknowledged yet.
//!
//! A broker sends a message with QoS 1 again, marked as a duplicate and with the same packet identifier, until it
//! receives the acknowledgement (sections 3.3.1.1 and 4.4 of MQTT 3.1.1 and 5). A message that is sent again after a lost
//! connection is recognized by identifier, topic and payload while this process has not acknowledged it.

use super::connection::MqttMessage;
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};

/// The receipts of one session.
#[derive(Debug, Default)]
pub struct Receipts {
    /// Number of the next message.
    next: i64,
    /// Messages of this connection in their order.
    pending: VecDeque<Receipt>,
    /// Messages of earlier connections by their packet identifiers.
    earlier: HashMap<u16, Receipt>,
}

#[derive(Debug)]
struct Receipt {
    number: i64,
    /// The packet identifier; 0 if the message needs no acknowledgement.
    id: u16,
    /// Topic and payload; `None` if the message was not read.
    content: Option<(String, Bytes)>,
}

impl Receipt {
    fn is(&self, message: &MqttMessage) -> bool {
        let content = self.content.as_ref();
        content
            .is_some_and(|(topic, payload)| *topic == message.topic && *payload == message.payload)
    }
}

impl Receipts {
    /// Receipts after those up to the number `last`.
    pub fn after(last: Option<i64>) -> Self {
        Self { next: last.map_or(0, |last| last + 1), ..Self::default() }
    }

    /// Records a message. Returns its number, or `None` if it is one that was received before.
    pub fn receive(&mut self, message: &MqttMessage) -> Option<i64> {
        let id = message.id;
        let earlier = self.earlier.remove(&id);
        if let Some(earlier) = earlier.filter(|it| message.is_again && it.is(message)) {
            self.pending.push_back(earlier);
            return None;
        }
        let number = self.next;
        self.next += 1;
        if id != 0 {
            // The copy shares the bytes of the payload.
            let content = Some((message.topic.clone(), message.payload.clone()));
            self.pending.push_back(Receipt { number, id, content });
        }
        Some(number)
    }

    /// Records a message that is not read: it is acknowledged with those before it.
    pub fn skip(&mut self, message: &MqttMessage) {
        if message.id != 0 {
            let receipt = Receipt { number: self.next - 1, id: message.id, content: None };
            self.pending.push_back(receipt);
        }
    }

    /// Number of messages that are not acknowledged.
    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// The packet identifiers of the messages up to the number `landed`, in the order of the messages. They are
    /// acknowledged after this.
    pub fn take_landed(&mut self, landed: i64) -> Vec<u16> {
        let mut ids = Vec::new();
        while let Some(receipt) = self.pending.pop_front_if(|it| it.number <= landed) {
            ids.push(receipt.id);
        }
        ids
    }

    /// The connection is lost: the broker sends again what was not acknowledged.
    pub fn disconnect(&mut self) {
        let kept = self.pending.drain(..).filter(|it| it.content.is_some());
        self.earlier.extend(kept.map(|it| (it.id, it)));
    }

    /// The broker has no session: it sends nothing again.
    pub fn forget(&mut self) {
        self.earlier.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(id: u16, payload: &str) -> MqttMessage {
        let payload = Bytes::from(payload.to_owned());
        MqttMessage { topic: "a/b".into(), payload, id, ..MqttMessage::default() }
    }

    fn again(id: u16, payload: &str) -> MqttMessage {
        MqttMessage { is_again: true, ..message(id, payload) }
    }

    #[test]
    fn messages_are_acknowledged_after_they_landed() {
        let mut receipts = Receipts::after(Some(6));
        assert_eq!(receipts.receive(&message(1, "x")), Some(7));
        receipts.skip(&message(2, "retained"));
        assert_eq!(receipts.receive(&message(0, "qos 0")), Some(8));
        assert_eq!(receipts.receive(&message(3, "y")), Some(9));
        assert_eq!(receipts.waiting(), 3);
        assert!(receipts.take_landed(6).is_empty());
        assert_eq!(receipts.take_landed(8), [1, 2]);
        assert_eq!(receipts.take_landed(9), [3]);
        assert_eq!(receipts.waiting(), 0);
    }

    #[test]
    fn a_message_that_is_sent_again_is_received_once() {
        let mut receipts = Receipts::after(None);
        assert_eq!(receipts.receive(&message(1, "x")), Some(0));
        assert_eq!(receipts.receive(&message(2, "y")), Some(1));
        receipts.disconnect();
        assert_eq!(receipts.waiting(), 0);
        assert_eq!(receipts.receive(&again(1, "x")), None);
        assert_eq!(receipts.receive(&again(2, "y")), None);
        assert_eq!(receipts.receive(&message(3, "x")), Some(2));
        assert_eq!(receipts.take_landed(1), [1, 2]);
    }

    #[test]
    fn another_message_with_the_same_identifier_is_new() {
        let mut receipts = Receipts::after(None);
        for (first, second) in [
            (message(1, "x"), message(1, "x")),
            (message(1, "x"), again(1, "y")),
            (message(1, "x"), MqttMessage { topic: "a/c".into(), ..again(1, "x") }),
        ] {
            let number = receipts.receive(&first).unwrap();
            receipts.disconnect();
            assert_eq!(receipts.receive(&second), Some(number + 1));
            assert_eq!(receipts.take_landed(number + 1), [1]);
        }
        receipts.receive(&message(1, "x"));
        receipts.disconnect();
        receipts.forget();
        assert!(receipts.receive(&again(1, "x")).is_some());
    }

    proptest! {
        /// However often the connection is lost, each message has one number, and each is acknowledged
        /// after it landed.
        #[test]
        fn every_message_is_numbered_once(lost_after in prop::collection::vec(0..6_usize, 0..8)) {
            let mut receipts = Receipts::after(None);
            let all: Vec<u16> = (1..=9).collect();
            let (mut unacknowledged, mut numbers) = (all.clone(), Vec::new());
            let mut sent = 0;
            for count in lost_after.into_iter().chain([9]) {
                for id in unacknowledged.iter().copied().take(count) {
                    let is_again = id <= sent;
                    sent = sent.max(id);
                    let message = MqttMessage { is_again, ..message(id, "x") };
                    numbers.extend(receipts.receive(&message));
                }
                let acknowledged = receipts.take_landed(count as i64 / 2);
                unacknowledged.retain(|id| !acknowledged.contains(id));
                receipts.disconnect();
            }
            prop_assert_eq!(numbers, (0..9).collect::<Vec<i64>>());
        }
    }
}
