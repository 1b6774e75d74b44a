//! Providers over TLS: only one whose certificate is valid for its name and issued by a trusted authority.

use super::hostile::{Hostile, limits};
use super::{Site, session};
use crate::OpenIdLimits;
use crate::http::tests::now;
use crate::http::{Certificates, TlsFiles};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd,
};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A certificate authority that is in no list of the system.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Authority of the plant");
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    /// The certificate of the authority as `ca_file`.
    fn file(&self) -> PathBuf {
        let path = self.folder.path().join("ca.pem");
        std::fs::write(&path, self.issuer.as_ref().pem()).unwrap();
        path
    }

    /// A provider with a certificate of this authority for `name`, changed by `change`.
    async fn provider(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> Hostile {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |name| self.folder.path().join(name);
        let files = TlsFiles { certificate: path("cert.pem"), key: path("key.pem") };
        std::fs::write(&files.certificate, certificate.pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        let opened = Certificates::open(files, None, Duration::from_secs(1), Arc::new(now)).await;
        Hostile::encrypted(opened.unwrap()).await
    }
}

/// Limits that leave time for handshakes on a busy machine.
fn patient() -> OpenIdLimits {
    OpenIdLimits { request_time: Duration::from_secs(20), ..limits() }
}

/// The start of a login fails for `reason`; the provider got no request.
async fn refused(provider: Hostile, ca_file: Option<PathBuf>, reason: &str) {
    let site = Site::at(provider, |it| it.ca_file = ca_file, patient());
    let reply = site.world.request_as("", "GET", "/api/v1/openid/plant/start", None).await;
    site.check_refused(&reply, "openid_unavailable", reason);
    assert_eq!(site.provider.requests("metadata"), 0, "{reason}");
}

#[tokio::test]
async fn a_provider_with_a_certificate_of_the_configured_authority_is_trusted() {
    let authority = Authority::new();
    let provider = authority.provider("localhost", |_| {}).await;
    let site = Site::at(provider, |it| it.ca_file = Some(authority.file()), patient());
    assert!(session(&site.log_in().await).is_some());
    assert_eq!((site.provider.requests("metadata"), site.provider.requests("token")), (1, 1));
    assert!(site.user().is_some());
}

#[tokio::test]
async fn an_unknown_authority_is_refused() {
    let authority = Authority::new();
    let other = Authority::new();
    let provider = authority.provider("localhost", |_| {}).await;
    refused(provider, None, "UnknownIssuer").await;
    let provider = authority.provider("localhost", |_| {}).await;
    // Another authority of the same name.
    refused(provider, Some(other.file()), "BadSignature").await;
}

#[tokio::test]
async fn a_certificate_of_another_name_or_time_is_refused() {
    let authority = Authority::new();
    let provider = authority.provider("id.example", |_| {}).await;
    refused(provider, Some(authority.file()), "not valid for name").await;
    let expired = |it: &mut CertificateParams| it.not_after = date_time_ymd(2020, 1, 1);
    let provider = authority.provider("localhost", expired).await;
    refused(provider, Some(authority.file()), "expired").await;
}

#[tokio::test]
async fn an_encrypted_provider_cannot_lead_to_an_unencrypted_address() {
    let authority = Authority::new();
    for (name, path) in [("jwks_uri", "keys"), ("token_endpoint", "token")] {
        let provider = authority.provider("localhost", |_| {}).await;
        let plain = format!("{}/{path}", provider.issuer.replace("https:", "http:"));
        provider.set(|it| it.metadata = json!({ name: plain }));
        let site = Site::at(provider, |it| it.ca_file = Some(authority.file()), patient());
        let reply = site.world.request_as("", "GET", "/api/v1/openid/plant/start", None).await;
        site.check_refused(&reply, "openid_unavailable", "scheme http");
        assert_eq!(site.provider.requests(path), 0);
    }
}
