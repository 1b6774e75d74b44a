//! File servers as object stores that are read: SFTP, FTP with and without TLS, WebDAV.
//!
//! In: the address of a server, credentials and limits.
//! Out: an object store that lists and reads the files of the server.
//! Promise: nothing is created or changed at the server; a file that arrives cut off is an error; names that cannot be
//! keys are left out and reported; no error and no debug output contains a secret.

mod entry;
mod failure;
mod ftp;
mod pool;
mod sftp;
mod store;
mod webdav;

pub use failure::{Cause, Failure};
pub use ftp::{FtpAddress, FtpSecurity, ftp};
pub use sftp::{PrivateKey, SftpAddress, sftp};
pub use store::{FileServer, Names};
pub use webdav::{WebdavAddress, WebdavLogin, webdav};

use bytes::Bytes;
use entry::{Found, Version};
use futures::stream::BoxStream;
use std::fmt;
use std::future::Future;
use std::time::Duration;

/// Limits of requests to a file server.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Time to connect.
    pub connect: Duration,
    /// Time without a byte of an answer.
    pub silence: Duration,
    /// Attempts of a request, at least one.
    pub attempts: u64,
    /// Pause after the first failed attempt; each further pause is twice as long.
    pub retry_first: Duration,
    /// Longest pause between two attempts.
    pub retry_longest: Duration,
    /// Connections at the same time.
    pub connections: usize,
    /// Names in one listing.
    pub names: usize,
    /// Folders nested in each other.
    pub depth: usize,
}

/// A secret. `Debug` shows no part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret `text`.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

/// A file that is being read.
struct Content {
    version: Version,
    bytes: BoxStream<'static, Result<Bytes, Failure>>,
}

/// A protocol. Paths have no slash at the beginning and at the end; the empty one is the root.
#[async_trait::async_trait]
trait Protocol: fmt::Debug + Send + Sync + 'static {
    /// Its name in errors.
    fn name(&self) -> &'static str;

    /// The entries of a folder, without `.` and `..`; an error if there are more than `most`.
    async fn folder(&self, path: &str, most: usize) -> Result<Vec<Found>, Failure>;

    /// Begins to read a file.
    async fn open(&self, path: &str) -> Result<Content, Failure>;
}

/// The result of `work`, or [`Cause::Away`] after `limit`.
async fn within<T>(
    limit: Duration,
    what: &str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_elapsed) => {
            let detail = format!("{what}: no answer within {} ms", limit.as_millis());
            Err(Failure::new(Cause::Away, detail))
        }
    }
}
