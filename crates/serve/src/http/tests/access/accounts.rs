use super::world::{PASSWORD, T0_US, World, made};
use crate::http::AccessMode;
use access::{Identity, Role, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

const OURS: (&str, &str) = ("origin", "http://localhost:8080");

async fn log_in(world: &World, name: &str, password: &str) -> super::super::Reply {
    let body = json!({ "name": name, "password": password });
    world.request("POST", "/api/v1/session", &[OURS], Some(body)).await
}

fn set_cookie(reply: &super::super::Reply) -> String {
    reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn the_setup_link_creates_the_first_administrator_once() {
    let world = World::empty(AccessMode::Login);
    let secret = world.access.bootstrap(T0_US).unwrap().unwrap().secret;
    let state = world.request("GET", "/api/v1/setup", &[], None).await;
    assert_eq!(state.json(), json!({ "needs_setup": true }));
    let setup = |secret: &str| json!({ "secret": secret, "name": "Asha", "full_name": "Asha R", "password": PASSWORD });
    let wrong = world.request("POST", "/api/v1/setup", &[OURS], Some(setup("guess"))).await;
    assert_eq!(wrong.refusal(), (401, "setup_refused".into()));
    let done = world.request("POST", "/api/v1/setup", &[OURS], Some(setup(secret.expose()))).await;
    let session = done.json();
    assert_eq!((&session["name"], &session["full_name"]), (&json!("asha"), &json!("Asha R")));
    assert_eq!(session["permissions"]["manage_users"], json!(["plant"]));
    let again = world.request("POST", "/api/v1/setup", &[OURS], Some(setup(secret.expose()))).await;
    assert_eq!(again.refusal(), (401, "setup_refused".into()));
    let users = world.request_as(&set_cookie(&done), "GET", "/api/v1/users", None).await.json();
    assert_eq!(users["users"][0]["name"], "asha");
}

#[tokio::test]
async fn an_open_service_closes_with_its_first_user() {
    let world = World::empty(AccessMode::OpenUntilSetup);
    let session = world.request("GET", "/api/v1/session", &[], None).await.json();
    assert_eq!((&session["name"], &session["via"]), (&json!("local"), &json!("open")));
    for name in ["forwarded", "x-forwarded-for", "x-real-ip", "via"] {
        let proxied = world.request("GET", "/api/v1/tables", &[(name, "10.0.0.1")], None).await;
        assert_eq!(proxied.refusal(), (401, "unauthenticated".into()), "{name}");
    }
    let roles = json!([{ "role": "administrator", "scope": "plant" }]);
    let body = json!({ "name": "first", "roles": roles });
    let added = world.request("POST", "/api/v1/users", &[OURS], Some(body)).await;
    assert_eq!(added.status, 201, "{}", added.text());
    world.advance(2);
    let closed = world.request("GET", "/api/v1/tables", &[], None).await;
    assert_eq!(closed.refusal(), (401, "unauthenticated".into()));
}

#[tokio::test]
async fn a_session_begins_and_ends() {
    let world = World::new();
    let reply = log_in(&world, "Viewer", PASSWORD).await;
    let set = reply.header("set-cookie").to_owned();
    assert!(set.contains("HttpOnly; SameSite=Lax") && !set.contains("Secure"), "{set}");
    assert_eq!(reply.json()["permissions"]["read_tables"], json!(["plant"]));
    assert_eq!(reply.json()["permissions"]["run_sql"], Value::Null);
    let cookie = set_cookie(&reply);
    let session = world.request_as(&cookie, "GET", "/api/v1/session", None).await.json();
    assert_eq!(
        (&session["via"], &session["has_second_factor"]),
        (&json!("session"), &json!(false))
    );
    assert!(session["expires_at"].as_str().unwrap().starts_with("2027-01-16"), "{session}");
    let own = world.request_as(&cookie, "GET", "/api/v1/account/sessions", None).await.json();
    assert_eq!(own["sessions"][0]["is_current"], true);
    let out = world.request_as(&cookie, "DELETE", "/api/v1/session", None).await;
    assert_eq!((out.status.as_u16(), out.header("set-cookie").contains("Max-Age=0")), (204, true));
    let after = world.request_as(&cookie, "GET", "/api/v1/session", None).await;
    assert_eq!(after.refusal(), (401, "unauthenticated".into()));
    assert!(after.headers.contains_key("www-authenticate"));
}

#[tokio::test]
async fn an_invalid_token_beside_a_session_cannot_end_it_from_another_site() {
    let world = World::new();
    let cookie = set_cookie(&log_in(&world, "viewer", PASSWORD).await);
    let tokens = ["Bearer pck_invalid".to_owned(), format!("Basic {}", STANDARD.encode("x:y"))];
    for token in &tokens {
        let own = [("cookie", cookie.as_str()), ("authorization", token)];
        for site in [None, Some(("origin", "http://evil.example"))] {
            let headers: Vec<_> = own.into_iter().chain(site).collect();
            let out = world.request("DELETE", "/api/v1/session", &headers, None).await;
            assert_eq!(out.refusal(), (403, "cross_site".into()), "{headers:?}");
        }
        let session = world.request_as(&cookie, "GET", "/api/v1/session", None).await;
        assert_eq!((session.status.as_u16(), &session.json()["has_alarms"]), (200, &json!(true)));
    }
    let ours = [("cookie", cookie.as_str()), ("authorization", tokens[0].as_str()), OURS];
    let out = world.request("DELETE", "/api/v1/session", &ours, None).await;
    assert_eq!(out.status, 204);
}

#[tokio::test]
async fn every_refused_login_has_the_same_answer() {
    let world = World::new();
    world.access.disable_user(&Identity::terminal("test"), "operator", T0_US).unwrap();
    let mut answers = Vec::new();
    for (name, password) in [
        ("viewer", "wrong"),
        ("nobody", PASSWORD),
        ("operator", PASSWORD),
        ("", ""),
        ("viewer", ""),
    ] {
        let reply = log_in(&world, name, password).await;
        assert!(reply.headers.get("set-cookie").is_none());
        answers.push((reply.status.as_u16(), reply.text().to_owned()));
    }
    // Enough failures delay the account; the right password is then refused like a wrong one.
    for _ in 0..8 {
        log_in(&world, "engineer", "wrong").await;
    }
    let delayed = log_in(&world, "engineer", PASSWORD).await;
    answers.push((delayed.status.as_u16(), delayed.text().to_owned()));
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(answers[0].0, 401);
    assert!(answers[0].1.contains("login_refused"));
}

#[tokio::test]
async fn an_address_with_many_failures_has_to_wait() {
    let world = World::new();
    let mut last = None;
    for attempt in 0..60 {
        let reply = log_in(&world, &format!("guess{attempt}"), "wrong").await;
        last = Some((reply.refusal(), reply.header("retry-after").to_owned()));
    }
    let ((status, code), retry_after) = last.unwrap();
    assert_eq!((status, code.as_str()), (429, "throttled"));
    assert!(retry_after.parse::<u32>().unwrap() >= 1);
}

#[tokio::test]
async fn a_cookie_acts_only_for_our_own_pages() {
    let world = World::new();
    let cookie = world.cookie("administrator");
    let with = |headers: Vec<(&'static str, &'static str)>| {
        let mut all = vec![("cookie", cookie.as_str())];
        all.extend(headers);
        made("POST", "/api/v1/users/viewer/disable", &all, None)
    };
    for headers in [
        vec![],
        vec![("origin", "https://evil.example")],
        vec![("origin", "null")],
        vec![("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
        vec![("sec-fetch-site", "same-site")],
    ] {
        let reply = world.send(with(headers.clone())).await;
        assert_eq!(reply.refusal(), (403, "cross_site".into()), "{headers:?}");
    }
    assert_eq!(world.send(with(vec![OURS])).await.status, 204);
    let foreign_login = [("origin", "https://evil.example")];
    let body = json!({ "name": "viewer", "password": PASSWORD });
    let reply = world.request("POST", "/api/v1/session", &foreign_login, Some(body)).await;
    assert_eq!(reply.refusal(), (403, "cross_site".into()));
}

#[tokio::test]
async fn tokens_authenticate_programs_until_they_expire_or_are_revoked() {
    let world = World::new();
    let cookie = world.cookie("supervisor");
    let body =
        json!({ "name": "Excel", "actions": ["read_tables"], "scope": "plant", "life_s": 60 });
    let created =
        world.request_as(&cookie, "POST", "/api/v1/account/tokens", Some(body.clone())).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let secret = created.json()["secret"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {secret}");
    let basic = format!("Basic {}", STANDARD.encode(format!("anyone:{secret}")));
    for authorization in [&bearer, &basic] {
        let headers = [("authorization", authorization.as_str())];
        assert_eq!(world.request("GET", "/api/v1/tables", &headers, None).await.status, 200);
        let csv =
            world.request("GET", "/api/v1/tables/gold/by_unit?format=csv", &headers, None).await;
        assert_eq!(csv.refusal(), (403, "forbidden".into()), "not among its actions");
        let sql = world.request("GET", "/api/v1/query?sql=SELECT+1", &headers, None).await;
        assert_eq!(sql.refusal(), (403, "forbidden".into()));
        let own = world.request("GET", "/api/v1/account", &headers, None).await;
        assert_eq!(own.refusal(), (403, "forbidden".into()), "it needs a session");
    }
    world.advance(61);
    let headers = [("authorization", bearer.as_str())];
    let expired = world.request("GET", "/api/v1/tables", &headers, None).await;
    assert_eq!(expired.refusal(), (401, "unauthenticated".into()));
    let more = json!({ "name": "x", "actions": ["manage_users"], "scope": "plant", "life_s": 60 });
    let refused = world.request_as(&cookie, "POST", "/api/v1/account/tokens", Some(more)).await;
    assert_eq!(refused.refusal(), (422, "invalid_value".into()));
    let created =
        world.request_as(&cookie, "POST", "/api/v1/account/tokens", Some(body)).await.json();
    let path = format!("/api/v1/account/tokens/{}", created["token"]["id"]);
    assert_eq!(world.request_as(&cookie, "DELETE", &path, None).await.status, 204);
    let bearer = format!("Bearer {}", created["secret"].as_str().unwrap());
    let revoked = world.request("GET", "/api/v1/tables", &[("authorization", &bearer)], None).await;
    assert_eq!(revoked.refusal(), (401, "unauthenticated".into()));
}

#[tokio::test]
async fn a_second_factor_is_enrolled_and_needed() {
    let world = World::new();
    let cookie = world.cookie("viewer");
    let path = "/api/v1/account/second-factor";
    let wrong = world.request_as(&cookie, "POST", path, Some(json!({ "password": "no" }))).await;
    assert_eq!(wrong.refusal(), (401, "login_refused".into()));
    let begun =
        world.request_as(&cookie, "POST", path, Some(json!({ "password": PASSWORD }))).await.json();
    assert!(begun["uri"].as_str().unwrap().starts_with("otpauth://totp/Kerala:viewer?"));
    let confirm = format!("{path}/confirm");
    let wrong =
        world.request_as(&cookie, "POST", &confirm, Some(json!({ "code": "000000x" }))).await;
    assert_eq!(wrong.refusal(), (422, "wrong_code".into()));
    let code = totp_code(begun["key"].as_str().unwrap(), world.now_us() / 1_000_000);
    let done =
        world.request_as(&cookie, "POST", &confirm, Some(json!({ "code": code }))).await.json();
    let recovery = done["recovery_codes"][0].as_str().unwrap().to_owned();
    assert_eq!(log_in(&world, "viewer", PASSWORD).await.refusal(), (401, "login_refused".into()));
    let body = json!({ "name": "viewer", "password": PASSWORD, "code": recovery });
    let logged_in = world.request("POST", "/api/v1/session", &[OURS], Some(body)).await;
    assert_eq!(logged_in.json()["has_second_factor"], true);
    let account = world.request_as(&cookie, "GET", "/api/v1/account", None).await.json();
    assert_eq!(account["recovery_codes_left"], 9);
    let remove = format!("{path}/remove");
    let removed =
        world.request_as(&cookie, "POST", &remove, Some(json!({ "password": PASSWORD }))).await;
    assert_eq!(removed.status, 204);
    assert_eq!(log_in(&world, "viewer", PASSWORD).await.status, 200);
}

/// The code of an authenticator app (RFC 6238), made apart from the program: HMAC-SHA-1 by hand.
fn totp_code(key: &str, now_s: i64) -> String {
    let mut bits = String::new();
    for letter in key.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            _ => letter - b'2' + 26,
        };
        bits.push_str(&format!("{value:05b}"));
    }
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    let digest = hmac_sha1(&key, &(now_s as u64 / 30).to_be_bytes());
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

fn hmac_sha1(key: &[u8], message: &[u8]) -> [u8; 20] {
    let mut padded = [0_u8; 64];
    padded[..key.len()].copy_from_slice(key);
    let inner: Vec<u8> = padded.iter().map(|it| it ^ 0x36).chain(message.iter().copied()).collect();
    let outer = padded.iter().map(|it| it ^ 0x5c).chain(sha1(&inner));
    sha1(&outer.collect::<Vec<_>>())
}

fn sha1(message: &[u8]) -> [u8; 20] {
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut padded = message.to_vec();
    padded.push(0x80);
    while padded.len() % 64 != 56 {
        padded.push(0);
    }
    padded.extend((message.len() as u64 * 8).to_be_bytes());
    for block in padded.chunks_exact(64) {
        let mut words: Vec<u32> =
            block.chunks_exact(4).map(|it| u32::from_be_bytes(it.try_into().unwrap())).collect();
        for at in 16..80 {
            let word = words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16];
            words.push(word.rotate_left(1));
        }
        let [mut a, mut b, mut c, mut d, mut e] = state;
        for (at, word) in words.iter().enumerate() {
            let (f, k) = match at / 20 {
                0 => ((b & c) | (!b & d), 0x5a82_7999),
                1 => (b ^ c ^ d, 0x6ed9_eba1),
                2 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc_u32),
                _ => (b ^ c ^ d, 0xca62_c1d6),
            };
            let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k);
            (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next.wrapping_add(*word));
        }
        for (sum, value) in state.iter_mut().zip([a, b, c, d, e]) {
            *sum = sum.wrapping_add(value);
        }
    }
    let bytes: Vec<u8> = state.iter().flat_map(|it| it.to_be_bytes()).collect();
    bytes.try_into().unwrap()
}

#[tokio::test]
async fn a_temporary_password_allows_only_to_replace_it() {
    let world = World::new();
    let cookie = world.cookie("administrator");
    let reset =
        world.request_as(&cookie, "POST", "/api/v1/users/viewer/reset-password", None).await.json();
    let temporary = reset["temporary_password"].as_str().unwrap().to_owned();
    let logged_in = log_in(&world, "viewer", &temporary).await;
    assert_eq!(logged_in.json()["must_change_password"], true);
    let viewer = set_cookie(&logged_in);
    let tables = world.request_as(&viewer, "GET", "/api/v1/tables", None).await;
    assert_eq!(tables.refusal(), (403, "forbidden".into()));
    let path = "/api/v1/account/password";
    let weak = json!({ "current": temporary, "new": "short" });
    let refused = world.request_as(&viewer, "PUT", path, Some(weak)).await;
    assert_eq!(refused.refusal(), (422, "weak_password".into()));
    let good = json!({ "current": temporary, "new": "seven green tractors 9" });
    assert_eq!(world.request_as(&viewer, "PUT", path, Some(good)).await.status, 204);
    assert_eq!(world.request_as(&viewer, "GET", "/api/v1/tables", None).await.status, 200);
}

#[tokio::test]
async fn administrators_manage_users_and_the_last_one_stays() {
    let world = World::new();
    let cookie = world.cookie("administrator");
    let roles = json!({ "roles": [{ "role": "operator", "scope": "line:SMT/1" }] });
    let set = world.request_as(&cookie, "PUT", "/api/v1/users/viewer/roles", Some(roles)).await;
    assert_eq!(set.status, 204);
    let users = world.request_as(&cookie, "GET", "/api/v1/users", None).await.json();
    let viewer = users["users"].as_array().unwrap().iter().find(|it| it["name"] == "viewer");
    let expected = json!([{ "role": "operator", "scope": "line:SMT/1", "source": "local" }]);
    assert_eq!(viewer.unwrap()["roles"], expected);
    for (path, expected) in [
        ("/api/v1/users/administrator/disable", (409, "conflict")),
        ("/api/v1/users/nobody/disable", (404, "not_found")),
        ("/api/v1/users/nobody/reset-password", (404, "not_found")),
    ] {
        let (status, code) = world.request_as(&cookie, "POST", path, None).await.refusal();
        assert_eq!((status, code.as_str()), expected, "{path}");
    }
    let wrong = json!({ "roles": [{ "role": "king", "scope": "plant" }] });
    let refused = world.request_as(&cookie, "PUT", "/api/v1/users/viewer/roles", Some(wrong)).await;
    assert_eq!(refused.refusal(), (422, "invalid_value".into()));
    let viewer = world.cookie("viewer");
    assert_eq!(
        world.request_as(&cookie, "POST", "/api/v1/users/viewer/revoke", None).await.status,
        204
    );
    assert_eq!(world.request_as(&viewer, "GET", "/api/v1/session", None).await.status, 401);
    let roles = world.request_as(&cookie, "GET", "/api/v1/roles", None).await.json();
    let scopes = json!(["plant", "area:SMT", "area:THT", "line:SMT/1", "line:THT/2"]);
    assert_eq!(roles["scopes"], scopes);
}

#[tokio::test]
async fn the_audit_log_has_logins_queries_downloads_and_refusals() {
    let world = World::new();
    let administrator = world.cookie("administrator");
    let supervisor = world.cookie("supervisor");
    let sql = json!({ "sql": "SELECT * FROM gold.by_unit" });
    world.request_as(&supervisor, "POST", "/api/v1/query", Some(sql)).await;
    world.request_as(&supervisor, "GET", "/api/v1/tables/gold/stock?format=csv", None).await;
    world.request_as(&supervisor, "GET", "/api/v1/users", None).await;
    let page = world.request_as(&administrator, "GET", "/api/v1/audit?limit=3", None).await.json();
    let entries = page["entries"].as_array().unwrap();
    let kinds: Vec<&str> = entries.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["denied", "downloaded", "queried"]);
    assert!(entries.iter().all(|it| it["actor"] == "supervisor" && it["address"] == "127.0.0.1"));
    let download = json!({ "format": "csv", "ms": 0, "rows": 4, "what": "gold.stock" });
    assert_eq!(entries[1]["detail"], download);
    assert_eq!(entries[2]["detail"]["rows"], 4);
    assert_eq!(page["next_before_seq"], entries[2]["seq"]);
    let verified =
        world.request_as(&administrator, "GET", "/api/v1/audit/verify", None).await.json();
    assert_eq!(
        (&verified["broken"], &verified["last"]["seq"]),
        (&Value::Null, &verified["entries"])
    );
    let lines = world.request_as(&administrator, "GET", "/api/v1/audit/export", None).await;
    assert_eq!(lines.header("content-type"), "application/x-ndjson");
    assert_eq!(lines.text().lines().count() as u64, verified["entries"].as_u64().unwrap());
    let wrong = world.request_as(&administrator, "GET", "/api/v1/audit?kind=nothing", None).await;
    assert_eq!(wrong.refusal(), (400, "bad_value".into()));
}

#[tokio::test]
async fn former_names_of_parameters_work_but_not_beside_the_new_ones() {
    let world = World::new();
    let cookie = world.cookie("viewer");
    for (path, status) in [
        ("/api/v1/kpis?by=line&each=day", 200),
        ("/api/v1/kpis?level=line&granularity=day", 200),
        ("/api/v1/kpis?by=line&level=line", 400),
        ("/api/v1/temperatures?sensor=a&points=10", 200),
        ("/api/v1/temperatures?sensor=a&max_points=10", 200),
        ("/api/v1/temperatures/now?limit_c=50", 200),
        ("/api/v1/temperatures/now?threshold_c=50&limit_c=50", 400),
    ] {
        let reply = world.request_as(&cookie, "GET", path, None).await;
        assert_eq!(reply.status.as_u16(), status, "{path}: {}", reply.text());
    }
    let kpis = world.request_as(&cookie, "GET", "/api/v1/kpis?level=line", None).await.json();
    assert_eq!((&kpis["level"], &kpis["by"]), (&json!("line"), &json!("line")));
}

#[tokio::test]
async fn pages_lead_to_the_login_and_files_are_public() {
    let world = World::new();
    let page = world.request("GET", "/make?day=2023-01-12", &[], None).await;
    assert_eq!(page.status, 303);
    assert_eq!(page.header("location"), "/login?next=%2Fmake%3Fday%3D2023-01-12");
    assert_eq!(
        world.request("GET", "//evil.example/x", &[], None).await.header("location"),
        "/login"
    );
    for path in ["/login", "/setup", "/assets/now-3f2a.js", "/favicon.svg"] {
        assert_eq!(world.request("GET", path, &[], None).await.status, 200, "{path}");
    }
    let api = world.request("GET", "/api/v1/nothing", &[], None).await;
    assert_eq!(api.refusal(), (401, "unauthenticated".into()));
    let health = world.request("GET", "/api/v1/health", &[], None).await;
    assert_eq!(health.json(), json!({ "state": "running" }));
    let health = world.request_as(&world.cookie("viewer"), "GET", "/api/v1/health", None).await;
    assert_eq!(health.json()["plant"], "Kerala");
}

#[tokio::test]
async fn without_its_database_the_service_answers_only_what_is_public() {
    use super::super::lake::Lake;
    use super::super::{TestClient, live, now};
    use crate::Limits;
    use crate::http::{AccessControl, Service, router};
    use std::sync::Arc;
    let broken = AccessControl::unavailable();
    let lake = Arc::new(Lake::new());
    let service = Service::new(lake, live(), Limits::default(), Arc::new(now), Vec::new(), broken);
    let client = TestClient::from_router(router(Arc::new(service), super::super::program::PAGES));
    for path in ["/api/v1/tables", "/api/v1/session", "/metrics", "/now", "/api/v1/setup"] {
        let reply = client.get(path).await;
        assert_eq!(reply.refusal(), (503, "access_unavailable".into()), "{path}");
    }
    assert_eq!(client.get("/api/v1/health").await.json(), json!({ "state": "degraded" }));
    assert_eq!(client.get("/login").await.status, 200);
}

#[tokio::test]
async fn no_secret_is_shown_twice() {
    let world = World::new();
    world.add("second", &[(Role::Administrator, "plant")]);
    let cookie = world.cookie("administrator");
    let body = json!({ "name": "t", "actions": ["read_tables"], "scope": "plant", "life_s": 60 });
    let created =
        world.request_as(&cookie, "POST", "/api/v1/account/tokens", Some(body)).await.json();
    let secret = Secret::new(created["secret"].as_str().unwrap());
    for path in [
        "/api/v1/account/tokens",
        "/api/v1/tokens",
        "/api/v1/users/administrator/tokens",
        "/api/v1/audit",
        "/api/v1/sessions",
    ] {
        let reply = world.request_as(&cookie, "GET", path, None).await;
        let (_, session) = cookie.split_once('=').unwrap();
        assert!(!reply.text().contains(secret.expose()) && !reply.text().contains(session));
        assert_eq!(reply.header("cache-control"), "no-store", "{path}");
    }
}
