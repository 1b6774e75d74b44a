//! Requests of one source: to allowed addresses, at a limited rate, within limits of time and size, and again after
//! a failure that may pass.

use super::auth::Authenticator;
use super::failure::{Failure, refused};
use super::pages::next_link;
use crate::Error;
use crate::retry::Backoff;
use batches::digest::PrefixDigest;
use chrono::{DateTime, Utc};
use config::outgoing::OutgoingPolicy;
use plant::http_source::HttpSource;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{
    CONTENT_TYPE, ETAG, HeaderMap, HeaderName, HeaderValue, IF_NONE_MATCH, LINK,
};
use reqwest::{Response, StatusCode, Url, redirect};
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior};

/// Bytes of an answer from which its kind is recognized.
const HEAD_BYTES: usize = 512;

/// Reads the clock.
pub type Clock = fn() -> DateTime<Utc>;

/// Limits of the requests of a source.
#[derive(Debug, Clone, Copy)]
pub struct HttpLimits {
    /// Requests per second.
    pub requests_per_s: u64,
    /// Attempts of one request.
    pub attempts: u64,
    /// Pause after the first failed attempt; each further pause is twice as long.
    pub retry_first_ms: u64,
    /// Longest pause between two attempts, also if the server requests a longer one.
    pub retry_longest_ms: u64,
    /// Time to connect.
    pub connect_ms: u64,
    /// Time without a byte.
    pub silence_ms: u64,
    /// Time for a complete answer.
    pub answer_ms: u64,
    /// Size of an answer.
    pub answer_bytes: u64,
    /// Pages of one pull.
    pub pages: u64,
}

/// An answer on this machine.
#[derive(Debug)]
pub(super) struct Body {
    pub file: File,
    pub digest: PrefixDigest,
    pub size_bytes: u64,
    pub etag: Option<String>,
    /// URL of the next page in the header `Link`.
    pub link: Option<String>,
    /// The answer states or shows that it is a page for people.
    pub is_html: bool,
}

/// Sends the requests of one source.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    policy: OutgoingPolicy,
    headers: HeaderMap,
    auth: Authenticator,
    limits: HttpLimits,
    pace: Interval,
    clock: Clock,
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
            let allowed = policy.allowed(name.as_str(), found.collect::<Vec<SocketAddr>>())?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

impl Client {
    /// A client. Must be called within the runtime.
    ///
    /// # Errors
    /// [`Error::Config`] if a header is invalid.
    pub fn new(
        source: &HttpSource,
        policy: OutgoingPolicy,
        limits: HttpLimits,
        clock: Clock,
    ) -> Result<Self, Error> {
        let http = reqwest::Client::builder()
            .dns_resolver(Arc::new(Resolver(policy.clone())))
            .redirect(redirect::Policy::none())
            // A proxy would resolve the name itself.
            .no_proxy()
            .referer(false)
            .connect_timeout(Duration::from_millis(limits.connect_ms))
            .read_timeout(Duration::from_millis(limits.silence_ms))
            .timeout(Duration::from_millis(limits.answer_ms))
            .user_agent(concat!("plant-cockpit/", env!("CARGO_PKG_VERSION")))
            .build();
        let per_s = source.requests_per_s.unwrap_or(limits.requests_per_s).max(1);
        let mut pace = tokio::time::interval(Duration::from_secs(1).div_f64(per_s as f64));
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            http: http.map_err(|error| Error::Config(error.into()))?,
            policy,
            headers: headers(&source.headers)?,
            auth: Authenticator::new(source.auth.clone()),
            limits,
            pace,
            clock,
        })
    }

    /// A URL without the parameter that holds a key.
    pub fn shown(&self, url: &Url) -> String {
        let Some(secret) = self.auth.secret_parameter() else { return url.to_string() };
        let mut shown = url.clone();
        let others: Vec<(String, String)> = url
            .query_pairs()
            .filter(|(name, _)| name != secret)
            .map(|(a, b)| (a.into(), b.into()))
            .collect();
        shown.set_query(None);
        if !others.is_empty() {
            shown.query_pairs_mut().extend_pairs(others);
        }
        shown.to_string()
    }

    /// The answer to a request; `None` if it has not changed since the answer with `etag`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] if the source gives no answer in several attempts, [`Error::Auth`] and
    /// [`Error::NotFound`] if it refuses the request, [`Error::Data`] if the answer is too large.
    pub async fn get(&mut self, url: &Url, etag: Option<&str>) -> Result<Option<Body>, Error> {
        self.policy.check(url).map_err(Error::Config)?;
        let mut backoff = Backoff::new(self.limits.retry_first_ms, self.limits.retry_longest_ms);
        let longest = Duration::from_millis(self.limits.retry_longest_ms);
        let (mut attempt, mut is_renewed) = (1, false);
        loop {
            let (reason, pause) = match self.attempt(url, etag).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Lasting(Error::Auth(_))) if !is_renewed && self.auth.renew() => {
                    is_renewed = true;
                    continue;
                }
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing { reason, pause }) => (reason, pause),
            };
            if attempt >= self.limits.attempts {
                let place = self.shown(url);
                return Err(Error::Unreachable(format!(
                    "no answer of {place} in {attempt} attempts: {reason}"
                )));
            }
            attempt += 1;
            let pause = pause.unwrap_or_else(|| backoff.next_pause(1.0)).min(longest);
            tracing::debug!(
                attempt,
                reason,
                pause_ms = pause.as_millis() as u64,
                "request repeated"
            );
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&mut self, url: &Url, etag: Option<&str>) -> Result<Option<Body>, Failure> {
        self.pace.tick().await;
        let now = (self.clock)();
        let mut request = self.auth.request(&self.http, url.clone(), now).await?;
        request = request.headers(self.headers.clone());
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = request.send().await.map_err(Failure::unanswered)?;
        match response.status() {
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(None),
            status if status.is_success() => self.body(url, response).await.map(Some),
            _ => Err(refused(&self.shown(url), response, (self.clock)()).await),
        }
    }

    /// Copies an answer to the disk.
    async fn body(&self, url: &Url, mut response: Response) -> Result<Body, Failure> {
        let most = self.limits.answer_bytes;
        if response.content_length().is_some_and(|length| length > most) {
            return Err(self.too_large(url).into());
        }
        let text =
            |name| response.headers().get(name).and_then(|it: &HeaderValue| it.to_str().ok());
        let etag = text(ETAG).map(str::to_owned);
        let links = response.headers().get_all(LINK).iter().filter_map(|it| it.to_str().ok());
        let link = next_link(links);
        let is_html = text(CONTENT_TYPE).is_some_and(|it| it.to_ascii_lowercase().contains("html"));
        let mut file = tempfile::tempfile().map_err(on_disk)?;
        let (mut digest, mut head, mut size_bytes) = (PrefixDigest::new(None), Vec::new(), 0);
        while let Some(chunk) = response.chunk().await.map_err(Failure::unanswered)? {
            size_bytes += chunk.len() as u64;
            if size_bytes > most {
                return Err(self.too_large(url).into());
            }
            let wanted = HEAD_BYTES.saturating_sub(head.len()).min(chunk.len());
            head.extend_from_slice(&chunk[..wanted]);
            digest.update(&chunk);
            file.write_all(&chunk).map_err(on_disk)?;
        }
        let is_html = is_html || starts_as_html(&head);
        Ok(Body { file, digest, size_bytes, etag, link, is_html })
    }

    fn too_large(&self, url: &Url) -> Error {
        let (place, most) = (self.shown(url), self.limits.answer_bytes);
        Error::Data(format!(
            "the answer of {place} is larger than {most} bytes; request smaller pages, or raise `http_source_answer_bytes`"
        ))
    }
}

fn on_disk(error: std::io::Error) -> Error {
    Error::Storage(anyhow::Error::from(error).context("cannot store an answer on the disk"))
}

/// Whether an answer begins as a page for people does.
fn starts_as_html(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
    text.starts_with("<!doctype html") || text.starts_with("<html")
}

fn headers(pairs: &[(String, String)]) -> Result<HeaderMap, Error> {
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let invalid = |error: anyhow::Error| {
            Error::Config(error.context(format!("invalid header `{name}` of the source")))
        };
        let key = HeaderName::from_bytes(name.as_bytes()).map_err(|it| invalid(it.into()))?;
        headers.append(key, HeaderValue::from_str(value).map_err(|it| invalid(it.into()))?);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_for_people_is_recognized() {
        for text in ["<!DOCTYPE html><p>", "\u{feff}\r\n <HTML lang=en>"] {
            assert!(starts_as_html(text.as_bytes()), "{text}");
        }
        for text in ["{\"a\":\"<html>\"}", "<?xml version=\"1.0\"?>", "", "a,b\n"] {
            assert!(!starts_as_html(text.as_bytes()), "{text}");
        }
    }
}
