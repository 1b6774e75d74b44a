//! Names in a listing that cannot be keys: with an empty folder name, `.` or `..`, a control
//! character, bytes that are not UTF-8.
//!
//! The store library refuses a whole page of a listing for one such name. So the pages of S3, Google Cloud Storage
//! and Azure Blob Storage pass through here before the library reads them, and each such name is removed and
//! recorded.

use async_trait::async_trait;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::path::Path as Key;
use object_store::{ClientOptions, Result};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// A name that is not read, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkippedName {
    pub name: String,
    /// What is wrong with it and what to do, as the end of a sentence.
    pub reason: String,
}

/// The skipped names of one place, each returned once.
#[derive(Debug, Clone, Default)]
pub struct SkippedNames(Arc<Mutex<Names>>);

#[derive(Debug, Default)]
struct Names {
    known: BTreeSet<SkippedName>,
    fresh: Vec<SkippedName>,
}

/// How many names are recorded; beyond it one may be reported again.
const KNOWN_NAMES: usize = 10_000;

impl SkippedNames {
    /// Records a name; one that is known already is not reported again.
    pub fn add(&self, name: impl Into<String>, reason: impl Into<String>) {
        let skipped = SkippedName { name: name.into(), reason: reason.into() };
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.known.len() >= KNOWN_NAMES {
            names.known.clear();
        }
        if names.known.insert(skipped.clone()) {
            names.fresh.push(skipped);
        }
    }

    /// The names that were added since the last call and not before.
    pub fn take_fresh(&self) -> Vec<SkippedName> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).fresh)
    }
}

/// Why a name relative to a store cannot be a key; `None` if it can.
pub fn fault(name: &str) -> Option<&'static str> {
    if name.chars().any(|sign| sign.is_ascii_control()) {
        return Some("holds a control character; rename it");
    }
    if name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("has an empty name, `.` or `..` between two /; rename it");
    }
    let is_key = Key::parse(name).is_ok_and(|key| key.as_ref() == name);
    (!is_key).then_some("cannot be a key; rename it")
}

/// Connects as the library does, with its listings filtered.
#[derive(Debug)]
pub struct Connector(SkippedNames);

impl Connector {
    /// Names that are removed from listings are added to `skipped`.
    pub fn new(skipped: SkippedNames) -> Self {
        Self(skipped)
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let inner = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(ListingFilter { inner, skipped: self.0.clone() }))
    }
}

#[derive(Debug)]
struct ListingFilter {
    inner: HttpClient,
    skipped: SkippedNames,
}

#[async_trait]
impl HttpService for ListingFilter {
    async fn call(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let Some(value) = request.headers_mut().get_mut("authorization") {
            value.set_sensitive(true);
        }
        let query = request.uri().query().unwrap_or_default();
        let dialect = query.split('&').find_map(Dialect::of_parameter);
        let response = self.inner.execute(request).await?;
        let Some(dialect) = dialect.filter(|_| response.status().is_success()) else {
            return Ok(response);
        };
        let (mut parts, body) = response.into_parts();
        let page = body.bytes().await?;
        let page = match std::str::from_utf8(&page) {
            Ok(text) => filtered(text, dialect, &self.skipped).into(),
            Err(_) => page,
        };
        parts.headers.remove("content-length");
        Ok(HttpResponse::from_parts(parts, page.into()))
    }
}

/// The elements of a page of a listing.
#[derive(Debug)]
struct Dialect {
    /// How file and folder begin.
    start: &'static str,
    file: &'static str,
    folder: &'static str,
    /// The elements of a file: its name and its size.
    name: &'static str,
    size: &'static str,
    /// The element of a folder with its name.
    folder_name: &'static str,
}

/// S3, and Google Cloud Storage by its XML interface.
const S3: Dialect = Dialect {
    start: "<Co",
    file: "Contents",
    folder: "CommonPrefixes",
    name: "Key",
    size: "Size",
    folder_name: "Prefix",
};

const AZURE: Dialect = Dialect {
    start: "<Blob",
    file: "Blob",
    folder: "BlobPrefix",
    name: "Name",
    size: "Content-Length",
    folder_name: "Name",
};

impl Dialect {
    /// The dialect of the response, if this parameter of the query requests a listing.
    fn of_parameter(parameter: &str) -> Option<&'static Self> {
        match parameter {
            "list-type=2" => Some(&S3),
            "comp=list" => Some(&AZURE),
            _ => None,
        }
    }

    /// The next file or folder, and where it begins.
    fn next_element<'a>(&self, text: &'a str) -> Option<(usize, &'a str)> {
        let mut starts = text.match_indices(self.start).map(|(start, _)| start);
        starts.find_map(|start| {
            let rest = &text[start..];
            let names = [self.file, self.folder];
            let name = names.into_iter().find(|name| rest[1..].starts_with(&format!("{name}>")))?;
            let close = format!("</{name}>");
            let end = rest.find(&close)? + close.len();
            Some((start, &rest[..end]))
        })
    }

    fn is_key(&self, element: &str, skipped: &SkippedNames) -> bool {
        if element.starts_with(&format!("<{}>", self.folder)) {
            let prefix = inner(element, self.folder_name).map(unescaped).unwrap_or_default();
            return fault(prefix.strip_suffix('/').unwrap_or(&prefix)).is_none();
        }
        let Some(name) = inner(element, self.name).map(unescaped) else { return true };
        // What consoles make for a folder: no file, and nothing to report.
        if name.ends_with('/') && inner(element, self.size) == Some("0") {
            return false;
        }
        let fault = fault(&name);
        if let Some(fault) = fault {
            skipped.add(name, fault);
        }
        fault.is_none()
    }
}

/// A page of a listing without the elements whose name cannot be a key.
fn filtered(page: &str, dialect: &Dialect, skipped: &SkippedNames) -> String {
    let mut kept = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((start, element)) = dialect.next_element(rest) {
        kept.push_str(&rest[..start]);
        if dialect.is_key(element, skipped) {
            kept.push_str(element);
        }
        rest = &rest[start + element.len()..];
    }
    kept + rest
}

fn inner<'a>(element: &'a str, name: &str) -> Option<&'a str> {
    let start = element.find(&format!("<{name}>"))? + name.len() + 2;
    let len = element[start..].find(&format!("</{name}>"))?;
    Some(&element[start..start + len])
}

/// The text with entities and character references of XML replaced.
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let entity = after.split_once(';').and_then(|(name, rest)| Some((entity(name)?, rest)));
        let (sign, after) = entity.unwrap_or(('&', after));
        plain.push(sign);
        rest = after;
    }
    plain + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(key: &str, size_bytes: u64) -> String {
        format!("<Contents><Key>{key}</Key><Size>{size_bytes}</Size></Contents>")
    }

    #[test]
    fn odd_names_leave_a_page_and_are_reported_once() {
        let good = entry("dumps/a &amp; b.csv", 3);
        let page = format!(
            "<List>{}{good}{}{}{}<CommonPrefixes><Prefix>a//</Prefix></CommonPrefixes>{}</List>",
            entry("dumps//a.csv", 1),
            entry("dumps/x&#13;.csv", 1),
            entry("dumps/folder/", 0),
            entry("dumps/../a", 1),
            "<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>",
        );
        let skipped = SkippedNames::default();
        let expected =
            format!("<List>{good}<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes></List>");
        assert_eq!(filtered(&page, &S3, &skipped), expected);
        let names: Vec<String> =
            skipped.take_fresh().into_iter().map(|skipped| skipped.name).collect();
        assert_eq!(names, ["dumps//a.csv", "dumps/x\r.csv", "dumps/../a"]);
        assert_eq!(filtered(&page, &S3, &skipped), expected);
        assert_eq!(skipped.take_fresh(), []);
    }

    #[test]
    fn odd_names_leave_a_page_of_azure() {
        let blob = |name: &str, size_bytes: u64| {
            format!(
                "<Blob><Name>{name}</Name><Properties><Content-Length>{size_bytes}</Content-Length>\
                 <BlobType>BlockBlob</BlobType></Properties></Blob>"
            )
        };
        let good = blob("dumps/a &amp; b.csv", 3) + "<BlobPrefix><Name>a/</Name></BlobPrefix>";
        let page = format!(
            "<EnumerationResults><Blobs>{}{good}{}{}</Blobs></EnumerationResults>",
            blob("dumps//a.csv", 1),
            blob("dumps/folder/", 0),
            "<BlobPrefix><Name>a//</Name></BlobPrefix>",
        );
        let skipped = SkippedNames::default();
        let expected = format!("<EnumerationResults><Blobs>{good}</Blobs></EnumerationResults>");
        assert_eq!(filtered(&page, &AZURE, &skipped), expected);
        let fresh = skipped.take_fresh();
        let names: Vec<&str> = fresh.iter().map(|skipped| skipped.name.as_str()).collect();
        assert_eq!(names, ["dumps//a.csv"]);
    }

    #[test]
    fn a_listing_is_recognised_by_its_query() {
        let start = |parameter| Dialect::of_parameter(parameter).map(|it| it.file);
        assert_eq!(start("list-type=2"), Some("Contents"));
        assert_eq!(start("comp=list"), Some("Blob"));
        assert_eq!(start("prefix=comp"), None);
    }

    #[test]
    fn a_name_is_a_key_as_it_stands_or_not_at_all() {
        for good in ["a", "ä~ #%[]/x", "a/b.c", "..a", "a%2F%25"] {
            assert_eq!(fault(good), None, "{good}");
        }
        for bad in ["", "/a", "a/", "a//b", "./a", "a/..", "a\tb", "a\u{7f}"] {
            assert!(fault(bad).is_some(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn a_page_of_keys_stays_as_it_is(keys in prop::collection::vec("[a-zä&;<#0-9 ]{1,9}", 0..5)) {
            let escape = |key: &String| key.replace('&', "&amp;").replace('<', "&lt;");
            let page: String = keys.iter().map(|key| entry(&escape(key), 1)).collect();
            prop_assert_eq!(filtered(&page, &S3, &SkippedNames::default()), page);
        }

        #[test]
        fn no_page_makes_it_fail(page in "(</?(Contents|Key|Blob|Name|BlobPrefix)>|&#?[0-9a-z]{0,9};?|.){0,20}") {
            filtered(&page, &S3, &SkippedNames::default());
            filtered(&page, &AZURE, &SkippedNames::default());
        }
    }
}
