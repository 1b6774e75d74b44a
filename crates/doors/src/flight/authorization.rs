//! The client of a call: a bearer token, or name and password in the handshake.

use super::PROTOCOL;
use super::answers::status;
use super::connection::ClientPeer;
use access::Secret;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use futures::future::BoxFuture;
use serve::http::{Credentials, Origin, Service, SqlClient};
use std::sync::Arc;
use tonic::metadata::MetadataMap;
use tonic::{Extensions, Status};

const AUTHORIZATION: &str = "authorization";
const AGENT: &str = "user-agent";

/// With and without padding: the client of Arrow in Go sends none.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The client of a call.
///
/// # Errors
/// The call has no valid token.
pub fn client(
    service: &Arc<Service>,
    metadata: &MetadataMap,
    extensions: &Extensions,
) -> Result<SqlClient, Status> {
    let origin = origin(metadata, extensions)?;
    let Some(header) = text(metadata, AUTHORIZATION) else {
        let open = SqlClient::without_login(service, &origin).map_err(status)?;
        return open.ok_or_else(|| Status::unauthenticated("send a bearer token, or log in"));
    };
    let secret = match header.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Secret::new(token.trim()),
        Some((scheme, encoded)) if scheme.eq_ignore_ascii_case("basic") => basic(encoded)?.secret,
        _ => return Err(Status::unauthenticated("expected a bearer token")),
    };
    check_encryption(&origin)?;
    SqlClient::resume(service, &origin, secret).map_err(status)
}

/// Logs in by name and password, or by a token in place of the password. Returns the bearer token for the
/// calls that follow.
///
/// # Errors
/// The login is refused.
pub fn log_in<'a>(
    service: &'a Arc<Service>,
    metadata: &'a MetadataMap,
    extensions: &'a Extensions,
) -> BoxFuture<'a, Result<Option<Secret>, Status>> {
    Box::pin(async move {
        let origin = origin(metadata, extensions)?;
        log_in_from(service, &origin, metadata).await
    })
}

async fn log_in_from(
    service: &Arc<Service>,
    origin: &Origin,
    metadata: &MetadataMap,
) -> Result<Option<Secret>, Status> {
    if SqlClient::without_login(service, origin).map_err(status)?.is_some() {
        return Ok(None);
    }
    check_encryption(origin)?;
    let header = text(metadata, AUTHORIZATION);
    let encoded = header.and_then(|it| it.split_once(' '));
    let encoded = encoded.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    let Some((_, encoded)) = encoded else {
        return Err(Status::unauthenticated("expected name and password"));
    };
    let credentials = basic(encoded)?;
    let given = credentials.secret.clone();
    let client = SqlClient::log_in(service, origin, credentials).await.map_err(status)?;
    Ok(Some(client.session_secret().cloned().unwrap_or(given)))
}

fn origin(metadata: &MetadataMap, extensions: &Extensions) -> Result<Origin, Status> {
    let peer = extensions.get::<ClientPeer>();
    let peer = peer.ok_or_else(|| Status::internal("a call without a connection"))?.0;
    let agent = format!("{PROTOCOL} {}", text(metadata, AGENT).unwrap_or_default());
    Ok(Origin { peer, agent, protocol: PROTOCOL })
}

/// Secrets are accepted over TLS, or from this machine.
fn check_encryption(origin: &Origin) -> Result<(), Status> {
    if origin.peer.is_secure || origin.peer.address.is_loopback() {
        return Ok(());
    }
    Err(Status::unauthenticated("a login needs an encrypted connection: use grpc+tls"))
}

fn basic(encoded: &str) -> Result<Credentials, Status> {
    let invalid = || Status::unauthenticated("invalid name and password");
    let bytes = BASE64.decode(encoded.trim()).ok().ok_or_else(invalid)?;
    let text = String::from_utf8(bytes).ok().ok_or_else(invalid)?;
    let (name, secret) = text.split_once(':').ok_or_else(invalid)?;
    Ok(Credentials { name: name.to_owned(), secret: Secret::new(secret) })
}

fn text<'a>(metadata: &'a MetadataMap, name: &str) -> Option<&'a str> {
    metadata.get(name)?.to_str().ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::basic;

    #[test]
    fn name_and_password_may_be_encoded_without_padding() {
        for encoded in ["YW5uYTphOmI=", "YW5uYTphOmI"] {
            let found = basic(encoded).unwrap();
            assert_eq!((found.name.as_str(), found.secret.expose()), ("anna", "a:b"), "{encoded}");
        }
        for encoded in ["YW5uYQ==", "?", ""] {
            assert!(basic(encoded).is_err(), "{encoded}");
        }
    }
}
