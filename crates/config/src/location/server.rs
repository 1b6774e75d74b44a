//! File servers: SFTP, FTP with and without TLS, WebDAV. Dumps are read from them; nothing is written there.
//!
//! Keys, passwords and tokens are in variables of the environment, or where these refer to.

use super::credentials::{resolved, resolved_path};
use super::skipped::{SkippedNames, fault};
use super::{Location, url_of};
use crate::secret::SecretRef;
use crate::settings::FileServerLimits;
use anyhow::{Context as _, bail};
use fileserver::{
    FileServer, FtpAddress, FtpSecurity, Limits, Names, PrivateKey, Secret, SftpAddress,
    WebdavAddress, WebdavLogin,
};
use object_store::path::Path as Key;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Variable with the private key of SFTP, or a reference to it.
pub const SFTP_KEY: &str = "COCKPIT_SFTP_KEY";
/// Variable with the file of the keys of known hosts.
pub const SFTP_KNOWN_HOSTS: &str = "COCKPIT_SFTP_KNOWN_HOSTS";
/// Variable with the password of FTP, or a reference to it.
pub const FTP_PASSWORD: &str = "COCKPIT_FTP_PASSWORD";
/// Variable with the user of WebDAV.
pub const WEBDAV_USER: &str = "COCKPIT_WEBDAV_USER";
/// Variable with the password of WEBDAV_USER, or a reference to it.
pub const WEBDAV_PASSWORD: &str = "COCKPIT_WEBDAV_PASSWORD";
/// Variable with a bearer token of WebDAV, or a reference to it.
pub const WEBDAV_TOKEN: &str = "COCKPIT_WEBDAV_TOKEN";
/// Variable with the file of authorities that FTPS and WebDAV over HTTPS trust, too.
pub const CA_FILE: &str = "COCKPIT_FILE_SERVER_CA";

/// The schemes of file servers.
pub const SCHEMES: [&str; 5] = ["sftp", "ftp", "ftps", "webdav", "webdavs"];

/// All variables of file servers.
pub const VARIABLES: [&str; 7] =
    [SFTP_KEY, SFTP_KNOWN_HOSTS, FTP_PASSWORD, WEBDAV_USER, WEBDAV_PASSWORD, WEBDAV_TOKEN, CA_FILE];

/// Port of FTP over TLS from its first byte.
const IMPLICIT_TLS_PORT: u16 = 990;

/// The user of servers that require no password.
const ANONYMOUS: &str = "anonymous";

/// Opens a location at a file server.
pub fn open(scheme: &str, text: &str, limits: &FileServerLimits) -> anyhow::Result<Location> {
    open_with(scheme, text, limits, crate::env)
}

fn open_with(
    scheme: &str,
    text: &str,
    limits: &FileServerLimits,
    env: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Location> {
    super::refuse_keys(text)?;
    let place = Place::parse(scheme, text)?;
    let skipped = SkippedNames::default();
    let noted = skipped.clone();
    let names =
        Names { fault, skip: Arc::new(move |name: &str, reason: &str| noted.add(name, reason)) };
    let (root, requests) = (place.prefix.clone(), requests(limits));
    let store: FileServer = match scheme {
        "sftp" => fileserver::sftp(sftp(&place, env)?, root, requests, names),
        "ftp" | "ftps" => fileserver::ftp(ftp(scheme, &place, env)?, root, requests, names),
        _ => fileserver::webdav(webdav(scheme, &place, env)?, root, requests, names)?,
    };
    let url = url_of(&place.start(scheme), &place.prefix)
        .with_context(|| format!("invalid URL: expected {}", form(scheme)))?;
    Ok(Location {
        name: text.trim_end_matches('/').to_owned(),
        url,
        root: Arc::new(store),
        prefix: place.prefix,
        folder: None,
        is_file_server: true,
        signer: None,
        skipped,
    })
}

/// What a URL of a scheme looks like, for errors.
pub fn form(scheme: &str) -> &'static str {
    match scheme {
        "sftp" => "sftp://USER@HOST:PORT/PATH",
        "ftp" => "ftp://USER@HOST:PORT/PATH",
        "ftps" => "ftps://USER@HOST:PORT/PATH",
        "webdav" => "webdav://HOST:PORT/PATH",
        _ => "webdavs://HOST:PORT/PATH",
    }
}

/// Whether the text between `://` and the path has more than a URL of the scheme may have: a password, or a user where
/// the scheme has none.
pub fn has_keys(scheme: &str, host: &str) -> bool {
    match host.rsplit_once('@') {
        Some((user, _)) => scheme.starts_with("webdav") || user.contains([':', '@']),
        None => false,
    }
}

/// The place of a URL.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Empty for WebDAV.
    user: String,
    /// A name or an IP address, one of version 6 in brackets.
    host: String,
    port: u16,
    prefix: Key,
}

impl Place {
    fn parse(scheme: &str, text: &str) -> anyhow::Result<Self> {
        // The URL is not repeated: a password with a slash would be in it.
        let wrong = |reason: &str| format!("invalid URL: {reason}; expected {}", form(scheme));
        let place = text.split_once("://").map_or("", |(_scheme, place)| place);
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let (user, address) = match authority.split_once('@') {
            Some((user, address)) => (decoded(user).with_context(|| wrong("the user"))?, address),
            None => (String::new(), authority),
        };
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                let port = port.parse::<u16>().ok().filter(|port| *port > 0);
                (host, port.with_context(|| wrong("the port is none"))?)
            }
            _ => (address, default_port(scheme)),
        };
        if !is_host(host) {
            bail!(wrong("the host is neither a name nor an IP address"));
        }
        let needs_user = !scheme.starts_with("webdav");
        if needs_user && !is_user(&user) {
            bail!(wrong("the user is missing, or has a space, or begins with a hyphen"));
        }
        let prefix = Key::from_url_path(path.trim_matches('/')).with_context(|| {
            wrong("each part of the path must be a name in UTF-8, without control characters, and not `.` or `..`")
        })?;
        Ok(Self { user, host: host.to_owned(), port, prefix })
    }

    /// The URL without the path.
    fn start(&self, scheme: &str) -> String {
        let user: String = self.user.bytes().fold(String::new(), |mut text, byte| {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    text.push(char::from(byte));
                }
                _ => text.push_str(&format!("%{byte:02X}")),
            }
            text
        });
        let at = if user.is_empty() { "" } else { "@" };
        format!("{scheme}://{user}{at}{}:{}", self.host, self.port)
    }

    /// The host without the brackets of an IP address.
    fn bare_host(&self) -> String {
        self.host.trim_matches(['[', ']']).to_owned()
    }
}

fn default_port(scheme: &str) -> u16 {
    match scheme {
        "sftp" => 22,
        "ftp" | "ftps" => 21,
        "webdav" => 80,
        _ => 443,
    }
}

/// Whether a text is the name or the IP address of a host. One that begins with a hyphen would be an option of `ssh`.
fn is_host(host: &str) -> bool {
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').unwrap_or_default();
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let is_sign = |it: u8| it.is_ascii_alphanumeric() || b"-._".contains(&it);
    !host.is_empty() && !host.starts_with('-') && host.bytes().all(is_sign)
}

fn is_user(user: &str) -> bool {
    let is_sign = |it: char| !it.is_control() && !it.is_whitespace();
    !user.is_empty() && !user.starts_with('-') && user.chars().all(is_sign)
}

/// A percent-encoded user, such as `plant%40example.com`.
fn decoded(user: &str) -> anyhow::Result<String> {
    Ok(Key::from_url_path(user)?.as_ref().to_owned())
}

fn requests(limits: &FileServerLimits) -> Limits {
    Limits {
        connect: Duration::from_millis(limits.file_server_connect_ms),
        silence: Duration::from_millis(limits.file_server_silence_ms),
        attempts: limits.file_server_attempts,
        retry_first: Duration::from_millis(limits.file_server_retry_first_ms),
        retry_longest: Duration::from_millis(limits.file_server_retry_longest_ms),
        connections: limits.file_server_connections,
        names: limits.file_server_names,
        depth: limits.file_server_depth,
    }
}

fn sftp(place: &Place, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<SftpAddress> {
    let Some(key) = env(SFTP_KEY) else {
        bail!(
            "no private key is set: set {SFTP_KEY}=file:PATH to a key without passphrase, whose public key is among \
             the authorized keys of {} at {}",
            place.user,
            place.host
        );
    };
    let key = match resolved_path(&key) {
        Some(path) => {
            // ssh reads the file itself, and this error names the variable.
            SecretRef::File(path.clone())
                .read()
                .with_context(|| format!("the key of {SFTP_KEY}"))?;
            PrivateKey::File(std::path::absolute(path)?)
        }
        None => {
            let text = resolved(SFTP_KEY, key)?;
            if !text.contains("PRIVATE KEY") {
                bail!(
                    "{SFTP_KEY} has no private key: expected file:PATH, env:NAME, credential:NAME or the key itself"
                );
            }
            PrivateKey::Text(Secret::new(text))
        }
    };
    let known_hosts = env(SFTP_KNOWN_HOSTS).map(PathBuf::from);
    if let Some(file) = &known_hosts
        && !file.is_file()
    {
        bail!("the file {} of {SFTP_KNOWN_HOSTS} does not exist", file.display());
    }
    let known_hosts = known_hosts.map(std::path::absolute).transpose()?;
    let (user, host, port) = (place.user.clone(), place.bare_host(), place.port);
    Ok(SftpAddress { user, host, port, key, known_hosts })
}

fn ftp(
    scheme: &str,
    place: &Place,
    env: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<FtpAddress> {
    let password = match env(FTP_PASSWORD) {
        Some(password) => resolved(FTP_PASSWORD, password)?,
        // By custom an anonymous user gives an address; any text is accepted.
        None if place.user == ANONYMOUS => "anonymous@".to_owned(),
        None => bail!(
            "no password is set: set {FTP_PASSWORD} to file:PATH, env:NAME, credential:NAME or the password of {} at {}",
            place.user,
            place.host
        ),
    };
    let security = match (scheme, place.port) {
        ("ftp", _) => FtpSecurity::Plain,
        (_, IMPLICIT_TLS_PORT) => FtpSecurity::Implicit,
        _ => FtpSecurity::Explicit,
    };
    Ok(FtpAddress {
        user: place.user.clone(),
        password: Secret::new(one_line(FTP_PASSWORD, password)?),
        host: place.bare_host(),
        port: place.port,
        security,
        ca_file: env(CA_FILE).map(PathBuf::from),
    })
}

fn webdav(
    scheme: &str,
    place: &Place,
    env: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<WebdavAddress> {
    let secret = |variable: &str| {
        let value = env(variable).map(|value| resolved(variable, value)).transpose()?;
        value.map(|value| one_line(variable, value)).transpose()
    };
    let login = match (secret(WEBDAV_TOKEN)?, env(WEBDAV_USER), secret(WEBDAV_PASSWORD)?) {
        (Some(token), None, None) => WebdavLogin::Bearer(Secret::new(token)),
        (None, Some(user), Some(password)) => {
            WebdavLogin::Basic { user, password: Secret::new(password) }
        }
        (None, None, None) => WebdavLogin::None,
        _ => bail!(
            "set {WEBDAV_USER} and {WEBDAV_PASSWORD}, or {WEBDAV_TOKEN} alone, or none of them for a server without login"
        ),
    };
    Ok(WebdavAddress {
        host: place.host.clone(),
        port: place.port,
        is_encrypted: scheme == "webdavs",
        login,
        ca_file: env(CA_FILE).map(PathBuf::from),
    })
}

/// A secret that is sent in a line of its own.
fn one_line(variable: &str, secret: String) -> anyhow::Result<String> {
    if secret.chars().any(char::is_control) {
        bail!("{variable} has a line end or another control character");
    }
    Ok(secret)
}

#[cfg(test)]
mod tests;
