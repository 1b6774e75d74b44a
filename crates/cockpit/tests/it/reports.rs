//! `cockpit report`: files of a report from the lake, and the same figures from the tables as they were at a time.

use crate::world::World;
use std::fs;

const DEFINITION: &str = r#"title = "Plan of a day"

[parameters.day]
kind = "day"
default = "first"
values = "SELECT day_local FROM gold.daily ORDER BY day_local DESC"

[[query]]
name = "hours"
sql = """
SELECT hour_local, station, planned FROM gold.hourly
WHERE day_local = :day ORDER BY hour_local, station
"""
[query.columns.planned]
unit = "boards"

[[chart]]
name = "hours"
kind = "bars"
query = "hours"
x = "hour_local"
y = "planned"
"#;

const TEMPLATE: &str = r#"#let data = json("data.json")
= #data.title
#if data.queries.hours.rows.len() == 0 [No plan on #data.parameters.day.] else {
  image(data.charts.hours.path)
  for row in data.queries.hours.rows [#row.hour_local: #row.planned \ ]
}
"#;

const PLAN: &str =
    "Id,Item,Day,Hour,Station,Quantity\n1,a,2024-01-01,8,S1,5\n2,a,2024-01-01,9,S1,7\n";

/// The test plant with a report and a plan.
fn world() -> World {
    let world = World::new();
    fs::create_dir_all(world.path("plant/reports/day")).unwrap();
    world.write("reports/day/report.toml", DEFINITION);
    world.write("reports/day/report.typ", TEMPLATE);
    world.dump("plan.csv", PLAN);
    world
}

/// The text of a file that a run of the report writes.
fn csv(world: &World, arguments: &[&str]) -> String {
    let out = world.path("out.csv");
    let out = out.to_str().unwrap();
    world.run(&[&["report", "run", "day", "--out", out], arguments].concat()).success();
    fs::read_to_string(out).unwrap()
}

#[test]
fn a_report_has_the_rows_of_its_day() {
    let world = world();
    world.run(&["check"]).success();
    world.ingest().success();
    assert!(world.run(&["report", "list"]).success().stdout.contains("Plan of a day [day]"));
    let expected = "hour_local,station,planned\r\n8,S1,5\r\n9,S1,7\r\n";
    assert_eq!(csv(&world, &[]), expected);
    assert_eq!(csv(&world, &["--day", "2024-01-01"]), expected);
    // No rows for a day: the report is made, and its table is empty.
    assert_eq!(csv(&world, &["--day", "2023-05-05"]), "hour_local,station,planned\r\n");
    for (format, start) in [("pdf", "%PDF-"), ("xlsx", "PK"), ("html", "<!DOCTYPE html>")] {
        let out = world.path(&format!("out.{format}"));
        world.run(&["report", "run", "day", "--out", out.to_str().unwrap()]).success();
        assert!(fs::read(&out).unwrap().starts_with(start.as_bytes()), "{format}");
    }
}

#[test]
fn a_report_of_a_time_has_the_figures_of_that_time() {
    let world = world();
    world.ingest().success();
    let first = csv(&world, &[]);
    let between = world.sql("SELECT max(updated_at) AS at FROM meta.tables")[0]["at"].clone();
    let between = between.as_str().unwrap();
    world.dump("plan.csv", PLAN.replace("S1,7", "S1,70"));
    world.ingest().success();
    let second = csv(&world, &[]);
    assert!(first.contains("9,S1,7\r\n") && second.contains("9,S1,70\r\n"), "{first} {second}");
    assert_eq!(csv(&world, &["--as-of", between]), first);
    // Before the first commit every table is empty.
    let before = csv(&world, &["--as-of", "2020-01-01", "--day", "2024-01-01"]);
    assert_eq!(before, "hour_local,station,planned\r\n");
}

#[test]
fn invalid_requests_are_refused() {
    let world = world();
    world.ingest().success();
    world.run(&["report", "run", "dya"]).failure(&["unknown report `dya`", "day"]);
    world.run(&["report", "run", "day", "--shift", "A"]).failure(&["unknown parameter `shift`"]);
    world.run(&["report", "run", "day", "--day", "soon"]).failure(&["invalid day `soon`"]);
    world.run(&["report", "run", "day", "--as-of", "soon"]).failure(&["invalid --as-of `soon`"]);
    world.run(&["report", "run", "day", "--out", "x.doc"]).failure(&["unknown ending .doc"]);
    world.edit("reports/day/report.typ", "#row.planned", "#row.pland");
    let out = world.path("x.pdf");
    world
        .run(&["report", "run", "day", "--out", out.to_str().unwrap()])
        .failure(&["reports/day/report.typ:5", "pland"]);
    assert!(!out.exists());
    world.run(&["check"]).failure(&["reports/day/report.typ:5", "1 mistake"]);
}
