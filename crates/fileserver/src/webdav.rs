//! WebDAV over HTTP or HTTPS: `PROPFIND` lists one folder at a time, because servers refuse to list a whole tree.

mod multistatus;

use crate::entry::{Found, Version, too_many};
use crate::{Cause, Content, Failure, FileServer, Limits, Names, Protocol, Secret, within};
use bytes::Bytes;
use chrono::DateTime;
use futures::{StreamExt as _, stream};
use object_store::path::Path as Key;
use reqwest::header::{CONTENT_TYPE, ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use reqwest::{Certificate, Client, Method, RequestBuilder, Response, StatusCode, Url, redirect};
use std::error::Error as _;
use std::path::PathBuf;

/// Where a server is, and the login.
#[derive(Debug, Clone)]
pub struct WebdavAddress {
    /// A name, or an IP address as in a URL.
    pub host: String,
    pub port: u16,
    /// HTTPS in place of HTTP.
    pub is_encrypted: bool,
    pub login: WebdavLogin,
    /// PEM file with authorities that are trusted besides those of the system.
    pub ca_file: Option<PathBuf>,
}

/// How requests prove who sends them.
#[derive(Debug, Clone)]
pub enum WebdavLogin {
    /// Not at all.
    None,
    Basic {
        user: String,
        password: Secret,
    },
    Bearer(Secret),
}

/// A server of WebDAV as an object store, with the location `root`. Nothing is connected yet.
///
/// # Errors
/// The address is not a URL, or the file of authorities cannot be read.
pub fn webdav(
    address: WebdavAddress,
    root: Key,
    limits: Limits,
    names: Names,
) -> Result<FileServer, Failure> {
    let scheme = if address.is_encrypted { "https" } else { "http" };
    let shown = format!("{scheme}://{}:{}", address.host, address.port);
    let url = Url::parse(&shown).map_err(|error| local(format!("{shown}: {error}")))?;
    let http = client(&address, &limits)?;
    Ok(FileServer::new(Webdav { http, url, login: address.login, limits }, root, limits, names))
}

fn client(address: &WebdavAddress, limits: &Limits) -> Result<Client, Failure> {
    let mut builder = Client::builder()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(limits.connect)
        .read_timeout(limits.silence)
        .pool_max_idle_per_host(limits.connections)
        .user_agent(concat!("plant-cockpit/", env!("CARGO_PKG_VERSION")));
    if let Some(file) = &address.ca_file {
        let unreadable = |error: &dyn std::fmt::Display| {
            local(format!("the certificates of {} cannot be read: {error}", file.display()))
        };
        let text = std::fs::read(file).map_err(|error| unreadable(&error))?;
        let certificates =
            Certificate::from_pem_bundle(&text).map_err(|error| unreadable(&error))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| local(error.to_string()))
}

fn local(detail: String) -> Failure {
    Failure::new(Cause::Local, detail)
}

#[derive(Debug)]
struct Webdav {
    http: Client,
    url: Url,
    login: WebdavLogin,
    limits: Limits,
}

/// The properties of a file that are used.
const PROPERTIES: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
    <propfind xmlns=\"DAV:\"><prop><resourcetype/><getcontentlength/><getlastmodified/><getetag/></prop></propfind>";

/// Bytes of one file in a listing, with the names of its properties.
const ENTRY_BYTES: usize = 8 * 1024;

#[async_trait::async_trait]
impl Protocol for Webdav {
    fn name(&self) -> &'static str {
        "WebDAV"
    }

    async fn folder(&self, path: &str, most: usize) -> Result<Vec<Found>, Failure> {
        let method = Method::from_bytes(b"PROPFIND").map_err(|error| local(error.to_string()))?;
        let url = self.address(path, true)?;
        let request = self.http.request(method, url).header("Depth", "1");
        let request = request.header(CONTENT_TYPE, "application/xml").body(PROPERTIES);
        let mut response = self.send(request, path).await?;
        if response.status() != StatusCode::MULTI_STATUS {
            let detail = format!(
                "{} answers {} to PROPFIND; it is not a server of WebDAV",
                self.url,
                response.status()
            );
            return Err(Failure::new(Cause::Unsupported, detail));
        }
        let mut text = Vec::new();
        while let Some(bytes) = self.chunk(&mut response).await? {
            text.extend_from_slice(&bytes);
            if text.len() > most.saturating_add(1).saturating_mul(ENTRY_BYTES) {
                return Err(too_many(most));
            }
        }
        let text = String::from_utf8(text).map_err(|error| {
            Failure::new(
                Cause::Unsupported,
                format!("{}: a listing is not UTF-8: {error}", self.url),
            )
        })?;
        multistatus::entries(&text, path, most)
    }

    async fn open(&self, path: &str) -> Result<Content, Failure> {
        let response = self.send(self.http.get(self.address(path, false)?), path).await?;
        if response.status() != StatusCode::OK {
            let detail = format!("{} answers {} to GET", self.url, response.status());
            return Err(Failure::new(Cause::Unsupported, detail));
        }
        let version = version(&response).ok_or_else(|| {
            let detail =
                format!("{}: a file has no length or no time of its last change", self.url);
            Failure::new(Cause::Unsupported, detail)
        })?;
        let bytes = stream::try_unfold(response, next).boxed();
        Ok(Content { version, bytes })
    }
}

impl Webdav {
    /// The URL of a path; that of a folder ends with a slash, because servers redirect it otherwise.
    fn address(&self, path: &str, is_folder: bool) -> Result<Url, Failure> {
        let mut url = self.url.clone();
        let mut segments = url.path_segments_mut().map_err(|()| local(self.url.to_string()))?;
        segments.clear().extend(path.split('/').filter(|part| !part.is_empty()));
        if is_folder {
            segments.push("");
        }
        drop(segments);
        Ok(url)
    }

    async fn send(&self, request: RequestBuilder, path: &str) -> Result<Response, Failure> {
        let request = match &self.login {
            WebdavLogin::None => request,
            WebdavLogin::Basic { user, password } => {
                request.basic_auth(user, Some(password.expose()))
            }
            WebdavLogin::Bearer(token) => request.bearer_auth(token.expose()),
        };
        let shown = self.url.as_str();
        let limit = self.limits.connect + self.limits.silence;
        let response = within(limit, shown, async {
            request.send().await.map_err(|error| unanswered(shown, error))
        });
        let response = response.await?;
        let status = response.status();
        match refusal(status) {
            None => Ok(response),
            Some(cause) => Err(Failure::new(
                cause,
                format!("{shown}{path}: status {status}{}", place(&response)),
            )),
        }
    }

    async fn chunk(&self, response: &mut Response) -> Result<Option<Bytes>, Failure> {
        response.chunk().await.map_err(|error| unanswered(self.url.as_str(), error))
    }
}

/// The next bytes of a file.
async fn next(mut response: Response) -> Result<Option<(Bytes, Response)>, Failure> {
    let bytes = response.chunk().await.map_err(|error| unanswered("a file", error))?;
    Ok(bytes.map(|bytes| (bytes, response)))
}

/// What is wrong by the status of an answer; `None` for a success.
fn refusal(status: StatusCode) -> Option<Cause> {
    match status.as_u16() {
        200..=299 => None,
        401 | 407 => Some(Cause::Refused),
        403 => Some(Cause::Denied),
        404 | 410 => Some(Cause::Absent),
        408 | 429 | 500..=599 => Some(Cause::Away),
        _ => Some(Cause::Unsupported),
    }
}

/// Where an answer redirects to, as the end of a sentence. Redirects are not followed, since they could send the
/// password to another server.
fn place(response: &Response) -> String {
    let place = response.headers().get("location").and_then(|place| place.to_str().ok());
    let place = place.map(|place| place.split(['?', '#']).next().unwrap_or_default());
    place.map(|place| format!(", it redirects to {place}; use that address")).unwrap_or_default()
}

/// The failure of a request without an answer. URL and headers are not part of it.
fn unanswered(shown: &str, error: reqwest::Error) -> Failure {
    let is_connect = error.is_connect();
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    let is_certificate =
        ["invalid peer certificate", "certificate verify"].iter().any(|it| text.contains(it));
    let cause = match is_connect {
        _ if is_certificate => Cause::Certificate,
        true => Cause::Away,
        false => Cause::Broken,
    };
    Failure::new(cause, format!("{shown}: {text}"))
}

fn version(response: &Response) -> Option<Version> {
    let headers = response.headers();
    let text = |name: HeaderName| header(headers, name);
    Some(Version {
        size_bytes: response.content_length()?,
        modified_at: DateTime::parse_from_rfc2822(text(LAST_MODIFIED)?).ok()?.to_utc(),
        etag: text(ETAG).map(str::to_owned),
    })
}

fn header(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_a_cause() {
        let check = |status: u16, expected: Option<Cause>| {
            assert_eq!(refusal(StatusCode::from_u16(status).unwrap()), expected, "{status}");
        };
        check(207, None);
        check(401, Some(Cause::Refused));
        check(403, Some(Cause::Denied));
        check(404, Some(Cause::Absent));
        check(503, Some(Cause::Away));
        check(301, Some(Cause::Unsupported));
        check(405, Some(Cause::Unsupported));
    }
}
