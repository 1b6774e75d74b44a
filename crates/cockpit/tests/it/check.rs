//! `cockpit check`: every mistake of a folder in one run, each with file, line and remedy.

use crate::world::{World, golden};
use std::fs;

/// Checks a folder after `spoil` has introduced mistakes, and compares the output with the golden file.
#[track_caller]
fn mistakes(case: &str, spoil: impl FnOnce(&World)) {
    let world = World::new();
    spoil(&world);
    let outcome = world.run(&["check"]);
    assert!(!outcome.succeeded, "no mistake found: {}", outcome.stdout);
    golden(case, "output.txt", &world.plain(&format!("{}{}", outcome.stdout, outcome.stderr)));
    if outcome.stdout.contains(" mistake") {
        // Every other command refuses such a folder with the same reason.
        world.run(&["ingest", "--once"]).failure(&[" mistakes:\n"]);
        assert!(!world.path("lake").exists());
    }
}

#[test]
fn the_test_plant_has_none() {
    let outcome = World::new().run(&["check"]).success();
    assert_eq!(outcome.stdout, "Case: 6 contracts and 9 models, no mistakes\n");
}

/// A board without mistakes, and one with a mistake in its keys, in its statement and in a name of a column.
const BOARD: &str = r#"title = "Plans"

[[tile]]
name = "rows"
kind = "number"
sql = "SELECT count(*) AS rows FROM silver.plan"
value = "rows"
"#;
const FAULTY_BOARD: &str = r#"title = "Plans"

[[tile]]
name = "rows"
kind = "number"
sql = """
SELECT
    count(*) AS rows, xqzzx
FROM silver.plan"""
value = "rows"

[[tile]]
name = "names"
kind = "table"
sql = "SELECT count(*) AS rows FROM silver.plan"
link = "/make/{row}"
"#;

/// Boards are checked, and a mistake in one does not keep the other commands from working.
#[test]
fn boards_are_checked() {
    let world = World::new();
    let folder = world.path("plant/boards");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("good.toml"), BOARD).unwrap();
    let outcome = world.run(&["check"]).success();
    assert!(outcome.stdout.contains("9 models, 1 board, no mistakes"), "{}", outcome.stdout);
    fs::write(folder.join("faulty.toml"), FAULTY_BOARD).unwrap();
    fs::write(folder.join("keys.toml"), BOARD.replace("value =", "valeu =")).unwrap();
    let outcome = world.run(&["check"]);
    assert!(!outcome.succeeded, "no mistake found: {}", outcome.stdout);
    for expected in [
        "boards/faulty.toml:8: the statement cannot be planned",
        "boards/faulty.toml:15: tile `names`: no column `row`, which `link` names",
        "Did you mean `rows`?",
        "boards/keys.toml:7: unknown key `valeu`",
        "\n4 mistakes\n",
    ] {
        assert!(outcome.stdout.contains(expected), "{expected}: {}", outcome.stdout);
    }
    world.run(&["config"]).success();
}

#[test]
fn the_reference_plant_has_none() {
    let checked = World::new().command(&["check"]).env_remove("COCKPIT_PLANT").output().unwrap();
    assert!(checked.status.success(), "{checked:?}");
}

/// A rule of kind `temperature` with its limit missing, one whose SQL names an unknown column, and one
/// without mistakes that matches nothing.
const ALARMS: &str = r#"
[[rule]]
name = "no_limit"
kind = "temperature"
priority = 2
owner = "line_leader"
text = "Hot"
response = "Look"

[[rule]]
name = "bad_sql"
kind = "sql"
priority = 2
owner = "line_leader"
text = "Behind"
response = "Look"
above = 1
sql = """
SELECT 'a' AS object,
    xqzzx AS value
FROM silver.plan"""

[[rule]]
name = "late"
kind = "dump_late"
objects = "plans"
priority = 2
owner = "data"
text = "Late"
response = "Look"
above = 26
"#;

#[test]
fn faulty_alarm_rules_are_listed_and_other_commands_work() {
    let world = World::new();
    world.write("alarms.toml", ALARMS);
    let outcome = world.run(&["check"]);
    assert!(!outcome.succeeded);
    for expected in [
        "warning: alarms.toml:23: `objects = \"plans\"` matches nothing",
        "alarms.toml:2: expected one limit",
        "alarms.toml:20: the statement cannot be planned",
        "No field named xqzzx",
        "\n2 mistakes\n",
    ] {
        assert!(outcome.stdout.contains(expected), "{expected}: {}", outcome.stdout);
    }
    world.run(&["config"]).success();
    let valid = ALARMS.split("[[rule]]").nth(3).unwrap();
    world.write("alarms.toml", &format!("[[rule]]{valid}"));
    let outcome = world.run(&["check"]).success();
    assert!(outcome.stdout.contains("9 models, 1 alarm rule, no mistakes"), "{}", outcome.stdout);
}

#[test]
fn in_plant_toml() {
    mistakes("check_plant", |world| {
        world.edit("plant.toml", "name = \"Case\"", "nme = \"Case\"");
        world.edit("plant.toml", "Asia/Kolkata", "Asia/Kolkatta");
        world.edit("plant.toml", "start = \"14:00\"", "start = \"13:00\"");
        let more = "end = \"22:00\"\ncolour = 1\n\n[kafka]\ncert_file = \"us.pem\"";
        world.edit("plant.toml", "end = \"22:00\"", more);
    });
}

#[test]
fn in_shifts() {
    mistakes("check_shifts", |world| {
        world.edit("plant.toml", "start = \"06:00\"", "start = \"24:00\"");
        world.edit("plant.toml", "name = \"B\"", "name = 7");
    });
}

#[test]
fn in_contracts() {
    mistakes("check_contracts", |world| {
        world.edit("bronze/plan.toml", "header = true", "header = \"yes\"");
        world.edit("bronze/plan.toml", "yyyy-MM-dd", "yyyy-MM-DD");
        world.edit("bronze/plan.toml", "{date}", "{datum}");
        world.edit("bronze/board.toml", "delimiter = \",\"", "delimter = \",\"");
        world.edit("bronze/board.toml", "type = \"time\"", "type = \"tme\"");
        world.edit("bronze/stage.toml", "source = \"mes\"\n", "");
        world.edit("bronze/stage.toml", "json_lines", "json_line");
        world.edit("bronze/orders.toml", "\"id\"", "\"Order Id\"");
        world.edit("bronze/orders.toml", "required = true }", "require = true }");
        world.edit("bronze/price.toml", "supersede = \"dump\"", "supersede = \"all\"");
        world.edit("bronze/price.toml", "scale = 2", "scale = 20");
        world.edit("bronze/entry.toml", "(?<id>", "(?<id");
    });
}

#[test]
fn in_the_syntax_of_a_contract() {
    mistakes("check_syntax", |world| {
        world.edit("bronze/plan.toml", "header = true", "header = ");
        world.edit("bronze/stage.toml", "columns = [", "columns = [ {");
    });
}

#[test]
fn in_models() {
    mistakes("check_models", |world| {
        world.edit("silver/plan.sql", "hour AS hour_local", "hours AS hour_local");
        world.edit("silver/board.sql", "SELECT\n", "SELEKT\n");
        world.edit("silver/stage.sql", "-- key: stage_id", "-- key: stage");
        world.edit("silver/stage.sql", "-- column surface [code]:", "-- column surface:");
        world.edit(
            "silver/orders.sql",
            "FROM typed.orders",
            "FROM typed.orders WHERE quantity > 0",
        );
        world.edit("silver/price.sql", "-- column price [INR]: Price of one.\n", "");
        world.edit("silver/entry.sql", "-- key: entry_id\n", "-- key: entry_id\n-- kee: x\n");
        world.edit(
            "silver/entry.sql",
            "-- column quantity",
            "-- column weight [kg]: W.\n-- column quantity",
        );
        world.edit("gold/ageing.sql", "silver.price", "silver.prices");
        world.edit("gold/daily.sql", "-- grain", "-- expect some: planed > 0 | warn\n-- grain");
        world.edit("gold/daily.sql", "gold.hourly", "hourly");
    });
}

#[test]
fn in_keys_and_grains_of_models() {
    mistakes("check_promises", |world| {
        world.edit("silver/plan.sql", "quantity >= 0 | reject", "quantty >= 0 | reject");
        world.edit("silver/plan.sql", "IS NOT NULL | warn", "IS NOT NULL | shout");
        world.edit("silver/board.sql", "-- key: board_id\n", "");
        world.edit("silver/orders.sql", "FROM typed.orders", "FROM typed.orders; SELECT 1");
        world.edit("gold/daily.sql", "-- grain: day_local\n", "");
        world.edit("gold/daily.sql", "-- refresh: day_local", "-- refresh: day");
        world.edit("gold/ageing.sql", "date = today", "date = yesterday");
        world.edit("silver/price.sql", "-- Prices of the last dump.\n", "");
        world.edit(
            "silver/orders.sql",
            "-- column quantity [boards]: Boards ordered.",
            "-- column quantity [boards]:",
        );
    });
}

#[test]
fn in_the_propagation_of_changes() {
    mistakes("check_via", |world| {
        world.edit(
            "gold/hourly.sql",
            "-- via: stage by stage_id of board",
            "-- via: stages by stage_id of board\n-- via: stage by stage of board\n\
             -- via: stage by stage_id of boards\n-- via: stage through board",
        );
    });
}

#[test]
fn in_a_propagation_between_columns_of_two_types() {
    mistakes("check_via_types", |world| {
        world.edit("bronze/stage.toml", "\"id\", type = \"text\"", "\"id\", type = \"int\"");
        world.edit("silver/stage.sql", "-- column stage_id:", "-- column stage_id [id]:");
        world.edit(
            "gold/daily.sql",
            "-- refresh: day_local",
            "-- via: hourly by day_local of hourly",
        );
        world.edit(
            "gold/hourly.sql",
            "stage.stage_id = board",
            "CAST(stage.stage_id AS VARCHAR) = board",
        );
    });
}

const TOPIC: &str = r#"
description = "Temperatures as received."
source = "iot"
topics = ["temperatures"]
format = "message"
retention = "3 weeks"
columns = [
    { name = "machine", type = "text", required = true, description = "Machine." },
    { name = "at", type = "time", formats = ["epoch_s"], zone = "UTC", required = true, description = "When." },
]
"#;

const READINGS: &str = "-- Readings.
--
-- key: machine, at
-- retention: 90 days
-- column machine: The machine.
-- column at: When.
SELECT machine, at FROM typed.temperature
";

#[test]
fn in_retention() {
    mistakes("check_retention", |world| {
        world.write("bronze/temperature.toml", TOPIC);
        world.write("silver/reading.sql", READINGS);
        let reader = |header: &str, column: &str| {
            format!(
                "-- Readings, counted.\n--\n-- grain: {column}\n{header}-- column {column}: Of.\n\
                 -- column readings [readings]: How many.\nSELECT {column}, count(*) AS readings \
                 FROM silver.reading GROUP BY {column}\n"
            )
        };
        world.write("gold/by_time.sql", &reader("-- refresh: at\n", "at"));
        world.write("gold/by_machine.sql", &reader("-- refresh: machine\n", "machine"));
        world.write("gold/ever.sql", &reader("", "machine"));
        world.edit("bronze/plan.toml", "header = true", "header = true\nretention = \"9 days\"");
        world.edit("silver/plan.sql", "-- key: plan_id", "-- key: plan_id\n-- retention: 9 days");
        world.edit("gold/daily.sql", "-- refresh", "-- retention: a year\n-- refresh");
    });
}

#[test]
fn in_tables_that_depend_on_each_other() {
    mistakes("check_circle", |world| {
        world.edit("gold/hourly.sql", "FROM silver.plan", "FROM gold.daily");
    });
}

#[test]
fn in_gold_that_reads_bronze() {
    mistakes("check_layers", |world| {
        world.edit("gold/ageing.sql", "silver.price", "typed.price");
        world.edit("gold/ageing.sql", "silver.entry", "bronze.entry");
        world.edit("gold/daily.sql", "gold.hourly", "meta.files");
    });
}

#[test]
fn a_folder_that_is_not_a_plant_folder() {
    let world = World::new();
    world.run_with(&["check"], &[("COCKPIT_PLANT", "/no/such")]).failure(&["/no/such"]);
    fs::remove_file(world.path("plant/plant.toml")).unwrap();
    world.run(&["check"]).failure(&["has no plant.toml", "--plant"]);
}

#[test]
fn a_file_that_is_not_text() {
    let world = World::new();
    fs::write(world.path("plant/bronze/plan.toml"), b"\xff\xfe").unwrap();
    world.run(&["check"]).failure(&["bronze/plan.toml", "UTF-8"]);
}
