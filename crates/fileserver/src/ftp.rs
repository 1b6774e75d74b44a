//! FTP with passive transfers, in plain text or over TLS.
//!
//! Files are listed by `MLSD`, which has sizes and times to the second in UTC. From a server without it, `LIST` gives
//! the names, and `SIZE` and `MDTM` the size and time of each file, because `LIST` shows times to the minute at best.

mod control;
mod listing;
mod reply;
mod tls;

use crate::entry::Found;
use crate::pool::{Leased, Pool};
use crate::{Cause, Content, Failure, FileServer, Limits, Names, Protocol, Secret, within};
use bytes::Bytes;
use control::{FtpSession, Transfer};
use futures::{StreamExt as _, stream};
use object_store::path::Path as Key;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a server is, and the login.
#[derive(Debug, Clone)]
pub struct FtpAddress {
    pub user: String,
    pub password: Secret,
    /// A name or an IP address without brackets.
    pub host: String,
    pub port: u16,
    pub security: FtpSecurity,
    /// PEM file with authorities that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
}

/// Whether a connection is encrypted, its transfers included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FtpSecurity {
    /// Everything is readable on the network, the password included.
    Plain,
    /// TLS begins with the command `AUTH TLS`.
    Explicit,
    /// TLS begins with the connection.
    Implicit,
}

impl FtpAddress {
    /// The address in errors.
    fn shown(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// A server of FTP as an object store, with the location `root`. Nothing is connected yet.
pub fn ftp(address: FtpAddress, root: Key, limits: Limits, names: Names) -> FileServer {
    let pool = Pool::new(limits.connections);
    FileServer::new(Ftp { address: Arc::new(address), pool, limits }, root, limits, names)
}

#[derive(Debug)]
struct Ftp {
    address: Arc<FtpAddress>,
    pool: Pool<FtpSession>,
    limits: Limits,
}

impl Ftp {
    async fn lease(&self) -> Result<Leased<FtpSession>, Failure> {
        let leased = self.pool.lease(|| {
            let limit = self.limits.connect + self.limits.silence;
            let host = self.address.shown();
            async move { within(limit, &host, FtpSession::open(&self.address, &self.limits)).await }
        });
        leased.await
    }
}

#[async_trait::async_trait]
impl Protocol for Ftp {
    fn name(&self) -> &'static str {
        "FTP"
    }

    async fn folder(&self, path: &str, most: usize) -> Result<Vec<Found>, Failure> {
        let mut leased = self.lease().await?;
        let done = leased.connection.folder(path, most).await;
        self.pool.settle(leased, done)
    }

    async fn open(&self, path: &str) -> Result<Content, Failure> {
        let mut leased = self.lease().await?;
        match leased.connection.open_file(path).await {
            Ok((version, transfer)) => {
                let rest = Some((leased, transfer, version.size_bytes));
                let bytes = stream::try_unfold(rest, next).boxed();
                Ok(Content { version, bytes })
            }
            Err(failure) => self.pool.settle(leased, Err(failure)),
        }
    }
}

/// The next bytes of a file, the connection with the rest, and how many bytes are expected.
type Rest = Option<(Leased<FtpSession>, Transfer, u64)>;

async fn next(rest: Rest) -> Result<Option<(Bytes, Rest)>, Failure> {
    let Some((mut leased, mut transfer, expected)) = rest else { return Ok(None) };
    if let Some(bytes) = transfer.read().await? {
        let expected = expected.saturating_sub(bytes.len() as u64);
        return Ok(Some((bytes, Some((leased, transfer, expected)))));
    }
    drop(transfer);
    leased.connection.end_transfer().await?;
    if expected > 0 {
        let detail = format!("the file ended {expected} bytes before its end");
        return Err(Failure::new(Cause::Broken, detail));
    }
    leased.give_back();
    Ok(None)
}
