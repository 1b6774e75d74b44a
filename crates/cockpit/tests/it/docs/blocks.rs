//! The fenced blocks of pages: contracts in the reference are valid, and worked examples quote their own.

use super::{folder, page};
use crate::world::World;
use std::fs;
use std::path::Path;

/// A fenced block of a page.
pub struct Block<'a> {
    /// The words behind the opening fence.
    pub info: &'a str,
    /// The last line of text before the block.
    pub before: &'a str,
    pub text: String,
}

/// The fenced blocks of a page, in order.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let (mut open, mut before): (Option<Block<'_>>, _) = (None, "");
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => open = Some(Block { info, before, text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) if !line.is_empty() => before = line,
            (None, None) => {}
        }
    }
    blocks
}

fn toml_blocks(page: &str) -> Vec<String> {
    let blocks = blocks(page).into_iter();
    blocks.filter(|block| block.info == "toml").map(|block| block.text).collect()
}

/// A contract of which a page shows a part, with what every contract needs.
fn completed(part: &str) -> String {
    let has = |key: &str| part.lines().any(|line| line.starts_with(&format!("{key} =")));
    let is_message = has("topics");
    let format = if is_message { "message" } else { "delimited" };
    let is_delimited = !is_message && (!has("format") || part.contains("\"delimited\""));
    let mut contract = part.to_owned();
    for (key, value, is_needed) in [
        ("description", "\"Test.\"", true),
        ("source", "\"test\"", true),
        ("format", &format!("\"{format}\"")[..], true),
        ("paths", "[\"x.csv\"]", !is_message),
        ("delimiter", "\";\"", is_delimited),
        ("header", "true", is_delimited),
        ("columns", "[{ name = \"a\", type = \"text\" }]", true),
    ] {
        if is_needed && !has(key) {
            contract += &format!("{key} = {value}\n");
        }
    }
    contract
}

#[test]
fn contracts_in_the_reference_are_valid() {
    let mut count = 0;
    for name in ["contracts", "dumps", "files", "messages"] {
        for part in toml_blocks(&page(&format!("reference/{name}.md"))) {
            let contract = completed(&part);
            let world = World::new();
            world.write("bronze/shown.toml", &contract);
            let checked = world.run(&["check"]);
            assert_eq!(checked.code, Some(0), "{name}.md: {contract}\n{}", checked.stdout);
            count += 1;
        }
    }
    assert!(count >= 8, "{count} contracts were checked");
}

/// The contracts and models of the page about schema registries are a plant.
#[test]
fn the_plant_of_the_page_about_kafka_is_valid() {
    let world = World::new();
    for folder in ["bronze", "silver", "gold"] {
        fs::remove_dir_all(world.path("plant").join(folder)).unwrap();
        fs::create_dir(world.path("plant").join(folder)).unwrap();
    }
    let text = page("sources/kafka.md");
    let mut count = 0;
    for block in blocks(&text) {
        let name = block.before.split('`').nth(1).unwrap_or_else(|| panic!("{}", block.before));
        if name == "plant.toml" {
            let plant = fs::read_to_string(world.path("plant/plant.toml")).unwrap();
            world.write(name, &format!("{plant}\n{}", block.text));
        } else {
            world.write(name, &block.text);
        }
        count += 1;
    }
    let checked = world.run(&["check"]);
    assert_eq!((checked.code, count), (Some(0), 6), "{}{}", checked.stdout, checked.stderr);
}

#[test]
fn worked_examples_quote_their_own_contracts() {
    let mut count = 0;
    for entry in fs::read_dir(folder().join("examples")).unwrap() {
        let example = entry.unwrap().path();
        if !example.is_dir() {
            continue;
        }
        let contracts = contracts(&example.join("plant/bronze"));
        let page = fs::read_to_string(example.join("README.md")).unwrap();
        for line in toml_blocks(&page).concat().lines() {
            let is_quoted = contracts.lines().any(|it| it == line);
            assert!(is_quoted, "{}: `{line}` is not in the contract", example.display());
            count += 1;
        }
    }
    assert!(count >= 20, "{count} lines were compared");
}

fn contracts(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| fs::read_to_string(path).unwrap()).collect()
}
