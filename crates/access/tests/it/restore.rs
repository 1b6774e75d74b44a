use crate::world::{PASSWORD, S, T0, World, open, role, scope, settings, terminal};
use access::access::Whose;
use access::token::NewToken;
use access::{Action, Error, ErrorKind, Role, restore};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;

fn token() -> NewToken {
    let actions = BTreeSet::from([Action::ReadTables]);
    NewToken { name: "t".into(), actions, scope: scope("plant"), life_s: 86_400 }
}

#[test]
fn a_backup_made_in_use_brings_everything_back_but_sessions() {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    let created = world.access.create_token(&found.identity, &token(), T0).unwrap();
    let copy = world.folder.path().join("copy.sqlite");
    world.access.backup(&terminal(), &copy, T0).unwrap();
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    world.add("otto", &[]);
    let path = world.path();
    let refused = restore(&copy, &path, "terminal:root", T0, &settings()).unwrap_err();
    assert!(matches!(refused, Error::InUse { .. }), "{refused}");
    drop(world.access);
    let restored = restore(&copy, &path, "terminal:root", T0 + S, &settings()).unwrap();
    assert_eq!((restored.users, restored.tokens), (1, 1));
    let access = open(&path, T0 + S).unwrap();
    let names = access.users(&terminal(), T0 + S).unwrap();
    assert_eq!(names.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["anna"]);
    assert!(access.sessions(&terminal(), Whose::All, T0 + S).unwrap().is_empty());
    assert!(access.authenticate_session(found.cookie.expose(), T0 + S).is_err());
    assert!(access.authenticate_token(created.secret.expose(), T0 + S).is_ok());
    let verified = access.verify_audit(&terminal(), None, T0 + S).unwrap();
    assert!(verified.broken.is_none());
    let World { folder, .. } = World { folder: world.folder, access };
    let kept = folder.path().join("access.sqlite.before-restore");
    let kept = rusqlite::Connection::open(kept).unwrap();
    let count: i64 = kept.query_row("SELECT count(*) FROM users", [], |it| it.get(0)).unwrap();
    assert_eq!(count, 2, "what was replaced is kept whole");
}

#[test]
fn a_backup_does_not_overwrite_anything() {
    let world = World::new();
    let copy = world.folder.path().join("copy.sqlite");
    fs::write(&copy, "precious").unwrap();
    let error = world.access.backup(&terminal(), &copy, T0).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(fs::read_to_string(&copy).unwrap(), "precious");
}

#[test]
fn a_corrupt_database_is_replaced_by_its_backup() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let copy = world.folder.path().join("copy.sqlite");
    world.access.backup(&terminal(), &copy, T0).unwrap();
    let path = world.path();
    drop(world.access);
    fs::write(&path, "rubbish").unwrap();
    fs::write(world.folder.path().join("access.sqlite-wal"), "rubbish too").unwrap();
    assert!(open(&path, T0).is_err());
    restore(&copy, &path, "terminal:root", T0, &settings()).unwrap();
    let access = open(&path, T0).unwrap();
    let world = World { folder: world.folder, access };
    assert!(world.login("anna", PASSWORD, T0).is_ok());
}

#[test]
fn a_bad_backup_is_refused_and_the_database_stays() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let copy = world.folder.path().join("copy.sqlite");
    world.access.backup(&terminal(), &copy, T0).unwrap();
    let path = world.path();
    drop(world.access);
    let before = fs::read(&path).unwrap();
    let whole = fs::read(&copy).unwrap();
    fs::write(&copy, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(
        restore(&copy, &path, "terminal:root", T0, &settings()),
        Err(Error::Corrupt { .. })
    ));
    fs::write(&copy, &whole).unwrap();
    let tampered = rusqlite::Connection::open(&copy).unwrap();
    tampered
        .execute_batch("DROP TRIGGER audit_keeps_content; UPDATE audit SET actor = 'eve'")
        .unwrap();
    drop(tampered);
    let error = restore(&copy, &path, "terminal:root", T0, &settings()).unwrap_err();
    assert!(error.to_string().contains("its audit log is not in order: entry 1"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert!(open(&path, T0).is_ok());
}

#[test]
fn a_backup_is_restored_where_there_was_nothing() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let copy = world.folder.path().join("copy.sqlite");
    world.access.backup(&terminal(), &copy, T0).unwrap();
    let path = world.folder.path().join("elsewhere.sqlite");
    restore(&copy, &path, "terminal:root", T0, &settings()).unwrap();
    let access = open(&path, T0).unwrap();
    assert_eq!(access.users(&terminal(), T0).unwrap().len(), 1);
}

#[test]
fn a_backup_of_version_1_is_brought_up_to_date() {
    let world = World::new();
    let copy = world.folder.path().join("copy.sqlite");
    let old = rusqlite::Connection::open(&copy).unwrap();
    old.execute_batch(include_str!("../fixtures/version_1.sql")).unwrap();
    drop(old);
    let path = world.path();
    drop(world.access);
    let restored = restore(&copy, &path, "terminal:root", T0, &settings()).unwrap();
    assert_eq!(restored.last_entry_us, Some(T0 + 2));
    let access = open(&path, T0).unwrap();
    assert_eq!(access.users(&terminal(), T0).unwrap().len(), 2);
}
