//! The certificate and key of the service, read from PEM files and read again when they change.

use super::der::{self, Validity};
use super::stall::Stalling;
use crate::Clock;
use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::ParsedCertificate;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Names of the protocols in ALPN (RFC 7301).
pub const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// An encrypted connection.
pub type Stream = tokio_rustls::server::TlsStream<Stalling<TcpStream>>;

/// The PEM files of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate of the service, followed by those of its issuers.
    pub certificate: PathBuf,
    /// The private key of the certificate, without password.
    pub key: PathBuf,
}

/// The content of both files.
#[derive(Clone, PartialEq, Eq)]
struct Pair {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

/// The configuration in use, and the result of the last reload.
struct State {
    config: Arc<ServerConfig>,
    pair: Pair,
    validity: Option<Validity>,
    /// The last failure of a reload, and whether it is logged.
    failure: Option<(String, bool)>,
    condition: Condition,
}

/// Whether a certificate is valid at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Valid,
    NotYetValid,
    ExpiresSoon,
    Expired,
}

/// The certificate in use.
pub struct Certificates {
    files: TlsFiles,
    clock: Clock,
    warn_before: Duration,
    state: Mutex<State>,
}

impl Certificates {
    /// Reads the files. `host` is the name that people open; a certificate of other names is reported.
    /// From `warn_before` its end on, a certificate is reported as expiring soon.
    ///
    /// # Errors
    /// Fails if a file cannot be read, holds no certificate or key, or if the key is that of another
    /// certificate.
    pub async fn open(
        files: TlsFiles,
        host: Option<&str>,
        warn_before: Duration,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let pair = read(&files).await?;
        let (config, leaf) = server_config(&files, &pair)?;
        if let Some(host) = host.filter(|host| !is_name_of(&leaf, host)) {
            let path = files.certificate.display();
            tracing::warn!(certificate = %path, host, "certificate_of_other_names");
        }
        let validity = der::validity(&leaf);
        let condition = Condition::Valid;
        let state = State { config: Arc::new(config), pair, validity, failure: None, condition };
        let opened = Self { files, clock, warn_before, state: Mutex::new(state) };
        opened.report_condition();
        Ok(opened)
    }

    /// The configuration for the next connection.
    pub fn current(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.state().config)
    }

    /// Checks every `period` whether the files changed, until `stop`.
    pub async fn reload_until(self: Arc<Self>, period: Duration, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(period);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _at = ticks.tick() => self.reload().await,
            }
        }
    }

    /// Loads the files if they changed. An invalid pair does not replace the one in use; it is logged when
    /// it is found a second time, because the two files are not replaced atomically.
    async fn reload(&self) {
        match self.changed().await {
            Ok(None) => self.state().failure = None,
            Ok(Some((pair, config, validity))) => {
                let certificate = self.files.certificate.display();
                let until = validity.map(|it| it.until.to_rfc3339());
                tracing::info!(%certificate, until, "certificate_reloaded");
                let mut state = self.state();
                (state.config, state.pair) = (Arc::new(config), pair);
                (state.validity, state.failure) = (validity, None);
            }
            Err(error) => self.report_failure(format!("{error:#}")),
        }
        self.report_condition();
    }

    async fn changed(&self) -> anyhow::Result<Option<(Pair, ServerConfig, Option<Validity>)>> {
        let pair = read(&self.files).await?;
        if pair == self.state().pair {
            return Ok(None);
        }
        let (config, leaf) = server_config(&self.files, &pair)?;
        Ok(Some((pair, config, der::validity(&leaf))))
    }

    fn report_failure(&self, error: String) {
        let mut state = self.state();
        match &mut state.failure {
            Some((last, is_logged)) if *last == error => {
                if !std::mem::replace(is_logged, true) {
                    tracing::error!(error, "certificate_reload_failed");
                }
            }
            _ => state.failure = Some((error, false)),
        }
    }

    /// Logs that the certificate became invalid or is about to.
    fn report_condition(&self) {
        let mut state = self.state();
        let Some(validity) = state.validity else { return };
        let condition = Condition::at((self.clock)(), validity, self.warn_before);
        if std::mem::replace(&mut state.condition, condition) == condition {
            return;
        }
        let certificate = self.files.certificate.display();
        let Validity { from, until } = validity;
        match condition {
            Condition::Valid => {}
            Condition::NotYetValid => {
                tracing::warn!(%certificate, from = from.to_rfc3339(), "certificate_not_yet_valid");
            }
            Condition::ExpiresSoon => {
                tracing::warn!(%certificate, until = until.to_rfc3339(), "certificate_expires_soon");
            }
            Condition::Expired => {
                tracing::warn!(%certificate, until = until.to_rfc3339(), "certificate_expired");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Condition {
    fn at(now: DateTime<Utc>, validity: Validity, warn_before: Duration) -> Self {
        let left = validity.until.signed_duration_since(now).to_std().ok();
        match left {
            None => Self::Expired,
            Some(_) if now < validity.from => Self::NotYetValid,
            Some(left) if left < warn_before => Self::ExpiresSoon,
            Some(_) => Self::Valid,
        }
    }
}

async fn read(files: &TlsFiles) -> anyhow::Result<Pair> {
    let certificate = tokio::fs::read(&files.certificate);
    let certificate =
        certificate.await.with_context(|| unreadable("certificate", &files.certificate))?;
    let key = tokio::fs::read(&files.key).await.with_context(|| unreadable("key", &files.key))?;
    Ok(Pair { certificate, key })
}

fn unreadable(setting: &str, path: &Path) -> String {
    format!("cannot read the file {} of `{setting}` in [serve]", path.display())
}

/// The TLS configuration of a pair, and the certificate of the service in DER.
fn server_config(
    files: &TlsFiles,
    pair: &Pair,
) -> anyhow::Result<(ServerConfig, CertificateDer<'static>)> {
    let chain = certificates(&pair.certificate).with_context(|| named(&files.certificate))?;
    let leaf = chain.first().cloned().with_context(|| {
        let file = files.certificate.display();
        format!("invalid certificate file {file}: expected PEM with `BEGIN CERTIFICATE`")
    })?;
    let key = private_key(&pair.key, &files.key)?;
    // The process may have several providers, so this one is selected explicitly.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("the TLS versions are not available")?
        .with_no_client_auth();
    let mut config =
        builder.with_single_cert(chain, key).map_err(|error| unusable(error, files))?;
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    Ok((config, leaf))
}

fn certificates(pem: &[u8]) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    found.context("expected PEM with `BEGIN CERTIFICATE`")
}

fn private_key(pem: &[u8], path: &Path) -> anyhow::Result<PrivateKeyDer<'static>> {
    let text = String::from_utf8_lossy(pem);
    if text.contains("BEGIN ENCRYPTED PRIVATE KEY") || text.contains("Proc-Type: 4,ENCRYPTED") {
        bail!(
            "the private key in {0} has a password: expected one without, such as by `openssl pkey \
             -in {0} -out KEY`",
            path.display()
        );
    }
    // The error of the parser is left out: it may quote the key.
    PrivateKeyDer::from_pem_slice(pem).ok().with_context(|| {
        let file = path.display();
        format!("invalid key file {file}: expected PEM with `BEGIN PRIVATE KEY`")
    })
}

fn named(path: &Path) -> String {
    format!("invalid certificate file {}", path.display())
}

fn unusable(error: rustls::Error, files: &TlsFiles) -> anyhow::Error {
    let (certificate, key) = (files.certificate.display(), files.key.display());
    match error {
        rustls::Error::InconsistentKeys(_) => anyhow::anyhow!(
            "the certificate {certificate} belongs to another key than {key}: configure the key that \
             the certificate was issued for"
        ),
        error => anyhow::Error::new(error)
            .context(format!("the certificate {certificate} with the key {key} cannot be used")),
    }
}

/// Whether a certificate is issued for `host`, which has no port.
fn is_name_of(certificate: &CertificateDer<'_>, host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let (Ok(parsed), Ok(name)) =
        (ParsedCertificate::try_from(certificate), ServerName::try_from(bare))
    else {
        return false;
    };
    verify_server_name(&parsed, &name).is_ok()
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
