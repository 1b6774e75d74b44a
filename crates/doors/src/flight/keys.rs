//! Primary keys of a table.

use arrow::array::{ArrayRef, Int32Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::sql::CommandGetPrimaryKeys;
use serve::TableInfo;
use std::sync::Arc;

/// The columns of the result, as the protocol defines them.
pub fn schema() -> SchemaRef {
    let text = |name: &str, is_nullable| Field::new(name, DataType::Utf8, is_nullable);
    Arc::new(Schema::new(vec![
        text("catalog_name", true),
        text("db_schema_name", true),
        text("table_name", false),
        text("column_name", false),
        text("key_name", true),
        Field::new("key_sequence", DataType::Int32, false),
    ]))
}

/// The columns of the key of the table that the command names.
pub fn primary_keys(
    command: &CommandGetPrimaryKeys,
    tables: &[TableInfo],
) -> Result<RecordBatch, ArrowError> {
    let is_named = |table: &&TableInfo| {
        table.table == command.table
            && command.db_schema.as_ref().is_none_or(|schema| *schema == table.schema)
    };
    let found = tables.iter().filter(is_named);
    let parts: Vec<(&TableInfo, &String, i32)> = found
        .flat_map(|table| table.key.iter().zip(1..).map(move |(name, at)| (table, name, at)))
        .collect();
    let texts = |text: &dyn Fn(&(&TableInfo, &String, i32)) -> String| -> ArrayRef {
        Arc::new(parts.iter().map(|part| Some(text(part))).collect::<StringArray>())
    };
    let columns = vec![
        texts(&|_| lake::session::CATALOG.to_owned()),
        texts(&|part| part.0.schema.clone()),
        texts(&|part| part.0.table.clone()),
        texts(&|part| part.1.clone()),
        texts(&|part| format!("{}_pkey", part.0.table)),
        Arc::new(parts.iter().map(|part| part.2).collect::<Int32Array>()),
    ];
    RecordBatch::try_new(schema(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_table_that_is_named_for_is_returned_in_its_order() {
        let table = |schema: &str, key: &[&str]| TableInfo {
            schema: schema.into(),
            table: "t".into(),
            key: key.iter().map(ToString::to_string).collect(),
            ..TableInfo::default()
        };
        let tables = [table("gold", &["b", "a"]), table("silver", &["c"])];
        let command = CommandGetPrimaryKeys {
            catalog: None,
            db_schema: Some("gold".into()),
            table: "t".into(),
        };
        let found = primary_keys(&command, &tables).unwrap();
        let names = found.column_by_name("column_name").unwrap();
        assert_eq!(names.as_ref(), &StringArray::from(vec!["b", "a"]) as &dyn arrow::array::Array);
    }
}
