//! `silver.rejected`: records that did not reach their table, each with its reason.

use super::super::Lake;
use super::super::bronze::Pointer;
use super::super::replace::{Scope, replace};
use super::super::retention::Ranges;
use super::super::stream;
use super::super::stream::land::{Offsets, is_behind};
use super::super::table::Definition;
use arrow::array::{
    ArrayRef, AsArray as _, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray,
    UInt32Array, new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use batches::typed::Rejection;
use config::model::TableName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// Columns taken over from bronze.
const POINTERS: [(&str, Pointer); 13] = [
    ("_source", Pointer::Text),
    ("_file", Pointer::Text),
    ("_file_sha256", Pointer::Text),
    ("_dump", Pointer::Long),
    ("_record", Pointer::Long),
    ("_byte_from", Pointer::Long),
    ("_byte_to", Pointer::Long),
    ("_row_group", Pointer::Int),
    ("_row", Pointer::Long),
    ("_topic", Pointer::Text),
    ("_partition", Pointer::Int),
    ("_offset", Pointer::Long),
    (stream::ELEMENT.0, stream::ELEMENT.1),
];

/// Name of the table.
pub fn name() -> TableName {
    TableName::new("silver", "rejected")
}

/// Schema of the table.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(made);
    SCHEMA.clone()
}

fn made() -> SchemaRef {
    let texts = ["table_name", "column_name", "reason", "raw", "rule"];
    let texts = texts.map(|name| Field::new(name, DataType::Utf8, true));
    let pointers = POINTERS.map(|(name, kind)| Field::new(name, kind.data_type(), true));
    let last = [
        Field::new("_rejected_at", super::super::bronze::utc(), true),
        Field::new("_run", DataType::Utf8, true),
    ];
    Arc::new(Schema::new(texts.into_iter().chain(pointers).chain(last).collect::<Vec<_>>()))
}

/// The rejected rows of one table, and the dumps they are of.
pub struct Rejects<'a> {
    lake: &'a Lake,
    table: TableName,
    batches: Vec<RecordBatch>,
    dumps: BTreeSet<(String, i64)>,
}

impl<'a> Rejects<'a> {
    pub fn new(lake: &'a Lake, table: &TableName) -> Self {
        Self { lake, table: table.clone(), batches: Vec::new(), dumps: BTreeSet::new() }
    }

    /// Notes that a dump is dealt with here, whether or not any of its records is rejected.
    pub fn dump(&mut self, file: &str, number: i64) {
        self.dumps.insert((file.to_owned(), number));
    }

    /// Takes the rejected rows of a bronze batch.
    pub fn push(&mut self, bronze: &RecordBatch, reasons: &[Rejection]) -> anyhow::Result<()> {
        if reasons.is_empty() {
            return Ok(());
        }
        self.batches.push(rows(self.lake, &self.table, bronze, reasons)?);
        Ok(())
    }

    /// Puts the rejects into the table in place of those of the same dumps, or of all dumps if the
    /// table is made anew. Doing it again changes nothing.
    pub async fn settle(self, is_everything: bool) -> anyhow::Result<()> {
        let _turn = self.lake.rejected_turn.lock().await;
        let table = self.lake.table(&name())?;
        let hit = |batch: &RecordBatch| -> anyhow::Result<BooleanArray> {
            let text = |column: &str| -> anyhow::Result<StringArray> {
                let column = batch.column(batch.schema().index_of(column)?);
                Ok(column.as_string::<i32>().clone())
            };
            let (tables, files) = (text("table_name")?, text("_file")?);
            let numbers = batch.column(batch.schema().index_of("_dump")?);
            let numbers = numbers.as_primitive::<Int64Type>();
            let is_hit = |row: usize| {
                let dump = (files.value(row).to_owned(), numbers.value(row));
                tables.value(row) == self.table.name
                    && (is_everything || self.dumps.contains(&dump))
            };
            Ok((0..batch.num_rows()).map(|row| Some(is_hit(row))).collect())
        };
        let scope = Scope::Where(&hit);
        replace(self.lake, &table, scope, self.batches, definition(), BTreeMap::new()).await?;
        Ok(())
    }
}

/// The rows of the table for rejected rows of a bronze batch of any kind.
pub fn rows(
    lake: &Lake,
    table: &TableName,
    bronze: &RecordBatch,
    reasons: &[Rejection],
) -> anyhow::Result<RecordBatch> {
    let rows = reasons.len();
    if rows == 0 {
        return Ok(RecordBatch::new_empty(schema()));
    }
    let text = |value: &dyn Fn(&Rejection) -> Option<&str>| -> ArrayRef {
        Arc::new(reasons.iter().map(value).collect::<StringArray>())
    };
    let mut columns = vec![
        Arc::new(StringArray::from(vec![table.name.as_str(); rows])),
        text(&|reason| Some(reason.column.as_ref()).filter(|name| !name.is_empty())),
        text(&|reason| Some(reason.reason.as_ref())),
        text(&|reason| reason.raw.as_deref()),
        text(&|reason| reason.rule.as_deref()),
    ];
    let at = reasons.iter().map(|reason| u32::try_from(reason.row));
    let at = UInt32Array::from(at.collect::<Result<Vec<_>, _>>()?);
    for (name, kind) in POINTERS {
        columns.push(match bronze.column_by_name(name) {
            Some(column) => take(column, &at, None)?,
            None => new_null_array(&kind.data_type(), rows),
        });
    }
    let now = vec![lake.now().timestamp_micros(); rows];
    columns.push(Arc::new(TimestampMicrosecondArray::from(now).with_timezone("UTC")));
    columns.push(Arc::new(StringArray::from(vec![lake.run(); rows])));
    Ok(RecordBatch::try_new(schema(), columns)?)
}

/// The table's definition.
pub fn definition() -> Definition {
    Definition {
        schema: schema(),
        description: "Records that did not reach their table, each with its reason.".to_owned(),
        fingerprint: "rejected".to_owned(),
        partition: None,
    }
}

/// Puts `batches` in place of the rejected messages of one table up to these offsets. What landed
/// behind them stays, and so do all but those `told` anew, if these are named.
pub async fn replace_messages(
    lake: &Lake,
    of: &TableName,
    batches: Vec<RecordBatch>,
    offsets: &Offsets,
    told: Option<&Ranges>,
) -> anyhow::Result<()> {
    let _turn = lake.rejected_turn.lock().await;
    let table = lake.table(&name())?;
    let hit = |batch: &RecordBatch| -> anyhow::Result<BooleanArray> {
        let column = |name| anyhow::Ok(batch.column(batch.schema().index_of(name)?).clone());
        let tables = column("table_name")?;
        let tables = tables.as_string::<i32>();
        let is_behind = is_behind(batch, offsets)?;
        let is_told = told.map(|told| told.hold(batch)).transpose()?;
        let is_hit = |row: usize| {
            tables.value(row) == of.name
                && !is_behind.value(row)
                && is_told.as_ref().is_none_or(|it| it.value(row))
        };
        Ok((0..batch.num_rows()).map(|row| Some(is_hit(row))).collect())
    };
    // Whoever takes over these partitions must not reject the same messages again.
    let state = lake.state(&name()).await?;
    let mut reached = stream::land::reached(&table, state.as_ref(), offsets.keys()).await?;
    reached.retain(|partition, reached| offsets.get(partition).is_some_and(|it| it <= reached));
    let mut further = offsets.clone();
    further.retain(|partition, _| !reached.contains_key(partition));
    let (scope, checkpoints) = (Scope::Where(&hit), stream::land::checkpoints(&further));
    replace(lake, &table, scope, batches, definition(), checkpoints).await?;
    Ok(())
}
