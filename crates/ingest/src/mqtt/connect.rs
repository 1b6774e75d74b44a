//! Options of the client, and what its errors mean.

use crate::Error;
use crate::tls;
use config::secret::SecretRef;
use config::settings::MqttLimits;
use plant::mqtt_source::MqttSource;
use rumqttc::{
    ConnectReturnCode, ConnectionError, EventLoop, MqttOptions, NetworkOptions, Packet, StateError,
    TlsConfiguration, Transport,
};
use std::sync::Arc;
use std::time::Duration;

/// Requests of the client that wait for the connection; this client sends its packets itself.
const REQUESTS: usize = 1;

/// A client that is not connected yet. Its session persists at the broker, and it acknowledges nothing by itself.
///
/// # Errors
/// [`Error::Config`] if the password or the certificates cannot be read.
pub fn client(source: &MqttSource, limits: &MqttLimits) -> Result<EventLoop, Error> {
    let host = match source.host.contains(':') {
        true => format!("[{}]", source.host),
        false => source.host.clone(),
    };
    let mut options = MqttOptions::new(&source.client_id, host, source.port);
    options.set_keep_alive(Duration::from_secs(limits.mqtt_keep_alive_s));
    options.set_clean_session(false).set_manual_acks(true);
    options.set_max_packet_size(limits.mqtt_packet_bytes, limits.mqtt_packet_bytes);
    if let Some(user) = &source.user {
        options.set_credentials(user, password(source)?);
    }
    if source.is_encrypted {
        let config = TlsConfiguration::Rustls(Arc::new(tls::config(source.ca_file.as_deref())?));
        options.set_transport(Transport::tls_with_config(config));
    }
    let mut network = NetworkOptions::new();
    network.set_connection_timeout(limits.mqtt_connect_timeout_s).set_tcp_nodelay(true);
    let mut client = EventLoop::new(options, REQUESTS);
    client.set_network_options(network);
    Ok(client)
}

fn password(source: &MqttSource) -> Result<String, Error> {
    let Some(reference) = &source.password else { return Ok(String::new()) };
    let password = reference.parse::<SecretRef>().and_then(|reference| reference.read());
    let password =
        password.map_err(|error| Error::Config(error.context("no password for MQTT")))?;
    Ok(password.expose().to_owned())
}

/// What an error of the connection means.
pub fn meaning(source: &MqttSource, error: &ConnectionError) -> Error {
    match error {
        ConnectionError::ConnectionRefused(code) => refused(source, *code),
        ConnectionError::Tls(error) => Error::Unreachable(format!(
            "no encrypted connection to {source}: {error}; check ca_file, and that the certificate names the host"
        )),
        ConnectionError::MqttState(StateError::Deserialization(
            rumqttc::Error::PayloadSizeLimitExceeded(bytes),
        )) => Error::Unreachable(format!(
            "{source} sends a packet of {bytes} bytes; raise mqtt_packet_bytes, or limit the size at the broker"
        )),
        error => Error::Unreachable(format!("no connection to {source}: {error}")),
    }
}

fn refused(source: &MqttSource, code: ConnectReturnCode) -> Error {
    use ConnectReturnCode as Code;
    match code {
        Code::BadUserNamePassword | Code::NotAuthorized => Error::Auth(format!(
            "{source} refuses the connection: check user and password of [mqtt]"
        )),
        Code::BadClientId => Error::Auth(format!(
            "{source} refuses the client identifier `{}`; write another client_id",
            source.client_id
        )),
        Code::RefusedProtocolVersion => {
            Error::Auth(format!("{source} does not support version 3.1.1 of the protocol"))
        }
        Code::ServiceUnavailable | Code::Success => {
            Error::Unreachable(format!("{source} is not available"))
        }
    }
}

/// The error of a refused subscription; `None` if the packet reports none.
pub fn refused_subscription(source: &MqttSource, packet: &Packet) -> Option<Error> {
    let Packet::SubAck(granted) = packet else { return None };
    let is_refused =
        |code: &rumqttc::SubscribeReasonCode| *code == rumqttc::SubscribeReasonCode::Failure;
    let at = granted.return_codes.iter().position(is_refused)?;
    let filter = source.filters.get(at).map(|it| it.subscription()).unwrap_or_default();
    Some(Error::Auth(format!(
        "{source} refuses the subscription `{filter}`: give the user of [mqtt] the right to read it"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retry;
    use plant::mqtt_source::MqttPayload;
    use plant::topic_filter::TopicFilter;
    use rumqttc::{SubAck, SubscribeReasonCode};

    fn source() -> MqttSource {
        MqttSource {
            host: "broker".into(),
            port: 1883,
            is_encrypted: false,
            filters: ["a/{x}", "b"].map(|it| TopicFilter::parse(it).unwrap()).into(),
            payload: MqttPayload::Json,
            client_id: "cockpit-t".into(),
            user: Some("u".into()),
            password: Some("env:NO_SUCH_VARIABLE".into()),
            ca_file: None,
        }
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
        check(ConnectReturnCode::ServiceUnavailable, Retry::Backoff, "not available");
        let lost = meaning(&source(), &ConnectionError::NetworkTimeout);
        assert_eq!(lost.retry(), Retry::Backoff);
    }

    #[test]
    fn a_refused_subscription_names_its_filter() {
        let granted = SubscribeReasonCode::Success(rumqttc::QoS::AtLeastOnce);
        let packet = |codes| Packet::SubAck(SubAck { pkid: 1, return_codes: codes });
        let refused = packet(vec![SubscribeReasonCode::Failure, granted]);
        let error = refused_subscription(&source(), &refused).unwrap();
        assert!(error.to_string().contains("`a/+`"), "{error}");
        assert!(refused_subscription(&source(), &packet(vec![granted, granted])).is_none());
    }

    #[test]
    fn a_missing_password_names_its_reference() {
        let Err(error) = client(&source(), &MqttLimits::default()) else { panic!("no error") };
        assert!(matches!(&error, Error::Config(cause) if format!("{cause:#}").contains("NO_SUCH")));
    }
}
