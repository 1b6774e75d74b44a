//! Connections: accepted up to a limit, each a task that is joined, all ended by one stop.

use super::super::Limits;
use super::peer::Peer;
use super::stall::Stalling;
use anyhow::Context;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

/// Wait after a failed accept (such as no file handle left), which would fail again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Answers on `listener` until `stop`, then lets the answers under way end, within the limit. When
/// it returns no task of it is left.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let at = listener.local_addr().context("read the address of the listener")?;
    tracing::info!(%at, "serving");
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = connections.join_next() => note(ended),
            Some((stream, peer, place)) = accept(&listener, &places) => {
                let (router, stop) = (router.clone(), stop.clone());
                let times = (limits.head_time, limits.stall_time);
                connections.spawn(connection((stream, peer), router, times, stop, place));
            }
        }
    }
    drop(listener);
    let rest = async {
        while let Some(ended) = connections.join_next().await {
            note(ended);
        }
    };
    if tokio::time::timeout(limits.stop_time, rest).await.is_err() {
        tracing::warn!(connections = connections.len(), "answers_cut_off");
        connections.shutdown().await;
    }
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, Peer, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, from)) => {
            let peer = Peer { address: from.ip().to_canonical(), is_secure: false };
            Some((stream, peer, place))
        }
        Err(error) => {
            tracing::warn!(%error, "accept_failed");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection(
    (stream, peer): (TcpStream, Peer),
    router: Router,
    (head_time, stall_time): (Duration, Duration),
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no_delay_refused");
    }
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_time);
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let stream = TokioIo::new(Stalling::new(stream, stall_time));
    let mut connection = pin!(builder.serve_connection(stream, service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A client that goes away, or an answer broken off, whose reason is already in the log.
    if let Err(error) = ended {
        tracing::debug!(%error, "connection_broken");
    }
}

fn note(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "connection_failed");
    }
}
