//! The client that a reverse proxy reports: `Forwarded` (RFC 7239) or `X-Forwarded-For`,
//! `X-Forwarded-Proto` and `X-Forwarded-Host`.
//!
//! Any client can send these headers. They are read only from a connection of a trusted
//! proxy, and from the right: each proxy appends the address that it saw, so the first address from the
//! right that is not a trusted proxy is the client. Everything left of it is sent by the client and not trusted.

use axum::http::{HeaderMap, HeaderName, header};
use config::network::AddressRange;
use std::net::{IpAddr, SocketAddr};

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The values of the headers. A part that is missing or cannot be parsed is `None`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Forwarded {
    /// Address of the client.
    pub address: Option<IpAddr>,
    /// Whether the client's connection to the proxy is encrypted.
    pub is_https: Option<bool>,
    /// Host, and port if there is one, that the client requested.
    pub host: Option<String>,
}

/// One hop: the parameters of an element of `Forwarded`, or the corresponding values of the older
/// headers.
#[derive(Debug, Default, Clone)]
struct Hop {
    address: Option<IpAddr>,
    proto: Option<String>,
    host: Option<String>,
}

impl Forwarded {
    /// Reads the headers of a request that arrived from a trusted proxy. `Forwarded` wins over the
    /// older headers.
    pub fn from_headers(headers: &HeaderMap, trusted: &[AddressRange]) -> Self {
        let hops = standard_hops(headers).unwrap_or_else(|| older_hops(headers));
        let is_proxy = |hop: &Hop| {
            hop.address.is_some_and(|address| trusted.iter().any(|range| range.contains(address)))
        };
        // Without a hop that is not a proxy, the leftmost proxy made the request itself.
        let client = hops.iter().rev().find(|hop| !is_proxy(hop)).or(hops.first());
        let Some(client) = client else { return Self::default() };
        Self {
            address: client.address,
            is_https: client.proto.as_deref().map(|proto| proto.eq_ignore_ascii_case("https")),
            host: client.host.clone(),
        }
    }
}

/// The elements of `Forwarded`, `None` if there is no such header.
fn standard_hops(headers: &HeaderMap) -> Option<Vec<Hop>> {
    let values = values(headers, &header::FORWARDED);
    (!values.is_empty()).then(|| values.iter().map(|element| standard_hop(element)).collect())
}

fn standard_hop(element: &str) -> Hop {
    let mut hop = Hop::default();
    for parameter in element.split(';') {
        let Some((name, value)) = parameter.split_once('=') else { continue };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = address(value),
            "proto" => hop.proto = Some(value.to_owned()),
            "host" => hop.host = Some(value.to_owned()),
            _ => {}
        }
    }
    hop
}

/// The older headers as hops. Proto and host have one value for the whole path, or one per hop.
fn older_hops(headers: &HeaderMap) -> Vec<Hop> {
    let (protos, hosts) = (values(headers, &PROTO), values(headers, &HOST));
    let mut addresses: Vec<_> = values(headers, &FOR).iter().map(|it| address(it)).collect();
    if addresses.is_empty() && !(protos.is_empty() && hosts.is_empty()) {
        addresses.push(None);
    }
    let count = addresses.len();
    let hops = addresses.into_iter().enumerate().map(|(index, address)| Hop {
        address,
        proto: at_hop(&protos, index, count),
        host: at_hop(&hosts, index, count),
    });
    hops.collect()
}

/// The value of the hop `index` of `count`. Values are aligned at the right, where the trusted proxies
/// append.
fn at_hop(values: &[String], index: usize, count: usize) -> Option<String> {
    let from_right = count - index;
    let index = values.len().saturating_sub(from_right);
    values.get(index).cloned()
}

/// The elements of all headers of this name, separated by commas.
fn values(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let texts = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let elements = texts.flat_map(|text| text.split(',')).map(str::trim);
    elements.filter(|element| !element.is_empty()).map(str::to_owned).collect()
}

/// `10.0.0.5`, `10.0.0.5:4711`, `2001:db8::5`, `[2001:db8::5]` or `[2001:db8::5]:4711`. RFC 7239 also
/// allows `unknown` and obfuscated identifiers, which are not addresses.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim().trim_matches('"');
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
    let socket = || text.parse::<SocketAddr>().ok().map(|it| it.ip());
    bare.parse::<IpAddr>().ok().or_else(socket).map(|it| it.to_canonical())
}

#[cfg(test)]
#[path = "forwarded_tests.rs"]
mod tests;
