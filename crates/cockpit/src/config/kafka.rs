//! `[kafka]` of plant.toml: where messages come from, and how one is let in. Secrets are named, not
//! said: they are read from the environment when the connection is made.

use super::diagnostic::did_you_mean;
use super::said::Said;

const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];
/// Letting in by a token instead of a password.
pub const OAUTHBEARER: &str = "OAUTHBEARER";
const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTHBEARER];

/// How messages are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kafka {
    /// `host:port`, several parted by commas; empty if no stream is read.
    pub brokers: String,
    /// Consumer group: programs of one group share the partitions.
    pub group: String,
    pub protocol: Protocol,
    /// SASL mechanism.
    pub mechanism: String,
    pub user: Option<String>,
    /// Name of the environment variable that holds the password.
    pub password_env: String,
    /// File that holds the token of `OAUTHBEARER`, a JSON web token. It is read again whenever a new one
    /// is needed, so that whoever renews it needs no restart.
    pub token_file: Option<String>,
    /// Name of the environment variable that holds the token, if no file does.
    pub token_env: String,
    /// Certificates of the authorities that are trusted, instead of the system's.
    pub ca_file: Option<String>,
}

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Plaintext,
    Ssl,
    SaslPlaintext,
    SaslSsl,
}

impl Protocol {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: String::new(),
            group: "cockpit".to_owned(),
            protocol: Protocol::Plaintext,
            mechanism: "PLAIN".to_owned(),
            user: None,
            password_env: "COCKPIT_KAFKA_PASSWORD".to_owned(),
            token_file: None,
            token_env: "COCKPIT_KAFKA_TOKEN".to_owned(),
            ca_file: None,
        }
    }
}

/// Reads `[kafka]`.
pub fn read(mut said: Said<'_, '_>) -> Kafka {
    let base = Kafka::default();
    let protocol = protocol(&mut said).unwrap_or(base.protocol);
    let mechanism = mechanism(&mut said).unwrap_or(base.mechanism);
    let kafka = Kafka {
        brokers: said.text("brokers").unwrap_or_default(),
        group: said.text("group").unwrap_or(base.group),
        protocol,
        mechanism,
        user: said.text("user"),
        password_env: said.text("password_env").unwrap_or(base.password_env),
        token_file: said.text("token_file"),
        token_env: said.text("token_env").unwrap_or(base.token_env),
        ca_file: said.text("ca_file"),
    };
    said.finish();
    kafka
}

fn protocol(said: &mut Said<'_, '_>) -> Option<Protocol> {
    let word = said.text("protocol")?;
    let known = [Protocol::Plaintext, Protocol::Ssl, Protocol::SaslPlaintext, Protocol::SaslSsl];
    let found = known.into_iter().find(|protocol| protocol.word() == word);
    if found.is_none() {
        let remedy = did_you_mean(&word, &PROTOCOLS);
        said.note("protocol", format!("unknown protocol `{word}`"), remedy);
    }
    found
}

fn mechanism(said: &mut Said<'_, '_>) -> Option<String> {
    let word = said.text("mechanism")?;
    if !MECHANISMS.contains(&word.as_str()) {
        let remedy = did_you_mean(&word, &MECHANISMS);
        said.note("mechanism", format!("unknown mechanism `{word}`"), remedy);
    }
    Some(word)
}
