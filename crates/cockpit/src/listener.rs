//! The socket that the service listens on.

use std::io;
use std::net::SocketAddr;
use tokio::net::TcpListener;

/// A listener whose connections keep at most `unsent_bytes` each in the system. By default it keeps
/// minutes of a live stream, so a client that does not read is not noticed, and is sent everything until then.
/// Bytes on their way to the client do not count.
pub async fn bind(address: SocketAddr, unsent_bytes: u32) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).await?;
    limit_unsent(&listener, unsent_bytes)?;
    Ok(listener)
}

/// Accepted connections inherit the limit.
#[cfg(target_os = "linux")]
fn limit_unsent(listener: &TcpListener, unsent_bytes: u32) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;
    let size = libc::socklen_t::try_from(size_of::<u32>()).map_err(io::Error::other)?;
    #[expect(unsafe_code, reason = "the interface of the system; it reads one number")]
    // SAFETY: the descriptor is open, and the pointer refers to a number of this size.
    let done = unsafe {
        libc::setsockopt(
            listener.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            (&raw const unsent_bytes).cast(),
            size,
        )
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Other systems keep what they choose to keep.
#[cfg(not(target_os = "linux"))]
fn limit_unsent(_listener: &TcpListener, _unsent_bytes: u32) -> io::Result<()> {
    Ok(())
}
