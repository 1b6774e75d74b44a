//! What connections of both versions need to be accepted, and the errors that they have in common.

use crate::{Error, tls};
use config::secret::SecretRef;
use plant::mqtt_source::MqttSource;
use rustls::ClientConfig;
use std::fmt::Display;
use std::sync::Arc;

/// User and password; `None` without a user.
///
/// # Errors
/// [`Error::Config`] if the password cannot be read.
pub fn credentials(source: &MqttSource) -> Result<Option<(String, String)>, Error> {
    let Some(user) = &source.user else { return Ok(None) };
    let Some(reference) = &source.password else { return Ok(Some((user.clone(), String::new()))) };
    let password = reference.parse::<SecretRef>().and_then(|reference| reference.read());
    let password =
        password.map_err(|error| Error::Config(error.context("no password for MQTT")))?;
    Ok(Some((user.clone(), password.expose().to_owned())))
}

/// How the connection is encrypted; `None` if it is not.
///
/// # Errors
/// [`Error::Config`] if the certificates cannot be read.
pub fn encryption(source: &MqttSource) -> Result<Option<Arc<ClientConfig>>, Error> {
    match source.is_encrypted {
        true => Ok(Some(Arc::new(tls::config(source.ca_file.as_deref())?))),
        false => Ok(None),
    }
}

/// The broker does not answer, or the connection is lost.
pub fn lost(source: &MqttSource, cause: &dyn Display) -> Error {
    Error::Unreachable(format!("no connection to {source}: {cause}"))
}

pub fn not_encrypted(source: &MqttSource, cause: &dyn Display) -> Error {
    Error::Unreachable(format!(
        "no encrypted connection to {source}: {cause}; check ca_file, and that the certificate names the host"
    ))
}

pub fn too_long(source: &MqttSource, bytes: usize) -> Error {
    Error::Unreachable(format!(
        "{source} sends a packet of {bytes} bytes; raise mqtt_packet_bytes, or limit the size at the broker"
    ))
}

/// The broker does not accept user and password. `detail` is empty or begins with a space.
pub fn refused_user(source: &MqttSource, detail: &str) -> Error {
    Error::Auth(format!(
        "{source} refuses the connection{detail}: check user and password of [mqtt]"
    ))
}

pub fn refused_client(source: &MqttSource, detail: &str) -> Error {
    Error::Auth(format!(
        "{source} refuses the client identifier `{}`{detail}; write another client_id",
        source.client_id
    ))
}

/// The broker does not accept the subscription of the filter at this position.
pub fn refused_filter(source: &MqttSource, at: usize, detail: &str, remedy: &str) -> Error {
    let filter = source.filters.get(at).map(|it| it.subscription()).unwrap_or_default();
    Error::Auth(format!("{source} refuses the subscription `{filter}`{detail}: {remedy}"))
}

/// The remedy of a subscription for which the user has no right.
pub const RIGHT_TO_READ: &str = "give the user of [mqtt] the right to read it";

#[cfg(test)]
pub mod tests {
    use super::*;
    use plant::mqtt_source::{MqttPayload, MqttVersion};
    use plant::topic_filter::TopicFilter;

    /// A broker whose password cannot be read.
    pub fn source(version: MqttVersion) -> MqttSource {
        MqttSource {
            host: "broker".into(),
            port: 1883,
            is_encrypted: false,
            version,
            filters: ["a/{x}", "b"].map(|it| TopicFilter::parse(it).unwrap()).into(),
            payload: MqttPayload::Json,
            client_id: "cockpit-t".into(),
            user: Some("u".into()),
            password: Some("env:NO_SUCH_VARIABLE".into()),
            ca_file: None,
        }
    }

    #[test]
    fn a_missing_password_names_its_reference() {
        let error = credentials(&source(MqttVersion::Three)).unwrap_err();
        assert!(matches!(&error, Error::Config(cause) if format!("{cause:#}").contains("NO_SUCH")));
        let anonymous = MqttSource { user: None, ..source(MqttVersion::Five) };
        assert_eq!(credentials(&anonymous).unwrap(), None);
    }
}
