//! The schema registry of the Kafka messages: where it is and how to authenticate. Secrets are given by reference.

use super::secret::SecretRef;
use super::toml_reader::TomlReader;
use url::Url;

/// Keys of `[kafka]` about the registry.
pub(crate) const REGISTRY_KEYS: [&str; 5] = [
    "schema_registry",
    "schema_registry_user",
    "schema_registry_password",
    "schema_registry_token",
    "schema_registry_ca_file",
];

/// The address of a schema registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryAddress {
    /// The URL below which it answers, without user and password.
    pub url: Url,
    pub user: Option<String>,
    /// Reference to the password.
    pub password: Option<String>,
    /// Reference to a token, instead of user and password.
    pub token: Option<String>,
    /// Certificates of the authorities that are trusted beside those of the system, in PEM.
    pub ca_file: Option<String>,
}

/// Reads the keys of the registry; `None` without `schema_registry`.
pub(crate) fn read(reader: &mut TomlReader<'_, '_>) -> Option<RegistryAddress> {
    let [url_key, user_key, password_key, token_key, ca_key] = REGISTRY_KEYS;
    let text = reader.text(url_key);
    let user = reader.text(user_key);
    let password = secret(reader, password_key);
    let token = secret(reader, token_key);
    let ca_file = reader.text(ca_key);
    let Some(text) = text else {
        for key in REGISTRY_KEYS.into_iter().filter(|key| reader.has(key)) {
            let message = format!("`{key}` without `{url_key}`");
            reader.note(key, message, "Write the URL of the registry, or remove the key.");
        }
        return None;
    };
    if reader.has(token_key) && reader.has(user_key) {
        let message = format!("`{token_key}` beside `{user_key}`");
        reader.note(token_key, message, "Write a token, or user and password.");
    }
    if reader.has(user_key) != reader.has(password_key) {
        let (one, other) = match reader.has(user_key) {
            true => (user_key, password_key),
            false => (password_key, user_key),
        };
        let remedy = format!("Write `{other}` too.");
        reader.note(one, format!("`{one}` without `{other}`"), remedy);
    }
    match url(&text) {
        Ok(url) => Some(RegistryAddress { url, user, password, token, ca_file }),
        Err(reason) => {
            let remedy = "Write http://host:8081 or https://host, without user and password.";
            reader.note(url_key, format!("invalid URL of the registry: {reason}"), remedy);
            None
        }
    }
}

/// The URL with a final slash, so that paths are joined below it.
fn url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|error| error.to_string())?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !is_web || url.query().is_some() || url.fragment().is_some() {
        return Err("expected http or https and a host, without a query".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it contains a user or a password".to_owned());
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader::Findings;

    fn read_text(text: &str) -> (Option<RegistryAddress>, String) {
        let findings = Findings::new("plant.toml", text);
        let document = findings.parse();
        let address = read(&mut TomlReader::new(document.get_ref(), 0, &findings));
        let notes = findings.into_diagnostics();
        (address, notes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn paths_are_joined_below_the_url() {
        for (text, expected) in [
            ("http://registry:8081", "http://registry:8081/"),
            ("https://plant.example/apis/ccompat/v7", "https://plant.example/apis/ccompat/v7/"),
            ("http://127.0.0.1:1/", "http://127.0.0.1:1/"),
        ] {
            let (address, notes) = read_text(&format!("schema_registry = \"{text}\""));
            assert_eq!(address.map(|it| it.url.to_string()).as_deref(), Some(expected), "{notes}");
        }
    }

    #[test]
    fn a_mistake_is_noted_and_no_secret_repeated() {
        for (text, expected) in [
            ("schema_registry = \"http://a:hunter2@b\"", "user or a password"),
            ("schema_registry = \"ftp://b\"", "expected http or https"),
            ("schema_registry = \"registry:8081\"", "expected http or https"),
            ("schema_registry_user = \"a\"", "without `schema_registry`"),
            ("schema_registry = \"http://b\"\nschema_registry_user = \"a\"", "too"),
            ("schema_registry = \"http://b\"\nschema_registry_token = \"hunter2\"", "env:NAME"),
        ] {
            let (_, notes) = read_text(text);
            assert!(notes.contains(expected) && !notes.contains("hunter2"), "{text}: {notes}");
        }
        assert_eq!(read_text(""), (None, String::new()));
    }
}
