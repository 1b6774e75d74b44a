//! Landing: every record of a dump is stored as received. The rows contain the dump they belong to, so that
//! a commit of rows also records that the dump has landed.

pub mod dump_order;
pub mod landed;
mod pulled;

use crate::delta::table::{Change, Definition, State, Table};
use crate::delta::write::DataWriter;
use crate::error::is_commit_conflict;
use crate::lake::Lake;
use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimestampMicrosecondType};
use batches::batch::Batch;
use batches::columns::repeated_text;
use chrono::{DateTime, Utc};
use config::model::TableName;
use deltalake::kernel::Add;
use plant::contract::Contract;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Columns that every bronze table has after those of its contract: name, type, description.
pub const POINTERS: [(&str, Pointer, &str); 17] = [
    (
        "_rest",
        Pointer::Text,
        "Values without a column in the contract, or the text of a faulty record.",
    ),
    ("_fault", Pointer::Text, "Why the record cannot be read, null if it can."),
    ("_source", Pointer::Text, "System the dump comes from."),
    ("_file", Pointer::Text, "Key of the dump in the bucket."),
    ("_file_sha256", Pointer::Text, "SHA-256 of the dump's bytes."),
    ("_record", Pointer::Long, "Number of the record in the dump, from 1."),
    ("_byte_from", Pointer::Long, "First byte of the record, after decompression."),
    ("_byte_to", Pointer::Long, "Byte after the record, without its line end."),
    (
        "_row_group",
        Pointer::Int,
        "Row group of the record, or number of its sheet, from 0; Parquet and workbooks only.",
    ),
    (
        "_row",
        Pointer::Long,
        "Row within the row group, from 0 (Parquet), or row of the sheet as spreadsheets number it (workbooks).",
    ),
    ("_dumped_at", Pointer::Time, "Time in the name of the dump, null if it has none."),
    ("_modified_at", Pointer::Time, "When the dump was last changed in the bucket."),
    ("_ingested_at", Pointer::Time, "When the record landed."),
    ("_run", Pointer::Text, "Run of the program that landed it."),
    ("_dump", Pointer::Long, "How many dumps of this key have landed, this one included."),
    ("_size_bytes", Pointer::Long, "Size of the dump in the bucket."),
    (
        "_continues",
        Pointer::Long,
        "The _dump of the same key whose bytes are the beginning of this one.",
    ),
];

pub use batches::pointer::Pointer;
pub use batches::typed::utc;

/// A dump to be landed.
#[derive(Debug, Clone)]
pub struct Dump {
    pub key: String,
    pub sha256: String,
    /// Time in the name of the dump.
    pub dumped_at: Option<DateTime<Utc>>,
    pub modified_at: DateTime<Utc>,
    pub size_bytes: i64,
    /// The version of this file whose bytes are the beginning of this one.
    pub continues: Option<i64>,
}

/// The name of the bronze table of a contract.
pub fn name(contract: &Contract) -> TableName {
    TableName::new("bronze", &contract.table)
}

/// The schema of the bronze table of a contract: its columns as text, then the pointers.
pub fn schema(contract: &Contract) -> SchemaRef {
    let texts = contract.columns.iter().map(|it| Field::new(&it.name, DataType::Utf8, true));
    let pointers = POINTERS.iter().map(|(name, kind, _)| Field::new(*name, kind.data_type(), true));
    Arc::new(Schema::new(texts.chain(pointers).collect::<Vec<_>>()))
}

/// The checkpoint of every commit that lands dumps: of two processes that land into one table at the same
/// time, one commits first, and the other one compares its dumps before it does. Which dumps have landed is
/// recorded in the rows.
pub(crate) const LANDED: &str = "landed";

/// Attempts to commit while other processes land into the same table; each failed one is a commit of another.
const COMMIT_ATTEMPTS: usize = 100;

/// The result of [`Landings::start`].
pub enum Start {
    /// The dump has to be landed.
    New(Box<Landing>),
    /// The newest dump of its key, which has this number, has the same bytes.
    Landed(i64),
}

/// The newest version of a file that has landed or waits for its commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newest {
    pub number: i64,
    pub sha256: String,
    /// Size in the bucket; unknown for rows of older programs.
    pub size_bytes: Option<i64>,
}

/// Lands the dumps of one table. Small dumps are collected and share a data file and a commit, so that the
/// cost of a dump does not grow with their number; a large one has its own. Dropping it without a commit
/// lands nothing.
pub struct Landings<'a> {
    lake: &'a Lake,
    contract: Arc<Contract>,
    table: Table,
    state: Option<State>,
    schema: SchemaRef,
    newest: HashMap<String, Newest>,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    /// Checkpoints of the next commit beside [`LANDED`].
    checkpoints: BTreeMap<String, i64>,
    /// Keys of dumps that another process landed meanwhile.
    overtaken: Vec<String>,
}

/// A dump that was read completely and waits for its commit.
struct Waiting {
    key: String,
    newest: Newest,
    rows: Vec<RecordBatch>,
    /// Its data files if it is large.
    adds: Vec<Add>,
}

/// A dump that is being read.
pub struct Landing {
    dump: Dump,
    number: i64,
    ingested_at: DateTime<Utc>,
    batches: Vec<RecordBatch>,
    size_bytes: usize,
    /// Set once the dump is too large to be kept in memory.
    writer: Option<DataWriter>,
}

impl Landing {
    /// How many dumps of this key there are, this one included.
    pub fn number(&self) -> i64 {
        self.number
    }
}

impl<'a> Landings<'a> {
    /// Opens the bronze table of a contract and reads which dumps it has.
    pub async fn open(lake: &'a Lake, contract: Arc<Contract>) -> anyhow::Result<Self> {
        let table = lake.table(&name(&contract))?;
        let schema = schema(&contract);
        let mut landings = Self {
            lake,
            contract,
            table,
            state: None,
            schema,
            newest: HashMap::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            checkpoints: BTreeMap::new(),
            overtaken: Vec::new(),
        };
        landings.refresh().await?;
        Ok(landings)
    }

    /// Reads which dumps other processes have landed since. No dump may wait for its commit.
    pub async fn refresh(&mut self) -> anyhow::Result<()> {
        let state = self.lake.state(&self.table.name).await?;
        let before = self.state.as_ref().map(State::version);
        if state.is_none() || before == state.as_ref().map(State::version) {
            return Ok(());
        }
        let files = state.as_ref().map(State::files).unwrap_or_default();
        let mut newest: HashMap<String, Newest> = HashMap::new();
        for part in self.lake.all_landed(&self.table, files).await? {
            for version in part.runs.iter().map(|run| &run.version) {
                let known = newest.get(&version.file);
                if known.is_none_or(|known| known.number < version.number) {
                    let (number, size_bytes) = (version.number, version.size_bytes);
                    let found = Newest { number, sha256: version.sha256.clone(), size_bytes };
                    newest.insert(version.file.clone(), found);
                }
            }
        }
        (self.state, self.newest) = (state, newest);
        Ok(())
    }

    /// The keys of the dumps that another process landed while they waited here; they are not landed again.
    pub fn take_overtaken(&mut self) -> Vec<String> {
        std::mem::take(&mut self.overtaken)
    }

    /// The name of the bronze table.
    pub fn table(&self) -> &TableName {
        &self.table.name
    }

    /// The newest version of a file, if any has landed.
    pub fn newest(&self, key: &str) -> Option<&Newest> {
        self.newest.get(key)
    }

    /// Starts to land a dump unless it has landed already.
    pub fn start(&self, dump: Dump) -> Start {
        let newest = self.newest.get(&dump.key);
        if let Some(newest) = newest.filter(|newest| newest.sha256 == dump.sha256) {
            return Start::Landed(newest.number);
        }
        let number = newest.map_or(0, |newest| newest.number) + 1;
        let ingested_at = self.lake.next_ingested_at();
        let (batches, size_bytes, writer) = (Vec::new(), 0, None);
        Start::New(Box::new(Landing { dump, number, ingested_at, batches, size_bytes, writer }))
    }

    /// Adds the next records of a dump.
    pub async fn push(&self, landing: &mut Landing, batch: Batch) -> anyhow::Result<()> {
        let rows = self.rows(landing, batch)?;
        landing.size_bytes += rows.get_array_memory_size();
        landing.batches.push(rows);
        if landing.writer.is_none() && landing.size_bytes > self.together_bytes() {
            landing.writer = Some(self.writer());
        }
        if let Some(writer) = &mut landing.writer {
            for rows in landing.batches.drain(..) {
                writer.write(&rows).await?;
            }
        }
        Ok(())
    }

    /// Adds a dump that was read completely. Returns whether it is committed; if not, it waits for
    /// [`Landings::commit`].
    pub async fn finish(&mut self, landing: Landing) -> anyhow::Result<bool> {
        let Landing { dump, number, batches, writer, .. } = landing;
        let is_large = writer.is_some();
        let rows: Vec<RecordBatch> = batches.into_iter().map(shrunk).collect::<Result<_, _>>()?;
        let size_bytes: usize = rows.iter().map(RecordBatch::get_array_memory_size).sum();
        let adds = match writer {
            Some(writer) => writer.finish().await?,
            None => Vec::new(),
        };
        self.waiting_bytes += size_bytes;
        let newest = Newest { number, sha256: dump.sha256, size_bytes: Some(dump.size_bytes) };
        self.newest.insert(dump.key.clone(), newest.clone());
        self.waiting.push(Waiting { key: dump.key, newest, rows, adds });
        let most_dumps = self.lake.limits().ingest.land_together_dumps;
        let is_full =
            self.waiting.len() >= most_dumps || self.waiting_bytes > self.together_bytes();
        if is_large || is_full {
            self.commit().await?;
        }
        Ok(self.waiting.is_empty())
    }

    /// Commits the waiting dumps. If another process has landed dumps since, those that wait here, too, are
    /// left out ([`Landings::take_overtaken`]), and the others are committed after it. Pulls are not: the
    /// checkpoint of another process refers to the same records.
    pub async fn commit(&mut self) -> anyhow::Result<()> {
        let mut waiting = std::mem::take(&mut self.waiting);
        self.waiting_bytes = 0;
        let checkpoints = std::mem::take(&mut self.checkpoints);
        let mut shared = self.write_shared(&waiting).await?;
        for _ in 0..COMMIT_ATTEMPTS {
            if waiting.is_empty() {
                return Ok(());
            }
            let large = waiting.iter().flat_map(|it| &it.adds);
            let adds = shared.iter().chain(large).cloned().collect();
            match self.commit_files(adds, checkpoints.clone()).await {
                Err(error) if checkpoints.is_empty() && is_commit_conflict(&error) => {}
                done => {
                    self.newest.extend(waiting.into_iter().map(|it| (it.key, it.newest)));
                    return done;
                }
            }
            self.refresh().await?;
            let is_landed = |it: &Waiting| {
                let landed = self.newest.get(&it.key);
                landed.is_some_and(|landed| landed.number >= it.newest.number)
            };
            let (landed, rest): (Vec<_>, Vec<_>) = waiting.into_iter().partition(is_landed);
            waiting = rest;
            if !landed.is_empty() {
                self.table.discard(&shared).await?;
                shared = self.write_shared(&waiting).await?;
            }
            for dump in landed {
                self.table.discard(&dump.adds).await?;
                self.overtaken.push(dump.key);
            }
        }
        anyhow::bail!(
            "other processes changed {} {COMMIT_ATTEMPTS} times meanwhile",
            self.table.name
        )
    }

    /// Writes the rows of small dumps into data files that they share.
    async fn write_shared(&self, waiting: &[Waiting]) -> anyhow::Result<Vec<Add>> {
        let rows: Vec<&RecordBatch> = waiting.iter().flat_map(|it| &it.rows).collect();
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let rows = concat_batches(&self.schema, rows)?;
        let mut writer = self.writer();
        writer.write(&rows).await?;
        writer.finish().await
    }

    async fn commit_files(
        &mut self,
        adds: Vec<Add>,
        mut checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        let next = self.state.as_ref().map_or(0, |state| state.version() + 1);
        let description = self.contract.description.clone();
        checkpoints.insert(LANDED.to_owned(), i64::try_from(next)?);
        let change = Change {
            adds,
            removes: Vec::new(),
            checkpoints,
            definition: definition(self.state.as_ref(), self.schema.clone(), description)?,
            rearranges: false,
        };
        let now_ms = self.lake.now_ms();
        let state = self.table.commit(self.state.as_ref(), change, now_ms).await?;
        self.lake.remember(&self.table.name, state.clone()).await;
        self.state = Some(state);
        Ok(())
    }

    fn together_bytes(&self) -> usize {
        self.lake.limits().ingest.land_together_bytes
    }

    fn writer(&self) -> DataWriter {
        let lake = self.lake;
        self.table.writer(self.schema.clone(), lake.sizes(), lake.names(), lake.now_ms())
    }

    /// Records with the pointers to their origin.
    fn rows(&self, landing: &Landing, batch: Batch) -> anyhow::Result<RecordBatch> {
        let (rows, dump) = (batch.len(), &landing.dump);
        let text =
            |value: &str| -> anyhow::Result<ArrayRef> { Ok(Arc::new(repeated_text(value, rows)?)) };
        let time = |at: Option<DateTime<Utc>>| -> ArrayRef {
            let at = repeated(at.map(|at| at.timestamp_micros()), rows);
            Arc::new(at.reinterpret_cast::<TimestampMicrosecondType>().with_timezone("UTC"))
        };
        let mut columns = batch.fields;
        columns.extend([
            Arc::new(batch.rest) as ArrayRef,
            Arc::new(batch.fault),
            text(&self.contract.source)?,
            text(&dump.key)?,
            text(&dump.sha256)?,
            Arc::new(batch.record),
            Arc::new(batch.byte_from),
            Arc::new(batch.byte_to),
            Arc::new(batch.row_group),
            Arc::new(batch.row),
            time(dump.dumped_at),
            time(Some(dump.modified_at)),
            time(Some(landing.ingested_at)),
            text(self.lake.run())?,
            Arc::new(repeated(Some(landing.number), rows)),
            Arc::new(repeated(Some(dump.size_bytes), rows)),
            Arc::new(repeated(dump.continues, rows)),
        ]);
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}

fn repeated(value: Option<i64>, rows: usize) -> Int64Array {
    value.map_or_else(|| Int64Array::new_null(rows), |value| Int64Array::from_value(value, rows))
}

/// The same rows without the memory that builders reserve for many records.
fn shrunk(rows: RecordBatch) -> anyhow::Result<RecordBatch> {
    // A column with another reference to it is not shrunk.
    let (schema, mut columns, _) = rows.into_parts();
    for column in &mut columns {
        Array::shrink_to_fit(column);
    }
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// The definition to commit: that of a new table, or one with columns that the table lacks.
fn definition(
    state: Option<&State>,
    schema: SchemaRef,
    description: String,
) -> anyhow::Result<Option<Definition>> {
    let schema = match state {
        None => schema,
        Some(state) => {
            let old = state.schema()?;
            let is_new = |field: &&Arc<Field>| old.field_with_name(field.name()).is_err();
            let new: Vec<Arc<Field>> = schema.fields().iter().filter(is_new).cloned().collect();
            if new.is_empty() {
                return Ok(None);
            }
            Arc::new(Schema::new(old.fields().iter().cloned().chain(new).collect::<Vec<_>>()))
        }
    };
    let fingerprint = "bronze".to_owned();
    Ok(Some(Definition { schema, description, fingerprint, partition: None }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{StringBuilder, StringViewBuilder};

    #[test]
    fn waiting_rows_have_no_reserved_memory() {
        let mut text = StringBuilder::with_capacity(4_096, 1 << 20);
        text.append_value("A1");
        let mut view = StringViewBuilder::with_capacity(4_096);
        view.append_value("longer than twelve bytes");
        let columns: [(&str, ArrayRef); 2] =
            [("text", Arc::new(text.finish())), ("view", Arc::new(view.finish()))];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        assert!(rows.get_array_memory_size() > 1 << 20);
        let bytes = shrunk(rows).unwrap().get_array_memory_size();
        assert!(bytes < 1_024, "{bytes} bytes for two texts");
    }
}
