//! A simulated plant with its bucket, its lake and its truth.

use crate::world::{Outcome, World};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// When they work in Berlin. The shifts do not follow each other as their names do in the alphabet.
const BERLIN: &str = r#"
[[shift]]
name = "Morning"
start = "06:00"
end = "14:00"
breaks = ["10:00-10:30"]

[[shift]]
name = "Evening"
start = "14:00"
end = "22:00"

[[shift]]
name = "Night"
start = "22:00"
end = "06:00"

[[rest]]
name = "Sunday"
weekday = "Sunday"
"#;

/// The gold tables that are made of messages, and of alarms, which the simulated dumps raise none of;
/// of a plant that sends no message they hold no row.
pub const OF_MESSAGES: [&str; 6] = [
    "alarm_performance",
    "spc_temperature",
    "temperature_hour",
    "temperature_minute",
    "temperature_over_limit",
    "temperature_subgroup",
];

/// The silver tables dumps are cleaned into.
const SILVER: [&str; 11] = [
    "production_plan",
    "work_order",
    "board_result",
    "routing_stage",
    "item",
    "warehouse_entry",
    "material_record",
    "bom_line",
    "machine_event",
    "board_inspection",
    "cycle_time",
];

/// What the plant's clock does while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Nothing: Kerala, one shift.
    Steady,
    /// It is set forward, for every third seed back: Berlin, three shifts.
    Changed,
}

/// How dumps are delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Whole,
    Daily,
}

/// A plant that was simulated.
pub struct Site {
    world: World,
    seed: u64,
    clock: Clock,
    /// Further options of the simulator.
    more: Vec<String>,
}

/// The reference plant with an empty bucket. Its dumps are dirty on purpose.
pub fn world() -> World {
    World::from_plant("../../plants/kerala").tolerant()
}

impl Site {
    pub fn new(seed: u64, level: &str, clock: Clock, delivery: Delivery) -> Self {
        let daily = if delivery == Delivery::Daily { &["--daily"][..] } else { &[] };
        Self::with_options(seed, clock, &[&["--dirt", level], daily].concat())
    }

    /// A plant with a level of dirt, some kinds at another.
    pub fn with(level: &str, kinds: &[&str]) -> Self {
        let kinds = kinds.iter().flat_map(|kind| ["--dirt", kind]);
        let dirt: Vec<&str> = ["--dirt", level].into_iter().chain(kinds).collect();
        Self::with_options(3, Clock::Steady, &dirt)
    }

    fn with_options(seed: u64, clock: Clock, more: &[&str]) -> Self {
        let more = more.iter().map(|word| (*word).to_owned()).collect();
        let site = Self { world: world(), seed, clock, more };
        if clock == Clock::Changed {
            site.move_to_berlin();
        }
        site.simulate("bucket", "truth");
        site
    }

    fn move_to_berlin(&self) {
        self.world.edit("plant.toml", "Asia/Kolkata", "Europe/Berlin");
        let shift = "name = \"G\"\nstart = \"09:00\"\nend = \"21:00\"\n";
        self.world.edit("plant.toml", &format!("[[shift]]\n{shift}"), BERLIN);
        let report = "reports/shift-summary/report.toml";
        self.world.edit(report, "after_shift = \"G\"", "after_shift = \"Morning\"");
    }

    /// The first of the days. The clocks of Berlin are changed on the third, a Sunday, and the shift
    /// before runs into it: forward on 2024-03-31, back on 2024-10-27.
    fn first_day(&self) -> &'static str {
        match self.clock {
            Clock::Steady => "2024-03-23",
            Clock::Changed if self.seed.is_multiple_of(3) => "2024-10-25",
            Clock::Changed => "2024-03-29",
        }
    }

    /// Simulates the plant, once more if it was done before, into these folders.
    fn simulate(&self, bucket: &str, truth: &str) -> Outcome {
        let path = |name: &str| self.world.path(name).display().to_string();
        let (bucket, truth, seed) = (path(bucket), path(truth), self.seed.to_string());
        let from = self.first_day();
        let size = "--days 4 --units 5 --items 20 --materials 30 --entries 150 --cycle-s 600";
        let outcome = ["simulate", "--out", &bucket, "--truth", &truth, "--seed", &seed];
        let size: Vec<&str> = size.split(' ').collect();
        let more: Vec<&str> = self.more.iter().map(String::as_str).collect();
        self.world.run(&[&outcome[..], &["--from", from], &size, &more].concat()).success()
    }

    pub fn ingest(&self) {
        self.world.ingest().success();
    }

    /// Ingests all files but those marked as late, and then those.
    pub fn ingest_late_files_last(&self) {
        let dirt = self.dirt();
        let late: Vec<&str> = dirt
            .iter()
            .filter(|spot| spot["kind"] == "late_file")
            .filter_map(|spot| spot["file"].as_str())
            .collect();
        for file in &late {
            self.take(file);
        }
        self.ingest();
        if !late.is_empty() {
            late.iter().for_each(|file| self.deliver(file));
            self.ingest();
        }
    }

    /// Removes a dump from the bucket, as if it had not arrived yet.
    pub fn take(&self, file: &str) {
        self.move_file("bucket", "held", file);
    }

    /// Puts a dump back into the bucket.
    pub fn deliver(&self, file: &str) {
        self.move_file("held", "bucket", file);
    }

    fn move_file(&self, from: &str, to: &str, file: &str) {
        let to = self.world.path(to).join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::rename(self.world.path(from).join(file), to).unwrap();
    }

    /// The keys of all dumps in the bucket, in order.
    pub fn files(&self) -> Vec<String> {
        let root = self.world.path("bucket");
        let mut found = Vec::new();
        collect(&root, &root, &mut found);
        found.sort();
        found
    }

    /// The bytes of a dump.
    pub fn dump(&self, place: &str) -> Vec<u8> {
        fs::read(self.world.path("bucket/data").join(place)).unwrap()
    }

    /// Rewrites a dump.
    pub fn write(&self, place: &str, bytes: &[u8]) {
        fs::write(self.world.path("bucket/data").join(place), bytes).unwrap();
    }

    /// The KPIs as the program prints them, with these options.
    pub fn printed_kpis(&self, options: &[&str]) -> Vec<Value> {
        let outcome = self.world.run(&[&["kpi", "--format", "json"], options].concat()).success();
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// The rows of a query.
    pub fn rows(&self, query: &str) -> Vec<Value> {
        let outcome = self.world.run(&["sql", query, "--format", "json"]).success();
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// The rows of a file of the truth, as text.
    fn lines(&self, truth: &str, table: &str) -> Vec<String> {
        let text = fs::read_to_string(self.world.path(truth).join(format!("{table}.jsonl")));
        let mut lines: Vec<String> = text.unwrap().lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    fn values(&self, table: &str) -> Vec<Value> {
        let lines = self.lines("truth", table);
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Every injected fault, with its result.
    pub fn dirt(&self) -> Vec<Value> {
        self.values("dirt")
    }

    /// The gold tables of the plant's folder, each with the text of its model.
    fn models(&self) -> BTreeMap<String, String> {
        let files = fs::read_dir(self.world.path("plant/gold")).unwrap();
        let model = |file: fs::DirEntry| {
            let name = file.path().file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(file.path()).unwrap())
        };
        files.map(|file| model(file.unwrap())).collect()
    }

    /// The expected rows of every gold table.
    pub fn truth(&self, truth: &str) -> BTreeMap<String, Vec<String>> {
        let lines = |table: String| {
            let is_empty = OF_MESSAGES.contains(&table.as_str());
            let lines = if is_empty { Vec::new() } else { self.lines(truth, &table) };
            (table, lines)
        };
        self.models().into_keys().map(lines).collect()
    }

    /// The truth of a table, row by row.
    pub fn true_rows(&self, table: &str) -> Vec<Value> {
        self.values(table)
    }

    /// The KPIs of every shift of every unit, as the program prints them: one row each.
    pub fn kpis(&self) -> Vec<Value> {
        self.printed_kpis(&["--each", "shift"])
    }

    /// What every gold table holds.
    pub fn gold(&self) -> BTreeMap<String, Vec<String>> {
        let (tables, queries): (Vec<String>, Vec<String>) = self
            .models()
            .into_iter()
            .map(|(table, model)| {
                // The simulated machines are not assigned to lines; the plant folder puts
                // all of them in one.
                let query = match model.contains("-- column line:") {
                    true => {
                        format!("SELECT * EXCEPT (line) FROM gold.{table} WHERE line = 'Assembly'")
                    }
                    false => format!("SELECT * FROM gold.{table}"),
                };
                (table, query)
            })
            .unzip();
        let rows = |text: String| {
            let rows = text.trim_end().trim_start_matches('[').trim_end_matches(']');
            let rows = rows.split(",\n").filter(|row| !row.is_empty());
            let mut rows: Vec<String> = rows.map(str::to_owned).collect();
            rows.sort();
            rows
        };
        tables.into_iter().zip(self.world.printed(&queries).into_iter().map(rows)).collect()
    }

    /// Fails the test unless every gold table contains exactly what happened, exactly the records that
    /// must be are rejected for the predicted reasons, all other dirty ones are in silver,
    /// and as many are superseded as must be.
    #[track_caller]
    pub fn holds_the_truth(&self) {
        self.gold_is("truth");
        self.rejects_as_predicted();
        self.keeps_as_predicted();
        self.counts_as_predicted();
    }

    /// Fails the test unless every gold table equals a folder of truth. Ages are counted to
    /// today: if the day has changed since, the truth is written again.
    #[track_caller]
    pub fn gold_is(&self, truth: &str) {
        let (mut truth, gold) = (self.truth(truth), self.gold());
        let day = |rows: &[String]| rows.first().and_then(|row| row.get(..22).map(str::to_owned));
        if day(&truth["inventory_ageing"]) != day(&gold["inventory_ageing"]) {
            self.simulate("again", "truth-again");
            truth.insert(
                "inventory_ageing".to_owned(),
                self.lines("truth-again", "inventory_ageing"),
            );
        }
        for (table, wanted) in truth {
            let found = &gold[&table];
            if *found == wanted {
                continue;
            }
            let lost: Vec<_> = wanted.iter().filter(|row| !found.contains(row)).take(3).collect();
            let more: Vec<_> = found.iter().filter(|row| !wanted.contains(row)).take(3).collect();
            let seed = self.seed;
            panic!("seed {seed}, gold.{table}\ntruth {lost:#?}\ngold {more:#?}");
        }
    }

    #[track_caller]
    fn rejects_as_predicted(&self) {
        let fields = |row: &Value, names: [&str; 6]| names.map(|name| row[name].to_string());
        let columns = ["table", "file", "record", "column", "reason", "rule"];
        let found = ["table_name", "_file", "_record", "column_name", "reason", "rule"];
        let is_rejected = |spot: &&Value| spot["fate"] == "rejected";
        let mut wanted: Vec<_> =
            self.dirt().iter().filter(is_rejected).map(|spot| fields(spot, columns)).collect();
        let query = format!("SELECT {} FROM silver.rejected", found.join(", "));
        let mut rows: Vec<_> =
            self.world.sql(&query).iter().map(|row| fields(row, found)).collect();
        wanted.sort();
        rows.sort();
        let lost: Vec<_> = wanted.iter().filter(|row| !rows.contains(row)).take(5).collect();
        let more: Vec<_> = rows.iter().filter(|row| !wanted.contains(row)).take(5).collect();
        let seed = self.seed;
        assert!(wanted == rows, "seed {seed}, predicted {lost:#?}\nbut rejected are {more:#?}");
    }

    /// Records that are dirty and still count are in silver, unless a later dump replaces their work
    /// order, or their whole table.
    #[track_caller]
    fn keeps_as_predicted(&self) {
        let select = SILVER
            .map(|table| format!("SELECT '{table}' AS name, _file, _record FROM silver.{table}"));
        let place = |row: &Value, names: [&str; 3]| names.map(|name| row[name].to_string());
        let rows = self.world.sql(&select.join(" UNION ALL "));
        let found: BTreeSet<_> =
            rows.iter().map(|row| place(row, ["name", "_file", "_record"])).collect();
        let may_go = ["work_order", "material_record", "bom_line"];
        for spot in self.dirt() {
            let stays = ["kept", "repaired", "misread"].contains(&spot["fate"].as_str().unwrap());
            let may_go = may_go.contains(&spot["table"].as_str().unwrap());
            if stays && !may_go && !spot["record"].is_null() && spot["kind"] != "blank_line" {
                let place = place(&spot, ["table", "file", "record"]);
                assert!(found.contains(&place), "seed {}, {spot} is not in silver", self.seed);
            }
        }
    }

    #[track_caller]
    fn counts_as_predicted(&self) {
        let query = "SELECT r.table_name AS table, sum(r.read) AS read, sum(r.silver) AS silver, \
                     sum(r.rejected) AS rejected, sum(r.superseded) AS superseded \
                     FROM meta.runs AS r JOIN (SELECT table_name, file, dump, \
                     max(ended_at) AS ended_at FROM meta.runs GROUP BY table_name, file, dump) AS l \
                     ON r.table_name = l.table_name AND r.file = l.file AND r.dump = l.dump \
                     AND r.ended_at = l.ended_at GROUP BY r.table_name";
        let names = ["table", "read", "silver", "rejected", "superseded"];
        let fields = |row: &Value| names.map(|name| row[name].to_string());
        let found: BTreeSet<_> = self.world.sql(query).iter().map(fields).collect();
        let expected: BTreeSet<_> = self.values("books").iter().map(fields).collect();
        assert_eq!(found, expected, "seed {}", self.seed);
    }
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, found);
        } else {
            found.push(path.strip_prefix(root).unwrap().display().to_string());
        }
    }
}
