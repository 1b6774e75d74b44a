//! Addresses of channels and people.

use crate::outgoing::OutgoingPolicy;
use crate::secret::SecretRef;
use crate::toml_reader::TomlReader;
use anyhow::Context as _;
use url::Url;

/// The longest e-mail address (RFC 5321).
const EMAIL_BYTES_MAX: usize = 254;

const URL_REMEDY: &str = "Write https://HOST/PATH, or env:NAME, file:PATH or credential:NAME for a URL that contains \
                          a secret.";

/// The URL of an HTTP channel: written in the file, or stored where a secret is, because the URL itself permits
/// to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UrlRef {
    Url(Url),
    Secret(SecretRef),
}

impl UrlRef {
    /// The URL.
    ///
    /// # Errors
    /// The secret cannot be read or is not a URL; the error does not contain it.
    pub fn read(&self) -> anyhow::Result<Url> {
        match self {
            Self::Url(url) => Ok(url.clone()),
            Self::Secret(secret) => {
                let text = secret.read()?;
                Url::parse(text.expose())
                    .with_context(|| format!("the secret {secret} is not a URL"))
            }
        }
    }
}

/// The URL or reference under `key`.
pub fn url(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    default: Option<&str>,
    outgoing: &OutgoingPolicy,
) -> Option<UrlRef> {
    let given = match default {
        Some(default) => reader.text(key).or_else(|| Some(default.to_owned()))?,
        None => reader.required(key, URL_REMEDY)?,
    };
    if ["env:", "file:", "credential:"].iter().any(|kind| given.starts_with(kind)) {
        return secret_of(reader, key, &given).map(UrlRef::Secret);
    }
    let Ok(url) = Url::parse(&given) else {
        // The text may contain a secret, so it is not repeated.
        reader.note(key, "invalid URL", URL_REMEDY);
        return None;
    };
    // Names are resolved when a message is sent.
    if let Err(error) = outgoing.check(&url) {
        let remedy =
            "Correct the URL, or add the range of the address to `allow` in [notifications].";
        reader.note(key, format!("{error:#}"), remedy);
        return None;
    }
    Some(UrlRef::Url(url))
}

/// The reference to a secret under `key`, or `None` if it is missing.
pub fn secret(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<SecretRef> {
    let text = reader.text(key)?;
    secret_of(reader, key, &text)
}

fn secret_of(reader: &TomlReader<'_, '_>, key: &str, text: &str) -> Option<SecretRef> {
    text.parse::<SecretRef>()
        .map_err(|error| {
            let remedy = "Store the secret apart and write env:NAME, file:PATH or credential:NAME.";
            reader.note(key, error.to_string(), remedy);
        })
        .ok()
}

/// The e-mail address under `key`, or `None` if it is missing or invalid.
pub fn email(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<String> {
    let text = reader.text(key)?;
    checked_email(reader, key, text)
}

/// The e-mail address `text` of `key`, if it is valid.
pub fn checked_email(reader: &TomlReader<'_, '_>, key: &str, text: String) -> Option<String> {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|it| it.is_ascii_graphic() && !"<>@,;:\"\\()".contains(it))
    };
    let parts = text.rsplit_once('@').filter(|(local, domain)| is_part(local) && is_part(domain));
    if parts.is_none() || text.len() > EMAIL_BYTES_MAX {
        let message = format!("invalid e-mail address `{}`", text.escape_debug());
        reader.note(key, message, "Write an address such as \"anna@plant.example\".");
        return None;
    }
    Some(text)
}

/// A text under `key` whose characters all satisfy `is_allowed`.
pub fn word(
    reader: &mut TomlReader<'_, '_>,
    key: &'static str,
    remedy: &str,
    is_allowed: impl Fn(char) -> bool,
) -> Option<String> {
    let text = reader.text(key)?;
    if text.is_empty() || text.len() > 200 || !text.chars().all(is_allowed) {
        reader.note(key, format!("invalid {key} `{}`", text.escape_debug()), remedy);
        return None;
    }
    Some(text)
}

/// The chat of Telegram under `key`: its number, or `@name`.
pub fn chat(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<String> {
    let remedy = "Write the number of the chat or @NAME, in quotes.";
    word(reader, key, remedy, |it| it.is_ascii_alphanumeric() || "@_-".contains(it))
}

/// The topic of ntfy under `key`.
pub fn ntfy_topic(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<String> {
    let remedy = "Write letters a to z, digits, - and _.";
    word(reader, key, remedy, |it| it.is_ascii_alphanumeric() || "_-".contains(it))
}
