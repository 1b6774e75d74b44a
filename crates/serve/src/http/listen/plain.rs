//! Plain HTTP sent to a port that expects TLS: recognised by its first byte, and answered with advice.

use std::io;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The first byte of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;

/// Bytes of the request that are read before it is answered: closing a connection with unread data
/// resets it, and the client may not see the answer.
const READ_BYTES: usize = 4096;

const ADVICE: &str = "This port expects HTTPS: open the same address with https:// instead.\n";

/// Whether the client begins a TLS handshake. Nothing is taken from the stream.
pub async fn is_tls(stream: &TcpStream) -> io::Result<bool> {
    let mut first = [0];
    match stream.peek(&mut first).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(first[0] == HANDSHAKE),
    }
}

/// Answers a plain request with 400 and closes the connection.
pub async fn advise(mut stream: TcpStream) -> io::Result<()> {
    let mut request = [0; READ_BYTES];
    let _read = stream.read(&mut request).await?;
    let length = ADVICE.len();
    let head = format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {length}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(ADVICE.as_bytes()).await?;
    stream.shutdown().await
}
