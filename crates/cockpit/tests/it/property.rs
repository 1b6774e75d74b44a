//! Any dumps in any order: ingested step by step, the lake equals one run over
//! everything, a rebuild, and a computation in a few lines of Rust.

use crate::world::World;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One row of a plan dump: its text, and key and quantity if it is good.
#[derive(Debug, Clone)]
struct Row {
    text: String,
    good: Option<(i64, i64)>,
}

/// One change of the bucket.
#[derive(Debug, Clone)]
enum Event {
    /// A plan dump arrives; the number chooses its key.
    Plan(u8, Vec<Row>),
    /// An inspection dump arrives: station, stage and day by number.
    Boards(Vec<(u8, u8, u8)>),
    /// A new version of the stages arrives; each number is a surface.
    Stages(Vec<u8>),
    /// Prices arrive; the number chooses the key.
    Prices(u8, Vec<Option<u8>>),
    /// A plan dump is touched.
    Touch(u8),
    /// A plan dump arrives again with the contents before the last change.
    Back(u8),
}

fn row() -> impl Strategy<Value = Row> {
    (0..12_i64, 1..5_u8, 0..24_u8, 0..100_i64, 0..14_u8).prop_map(
        |(id, day, hour, quantity, dirt)| {
            let bad = |text: String| Row { text, good: None };
            let line =
                |hour: &str, quantity: &str| format!("{id},a,2024-02-0{day},{hour},S1,{quantity}");
            let clean = line(&hour.to_string(), &quantity.to_string());
            match dirt {
                0 => bad(line("24", "1")),
                1 => bad(line("1", "x")),
                2 => bad(line("1", "-5")),
                3 => bad(format!("{clean},more")),
                4 => bad(format!("{id},\"a,2024-02-01,1,S1,1")),
                5 => bad("Id,Item,Day,Hour,Station,Quantity".to_owned()),
                6 => bad(format!(",{clean}").replacen(&format!("{id},"), "", 1)),
                _ => Row { text: clean, good: Some((id, quantity)) },
            }
        },
    )
}

fn event() -> impl Strategy<Value = Event> {
    let rows = || prop::collection::vec(row(), 1..8);
    prop_oneof![
        4 => (0..4_u8, rows()).prop_map(|(key, rows)| Event::Plan(key, rows)),
        2 => prop::collection::vec((0..3_u8, 0..4_u8, 1..5_u8), 1..6).prop_map(Event::Boards),
        1 => prop::collection::vec(0..3_u8, 1..4).prop_map(Event::Stages),
        1 => (0..3_u8, prop::collection::vec(prop::option::of(1..9_u8), 1..4))
            .prop_map(|(key, prices)| Event::Prices(key, prices)),
        1 => (0..4_u8).prop_map(Event::Touch),
        1 => (0..4_u8).prop_map(Event::Back),
    ]
}

fn cases(count: u32) -> Config {
    Config {
        cases: count,
        max_shrink_iters: 20,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..Config::default()
    }
}

fn plan_key(key: u8) -> String {
    if key == 0 { "plan.csv".to_owned() } else { format!("plan/2024-01-0{key}.csv") }
}

fn plan_text(rows: &[Row]) -> String {
    let header = "Id,Item,Day,Hour,Station,Quantity\n".to_owned();
    rows.iter().fold(header, |text, row| text + &row.text + "\n")
}

fn board_text(number: usize, boards: &[(u8, u8, u8)]) -> String {
    let mut text = String::new();
    for (at, (station, stage, day)) in boards.iter().enumerate() {
        let id = if *station == 0 { "no".to_owned() } else { format!("{}", number * 3 + at) };
        writeln!(text, "{id},g{stage},S{station},2024-02-0{day} 0{station}:15:00").unwrap();
    }
    text
}

fn stage_text(surfaces: &[u8]) -> String {
    surfaces.iter().enumerate().fold(String::new(), |mut text, (id, surface)| {
        writeln!(text, "{{\"id\":\"g{id}\",\"surface\":{surface}}}").unwrap();
        text
    })
}

fn price_text(prices: &[Option<u8>]) -> String {
    prices.iter().fold("Item\tPrice\n".to_owned(), |mut text, price| {
        let price = price.map_or("dear".to_owned(), |price| format!("{price}.50"));
        writeln!(text, "a\t{price}").unwrap();
        text
    })
}

/// The plan dumps as they landed, to compute the expected rows.
#[derive(Default)]
struct Plans {
    now: BTreeMap<u8, Vec<Row>>,
    before: BTreeMap<u8, Vec<Row>>,
    /// Date of the key, order of arrival, rows.
    landed: Vec<(u8, usize, Vec<Row>)>,
}

impl Plans {
    fn arrive(&mut self, world: &World, key: u8, rows: Vec<Row>) {
        let text = plan_text(&rows);
        world.dump(&plan_key(key), &text);
        let before = self.now.insert(key, rows.clone());
        if before.as_ref().is_some_and(|before| plan_text(before) == text) {
            return;
        }
        self.before.extend(before.map(|before| (key, before)));
        self.landed.push((key, self.landed.len(), rows));
    }

    /// The expected rows if a new version of a file removes the records it no longer contains: of each file only
    /// its newest version with a good record counts.
    fn expected_without_removed(&self) -> BTreeMap<i64, i64> {
        let mut newest: BTreeMap<u8, (usize, &Vec<Row>)> = BTreeMap::new();
        for (key, order, rows) in &self.landed {
            if rows.iter().any(|row| row.good.is_some()) {
                newest.insert(*key, (*order, rows));
            }
        }
        newest.values().flat_map(|(_, rows)| rows.iter().filter_map(|row| row.good)).collect()
    }

    fn expected(&self) -> BTreeMap<i64, i64> {
        let mut landed = self.landed.clone();
        landed.sort_by_key(|(key, order, _)| (*key, *order));
        landed.iter().flat_map(|(_, _, rows)| rows.iter().filter_map(|row| row.good)).collect()
    }
}

fn quantities(world: &World) -> BTreeMap<i64, i64> {
    if !world.versions().contains_key("silver.plan") {
        return BTreeMap::new();
    }
    let rows = world.sql("SELECT plan_id, quantity FROM silver.plan");
    let of = |row: &serde_json::Value, name: &str| row[name].as_i64().unwrap();
    rows.iter().map(|row| (of(row, "plan_id"), of(row, "quantity"))).collect()
}

proptest! {
    #![proptest_config(cases(3))]

    #[test]
    fn step_by_step_equals_a_rebuild(
        steps in prop::collection::vec(prop::collection::vec(event(), 1..3), 2..7)
    ) {
        let world = World::new().tolerant();
        world.dump("stage.jsonl", stage_text(&[1, 1]));
        let mut plans = Plans::default();
        for (number, events) in steps.into_iter().enumerate() {
            for event in events {
                apply(&world, &mut plans, number, event);
                // The contents at the time of the listing land.
                world.ingest().success();
            }
        }
        prop_assert_eq!(quantities(&world), plans.expected());
        let contents = world.contents();
        world.is_balanced();
        world.run(&["rebuild"]).success();
        prop_assert_eq!(world.contents(), contents);
        world.is_balanced();
    }

    #[test]
    fn a_new_version_of_a_file_removes_missing_records(
        events in prop::collection::vec(event(), 2..10)
    ) {
        let world = World::new().tolerant();
        world.edit("bronze/plan.toml", "\"keep\"", "\"remove\"");
        world.dump("stage.jsonl", stage_text(&[1, 2, 1]));
        let mut plans = Plans::default();
        for (number, event) in events.into_iter().enumerate() {
            apply(&world, &mut plans, number, event);
            world.ingest().success();
        }
        prop_assert_eq!(quantities(&world), plans.expected_without_removed());
        let contents = world.contents();
        world.is_balanced();
        world.run(&["rebuild"]).success();
        prop_assert_eq!(world.contents(), contents);
        world.is_balanced();
    }

    /// The partition of a dump into part files and rounds does not change the result.
    #[test]
    fn any_partition_of_a_dump_into_part_files_gives_the_same(
        rows in prop::collection::vec((prop::option::of(1..9_u8), 0..4_u8, 0..3_u8), 1..9),
        older in prop::collection::vec(prop::option::of(1..9_u8), 1..4),
        names in any::<bool>(),
    ) {
        let (whole, parts) = (World::new().tolerant(), World::new().tolerant());
        for world in [&whole, &parts] {
            let pattern = if names { "price/{date}/*.tsv" } else { "price/{date}_*.tsv" };
            world.edit("bronze/price.toml", "\"price/{date}.tsv\"", &format!("\"{pattern}\""));
        }
        let key = |day: u8, part: &str| match names {
            true => format!("price/2024-03-0{day}/{part}.tsv"),
            false => format!("price/2024-03-0{day}_{part}.tsv"),
        };
        let all: Vec<_> = rows.iter().map(|row| row.0).collect();
        whole.dump(&key(1, "all"), price_text(&older));
        whole.dump(&key(2, "all"), price_text(&all));
        whole.ingest().success();
        parts.dump(&key(1, "all"), price_text(&older));
        for round in 0..3 {
            for part in 0..4 {
                let own = rows.iter().filter(|row| (row.1, row.2) == (part, round));
                let own: Vec<_> = own.map(|row| row.0).collect();
                if !own.is_empty() {
                    parts.dump(&key(2, &format!("{part}-{round}")), price_text(&own));
                }
            }
            parts.ingest().success();
        }
        let held = |world: &World| {
            let prices = world.sql("SELECT item, price FROM silver.price ORDER BY item, price");
            let rejected = "SELECT raw FROM silver.rejected ORDER BY raw";
            let has_rejected = world.path("lake/silver/rejected").exists();
            (prices, if has_rejected { world.sql(rejected) } else { Vec::new() })
        };
        prop_assert_eq!(held(&parts), held(&whole));
        parts.is_balanced();
        parts.run(&["rebuild"]).success();
        prop_assert_eq!(held(&parts), held(&whole));
        parts.is_balanced();
    }

    #[test]
    fn step_by_step_equals_one_run(
        steps in prop::collection::vec(event(), 2..8)
    ) {
        let world = World::new().tolerant();
        world.dump("stage.jsonl", stage_text(&[1, 2, 1]));
        let mut plans = Plans::default();
        for (number, event) in steps.into_iter().enumerate() {
            // Each dump has a key of its own, so that a later run still finds it.
            match event {
                Event::Plan(_, rows) => {
                    world.dump(&format!("more/{number}.csv"), plan_text(&rows));
                    plans.landed.push((0, number, rows));
                }
                Event::Prices(_, prices) => {
                    world.dump(&format!("price/2024-03-0{}.tsv", 9 - number), price_text(&prices));
                }
                Event::Boards(boards) => apply(&world, &mut plans, number, Event::Boards(boards)),
                Event::Stages(_) | Event::Touch(_) | Event::Back(_) => world.touch("stage.jsonl"),
            }
            world.ingest().success();
        }
        prop_assert_eq!(quantities(&world), plans.expected());
        let other = World::new().tolerant();
        let bucket = world.path("bucket").display().to_string();
        other.run_with(&["ingest", "--once"], &[("COCKPIT_BUCKET", &bucket)]).success();
        let without_touch = |world: &World| {
            let rows = |table| (table, world.rows_without(table, &["_modified_at"]));
            crate::world::TABLES.map(rows)
        };
        prop_assert_eq!(without_touch(&world), without_touch(&other));
    }
}

fn apply(world: &World, plans: &mut Plans, number: usize, event: Event) {
    match event {
        Event::Plan(key, rows) => plans.arrive(world, key, rows),
        Event::Boards(boards) => {
            world.dump(&format!("board/{number}.csv"), board_text(number, &boards));
        }
        Event::Stages(surfaces) => world.dump("stage.jsonl", stage_text(&surfaces)),
        Event::Prices(0, prices) => world.dump("price.tsv", price_text(&prices)),
        Event::Prices(key, prices) => {
            world.dump(&format!("price/2024-01-0{key}.tsv"), price_text(&prices));
        }
        Event::Touch(key) if plans.now.contains_key(&key) => world.touch(&plan_key(key)),
        Event::Back(key) if plans.before.contains_key(&key) => {
            plans.arrive(world, key, plans.before[&key].clone());
        }
        Event::Touch(_) | Event::Back(_) => world.touch("stage.jsonl"),
    }
}
