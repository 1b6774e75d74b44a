//! The login of a connection: by a proof of the secret (SCRAM-SHA-256), or by the secret itself.
//!
//! A proof needs a verifier of each secret that the user can log in with. Where one is missing, and for the
//! name `token`, which names no user, the server requests the secret itself; the verifier is made then.

use super::codec::Incoming;
use super::errors::{fatal, refused};
use super::message::{Malformed, Message, initial_response, password};
use super::scram::{Challenge, ClientFirst, InvalidScram, MECHANISM, accepted};
use super::startup::Socket;
use access::scram::ScramSalt;
use access::{Secret, os_random, random_bytes};
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireBackendMessage;
use pgwire::messages::startup::Authentication;
use serve::http::{Credentials, Origin, ProofCredentials, Service, SqlClient};
use std::sync::Arc;

/// Random bytes that the server adds to the text of the client, as in PostgreSQL.
const NONCE_BYTES: usize = 18;

/// Logs a user in over an open connection.
///
/// # Errors
/// The login is refused, a message is malformed, or the connection is broken.
pub async fn log_in(
    service: &Arc<Service>,
    socket: &mut Socket,
    name: String,
    origin: &Origin,
) -> PgWireResult<SqlClient> {
    let salt = SqlClient::scram_salt(service, &name).await.map_err(refused)?;
    match salt {
        Some(salt) => by_proof(service, socket, (name, salt), origin).await,
        None => by_secret(service, socket, name, origin).await,
    }
}

async fn by_secret(
    service: &Arc<Service>,
    socket: &mut Socket,
    name: String,
    origin: &Origin,
) -> PgWireResult<SqlClient> {
    send(socket, Authentication::CleartextPassword).await?;
    let password = password(&answer(socket).await?).map_err(malformed)?;
    let credentials = Credentials { name, secret: Secret::new(password) };
    SqlClient::log_in(service, origin, credentials).await.map_err(refused)
}

async fn by_proof(
    service: &Arc<Service>,
    socket: &mut Socket,
    (name, salt): (String, ScramSalt),
    origin: &Origin,
) -> PgWireResult<SqlClient> {
    send(socket, Authentication::SASL(vec![MECHANISM.to_owned()])).await?;
    let first = answer(socket).await?;
    let (mechanism, first) = initial_response(first).map_err(malformed)?;
    if mechanism != MECHANISM {
        return Err(fatal("08P01", "client selected an invalid SASL authentication mechanism"));
    }
    let first = ClientFirst::read(&first).map_err(invalid)?;
    let challenge = first.answer(&nonce()?, &salt.salt, salt.iterations);
    send(socket, Authentication::SASLContinue(challenge.answer.clone().into())).await?;
    let proof = proof(socket, &challenge, (name, salt)).await?;
    let done = SqlClient::log_in_by_proof(service, origin, proof).await;
    let (client, signature) = done.map_err(refused)?;
    send(socket, Authentication::SASLFinal(accepted(&signature).into())).await?;
    Ok(client)
}

async fn proof(
    socket: &mut Socket,
    challenge: &Challenge,
    (name, salt): (String, ScramSalt),
) -> PgWireResult<ProofCredentials> {
    let proved = challenge.read(&answer(socket).await?).map_err(invalid)?;
    Ok(ProofCredentials { name, salt, exchange: proved.exchange, proof: proved.proof })
}

fn nonce() -> PgWireResult<[u8; NONCE_BYTES]> {
    let random = os_random().map_err(|failed| refused(failed.into()));
    Ok(random_bytes(&mut *random?))
}

async fn send(socket: &mut Socket, request: Authentication) -> PgWireResult<()> {
    Ok(socket.send(PgWireBackendMessage::Authentication(request)).await?)
}

async fn answer(socket: &mut Socket) -> PgWireResult<Bytes> {
    match socket.next().await.transpose()? {
        Some(Incoming::Next(Message::Authentication(body))) => Ok(body),
        _ => Err(fatal("08P01", "expected an answer to the request for authentication")),
    }
}

/// Before the login, a message that cannot be read ends the connection.
fn malformed(invalid: Malformed) -> PgWireError {
    fatal(invalid.state, invalid.message)
}

fn invalid(why: InvalidScram) -> PgWireError {
    fatal("08P01", format!("malformed SCRAM message: {why}"))
}
