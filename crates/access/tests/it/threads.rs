//! Many threads at once.

use crate::world::{PASSWORD, S, T0, World, client, role, settings, terminal};
use access::audit::{Event, Kind};
use access::{Access, Error, Role, Settings};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

#[test]
fn guesses_at_the_same_time_do_not_pass_the_counter() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let (start, checked) = (Barrier::new(32), AtomicU32::new(0));
    thread::scope(|scope| {
        for number in 0..32 {
            let (world, start, checked) = (&world, &start, &checked);
            scope.spawn(move || {
                start.wait();
                let from = client(&format!("10.0.{number}.1"));
                let refused = world.login_as("anna", "wrong", None, &from, T0).unwrap_err();
                assert!(matches!(refused, Error::LoginRefused));
                checked.fetch_add(1, Ordering::Relaxed);
            });
        }
    });
    assert_eq!(checked.load(Ordering::Relaxed), 32);
    let filter =
        access::audit::Filter { kind: Some(Kind::LoginFailed), ..access::audit::Filter::default() };
    let page = world.access.audit_page(&terminal(), &filter, 100, T0).unwrap();
    let wrong = page.entries.iter().filter(|it| it.detail.contains("wrong password")).count();
    assert_eq!((page.entries.len(), wrong), (32, 6), "all others met a delayed account");
}

#[test]
fn fifty_logins_at_once_all_succeed() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let start = Barrier::new(50);
    thread::scope(|scope| {
        for _ in 0..50 {
            scope.spawn(|| {
                start.wait();
                world.login("anna", PASSWORD, T0).unwrap();
            });
        }
    });
}

#[test]
fn when_too_many_wait_the_next_hears_to_come_back() {
    let world = World::with(Settings {
        password_checks_waiting: 0,
        password_memory_kib: 4_096,
        ..settings()
    });
    world.add("anna", &[role(Role::Viewer, "plant")]);
    let (start, busy) = (Barrier::new(8), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                start.wait();
                match world.login("anna", PASSWORD, T0) {
                    Ok(_) => {}
                    Err(error) => {
                        assert!(matches!(error, Error::Busy) && error.retry());
                        busy.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert!(busy.load(Ordering::Relaxed));
}

#[test]
fn no_request_that_begins_after_a_revocation_is_let_in() {
    let world = World::new();
    world.add("anna", &[role(Role::Viewer, "plant")]);
    for round in 0..20 {
        let found = world.login("anna", PASSWORD, T0 + round * S).unwrap();
        let is_revoked = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| ask_until_revoked(&world, found.cookie.expose(), &is_revoked));
            }
            world.access.logout(found.cookie.expose(), T0 + round * S).unwrap();
            is_revoked.store(true, Ordering::SeqCst);
        });
    }
}

/// Sends requests until one has begun after the revocation.
fn ask_until_revoked(world: &World, cookie: &str, is_revoked: &AtomicBool) {
    let mut was_revoked = false;
    while !was_revoked {
        was_revoked = is_revoked.load(Ordering::SeqCst);
        let seen = world.access.authenticate_session(cookie, T0);
        assert!(!(was_revoked && seen.is_ok()));
    }
}

/// Notes a query at once or later.
fn note(access: &Access, at: u64, number: u64) {
    let event = Event::query("anna", "SELECT 1", at, number);
    if at.is_multiple_of(3) {
        access.audit(&event, T0).unwrap();
    } else {
        access.audit_later(event, T0).unwrap();
    }
}

#[test]
fn the_chain_holds_whoever_writes() {
    let world = World::new();
    let other = crate::world::open(&world.path(), T0).unwrap();
    thread::scope(|scope| {
        for number in 0..6 {
            let access = if number % 2 == 0 { &world.access } else { &other };
            scope.spawn(move || (0..20).for_each(|at| note(access, at, number)));
        }
    });
    other.write_waiting().unwrap();
    let verified = world.access.verify_audit(&terminal(), None, T0).unwrap();
    assert_eq!((verified.entries, verified.broken), (120, None));
}
