//! Checks of the guard, and headers of responses.

use super::{Reply, TestClient, request};
use crate::Limits;
use crate::http::guard::{HSTS, SECURITY};
use crate::http::{Network, Peer};
use axum::body::Body;
use axum::http::Method;

const HOST: &str = "cockpit.plant";
const PROXY: &str = "10.0.0.1";

async fn get(
    client: &TestClient,
    address: &str,
    is_secure: bool,
    headers: &[(&str, &str)],
) -> Reply {
    let mut request = request(Method::GET, "/api/v1/health", headers, Body::empty());
    let address = address.parse().unwrap();
    request.extensions_mut().insert(Peer { address, is_secure });
    client.send(request).await
}

/// Named [`HOST`], behind the proxy.
fn network() -> Network {
    let trusted_proxies = vec![PROXY.parse().unwrap()];
    Network { hosts: vec![HOST.to_owned()], trusted_proxies, only_proxies: false }
}

fn limits(requests_per_s: u32, requests_burst: u32) -> Limits {
    Limits { requests_per_s, requests_burst, ..Limits::default() }
}

#[tokio::test]
async fn a_path_that_is_not_utf8_is_refused() {
    let client = TestClient::new();
    for path in ["/api/v1/tables/gold/%ff", "/%c3%28", "/api/v1/users/%80/tokens"] {
        assert_eq!(client.get(path).await.refusal(), (400, "bad_path".into()), "{path}");
    }
    for path in ["/%", "/%c3%bc", "/100%/%zz", "/%e6%b8%a9"] {
        assert_ne!(client.get(path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_request_with_two_hosts_is_refused() {
    let client = TestClient::in_network(Limits::default(), network());
    let twice = [("host", HOST), ("host", "localhost")];
    let reply = get(&client, "127.0.0.1", false, &twice).await;
    assert_eq!(reply.refusal(), (400, "two_hosts".into()));
}

#[tokio::test]
async fn only_configured_hosts_are_accepted() {
    let client = TestClient::in_network(Limits::default(), network());
    let check = async |host: &str, expected: u16| {
        let reply = get(&client, "127.0.0.1", false, &[("host", host)]).await;
        assert_eq!(reply.status, expected, "{host}");
    };
    let ours =
        ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080", "[::1]", "Cockpit.plant:80"];
    for host in ours {
        check(host, 200).await;
    }
    let evil = [
        "",
        "evil.example",
        "localhost.evil.example:8080",
        "127.0.0.1.nip.io",
        "[::2]",
        "10.0.0.1",
    ];
    for host in evil {
        check(host, 421).await;
    }
}

#[tokio::test]
async fn pages_of_other_sites_may_only_link() {
    let client = TestClient::in_network(Limits::default(), network());
    for (mode, expected) in [("cors", 403), ("no-cors", 403), ("navigate", 200)] {
        let headers = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode)];
        assert_eq!(get(&client, "127.0.0.1", false, &headers).await.status, expected, "{mode}");
    }
}

#[tokio::test]
async fn too_many_requests_of_an_address_are_refused_with_the_time_to_wait() {
    let client = TestClient::in_network(limits(1, 3), network());
    for _ in 0..3 {
        assert_eq!(get(&client, "192.0.2.7", false, &[]).await.status, 200);
    }
    let refused = get(&client, "192.0.2.7", false, &[]).await;
    assert_eq!(refused.refusal(), (429, "too_many_requests".to_owned()));
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(get(&client, "192.0.2.8", false, &[]).await.status, 200);
    for _ in 0..10 {
        assert_eq!(get(&client, "127.0.0.1", false, &[]).await.status, 200);
    }
}

#[tokio::test]
async fn the_limit_is_that_of_the_clients_behind_a_proxy() {
    let client = TestClient::in_network(limits(1, 1), network());
    for address in ["192.0.2.7", "192.0.2.8", "192.0.2.9"] {
        let headers = [("x-forwarded-for", address)];
        assert_eq!(get(&client, PROXY, false, &headers).await.status, 200, "{address}");
        assert_eq!(get(&client, PROXY, false, &headers).await.status, 429, "{address}");
    }
    // A client does not escape its limit by claiming other addresses.
    let claims = ["192.0.2.2", "192.0.2.3"];
    for (claim, expected) in claims.into_iter().zip([200, 429]) {
        let reply = get(&client, "192.0.2.1", false, &[("x-forwarded-for", claim)]).await;
        assert_eq!(reply.status, expected, "{claim}");
    }
}

#[tokio::test]
async fn without_tls_of_its_own_only_the_proxy_is_answered() {
    let network = Network { only_proxies: true, ..network() };
    let client = TestClient::in_network(Limits::default(), network);
    for (address, expected) in [(PROXY, 200), ("127.0.0.1", 200), ("192.0.2.7", 403)] {
        let reply = get(&client, address, false, &[("x-forwarded-for", PROXY)]).await;
        assert_eq!(reply.status, expected, "{address}");
    }
}

#[tokio::test]
async fn the_host_that_a_proxy_reports_is_checked_instead_of_its_own() {
    let client = TestClient::in_network(Limits::default(), network());
    let inner = ("host", "backend:8080");
    for (name, expected) in [(HOST, 200), ("cockpit.plant:443", 200), ("evil.example", 421)] {
        let reply = get(&client, PROXY, false, &[inner, ("x-forwarded-host", name)]).await;
        assert_eq!(reply.status, expected, "{name}");
    }
    let reply = get(&client, "192.0.2.7", false, &[inner, ("x-forwarded-host", HOST)]).await;
    assert_eq!(reply.status, 421);
}

#[tokio::test]
async fn every_response_carries_the_security_headers() {
    let client = TestClient::in_network(Limits::default(), network());
    for host in ["localhost", "evil.example"] {
        let reply = get(&client, "127.0.0.1", false, &[("host", host)]).await;
        for (name, value) in SECURITY {
            assert_eq!(reply.header(name.as_str()), value, "{host}");
        }
    }
    let policy = SECURITY[0].1;
    assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"));
}

#[tokio::test]
async fn only_an_encrypted_name_is_pinned_to_https() {
    let client = TestClient::in_network(Limits::default(), network());
    for (address, is_tls, host, expected) in [
        ("192.0.2.7", true, HOST, HSTS),
        ("192.0.2.7", false, HOST, ""),
        ("192.0.2.7", true, "localhost", ""),
        (PROXY, false, HOST, HSTS),
    ] {
        let headers = [("host", host), ("x-forwarded-proto", "https")];
        let pinned = get(&client, address, is_tls, &headers).await;
        let pinned = pinned.header("strict-transport-security");
        assert_eq!(pinned, expected, "{address} {is_tls} {host}");
    }
}
