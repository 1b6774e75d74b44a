use crate::world::{S, T0, World, role, scope, settings};
use access::access::Whose;
use access::permission::TABLE;
use access::token::NewToken;
use access::{Action, Error, ErrorKind, Identity, Role, Settings};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// A token with all actions that tokens can carry, for a day.
pub fn all() -> NewToken {
    let actions = TABLE.iter().filter(|it| it.by_token).map(|it| it.action).collect();
    NewToken { name: "all".into(), actions, scope: scope("plant"), life_s: 86_400 }
}

fn reading(place: &str) -> NewToken {
    NewToken { actions: BTreeSet::from([Action::ReadTables]), scope: scope(place), ..all() }
}

fn allowed(by: &Identity, action: Action, place: &str) -> bool {
    by.authorize(action, &scope(place)).is_ok()
}

#[test]
fn a_token_has_its_part_of_the_owners_rights() {
    let world = World::new();
    let found = world.person("otto", &[role(Role::Engineer, "area:SMT")]);
    let token = world.access.create_token(&found.identity, &reading("line:SMT/1"), T0).unwrap();
    let by = world.access.authenticate_token(token.secret.expose(), T0).unwrap();
    assert_eq!(by.name(), "otto");
    assert!(allowed(&by, Action::ReadTables, "line:SMT/1"));
    assert!(!allowed(&by, Action::ReadTables, "line:SMT/2"));
    assert!(!allowed(&by, Action::RunSql, "line:SMT/1"));
}

#[test]
fn nobody_creates_a_token_with_more_rights_than_they_have() {
    let world = World::new();
    let by = world.person("otto", &[role(Role::Operator, "area:SMT")]).identity;
    let create = |new: NewToken| world.access.create_token(&by, &new, T0).map(|_| ());
    let forbidden = |result: Result<(), Error>| result.unwrap_err().kind() == ErrorKind::Forbidden;
    assert!(forbidden(create(reading("plant"))));
    assert!(forbidden(create(reading("area:THT"))));
    let sql = NewToken { actions: BTreeSet::from([Action::RunSql]), ..reading("area:SMT") };
    assert!(forbidden(create(sql)));
    assert!(create(reading("area:SMT")).is_ok());
}

#[test]
fn a_token_loses_what_its_owner_loses() {
    let world = World::new();
    let found = world.person("otto", &[role(Role::Engineer, "plant")]);
    let token = world.access.create_token(&found.identity, &reading("plant"), T0).unwrap();
    let text = token.secret.expose();
    let by = crate::world::terminal();
    world.access.set_roles(&by, "otto", &[role(Role::Viewer, "area:SMT")], T0).unwrap();
    let seen = world.access.authenticate_token(text, T0).unwrap();
    assert!(allowed(&seen, Action::ReadTables, "area:SMT"));
    assert!(!allowed(&seen, Action::ReadTables, "plant"));
    world.access.set_roles(&by, "otto", &[], T0).unwrap();
    let seen = world.access.authenticate_token(text, T0).unwrap();
    assert!(!allowed(&seen, Action::ReadTables, "area:SMT"));
}

#[test]
fn a_token_goes_on_while_its_owner_has_a_temporary_password() {
    let world = World::new();
    let root = world.administrator();
    let found = world.person("otto", &[role(Role::Viewer, "plant")]);
    let token = world.access.create_token(&found.identity, &reading("plant"), T0).unwrap();
    world.access.reset_password(&root, "OTTO", T0).unwrap();
    let by = world.access.authenticate_token(token.secret.expose(), T0).unwrap();
    assert!(allowed(&by, Action::ReadTables, "plant"));
    world.access.revoke_all(&root, "otto", T0).unwrap();
    assert!(world.access.authenticate_token(token.secret.expose(), T0).is_err());
}

#[test]
fn a_token_expires_and_says_so() {
    let world = World::new();
    let root = world.administrator();
    let token = world.access.create_token(&root, &reading("plant"), T0).unwrap();
    let text = token.secret.expose();
    let end_us = T0 + 86_400 * S;
    assert!(world.access.authenticate_token(text, end_us - 1).is_ok());
    let error = world.access.authenticate_token(text, end_us).unwrap_err();
    assert_eq!(error.to_string(), "the API token has expired: create a new one");
}

#[test]
fn a_revoked_token_is_refused_at_once() {
    let world = World::new();
    let root = world.administrator();
    let found = world.person("otto", &[role(Role::Viewer, "plant")]);
    let created = [(); 2]
        .map(|()| world.access.create_token(&found.identity, &reading("plant"), T0).unwrap());
    let is_known = |number: usize| {
        world.access.authenticate_token(created[number].secret.expose(), T0).is_ok()
    };
    assert!(is_known(0) && is_known(1));
    world.access.revoke_token(&found.identity, created[0].info.id, T0).unwrap();
    assert!(!is_known(0) && is_known(1));
    world.access.revoke_token(&root, created[1].info.id, T0).unwrap();
    assert!(!is_known(1));
    let listed = world.access.tokens(&found.identity, Whose::Own, T0).unwrap();
    assert_eq!(listed.len(), 2);
    assert!(listed.iter().all(|it| it.revoked_us == Some(T0)));
}

#[test]
fn a_token_cannot_manage_tokens_or_accounts() {
    let world = World::new();
    let root = world.administrator();
    let token = world.access.create_token(&root, &all(), T0).unwrap();
    let by = world.access.authenticate_token(token.secret.expose(), T0).unwrap();
    let denied = [
        world.access.create_token(&by, &reading("plant"), T0).err(),
        world.access.tokens(&by, Whose::Own, T0).err(),
        world.access.own_account(&by, T0).err(),
        world.access.users(&by, T0).err(),
        world.access.revoke_token(&by, token.info.id, T0).err(),
    ];
    let kinds = denied.map(|it| it.map(|error| error.kind()));
    assert_eq!(kinds, [Some(ErrorKind::Forbidden); 5]);
    assert!(world.access.verify_audit(&by, None, T0).is_ok());
}

#[test]
fn the_number_of_valid_tokens_is_limited() {
    let world = World::with(Settings { tokens_per_user: 2, ..settings() });
    let root = world.administrator();
    let create = |now_us| world.access.create_token(&root, &reading("plant"), now_us);
    let first = create(T0).unwrap();
    create(T0).unwrap();
    let error = create(T0).unwrap_err();
    let text = "more than 2 tokens are not allowed: remove some, or raise `tokens_per_user`";
    assert_eq!(error.to_string(), text);
    world.access.revoke_token(&root, first.info.id, T0).unwrap();
    assert!(create(T0).is_ok());
}

#[test]
fn last_use_is_noted_at_most_once_a_minute() {
    let world = World::new();
    let root = world.administrator();
    let token = world.access.create_token(&root, &reading("plant"), T0).unwrap();
    let used = || world.access.tokens(&root, Whose::Own, T0).unwrap()[0].last_used_us;
    let written = |now_us| {
        world.access.authenticate_token(token.secret.expose(), now_us).unwrap();
        world.access.maintain(now_us).unwrap();
        used()
    };
    assert_eq!(used(), None);
    assert_eq!(written(T0 + 10 * S), Some(T0 + 10 * S));
    assert_eq!(written(T0 + 69 * S), Some(T0 + 10 * S));
    assert_eq!(written(T0 + 70 * S), Some(T0 + 70 * S));
}

#[test]
fn a_session_cookie_is_no_token_and_a_token_no_cookie() {
    let world = World::new();
    let found = world.person("otto", &[role(Role::Viewer, "plant")]);
    let token = world.access.create_token(&found.identity, &reading("plant"), T0).unwrap();
    assert!(world.access.authenticate_token(found.cookie.expose(), T0).is_err());
    assert!(world.access.authenticate_session(token.secret.expose(), T0).is_err());
}

fn shared() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

proptest! {
    #[test]
    fn no_text_is_let_in(text in "(pck_)?[a-z2-7]{0,64}|.{0,80}") {
        prop_assert!(shared().access.authenticate_token(&text, T0).is_err());
        prop_assert!(shared().access.authenticate_session(&text, T0).is_err());
    }
}
