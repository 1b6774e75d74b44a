//! Which messages were received and not acknowledged yet.
//!
//! A broker sends a message with QoS 1 again, marked as a duplicate and with the same packet identifier, until it
//! receives the acknowledgement (MQTT 3.1.1, sections 3.3.1.1 and 4.4). A message that is sent again after a lost
//! connection is recognized by identifier, topic and payload while this process has not acknowledged it.

use rumqttc::Publish;
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
    /// What the message was; `None` if it was not read.
    message: Option<Publish>,
}

impl Receipt {
    fn is(&self, publish: &Publish) -> bool {
        let is_same = |it: &Publish| it.topic == publish.topic && it.payload == publish.payload;
        self.message.as_ref().is_some_and(is_same)
    }
}

impl Receipts {
    /// Receipts after those up to the number `last`.
    pub fn after(last: Option<i64>) -> Self {
        Self { next: last.map_or(0, |last| last + 1), ..Self::default() }
    }

    /// Records a message. Returns its number, or `None` if it is one that was received before.
    pub fn receive(&mut self, publish: Publish) -> Option<i64> {
        let id = publish.pkid;
        if let Some(earlier) = self.earlier.remove(&id).filter(|it| publish.dup && it.is(&publish))
        {
            self.pending.push_back(earlier);
            return None;
        }
        let number = self.next;
        self.next += 1;
        if id != 0 {
            self.pending.push_back(Receipt { number, id, message: Some(publish) });
        }
        Some(number)
    }

    /// Records a message that is not read: it is acknowledged with those before it.
    pub fn skip(&mut self, publish: &Publish) {
        if publish.pkid != 0 {
            let receipt = Receipt { number: self.next - 1, id: publish.pkid, message: None };
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
        let kept = self.pending.drain(..).filter(|it| it.message.is_some());
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
    use rumqttc::QoS;

    fn publish(id: u16, payload: &str) -> Publish {
        let mut publish = Publish::new("a/b", QoS::AtLeastOnce, payload);
        publish.pkid = id;
        publish
    }

    fn again(id: u16, payload: &str) -> Publish {
        Publish { dup: true, ..publish(id, payload) }
    }

    #[test]
    fn messages_are_acknowledged_after_they_landed() {
        let mut receipts = Receipts::after(Some(6));
        assert_eq!(receipts.receive(publish(1, "x")), Some(7));
        receipts.skip(&publish(2, "retained"));
        assert_eq!(receipts.receive(publish(0, "qos 0")), Some(8));
        assert_eq!(receipts.receive(publish(3, "y")), Some(9));
        assert_eq!(receipts.waiting(), 3);
        assert!(receipts.take_landed(6).is_empty());
        assert_eq!(receipts.take_landed(8), [1, 2]);
        assert_eq!(receipts.take_landed(9), [3]);
        assert_eq!(receipts.waiting(), 0);
    }

    #[test]
    fn a_message_that_is_sent_again_is_received_once() {
        let mut receipts = Receipts::after(None);
        assert_eq!(receipts.receive(publish(1, "x")), Some(0));
        assert_eq!(receipts.receive(publish(2, "y")), Some(1));
        receipts.disconnect();
        assert_eq!(receipts.waiting(), 0);
        assert_eq!(receipts.receive(again(1, "x")), None);
        assert_eq!(receipts.receive(again(2, "y")), None);
        assert_eq!(receipts.receive(publish(3, "x")), Some(2));
        assert_eq!(receipts.take_landed(1), [1, 2]);
    }

    #[test]
    fn another_message_with_the_same_identifier_is_new() {
        let mut receipts = Receipts::after(None);
        for (first, second) in [
            (publish(1, "x"), publish(1, "x")),
            (publish(1, "x"), again(1, "y")),
            (publish(1, "x"), Publish { topic: "a/c".into(), ..again(1, "x") }),
        ] {
            let number = receipts.receive(first).unwrap();
            receipts.disconnect();
            assert_eq!(receipts.receive(second), Some(number + 1));
            assert_eq!(receipts.take_landed(number + 1), [1]);
        }
        receipts.receive(publish(1, "x"));
        receipts.disconnect();
        receipts.forget();
        assert!(receipts.receive(again(1, "x")).is_some());
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
                    let message = Publish { dup: is_again, ..publish(id, "x") };
                    numbers.extend(receipts.receive(message));
                }
                let acknowledged = receipts.take_landed(count as i64 / 2);
                unacknowledged.retain(|id| !acknowledged.contains(id));
                receipts.disconnect();
            }
            prop_assert_eq!(numbers, (0..9).collect::<Vec<i64>>());
        }
    }
}
