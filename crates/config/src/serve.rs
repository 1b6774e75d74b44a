//! `[serve]` of plant.toml: where the service listens, and how it is reached.

use super::network::AddressRange;
use super::toml_reader::TomlReader;
use anyhow::{Context as _, bail};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;
use url::Url;

/// The port if none is given.
const DEFAULT_PORT: u16 = 8080;

/// The format of an address to listen on.
const EXPECTED: &str =
    "expected PORT, HOST or HOST:PORT, such as 8080, localhost:8080 or 10.0.0.5:8080";

/// The format of the public address of the service.
const EXPECTED_URL: &str = "expected http:// or https://, a host and perhaps a port, such as https://cockpit.plant.example";

/// Where the service listens: an address, or a name that is not resolved yet.
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
        Self::parse(text, DEFAULT_PORT)
    }
}

impl Listen {
    /// Parses an address that may have no port.
    ///
    /// # Errors
    /// The text is neither a port, nor a host, nor a host with a port.
    pub fn parse(text: &str, default_port: u16) -> anyhow::Result<Self> {
        let text = text.trim();
        let default = Self { port: default_port, ..Self::default() };
        if let Ok(port) = text.parse::<u16>() {
            return Ok(Self { port, ..default });
        }
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(address.into());
        }
        let bare = text.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(text);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self { host: ip.to_string(), ..default });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (text, Some(default_port)),
        };
        match port {
            Some(port) if is_host(host) => Ok(Self { host: host.to_owned(), port }),
            _ => bail!("invalid address to listen on `{text}`: {EXPECTED}"),
        }
    }
}

/// Whether a text is a host name: letters, digits, hyphens and dots, and not only digits.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.len() < 64 && label.bytes().all(is_allowed)
    };
    let has_letter = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    has_letter && text.len() < 254 && text.split('.').all(is_label)
}

/// Parses a name or address of the service, as the header `Host` contains it without the port.
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

/// Parses the address under which people open the service.
pub fn public_url(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text.trim()).ok().filter(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.host().is_some()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    url.with_context(|| format!("invalid public URL `{text}`: {EXPECTED_URL}"))
}

/// `[serve]` as it is written; `None` is a key that is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Serve {
    pub listen: Option<String>,
    pub hosts: Option<Vec<String>>,
    pub certificate: Option<String>,
    pub key: Option<String>,
    pub public_url: Option<String>,
    pub trusted_proxies: Option<Vec<String>>,
    pub postgres_listen: Option<String>,
    pub flight_listen: Option<String>,
}

/// Reads `[serve]`.
pub fn read(mut reader: TomlReader<'_, '_>) -> Serve {
    let serve = Serve {
        listen: reader.text("listen"),
        hosts: reader.texts("hosts"),
        certificate: reader.text("certificate"),
        key: reader.text("key"),
        public_url: reader.text("public_url"),
        trusted_proxies: reader.texts("trusted_proxies"),
        postgres_listen: reader.text("postgres_listen"),
        flight_listen: reader.text("flight_listen"),
    };
    if let Some(Err(error)) = serve.listen.as_deref().map(Listen::from_str) {
        reader.note("listen", error.to_string(), "Write such an address here.");
    }
    for (key, text) in
        [("postgres_listen", &serve.postgres_listen), ("flight_listen", &serve.flight_listen)]
    {
        if let Some(Err(error)) = text.as_deref().map(Listen::from_str) {
            reader.note(key, error.to_string(), "Write such an address here.");
        }
    }
    for error in serve.hosts.iter().flatten().filter_map(|name| host(name).err()) {
        reader.note("hosts", error.to_string(), "Write such names here.");
    }
    if let Some(Err(error)) = serve.public_url.as_deref().map(public_url) {
        reader.note("public_url", error.to_string(), "Write such an address here.");
    }
    let proxies = serve.trusted_proxies.iter().flatten();
    for error in proxies.filter_map(|text| text.parse::<AddressRange>().err()) {
        reader.note("trusted_proxies", error.to_string(), "Write such address ranges here.");
    }
    for (one, other) in [("certificate", "key"), ("key", "certificate")] {
        if reader.has(one) && !reader.has(other) {
            let remedy = format!("Add `{other}`, or configure both by flags or environment.");
            reader.note(one, format!("`{one}` without `{other}`"), remedy);
        }
    }
    reader.finish();
    serve
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for text in ["https://a.example", "http://a.example:8080/", " https://10.0.0.5 "] {
            assert!(public_url(text).is_ok(), "{text}");
        }
        for text in [
            "a.example",
            "ftp://a.example",
            "https://",
            "https://a.example/cockpit",
            "https://a.example?x",
            "https://a.example#x",
            "https://me@a.example",
            "https://me:secret@a.example",
        ] {
            assert!(
                public_url(text).unwrap_err().to_string().contains("https://cockpit"),
                "{text}"
            );
        }
    }

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
    fn an_invalid_address_is_refused_with_what_is_expected() {
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
    fn a_host_is_a_name_or_an_address_only() {
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
