//! Replacing the rows of a table that fulfil a condition, in one commit that rewrites only the data files
//! with such rows.

use crate::delta::staged::{RowDigest, StagedRows, write_all};
use crate::delta::stats::{FileStats, date_text, timestamp_text};
use crate::delta::table::{Change, Definition, State, Table};
use crate::error::is_commit_conflict;
use crate::lake::Lake;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::{filter_record_batch, not};
use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::ScalarValue;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Which rows are replaced.
#[derive(Clone, Copy)]
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
    let mut begun = Begun::new(lake, table, definition).await?;
    for batch in &rows {
        Box::pin(begun.rows.push(batch)).await?;
    }
    let compared = Box::pin(begun.compare(scope)).await?;
    Box::pin(compared.commit(checkpoints)).await
}

/// A replacement whose new rows are being collected.
pub struct Begun<'a> {
    lake: &'a Lake,
    table: &'a Table,
    state: Option<State>,
    is_redefined: bool,
    definition: Definition,
    holds_rows: bool,
    /// The rows of the table after the replacement, without those that stay.
    pub rows: StagedRows<'a>,
}

impl<'a> Begun<'a> {
    /// Begins to replace rows of a table.
    pub async fn new(
        lake: &'a Lake,
        table: &'a Table,
        definition: Definition,
    ) -> anyhow::Result<Self> {
        let rows = StagedRows::new(lake, table, definition.schema.clone());
        let mut begun = Self::with_rows(lake, table, definition, rows).await?;
        if !begun.is_redefined {
            begun.rows = begun.rows.with_digest()?;
        }
        Ok(begun)
    }

    /// Begins to replace rows of a table by rows that are collected already, with a digest unless they count as
    /// changed in any case.
    pub async fn with_rows(
        lake: &'a Lake,
        table: &'a Table,
        definition: Definition,
        rows: StagedRows<'a>,
    ) -> anyhow::Result<Self> {
        let state = lake.state(&table.name).await?;
        let is_redefined = state
            .as_ref()
            .is_none_or(|it| it.fingerprint() != Some(definition.fingerprint.as_str()));
        Ok(Self { lake, table, state, is_redefined, definition, holds_rows: false, rows })
    }

    /// Keeps the rows before and after in memory, for callers that compare them one by one.
    pub fn holding_rows(mut self) -> Self {
        self.holds_rows = true;
        self.rows = self.rows.in_memory();
        self
    }

    /// Reads the rows in `scope` and compares them with the new ones.
    pub async fn compare(self, scope: Scope<'_>) -> anyhow::Result<Replacement<'a>> {
        let Self { lake, table, state, is_redefined, definition, holds_rows, rows } = self;
        let scope = match scope {
            // Rows outside these scopes stay even if the definition changes.
            Scope::Except(_) | Scope::Nothing => scope,
            _ if is_redefined => Scope::Whole,
            _ => scope,
        };
        let mut old = Touched {
            files: Vec::new(),
            kept: StagedRows::new(lake, table, definition.schema.clone()),
            replaced: Replaced::new(&definition.schema, is_redefined, holds_rows)?,
        };
        if let Some(state) = &state {
            old.read(lake, table, state, &scope, is_redefined).await?;
        }
        let is_changed = match (&old.replaced.digest, rows.digest()) {
            (Some(before), Some(after)) => !before.equals(after),
            _ => is_redefined,
        };
        Ok(Replacement { lake, table, state, is_redefined, is_changed, rows, definition, old })
    }
}

/// A prepared replacement of rows.
pub struct Replacement<'a> {
    lake: &'a Lake,
    table: &'a Table,
    /// The table before, if it existed.
    pub state: Option<State>,
    /// Whether the definition of the table changes.
    pub is_redefined: bool,
    pub is_changed: bool,
    rows: StagedRows<'a>,
    definition: Definition,
    old: Touched<'a>,
}

impl Replacement<'_> {
    /// The new rows, after [`Begun::holding_rows`].
    pub fn rows(&self) -> &[RecordBatch] {
        self.rows.batches()
    }

    /// The rows that are replaced, after [`Begun::holding_rows`].
    pub fn replaced(&self) -> &[RecordBatch] {
        &self.old.replaced.held
    }

    /// Commits the replacement together with `checkpoints`. Returns whether any row changed.
    pub async fn commit(self, checkpoints: BTreeMap<String, i64>) -> anyhow::Result<bool> {
        let Self { lake, table, state, is_redefined, is_changed, mut rows, definition, old } = self;
        let Touched { files, mut kept, .. } = old;
        let mut change = Change { checkpoints, ..Change::default() };
        if is_changed {
            change.adds = write_all([kept, rows]).await?;
            change.removes = files;
        } else {
            kept.clear().await?;
            rows.clear().await?;
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
        let written = change.adds.clone();
        let after = match table.commit(state.as_ref(), change, lake.now_ms()).await {
            Err(error) if is_commit_conflict(&error) => {
                table.discard(&written).await?;
                return Err(error);
            }
            done => done?,
        };
        lake.remember(&table.name, after).await;
        Ok(is_changed)
    }
}

/// The data files that lose rows.
struct Touched<'a> {
    files: Vec<Add>,
    /// Their other rows.
    kept: StagedRows<'a>,
    replaced: Replaced,
}

/// The rows that are replaced.
struct Replaced {
    schema: SchemaRef,
    /// `None` if the rows count as changed in any case.
    digest: Option<RowDigest>,
    holds_rows: bool,
    held: Vec<RecordBatch>,
}

impl Replaced {
    fn new(schema: &SchemaRef, is_redefined: bool, holds_rows: bool) -> anyhow::Result<Self> {
        let digest = if is_redefined { None } else { Some(RowDigest::new(schema)?) };
        Ok(Self { schema: schema.clone(), digest, holds_rows, held: Vec::new() })
    }

    /// Adds rows. A column that files of an older definition lack is null in them.
    fn push(&mut self, batch: RecordBatch) -> anyhow::Result<()> {
        if let Some(digest) = &mut self.digest {
            digest.add(&conform(&batch, &self.schema)?)?;
        }
        if self.holds_rows {
            self.held.push(batch);
        }
        Ok(())
    }
}

impl Touched<'_> {
    /// Reads the files of a table that may have rows in `scope`.
    async fn read(
        &mut self,
        lake: &Lake,
        table: &Table,
        state: &State,
        scope: &Scope<'_>,
        is_redefined: bool,
    ) -> anyhow::Result<()> {
        let files = if matches!(scope, Scope::Nothing) { Vec::new() } else { state.files() };
        for file in files {
            if let Scope::Among { column, values, .. } = scope
                && !may_hold(&file, column, values)
            {
                continue;
            }
            // With a new definition the remaining rows are rewritten too.
            if is_redefined || has_row(lake, table, &file, scope).await? {
                self.read_file(lake, table, &file, scope).await?;
                self.files.push(file);
            }
        }
        Ok(())
    }

    async fn read_file(
        &mut self,
        lake: &Lake,
        table: &Table,
        file: &Add,
        scope: &Scope<'_>,
    ) -> anyhow::Result<()> {
        let mut stream = table.read(file, None, lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let hit = hits(scope, &batch)?;
            self.replaced.push(filter_record_batch(&batch, &hit)?)?;
            self.kept.push(&filter_record_batch(&batch, &not(&hit)?)?).await?;
        }
        Ok(())
    }
}
/// The rows of a batch in a scope.
fn hits(scope: &Scope<'_>, batch: &RecordBatch) -> anyhow::Result<BooleanArray> {
    Ok(match scope {
        Scope::Whole => BooleanArray::from(vec![true; batch.num_rows()]),
        Scope::Nothing => BooleanArray::from(vec![false; batch.num_rows()]),
        Scope::Except(kept) => not(&kept(batch)?)?,
        Scope::Where(hit) | Scope::Among { hit, .. } => hit(batch)?,
    })
}

/// Whether a file has a row in a scope. It is read up to the first one.
async fn has_row(
    lake: &Lake,
    table: &Table,
    file: &Add,
    scope: &Scope<'_>,
) -> anyhow::Result<bool> {
    let of_values = match scope {
        Scope::Whole => return Ok(true),
        Scope::Among { column, .. } => Some([*column]),
        _ => None,
    };
    let columns = of_values.as_ref().map(<[&str; 1]>::as_slice);
    let mut stream = table.read(file, columns, lake.batch_rows()).await?;
    while let Some(batch) = stream.try_next().await? {
        if hits(scope, &batch)?.true_count() > 0 {
            return Ok(true);
        }
    }
    Ok(false)
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
