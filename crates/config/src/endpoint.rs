//! How the service is reached over the network: TLS, its public address, and the proxies in front of it.

use super::network::AddressRange;
use super::serve::{Serve, public_url};
use super::settings::Origin;
use super::{Flags, pick};
use anyhow::{Context as _, bail};
use std::net::IpAddr;
use std::path::PathBuf;
use url::Url;

/// How the service is reached, besides the address it listens on.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// PEM files of the certificate and of its private key, if the service encrypts itself.
    pub tls: Option<TlsFiles>,
    /// The address that people open, without path.
    pub public_url: Option<(Url, Origin)>,
    /// Addresses of proxies whose report about the client is believed.
    pub trusted_proxies: (Vec<AddressRange>, Origin),
}

/// The configured PEM files. Relative paths start at the working directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: (PathBuf, Origin),
    pub key: (PathBuf, Origin),
}

impl Endpoint {
    /// Reads flags, environment and `[serve]`, in this order.
    pub(super) fn read(flags: &Flags, serve: &Serve) -> anyhow::Result<Self> {
        let tls = tls_files(flags, serve)?;
        let url = pick(flags.public_url.clone(), "COCKPIT_PUBLIC_URL", serve.public_url.clone());
        let public_url = url.map(|(text, origin)| {
            let url = public_url(&text).with_context(|| set_by("public URL", origin))?;
            anyhow::Ok((url, origin))
        });
        Ok(Self {
            tls,
            public_url: public_url.transpose()?,
            trusted_proxies: trusted_proxies(flags, serve)?,
        })
    }

    /// The host of the public address, without port.
    pub fn public_host(&self) -> Option<&str> {
        self.public_url.as_ref().and_then(|(url, _)| url.host_str())
    }

    /// Fails if the service would be reachable by other machines without encryption.
    ///
    /// # Errors
    /// `listen` is an address beyond the loopback interface, and there is neither TLS nor a trusted
    /// proxy that provides it; `is_insecure` permits it.
    pub fn check_exposure(&self, listen: IpAddr, is_insecure: bool) -> anyhow::Result<()> {
        let is_local = listen.to_canonical().is_loopback();
        if is_local || is_insecure || self.tls.is_some() || self.has_proxy() {
            return Ok(());
        }
        bail!(
            "{listen} can be reached by other machines without encryption: configure `certificate` and \
             `key` in [serve] of plant.toml (`cockpit certificate` makes a pair), or `trusted_proxies` \
             if a proxy with TLS is in front, or permit it with --insecure"
        );
    }

    /// Whether a proxy is in front.
    pub fn has_proxy(&self) -> bool {
        !self.trusted_proxies.0.is_empty()
    }
}

fn tls_files(flags: &Flags, serve: &Serve) -> anyhow::Result<Option<TlsFiles>> {
    let certificate =
        pick(flags.certificate.clone(), "COCKPIT_CERTIFICATE", serve.certificate.clone());
    let key = pick(flags.key.clone(), "COCKPIT_KEY", serve.key.clone());
    let path = |(text, origin): (String, Origin)| (PathBuf::from(text), origin);
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(TlsFiles { certificate: path(certificate), key: path(key) }))
        }
        (Some((file, _)), None) => {
            bail!("the certificate {file} has no key: configure `key` in [serve], or --key FILE")
        }
        (None, Some((file, _))) => bail!(
            "the key {file} has no certificate: configure `certificate` in [serve], or --certificate FILE"
        ),
    }
}

fn trusted_proxies(flags: &Flags, serve: &Serve) -> anyhow::Result<(Vec<AddressRange>, Origin)> {
    let variable = super::env("COCKPIT_TRUSTED_PROXIES");
    let (texts, origin) = match (&flags.trusted_proxies[..], variable, &serve.trusted_proxies) {
        ([], None, None) => (Vec::new(), Origin::Default),
        ([], None, Some(texts)) => (texts.clone(), Origin::PlantFile),
        ([], Some(text), _) => (vec![text], Origin::Environment),
        (texts, _, _) => (texts.to_vec(), Origin::Flag),
    };
    let parts = texts.iter().flat_map(|text| text.split(',')).map(str::trim);
    let ranges = parts.filter(|part| !part.is_empty()).map(str::parse).collect::<Result<_, _>>();
    Ok((ranges.with_context(|| set_by("trusted proxies", origin))?, origin))
}

fn set_by(what: &str, origin: Origin) -> String {
    format!("the {what} set by {}", origin.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(certificate: Option<&str>, key: Option<&str>, proxies: &[&str]) -> Flags {
        Flags {
            certificate: certificate.map(str::to_owned),
            key: key.map(str::to_owned),
            trusted_proxies: proxies.iter().map(ToString::to_string).collect(),
            ..Flags::default()
        }
    }

    fn endpoint(flags: &Flags) -> Endpoint {
        Endpoint::read(flags, &Serve::default()).unwrap()
    }

    #[test]
    fn certificate_and_key_go_together() {
        let read = |certificate, key| {
            let read = Endpoint::read(&flags(certificate, key, &[]), &Serve::default());
            read.map(|it| it.tls.is_some()).map_err(|error| error.to_string())
        };
        assert_eq!(read(None, None), Ok(false));
        assert_eq!(read(Some("a.pem"), Some("b.pem")), Ok(true));
        assert!(read(Some("a.pem"), None).unwrap_err().contains("a.pem has no key"));
        assert!(read(None, Some("b.pem")).unwrap_err().contains("b.pem has no certificate"));
    }

    #[test]
    fn flags_win_over_the_plant() {
        let serve = Serve {
            certificate: Some("plant.pem".into()),
            key: Some("plant.key".into()),
            public_url: Some("https://a.example".into()),
            trusted_proxies: Some(vec!["10.0.0.0/8".into()]),
            ..Serve::default()
        };
        let read = Endpoint::read(&flags(Some("flag.pem"), None, &["::1, 192.0.2.0/24"]), &serve);
        let read = read.unwrap();
        let tls = read.tls.as_ref().unwrap();
        assert_eq!(tls.certificate, ("flag.pem".into(), Origin::Flag));
        assert_eq!(tls.key, ("plant.key".into(), Origin::PlantFile));
        assert_eq!(read.public_host(), Some("a.example"));
        let (proxies, origin) = read.trusted_proxies;
        assert_eq!((proxies.len(), origin), (2, Origin::Flag));
    }

    #[test]
    fn other_machines_need_encryption() {
        let check = |endpoint: &Endpoint, listen: &str, is_insecure| {
            endpoint.check_exposure(listen.parse().unwrap(), is_insecure).is_ok()
        };
        let plain = endpoint(&flags(None, None, &[]));
        let tls = endpoint(&flags(Some("a.pem"), Some("b.pem"), &[]));
        let proxied = endpoint(&flags(None, None, &["10.0.0.1"]));
        for listen in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert!(check(&plain, listen, false), "{listen}");
        }
        for listen in ["0.0.0.0", "::", "10.0.0.5", "fe80::1"] {
            assert!(!check(&plain, listen, false), "{listen}");
            assert!(check(&plain, listen, true), "{listen}");
            assert!(check(&tls, listen, false) && check(&proxied, listen, false), "{listen}");
        }
        let error =
            plain.check_exposure("0.0.0.0".parse().unwrap(), false).unwrap_err().to_string();
        for part in ["certificate", "key", "trusted_proxies", "--insecure"] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
