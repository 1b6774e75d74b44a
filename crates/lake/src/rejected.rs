//! `silver.rejected`: records that are not in their table, each with its reason.

use crate::bronze::Pointer;
use crate::columns::{KeyValue, RowKeys, text};
use crate::delta::replace::{Begun, Scope, replace};
use crate::delta::staged::StagedRows;
use crate::delta::table::Definition;
use crate::lake::Lake;
use crate::offsets::{self, Offsets, Ranges, are_after};
use crate::stream;
use arrow::array::{
    ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
    new_null_array,
};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use batches::typed::Rejection;
use config::model::TableName;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

/// Columns that are copied from bronze.
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

/// The name of the table.
pub fn name() -> TableName {
    TableName::new("silver", "rejected")
}

/// The schema of the table.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(build_schema);
    SCHEMA.clone()
}

fn build_schema() -> SchemaRef {
    let texts = ["table_name", "column_name", "reason", "raw", "rule"];
    let texts = texts.map(|name| Field::new(name, DataType::Utf8, true));
    let pointers = POINTERS.map(|(name, kind)| Field::new(name, kind.data_type(), true));
    let last = [
        Field::new("_rejected_at", crate::bronze::utc(), true),
        Field::new("_run", DataType::Utf8, true),
    ];
    Arc::new(Schema::new(texts.into_iter().chain(pointers).chain(last).collect::<Vec<_>>()))
}

/// The rejected rows of one table, and the dumps they belong to. Many rows wait in data files, so that memory does not
/// grow with the dumps.
pub struct Rejects<'a> {
    lake: &'a Lake,
    table: TableName,
    rows: StagedRows<'a>,
    dumps: BTreeSet<(String, i64)>,
}

impl<'a> Rejects<'a> {
    /// No rows of `table` yet.
    ///
    /// # Errors
    /// Fails if `silver.rejected` is at no valid place.
    pub fn new(lake: &'a Lake, table: &TableName) -> anyhow::Result<Self> {
        let rows = StagedRows::new(lake, &lake.table(&name())?, schema()).with_digest()?;
        Ok(Self { lake, table: table.clone(), rows, dumps: BTreeSet::new() })
    }

    /// Adds a dump whose rejected rows are replaced, even if it has none now.
    pub fn add_dump(&mut self, file: &str, number: i64) {
        self.dumps.insert((file.to_owned(), number));
    }

    /// Adds the rejected rows of a bronze batch.
    pub async fn push(
        &mut self,
        bronze: &RecordBatch,
        reasons: &[Rejection],
    ) -> anyhow::Result<()> {
        if reasons.is_empty() {
            return Ok(());
        }
        self.rows.push(&rows(self.lake, &self.table, bronze, reasons)?).await
    }

    /// Deletes the rows that were written.
    pub async fn discard(mut self) -> anyhow::Result<()> {
        self.rows.clear().await
    }

    /// Replaces the rejected rows of the same dumps, or of all dumps if `is_everything`. It is idempotent.
    pub async fn replace(self, is_everything: bool) -> anyhow::Result<()> {
        let _turn = self.lake.rejected_turn.lock().await;
        let table = self.lake.table(&name())?;
        let name = KeyValue::Text(&self.table.name);
        let dumps = self.dumps.iter();
        let dumps = dumps.map(|(file, number)| [name, file.as_str().into(), (*number).into()]);
        let dumps = RowKeys::new(["table_name", "_file", "_dump"], dumps);
        let all = RowKeys::new(["table_name"], [[name]]);
        let hit = |batch: &RecordBatch| match is_everything {
            true => all.matches(batch),
            false => dumps.matches(batch),
        };
        let begun = Begun::with_rows(self.lake, &table, definition(), self.rows).await?;
        let compared = Box::pin(begun.compare(Scope::Where(&hit))).await?;
        Box::pin(compared.commit(BTreeMap::new())).await?;
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
    let texts = |value: &dyn Fn(&Rejection) -> Option<&str>| -> ArrayRef {
        Arc::new(reasons.iter().map(value).collect::<StringArray>())
    };
    let mut columns = vec![
        Arc::new(StringArray::from(vec![table.name.as_str(); rows])),
        texts(&|reason| Some(reason.column.as_ref()).filter(|name| !name.is_empty())),
        texts(&|reason| Some(reason.reason.as_ref())),
        texts(&|reason| reason.raw.as_deref()),
        texts(&|reason| reason.rule.as_deref()),
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
        description: "Records that are not in their table, each with its reason.".to_owned(),
        fingerprint: "rejected".to_owned(),
        partition: None,
    }
}

/// Replaces the rejected messages of one table up to these offsets by `batches`. Later messages stay, and
/// so do messages that are not in `rebuilt`, if it is given.
pub async fn replace_messages(
    lake: &Lake,
    name: &TableName,
    batches: Vec<RecordBatch>,
    offsets: &Offsets,
    rebuilt: Option<&Ranges>,
) -> anyhow::Result<()> {
    let _turn = lake.rejected_turn.lock().await;
    let table = lake.table(&self::name())?;
    let hit = |batch: &RecordBatch| -> anyhow::Result<BooleanArray> {
        let tables = text(batch, "table_name")?;
        let is_later = are_after(batch, offsets)?;
        let is_rebuilt = rebuilt.map(|rebuilt| rebuilt.contain(batch)).transpose()?;
        let is_hit = |row: usize| {
            tables.value(row) == name.name
                && !is_later.value(row)
                && is_rebuilt.as_ref().is_none_or(|it| it.value(row))
        };
        Ok((0..batch.num_rows()).map(|row| Some(is_hit(row))).collect())
    };
    // The next process that takes over these partitions must not reject the same messages again.
    let state = lake.state(&self::name()).await?;
    let committed = offsets::committed(&table, state.as_ref(), offsets.keys()).await?;
    let mut further = offsets.clone();
    further.retain(|partition, offset| committed.get(partition).is_none_or(|it| *it < *offset));
    let (scope, checkpoints) = (Scope::Where(&hit), offsets::checkpoints(&further));
    replace(lake, &table, scope, batches, definition(), checkpoints).await?;
    Ok(())
}
