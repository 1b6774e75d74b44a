//! The lease: one process refines a lake, the lease of a dead process expires, and a killed process leaves
//! no files behind.

use crate::world::World;
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// Polls until `found` finds something.
#[track_caller]
#[expect(clippy::disallowed_methods, reason = "a wait without limit would hide the failure")]
pub fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let from = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(from.elapsed() < PATIENCE, "{what} did not come");
        std::thread::yield_now();
    }
}

pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let name = |it: fs::DirEntry| it.file_name().into_string().unwrap();
    entries.flatten().map(name).collect()
}

fn holder(world: &World) -> Child {
    let child = world.command(&["ingest"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let lease = world.path("lake/_cockpit/lease");
    until("the lease", || names(&lease).into_iter().find(|name| name.ends_with(".json")));
    child.unwrap()
}

/// Every file below `folder` that no reader needs.
fn left_over(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let name = path.display().to_string();
        if path.is_dir() {
            left_over(&path, found);
        } else if !name.ends_with(".json") && !name.ends_with(".parquet") {
            found.push(name);
        }
    }
}

fn rows(count: u32) -> String {
    let header = "Id,Item,Day,Hour,Station,Quantity\n".to_owned();
    (0..count).fold(header, |text, id| text + &format!("{id},a,2024-01-01,{},S1,1\n", id % 24))
}

#[test]
fn a_second_refiner_is_refused_with_the_name_of_the_first() {
    let world = World::new();
    world.dump("plan.csv", rows(3));
    let mut first = holder(&world);
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let process = format!("process {}", first.id());
    for command in [&["ingest", "--once"][..], &["rebuild"]] {
        let outcome = world.run(command);
        outcome.failure(&[&process, host.trim(), "only one process may refine a lake"]);
    }
    first.kill().unwrap();
    first.wait().unwrap();
    world.ingest().success();
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 3);
    assert_eq!(names(&world.path("lake/_cockpit/lease")), Vec::<String>::new());
    world.is_balanced();
}

#[test]
fn a_refiner_killed_at_any_time_loses_no_row_duplicates_no_row_and_leaves_no_file() {
    let world = World::new();
    world.dump("plan.csv", rows(20_000));
    world.dump("plan/2024-01-01.csv", rows(10_000));
    world.dump("board.csv", "1,g1,S1,2024-01-01 08:30:00\n");
    // Each kill comes later: when so many tables have begun.
    for tables in 1..6 {
        let mut first = holder(&world);
        until("a table", || {
            let begun =
                ["bronze", "silver", "gold", "meta"].map(|it| names(&world.path("lake").join(it)));
            (begun.concat().len() >= tables || first.try_wait().unwrap().is_some()).then_some(())
        });
        first.kill().unwrap();
        first.wait().unwrap();
    }
    world.ingest().success();
    assert_eq!(world.number("SELECT count(*) FROM bronze.plan"), 30_000);
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 20_000);
    world.is_balanced();
    let mut found = Vec::new();
    left_over(&world.path("lake"), &mut found);
    assert_eq!(found, Vec::<String>::new());
    let contents = world.contents();
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
}

/// Files of a process that never held the lease: its death cannot be detected.
#[test]
fn files_that_no_log_references_are_deleted_after_a_day() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let world = World::new();
    world.dump("plan.csv", rows(3));
    world.ingest().success();
    let table = world.path("lake/bronze/plan");
    let leave = |name: &str, age: Duration| {
        let path = table.join(name);
        let file = fs::File::create(&path).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - age).unwrap();
        path
    };
    let old = [
        leave("part-dead-0.parquet", 25 * HOUR),
        leave(".cockpit-dead-0.tmp", 25 * HOUR),
        leave("_delta_log/.cockpit-dead-1.tmp", 25 * HOUR),
    ];
    let young =
        [leave("part-alive-0.parquet", 23 * HOUR), leave(".cockpit-alive-0.tmp", 23 * HOUR)];
    world.ingest().success();
    assert_eq!(old.map(|path| path.exists()), [false; 3]);
    assert_eq!(young.map(|path| path.exists()), [true; 2]);
    assert_eq!(world.number("SELECT count(*) FROM bronze.plan"), 3);
}

#[test]
fn a_stopped_refiner_releases_the_lease() {
    let world = World::new();
    world.dump("plan.csv", rows(3));
    let mut first = holder(&world);
    let pid = first.id().to_string();
    let signalled = std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap();
    assert!(signalled.success());
    until("the end", || first.try_wait().unwrap());
    assert_eq!(names(&world.path("lake/_cockpit/lease")), Vec::<String>::new());
    world.ingest().success();
}
