//! TLS of FTP.

use super::FtpAddress;
use crate::{Cause, Failure};
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Where distributions have the certificates of authorities.
const SYSTEM_CERTIFICATES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// Sessions that one connection keeps: that of its commands and those of its last transfers.
const SESSIONS: usize = 16;

/// TLS of one connection and of its transfers. These share sessions, because servers refuse a transfer with another
/// session than that of the commands.
#[derive(Clone)]
pub struct Tls {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS to the server of `address`.
    pub fn new(address: &FtpAddress) -> Result<Self, Failure> {
        let local = |detail: String| Failure::new(Cause::Local, detail);
        let roots = roots(address.ca_file.as_deref()).map_err(local)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| local(error.to_string()))?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let name = ServerName::try_from(address.host.clone());
        let name = name.map_err(|error| local(format!("{}: {error}", address.host)))?;
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Encrypts a connection.
    pub async fn start(&self, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
        let started = self.connector.connect(self.name.clone(), stream).await;
        started.map_err(|error| failure(&error))
    }
}

fn failure(error: &io::Error) -> Failure {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(_)) => {
            Failure::new(Cause::Certificate, error.to_string())
        }
        Some(_) => Failure::new(Cause::Unsupported, format!("TLS: {error}")),
        None => Failure::broken(error),
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca_file {
        let unreadable = |error: &dyn std::fmt::Display| {
            format!("the certificates of {} cannot be read: {error}", file.display())
        };
        let certificates = CertificateDer::pem_file_iter(file).map_err(|it| unreadable(&it))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            roots.add(certificate).map_err(|error| unreadable(&error))?;
        }
    }
    for file in SYSTEM_CERTIFICATES.iter().filter(|file| Path::new(file).exists()) {
        if let Ok(certificates) = CertificateDer::pem_file_iter(file) {
            roots.add_parsable_certificates(certificates.flatten());
        }
    }
    if roots.is_empty() {
        return Err("this machine has no certificates of authorities".to_owned());
    }
    Ok(roots)
}
