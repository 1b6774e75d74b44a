//! The client of a request, and the network configuration that identifies it.

use super::forwarded::Forwarded;
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderName, header};
use config::network::AddressRange;
use std::net::{IpAddr, Ipv4Addr};

/// The source of a request. The listener adds the remote end of the connection to the extensions of each
/// request; the guard replaces it by the client that a trusted proxy reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// Address of the client; behind a trusted proxy, the address that the proxy reports.
    pub address: IpAddr,
    /// Whether the connection of the client is encrypted, here or at a trusted proxy.
    pub is_secure: bool,
}

impl Peer {
    /// The peer of a request. A request without one shares the limits of all such requests.
    pub fn from_extensions(extensions: &Extensions) -> Self {
        let unknown = Self { address: Ipv4Addr::UNSPECIFIED.into(), is_secure: false };
        extensions.get::<Self>().copied().unwrap_or(unknown)
    }
}

/// How the program can be reached.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// Accepted host names besides those of the loopback interface, without port.
    pub hosts: Vec<String>,
    /// Proxies whose forwarding headers are trusted.
    pub trusted_proxies: Vec<AddressRange>,
    /// Whether requests that did not come through a trusted proxy are refused: without TLS of its own,
    /// the program is encrypted only behind the proxy.
    pub only_proxies: bool,
}

impl Network {
    /// Whether a connection comes from a trusted proxy.
    pub fn is_proxy(&self, address: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|range| range.contains(address))
    }

    /// The client of a request, and the host with its port that it requested.
    pub fn client(&self, request: &Request) -> (Peer, String) {
        let direct = Peer::from_extensions(request.extensions());
        if !self.is_proxy(direct.address) {
            return (direct, authority(request));
        }
        let Forwarded { address, is_https, host } =
            Forwarded::from_headers(request.headers(), &self.trusted_proxies);
        let client = Peer {
            address: address.unwrap_or(direct.address),
            is_secure: is_https.unwrap_or(direct.is_secure),
        };
        (client, host.unwrap_or_else(|| authority(request)))
    }
}

/// The host of the request line (HTTP/2, or an absolute address), else of the header `Host`.
fn authority(request: &Request) -> String {
    let of_line = request.uri().authority().map(|authority| authority.as_str());
    of_line.or_else(|| text(request.headers(), header::HOST)).unwrap_or_default().to_owned()
}

/// The value of a header, `None` if it is not visible ASCII.
pub fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// A host without its port. The colons within `[::1]` do not separate a port.
pub fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn network() -> Network {
        let trusted_proxies = vec!["10.0.0.0/8".parse().unwrap()];
        Network { trusted_proxies, ..Network::default() }
    }

    fn client_of(address: &str, is_secure: bool) -> (Peer, String) {
        let request = Request::builder()
            .uri("/")
            .header("host", "inner:8080")
            .header("x-forwarded-for", "192.0.2.7")
            .header("x-forwarded-proto", "https")
            .header("x-forwarded-host", "cockpit.example")
            .extension(Peer { address: address.parse().unwrap(), is_secure })
            .body(Body::empty());
        network().client(&request.unwrap())
    }

    #[test]
    fn headers_of_a_trusted_proxy_are_used() {
        for address in ["10.1.2.3", "::ffff:10.1.2.3"] {
            let client = Peer { address: "192.0.2.7".parse().unwrap(), is_secure: true };
            let expected = (client, "cockpit.example".to_owned());
            assert_eq!(client_of(address, false), expected, "{address}");
        }
    }

    #[test]
    fn headers_of_other_clients_are_ignored() {
        for address in ["192.0.2.9", "127.0.0.1", "::1", "11.0.0.1"] {
            let direct = Peer { address: address.parse().unwrap(), is_secure: false };
            assert_eq!(client_of(address, false), (direct, "inner:8080".to_owned()));
        }
        assert!(client_of("192.0.2.9", true).0.is_secure);
    }

    #[test]
    fn the_port_is_removed_from_the_host() {
        for (authority, host) in
            [("a:1", "a"), ("a", "a"), ("[::1]:8080", "[::1]"), ("[::1]", "[::1]"), ("a:b", "a:b")]
        {
            assert_eq!(without_port(authority), host);
        }
    }
}
