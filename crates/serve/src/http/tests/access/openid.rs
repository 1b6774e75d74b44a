//! Logins at providers of OpenID Connect: what succeeds, and what the program does with it.

mod answers;
mod away;
mod encrypted;
mod hostile;
mod tokens;

use super::super::Reply;
use super::world::{World, lake};
use crate::OpenIdLimits;
use crate::http::AccessMode;
use access::audit::Filter;
use access::{Identity, Role, UserInfo};
use config::openid::OpenIdProvider;
use hostile::{ACCESS_TOKEN, CODE, Hostile, SECRET, limits};
use serde_json::json;
use std::collections::HashMap;
use url::Url;

/// A service with an administrator and one provider, `plant`.
struct Site {
    world: World,
    provider: Hostile,
}

/// A login that has begun in a browser.
#[derive(Debug, Clone)]
struct Begun {
    /// The cookie as the browser sends it.
    cookie: String,
    state: String,
    /// The parameters of the address at the provider.
    sent: HashMap<String, String>,
}

impl Site {
    async fn new() -> Self {
        Self::with(|_| {}, limits()).await
    }

    async fn with(change: impl FnOnce(&mut OpenIdProvider), limits: OpenIdLimits) -> Self {
        Self::at(Hostile::start().await, change, limits)
    }

    /// A service with this provider.
    fn at(
        provider: Hostile,
        change: impl FnOnce(&mut OpenIdProvider),
        limits: OpenIdLimits,
    ) -> Self {
        let mut configured = provider.configured("plant");
        change(&mut configured);
        let world = World::with_openid(AccessMode::Login, lake(), &[configured], limits);
        world.add("root", &[(Role::Administrator, "plant")]);
        Self { world, provider }
    }

    /// Begins a login in a new browser; the provider gets what the browser would bring.
    async fn begin(&self) -> Begun {
        self.begin_with("plant", "", "/").await
    }

    async fn begin_with(&self, name: &str, cookie: &str, next: &str) -> Begun {
        let begun = begin(&self.world, name, cookie, next).await;
        self.provider.set(|it| {
            it.claims["nonce"] = begun.sent["nonce"].clone().into();
            it.challenge = begun.sent["code_challenge"].clone();
            it.redirect_uri = begun.sent["redirect_uri"].clone();
        });
        begun
    }

    /// Brings an answer to the program.
    async fn answer(&self, begun: &Begun, query: &str) -> Reply {
        answer(&self.world, "plant", begun, query).await
    }

    /// The usual answer to a login.
    async fn complete(&self, begun: &Begun) -> Reply {
        self.answer(begun, &format!("state={}&code={CODE}", begun.state)).await
    }

    /// A whole login.
    async fn log_in(&self) -> Reply {
        let begun = self.begin().await;
        self.complete(&begun).await
    }

    /// The user of the subject.
    fn user(&self) -> Option<UserInfo> {
        self.world.access.find_external(&self.provider.issuer, "7").unwrap()
    }

    /// Kind and detail of the audit entries, newest first.
    fn entries(&self) -> Vec<(String, String)> {
        let (by, now_us) = (Identity::terminal("test"), self.world.now_us());
        let page = self.world.access.audit_page(&by, &Filter::default(), 1_000, now_us).unwrap();
        page.entries.into_iter().map(|it| (it.kind, it.detail)).collect()
    }

    /// Nobody is logged in, the login page names the failure, and the audit log contains the reason.
    #[track_caller]
    fn check_refused(&self, reply: &Reply, code: &str, reason: &str) {
        assert_eq!(reply.status, 303, "{reason}");
        let target = reply.header("location");
        assert!(target.starts_with("/login?"), "{reason}: {target}");
        let expected = format!("error={code}&provider=plant");
        assert!(target.contains(&expected), "{reason}: {target}");
        assert_eq!(session(reply), None, "{reason}");
        assert!(self.user().is_none(), "{reason}");
        let entries = self.entries();
        let (kind, detail) = &entries[0];
        assert_eq!(kind, "login_failed", "{reason}");
        assert!(detail.contains(reason), "{reason}: {detail}");
    }
}

async fn begin(world: &World, name: &str, cookie: &str, next: &str) -> Begun {
    let next = url::form_urlencoded::byte_serialize(next.as_bytes()).collect::<String>();
    let path = format!("/api/v1/openid/{name}/start?next={next}");
    let reply = world.request_as(cookie, "GET", &path, None).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    let url = Url::parse(reply.header("location")).unwrap();
    let sent: HashMap<_, _> = url.query_pairs().into_owned().collect();
    let cookie = reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    Begun { cookie, state: sent["state"].clone(), sent }
}

async fn answer(world: &World, name: &str, begun: &Begun, query: &str) -> Reply {
    let path = format!("/api/v1/openid/{name}/callback?{query}");
    let headers = [
        ("cookie", begun.cookie.as_str()),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-mode", "navigate"),
    ];
    world.request("GET", &path, &headers, None).await
}

/// The session cookie that a reply sets.
fn session(reply: &Reply) -> Option<String> {
    let mut set = reply.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap());
    let found = set.find(|it| it.starts_with("cockpit-session="))?;
    found.split(';').next().map(str::to_owned)
}

#[tokio::test]
async fn a_login_opens_a_session_with_the_roles_of_the_groups() {
    let site = Site::new().await;
    let begun = site.begin_with("plant", "", "/make?day=2023-01-12").await;
    for (name, expected) in [
        ("response_type", "code"),
        ("client_id", "cockpit"),
        ("scope", "openid profile groups"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", "http://localhost:8080/api/v1/openid/plant/callback"),
    ] {
        assert_eq!(begun.sent[name], expected, "{name}");
    }
    let reply = site.complete(&begun).await;
    assert_eq!(reply.header("location"), "/make?day=2023-01-12");
    assert_eq!(reply.header("cache-control"), "no-store");
    let cookie = session(&reply).unwrap();
    let shown = site.world.request_as(&cookie, "GET", "/api/v1/session", None).await.json();
    assert_eq!(shown["name"], "anna.lind");
    assert_eq!(shown["full_name"], "Anna Lind");
    assert_eq!(
        shown["roles"],
        json!([{ "role": "operator", "scope": "area:SMT", "source": "external" }])
    );
    let (kind, detail) = &site.entries()[0];
    assert_eq!(kind, "logged_in");
    assert!(detail.contains(&site.provider.issuer) && detail.contains("external"), "{detail}");
}

#[tokio::test]
async fn neither_code_nor_tokens_nor_the_secret_are_recorded() {
    let site = Site::new().await;
    let begun = site.begin().await;
    site.complete(&begun).await;
    site.complete(&begun).await;
    let sent = [CODE, ACCESS_TOKEN, SECRET, &begun.state, &begun.sent["nonce"]];
    for (_, detail) in site.entries() {
        assert!(sent.iter().all(|it| !detail.contains(it)), "{detail}");
    }
    // PKCE: the verifier reaches the provider only with the code.
    let exchanges = &site.provider.behaviour.lock().unwrap().exchanges;
    assert_eq!(exchanges.len(), 1);
    assert!(exchanges[0].0.contains("code_verifier=") && !exchanges[0].0.contains(SECRET));
}

#[tokio::test]
async fn a_later_login_replaces_the_roles_of_the_groups() {
    let site = Site::new().await;
    let first = session(&site.log_in().await).unwrap();
    site.provider.claim("groups", json!(["lead", "canteen"]));
    assert!(session(&site.log_in().await).is_some());
    let roles: Vec<_> = site.user().unwrap().roles.iter().map(|it| it.role).collect();
    assert_eq!(roles, [Role::Supervisor]);
    // Without a group that gives a role, the person is refused and loses the earlier one.
    site.provider.claim("groups", json!(["canteen"]));
    let refused = site.log_in().await;
    assert!(refused.header("location").contains("error=openid_no_role"));
    assert_eq!(session(&refused), None);
    let shown = site.world.request_as(&first, "GET", "/api/v1/tables", None).await;
    assert_eq!(shown.status, 403);
}

#[tokio::test]
async fn a_disabled_and_an_unknown_person_are_refused() {
    let site = Site::new().await;
    site.log_in().await;
    let by = Identity::terminal("test");
    site.world.access.disable_user(&by, "anna.lind", site.world.now_us()).unwrap();
    let refused = site.log_in().await;
    assert!(refused.header("location").contains("error=openid_no_account"));
    assert_eq!(session(&refused), None);
    let closed = Site::with(|it| it.adds_users = false, limits()).await;
    let refused = closed.log_in().await;
    assert!(refused.header("location").contains("error=openid_no_account"));
    assert!(closed.user().is_none());
    let issuer = &closed.provider.issuer;
    closed.world.access.link_external(&by, "root", issuer, "7", closed.world.now_us()).unwrap();
    let cookie = session(&closed.log_in().await).unwrap();
    let shown = closed.world.request_as(&cookie, "GET", "/api/v1/session", None).await.json();
    assert_eq!(shown["name"], "root");
}

#[tokio::test]
async fn groups_may_be_in_the_user_information() {
    let site = Site::new().await;
    site.provider.claim("groups", json!(null));
    site.provider.set(|it| it.user_info = Some(json!({ "sub": "7", "groups": ["lead"] })));
    assert!(session(&site.log_in().await).is_some());
    let roles: Vec<_> = site.user().unwrap().roles.iter().map(|it| it.role).collect();
    assert_eq!(roles, [Role::Supervisor]);
}

#[tokio::test]
async fn the_user_information_of_another_person_is_refused() {
    let site = Site::new().await;
    site.provider.claim("groups", json!(null));
    site.provider.set(|it| it.user_info = Some(json!({ "sub": "8", "groups": ["lead"] })));
    let reply = site.log_in().await;
    site.check_refused(&reply, "openid_refused", "user information");
}

#[tokio::test]
async fn the_login_replaces_the_session_of_the_browser() {
    let site = Site::new().await;
    let before = site.world.cookie("root");
    let begun = site.begin().await;
    let both = Begun { cookie: format!("{}; {before}", begun.cookie), ..begun };
    assert!(session(&site.complete(&both).await).is_some());
    let shown = site.world.request_as(&before, "GET", "/api/v1/session", None).await;
    assert_eq!(shown.status, 401);
}

#[tokio::test]
async fn logins_in_two_tabs_of_a_browser_do_not_disturb_each_other() {
    let site = Site::new().await;
    let first = site.begin().await;
    let nonce = first.sent["nonce"].clone();
    let second = site.begin_with("plant", &first.cookie, "/now").await;
    assert_eq!(first.cookie, second.cookie);
    assert!(session(&site.complete(&second).await).is_some());
    site.provider.set(|it| {
        it.claims["nonce"] = nonce.into();
        it.challenge = first.sent["code_challenge"].clone();
    });
    assert!(session(&site.complete(&first).await).is_some());
}

#[tokio::test]
async fn a_logout_leads_to_the_provider_and_clears_the_cache() {
    let site = Site::new().await;
    let cookie = session(&site.log_in().await).unwrap();
    let reply = site.world.request_as(&cookie, "DELETE", "/api/v1/session", None).await;
    assert_eq!(reply.header("clear-site-data"), "\"cache\"");
    let url = Url::parse(reply.json()["provider_logout_url"].as_str().unwrap()).unwrap();
    assert!(url.as_str().starts_with(&format!("{}/logout?", site.provider.issuer)));
    let sent: HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(sent["client_id"], "cockpit");
    assert_eq!(sent["post_logout_redirect_uri"], "http://localhost:8080/login");
    let local = site.world.cookie("root");
    let reply = site.world.request_as(&local, "DELETE", "/api/v1/session", None).await;
    assert_eq!((reply.status.as_u16(), reply.header("clear-site-data")), (204, "\"cache\""));
    let quiet = Site::with(|it| it.logs_out = false, limits()).await;
    let cookie = session(&quiet.log_in().await).unwrap();
    let reply = quiet.world.request_as(&cookie, "DELETE", "/api/v1/session", None).await;
    assert_eq!(reply.status, 204);
}

#[tokio::test]
async fn the_first_user_of_a_program_is_no_operator_of_a_provider() {
    let provider = Hostile::start().await;
    let configured = [provider.configured("plant")];
    let world = World::with_openid(AccessMode::OpenUntilSetup, lake(), &configured, limits());
    let site = Site { world, provider };
    let reply = site.log_in().await;
    assert!(reply.header("location").contains("error=openid_no_role"));
    assert!(site.world.access.needs_setup().unwrap());
}
