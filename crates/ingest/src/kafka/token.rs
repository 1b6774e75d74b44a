//! The token that lets us in by `OAUTHBEARER`: a JSON web token that somebody else renews.

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use config::env;
use config::kafka::Kafka;
use rdkafka::client::OAuthToken;
use serde::Deserialize;
use std::path::PathBuf;

/// Where the token is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    File(PathBuf),
    /// Name of an environment variable.
    Environment(String),
}

/// What of a token is polled at. Whether it is true is for the brokers to say.
#[derive(Debug, Deserialize)]
struct Claims {
    /// Whom it names.
    #[serde(default)]
    sub: String,
    /// When it ends, in seconds since 1970 UTC.
    exp: f64,
}

impl TokenSource {
    pub fn from_config(kafka: &Kafka) -> Self {
        match &kafka.token_file {
            Some(file) => Self::File(file.into()),
            None => Self::Environment(kafka.token_env.clone()),
        }
    }

    /// The token as it stands there now.
    ///
    /// # Errors
    /// Fails if there is none, if it is no JSON web token, or if it has ended; the token itself is never said.
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
        let ends = DateTime::from_timestamp_millis(lifetime_ms).unwrap_or_default();
        if ends <= now() {
            bail!("the token for Kafka has ended at {ends}: whoever renews it has not done so");
        }
        Ok(OAuthToken { token: token.to_owned(), principal_name: claims.sub, lifetime_ms })
    }
}

#[expect(clippy::disallowed_methods, reason = "whether a token has ended is of no row")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

fn claims(token: &str) -> anyhow::Result<Claims> {
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        bail!("it is no JSON web token: three parts with dots between are wanted");
    };
    let claims = URL_SAFE_NO_PAD.decode(claims.trim_end_matches('='));
    let claims = claims.ok().context("it is no JSON web token: its second part is no base64url")?;
    let claims = serde_json::from_slice(&claims);
    claims.ok().context("it is no JSON web token that says in `exp` when it ends")
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
    fn a_token_says_whom_it_names_and_when_it_ends() {
        let text = token(r#"{"sub":"cockpit","exp":4000000000}"#);
        let read = read(&format!("{text}\n")).unwrap();
        let said = (read.principal_name.as_str(), read.lifetime_ms);
        assert_eq!(said, ("cockpit", 4_000_000_000_000));
        assert_eq!(read.token, text);
    }

    #[test]
    fn what_is_no_token_is_told_and_never_said() {
        for (text, why) in [
            ("secret", "three parts"),
            ("a.s?cret.c", "no base64url"),
            (token(r#"{"sub":"secret"}"#).as_str(), "`exp`"),
            (token(r#"{"sub":"secret","exp":1e9}"#).as_str(), "has ended"),
        ] {
            let error = read(text).err().unwrap();
            assert!(error.contains(why) && !error.contains(text), "{error}");
        }
    }
}
