use super::*;
use arrow::datatypes::{DataType, Field, Schema};
use chrono::{DateTime, Utc};
use config::location::{self, Purpose};
use config::settings::Limits;
use serde::Deserialize;
use std::sync::Arc;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    file: String,
    #[serde(default)]
    rejected: Option<i64>,
}

fn meta(columns: &[(&str, DataType)]) -> MetaTable {
    let field = |(name, kind): &(&str, DataType)| Field::new(*name, kind.clone(), true);
    let schema = Arc::new(Schema::new(columns.iter().map(field).collect::<Vec<_>>()));
    MetaTable { name: TableName::new("meta", "files"), description: "Files.", schema }
}

fn row(file: &str, rejected: Option<i64>) -> Row {
    Row { file: file.to_owned(), rejected }
}

/// The lake as one run of the program opens it.
fn opened(folder: &tempfile::TempDir, run: &str) -> Lake {
    let place = location::open(folder.path().to_str().unwrap(), Purpose::Write).unwrap();
    let clock = || DateTime::<Utc>::from_timestamp(1_795_441_733, 0).unwrap();
    Lake::new(place, Limits::default(), run, clock)
}

/// A table as an older version of the program wrote it, whose fingerprint is the number of columns.
async fn older(lake: &Lake, meta: &MetaTable, rows: &[Row]) {
    let definition = Definition {
        schema: meta.schema.clone(),
        description: meta.description.to_owned(),
        fingerprint: meta.schema.fields().len().to_string(),
        partition: None,
    };
    let batches = to_batch(&meta.schema, rows).unwrap();
    let table = lake.table(&meta.name).unwrap();
    let (scope, checkpoints) = (Scope::Whole, BTreeMap::new());
    delta::replace::replace(lake, &table, scope, batches, definition, checkpoints).await.unwrap();
}

#[tokio::test]
async fn rows_of_an_older_lake_stay_when_a_column_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = meta(&[("file", DataType::Utf8)]);
    let wide = meta(&[("file", DataType::Utf8), ("rejected", DataType::Int64)]);
    older(&opened(&folder, "old"), &narrow, &[row("a", None), row("b", None)]).await;
    // Read before anything is written, then written by a program with the new column.
    let lake = opened(&folder, "new");
    assert_eq!(rows::<Row>(&lake, &wide).await.unwrap().len(), 2);
    append(&lake, &wide, &[row("c", Some(3))]).await.unwrap();
    let sorted = async |lake: &Lake| {
        let mut found: Vec<Row> = rows(lake, &wide).await.unwrap();
        found.sort_by(|left, right| left.file.cmp(&right.file));
        found
    };
    let expected = [row("a", None), row("b", None), row("c", Some(3))];
    assert_eq!(sorted(&lake).await, expected);
    assert_eq!(sorted(&opened(&folder, "next")).await, expected);
    let keys = RowKeys::new(["file"], [["b".into()]]);
    replace(&lake, &wide, &[row("b", Some(1))], &keys).await.unwrap();
    assert_eq!(sorted(&lake).await, [row("a", None), row("b", Some(1)), row("c", Some(3))]);
    replace_all(&lake, &wide, &[row("z", None)]).await.unwrap();
    assert_eq!(sorted(&lake).await, [row("z", None)]);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Measured {
    failed: i64,
    #[serde(default, deserialize_with = "exact_number")]
    share: Option<f64>,
}

#[test]
fn numbers_keep_every_digit() {
    let columns = [("failed", DataType::Int64), ("share", DataType::Float64)];
    // 2,468 of 12,000 is a number whose last digit the parser of `serde_json` changes.
    let share = |failed: i64| Measured { failed, share: Some(failed as f64 / 12_000.0) };
    let mut rows: Vec<Measured> = (0..=12_000).map(share).collect();
    rows.push(Measured { failed: 0, share: None });
    let batches = to_batch(&meta(&columns).schema, &rows).unwrap();
    assert_eq!(from_batches::<Measured>(&batches).unwrap(), rows);
}
