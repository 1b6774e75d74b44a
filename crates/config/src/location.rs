//! Locations by URL: a folder of this machine or a bucket of an S3 service, with the credentials of the usual
//! AWS variables and profile files.
//!
//! A plain path is used literally. A URL is percent-decoded, and may be written undecoded: `s3://bucket/my dumps`
//! and `s3://bucket/my%20dumps` are the same location.

pub mod skipped;

use anyhow::{Context, bail};
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::signer::Signer;
use skipped::{Connector, SkippedNames};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use url::Url;

/// A folder or bucket with files.
#[derive(Debug, Clone)]
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
}

/// Purpose of opening a location.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It must exist.
    Read,
    /// A missing folder is created.
    Write,
}

/// Opens the location `text`: `s3://bucket/prefix`, `file:///path` or a plain path.
pub fn open(text: &str, purpose: Purpose) -> anyhow::Result<Location> {
    match text.split_once("://") {
        Some(("s3" | "s3a", _)) => open_s3(text),
        Some(("file", _)) => {
            // `#` and `?` belong to names here: these URLs have no query and no fragment.
            let escaped = text.replace('#', "%23").replace('?', "%3F");
            let url = Url::parse(&escaped).with_context(|| format!("invalid URL `{text}`"))?;
            let Ok(path) = url.to_file_path() else {
                bail!("invalid URL `{text}`: expected file:///path on this machine")
            };
            open_folder(&path, purpose)
        }
        Some((scheme, _)) => {
            bail!(
                "unknown scheme `{scheme}://`: expected s3://bucket/prefix, file:///path or a path"
            )
        }
        None => open_folder(Path::new(text), purpose),
    }
}

/// Refuses a URL with a user, a password or a query, which may contain a key. The error does not repeat it.
pub fn refuse_keys(text: &str) -> anyhow::Result<()> {
    let Some((_scheme, rest)) = text.split_once("://") else { return Ok(()) };
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') || rest.contains('?') {
        bail!(
            "the URL contains a user, a password or a query; set keys by the AWS variables instead"
        );
    }
    Ok(())
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

fn open_s3(text: &str) -> anyhow::Result<Location> {
    refuse_keys(text)?;
    let place = text.split_once("://").map_or("", |(_scheme, place)| place);
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        bail!("invalid URL `{text}`: expected s3://bucket/prefix");
    }
    let prefix = Key::from_url_path(prefix.trim_matches('/')).with_context(|| {
        format!(
            "invalid URL `{text}`: each part of the path must be a name in UTF-8, without control characters, \
             and not `.` or `..`"
        )
    })?;
    let skipped = SkippedNames::default();
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    for (key, value) in profile_options(&builder)? {
        builder = builder.with_config(key, value);
    }
    if let Some(endpoint) = builder.get_config_value(&AmazonS3ConfigKey::Endpoint) {
        builder = builder.with_allow_http(endpoint.starts_with("http://"));
    }
    let builder = builder.with_http_connector(Connector::new(skipped.clone()));
    let store = builder.build().with_context(|| format!("cannot open the bucket {bucket}"))?;
    let store = Arc::new(store);
    Ok(Location {
        name: text.trim_end_matches('/').to_owned(),
        url: url_of(&format!("s3://{bucket}"), &prefix)?,
        root: store.clone(),
        prefix,
        folder: None,
        signer: Some(store),
        skipped,
    })
}

/// The options of the profile files that the variables do not set. Keys are used only if the variables have
/// none, so that the identity and the secret come from the same source.
fn profile_options(explicit: &AmazonS3Builder) -> anyhow::Result<Vec<(AmazonS3ConfigKey, String)>> {
    use AmazonS3ConfigKey as Key;
    let env = super::env;
    let home = env("HOME").map(PathBuf::from).unwrap_or_default();
    let file = |variable: &str, name: &str| {
        env(variable).map_or_else(|| home.join(".aws").join(name), PathBuf::from)
    };
    let profile = env("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    let credentials = file("AWS_SHARED_CREDENTIALS_FILE", "credentials");
    let config = file("AWS_CONFIG_FILE", "config");
    let mut found = read_profile(&config, &format!("profile {profile}"))?;
    found.extend(read_profile(&config, &profile)?);
    found.extend(read_profile(&credentials, &profile)?);
    if found.is_empty() && env("AWS_PROFILE").is_some() {
        bail!("no profile file contains the profile `{profile}` of AWS_PROFILE");
    }
    let has_keys = explicit.get_config_value(&Key::AccessKeyId).is_some();
    let mut options = Vec::new();
    for (word, key, is_secret) in [
        ("aws_access_key_id", Key::AccessKeyId, true),
        ("aws_secret_access_key", Key::SecretAccessKey, true),
        ("aws_session_token", Key::Token, true),
        ("region", Key::Region, false),
        ("endpoint_url", Key::Endpoint, false),
    ] {
        let is_explicit =
            if is_secret { has_keys } else { explicit.get_config_value(&key).is_some() };
        if let (false, Some(value)) = (is_explicit, found.get(word)) {
            options.push((key, value.clone()));
        }
    }
    Ok(options)
}

/// The values below `[section]` of an AWS profile file; none if the file does not exist.
fn read_profile(path: &Path, section: &str) -> anyhow::Result<HashMap<String, String>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    Ok(profile_section(&text, section))
}

fn profile_section(text: &str, section: &str) -> HashMap<String, String> {
    let mut values = HashMap::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name.trim() == section;
        } else if let (true, Some((key, value))) = (inside, line.split_once('=')) {
            values.insert(key.trim().to_owned(), value.trim().to_owned());
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_from_its_section_only() {
        let text = "[default]\nregion = a\n[profile plant]\nregion=b\n# region = c\n";
        assert_eq!(profile_section(text, "profile plant")["region"], "b");
        assert_eq!(profile_section(text, "default")["region"], "a");
        assert!(profile_section(text, "other").is_empty());
    }

    #[test]
    fn the_error_contains_a_missing_location() {
        let error = open("/no/such/folder", Purpose::Read).unwrap_err();
        assert!(format!("{error:#}").contains("/no/such/folder"));
        let error = open("ftp://x/y", Purpose::Read).unwrap_err();
        assert!(error.to_string().contains("ftp://"));
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
