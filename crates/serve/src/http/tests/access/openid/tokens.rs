//! ID tokens that must not log anybody in.

use super::hostile::{self, Behaviour, key, signed_by, signed_by_secret};
use super::{Site, session};
use crate::http::tests::access::world::T0_US;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::PrivateSigningKey;
use serde_json::{Value, json};

const NOW_S: i64 = T0_US / 1_000_000;
/// More than the clocks may differ.
const LATE_S: i64 = 301;

/// The login with a changed provider is refused for `reason`.
async fn refused(reason: &str, change: impl FnOnce(&mut Behaviour)) {
    let site = Site::new().await;
    let begun = site.begin().await;
    site.provider.set(change);
    let reply = site.complete(&begun).await;
    site.check_refused(&reply, "openid_refused", reason);
}

/// The login with a changed claim is refused for `reason`; null removes the claim.
async fn claim(name: &str, value: Value, reason: &str) {
    refused(reason, |it| {
        let claims = it.claims.as_object_mut().unwrap();
        match value {
            Value::Null => drop(claims.remove(name)),
            value => drop(claims.insert(name.to_owned(), value)),
        }
    })
    .await;
}

#[tokio::test]
async fn a_token_of_another_login_is_refused() {
    claim("nonce", json!("another"), "nonce mismatch").await;
    claim("nonce", json!(null), "missing nonce").await;
}

#[tokio::test]
async fn a_token_of_another_issuer_is_refused() {
    claim("iss", json!("https://evil.example"), "Invalid issuer").await;
    claim("iss", json!(null), "not a valid token response").await;
}

#[tokio::test]
async fn a_token_of_another_client_is_refused() {
    claim("aud", json!("another-client"), "Invalid audiences").await;
    claim("aud", json!(["cockpit", "another-client"]), "not a trusted audience").await;
    claim("aud", json!([]), "Invalid audiences").await;
    claim("aud", json!(null), "Invalid audiences").await;
    claim("azp", json!("another-client"), "another authorized party").await;
}

#[tokio::test]
async fn a_token_of_another_time_is_refused() {
    claim("exp", json!(NOW_S - LATE_S), "Expired").await;
    claim("exp", json!(null), "not a valid token response").await;
    claim("iat", json!(NOW_S + LATE_S), "issued in the future").await;
    claim("iat", json!(NOW_S - LATE_S), "issued before the login began").await;
}

#[tokio::test]
async fn clocks_may_differ_by_the_configured_time() {
    for (name, value) in
        [("exp", NOW_S - LATE_S + 2), ("iat", NOW_S + LATE_S - 2), ("iat", NOW_S - LATE_S + 2)]
    {
        let site = Site::new().await;
        site.provider.claim(name, json!(value));
        assert!(session(&site.log_in().await).is_some(), "{name} {value}");
    }
}

#[tokio::test]
async fn a_token_without_a_signature_is_refused() {
    for kid in [json!({ "alg": "none", "kid": "key-1" }), json!({ "alg": "none" })] {
        refused("No signature found", |it| {
            it.header = kid;
            it.sign = |_| Vec::new();
        })
        .await;
    }
    refused("invalid ID token", |it| {
        it.change = |token| format!("{}.", token.rsplit_once('.').unwrap().0);
    })
    .await;
    refused("not a valid token response", |it| {
        it.change = |token| token.rsplit_once('.').unwrap().0.to_owned();
    })
    .await;
}

#[tokio::test]
async fn a_signature_by_a_shared_secret_is_refused() {
    let header = json!({ "alg": "HS256", "kid": "key-1", "typ": "JWT" });
    let signers: [fn(&str) -> Vec<u8>; 3] = [
        // By the public key, as it is published and as bytes.
        |text| {
            let published = serde_json::to_vec(&key(1).as_verification_key()).unwrap();
            signed_by_secret(&published, text)
        },
        |text| {
            let published = serde_json::to_value(key(1).as_verification_key()).unwrap();
            let bytes = URL_SAFE_NO_PAD.decode(published["x"].as_str().unwrap()).unwrap();
            signed_by_secret(&bytes, text)
        },
        // By the secret of the client, which every administrator of it has.
        |text| signed_by_secret(hostile::SECRET.as_bytes(), text),
    ];
    for sign in signers {
        let header = header.clone();
        refused("Disallowed signature algorithm", |it| {
            it.header = header;
            it.sign = sign;
        })
        .await;
    }
}

#[tokio::test]
async fn a_token_with_a_changed_content_or_key_is_refused() {
    refused("incorrect EdDSA signature", |it| it.sign = |text| signed_by(2, text)).await;
    refused("No matching key", |it| {
        it.header = json!({ "alg": "EdDSA", "kid": "key-2" });
        it.sign = |text| signed_by(2, text);
    })
    .await;
    refused("incorrect EdDSA signature", |it| {
        it.change = |token| {
            let parts: Vec<&str> = token.split('.').collect();
            let claims = URL_SAFE_NO_PAD.decode(parts[1]).unwrap();
            let claims = String::from_utf8(claims).unwrap().replace("smt", "lead");
            format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims), parts[2])
        };
    })
    .await;
    refused("critical JWT header", |it| it.header["crit"] = json!(["exp"])).await;
    refused("Unsupported", |it| it.header["typ"] = json!("at+jwt")).await;
}

#[tokio::test]
async fn an_access_token_of_another_login_is_refused() {
    claim("at_hash", json!("AAAAAAAAAAAAAAAAAAAAAA"), "hash of the access token").await;
}

#[tokio::test]
async fn an_answer_without_a_token_is_refused() {
    for (kind, body, reason) in [
        ("application/json", "{}", "not a valid token response"),
        ("application/json", r#"{"access_token":"a","token_type":"Bearer"}"#, "no ID token"),
        (
            "application/json",
            r#"{"access_token":"a","token_type":"Bearer","id_token":"x.y"}"#,
            "not a valid",
        ),
        ("text/html", "<p>Error</p>", "not valid"),
    ] {
        refused(reason, |it| drop(it.answers.insert("token", (200, kind, body.to_owned())))).await;
    }
}

#[tokio::test]
async fn groups_that_were_left_out_do_not_take_roles_away() {
    let site = Site::new().await;
    site.log_in().await;
    site.provider.claim("groups", json!(null));
    site.provider.claim("_claim_names", json!({ "groups": "src1" }));
    let reply = site.log_in().await;
    assert_eq!(session(&reply), None);
    assert_eq!(site.user().unwrap().roles.len(), 1);
    assert!(site.entries()[0].1.contains("too many"));
}

#[tokio::test]
async fn replaced_keys_are_read_once_and_then_used() {
    let site = Site::new().await;
    assert!(session(&site.log_in().await).is_some());
    assert_eq!(site.provider.requests("keys"), 1);
    site.provider.set(|it| {
        it.keys = vec![key(2).as_verification_key()];
        it.header = json!({ "alg": "EdDSA", "kid": "key-2" });
        it.sign = |text| signed_by(2, text);
    });
    for _ in 0..3 {
        assert!(session(&site.log_in().await).is_some());
    }
    assert_eq!(site.provider.requests("keys"), 2);
}

#[tokio::test]
async fn tokens_with_unknown_keys_cause_one_request_per_interval() {
    let site = Site::new().await;
    site.provider.set(|it| {
        it.header = json!({ "alg": "EdDSA", "kid": "key-9" });
        it.sign = |text| signed_by(9, text);
    });
    for _ in 0..5 {
        let reply = site.log_in().await;
        site.check_refused(&reply, "openid_refused", "No matching key");
    }
    assert_eq!(site.provider.requests("keys"), 2);
    site.world.advance(61);
    site.provider.claim("iat", json!(NOW_S + 61));
    site.log_in().await;
    assert_eq!(site.provider.requests("keys"), 3);
}
