//! Pairs of certificate and key, right and wrong, and how they are replaced.

use super::*;
use chrono::TimeDelta;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::fs;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(86_400);

/// A certificate of `localhost`, valid in the year 2030, and its key.
fn made() -> (String, String) {
    let key = KeyPair::generate().unwrap();
    let mut params =
        CertificateParams::new(vec!["localhost".to_owned(), "10.0.0.5".to_owned()]).unwrap();
    params.not_before = date_time_ymd(2030, 1, 1);
    params.not_after = date_time_ymd(2030, 12, 31);
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// A folder with a pair, and a clock that starts at 2030-06-01.
struct World {
    folder: TempDir,
    days: Arc<AtomicI64>,
}

impl World {
    fn new(certificate: &str, key: &str) -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), days: Arc::default() };
        world.write(certificate, key);
        world
    }

    fn write(&self, certificate: &str, key: &str) {
        fs::write(self.files().certificate, certificate).unwrap();
        fs::write(self.files().key, key).unwrap();
    }

    fn files(&self) -> TlsFiles {
        let path = |name| self.folder.path().join(name);
        TlsFiles { certificate: path("cert.pem"), key: path("key.pem") }
    }

    async fn open(&self) -> anyhow::Result<Certificates> {
        let days = Arc::clone(&self.days);
        let start: DateTime<Utc> = "2030-06-01T00:00:00Z".parse().unwrap();
        let clock = Arc::new(move || start + TimeDelta::days(days.load(Ordering::Relaxed)));
        Certificates::open(self.files(), Some("localhost"), 14 * DAY, clock).await
    }

    async fn refused(&self, expected: &[&str]) {
        let error = format!("{:#}", self.open().await.unwrap_err());
        for part in expected {
            assert!(error.contains(part), "`{part}` is missing: {error}");
        }
    }
}

#[tokio::test]
async fn a_pair_offers_http2_first() {
    let (certificate, key) = made();
    let config = World::new(&certificate, &key).open().await.unwrap().current();
    assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
}

#[tokio::test]
async fn a_wrong_pair_is_refused_with_what_to_do() {
    let (certificate, key) = made();
    let (other_certificate, other_key) = made();
    let world = World::new(&certificate, &other_key);
    world.refused(&["belongs to another key than", "cert.pem", "key.pem"]).await;
    world.write("", &key);
    world.refused(&["cert.pem", "BEGIN CERTIFICATE"]).await;
    world.write(&key, &key);
    world.refused(&["cert.pem", "BEGIN CERTIFICATE"]).await;
    world.write(&certificate, &certificate);
    world.refused(&["key.pem", "BEGIN PRIVATE KEY"]).await;
    world.write(&certificate, "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n");
    world.refused(&["key.pem", "has a password", "openssl pkey"]).await;
    world.write(&certificate.replace("MII", "!!!"), &key);
    world.refused(&["cert.pem"]).await;
    // The certificate of the service comes first.
    world.write(&format!("{other_certificate}{certificate}"), &key);
    world.refused(&["belongs to another key"]).await;
    world.write(&format!("{certificate}{other_certificate}"), &key);
    assert!(world.open().await.is_ok());
    fs::remove_file(world.files().key).unwrap();
    world.refused(&["cannot read the file", "key.pem", "`key` in [serve]"]).await;
}

#[tokio::test]
async fn errors_do_not_quote_the_key() {
    let (certificate, key) = made();
    let (_, other) = made();
    let damaged = key.replace("-----END", "%-----END");
    for wrong in [&other, &damaged] {
        let world = World::new(&certificate, wrong);
        let error = format!("{:?}", world.open().await.unwrap_err());
        let secret: Vec<&str> = wrong.lines().filter(|line| line.len() > 40).collect();
        assert!(!secret.is_empty() && secret.iter().all(|line| !error.contains(line)), "{error}");
    }
}

#[tokio::test]
async fn new_files_are_taken_and_bad_ones_are_not() {
    let (certificate, key) = made();
    let world = World::new(&certificate, &key);
    let opened = world.open().await.unwrap();
    let first = opened.current();
    opened.reload().await;
    assert!(Arc::ptr_eq(&first, &opened.current()));
    let (new_certificate, new_key) = made();
    // Files are replaced one after the other: the first look finds a pair that does not fit.
    world.write(&new_certificate, &key);
    for is_logged in [false, true, true] {
        opened.reload().await;
        assert!(Arc::ptr_eq(&first, &opened.current()));
        assert_eq!(opened.state().failure.as_ref().unwrap().1, is_logged);
    }
    world.write(&new_certificate, &new_key);
    opened.reload().await;
    assert!(!Arc::ptr_eq(&first, &opened.current()));
    assert!(opened.state().failure.is_none());
    fs::remove_file(world.files().certificate).unwrap();
    let second = opened.current();
    opened.reload().await;
    assert!(Arc::ptr_eq(&second, &opened.current()) && opened.state().failure.is_some());
}

#[tokio::test]
async fn the_end_of_a_certificate_is_reported_as_it_comes() {
    let (certificate, key) = made();
    let world = World::new(&certificate, &key);
    let opened = world.open().await.unwrap();
    for (days, expected) in [
        (0, Condition::Valid),
        (-200, Condition::NotYetValid),
        (198, Condition::Valid),
        (200, Condition::ExpiresSoon),
        (214, Condition::Expired),
    ] {
        world.days.store(days, Ordering::Relaxed);
        opened.report_condition();
        assert_eq!(opened.state().condition, expected, "{days}");
    }
    assert!(world.open().await.is_ok(), "an expired certificate is used, and reported");
}

#[test]
fn the_names_of_a_certificate_are_compared_with_the_host() {
    let (certificate, _) = made();
    let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    for (host, expected) in [
        ("localhost", true),
        ("LOCALHOST", true),
        ("10.0.0.5", true),
        ("10.0.0.6", false),
        ("a.example", false),
        ("[::1]", false),
        ("a b", false),
    ] {
        assert_eq!(is_name_of(&der, host), expected, "{host}");
    }
    let validity = der::validity(&der).unwrap();
    assert_eq!(validity.until.to_rfc3339(), "2030-12-31T00:00:00+00:00");
}
