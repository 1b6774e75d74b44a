//! `[[channel]]`: a way to deliver messages.

use super::address::{self, UrlRef};
use super::{Language, read_language, read_name};
use crate::diagnostic::did_you_mean;
use crate::outgoing::OutgoingPolicy;
use crate::secret::SecretRef;
use crate::toml_reader::TomlReader;
use std::path::PathBuf;

pub(crate) const KINDS: [&str; 8] =
    ["email", "webhook", "slack", "teams", "telegram", "ntfy", "mqtt", "outbox"];
pub(crate) const SECURITIES: [&str; 3] = ["starttls", "tls", "none"];

/// A way to deliver messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub name: String,
    pub kind: ChannelKind,
    /// Whether alarms of a flood are grouped into one message if the channel itself is the recipient.
    pub is_grouped: bool,
    /// Language of messages to the channel itself; `None`: that of `[notifications]`.
    pub language: Option<Language>,
}

/// What is specific to a kind of channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelKind {
    Email(Email),
    Webhook(Webhook),
    /// Incoming webhook of Slack.
    Slack(UrlRef),
    /// Incoming webhook of Microsoft Teams.
    Teams(UrlRef),
    Telegram(Telegram),
    Ntfy(Ntfy),
    Mqtt(Mqtt),
    /// Messages are stored and shown, not sent.
    Outbox,
}

/// E-mail by SMTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    pub host: String,
    pub port: u16,
    pub security: EmailSecurity,
    pub from: String,
    pub user: Option<String>,
    pub password: Option<SecretRef>,
    /// Certificates of authorities (PEM) trusted in addition to the system's.
    pub ca_file: Option<PathBuf>,
    /// Addresses that receive what is sent to the channel itself.
    pub to: Vec<String>,
}

/// Encryption of a connection to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailSecurity {
    /// The connection begins unencrypted and must be upgraded.
    StartTls,
    Tls,
    None,
}

/// HTTP POST of JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    pub url: UrlRef,
    /// Key of the signature; without it requests are not signed.
    pub secret: Option<SecretRef>,
}

/// Messages of a Telegram bot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Telegram {
    /// Base URL of the bot API.
    pub url: UrlRef,
    pub token: SecretRef,
    /// Chat that receives what is sent to the channel itself.
    pub chat: Option<String>,
}

/// Push notifications of ntfy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ntfy {
    /// Base URL of the server.
    pub url: UrlRef,
    pub token: Option<SecretRef>,
    /// Topic that receives what is sent to the channel itself.
    pub topic: Option<String>,
}

/// Messages on a topic of an MQTT broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mqtt {
    pub host: String,
    pub port: u16,
    pub is_encrypted: bool,
    pub topic: String,
    pub user: Option<String>,
    pub password: Option<SecretRef>,
    pub ca_file: Option<PathBuf>,
}

impl ChannelKind {
    /// Its name in the file.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Email(_) => KINDS[0],
            Self::Webhook(_) => KINDS[1],
            Self::Slack(_) => KINDS[2],
            Self::Teams(_) => KINDS[3],
            Self::Telegram(_) => KINDS[4],
            Self::Ntfy(_) => KINDS[5],
            Self::Mqtt(_) => KINDS[6],
            Self::Outbox => KINDS[7],
        }
    }

    /// Whether receivers are programs, which need every alarm as a message of its own.
    const fn is_for_programs(&self) -> bool {
        matches!(self, Self::Webhook(_) | Self::Mqtt(_))
    }

    /// The key of a person that names the address on this kind of channel; `None` if it needs none.
    pub const fn address_key(&self) -> Option<&'static str> {
        match self {
            Self::Email(_) => Some("email"),
            Self::Telegram(_) => Some("telegram"),
            Self::Ntfy(_) => Some("ntfy"),
            _ => None,
        }
    }

    /// Whether the channel can be a recipient itself.
    pub fn has_own_recipient(&self) -> bool {
        match self {
            Self::Email(email) => !email.to.is_empty(),
            Self::Telegram(telegram) => telegram.chat.is_some(),
            Self::Ntfy(ntfy) => ntfy.topic.is_some(),
            _ => true,
        }
    }
}

/// Reads one channel; `None` if it has a mistake that makes it unusable.
pub fn read(
    mut reader: TomlReader<'_, '_>,
    outgoing: &OutgoingPolicy,
    before: &[Channel],
) -> Option<Channel> {
    let name = read_name(&mut reader, "channel", before.iter().map(|it| it.name.as_str()));
    let kind_name = reader.required("kind", "Write the kind of the channel, such as \"email\".")?;
    let kind = kind(&kind_name, &mut reader, outgoing);
    let is_grouped = reader.flag("group");
    let language = read_language(&mut reader);
    // Keys of an unknown kind are not judged.
    if KINDS.contains(&kind_name.as_str()) {
        reader.finish();
    }
    let (name, kind) = name.zip(kind)?;
    let is_grouped = is_grouped.unwrap_or(!kind.is_for_programs());
    Some(Channel { name, kind, is_grouped, language })
}

fn kind(
    kind: &str,
    reader: &mut TomlReader<'_, '_>,
    outgoing: &OutgoingPolicy,
) -> Option<ChannelKind> {
    Some(match kind {
        "email" => ChannelKind::Email(email(reader)?),
        "webhook" => {
            let (url, secret) =
                (address::url(reader, "url", None, outgoing), secret_if_any(reader, "secret"));
            ChannelKind::Webhook(Webhook { url: url?, secret: secret? })
        }
        "slack" => ChannelKind::Slack(address::url(reader, "url", None, outgoing)?),
        "teams" => ChannelKind::Teams(address::url(reader, "url", None, outgoing)?),
        "telegram" => ChannelKind::Telegram(telegram(reader, outgoing)?),
        "ntfy" => ChannelKind::Ntfy(ntfy(reader, outgoing)?),
        "mqtt" => ChannelKind::Mqtt(mqtt(reader)?),
        "outbox" => ChannelKind::Outbox,
        _ => {
            reader.note("kind", format!("unknown kind `{kind}`"), did_you_mean(kind, &KINDS));
            return None;
        }
    })
}

/// The secret under `key`: `Some(None)` if the key is missing, `None` if it is invalid. A channel whose secret is
/// invalid must not work without it.
fn secret_if_any(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<Option<SecretRef>> {
    let is_given = reader.has(key);
    let secret = address::secret(reader, key);
    (secret.is_some() || !is_given).then_some(secret)
}

fn email(reader: &mut TomlReader<'_, '_>) -> Option<Email> {
    let host = host(reader);
    let security = security(reader);
    let default = match security {
        Some(EmailSecurity::Tls) => 465,
        Some(EmailSecurity::None) => 25,
        _ => 587,
    };
    let port = port(reader, default);
    let from = match reader.required("from", "Write the address that messages are sent from.") {
        Some(text) => address::checked_email(reader, "from", text),
        None => None,
    };
    let user = reader.text("user");
    let password = secret_if_any(reader, "password");
    if user.is_some() && password == Some(None) {
        reader.note("user", "the user has no password", "Add `password`, a reference to it.");
    }
    let ca_file = reader.text("ca_file").map(PathBuf::from);
    let mut to = Vec::new();
    for text in reader.texts("to").unwrap_or_default() {
        to.extend(address::checked_email(reader, "to", text));
    }
    let (security, password) = (security?, password?);
    Some(Email { host: host?, port: port?, security, from: from?, user, password, ca_file, to })
}

fn security(reader: &mut TomlReader<'_, '_>) -> Option<EmailSecurity> {
    let Some(name) = reader.text("security") else { return Some(EmailSecurity::StartTls) };
    let known = [EmailSecurity::StartTls, EmailSecurity::Tls, EmailSecurity::None];
    let found = SECURITIES.iter().zip(known).find(|(known, _)| **known == name);
    if found.is_none() {
        let remedy = did_you_mean(&name, &SECURITIES);
        reader.note("security", format!("invalid security `{name}`"), remedy);
    }
    found.map(|(_, security)| security)
}

fn telegram(reader: &mut TomlReader<'_, '_>, outgoing: &OutgoingPolicy) -> Option<Telegram> {
    let url = address::url(reader, "url", Some("https://api.telegram.org"), outgoing);
    let remedy =
        "Write a reference to the token of the bot: env:NAME, file:PATH or credential:NAME.";
    if !reader.has("token") {
        drop(reader.required("token", remedy));
    }
    let token = address::secret(reader, "token");
    let chat = address::chat(reader, "chat");
    Some(Telegram { url: url?, token: token?, chat })
}

fn ntfy(reader: &mut TomlReader<'_, '_>, outgoing: &OutgoingPolicy) -> Option<Ntfy> {
    let url = address::url(reader, "url", Some("https://ntfy.sh"), outgoing);
    let token = secret_if_any(reader, "token");
    let topic = address::ntfy_topic(reader, "topic");
    Some(Ntfy { url: url?, token: token?, topic })
}

fn mqtt(reader: &mut TomlReader<'_, '_>) -> Option<Mqtt> {
    let host = host(reader);
    let is_encrypted = reader.flag("tls").unwrap_or(true);
    let port = port(reader, if is_encrypted { 8883 } else { 1883 });
    let topic = match reader.has("topic") {
        true => {
            let remedy = "Write a topic without + and #.";
            address::word(reader, "topic", remedy, |it| !it.is_control() && !"+#".contains(it))
        }
        false => reader.required("topic", "Write the topic that messages are published on."),
    };
    let user = reader.text("user");
    let password = secret_if_any(reader, "password");
    let ca_file = reader.text("ca_file").map(PathBuf::from);
    let (topic, password) = (topic?, password?);
    Some(Mqtt { host: host?, port: port?, is_encrypted, topic, user, password, ca_file })
}

fn host(reader: &mut TomlReader<'_, '_>) -> Option<String> {
    let remedy = "Write the name or address of the server.";
    if !reader.has("host") {
        return reader.required("host", remedy);
    }
    address::word(reader, "host", remedy, |it| it.is_ascii_alphanumeric() || ".-_:".contains(it))
}

fn port(reader: &mut TomlReader<'_, '_>, default: u16) -> Option<u16> {
    let Some(number) = reader.number("port") else { return Some(default) };
    let port = u16::try_from(number).ok().filter(|port| *port != 0);
    if port.is_none() {
        reader.note("port", format!("invalid port `{number}`"), "Write a number from 1 to 65535.");
    }
    port
}
