//! Ranges of IP addresses in CIDR notation, such as `10.0.0.0/8`.

use anyhow::bail;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The addresses that share their first `prefix_bits` bits with `first`. An IPv4 address matches also
/// in its IPv6 form (`::ffff:10.0.0.5`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AddressRange {
    first: IpAddr,
    prefix_bits: u8,
}

impl AddressRange {
    /// The range that consists of one address.
    pub fn single(address: IpAddr) -> Self {
        let first = address.to_canonical();
        Self { first, prefix_bits: width_bits(first) }
    }

    /// Whether the range contains `address`.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                masked_v4(address, self.prefix_bits) == first
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                masked_v6(address, self.prefix_bits) == first
            }
            _ => false,
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_bits)
    }
}

impl FromStr for AddressRange {
    type Err = anyhow::Error;

    /// Parses `ADDRESS` or `ADDRESS/BITS`. An address with bits set beyond the prefix is an error,
    /// because it is unclear which of both is wrong.
    fn from_str(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let (address, bits) =
            text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let Ok(address) = address.parse::<IpAddr>() else {
            bail!(
                "invalid address range `{text}`: expected ADDRESS or ADDRESS/BITS, such as 10.0.0.0/8"
            );
        };
        let Some(bits) = bits else { return Ok(Self::single(address)) };
        let width = width_bits(address);
        let Some(prefix_bits) = bits.parse::<u8>().ok().filter(|bits| *bits <= width) else {
            bail!("invalid address range `{text}`: expected 0 to {width} after the slash");
        };
        let first = match address {
            IpAddr::V4(it) => IpAddr::V4(masked_v4(it, prefix_bits)),
            IpAddr::V6(it) => IpAddr::V6(masked_v6(it, prefix_bits)),
        };
        if first != address {
            bail!("invalid address range `{text}`: expected {first}/{prefix_bits}");
        }
        Ok(Self { first, prefix_bits })
    }
}

const fn width_bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

fn masked_v4(address: Ipv4Addr, prefix_bits: u8) -> Ipv4Addr {
    let mask = u32::MAX.checked_shl(32 - u32::from(prefix_bits)).unwrap_or(0);
    Ipv4Addr::from_bits(address.to_bits() & mask)
}

fn masked_v6(address: Ipv6Addr, prefix_bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(prefix_bits)).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & mask)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(range: &str, inside: &[&str], outside: &[&str]) {
        let parsed: AddressRange = range.parse().unwrap();
        for address in inside {
            assert!(parsed.contains(address.parse().unwrap()), "{range} {address}");
        }
        for address in outside {
            assert!(!parsed.contains(address.parse().unwrap()), "{range} {address}");
        }
    }

    #[test]
    fn a_range_contains_the_addresses_of_its_prefix() {
        check(
            "10.0.0.0/8",
            &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"],
            &["11.0.0.0", "::1"],
        );
        check(
            "192.168.4.0/22",
            &["192.168.4.0", "192.168.7.255"],
            &["192.168.8.0", "192.168.3.255"],
        );
        check("127.0.0.1", &["127.0.0.1"], &["127.0.0.2"]);
        check("0.0.0.0/0", &["1.2.3.4", "255.255.255.255"], &["::1", "2001:db8::1"]);
        check("fd00::/8", &["fd00::1", "fdff::"], &["fc00::1", "fe80::1", "10.0.0.1"]);
        check("::/0", &["::1", "2001:db8::1"], &["10.0.0.1"]);
        check("::1", &["::1"], &["::2"]);
    }

    #[test]
    fn a_range_is_printed_as_it_is_parsed() {
        for text in ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8", "::1/128"] {
            assert_eq!(text.parse::<AddressRange>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn an_invalid_range_is_refused_with_what_is_expected() {
        for (text, expected) in [
            ("", "ADDRESS/BITS"),
            ("proxy.example", "ADDRESS/BITS"),
            ("10.0.0.0/", "0 to 32"),
            ("10.0.0.0/33", "0 to 32"),
            ("fd00::/129", "0 to 128"),
            ("10.0.0.0/-1", "0 to 32"),
            ("10.0.0.1/8", "10.0.0.0/8"),
            ("10.0.0.0/8/8", "0 to 32"),
        ] {
            let error = text.parse::<AddressRange>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
