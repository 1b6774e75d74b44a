//! The reference, `docs/reference/`, compared with the program. The keys that a file can have are taken from
//! the remedy of an unknown key, which lists all of them.

use super::{Server, page};
use crate::world::World;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// A key that no file has.
const UNKNOWN: &str = "xqzzx";

type Names = BTreeSet<String>;

/// The names in backquotes in the first column of the tables below a heading of a page.
fn documented(text: &str, heading: &str) -> Names {
    let rows = section(text, heading).lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" | ").next()).flat_map(quoted).collect()
}

/// What is below a heading, up to the next one of its level; for the title of a page, up to the first
/// heading below it.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let (_, below) =
        text.split_once(&format!("{heading}\n")).unwrap_or_else(|| panic!("{heading}"));
    let level = if heading.starts_with("# ") { "##" } else { heading.split(' ').next().unwrap() };
    below.split(&format!("\n{level} ")).next().unwrap()
}

/// The texts in backquotes.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The keys that `cockpit check` lists for each unknown key of a plant folder, in the order of its report.
#[track_caller]
fn known(world: &World) -> Vec<Names> {
    let output = world.run(&["check"]);
    let text = format!("{}{}", output.stdout, output.stderr);
    let lines: Vec<&str> = text.lines().collect();
    let reports = lines.windows(2).filter(|pair| pair[0].contains(&format!("`{UNKNOWN}`")));
    let lists = reports.map(|pair| {
        let (_, list) = pair[1].split_once("nown here: ").unwrap_or_else(|| panic!("{text}"));
        list.trim_end_matches('.').split(", ").map(str::to_owned).collect()
    });
    let lists: Vec<Names> = lists.collect();
    assert!(!lists.is_empty(), "{text}");
    lists
}

/// What `cockpit check` knows if `text` is the only contract.
fn known_in_contract(text: &str) -> Vec<Names> {
    let world = World::new();
    fs::remove_dir_all(world.path("plant/gold")).unwrap();
    for folder in ["bronze", "silver"] {
        fs::remove_dir_all(world.path("plant").join(folder)).unwrap();
        fs::create_dir(world.path("plant").join(folder)).unwrap();
    }
    world.write("bronze/x.toml", text);
    known(&world)
}

fn names(list: &[&str]) -> Names {
    list.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn every_key_of_a_contract_is_documented_and_no_other() {
    let formats = [
        "delimited",
        "fixed",
        "tokens",
        "json_lines",
        "json_array",
        "parquet",
        "workbook",
        "message",
    ];
    let contract = |format: &str| format!("format = \"{format}\"\n{UNKNOWN} = 1\n");
    let known: Names = formats
        .iter()
        .flat_map(|format| known_in_contract(&contract(format)).concat_all())
        .collect();
    assert_eq!(documented(&page("reference/contracts.md"), "## Keys of a contract"), known);
}

#[test]
fn every_key_of_a_column_is_documented_with_its_types() {
    let text = page("reference/contracts.md");
    let section = section(&text, "## Keys of a column");
    let rows: Vec<Vec<&str>> = section
        .split("\n| `from` | where")
        .next()
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split(" | ").collect()))
        .collect();
    for kind in ["text", "int", "decimal", "float", "bool", "date", "time"] {
        let column = format!("columns = [{{ name = \"a\", type = \"{kind}\", {UNKNOWN} = 1 }}]\n");
        let known = known_in_contract(&format!("format = \"parquet\"\n{column}")).concat_all();
        let has_kind =
            |types: &str| types.starts_with("all") || types.split(", ").any(|it| it == kind);
        let documented = rows.iter().filter(|row| has_kind(row[2]));
        let documented: Names = documented.map(|row| row[0].trim_matches('`').to_owned()).collect();
        assert_eq!(documented, known, "{kind}");
    }
}

#[test]
fn every_key_of_plant_toml_is_documented_and_no_other() {
    let text = page("reference/plant-toml.md");
    let world = World::new();
    let plant = fs::read_to_string(world.path("plant/plant.toml")).unwrap();
    let mut sections = Names::new();
    for heading in text.lines().filter(|line| line.starts_with("## `[")) {
        for table in quoted(heading) {
            let name = table.trim_matches(['[', ']']).to_owned();
            world.write("plant.toml", &format!("{plant}\n{table}\n{UNKNOWN} = 1\n"));
            let known = known(&world).concat_all();
            let mut documented = match heading.matches('`').count() > 2 {
                true => rows_of(&text, heading, &name),
                false => documented(&text, heading),
            };
            let deprecated = check_deprecated(&world, &plant, &name);
            documented.extend(settings(&name));
            let missing: Vec<&String> = known.difference(&documented).collect();
            let missing: Vec<&String> =
                missing.into_iter().filter(|it| !deprecated.contains(*it)).collect();
            let more: Vec<&String> = documented.difference(&known).collect();
            assert!(missing.is_empty() && more.is_empty(), "{table}: {missing:?} {more:?}");
            sections.insert(name);
        }
    }
    world.write("plant.toml", &format!("{UNKNOWN} = 1\n{plant}"));
    let known = known(&world).concat_all();
    let top = documented(&text, "## Top level");
    assert_eq!(top.union(&sections).cloned().collect::<Names>(), known);
}

/// The deprecated names of settings in a table of plant.toml, each of which is still accepted.
fn check_deprecated(world: &World, plant: &str, table: &str) -> Names {
    if table != "limits" {
        return Names::new();
    }
    let names = documented(&page("reference/settings.md"), "## Deprecated names");
    let names: Names = names.into_iter().filter(|name| !name.starts_with('[')).collect();
    assert!(!names.is_empty());
    for name in &names {
        world.write("plant.toml", &format!("{plant}\n[{table}]\n{name} = 7\n"));
        let checked = world.run(&["check"]);
        assert_eq!(checked.code, Some(0), "{name}: {}", checked.stdout);
    }
    names
}

/// The settings of a table of plant.toml in the generated page.
fn settings(table: &str) -> Names {
    let text = page("reference/settings.md");
    let mut names = Names::new();
    for section in text.split("\n## ").filter(|it| it.contains(&format!("\n`[{table}]`"))) {
        let title = section.lines().next().unwrap();
        names.extend(documented(&text, &format!("## {title}")));
    }
    names
}

/// The keys of one table in a section that describes several: their names are in the first column.
fn rows_of(text: &str, heading: &str, table: &str) -> Names {
    let prefix = format!("| `{table}` | ");
    let rows = section(text, heading).lines().filter_map(|line| line.strip_prefix(&prefix));
    rows.flat_map(|row| quoted(row.split(" | ").next().unwrap())).collect()
}

/// `UPDATE=1` writes the pages that the program generates.
#[test]
#[expect(clippy::disallowed_methods, reason = "a variable of the person who runs the tests")]
fn generated_pages_are_current() {
    let world = World::new();
    let folder = world.path("pages");
    fs::create_dir(&folder).unwrap();
    world.run(&["reference", &folder.display().to_string()]).success();
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let text = fs::read_to_string(folder.join(&name)).unwrap();
        let committed = super::folder().join("reference").join(&name);
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&committed, &text).unwrap();
        }
        let is_current = fs::read_to_string(&committed).is_ok_and(|it| it == text);
        assert!(is_current, "docs/reference/{name} differs; UPDATE=1 writes it");
        count += 1;
    }
    assert!(count >= 2, "{count} pages are generated");
}

#[test]
fn every_key_of_kpis_is_documented_and_no_other() {
    let text = page("reference/kpis.md");
    let world = World::new();
    let kpi = "name = \"a\"\nunknown = [{ xqzzx = 1 }]\ncause = [{ xqzzx = 1 }]\nxqzzx = 1\n";
    world.write("kpis.toml", &format!("[[kpi]]\n{kpi}[[hours]]\n{UNKNOWN} = 1\n"));
    let mut known = known(&world);
    known.sort();
    let nested = "## `unknown`, `cause`";
    let mut expected = vec![
        documented(&text, "## `[[kpi]]`"),
        documented(&text, "## `[[hours]]`"),
        rows_of(&text, nested, "unknown"),
        rows_of(&text, nested, "cause"),
    ];
    expected.sort();
    assert_eq!(known, expected);
}

#[test]
fn every_header_line_of_a_model_is_documented_and_no_other() {
    let world = World::new();
    world.edit("silver/plan.sql", "-- key:", "-- xqzzx: a\n-- key:");
    let words = documented(
        &page("reference/models.md"),
        "# Models: `silver/<table>.sql` and `gold/<table>.sql`",
    );
    let words: Names = words
        .iter()
        .filter_map(|it| Some(it.split_once(':')?.0.split(' ').next()?.to_owned()))
        .collect();
    assert_eq!(words, known(&world).concat_all());
}

/// The text of all pages about the HTTP interface.
fn http_pages() -> String {
    let entries = fs::read_dir(super::folder().join("reference")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let is_http = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with("http");
    paths.filter(is_http).map(|path| fs::read_to_string(path).unwrap() + "\n").collect()
}

/// The name of a parameter, or the pattern of the names that it stands for.
fn parameter_name(parameter: &serde_json::Value) -> &serde_json::Value {
    parameter.get("x-name").unwrap_or(&parameter["name"])
}

/// A route is documented by a heading, below which a table lists its parameters, or, if it has none but
/// those of its path, by a row of a table.
#[test]
fn every_route_and_parameter_is_documented() {
    let text = http_pages();
    let document: serde_json::Value =
        serde_json::from_str(&serve::http::openapi::document().unwrap()).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let rows: Names = rows.filter(|it| it.contains(" /")).map(str::to_owned).collect();
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## `")).collect();
    let mut missing = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let route = format!("{} {path}", method.to_uppercase());
            let mut documented = match headings.iter().find(|it| quoted(it).contains(&route)) {
                Some(heading) => documented(&text, heading),
                None if rows.contains(&route) => Names::new(),
                None => {
                    missing.push(route);
                    continue;
                }
            };
            documented.extend(path.split(['{', '}']).skip(1).step_by(2).map(str::to_owned));
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let known: Names =
                parameters.map(|it| parameter_name(it).as_str().unwrap().to_owned()).collect();
            let absent = known.difference(&documented);
            missing.extend(absent.map(|name| format!("{route}: {name}")));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    for route in headings.into_iter().flat_map(quoted).chain(rows) {
        let (method, path) = route.split_once(' ').unwrap();
        let operation = &document["paths"][path][method.to_lowercase()];
        assert!(operation.is_object(), "{route} is documented and does not exist");
    }
}

#[test]
fn every_metric_and_live_event_is_documented() {
    let world = World::new();
    world.dump("plan.csv", "Id,Item,Day,Hour,Station,Quantity\n1,a,2024-01-01,8,S1,5\n");
    world.ingest().success();
    let mut command = world.command(&["serve"]);
    command.env("COCKPIT_LISTEN", "127.0.0.1:0");
    let server = Server::start(command);
    let (status, metrics) = server.get("/metrics");
    assert_eq!(status, 200);
    let families = metrics.lines().filter_map(|line| line.strip_prefix("# HELP "));
    let known: Names = families.map(|it| it.split(' ').next().unwrap().to_owned()).collect();
    let text = page("reference/metrics.md");
    let documented_names = documented(&text, "# Metrics");
    let missing: Vec<&String> = known.difference(&documented_names).collect();
    assert!(known.len() > 15 && missing.is_empty(), "{missing:?}");
    let absent = |name: &&String| {
        let row = text.lines().find(|line| line.starts_with(&format!("| `{name}` |"))).unwrap();
        !row.contains("absent before")
    };
    let more: Vec<&String> = documented_names.difference(&known).filter(absent).collect();
    assert!(more.is_empty(), "{more:?}");
    let events: Names = server.events("/api/v1/live", 4).into_iter().collect();
    let documented_events = documented(&page("reference/live.md"), "# Live stream");
    assert!(events.is_subset(&documented_events), "{events:?}");
    assert!(events.is_superset(&names(&["hello", "dict"])), "{events:?}");
}

/// All names of several lists.
trait ConcatAll {
    fn concat_all(self) -> Names;
}

impl ConcatAll for Vec<Names> {
    fn concat_all(self) -> Names {
        self.into_iter().flatten().collect()
    }
}
