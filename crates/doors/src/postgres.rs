//! The PostgreSQL protocol, version 3.
//!
//! *In*: connections of PostgreSQL clients.
//! *Out*: rows as text or binary values, the catalogue as `pg_catalog` and `information_schema`.
//! *Promise*: a login is accepted over TLS, or from this machine, by a proof of the secret where there is a verifier
//! of it (SCRAM-SHA-256). A message has a limited size. A
//! statement ends at its limit, when the client cancels it, and when the connection ends.

mod cancel;
mod catalog;
mod codec;
mod command;
mod connection;
mod copy;
mod cursor;
mod dialect;
mod errors;
mod extended;
mod login;
mod message;
mod negotiate;
mod parameters;
mod prepared;
mod rows;
mod scram;
mod session;
mod simple;
mod split;
mod startup;
mod variables;

use crate::listen::Listening;
use cancel::Cancels;
use catalog::Statics;
use config::settings::Limits;
use connection::Connection;
use pgwire::api::RandomPidSecretKeyGenerator;
use serve::http::{Certificates, Service};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// The name of the only database.
pub const DATABASE: &str = lake::session::CATALOG;

/// The protocol in logs and in the audit log.
const PROTOCOL: &str = "postgres";

/// What all connections share.
struct Server {
    service: Arc<Service>,
    limits: Arc<Limits>,
    certificates: Option<Arc<Certificates>>,
    stop: CancellationToken,
    statics: Arc<Statics>,
    cancels: Cancels,
    keys: Arc<RandomPidSecretKeyGenerator>,
}

/// Serves PostgreSQL clients until the stop of `listening`. When it returns, no task of it is running.
///
/// # Errors
/// The tables that every catalogue contains cannot be read.
pub async fn serve(service: Arc<Service>, listening: Listening) -> anyhow::Result<()> {
    let server = Arc::new(Server {
        service,
        limits: Arc::clone(&listening.limits),
        certificates: listening.certificates.clone(),
        stop: listening.stop.clone(),
        statics: Arc::new(Statics::load()?),
        cancels: Cancels::default(),
        keys: Arc::default(),
    });
    listening.run(PROTOCOL, |stream, peer| run(Arc::clone(&server), stream, peer)).await
}

/// Runs one connection: encryption, login, statements.
async fn run(server: Arc<Server>, stream: TcpStream, peer: SocketAddr) -> anyhow::Result<()> {
    let limit = Duration::from_secs(server.limits.doors.sql_login_s);
    let login = async {
        let stream = negotiate::negotiate(&server, stream, peer).await?;
        let Some(stream) = stream else { return Ok(None) };
        startup::log_in(&server, stream, peer).await
    };
    let started = tokio::select! {
        started = tokio::time::timeout(limit, Box::pin(login)) => started??,
        () = server.stop.cancelled() => return Ok(()),
    };
    let Some(started) = started else { return Ok(()) };
    let client = Arc::clone(&started.client);
    let ended = Box::pin(Connection::new(server, started).run()).await;
    client.log_out().await;
    Ok(ended?)
}
