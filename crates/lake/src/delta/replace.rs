//! Replacing the rows of a table that fulfil a condition, in one commit that rewrites only the data files
//! with such rows.

use crate::delta::stats::{FileStats, date_text, timestamp_text};
use crate::delta::table::{Change, Definition, State, Table};
use crate::lake::Lake;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::{Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use datafusion::common::ScalarValue;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// Which rows are replaced.
pub enum Scope<'a> {
    /// All of them.
    Whole,
    /// None: rows are added, and the existing ones are not read.
    Nothing,
    /// All but those for which the function is true; these stay even if the definition changes.
    Except(&'a Hit<'a>),
    /// Those for which the function is true; it is never null.
    Where(&'a Hit<'a>),
    /// Those for which the function is true, all of which have one of these values in a column. Files whose
    /// statistics exclude these values are not read.
    Among { column: &'a str, values: &'a HashSet<ScalarValue>, hit: &'a Hit<'a> },
}

/// Selects rows of a batch.
pub type Hit<'a> = dyn Fn(&RecordBatch) -> anyhow::Result<BooleanArray> + Send + Sync + 'a;

/// Replaces the rows in `scope` by `rows` and sets `checkpoints`, in one commit. If the rows are the same
/// before and after, the data files stay. Returns whether any row changed.
pub async fn replace(
    lake: &Lake,
    table: &Table,
    scope: Scope<'_>,
    rows: Vec<RecordBatch>,
    definition: Definition,
    checkpoints: BTreeMap<String, i64>,
) -> anyhow::Result<bool> {
    let replacement = Replacement::prepare(lake, table, scope, rows, definition).await?;
    replacement.commit(lake, table, checkpoints).await
}

/// A prepared replacement of rows.
pub struct Replacement {
    /// The table before, if it existed.
    pub state: Option<State>,
    /// Whether the definition of the table changes.
    pub is_redefined: bool,
    pub is_changed: bool,
    pub rows: Vec<RecordBatch>,
    definition: Definition,
    old: Touched,
}

impl Replacement {
    /// Reads the rows in `scope` and compares them with `rows`.
    pub async fn prepare(
        lake: &Lake,
        table: &Table,
        scope: Scope<'_>,
        rows: Vec<RecordBatch>,
        definition: Definition,
    ) -> anyhow::Result<Self> {
        let state = lake.state(&table.name).await?;
        let is_redefined = state
            .as_ref()
            .is_none_or(|it| it.fingerprint() != Some(definition.fingerprint.as_str()));
        let scope = match scope {
            // Rows outside these scopes stay even if the definition changes.
            Scope::Except(_) | Scope::Nothing => scope,
            _ if is_redefined => Scope::Whole,
            _ => scope,
        };
        let old = match &state {
            None => Touched::default(),
            Some(state) => touched(lake, table, state, &scope, is_redefined).await?,
        };
        let is_changed = is_redefined || !same_rows(&old.replaced, &rows, &definition.schema)?;
        Ok(Self { state, is_redefined, is_changed, rows, definition, old })
    }

    /// The rows that are replaced.
    pub fn replaced(&self) -> &[RecordBatch] {
        &self.old.replaced
    }

    /// Commits the replacement together with `checkpoints`. Returns whether any row changed.
    pub async fn commit(
        self,
        lake: &Lake,
        table: &Table,
        checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<bool> {
        let Self { state, is_redefined, is_changed, rows, definition, old } = self;
        let mut change = Change { checkpoints, ..Change::default() };
        if is_changed {
            let schema = definition.schema.clone();
            let mut writer =
                table.writer(schema.clone(), lake.sizes(), lake.names(), lake.now_ms());
            for batch in old.kept.iter().chain(&rows) {
                writer.write(&conform(batch, &schema)?).await?;
            }
            change.adds = writer.finish().await?;
            change.removes = old.files;
        }
        // Missing columns are added to the table; its rows stay.
        let is_widened = match &state {
            Some(state) => {
                let old = state.schema()?;
                definition.schema.fields().iter().any(|it| old.field_with_name(it.name()).is_err())
            }
            None => false,
        };
        if (is_changed && is_redefined) || is_widened {
            change.definition = Some(definition);
        }
        let after = table.commit(state.as_ref(), change, lake.now_ms()).await?;
        lake.remember(&table.name, after).await;
        Ok(is_changed)
    }
}

#[derive(Default)]
struct Touched {
    files: Vec<Add>,
    kept: Vec<RecordBatch>,
    replaced: Vec<RecordBatch>,
}

async fn touched(
    lake: &Lake,
    table: &Table,
    state: &State,
    scope: &Scope<'_>,
    is_redefined: bool,
) -> anyhow::Result<Touched> {
    let mut touched = Touched::default();
    if matches!(scope, Scope::Nothing) {
        return Ok(touched);
    }
    for file in state.files() {
        if let Scope::Among { column, values, .. } = scope
            && !may_hold(&file, column, values)
        {
            continue;
        }
        let mut stream = table.read(&file, None, lake.batch_rows()).await?;
        let (mut kept, mut replaced) = (Vec::new(), Vec::new());
        while let Some(batch) = stream.try_next().await? {
            let hit = match scope {
                Scope::Whole => BooleanArray::from(vec![true; batch.num_rows()]),
                Scope::Nothing => BooleanArray::from(vec![false; batch.num_rows()]),
                Scope::Except(kept) => not(&kept(&batch)?)?,
                Scope::Where(hit) | Scope::Among { hit, .. } => hit(&batch)?,
            };
            replaced.push(filter_record_batch(&batch, &hit)?);
            kept.push(filter_record_batch(&batch, &not(&hit)?)?);
        }
        // With a new definition the remaining rows are rewritten too.
        if is_redefined || replaced.iter().any(|batch| batch.num_rows() > 0) {
            touched.kept.extend(kept);
            touched.replaced.extend(replaced);
            touched.files.push(file);
        }
    }
    Ok(touched)
}

/// Whether a file may have rows with one of the values, by the bounds of the column in its statistics. Only
/// timestamps and dates are compared.
fn may_hold(file: &Add, column: &str, values: &HashSet<ScalarValue>) -> bool {
    let stats = FileStats::from_add(file);
    let Some((least, greatest)) = stats.text_bounds(column) else { return true };
    values.iter().any(|value| match bound_text(value) {
        Some(value) => least <= value.as_str() && value.as_str() <= greatest,
        None => true,
    })
}

/// A timestamp or a date as statistics have it.
fn bound_text(value: &ScalarValue) -> Option<String> {
    match value {
        ScalarValue::TimestampMicrosecond(Some(us), _) => timestamp_text(*us),
        ScalarValue::Date32(Some(days)) => date_text(*days),
        _ => None,
    }
}

/// Whether two sets of rows are equal in the columns of `schema`, in any order, with the same number of
/// duplicates. A column that files of an older definition lack is null in their rows.
pub fn same_rows(
    left: &[RecordBatch],
    right: &[RecordBatch],
    schema: &SchemaRef,
) -> anyhow::Result<bool> {
    let count = |batches: &[RecordBatch]| batches.iter().map(RecordBatch::num_rows).sum::<usize>();
    if count(left) != count(right) {
        return Ok(false);
    }
    let fields = schema.fields().iter().map(|field| SortField::new(field.data_type().clone()));
    let converter = RowConverter::new(fields.collect())?;
    let mut balance: HashMap<Vec<u8>, i64> = HashMap::new();
    for (batches, step) in [(left, 1), (right, -1)] {
        for batch in batches {
            let batch = conform(batch, schema)?;
            let rows = converter.convert_columns(batch.columns())?;
            for row in &rows {
                *balance.entry(row.as_ref().to_vec()).or_default() += step;
            }
        }
    }
    Ok(balance.values().all(|balance| *balance == 0))
}

pub use batches::columns::conform;

/// `schema` in the types that every reader of the lake supports, all columns nullable.
pub fn readable(schema: &Schema) -> SchemaRef {
    use arrow::datatypes::{DataType, Field};
    let plain = |kind: &DataType| match kind {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => DataType::Utf8,
        DataType::UInt64 | DataType::UInt32 => DataType::Int64,
        DataType::UInt16 | DataType::UInt8 | DataType::Int16 | DataType::Int8 => DataType::Int32,
        DataType::Float32 => DataType::Float64,
        DataType::Timestamp(_, _) => crate::bronze::utc(),
        DataType::Decimal32(digits, scale) | DataType::Decimal64(digits, scale) => {
            DataType::Decimal128(*digits, *scale)
        }
        other => other.clone(),
    };
    let field = |field: &Arc<Field>| Field::new(field.name(), plain(field.data_type()), true);
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}
