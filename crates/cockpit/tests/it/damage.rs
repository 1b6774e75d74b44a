//! Damaged tables and hanging disks: what can be rebuilt is rebuilt, what cannot is
//! reported, and a hanging process does not keep the lease.

use crate::lease::names;
use crate::world::World;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const PLAN: &str =
    "Id,Item,Day,Hour,Station,Quantity\n1,a,2024-01-01,8,S1,5\n2,b,2024-01-01,9,S1,x\n";

fn world() -> World {
    let world = World::new();
    world.dump("plan.csv", PLAN);
    world.ingest().success();
    world
}

/// A dump of another day: a good record and one that is rejected.
fn day(day: &str, id: u32) -> String {
    let header = PLAN.lines().next().unwrap();
    format!("{header}\n{id},a,{day},8,S1,5\n{},b,{day},9,S1,x\n", id + 1)
}

/// The files of a table's folder with this ending.
fn files(world: &World, table: &str, ending: &str) -> Vec<PathBuf> {
    let folder = world.path("lake").join(table);
    let mut found: Vec<PathBuf> =
        names(&folder).iter().filter(|it| it.ends_with(ending)).map(|it| folder.join(it)).collect();
    found.sort();
    assert!(!found.is_empty(), "{table} has no {ending}");
    found
}

/// A table, what is done to it, and how.
type Damage = (&'static str, &'static str, fn(&PathBuf));

/// Ways in which a table's files get damaged.
const DAMAGES: [Damage; 5] = [
    ("an entry of the log is garbage", "_delta_log", |file| fs::write(file, "{\"add\":").unwrap()),
    ("an entry of the log is empty", "_delta_log", |file| fs::write(file, "").unwrap()),
    ("an entry of the log is missing", "_delta_log", |file| fs::remove_file(file).unwrap()),
    ("a data file is garbage", "", |file| fs::write(file, "PAR1 no more").unwrap()),
    ("a data file is missing", "", |file| fs::remove_file(file).unwrap()),
];

#[test]
fn a_damaged_table_is_rebuilt() {
    let world = world();
    world.dump("plan/2024-01-02.csv", day("2024-01-02", 10));
    world.ingest().success();
    let contents = world.contents();
    for table in ["silver/plan", "silver/rejected", "gold/daily"] {
        for (what, below, damage) in DAMAGES {
            let ending = if below.is_empty() { ".parquet" } else { ".json" };
            damage(&files(&world, &format!("{table}/{below}"), ending)[0]);
            world.run(&["rebuild"]).success();
            assert_eq!(world.contents(), contents, "{table}: {what}");
            world.is_balanced();
        }
    }
    world.dump("plan/2024-01-03.csv", day("2024-01-03", 20));
    world.ingest().success();
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 3);
}

#[test]
fn a_damaged_table_is_reported_with_a_remedy() {
    let world = world();
    fs::write(&files(&world, "silver/plan/_delta_log", ".json")[0], "{").unwrap();
    world.dump("plan.csv", format!("{PLAN}3,c,2024-01-01,10,S1,7\n"));
    world.ingest().failure(&["silver.plan is damaged", "cockpit rebuild"]);
    world.run(&["rebuild"]).success();
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 2);
}

/// The end of 2099, in milliseconds since 1970 UTC: the file is not old enough to be deleted by upkeep.
const LATER_MS: i64 = 4_102_444_799_000;

/// Commits to a table like another program: its first data file is removed, and added again if `restores`.
fn commit_as_another(world: &World, table: &str, restores: bool) {
    let log = files(world, &format!("{table}/_delta_log"), ".json");
    let lines = log.iter().flat_map(|entry| {
        let text = fs::read_to_string(entry).unwrap();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    let add = lines.into_iter().find(|line| line.starts_with("{\"add\"")).unwrap();
    let mut file: serde_json::Value = serde_json::from_str(&add).unwrap();
    let change = if restores {
        add
    } else {
        let path = file["add"]["path"].take();
        serde_json::json!({ "remove": { "path": path, "dataChange": true, "deletionTimestamp": LATER_MS } })
            .to_string()
    };
    let operation = if restores { "RESTORE" } else { "DELETE" };
    let info = format!(r#"{{"commitInfo":{{"operation":"{operation}","engineInfo":"other:1"}}}}"#);
    let entry =
        world.path("lake").join(table).join("_delta_log").join(format!("{:020}.json", log.len()));
    fs::write(entry, format!("{info}\n{change}")).unwrap();
}

#[test]
fn rows_that_another_program_removed_are_reported_and_computed_again() {
    for table in ["silver/plan", "silver/rejected", "gold/daily"] {
        let world = world();
        let contents = world.contents();
        commit_as_another(&world, table, false);
        let name = table.replace('/', ".");
        let expected =
            format!("another program changed rows of {name} (version 1, DELETE by other:1)");
        world.ingest().failure(&[&expected, "`cockpit rebuild`"]);
        world.ingest().failure(&[&expected]);
        world.run(&["rebuild"]).success();
        assert_eq!(world.contents(), contents, "{table}");
        world.ingest().success();
        world.is_balanced();
    }
}

#[test]
fn records_that_another_program_removed_from_bronze_must_be_restored() {
    let world = world();
    let contents = world.contents();
    commit_as_another(&world, "bronze/plan", false);
    let expected = "another program changed rows of bronze.plan (version 1, DELETE by other:1)";
    world.ingest().failure(&[expected, "restore version 0"]);
    world.run(&["rebuild"]).failure(&[expected, "restore version 0"]);
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 1);
    commit_as_another(&world, "bronze/plan", true);
    world.ingest().success();
    assert_eq!(world.contents(), contents);
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
    world.is_balanced();
}

#[test]
fn a_missing_bronze_table_is_noticed() {
    let world = world();
    let contents = world.contents();
    let (bronze, kept) = (world.path("lake/bronze/plan"), world.path("kept"));
    fs::rename(&bronze, &kept).unwrap();
    for command in [&["ingest", "--once"][..], &["rebuild"]] {
        let words = ["bronze.plan is missing", "1 dump", "meta/files", "cockpit rebuild"];
        world.run(command).failure(&words);
    }
    assert_eq!(world.contents(), contents);
    // Restored, or read again, as the error proposes.
    fs::rename(&kept, &bronze).unwrap();
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
    fs::remove_dir_all(&bronze).unwrap();
    fs::remove_dir_all(world.path("lake/meta/files")).unwrap();
    world.ingest().success();
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
    world.is_balanced();
}

/// A file whose read never returns, as on a hanging disk.
fn make_silent(file: &PathBuf) {
    fs::remove_file(file).unwrap();
    assert!(Command::new("mkfifo").arg(file).status().unwrap().success());
}

#[test]
fn a_hanging_step_is_cancelled_and_the_lease_is_released() {
    let soon = [("COCKPIT_REFINE_STALLED_S", "1")];
    for (source, table, phase) in [
        ("bronze/plan", "silver.plan", "no progress for 1 s while cleaning its dumps"),
        ("silver/plan", "gold.hourly", "no progress for 1 s while running its statement"),
    ] {
        let world = world();
        let file = files(&world, source, ".parquet").remove(0);
        let bytes = fs::read(&file).unwrap();
        make_silent(&file);
        // Another definition, so that the table is built again.
        let model = format!("{}.sql", table.replace('.', "/"));
        let text = fs::read_to_string(world.path("plant").join(&model)).unwrap();
        world.write(&model, &format!("{text}\n-- again\n"));
        let outcome = world.run_with(&["ingest", "--once", "--log", "info"], &soon);
        let cut = "refinement stalled, retrying once";
        assert!(outcome.stderr.contains(cut), "{}", outcome.stderr);
        outcome.failure(&[
            &format!("refining {table}"),
            phase,
            "cancelled twice",
            "refine_stalled_s",
        ]);
        assert_eq!(names(&world.path("lake/_cockpit/lease")), Vec::<String>::new());
        // When the disk responds again, refinement resumes.
        fs::remove_file(&file).unwrap();
        fs::write(&file, bytes).unwrap();
        world.run_with(&["ingest", "--once"], &soon).success();
        world.is_balanced();
    }
}
