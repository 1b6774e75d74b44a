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
    replace(lake, &table, Scope::Whole, batches, definition, BTreeMap::new()).await.unwrap();
}

#[tokio::test]
async fn rows_of_an_older_lake_stay_when_the_table_gets_another_column() {
    let folder = tempfile::tempdir().unwrap();
    let narrow = meta(&[("file", DataType::Utf8)]);
    let wide = meta(&[("file", DataType::Utf8), ("rejected", DataType::Int64)]);
    older(&opened(&folder, "old"), &narrow, &[row("a", None), row("b", None)]).await;
    // Read before anything is written, then written by a program that knows the new column.
    let lake = opened(&folder, "new");
    assert_eq!(lake.meta_rows::<Row>(&wide).await.unwrap().len(), 2);
    lake.meta_replace(&wide, &[row("c", Some(3))], &none).await.unwrap();
    let rows = async |lake: &Lake| {
        let mut rows: Vec<Row> = lake.meta_rows(&wide).await.unwrap();
        rows.sort_by(|left, right| left.file.cmp(&right.file));
        rows
    };
    let expected = [row("a", None), row("b", None), row("c", Some(3))];
    assert_eq!(rows(&lake).await, expected);
    assert_eq!(rows(&opened(&folder, "next")).await, expected);
    let is_b = |batch: &RecordBatch| {
        use arrow::array::AsArray as _;
        let files = batch.column(0).as_string::<i32>().iter();
        Ok(files.map(|file| Some(file == Some("b"))).collect())
    };
    lake.meta_replace(&wide, &[row("b", Some(1))], &is_b).await.unwrap();
    assert_eq!(rows(&lake).await, [row("a", None), row("b", Some(1)), row("c", Some(3))]);
    lake.meta_replace(&wide, &[row("z", None)], &all).await.unwrap();
    assert_eq!(rows(&lake).await, [row("z", None)]);
}
