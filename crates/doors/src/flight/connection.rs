//! Connections on their way to gRPC.

use crate::stream::Stream;
use futures::Stream as Items;
use serve::http::Peer;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc::Receiver;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::server::Connected;

/// A connection; its token is cancelled when it is dropped.
pub struct GrpcConnection {
    stream: Stream,
    peer: Peer,
    _closed: DropGuard,
}

impl GrpcConnection {
    /// A connection, and a token that is cancelled when it is over.
    pub fn new(stream: Stream, peer: SocketAddr) -> (Self, CancellationToken) {
        let peer = Peer { address: peer.ip().to_canonical(), is_secure: stream.is_secure() };
        let closed = CancellationToken::new();
        let connection = Self { stream, peer, _closed: closed.clone().drop_guard() };
        (connection, closed)
    }
}

/// The client of a connection, in the extensions of its requests.
#[derive(Debug, Clone, Copy)]
pub struct ClientPeer(pub Peer);

impl Connected for GrpcConnection {
    type ConnectInfo = ClientPeer;

    fn connect_info(&self) -> ClientPeer {
        ClientPeer(self.peer)
    }
}

/// The connections as a stream.
pub struct GrpcConnections(pub Receiver<GrpcConnection>);

impl Items for GrpcConnections {
    type Item = io::Result<GrpcConnection>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|received| received.map(Ok))
    }
}

impl AsyncRead for GrpcConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for GrpcConnection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
