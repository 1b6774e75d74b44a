//! Cases as folders: `cases/folder/<name>/` holds a plant, a bucket, and in `checks.json` the exit
//! code, the rows that queries must return, and the words that must be printed. The worked examples of
//! the documentation, `docs/examples/<name>/`, are such cases too; those of kind `kafka` have, in place of
//! a bucket, the messages of each topic as the lines of `messages/<topic>.jsonl`.

use crate::stream::Broker;
use crate::world::{Outcome, World};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs};

/// What one case expects.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    kind: Kind,
    /// Exit code of the last run; null if it does not matter.
    exit: Option<i32>,
    checks: Vec<Check>,
    /// Of each list at least one text must be printed by some run; letter case is ignored.
    #[serde(default)]
    says: Vec<Vec<String>>,
    /// Further runs, each after a change of the bucket.
    #[serde(default)]
    rounds: Vec<Round>,
}

/// Where the records of a case come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// Dumps in a folder, no broker.
    Folder,
    /// Messages of topics, no dumps.
    Kafka,
}

/// A query and the rows it must return, in order.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Check {
    what: String,
    sql: String,
    rows: Vec<Vec<Value>>,
}

/// A change of the bucket before a further run.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Round {
    /// Files to write, with their contents.
    #[serde(default)]
    put: BTreeMap<String, String>,
    /// Files to delete.
    #[serde(default)]
    del: Vec<String>,
}

#[test]
fn every_folder_case_meets_its_checks() {
    check_all("tests/it/cases/folder", 1);
}

#[test]
fn every_worked_example_meets_its_checks() {
    check_all("../../docs/examples", 11);
}

/// Runs the cases in a folder, which is named from the crate's; there must be `at_least` so many.
fn check_all(root: &str, at_least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
    let entries = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(folders.len() >= at_least, "{} cases in {}", folders.len(), root.display());
    let failures: Vec<String> = folders.iter().flat_map(|folder| failures(folder)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The plant of a case, and the broker that it reads from, if it reads one.
fn start(folder: &Path, kind: Kind) -> (World, Option<Broker>) {
    if kind == Kind::Folder {
        return (World::with_bucket(folder), None);
    }
    let broker = Broker::without_topics();
    for entry in fs::read_dir(folder.join("messages")).unwrap() {
        let path = entry.unwrap().path();
        let topic = path.file_stem().unwrap().to_str().unwrap();
        broker.create(topic);
        for message in fs::read_to_string(&path).unwrap().lines() {
            broker.send_to(topic, message);
        }
    }
    (World::from_plant(&folder.join("plant").display().to_string()), Some(broker))
}

fn ingest(world: &World, broker: Option<&Broker>) -> Outcome {
    broker.map_or_else(|| world.ingest(), |broker| broker.ingest_from(world))
}

/// What one case falls short of, each with the name of the case.
fn failures(folder: &Path) -> Vec<String> {
    let name = folder.file_name().unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(folder.join("checks.json")).unwrap();
    let case: Case = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    let (world, broker) = start(folder, case.kind);
    let check = world.run(&["check"]);
    let mut printed = format!("{}{}", check.stdout, check.stderr);
    let mut failures = Vec::new();
    if !check.succeeded {
        failures.push(format!("{name}: check refuses the plant: {printed}"));
    }
    let mut exit = ingest(&world, broker.as_ref());
    printed += &format!("{}{}", exit.stdout, exit.stderr);
    for round in &case.rounds {
        change(&world, round);
        exit = ingest(&world, broker.as_ref());
        printed += &format!("{}{}", exit.stdout, exit.stderr);
    }
    if case.exit.is_some() && exit.code != case.exit {
        failures.push(format!("{name}: exit code {:?}, not {:?}: {printed}", exit.code, case.exit));
    }
    failures.extend(case.checks.iter().filter_map(|check| {
        let got = rows(&world, &check.sql);
        let wanted: Vec<Vec<String>> =
            check.rows.iter().map(|row| row.iter().map(plain).collect()).collect();
        (got != wanted)
            .then(|| format!("{name}: {}: {got:?}, not {wanted:?}: {printed}", check.what))
    }));
    let printed = printed.to_lowercase();
    let is_missing =
        |words: &&Vec<String>| !words.iter().any(|word| printed.contains(&word.to_lowercase()));
    let missing = case.says.iter().filter(is_missing);
    failures.extend(missing.map(|words| format!("{name}: printed none of {words:?}: {printed}")));
    failures
}

fn change(world: &World, round: &Round) {
    for (key, text) in &round.put {
        world.dump(key, text);
    }
    for key in &round.del {
        fs::remove_file(world.path("bucket").join(key)).unwrap();
    }
}

/// The rows of an answer as texts, so that `7`, `7.0` and `"7"` compare equal.
fn rows(world: &World, sql: &str) -> Vec<Vec<String>> {
    let answer = world.run(&["sql", sql, "--format", "json"]);
    if !answer.succeeded {
        return vec![vec![answer.stderr]];
    }
    let rows: Vec<Row> = serde_json::from_str(&answer.stdout).unwrap();
    rows.iter().map(|row| row.0.iter().map(plain).collect()).collect()
}

/// The values of a JSON object in the order of the text, which is that of the query's columns.
struct Row(Vec<Value>);

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut values = Vec::new();
        while let Some((_, value)) = map.next_entry::<IgnoredAny, Value>()? {
            values.push(value);
        }
        Ok(Row(values))
    }
}

fn plain(value: &Value) -> String {
    let text = match value {
        Value::Null => return String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match text.parse::<f64>() {
        Ok(number) if text.len() < 16 && number.is_finite() => number.to_string(),
        _ => text.strip_suffix('Z').unwrap_or(&text).to_owned(),
    }
}
