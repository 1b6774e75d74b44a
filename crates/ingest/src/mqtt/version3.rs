//! Connections by version 3.1.1 of the protocol.

use super::access;
use super::connection::{Arrived, MqttMessage, Outgoing};
use crate::Error;
use config::settings::MqttLimits;
use plant::mqtt_source::MqttSource;
use rumqttc::{
    ConnectReturnCode, ConnectionError, Disconnect, Event, EventLoop, MqttOptions, NetworkOptions,
    Packet, PubAck, QoS, Request, StateError, SubAck, Subscribe, SubscribeFilter,
    SubscribeReasonCode, TlsConfiguration, Transport,
};
use std::collections::VecDeque;
use std::time::Duration;

/// Requests of the client that wait for the connection; this client sends its packets itself.
const REQUESTS: usize = 1;

pub struct Version3 {
    client: EventLoop,
}

impl Version3 {
    /// A client that is not connected yet. Its session persists at the broker, and it acknowledges nothing by itself.
    ///
    /// # Errors
    /// [`Error::Config`] if the password or the certificates cannot be read.
    pub fn new(source: &MqttSource, limits: &MqttLimits) -> Result<Self, Error> {
        let host = match source.host.contains(':') {
            true => format!("[{}]", source.host),
            false => source.host.clone(),
        };
        let mut options = MqttOptions::new(&source.client_id, host, source.port);
        options.set_keep_alive(Duration::from_secs(limits.mqtt_keep_alive_s));
        options.set_clean_session(false).set_manual_acks(true);
        options.set_max_packet_size(limits.mqtt_packet_bytes, limits.mqtt_packet_bytes);
        if let Some((user, password)) = access::credentials(source)? {
            options.set_credentials(user, password);
        }
        if let Some(config) = access::encryption(source)? {
            options.set_transport(Transport::tls_with_config(TlsConfiguration::Rustls(config)));
        }
        let mut network = NetworkOptions::new();
        network.set_connection_timeout(limits.mqtt_connect_timeout_s).set_tcp_nodelay(true);
        let mut client = EventLoop::new(options, REQUESTS);
        client.set_network_options(network);
        Ok(Self { client })
    }

    pub fn is_open(&self) -> bool {
        self.client.network.is_some()
    }

    /// Connects. Returns whether the broker has the session.
    ///
    /// # Errors
    /// [`Error::Auth`] if the broker refuses the connection, [`Error::Unreachable`] if there is none.
    pub async fn open(&mut self, source: &MqttSource) -> Result<bool, Error> {
        loop {
            let event = self.client.poll().await.map_err(|error| meaning(source, &error))?;
            if let Event::Incoming(Packet::ConnAck(found)) = event {
                return Ok(found.session_present);
            }
        }
    }

    /// Waits for the next packet.
    ///
    /// # Errors
    /// [`Error::Auth`] if the broker refuses the subscription, [`Error::Unreachable`] if the connection is lost.
    pub async fn next(&mut self, source: &MqttSource) -> Result<Arrived, Error> {
        let event = self.client.poll().await.map_err(|error| meaning(source, &error))?;
        arrived(source, event)
    }

    /// The next packet of those that were received already.
    pub fn received(&mut self, source: &MqttSource) -> Option<Result<Arrived, Error>> {
        Some(arrived(source, self.client.state.events.pop_front()?))
    }

    /// Writes packets and flushes them at once, if there is a connection.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if the connection is lost.
    pub async fn send(&mut self, source: &MqttSource, outgoing: Outgoing<'_>) -> Result<(), Error> {
        let requests = match outgoing {
            Outgoing::Subscribe => VecDeque::from([Request::Subscribe(subscription(source))]),
            Outgoing::Acknowledge(ids) => {
                ids.iter().map(|id| Request::PubAck(PubAck::new(*id))).collect()
            }
            Outgoing::Disconnect => VecDeque::from([Request::Disconnect(Disconnect)]),
        };
        let sent = write(&mut self.client, requests).await;
        sent.map_err(|error| meaning(source, &error))
    }

    /// Ends a connection that has failed, with what was received and not taken yet.
    pub fn abandon(&mut self) {
        self.client.clean();
        self.client.state.events.clear();
    }
}

fn subscription(source: &MqttSource) -> Subscribe {
    let filters = source.filters.iter();
    Subscribe::new_many(filters.map(|it| SubscribeFilter::new(it.subscription(), QoS::AtLeastOnce)))
}

async fn write(client: &mut EventLoop, requests: VecDeque<Request>) -> Result<(), ConnectionError> {
    let Some(network) = &mut client.network else { return Ok(()) };
    for request in requests {
        let packet: Result<_, StateError> = client.state.handle_outgoing_packet(request);
        if let Some(packet) = packet? {
            network.write(packet).await?;
        }
    }
    Ok(network.flush().await?)
}

fn arrived(source: &MqttSource, event: Event) -> Result<Arrived, Error> {
    match event {
        Event::Incoming(Packet::Publish(publish)) => Ok(Arrived::Message(MqttMessage {
            topic: publish.topic,
            payload: publish.payload,
            id: publish.pkid,
            is_again: publish.dup,
            is_retained: publish.retain,
            properties: None,
        })),
        Event::Incoming(Packet::SubAck(granted)) => {
            refused_subscription(source, &granted).map_or(Ok(Arrived::Subscribed), Err)
        }
        _ => Ok(Arrived::Other),
    }
}

/// What an error of the connection means.
fn meaning(source: &MqttSource, error: &ConnectionError) -> Error {
    match error {
        ConnectionError::ConnectionRefused(code) => refused(source, *code),
        ConnectionError::Tls(error) => access::not_encrypted(source, error),
        ConnectionError::MqttState(StateError::Deserialization(
            rumqttc::Error::PayloadSizeLimitExceeded(bytes),
        )) => access::too_long(source, *bytes),
        error => access::lost(source, error),
    }
}

fn refused(source: &MqttSource, code: ConnectReturnCode) -> Error {
    use ConnectReturnCode as Code;
    match code {
        Code::BadUserNamePassword | Code::NotAuthorized => access::refused_user(source, ""),
        Code::BadClientId => access::refused_client(source, ""),
        Code::RefusedProtocolVersion => Error::Auth(format!(
            "{source} does not support version 3.1.1 of the protocol: write version = \"5\""
        )),
        Code::ServiceUnavailable | Code::Success => {
            Error::Unreachable(format!("{source} is not available"))
        }
    }
}

/// The error of a refused subscription; `None` if all filters are accepted.
fn refused_subscription(source: &MqttSource, granted: &SubAck) -> Option<Error> {
    let is_refused = |code: &SubscribeReasonCode| *code == SubscribeReasonCode::Failure;
    let at = granted.return_codes.iter().position(is_refused)?;
    Some(access::refused_filter(source, at, "", access::RIGHT_TO_READ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retry;
    use plant::mqtt_source::MqttVersion;

    fn source() -> MqttSource {
        access::tests::source(MqttVersion::Three)
    }

    #[test]
    fn wrong_credentials_are_tried_again_slowly() {
        let check = |code, retry, expected: &str| {
            let error = meaning(&source(), &ConnectionError::ConnectionRefused(code));
            assert_eq!(error.retry(), retry);
            assert!(error.to_string().contains(expected), "{error}");
        };
        check(ConnectReturnCode::BadUserNamePassword, Retry::Slow, "user and password");
        check(ConnectReturnCode::NotAuthorized, Retry::Slow, "mqtt://broker:1883");
        check(ConnectReturnCode::BadClientId, Retry::Slow, "cockpit-t");
        check(ConnectReturnCode::RefusedProtocolVersion, Retry::Slow, "version = \"5\"");
        check(ConnectReturnCode::ServiceUnavailable, Retry::Backoff, "not available");
        let lost = meaning(&source(), &ConnectionError::NetworkTimeout);
        assert_eq!(lost.retry(), Retry::Backoff);
    }

    #[test]
    fn a_refused_subscription_names_its_filter() {
        let accepted = SubscribeReasonCode::Success(QoS::AtLeastOnce);
        let granted = |codes| SubAck { pkid: 1, return_codes: codes };
        let refused = granted(vec![SubscribeReasonCode::Failure, accepted]);
        let error = refused_subscription(&source(), &refused).unwrap();
        assert!(error.to_string().contains("`a/+`"), "{error}");
        assert!(refused_subscription(&source(), &granted(vec![accepted, accepted])).is_none());
    }
}
