//! Headers of proxies, genuine and forged.

use super::*;
use axum::http::HeaderValue;

fn read(headers: &[(&'static str, &str)]) -> Forwarded {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    let trusted = ["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    Forwarded::from_headers(&map, &trusted)
}

#[track_caller]
fn check(
    headers: &[(&'static str, &str)],
    address: Option<&str>,
    https: Option<bool>,
    host: Option<&str>,
) {
    let expected = Forwarded {
        address: address.map(|it| it.parse().unwrap()),
        is_https: https,
        host: host.map(str::to_owned),
    };
    assert_eq!(read(headers), expected, "{headers:?}");
}

#[test]
fn one_proxy_reports_its_client() {
    let (proto, host) =
        (("x-forwarded-proto", "https"), ("x-forwarded-host", "cockpit.example:443"));
    check(
        &[("x-forwarded-for", "192.0.2.7"), proto, host],
        Some("192.0.2.7"),
        Some(true),
        Some("cockpit.example:443"),
    );
    check(
        &[("forwarded", "for=192.0.2.7;proto=https;host=cockpit.example")],
        Some("192.0.2.7"),
        Some(true),
        Some("cockpit.example"),
    );
    check(&[("x-forwarded-proto", "http")], None, Some(false), None);
    check(&[], None, None, None);
}

#[test]
fn addresses_may_have_a_port_or_brackets() {
    for text in
        ["for=192.0.2.7", "for=\"192.0.2.7:4711\"", "For = 192.0.2.7", "by=x; for=192.0.2.7"]
    {
        assert_eq!(
            read(&[("forwarded", text)]).address,
            Some("192.0.2.7".parse().unwrap()),
            "{text}"
        );
    }
    for text in ["for=\"[2001:db8::5]\"", "for=\"[2001:db8::5]:4711\""] {
        let expected = Some("2001:db8::5".parse().unwrap());
        assert_eq!(read(&[("forwarded", text)]).address, expected, "{text}");
    }
    for text in ["for=unknown", "for=_hidden", "for=", "for", ";;", "for=1.2.3", "=;="] {
        assert_eq!(read(&[("forwarded", text)]).address, None, "{text}");
    }
}

#[test]
fn headers_of_the_client_are_not_trusted() {
    // The client sent `X-Forwarded-For: 127.0.0.1`; the proxy appended the address it saw.
    check(&[("x-forwarded-for", "127.0.0.1, 192.0.2.7")], Some("192.0.2.7"), None, None);
    check(
        &[("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "192.0.2.7")],
        Some("192.0.2.7"),
        None,
        None,
    );
    check(
        &[("forwarded", "for=127.0.0.1;proto=https, for=192.0.2.7;proto=http")],
        Some("192.0.2.7"),
        Some(false),
        None,
    );
    // An element without an address still counts as a hop.
    check(&[("forwarded", "for=127.0.0.1, for=unknown")], None, None, None);
    // Proto and host are aligned at the right, where the trusted proxy appends.
    let forged = [
        ("x-forwarded-for", "192.0.2.7"),
        ("x-forwarded-proto", "https, http"),
        ("x-forwarded-host", "evil.example, cockpit.example"),
    ];
    check(&forged, Some("192.0.2.7"), Some(false), Some("cockpit.example"));
}

#[test]
fn chained_trusted_proxies_are_skipped() {
    check(&[("x-forwarded-for", "192.0.2.7, 10.0.0.9")], Some("192.0.2.7"), None, None);
    check(
        &[("forwarded", "for=192.0.2.7, for=10.0.0.9, for=\"[::1]\"")],
        Some("192.0.2.7"),
        None,
        None,
    );
    check(&[("x-forwarded-for", "10.0.0.9")], Some("10.0.0.9"), None, None);
    check(
        &[("x-forwarded-for", "127.0.0.1, 192.0.2.7, 10.0.0.9, 10.0.0.8")],
        Some("192.0.2.7"),
        None,
        None,
    );
}

#[test]
fn the_standard_header_wins() {
    let both = [("x-forwarded-for", "192.0.2.8"), ("forwarded", "for=192.0.2.7")];
    check(&both, Some("192.0.2.7"), None, None);
}
