//! `[serve]` of plant.toml: where the program listens, and the names it answers to.

use super::toml_reader::TomlReader;
use anyhow::bail;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

/// The port if none is given.
const DEFAULT_PORT: u16 = 8080;

/// What an address to listen on looks like.
const EXPECTED: &str =
    "expected PORT, HOST or HOST:PORT, such as 8080, localhost:8080 or 10.0.0.5:8080";

/// Where the program listens: an address, or a name that has yet to be resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    pub host: String,
    pub port: u16,
}

impl Default for Listen {
    fn default() -> Self {
        Self { host: Ipv4Addr::LOCALHOST.to_string(), port: DEFAULT_PORT }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self { host: address.ip().to_string(), port: address.port() }
    }
}

impl FromStr for Listen {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let usual = Self::default();
        if let Ok(port) = text.parse::<u16>() {
            return Ok(Self { port, ..usual });
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self { host: ip.to_string(), ..usual });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (text, Some(DEFAULT_PORT)),
        };
        match port {
            Some(port) if is_host(host) => Ok(Self { host: host.to_owned(), port }),
            _ => bail!("invalid address to listen on `{text}`: {EXPECTED}"),
        }
    }
}

/// Whether a text is a name of a machine: letters, digits, hyphens and dots, not all of them digits.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_of_label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() < 64 && label.bytes().all(is_of_label)
    };
    let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    has_letter && text.len() < 254 && text.split('.').all(is_label)
}

/// A name or address the program answers to, as the `Host` of a request has it without its port.
pub fn host(text: &str) -> anyhow::Result<String> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => return Ok(format!("[{ip}]")),
        Ok(IpAddr::V4(ip)) => return Ok(ip.to_string()),
        Err(_) if is_host(text) => return Ok(text.to_ascii_lowercase()),
        Err(_) => {}
    }
    bail!(
        "invalid host `{text}`: expected the name or address that people open, without scheme, port or \
         path, such as cockpit.plant.example"
    )
}

/// What `[serve]` holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serve {
    pub listen: Option<String>,
    pub hosts: Option<Vec<String>>,
}

/// Reads `[serve]`.
pub fn read(mut reader: TomlReader<'_, '_>) -> Serve {
    let listen = reader.text("listen");
    if let Some(Err(error)) = listen.as_deref().map(Listen::from_str) {
        reader.note("listen", error.to_string(), "Write such an address here.");
    }
    let hosts = reader.texts("hosts");
    for error in hosts.iter().flatten().filter_map(|name| host(name).err()) {
        reader.note("hosts", error.to_string(), "Write such names here.");
    }
    reader.finish();
    Serve { listen, hosts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_short() {
        for (text, expected) in [
            ("8080", "127.0.0.1:8080"),
            ("0", "127.0.0.1:0"),
            (" 9000 ", "127.0.0.1:9000"),
            ("localhost:8080", "localhost:8080"),
            ("localhost", "localhost:8080"),
            ("cockpit.plant.example:80", "cockpit.plant.example:80"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("0.0.0.0", "0.0.0.0:8080"),
            ("::1", "[::1]:8080"),
            ("[::1]", "[::1]:8080"),
            ("[::]:9000", "[::]:9000"),
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_is_expected() {
        for text in [
            "",
            ":8080",
            "8080:",
            "localhost:",
            "localhost:http",
            "localhost:70000",
            "70000",
            "-1",
            "http://localhost:8080",
            "a b:80",
            "*:8080",
            "1.2.3:80",
            "1.2.3.4.5",
            "local/host",
            "a..b",
        ] {
            let error = text.parse::<Listen>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{}`", text.trim())), "{text}: {error}");
            assert!(error.contains("HOST:PORT"), "{text}: {error}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_nothing_more() {
        for (text, expected) in [
            ("Cockpit.Plant.example", "cockpit.plant.example"),
            ("10.0.0.5", "10.0.0.5"),
            ("2001:db8::5", "[2001:db8::5]"),
            ("[2001:DB8::5]", "[2001:db8::5]"),
        ] {
            assert_eq!(host(text).unwrap(), expected);
        }
        for text in
            ["", "*", "https://a.example", "a.example:443", "a.example/x", "a b", "*.example"]
        {
            assert!(host(text).unwrap_err().to_string().contains("without scheme"), "{text}");
        }
    }
}
