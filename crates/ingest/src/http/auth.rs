//! How requests authenticate. Secrets are read when they are used, and are never part of an error.

use super::failure::{Failure, one_line, refused};
use super::pages::set_parameter;
use crate::Error;
use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use config::secret::{SecretRef, SecretText};
use plant::http_source::HttpAuth;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};
use serde::Deserialize;

/// A token is renewed so long before it expires, in seconds: a request may take a while to arrive.
const RENEWED_BEFORE_S: i64 = 30;
/// How long a token without a stated life is used, in seconds.
const UNSTATED_LIFE_S: i64 = 300;
/// The longest answer of a token server, in bytes: a token has a few thousand.
const TOKEN_ANSWER_BYTES: usize = 64 << 10;

/// Adds credentials to requests.
#[derive(Debug)]
pub(super) struct Authenticator {
    auth: HttpAuth,
    token: Option<Token>,
}

#[derive(Debug)]
struct Token {
    text: SecretText,
    renewed_at: DateTime<Utc>,
}

/// The answer of a token server (RFC 6749 section 5.1).
#[derive(Deserialize)]
struct TokenAnswer {
    access_token: String,
    expires_in: Option<i64>,
}

impl Authenticator {
    pub fn new(auth: HttpAuth) -> Self {
        Self { auth, token: None }
    }

    /// Whether a request that was refused is worth repeating with a new token.
    pub fn renew(&mut self) -> bool {
        self.token.take().is_some()
    }

    /// The name of the parameter that holds a key, which is shown nowhere.
    pub fn secret_parameter(&self) -> Option<&str> {
        match &self.auth {
            HttpAuth::KeyParameter { name, .. } => Some(name),
            _ => None,
        }
    }

    /// A request of `url` with the credentials.
    pub async fn request(
        &mut self,
        client: &Client,
        mut url: Url,
        now: DateTime<Utc>,
    ) -> Result<RequestBuilder, Failure> {
        if let HttpAuth::KeyParameter { name, key } = &self.auth {
            set_parameter(&mut url, name, read(key)?.expose());
        }
        let request = client.get(url);
        Ok(match &self.auth {
            HttpAuth::None | HttpAuth::KeyParameter { .. } => request,
            HttpAuth::Basic { user, password } => {
                request.basic_auth(user, Some(read(password)?.expose()))
            }
            HttpAuth::Bearer { token } => request
                .header(AUTHORIZATION, sensitive(&format!("Bearer {}", read(token)?.expose()))?),
            HttpAuth::KeyHeader { name, key } => {
                let name = HeaderName::from_bytes(name.as_bytes());
                let name = name.map_err(|error| Error::Config(error.into()))?;
                request.header(name, sensitive(read(key)?.expose())?)
            }
            HttpAuth::ClientCredentials { .. } => {
                let token = self.token(client, now).await?;
                request.header(AUTHORIZATION, sensitive(&format!("Bearer {}", token.expose()))?)
            }
        })
    }

    /// The token of the client, requested if there is none or it expires soon.
    async fn token(&mut self, client: &Client, now: DateTime<Utc>) -> Result<SecretText, Failure> {
        if let Some(token) = self.token.as_ref().filter(|it| now < it.renewed_at) {
            return Ok(token.text.clone());
        }
        let answer = self.request_token(client, now).await?;
        let life_s = answer.expires_in.map_or(UNSTATED_LIFE_S, |it| it - RENEWED_BEFORE_S);
        let text = SecretText::new(answer.access_token);
        let renewed_at = now + TimeDelta::seconds(life_s.clamp(0, i64::from(u32::MAX)));
        self.token = Some(Token { text: text.clone(), renewed_at });
        Ok(text)
    }

    async fn request_token(
        &self,
        client: &Client,
        now: DateTime<Utc>,
    ) -> Result<TokenAnswer, Failure> {
        let HttpAuth::ClientCredentials { token_url, client_id, client_secret, scope } = &self.auth
        else {
            return Err(Error::Config(anyhow::anyhow!("there is no token server")).into());
        };
        let secret = read(client_secret)?;
        let request = client
            .post(token_url)
            .basic_auth(form_encoded(client_id), Some(form_encoded(secret.expose())))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(grant(scope.as_deref()));
        let mut response = request.send().await.map_err(Failure::unanswered)?;
        if !response.status().is_success() {
            return Err(as_auth(refused("the token server", response, now).await));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(Failure::unanswered)? {
            body.extend_from_slice(&chunk);
            if body.len() > TOKEN_ANSWER_BYTES {
                return Err(Error::Auth("the answer of the token server is too long".into()).into());
            }
        }
        // The answer may contain the token, so that it is not part of the error.
        serde_json::from_slice(&body).map_err(|_answer| {
            Error::Auth(
                "the token server answered without an access token; check token_url".to_owned(),
            )
            .into()
        })
    }
}

/// The body of a request for a token.
fn grant(scope: Option<&str>) -> String {
    let scope = scope.map(|it| format!("&scope={}", form_encoded(it))).unwrap_or_default();
    format!("grant_type=client_credentials{scope}")
}

/// A text as a value of a form.
fn form_encoded(text: &str) -> String {
    let mut url = Url::parse("x:").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().append_pair("", text);
    }
    url.and_then(|url| Some(url.query()?.trim_start_matches('=').to_owned())).unwrap_or_default()
}

/// A refusal of the token server concerns the credentials, whatever its status.
fn as_auth(failure: Failure) -> Failure {
    match failure {
        Failure::Lasting(error) => Error::Auth(one_line(&error.to_string())).into(),
        passing @ Failure::Passing { .. } => passing,
    }
}

/// Reads a secret by its reference.
fn read(reference: &str) -> Result<SecretText, Error> {
    let read = reference.parse::<SecretRef>().and_then(|it| it.read());
    read.context("the credentials of the source").map_err(Error::Config)
}

/// The value of a header, which is not logged.
fn sensitive(text: &str) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(text).map_err(|_secret| {
        Error::Config(anyhow::anyhow!("the credentials have a character that a header cannot hold"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_form_are_encoded() {
        for (text, expected) in
            [("a b&c=d", "a+b%26c%3Dd"), ("", ""), ("=x", "%3Dx"), ("ä", "%C3%A4")]
        {
            assert_eq!(form_encoded(text), expected);
        }
        assert_eq!(grant(Some("a b")), "grant_type=client_credentials&scope=a+b");
        assert_eq!(grant(None), "grant_type=client_credentials");
    }

    #[test]
    fn an_error_does_not_show_a_secret() {
        let error = sensitive("hunter2\n").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
        let error = read("hunter2").unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}
