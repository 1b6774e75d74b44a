//! A lake written by the previous version of the program, with dumps and messages, is opened, continued and
//! rebuilt.

use crate::stream::{Broker, CONTRACT};
use crate::world::World;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

const CASE: &str = "tests/it/cases/previous_lake";

/// The column of the day of the query, which is not compared.
const TODAY: &str = "as_of";

/// The plant, the bucket and the lake of the case.
fn world() -> World {
    let world = World::from_plant(&format!("{CASE}/plant"));
    let archive = format!("{}/{CASE}/lake.tar.gz", env!("CARGO_MANIFEST_DIR"));
    let mut unpack = Command::new("tar");
    unpack.arg("-xzf").arg(archive).arg("-C").arg(world.path(""));
    assert!(unpack.status().unwrap().success());
    world
}

fn parsed(rows: &[String]) -> Vec<Value> {
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

fn as_set(rows: Vec<Value>) -> BTreeSet<String> {
    let text = |mut row: Value| {
        row.as_object_mut().unwrap().remove(TODAY);
        row.to_string()
    };
    rows.into_iter().map(text).collect()
}

/// Fails the test unless every table has the rows that the previous version returned.
#[track_caller]
fn is_unchanged(world: &World) {
    let expected = format!("{}/{CASE}/expect/contents.json", env!("CARGO_MANIFEST_DIR"));
    let expected: BTreeMap<String, Vec<Value>> =
        serde_json::from_str(&std::fs::read_to_string(expected).unwrap()).unwrap();
    for (table, rows) in expected {
        assert_eq!(as_set(parsed(&world.rows(&table))), as_set(rows), "{table}");
    }
}

#[test]
fn a_lake_of_the_previous_version_is_opened_continued_and_rebuilt() {
    let world = world();
    is_unchanged(&world);
    let runs = world.number("SELECT count(*) AS n FROM meta.runs");

    // The definition of contracts has more keys than before, so that every dump is read once more.
    world.ingest().success();
    is_unchanged(&world);
    let outcome = world.ingest().success();
    assert!(outcome.stdout.contains("0 dumps read, 6 unchanged"), "{}", outcome.stdout);
    is_unchanged(&world);

    world.run(&["rebuild"]).success();
    is_unchanged(&world);
    world.is_balanced();
    assert!(world.number("SELECT count(*) AS n FROM meta.runs") >= runs, "meta.runs lost rows");

    world.dump("price.tsv", "Item\tPrice\na\t3.00\n");
    world.ingest().success();
    let price = world.sql("SELECT CAST(price AS TEXT) AS price FROM silver.price");
    assert_eq!(price[0]["price"], "3.00");
}

#[test]
fn a_stream_of_the_previous_version_is_continued() {
    let world = world();
    let before = world.number("SELECT count(*) AS n FROM silver.temperature");
    assert!(CONTRACT.contains("topics = [\"temperatures\"]"));
    let broker = Broker::with_topic("temperatures");
    broker.send(&[r#"{"machine":"saw","at":1704300000,"temp":30.5}"#]);
    // The topic is another one than that of the lake, which is reported and fails the run.
    broker.ingest_from(&world);
    assert_eq!(world.number("SELECT count(*) AS n FROM silver.temperature"), before + 1);
    world.is_balanced();
}
