//! Accepts connections up to a limit, in total and per address. Each runs in a task that is joined.

use anyhow::Context as _;
use config::settings::Limits;
use serve::http::{Certificates, ClientKey};
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Pause after a failed accept. Its cause, such as a lack of file descriptors, usually persists.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections of a listener share.
pub struct Listening {
    pub listener: TcpListener,
    /// TLS; `None` is plain text, over which passwords are accepted from this machine only.
    pub certificates: Option<Arc<Certificates>>,
    pub limits: Arc<Limits>,
    pub stop: CancellationToken,
}

/// The open connections, by address.
#[derive(Debug, Default)]
struct Open {
    total: usize,
    by_address: HashMap<ClientKey, usize>,
}

/// One admitted connection; it is counted until this is dropped.
pub(crate) struct Admitted {
    key: ClientKey,
    open: Arc<Mutex<Open>>,
}

impl Listening {
    /// Runs `connection` for each client until the stop, then lets the connections end within the limit.
    ///
    /// # Errors
    /// The address of the listener cannot be read.
    pub(crate) async fn run<F>(
        self,
        protocol: &'static str,
        connection: impl Fn(TcpStream, SocketAddr) -> F,
    ) -> anyhow::Result<()>
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let address = self.listener.local_addr().context("read the address of the listener")?;
        tracing::info!(%address, protocol, tls = self.certificates.is_some(), "serving_sql");
        let (open, mut tasks) = (Arc::default(), JoinSet::new());
        loop {
            tokio::select! {
                () = self.stop.cancelled() => break,
                Some(ended) = tasks.join_next() => log_panic(ended),
                accepted = self.listener.accept() => {
                    let Some((stream, peer)) = accepted_or_pause(accepted).await else { continue };
                    let Some(admitted) = self.admit(&open, peer.ip()) else {
                        tracing::debug!(%peer, protocol, "connection_refused");
                        continue;
                    };
                    tasks.spawn(run_one(connection(stream, peer), peer, protocol, admitted));
                }
            }
        }
        finish(tasks, Duration::from_secs(self.limits.refine.stop_within_s)).await;
        Ok(())
    }

    /// `None` if there are as many connections as there may be.
    fn admit(&self, open: &Arc<Mutex<Open>>, address: IpAddr) -> Option<Admitted> {
        let limits = &self.limits.doors;
        let key = ClientKey::from_address(address);
        let mut counts = open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = counts.by_address.get(&key).copied().unwrap_or_default();
        let is_local = address.to_canonical().is_loopback();
        let is_full = counts.total >= limits.sql_connections
            || (!is_local && of_address >= limits.sql_connections_per_address);
        if is_full {
            return None;
        }
        counts.total += 1;
        counts.by_address.insert(key, of_address + 1);
        drop(counts);
        Some(Admitted { key, open: Arc::clone(open) })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut counts = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        counts.total -= 1;
        let Some(count) = counts.by_address.get_mut(&self.key) else { return };
        *count -= 1;
        if *count == 0 {
            counts.by_address.remove(&self.key);
        }
    }
}

async fn accepted_or_pause(
    accepted: std::io::Result<(TcpStream, SocketAddr)>,
) -> Option<(TcpStream, SocketAddr)> {
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            tracing::warn!(%error, "accept_failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn run_one(
    connection: impl Future<Output = anyhow::Result<()>>,
    peer: SocketAddr,
    protocol: &'static str,
    _admitted: Admitted,
) {
    // The client has disconnected, or was refused, which it knows.
    if let Err(error) = connection.await {
        tracing::debug!(%peer, protocol, error = format!("{error:#}"), "connection_broken");
    }
}

/// Waits up to `limit` for the connections to end, then aborts the rest.
async fn finish(mut tasks: JoinSet<()>, limit: Duration) {
    let rest = async {
        while let Some(ended) = tasks.join_next().await {
            log_panic(ended);
        }
    };
    if tokio::time::timeout(limit, rest).await.is_err() {
        tracing::warn!(connections = tasks.len(), "sql_connections_aborted");
        tasks.shutdown().await;
    }
}

fn log_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "connection_failed");
    }
}
