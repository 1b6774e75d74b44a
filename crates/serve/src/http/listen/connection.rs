//! One connection: the TLS handshake if there is one, then HTTP/1.1 or HTTP/2 until it ends.

use super::arrival::{self, Arrival, Rewound};
use super::stall::Stalling;
use super::takeover::{self, Takeover};
use super::tls::Certificates;
use super::transfers::Transfers;
use super::{plain, tls};
use crate::Limits;
use crate::http::peer::Peer;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{Method, Version};
use hyper::body::Incoming;
use hyper::rt::{Executor, Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// What all connections share.
pub struct Server {
    pub router: Router,
    pub limits: Limits,
    pub certificates: Option<Arc<Certificates>>,
    pub stop: CancellationToken,
}

type Ended = anyhow::Result<()>;

/// The answer to a client that does not send the body of its first request in time.
const SLOW_BODY: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

impl Server {
    /// Serves a connection until it ends.
    pub async fn run(&self, stream: TcpStream, peer: SocketAddr) -> Ended {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no_delay_refused");
        }
        let address = peer.ip().to_canonical();
        // Each step is in memory of its own, so that a connection takes only what its step needs.
        let Some(certificates) = &self.certificates else {
            let stream = Stalling::new(stream, self.limits.stall_time);
            return self.http1(stream, Peer { address, is_secure: false }).await;
        };
        let acceptor = TlsAcceptor::from(certificates.current());
        let handshake = Box::pin(self.handshake(stream, acceptor));
        let Some(stream) = tokio::time::timeout(self.limits.handshake_time, handshake).await??
        else {
            return Ok(());
        };
        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(tls::HTTP2);
        let direct = Peer { address, is_secure: true };
        match is_http2 {
            true => Box::pin(self.http2(TokioIo::new(stream), direct)).await,
            false => Box::pin(self.http1(stream, direct)).await,
        }
    }

    /// The encrypted stream; `None` if the client sent plain HTTP and was advised.
    async fn handshake(
        &self,
        stream: TcpStream,
        acceptor: TlsAcceptor,
    ) -> anyhow::Result<Option<tls::Stream>> {
        if !plain::is_tls(&stream).await? {
            plain::advise(stream).await?;
            return Ok(None);
        }
        Ok(Some(acceptor.accept(Stalling::new(stream, self.limits.stall_time)).await?))
    }

    async fn http1<S>(&self, mut stream: S, direct: Peer) -> Ended
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let arrival = tokio::select! {
            arrival = arrival::gather(&mut stream, &self.limits) => arrival?,
            () = self.stop.cancelled() => return Ok(()),
        };
        let first = match arrival {
            Arrival::Request(first) => first,
            Arrival::Nothing => return Ok(()),
            Arrival::SlowBody => return Ok(stream.write_all(SLOW_BODY).await?),
        };
        match Box::pin(self.http1_requests(first, stream, direct)).await? {
            Some((stream, body)) => Box::pin(takeover::send(stream, body)).await,
            None => Ok(()),
        }
    }

    /// Answers requests, the first of which has arrived, until the connection ends or is to be taken over: then the
    /// stream and the body that is to be sent.
    async fn http1_requests<S>(
        &self,
        first: Vec<u8>,
        stream: S,
        direct: Peer,
    ) -> anyhow::Result<Option<(S, Body)>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let router = TowerToHyperService::new(self.router.clone());
        let takeover = Takeover::default();
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(direct);
            let is_plain = request.method() == Method::GET && request.version() == Version::HTTP_11;
            let (takeover, response) = (takeover.clone(), router.call(request));
            async move {
                let response = response.await;
                if is_plain { response.map(|it| takeover.keep(it)) } else { response }
            }
        });
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(self.limits.head_time);
        builder.max_header_size(self.limits.head_bytes);
        let stream = TokioIo::new(Rewound::new(first, stream, takeover.clone()));
        let mut running = builder.serve_connection(stream, service);
        let mut is_stopping = false;
        loop {
            tokio::select! {
                ended = &mut running => {
                    ended?;
                    return Ok(None);
                }
                () = takeover.head_sent() => break,
                () = self.stop.cancelled(), if !is_stopping => is_stopping = true,
            }
            Pin::new(&mut running).graceful_shutdown();
        }
        let stream = running.into_parts().io.into_inner().into_stream();
        Ok(takeover.body().map(|body| (stream, body)))
    }

    async fn http2(&self, stream: impl Read + Write + Unpin, direct: Peer) -> Ended {
        let limits = &self.limits;
        let transfers = Transfers::new(Instant::now());
        let router = TowerToHyperService::new(self.router.clone());
        let tracked = transfers.clone();
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(direct);
            let (transfer, response) = (tracked.begin(), router.call(request));
            async move { response.await.map(|response| transfer.track(response)) }
        });
        let mut builder = http2::Builder::new(Streams::default());
        builder.timer(TokioTimer::new()).max_header_list_size(bytes(limits.head_bytes));
        builder.max_concurrent_streams(limits.http2_streams);
        builder.max_send_buf_size(limits.http2_buffer_bytes);
        let mut running = pin!(builder.serve_connection(stream, service));
        tokio::select! {
            ended = running.as_mut() => return Ok(ended?),
            () = self.stop.cancelled() => {}
            watched = self.watch(&transfers) => watched?,
        }
        running.as_mut().graceful_shutdown();
        tokio::select! {
            ended = running.as_mut() => Ok(ended?),
            () = self.stalled(&transfers) => anyhow::bail!("the client does not read"),
        }
    }

    /// Ends when the connection has been idle for as long as HTTP/1.1 may be; fails if it is stalled.
    async fn watch(&self, transfers: &Transfers) -> Ended {
        let Limits { head_time, stall_time, .. } = self.limits;
        let mut ticks = tokio::time::interval(head_time.min(stall_time) / 2);
        loop {
            let now = ticks.tick().await;
            if transfers.is_stalled(now, stall_time) {
                anyhow::bail!("the client does not read");
            }
            if transfers.is_idle(now, head_time) {
                return Ok(());
            }
        }
    }

    /// Ends when a connection that is being closed is stalled: no body was polled within the stall time, or
    /// the rest of the responses was not written.
    async fn stalled(&self, transfers: &Transfers) {
        let stall_time = self.limits.stall_time;
        let mut ticks = tokio::time::interval(stall_time / 2);
        let began_at = ticks.tick().await;
        loop {
            let now = ticks.tick().await;
            let is_unread = transfers.is_idle(now, stall_time) && now >= began_at + stall_time;
            if is_unread || transfers.is_stalled(now, stall_time) {
                return;
            }
        }
    }
}

/// HTTP/2 counts bytes in 32 bits.
fn bytes(size: usize) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

/// Runs the requests of one HTTP/2 connection; those that run when the connection ends are aborted.
#[derive(Debug, Default, Clone)]
struct Streams(Arc<Mutex<JoinSet<()>>>);

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Removes tasks that have ended. A panic affects one request only, and the runtime logs it.
        while running.try_join_next().is_some() {}
        running.spawn(stream);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Of a connection that sends nothing.
    const WAITING_BYTES: usize = 2_048;

    #[tokio::test]
    async fn a_connection_that_sends_nothing_costs_little() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stream, _) = tokio::join!(TcpStream::connect(address), listener.accept());
        let stop = CancellationToken::new();
        let server =
            Server { router: Router::new(), limits: Limits::default(), certificates: None, stop };
        let waiting = server.run(stream.unwrap(), address);
        let bytes = size_of_val(&waiting);
        assert!(bytes <= WAITING_BYTES, "{bytes} bytes");
    }
}
