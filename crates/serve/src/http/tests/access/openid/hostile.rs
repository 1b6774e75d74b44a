//! A provider that behaves as a test wants: an HTTP server with its own keys.

use super::super::world::T0_US;
use crate::Limits;
use crate::http::{Certificates, Endpoint, serve};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use config::openid::{GroupRule, OpenIdProvider};
use config::secret::SecretRef;
use openidconnect::core::{
    CoreEdDsaPrivateSigningKey, CoreHmacKey, CoreJsonWebKey, CoreJwsSigningAlgorithm,
};
use openidconnect::{JsonWebKeyId, PrivateSigningKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::form_urlencoded;

pub const CLIENT: &str = "cockpit";
pub const SECRET: &str = "the-client-secret";
pub const CODE: &str = "the-authorization-code";
pub const ACCESS_TOKEN: &str = "the-access-token";

/// How the provider answers.
pub struct Behaviour {
    pub claims: Value,
    /// The header of the ID token.
    pub header: Value,
    /// Signs the ID token; the argument is the signed part.
    pub sign: fn(&str) -> Vec<u8>,
    /// Changes the finished ID token.
    pub change: fn(String) -> String,
    pub keys: Vec<CoreJsonWebKey>,
    /// Changes of the metadata.
    pub metadata: Value,
    /// The whole answer of a path instead of the usual one: status, type, body.
    pub answers: HashMap<&'static str, (u16, &'static str, String)>,
    /// Paths that are never answered.
    pub silent: Vec<&'static str>,
    pub user_info: Option<Value>,
    /// The challenge of PKCE and the address to return to, of the request in the browser.
    pub challenge: String,
    pub redirect_uri: String,
    /// Requests by path.
    pub requests: HashMap<String, usize>,
    /// Bodies of requests for a token, each with its authorization.
    pub exchanges: Vec<(String, String)>,
}

/// A running provider.
pub struct Hostile {
    pub issuer: String,
    pub behaviour: Arc<Mutex<Behaviour>>,
    /// Holds the client secret.
    folder: TempDir,
    _tasks: JoinSet<()>,
}

/// The key of a seed.
pub fn key(seed: u8) -> CoreEdDsaPrivateSigningKey {
    let mut der = vec![
        0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04,
        0x20,
    ];
    der.extend([seed; 32]);
    let (label, body) = ("PRIVATE KEY", STANDARD.encode(der));
    let pem = format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    let id = JsonWebKeyId::new(format!("key-{seed}"));
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(&pem, Some(id)).unwrap()
}

pub fn signed_by(seed: u8, text: &str) -> Vec<u8> {
    key(seed).sign(&CoreJwsSigningAlgorithm::EdDsa, text.as_bytes()).unwrap()
}

pub fn signed_by_secret(secret: &[u8], text: &str) -> Vec<u8> {
    let key = CoreHmacKey::new(secret.to_vec());
    key.sign(&CoreJwsSigningAlgorithm::HmacSha256, text.as_bytes()).unwrap()
}

impl Behaviour {
    fn new(issuer: &str) -> Self {
        let now_s = T0_US / 1_000_000;
        Self {
            claims: json!({
                "iss": issuer, "aud": CLIENT, "sub": "7", "iat": now_s, "exp": now_s + 300,
                "preferred_username": "Anna.Lind", "name": "Anna Lind", "groups": ["smt"],
            }),
            header: json!({ "alg": "EdDSA", "kid": "key-1", "typ": "JWT" }),
            sign: |text| signed_by(1, text),
            change: |token| token,
            keys: vec![key(1).as_verification_key()],
            metadata: json!({}),
            answers: HashMap::new(),
            silent: Vec::new(),
            user_info: None,
            challenge: String::new(),
            redirect_uri: String::new(),
            requests: HashMap::new(),
            exchanges: Vec::new(),
        }
    }

    fn id_token(&self) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&self.header), part(&self.claims));
        let signature = URL_SAFE_NO_PAD.encode((self.sign)(&signed));
        (self.change)(format!("{signed}.{signature}"))
    }

    fn metadata(&self, issuer: &str) -> Value {
        let mut all = json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{issuer}/authorize"),
            "token_endpoint": format!("{issuer}/token"),
            "jwks_uri": format!("{issuer}/keys"),
            "end_session_endpoint": format!("{issuer}/logout"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "EdDSA", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        });
        if self.user_info.is_some() {
            all["userinfo_endpoint"] = format!("{issuer}/userinfo").into();
        }
        for (name, value) in self.metadata.as_object().unwrap() {
            all[name] = value.clone();
        }
        all
    }

    /// The answer to a code, if it is the right one with the right verifier and address.
    fn exchange(&mut self, headers: &HeaderMap, body: &str) -> Response {
        let authorization = headers.get(header::AUTHORIZATION).map(|it| it.to_str().unwrap());
        let authorization = authorization.unwrap_or_default().to_owned();
        self.exchanges.push((body.to_owned(), authorization.clone()));
        let sent: HashMap<_, _> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let verifier = sent.get("code_verifier").cloned().unwrap_or_default();
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
        let is_right = sent.get("code").is_some_and(|code| code == CODE)
            && challenge == self.challenge
            && sent.get("redirect_uri") == Some(&self.redirect_uri)
            && authorization == format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}")));
        if !is_right {
            let refused = json!({ "error": "invalid_grant" }).to_string();
            return answer(400, "application/json", refused);
        }
        let found = json!({
            "access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 60,
            "id_token": self.id_token(),
        });
        answer(200, "application/json", found.to_string())
    }
}

fn answer(status: u16, kind: &str, body: String) -> Response {
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind.parse().unwrap());
    if (300..400).contains(&status) {
        response.headers_mut().insert(header::LOCATION, "/elsewhere".parse().unwrap());
    }
    response
}

type Shared = (String, Arc<Mutex<Behaviour>>);

async fn respond(
    shared: &Shared,
    path: &'static str,
    usual: impl FnOnce(&mut Behaviour) -> Response,
) -> Response {
    let found = {
        let mut behaviour = shared.1.lock().unwrap();
        *behaviour.requests.entry(path.to_owned()).or_default() += 1;
        if behaviour.silent.contains(&path) {
            None
        } else {
            let other = behaviour.answers.get(path).cloned();
            Some(other.map_or_else(
                || usual(&mut behaviour),
                |(status, kind, body)| answer(status, kind, body),
            ))
        }
    };
    match found {
        Some(response) => response,
        None => std::future::pending().await,
    }
}

async fn metadata(State(shared): State<Shared>) -> Response {
    let issuer = shared.0.clone();
    respond(&shared, "metadata", |it| {
        answer(200, "application/json", it.metadata(&issuer).to_string())
    })
    .await
}

async fn keys(State(shared): State<Shared>) -> Response {
    respond(&shared, "keys", |it| {
        answer(200, "application/json", json!({ "keys": it.keys }).to_string())
    })
    .await
}

async fn token(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    respond(&shared, "token", |it| it.exchange(&headers, &body)).await
}

async fn user_info(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    respond(&shared, "userinfo", |it| {
        let expected = format!("Bearer {ACCESS_TOKEN}");
        assert_eq!(headers.get(header::AUTHORIZATION).unwrap(), &expected);
        answer(200, "application/json", it.user_info.clone().unwrap().to_string())
    })
    .await
}

fn router(shared: Shared) -> Router {
    Router::new()
        .route("/.well-known/openid-configuration", get(metadata))
        .route("/keys", get(keys))
        .route("/token", post(token))
        .route("/userinfo", get(user_info))
        .with_state(shared)
}

impl Hostile {
    pub async fn start() -> Self {
        Self::start_with(None).await
    }

    /// A provider over TLS with these certificates, at the name `localhost`.
    pub async fn encrypted(certificates: Certificates) -> Self {
        Self::start_with(Some(Arc::new(certificates))).await
    }

    async fn start_with(certificates: Option<Arc<Certificates>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = match certificates {
            None => format!("http://{address}"),
            Some(_) => format!("https://localhost:{}", address.port()),
        };
        let behaviour = Arc::new(Mutex::new(Behaviour::new(&issuer)));
        let router = router((issuer.clone(), Arc::clone(&behaviour)));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let endpoint = Endpoint { certificates, ..Endpoint::default() };
            let (limits, stop) = (Limits::default(), CancellationToken::new());
            serve(listener, router, &limits, endpoint, stop).await.unwrap();
        });
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), SECRET).unwrap();
        Self { issuer, behaviour, folder, _tasks: tasks }
    }

    /// The configuration of the provider: two groups give roles.
    pub fn configured(&self, name: &str) -> OpenIdProvider {
        let rule = |group: &str, role: &str, scope: &str| GroupRule {
            group: group.into(),
            role: role.into(),
            scope: scope.into(),
        };
        OpenIdProvider {
            name: name.into(),
            title: format!("Login of {name}"),
            issuer: self.issuer.clone(),
            client_id: CLIENT.into(),
            client_secret: Some(SecretRef::File(self.folder.path().join("secret"))),
            scopes: vec!["profile".into(), "groups".into()],
            groups_claim: "groups".into(),
            name_claim: "preferred_username".into(),
            adds_users: true,
            logs_out: true,
            ca_file: None,
            allowed_addresses: Vec::new(),
            roles: vec![rule("smt", "operator", "area:SMT"), rule("lead", "supervisor", "plant")],
        }
    }

    /// Changes the behaviour.
    pub fn set(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.behaviour.lock().unwrap());
    }

    /// Changes a claim of the next ID tokens; null removes it.
    pub fn claim(&self, name: &str, value: Value) {
        self.set(|it| {
            let claims = it.claims.as_object_mut().unwrap();
            match value {
                Value::Null => drop(claims.remove(name)),
                value => drop(claims.insert(name.to_owned(), value)),
            }
        });
    }

    /// Requests of a path.
    pub fn requests(&self, path: &str) -> usize {
        self.behaviour.lock().unwrap().requests.get(path).copied().unwrap_or_default()
    }
}

/// Limits whose times are short.
pub fn limits() -> crate::OpenIdLimits {
    crate::OpenIdLimits {
        request_time: Duration::from_millis(500),
        answer_bytes: 50_000,
        ..crate::OpenIdLimits::default()
    }
}
