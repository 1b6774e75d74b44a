//! The reference page of `alarms.toml`, compared with the reader.

use crate::alarms::{KINDS, known_keys};
use crate::folder;
use plant::alarm::{Condition, DataKind, Rule, State};
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../../../docs/reference/alarms.md");

/// What the examples of kinds leave out.
const COMMON: &str = "priority = 3\nowner = \"data\"\ntext = \"t\"\nresponse = \"r\"\n";

/// The examples of the page.
fn examples() -> impl Iterator<Item = &'static str> {
    PAGE.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap())
}

#[test]
fn the_page_has_a_valid_example_of_each_kind() {
    let plant = folder::read(&folder::texts(None).unwrap()).0.unwrap();
    let mut kinds = BTreeSet::new();
    for example in examples() {
        let is_complete = example.contains("priority") || example.starts_with("[[suppression]]");
        let text = if is_complete { example.to_owned() } else { format!("{example}{COMMON}") };
        let rules = plant.alarms_from(&text).rules;
        assert_eq!(rules.problems, [], "{example}");
        kinds.extend(rules.valid().map(|rule| kind_of(rule)));
    }
    assert_eq!(kinds, BTreeSet::from(KINDS));
}

fn kind_of(rule: &Rule) -> &'static str {
    match &rule.condition {
        Condition::Data(data) => data.kind.as_str(),
        condition => condition.kind(),
    }
}

/// The rows of the table below a heading, by cells.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let section = PAGE.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split(" | ").map(|cell| cell.trim_matches('`')).collect()).collect()
}

/// Whether a cell of the column "kinds" includes a kind.
fn has_kind(cell: &str, kind: &str) -> bool {
    let is_named = cell.split(['`', ',', ' ']).any(|word| word == kind);
    if cell.starts_with("all") {
        return !is_named;
    }
    let is_data = DataKind::ALL.iter().any(|it| it.as_str() == kind);
    is_named || is_data && cell.ends_with("data")
}

#[test]
fn every_key_of_a_rule_is_documented_with_its_kinds() {
    let rows = rows("## Keys of a rule\n");
    for kind in KINDS {
        let keys = known_keys(&format!("[[rule]]\nname = \"a\"\nkind = \"{kind}\"\n"));
        let read: BTreeSet<&str> =
            keys.iter().filter(|(path, _)| path == "rule").map(|(_, key)| key.as_str()).collect();
        let documented: BTreeSet<&str> =
            rows.iter().filter(|row| has_kind(row[2], kind)).map(|row| row[0]).collect();
        assert_eq!(documented, read, "{kind}");
    }
}

#[test]
fn every_key_of_a_suppression_is_documented() {
    let keys = known_keys("[[suppression]]\nname = \"a\"\n");
    let read: BTreeSet<&str> = keys
        .iter()
        .filter(|(path, _)| path == "suppression")
        .map(|(_, key)| key.as_str())
        .collect();
    let documented: BTreeSet<&str> =
        rows("## `[[suppression]]`\n").iter().map(|row| row[0]).collect();
    assert_eq!(documented, read);
}

#[test]
fn the_states_of_the_page_are_those_of_the_program() {
    let documented: BTreeSet<&str> = rows("## Life cycle\n").iter().map(|row| row[0]).collect();
    let states = State::ALL.map(State::as_str);
    assert_eq!(documented, BTreeSet::from(states));
}
