//! Requests to a provider: to allowed addresses only, without redirects, bounded in time and size.
//!
//! An administrator configures the issuer, so its host may have any address. The provider itself
//! names the other hosts, in its metadata: these must be public or explicitly allowed, so that a
//! provider cannot make the program connect to services of this machine or its network.

use crate::openid_limits::OpenIdLimits;
use anyhow::Context as _;
use config::openid::OpenIdProvider;
use config::outgoing::OutgoingPolicy;
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Certificate, Client, redirect};
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::Semaphore;
use url::{Host, Url};

/// The hosts that a provider may have.
#[derive(Debug, Clone)]
pub struct HostPolicy {
    /// Whether addresses must be encrypted: always, unless the issuer is on this machine.
    is_encrypted: bool,
    /// The host of the issuer.
    host: String,
    others: OutgoingPolicy,
}

/// The failure of a request.
#[derive(Debug)]
pub struct OutgoingError(String);

/// Sends requests to a provider.
#[derive(Debug, Clone)]
pub struct Outgoing {
    client: Client,
    policy: HostPolicy,
    permits: Arc<Semaphore>,
    answer_bytes: usize,
}

impl HostPolicy {
    /// The policy of a provider.
    ///
    /// # Errors
    /// Its issuer is invalid.
    pub fn new(provider: &OpenIdProvider) -> anyhow::Result<Self> {
        let issuer = provider.issuer_url()?;
        Ok(Self {
            is_encrypted: issuer.scheme() == "https",
            host: issuer.host_str().unwrap_or_default().to_owned(),
            others: OutgoingPolicy::new(provider.allowed_addresses.clone()),
        })
    }

    /// Refuses an address that is not encrypted or contains a password. The browser of a user may be
    /// sent to any host, the program may not: see [`Self::check`].
    pub fn check_scheme(&self, url: &Url) -> Result<(), OutgoingError> {
        let is_allowed = match url.scheme() {
            "https" => true,
            "http" => !self.is_encrypted,
            _ => false,
        };
        if is_allowed && url.username().is_empty() && url.password().is_none() {
            return Ok(());
        }
        let scheme = url.scheme();
        Err(OutgoingError(format!("an address of the provider is not allowed: scheme {scheme}")))
    }

    /// Refuses an address that must not be connected to.
    fn check(&self, url: &Url) -> Result<(), OutgoingError> {
        self.check_scheme(url)?;
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            // The resolver checks the addresses of a name.
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(OutgoingError("an address of the provider has no host".into())),
        };
        match self.refusal(url.host_str().unwrap_or_default(), address) {
            None => Ok(()),
            Some(refusal) => Err(OutgoingError(refusal)),
        }
    }

    /// Why `address` of the host `name` must not be connected to; `None` if it may.
    fn refusal(&self, name: &str, address: IpAddr) -> Option<String> {
        if name.eq_ignore_ascii_case(&self.host) {
            return None;
        }
        let kind = self.others.refusal(address)?;
        Some(format!(
            "connections to {name} are not allowed: {address} is {kind}; `allowed_addresses` of the \
             provider can allow its range"
        ))
    }
}

impl Resolve for HostPolicy {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, name) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((&name[..], 0)).await?.collect();
            let refusal = found.iter().find_map(|it| policy.refusal(&name, it.ip()));
            let is_allowed = |it: &SocketAddr| policy.refusal(&name, it.ip()).is_none();
            let allowed: Vec<SocketAddr> = found.into_iter().filter(is_allowed).collect();
            match refusal {
                Some(refusal) if allowed.is_empty() => Err(OutgoingError(refusal).into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

impl Outgoing {
    /// A client for a provider. Reads its certificates.
    ///
    /// # Errors
    /// The file of certificates cannot be read, or contains no certificate.
    pub async fn new(
        provider: &OpenIdProvider,
        policy: HostPolicy,
        limits: &OpenIdLimits,
        permits: Arc<Semaphore>,
    ) -> anyhow::Result<Self> {
        let mut builder = Client::builder()
            .tls_backend_rustls()
            .dns_resolver(policy.clone())
            .redirect(redirect::Policy::none())
            // A proxy would resolve names by itself.
            .no_proxy()
            .referer(false)
            .timeout(limits.request_time)
            .connect_timeout(limits.request_time);
        if let Some(file) = &provider.ca_file {
            let unreadable = || format!("cannot read the certificates {}", file.display());
            let pem = tokio::fs::read(file).await.with_context(unreadable)?;
            let certificates = Certificate::from_pem_bundle(&pem).with_context(unreadable)?;
            anyhow::ensure!(!certificates.is_empty(), "{} has no certificate", file.display());
            builder = builder.tls_certs_only(certificates);
        }
        let client = builder.build().context("the client for the provider cannot be built")?;
        Ok(Self { client, policy, permits, answer_bytes: limits.answer_bytes })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, OutgoingError> {
        let (parts, body) = request.into_parts();
        let url = Url::parse(&parts.uri.to_string()).map_err(|error| {
            OutgoingError(format!("an address of the provider is invalid: {error}"))
        })?;
        self.policy.check(&url)?;
        let _permit = self.permits.acquire().await.map_err(|_closed| stopping())?;
        let sent = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let mut response = sent.send().await.map_err(OutgoingError::from)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(OutgoingError::from)? {
            if bytes.len().saturating_add(chunk.len()) > self.answer_bytes {
                let limit = self.answer_bytes;
                return Err(OutgoingError(format!("the answer has more than {limit} bytes")));
            }
            bytes.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(bytes);
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

fn stopping() -> OutgoingError {
    OutgoingError("the program is stopping".to_owned())
}

impl<'c> AsyncHttpClient<'c> for Outgoing {
    type Error = OutgoingError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, OutgoingError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

impl fmt::Display for OutgoingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for OutgoingError {}

impl From<reqwest::Error> for OutgoingError {
    /// The error with its causes, without the address.
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self(text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::configured;
    use super::*;

    fn check(issuer: &str, url: &str) -> Result<(), String> {
        let policy = HostPolicy::new(&configured("plant", issuer)).unwrap();
        policy.check(&Url::parse(url).unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn only_the_host_of_the_issuer_may_be_private() {
        let issuer = "https://10.0.0.5/realms/plant";
        assert_eq!(check(issuer, "https://10.0.0.5/token"), Ok(()));
        assert_eq!(check(issuer, "https://1.1.1.1/token"), Ok(()));
        for url in ["https://10.0.0.6/token", "https://169.254.169.254/", "https://[::1]/x"] {
            assert!(check(issuer, url).unwrap_err().contains("not allowed"), "{url}");
        }
    }

    #[test]
    fn addresses_are_encrypted_unless_the_issuer_is_on_this_machine() {
        let (there, here) = ("https://id.example", "http://127.0.0.1:9000");
        for (issuer, url, is_allowed) in [
            (there, "https://id.example/token", true),
            (there, "http://id.example/token", false),
            (there, "javascript:alert(1)", false),
            (there, "https://me:secret@id.example/token", false),
            (here, "http://127.0.0.1:9000/token", true),
            (here, "file:///etc/passwd", false),
        ] {
            assert_eq!(check(issuer, url).is_ok(), is_allowed, "{url}");
        }
    }

    #[test]
    fn a_name_is_judged_by_its_addresses() {
        let policy = HostPolicy::new(&configured("plant", "https://id.example")).unwrap();
        let refusal = |name, address: &str| policy.refusal(name, address.parse().unwrap());
        assert_eq!(refusal("ID.example", "10.0.0.1"), None);
        assert_eq!(refusal("keys.example", "1.1.1.1"), None);
        assert!(refusal("keys.example", "127.0.0.1").unwrap().contains("loopback"));
    }
}
