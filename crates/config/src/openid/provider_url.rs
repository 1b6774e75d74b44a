//! The address of an issuer.

use anyhow::{Context as _, bail};
use url::{Host, Url};

const EXPECTED: &str =
    "expected https://, a host and perhaps a path, such as https://id.plant.example/realms/plant";

/// Parses an issuer. It has no query and no fragment (OpenID Connect Discovery), and is encrypted
/// unless its host is this machine.
///
/// # Errors
/// The text is another address, or not encrypted.
pub fn issuer(text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text).ok().filter(|url| {
        url.host().is_some()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    });
    let url = url.with_context(|| format!("invalid issuer `{text}`: {EXPECTED}"))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_this_machine(&url) => Ok(url),
        _ => bail!("invalid issuer `{text}`: {EXPECTED}; http is for this machine only"),
    }
}

/// Whether the host of an address is the loopback interface.
fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_encrypted_and_has_no_query() {
        for text in [
            "https://accounts.google.com",
            "https://id.plant.example/realms/plant",
            "https://id.plant.example:8443/",
            "http://127.0.0.1:9000",
            "http://localhost:9000/x",
            "http://[::1]:9000",
        ] {
            assert!(issuer(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "id.plant.example",
            "http://id.plant.example",
            "http://10.0.0.5",
            "ftp://localhost",
            "https://id.plant.example/?a=b",
            "https://id.plant.example/#a",
            "https://me:secret@id.plant.example/",
        ] {
            let error = issuer(text).unwrap_err().to_string();
            assert!(error.contains("expected https://"), "{text}: {error}");
        }
    }
}
