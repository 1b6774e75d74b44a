use crate::world::{PASSWORD, S, T0, World, client, role, settings, terminal};
use access::access::Whose;
use access::{Error, Identity, Role, Settings};

#[test]
fn a_session_ends_by_idleness_and_by_age() {
    let world = World::new();
    let (idle_us, age_us) = (8 * 3_600 * S, 24 * 3_600 * S);
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let seen = |now_us| world.access.authenticate_session(found.cookie.expose(), now_us);
    for hours in [7, 14, 21] {
        assert!(seen(T0 + hours * 3_600 * S).is_ok());
    }
    assert!(seen(T0 + age_us - 1).is_ok());
    assert!(matches!(seen(T0 + age_us), Err(Error::SessionExpired)));
    let idle = world.login("anna", PASSWORD, T0 + age_us).unwrap();
    let late = T0 + age_us + idle_us;
    let found = world.access.authenticate_session(idle.cookie.expose(), late);
    assert!(matches!(found, Err(Error::SessionExpired)));
}

#[test]
fn a_stream_does_not_keep_a_session_from_ending() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let mut identity = found.identity;
    for hour in 1..8 {
        identity = world.access.recheck(&identity, T0 + hour * 3_600 * S).unwrap();
    }
    assert!(world.access.recheck(&identity, T0 + 8 * 3_600 * S).is_err());
}

#[test]
fn use_that_was_written_survives_a_restart() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let used_us = T0 + 5 * 3_600 * S;
    world.access.authenticate_session(found.cookie.expose(), used_us).unwrap();
    assert_eq!(world.access.maintain(used_us).unwrap().uses_written, 1);
    assert_eq!(world.access.maintain(used_us).unwrap().uses_written, 0);
    let World { folder, access } = world;
    drop(access);
    let access = crate::world::open(&folder.path().join("access.sqlite"), used_us).unwrap();
    let later = used_us + 7 * 3_600 * S;
    assert!(access.authenticate_session(found.cookie.expose(), later).is_ok());
}

#[test]
fn use_that_is_not_written_survives_a_change_of_rights() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let seen = |now_us| world.access.authenticate_session(found.cookie.expose(), now_us);
    assert!(seen(T0 + 7 * 3_600 * S).is_ok());
    world.login("anna", PASSWORD, T0 + 7 * 3_600 * S).unwrap();
    assert!(seen(T0 + 14 * 3_600 * S).is_ok());
}

#[test]
fn logging_out_ends_the_session_and_is_noted_once() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let cookie = found.cookie.expose();
    world.access.logout(cookie, T0).unwrap();
    world.access.logout(cookie, T0).unwrap();
    world.access.logout("no cookie", T0).unwrap();
    assert!(matches!(world.access.authenticate_session(cookie, T0), Err(Error::Unauthenticated)));
    let entries = world.entries(T0);
    let count = entries.iter().filter(|(kind, _)| kind == "logged_out").count();
    assert_eq!(count, 1);
}

#[test]
fn one_ends_the_own_sessions_and_administrators_all() {
    let world = World::new();
    let root = world.administrator();
    let first = world.person("anna", &[role(Role::Viewer, "plant")]);
    let phone = client("2001:db8::7");
    world.login_as("anna", PASSWORD, None, &phone, T0 + S).unwrap();
    let own = world.access.sessions(&first.identity, Whose::Own, T0 + S).unwrap();
    let addresses: Vec<&str> = own.iter().map(|it| it.address.as_str()).collect();
    assert_eq!(addresses, ["2001:db8::7", "192.0.2.1"]);
    world.access.revoke_session(&first.identity, own[0].id, T0 + S).unwrap();
    assert_eq!(world.access.sessions(&root, Whose::All, T0 + S).unwrap().len(), 2);
    world.access.revoke_session(&root, own[1].id, T0 + S).unwrap();
    assert!(world.access.recheck(&first.identity, T0 + S).is_err());
    let error = world.access.revoke_session(&root, own[1].id, T0 + S).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no session `{}`", own[1].id));
}

#[test]
fn the_oldest_session_gives_way() {
    let world = World::with(Settings { sessions_per_user: 2, ..settings() });
    let first = world.person("anna", &[role(Role::Viewer, "plant")]);
    let more = [1, 2].map(|it| world.login("anna", PASSWORD, T0 + it * S).unwrap());
    let is_known = |it: &access::login::LoggedIn| {
        world.access.authenticate_session(it.cookie.expose(), T0 + 3 * S).is_ok()
    };
    assert!(!is_known(&first) && more.iter().all(is_known));
}

#[test]
fn a_revocation_by_another_process_is_noticed() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let cookie = found.cookie.expose();
    assert!(world.access.authenticate_session(cookie, T0).is_ok());
    // A second opening has connections and a memory of its own, as another process has.
    let other = crate::world::open(&world.path(), T0).unwrap();
    other.disable_user(&Identity::terminal("root"), "anna", T0).unwrap();
    let found = world.access.authenticate_session(cookie, T0 + S / 5);
    assert!(matches!(found, Err(Error::Unauthenticated)));
}

#[test]
fn no_secret_is_in_the_files() {
    let world = World::new();
    let root = world.administrator();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let (_, codes) = crate::factors::enrol(&world, "anna", T0);
    let token = world.access.create_token(&root, &crate::tokens::all(), T0).unwrap();
    let temporary = world.access.reset_password(&terminal(), "anna", T0).unwrap();
    let secrets = [found.cookie, token.secret, temporary, codes[0].clone()];
    let mut texts: Vec<String> = secrets.iter().map(|it| it.expose().to_owned()).collect();
    texts.push(PASSWORD.to_owned());
    texts.push(codes[0].expose().replace('-', ""));
    drop(world.access);
    for entry in std::fs::read_dir(world.folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for text in &texts {
            let is_there = bytes.windows(text.len()).any(|it| it == text.as_bytes());
            assert!(!is_there, "{text}");
        }
    }
}

#[test]
fn no_secret_is_in_debug_texts() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let password = access::Secret::new(PASSWORD);
    let login = access::login::Login {
        name: "anna",
        password: &password,
        code: Some(&password),
        client: &client("192.0.2.1"),
        previous: Some(&found.cookie),
    };
    let shown = format!("{login:?} {found:?}");
    assert!(!shown.contains(PASSWORD) && !shown.contains(found.cookie.expose()), "{shown}");
}
