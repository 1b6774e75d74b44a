//! `cockpit init`: the plant folder it writes passes the check and can be ingested.

use crate::world::World;
use std::fs;

/// Creates a folder with `init` and reads its dumps; returns the rows of a query.
fn ingested(world: &World, arguments: &[&str], query: &str) -> String {
    let folder = world.path("new");
    let folder = folder.to_str().unwrap();
    let created = world.run(&[&["init", folder], arguments].concat()).success();
    assert!(created.stdout.contains("no mistakes"), "{}", created.stdout);
    let bucket = fs::read_to_string(world.path("new/plant.toml")).unwrap();
    let bucket = bucket.lines().find_map(|line| line.strip_prefix("bucket = ")).unwrap();
    let bucket = bucket.trim_matches('"').to_owned();
    let with = ["--plant", folder, "--bucket", &bucket];
    world.run(&[&["ingest", "--once"], &with[..]].concat()).success();
    world.run(&[&["sql", query, "--format", "csv"], &with[..]].concat()).success().stdout
}

#[test]
fn the_example_is_checked_and_ingested() {
    let world = World::new();
    let rows = ingested(&world, &[], "SELECT records, made_sum FROM gold.production_daily");
    assert_eq!(rows.replace('\r', ""), "records,made_sum\n6,2438\n");
    world.run(&["init", world.path("new").to_str().unwrap()]).failure(&["not empty"]);
}

#[test]
fn a_file_of_the_user_is_checked_and_ingested() {
    let world = World::new();
    let file = world.path("data/counts_2026-01-03.csv");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let text = "Report\nNo;Day;Weight\n1;03.01.2026;2,5\n2;04.01.2026;\n3;04.01.2026;1,5\n";
    fs::write(&file, text).unwrap();
    let query = "SELECT day_local, records, weight_sum FROM gold.counts_daily ORDER BY 1";
    let rows = ingested(&world, &["--from", file.to_str().unwrap()], query);
    let expected = "day_local,records,weight_sum\n2026-01-03,1,2.5\n2026-01-04,2,1.5\n";
    assert_eq!(rows.replace('\r', ""), expected);
}
