//! Gold: exactly the rows that can have changed are recomputed, and the result equals a rebuild.

use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;

const PLAN: &str = "Id,Item,Day,Hour,Station,Quantity\n";

/// Three days of plan and boards: day 1 both, day 2 plan only, day 3 boards only.
fn three_days() -> World {
    let world = World::new();
    world.dump(
        "plan.csv",
        format!("{PLAN}1,a,2024-01-01,8,S1,5\n2,a,2024-01-01,8,S1,7\n3,a,2024-01-02,9,S2,4\n"),
    );
    world.dump(
        "board.csv",
        "1,g1,S1,2024-01-01 08:30:00\n2,g2,S1,2024-01-01 08:40:00\n3,g1,S1,2024-01-03 10:00:00\n\
         4,g3,S1,2024-01-03 10:10:00\n5,g9,S1,2024-01-03 10:20:00\n",
    );
    world.dump("stage.jsonl", stages(1));
    world.ingest().success();
    world
}

/// Stage g1 counts, g2 depends on `surface`, g3 does not count; g9 is unknown.
fn stages(surface: i64) -> String {
    format!(
        "{{\"id\":\"g1\",\"surface\":1}}\n{{\"id\":\"g2\",\"surface\":{surface}}}\n\
         {{\"id\":\"g3\",\"surface\":2}}\n"
    )
}

fn hours(world: &World) -> Vec<Value> {
    world.sql("SELECT * FROM gold.hourly ORDER BY day_local, hour_local, station")
}

fn set(rows: Vec<Value>) -> BTreeSet<String> {
    rows.iter().map(Value::to_string).collect()
}

#[test]
fn plan_and_actual_are_joined_without_duplicates() {
    let world = three_days();
    let row = |day: &str, hour: i64, station: &str, planned: i64, actual: i64| {
        json!({"day_local": day, "hour_local": hour, "station": station, "planned": planned,
               "actual": actual})
    };
    let expected = [
        row("2024-01-01", 8, "S1", 12, 2),
        row("2024-01-02", 9, "S2", 4, 0),
        row("2024-01-03", 10, "S1", 0, 1),
    ];
    assert_eq!(hours(&world), expected);
}

#[test]
fn a_new_version_of_a_dump_changes_only_the_rows_it_affects() {
    let world = three_days();
    let before = set(hours(&world));
    let files = || world.sql("SELECT count(*) AS n FROM gold.daily");
    assert_eq!(files()[0]["n"], 3);
    world.dump("stage.jsonl", stages(2));
    world.ingest().success();
    let after = set(hours(&world));
    let removed: Vec<&String> = before.difference(&after).collect();
    let added: Vec<&String> = after.difference(&before).collect();
    assert_eq!((removed.len(), added.len()), (1, 1), "{removed:?} {added:?}");
    assert!(
        removed[0].contains("2024-01-01") && removed[0].contains("\"actual\":2"),
        "{removed:?}"
    );
    assert!(added[0].contains("2024-01-01") && added[0].contains("\"actual\":1"), "{added:?}");
    let contents = world.contents();
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
    world.is_balanced();
}

#[test]
fn a_row_that_moves_to_another_day_leaves_its_old_day() {
    let world = three_days();
    world.dump("plan.csv", format!("{PLAN}3,a,2024-01-05,9,S2,4\n"));
    world.ingest().success();
    let days = world.sql("SELECT day_local FROM gold.daily ORDER BY day_local");
    let days: Vec<&str> = days.iter().map(|row| row["day_local"].as_str().unwrap()).collect();
    assert_eq!(days, ["2024-01-01", "2024-01-03", "2024-01-05"]);
    let contents = world.contents();
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
}

#[test]
fn a_change_without_effect_on_gold_commits_nothing() {
    let world = three_days();
    let versions = world.versions();
    // An item is in the plan, but in no gold table that is refreshed by day.
    world.dump("plan.csv", format!("{PLAN}1,b,2024-01-01,8,S1,5\n"));
    world.ingest().success();
    let contents = world.contents();
    assert_eq!(world.versions()["gold.ageing"], versions["gold.ageing"]);
    world.run(&["rebuild"]).success();
    assert_eq!(world.contents(), contents);
}

/// Entries 0, 30 and 31 days before 2024-03-01, and one a day after it.
fn entries() -> World {
    let world = World::new();
    world.dump(
        "entry.txt",
        "E1-a-20240301-1\nE2-a-20240131-20\nE3-b-20240130-300\nE4-a-20240302-4000\n",
    );
    world.dump("price.tsv", "Item\tPrice\na\t2.50\n");
    world.ingest().success();
    world
}

#[test]
fn age_is_counted_to_today_unless_another_day_is_requested() {
    let world = entries();
    let rows = world.sql("SELECT age_from_d, entries, quantity FROM gold.ageing");
    assert_eq!(rows, [json!({"age_from_d": 31, "entries": 4, "quantity": 4321})]);

    let mut server = world
        .command(&["serve", "--listen", "127.0.0.1:0", "--no-ingest", "--log", "info"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let address = lines.find_map(|line| {
        let line = line.unwrap();
        let port = line.rsplit_once("127.0.0.1:")?.1;
        port.chars().take_while(char::is_ascii_digit).collect::<String>().parse::<u16>().ok()
    });
    let rows = get(address.unwrap(), "/api/v1/tables/gold/ageing?parameter.as_of=2024-03-01");
    server.kill().unwrap();
    server.wait().unwrap();
    let mut found = Vec::new();
    for row in rows["rows"].as_array().unwrap() {
        found.push((row["age_from_d"].as_i64().unwrap(), row["quantity"].as_i64().unwrap()));
    }
    found.sort_unstable();
    assert_eq!(found, [(-1, 4000), (0, 21), (31, 300)], "{rows}");
}

fn get(port: u16, path: &str) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let from = answer.find('{').unwrap_or_else(|| panic!("{answer}"));
    let to = answer.rfind('}').unwrap();
    serde_json::from_str(&answer[from..=to]).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

#[test]
fn rows_of_the_same_grain_are_counted() {
    for limits in ["", "\n[limits]\nheld_keys = 1\n"] {
        let world = three_days();
        let plant = std::fs::read_to_string(world.path("plant/plant.toml")).unwrap();
        world.write("plant.toml", &format!("{plant}{limits}"));
        world.write(
            "gold/planned.sql",
            "-- Days with a plan, each twice; null without one.\n--\n-- grain: planned_on\n\
             -- column planned_on: Day.\n\
             SELECT CASE WHEN planned > 0 THEN day_local END AS planned_on FROM gold.hourly\n\
             UNION ALL SELECT CASE WHEN planned > 0 THEN day_local END FROM gold.hourly\n",
        );
        world.ingest().success();
        let counts = "SELECT table_name, checked, failed FROM meta.quality \
             WHERE expectation = 'grain_is_unique' AND table_name IN ('gold.planned', 'gold.hourly') ORDER BY 1";
        let row = |table: &str, checked: i64, failed: i64| json!({"table_name": table, "checked": checked, "failed": failed});
        assert_eq!(
            world.sql(counts),
            [row("gold.hourly", 3, 0), row("gold.planned", 6, 3)],
            "{limits}"
        );
    }
}
