//! Connections by version 5 of the protocol.

mod aliases;
mod link;
pub mod packets;
mod reasons;

use super::access;
use super::connection::{Arrived, MqttMessage, Outgoing};
use crate::Error;
use aliases::Aliases;
use config::settings::MqttLimits;
use link::{Duplex, Link};
use plant::mqtt_source::MqttSource;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Connect, ConnectProperties, ConnectReturnCode, Disconnect, DisconnectReasonCode,
    Filter, Login, Packet, PubAck, Publish, RetainForwardRule, SubAck, Subscribe,
    SubscribeReasonCode,
};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The packet identifier of the subscription, the only packet of this client that needs one.
const SUBSCRIPTION: u16 = 1;

pub struct Version5 {
    options: Options,
    link: Option<Link>,
    aliases: Aliases,
}

/// What is requested of the broker at each connection.
struct Options {
    login: Option<Login>,
    encryption: Option<Arc<ClientConfig>>,
    keep_alive_s: u16,
    session_expiry_s: u32,
    receive_messages: u16,
    topic_aliases: u16,
    packet_bytes: u32,
}

impl Version5 {
    /// A client that is not connected yet.
    ///
    /// # Errors
    /// [`Error::Config`] if the password or the certificates cannot be read.
    pub fn new(source: &MqttSource, limits: &MqttLimits) -> Result<Self, Error> {
        let login = access::credentials(source)?;
        let options = Options {
            login: login.map(|(user, password)| Login::new(user, password)),
            encryption: access::encryption(source)?,
            // The settings have these ranges.
            keep_alive_s: u16::try_from(limits.mqtt_keep_alive_s).unwrap_or(u16::MAX),
            session_expiry_s: limits.mqtt_session_expiry_s,
            receive_messages: limits.mqtt_receive_messages,
            topic_aliases: limits.mqtt_topic_aliases,
            packet_bytes: u32::try_from(limits.mqtt_packet_bytes).unwrap_or(u32::MAX),
        };
        Ok(Self { options, link: None, aliases: Aliases::up_to(0) })
    }

    pub fn is_open(&self) -> bool {
        self.link.is_some()
    }

    /// Connects. Returns whether the broker has the session.
    ///
    /// # Errors
    /// [`Error::Auth`] if the broker refuses the connection, [`Error::Unreachable`] if there is none.
    pub async fn open(&mut self, source: &MqttSource, within: Duration) -> Result<bool, Error> {
        let accepted = timeout(within, self.options.accepted(source)).await;
        let (mut link, found) = accepted.unwrap_or_else(|_elapsed| {
            Err(access::lost(source, &format!("no answer within {} s", within.as_secs())))
        })?;
        self.agree(source, &mut link, &found);
        // Numbers of topics are those of one connection.
        self.aliases = Aliases::up_to(self.options.topic_aliases);
        self.link = Some(link);
        Ok(found.session_present)
    }

    /// Applies what the broker has answered.
    fn agree(&self, source: &MqttSource, link: &mut Link, found: &ConnAck) {
        let properties = found.properties.as_ref();
        let keep_alive_s = properties.and_then(|it| it.server_keep_alive);
        let ping_every =
            Duration::from_secs(keep_alive_s.unwrap_or(self.options.keep_alive_s).into());
        link.agree(ping_every, properties.and_then(|it| it.max_packet_size));
        let wanted_s = self.options.session_expiry_s;
        let kept_s = properties.and_then(|it| it.session_expiry_interval);
        if let Some(kept_s) = kept_s.filter(|kept_s| *kept_s < wanted_s) {
            tracing::warn!(%source, kept_s, wanted_s, "the broker keeps the session for a shorter time");
        }
    }

    /// Waits for the next packet. Nothing is lost if the wait is ended before.
    ///
    /// # Errors
    /// [`Error::Auth`] if the broker refuses the subscription or ends the session, [`Error::Unreachable`] if the
    /// connection is lost.
    pub async fn next(&mut self, source: &MqttSource) -> Result<Arrived, Error> {
        loop {
            if let Some(arrived) = self.received(source) {
                return arrived;
            }
            let Some(link) = &mut self.link else {
                return Err(access::lost(source, &"it is closed"));
            };
            link.more().await.map_err(|error| access::lost(source, &error))?;
        }
    }

    /// The next packet of those that were received already.
    pub fn received(&mut self, source: &MqttSource) -> Option<Result<Arrived, Error>> {
        match self.link.as_mut()?.take() {
            Ok(None) => None,
            Ok(Some(packet)) => Some(self.arrived(source, packet)),
            Err(fault) => Some(Err(reasons::faulty(source, &fault))),
        }
    }

    fn arrived(&mut self, source: &MqttSource, packet: Packet) -> Result<Arrived, Error> {
        match packet {
            Packet::Publish(publish) => self.message(source, publish).map(Arrived::Message),
            Packet::SubAck(granted) => subscribed(source, &granted),
            Packet::PingResp(_) => Ok(Arrived::Other),
            Packet::Disconnect(found) => Err(reasons::disconnected(source, &found)),
            _ => Err(access::lost(source, &"it sends a packet out of order")),
        }
    }

    fn message(&mut self, source: &MqttSource, publish: Publish) -> Result<MqttMessage, Error> {
        let alias = publish.properties.as_ref().and_then(|it| it.topic_alias);
        let topic = self.aliases.topic(&publish.topic, alias);
        Ok(MqttMessage {
            topic: topic.map_err(|problem| access::lost(source, &problem))?,
            payload: publish.payload,
            id: publish.pkid,
            is_again: publish.dup,
            is_retained: publish.retain,
            properties: publish.properties.map(Box::new),
        })
    }

    /// Sends packets at once, if there is a connection.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if the connection is lost, [`Error::Auth`] if the broker does not accept packets of this
    /// length.
    pub async fn send(&mut self, source: &MqttSource, outgoing: Outgoing<'_>) -> Result<(), Error> {
        let Some(link) = &mut self.link else { return Ok(()) };
        let put = match outgoing {
            Outgoing::Subscribe => link.put(&Packet::Subscribe(subscription(source))),
            Outgoing::Acknowledge(ids) => {
                ids.iter().try_for_each(|id| link.put(&Packet::PubAck(PubAck::new(*id, None))))
            }
            Outgoing::Disconnect => {
                let reason = DisconnectReasonCode::NormalDisconnection;
                link.put(&Packet::Disconnect(Disconnect::new(reason)))
            }
        };
        put.map_err(|error| reasons::not_sent(source, &error))?;
        link.flush().await.map_err(|error| access::lost(source, &error))
    }

    /// Ends a connection that has failed, with what was received and not taken yet.
    pub fn abandon(&mut self) {
        self.link = None;
    }
}

impl Options {
    /// A connection that the broker has accepted, with its answer.
    async fn accepted(&self, source: &MqttSource) -> Result<(Link, ConnAck), Error> {
        let mut link = Link::new(self.stream(source).await?, self.packet_bytes);
        let lost = |error: io::Error| access::lost(source, &error);
        link.put(&self.connect(source)).map_err(|error| reasons::not_sent(source, &error))?;
        link.flush().await.map_err(lost)?;
        loop {
            match link.take().map_err(|fault| reasons::faulty(source, &fault))? {
                Some(Packet::ConnAck(found)) if found.code == ConnectReturnCode::Success => {
                    return Ok((link, found));
                }
                Some(Packet::ConnAck(found)) => return Err(reasons::refused(source, &found)),
                Some(Packet::Disconnect(found)) => {
                    return Err(reasons::disconnected(source, &found));
                }
                Some(_) => return Err(access::lost(source, &"it sends a packet out of order")),
                None => link.more().await.map_err(lost)?,
            }
        }
    }

    async fn stream(&self, source: &MqttSource) -> Result<Box<dyn Duplex>, Error> {
        let lost = |error: io::Error| access::lost(source, &error);
        let tcp = TcpStream::connect((source.host.as_str(), source.port)).await.map_err(lost)?;
        tcp.set_nodelay(true).map_err(lost)?;
        let Some(encryption) = &self.encryption else { return Ok(Box::new(tcp)) };
        let name = ServerName::try_from(source.host.clone());
        let name = name.map_err(|error| access::not_encrypted(source, &error))?;
        let tls = TlsConnector::from(Arc::clone(encryption)).connect(name, tcp).await;
        Ok(Box::new(tls.map_err(|error| access::not_encrypted(source, &error))?))
    }

    fn connect(&self, source: &MqttSource) -> Packet {
        // The longest packet is not among them: a broker discards longer ones without a word. As with version 3.1.1, such
        // a packet is an error instead.
        let properties = ConnectProperties {
            session_expiry_interval: Some(self.session_expiry_s),
            receive_maximum: Some(self.receive_messages),
            topic_alias_max: Some(self.topic_aliases),
            ..ConnectProperties::new()
        };
        let connect = Connect {
            keep_alive: self.keep_alive_s,
            client_id: source.client_id.clone(),
            clean_start: false,
            properties: Some(properties),
        };
        Packet::Connect(connect, None, self.login.clone())
    }
}

/// The subscription of all filters. Retained messages are sent for filters that the session did not have before.
fn subscription(source: &MqttSource) -> Subscribe {
    let filters = source.filters.iter().map(|it| Filter {
        retain_forward_rule: RetainForwardRule::OnNewSubscribe,
        ..Filter::new(it.subscription(), QoS::AtLeastOnce)
    });
    Subscribe { pkid: SUBSCRIPTION, ..Subscribe::new_many(filters, None) }
}

/// The broker has answered the subscription.
fn subscribed(source: &MqttSource, granted: &SubAck) -> Result<Arrived, Error> {
    if let Some(error) = reasons::refused_subscription(source, granted) {
        return Err(error);
    }
    if granted.return_codes.contains(&SubscribeReasonCode::Success(QoS::AtMostOnce)) {
        tracing::warn!(%source, "the broker grants QoS 0 only, so that messages can be lost");
    }
    Ok(Arrived::Subscribed)
}

#[cfg(test)]
mod tests;
