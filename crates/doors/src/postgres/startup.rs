//! The first messages of a connection: parameters, login over TLS or from this machine.

use super::cancel::Cancel;
use super::codec::{Codec, Incoming};
use super::errors::{fatal, refused};
use super::login;
use super::message::First;
use super::negotiate::Negotiated;
use super::variables::Variables;
use super::{DATABASE, PROTOCOL, Server};
use crate::stream::Stream;
use futures::{SinkExt as _, StreamExt as _};
use pgwire::api::{ClientInfo as _, DefaultClient, PidSecretKeyGenerator as _};
use pgwire::error::{ErrorInfo, PgWireError, PgWireResult};
use pgwire::messages::response::{ReadyForQuery, TransactionStatus};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SecretKey,
};
use pgwire::messages::{PgWireBackendMessage, ProtocolVersion};
use serve::http::{Origin, Peer, SqlClient};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::codec::{Framed, FramedParts};

/// Bytes of messages that are collected before they are sent.
const SEND_BYTES: usize = 64 << 10;

/// The messages of a connection.
pub type Socket = Framed<Stream, Codec>;

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
    let mut socket = socket(server, negotiated);
    let startup = match socket.next().await.transpose()? {
        Some(Incoming::First(First::Startup { major, minor, parameters })) => {
            Startup { major, minor, parameters }
        }
        Some(Incoming::First(First::Cancel { number, secret })) => {
            server.cancels.cancel(number, secret);
            return Ok(None);
        }
        Some(Incoming::Invalid(invalid, _)) => {
            return refuse(&mut socket, invalid).await.map(|()| None);
        }
        _ => return Ok(None),
    };
    let is_secure = socket.get_ref().is_secure();
    let client = Peer { address: peer.ip().to_canonical(), is_secure };
    match authenticate(server, &mut socket, &startup, client).await {
        Ok(client) => finish(server, socket, client, (&startup, peer)).await.map(Some),
        Err(PgWireError::IoError(error)) => Err(error.into()),
        Err(refused) => refuse(&mut socket, refused).await.map(|()| None),
    }
}

/// The version of the protocol that a client speaks, and its parameters.
struct Startup {
    major: u32,
    minor: u32,
    parameters: BTreeMap<String, String>,
}

async fn refuse(socket: &mut Socket, refused: PgWireError) -> anyhow::Result<()> {
    let info = ErrorInfo::from(refused);
    Ok(socket.send(PgWireBackendMessage::ErrorResponse(info.into())).await?)
}

fn socket(server: &Server, negotiated: Negotiated) -> Socket {
    let codec = Codec::new(server.limits.doors.sql_message_bytes);
    let mut parts = FramedParts::new::<PgWireBackendMessage>(negotiated.stream, codec);
    parts.read_buf.extend_from_slice(&negotiated.begun);
    let mut socket = Framed::from_parts(parts);
    socket.set_backpressure_boundary(SEND_BYTES);
    socket
}

async fn authenticate(
    server: &Arc<Server>,
    socket: &mut Socket,
    startup: &Startup,
    peer: Peer,
) -> PgWireResult<SqlClient> {
    negotiate_version(socket, startup).await?;
    let parameter = |name: &str| startup.parameters.get(name).map_or("", String::as_str);
    let name = parameter("user").to_owned();
    let database = Some(parameter("database")).filter(|it| !it.is_empty()).unwrap_or(&name);
    if database != DATABASE {
        let message =
            format!("database \"{database}\" does not exist: the database is `{DATABASE}`");
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
    login::log_in(&server.service, socket, name, &origin).await
}

/// The server speaks version 3.0; a client that requests a later one receives this version.
async fn negotiate_version(socket: &mut Socket, startup: &Startup) -> PgWireResult<()> {
    if startup.major != 3 {
        let (major, minor) = (startup.major, startup.minor);
        let message = format!("unsupported frontend protocol {major}.{minor}: server supports 3.0");
        return Err(fatal("0A000", message));
    }
    let extensions: Vec<String> =
        startup.parameters.keys().filter(|it| it.starts_with("_pq_.")).cloned().collect();
    if startup.minor == 0 && extensions.is_empty() {
        return Ok(());
    }
    let spoken = ProtocolVersion::PROTOCOL3_0;
    let answer = NegotiateProtocolVersion::new(spoken.into(), extensions);
    Ok(socket.feed(PgWireBackendMessage::NegotiateProtocolVersion(answer)).await?)
}

async fn finish(
    server: &Arc<Server>,
    mut socket: Socket,
    client: SqlClient,
    (startup, peer): (&Startup, SocketAddr),
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
    let mut described = DefaultClient::<()>::new(peer, socket.get_ref().is_secure());
    described.set_protocol_version(ProtocolVersion::PROTOCOL3_0);
    let (number, secret): (i32, SecretKey) = server.keys.generate(&described);
    let cancel = server.cancels.register(number, secret.to_bytes());
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
