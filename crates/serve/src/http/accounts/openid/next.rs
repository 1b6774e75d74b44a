//! Paths of this service that a login leads to.

use url::{Url, form_urlencoded};

/// The longest path that a login leads to; a longer one leads to the first page.
const PATH_BYTES_MAX: usize = 2_000;

/// The placeholder of the host of this service while a path is parsed.
const HERE: &str = "http://here.invalid";

/// The path in the parameter `next` of a query; `/` if it is not a page of this service.
pub fn from_query(query: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let next = pairs.find(|(name, _)| name == "next");
    next.and_then(|(_, path)| page(&path)).unwrap_or_else(|| "/".to_owned())
}

/// The path as a browser would resolve it, if it is a page of this service: browsers ignore tabs and line
/// ends, and interpret `//name` and `/\name` as another host.
fn page(path: &str) -> Option<String> {
    if !path.starts_with('/') || path.len() > PATH_BYTES_MAX {
        return None;
    }
    let here = Url::parse(HERE).ok()?;
    let url = here.join(path).ok().filter(|url| url.origin() == here.origin())?;
    let is_page = !url.path().starts_with("//")
        && !url.path().starts_with("/api/")
        && !matches!(url.path(), "/login" | "/setup");
    let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
    is_page.then(|| format!("{}{query}", url.path()))
}

/// The login page that leads to `next`, with the code of a failure and the name of the provider.
pub fn login_page(next: &str, failure: Option<(&str, &str)>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if next != "/" {
        query.append_pair("next", next);
    }
    if let Some((code, provider)) = failure {
        query.append_pair("error", code).append_pair("provider", provider);
    }
    let query = query.finish();
    if query.is_empty() { "/login".to_owned() } else { format!("/login?{query}") }
}

/// The address that begins a login which leads to `next`.
pub fn start_page(provider: &str, next: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("/api/v1/openid/{provider}/start?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_pages_of_this_service_only() {
        for (next, expected) in [
            ("/now", "/now"),
            ("/make?day=2023-01-12&by=hour", "/make?day=2023-01-12&by=hour"),
            ("/temps/Plant1.4.a", "/temps/Plant1.4.a"),
            ("", "/"),
            ("now", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/\n\\evil.example/x", "/"),
            ("///evil.example", "/"),
            ("/x/..//evil.example", "/"),
            ("https://evil.example/", "/"),
            ("javascript:alert(1)", "/"),
            ("/api/v1/session", "/"),
            ("/login?next=/login", "/"),
            ("/now\r\nSet-Cookie: a=b", "/nowSet-Cookie:%20a=b"),
            (&format!("/{}", "x".repeat(2_000)), "/"),
        ] {
            let query =
                form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            assert_eq!(from_query(&query), expected, "{next:?}");
        }
        assert_eq!(from_query("a=b"), "/");
    }

    #[test]
    fn the_login_page_names_the_failure() {
        assert_eq!(login_page("/", None), "/login");
        assert_eq!(
            login_page("/now?a=b", Some(("openid_stale", "plant"))),
            "/login?next=%2Fnow%3Fa%3Db&error=openid_stale&provider=plant"
        );
    }
}
