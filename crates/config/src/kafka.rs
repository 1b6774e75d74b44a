//! `[kafka]` of plant.toml: brokers and authentication. Secrets are given by reference and read when the
//! connection is made.

use super::diagnostic::did_you_mean;
use super::schema_registry::{self, RegistryAddress};
use super::secret::{SecretRef, SecretText};
use super::settings::Origin;
use super::toml_reader::TomlReader;
use anyhow::{Context as _, anyhow};

pub(crate) const PROTOCOLS: [&str; 4] = ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"];
/// Authentication by a token instead of a password.
pub const OAUTHBEARER: &str = "OAUTHBEARER";
pub(crate) const MECHANISMS: [&str; 4] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTHBEARER];

/// Connection to the brokers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kafka {
    /// `host:port`, separated by commas; empty if no stream is read.
    pub brokers: String,
    /// Consumer group: programs of one group share the partitions.
    pub group: String,
    pub protocol: Protocol,
    /// SASL mechanism.
    pub mechanism: String,
    pub user: Option<String>,
    /// Reference to the password, see [`SecretRef`]; without it, `password_env` is used.
    pub password: Option<String>,
    /// Name of the environment variable that holds the password.
    pub password_env: String,
    /// File that holds the token of `OAUTHBEARER`, a JSON web token. It is read again whenever a new one
    /// is needed, so that renewing it needs no restart.
    pub token_file: Option<String>,
    /// Name of the environment variable that holds the token, if no file does.
    pub token_env: String,
    /// Certificates of the authorities that are trusted, instead of the system's.
    pub ca_file: Option<String>,
    /// Client certificate and its key, for brokers that require one; files in PEM.
    pub cert_file: Option<String>,
    pub key_file: Option<String>,
    /// Reference to the password of the key; without it, `key_password_env` is used.
    pub key_password: Option<String>,
    /// Name of the environment variable that holds the key's password, if the key has one.
    pub key_password_env: String,
    /// The registry of the schemas of messages.
    pub registry: Option<RegistryAddress>,
    /// Settings in plant.toml, even if they equal their default.
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

/// An effective setting: name, value, and the meaning of the default.
pub type Setting<'a> = (&'static str, &'a str, &'static str);

impl Kafka {
    /// The password of the user.
    ///
    /// # Errors
    /// The configured variable, file or credential cannot be read. The message names it, and never
    /// contains the password.
    pub fn read_password(&self) -> anyhow::Result<SecretText> {
        let Some(reference) = &self.password else {
            let name = &self.password_env;
            return SecretRef::Environment(name.clone()).read().map_err(|_absent| {
                anyhow!("no password for Kafka: set the environment variable {name}")
            });
        };
        let read = reference.parse::<SecretRef>().and_then(|reference| reference.read());
        read.context("no password for Kafka")
    }

    /// The password of the key, if it has one.
    ///
    /// # Errors
    /// The variable, file or credential of `key_password` cannot be read.
    pub fn read_key_password(&self) -> anyhow::Result<Option<SecretText>> {
        let Some(reference) = &self.key_password else {
            return Ok(SecretRef::Environment(self.key_password_env.clone()).read().ok());
        };
        let read = reference.parse::<SecretRef>().and_then(|reference| reference.read());
        read.map(Some).context("no password for the key of the Kafka client")
    }

    /// The environment variables that hold secrets.
    pub fn secret_variables(&self) -> Vec<String> {
        let registry = self.registry.as_ref();
        let of_registry = registry.map(|it| [&it.password, &it.token]);
        let references = [&self.password, &self.key_password].into_iter();
        let references = references.chain(of_registry.into_iter().flatten());
        let parsed = references.flatten().filter_map(|text| text.parse().ok());
        let named = parsed.filter_map(|reference| match reference {
            SecretRef::Environment(name) => Some(name),
            SecretRef::File(_) | SecretRef::Credential(_) => None,
        });
        let fixed = [&self.password_env, &self.token_env, &self.key_password_env];
        named.chain(fixed.map(String::clone)).collect()
    }

    /// Whether a password or a token authenticates the client.
    pub const fn is_sasl(&self) -> bool {
        matches!(self.protocol, Protocol::SaslPlaintext | Protocol::SaslSsl)
    }

    /// Whether the connection is encrypted.
    pub const fn is_encrypted(&self) -> bool {
        matches!(self.protocol, Protocol::Ssl | Protocol::SaslSsl)
    }

    /// The effective settings besides the brokers, and their sources; no secrets.
    pub fn settings(&self) -> Vec<(Setting<'_>, Origin)> {
        let origin = |name| match self.configured.contains(&name) {
            true => Origin::PlantFile,
            false => Origin::Default,
        };
        self.applicable().into_iter().map(|setting| (setting, origin(setting.0))).collect()
    }

    /// The settings that apply to the protocol and the mechanism.
    fn applicable(&self) -> Vec<Setting<'_>> {
        let mut found = vec![
            (
                "group",
                &self.group[..],
                "Consumer group. Default: one name, so that all processes share the partitions.",
            ),
            (
                "protocol",
                self.protocol.as_str(),
                "Protection of the connection. Default: none, as brokers have without configuration.",
            ),
        ];
        if let Some(registry) = &self.registry {
            let reason = "Schema registry. Default: none, framed messages are JSON.";
            found.push(("schema_registry", registry.url.as_str(), reason));
        }
        if self.is_encrypted() {
            found.extend(self.tls_settings());
        }
        if self.is_sasl() {
            found.extend(self.sasl_settings());
        }
        found
    }

    fn tls_settings(&self) -> [Setting<'_>; 4] {
        [
            (
                "ca_file",
                text_or_empty(&self.ca_file),
                "Certificates of trusted authorities. Default: those of the system.",
            ),
            (
                "cert_file",
                text_or_empty(&self.cert_file),
                "Client certificate. Default: none, as few brokers require one.",
            ),
            (
                "key_file",
                text_or_empty(&self.key_file),
                "Key of the client certificate. Default: none.",
            ),
            match &self.key_password {
                Some(reference) => {
                    ("key_password", &reference[..], "Reference to the password of the key.")
                }
                None => (
                    "key_password_env",
                    &self.key_password_env,
                    "Environment variable with the password of the key, if it has one.",
                ),
            },
        ]
    }

    fn sasl_settings(&self) -> [Setting<'_>; 3] {
        let mechanism = (
            "mechanism",
            &self.mechanism[..],
            "SASL mechanism. Default: the one every broker supports.",
        );
        if self.mechanism == OAUTHBEARER {
            let file = text_or_empty(&self.token_file);
            let description = "File with the token. Default: none, the token is in token_env.";
            let variable =
                ("token_env", &self.token_env[..], "Environment variable with the secret.");
            return [mechanism, ("token_file", file, description), variable];
        }
        let user = ("user", text_or_empty(&self.user), "SASL user. Default: none.");
        let password = match &self.password {
            Some(reference) => ("password", &reference[..], "Reference to the secret."),
            None => {
                ("password_env", &self.password_env[..], "Environment variable with the secret.")
            }
        };
        [mechanism, user, password]
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
            password: None,
            password_env: "COCKPIT_KAFKA_PASSWORD".to_owned(),
            token_file: None,
            token_env: "COCKPIT_KAFKA_TOKEN".to_owned(),
            ca_file: None,
            cert_file: None,
            key_file: None,
            key_password: None,
            key_password_env: "COCKPIT_KAFKA_KEY_PASSWORD".to_owned(),
            registry: None,
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
        password: secret(&mut reader, "password"),
        password_env: reader.text("password_env").unwrap_or(base.password_env),
        token_file: reader.text("token_file"),
        token_env: reader.text("token_env").unwrap_or(base.token_env),
        ca_file: reader.text("ca_file"),
        cert_file: reader.text("cert_file"),
        key_file: reader.text("key_file"),
        key_password: secret(&mut reader, "key_password"),
        key_password_env: reader.text("key_password_env").unwrap_or(base.key_password_env),
        registry: schema_registry::read(&mut reader),
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
    for (reference, variable) in
        [("password", "password_env"), ("key_password", "key_password_env")]
    {
        if reader.has(reference) && reader.has(variable) {
            let message = format!("`{variable}` beside `{reference}`");
            reader.note(variable, message, format!("Write only `{reference}`."));
        }
    }
    if is_known && !kafka.is_encrypted() {
        for name in ["ca_file", "cert_file", "key_file"].into_iter().filter(|it| reader.has(it)) {
            let protocol = kafka.protocol.as_str();
            let message = format!("`{name}`, but `{protocol}` has no certificates");
            reader.note(
                name,
                message,
                "Write `protocol = \"ssl\"` or `\"sasl_ssl\"`, or leave it out.",
            );
        }
    }
    reader.finish();
    kafka
}

/// A reference to a secret. The secret itself is refused, and not repeated.
fn secret(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<String> {
    let text = reader.text(key)?;
    if let Err(error) = text.parse::<SecretRef>() {
        reader.note(key, error.to_string(), "Write a reference here.");
        return None;
    }
    Some(text)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader::Findings;

    fn read_text(text: &str) -> (Kafka, String) {
        let findings = Findings::new("plant.toml", text);
        let document = findings.parse();
        let kafka = read(TomlReader::new(document.get_ref(), 0, &findings));
        let notes = findings.into_diagnostics();
        (kafka, notes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_password_is_read_by_reference() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "s3cret\n").unwrap();
        let (kafka, notes) = read_text(&format!("password = \"file:{}\"", file.display()));
        assert_eq!((kafka.read_password().unwrap().expose(), notes.as_str()), ("s3cret", ""));
        std::fs::remove_file(&file).unwrap();
        let error = format!("{:#}", kafka.read_password().unwrap_err());
        assert!(error.contains("no password for Kafka: cannot read the secret file"), "{error}");
        let (kafka, _) = read_text("password_env = \"NO_SUCH_VARIABLE\"");
        let error = format!("{:#}", kafka.read_password().unwrap_err());
        assert!(error.contains("set the environment variable NO_SUCH_VARIABLE"), "{error}");
        assert!(kafka.read_key_password().unwrap().is_none());
    }

    #[test]
    fn a_password_itself_is_refused_and_not_repeated() {
        let (kafka, notes) = read_text("password = \"hunter2\"\nkey_password = \"env:A\"");
        assert!(notes.contains("env:NAME") && !notes.contains("hunter2"), "{notes}");
        assert!(kafka.password.is_none());
        assert!(kafka.secret_variables().contains(&"A".to_owned()));
        let (_, notes) = read_text("password = \"env:A\"\npassword_env = \"B\"");
        assert!(notes.contains("`password_env` beside `password`"), "{notes}");
    }
}
