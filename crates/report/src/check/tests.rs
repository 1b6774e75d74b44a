//! Mistakes of reports that a check finds.

use super::*;
use config::folder;
use std::collections::BTreeMap;

const DEFINITION_TEXT: &str = "title = \"Hours\"
[parameters.day]
kind = \"day\"
default = \"yesterday\"
[[query]]
name = \"hours\"
sql = \"\"\"
select
  day_local,
  sum(planned) as planned
from gold.production_hourly
where day_local = :day
group by day_local
\"\"\"
[query.columns.planned]
unit = \"boards\"
[[chart]]
name = \"bars\"
kind = \"bars\"
query = \"hours\"
x = \"day_local\"
y = \"planned\"
";
const TEMPLATE: &str =
    "#let data = json(\"data.json\")\n#for row in data.queries.hours.rows [\n  #row.planned\n]\n";

/// The mistakes of the reference plant with a report.
async fn mistakes(definition: &str, template: &str) -> Vec<String> {
    let mut texts = folder::texts(None).unwrap();
    texts.retain(|path, _| !path.starts_with("reports/"));
    texts.insert("reports/hours/report.toml".into(), definition.into());
    texts.insert("reports/hours/report.typ".into(), template.into());
    let (plant, found) = folder::read(&texts);
    assert_eq!(found, []);
    let plant = plant.unwrap();
    let (steps, found) = lake::plan::planner::plan(&plant).await.unwrap();
    assert_eq!(found, []);
    let found = check(&plant, &steps).await.unwrap();
    found.into_iter().map(|it| format!("{}:{}: {}", it.file, it.line, it.message)).collect()
}

async fn check_mistake(from: &str, to: &str, expected: &str) {
    let text = DEFINITION_TEXT.replacen(from, to, 1);
    let template = TEMPLATE.replacen(from, to, 1);
    let found = mistakes(&text, &template).await;
    assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
}

#[tokio::test]
async fn a_valid_report_has_no_mistakes() {
    assert_eq!(mistakes(DEFINITION_TEXT, TEMPLATE).await, Vec::<String>::new());
}

#[tokio::test]
async fn mistakes_have_file_and_line() {
    let toml = "reports/hours/report.toml";
    check_mistake(
        "sum(planned)",
        "sum(planed)",
        &format!("{toml}:10: the statement cannot be planned"),
    )
    .await;
    check_mistake("y = \"planned\"", "y = \"plan\"", &format!("{toml}:1: ")).await;
    check_mistake("columns.planned", "columns.plan", "the query `hours` has no column `plan`")
        .await;
    check_mistake("#row.planned", "#row.plan", "reports/hours/report.typ:3: ").await;
    check_mistake("gold.production_hourly", "gold.production", "cannot be planned").await;
}

#[tokio::test]
async fn the_reports_of_the_reference_plant_have_no_mistakes() {
    let texts: BTreeMap<String, String> = folder::texts(None).unwrap();
    let plant = folder::read(&texts).0.unwrap();
    let (steps, _) = lake::plan::planner::plan(&plant).await.unwrap();
    let found = check(&plant, &steps).await.unwrap();
    assert_eq!(config::listed(&found), "");
}
