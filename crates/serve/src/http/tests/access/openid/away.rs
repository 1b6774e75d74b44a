//! Providers that are away, slow or broken: logins fail at once and in words, and nothing else does.

use super::hostile::limits;
use super::{Site, session};
use access::Role;
use serde_json::json;

/// The start of a login at a provider with broken answers fails for `reason`.
async fn unavailable(path: &'static str, answer: (u16, &'static str, String), reason: &str) {
    let site = Site::new().await;
    site.provider.set(|it| drop(it.answers.insert(path, answer)));
    let reply = site.world.request_as("", "GET", "/api/v1/openid/plant/start", None).await;
    site.check_refused(&reply, "openid_unavailable", reason);
    let list = site.world.request_as("", "GET", "/api/v1/openid", None).await.json();
    assert_eq!(list["providers"][0]["is_available"], false);
}

#[tokio::test]
async fn a_redirect_of_the_metadata_is_not_followed() {
    unavailable("metadata", (302, "application/json", "{}".into()), "302").await;
    unavailable("keys", (307, "application/json", "{}".into()), "307").await;
}

#[tokio::test]
async fn a_huge_answer_is_refused() {
    let huge = format!("{{\"issuer\":\"{}\"}}", "x".repeat(60_000));
    unavailable("metadata", (200, "application/json", huge.clone()), "more than 50000 bytes").await;
    unavailable("keys", (200, "application/json", huge.clone()), "more than 50000 bytes").await;
    let site = Site::new().await;
    let begun = site.begin().await;
    site.provider.set(|it| drop(it.answers.insert("token", (200, "application/json", huge))));
    let reply = site.complete(&begun).await;
    site.check_refused(&reply, "openid_unavailable", "more than 50000 bytes");
}

#[tokio::test]
async fn broken_metadata_is_refused() {
    unavailable("metadata", (500, "application/json", "{}".into()), "500").await;
    unavailable("metadata", (200, "application/json", "{".into()), "invalid metadata").await;
    unavailable("metadata", (200, "text/html", "<p>".into()), "Content-Type").await;
    unavailable("keys", (404, "application/json", "{}".into()), "404").await;
}

#[tokio::test]
async fn metadata_with_dangerous_addresses_is_refused() {
    for (name, url, reason) in [
        ("issuer", "https://evil.example", "unexpected issuer"),
        ("jwks_uri", "http://169.254.169.254/latest/meta-data", "link-local"),
        ("jwks_uri", "http://10.0.0.1/keys", "private address"),
        ("jwks_uri", "file:///etc/passwd", "invalid format"),
        ("authorization_endpoint", "javascript:alert(1)", "scheme javascript"),
        ("end_session_endpoint", "javascript:alert(1)", "scheme javascript"),
        ("token_endpoint", "ftp://127.0.0.1/token", "scheme ftp"),
    ] {
        let site = Site::new().await;
        site.provider.set(|it| it.metadata = json!({ name: url }));
        let reply = site.world.request_as("", "GET", "/api/v1/openid/plant/start", None).await;
        site.check_refused(&reply, "openid_unavailable", reason);
    }
    let site = Site::new().await;
    site.provider
        .set(|it| it.metadata = json!({ "token_endpoint": "http://169.254.169.254/token" }));
    let begun = site.begin().await;
    let reply = site.complete(&begun).await;
    site.check_refused(&reply, "openid_unavailable", "link-local");
}

#[tokio::test]
async fn a_slow_provider_delays_its_own_logins_only() {
    let site = Site::new().await;
    site.provider.set(|it| it.silent = vec!["metadata"]);
    let start = || site.world.request_as("", "GET", "/api/v1/openid/plant/start", None);
    let local = async {
        let body = json!({ "name": "root", "password": super::super::world::PASSWORD });
        site.world.request_as("", "POST", "/api/v1/session", Some(body)).await
    };
    let (first, second, local) = tokio::join!(start(), start(), local);
    assert_eq!(local.status, 200);
    for reply in [first, second] {
        site.check_refused(&reply, "openid_unavailable", "provider unavailable");
    }
    // The second did not wait for an attempt of its own, and neither does the next one.
    assert_eq!(site.provider.requests("metadata"), 1);
    start().await;
    assert_eq!(site.provider.requests("metadata"), 1);
    site.provider.set(|it| it.silent = Vec::new());
    site.world.advance(6);
    site.provider.claim("iat", json!(site.world.now_us() / 1_000_000));
    assert!(session(&site.log_in().await).is_some());
    let list = site.world.request_as("", "GET", "/api/v1/openid", None).await.json();
    assert_eq!(list["providers"][0]["is_available"], true);
}

#[tokio::test]
async fn a_slow_exchange_of_the_code_ends_in_time() {
    let site = Site::new().await;
    let begun = site.begin().await;
    site.provider.set(|it| it.silent = vec!["token"]);
    let reply = site.complete(&begun).await;
    site.check_refused(&reply, "openid_unavailable", "timed out");
}

#[tokio::test]
async fn a_redirect_of_the_token_endpoint_does_not_forward_the_code() {
    let site = Site::new().await;
    let begun = site.begin().await;
    site.provider
        .set(|it| drop(it.answers.insert("token", (307, "application/json", "{}".into()))));
    let reply = site.complete(&begun).await;
    assert_eq!(session(&reply), None);
    assert_eq!(site.provider.requests("token"), 1);
}

#[tokio::test]
async fn known_metadata_is_used_while_a_provider_is_away() {
    let site = Site::new().await;
    assert!(session(&site.log_in().await).is_some());
    site.world.advance(301);
    site.provider.set(|it| {
        it.answers.insert("metadata", (503, "text/plain", String::new()));
        let now_s = site.world.now_us() / 1_000_000;
        it.claims["iat"] = now_s.into();
        it.claims["exp"] = (now_s + 60).into();
    });
    assert!(session(&site.log_in().await).is_some());
    assert_eq!(site.provider.requests("metadata"), 2);
}

#[tokio::test]
async fn the_metadata_is_read_before_the_first_login_and_kept() {
    let site = Site::new().await;
    site.world.providers.refresh(site.world.now_us()).await;
    assert_eq!(site.provider.requests("metadata"), 1);
    for _ in 0..3 {
        site.log_in().await;
    }
    assert_eq!(site.provider.requests("metadata"), 1);
}

#[tokio::test]
async fn a_missing_secret_is_reported_and_not_sent() {
    let site = Site::with(
        |it| it.client_secret = Some("file:/nonexistent/secret".parse().unwrap()),
        limits(),
    )
    .await;
    let reply = site.world.request_as("", "GET", "/api/v1/openid/plant/start", None).await;
    site.check_refused(&reply, "openid_unavailable", "secret");
    assert_eq!(site.provider.requests("token"), 0);
}

#[tokio::test]
async fn a_missing_file_of_certificates_does_not_end_the_program() {
    let site = Site::with(|it| it.ca_file = Some("/nonexistent/ca.pem".into()), limits()).await;
    site.world.providers.refresh(site.world.now_us()).await;
    let reply = site.world.request_as("", "GET", "/api/v1/openid/plant/start", None).await;
    site.check_refused(&reply, "openid_unavailable", "/nonexistent/ca.pem");
    let health = site.world.request_as("", "GET", "/api/v1/health", None).await;
    assert_eq!(health.status, 200);
    site.world.add("vera", &[(Role::Viewer, "plant")]);
    let shown =
        site.world.request_as(&site.world.cookie("vera"), "GET", "/api/v1/tables", None).await;
    assert_eq!(shown.status, 200);
}
