//! The request for encryption at the start of a connection.
//!
//! The library keeps bytes that follow the request in plain text as if they were encrypted
//! (CVE-2021-23222 of other programs), so this is done here, where nothing is read ahead.

use super::Server;
use crate::stream::Stream;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;
/// Length and code of the requests for TLS and for GSSAPI.
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
const GSS_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];
/// The protocol in ALPN, which clients from version 17 on require.
const ALPN: &[u8] = b"postgresql";
/// Requests before the first message: each kind once.
const REQUESTS_MAX: usize = 2;

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
            let stream = Stream::plain(stream, &server.limits);
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
    let stream = Stream::encrypted(stream, &server.limits, certificates, ALPN).await?;
    Ok(Negotiated { stream, begun: Vec::new() })
}
