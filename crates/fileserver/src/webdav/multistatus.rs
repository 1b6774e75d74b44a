//! The answer to `PROPFIND`: the properties of a folder and of its entries.

use crate::entry::{Found, Version, push, too_many};
use crate::failure::{Cause, Failure};
use chrono::{DateTime, Utc};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// The properties of one file or folder.
#[derive(Debug, Default)]
struct Entry {
    href: String,
    is_folder: bool,
    size_bytes: Option<u64>,
    modified_at: Option<DateTime<Utc>>,
    etag: Option<String>,
}

/// The entries of the folder `path`, without the folder itself.
///
/// # Errors
/// The text is not an answer to `PROPFIND`, or has more than `most` entries.
pub fn entries(text: &str, path: &str, most: usize) -> Result<Vec<Found>, Failure> {
    let mut found = Vec::new();
    let mut has_folder = false;
    for entry in responses(text, most)? {
        let href = decoded(path_of(&entry.href));
        let place = href.strip_suffix(b"/").unwrap_or(&href);
        let place = place.strip_prefix(b"/").unwrap_or(place);
        if place == path.as_bytes() {
            has_folder = true;
            continue;
        }
        let name = match path {
            "" => Some(place),
            _ => place.strip_prefix(path.as_bytes()).and_then(|rest| rest.strip_prefix(b"/")),
        };
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            let detail = format!("a listing of /{path} contains {}", entry.href);
            return Err(Failure::new(Cause::Unsupported, detail));
        };
        push(&mut found, named(name, entry), most)?;
    }
    if !has_folder {
        let detail = format!("a listing does not contain its folder /{path}");
        return Err(Failure::new(Cause::Unsupported, detail));
    }
    Ok(found)
}

fn named(name: &[u8], entry: Entry) -> Found {
    let unread = |reason| Found::Unread { shown: name.escape_ascii().to_string(), reason };
    let Ok(text) = std::str::from_utf8(name) else { return unread("is not UTF-8; rename it") };
    let name = text.to_owned();
    if entry.is_folder {
        return Found::Folder { name };
    }
    let (Some(size_bytes), Some(modified_at)) = (entry.size_bytes, entry.modified_at) else {
        return unread("has no size or no time of its last change at the server");
    };
    Found::File { name, version: Version { size_bytes, modified_at, etag: entry.etag } }
}

/// All elements `response`.
fn responses(text: &str, most: usize) -> Result<Vec<Entry>, Failure> {
    let mut reader = Reader::from_str(text);
    let mut entries = Vec::new();
    let mut entry = Entry::default();
    // The local names of the open elements, the innermost last.
    let mut open: Vec<String> = Vec::new();
    let mut value = String::new();
    loop {
        let event = reader.read_event().map_err(|error| invalid(&error.to_string()))?;
        match event {
            Event::Start(start) => {
                open.push(local(&start));
                value.clear();
                match open.last().map(String::as_str) {
                    Some("response") => entry = Entry::default(),
                    Some("collection") => entry.is_folder = true,
                    _ => {}
                }
            }
            Event::Empty(start) => entry.is_folder |= local(&start) == "collection",
            Event::Text(text) => value.push_str(&text.xml10_content()),
            Event::CData(text) => value.push_str(&text.xml10_content()),
            Event::GeneralRef(reference) => value.push(resolved(&reference)?),
            Event::End(_) => {
                let name = open.pop().unwrap_or_default();
                if name == "response" {
                    if entries.len() > most {
                        return Err(too_many(most));
                    }
                    entries.push(std::mem::take(&mut entry));
                } else {
                    set(&mut entry, &name, open.last().map_or("", String::as_str), value.trim());
                }
                value.clear();
            }
            Event::Eof if entries.is_empty() || !open.is_empty() => {
                return Err(invalid("it has no complete element `response`"));
            }
            Event::Eof => return Ok(entries),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
        }
    }
}

/// Sets a property. One that the server does not have comes empty, with the status 404.
fn set(entry: &mut Entry, name: &str, parent: &str, value: &str) {
    match (parent, name) {
        ("response", "href") => value.clone_into(&mut entry.href),
        ("prop", "getcontentlength") => entry.size_bytes = value.parse().ok().or(entry.size_bytes),
        ("prop", "getlastmodified") => {
            let at = DateTime::parse_from_rfc2822(value).ok().map(|at| at.to_utc());
            entry.modified_at = at.or(entry.modified_at);
        }
        ("prop", "getetag") if !value.is_empty() => entry.etag = Some(value.to_owned()),
        _ => {}
    }
}

fn local(start: &BytesStart<'_>) -> String {
    start.local_name().as_ref().to_owned()
}

fn resolved(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, Failure> {
    if let Ok(Some(sign)) = reference.resolve_char_ref() {
        return Ok(sign);
    }
    match reference.as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        name => Err(invalid(&format!("the entity {name} is unknown"))),
    }
}

fn invalid(reason: &str) -> Failure {
    Failure::new(Cause::Unsupported, format!("a listing is not an answer to PROPFIND: {reason}"))
}

/// The path of a reference, which is one already or a whole URL.
fn path_of(href: &str) -> &str {
    match href.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.find('/').map_or("/", |start| &rest[start..])
        }
        _ => href,
    }
}

/// The bytes of a percent-encoded text.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|it| it.is_ascii_hexdigit()));
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ANSWER: &str = r#"<?xml version="1.0" encoding="utf-8"?>
        <D:multistatus xmlns:D="DAV:" xmlns:lp1="DAV:">
        <D:response><D:href>/dumps/line%201/</D:href><D:propstat><D:prop>
          <lp1:resourcetype><D:collection/></lp1:resourcetype>
          <lp1:getlastmodified>Sat, 31 Jan 2026 12:34:56 GMT</lp1:getlastmodified></D:prop>
          <D:status>HTTP/1.1 200 OK</D:status></D:propstat>
          <D:propstat><D:prop><D:getcontentlength/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>
        </D:response>
        <D:response><D:href>http://host:80/dumps/line%201/a%20&amp;%25.csv</D:href><D:propstat><D:prop>
          <lp1:resourcetype/><lp1:getcontentlength>7</lp1:getcontentlength>
          <lp1:getlastmodified>Sat, 31 Jan 2026 12:34:56 GMT</lp1:getlastmodified>
          <lp1:getetag>"7-1"</lp1:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>
        <D:response><D:href>/dumps/line%201/b/</D:href><D:propstat><D:prop>
          <lp1:resourcetype><D:collection></D:collection></lp1:resourcetype></D:prop></D:propstat></D:response>
        <D:response><D:href>/dumps/line%201/%FF</D:href></D:response>
        </D:multistatus>"#;

    #[test]
    fn a_listing_is_read() {
        let found = entries(ANSWER, "dumps/line 1", 9).unwrap();
        let modified_at = DateTime::parse_from_rfc3339("2026-01-31T12:34:56Z").unwrap().to_utc();
        let version = Version { size_bytes: 7, modified_at, etag: Some("\"7-1\"".to_owned()) };
        assert_eq!(found[0], Found::File { name: "a &%.csv".to_owned(), version });
        assert_eq!(found[1], Found::Folder { name: "b".to_owned() });
        assert!(matches!(&found[2], Found::Unread { shown, .. } if shown == "\\xff"));
        assert_eq!(found.len(), 3);
        assert_eq!(entries(ANSWER, "dumps/line 1", 2).unwrap_err().cause, Cause::TooMany);
    }

    #[test]
    fn another_answer_is_an_error() {
        for wrong in ["", "<html><body>login</body></html>", "<multistatus><response><href>/", "{}"]
        {
            assert_eq!(entries(wrong, "", 9).unwrap_err().cause, Cause::Unsupported, "{wrong}");
        }
        assert!(entries(ANSWER, "other", 9).is_err(), "the folder itself is missing");
    }

    #[test]
    fn references_are_paths_or_urls() {
        for (href, expected) in
            [("/a/b", "/a/b"), ("https://h:8/a", "/a"), ("http://h", "/"), ("/a://b", "/a://b")]
        {
            assert_eq!(path_of(href), expected);
        }
        assert_eq!(decoded("/%41%2f%zz%4"), b"/A/%zz%4");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_fail(text in "(</?D:(response|href|prop|collection)/?>|&#?[a-z0-9]{0,4};?|/x|.){0,16}") {
            drop(entries(&text, "x", 9));
        }
    }
}
