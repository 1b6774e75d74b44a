use crate::world::{PASSWORD, T0, World, here, role, scope, settings, terminal};
use access::access::Whose;
use access::external::{ExternalLogin, GroupRole, roles_of};
use access::{Action, Error, ErrorKind, Role, Settings};

const ISSUER: &str = "https://id.plant.example";

fn login(subject: &str, groups: &[&str]) -> ExternalLogin {
    let rules = [
        GroupRole { group: "smt".into(), role: Role::Operator, scope: scope("area:SMT") },
        GroupRole { group: "lead".into(), role: Role::Supervisor, scope: scope("plant") },
    ];
    let groups: Vec<String> = groups.iter().map(|it| (*it).to_owned()).collect();
    ExternalLogin {
        issuer: ISSUER.into(),
        subject: subject.into(),
        suggested_name: "Anna.Lind@plant.example".into(),
        full_name: "Anna Lind".into(),
        roles: roles_of(&groups, &rules),
        may_add: true,
    }
}

/// A world with its first administrator.
fn started() -> World {
    let world = World::new();
    world.add("root", &[role(Role::Administrator, "plant")]);
    world
}

fn enter(world: &World, login: &ExternalLogin) -> Result<access::login::LoggedIn, Error> {
    world.access.login_external(login, &here(), None, T0)
}

#[test]
fn a_confirmed_person_is_added_with_the_roles_of_their_groups() {
    let world = started();
    let found = enter(&world, &login("7", &["smt", "canteen"])).unwrap();
    assert_eq!(found.identity.name(), "anna.lind@plant.example");
    let smt = scope("area:SMT");
    world.access.authorize(&found.identity, Action::AcknowledgeAlarm, &smt).unwrap();
    assert!(world.access.authorize(&found.identity, Action::RunSql, &smt).is_err());
    let stored = world.access.find_external(ISSUER, "7").unwrap().unwrap();
    assert_eq!(stored.external, [(ISSUER.to_owned(), "7".to_owned())]);
    assert!(!stored.has_password);
    assert!(world.login("anna.lind@plant.example", "", T0).is_err());
}

#[test]
fn groups_replace_the_roles_of_earlier_groups_and_no_others() {
    let world = started();
    let first = enter(&world, &login("7", &["lead"])).unwrap();
    let name = first.identity.name();
    world.access.set_roles(&terminal(), name, &[role(Role::Viewer, "plant")], T0).unwrap();
    enter(&world, &login("7", &["smt"])).unwrap();
    let roles = world.access.find_external(ISSUER, "7").unwrap().unwrap().roles;
    let shown: Vec<String> = roles.iter().map(|it| format!("{} {}", it.role, it.scope)).collect();
    assert_eq!(shown, ["operator area:SMT", "viewer plant"]);
    // The session from before has the rights of now.
    let now = world.access.recheck(&first.identity, T0).unwrap();
    assert!(world.access.authorize(&now, Action::RunSql, &scope("plant")).is_err());
}

#[test]
fn a_person_is_identified_by_issuer_and_subject_and_not_by_name() {
    let world = started();
    world.add("anna.lind@plant.example", &[role(Role::Administrator, "plant")]);
    let found = enter(&world, &login("7", &["smt"])).unwrap();
    assert_eq!(found.identity.name(), "anna.lind@plant.example-2");
    assert!(world.access.users(&found.identity, T0).is_err());
    let elsewhere = ExternalLogin { issuer: "https://evil.example".into(), ..login("7", &["smt"]) };
    let found = enter(&world, &elsewhere).unwrap();
    assert_eq!(found.identity.name(), "anna.lind@plant.example-3");
}

#[test]
fn somebody_without_a_role_is_refused_and_not_added() {
    let world = started();
    let refused = enter(&world, &login("7", &["canteen"])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    let detail = r#"{"issuer":"https://id.plant.example","reason":"no role","subject":"7"}"#;
    assert_eq!(world.last_detail(T0), detail);
    let unknown = ExternalLogin { may_add: false, ..login("8", &["smt"]) };
    assert!(matches!(enter(&world, &unknown), Err(Error::LoginRefused)));
    assert_eq!(world.access.users(&terminal(), T0).unwrap().len(), 1);
}

#[test]
fn a_user_who_left_all_groups_loses_the_rights_of_earlier_sessions() {
    let world = started();
    let first = enter(&world, &login("7", &["lead"])).unwrap();
    assert_eq!(enter(&world, &login("7", &[])).unwrap_err().kind(), ErrorKind::Forbidden);
    let now = world.access.authenticate_session(first.cookie.expose(), T0).unwrap();
    assert!(world.access.authorize(&now, Action::ViewPages, &scope("plant")).is_err());
}

#[test]
fn a_link_joins_an_identity_with_a_person() {
    let world = started();
    world.add("anna", &[role(Role::Engineer, "plant")]);
    world.add("otto", &[role(Role::Viewer, "plant")]);
    world.access.link_external(&terminal(), "anna", ISSUER, "7", T0).unwrap();
    let again = world.access.link_external(&terminal(), "otto", ISSUER, "7", T0);
    assert!(matches!(again, Err(Error::Exists { .. })));
    let found = enter(&world, &login("7", &[])).unwrap();
    assert_eq!(found.identity.name(), "anna");
    assert!(world.login("anna", PASSWORD, T0).is_ok(), "the password still works");
}

#[test]
fn a_disabled_person_is_refused() {
    let world = started();
    let found = enter(&world, &login("7", &["smt"])).unwrap();
    world.access.disable_user(&terminal(), found.identity.name(), T0).unwrap();
    assert!(matches!(enter(&world, &login("7", &["smt"])), Err(Error::LoginRefused)));
    assert_eq!(world.access.users(&terminal(), T0).unwrap().len(), 2);
}

#[test]
fn the_terminal_starts_a_session_without_a_login() {
    let world = started();
    world.add("demo", &[role(Role::Viewer, "plant")]);
    let found = world.access.start_session(&terminal(), "demo", &here(), T0).unwrap();
    let seen = world.access.authenticate_session(found.cookie.expose(), T0).unwrap();
    assert_eq!(seen.name(), "demo");
    let by_session = world.access.start_session(&seen, "demo", &here(), T0).unwrap_err();
    assert_eq!(by_session.kind(), ErrorKind::Forbidden);
}

#[test]
fn a_logout_returns_the_issuer_that_opened_the_session() {
    let world = started();
    let found = enter(&world, &login("7", &["smt"])).unwrap();
    let detail = world.last_detail(T0);
    assert!(detail.contains(ISSUER) && detail.contains("external"), "{detail}");
    let listed = world.access.sessions(&found.identity, Whose::Own, T0).unwrap();
    assert_eq!(listed[0].method, "external");
    let issuer = world.access.logout(found.cookie.expose(), T0).unwrap();
    assert_eq!(issuer.as_deref(), Some(ISSUER));
    let local = world.person("paul", &[role(Role::Viewer, "plant")]);
    assert_eq!(world.access.logout(local.cookie.expose(), T0).unwrap(), None);
}

#[test]
fn a_second_factor_is_the_concern_of_the_provider() {
    let required = vec![Role::Operator, Role::Supervisor];
    let world = World::with(Settings { require_second_factor: required, ..settings() });
    world.add("root", &[role(Role::Administrator, "plant")]);
    let found = enter(&world, &login("7", &["smt"])).unwrap();
    assert!(!found.identity.rights().needs_second_factor);
    let smt = scope("area:SMT");
    let now = world.access.recheck(&found.identity, T0).unwrap();
    now.authorize(Action::AcknowledgeAlarm, &smt).unwrap();
}

#[test]
fn the_name_of_a_provider_cannot_imitate_another_one() {
    let world = started();
    let odd =
        ExternalLogin { full_name: " An\u{202e}na\u{200b}\n ".into(), ..login("7", &["smt"]) };
    enter(&world, &odd).unwrap();
    let stored = world.access.find_external(ISSUER, "7").unwrap().unwrap();
    assert_eq!(stored.full_name, "Anna");
}

#[test]
fn the_first_user_of_a_provider_is_an_administrator() {
    let world = World::new();
    let refused = enter(&world, &login("7", &["smt"])).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Forbidden);
    assert!(world.access.needs_setup().unwrap());
    let first =
        ExternalLogin { roles: vec![role(Role::Administrator, "plant")], ..login("7", &[]) };
    assert!(
        enter(&world, &first)
            .unwrap()
            .identity
            .authorize(Action::ManageUsers, &scope("plant"))
            .is_ok()
    );
    assert!(enter(&world, &login("8", &["smt"])).is_ok());
}
