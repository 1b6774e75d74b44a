//! `cockpit sql` returns rows and changes nothing.

use crate::world::World;
use serde_json::Value;

fn world() -> World {
    let world = World::new();
    world.dump(
        "plan.csv",
        "Id,Item,Day,Hour,Station,Quantity\n1,\"a, \"\"b\"\"\",2024-01-01,8,S1,5\n",
    );
    world.ingest().success();
    world
}

#[test]
fn statements_that_change_something_are_refused() {
    let world = world();
    let versions = world.versions();
    let out = world.path("out.csv");
    for query in [
        "INSERT INTO silver.plan SELECT * FROM silver.plan",
        "DELETE FROM silver.plan",
        "UPDATE silver.plan SET quantity = 0",
        "DROP TABLE silver.plan",
        "CREATE TABLE t AS SELECT 1",
        "CREATE VIEW v AS SELECT 1",
        "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
        "SET datafusion.execution.batch_size = 1",
        &format!("COPY (SELECT 1) TO '{}'", out.display()),
        "SELECT 1; SELECT 2",
        "EXPLAIN ANALYZE INSERT INTO silver.plan SELECT * FROM silver.plan",
    ] {
        world.run(&["sql", query]).failure(&["error"]);
    }
    world.run(&["sql", "SELECT * FROM '/etc/passwd'"]).failure(&["/etc/passwd"]);
    assert!(!out.exists());
    assert_eq!(world.versions(), versions);
    assert_eq!(world.number("SELECT count(*) FROM silver.plan"), 1);
}

#[test]
fn every_format_can_be_read_back() {
    let world = world();
    let query = "SELECT item, quantity, day_local FROM silver.plan";
    let outcome = |format: &str| world.run(&["sql", query, "--format", format]).success().stdout;
    assert_eq!(outcome("csv"), "item,quantity,day_local\n\"a, \"\"b\"\"\",5,2024-01-01\n");
    let rows: Vec<Value> = serde_json::from_str(&outcome("json")).unwrap();
    assert_eq!(rows[0]["item"], "a, \"b\"");
    assert!(
        outcome("table").contains("| a, \"b\" | 5        | 2024-01-01 |"),
        "{}",
        outcome("table")
    );
    let parquet = world.command(&["sql", query, "--format", "parquet"]).output().unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReader::try_new(
        bytes::Bytes::from(parquet.stdout),
        1024,
    );
    assert_eq!(reader.unwrap().map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 1);
}

#[test]
fn an_empty_result_is_valid_in_every_format() {
    let world = world();
    let query = "SELECT item FROM silver.plan WHERE false";
    let outcome = |format: &str| world.run(&["sql", query, "--format", format]).success().stdout;
    assert_eq!(outcome("csv"), "item\n");
    assert_eq!(serde_json::from_str::<Vec<Value>>(&outcome("json")).unwrap().len(), 0);
    assert!(outcome("table").contains("item"));
}

#[test]
fn a_missing_table_is_reported_with_the_existing_ones() {
    let world = world();
    world.run(&["sql", "SELECT * FROM gold.hurly"]).failure(&["gold.hurly", "gold.hourly"]);
    world.run(&["sql", "SELECT * FROM nothing.like_it"]).failure(&["silver.plan", "gold.daily"]);
    world.run(&["sql", "SELECT quantty FROM silver.plan"]).failure(&["quantty", "quantity"]);
    world.run(&["sql", "SELEC 1"]).failure(&["SELEC"]);
}

#[test]
fn a_missing_lake_is_reported() {
    let world = World::new();
    world.run(&["sql", "SELECT 1"]).failure(&["the lake", "is not there"]);
    world.run(&["tables"]).failure(&["the lake", "is not there"]);
}

#[test]
fn tables_and_rejects_are_listed() {
    let world = World::new().tolerant();
    world.dump("plan.csv", "Id,Item,Day,Hour,Station,Quantity\n1,a,2024-01-01,8,S1,many\n");
    world.ingest().success();
    let tables = world.run(&["tables"]).success().stdout;
    assert!(tables.contains("bronze.plan") && tables.contains("silver.rejected"), "{tables}");
    let rejected = world.run(&["rejected", "plan"]).success().stdout;
    assert!(rejected.contains("many") && rejected.contains("plan.csv"), "{rejected}");
    assert!(!world.run(&["rejected", "board"]).success().stdout.contains("many"));
}
