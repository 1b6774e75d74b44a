//! Appends to a table of a stream: the open data files, and the commit.

use crate::bronze;
use crate::columns::timestamp;
use crate::context::LakeContext;
use crate::delta::append::{Appender, IDENTITY};
use crate::delta::stats::date_text;
use crate::delta::table::{Change, Definition, State, Table};
use crate::delta::write::{DataWriter, Folder};
use crate::error::Error;
use crate::lake::Lake;
use crate::offsets::{Offsets, checkpoints};
use crate::plan::Step;
use crate::refine::cleaning;
use crate::stream::{DAY, with_day};
use anyhow::Context as _;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use config::model::TableName;
use deltalake::kernel::Add;
use plant::contract::Contract;
use plant::time::day_of_us;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Days whose files are open at once; rows of further days close the oldest one.
const OPEN_DAYS: usize = 8;

/// Appends to one table of a stream.
pub struct Sink {
    pub table: Table,
    /// The table when it was loaded, without what was appended since.
    pub state: Option<State>,
    appender: Option<Appender>,
    pub(crate) schema: SchemaRef,
    definition: Definition,
    /// The column whose day is the partition.
    pub(crate) time: String,
    /// Whether missing columns are added to the table without rebuilding its rows.
    is_widened: bool,
    open: BTreeMap<i64, DataWriter>,
    closed: Vec<Add>,
}

impl Sink {
    /// The bronze table of a stream.
    pub fn bronze(lake: &Lake, contract: &Contract) -> anyhow::Result<Self> {
        let schema = crate::stream::schema();
        let definition = Definition {
            schema: with_day(&schema),
            description: contract.description.clone(),
            fingerprint: "bronze".to_owned(),
            partition: Some(DAY),
        };
        let (name, time) = (bronze::name(contract), "_timestamp".to_owned());
        let sink = Self::new(lake, name, schema, definition, time)?;
        Ok(Self { is_widened: true, ..sink })
    }

    /// The silver table of a stream, partitioned by the day of its first timestamp.
    pub fn silver(context: &LakeContext, step: &Step, contract: &Contract) -> anyhow::Result<Self> {
        let schema = batches::pointer::with_pointers(&step.schema, contract);
        let is_timestamp = |kind: &DataType| matches!(kind, DataType::Timestamp(_, _));
        let mut fields = schema.fields().iter();
        let time = fields.find(|field| is_timestamp(field.data_type()));
        let time = time.context("the table of a stream has no timestamp")?.name().clone();
        let definition = Definition {
            schema: with_day(&schema),
            description: step.model.description.clone(),
            fingerprint: cleaning::fingerprint(step, contract, context),
            partition: Some(DAY),
        };
        Self::new(&context.lake, step.name().clone(), schema, definition, time)
    }

    fn new(
        lake: &Lake,
        name: TableName,
        schema: SchemaRef,
        definition: Definition,
        time: String,
    ) -> anyhow::Result<Self> {
        let table = lake.table(&name)?;
        let (open, closed) = (BTreeMap::new(), Vec::new());
        let (state, appender) = (None, None);
        let is_widened = false;
        Ok(Self { table, state, appender, schema, definition, time, is_widened, open, closed })
    }

    /// Loads the table; files that were written and not committed are dropped.
    pub async fn reload(&mut self, lake: &Lake) -> anyhow::Result<()> {
        let state = lake.state(&self.table.name).await?;
        self.append_to(state)?;
        (self.open, self.closed) = (BTreeMap::new(), Vec::new());
        Ok(())
    }

    /// Appends to the table at `state` from now on. Missing columns have to be added by a commit first.
    fn append_to(&mut self, state: Option<State>) -> anyhow::Result<()> {
        let lacks_columns = match &state {
            Some(state) if self.is_widened => !self.missing_columns(state)?.is_empty(),
            _ => false,
        };
        let current = state.as_ref().filter(|_| !lacks_columns);
        self.appender = current.map(|it| Appender::new(self.table.clone(), it));
        self.state = state;
        Ok(())
    }

    /// Columns that the table lacks.
    fn missing_columns(&self, state: &State) -> anyhow::Result<Vec<FieldRef>> {
        let existing = state.schema()?;
        let fields = self.definition.schema.fields().iter();
        let is_new = |field: &&FieldRef| existing.field_with_name(field.name()).is_err();
        Ok(fields.filter(is_new).cloned().collect())
    }

    /// Whether the table was computed by another definition.
    pub fn is_outdated(&self) -> bool {
        let fingerprint = self.state.as_ref().map(State::fingerprint);
        fingerprint.is_some_and(|it| it != Some(self.definition.fingerprint.as_str()))
    }

    /// Writes rows, each to the file of its day.
    pub async fn write(&mut self, lake: &Lake, rows: &RecordBatch) -> anyhow::Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let times = timestamp(rows, &self.time)?;
        let day = |at: &i64| day_of_us(*at);
        let bounds = (times.values().iter().min(), times.values().iter().max());
        if let (Some(first), Some(last)) = bounds
            && day(first) == day(last)
        {
            return self.writer_of(lake, day(first)).await?.write(rows).await;
        }
        let days: Vec<i64> = times.values().iter().map(day).collect();
        let distinct: BTreeSet<i64> = days.iter().copied().collect();
        for day in distinct {
            let is_of_day: BooleanArray = days.iter().map(|it| Some(*it == day)).collect();
            let rows = filter_record_batch(rows, &is_of_day)?;
            self.writer_of(lake, day).await?.write(&rows).await?;
        }
        Ok(())
    }

    async fn writer_of(&mut self, lake: &Lake, day: i64) -> anyhow::Result<&mut DataWriter> {
        if !self.open.contains_key(&day)
            && self.open.len() >= OPEN_DAYS
            && let Some((_, oldest)) = self.open.pop_first()
        {
            self.closed.extend(oldest.finish().await?);
        }
        Ok(match self.open.entry(day) {
            Entry::Occupied(open) => open.into_mut(),
            Entry::Vacant(vacant) => {
                let value = i32::try_from(day).ok().and_then(date_text);
                let value = value.context("the day is out of range")?;
                let (names, now_ms) = (lake.names(), lake.now_ms());
                let (schema, sizes) = (self.schema.clone(), lake.stream_sizes());
                let writer = self.table.writer(schema, sizes, names, now_ms);
                vacant.insert(writer.in_folder(Folder { column: DAY, value }))
            }
        })
    }

    /// Closes the open files.
    pub async fn close_files(&mut self) -> anyhow::Result<()> {
        for (_, writer) in std::mem::take(&mut self.open) {
            self.closed.extend(writer.finish().await?);
        }
        Ok(())
    }

    /// Commits what was written, and for each upstream its version that is contained after the commit.
    ///
    /// An outdated table keeps its fingerprint, because its rows still have to be rebuilt.
    ///
    /// # Errors
    /// [`Error::CheckpointTaken`] if another process has committed one of these upstreams since the table
    /// was loaded.
    pub async fn commit(
        &mut self,
        lake: &Lake,
        checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        self.close_files().await?;
        let adds = std::mem::take(&mut self.closed);
        if self.appender.is_none() {
            let Err(error) = self.define(lake, adds.clone(), checkpoints.clone()).await else {
                return Ok(());
            };
            // Several processes may create the table, or add columns, at the same time. One succeeds; the
            // others append to its table.
            self.follow(lake, &checkpoints).await?;
            if self.appender.is_none() {
                return Err(error);
            }
        }
        match &mut self.appender {
            Some(appender) => appender.append(adds, checkpoints, lake.now_ms()).await,
            None => Ok(()),
        }
    }

    /// Commits files together with the definition of the table, which is new or lacks columns.
    async fn define(
        &mut self,
        lake: &Lake,
        adds: Vec<Add>,
        checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        let mut definition = self.definition.clone();
        if let Some(state) = &self.state {
            let existing = state.schema()?;
            let fields = existing.fields().iter().cloned().chain(self.missing_columns(state)?);
            definition.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        }
        let definition = Some(definition);
        let change = Change { adds, checkpoints, definition, ..Change::default() };
        let state = self.table.commit(self.state.as_ref(), change, lake.now_ms()).await?;
        lake.remember(&self.table.name, state.clone()).await;
        self.append_to(Some(state))
    }

    /// Loads the table that another process has created or extended meanwhile, and keeps the written files.
    ///
    /// # Errors
    /// [`Error::CheckpointTaken`] if that process has committed one of these upstreams.
    async fn follow(
        &mut self,
        lake: &Lake,
        upstreams: &BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        let Some(state) = lake.state(&self.table.name).await? else { return Ok(()) };
        for (upstream, ours) in upstreams {
            let before = match &self.state {
                Some(before) => self.table.checkpoint(before, upstream).await?,
                None => None,
            };
            let now = self.table.checkpoint(&state, upstream).await?;
            let is_same_identity = upstream.starts_with(IDENTITY) && now == Some(*ours);
            if now != before && !is_same_identity {
                let (table, checkpoint) = (self.table.name.clone(), upstream.clone());
                return Err(Error::CheckpointTaken { table, checkpoint }.into());
            }
        }
        self.append_to(Some(state))
    }

    /// Commits what was written in place of the files `removes`, as the result of a rebuild.
    pub async fn commit_rebuilt(
        &mut self,
        lake: &Lake,
        offsets: &Offsets,
        removes: Vec<Add>,
    ) -> anyhow::Result<()> {
        let is_redefined = self.state.is_none() || self.is_outdated();
        self.close_files().await?;
        let change = Change {
            adds: std::mem::take(&mut self.closed),
            removes,
            checkpoints: checkpoints(offsets),
            definition: is_redefined.then(|| self.definition.clone()),
            rearranges: false,
        };
        let state = self.table.commit(self.state.as_ref(), change, lake.now_ms()).await?;
        lake.remember(&self.table.name, state.clone()).await;
        self.append_to(Some(state))
    }
}
