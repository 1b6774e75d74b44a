//! The first messages of a connection: parameters, login.
//!
//! The password is sent as text: a login by SCRAM needs a verifier that is stored for it, and passwords
//! are stored as Argon2id hashes only. So a password is accepted over TLS, or from this machine.

use super::cancel::Cancel;
use super::errors::{fatal, from_read_path};
use super::frames::Frames;
use super::negotiate::{Negotiated, Stream};
use super::variables::Variables;
use super::{DATABASE, PROTOCOL, Server};
use access::Secret;
use futures::{SinkExt as _, StreamExt as _};
use pgwire::api::auth::protocol_negotiation;
use pgwire::api::{
    ClientInfo as _, DefaultClient, PgWireConnectionState, PidSecretKeyGenerator as _,
};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::{Authentication, BackendKeyData, ParameterStatus, Startup};
use pgwire::messages::{PgWireBackendMessage, PgWireFrontendMessage};
use pgwire::tokio::server::PgWireMessageServerCodec;
use serve::http::{Credentials, Origin, Peer, SqlClient};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::codec::{Framed, FramedParts};

/// Bytes of messages that are collected before they are sent.
const SEND_BYTES: usize = 64 << 10;

/// The messages of a connection.
pub type Socket = Framed<Frames<Stream>, PgWireMessageServerCodec<()>>;

/// A connection after the login.
pub struct Started {
    pub socket: Socket,
    pub client: Arc<SqlClient>,
    pub variables: Variables,
    pub cancel: Cancel,
}

/// Runs the start of a connection; `None` if it is over already.
///
/// # Errors
/// The connection is broken.
pub async fn log_in(
    server: &Arc<Server>,
    negotiated: Negotiated,
    peer: SocketAddr,
) -> anyhow::Result<Option<Started>> {
    let is_secure = negotiated.stream.is_secure();
    let mut socket = socket(server, negotiated, peer)?;
    let startup = match socket.next().await.transpose()? {
        Some(PgWireFrontendMessage::Startup(startup)) => startup,
        Some(PgWireFrontendMessage::CancelRequest(request)) => {
            server.cancels.cancel(request.pid, &request.secret_key);
            return Ok(None);
        }
        _ => return Ok(None),
    };
    let peer = Peer { address: peer.ip().to_canonical(), is_secure };
    match authenticate(server, &mut socket, &startup, peer).await {
        Ok(client) => finish(server, socket, client, &startup).await.map(Some),
        Err(PgWireError::IoError(error)) => Err(error.into()),
        Err(refused) => {
            let info = ErrorInfo::from(refused);
            socket.send(PgWireBackendMessage::ErrorResponse(info.into())).await?;
            Ok(None)
        }
    }
}

fn socket(server: &Server, negotiated: Negotiated, peer: SocketAddr) -> anyhow::Result<Socket> {
    let Negotiated { stream, begun } = negotiated;
    let is_secure = stream.is_secure();
    let mut frames = Frames::new(stream, server.limits.doors.sql_message_bytes);
    frames.follow(&begun)?;
    let codec = PgWireMessageServerCodec::new(DefaultClient::new(peer, is_secure));
    let mut parts = FramedParts::new::<PgWireBackendMessage>(frames, codec);
    parts.read_buf.extend_from_slice(&begun);
    let mut socket = Framed::from_parts(parts);
    socket.set_backpressure_boundary(SEND_BYTES);
    socket.set_state(PgWireConnectionState::AwaitingStartup);
    Ok(socket)
}

async fn authenticate(
    server: &Arc<Server>,
    socket: &mut Socket,
    startup: &Startup,
    peer: Peer,
) -> PgWireResult<SqlClient> {
    protocol_negotiation(socket, startup).await?;
    let parameter = |name: &str| startup.parameters.get(name).map_or("", String::as_str);
    let name = parameter("user").to_owned();
    let database = Some(parameter("database")).filter(|it| !it.is_empty()).unwrap_or(&name);
    if database != DATABASE {
        let message = format!("database \"{database}\" does not exist: the database is `{DATABASE}`");
        return Err(fatal("3D000", message));
    }
    let agent = format!("{PROTOCOL} {}", parameter("application_name"));
    let origin = Origin { peer, agent, protocol: PROTOCOL };
    let open = SqlClient::without_login(&server.service, &origin);
    if let Some(client) = open.map_err(refused)? {
        return Ok(client);
    }
    if !peer.is_secure && !peer.address.is_loopback() {
        let message = "a login needs an encrypted connection: use sslmode=require or better";
        return Err(fatal("28000", message));
    }
    socket.set_state(PgWireConnectionState::AuthenticationInProgress);
    let request = PgWireBackendMessage::Authentication(Authentication::CleartextPassword);
    socket.send(request).await?;
    let answer = socket.next().await.transpose()?;
    let Some(PgWireFrontendMessage::PasswordMessageFamily(answer)) = answer else {
        return Err(fatal("08P01", "expected a password"));
    };
    let secret = Secret::new(answer.into_password()?.password);
    let credentials = Credentials { name, secret };
    SqlClient::log_in(&server.service, &origin, credentials).await.map_err(refused)
}

/// A refusal ends the connection.
fn refused(failed: serve::http::Error) -> PgWireError {
    let mut info = ErrorInfo::from(from_read_path(failed, ""));
    info.severity = "FATAL".to_owned();
    PgWireError::UserError(Box::new(info))
}

async fn finish(
    server: &Arc<Server>,
    mut socket: Socket,
    client: SqlClient,
    startup: &Startup,
) -> anyhow::Result<Started> {
    let mut variables = Variables::default();
    for (name, value) in &startup.parameters {
        let is_setting = !["user", "database", "replication"].contains(&name.as_str())
            && !name.starts_with("_pq_.");
        if is_setting && let Err(message) = variables.set(name, Some(value)) {
            tracing::debug!(message, "startup_parameter_ignored");
        }
    }
    let _known = variables.set("session_authorization", Some(client.name()));
    let (number, secret) = server.keys.generate(&socket);
    let cancel = server.cancels.register(number, &secret);
    socket.set_state(PgWireConnectionState::ReadyForQuery);
    socket.feed(PgWireBackendMessage::Authentication(Authentication::Ok)).await?;
    for (name, value) in variables.reported() {
        let status = ParameterStatus::new(name.to_owned(), value.to_owned());
        socket.feed(PgWireBackendMessage::ParameterStatus(status)).await?;
    }
    let key = BackendKeyData::new(number, secret);
    socket.feed(PgWireBackendMessage::BackendKeyData(key)).await?;
    let ready = ReadyForQuery::new(TransactionStatus::Idle);
    socket.send(PgWireBackendMessage::ReadyForQuery(ready)).await?;
    Ok(Started { socket, client: Arc::new(client), variables, cancel })
}
