//! Logins by a proof of SCRAM-SHA-256 in place of a secret.

use crate::tokens::all;
use crate::world::{
    PASSWORD, S, T0, World, client, here, open, random, role, scope, secret, settings, terminal,
};
use access::scram::{ProofLogin, ProvedBy, ProvedLogin, ScramKey, ScramSalt};
use access::token::NewToken;
use access::{Access, Action, Client, Error, ErrorKind, NewPassword, NewUser, Role, Settings};
use hmac::{Hmac, KeyInit as _, Mac as _};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

const EXCHANGE: &[u8] = b"n=,r=client,r=client-and-server,s=salt,i=4096,c=biws,r=client-and-server";

fn mac(key: &[u8], parts: &[&[u8]]) -> ScramKey {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}

fn xor(left: ScramKey, right: ScramKey) -> ScramKey {
    std::array::from_fn(|at| left[at] ^ right[at])
}

/// What a client derives from a secret (RFC 5802, section 3).
struct Keys {
    client: ScramKey,
    server: ScramKey,
}

impl Keys {
    fn of(text: &str, salt: &ScramSalt) -> Self {
        let mut last = mac(text.as_bytes(), &[&salt.salt, &[0, 0, 0, 1]]);
        let mut salted = last;
        for _ in 1..salt.iterations {
            last = mac(text.as_bytes(), &[&last]);
            salted = xor(salted, last);
        }
        Self { client: mac(&salted, &[b"Client Key"]), server: mac(&salted, &[b"Server Key"]) }
    }

    fn proof(&self, exchange: &[u8]) -> ScramKey {
        xor(self.client, mac(&Sha256::digest(self.client), &[exchange]))
    }
}

fn prove_from(
    access: &Access,
    (name, text): (&str, &str),
    client: &Client,
    now_us: i64,
) -> Result<ProvedLogin, Error> {
    let salt = access.scram_salt(name, now_us).unwrap().expect("a salt");
    let keys = Keys::of(text, &salt);
    let proof = keys.proof(EXCHANGE);
    let login = ProofLogin { name, salt: &salt, exchange: EXCHANGE, proof: &proof, client };
    let proved = access.login_by_proof(&login, now_us)?;
    assert_eq!(proved.signature, mac(&keys.server, &[EXCHANGE]), "the server has the verifier");
    Ok(proved)
}

fn prove(world: &World, name: &str, text: &str, now_us: i64) -> Result<ProvedLogin, Error> {
    prove_from(&world.access, (name, text), &here(), now_us)
}

fn with_anna() -> World {
    let world = World::new();
    world.add("anna", &[role(Role::Engineer, "plant")]);
    world
}

#[track_caller]
fn check_refused(result: Result<ProvedLogin, Error>) {
    let error = result.expect_err("the login is refused");
    assert!(matches!(error, Error::LoginRefused), "{error}");
}

#[test]
fn a_proved_password_opens_a_session_like_one_that_is_sent() {
    let world = with_anna();
    let proved = prove(&world, " ANNA ", PASSWORD, T0).unwrap();
    let ProvedBy::Password(opened) = proved.by else { panic!("{:?}", proved.by) };
    let seen = world.access.authenticate_session(opened.cookie.expose(), T0).unwrap();
    assert_eq!(seen.name(), "anna");
    let proved = world.last_detail(T0);
    world.login("anna", PASSWORD, T0).unwrap();
    let number = |text: &str| text.replace(|it: char| it.is_ascii_digit(), "");
    assert_eq!(number(&proved), number(&world.last_detail(T0)), "entries of the audit log");
    check_refused(prove(&world, "anna", "wrong", T0));
    assert!(world.last_detail(T0).contains("wrong password"));
}

#[test]
fn a_proof_is_worth_nothing_in_another_exchange() {
    let world = with_anna();
    let salt = world.access.scram_salt("anna", T0).unwrap().unwrap();
    let proof = Keys::of(PASSWORD, &salt).proof(EXCHANGE);
    let client = here();
    let login = |exchange: &[u8], salt: &ScramSalt| {
        let login = ProofLogin { name: "anna", salt, exchange, proof: &proof, client: &client };
        world.access.login_by_proof(&login, T0)
    };
    check_refused(login(b"another", &salt));
    let other = ScramSalt { salt: [0; 16], ..salt.clone() };
    check_refused(login(EXCHANGE, &other));
    assert!(login(EXCHANGE, &salt).is_ok());
}

#[test]
fn names_without_account_look_like_others() {
    let world = with_anna();
    let salt = |access: &Access, name: &str| access.scram_salt(name, T0).unwrap().unwrap();
    let unnamed = salt(&world.access, "unnamed");
    assert_eq!(unnamed, salt(&world.access, " Unnamed"));
    assert_eq!(unnamed.iterations, salt(&world.access, "anna").iterations);
    let outside = NewUser {
        name: "outside".into(),
        full_name: String::new(),
        password: NewPassword::None,
        roles: vec![],
    };
    world.access.add_user(&terminal(), &outside, T0).unwrap();
    for (name, reason) in
        [("unnamed", "unknown account"), ("a b", "unknown account"), ("outside", "no password")]
    {
        check_refused(prove(&world, name, PASSWORD, T0));
        assert!(world.last_detail(T0).contains(reason), "{name}");
    }
    let path = world.path();
    drop(world.access);
    assert_eq!(unnamed, salt(&open(&path, T0).unwrap(), "unnamed"), "the same after a restart");
    let other = World::with(settings());
    let other = Access::open(&other.folder.path().join("b"), settings(), random(5), T0).unwrap();
    assert_ne!(unnamed, salt(&other, "unnamed"), "another one elsewhere");
}

#[test]
fn wrong_proofs_delay_the_account_and_the_address() {
    let world = with_anna();
    for at in 0..6 {
        check_refused(prove(&world, "anna", "wrong", T0 + at));
    }
    check_refused(prove(&world, "anna", PASSWORD, T0 + 7));
    assert!(world.last_detail(T0).contains("account is delayed"));
    assert!(world.login("anna", PASSWORD, T0 + 8).is_err(), "for both ways to log in");
    prove(&world, "anna", PASSWORD, T0 + 10 * S).unwrap();
    let settings = Settings { address_failures_free: 2, ..settings() };
    let world = World::with(settings);
    world.add("anna", &[]);
    let far = client("198.51.100.7");
    for name in ["unnamed", "anna", "anna"] {
        check_refused(prove_from(&world.access, (name, "wrong"), &far, T0));
    }
    let error = prove_from(&world.access, ("anna", PASSWORD), &far, T0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
    assert!(prove(&world, "anna", PASSWORD, T0).is_ok(), "from another address");
}

#[test]
fn accounts_that_may_not_log_in_by_password_are_refused() {
    let world = with_anna();
    for name in ["gone", "late", "coded"] {
        world.add(name, &[role(Role::Viewer, "plant")]);
    }
    world.access.disable_user(&terminal(), "gone", T0).unwrap();
    let temporary = world.access.reset_password(&terminal(), "late", T0).unwrap();
    crate::factors::enrol(&world, "coded", T0);
    let soon = prove(&world, "late", temporary.expose(), T0).unwrap();
    let ProvedBy::Password(opened) = soon.by else { panic!("{:?}", soon.by) };
    assert!(opened.must_change_password);
    let later = T0 + 4 * 86_400 * S;
    for (name, text, reason) in [
        ("gone", PASSWORD, "account is disabled"),
        ("late", temporary.expose(), "temporary password has expired"),
        ("coded", PASSWORD, "no code of the second factor"),
    ] {
        check_refused(prove(&world, name, text, later));
        assert!(world.last_detail(later).contains(reason), "{name}");
    }
}

fn token_of(world: &World, name: &str) -> access::token::CreatedToken {
    let by = world.login(name, PASSWORD, T0).unwrap().identity;
    let new = NewToken { actions: [Action::ReadTables].into(), scope: scope("area:SMT"), ..all() };
    world.access.create_token(&by, &new, T0).unwrap()
}

#[test]
fn a_proved_token_has_its_own_rights_and_no_delays() {
    let world = with_anna();
    let (one, other) = (token_of(&world, "anna"), token_of(&world, "anna"));
    for at in 0..6 {
        check_refused(prove(&world, "anna", "wrong", T0 + at));
    }
    for token in [&one, &other] {
        let proved = prove(&world, "anna", token.secret.expose(), T0 + 7).unwrap();
        let ProvedBy::Token(by) = proved.by else { panic!("{:?}", proved.by) };
        assert!(by.authorize(Action::ReadTables, &scope("area:SMT")).is_ok());
        assert!(by.authorize(Action::ReadTables, &scope("plant")).is_err());
        assert_eq!(by.via(), access::Via::Token { id: token.info.id });
    }
}

#[test]
fn an_ended_token_is_refused_and_does_not_count_as_a_guess() {
    let world = with_anna();
    let token = token_of(&world, "anna");
    let text = token.secret.expose();
    let later = T0 + 2 * 86_400 * S;
    let error = prove(&world, "anna", text, later).unwrap_err();
    assert!(matches!(error, Error::TokenExpired), "{error}");
    let world = with_anna();
    let token = token_of(&world, "anna");
    world.access.revoke_token(&terminal(), token.info.id, T0).unwrap();
    let before = world.entries(T0).len();
    for _ in 0..10 {
        let error = prove(&world, "anna", token.secret.expose(), T0).unwrap_err();
        assert!(matches!(error, Error::Unauthenticated), "{error}");
    }
    assert_eq!(world.entries(T0).len(), before);
    assert!(prove(&world, "anna", PASSWORD, T0).is_ok());
}

fn count(world: &World, sql: &str) -> i64 {
    let reader = Connection::open(world.path()).unwrap();
    reader.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_verifier_ends_with_its_secret() {
    let world = with_anna();
    let token = token_of(&world, "anna");
    let by = world.login("anna", PASSWORD, T0).unwrap().identity;
    let new = secret("paper lamp orbit 77");
    world.access.change_password(&by, &secret(PASSWORD), &new, &here(), T0).unwrap();
    check_refused(prove(&world, "anna", PASSWORD, T0));
    assert!(prove(&world, "anna", new.expose(), T0).is_ok());
    assert!(prove(&world, "anna", token.secret.expose(), T0).is_ok(), "tokens stay");
    let temporary = world.access.reset_password(&terminal(), "anna", T0).unwrap();
    check_refused(prove(&world, "anna", new.expose(), T0));
    assert!(prove(&world, "anna", temporary.expose(), T0).is_ok());
    assert_eq!(count(&world, "SELECT count(*) FROM password_verifiers"), 1);
    world.access.disable_user(&terminal(), "anna", T0).unwrap();
    let usable = "SELECT count(*) FROM token_verifiers WHERE server_key IS NOT NULL";
    assert_eq!(count(&world, usable), 0);
    let other = Connection::open(world.path()).unwrap();
    other.execute_batch("UPDATE users SET password = NULL").unwrap();
    assert_eq!(count(&world, "SELECT count(*) FROM password_verifiers"), 0);
}

#[test]
fn a_backup_has_no_verifiers_and_the_next_login_makes_them() {
    let world = with_anna();
    let token = token_of(&world, "anna");
    let copy = world.folder.path().join("copy.sqlite");
    world.access.backup(&terminal(), &copy, T0).unwrap();
    let copied = Connection::open(&copy).unwrap();
    let sql =
        "SELECT (SELECT count(*) FROM password_verifiers) + (SELECT count(*) FROM token_verifiers)";
    let left: i64 = copied.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!((left, count(&world, sql)), (0, 2));
    drop(copied);
    let path = world.path();
    drop(world.access);
    access::restore(&copy, &path, "terminal:root", T0, &settings()).unwrap();
    let world = World { access: open(&path, T0).unwrap(), folder: world.folder };
    let salt = || world.access.scram_salt("anna", T0).unwrap();
    assert_eq!(salt(), None, "secrets are sent as they are");
    world.login("anna", PASSWORD, T0).unwrap();
    assert_eq!(salt(), None, "the token has no verifier yet");
    world.access.keep_token_verifier(&token.secret, T0).unwrap();
    assert!(salt().is_some());
    assert!(prove(&world, "anna", PASSWORD, T0).is_ok());
    assert!(prove(&world, "anna", token.secret.expose(), T0).is_ok());
}

#[test]
fn an_invalid_token_gets_no_verifier() {
    let world = with_anna();
    let token = token_of(&world, "anna");
    let other = Connection::open(world.path()).unwrap();
    other.execute_batch("DELETE FROM token_verifiers").unwrap();
    world.access.revoke_token(&terminal(), token.info.id, T0).unwrap();
    for text in [token.secret.expose(), "pck_x", ""] {
        world.access.keep_token_verifier(&secret(text), T0).unwrap();
    }
    assert_eq!(count(&world, "SELECT count(*) FROM token_verifiers"), 0);
}

#[test]
fn another_cost_is_used_from_the_next_login_on_unless_tokens_depend_on_it() {
    let costly = Settings { scram_iterations: 5_000, ..settings() };
    let iterations = |access: &Access| access.scram_salt("anna", T0).unwrap().unwrap().iterations;
    for (has_token, expected) in [(false, 5_000), (true, 4_096)] {
        let world = with_anna();
        let token = has_token.then(|| token_of(&world, "anna"));
        let path = world.path();
        drop(world.access);
        let access = Access::open(&path, costly.clone(), random(3), T0).unwrap();
        let world = World { access, folder: world.folder };
        assert_eq!(iterations(&world.access), 4_096);
        world.login("anna", PASSWORD, T0).unwrap();
        assert_eq!(iterations(&world.access), expected);
        assert!(prove(&world, "anna", PASSWORD, T0).is_ok());
        if let Some(token) = token {
            assert!(prove(&world, "anna", token.secret.expose(), T0).is_ok());
        }
    }
}
