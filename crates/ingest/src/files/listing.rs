//! Lists the files of a bucket by their exact names.
//!
//! Local folders are walked here and not by `object_store`, whose listing fails as a whole for one name
//! that is not UTF-8, and skips names that end in `#` and digits.

use crate::Error;
use chrono::{DateTime, Utc};
use config::location::Location;
use config::location::skipped::{SkippedNames, fault};
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore as _};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

/// One file of the bucket.
#[derive(Debug, Clone)]
pub struct Object {
    /// Name relative to the bucket.
    pub key: String,
    pub size_bytes: u64,
    pub etag: Option<String>,
    pub modified_at: DateTime<Utc>,
}

/// All files below `folder`, which is empty or ends with a slash. Names that cannot be keys, and folders
/// without read permission, are recorded in `bucket.skipped` and left out.
///
/// # Errors
/// [`Error::NotFound`] if the bucket does not exist, [`Error::Storage`] if it cannot be listed.
pub async fn objects(bucket: &Location, folder: &str) -> Result<Vec<Object>, Error> {
    first_objects(bucket, folder, usize::MAX).await
}

/// The same for at most `most` files, in no particular order.
pub async fn first_objects(
    bucket: &Location,
    folder: &str,
    most: usize,
) -> Result<Vec<Object>, Error> {
    let listed = match &bucket.folder {
        Some(root) => {
            let (root, below, skipped) = (root.clone(), folder.to_owned(), bucket.skipped.clone());
            let walk = move || local(&root, &below, skipped, most);
            tokio::task::spawn_blocking(walk).await.unwrap_or_else(|error| Err(error.into()))
        }
        None => remote(bucket, folder, most).await,
    };
    listed.map_err(|error| {
        let name = &bucket.name;
        if error.downcast_ref().is_some_and(is_not_found) {
            return Error::NotFound(format!("the bucket {name} does not exist; check its name"));
        }
        let remedy = bucket.remedy(&format!("{error:#}"));
        let remedy = remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default();
        let failed = format!("the bucket {name} cannot be listed at `{folder}`{remedy}");
        Error::Storage(error.context(failed))
    })
}

async fn remote(bucket: &Location, folder: &str, most: usize) -> anyhow::Result<Vec<Object>> {
    let prefix = Key::parse(folder)?;
    let prefix = Some(&prefix).filter(|_| !folder.is_empty());
    let objects: Vec<ObjectMeta> = bucket.store().list(prefix).take(most).try_collect().await?;
    let object = |meta: ObjectMeta| Object {
        key: meta.location.into(),
        size_bytes: meta.size,
        etag: meta.e_tag,
        modified_at: meta.last_modified,
    };
    Ok(objects.into_iter().map(object).collect())
}

fn local(
    root: &Path,
    folder: &str,
    skipped: SkippedNames,
    most: usize,
) -> anyhow::Result<Vec<Object>> {
    let mut walk = Walk { found: Vec::new(), most, skipped, above: Vec::new() };
    let start = root.join(folder);
    match fs::metadata(&start) {
        Ok(metadata) if metadata.is_dir() => walk.folder(&start, folder, &metadata)?,
        Ok(_) => {}
        Err(error) if is_absent(&error) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(walk.found)
}

/// Whether a listing failed because there is no such bucket: the listing of a prefix without files is empty
/// and not an error.
fn is_not_found(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. })
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

struct Walk {
    found: Vec<Object>,
    /// The most files to list.
    most: usize,
    skipped: SkippedNames,
    /// Device and inode of the folders above, to detect links that lead back.
    above: Vec<(u64, u64)>,
}

impl Walk {
    /// Walks the folder at `path`, whose files have keys that start with `prefix`.
    fn folder(&mut self, path: &Path, prefix: &str, metadata: &Metadata) -> io::Result<()> {
        let identity = (metadata.dev(), metadata.ino());
        if self.above.contains(&identity) {
            return Ok(());
        }
        let entries = match fs::read_dir(path) {
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.skipped
                    .add(prefix, "is a folder without read permission; change its permissions");
                return Ok(());
            }
            entries => entries?,
        };
        self.above.push(identity);
        for entry in entries {
            if self.found.len() >= self.most {
                break;
            }
            self.entry(&entry?, prefix)?;
        }
        self.above.pop();
        Ok(())
    }

    fn entry(&mut self, entry: &fs::DirEntry, prefix: &str) -> io::Result<()> {
        let name = entry.file_name();
        let Some(key) = name.to_str().map(|name| format!("{prefix}{name}")) else {
            let shown = format!("{prefix}{}", name.as_encoded_bytes().escape_ascii());
            self.skipped.add(shown, "is not UTF-8; rename it");
            return Ok(());
        };
        if let Some(fault) = fault(&key) {
            self.skipped.add(key, fault);
            return Ok(());
        }
        // Links are followed. Their target, or the file itself, may have been deleted in the meantime.
        let metadata = match fs::metadata(entry.path()) {
            Err(error) if is_absent(&error) => return Ok(()),
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                self.skipped
                    .add(key, "cannot be read for lack of permission; change its permissions");
                return Ok(());
            }
            metadata => metadata?,
        };
        if metadata.is_dir() {
            return self.folder(&entry.path(), &format!("{key}/"), &metadata);
        }
        if metadata.is_file() {
            let modified_at = metadata.modified()?;
            let etag = Some(etag(&metadata, modified_at));
            let size_bytes = metadata.len();
            self.found.push(Object { key, size_bytes, etag, modified_at: modified_at.into() });
        }
        Ok(())
    }
}

/// Identifies a version of a file as HTTP servers do: inode, time in microseconds, size.
fn etag(metadata: &Metadata, modified_at: SystemTime) -> String {
    let since = modified_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    format!("{:x}-{:x}-{:x}", metadata.ino(), since.as_micros(), metadata.len())
}
