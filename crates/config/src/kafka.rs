//! `[kafka]` of plant.toml: where messages come from, and how one is let in. Secrets are named, not
//! said: they are read from the environment when the connection is made.

use super::diagnostic::did_you_mean;
use super::settings::Origin;
use super::toml_reader::TomlReader;

pub(crate) const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];
/// Letting in by a token instead of a password.
pub const OAUTHBEARER: &str = "OAUTHBEARER";
pub(crate) const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTHBEARER];

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
    /// Our own certificate and its key, for brokers that ask for one; files in PEM.
    pub cert_file: Option<String>,
    pub key_file: Option<String>,
    /// Name of the environment variable that holds the key's password, if the key has one.
    pub key_password_env: String,
    /// Settings plant.toml names, be it as their default is.
    configured: Vec<&'static str>,
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
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plaintext => "plaintext",
            Self::Ssl => "ssl",
            Self::SaslPlaintext => "sasl_plaintext",
            Self::SaslSsl => "sasl_ssl",
        }
    }
}

/// A setting in force: its name, its value, and why its default is.
pub type Setting<'a> = (&'static str, &'a str, &'static str);

impl Kafka {
    /// Whether one is let in by a password or a token.
    pub const fn is_sasl(&self) -> bool {
        matches!(self.protocol, Protocol::SaslPlaintext | Protocol::SaslSsl)
    }

    /// Whether the connection is encrypted.
    pub const fn is_encrypted(&self) -> bool {
        matches!(self.protocol, Protocol::Ssl | Protocol::SaslSsl)
    }

    /// What is in force besides the brokers, and where it was said; no secret is among it.
    pub fn settings(&self) -> Vec<(Setting<'_>, Origin)> {
        let origin = |name| match self.configured.contains(&name) {
            true => Origin::PlantFile,
            false => Origin::Default,
        };
        self.applicable().into_iter().map(|setting| (setting, origin(setting.0))).collect()
    }

    /// The settings our protocol and mechanism have.
    fn applicable(&self) -> Vec<Setting<'_>> {
        let mut found = vec![
            ("group", &self.group[..], "programs that share partitions have one name"),
            (
                "protocol",
                self.protocol.as_str(),
                "what a broker speaks that was not configured otherwise",
            ),
        ];
        if self.is_encrypted() {
            found.extend([
                (
                    "ca_file",
                    text_or_empty(&self.ca_file),
                    "none: the system's authorities are trusted",
                ),
                (
                    "cert_file",
                    text_or_empty(&self.cert_file),
                    "none: few brokers ask for a certificate",
                ),
                ("key_file", text_or_empty(&self.key_file), "none: it goes with cert_file"),
                ("key_password_env", &self.key_password_env, "of use if the key has a password"),
            ]);
        }
        if !self.is_sasl() {
            return found;
        }
        found.push(("mechanism", &self.mechanism, "what every broker has"));
        found.extend(if self.mechanism == OAUTHBEARER {
            [
                ("token_file", text_or_empty(&self.token_file), "none: the token is in token_env"),
                ("token_env", &self.token_env, "secrets are named, never written"),
            ]
        } else {
            [
                ("user", text_or_empty(&self.user), "none: it has to be said"),
                ("password_env", &self.password_env, "secrets are named, never written"),
            ]
        });
        found
    }
}

fn text_or_empty(value: &Option<String>) -> &str {
    value.as_deref().unwrap_or_default()
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
            cert_file: None,
            key_file: None,
            key_password_env: "COCKPIT_KAFKA_KEY_PASSWORD".to_owned(),
            configured: Vec::new(),
        }
    }
}

/// Reads `[kafka]`.
pub fn read(mut reader: TomlReader<'_, '_>) -> Kafka {
    let base = Kafka::default();
    let spoken = protocol(&mut reader);
    let is_known = spoken.is_some() || !reader.has("protocol");
    let protocol = spoken.unwrap_or(base.protocol);
    let mechanism = mechanism(&mut reader).unwrap_or(base.mechanism);
    let mut kafka = Kafka {
        brokers: reader.text("brokers").unwrap_or_default(),
        group: reader.text("group").unwrap_or(base.group),
        protocol,
        mechanism,
        user: reader.text("user"),
        password_env: reader.text("password_env").unwrap_or(base.password_env),
        token_file: reader.text("token_file"),
        token_env: reader.text("token_env").unwrap_or(base.token_env),
        ca_file: reader.text("ca_file"),
        cert_file: reader.text("cert_file"),
        key_file: reader.text("key_file"),
        key_password_env: reader.text("key_password_env").unwrap_or(base.key_password_env),
        configured: Vec::new(),
    };
    let names = kafka.applicable().into_iter().map(|(name, _, _)| name);
    kafka.configured = names.filter(|name| reader.has(name)).collect();
    for (one, other) in [("cert_file", "key_file"), ("key_file", "cert_file")] {
        if reader.has(one) && !reader.has(other) {
            let remedy = format!("Name the `{other}` it belongs to.");
            reader.note(one, format!("`{one}` without `{other}`"), remedy);
        }
    }
    if is_known && !kafka.is_encrypted() {
        for name in ["ca_file", "cert_file", "key_file"].into_iter().filter(|it| reader.has(it)) {
            let protocol = kafka.protocol.as_str();
            let message = format!("`{name}`, but `{protocol}` has no certificates");
            reader.note(
                name,
                message,
                "Say `protocol = \"ssl\"` or `\"sasl_ssl\"`, or leave it out.",
            );
        }
    }
    reader.finish();
    kafka
}

fn protocol(reader: &mut TomlReader<'_, '_>) -> Option<Protocol> {
    let word = reader.text("protocol")?;
    let known = [Protocol::Plaintext, Protocol::Ssl, Protocol::SaslPlaintext, Protocol::SaslSsl];
    let found = known.into_iter().find(|protocol| protocol.as_str() == word);
    if found.is_none() {
        let remedy = did_you_mean(&word, &PROTOCOLS);
        reader.note("protocol", format!("unknown protocol `{word}`"), remedy);
    }
    found
}

fn mechanism(reader: &mut TomlReader<'_, '_>) -> Option<String> {
    let word = reader.text("mechanism")?;
    if !MECHANISMS.contains(&word.as_str()) {
        let remedy = did_you_mean(&word, &MECHANISMS);
        reader.note("mechanism", format!("unknown mechanism `{word}`"), remedy);
    }
    Some(word)
}
