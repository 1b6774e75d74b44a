//! Requests that are valid in most of their parts, so that they pass the first checks.

use super::source::Source;
use super::texts;
use axum::body::Body;
use axum::http::{Method, Request};
use url::form_urlencoded::byte_serialize;

/// Credentials of the tested service.
pub struct Credentials {
    /// Session cookies of users, as the header `Cookie`.
    pub cookies: Vec<String>,
    /// API tokens without a permission to change anything, as the header `Authorization`.
    pub tokens: Vec<String>,
    /// Credentials that have ended, as name and value of a header.
    pub ended: Vec<(&'static str, String)>,
}

/// The sender of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// Without valid credentials.
    Stranger,
    /// With an API token that permits reading only.
    Reader,
    /// With the session of a user. What would change something bears the marks of another site.
    User,
}

/// A request, and its sender.
pub struct Case {
    pub request: Request<Body>,
    pub sender: Sender,
    /// The parts of the request, to repeat it.
    pub summary: String,
}

/// The length of a body beyond the limit.
const LONG_BODY_BYTES: usize = 70_000;
const DEPTH: usize = 2_000;

/// The next case; `None` if its parts are not a request, such as an address with a blank.
pub fn next(
    source: &mut Source<'_>,
    routes: &[(&str, Method)],
    credentials: &Credentials,
) -> Option<Case> {
    let (pattern, route_method) = source.one_of(routes).clone();
    let address = address(source, pattern);
    let method = match source.below(8) {
        0..=4 => route_method,
        5 => Method::GET,
        _ => source.word(&texts::METHODS).parse().ok()?,
    };
    let sender = match source.below(8) {
        0..=4 => Sender::Stranger,
        5 => Sender::Reader,
        _ => Sender::User,
    };
    let mut headers = sender_headers(source, sender, credentials, &method);
    headers.extend(more_headers(source, sender));
    let (media, body) = body(source, &method);
    headers.extend(media.map(|it| ("content-type".to_owned(), it)));
    let shown = String::from_utf8_lossy(&body[..body.len().min(500)]).into_owned();
    let summary = format!("{sender:?} {method} {address} {headers:?} {shown}");
    let mut request = Request::builder().method(method).uri(address);
    for (name, value) in headers {
        request = request.header(name, value.as_bytes());
    }
    Some(Case { request: request.body(body.into()).ok()?, sender, summary })
}

fn address(source: &mut Source<'_>, pattern: &str) -> String {
    let mut path = match source.below(10) {
        0 => source.word(&texts::PATHS).to_owned(),
        1 => format!("/{}", encoded(&source.text(40))),
        _ => filled(source, pattern),
    };
    match source.below(24) {
        0 => path.push('/'),
        1 => path = path.replacen('/', "//", 1),
        2 => path = path.replacen("/api", "/x/../api", 1),
        3 => path = path.to_uppercase(),
        4 => path.insert_str(0, "http://localhost"),
        5 => path.insert_str(0, "http://evil.example"),
        _ => {}
    }
    let query = query(source);
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

/// The pattern of a route with values for its parameters.
fn filled(source: &mut Source<'_>, pattern: &str) -> String {
    if !pattern.starts_with('/') {
        return source.word(&texts::PATHS).to_owned();
    }
    let part = |part: &str| match part.starts_with('{') {
        false => part.to_owned(),
        true if source.is_one_in(4) => encoded(&source.text(20)),
        true => source.word(&texts::SEGMENTS).to_owned(),
    };
    pattern.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn encoded(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

fn query(source: &mut Source<'_>) -> String {
    let count = source.below(5);
    let pairs = (0..count).map(|_| {
        let name = match source.is_one_in(12) {
            true => encoded(&source.text(12)),
            false => source.word(&texts::NAMES).to_owned(),
        };
        let value = match (name.as_str(), source.below(8)) {
            ("sql", 0..=6) => encoded(&statement(source)),
            (_, 0) => encoded(&source.text(60)),
            (_, 1) => source.word(&texts::VALUES).replace(' ', "+"),
            _ => encoded(source.word(&texts::VALUES)),
        };
        format!("{name}={value}")
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A statement, sometimes with a part replaced.
fn statement(source: &mut Source<'_>) -> String {
    let mut sql = source.word(&texts::STATEMENTS).to_owned();
    if source.is_one_in(3) {
        let words: Vec<&str> = sql.split(' ').collect();
        let gone = source.word(&words);
        let other = source.word(&texts::STATEMENTS);
        let others: Vec<&str> = other.split(' ').collect();
        sql = sql.replacen(gone, source.word(&others), 1);
    }
    if source.is_one_in(10) {
        sql.push_str(&source.text(20));
    }
    sql
}

type Headers = Vec<(String, String)>;

fn owned(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn sender_headers(
    source: &mut Source<'_>,
    sender: Sender,
    credentials: &Credentials,
    method: &Method,
) -> Headers {
    let site = match sender {
        Sender::User if !method.is_safe() => *source.one_of(&texts::FOREIGN_SITES),
        _ if source.is_one_in(2) => &[],
        _ => *source.one_of(&texts::SITES),
    };
    let mut headers = owned(site);
    let host = if source.is_one_in(8) { source.word(&texts::HOSTS) } else { "localhost" };
    headers.push(("host".into(), host.into()));
    let (name, value) = match sender {
        Sender::User => ("cookie", source.one_of(&credentials.cookies).clone()),
        Sender::Reader => ("authorization", source.one_of(&credentials.tokens).clone()),
        Sender::Stranger => match source.below(6) {
            0 => ("authorization", source.word(&texts::TOKENS).to_owned()),
            1 => ("authorization", format!("Bearer {}", source.text(30))),
            2 => ("cookie", format!("cockpit-session={}", source.text(30))),
            3 => source.one_of(&credentials.ended).clone(),
            _ => return headers,
        },
    };
    headers.push((name.into(), value));
    headers
}

fn more_headers(source: &mut Source<'_>, sender: Sender) -> Headers {
    let count = source.below(6);
    let mut headers = Headers::new();
    for _ in 0..count {
        let (name, value) = *source.one_of(&texts::HEADERS);
        // A second cookie could not be told from the first one.
        if name == "cookie" && sender == Sender::User {
            continue;
        }
        let value = if source.is_one_in(8) { source.text(40) } else { value.to_owned() };
        headers.push((name.to_owned(), value));
    }
    if source.is_one_in(20) {
        headers.push((format!("x-{}", source.below(100)), "a".repeat(source.below(20_000))));
    }
    headers
}

/// A body with its media type.
fn body(source: &mut Source<'_>, method: &Method) -> (Option<String>, Vec<u8>) {
    let is_usual = matches!(*method, Method::POST | Method::PUT | Method::PATCH);
    if !is_usual && !source.is_one_in(10) {
        return (None, Vec::new());
    }
    let media = match source.below(6) {
        0 => source.word(&texts::MEDIA).to_owned(),
        _ => "application/json".to_owned(),
    };
    let bytes = match source.below(16) {
        0 => source.bytes(200),
        1 => source.word(&texts::BODIES).as_bytes().to_vec(),
        2 => "[".repeat(DEPTH).into_bytes(),
        3 => vec![b' '; LONG_BODY_BYTES],
        4..=7 => serde_json::json!({ "sql": statement(source) }).to_string().into_bytes(),
        8 => br#"{"name":"viewer","password":"tin roof kayak 42"}"#.to_vec(),
        9 => br#"{"secret":"x","name":"first","password":"tin roof kayak 42"}"#.to_vec(),
        _ => object(source).into_bytes(),
    };
    (Some(media), bytes)
}

fn object(source: &mut Source<'_>) -> String {
    let count = source.below(5);
    let pairs = (0..count).map(|_| {
        let (field, value) = (source.word(&texts::FIELDS), source.word(&texts::JSON));
        format!("\"{field}\":{value}")
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}
