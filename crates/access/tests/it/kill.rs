//! A process that is killed while it writes.

use crate::world::{PASSWORD, T0, World, here, open, role, secret, terminal};
use access::token::NewToken;
use access::{Action, NewPassword, NewUser, Role};
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Names the database to the process that is going to be killed.
const PATH: &str = "ACCESS_TEST_DATABASE";

#[test]
fn what_was_acknowledged_is_there_and_nothing_is_half_done() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("access.sqlite");
    let mut acknowledged = Vec::new();
    for round in 0..5 {
        let before = acknowledged.len();
        acknowledged.extend(killed_after(&path, before, 3 + round));
        check(&path, &acknowledged);
    }
    assert!(acknowledged.len() >= 25);
}

/// Runs the writer until it has acknowledged some people, and kills it.
fn killed_after(path: &Path, from: usize, count: usize) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::writer", "--ignored", "--nocapture"])
        .env(PATH, path)
        .env("ACCESS_TEST_FROM", from.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let named =
        lines.map_while(Result::ok).filter_map(|it| it.strip_prefix("added ").map(str::to_owned));
    let mut added = Vec::new();
    for name in named {
        added.push(name);
        if added.len() == count {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    added
}

fn check(path: &Path, acknowledged: &[String]) {
    let access = open(path, T0).unwrap();
    let found = access.users(&terminal(), T0).unwrap();
    let names: BTreeSet<&str> = found.iter().map(|it| it.name.as_str()).collect();
    assert!(acknowledged.iter().all(|it| names.contains(it.as_str())));
    assert!(found.iter().all(|it| it.roles.len() == 2 && it.has_password));
    let filter = access::audit::Filter {
        kind: Some(access::audit::Kind::UserAdded),
        ..access::audit::Filter::default()
    };
    let page = access.audit_page(&terminal(), &filter, 1_000, T0).unwrap();
    assert_eq!(page.entries.len(), found.len(), "each change has its entry, and only those");
    assert_eq!(access.verify_audit(&terminal(), None, T0).unwrap().broken, None);
}

#[test]
#[ignore = "is run, and killed, by the test above"]
#[expect(clippy::disallowed_methods, reason = "the test above names the database this way")]
fn writer() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let from: usize = std::env::var("ACCESS_TEST_FROM").unwrap().parse().unwrap();
    let access = open(Path::new(&path), T0).unwrap();
    // More than are awaited, since numbers from before the kill may be there without a line.
    for number in from..10_000 {
        let new = NewUser {
            name: format!("user{number}"),
            full_name: String::new(),
            password: NewPassword::Chosen(secret(PASSWORD)),
            roles: vec![role(Role::Viewer, "plant"), role(Role::Operator, "area:SMT")],
        };
        if access.add_user(&terminal(), &new, T0).is_ok() {
            println!("added {}", new.name);
        }
    }
}

#[test]
fn a_panic_in_one_thread_leaves_the_store_usable() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let found = world.login("anna", PASSWORD, T0).unwrap();
    let actions = BTreeSet::from([Action::ReadTables]);
    let scope = access::Scope::Plant;
    let token = NewToken { name: "t".into(), actions, scope, life_s: 86_400 };
    let panicked = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            struct Failing;
            impl std::io::Write for Failing {
                fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                    panic!("the reader of the export is gone")
                }
                fn flush(&mut self) -> std::io::Result<()> {
                    Ok(())
                }
            }
            world.access.export_audit(&terminal(), 1, &mut Failing, T0)
        });
        writer.join().is_err()
    });
    assert!(panicked);
    assert!(world.access.create_token(&found.identity, &token, T0).is_ok());
    assert!(world.login_as("anna", PASSWORD, None, &here(), T0).is_ok());
}
