//! Users, backups and the audit log at the terminal.

use crate::world::{Outcome, World};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

const PASSWORD: &str = "seven green lorries on a hill";

fn users(world: &World) -> Vec<Value> {
    serde_json::from_str(&world.run(&["user", "list", "--json"]).success().stdout).unwrap()
}

/// Runs a command with a text on standard input.
fn run_with_input(world: &World, arguments: &[&str], input: &str) -> Outcome {
    let mut command = world.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Outcome::of(child.wait_with_output().unwrap())
}

fn temporary(said: &Outcome) -> &str {
    let line = said.stdout.lines().find(|line| line.starts_with("temporary password"));
    line.and_then(|line| line.rsplit_once(": ")).unwrap().1
}

#[test]
fn a_user_is_added_changed_and_disabled() {
    let world = World::new();
    assert!(world.run(&["user", "list"]).success().stdout.contains("no users yet"));
    let added = world.run(&["user", "add", "Anna", "--full-name", "Anna Lind", "--role", "viewer"]);
    let added = added.success();
    assert!(added.stdout.contains("added anna: viewer@plant"), "{}", added.stdout);
    assert!(added.stdout.contains("no administrator yet"), "{}", added.stdout);
    let first = temporary(&added).to_owned();
    world.run(&["user", "add", "anna"]).failure(&["`anna` exists already"]);
    let roles =
        ["user", "roles", "anna", "--role", "administrator", "--role", "operator@line:SMT/1"];
    let set = world.run(&roles).success();
    assert!(
        set.stdout.contains("operator@line:SMT/1") && set.stdout.contains("administrator@plant")
    );
    world.run(&["user", "disable", "anna"]).failure(&["nobody who can manage users"]);
    world.run(&["user", "add", "root", "--role", "administrator"]).success();
    world.run(&["user", "disable", "anna"]).success();
    let user = users(&world).into_iter().find(|user| user["name"] == "anna").unwrap();
    assert!(user["disabled_us"].is_i64() && user["full_name"] == "Anna Lind");
    world.run(&["user", "enable", "anna"]).success();
    let reset = world.run(&["user", "reset", "anna"]).success();
    assert_ne!(temporary(&reset), first);
    world.run(&["user", "roles", "anna", "--none"]).success();
    assert!(world.run(&["user", "roles", "anna"]).success().stdout.contains("anna: no role"));
    for command in ["disable", "enable", "reset", "roles"] {
        world.run(&["user", command, "nobody"]).failure(&["there is no user `nobody`"]);
    }
}

#[test]
fn a_password_is_read_from_input_or_a_file_and_never_from_an_argument() {
    let world = World::new();
    let added = run_with_input(&world, &["user", "add", "a", "--password"], PASSWORD).success();
    assert!(!added.stdout.contains("temporary") && !added.stdout.contains(PASSWORD));
    fs::write(world.path("password"), format!("{PASSWORD}\nignored\n")).unwrap();
    let file = world.path("password");
    world.run(&["user", "add", "b", "--password-file", file.to_str().unwrap()]).success();
    let both = users(&world);
    assert!(
        both.iter().all(|it| it["has_password"] == true && it["must_change_password"] == false)
    );
    world.run(&["user", "add", "c", "--password", PASSWORD]).failure(&["unexpected argument"]);
    run_with_input(&world, &["user", "add", "c", "--password"], "short\n").failure(&["too weak"]);
    run_with_input(&world, &["user", "add", "c", "--password"], "").failure(&["no password"]);
    let missing = ["user", "add", "c", "--password-file", "missing"];
    world.run(&missing).failure(&["cannot read the password file missing"]);
    assert_eq!(users(&world).len(), 2);
    world.run(&["user", "add", "c", "--role", "boss"]).failure(&["boss", "expected viewer"]);
}

#[test]
fn a_backup_brings_users_back() {
    let world = World::new();
    world.run(&["user", "add", "anna", "--role", "administrator"]).success();
    let file = world.path("backup.db");
    let file = file.to_str().unwrap();
    world.run(&["backup", file]).success();
    world.run(&["backup", file]).failure(&["exists already"]);
    world.run(&["user", "add", "berta"]).success();
    assert_eq!(users(&world).len(), 2);
    let restored = world.run(&["restore", file]).success();
    assert!(restored.stdout.contains("1 users are enabled"), "{}", restored.stdout);
    assert_eq!(users(&world).len(), 1);
    world.run(&["audit", "verify"]).success();
    fs::write(file, "not a database").unwrap();
    world.run(&["restore", file]).failure(&["backup.db"]);
    assert_eq!(users(&world).len(), 1);
}

#[test]
fn the_audit_log_shows_who_did_what_and_whether_it_was_changed() {
    let world = World::new();
    world.run_with(&["user", "add", "anna"], &[("USER", "operator")]).success();
    world.run(&["user", "reset", "anna"]).success();
    let verified = world.run(&["audit", "verify"]).success().stdout;
    let anchor = verified.lines().find_map(|line| line.strip_prefix("anchor ")).unwrap();
    world.run(&["audit", "verify", "--anchor", anchor]).success();
    let exported = world.run(&["audit", "export"]).success().stdout;
    let entries: Vec<Value> =
        exported.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let added = entries.iter().find(|entry| entry["kind"] == "user_added").unwrap();
    assert_eq!(
        (&added["actor"], &added["detail"]["user"]),
        (&"terminal:operator".into(), &"anna".into())
    );
    let file = world.path("audit.jsonl");
    let name = file.to_str().unwrap();
    world.run(&["audit", "export", name]).success();
    assert_eq!(fs::read_to_string(&file).unwrap(), exported);
    world.run(&["audit", "export", name]).failure(&["cannot create"]);
    world.run(&["audit", "verify", "--export", name]).success();
    fs::write(&file, exported.replacen("\"anna\"", "\"hans\"", 1)).unwrap();
    world.run(&["audit", "verify", "--export", name]).failure(&["tampered", "was changed"]);
    let cut: Vec<&str> = exported.lines().take(1).collect();
    fs::write(&file, cut.join("\n")).unwrap();
    let with_anchor = ["audit", "verify", "--export", name, "--anchor", anchor];
    world.run(&with_anchor).failure(&["removed from the end"]);
    world.run(&["audit", "verify", "--anchor", "x"]).failure(&["expected SEQ:HASH"]);
}

#[test]
fn a_damaged_database_is_reported_with_what_to_do() {
    let world = World::new();
    world.run(&["user", "add", "anna"]).success();
    let database = world.path("lake.access/access.db");
    fs::write(
        &database,
        "not a database at all, but long enough to be read as a header of one ......",
    )
    .unwrap();
    for command in [&["user", "list"][..], &["audit", "verify"], &["backup", "x.db"]] {
        world.run(command).failure(&["access.db"]);
    }
}
