//! `[http]`: an HTTP interface that is read on a schedule.

use crate::alarms::value::duration;
use crate::diagnostic::did_you_mean;
use crate::secret::SecretRef;
use crate::toml_reader::TomlReader;
use plant::contract::{DumpUnit, Supersede};
use plant::http_source::{
    HttpAuth, HttpIncrement, HttpPull, HttpSource, PageSize, Pages, WATERMARK,
};
use plant::pattern::Pattern;
use url::Url;

/// Ways to authenticate.
pub(crate) const AUTHS: [&str; 6] =
    ["none", "basic", "bearer", "key_header", "key_parameter", "client_credentials"];
/// Ways to request the next page.
pub(crate) const PAGES: [&str; 6] = ["one", "number", "offset", "cursor", "link", "next_link"];

const URL_REMEDY: &str = "Write \"https://host/path\"; secrets are keys of their own.";
/// How far the clock of a source may be ahead without `clock_tolerance`, in seconds.
const CLOCK_TOLERANCE_S: u64 = 60;

/// Reads the table of an interface; `None` if there is none, or a required part is invalid.
pub(super) fn pull(reader: &mut TomlReader<'_, '_>, is_stream: bool) -> Option<HttpPull> {
    let mut table = reader.table("http")?;
    let others = ["paths", "topics", "done_marker", "dump_unit"];
    for key in others.into_iter().filter(|key| reader.has(key)) {
        reader.note(key, format!("`{key}` beside `[http]`"), "Write a contract for each source.");
    }
    reader.allow(&others);
    if is_stream {
        let remedy = "Write json_array, json_lines, delimited or another format of dumps.";
        reader.note("format", "invalid format beside `[http]`: answers are not messages", remedy);
    }
    let every_s = duration(&mut table, "every").map(|us| us.unsigned_abs().div_ceil(1_000_000));
    let source = http(&mut table);
    table.finish();
    Some(HttpPull { every_s, source: source? })
}

/// The keys of the answers of a table: pull and page.
pub(super) fn paths(table: &str) -> Vec<Pattern> {
    Pattern::parse(&format!("{table}/*/*")).into_iter().collect()
}

/// What a newer pull replaces by default: everything if it has all records, else the records with its keys.
pub(super) fn supersede(pull: &HttpPull) -> Supersede {
    match pull.source.increment {
        None => Supersede::Dump,
        Some(_) => Supersede::Key,
    }
}

/// The pages of a pull are one dump.
pub(super) fn dump_unit(supersede: Option<Supersede>) -> DumpUnit {
    match supersede {
        Some(Supersede::Dump) => DumpUnit::Folder,
        _ => DumpUnit::ByName,
    }
}

/// Reads what is requested from an interface; `None` if a required part is invalid.
fn http(reader: &mut TomlReader<'_, '_>) -> Option<HttpSource> {
    let url = reader.required("url", URL_REMEDY);
    let url = url.and_then(|text| valid_url(reader, "url", text));
    let query = pairs(reader, "parameters", '=');
    let headers = pairs(reader, "headers", ':');
    let auth = auth(reader);
    let pages = pages(reader);
    let increment = increment(reader);
    let requests_per_s = reader.number("requests_per_second");
    if requests_per_s == Some(0) {
        reader.note("requests_per_second", "`requests_per_second` is 0", "Write a number from 1.");
    }
    Some(HttpSource {
        url: url?,
        query,
        headers,
        auth: auth?,
        pages: pages?,
        increment,
        requests_per_s,
    })
}

/// A URL without user and password. A mistake does not repeat it.
fn valid_url(reader: &TomlReader<'_, '_>, key: &str, text: String) -> Option<String> {
    let problem = match Url::parse(&text) {
        Err(_) => "expected a URL",
        Ok(url) if !matches!(url.scheme(), "http" | "https") => "expected http or https",
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            "it has a user or a password; write auth = \"basic\", user and secret"
        }
        Ok(_) => return Some(text),
    };
    reader.note(key, format!("invalid {key}: {problem}"), URL_REMEDY);
    None
}

/// Texts of a name and a value with `sign` between them.
fn pairs(reader: &mut TomlReader<'_, '_>, key: &'static str, sign: char) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    for text in reader.texts(key).unwrap_or_default() {
        match text.split_once(sign).map(|(name, value)| (name.trim(), value.trim())) {
            Some((name, value)) if !name.is_empty() => {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            _ => {
                let message = format!("invalid {key}: expected a name, `{sign}` and a value");
                reader.note(key, message, format!("Write \"name{sign}value\"."));
            }
        }
    }
    pairs
}

fn auth(reader: &mut TomlReader<'_, '_>) -> Option<HttpAuth> {
    let kind = reader.text("auth").unwrap_or_else(|| AUTHS[0].to_owned());
    let secret = secret(reader);
    let [user, key_name, client_id] = ["user", "key_name", "client_id"].map(|key| reader.text(key));
    let scope = reader.text("scope");
    let token_url = reader.text("token_url").and_then(|text| valid_url(reader, "token_url", text));
    let auth = match kind.as_str() {
        "none" => Some(HttpAuth::None),
        "basic" => user.zip(secret).map(|(user, password)| HttpAuth::Basic { user, password }),
        "bearer" => secret.map(|token| HttpAuth::Bearer { token }),
        "key_header" => key_name.zip(secret).map(|(name, key)| HttpAuth::KeyHeader { name, key }),
        "key_parameter" => {
            key_name.zip(secret).map(|(name, key)| HttpAuth::KeyParameter { name, key })
        }
        "client_credentials" => {
            token_url.zip(client_id).zip(secret).map(|((token_url, client_id), client_secret)| {
                HttpAuth::ClientCredentials { token_url, client_id, client_secret, scope }
            })
        }
        other => {
            reader.note("auth", format!("unknown auth `{other}`"), did_you_mean(other, &AUTHS));
            return None;
        }
    };
    if auth.is_none() {
        let needed = match kind.as_str() {
            "basic" => "user and secret",
            "bearer" => "secret",
            "client_credentials" => "token_url, client_id and secret",
            _ => "key_name and secret",
        };
        let message = format!("auth = \"{kind}\" needs {needed}");
        reader.note("auth", message, "Write secret = \"env:NAME\" and the other keys.");
    }
    auth
}

/// A reference to a secret. A secret itself is refused, and not repeated.
fn secret(reader: &mut TomlReader<'_, '_>) -> Option<String> {
    let text = reader.text("secret")?;
    if let Err(error) = text.parse::<SecretRef>() {
        reader.note("secret", error.to_string(), "Write a reference here.");
        return None;
    }
    Some(text)
}

fn pages(reader: &mut TomlReader<'_, '_>) -> Option<Pages> {
    let kind = reader.text("pages").unwrap_or_else(|| PAGES[0].to_owned());
    let parameter = reader.text("page_parameter");
    let first = reader.number("first_page").unwrap_or(1);
    let path = reader.text("next");
    let size = page_size(reader);
    let needs = |key: &'static str, example: &str| {
        let message = format!("pages = \"{kind}\" needs `{key}`");
        reader.note("pages", message, format!("Write {key} = \"{example}\"."));
        None
    };
    match kind.as_str() {
        "one" => Some(Pages::One),
        "number" => match parameter {
            Some(parameter) => Some(Pages::Number { parameter, first, size }),
            None => needs("page_parameter", "page"),
        },
        "offset" => match parameter {
            Some(parameter) => Some(Pages::Offset { parameter, size }),
            None => needs("page_parameter", "offset"),
        },
        "cursor" => match (parameter, path) {
            (Some(parameter), Some(path)) => Some(Pages::Cursor { parameter, path, size }),
            (None, _) => needs("page_parameter", "cursor"),
            (_, None) => needs("next", "meta.next_cursor"),
        },
        "link" => Some(Pages::LinkHeader { size }),
        "next_link" => match path {
            Some(path) => Some(Pages::NextLink { path, size }),
            None => needs("next", "@odata.nextLink"),
        },
        other => {
            reader.note("pages", format!("unknown pages `{other}`"), did_you_mean(other, &PAGES));
            None
        }
    }
}

fn page_size(reader: &mut TomlReader<'_, '_>) -> Option<PageSize> {
    let (parameter, records) = (reader.text("size_parameter"), reader.number("page_size"));
    match (parameter, records) {
        (None, None) => None,
        (Some(parameter), Some(records)) if records > 0 => Some(PageSize { parameter, records }),
        _ => {
            let remedy = "Write size_parameter = \"limit\" and page_size = 500, or none of them.";
            reader.note("page_size", "expected `size_parameter` and `page_size`", remedy);
            None
        }
    }
}

fn increment(reader: &mut TomlReader<'_, '_>) -> Option<HttpIncrement> {
    let column = reader.text("watermark");
    let parameter = reader.text("watermark_parameter");
    let value = reader.text("watermark_value").unwrap_or_else(|| WATERMARK.to_owned());
    let first = reader.text("watermark_first");
    let tolerance = duration(reader, "clock_tolerance");
    let tolerance_s = tolerance.map(|us| us.unsigned_abs().div_ceil(1_000_000));
    if !value.contains(WATERMARK) {
        let remedy = "Write \"{watermark}\" where the last value of the column belongs.";
        reader.note("watermark_value", "`watermark_value` without `{watermark}`", remedy);
    }
    match (column, parameter) {
        (None, None) => None,
        (Some(column), Some(parameter)) => Some(HttpIncrement {
            column,
            parameter,
            value,
            first,
            clock_tolerance_s: tolerance_s.unwrap_or(CLOCK_TOLERANCE_S),
        }),
        _ => {
            let remedy =
                "Write watermark = \"updated_at\", a column, and watermark_parameter = \"since\".";
            reader.note("watermark", "expected `watermark` and `watermark_parameter`", remedy);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader::Findings;

    fn read(text: &str) -> (Option<HttpSource>, String) {
        let text = format!("url = 'https://mes.example/orders'\n{text}\n");
        let findings = Findings::new("orders.toml", &text);
        let document = findings.parse();
        let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
        let source = http(&mut reader);
        reader.finish();
        let notes: Vec<String> =
            findings.into_diagnostics().iter().map(ToString::to_string).collect();
        (source, notes.join("\n"))
    }

    fn valid(text: &str) -> HttpSource {
        let (source, notes) = read(text);
        assert_eq!(notes, "", "{text}");
        source.unwrap()
    }

    #[test]
    fn every_way_to_authenticate_is_read() {
        assert_eq!(valid("").auth, HttpAuth::None);
        let secret = "secret = 'env:MES'";
        let text = |kind: &str, more: &str| format!("auth = '{kind}'\n{secret}\n{more}");
        let (user, key) = ("a".to_owned(), "env:MES".to_owned());
        assert_eq!(
            valid(&text("basic", "user = 'a'")).auth,
            HttpAuth::Basic { user, password: key.clone() }
        );
        assert_eq!(valid(&text("bearer", "")).auth, HttpAuth::Bearer { token: key.clone() });
        let named = text("key_header", "key_name = 'X-Key'");
        assert_eq!(valid(&named).auth, HttpAuth::KeyHeader { name: "X-Key".into(), key });
        assert!(matches!(
            valid(&text("key_parameter", "key_name = 'k'")).auth,
            HttpAuth::KeyParameter { .. }
        ));
        let client = "token_url = 'https://id.example/token'\nclient_id = 'c'\nscope = 'read'";
        let auth = valid(&text("client_credentials", client)).auth;
        assert!(matches!(auth, HttpAuth::ClientCredentials { scope: Some(_), .. }));
    }

    #[test]
    fn every_way_to_request_pages_is_read() {
        assert_eq!(valid("").pages, Pages::One);
        let size = Some(PageSize { parameter: "limit".into(), records: 500 });
        let sized =
            |text: &str| valid(&format!("{text}\nsize_parameter = 'limit'\npage_size = 500")).pages;
        let parameter = "page".to_owned();
        assert_eq!(
            sized("pages = 'number'\npage_parameter = 'page'\nfirst_page = 0"),
            Pages::Number { parameter: parameter.clone(), first: 0, size: size.clone() }
        );
        assert_eq!(
            sized("pages = 'offset'\npage_parameter = 'page'"),
            Pages::Offset { parameter, size: size.clone() }
        );
        assert_eq!(sized("pages = 'link'"), Pages::LinkHeader { size: size.clone() });
        assert_eq!(
            sized("pages = 'next_link'\nnext = '@odata.nextLink'"),
            Pages::NextLink { path: "@odata.nextLink".into(), size }
        );
        let cursor = valid("pages = 'cursor'\npage_parameter = 'after'\nnext = 'meta.next'").pages;
        assert_eq!(cursor.path(), Some("meta.next"));
    }

    #[test]
    fn an_increment_has_a_column_and_a_parameter() {
        let text = "watermark = 'at'\nwatermark_parameter = '$filter'\n\
                    watermark_value = 'At ge {watermark}'\nclock_tolerance = '5 min'\n\
                    parameters = ['a = 1=2']\nheaders = ['Accept: text/csv; q=1']";
        let source = valid(text);
        let increment = source.increment.unwrap();
        assert_eq!(
            (increment.value_at("7").as_str(), increment.clock_tolerance_s),
            ("At ge 7", 300)
        );
        assert_eq!(source.query, [("a".to_owned(), "1=2".to_owned())]);
        assert_eq!(source.headers, [("Accept".to_owned(), "text/csv; q=1".to_owned())]);
    }

    #[test]
    fn mistakes_are_noted_with_their_line() {
        let check = |text: &str, expected: &str| {
            let notes = read(text).1;
            assert!(notes.contains(expected) && notes.contains("orders.toml:"), "{text}: {notes}");
            assert!(!notes.contains("hunter2"), "{notes}");
        };
        check("auth = 'basik'", "Did you mean `basic`");
        check("auth = 'basic'\nuser = 'a'", "needs user and secret");
        check("auth = 'bearer'\nsecret = 'hunter2'", "env:NAME");
        check(
            "auth = 'client_credentials'\ntoken_url = 'https://a:hunter2@b/'",
            "a user or a password",
        );
        check("pages = 'number'", "needs `page_parameter`");
        check("pages = 'next_link'", "needs `next`");
        check("pages = 'pages'", "unknown pages");
        check("page_size = 5", "expected `size_parameter`");
        check("watermark = 'at'", "expected `watermark` and `watermark_parameter`");
        check("watermark_value = 'x'", "without `{watermark}`");
        check("requests_per_second = 0", "is 0");
        check("parameters = ['=x']", "expected a name");
        check("pagesize = 1", "unknown key `pagesize`");
        assert!(read("").0.is_some());
    }
}
