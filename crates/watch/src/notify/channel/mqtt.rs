//! Messages on a topic of an MQTT broker, with QoS 1.

use super::{Failure, Outgoing, webhook};
use anyhow::{Context as _, bail};
use config::notifications::Mqtt;
use rumqttc::{
    AsyncClient, Event, EventLoop, MqttOptions, Packet, QoS, TlsConfiguration, Transport,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Interval of the packets that keep a connection open; longer than a message takes.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// Requests that wait for the connection: the message and the disconnection.
const REQUESTS: usize = 4;
/// Bytes of a message; a group of the most alarms has fewer.
const PACKET_BYTES_MAX: usize = 4 << 20;

/// Where systems keep the certificates of trusted authorities.
const SYSTEM_CERTIFICATES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// Publishes the message and waits until the broker has it.
pub(super) async fn send(mqtt: &Mqtt, message: &Outgoing) -> Result<(), Failure> {
    let (client, mut events) = AsyncClient::new(options(mqtt, message)?, REQUESTS);
    let payload = webhook::payload(message).to_string();
    let queued = client.publish(&mqtt.topic, QoS::AtLeastOnce, false, payload).await;
    queued.map_err(|error| Failure::temporary(error.to_string()))?;
    acknowledged(&mut events).await.map_err(|reason| {
        Failure::temporary(format!("MQTT broker {}:{}: {reason}", mqtt.host, mqtt.port))
    })?;
    // The broker has the message; how the connection ends does not matter.
    if client.disconnect().await.is_ok() {
        drop(events.poll().await);
    }
    Ok(())
}

async fn acknowledged(events: &mut EventLoop) -> Result<(), String> {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::PubAck(_))) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn options(mqtt: &Mqtt, message: &Outgoing) -> anyhow::Result<MqttOptions> {
    let id = format!("cockpit-{}", super::cut(&message.key, 12));
    let mut options = MqttOptions::new(id, &mqtt.host, mqtt.port);
    options.set_keep_alive(KEEP_ALIVE).set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    if let Some(user) = &mqtt.user {
        let password = mqtt.password.as_ref().map(|it| it.read()).transpose()?;
        let password = password.as_ref().map(|it| it.expose()).unwrap_or_default();
        options.set_credentials(user, password);
    }
    if mqtt.is_encrypted {
        let config = TlsConfiguration::Rustls(Arc::new(tls(mqtt.ca_file.as_deref())?));
        options.set_transport(Transport::tls_with_config(config));
    }
    Ok(options)
}

/// TLS that trusts the system's authorities and those of a file.
fn tls(ca_file: Option<&Path>) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca_file {
        let unreadable = || format!("cannot read the certificates {}", file.display());
        for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
            roots.add(certificate.with_context(unreadable)?)?;
        }
    }
    if let Some(file) = SYSTEM_CERTIFICATES.iter().find(|file| Path::new(file).exists()) {
        roots.add_parsable_certificates(CertificateDer::pem_file_iter(file)?.flatten());
    }
    if roots.is_empty() {
        bail!("no certificates of authorities: configure `ca_file` of the channel");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
