//! Values of the environment for object stores and file servers: secrets by reference, and endpoints.

use crate::secret::SecretRef;
use anyhow::{Context as _, bail};
use std::path::PathBuf;
use url::Url;

/// The secret that the value of a variable refers to (`env:NAME`, `file:PATH`, `credential:NAME`), or the value itself.
///
/// # Errors
/// The secret cannot be read. The error does not contain it.
pub fn resolved(variable: &str, value: String) -> anyhow::Result<String> {
    match value.parse::<SecretRef>() {
        Ok(reference) => {
            let secret = reference.read().with_context(|| format!("the secret of {variable}"))?;
            Ok(secret.expose().to_owned())
        }
        Err(_) => Ok(value),
    }
}

/// The file that the value of a variable refers to by `file:PATH`.
pub fn resolved_path(value: &str) -> Option<PathBuf> {
    match value.parse::<SecretRef>() {
        Ok(SecretRef::File(path)) => Some(path),
        _ => None,
    }
}

/// Whether a variable with a yes or no is set to yes.
pub fn is_on(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes"))
}

/// The address of a service, without a final slash.
///
/// # Errors
/// It is no HTTP address, or it contains a user, a password or a query. The error does not repeat it.
pub fn endpoint(variable: &str, value: &str) -> anyhow::Result<String> {
    let url = Url::parse(value).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let Some(url) = url else {
        bail!(
            "{variable} is not the address of a service: expected https://HOST or http://HOST:PORT"
        );
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        bail!(
            "{variable} contains a user, a password or a query; remove it, and set keys by their own variables"
        );
    }
    Ok(value.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_refer_to_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, "a2V5\n").unwrap();
        let read = |value: &str| resolved("KEY", value.to_owned());
        assert_eq!(read(&format!("file:{}", file.display())).unwrap(), "a2V5");
        assert_eq!(read("a2V5").unwrap(), "a2V5");
        assert_eq!(read("{\"a\": \"file:x\"}").unwrap(), "{\"a\": \"file:x\"}");
        let error = format!("{:#}", read("file:/no/such/key").unwrap_err());
        assert!(error.contains("KEY") && error.contains("/no/such/key"), "{error}");
    }

    #[test]
    fn an_endpoint_is_an_address_without_keys() {
        for (value, expected) in [
            ("http://127.0.0.1:10000/plant/", "http://127.0.0.1:10000/plant"),
            ("https://storage.example", "https://storage.example"),
        ] {
            assert_eq!(endpoint("E", value).unwrap(), expected);
        }
        for wrong in [
            "127.0.0.1:10000",
            "ftp://host",
            "https://secret:secret@host",
            "https://secret@host",
            "https://host?sig=secret",
        ] {
            let error = format!("{:#}", endpoint("E", wrong).unwrap_err());
            assert!(error.starts_with("E ") && !error.contains("secret"), "{error}");
        }
    }
}
