//! Retention: rows of a topic's tables that expire, how that is reported, and what is kept.

use crate::stream::{Broker, CONTRACT};
use crate::world::World;
use plant::time::DAY_S;
use serde_json::Value;
use std::fs;

const TOPIC: &str = "aged";

const SILVER: &str = "-- Temperatures of machines.
--
-- key: machine, at, temp_c
-- column machine: The machine.
-- column at: When the temperature was taken, UTC.
-- column hour_at: Its hour, UTC.
-- column temp_c [degC]: The temperature.
SELECT machine, at, date_trunc('hour', at) AS hour_at, temp_c FROM typed.temperature
";

const GOLD: &str = "-- Temperatures by hour.
--
-- grain: machine, hour_at
-- refresh: hour_at
-- column machine: The machine.
-- column hour_at: The hour, UTC.
-- column readings [readings]: Temperatures taken.
SELECT machine, hour_at, count(*) AS readings FROM silver.reading GROUP BY machine, hour_at
";

/// The test plant and one more topic, whose rows are kept for so many days; without limit if `None`.
fn keep(world: &World, days: Option<u32>) {
    let (contract, silver) = match days {
        Some(days) => (
            format!("retention = \"{days} days\"\n{CONTRACT}"),
            SILVER.replace(
                "-- column machine:",
                &format!("-- retention: {days} days\n-- column machine:"),
            ),
        ),
        None => (CONTRACT.to_owned(), SILVER.to_owned()),
    };
    let topics = |of: &str| format!("topics = [\"{of}\"]");
    world.write(
        "bronze/temperature.toml",
        &contract.replace(&topics("temperatures"), &topics(TOPIC)),
    );
    world.write("silver/reading.sql", &silver);
    world.write("gold/by_hour.sql", GOLD);
}

#[expect(clippy::disallowed_methods, reason = "the program reads the machine's clock")]
fn now_s() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

/// A reading taken so many days ago.
fn message(days: i64, temp_c: u32) -> String {
    let at_s = now_s() - days * DAY_S;
    format!(r#"{{"machine": "oven", "at": "{at_s}", "temp": "{temp_c}"}}"#)
}

/// The entries of a table's log that mark rows as expired.
fn marks(world: &World, table: &str) -> Vec<Vec<Value>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(world.path(&format!("lake/{table}/_delta_log"))).unwrap().flatten() {
        if entry.path().extension().is_none_or(|it| it != "json") {
            continue;
        }
        let text = fs::read_to_string(entry.path()).unwrap();
        let actions: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if actions.iter().any(|action| action["txn"]["appId"] == "retention") {
            found.push(actions);
        }
    }
    found
}

#[test]
fn old_rows_expire_and_no_figure_changes() {
    let (world, broker) = (World::new(), Broker::with_topic(TOPIC));
    let settled = [("COCKPIT_RETENTION_SETTLE_MS", "1")];
    keep(&world, None);
    let messages = [message(60, 20), message(45, 21), message(20, 22), message(1, 23)];
    broker.send(&messages.each_ref().map(String::as_str));
    broker.ingest_with(&world, &settled);
    let published = world.rows("gold.by_hour");
    assert_eq!(published.len(), 4);

    keep(&world, Some(30));
    broker.send(&[&message(61, 24), &message(2, 25)]);
    broker.ingest_with(&world, &settled);
    let count = |table: &str| world.number(&format!("SELECT count(*) FROM {table}"));
    // The broker received all of them today, so bronze has all.
    assert_eq!([count("bronze.temperature"), count("silver.reading")], [6, 3]);
    let late = world.sql("SELECT reason, column_name, table_name FROM silver.rejected");
    assert_eq!(late.len(), 1, "{late:?}");
    assert_eq!([&late[0]["reason"], &late[0]["column_name"]], ["too_late", "at"]);
    let after = world.rows("gold.by_hour");
    assert_eq!(after.len(), 5);
    assert!(published.iter().all(|row| after.contains(row)), "{published:?}\n{after:?}");

    let expired = world.sql("SELECT table_name, rows, files, kept_days FROM meta.expired");
    let rows: i64 = expired.iter().map(|row| row["rows"].as_i64().unwrap()).sum();
    assert_eq!((expired.len(), rows), (2, 2), "{expired:?}");
    assert_eq!(world.number("SELECT count(*) FROM meta.runs WHERE NOT closed"), 0);
    // For every reader of the table they are deleted rows.
    let marks = marks(&world, "silver/reading");
    let removed: Vec<&Value> = marks.iter().flatten().filter_map(|it| it.get("remove")).collect();
    assert_eq!((marks.len(), removed.len()), (1, 2));
    assert!(removed.iter().all(|it| it["dataChange"] == true), "{removed:?}");

    let rejected = world.rows("silver.rejected");
    world.run(&["rebuild"]).success();
    assert_eq!(world.rows("gold.by_hour"), after);
    assert_eq!(world.rows("silver.rejected"), rejected);
    assert_eq!(count("silver.reading"), 3);
    world.edit("gold/by_hour.sql", "-- Temperatures by hour.", "-- Temperatures, hour by hour.");
    world.run(&["rebuild"]).success();
    assert_eq!(world.rows("gold.by_hour"), after);
}
