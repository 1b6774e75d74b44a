//! What the reason codes of version 5 mean (MQTT 5, section 2.4), and what to do.

use super::packets::PacketFault;
use crate::Error;
use crate::mqtt::access;
use plant::mqtt_source::MqttSource;
use rumqttc::v5::mqttbytes;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, ConnectReturnCode, Disconnect, DisconnectReasonCode, SubAck, SubscribeReasonCode,
};
use std::fmt::Debug;

/// Characters of a text of the broker that are shown.
const TEXT_CHARS: usize = 200;

/// The remedy if the broker does not support version 5.
const OTHER_VERSION: &str = "does not support version 5 of the protocol: write version = \"3.1.1\"";

/// The error of a refused connection.
pub fn refused(source: &MqttSource, found: &ConnAck) -> Error {
    use ConnectReturnCode as Code;
    let properties = found.properties.as_ref();
    let text = properties.and_then(|it| it.reason_string.as_deref());
    let detail = detail(&found.code, text);
    let passing = |remedy: &str| {
        Error::Unreachable(format!("{source} refuses the connection{detail}: {remedy}"))
    };
    let lasting =
        |remedy: &str| Error::Auth(format!("{source} refuses the connection{detail}: {remedy}"));
    match found.code {
        Code::BadUserNamePassword | Code::NotAuthorized => access::refused_user(source, &detail),
        Code::ClientIdentifierNotValid | Code::BadClientId => {
            access::refused_client(source, &detail)
        }
        Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion => {
            Error::Auth(format!("{source} {OTHER_VERSION}"))
        }
        Code::BadAuthenticationMethod => {
            lasting("allow user and password at the broker; other methods are not supported")
        }
        Code::Banned => lasting("remove the ban of this client at the broker"),
        Code::PacketTooLarge => lasting("raise the longest packet at the broker"),
        Code::UseAnotherServer | Code::ServerMoved => {
            let server = properties.and_then(|it| it.server_reference.as_deref());
            lasting(&other_server(server))
        }
        Code::QuotaExceeded => passing("raise the number of connections or sessions at the broker"),
        Code::ConnectionRateExceeded => {
            passing("raise the rate of connections at the broker, or mqtt_retry_min_ms")
        }
        Code::ServerUnavailable | Code::ServiceUnavailable | Code::ServerBusy => {
            passing("it is tried again")
        }
        _ => passing("the log of the broker has the cause"),
    }
}

/// The error of a connection that the broker has ended.
pub fn disconnected(source: &MqttSource, found: &Disconnect) -> Error {
    use DisconnectReasonCode as Code;
    let properties = found.properties.as_ref();
    let text = properties.and_then(|it| it.reason_string.as_deref());
    let detail = detail(&found.reason_code, text);
    let passing = |remedy: &str| {
        Error::Unreachable(format!("{source} has ended the connection{detail}: {remedy}"))
    };
    let lasting =
        |remedy: &str| Error::Auth(format!("{source} has ended the connection{detail}: {remedy}"));
    match found.reason_code {
        // An immediate second attempt would take the session from the other client, and so on.
        Code::SessionTakenOver => lasting(&format!(
            "another client uses the client identifier `{}`; write another client_id for one of them",
            source.client_id
        )),
        Code::NotAuthorized => lasting("give the user of [mqtt] the right to read the topics"),
        Code::UseAnotherServer | Code::ServerMoved => {
            let server = properties.and_then(|it| it.server_reference.as_deref());
            lasting(&other_server(server))
        }
        Code::SharedSubscriptionNotSupported => lasting(NOT_SHARED),
        Code::WildcardSubscriptionsNotSupported => lasting(NO_WILDCARDS),
        Code::TopicFilterInvalid => lasting("correct topics of [mqtt]"),
        Code::PacketTooLarge => lasting("raise the longest packet at the broker"),
        Code::QuotaExceeded => passing("raise the limits of this client at the broker"),
        Code::MessageRateTooHigh => passing("raise the rate of messages at the broker"),
        Code::ConnectionRateExceeded => {
            passing("raise the rate of connections at the broker, or mqtt_retry_min_ms")
        }
        Code::KeepAliveTimeout => passing(
            "it has received nothing for one and a half times mqtt_keep_alive_s; check the network",
        ),
        Code::AdministrativeAction => passing("an operator of the broker has closed it"),
        Code::ServerShuttingDown | Code::ServerBusy | Code::NormalDisconnection => {
            passing("it is tried again")
        }
        _ => passing("the log of the broker has the cause"),
    }
}

/// The error of a refused subscription; `None` if all filters are accepted.
pub fn refused_subscription(source: &MqttSource, granted: &SubAck) -> Option<Error> {
    use SubscribeReasonCode as Code;
    let codes = granted.return_codes.iter();
    let (at, code) = codes.enumerate().find(|(_, code)| !matches!(code, Code::Success(_)))?;
    let remedy = match code {
        Code::QuotaExceeded => "raise the number of subscriptions at the broker",
        Code::SharedSubscriptionsNotSupported => NOT_SHARED,
        Code::WildcardSubscriptionsNotSupported => NO_WILDCARDS,
        Code::TopicFilterInvalid => "correct the filter",
        _ => access::RIGHT_TO_READ,
    };
    let text = granted.properties.as_ref().and_then(|it| it.reason_string.as_deref());
    Some(access::refused_filter(source, at, &detail(code, text), remedy))
}

/// The error of bytes that are not a packet of a broker.
pub fn faulty(source: &MqttSource, fault: &PacketFault) -> Error {
    match fault {
        PacketFault::TooLong(bytes) => access::too_long(source, *bytes),
        PacketFault::OtherVersion => Error::Auth(format!("{source} {OTHER_VERSION}")),
        PacketFault::Unexpected(kind) => {
            access::lost(source, &format!("it sends a packet of type {kind}, which is of a client"))
        }
        PacketFault::Malformed(error) => {
            access::lost(source, &format!("it sends a malformed packet: {error}"))
        }
    }
}

/// The error of a packet that cannot be sent.
pub fn not_sent(source: &MqttSource, error: &mqttbytes::Error) -> Error {
    match error {
        mqttbytes::Error::OutgoingPacketTooLarge { pkt_size, max } => Error::Auth(format!(
            "{source} accepts packets of at most {max} bytes, and the subscription has {pkt_size}: \
             write fewer topics in one contract, or raise the limit at the broker"
        )),
        error => access::lost(source, error),
    }
}

const NOT_SHARED: &str =
    "the broker has no shared subscriptions; remove $share/GROUP/ from topics of [mqtt]";
const NO_WILDCARDS: &str =
    "the broker has no wildcards; write the topics of [mqtt] without + and #";

fn other_server(server: Option<&str>) -> String {
    match server {
        Some(server) => format!("write the url of {}", shortened(server)),
        None => "write the url of the other server".to_owned(),
    }
}

/// The reason in parentheses: the words of its code and the text of the broker.
fn detail(code: &dyn Debug, text: Option<&str>) -> String {
    match text {
        Some(text) => format!(" ({}: {})", words(code), shortened(text)),
        None => format!(" ({})", words(code)),
    }
}

/// The name of a code as words: `QuotaExceeded` is `quota exceeded`.
fn words(code: &dyn Debug) -> String {
    let mut words = String::new();
    for sign in format!("{code:?}").replace("QoS", "Qos").chars() {
        if sign.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(sign.to_lowercase());
    }
    words
}

/// A text of the broker as one short line.
fn shortened(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).take(TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Retry;
    use plant::mqtt_source::MqttVersion;
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::{DisconnectProperties, SubAckProperties};

    fn source() -> MqttSource {
        access::tests::source(MqttVersion::Five)
    }

    fn check(error: &Error, retry: Retry, expected: &[&str]) {
        assert_eq!(error.retry(), retry, "{error}");
        let text = error.to_string();
        for part in expected.iter().chain(&["mqtt://broker:1883"]) {
            assert!(text.contains(part), "{part} in {text}");
        }
    }

    #[test]
    fn a_refused_connection_names_reason_and_remedy() {
        use ConnectReturnCode as Code;
        let refused =
            |code| refused(&source(), &ConnAck { session_present: false, code, properties: None });
        for (code, retry, expected) in [
            (Code::BadUserNamePassword, Retry::Slow, "user and password of [mqtt]"),
            (Code::NotAuthorized, Retry::Slow, "(not authorized): check user and password"),
            (Code::ClientIdentifierNotValid, Retry::Slow, "`cockpit-t`"),
            (Code::UnsupportedProtocolVersion, Retry::Slow, "version = \"3.1.1\""),
            (Code::Banned, Retry::Slow, "remove the ban"),
            (Code::ServerMoved, Retry::Slow, "url of the other server"),
            (Code::QuotaExceeded, Retry::Backoff, "(quota exceeded): raise the number"),
            (Code::ServerBusy, Retry::Backoff, "(server busy)"),
            (Code::QoSNotSupported, Retry::Backoff, "(qos not supported)"),
            (Code::UnspecifiedError, Retry::Backoff, "log of the broker"),
        ] {
            check(&refused(code), retry, &[expected]);
        }
    }

    #[test]
    fn a_taken_session_is_not_taken_back_at_once() {
        use DisconnectReasonCode as Code;
        let ended = |code| disconnected(&source(), &Disconnect::new(code));
        for (code, retry, expected) in [
            (
                Code::SessionTakenOver,
                Retry::Slow,
                "another client uses the client identifier `cockpit-t`",
            ),
            (Code::NotAuthorized, Retry::Slow, "right to read"),
            (Code::SharedSubscriptionNotSupported, Retry::Slow, "remove $share/GROUP/"),
            (Code::QuotaExceeded, Retry::Backoff, "(quota exceeded): raise"),
            (Code::KeepAliveTimeout, Retry::Backoff, "mqtt_keep_alive_s"),
            (Code::ServerShuttingDown, Retry::Backoff, "(server shutting down)"),
            (Code::AdministrativeAction, Retry::Backoff, "operator"),
            (Code::ProtocolError, Retry::Backoff, "(protocol error)"),
        ] {
            check(&ended(code), retry, &[expected]);
        }
    }

    #[test]
    fn texts_of_the_broker_are_short_lines() {
        let properties = DisconnectProperties {
            session_expiry_interval: None,
            reason_string: Some(format!("see\nnotes {}", "x".repeat(2 * TEXT_CHARS))),
            user_properties: Vec::new(),
            server_reference: Some("other:1883".into()),
        };
        let reason_code = DisconnectReasonCode::UseAnotherServer;
        let error =
            disconnected(&source(), &Disconnect { reason_code, properties: Some(properties) });
        check(&error, Retry::Slow, &["(use another server: seenotes x", "url of other:1883"]);
        assert!(error.to_string().len() < TEXT_CHARS + 200, "{error}");
    }

    #[test]
    fn a_refused_subscription_names_its_filter() {
        use SubscribeReasonCode as Code;
        let accepted = Code::Success(QoS::AtLeastOnce);
        let granted = |codes: &[Code], text: Option<&str>| {
            let reason_string = text.map(str::to_owned);
            let properties = Some(SubAckProperties { reason_string, user_properties: Vec::new() });
            SubAck { pkid: 1, return_codes: codes.to_vec(), properties }
        };
        for (code, expected) in [
            (Code::NotAuthorized, "right to read"),
            (Code::Unspecified, "right to read"),
            (Code::QuotaExceeded, "(quota exceeded: too many): raise the number"),
            (Code::SharedSubscriptionsNotSupported, "remove $share/GROUP/"),
            (Code::WildcardSubscriptionsNotSupported, "without + and #"),
        ] {
            let found = granted(&[accepted, code], Some("too many"));
            check(
                &refused_subscription(&source(), &found).unwrap(),
                Retry::Slow,
                &[expected, "`b`"],
            );
        }
        assert!(refused_subscription(&source(), &granted(&[accepted; 2], None)).is_none());
    }

    #[test]
    fn faults_name_the_setting_to_change() {
        let text = faulty(&source(), &PacketFault::TooLong(77)).to_string();
        assert!(text.contains("77 bytes; raise mqtt_packet_bytes"), "{text}");
        let other = faulty(&source(), &PacketFault::OtherVersion);
        check(&other, Retry::Slow, &["version = \"3.1.1\""]);
        let error = mqttbytes::Error::OutgoingPacketTooLarge { pkt_size: 90, max: 50 };
        check(&not_sent(&source(), &error), Retry::Slow, &["at most 50 bytes", "has 90"]);
    }
}
