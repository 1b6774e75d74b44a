//! The request for encryption at the start of a connection.
//!
//! The library keeps bytes that follow the request in plain text as if they were encrypted
//! (CVE-2021-23222 of other programs), so this is done here, where nothing is read ahead.

use super::Server;
use serve::http::Stalling;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;
/// Length and code of the requests for TLS and for GSSAPI.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
/// The protocol in ALPN, which clients from version 17 on require.
const ALPN: &[u8] = b"postgresql";
/// Requests before the first message: each kind once.
const REQUESTS_MAX: usize = 2;

/// A connection, encrypted or not.
pub enum Stream {
    Plain(Stalling<TcpStream>),
    Tls(Box<TlsStream<Stalling<TcpStream>>>),
}

impl Stream {
    pub fn is_secure(&self) -> bool {
        matches!(self, Self::Tls(_))
    }
}

/// A connection after its requests for encryption.
pub struct Negotiated {
    pub stream: Stream,
    /// The beginning of the first message, which has been read already.
    pub begun: Vec<u8>,
}

/// Answers the requests of a client for encryption; `None` if it has disconnected.
pub async fn negotiate(
    server: &Server,
    mut stream: TcpStream,
    peer: SocketAddr,
) -> anyhow::Result<Option<Negotiated>> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "no_delay_refused");
    }
    for _ in 0..=REQUESTS_MAX {
        let mut first = [0; 8];
        match stream.peek(&mut first[..1]).await? {
            0 => return Ok(None),
            _ if first[0] == HANDSHAKE => return encrypt(server, stream).await.map(Some),
            _ => stream.read_exact(&mut first).await?,
        };
        if first != TLS_REQUEST && first != GSS_REQUEST {
            let stream = Stream::Plain(stalling(server, stream));
            return Ok(Some(Negotiated { stream, begun: first.to_vec() }));
        }
        if first == TLS_REQUEST && server.certificates.is_some() {
            stream.write_all(b"S").await?;
            return encrypt(server, stream).await.map(Some);
        }
        stream.write_all(b"N").await?;
    }
    anyhow::bail!("too many requests for encryption")
}

async fn encrypt(server: &Server, stream: TcpStream) -> anyhow::Result<Negotiated> {
    let Some(certificates) = &server.certificates else { anyhow::bail!("no certificate for TLS") };
    let mut config = (*certificates.current()).clone();
    config.alpn_protocols = vec![ALPN.to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let stream = acceptor.accept(stalling(server, stream)).await?;
    Ok(Negotiated { stream: Stream::Tls(Box::new(stream)), begun: Vec::new() })
}

fn stalling(server: &Server, stream: TcpStream) -> Stalling<TcpStream> {
    Stalling::new(stream, Duration::from_secs(server.limits.serve.http_stall_time_s))
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
