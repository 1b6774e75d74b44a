//! Version 3 of the SSH File Transfer Protocol over the program `ssh`, which encrypts, checks the key of the host and
//! logs in.

mod packet;
mod session;
mod ssh;

pub use ssh::{PrivateKey, SftpAddress};

use crate::entry::{Found, Version, push, too_many};
use crate::pool::{Leased, Pool};
use crate::{Cause, Content, Failure, FileServer, Limits, Names, Protocol, within};
use bytes::Bytes;
use chrono::DateTime;
use futures::{StreamExt as _, stream};
use object_store::path::Path as Key;
use packet::{Attributes, Kind};
use session::{Download, SftpSession};
use std::sync::Arc;

/// A server of SFTP as an object store, with the location `root`. Nothing is connected yet.
pub fn sftp(address: SftpAddress, root: Key, limits: Limits, names: Names) -> FileServer {
    let pool = Pool::new(limits.connections);
    FileServer::new(Sftp { address: Arc::new(address), pool, limits }, root, limits, names)
}

#[derive(Debug)]
struct Sftp {
    address: Arc<SftpAddress>,
    pool: Pool<SftpSession>,
    limits: Limits,
}

impl Sftp {
    async fn lease(&self) -> Result<Leased<SftpSession>, Failure> {
        let leased =
            self.pool.lease(|| {
                let limit = self.limits.connect + self.limits.silence;
                let host = self.address.shown();
                async move {
                    within(limit, &host, SftpSession::start(&self.address, &self.limits)).await
                }
            });
        leased.await
    }
}

#[async_trait::async_trait]
impl Protocol for Sftp {
    fn name(&self) -> &'static str {
        "SFTP"
    }

    async fn folder(&self, path: &str, most: usize) -> Result<Vec<Found>, Failure> {
        let mut leased = self.lease().await?;
        let done = entries(&mut leased.connection, &server_path(path), most).await;
        self.pool.settle(leased, done)
    }

    async fn open(&self, path: &str) -> Result<Content, Failure> {
        let mut leased = self.lease().await?;
        let path = server_path(path);
        match leased.connection.open(path.as_bytes()).await {
            Ok((handle, attributes)) => {
                let version = version(&attributes)?;
                let download = Download::new(handle);
                let bytes = stream::try_unfold(Some((leased, download)), next).boxed();
                Ok(Content { version, bytes })
            }
            Err(failure) => self.pool.settle(leased, Err(failure)),
        }
    }
}

/// The next bytes of a file, and the connection with the rest.
type Rest = Option<(Leased<SftpSession>, Download)>;

async fn next(rest: Rest) -> Result<Option<(Bytes, Rest)>, Failure> {
    let Some((mut leased, mut download)) = rest else { return Ok(None) };
    if let Some(bytes) = leased.connection.read(&mut download).await? {
        return Ok(Some((bytes, Some((leased, download)))));
    }
    leased.connection.close(download.into_handle()).await?;
    leased.give_back();
    Ok(None)
}

/// The path at the server: `~/x` is relative to the folder of the user, anything else to the root.
fn server_path(path: &str) -> String {
    match path.strip_prefix('~') {
        Some("") => ".".to_owned(),
        Some(rest) if rest.starts_with('/') => format!(".{rest}"),
        _ => format!("/{path}"),
    }
}

/// The entries of a folder. Links are followed, unless they lead to a folder that contains them.
async fn entries(
    session: &mut SftpSession,
    path: &str,
    most: usize,
) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    let mut links = Vec::new();
    let handle = session.open_folder(path.as_bytes()).await?;
    while let Some(names) = session.read_folder(&handle).await? {
        for (name, attributes) in names {
            if matches!(name.as_ref(), b"." | b"..") {
                continue;
            }
            let Ok(text) = std::str::from_utf8(&name) else {
                let shown = name.escape_ascii().to_string();
                push(&mut found, Found::Unread { shown, reason: "is not UTF-8; rename it" }, most)?;
                continue;
            };
            match attributes.kind() {
                Kind::Link => links.push(text.to_owned()),
                kind => push_kind(&mut found, text, kind, &attributes, most)?,
            }
        }
        if links.len() > most {
            return Err(too_many(most));
        }
    }
    session.close(handle).await?;
    if links.is_empty() {
        return Ok(found);
    }
    let here = session.real_path(path.as_bytes()).await?;
    for name in links {
        let target = format!("{path}/{name}");
        // The target may be missing, or must not be read.
        let attributes = match session.stat(target.as_bytes()).await {
            Err(failure) if matches!(failure.cause, Cause::Absent | Cause::Denied) => continue,
            attributes => attributes?,
        };
        let kind = attributes.kind();
        if kind == Kind::Folder && is_within(&here, &session.real_path(target.as_bytes()).await?) {
            continue;
        }
        push_kind(&mut found, &name, kind, &attributes, most)?;
    }
    Ok(found)
}

fn push_kind(
    found: &mut Vec<Found>,
    name: &str,
    kind: Kind,
    attributes: &Attributes,
    most: usize,
) -> Result<(), Failure> {
    let name = name.to_owned();
    match kind {
        Kind::File => {
            let version = version(attributes)?;
            push(found, Found::File { name, version }, most)
        }
        Kind::Folder => push(found, Found::Folder { name }, most),
        Kind::Link | Kind::Other => Ok(()),
    }
}

/// Whether the folder `path` is `above` or below it.
fn is_within(path: &[u8], above: &[u8]) -> bool {
    let above = above.strip_suffix(b"/").unwrap_or(above);
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

fn version(attributes: &Attributes) -> Result<Version, Failure> {
    let modified_at = attributes.modified_s.and_then(|it| DateTime::from_timestamp(it.into(), 0));
    let (Some(size_bytes), Some(modified_at)) = (attributes.size_bytes, modified_at) else {
        let detail = "a file has no size or no time of its last change";
        return Err(Failure::new(Cause::Unsupported, detail));
    };
    Ok(Version { size_bytes, modified_at, etag: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_the_server_or_of_the_user() {
        for (path, expected) in [
            ("", "/"),
            ("srv/line 1", "/srv/line 1"),
            ("~", "."),
            ("~/dumps", "./dumps"),
            ("~other/x", "/~other/x"),
        ] {
            assert_eq!(server_path(path), expected);
        }
    }

    #[test]
    fn a_link_to_a_folder_above_is_recognised() {
        for (path, above, expected) in [
            ("/a/b", "/a", true),
            ("/a/b", "/a/b", true),
            ("/a/b", "/", true),
            ("/a/b", "/a/c", false),
            ("/ab", "/a", false),
        ] {
            assert_eq!(is_within(path.as_bytes(), above.as_bytes()), expected, "{path} {above}");
        }
    }
}
