//! Encrypted connections: the handshake is inside PRELOGIN packets.

use super::replay::Replay;
use super::world::{Table, read, server, source};
use super::{ORDERS, pages};
use crate::Error;
use plant::contract::Contract;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use std::io::Write as _;
use std::sync::Arc;
use tempfile::NamedTempFile;

/// A server whose certificate is for this host, and the certificate.
fn encrypted(host: &str) -> (Replay, NamedTempFile) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(cert.pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    tls.send_tls13_tickets = 0;
    (Replay::encrypted(Arc::new(tls), Table::new(&ORDERS).script(pages(3))), file)
}

fn encrypted_source(replay: &Replay, ca_file: Option<&NamedTempFile>) -> Contract {
    let mut contract = source(replay.port, &["id"], None);
    let server = server(&mut contract);
    server.is_encrypted = true;
    server.ca_file = ca_file.map(|file| file.path().display().to_string());
    contract
}

#[tokio::test]
async fn a_certificate_of_the_contract_is_trusted_and_the_password_is_encrypted() {
    let (replay, certificate) = encrypted("127.0.0.1");
    let secret = NamedTempFile::new().unwrap();
    std::fs::write(secret.path(), "s3cret ä").unwrap();
    let mut contract = encrypted_source(&replay, Some(&certificate));
    server(&mut contract).password = Some(format!("file:{}", secret.path().display()));
    let pulled = read(&contract).await.unwrap().unwrap();
    assert_eq!(pulled.records, 3);
    assert_eq!(replay.seen().logins[0].password, "s3cret ä");
}

#[tokio::test]
async fn another_certificate_is_refused_before_the_login() {
    let check = async |replay: &Replay, ca_file: Option<&NamedTempFile>| {
        let error = read(&encrypted_source(replay, ca_file)).await.unwrap_err();
        assert!(matches!(error, Error::Unreachable(_)), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("no encrypted connection to sqlserver://"), "{text}");
        assert!(text.contains("check ca_file") && !text.contains("trust_cert"), "{text}");
        assert!(replay.seen().logins.is_empty());
    };
    let (replay, certificate) = encrypted("127.0.0.1");
    let (_other, other_certificate) = encrypted("127.0.0.1");
    check(&replay, Some(&other_certificate)).await;
    let (elsewhere, of_elsewhere) = encrypted("10.9.8.7");
    check(&elsewhere, Some(&of_elsewhere)).await;
    drop(certificate);
}

#[tokio::test]
async fn a_server_without_encryption_is_refused() {
    let replay = Replay::new(Table::new(&ORDERS).script(pages(1)));
    let (_, certificate) = encrypted("127.0.0.1");
    let error = read(&encrypted_source(&replay, Some(&certificate))).await.unwrap_err();
    assert!(error.to_string().contains("offers no encryption"), "{error}");
    assert!(replay.seen().logins.is_empty());
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_a_mistake_of_the_configuration() {
    let (replay, _) = encrypted("127.0.0.1");
    let mut contract = encrypted_source(&replay, None);
    server(&mut contract).ca_file = Some("/nowhere/mes.pem".into());
    let error = read(&contract).await.unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error:?}");
}
