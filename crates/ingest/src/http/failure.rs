//! Why a request failed, and whether it is sent again.

use crate::Error;
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use std::time::Duration;

/// How much of an answer an error shows, in characters: the reason, not a page.
const REASON_CHARS: usize = 200;

/// A failed attempt.
#[derive(Debug)]
pub(super) enum Failure {
    /// The same request may succeed later, after the pause that the server requests.
    Passing { reason: String, pause: Option<Duration> },
    /// The same request fails again.
    Lasting(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Lasting(error)
    }
}

impl Failure {
    /// A request that got no answer, or only a part of one.
    pub fn unanswered(error: reqwest::Error) -> Self {
        let error = anyhow::Error::from(error.without_url());
        Self::Passing { reason: one_line(&format!("{error:#}")), pause: None }
    }
}

/// What an answer with a status other than success means. `place` is the request.
pub(super) async fn refused(place: &str, response: Response, now: DateTime<Utc>) -> Failure {
    let status = response.status();
    let pause = retry_after(response.headers(), now);
    let reason = match status.is_redirection() {
        true => String::new(),
        false => beginning(response).await,
    };
    let answered = format!("{place} answered {status}{reason}");
    if is_passing(status) {
        return Failure::Passing { reason: answered, pause };
    }
    Failure::Lasting(match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Error::Auth(format!("{answered}; check the credentials and their permissions"))
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => {
            Error::NotFound(format!("{answered}; check the URL"))
        }
        _ if status.is_redirection() => Error::Config(anyhow::anyhow!(
            "{answered}; redirects are not followed, configure the new URL"
        )),
        _ => Error::Data(format!("{answered}; check the URL and its parameters")),
    })
}

/// Whether the same request may succeed later.
fn is_passing(status: StatusCode) -> bool {
    let passing = [
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::CONFLICT,
        StatusCode::TOO_EARLY,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED || passing.contains(&status)
}

/// The beginning of an answer, for an error.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        bytes.extend_from_slice(&chunk);
        if bytes.len() >= REASON_CHARS {
            break;
        }
    }
    let text = one_line(&String::from_utf8_lossy(&bytes));
    if text.is_empty() { text } else { format!(": {text}") }
}

/// A text on one line, cut to what an error shows.
pub(super) fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|it: char| it.is_whitespace() || it.is_control())
        .filter(|it| !it.is_empty())
        .collect();
    words.join(" ").chars().take(REASON_CHARS).collect()
}

/// The pause of a header `Retry-After`: seconds or a date.
fn retry_after(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    Some((date - now).to_std().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn a_pause_is_seconds_or_a_date() {
        let now = DateTime::from_timestamp(1_767_225_600, 0).unwrap();
        let check = |text: &'static str, expected_s: Option<u64>| {
            let headers = [(RETRY_AFTER, HeaderValue::from_static(text))].into_iter().collect();
            assert_eq!(retry_after(&headers, now), expected_s.map(Duration::from_secs), "{text}");
        };
        check("120", Some(120));
        check("Thu, 01 Jan 2026 00:01:00 GMT", Some(60));
        check("Wed, 01 Jan 2025 00:01:00 GMT", Some(0));
        for text in ["soon", "-5", ""] {
            check(text, None);
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn a_request_that_is_wrong_is_not_sent_again() {
        for (status, expected) in [
            (400, false),
            (401, false),
            (404, false),
            (429, true),
            (500, true),
            (501, false),
            (503, true),
        ] {
            assert_eq!(is_passing(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        }
    }

    #[test]
    fn a_reason_is_one_short_line() {
        assert_eq!(one_line("a\r\n\tb \u{7}c"), "a b c");
        assert_eq!(one_line(&"x".repeat(500)).len(), REASON_CHARS);
    }
}
