use crate::world::{PASSWORD, S, T0, World, here, role, scope, secret, settings, terminal};
use access::{Action, Error, Identity, Role, Secret, Settings};
use totp_rs::Builder;

/// What an authenticator app does with the key it was given.
pub struct App(Vec<u8>);

impl App {
    pub fn code(&self, now_us: i64) -> String {
        let totp = Builder::new().with_secret(self.0.clone()).build().unwrap();
        totp.generate(u64::try_from(now_us / S).unwrap()).to_string()
    }
}

/// Enrols an app for a person who has the usual password: the app and the recovery codes.
pub fn enrol(world: &World, name: &str, now_us: i64) -> (App, Vec<Secret>) {
    let found = world.login(name, PASSWORD, now_us).unwrap();
    let app = begin(world, &found.identity, now_us);
    let code = secret(&app.code(now_us));
    let codes = world.access.confirm_second_factor(&found.identity, &code, now_us).unwrap();
    (app, codes)
}

fn begin(world: &World, by: &Identity, now_us: i64) -> App {
    let password = secret(PASSWORD);
    let begun = world.access.begin_second_factor(by, &password, "Plant", &here(), now_us).unwrap();
    let key = totp_rs::Secret::try_from_base32(begun.key.expose()).unwrap();
    App(key.as_bytes().to_vec())
}

fn enrolled() -> (World, App, Vec<Secret>) {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let (app, codes) = enrol(&world, "anna", T0);
    (world, app, codes)
}

#[test]
fn a_login_needs_a_code_of_the_app() {
    let (world, app, _) = enrolled();
    let now_us = T0 + 60 * S;
    assert!(world.login("anna", PASSWORD, now_us).is_err());
    assert!(world.login_with("anna", "", now_us).is_err());
    assert!(world.login_with("anna", &app.code(now_us + 3_600 * S), now_us).is_err());
    assert!(world.login_with("anna", &app.code(now_us), now_us).is_ok());
}

#[test]
fn a_code_works_once_and_never_one_from_before_it() {
    let (world, app, _) = enrolled();
    assert!(world.login_with("anna", &app.code(T0), T0).is_err(), "enrolling has used it");
    let now_us = T0 + 300 * S;
    assert!(world.login_with("anna", &app.code(now_us), now_us).is_ok());
    assert!(world.login_with("anna", &app.code(now_us), now_us).is_err());
    assert!(world.login_with("anna", &app.code(now_us - 30 * S), now_us).is_err());
    assert!(world.login_with("anna", &app.code(now_us + 30 * S), now_us).is_ok());
}

#[test]
fn codes_of_a_clock_that_is_one_step_off_are_accepted() {
    for (offset_s, expected) in [(-30, true), (30, true), (-60, false), (60, false)] {
        let (world, app, _) = enrolled();
        let now_us = T0 + 900 * S;
        let found = world.login_with("anna", &app.code(now_us + offset_s * S), now_us);
        assert_eq!(found.is_ok(), expected, "{offset_s}");
    }
}

#[test]
fn wrong_codes_are_counted_as_failed_logins() {
    let (world, app, _) = enrolled();
    let now_us = T0 + 300 * S;
    for _ in 0..6 {
        assert!(world.login_with("anna", "000000", now_us).is_err());
    }
    assert!(world.login_with("anna", &app.code(now_us), now_us).is_err(), "delayed");
    assert!(world.login_with("anna", &app.code(now_us), now_us + S).is_ok());
}

#[test]
fn a_recovery_code_stands_in_for_the_app_once() {
    let (world, _, codes) = enrolled();
    let code = codes[0].expose();
    assert_eq!(world.login_with("anna", code, T0 + S).unwrap().identity.name(), "anna");
    assert!(world.login_with("anna", code, T0 + S).is_err());
    let typed = codes[1].expose().to_uppercase().replace('-', " ");
    let found = world.login_with("anna", &typed, T0 + S).unwrap();
    assert_eq!(world.access.recovery_codes_left(&found.identity, T0 + S).unwrap(), 8);
    let entries = world.access.sessions(&found.identity, access::access::Whose::Own, T0 + S);
    assert_eq!(entries.unwrap()[0].method, "password+recovery");
}

#[test]
fn the_factor_is_not_needed_before_it_is_confirmed() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let app = begin(&world, &found.identity, T0);
    assert!(world.login("anna", PASSWORD, T0).is_ok());
    let wrong = world.access.confirm_second_factor(&found.identity, &secret("000000"), T0);
    assert!(matches!(wrong, Err(Error::WrongCode)));
    assert!(world.login("anna", PASSWORD, T0).is_ok());
    let code = secret(&app.code(T0));
    world.access.confirm_second_factor(&found.identity, &code, T0).unwrap();
    assert!(world.login("anna", PASSWORD, T0).is_err());
    let again = world.access.confirm_second_factor(&found.identity, &code, T0);
    assert!(matches!(again, Err(Error::NotFound { .. })));
}

#[test]
fn enrolling_again_does_not_replace_a_factor() {
    let (world, app, _) = enrolled();
    let now_us = T0 + 60 * S;
    let found = world.login_with("anna", &app.code(now_us), now_us).unwrap();
    let (password, client) = (secret(PASSWORD), here());
    let begun =
        world.access.begin_second_factor(&found.identity, &password, "Plant", &client, now_us);
    assert!(matches!(begun, Err(Error::Exists { .. })));
    assert!(world.login("anna", PASSWORD, now_us).is_err());
}

#[test]
fn changes_of_the_factor_need_the_password() {
    let (world, app, codes) = enrolled();
    let now_us = T0 + 60 * S;
    let found = world.login_with("anna", &app.code(now_us), now_us).unwrap();
    let (by, wrong, right) = (&found.identity, secret("wrong"), secret(PASSWORD));
    assert!(world.access.replace_recovery_codes(by, &wrong, &here(), now_us).is_err());
    assert!(world.access.remove_second_factor(by, &wrong, &here(), now_us).is_err());
    let fresh = world.access.replace_recovery_codes(by, &right, &here(), now_us).unwrap();
    assert!(world.login_with("anna", codes[0].expose(), now_us).is_err());
    assert!(world.login_with("anna", fresh[0].expose(), now_us).is_ok());
    world.access.remove_second_factor(by, &right, &here(), now_us).unwrap();
    assert!(world.login("anna", PASSWORD, now_us).is_ok());
}

#[test]
fn an_administrator_removes_the_factor_of_somebody_who_lost_it() {
    let (world, _, codes) = enrolled();
    world.access.reset_second_factor(&terminal(), "anna", T0).unwrap();
    assert!(world.login("anna", PASSWORD, T0).is_ok());
    let found = world.login_with("anna", codes[0].expose(), T0).unwrap();
    assert_eq!(world.access.recovery_codes_left(&found.identity, T0).unwrap(), 0);
}

/// A world where engineers need a second factor.
fn demanding() -> World {
    World::with(Settings { require_second_factor: vec![Role::Engineer], ..settings() })
}

#[test]
fn a_required_factor_is_set_up_before_anything_else() {
    let world = demanding();
    world.add("eva", &[role(Role::Engineer, "area:SMT")]);
    world.add("vera", &[role(Role::Viewer, "plant")]);
    let smt = scope("area:SMT");
    let other = world.login("eva", PASSWORD, T0).unwrap().identity;
    let own = world.login("eva", PASSWORD, T0).unwrap().identity;
    assert!(own.rights().needs_second_factor);
    for action in [Action::ReadTables, Action::EditRules, Action::ManageOwnTokens] {
        assert!(own.authorize(action, &smt).is_err(), "{action}");
    }
    let app = begin(&world, &own, T0);
    world.access.confirm_second_factor(&own, &secret(&app.code(T0)), T0).unwrap();
    let now = world.access.recheck(&own, T0).unwrap();
    assert!(!now.rights().needs_second_factor);
    now.authorize(Action::EditRules, &smt).unwrap();
    // The password alone opened the other session.
    assert!(matches!(world.access.recheck(&other, T0), Err(Error::Unauthenticated)));
    let viewer = world.login("vera", PASSWORD, T0).unwrap().identity;
    viewer.authorize(Action::ReadTables, &smt).unwrap();
}

#[test]
fn a_role_that_needs_a_factor_restricts_open_sessions_too() {
    let world = demanding();
    let viewer = world.person("vera", &[role(Role::Viewer, "plant")]).identity;
    let plant = scope("plant");
    let roles = [role(Role::Viewer, "plant"), role(Role::Engineer, "line:SMT/1")];
    world.access.set_roles(&terminal(), "vera", &roles, T0).unwrap();
    let now = world.access.recheck(&viewer, T0).unwrap();
    assert!(now.authorize(Action::ReadTables, &plant).is_err());
    world.access.set_roles(&terminal(), "vera", &roles[..1], T0).unwrap();
    let now = world.access.recheck(&viewer, T0).unwrap();
    now.authorize(Action::ReadTables, &plant).unwrap();
}

#[test]
fn a_factor_that_is_removed_is_required_again() {
    let world = demanding();
    world.add("eva", &[role(Role::Engineer, "plant")]);
    let (app, _) = enrol(&world, "eva", T0);
    let now_us = T0 + 60 * S;
    let found = world.login_with("eva", &app.code(now_us), now_us).unwrap().identity;
    found.authorize(Action::EditRules, &scope("plant")).unwrap();
    world.access.reset_second_factor(&terminal(), "eva", now_us).unwrap();
    let now = world.access.recheck(&found, now_us).unwrap();
    assert!(now.authorize(Action::EditRules, &scope("plant")).is_err());
}
