//! The headers of a message: what was published with it, and what this program stores with it.

use super::connection::MqttMessage;
use crate::decode::headers::{self, Header};
use crate::decode::sparkplug;
use rumqttc::v5::mqttbytes::v5::PublishProperties;

/// The header of a message that the broker has kept.
const RETAINED: &str = "retained";

/// Headers of properties of version 5, which are not user properties.
const CONTENT_TYPE: &str = "content_type";
const RESPONSE_TOPIC: &str = "response_topic";
const CORRELATION_DATA: &str = "correlation_data";
const MESSAGE_EXPIRY: &str = "message_expiry_s";

/// Names of headers that are not those of user properties.
const RESERVED: [&str; 6] =
    [RETAINED, sparkplug::HEADER, CONTENT_TYPE, RESPONSE_TOPIC, CORRELATION_DATA, MESSAGE_EXPIRY];

/// Precedes the name of a user property that is reserved: a publisher cannot write what this program stores.
const USER: &str = "user.";

/// The headers of a message as they land; `None` if it has none. `births` is what a message of Sparkplug needs of
/// earlier ones.
pub fn headers_of(message: &MqttMessage, births: Option<&str>) -> Option<String> {
    let mut found = message.properties.as_deref().map(published).unwrap_or_default();
    if message.is_retained {
        found.push((RETAINED.to_owned(), b"true".to_vec()));
    }
    if let Some(births) = births {
        found.push((sparkplug::HEADER.to_owned(), births.as_bytes().to_vec()));
    }
    let all =
        found.iter().map(|(name, value)| Header::new(name.as_bytes(), Some(value.as_slice())));
    let all: Vec<Header<'_>> = all.collect();
    (!all.is_empty()).then(|| headers::write(&all))
}

/// The user properties in their order, and the other properties that describe a message.
fn published(properties: &PublishProperties) -> Vec<(String, Vec<u8>)> {
    let user = properties.user_properties.iter().map(|(name, value)| {
        let is_reserved = RESERVED.contains(&name.as_str());
        let name = if is_reserved { format!("{USER}{name}") } else { name.clone() };
        (name, value.clone().into_bytes())
    });
    let expiry_s = properties.message_expiry_interval;
    let others = [
        (CONTENT_TYPE, properties.content_type.clone().map(String::into_bytes)),
        (RESPONSE_TOPIC, properties.response_topic.clone().map(String::into_bytes)),
        (CORRELATION_DATA, properties.correlation_data.as_ref().map(|it| it.to_vec())),
        (MESSAGE_EXPIRY, expiry_s.map(|it| it.to_string().into_bytes())),
    ];
    let others = others.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    user.chain(others).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn message(properties: Option<PublishProperties>) -> MqttMessage {
        MqttMessage { properties: properties.map(Box::new), ..MqttMessage::default() }
    }

    #[test]
    fn properties_are_headers() {
        let properties = PublishProperties {
            user_properties: vec![("k".into(), "1".into()), ("k".into(), "2".into())],
            content_type: Some("application/json".into()),
            response_topic: Some("a/b".into()),
            correlation_data: Some(Bytes::from_static(b"\xff")),
            message_expiry_interval: Some(60),
            topic_alias: Some(1),
            ..PublishProperties::default()
        };
        let text = headers_of(&message(Some(properties)), None).unwrap();
        let expected = r#"[{"key":"k","value":"1"},{"key":"k","value":"2"},{"key":"content_type","value":"application/json"},{"key":"response_topic","value":"a/b"},{"key":"correlation_data","value_hex":"ff"},{"key":"message_expiry_s","value":"60"}]"#;
        assert_eq!(text, expected);
        assert_eq!(headers::find(&text, "k"), Ok(Some("2".into())));
    }

    #[test]
    fn a_message_without_properties_has_no_headers() {
        assert_eq!(headers_of(&message(None), None), None);
        assert_eq!(headers_of(&message(Some(PublishProperties::default())), None), None);
        let retained = MqttMessage { is_retained: true, ..message(None) };
        let text = headers_of(&retained, Some("{}")).unwrap();
        let expected = r#"[{"key":"retained","value":"true"},{"key":"sparkplug","value":"{}"}]"#;
        assert_eq!(text, expected);
    }

    #[test]
    fn a_publisher_does_not_write_what_the_program_stores() {
        let user_properties = RESERVED.map(|name| (name.to_owned(), "forged".to_owned())).to_vec();
        let properties = PublishProperties { user_properties, ..PublishProperties::default() };
        let text = headers_of(&message(Some(properties)), None).unwrap();
        for name in RESERVED {
            assert_eq!(headers::find(&text, name), Ok(None), "{name}");
            assert_eq!(headers::find(&text, &format!("{USER}{name}")), Ok(Some("forged".into())));
        }
    }
}
