//! Which addresses the program may connect to on behalf of a user, such as for a webhook or an HTTP source.
//!
//! A user who configures such a URL must not reach services through this program that only this machine or
//! its network can reach: the metadata service of a cloud, a database, the program itself. The check is on the address
//! that is connected to, not on the name: a name can resolve to another address a moment later (DNS
//! rebinding). So a client resolves by [`OutgoingPolicy::resolve`], connects to one of the returned
//! addresses, and does the same for the target of each redirect.

use super::network::AddressRange;
use anyhow::{Context as _, bail};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::Url;

/// The ranges that are allowed beyond public addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutgoingPolicy {
    allowed: Vec<AddressRange>,
}

impl OutgoingPolicy {
    /// Allows public addresses, and those in `allowed`.
    pub fn new(allowed: Vec<AddressRange>) -> Self {
        Self { allowed }
    }

    /// The addresses of the host of `url` that may be connected to. `lookup` resolves a name.
    ///
    /// # Errors
    /// As [`OutgoingPolicy::check`] and [`OutgoingPolicy::allowed`].
    pub fn resolve(
        &self,
        url: &Url,
        lookup: impl FnOnce(&str, u16) -> io::Result<Vec<SocketAddr>>,
    ) -> anyhow::Result<Vec<SocketAddr>> {
        self.check(url)?;
        let (host, port) =
            url.host().zip(url.port_or_known_default()).context("a URL without host")?;
        let found = match &host {
            url::Host::Ipv4(address) => vec![(*address, port).into()],
            url::Host::Ipv6(address) => vec![(*address, port).into()],
            url::Host::Domain(name) => {
                lookup(name, port).with_context(|| format!("the host `{name}` has no address"))?
            }
        };
        self.allowed(&host.to_string(), found)
    }

    /// Checks what can be checked without resolving a name.
    ///
    /// # Errors
    /// The scheme is neither http nor https, the URL contains a password, or its host is an address that is not
    /// allowed.
    pub fn check(&self, url: &Url) -> anyhow::Result<()> {
        if !matches!(url.scheme(), "http" | "https") {
            bail!("invalid scheme `{}` of an outgoing URL: expected http or https", url.scheme());
        }
        if !url.username().is_empty() || url.password().is_some() {
            bail!(
                "an outgoing URL must not contain a user or a password: configure them separately"
            );
        }
        let address: IpAddr = match url.host().context("a URL without host")? {
            url::Host::Ipv4(address) => address.into(),
            url::Host::Ipv6(address) => address.into(),
            url::Host::Domain(_) => return Ok(()),
        };
        self.allowed(&address.to_string(), vec![(address, 0).into()]).map(drop)
    }

    /// Those of the addresses of a host that may be connected to.
    ///
    /// # Errors
    /// There is no address, or none is allowed.
    pub fn allowed(&self, host: &str, found: Vec<SocketAddr>) -> anyhow::Result<Vec<SocketAddr>> {
        let mut refused = None;
        let mut allowed = Vec::new();
        for address in found {
            match self.refusal(address.ip()) {
                None => allowed.push(address),
                Some(kind) => refused = Some((address.ip(), kind)),
            }
        }
        match refused {
            Some((address, kind)) if allowed.is_empty() => bail!(
                "connections to {host} are not allowed: {address} is {kind}; an administrator can allow \
                 its range"
            ),
            None if allowed.is_empty() => bail!("the host `{host}` has no address"),
            _ => Ok(allowed),
        }
    }

    /// What kind of address is refused; `None` if it is allowed.
    pub fn refusal(&self, address: IpAddr) -> Option<&'static str> {
        let kind = kind(address)?;
        let is_allowed = self.allowed.iter().any(|range| range.contains(address));
        (!is_allowed).then_some(kind)
    }
}

/// What an address that is not public is for.
fn kind(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => kind_v4(address),
        IpAddr::V6(address) => kind_v6(address),
    }
}

fn kind_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [first, second, third, _] = address.octets();
    Some(match (first, second, third) {
        (127, ..) => "a loopback address",
        (169, 254, _) => "a link-local address",
        _ if address.is_private() => "a private address",
        (100, 64..=127, _) => "an address shared by a provider",
        (0, ..) | (240..=255, ..) => "a reserved address",
        (224..=239, ..) => "a multicast address",
        (192, 0, 0) | (198, 18..=19, _) => "an address for special purposes",
        _ => return None,
    })
}

fn kind_v6(address: Ipv6Addr) -> Option<&'static str> {
    let segments = address.segments();
    // Addresses that contain an IPv4 address, which a gateway connects to: NAT64 and 6to4.
    let embedded = match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some((high, low)),
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => Some((high, low)),
        _ => None,
    };
    if let Some((high, low)) = embedded {
        return kind_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)));
    }
    Some(match segments[0] {
        _ if address.is_loopback() => "a loopback address",
        _ if address.is_unspecified() => "a reserved address",
        0xfe80..=0xfebf => "a link-local address",
        0xfec0..=0xfeff | 0xfc00..=0xfdff => "a private address",
        0xff00..=0xffff => "a multicast address",
        // Only 2000::/3 is in use on the public network.
        0x2000..=0x3fff => return None,
        _ => "a reserved address",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(policy: &OutgoingPolicy, url: &str, found: &[&str]) -> Result<usize, String> {
        let lookup = |_: &str, port| {
            Ok(found.iter().map(|it| (it.parse::<IpAddr>().unwrap(), port).into()).collect())
        };
        let resolved = policy.resolve(&Url::parse(url).unwrap(), lookup);
        resolved.map(|it| it.len()).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn only_public_addresses_are_allowed() {
        let policy = OutgoingPolicy::default();
        for address in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "4000::1",
            "100::1",
        ] {
            assert!(policy.refusal(address.parse().unwrap()).is_some(), "{address}");
        }
        for address in [
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "169.253.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.0.1.1",
            "198.20.0.1",
            "2606:4700::1111",
            "64:ff9b::101:101",
            "2002:101:101::1",
        ] {
            assert!(policy.refusal(address.parse().unwrap()).is_none(), "{address}");
        }
    }

    #[test]
    fn configured_ranges_are_allowed_too() {
        let policy = OutgoingPolicy::new(vec!["10.1.0.0/16".parse().unwrap()]);
        for (address, is_allowed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("10.2.0.1", false),
            ("127.0.0.1", false),
        ] {
            assert_eq!(policy.refusal(address.parse().unwrap()).is_none(), is_allowed, "{address}");
        }
    }

    #[test]
    fn a_name_is_judged_by_what_it_resolves_to() {
        let policy = OutgoingPolicy::default();
        let url = "https://hooks.example/x";
        assert_eq!(resolve(&policy, url, &["1.1.1.1", "2606:4700::1"]), Ok(2));
        assert_eq!(resolve(&policy, url, &["1.1.1.1", "127.0.0.1"]), Ok(1));
        let error = resolve(&policy, url, &["169.254.169.254"]).unwrap_err();
        assert!(error.contains("hooks.example") && error.contains("link-local"), "{error}");
        assert!(resolve(&policy, url, &[]).unwrap_err().contains("no address"));
        // The name of a redirect, or the same name a moment later, is judged again.
        assert!(resolve(&policy, url, &["10.0.0.1"]).is_err());
    }

    #[test]
    fn addresses_in_every_notation_are_recognised() {
        let policy = OutgoingPolicy::default();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "http://127.1/",
            "http://0/",
            "http://①②⑦.0.0.1/",
        ] {
            assert!(resolve(&policy, url, &["1.1.1.1"]).is_err(), "{url}");
        }
    }

    #[test]
    fn other_schemes_and_passwords_are_refused() {
        let policy = OutgoingPolicy::default();
        for (url, expected) in [
            ("file:///etc/passwd", "http or https"),
            ("gopher://a.example/", "http or https"),
            ("ftp://a.example/", "http or https"),
            ("https://me:secret@a.example/", "user or a password"),
            ("https://me@a.example/", "user or a password"),
        ] {
            let error = resolve(&policy, url, &["1.1.1.1"]).unwrap_err();
            assert!(error.contains(expected) && !error.contains("secret"), "{url}: {error}");
        }
    }
}
