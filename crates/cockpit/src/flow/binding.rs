//! Where the service listens, how it is encrypted, and under which names it is reached.

use super::doors::DoorAddresses;
use super::now;
use anyhow::Context as _;
use config::Config;
use config::endpoint::Endpoint;
use config::serve::Listen;
use serve::http::{Certificates, Network, TlsFiles};
use serve::{Clock, Limits};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use url::Url;

/// The resolved address, certificate and names of the service.
#[derive(Debug)]
pub struct Binding {
    pub address: SocketAddr,
    pub network: Network,
    /// The address that people open, if it is configured.
    pub public_url: Option<Url>,
    /// `None` is plain HTTP.
    pub certificates: Option<Arc<Certificates>>,
    /// Whether everybody who can reach the service may be an administrator, if that is configured.
    pub is_open_permitted: bool,
    /// Where the protocols for SQL listen.
    pub doors: DoorAddresses,
}

impl Binding {
    /// A port of the loopback interface, without TLS; 0 is any free port.
    pub fn local(port: u16) -> Self {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let network = Network::default();
        let (public_url, certificates) = (None, None);
        let doors = DoorAddresses::default();
        Self { address, network, public_url, certificates, is_open_permitted: true, doors }
    }

    /// Resolves what is configured.
    ///
    /// # Errors
    /// The name has no address; the certificate cannot be used; or other machines could reach the
    /// service without encryption and `is_insecure` does not permit it.
    pub async fn resolve(config: &Config, is_insecure: bool) -> anyhow::Result<Self> {
        let endpoint = &config.endpoint;
        let address = resolve(&config.listen.0).await?;
        endpoint.check_exposure(address.ip(), is_insecure)?;
        let hosts = hosts(config, address)?;
        let is_local = address.ip().to_canonical().is_loopback();
        let is_plain = endpoint.tls.is_none();
        let network = Network {
            hosts,
            trusted_proxies: endpoint.trusted_proxies.0.clone(),
            only_proxies: is_plain && !is_local && !is_insecure,
        };
        if is_plain && !is_local && is_insecure {
            tracing::warn!(%address, "serving_without_encryption");
        }
        let limits = Limits::from_settings(&config.plant.limits);
        let certificates = certificates(endpoint, &network, &limits).await?;
        let is_open_permitted = is_local || is_insecure;
        let public_url = endpoint.public_url.as_ref().map(|(url, _)| url.clone());
        let doors = DoorAddresses::resolve(config, is_insecure).await?;
        Ok(Self { address, network, public_url, certificates, is_open_permitted, doors })
    }

    /// `https` or `http`.
    pub fn scheme(&self) -> &'static str {
        if self.certificates.is_some() { "https" } else { "http" }
    }
}

/// The address of a name, IPv4 if it has one.
///
/// # Errors
/// The name has no address.
pub async fn resolve(listen: &Listen) -> anyhow::Result<SocketAddr> {
    let found = tokio::net::lookup_host((listen.host.as_str(), listen.port)).await;
    let found =
        found.with_context(|| format!("the name `{}` to listen on has no address", listen.host))?;
    // Every client can use IPv4, so it is preferred.
    let first = found.min_by_key(SocketAddr::is_ipv6);
    first.with_context(|| format!("`{listen}` has no address"))
}

/// The names the service answers to: those configured, that of the public URL, and the address itself,
/// since a foreign name cannot lead there.
fn hosts(config: &Config, address: SocketAddr) -> anyhow::Result<Vec<String>> {
    let mut hosts = config.hosts.0.clone();
    hosts.extend(config.endpoint.public_host().map(str::to_owned));
    let ip: IpAddr = address.ip().to_canonical();
    if ip.is_loopback() {
        return Ok(hosts);
    }
    if !ip.is_unspecified() {
        hosts.push(config::serve::host(&ip.to_string())?);
    } else if hosts.is_empty() {
        tracing::warn!(%address, advice = "configure --host or public_url", "no_host_configured");
    }
    Ok(hosts)
}

async fn certificates(
    endpoint: &Endpoint,
    network: &Network,
    limits: &Limits,
) -> anyhow::Result<Option<Arc<Certificates>>> {
    let Some(tls) = &endpoint.tls else { return Ok(None) };
    let files = TlsFiles { certificate: tls.certificate.0.clone(), key: tls.key.0.clone() };
    let host = endpoint.public_host().or(network.hosts.first().map(String::as_str));
    let clock: Clock = Arc::new(now);
    let opened = Certificates::open(files, host, limits.tls_warn_before, clock).await;
    Ok(Some(Arc::new(opened.context("the service cannot be encrypted")?)))
}
