use super::*;
use crate::plan::planner;
use config::folder;

/// The alarms of the reference plant with these in place of its own, checked.
async fn checked(text: &str) -> AlarmRules {
    let mut texts = folder::texts(None).unwrap();
    texts.insert(FILE.to_owned(), text.to_owned());
    let plant = folder::read(&texts).0.unwrap();
    let (steps, found) = planner::plan(&plant).await.unwrap();
    assert_eq!(found, []);
    let mut rules = plant.alarms.as_ref().clone();
    assert_eq!(rules.problems, []);
    check(&plant, &steps, &mut rules).await.unwrap();
    rules
}

/// A rule on a statement, which begins at line 9.
fn rule(sql: &str) -> String {
    format!(
        "[[rule]]\nname = \"a\"\nkind = \"sql\"\npriority = 3\nowner = \"o\"\ntext = \"t\"\n\
         response = \"r\"\nsql = \"\"\"\n{sql}\"\"\"\nabove = 1\n"
    )
}

#[track_caller]
fn assert_found(rules: &AlarmRules, line: usize, message: &str, remedy: &str) {
    let found: Vec<&Diagnostic> = rules.mistakes().collect();
    let is_found = found
        .iter()
        .any(|it| it.line == line && it.message.contains(message) && it.remedy.contains(remedy));
    assert!(is_found, "{found:?}");
    assert_eq!(rules.valid().count(), 0);
}

#[tokio::test]
async fn the_statements_of_the_reference_plant_can_be_planned() {
    let text = folder::texts(None).unwrap()[FILE].clone();
    let rules = checked(&text).await;
    assert_eq!(rules.problems, []);
    assert!(rules.valid().count() >= 10);
}

#[tokio::test]
async fn mistakes_in_sql_have_their_lines() {
    let from = "FROM gold.production_rate";
    let cases = [
        (format!("SELECT unit AS object,\n  mad AS value\n{from}"), 10, "No field named mad", ""),
        (format!("SELECT unit AS object,\n  xqzzx AS value\n{from}"), 10, "named xqzzx. Valid", ""),
        ("SELECT unit AS object,\n1 AS value\nFROM gold.rate".to_owned(), 11, "gold.rate", ""),
        ("SELECT unit AS object\nFRM x y".to_owned(), 10, "Expected", ""),
        (format!("SELECT unit, made AS value {from}"), 9, "no column `object`", "Known here: unit"),
        (
            format!("SELECT unit AS object, unit AS value {from}"),
            9,
            "for `value` has type",
            "DOUBLE",
        ),
        (
            format!("SELECT made AS object, made AS value {from}"),
            9,
            "for `object` has type",
            "STRING",
        ),
        ("DROP TABLE gold.production_rate".to_owned(), 9, "expected one SELECT", ""),
    ];
    for (sql, line, message, remedy) in cases {
        assert_found(&checked(&rule(&sql)).await, line, message, remedy);
    }
}

#[tokio::test]
async fn tables_of_meta_and_rejected_records_can_be_read() {
    let sql = "SELECT r.reason AS object, count(*) AS value FROM silver.rejected r, meta.files f \
               GROUP BY r.reason";
    assert_eq!(checked(&rule(sql)).await.problems, []);
}

#[tokio::test]
async fn a_faulty_suppression_refuses_the_rules_that_name_it() {
    let valid = rule("SELECT unit AS object, made AS value FROM gold.production_rate");
    let suppression = |sql: &str| {
        format!("suppress_while = \"s\"\n[[suppression]]\nname = \"s\"\nsql = '{sql}'\n")
    };
    let rules = checked(&format!("{valid}{}", suppression("SELECT station FROM gold.spc"))).await;
    assert_found(&rules, 14, "cannot be planned", "");
    assert_found(&rules, 1, "its suppression has a mistake", "[[suppression]]");
    let sql = "SELECT unit, made FROM gold.production_rate";
    let rules = checked(&format!("{valid}{}", suppression(sql))).await;
    assert_found(&rules, 14, "column `made` does not name a place", "plant, lane");
}
