use crate::world::{PASSWORD, S, T0, World, here, role, settings, terminal};
use access::audit::{Broken, BrokenReason, Event, Filter, Kind, verify_export};
use access::{Role, Settings};
use rusqlite::Connection;
use serde_json::json;

/// A world with a few entries: 1 added, 2 logged in, 3 refused, 4 query, 5 download.
fn busy() -> World {
    let world = World::new();
    let found = world.person("anna", &[role(Role::Viewer, "plant")]);
    assert!(world.login("anna", "wrong", T0 + S).is_err());
    let name = found.identity.name();
    world.access.audit(&Event::query(name, "SELECT 1", 1, 3), T0 + 2 * S).unwrap();
    world.access.audit(&Event::download(name, "gold.oee_day", "csv", 9), T0 + 3 * S).unwrap();
    world
}

fn broken(world: &World) -> Option<Broken> {
    world.access.verify_audit(&terminal(), None, T0 + 9 * S).unwrap().broken
}

/// Changes the database behind the back of the program, without its triggers.
fn tamper(world: &World, statement: &str) {
    let db = Connection::open(world.path()).unwrap();
    let drop_all = "DROP TRIGGER audit_keeps_entries; DROP TRIGGER audit_keeps_content;
        DROP TRIGGER audit_keeps_order;";
    db.execute_batch(drop_all).unwrap();
    db.execute_batch(statement).unwrap();
}

#[test]
fn entries_name_who_did_what_and_from_where() {
    let world = busy();
    let filter = Filter { kind: Some(Kind::Queried), ..Filter::default() };
    let page = world.access.audit_page(&terminal(), &filter, 10, T0 + 9 * S).unwrap();
    assert_eq!(page.entries.len(), 1);
    assert_eq!(page.entries[0].detail, r#"{"ms":3,"rows":1,"sql":"SELECT 1"}"#);
    assert_eq!(page.entries[0].at_us, T0 + 2 * S);
    let filter = Filter { kind: Some(Kind::LoginFailed), ..Filter::default() };
    let page = world.access.audit_page(&terminal(), &filter, 10, T0 + 9 * S).unwrap();
    assert_eq!(page.entries[0].address.as_deref(), Some("192.0.2.1"));
    assert_eq!(broken(&world), None);
}

#[test]
fn pages_follow_each_other_without_gap_or_overlap() {
    let world = World::new();
    for number in 0..25 {
        let event = Event::new(Kind::Changed, "anna", json!({ "n": number }));
        world.access.audit(&event, T0 + number * S).unwrap();
    }
    let mut filter = Filter { actor: Some("anna".into()), ..Filter::default() };
    let mut seen = Vec::new();
    loop {
        let page = world.access.audit_page(&terminal(), &filter, 10, T0 + 99 * S).unwrap();
        seen.extend(page.entries.iter().map(|it| it.seq));
        filter.before_seq = page.next_before_seq;
        if filter.before_seq.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=25).rev().collect::<Vec<i64>>());
    let times = Filter { from_us: Some(T0 + 5 * S), to_us: Some(T0 + 8 * S), ..Filter::default() };
    let page = world.access.audit_page(&terminal(), &times, 10, T0 + 99 * S).unwrap();
    assert_eq!(page.entries.len(), 3);
}

#[test]
fn the_database_refuses_to_change_or_remove_entries() {
    let world = busy();
    let db = Connection::open(world.path()).unwrap();
    let refused = |statement: &str| db.execute_batch(statement).unwrap_err().to_string();
    assert!(refused("UPDATE audit SET actor = 'eve' WHERE seq = 3").contains("cannot be changed"));
    assert!(refused("DELETE FROM audit WHERE seq = 5").contains("cannot be removed"));
    let replace = "INSERT OR REPLACE INTO audit SELECT seq, at_us, kind, 'eve', address, detail,
        prev, hash FROM audit WHERE seq = 3";
    assert!(refused(replace).contains("appended only"));
    assert_eq!(broken(&world), None);
}

#[test]
fn tampering_without_the_triggers_is_found_at_its_first_entry() {
    let check = |statement: &str, seq: i64, reason: BrokenReason| {
        let world = busy();
        tamper(&world, statement);
        assert_eq!(broken(&world), Some(Broken { seq, reason }), "{statement}");
    };
    check("UPDATE audit SET actor = 'eve' WHERE seq = 3", 3, BrokenReason::Changed);
    check("UPDATE audit SET at_us = at_us + 1 WHERE seq = 2", 2, BrokenReason::Changed);
    check("UPDATE audit SET address = NULL WHERE seq = 3", 3, BrokenReason::Changed);
    let space = "UPDATE audit SET detail = replace(detail, ',', ', ') WHERE seq = 4";
    check(space, 4, BrokenReason::Changed);
    check("UPDATE audit SET prev = hash WHERE seq = 4", 4, BrokenReason::Unlinked);
    check("DELETE FROM audit WHERE seq = 1", 1, BrokenReason::Missing);
    check("DELETE FROM audit WHERE seq = 3", 3, BrokenReason::Missing);
    check("UPDATE audit SET seq = 77 WHERE seq = 5", 5, BrokenReason::Missing);
    check("DELETE FROM audit WHERE seq >= 4", 4, BrokenReason::CutOff);
    check("DELETE FROM audit", 1, BrokenReason::CutOff);
}

#[test]
fn entries_removed_from_the_end_are_missed_also_after_new_ones() {
    let world = busy();
    tamper(&world, "DELETE FROM audit WHERE seq >= 4");
    let event = Event::new(Kind::Changed, "anna", json!({}));
    world.access.audit(&event, T0 + 4 * S).unwrap();
    assert_eq!(broken(&world), Some(Broken { seq: 4, reason: BrokenReason::Missing }));
}

#[test]
fn an_anchor_kept_elsewhere_finds_a_log_that_was_made_again() {
    let world = busy();
    let before = world.access.verify_audit(&terminal(), None, T0 + 9 * S).unwrap().anchor.unwrap();
    let forged = World::new();
    for number in 0..9 {
        let event = Event::new(Kind::Changed, "eve", json!({ "n": number }));
        forged.access.audit(&event, T0).unwrap();
    }
    let found = forged.access.verify_audit(&terminal(), Some(&before), T0 + 9 * S).unwrap();
    assert_eq!(found.broken, Some(Broken { seq: 5, reason: BrokenReason::Replaced }));
    let found = world.access.verify_audit(&terminal(), Some(&before), T0 + 9 * S).unwrap();
    assert_eq!(found.broken, None);
}

#[test]
fn an_export_is_verified_on_its_own() {
    let world = busy();
    let mut lines = Vec::new();
    let count = world.access.export_audit(&terminal(), 1, &mut lines, T0 + 9 * S).unwrap();
    assert_eq!(count, 5);
    let found = verify_export(&lines[..], None).unwrap();
    assert_eq!((found.entries, found.broken), (5, None));
    let text = String::from_utf8(lines).unwrap();
    assert_eq!(text.lines().count(), 5);
    let forged = text.replacen("gold.oee_day", "gold.oee_dax", 1);
    let found = verify_export(forged.as_bytes(), None).unwrap();
    assert_eq!(found.broken, Some(Broken { seq: 5, reason: BrokenReason::Changed }));
}

#[test]
fn waiting_entries_are_written_in_their_order_and_when_there_are_many() {
    let world = World::with(Settings { audit_buffer_entries: 3, ..settings() });
    let stored = || -> i64 {
        let db = Connection::open(world.path()).unwrap();
        db.query_row("SELECT count(*) FROM audit", [], |it| it.get(0)).unwrap()
    };
    for number in 0..2 {
        world.access.audit_later(Event::query("anna", "SELECT 1", number, 1), T0).unwrap();
    }
    assert_eq!(stored(), 0);
    world.access.audit_later(Event::query("anna", "SELECT 1", 2, 1), T0).unwrap();
    assert_eq!(stored(), 3);
    world.access.audit_later(Event::query("anna", "SELECT 1", 3, 1), T0).unwrap();
    assert_eq!(world.access.maintain(T0).unwrap().entries_written, 1);
    assert_eq!(world.last_detail(T0), r#"{"ms":1,"rows":3,"sql":"SELECT 1"}"#);
    assert_eq!(broken(&world), None);
}

#[test]
fn a_long_detail_is_cut_and_marked() {
    let world = World::with(Settings { audit_detail_bytes_max: 100, ..settings() });
    world.access.audit(&Event::query("anna", &"é".repeat(5_000), 1, 1), T0).unwrap();
    let detail: serde_json::Value = serde_json::from_str(&world.last_detail(T0)).unwrap();
    assert!(detail["cut_bytes"].as_u64().unwrap() > 9_000, "{detail}");
    assert!(detail["text"].as_str().unwrap().len() <= 100);
    assert_eq!(broken(&world), None);
}

#[test]
fn what_is_refused_leaves_no_entry_and_no_change() {
    let world = World::new();
    world.add("anna", &[role(Role::Administrator, "plant")]);
    let before = world.entries(T0).len();
    assert!(world.access.disable_user(&terminal(), "anna", T0).is_err());
    assert_eq!(world.entries(T0).len(), before);
    assert!(world.login_as("anna", PASSWORD, None, &here(), T0).is_ok());
}
