//! Accepts connections up to a limit, in total and per address. Each runs in a task that is joined.

mod admission;
mod arrival;
mod connection;
mod der;
mod plain;
mod stall;
mod takeover;
mod tls;
mod transfers;

pub use stall::Stalling;
pub use takeover::Endless;
pub use tls::{Certificates, TlsFiles};

use super::peer::Network;
use crate::Limits;
use admission::{Admission, Admitted};
use anyhow::Context;
use axum::Router;
use connection::Server;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Pause after a failed accept. Its cause, such as a lack of file descriptors, usually persists.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How the service can be reached.
#[derive(Debug, Default)]
pub struct Endpoint {
    pub network: Network,
    /// TLS; `None` is plain HTTP.
    pub certificates: Option<Arc<Certificates>>,
}

/// Serves connections of `listener` until `stop`, then lets running responses end within the limit.
/// When it returns, no task of it is running.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    endpoint: Endpoint,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let address = listener.local_addr().context("read the address of the listener")?;
    let Endpoint { network, certificates } = endpoint;
    tracing::info!(%address, tls = certificates.is_some(), "serving");
    let mut tasks = JoinSet::new();
    if let Some(certificates) = &certificates {
        tasks.spawn(Arc::clone(certificates).reload_until(limits.tls_reload, stop.clone()));
    }
    let server =
        Arc::new(Server { router, limits: limits.clone(), certificates, stop: stop.clone() });
    let admission = Admission::new(limits.connections_per_address, network);
    let permits = Arc::new(Semaphore::new(limits.connections));
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = tasks.join_next() => log_panic(ended),
            Some((stream, peer, permit)) = accept(&listener, &permits) => {
                let Some(admitted) = admission.admit(peer.ip()) else {
                    tracing::debug!(%peer, "connection_refused");
                    continue;
                };
                tasks.spawn(run(Arc::clone(&server), stream, peer, (permit, admitted)));
            }
        }
    }
    drop(listener);
    finish(tasks, limits.stop_time).await;
    Ok(())
}

/// Runs one connection; the permits are held until it ends.
async fn run(
    server: Arc<Server>,
    stream: TcpStream,
    peer: SocketAddr,
    _permits: (OwnedSemaphorePermit, Admitted),
) {
    // The client has disconnected, or the response was aborted, which is in the log already.
    if let Err(error) = server.run(stream, peer).await {
        tracing::debug!(%peer, %error, "connection_broken");
    }
}

/// Waits up to `limit` for the tasks to end, then aborts the rest.
async fn finish(mut tasks: JoinSet<()>, limit: Duration) {
    let rest = async {
        while let Some(ended) = tasks.join_next().await {
            log_panic(ended);
        }
    };
    if tokio::time::timeout(limit, rest).await.is_err() {
        tracing::warn!(connections = tasks.len(), "responses_aborted");
        tasks.shutdown().await;
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, permit)),
        Err(error) => {
            tracing::warn!(%error, "accept_failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

fn log_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "connection_failed");
    }
}
