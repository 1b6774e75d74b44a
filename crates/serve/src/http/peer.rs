//! The client at the other end of a connection.

use axum::http::Extensions;
use std::net::{IpAddr, Ipv4Addr};

/// Where a request comes from. `listen` adds it to the extensions of each request.
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
