//! The connection to a broker, by either version of the protocol.

use super::version3::Version3;
use super::version5::Version5;
use crate::Error;
use bytes::Bytes;
use config::settings::MqttLimits;
use plant::mqtt_source::{MqttSource, MqttVersion};
use rumqttc::v5::mqttbytes::v5::PublishProperties;
use std::time::Duration;
use tokio::time::timeout;

/// A message as received.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MqttMessage {
    pub topic: String,
    pub payload: Bytes,
    /// The packet identifier; 0 if the message needs no acknowledgement.
    pub id: u16,
    /// Whether the broker has sent it before.
    pub is_again: bool,
    /// Whether the broker has kept it for new subscriptions.
    pub is_retained: bool,
    /// What was published with the payload; always `None` with version 3.1.1.
    pub properties: Option<Box<PublishProperties>>,
}

/// What a broker has sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrived {
    Message(MqttMessage),
    /// The subscription is accepted.
    Subscribed,
    /// A packet that keeps the connection open.
    Other,
}

/// What is sent to a broker after the connection is open.
#[derive(Debug, Clone, Copy)]
pub enum Outgoing<'a> {
    /// The subscription of all filters.
    Subscribe,
    /// The acknowledgement of the messages with these packet identifiers.
    Acknowledge(&'a [u16]),
    Disconnect,
}

/// The connection of one contract. It does not acknowledge messages by itself, and its session persists at the broker.
pub struct MqttConnection {
    source: MqttSource,
    protocol: Protocol,
    /// Longest wait until packets are sent.
    within: Duration,
    /// Messages without an acknowledgement after which the broker may send no further ones.
    window: usize,
}

enum Protocol {
    Three(Box<Version3>),
    Five(Box<Version5>),
}

impl MqttConnection {
    /// A connection that is not open yet.
    ///
    /// # Errors
    /// [`Error::Config`] if the password or the certificates cannot be read.
    pub fn new(source: &MqttSource, limits: &MqttLimits) -> Result<Self, Error> {
        let (protocol, window) = match source.version {
            MqttVersion::Three => {
                let protocol = Protocol::Three(Box::new(Version3::new(source, limits)?));
                (protocol, limits.mqtt_inflight_messages)
            }
            MqttVersion::Five => {
                let protocol = Protocol::Five(Box::new(Version5::new(source, limits)?));
                // The window of the broker may be smaller than what it is allowed.
                let most = usize::from(limits.mqtt_receive_messages);
                (protocol, limits.mqtt_inflight_messages.min(most))
            }
        };
        let within = Duration::from_secs(limits.mqtt_connect_timeout_s);
        Ok(Self { source: source.clone(), protocol, within, window })
    }

    /// Number of messages without an acknowledgement after which the broker may send no further ones.
    pub fn window(&self) -> usize {
        self.window
    }

    /// Whether the broker sends retained messages again when a subscription of the session is repeated.
    pub fn repeats_retained(&self) -> bool {
        matches!(self.protocol, Protocol::Three(_))
    }

    pub fn is_open(&self) -> bool {
        match &self.protocol {
            Protocol::Three(client) => client.is_open(),
            Protocol::Five(client) => client.is_open(),
        }
    }

    /// Connects. Returns whether the broker has the session.
    ///
    /// # Errors
    /// [`Error::Auth`] if the broker refuses the connection, [`Error::Unreachable`] if there is none.
    pub async fn open(&mut self) -> Result<bool, Error> {
        match &mut self.protocol {
            Protocol::Three(client) => client.open(&self.source).await,
            Protocol::Five(client) => client.open(&self.source, self.within).await,
        }
    }

    /// Waits for the next packet. Nothing is lost if the wait is ended before.
    ///
    /// # Errors
    /// [`Error::Auth`] if the broker refuses the subscription or ends the session, [`Error::Unreachable`] if the
    /// connection is lost.
    pub async fn next(&mut self) -> Result<Arrived, Error> {
        match &mut self.protocol {
            Protocol::Three(client) => client.next(&self.source).await,
            Protocol::Five(client) => client.next(&self.source).await,
        }
    }

    /// The next packet of those that were received already.
    pub fn received(&mut self) -> Option<Result<Arrived, Error>> {
        match &mut self.protocol {
            Protocol::Three(client) => client.received(&self.source),
            Protocol::Five(client) => client.received(&self.source),
        }
    }

    /// Sends packets at once, if the connection is open.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if the connection is lost, [`Error::Auth`] if the broker does not accept packets of this
    /// length.
    pub async fn send(&mut self, outgoing: Outgoing<'_>) -> Result<(), Error> {
        let Self { source, protocol, within, .. } = self;
        let sending = async {
            match protocol {
                Protocol::Three(client) => client.send(source, outgoing).await,
                Protocol::Five(client) => client.send(source, outgoing).await,
            }
        };
        let sent = timeout(*within, sending).await;
        sent.unwrap_or_else(|_elapsed| {
            Err(Error::Unreachable(format!("no connection to {source}: it takes no packets")))
        })
    }

    /// Ends a connection that has failed, with what was received and not taken yet: the broker sends it again.
    pub fn abandon(&mut self) {
        match &mut self.protocol {
            Protocol::Three(client) => client.abandon(),
            Protocol::Five(client) => client.abandon(),
        }
    }
}
