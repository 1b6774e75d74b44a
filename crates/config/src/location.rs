//! Locations by URL: a folder of this machine, a bucket of S3, Google Cloud Storage or Azure Blob Storage with the
//! credentials of the usual variables of each service, or a folder of a file server.
//!
//! A plain path is used literally. A URL is percent-decoded, and may be written undecoded: `s3://bucket/my dumps`
//! and `s3://bucket/my%20dumps` are the same location.

mod azure;
mod credentials;
mod google;
mod remedy;
mod s3;
mod server;
pub mod skipped;

pub(crate) use server::VARIABLES;

use crate::settings::FileServerLimits;
use anyhow::{Context, bail};
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::signer::Signer;
use skipped::SkippedNames;
use std::fmt::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// A folder or bucket with files.
#[derive(Clone)]
pub struct Location {
    /// Its name in output: the URL without credentials, or the path.
    pub name: String,
    /// URL of the location, with a final slash.
    pub url: Url,
    /// The file system or bucket that contains the location.
    pub root: Arc<dyn ObjectStore>,
    /// Path of the location in `root`.
    pub prefix: Key,
    /// The folder, if the location is on this machine.
    pub folder: Option<PathBuf>,
    /// Whether it is at a file server, where files are visible while they are uploaded.
    pub is_file_server: bool,
    /// Signs addresses of files, if the store can.
    pub signer: Option<Arc<dyn Signer>>,
    /// Names in listings of the location that cannot be keys.
    pub skipped: SkippedNames,
}

impl Location {
    /// The store of the location: keys are relative to it.
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::new(PrefixStore::new(self.root.clone(), self.prefix.clone()))
    }

    /// What to do about a request that failed with the text `error`; `None` for a folder.
    pub fn remedy(&self, error: &str) -> Option<String> {
        remedy::of(self.url.scheme(), error)
    }
}

/// The stores hold credentials, and not all of them hide these in their own `Debug`.
impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Location").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}

/// Purpose of opening a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It must exist.
    Read,
    /// A missing folder is created.
    Write,
}

/// What a location may be, for errors.
const FORMS: &str = "s3://bucket/prefix, gs://bucket/prefix, az://container/prefix, sftp://, ftp:// or ftps://user@host/path, \
                     webdav:// or webdavs://host/path, file:///path or a path";

/// Opens the location `text`: a URL of a bucket, `file:///path` or a plain path.
///
/// # Errors
/// The URL is invalid, the credentials cannot be read, or the folder does not exist. Buckets of Google Cloud Storage and
/// Azure Blob Storage, and file servers, are not opened for writing.
pub fn open(text: &str, purpose: Purpose) -> anyhow::Result<Location> {
    open_within(text, purpose, &FileServerLimits::default())
}

/// The same with limits of requests to file servers.
///
/// # Errors
/// As [`open`].
pub fn open_within(
    text: &str,
    purpose: Purpose,
    limits: &FileServerLimits,
) -> anyhow::Result<Location> {
    if purpose == Purpose::Write {
        refuse_read_only(text)?;
    }
    match text.split_once("://") {
        Some(("s3" | "s3a", _)) => s3::open(text),
        Some(("gs", _)) => google::open(text),
        Some(("az" | "abfs" | "abfss", _)) => azure::open(text),
        Some(("file", _)) => {
            // `#` and `?` belong to names here: these URLs have no query and no fragment.
            let escaped = text.replace('#', "%23").replace('?', "%3F");
            let url = Url::parse(&escaped).with_context(|| format!("invalid URL `{text}`"))?;
            let Ok(path) = url.to_file_path() else {
                bail!("invalid URL `{text}`: expected file:///path on this machine")
            };
            open_folder(&path, purpose)
        }
        Some((scheme, _)) if server::SCHEMES.contains(&scheme) => {
            server::open(scheme, text, limits)
        }
        Some((scheme, _)) => bail!("unknown scheme `{scheme}://`: expected {FORMS}"),
        None => open_folder(Path::new(text), purpose),
    }
}

/// Refuses a location that only dumps are read from. A lake needs files that exactly one program may create, which
/// is tested for folders and S3 alone.
pub fn refuse_read_only(text: &str) -> anyhow::Result<()> {
    match text.split_once("://") {
        Some((scheme, _))
            if matches!(scheme, "gs" | "az" | "abfs" | "abfss")
                || server::SCHEMES.contains(&scheme) =>
        {
            bail!(
                "`{scheme}://` is supported as a bucket of dumps only; use a folder or s3://bucket/prefix for the lake \
                 and for everything that is written"
            )
        }
        _ => Ok(()),
    }
}

/// Refuses a URL with a user, a password or a query, which may contain a key. A URL of SFTP or FTP has a user. The error
/// does not repeat the URL.
pub fn refuse_keys(text: &str) -> anyhow::Result<()> {
    let Some((scheme, rest)) = text.split_once("://") else { return Ok(()) };
    let host = rest.split('/').next().unwrap_or_default();
    let has_user = match scheme {
        // `CONTAINER@ACCOUNT.dfs.core.windows.net` is the form of these URLs; anything else may be a key.
        "abfs" | "abfss" => host.contains('@') && azure::address(host).is_none(),
        _ if server::SCHEMES.contains(&scheme) => server::has_keys(scheme, host),
        _ => host.contains('@'),
    };
    if has_user || rest.contains('?') {
        let user = if matches!(scheme, "sftp" | "ftp" | "ftps") { "" } else { "a user, " };
        bail!(
            "the URL contains {user}a password or a query; set keys by {} instead",
            remedy::variables(scheme)
        );
    }
    Ok(())
}

/// The bucket and the prefix of the URL `text`.
fn bucket_and_prefix(text: &str, form: &str) -> anyhow::Result<(String, Key)> {
    refuse_keys(text)?;
    let place = text.split_once("://").map_or("", |(_scheme, place)| place);
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        bail!("invalid URL `{text}`: expected {form}");
    }
    let prefix = Key::from_url_path(prefix.trim_matches('/')).with_context(|| {
        format!(
            "invalid URL `{text}`: each part of the path must be a name in UTF-8, without control characters, \
             and not `.` or `..`"
        )
    })?;
    Ok((bucket.to_owned(), prefix))
}

fn open_folder(path: &Path, purpose: Purpose) -> anyhow::Result<Location> {
    if purpose == Purpose::Write {
        std::fs::create_dir_all(path)
            .with_context(|| format!("cannot create the folder {}", path.display()))?;
    }
    let folder = path.canonicalize().with_context(|| {
        format!("the folder {} does not exist or cannot be read", path.display())
    })?;
    if !folder.is_dir() {
        bail!("{} is a file; use the folder that contains it", path.display());
    }
    let Some(text) = folder.to_str() else {
        bail!("the name of {} is not UTF-8; rename the folder", folder.display())
    };
    let prefix = Key::parse(text).with_context(|| {
        format!("the name of {} contains a control character; rename the folder", folder.display())
    })?;
    Ok(Location {
        name: path.display().to_string(),
        url: url_of("file://", &prefix)?,
        root: Arc::new(LocalFileSystem::new()),
        prefix,
        folder: Some(folder),
        is_file_server: false,
        signer: None,
        skipped: SkippedNames::default(),
    })
}

/// The URL of the folder `prefix`, with a final slash. All characters but letters, digits and `-._~` are
/// encoded, because the Delta library derives a host name from it, which must not contain `[`, `^` or `|`.
fn url_of(start: &str, prefix: &Key) -> anyhow::Result<Url> {
    let mut text = format!("{start}/");
    for part in prefix.parts() {
        for byte in part.as_ref().bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    text.push(char::from(byte));
                }
                _ => write!(text, "%{byte:02X}")?,
            }
        }
        text.push('/');
    }
    Ok(Url::parse(&text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_contains_a_missing_location() {
        let error = open("/no/such/folder", Purpose::Read).unwrap_err();
        assert!(format!("{error:#}").contains("/no/such/folder"));
        let error = open("gopher://x/y", Purpose::Read).unwrap_err();
        assert!(error.to_string().contains("gopher://"));
    }

    #[test]
    fn a_lake_is_a_folder_or_on_s3() {
        for text in ["gs://b/x", "az://b/x", "abfss://b@a.dfs.core.windows.net/x"] {
            let error = open(text, Purpose::Write).unwrap_err().to_string();
            assert!(error.contains("bucket of dumps only"), "{error}");
        }
        for text in ["s3://b/x", "file:///x", "/x", "x"] {
            assert!(refuse_read_only(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_location_shows_no_credentials() {
        let place = open("s3://b/x", Purpose::Read).unwrap();
        assert_eq!(format!("{place:?}"), "Location { url: \"s3://b/x/\", .. }");
    }

    #[test]
    fn a_location_on_s3_is_decoded_and_encoded() {
        let check = |text: &str, prefix: &str, url: &str| {
            let place = open(text, Purpose::Read).unwrap();
            assert_eq!((place.prefix.as_ref(), place.url.as_str()), (prefix, url), "{text}");
            assert_eq!(place.url.join("bronze/a/").unwrap().as_str(), format!("{url}bronze/a/"));
        };
        check("s3://b", "", "s3://b/");
        check("s3://b/x/y/", "x/y", "s3://b/x/y/");
        check("s3://b/my dumps", "my dumps", "s3://b/my%20dumps/");
        check("s3://b/my%20dumps/", "my dumps", "s3://b/my%20dumps/");
        check("s3://b/Süd~1", "Süd~1", "s3://b/S%C3%BCd~1/");
        check("s3://b/line#3/[x]^|", "line#3/[x]^|", "s3://b/line%233/%5Bx%5D%5E%7C/");
        check("s3://b/100%/%41%2525", "100%/A%25", "s3://b/100%25/A%2525/");
        for wrong in
            ["s3://", "s3:///x", "s3://b/a//b", "s3://b/a/../b", "s3://b/%0A", "s3://b/%FF"]
        {
            assert!(open(wrong, Purpose::Read).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_folder_keeps_its_name() {
        let above = tempfile::tempdir().unwrap();
        for name in ["my dumps", "my%20dumps", "Süd~1", "温度", "a#1", "x?y", "[x]^|", "100%"] {
            let folder = above.path().join(name);
            let place = open(folder.to_str().unwrap(), Purpose::Write).unwrap();
            let folder = folder.canonicalize().unwrap();
            assert_eq!(place.folder.as_deref(), Some(folder.as_path()));
            assert_eq!(place.url.to_file_path().unwrap(), folder);
            assert_eq!(format!("/{}", place.prefix), folder.to_str().unwrap());
            let by_url = open(place.url.as_str(), Purpose::Read).unwrap();
            assert_eq!(by_url.folder, place.folder, "{name}");
        }
        let plain = format!("file://{}/my dumps", above.path().display());
        assert!(open(&plain, Purpose::Read).unwrap().folder.unwrap().ends_with("my dumps"));
        let plain = format!("file://{}/a#1", above.path().display());
        assert!(open(&plain, Purpose::Read).unwrap().folder.unwrap().ends_with("a#1"));
    }

    #[test]
    fn keys_in_a_url_are_refused() {
        let error = open("s3://key:secret@bucket/x", Purpose::Read).unwrap_err();
        assert!(!format!("{error:#}").contains("secret@"));
    }
}
