//! A connection, encrypted or not.

use config::settings::Limits;
use serve::http::{Certificates, Stalling};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A connection whose writes fail once the client has read nothing for the limit.
pub enum Stream {
    Plain(Stalling<TcpStream>),
    Tls(Box<TlsStream<Stalling<TcpStream>>>),
}

impl Stream {
    /// A connection in plain text.
    pub fn plain(stream: TcpStream, limits: &Limits) -> Self {
        Self::Plain(stalling(stream, limits))
    }

    /// A connection after the handshake of TLS. `protocol` is its name in ALPN.
    ///
    /// # Errors
    /// The handshake fails.
    pub async fn encrypted(
        stream: TcpStream,
        limits: &Limits,
        certificates: &Certificates,
        protocol: &[u8],
    ) -> io::Result<Self> {
        let mut config = (*certificates.current()).clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self::Tls(Box::new(acceptor.accept(stalling(stream, limits)).await?)))
    }

    /// Whether the connection is encrypted.
    pub fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

fn stalling(stream: TcpStream, limits: &Limits) -> Stalling<TcpStream> {
    Stalling::new(stream, Duration::from_secs(limits.serve.http_stall_time_s))
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}
