//! Changes of published figures are recorded.

use super::site::{Clock, Delivery, Site};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The restatements of a table: row, column, before, after, cause.
fn restatements(site: &Site, table: &str) -> Vec<Value> {
    site.rows(&format!(
        "SELECT row_key, column_name, before, after, cause_file FROM meta.restatements \
         WHERE table_name = '{table}' ORDER BY row_key, column_name"
    ))
}

#[test]
fn a_dump_that_changes_five_boards_restates_exactly_their_figures() {
    let site = Site::new(5, "none", Clock::Steady, Delivery::Daily);
    site.ingest();
    assert_eq!(restatements(&site, "gold.oee_shift"), Vec::<Value>::new());
    // Five good boards of one shift and item.
    let boards = site.rows(
        "SELECT result_id, unit, shift, item, production_day, ideal_cycle_ms FROM silver.board_made \
         WHERE verdict = 'good' AND shift = 'G' AND unit = 'TS-0001' AND item IS NOT NULL \
         ORDER BY production_day, item, result_id LIMIT 5",
    );
    assert_eq!(boards.len(), 5);
    assert!(boards.iter().all(|it| (&it["item"], &it["production_day"])
        == (&boards[0]["item"], &boards[0]["production_day"])));
    let (day, item) =
        (boards[0]["production_day"].as_str().unwrap(), boards[0]["item"].as_str().unwrap());
    let ids: Vec<i64> = boards.iter().map(|it| it["result_id"].as_i64().unwrap()).collect();
    let sums = |table: &str, filter: &str| -> Value {
        site.rows(&format!("SELECT * FROM gold.{table} WHERE {filter}")).remove(0)
    };
    let shift = format!("production_day = '{day}' AND shift = 'G' AND unit = 'TS-0001'");
    let daily = format!("production_day = '{day}' AND item = '{item}' AND unit = 'TS-0001'");
    let (old_shift, old_day) = (sums("oee_shift", &shift), sums("quality_daily", &daily));

    let file = format!("OperationsManagement/Quality/{day}/Quality.json");
    let mut looks: Vec<Value> = serde_json::from_slice(&site.dump(&file)).unwrap();
    let hit = looks.iter_mut().filter(|it| ids.contains(&it["inspection"].as_i64().unwrap()));
    assert_eq!(hit.map(|it| it["verdict"] = json!("scrap")).count(), 5);
    site.write(&file, &serde_json::to_vec(&looks).unwrap());
    site.ingest();

    let number = |of: &Value, name: &str| of[name].as_i64().unwrap();
    let cause = format!("data/{file}");
    let row = |key: &str, column: &str, before: i64, after: i64| {
        json!({"row_key": key, "column_name": column, "before": before.to_string(),
               "after": after.to_string(), "cause_file": cause})
    };
    let (gq, sq) = (number(&old_shift, "gq"), number(&old_shift, "sq"));
    let ideal = number(&old_shift, "ideal_gq_ms");
    let lost = 5 * number(&boards[0], "ideal_cycle_ms");
    let key = format!("production_day={day}, shift=G, unit=TS-0001");
    let expected = vec![
        row(&key, "gq", gq, gq - 5),
        row(&key, "ideal_gq_ms", ideal, ideal - lost),
        row(&key, "sq", sq, sq + 5),
    ];
    assert_eq!(restatements(&site, "gold.oee_shift"), expected);
    let (gq, sq) = (number(&old_day, "gq"), number(&old_day, "sq"));
    let key = format!("production_day={day}, unit=TS-0001, item={item}");
    let expected = vec![row(&key, "gq", gq, gq - 5), row(&key, "sq", sq, sq + 5)];
    assert_eq!(restatements(&site, "gold.quality_daily"), expected);
    assert_eq!(restatements(&site, "gold.production_daily"), Vec::<Value>::new());

    // All simulated days are over, so that every figure that was not restated is certified.
    let expected = BTreeSet::from([(day.to_owned(), "G".to_owned(), "TS-0001".to_owned())]);
    assert_eq!(with_status(&site, "restated"), expected);
    let all = site.rows("SELECT DISTINCT production_day, shift, unit FROM gold.oee_shift");
    assert_eq!(with_status(&site, "certified").len(), all.len() - 1);
}

/// Day, shift and unit of the KPIs with this status.
fn with_status(site: &Site, status: &str) -> BTreeSet<(String, String, String)> {
    let kpis = site.kpis();
    let kpis = kpis.iter().filter(|it| it["standing"] == status && it["kpi"] == "oee");
    let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
    kpis.map(|it| (text(&it["production_day"]), text(&it["shift"]), text(&it["unit"]))).collect()
}
