//! Databases that cannot be used, and those of earlier versions.

use crate::world::{PASSWORD, S, T0, World, here, open, scope, secret, terminal};
use access::login::Login;
use access::{Access, Action, Error, ErrorKind, Role};
use rusqlite::Connection;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tempfile::TempDir;

/// What the fixture of version 1 holds.
const TOKEN: &str = "pck_aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypqzb7u4wcl";
const COOKIE: &str = "mrswmz3infvgw3dnnzxxa4lson2hk5txpb4xu634pv7h7aebqkbq";
const RECOVERY: &str = "fausuk-zmfuxc-6mbrgi-ztinjw";

fn closed() -> (TempDir, std::path::PathBuf) {
    let world = World::new();
    world.administrator();
    let path = world.path();
    drop(world.access);
    (world.folder, path)
}

fn failure(path: &Path) -> Error {
    open(path, T0).map(|_| ()).expect_err("the database is refused")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn files_are_for_the_program_only() {
    let world = World::new();
    world.administrator();
    for entry in fs::read_dir(world.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let (_folder, path) = closed();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&path, T0).unwrap());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_database_that_is_no_database_is_refused() {
    let (_folder, path) = closed();
    fs::write(&path, "this is not a database, whatever its name promises").unwrap();
    let error = failure(&path);
    assert_eq!(error.kind(), ErrorKind::Broken);
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert!(error.to_string().ends_with("stop the program and restore a backup"), "{error}");
}

#[test]
fn damage_anywhere_in_the_pages_is_found_or_harmless() {
    let (_folder, path) = closed();
    let whole = fs::read(&path).unwrap();
    let mut refused = 0;
    for at in (100..whole.len()).step_by(whole.len() / 97) {
        let mut damaged = whole.clone();
        let end = (at + 64).min(damaged.len());
        damaged[at..end].fill(0xA5);
        fs::write(&path, &damaged).unwrap();
        match open(&path, T0) {
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Broken, "{error}");
                refused += 1;
            }
            // Unused space of a page, or content of a row, which is found when it is read.
            Ok(access) => {
                let read = access.users(&terminal(), T0);
                assert!(read.is_ok() || read.is_err_and(|it| it.kind() == ErrorKind::Broken));
            }
        }
        for ending in ["-wal", "-shm"] {
            fs::remove_file(format!("{}{ending}", path.display())).unwrap_or_default();
        }
    }
    assert!(refused >= 5, "{refused}");
}

#[test]
fn a_database_cut_short_is_refused() {
    let (_folder, path) = closed();
    let whole = fs::read(&path).unwrap();
    for length in [0, 50, 4_096, whole.len() - 4_096] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(failure(&path), Error::Corrupt { .. }), "{length}");
    }
}

#[test]
fn remains_of_a_database_do_not_start_a_new_one() {
    let (_folder, path) = closed();
    fs::remove_file(&path).unwrap();
    fs::write(format!("{}-wal", path.display()), "rest").unwrap();
    let error = failure(&path);
    assert!(error.to_string().contains("its write-ahead log is there"), "{error}");
    assert!(!path.exists());
}

#[test]
fn a_read_only_database_is_refused() {
    let (_folder, path) = closed();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    let error = failure(&path);
    let expected = format!(
        "the access database {} cannot be written: make the file and its folder writable for the \
         account of the program",
        path.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let folder = TempDir::new().unwrap();
    let error = failure(&folder.path().join("gone/access.sqlite"));
    assert!(matches!(error, Error::File { .. }), "{error}");
    assert!(error.to_string().contains("gone/access.sqlite"), "{error}");
}

#[test]
fn a_database_of_another_program_is_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.sqlite");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE notes (x TEXT); INSERT INTO notes VALUES ('kept')").unwrap();
    drop(other);
    let before = fs::read(&path).unwrap();
    assert!(matches!(failure(&path), Error::ForeignDatabase { .. }));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let (_folder, path) = closed();
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let error = failure(&path);
    assert!(matches!(error, Error::NewerDatabase { found: 99, known: 6, .. }), "{error}");
    let kept = Connection::open(&path).unwrap();
    let version: i64 = kept.pragma_query_value(None, "user_version", |it| it.get(0)).unwrap();
    assert_eq!(version, 99);
}

#[test]
fn a_row_that_refers_to_nothing_is_found() {
    let (_folder, path) = closed();
    let broken = Connection::open(&path).unwrap();
    broken.execute_batch("PRAGMA foreign_keys = OFF; UPDATE assignments SET user_id = 77").unwrap();
    drop(broken);
    let error = failure(&path);
    assert!(error.to_string().contains("a row of assignments refers to a missing one"), "{error}");
}

#[test]
fn an_unknown_role_grants_nothing() {
    let (_folder, path) = closed();
    let broken = Connection::open(&path).unwrap();
    broken.execute_batch("UPDATE assignments SET role = 'god'").unwrap();
    drop(broken);
    let access = open(&path, T0).unwrap();
    let (password, client) = (secret(PASSWORD), here());
    let login =
        Login { name: "root", password: &password, code: None, client: &client, previous: None };
    let error = access.login(&login, T0).unwrap_err();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

fn version_1() -> (TempDir, Access) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.sqlite");
    let old = Connection::open(&path).unwrap();
    old.execute_batch(include_str!("../fixtures/version_1.sql")).unwrap();
    drop(old);
    let access = open(&path, T0 + 30 * S).unwrap();
    (folder, access)
}

#[test]
fn a_database_of_version_1_is_brought_up_to_date_with_everything_in_it() {
    let (_folder, access) = version_1();
    let now_us = T0 + 30 * S;
    let found = access.users(&terminal(), now_us).unwrap();
    let roles: Vec<String> =
        found[1].roles.iter().map(|it| format!("{} {}", it.role, it.scope)).collect();
    assert_eq!((found[0].name.as_str(), found[1].name.as_str()), ("anna", "otto"));
    assert_eq!(roles, ["operator area:SMT", "viewer line:THT/1"]);
    assert_eq!(access.authenticate_session(COOKIE, now_us).unwrap().name(), "anna");
    let by = access.authenticate_token(TOKEN, now_us).unwrap();
    access.authorize(&by, Action::ReadTables, &scope("line:SMT/3")).unwrap();
    assert!(access.authorize(&by, Action::ReadTables, &scope("line:THT/1")).is_err());
    let verified = access.verify_audit(&terminal(), None, now_us).unwrap();
    assert_eq!((verified.entries, verified.broken), (2, None));
    access.link_external(&terminal(), "anna", "https://id.example", "1", now_us).unwrap();
    let verified = access.verify_audit(&terminal(), None, now_us).unwrap();
    assert_eq!((verified.entries, verified.broken), (3, None));
}

#[test]
fn people_of_version_1_get_verifiers_when_their_secrets_are_checked() {
    let (_folder, access) = version_1();
    let (now_us, client) = (T0 + 30 * S, here());
    let has_salt = || access.scram_salt("anna", now_us).unwrap().is_some();
    assert!(!has_salt());
    let password = secret(PASSWORD);
    let login =
        Login { name: "anna", password: &password, code: None, client: &client, previous: None };
    access.login(&login, now_us).unwrap();
    access.keep_token_verifier(&secret(TOKEN), now_us).unwrap();
    assert!(has_salt());
}

#[test]
fn people_of_version_1_log_in_as_before() {
    let (_folder, access) = version_1();
    let (password, client) = (secret(PASSWORD), here());
    let enter = |name: &str, code: Option<&str>| {
        let code = code.map(secret);
        let code = code.as_ref();
        let login = Login { name, password: &password, code, client: &client, previous: None };
        access.login(&login, T0 + 30 * S)
    };
    assert_eq!(
        enter("anna", None).unwrap().identity.rights().assignments[0].role,
        Role::Administrator
    );
    assert!(enter("otto", None).is_err());
    assert_eq!(enter("otto", Some(RECOVERY)).unwrap().identity.name(), "otto");
    assert!(enter("otto", Some(RECOVERY)).is_err());
}

#[test]
fn values_of_later_parts_are_kept_and_those_of_the_crate_are_out_of_reach() {
    let world = World::new();
    world.access.set_value("alarms.shelved", Some("[7]")).unwrap();
    let World { folder, access } = world;
    drop(access);
    let access = open(&folder.path().join("access.sqlite"), T0).unwrap();
    assert_eq!(access.value("alarms.shelved").unwrap().as_deref(), Some("[7]"));
    access.set_value("alarms.shelved", None).unwrap();
    assert_eq!(access.value("alarms.shelved").unwrap(), None);
    for name in ["setup", "clock_us", "", ".x", "x."] {
        assert!(access.value(name).is_err() && access.set_value(name, Some("1")).is_err());
    }
}
