//! A clock that is set back by a day.

use crate::world::{PASSWORD, S, T0, World, here, role, scope, secret, terminal};
use access::access::Whose;
use access::token::NewToken;
use access::{Action, Error, Role};
use std::collections::BTreeSet;

const HOUR: i64 = 3_600 * S;
const DAY: i64 = 24 * HOUR;

fn token(life_s: u32) -> NewToken {
    let actions = BTreeSet::from([Action::ReadTables]);
    NewToken { name: "t".into(), actions, scope: scope("plant"), life_s }
}

#[test]
fn an_expired_token_stays_expired_even_if_nobody_used_it_meanwhile() {
    let world = World::new();
    let root = world.administrator();
    let short = world.access.create_token(&root, &token(3_600), T0).unwrap();
    let long = world.access.create_token(&root, &token(10 * 86_400), T0).unwrap();
    world.access.maintain(T0 + DAY).unwrap();
    let is_known = |it: &access::token::CreatedToken, now_us| {
        world.access.authenticate_token(it.secret.expose(), now_us).is_ok()
    };
    assert!(!is_known(&short, T0), "a day behind, when it was valid");
    assert!(is_known(&long, T0));
    assert!(is_known(&long, T0 + 10 * DAY - 1));
    assert!(!is_known(&long, T0 + 10 * DAY), "it ends at its date and no later");
}

#[test]
fn all_sessions_end_and_new_ones_live_as_long_as_they_should() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let before = world.login("anna", PASSWORD, T0 + DAY).unwrap();
    let seen = |cookie: &str, now_us| world.access.authenticate_session(cookie, now_us).is_ok();
    assert!(!seen(before.cookie.expose(), T0));
    assert!(!seen(before.cookie.expose(), T0 + DAY), "nor when the clock is right again");
    let World { folder, access } = world;
    drop(access);
    let access = crate::world::open(&folder.path().join("access.sqlite"), T0).unwrap();
    let world = World { folder, access };
    let after = world.login("anna", PASSWORD, T0).unwrap();
    assert_eq!(after.expires_us, T0 + DAY);
    let seen = |now_us| world.access.authenticate_session(after.cookie.expose(), now_us).is_ok();
    assert!(seen(T0 + 7 * HOUR) && seen(T0 + 14 * HOUR) && seen(T0 + 21 * HOUR));
    assert!(!seen(T0 + DAY));
}

#[test]
fn a_step_back_while_the_program_was_off_is_noticed_too() {
    let world = World::new();
    let root = world.administrator();
    let short = world.access.create_token(&root, &token(3_600), T0).unwrap();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    world.access.maintain(T0 + 2 * HOUR).unwrap();
    let World { folder, access } = world;
    drop(access);
    let path = folder.path().join("access.sqlite");
    let access = crate::world::open(&path, T0 + 30 * 60 * S).unwrap();
    let now_us = T0 + 30 * 60 * S;
    assert!(access.authenticate_token(short.secret.expose(), now_us).is_err());
    assert!(access.authenticate_session(found.cookie.expose(), now_us).is_err());
}

#[test]
fn jitter_is_no_step_and_makes_nothing_valid_again() {
    let world = World::new();
    let root = world.administrator();
    let short = world.access.create_token(&root, &token(3_600), T0).unwrap();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let seen = |now_us| world.access.authenticate_session(found.cookie.expose(), now_us).is_ok();
    assert!(seen(T0 + HOUR));
    assert!(seen(T0 + HOUR - 300 * S), "five minutes are tolerated");
    let again = world.access.authenticate_token(short.secret.expose(), T0 + HOUR - 300 * S);
    assert!(matches!(again, Err(Error::TokenExpired)));
    assert!(!seen(T0 + HOUR - 300 * S - 1));
}

#[test]
fn the_step_is_noted_with_what_it_ended() {
    let world = World::new();
    let root = world.administrator();
    world.access.create_token(&root, &token(3_600), T0).unwrap();
    world.access.maintain(T0 + 2 * HOUR).unwrap();
    world.access.maintain(T0).unwrap();
    world.access.maintain(T0 + S).unwrap();
    let entries = world.entries(T0 + S);
    let steps = entries.iter().filter(|(kind, _)| kind == "clock_set_back").count();
    assert_eq!(steps, 1, "once for each step");
    let expected = format!(
        r#"{{"from_us":{},"sessions_ended":1,"to_us":{T0},"tokens_revoked":1}}"#,
        T0 + 2 * HOUR
    );
    assert_eq!(world.last_detail(T0 + S), expected);
}

#[test]
fn delays_do_not_last_for_the_length_of_the_step() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    for attempt in 0..40 {
        let from = crate::world::client(&format!("10.0.0.{attempt}"));
        let now_us = T0 + DAY + attempt * 900 * S;
        assert!(world.login_as("anna", "wrong", None, &from, now_us).is_err());
    }
    assert!(world.login("anna", PASSWORD, T0).is_err());
    assert!(world.login("anna", PASSWORD, T0 + 900 * S).is_ok());
}

#[test]
fn codes_that_were_used_or_passed_stay_refused() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let (app, codes) = crate::factors::enrol(&world, "anna", T0 + DAY);
    assert!(world.login_with("anna", &app.code(T0), T0).is_err());
    assert!(world.login_with("anna", codes[0].expose(), T0).is_ok(), "recovery codes help");
    let later = T0 + DAY + 60 * S;
    assert!(world.login_with("anna", &app.code(later), later).is_ok());
}

#[test]
fn temporary_passwords_and_the_setup_secret_end() {
    let world = World::new();
    let offered = world.access.bootstrap(T0 + DAY).unwrap().unwrap();
    let first = access::setup::FirstAdministrator {
        secret: &offered.secret,
        name: "root",
        full_name: "",
        password: &secret(PASSWORD),
    };
    assert!(world.access.complete_setup(&first, &here(), T0).is_err());
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let temporary = world.access.reset_password(&terminal(), "anna", T0).unwrap();
    world.access.maintain(T0 + 4 * DAY).unwrap();
    assert!(world.login("anna", temporary.expose(), T0 + DAY).is_err());
}

#[test]
fn a_clock_far_ahead_ends_things_and_harms_nothing_that_comes_later() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    world.access.maintain(T0 + 3_650 * DAY).unwrap();
    let found = world.login("anna", PASSWORD, T0).unwrap();
    assert_eq!(found.expires_us, T0 + DAY);
    let sessions = world.access.sessions(&found.identity, Whose::Own, T0).unwrap();
    assert_eq!(sessions[0].created_us, T0);
}
