use super::*;
use plant::http_source::HttpAuth;

const URL: &str = "https://mes.example/api/orders?status=done";

fn source(pages: Pages) -> HttpSource {
    HttpSource {
        url: URL.to_owned(),
        query: vec![("lang".into(), "en".into())],
        headers: Vec::new(),
        auth: HttpAuth::None,
        pages,
        increment: None,
        requests_per_s: None,
    }
}

fn size() -> Option<PageSize> {
    Some(PageSize { parameter: "limit".into(), records: 2 })
}

/// Queries of the requests of a pull whose answers have these numbers of records, next values and links.
fn queries(pages: Pages, answers: &[(u64, Option<&str>)]) -> Result<Vec<String>, String> {
    let source = source(pages);
    let mut pager = Pager::new(&source, Url::parse(URL).unwrap(), Some(("since", "2026 01")));
    let mut queries = vec![pager.first().query().unwrap_or_default().to_owned()];
    for (number, (records, next)) in answers.iter().enumerate() {
        let next = next.map(str::to_owned);
        let sha256 = number.to_string();
        let facts = PageFacts { records: *records, sha256, link: next.clone(), next };
        let Some(url) = pager.next(&facts)? else { break };
        queries.push(url.query().unwrap_or_default().to_owned());
    }
    Ok(queries)
}

const FIXED: &str = "status=done&lang=en&since=2026+01";

#[test]
fn pages_have_numbers() {
    let pages = Pages::Number { parameter: "page".into(), first: 1, size: size() };
    let expected: Vec<String> =
        (1..=3).map(|page| format!("{FIXED}&limit=2&page={page}")).collect();
    // A short page is not the last one: the source may allow fewer records than requested.
    assert_eq!(queries(pages, &[(2, None), (1, None), (0, None)]).unwrap(), expected);
}

#[test]
fn pages_start_after_the_records_before_them() {
    let pages = Pages::Offset { parameter: "skip".into(), size: None };
    let expected: Vec<String> =
        [0, 2, 3].iter().map(|skip| format!("{FIXED}&skip={skip}")).collect();
    assert_eq!(queries(pages, &[(2, None), (1, None), (0, None)]).unwrap(), expected);
}

#[test]
fn a_cursor_is_taken_from_the_answer() {
    let pages = Pages::Cursor { parameter: "after".into(), path: "next".into(), size: None };
    let expected = [FIXED.to_owned(), format!("{FIXED}&after=a%3D"), format!("{FIXED}&after=b")];
    // A page without records may be followed by others.
    let answers = [(1, Some("a=")), (0, Some("b")), (1, Some("")), (1, None)];
    assert_eq!(queries(pages, &answers).unwrap(), expected);
}

#[test]
fn links_are_followed_on_the_same_server() {
    let pages = || Pages::NextLink { path: "@odata.nextLink".into(), size: None };
    let relative = [(1, Some("/api/orders?skiptoken=7")), (1, None)];
    assert_eq!(queries(pages(), &relative).unwrap(), [FIXED, "skiptoken=7"]);
    for other in ["https://evil.example/x", "http://mes.example/x", "https://mes.example:8443/x"] {
        let error = queries(pages(), &[(1, Some(other))]).unwrap_err();
        assert!(error.contains("credentials"), "{error}");
    }
    assert!(queries(pages(), &[(1, Some("https://[x"))]).unwrap_err().contains("invalid"));
    let pages = Pages::LinkHeader { size: None };
    assert_eq!(queries(pages, &[(1, Some("?page=2")), (1, None)]).unwrap(), [FIXED, "page=2"]);
}

#[test]
fn pages_that_repeat_are_an_error() {
    let source = source(Pages::Number { parameter: "page".into(), first: 0, size: None });
    let mut pager = Pager::new(&source, Url::parse(URL).unwrap(), None);
    let page = |sha: &str| PageFacts { records: 5, sha256: sha.to_owned(), ..PageFacts::default() };
    assert!(pager.next(&page("a")).unwrap().is_some());
    assert!(pager.next(&page("b")).unwrap().is_some());
    let error = pager.next(&page("a")).unwrap_err();
    assert!(error.starts_with("page 3 has the same content") && error.contains("page_parameter"));
    let pages = Pages::Cursor { parameter: "after".into(), path: "next".into(), size: None };
    let error = queries(pages, &[(1, Some("a")), (1, Some("b")), (1, Some("a"))]).unwrap_err();
    assert!(error.contains("was requested before"), "{error}");
}

#[test]
fn one_answer_has_no_next_page() {
    assert_eq!(queries(Pages::One, &[(5, Some("x"))]).unwrap(), [FIXED]);
}

#[test]
fn the_next_link_is_found_in_headers() {
    let check = |headers: &[&str], expected: Option<&str>| {
        let found = next_link(headers.iter().copied());
        assert_eq!(found.as_deref(), expected, "{headers:?}");
    };
    let github = "<https://a/x?page=1>; rel=\"prev\", <https://a/x?page=3&b=1,2>; rel=\"next\"";
    check(&[github], Some("https://a/x?page=3&b=1,2"));
    check(&["<a>; rel=first", "<b>;REL=Next;title=\"x, y\""], Some("b"));
    check(&["<a>; title=\"rel=next, <c>; rel=next\"; rel=\"last next\""], Some("a"));
    check(&["<a>; rel=\"nextpage\"", "", "<", "rel=next"], None);
}
