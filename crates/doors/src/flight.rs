//! Arrow Flight SQL.
//!
//! *In*: statements and calls about the catalogue over gRPC, with a bearer token, or with name and password in
//! the handshake.
//! *Out*: batches of Arrow as the statement computes them.
//! *Promise*: as over the PostgreSQL protocol. The service keeps no state between calls: a ticket contains
//! its statement, a handle of a prepared statement also the values of its parameters.

mod answers;
mod authorization;
mod binding;
mod connection;
mod handle;
mod keys;
mod placeholders;
mod prepared;
mod service;
mod values;

use crate::listen::Listening;
use crate::stream::Stream;
use anyhow::Context as _;
use arrow_flight::flight_service_server::FlightServiceServer;
use connection::{GrpcConnection, GrpcConnections};
use futures::future::BoxFuture;
use serve::http::Service;
use service::Flight;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Sender, channel};
use tonic::transport::Server;

/// The protocol in logs and in the audit log.
const PROTOCOL: &str = "flight";
/// The protocol in ALPN.
const ALPN: &[u8] = b"h2";
/// Period of the pings that a connected client has to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Connections that wait until gRPC takes them.
const WAITING: usize = 16;

/// Serves clients of Flight SQL until the stop of `listening`.
///
/// # Errors
/// The server fails.
pub fn serve(
    service: Arc<Service>,
    listening: Listening,
) -> BoxFuture<'static, anyhow::Result<()>> {
    Box::pin(async move {
        let (sender, incoming) = channel(WAITING);
        let serving = answer(service, &listening, GrpcConnections(incoming))?;
        let ((), ()) = tokio::try_join!(serving, accept(listening, sender))?;
        Ok(())
    })
}

/// Answers the calls of `incoming` connections. A connection is replaced by its client after the idle time of
/// an SQL connection. Streams that run when the service stops have the same time as those over HTTP.
fn answer(
    service: Arc<Service>,
    listening: &Listening,
    incoming: GrpcConnections,
) -> anyhow::Result<BoxFuture<'static, anyhow::Result<()>>> {
    let limits = Arc::clone(&listening.limits);
    let flight = Flight::new(service, Arc::clone(&limits))?;
    let flight =
        FlightServiceServer::new(flight).max_decoding_message_size(limits.doors.sql_message_bytes);
    let streams = u32::try_from(limits.doors.sql_prepared_max).unwrap_or(u32::MAX);
    let mut server = Server::builder()
        .max_concurrent_streams(streams.min(limits.serve.http2_streams))
        .http2_keepalive_interval(Some(KEEP_ALIVE))
        .max_connection_age(Duration::from_secs(limits.doors.sql_idle_s))
        .max_connection_age_grace(Duration::from_secs(limits.doors.sql_statement_s))
        .http2_max_header_list_size(u32::try_from(limits.serve.http_head_bytes).ok());
    let stop = listening.stop.clone();
    let signal = stop.clone().cancelled_owned();
    let serving = server.add_service(flight).serve_with_incoming_shutdown(incoming, signal);
    Ok(Box::pin(async move {
        let stopped = async {
            stop.cancelled().await;
            tokio::time::sleep(Duration::from_secs(limits.refine.stop_within_s)).await;
        };
        tokio::select! {
            served = serving => served.context("serve Arrow Flight SQL"),
            () = stopped => Ok(()),
        }
    }))
}

/// Accepts connections and hands them over to gRPC.
fn accept(
    listening: Listening,
    sender: Sender<GrpcConnection>,
) -> BoxFuture<'static, anyhow::Result<()>> {
    let (limits, certificates) = (Arc::clone(&listening.limits), listening.certificates.clone());
    let connection = move |stream: TcpStream, peer| {
        let (limits, certificates) = (Arc::clone(&limits), certificates.clone());
        let sender = sender.clone();
        let handed: BoxFuture<'static, anyhow::Result<()>> = Box::pin(async move {
            let handshake = async {
                stream.set_nodelay(true)?;
                match &certificates {
                    Some(it) => Stream::encrypted(stream, &limits, it, ALPN).await,
                    None => Ok(Stream::plain(stream, &limits)),
                }
            };
            let limit = Duration::from_secs(limits.serve.tls_handshake_time_s);
            let stream = tokio::time::timeout(limit, handshake).await??;
            hand_over(stream, peer, sender).await
        });
        handed
    };
    Box::pin(listening.run(PROTOCOL, connection))
}

/// Gives a connection to gRPC and waits until it is over, so that it is counted until then.
async fn hand_over(
    stream: Stream,
    peer: SocketAddr,
    sender: Sender<GrpcConnection>,
) -> anyhow::Result<()> {
    let (connection, closed) = GrpcConnection::new(stream, peer);
    sender.send(connection).await.ok().context("the server has stopped")?;
    closed.cancelled().await;
    Ok(())
}
