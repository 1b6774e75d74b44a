//! What the headers and the address of a request to the feed mean.

use super::rows::Style;
use crate::http::authorization::Caller;
use axum::http::{HeaderMap, HeaderName, header};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// How the client wants its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The address of the service, with a final slash.
    pub base: String,
    pub is_gzip: bool,
    pub style: Style,
    /// Whether annotations of the context are left out (`odata.metadata=none`).
    pub is_bare: bool,
    /// Rows of a page at most, as the client prefers.
    pub page_rows: Option<u64>,
}

impl Wanted {
    pub fn new(headers: &HeaderMap, caller: &Caller) -> Self {
        // The guard has replaced the host by the one that a trusted proxy reports.
        let host = text(headers, header::HOST);
        let scheme = if caller.peer.is_secure { "https" } else { "http" };
        let accept = text(headers, header::ACCEPT);
        let wants = |parameter: &str| accept.split([';', ',']).any(|it| it.trim() == parameter);
        Self {
            base: format!("{scheme}://{host}/odata/v4/"),
            is_gzip: accepts_gzip(text(headers, header::ACCEPT_ENCODING)),
            style: Style { long_numbers_as_text: wants("IEEE754Compatible=true") },
            is_bare: wants("odata.metadata=none") && !wants("odata.metadata=minimal"),
            page_rows: max_page_size(headers),
        }
    }

    /// The media type of rows.
    pub fn content_type(&self) -> &'static str {
        match (self.is_bare, self.style.long_numbers_as_text) {
            (false, false) => "application/json;odata.metadata=minimal",
            (false, true) => "application/json;odata.metadata=minimal;IEEE754Compatible=true",
            (true, false) => "application/json;odata.metadata=none",
            (true, true) => "application/json;odata.metadata=none;IEEE754Compatible=true",
        }
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default()
}

fn accepts_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let weight = parts.find_map(|part| part.strip_prefix("q=")).and_then(|it| it.parse().ok());
        is_gzip && weight.is_none_or(|weight: f32| weight > 0.0)
    })
}

/// `Prefer: odata.maxpagesize=500`
fn max_page_size(headers: &HeaderMap) -> Option<u64> {
    let lines = headers.get_all(PREFER).into_iter().filter_map(|it| it.to_str().ok());
    let mut preferences = lines.flat_map(|line| line.split([',', ';'])).map(str::trim);
    let size = preferences.find_map(|it| {
        it.strip_prefix("odata.maxpagesize=").or_else(|| it.strip_prefix("maxpagesize="))
    });
    size?.trim_matches('"').parse().ok().filter(|rows| *rows > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Peer;
    use std::net::Ipv4Addr;

    fn wanted(headers: &[(&str, &str)]) -> Wanted {
        let pairs = headers
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        let headers = HeaderMap::from_iter(pairs);
        let peer = Peer { address: Ipv4Addr::LOCALHOST.into(), is_secure: true };
        Wanted::new(&headers, &Caller::anonymous(&headers, peer))
    }

    #[test]
    fn headers_of_power_query_are_understood() {
        let found = wanted(&[
            ("host", "cockpit.example:8443"),
            (
                "user-agent",
                "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)",
            ),
            ("maxdataserviceversion", "3.0"),
            ("odata-maxversion", "4.0"),
            (
                "accept",
                "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,\
                 application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
            ),
            ("accept-encoding", "gzip, deflate"),
        ]);
        let expected = Wanted {
            base: "https://cockpit.example:8443/odata/v4/".into(),
            is_gzip: true,
            style: Style { long_numbers_as_text: false },
            is_bare: false,
            page_rows: None,
        };
        assert_eq!(found, expected);
        assert_eq!(found.content_type(), "application/json;odata.metadata=minimal");
    }

    #[test]
    fn preferences_are_optional() {
        let found = wanted(&[
            ("accept", "application/json;odata.metadata=none;IEEE754Compatible=true"),
            ("accept-encoding", "gzip;q=0, identity"),
            ("prefer", "odata.track-changes, odata.maxpagesize=500"),
        ]);
        assert!(!found.is_gzip && found.is_bare && found.style.long_numbers_as_text);
        assert_eq!(found.page_rows, Some(500));
        assert_eq!(wanted(&[("prefer", "maxpagesize=0")]).page_rows, None);
    }
}
