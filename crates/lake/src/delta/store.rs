//! A durable local file system: an acknowledged write survives a power failure.
//!
//! The local store of `object_store` never calls fsync. Here every file is written under a temporary name,
//! fsynced and renamed, and its folder is fsynced before the call returns. Temporary names contain the run
//! that wrote them, so that the files of a killed run can be identified.

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    UploadPart,
};
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Prefix of the names of temporary files, followed by the run.
pub const TEMPORARY: &str = ".cockpit-";

/// A durable local file system, rooted at `/`.
#[derive(Debug)]
pub struct Durable {
    inner: LocalFileSystem,
    run: String,
    /// Whether files survive a power failure.
    is_synced: bool,
}

impl Durable {
    /// A store whose temporary files are named after `run`.
    pub fn new(run: &str) -> Self {
        Self { inner: LocalFileSystem::new(), run: run.to_owned(), is_synced: true }
    }

    /// The same for files that need not survive a power failure.
    pub fn unsynced(run: &str) -> Self {
        Self { is_synced: false, ..Self::new(run) }
    }

    fn temporary(&self, target: &Path) -> io::Result<NamedTempFile> {
        let folder = target.parent().unwrap_or(Path::new("/"));
        std::fs::create_dir_all(folder)?;
        let prefix = format!("{TEMPORARY}{}-", self.run);
        tempfile::Builder::new().prefix(&prefix).suffix(".tmp").tempfile_in(folder)
    }
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "durable {}", self.inner)
    }
}

/// Renames a complete temporary file to its final name, durably.
fn persist(file: NamedTempFile, target: &Path, mode: &PutMode, is_synced: bool) -> Result<()> {
    let failed = |source: io::Error| failure(target, source);
    if is_synced {
        file.as_file().sync_all().map_err(failed)?;
    }
    let moved = match mode {
        PutMode::Create => file.persist_noclobber(target),
        PutMode::Overwrite | PutMode::Update(_) => file.persist(target),
    };
    moved.map_err(|refused| failed(refused.error))?;
    if !is_synced {
        return Ok(());
    }
    let folder = target.parent().unwrap_or(Path::new("/"));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn failure(path: &Path, source: io::Error) -> Error {
    let name = path.display().to_string();
    match source.kind() {
        io::ErrorKind::AlreadyExists => Error::AlreadyExists { path: name, source: source.into() },
        io::ErrorKind::NotFound => Error::NotFound { path: name, source: source.into() },
        _ => Error::Generic { store: "durable", source: format!("{name}: {source}").into() },
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(
        &self,
        location: &Key,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if matches!(options.mode, PutMode::Update(_)) {
            return self.inner.put_opts(location, payload, options).await;
        }
        let target = self.inner.path_to_filesystem(location)?;
        let mut file = self.temporary(&target).map_err(|error| failure(&target, error))?;
        let is_synced = self.is_synced;
        blocking(move || {
            for bytes in &payload {
                file.write_all(bytes).map_err(|error| failure(&target, error))?;
            }
            persist(file, &target, &options.mode, is_synced)?;
            Ok(PutResult { e_tag: None, version: None })
        })
        .await
    }

    async fn put_multipart_opts(
        &self,
        location: &Key,
        _options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let target = self.inner.path_to_filesystem(location)?;
        let file = self.temporary(&target).map_err(|error| failure(&target, error))?;
        let writer = file.reopen().map_err(|error| failure(&target, error))?;
        Ok(Box::new(Upload { target, file: Some(file), writer: Arc::new(writer), offset: 0 }))
    }

    async fn get_opts(&self, location: &Key, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Key>>,
    ) -> BoxStream<'static, Result<Key>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Key>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Key>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Key, to: &Key, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A multipart upload: parts are written at their offsets, and the file is renamed at the end.
#[derive(Debug)]
struct Upload {
    target: PathBuf,
    file: Option<NamedTempFile>,
    writer: Arc<File>,
    offset: u64,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let writer = self.writer.clone();
        let target = self.target.clone();
        let mut at = self.offset;
        self.offset += data.content_length() as u64;
        Box::pin(blocking(move || {
            for bytes in &data {
                writer.write_all_at(bytes, at).map_err(|error| failure(&target, error))?;
                at += bytes.len() as u64;
            }
            Ok(())
        }))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let target = self.target.clone();
        if let Some(file) = self.file.take() {
            blocking(move || persist(file, &target, &PutMode::Overwrite, true)).await?;
        }
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        self.file = None;
        Ok(())
    }
}
