//! Users, backups and the audit log at the terminal.

use crate::world::{Said, World};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

const PASSWORD: &str = "seven green lorries on a hill";

fn users(world: &World) -> Vec<Value> {
    serde_json::from_str(&world.run(&["user", "list", "--json"]).well().stdout).unwrap()
}

/// Runs a command with a text on standard input.
fn run_with_input(world: &World, arguments: &[&str], input: &str) -> Said {
    let mut command = world.command(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Said::of(child.wait_with_output().unwrap())
}

fn temporary(said: &Said) -> &str {
    let line = said.stdout.lines().find(|line| line.starts_with("temporary password"));
    line.and_then(|line| line.rsplit_once(": ")).unwrap().1
}

#[test]
fn a_user_is_added_changed_and_disabled() {
    let world = World::new();
    assert!(world.run(&["user", "list"]).well().stdout.contains("no users yet"));
    let added = world.run(&["user", "add", "Anna", "--full-name", "Anna Lind", "--role", "viewer"]);
    let added = added.well();
    assert!(added.stdout.contains("added anna: viewer@plant"), "{}", added.stdout);
    assert!(added.stdout.contains("no administrator yet"), "{}", added.stdout);
    let first = temporary(&added).to_owned();
    world.run(&["user", "add", "anna"]).refused(&["`anna` exists already"]);
    let roles =
        ["user", "roles", "anna", "--role", "administrator", "--role", "operator@line:SMT/1"];
    let set = world.run(&roles).well();
    assert!(
        set.stdout.contains("operator@line:SMT/1") && set.stdout.contains("administrator@plant")
    );
    world.run(&["user", "disable", "anna"]).refused(&["nobody who can manage users"]);
    world.run(&["user", "add", "root", "--role", "administrator"]).well();
    world.run(&["user", "disable", "anna"]).well();
    let user = users(&world).into_iter().find(|user| user["name"] == "anna").unwrap();
    assert!(user["disabled_us"].is_i64() && user["full_name"] == "Anna Lind");
    world.run(&["user", "enable", "anna"]).well();
    let reset = world.run(&["user", "reset", "anna"]).well();
    assert_ne!(temporary(&reset), first);
    world.run(&["user", "roles", "anna", "--none"]).well();
    assert!(world.run(&["user", "roles", "anna"]).well().stdout.contains("anna: no role"));
    for command in ["disable", "enable", "reset", "roles"] {
        world.run(&["user", command, "nobody"]).refused(&["there is no user `nobody`"]);
    }
}

#[test]
fn a_password_is_read_from_input_or_a_file_and_never_from_an_argument() {
    let world = World::new();
    let added = run_with_input(&world, &["user", "add", "a", "--password"], PASSWORD).well();
    assert!(!added.stdout.contains("temporary") && !added.stdout.contains(PASSWORD));
    fs::write(world.path("password"), format!("{PASSWORD}\nignored\n")).unwrap();
    let file = world.path("password");
    world.run(&["user", "add", "b", "--password-file", file.to_str().unwrap()]).well();
    let both = users(&world);
    assert!(
        both.iter().all(|it| it["has_password"] == true && it["must_change_password"] == false)
    );
    world.run(&["user", "add", "c", "--password", PASSWORD]).refused(&["unexpected argument"]);
    run_with_input(&world, &["user", "add", "c", "--password"], "short\n").refused(&["too weak"]);
    run_with_input(&world, &["user", "add", "c", "--password"], "").refused(&["no password"]);
    let missing = ["user", "add", "c", "--password-file", "missing"];
    world.run(&missing).refused(&["cannot read the password file missing"]);
    assert_eq!(users(&world).len(), 2);
    world.run(&["user", "add", "c", "--role", "boss"]).refused(&["boss", "expected viewer"]);
}

#[test]
fn a_backup_brings_users_back() {
    let world = World::new();
    world.run(&["user", "add", "anna", "--role", "administrator"]).well();
    let file = world.path("backup.db");
    let file = file.to_str().unwrap();
    world.run(&["backup", file]).well();
    world.run(&["backup", file]).refused(&["exists already"]);
    world.run(&["user", "add", "berta"]).well();
    assert_eq!(users(&world).len(), 2);
    let restored = world.run(&["restore", file]).well();
    assert!(restored.stdout.contains("1 users are enabled"), "{}", restored.stdout);
    assert_eq!(users(&world).len(), 1);
    world.run(&["audit", "verify"]).well();
    fs::write(file, "not a database").unwrap();
    world.run(&["restore", file]).refused(&["backup.db"]);
    assert_eq!(users(&world).len(), 1);
}

#[test]
fn the_audit_log_shows_who_did_what_and_whether_it_was_changed() {
    let world = World::new();
    world.run_with(&["user", "add", "anna"], &[("USER", "operator")]).well();
    world.run(&["user", "reset", "anna"]).well();
    let verified = world.run(&["audit", "verify"]).well().stdout;
    let anchor = verified.lines().find_map(|line| line.strip_prefix("anchor ")).unwrap();
    world.run(&["audit", "verify", "--anchor", anchor]).well();
    let exported = world.run(&["audit", "export"]).well().stdout;
    let entries: Vec<Value> =
        exported.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let added = entries.iter().find(|entry| entry["kind"] == "user_added").unwrap();
    assert_eq!(
        (&added["actor"], &added["detail"]["user"]),
        (&"terminal:operator".into(), &"anna".into())
    );
    let file = world.path("audit.jsonl");
    let name = file.to_str().unwrap();
    world.run(&["audit", "export", name]).well();
    assert_eq!(fs::read_to_string(&file).unwrap(), exported);
    world.run(&["audit", "export", name]).refused(&["cannot create"]);
    world.run(&["audit", "verify", "--export", name]).well();
    fs::write(&file, exported.replacen("\"anna\"", "\"hans\"", 1)).unwrap();
    world.run(&["audit", "verify", "--export", name]).refused(&["tampered", "was changed"]);
    let cut: Vec<&str> = exported.lines().take(1).collect();
    fs::write(&file, cut.join("\n")).unwrap();
    let with_anchor = ["audit", "verify", "--export", name, "--anchor", anchor];
    world.run(&with_anchor).refused(&["removed from the end"]);
    world.run(&["audit", "verify", "--anchor", "x"]).refused(&["expected SEQ:HASH"]);
}

#[test]
fn a_damaged_database_is_reported_with_what_to_do() {
    let world = World::new();
    world.run(&["user", "add", "anna"]).well();
    let database = world.path("lake.access/access.db");
    fs::write(
        &database,
        "not a database at all, but long enough to be read as a header of one ......",
    )
    .unwrap();
    for command in [&["user", "list"][..], &["audit", "verify"], &["backup", "x.db"]] {
        world.run(command).refused(&["access.db"]);
    }
}
