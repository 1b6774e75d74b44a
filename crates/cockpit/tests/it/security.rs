//! `docs/security.md` names tests that exist, and lists each requirement once.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Requirements that have to be met by tests, not only by a decision.
const TESTED_MIN: usize = 100;

fn crates() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The id and the third column of each row of the tables of requirements.
fn rows(page: &str) -> Vec<(&str, &str)> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("| v5.0.0-"));
    let columns = rows.map(|row| row.splitn(3, " | ").collect::<Vec<_>>());
    columns.map(|columns| (columns[0], columns[2])).collect()
}

/// The tests that a text names as `FILE::FUNCTION`.
fn tests(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('`')
        .filter_map(|part| part.split_once(".rs::").map(|_| part.split_once("::").unwrap()))
}

#[test]
fn the_tests_on_the_security_page_exist() {
    let page = fs::read_to_string(crates().join("../docs/security.md")).unwrap();
    let rows = rows(&page);
    let ids: BTreeSet<&str> = rows.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), rows.len(), "a requirement is listed twice");
    let mut missing = Vec::new();
    for (file, name) in rows.iter().flat_map(|(_, met_by)| tests(met_by)) {
        let text = fs::read_to_string(crates().join(file)).unwrap_or_default();
        if !text.contains(&format!("fn {name}(")) {
            missing.push(format!("{file}::{name}"));
        }
    }
    assert!(missing.is_empty(), "docs/security.md names tests that do not exist: {missing:#?}");
    let tested = rows.iter().filter(|(_, met_by)| tests(met_by).next().is_some()).count();
    assert!(tested >= TESTED_MIN, "{tested} requirements have tests");
}
