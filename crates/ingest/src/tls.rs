//! TLS to databases and brokers.

use crate::Error;
use anyhow::{Context as _, bail};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where distributions have the certificates of authorities.
const SYSTEM_CERTIFICATES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
];

/// The files with certificates of authorities: that of the contract and that of the system.
pub fn files(ca_file: Option<&str>) -> Vec<PathBuf> {
    let system = SYSTEM_CERTIFICATES.iter().find(|file| Path::new(file).exists());
    ca_file.into_iter().chain(system.copied()).map(PathBuf::from).collect()
}

/// TLS that trusts the system's authorities and those of a file.
///
/// # Errors
/// [`Error::Config`] if the file cannot be read, or if there are no authorities.
pub fn config(ca_file: Option<&str>) -> Result<ClientConfig, Error> {
    trusting(ca_file).map_err(Error::Config)
}

fn trusting(ca_file: Option<&str>) -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = ca_file {
        let unreadable = || format!("cannot read the certificates {file} of `ca_file`");
        for certificate in CertificateDer::pem_file_iter(file).with_context(unreadable)? {
            roots.add(certificate.with_context(unreadable)?)?;
        }
    }
    for file in files(None) {
        roots.add_parsable_certificates(CertificateDer::pem_file_iter(file)?.flatten());
    }
    if roots.is_empty() {
        bail!("no certificates of authorities: write ca_file = \"…\" in the contract");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
