use crate::world::{PASSWORD, S, T0, World, client, here, role, secret, settings, terminal};
use access::{Client, Error, ErrorKind, NewPassword, NewUser, Role, Scope, Settings};

/// The error of a refused login.
fn refused(result: Result<access::login::LoggedIn, Error>) -> Error {
    result.expect_err("the login is refused")
}

#[test]
fn a_person_logs_in_and_the_session_has_their_rights() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Operator, "area:SMT")]);
    let seen = world.access.authenticate_session(found.cookie.expose(), T0 + S).unwrap();
    assert_eq!(seen.name(), "anna");
    let smt: Scope = "line:SMT/1".parse().unwrap();
    let acknowledge = access::Action::AcknowledgeAlarm;
    world.access.authorize(&seen, acknowledge, &smt).unwrap();
    let error = world.access.authorize(&seen, acknowledge, &Scope::Plant).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    let text = "no permission to acknowledge alarms in plant: ask an administrator for a role \
        that includes it";
    assert_eq!(error.to_string(), text);
}

#[test]
fn names_are_without_case() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    assert!(world.login(" ANNA ", PASSWORD, T0).is_ok());
}

#[test]
fn every_refused_login_has_the_same_answer() {
    let world = World::new();
    for name in ["anna", "gone", "late", "coded"] {
        world.add(name, &[role(Role::Viewer, "plant")]);
    }
    world.access.disable_user(&terminal(), "gone", T0).unwrap();
    let temporary = world.access.reset_password(&terminal(), "late", T0).unwrap();
    crate::factors::enrol(&world, "coded", T0);
    let outside = NewUser {
        name: "outside".into(),
        full_name: String::new(),
        password: NewPassword::None,
        roles: vec![],
    };
    world.access.add_user(&terminal(), &outside, T0).unwrap();
    let later = T0 + 4 * 86_400 * S;
    let answers = [
        world.login("nobody", PASSWORD, later),
        world.login("", "", later),
        world.login("a b\0c", PASSWORD, later),
        world.login("anna", "wrong", later),
        world.login("anna", &"x".repeat(100_000), later),
        world.login("gone", PASSWORD, later),
        world.login("outside", PASSWORD, later),
        world.login("late", temporary.expose(), later),
        world.login("coded", PASSWORD, later),
        world.login_with("coded", "000000", later),
    ];
    let texts: std::collections::BTreeSet<String> =
        answers.into_iter().map(|it| format!("{:?}", refused(it))).collect();
    assert_eq!(texts.len(), 1, "{texts:?}");
    assert!(world.login("anna", PASSWORD, later).is_ok());
}

#[test]
fn the_audit_log_names_the_reason_but_no_name_that_nobody_has() {
    let world = World::new();
    world.add("anna", &[]);
    refused(world.login("my-secret-password", PASSWORD, T0));
    assert_eq!(world.last_detail(T0), r#"{"reason":"unknown account"}"#);
    refused(world.login("anna", "wrong", T0));
    assert_eq!(world.last_detail(T0), r#"{"reason":"wrong password"}"#);
    let entries = world.entries(T0);
    let actors: Vec<&str> = entries.iter().map(|(_, actor)| actor.as_str()).collect();
    assert_eq!(actors, ["terminal:root", "-", "anna"]);
}

#[test]
fn failures_delay_the_account_and_the_right_password_does_not_help() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let from = |number: u32| client(&format!("10.0.0.{number}"));
    for number in 1..=6 {
        refused(world.login_as("anna", "wrong", None, &from(number), T0));
    }
    let refusal = refused(world.login("anna", PASSWORD, T0 + S - 1));
    assert!(matches!(refusal, Error::LoginRefused));
    assert_eq!(world.last_detail(T0 + S), r#"{"reason":"account is delayed"}"#);
    assert!(world.login("anna", PASSWORD, T0 + S).is_ok());
    for number in 1..=5 {
        refused(world.login_as("anna", "wrong", None, &from(number), T0 + 2 * S));
    }
    assert!(world.login("anna", PASSWORD, T0 + 2 * S).is_ok(), "a success begins anew");
}

#[test]
fn delays_survive_a_restart() {
    let world = World::new();
    world.add("anna", &[]);
    for number in 1..=9 {
        let from = client(&format!("10.0.0.{number}"));
        refused(world.login_as("anna", "wrong", None, &from, T0 + i64::from(number) * 20 * S));
    }
    let World { folder, access } = world;
    drop(access);
    let access = crate::world::open(&folder.path().join("access.sqlite"), T0 + 185 * S).unwrap();
    let world = World { folder, access };
    refused(world.login("anna", PASSWORD, T0 + 185 * S));
    assert!(world.login("anna", PASSWORD, T0 + 188 * S).is_ok());
}

#[test]
fn ten_thousand_failures_open_nothing_and_fill_nothing() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let (mut throttled, mut wrong) = (0, 0);
    for attempt in 0..10_000 {
        let now_us = T0 + attempt * S / 10;
        match refused(world.login("anna", &format!("guess {attempt}"), now_us)) {
            Error::TooManyAttempts { retry_after_s } => {
                assert!((1..=3_600).contains(&retry_after_s));
                throttled += 1;
            }
            Error::LoginRefused => wrong += 1,
            other => panic!("{other}"),
        }
    }
    // In 1,000 seconds: the free ones, and as many as fit between delays that double.
    assert_eq!(throttled + wrong, 10_000);
    assert!(wrong < 75, "{wrong}");
    let entries = world.entries(T0 + 1_000 * S).len();
    assert!(entries < 100, "the log does not grow with refused attempts: {entries}");
    let elsewhere = client("198.51.100.7");
    let later = T0 + 1_000 * S + 900 * S;
    assert!(world.login_as("anna", PASSWORD, None, &elsewhere, later).is_ok());
}

#[test]
fn many_accounts_from_one_address_delay_the_address_only() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    for number in 0..51 {
        refused(world.login(&format!("user{number}"), "wrong", T0));
    }
    let error = refused(world.login("anna", PASSWORD, T0));
    assert_eq!(error.to_string(), "too many failed logins from this address: try again in 2 s");
    assert!(error.retry());
    let neighbour = Client { agent: String::new(), ..client("192.0.2.2") };
    assert!(world.login_as("anna", PASSWORD, None, &neighbour, T0).is_ok());
    assert!(world.login("anna", PASSWORD, T0 + 2 * S).is_ok());
}

#[test]
fn a_login_ends_the_session_the_browser_had() {
    let world = World::new();
    let first = world.person("anna", &[role(Role::Viewer, "plant")]);
    let again = access::login::Login {
        name: "anna",
        password: &secret(PASSWORD),
        code: None,
        client: &here(),
        previous: Some(&first.cookie),
    };
    let second = world.access.login(&again, T0 + S).unwrap();
    assert_ne!(first.cookie.expose(), second.cookie.expose());
    assert!(world.access.authenticate_session(first.cookie.expose(), T0 + S).is_err());
    assert!(world.access.authenticate_session(second.cookie.expose(), T0 + S).is_ok());
}

#[test]
fn a_password_is_hashed_anew_when_the_configured_cost_is_another() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let stored = |path: &std::path::Path| -> String {
        let db = rusqlite::Connection::open(path).unwrap();
        db.query_row("SELECT password FROM users WHERE name = 'anna'", [], |it| it.get(0)).unwrap()
    };
    assert!(stored(&world.path()).contains("m=8,t=1,"));
    let World { folder, access } = world;
    drop(access);
    let path = folder.path().join("access.sqlite");
    let dearer = Settings { password_passes: 2, ..settings() };
    let access = access::Access::open(&path, dearer, crate::world::random(3), T0).unwrap();
    let world = World { folder, access };
    refused(world.login("anna", "wrong", T0));
    assert!(stored(&path).contains("m=8,t=1,"), "only the right password can be hashed anew");
    world.login("anna", PASSWORD, T0).unwrap();
    assert!(stored(&path).contains("m=8,t=2,"));
    assert!(world.login("anna", PASSWORD, T0).is_ok());
}

#[test]
fn a_temporary_password_has_to_be_replaced() {
    let world = World::new();
    let new = NewUser {
        name: "anna".into(),
        full_name: "Anna Lind".into(),
        password: NewPassword::Temporary,
        roles: vec![role(Role::Administrator, "plant")],
    };
    let (_, temporary) = world.access.add_user(&terminal(), &new, T0).unwrap();
    let temporary = temporary.unwrap();
    let found = world.login("anna", temporary.expose(), T0).unwrap();
    assert!(found.must_change_password);
    let denied = world.access.users(&found.identity, T0).unwrap_err();
    assert_eq!(denied.kind(), ErrorKind::Forbidden);
    let change = |current: &str, new: &str| {
        let (current, new) = (secret(current), secret(new));
        world.access.change_password(&found.identity, &current, &new, &here(), T0)
    };
    assert!(matches!(change("wrong", PASSWORD), Err(Error::LoginRefused)));
    assert!(matches!(change(temporary.expose(), "short"), Err(Error::WeakPassword(_))));
    change(temporary.expose(), PASSWORD).unwrap();
    let fresh = world.access.authenticate_session(found.cookie.expose(), T0).unwrap();
    assert!(world.access.users(&fresh, T0).is_ok());
    assert!(world.login("anna", temporary.expose(), T0).is_err());
    assert!(!world.login("anna", PASSWORD, T0).unwrap().must_change_password);
}

#[test]
fn a_changed_password_ends_the_other_sessions() {
    let world = World::new();
    let kept = world.person("anna", &[role(Role::Viewer, "plant")]);
    let other = world.login("anna", PASSWORD, T0).unwrap();
    let (old, new) = (secret(PASSWORD), secret("forty-one tin kayaks"));
    world.access.change_password(&kept.identity, &old, &new, &here(), T0).unwrap();
    assert!(world.access.authenticate_session(kept.cookie.expose(), T0).is_ok());
    assert!(world.access.authenticate_session(other.cookie.expose(), T0).is_err());
}

#[test]
fn guesses_of_the_current_password_are_counted_too() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let change = |current: &str, now_us: i64| {
        let (current, new) = (secret(current), secret("forty-one tin kayaks"));
        world.access.change_password(&found.identity, &current, &new, &here(), now_us)
    };
    for _ in 0..6 {
        assert!(change("wrong", T0).is_err());
    }
    assert!(change(PASSWORD, T0).is_err());
    assert!(change(PASSWORD, T0 + S).is_ok());
}
