//! The `OAUTHBEARER` token: a JSON Web Token that another program renews.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use config::env;
use config::kafka::Kafka;
use rdkafka::client::OAuthToken;
use serde::Deserialize;
use std::path::PathBuf;

/// Where the token is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    File(PathBuf),
    /// Name of an environment variable.
    Environment(String),
}

/// The claims of a token that are used here. The brokers verify its signature.
#[derive(Debug, Deserialize)]
struct Claims {
    /// The principal.
    #[serde(default)]
    sub: String,
    /// When it expires, in seconds since 1970 UTC.
    exp: f64,
}

impl TokenSource {
    /// The file that the configuration names, else its environment variable.
    pub fn from_config(kafka: &Kafka) -> Self {
        match &kafka.token_file {
            Some(file) => Self::File(file.into()),
            None => Self::Environment(kafka.token_env.clone()),
        }
    }

    /// The current token.
    ///
    /// # Errors
    /// Fails if there is none, if it is not a JSON Web Token, or if it has expired. The message never
    /// contains the token.
    pub fn read(&self) -> anyhow::Result<OAuthToken> {
        let token = match self {
            Self::File(file) => std::fs::read_to_string(file)
                .with_context(|| format!("the token for Kafka in {}", file.display()))?,
            Self::Environment(name) => env(name).with_context(|| {
                format!("no token for Kafka: set the environment variable {name}, or token_file")
            })?,
        };
        let token = token.trim();
        let claims = claims(token).with_context(|| match self {
            Self::File(file) => format!("the token for Kafka in {}", file.display()),
            Self::Environment(name) => format!("the token for Kafka in the variable {name}"),
        })?;
        let lifetime_ms = (claims.exp * 1_000.0) as i64;
        let expires_at = DateTime::from_timestamp_millis(lifetime_ms).unwrap_or_default();
        if expires_at <= now() {
            bail!("the token for Kafka expired at {expires_at}; check the program that renews it");
        }
        Ok(OAuthToken { token: token.to_owned(), principal_name: claims.sub, lifetime_ms })
    }
}

#[expect(clippy::disallowed_methods, reason = "compares the expiry of a token; no row contains it")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn claims(token: &str) -> anyhow::Result<Claims> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        bail!("invalid JSON Web Token: expected three parts separated by dots");
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('='));
    let claims = claims.ok().context("invalid JSON Web Token: its second part is not base64url")?;
    let claims = serde_json::from_slice(&claims);
    claims.ok().context("invalid JSON Web Token: expected its expiry in the claim `exp`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!(
            "{}.{}.",
            URL_SAFE_NO_PAD.encode("{\"alg\":\"none\"}"),
            URL_SAFE_NO_PAD.encode(claims)
        )
    }

    fn read(text: &str) -> Result<OAuthToken, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        TokenSource::File(file.path().to_owned()).read().map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_token_has_a_principal_and_an_expiry() {
        let text = token(r#"{"sub":"cockpit","exp":4000000000}"#);
        let read = read(&format!("{text}\n")).unwrap();
        let found = (read.principal_name.as_str(), read.lifetime_ms);
        assert_eq!(found, ("cockpit", 4_000_000_000_000));
        assert_eq!(read.token, text);
    }

    #[test]
    fn an_invalid_token_is_reported_without_its_text() {
        for (text, why) in [
            ("secret", "three parts"),
            ("a.s?cret.c", "not base64url"),
            (token(r#"{"sub":"secret"}"#).as_str(), "`exp`"),
            (token(r#"{"sub":"secret","exp":1e9}"#).as_str(), "expired at"),
        ] {
            let error = read(text).err().unwrap();
            assert!(error.contains(why) && !error.contains(text), "{error}");
        }
    }
}
