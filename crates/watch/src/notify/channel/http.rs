//! HTTP requests to receivers that people configure: only to allowed addresses, without redirects and proxies.

use super::Failure;
use crate::notify::message::one_line;
use chrono::DateTime;
use config::outgoing::OutgoingPolicy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Response, StatusCode, redirect};
use std::net::SocketAddr;
use std::sync::Arc;
use url::Url;

/// How much of a refusal is kept, in bytes: the reason, not a page.
const REASON_BYTES_MAX: usize = 300;

const SECOND_US: i64 = 1_000_000;

#[derive(Debug)]
pub(super) struct Http {
    client: Client,
    policy: OutgoingPolicy,
}

/// Resolves names to allowed addresses. The connection goes to what this returns, so the name cannot resolve to
/// another address after the check.
#[derive(Debug)]
struct Resolver(OutgoingPolicy);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            let allowed = policy.allowed(name.as_str(), found)?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

impl Http {
    pub fn new(policy: OutgoingPolicy) -> anyhow::Result<Self> {
        let client = Client::builder()
            .dns_resolver(Arc::new(Resolver(policy.clone())))
            .redirect(redirect::Policy::none())
            // A proxy would resolve the name itself.
            .no_proxy()
            .referer(false)
            .user_agent(concat!("plant-cockpit/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, policy })
    }

    /// Posts JSON; success is a status of 2xx. The URL may be a secret and is not part of a failure.
    pub async fn post(
        &self,
        url: Url,
        headers: Vec<(&'static str, String)>,
        body: String,
        now_us: i64,
    ) -> Result<(), Failure> {
        self.policy.check(&url).map_err(|error| Failure::permanent(format!("{error:#}")))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let headers = headers_of(headers)?;
        let sent = self.client.post(url).headers(headers).body(body).send().await;
        let response = sent.map_err(|error| unsent(&host, error))?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(refused(&host, response, now_us).await)
    }
}

fn headers_of(pairs: Vec<(&'static str, String)>) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in pairs {
        let invalid = || Failure::permanent(format!("the value of the header {name} is invalid"));
        let mut value = HeaderValue::from_str(&value).map_err(|_invalid| invalid())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_static(name), value);
    }
    Ok(headers)
}

/// A request that got no response.
fn unsent(host: &str, error: reqwest::Error) -> Failure {
    let error = anyhow::Error::from(error.without_url());
    Failure::temporary(one_line(&format!("{host}: {error:#}"), REASON_BYTES_MAX))
}

/// A response other than success.
async fn refused(host: &str, mut response: Response, now_us: i64) -> Failure {
    let status = response.status();
    let asked_us = response.headers().get(RETRY_AFTER).and_then(|it| retry_after_us(it, now_us));
    let mut reason = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        reason.extend_from_slice(&chunk);
        if reason.len() >= REASON_BYTES_MAX {
            break;
        }
    }
    let reason = one_line(&String::from_utf8_lossy(&reason), REASON_BYTES_MAX);
    let error = match status.is_redirection() {
        true => {
            format!("{host}: status {status}: redirects are not followed, configure the new URL")
        }
        false => format!("{host}: status {status} {reason}").trim_end().to_owned(),
    };
    Failure { error, is_permanent: is_permanent(status), asked_us }
}

/// Whether the same request would be refused again, whatever the receiver's state.
fn is_permanent(status: StatusCode) -> bool {
    let may_change = [
        StatusCode::UNAUTHORIZED,
        StatusCode::FORBIDDEN,
        StatusCode::NOT_FOUND,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::CONFLICT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_client_error() && !may_change.contains(&status)
}

/// The pause of a `Retry-After`: seconds or a date.
fn retry_after_us(value: &HeaderValue, now_us: i64) -> Option<i64> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return seconds.checked_mul(SECOND_US).filter(|pause_us| *pause_us >= 0);
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.timestamp_micros() - now_us).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let pause = |text: &str| {
            retry_after_us(&HeaderValue::from_str(text).unwrap(), 1_767_225_600 * SECOND_US)
        };
        assert_eq!(pause("120"), Some(120 * SECOND_US));
        assert_eq!(pause("Thu, 01 Jan 2026 00:01:00 GMT"), Some(60 * SECOND_US));
        assert_eq!(pause("Wed, 01 Jan 2025 00:01:00 GMT"), Some(0));
        for text in ["soon", "-5", "", "99999999999999999999"] {
            assert_eq!(pause(text), None, "{text}");
        }
    }

    #[test]
    fn a_request_that_is_wrong_is_not_repeated() {
        for (status, expected) in
            [(400, true), (413, true), (404, false), (429, false), (500, false), (302, false)]
        {
            assert_eq!(is_permanent(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }
}
