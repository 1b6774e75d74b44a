//! A file server as an object store: recursive listings, attempts, and no writing.

use crate::entry::{Found, Version};
use crate::{Cause, Failure, Limits, Protocol};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path as Key;
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult,
    MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, Result,
};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

/// Takes note of a name relative to the location that is left out, and why.
type Skip = Arc<dyn Fn(&str, &str) + Send + Sync>;

/// How names are judged, and where those that are left out are reported.
#[derive(Clone)]
pub struct Names {
    /// Why a name relative to the location cannot be a key; `None` if it can.
    pub fault: fn(&str) -> Option<&'static str>,
    /// Takes note of a name relative to the location that is left out, and why.
    pub skip: Skip,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// A file server. Keys are paths from its root.
#[derive(Debug, Clone)]
pub struct FileServer {
    protocol: Arc<dyn Protocol>,
    /// The folder that must exist: the location.
    root: Key,
    limits: Limits,
    names: Names,
}

impl fmt::Display for FileServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} server", self.protocol.name())
    }
}

impl FileServer {
    pub(crate) fn new(protocol: impl Protocol, root: Key, limits: Limits, names: Names) -> Self {
        Self { protocol: Arc::new(protocol), root, limits, names }
    }

    /// Repeats a request whose failure may pass.
    async fn attempted<T, F>(&self, request: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let mut pause = self.limits.retry_first;
        let mut attempt = 1;
        loop {
            match request().await {
                Err(failure) if failure.cause.passes() && attempt < self.limits.attempts => {}
                done => return done,
            }
            tokio::time::sleep(pause).await;
            pause = pause.saturating_mul(2).min(self.limits.retry_longest);
            attempt += 1;
        }
    }

    async fn folder(&self, path: &str, most: usize) -> Result<Vec<Found>, Failure> {
        self.attempted(|| self.protocol.folder(path, most)).await
    }

    /// All files below `start`. A folder that disappears meanwhile has none; the location itself must exist.
    async fn files(&self, start: Key) -> Result<Vec<ObjectMeta>> {
        let mut files = Vec::new();
        let mut seen = 0;
        let mut folders = vec![(start.to_string(), 0)];
        while let Some((path, depth)) = folders.pop() {
            let most = self.limits.names.saturating_sub(seen);
            let entries = match self.folder(&path, most).await {
                Ok(entries) => entries,
                Err(failure) => {
                    self.judge(&start, &path, failure).await?;
                    continue;
                }
            };
            seen += entries.len();
            for entry in entries {
                let Some((key, version)) = self.named(&path, entry) else { continue };
                match version {
                    Some(version) => files.push(meta(&key, version).map_err(|it| self.error(it))?),
                    None if depth < self.limits.depth => folders.push((key, depth + 1)),
                    None => {
                        let detail =
                            format!("{key} is nested in more than {} folders", self.limits.depth);
                        return Err(self.error(Failure::new(Cause::TooMany, detail)));
                    }
                }
            }
        }
        Ok(files)
    }

    /// The key of an entry, and its version if it is a file; `None` for a name that is left out.
    fn named(&self, folder: &str, entry: Found) -> Option<(String, Option<Version>)> {
        let joined = |name: &str| match folder {
            "" => name.to_owned(),
            _ => format!("{folder}/{name}"),
        };
        let (name, version) = match entry {
            Found::File { name, version } => (name, Some(version)),
            Found::Folder { name } => (name, None),
            Found::Unread { shown, reason } => {
                (self.names.skip)(self.relative(&joined(&shown)), reason);
                return None;
            }
        };
        let key = joined(&name);
        let fault = match name.contains('/') {
            true => Some("has a / in its name; rename it"),
            false => (self.names.fault)(&key),
        };
        if let Some(fault) = fault {
            (self.names.skip)(self.relative(&key), fault);
            return None;
        }
        Some((key, version))
    }

    /// Judges a folder that cannot be listed.
    async fn judge(&self, start: &Key, path: &str, failure: Failure) -> Result<()> {
        let is_root = path == self.root.as_ref();
        match failure.cause {
            Cause::Absent if is_root => Err(absent(&self.root, failure)),
            // A folder of the location may be missing, but not the location itself.
            Cause::Absent if path == start.as_ref() => {
                match self.folder(self.root.as_ref(), self.limits.names).await {
                    Err(failure) if failure.cause == Cause::Absent => {
                        Err(absent(&self.root, failure))
                    }
                    Err(failure) => Err(self.error(failure)),
                    Ok(_) => Ok(()),
                }
            }
            Cause::Absent => Ok(()),
            Cause::Denied if !is_root => {
                let name = format!("{}/", self.relative(path));
                let reason = "is a folder without read permission; change its permissions";
                (self.names.skip)(&name, reason);
                Ok(())
            }
            _ => Err(self.error(failure)),
        }
    }

    /// A path without that of the location.
    fn relative<'a>(&self, path: &'a str) -> &'a str {
        path.strip_prefix(self.root.as_ref()).map_or(path, |rest| rest.trim_start_matches('/'))
    }

    fn error(&self, failure: Failure) -> Error {
        Error::Generic { store: self.protocol.name(), source: Box::new(failure) }
    }

    fn refused<T>(&self, operation: &str) -> Result<T> {
        Err(Error::NotImplemented {
            operation: operation.to_owned(),
            implementer: self.to_string(),
        })
    }
}

fn absent(path: &Key, failure: Failure) -> Error {
    Error::NotFound { path: path.to_string(), source: Box::new(failure) }
}

fn meta(key: &str, version: Version) -> Result<ObjectMeta, Failure> {
    let location = Key::parse(key);
    let location = location.map_err(|error| Failure::new(Cause::Unsupported, error.to_string()))?;
    let Version { size_bytes: size, modified_at: last_modified, etag: e_tag } = version;
    Ok(ObjectMeta { location, last_modified, size, e_tag, version: None })
}

#[async_trait]
impl ObjectStore for FileServer {
    async fn put_opts(&self, _: &Key, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        self.refused("writing")
    }

    async fn put_multipart_opts(
        &self,
        _: &Key,
        _: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.refused("writing")
    }

    /// Reads a whole file; ranges and conditions are not supported.
    async fn get_opts(&self, location: &Key, options: GetOptions) -> Result<GetResult> {
        if options.range.is_some() {
            return self.refused("reading a range");
        }
        let opened = self.attempted(|| self.protocol.open(location.as_ref())).await;
        let content = opened.map_err(|failure| match failure.cause {
            Cause::Absent => absent(location, failure),
            _ => self.error(failure),
        })?;
        let meta = meta(location.as_ref(), content.version).map_err(|it| self.error(it))?;
        options.check_preconditions(&meta)?;
        let store = self.protocol.name();
        let failed = move |failure| Error::Generic { store, source: Box::new(failure) };
        let bytes: BoxStream<'static, Result<Bytes>> = match options.head {
            true => stream::empty().boxed(),
            false => content.bytes.map_err(failed).boxed(),
        };
        let range = 0..meta.size;
        let payload = GetResultPayload::Stream(bytes);
        Ok(GetResult { payload, meta, range, attributes: Attributes::default() })
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<Key>>) -> BoxStream<'static, Result<Key>> {
        stream::iter([self.refused("deleting")]).boxed()
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (server, start) = (self.clone(), prefix.cloned().unwrap_or_default());
        let files = async move { server.files(start).await };
        stream::once(files)
            .map_ok(|files| stream::iter(files.into_iter().map(Ok::<_, Error>)))
            .try_flatten()
            .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        let path = prefix.map(ToString::to_string).unwrap_or_default();
        let entries = self.folder(&path, self.limits.names).await;
        let mut listed = ListResult { common_prefixes: Vec::new(), objects: Vec::new() };
        for entry in entries.map_err(|failure| self.error(failure))? {
            match self.named(&path, entry) {
                Some((key, Some(version))) => {
                    listed.objects.push(meta(&key, version).map_err(|it| self.error(it))?);
                }
                Some((key, None)) => listed.common_prefixes.push(Key::parse(key)?),
                None => {}
            }
        }
        Ok(listed)
    }

    async fn copy_opts(&self, _: &Key, _: &Key, _: CopyOptions) -> Result<()> {
        self.refused("copying")
    }
}

#[cfg(test)]
mod tests;
