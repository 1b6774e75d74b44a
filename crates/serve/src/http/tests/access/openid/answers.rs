//! Answers that belong to another login, browser or provider, and addresses that must not be left.

use super::hostile::{CODE, Hostile, limits};
use super::{Begun, Site, answer, begin, session};
use crate::OpenIdLimits;
use crate::http::AccessMode;
use crate::http::tests::access::world::{World, lake};
use access::Role;
use serde_json::json;

/// An answer to a login that has begun; `{state}` stands for its state.
async fn refused(query: &str, code: &str, reason: &str) {
    let site = Site::new().await;
    let begun = site.begin().await;
    let query = query.replace("{state}", &begun.state);
    let reply = site.answer(&begun, &query).await;
    site.check_refused(&reply, code, reason);
}

#[tokio::test]
async fn an_answer_without_the_right_state_is_refused() {
    refused(&format!("state=wrong&code={CODE}"), "openid_stale", "unknown state").await;
    refused(&format!("code={CODE}"), "openid_stale", "no state").await;
    refused(&format!("state=&code={CODE}"), "openid_stale", "unknown state").await;
    refused(&format!("state={{state}}&state={{state}}&code={CODE}"), "openid_refused", "twice")
        .await;
    refused(&format!("state={{state}}&code=a&code={CODE}"), "openid_refused", "twice").await;
}

#[tokio::test]
async fn an_answer_of_another_browser_is_refused_and_the_login_continues() {
    let site = Site::new().await;
    let begun = site.begin().await;
    let attacker = site.begin().await;
    for cookie in ["", "cockpit-openid=x", &attacker.cookie] {
        let other = Begun { cookie: cookie.to_owned(), ..begun.clone() };
        let reply = site.complete(&other).await;
        assert!(reply.header("location").contains("error=openid_stale"), "{cookie}");
        assert_eq!(session(&reply), None, "{cookie}");
    }
    site.provider.set(|it| {
        it.claims["nonce"] = begun.sent["nonce"].clone().into();
        it.challenge = begun.sent["code_challenge"].clone();
    });
    assert!(session(&site.complete(&begun).await).is_some());
}

#[tokio::test]
async fn an_answer_works_once() {
    let site = Site::new().await;
    let begun = site.begin().await;
    assert!(session(&site.complete(&begun).await).is_some());
    let again = site.complete(&begun).await;
    assert!(again.header("location").contains("error=openid_stale"));
    assert_eq!(session(&again), None);
    assert_eq!(site.provider.requests("token"), 1);
}

#[tokio::test]
async fn an_answer_that_comes_late_is_refused() {
    let site = Site::new().await;
    let begun = site.begin().await;
    site.world.advance(601);
    let reply = site.complete(&begun).await;
    site.check_refused(&reply, "openid_stale", "took too long");
}

#[tokio::test]
async fn an_answer_of_another_issuer_is_refused() {
    let query = format!("state={{state}}&code={CODE}&iss=https%3A%2F%2Fevil.example");
    refused(&query, "openid_refused", "another issuer").await;
    let site = Site::new().await;
    let promise = json!({ "authorization_response_iss_parameter_supported": true });
    site.provider.set(|it| it.metadata = promise);
    let begun = site.begin().await;
    let reply = site.complete(&begun).await;
    site.check_refused(&reply, "openid_refused", "does not name its issuer");
    let begun = site.begin().await;
    let issuer = &site.provider.issuer;
    let query = format!("state={}&code={CODE}&iss={issuer}", begun.state);
    assert!(session(&site.answer(&begun, &query).await).is_some());
}

/// Mix-up: the browser begins at one provider, and the answer arrives as if it were of another, so that
/// the code of the first would be sent to the second.
#[tokio::test]
async fn the_code_of_one_provider_is_not_sent_to_another() {
    let (honest, hostile) = (Hostile::start().await, Hostile::start().await);
    let configured = [honest.configured("honest"), hostile.configured("hostile")];
    let world = World::with_openid(AccessMode::Login, lake(), &configured, limits());
    world.add("root", &[(Role::Administrator, "plant")]);
    let begun = begin(&world, "honest", "", "/").await;
    assert!(begun.sent["redirect_uri"].ends_with("/openid/honest/callback"));
    let query = format!("state={}&code={CODE}", begun.state);
    let reply = answer(&world, "hostile", &begun, &query).await;
    assert!(reply.header("location").contains("error=openid_refused&provider=hostile"));
    assert_eq!(session(&reply), None);
    assert_eq!((honest.requests("token"), hostile.requests("token")), (0, 0));
    // The login has ended: the answer cannot be brought to the right place afterwards.
    let reply = answer(&world, "honest", &begun, &query).await;
    assert_eq!(session(&reply), None);
    // The answer of the hostile provider names itself, also at the address of the honest one.
    let begun = begin(&world, "honest", "", "/").await;
    let query = format!("state={}&code={CODE}&iss={}", begun.state, hostile.issuer);
    let reply = answer(&world, "honest", &begun, &query).await;
    assert_eq!(session(&reply), None);
    assert_eq!(honest.requests("token"), 0);
}

#[tokio::test]
async fn errors_of_the_provider_are_explained_without_its_text() {
    for (error, code, reason) in [
        ("access_denied", "openid_cancelled", "cancelled"),
        ("server_error", "openid_refused", "server_error"),
        ("%3Cscript%3Ealert(1)%3C%2Fscript%3E%0Ax", "openid_refused", "script"),
    ] {
        let query = format!("state={{state}}&error={error}&error_description=Call+555");
        refused(&query, code, reason).await;
    }
    refused("state={state}", "openid_refused", "no code").await;
    refused("state={state}&code=wrong", "openid_refused", "invalid_grant").await;
}

#[tokio::test]
async fn a_login_leads_to_pages_of_this_service_only() {
    let site = Site::new().await;
    for next in ["//evil.example", "/\\evil.example", "https://evil.example", "/api/v1/session"] {
        let begun = site.begin_with("plant", "", next).await;
        assert_eq!(site.complete(&begun).await.header("location"), "/", "{next}");
    }
}

#[tokio::test]
async fn another_site_cannot_begin_a_login() {
    let site = Site::new().await;
    let headers = [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
    let path = "/api/v1/openid/plant/start?next=%2Fnow";
    let reply = site.world.request("GET", path, &headers, None).await;
    assert_eq!((reply.status.as_u16(), reply.header("location")), (303, "/login?next=%2Fnow"));
    assert!(reply.header("set-cookie").is_empty());
    assert_eq!(site.provider.requests("metadata"), 0);
}

#[tokio::test]
async fn only_configured_providers_exist() {
    let site = Site::new().await;
    for path in ["start", "callback?state=a&code=b"] {
        let path = format!("/api/v1/openid/other/{path}");
        let reply = site.world.request_as("", "GET", &path, None).await;
        assert_eq!(reply.refusal(), (404, "not_found".into()), "{path}");
    }
}

#[tokio::test]
async fn refused_answers_do_not_fill_the_audit_log() {
    let site = Site::new().await;
    let begun = site.begin().await;
    for number in 0..50 {
        site.answer(&begun, &format!("state={number}&code={CODE}")).await;
    }
    let failed =
        |site: &Site| site.entries().iter().filter(|(kind, _)| kind == "login_failed").count();
    assert_eq!(failed(&site), 1);
    site.world.advance(61);
    site.answer(&begun, "state=x&code=y").await;
    assert_eq!(failed(&site), 2);
    assert!(site.entries()[0].1.contains("\"left_out\":49"), "{}", site.entries()[0].1);
}

#[tokio::test]
async fn logins_that_begin_are_bounded() {
    let limits = OpenIdLimits { logins: 5, logins_per_address: 3, ..limits() };
    let site = Site::with(|_| {}, limits).await;
    let first = site.begin().await;
    for _ in 0..3 {
        site.begin().await;
    }
    let reply = site.complete(&first).await;
    site.check_refused(&reply, "openid_stale", "unknown state");
    assert!(session(&site.log_in().await).is_some());
}
