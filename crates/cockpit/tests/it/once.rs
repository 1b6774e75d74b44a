//! Exactly once: a dump lands once, and a changed dump replaces its earlier version.

use crate::world::{World, gzip, orders};
use std::fmt::Write as _;

const PLAN: &str = "Id,Item,Day,Hour,Station,Quantity\n";

fn plan(rows: &[(u32, &str)]) -> String {
    rows.iter().fold(PLAN.to_owned(), |mut text, (id, quantity)| {
        writeln!(text, "{id},a,2024-01-01,{},S1,{quantity}", id % 24).unwrap();
        text
    })
}

/// Quantities by plan row, as silver has them.
fn quantities(world: &World) -> Vec<(i64, i64)> {
    let rows = world.sql("SELECT plan_id, quantity FROM silver.plan ORDER BY plan_id");
    let of = |row: &serde_json::Value, name: &str| row[name].as_i64().unwrap();
    rows.iter().map(|row| (of(row, "plan_id"), of(row, "quantity"))).collect()
}

fn in_bronze(world: &World) -> i64 {
    world.number("SELECT count(*) FROM bronze.plan")
}

#[test]
fn the_same_bucket_twice_changes_nothing() {
    let world = World::new();
    world.dump("plan.csv", plan(&[(1, "1"), (2, "x")]));
    world.dump("board.csv", "1,g1,S1,2024-01-01 08:30:00\n");
    world.dump("orders.parquet", orders(&[("w1", 5)]));
    world.dump("price.tsv", "Item\tPrice\na\t2.50\n");
    world.ingest().success();
    let (versions, contents) = (world.versions(), world.contents());
    let outcome = world.ingest().success();
    assert!(outcome.stdout.contains("0 dumps read, 4 unchanged"), "{}", outcome.stdout);
    assert_eq!(world.versions(), versions);
    assert_eq!(world.contents(), contents);
    world.is_balanced();
}

#[test]
fn a_changed_dump_supersedes_records_with_the_same_key() {
    let world = World::new();
    world.dump("plan.csv", plan(&[(1, "1"), (2, "2"), (3, "x")]));
    world.ingest().success();
    world.dump("plan.csv", plan(&[(2, "20"), (3, "30"), (4, "y")]));
    let outcome = world.ingest().success();
    assert!(outcome.stdout.contains("all rows balance"), "{}", outcome.stdout);
    assert_eq!(quantities(&world), [(1, 1), (2, 20), (3, 30)]);
    assert_eq!(in_bronze(&world), 6);
    assert_eq!(world.number("SELECT count(*) FROM silver.rejected"), 2);
    let last = world.sql("SELECT dump, superseded FROM meta.runs ORDER BY ended_at, dump");
    let dump_1 = last.iter().rfind(|row| row["dump"] == 1).unwrap();
    assert_eq!(dump_1["superseded"], 1);
    world.is_balanced();
}

#[test]
fn rejected_rows_that_wait_in_files_are_the_same() {
    let (in_memory, in_files) = (World::new().tolerant(), World::new().tolerant());
    let dumps = [plan(&[(1, "1"), (2, "x"), (3, "y")]), plan(&[(1, "1"), (2, "20"), (4, "z")])];
    for (number, dump) in dumps.iter().enumerate() {
        let key = format!("plan/2024-01-0{}.csv", number + 1);
        in_memory.dump(&key, dump);
        in_memory.ingest().success();
        in_files.dump(&key, dump);
        in_files.run_with(&["ingest", "--once"], &[("COCKPIT_STAGED_BYTES", "1")]).success();
        let dump_times = ["_modified_at"];
        for table in ["silver.plan", "silver.rejected"] {
            let rows = in_files.rows_without(table, &dump_times);
            assert_eq!(rows, in_memory.rows_without(table, &dump_times), "{table}");
        }
        in_files.is_balanced();
    }
    // An old dump is written again: its rows are replaced, and a rebuild reads all dumps.
    for world in [&in_memory, &in_files] {
        world.dump("plan/2024-01-01.csv", plan(&[(1, "1"), (2, "u"), (3, "30")]));
    }
    in_memory.ingest().success();
    in_files.run_with(&["ingest", "--once"], &[("COCKPIT_STAGED_BYTES", "1")]).success();
    assert_eq!(
        in_files.rows_without("silver.rejected", &["_modified_at"]),
        in_memory.rows_without("silver.rejected", &["_modified_at"])
    );
    let before = in_files.contents();
    in_files.run_with(&["rebuild"], &[("COCKPIT_STAGED_BYTES", "1")]).success();
    assert_eq!(in_files.contents(), before);
    in_files.is_balanced();
}

#[test]
fn a_touched_dump_adds_nothing() {
    let world = World::new();
    world.dump("plan.csv", plan(&[(1, "1"), (2, "x")]));
    world.ingest().success();
    let (versions, contents) = (world.versions(), world.contents());
    world.touch("plan.csv");
    world.ingest().success();
    assert_eq!(world.contents(), contents);
    for table in ["bronze.plan", "silver.plan", "silver.rejected", "gold.hourly", "gold.daily"] {
        assert_eq!(world.versions().get(table), versions.get(table), "{table}");
    }
    let versions = world.versions();
    world.ingest().success();
    assert_eq!(world.versions(), versions);
    world.is_balanced();
}

#[test]
fn a_late_older_dump_does_not_win() {
    let world = World::new();
    world.dump("plan/2024-01-02.csv", plan(&[(1, "102"), (2, "202")]));
    world.ingest().success();
    world.dump("plan/2024-01-01.csv", plan(&[(1, "101"), (3, "301")]));
    world.ingest().success();
    assert_eq!(quantities(&world), [(1, 102), (2, 202), (3, 301)]);
    // A dump without a date is older than any with one.
    world.dump("plan.csv", plan(&[(1, "100"), (4, "400")]));
    world.ingest().success();
    assert_eq!(quantities(&world), [(1, 102), (2, 202), (3, 301), (4, 400)]);
    world.is_balanced();
}

#[test]
fn within_a_dump_the_last_record_of_a_key_wins() {
    let world = World::new();
    world.dump("plan.csv", plan(&[(1, "1"), (2, "2"), (1, "10"), (1, "x"), (2, "20"), (1, "11")]));
    world.ingest().success();
    assert_eq!(quantities(&world), [(1, 11), (2, 20)]);
    assert_eq!(world.number("SELECT superseded FROM meta.runs"), 3);
    world.is_balanced();
}

#[test]
fn a_key_twice_across_batches_is_still_one_row() {
    let world = World::new();
    let rows: Vec<(u32, &str)> = (0..20_000).map(|at| (at % 9_000, "5")).collect();
    world.dump("plan.csv", plan(&rows));
    world.ingest().success();
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 9_000);
    assert_eq!(world.number("SELECT count(DISTINCT plan_id) FROM silver.plan"), 9_000);
    world.is_balanced();
}

#[test]
fn a_whole_dump_replaces_a_whole_dump() {
    let world = World::new();
    let prices = || world.sql("SELECT item, price FROM silver.price ORDER BY item, price");
    world.dump("price.tsv", "Item\tPrice\na\t1.00\na\t2.00\nb\t3.00\nc\tx\n");
    world.ingest().success();
    assert_eq!(prices().len(), 3);
    world.dump("price.tsv", "Item\tPrice\nb\t4.00\n");
    world.ingest().success();
    assert_eq!(prices().len(), 1);
    assert_eq!(prices()[0]["item"], "b");
    world.dump("price/2024-01-02.tsv", "Item\tPrice\nd\t5.00\n");
    world.ingest().success();
    world.dump("price/2024-01-01.tsv", "Item\tPrice\ne\t6.00\nf\ty\n");
    world.ingest().success();
    assert_eq!(prices()[0]["item"], "d");
    assert_eq!(prices().len(), 1);
    assert_eq!(world.number("SELECT count(*) FROM silver.rejected"), 2);
    world.is_balanced();
}

#[test]
fn a_model_may_use_functions_that_are_replaced_when_they_are_simplified() {
    let world = World::new();
    world.edit("bronze/price.toml", "type = \"text\", required = true", "type = \"text\"");
    world.edit("silver/price.sql", "SELECT item,", "SELECT coalesce(item, 'unknown') AS item,");
    world.dump("price.tsv", "Item\tPrice\n\t1.00\na\t2.00\n");
    world.ingest().success();
    let prices = world.sql("SELECT item FROM silver.price ORDER BY item");
    assert_eq!(prices[0]["item"], "a");
    assert_eq!(prices[1]["item"], "unknown");
}

#[test]
fn earlier_contents_that_return_are_a_new_dump() {
    let world = World::new();
    let (one, other) = (plan(&[(1, "1"), (2, "x")]), plan(&[(1, "2"), (2, "3")]));
    for bytes in [&one, &other, &one] {
        world.dump("plan.csv", bytes);
        world.ingest().success();
        world.is_balanced();
    }
    assert_eq!(quantities(&world), [(1, 1), (2, 3)]);
    assert_eq!(in_bronze(&world), 6);
    assert_eq!(world.number("SELECT count(*) FROM silver.rejected"), 2);
    world.run(&["rebuild"]).success();
    assert_eq!(quantities(&world), [(1, 1), (2, 3)]);
    world.is_balanced();
}

#[test]
fn a_changed_type_rebuilds_silver() {
    let world = World::new().tolerant();
    world.dump("plan.csv", plan(&[(1, "1"), (2, "none"), (3, "x")]));
    world.dump("plan/2024-01-01.csv", plan(&[(1, "1,000"), (4, "y")]));
    world.ingest().success();
    assert_eq!(quantities(&world).len(), 1);
    assert_eq!(world.number("SELECT count(*) FROM silver.rejected"), 4);
    world.edit("bronze/plan.toml", "nulls = [\"\", \"None\"]", "nulls = [\"\", \"none\", \"x\"]");
    world.edit(
        "bronze/plan.toml",
        "header = \"Quantity\", type = \"int\", required = true",
        "header = \"Quantity\", type = \"float\"",
    );
    let outcome = world.ingest().success();
    assert!(outcome.stdout.contains("all rows balance"), "{}", outcome.stdout);
    let ids = world.sql("SELECT plan_id, quantity FROM silver.plan ORDER BY plan_id");
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert_eq!(ids[0]["quantity"], 1.0);
    assert!(ids[1]["quantity"].is_null());
    assert_eq!(world.number("SELECT count(*) FROM silver.rejected"), 2);
    let (versions, contents) = (world.versions(), world.contents());
    world.ingest().success();
    assert_eq!(world.versions(), versions);
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
    world.is_balanced();
}

#[test]
fn a_removed_expectation_accepts_its_rejects_once() {
    let world = World::new();
    world.dump("plan.csv", plan(&[(1, "1"), (2, "-2")]));
    world.ingest().success();
    assert_eq!(quantities(&world), [(1, 1)]);
    world.edit("silver/plan.sql", "quantity >= 0 | reject", "quantity >= 0 | warn");
    world.ingest().success();
    assert_eq!(quantities(&world), [(1, 1), (2, -2)]);
    assert_eq!(world.number("SELECT count(*) FROM silver.rejected"), 0);
    let broken = "SELECT violated FROM meta.quality WHERE expectation = 'quantity_not_negative'";
    assert_eq!(world.number(&broken.replace("violated", "count(*)")), 1);
    world.is_balanced();
}

#[test]
fn compression_is_detected_by_its_bytes() {
    let world = World::new();
    world.dump("plan.csv.gz", gzip(plan(&[(1, "1")]).as_bytes()));
    world.dump("plan.csv.zst", zstd::encode_all(plan(&[(2, "2")]).as_bytes(), 3).unwrap());
    let two_members = [gzip(plan(&[(3, "3")]).as_bytes()), gzip(b"4,a,2024-01-01,4,S1,4\n")];
    world.dump("plan/2024-01-01.csv", two_members.concat());
    world.dump("orders.parquet.gz", gzip(&orders(&[("w1", 5)])));
    world.ingest().success();
    assert_eq!(quantities(&world), [(1, 1), (2, 2), (3, 3), (4, 4)]);
    assert_eq!(world.number("SELECT count(*) FROM silver.orders"), 1);
    world.is_balanced();
}

#[test]
fn the_first_row_of_a_dump_without_a_header_is_data() {
    let world = World::new();
    world.dump("board.csv", "1,g1,S1,2024-01-01 08:30:00\r\n2,g1,S1,2024-01-01 13:59:59");
    world.ingest().success();
    let rows = world.sql("SELECT * FROM silver.board ORDER BY board_id");
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["inspected_at"], "2024-01-01T03:00:00Z");
    assert_eq!((&rows[0]["hour_local"], &rows[1]["shift"]), (&8.into(), &"A".into()));
    let pointer = world.sql("SELECT _record, _byte_from, _byte_to FROM bronze.board LIMIT 1");
    assert_eq!(pointer[0]["_byte_from"], 0);
    world.is_balanced();
}

#[test]
fn a_contract_added_later_reads_existing_dumps() {
    let world = World::new();
    world.dump("plan.csv", plan(&[(1, "1"), (2, "2")]));
    world.ingest().success();
    let path = world.path("plant/bronze/plan.toml");
    let text = std::fs::read_to_string(path).unwrap();
    world.write("bronze/again.toml", &text);
    let silver = std::fs::read_to_string(world.path("plant/silver/plan.sql")).unwrap();
    world.write("silver/again.sql", &silver.replace("typed.plan", "typed.again"));
    world.ingest().success();
    assert_eq!(world.number("SELECT count(*) FROM silver.again"), 2);
    world.is_balanced();
    let versions = world.versions();
    world.ingest().success();
    assert_eq!(world.versions(), versions);
    world.dump("plan.csv", plan(&[(1, "10")]));
    world.ingest().success();
    assert_eq!(world.number("SELECT sum(quantity) FROM silver.again"), 12);
    assert_eq!(world.number("SELECT sum(quantity) FROM silver.plan"), 12);
    world.is_balanced();
}

#[test]
fn a_dump_that_grew_replaces_the_record_that_was_cut() {
    let world = World::new();
    let whole = plan(&[(1, "1"), (2, "22"), (3, "x"), (4, "44")]);
    // Cut in the middle of the second quantity, then in the middle of the fourth record.
    for cut in [whole.find("22").unwrap() + 1, whole.rfind(",44").unwrap() - 3, whole.len()] {
        world.dump("plan.csv", &whole[..cut]);
        world.ingest().success();
        world.is_balanced();
    }
    assert_eq!(quantities(&world), [(1, 1), (2, 22), (4, 44)]);
    assert_eq!(world.number("SELECT count(*) FROM silver.rejected"), 1);
    let contents = world.contents();
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
    world.is_balanced();
}

#[test]
fn a_file_that_is_being_written_is_left_for_a_later_round() {
    use std::io::Write as _;
    let world = World::new();
    world.dump("plan.csv", plan(&[(1, "1")]));
    world.dump("price.tsv", "Item\tPrice\na\t1.00\n");
    let mut command = world.command(&["ingest", "--once"]);
    command.env("COCKPIT_DUMP_SETTLE_MS", "1000").stdout(std::process::Stdio::piped());
    let path = world.path("bucket/plan.csv");
    let mut file = std::fs::File::options().append(true).open(&path).unwrap();
    file.write_all(b"2,a,2024-01-01,2,S1").unwrap();
    let mut child = command.spawn().unwrap();
    // It is being written for as long as the program runs.
    while child.try_wait().unwrap().is_none() {
        file.write_all(b"1").unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    assert!(stdout.contains("still being written, left for a later round: plan.csv"), "{stdout}");
    assert_eq!(world.number("SELECT count(*) FROM silver.price"), 1);
    assert!(!world.versions().contains_key("bronze.plan"));
}
