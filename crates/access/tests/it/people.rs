use crate::world::{PASSWORD, S, T0, World, here, role, scope, secret, terminal};
use access::access::Whose;
use access::token::NewToken;
use access::{Action, Error, ErrorKind, NewPassword, NewUser, Role};
use std::collections::BTreeSet;

#[test]
fn people_are_added_listed_and_changed() {
    let world = World::new();
    let root = world.administrator();
    world.add("otto", &[role(Role::Operator, "area:SMT"), role(Role::Viewer, "area:THT")]);
    world.access.set_roles(&root, "otto", &[role(Role::Supervisor, "line:SMT/1")], T0).unwrap();
    let found = world.access.users(&root, T0).unwrap();
    let names: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["otto", "root"]);
    assert_eq!(found[0].roles, [role(Role::Supervisor, "line:SMT/1")]);
    assert!(found[0].has_password && !found[0].has_second_factor);
    assert_eq!(found[1].full_name, "Ruth Oot");
    assert_eq!(found[1].last_login_us, Some(T0));
    let detail = r#"{"after":["supervisor in line:SMT/1"],"before":["operator in area:SMT","viewer in area:THT"],"user":"otto"}"#;
    assert_eq!(world.last_detail(T0), detail);
}

#[test]
fn new_roles_hold_for_the_next_request() {
    let world = World::new();
    let found = world.person("otto", &[role(Role::Administrator, "plant")]);
    world.add("root", &[role(Role::Administrator, "plant")]);
    let cookie = found.cookie.expose();
    let before = world.access.authenticate_session(cookie, T0).unwrap();
    world.access.set_roles(&terminal(), "otto", &[role(Role::Viewer, "plant")], T0).unwrap();
    let after = world.access.authenticate_session(cookie, T0).unwrap();
    let plant = scope("plant");
    assert!(world.access.authorize(&after, Action::ManageUsers, &plant).is_err());
    // An identity from before has the right, and cannot use it.
    assert!(world.access.authorize(&before, Action::ManageUsers, &plant).is_ok());
    assert_eq!(world.access.users(&before, T0).unwrap_err().kind(), ErrorKind::Forbidden);
}

#[test]
fn disabling_ends_everything_at_once_and_enabling_brings_nothing_back() {
    let world = World::new();
    let root = world.administrator();
    let found = world.person("otto", &[role(Role::Operator, "plant")]);
    let token = world.access.create_token(&found.identity, &reading(), T0).unwrap();
    let (cookie, token) = (found.cookie.expose(), token.secret.expose());
    let is_known = || {
        let session = world.access.authenticate_session(cookie, T0).is_ok();
        (session, world.access.authenticate_token(token, T0).is_ok())
    };
    assert_eq!(is_known(), (true, true));
    world.access.disable_user(&root, "otto", T0).unwrap();
    assert_eq!(is_known(), (false, false));
    assert!(world.access.recheck(&found.identity, T0).is_err());
    assert!(world.login("otto", PASSWORD, T0).is_err());
    world.access.enable_user(&root, "otto", T0).unwrap();
    assert_eq!(is_known(), (false, false));
    assert!(world.login("otto", PASSWORD, T0).is_ok());
}

#[test]
fn the_last_administrator_stays() {
    let world = World::new();
    let root = world.administrator();
    let refused = world.access.disable_user(&root, "root", T0).unwrap_err();
    assert!(matches!(refused, Error::LastAdministrator));
    let lesser = [role(Role::Administrator, "area:SMT"), role(Role::Engineer, "plant")];
    let refused = world.access.set_roles(&root, "root", &lesser, T0).unwrap_err();
    assert!(matches!(refused, Error::LastAdministrator));
    assert!(world.access.users(&root, T0).is_ok(), "nothing was changed");
    // One who cannot log in does not count.
    let new = NewUser {
        name: "outside".into(),
        full_name: String::new(),
        password: NewPassword::None,
        roles: vec![role(Role::Administrator, "plant")],
    };
    world.access.add_user(&root, &new, T0).unwrap();
    assert!(world.access.disable_user(&root, "root", T0).is_err());
    world.add("otto", &[role(Role::Administrator, "plant")]);
    world.access.disable_user(&root, "root", T0).unwrap();
}

#[test]
fn a_reset_gives_a_temporary_password_and_ends_sessions() {
    let world = World::new();
    let root = world.administrator();
    let found = world.person("otto", &[role(Role::Operator, "plant")]);
    let temporary = world.access.reset_password(&root, "otto", T0).unwrap();
    assert!(world.access.authenticate_session(found.cookie.expose(), T0).is_err());
    assert!(world.login("otto", PASSWORD, T0).is_err());
    assert!(world.login("otto", temporary.expose(), T0).unwrap().must_change_password);
    let late = T0 + 3 * 86_400 * S;
    assert!(world.login("otto", temporary.expose(), late - 1).is_ok());
    assert!(world.login("otto", temporary.expose(), late).is_err());
}

#[test]
fn wrong_people_are_refused() {
    let world = World::new();
    let root = world.administrator();
    let new = |name: &str, password: &str| NewUser {
        name: name.into(),
        full_name: String::new(),
        password: NewPassword::Chosen(secret(password)),
        roles: vec![],
    };
    let add = |new: NewUser| world.access.add_user(&root, &new, T0).unwrap_err();
    assert!(matches!(add(new("ROOT", PASSWORD)), Error::Exists { .. }));
    assert!(matches!(add(new("a b", PASSWORD)), Error::Invalid { .. }));
    assert!(matches!(add(new("otto", "short")), Error::WeakPassword(_)));
    assert!(matches!(add(new("otto", "otto otto otto otto")), Error::WeakPassword(_)));
    let error = world.access.disable_user(&root, "nobody", T0).unwrap_err();
    assert_eq!(error.to_string(), "there is no user `nobody`");
}

#[test]
fn without_the_right_nothing_of_others_can_be_seen_or_changed() {
    let world = World::new();
    let root = world.administrator();
    let other = world.person("olga", &[role(Role::Viewer, "plant")]);
    let token = world.access.create_token(&other.identity, &reading(), T0).unwrap();
    let session = world.access.sessions(&root, Whose::User("olga"), T0).unwrap()[0].id;
    let by_role = [Role::Viewer, Role::Operator, Role::Supervisor, Role::Engineer]
        .map(|it| world.person(it.name(), &[role(it, "plant")]).identity);
    let of_area = world.person("area", &[role(Role::Administrator, "area:SMT")]).identity;
    let before = world.entries(T0).len();
    let access = &world.access;
    for by in by_role.iter().chain([&of_area]) {
        let new = NewUser {
            name: "x".into(),
            full_name: String::new(),
            password: NewPassword::Temporary,
            roles: vec![],
        };
        let filter = access::audit::Filter::default();
        let denied = [
            access.add_user(by, &new, T0).err(),
            access.users(by, T0).err(),
            access.disable_user(by, "olga", T0).err(),
            access.enable_user(by, "olga", T0).err(),
            access.reset_password(by, "olga", T0).err(),
            access.reset_second_factor(by, "olga", T0).err(),
            access.set_roles(by, by.name(), &[role(Role::Administrator, "plant")], T0).err(),
            access.revoke_all(by, "olga", T0).err(),
            access.sessions(by, Whose::User("olga"), T0).err(),
            access.sessions(by, Whose::All, T0).err(),
            access.tokens(by, Whose::User("olga"), T0).err(),
            access.tokens(by, Whose::All, T0).err(),
            access.revoke_session(by, session, T0).err(),
            access.revoke_session(by, 9_999, T0).err(),
            access.revoke_token(by, token.info.id, T0).err(),
            access.revoke_token(by, 9_999, T0).err(),
            access.link_external(by, "olga", "x", "y", T0).err(),
            access.start_session(by, "olga", &here(), T0).err(),
            access.audit_page(by, &filter, 10, T0).err(),
            access.export_audit(by, 1, &mut Vec::new(), T0).err(),
            access.verify_audit(by, None, T0).err(),
            access.backup(by, &world.folder.path().join("copy"), T0).err(),
        ];
        for (error, number) in denied.into_iter().zip(0..) {
            let kind = error.map(|it| it.kind());
            assert_eq!(kind, Some(ErrorKind::Forbidden), "{} {number}", by.name());
        }
    }
    assert_eq!(world.entries(T0).len(), before, "nothing was changed");
    assert!(!world.folder.path().join("copy").exists());
}

fn reading() -> NewToken {
    NewToken {
        name: "Excel".into(),
        actions: BTreeSet::from([Action::ReadTables]),
        scope: scope("plant"),
        life_s: 86_400,
    }
}
