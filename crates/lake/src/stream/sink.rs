//! A table of a stream, being appended to: the data files that are open, and the commit.

use super::super::append::{Appender, IDENTITY};
use super::super::models::Step;
use super::super::refine::{Refinery, cleaning};
use super::super::table::{Change, Definition, State, Table};
use super::super::write::{DataWriter, Folder};
use super::super::{Lake, bronze};
use super::land::{Offsets, checkpoints};
use super::{DAY, with_day};
use anyhow::{Context as _, bail};
use arrow::array::{AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef, TimestampMicrosecondType};
use chrono::DateTime;
use config::model::TableName;
use deltalake::kernel::Add;
use plant::contract::Contract;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Days whose files a sink keeps open; late readings of further days close the oldest one.
const OPEN_DAYS: usize = 8;

const DAY_US: i64 = 86_400_000_000;

/// One table of a stream, being appended to.
pub struct Sink {
    pub table: Table,
    /// The table as it was taken; what we appended since is not in it.
    pub state: Option<State>,
    appender: Option<Appender>,
    pub(crate) schema: SchemaRef,
    definition: Definition,
    /// Column whose day decides the folder.
    pub(crate) time: String,
    /// Whether columns the table lacks are added to it, whose rows stay as they are.
    is_widened: bool,
    open: BTreeMap<i64, DataWriter>,
    closed: Vec<Add>,
}

impl Sink {
    /// The bronze table of a stream.
    pub fn bronze(lake: &Lake, contract: &Contract) -> anyhow::Result<Self> {
        let schema = super::schema();
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

    /// The silver table of a stream; its folders are the days of its first moment.
    pub fn silver(refinery: &Refinery, step: &Step, contract: &Contract) -> anyhow::Result<Self> {
        let schema = batches::pointer::with_pointers(&step.schema, contract);
        let is_moment = |kind: &DataType| matches!(kind, DataType::Timestamp(_, _));
        let mut fields = schema.fields().iter();
        let time = fields.find(|field| is_moment(field.data_type())).context("no moment")?;
        let time = time.name().clone();
        let definition = Definition {
            schema: with_day(&schema),
            description: step.model.description.clone(),
            fingerprint: cleaning::fingerprint(step, contract, refinery),
            partition: Some(DAY),
        };
        Self::new(&refinery.lake, step.name().clone(), schema, definition, time)
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

    /// Takes the table as it stands; what was written and not committed is forgotten.
    pub async fn reload(&mut self, lake: &Lake) -> anyhow::Result<()> {
        let state = lake.state(&self.table.name).await?;
        self.stand_on(state)?;
        (self.open, self.closed) = (BTreeMap::new(), Vec::new());
        Ok(())
    }

    /// Appends to the table as it is now from here on. A table that lacks columns is to be told of them
    /// first.
    fn stand_on(&mut self, state: Option<State>) -> anyhow::Result<()> {
        let is_short = match &state {
            Some(state) if self.is_widened => !self.lacking(state)?.is_empty(),
            _ => false,
        };
        let current = state.as_ref().filter(|_| !is_short);
        self.appender = current.map(|it| Appender::new(self.table.clone(), it));
        self.state = state;
        Ok(())
    }

    /// Columns the table does not have.
    fn lacking(&self, state: &State) -> anyhow::Result<Vec<FieldRef>> {
        let there = state.schema()?;
        let fields = self.definition.schema.fields().iter();
        let is_new = |field: &&FieldRef| there.field_with_name(field.name()).is_err();
        Ok(fields.filter(is_new).cloned().collect())
    }

    /// Whether the table was made by another definition than this one.
    pub fn is_outdated(&self) -> bool {
        let made_by = self.state.as_ref().map(State::fingerprint);
        made_by.is_some_and(|it| it != Some(self.definition.fingerprint.as_str()))
    }

    /// Appends rows, each to the file of its day.
    pub async fn write(&mut self, lake: &Lake, rows: &RecordBatch) -> anyhow::Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let times = rows.column(rows.schema().index_of(&self.time)?);
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let day = |at: &i64| at.div_euclid(DAY_US);
        let bounds = (times.values().iter().min(), times.values().iter().max());
        if let (Some(first), Some(last)) = bounds
            && day(first) == day(last)
        {
            return self.of_day(lake, day(first)).await?.write(rows).await;
        }
        let days: Vec<i64> = times.values().iter().map(day).collect();
        let different: BTreeSet<i64> = days.iter().copied().collect();
        for day in different {
            let is_of_day: BooleanArray = days.iter().map(|it| Some(*it == day)).collect();
            let rows = filter_record_batch(rows, &is_of_day)?;
            self.of_day(lake, day).await?.write(&rows).await?;
        }
        Ok(())
    }

    async fn of_day(&mut self, lake: &Lake, day: i64) -> anyhow::Result<&mut DataWriter> {
        if !self.open.contains_key(&day)
            && self.open.len() >= OPEN_DAYS
            && let Some((_, oldest)) = self.open.pop_first()
        {
            self.closed.extend(oldest.finish().await?);
        }
        let folder = || -> anyhow::Result<Folder> {
            let start = DateTime::from_timestamp_micros(day * DAY_US).context("no such day")?;
            Ok(Folder { column: DAY, value: start.format("%Y-%m-%d").to_string() })
        };
        let writer = || -> anyhow::Result<DataWriter> {
            let (names, now_ms) = (lake.names(), lake.now_ms());
            let writer = self.table.writer(self.schema.clone(), lake.stream_sizes(), names, now_ms);
            Ok(writer.in_folder(folder()?))
        };
        Ok(match self.open.entry(day) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => vacant.insert(writer()?),
        })
    }

    /// Closes the files that are open.
    pub(super) async fn pack(&mut self) -> anyhow::Result<()> {
        for (_, writer) in std::mem::take(&mut self.open) {
            self.closed.extend(writer.finish().await?);
        }
        Ok(())
    }

    /// Commits what was written, and how far each upstream is contained by it. Fails if somebody else
    /// committed one of these upstreams since the table was taken.
    ///
    /// A table made by another definition keeps its fingerprint: the rows it has are still to be
    /// made anew.
    pub async fn commit(
        &mut self,
        lake: &Lake,
        checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        self.pack().await?;
        let adds = std::mem::take(&mut self.closed);
        if self.appender.is_none() {
            let Err(error) = self.define(lake, adds.clone(), checkpoints.clone()).await else {
                return Ok(());
            };
            // Of those who make a table, or add columns to it, at the same time, the first one does.
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

    /// Commits files together with the table's definition: it is new, or lacks columns.
    async fn define(
        &mut self,
        lake: &Lake,
        adds: Vec<Add>,
        checkpoints: BTreeMap<String, i64>,
    ) -> anyhow::Result<()> {
        let mut definition = self.definition.clone();
        if let Some(state) = &self.state {
            let there = state.schema()?;
            let fields = there.fields().iter().cloned().chain(self.lacking(state)?);
            definition.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        }
        let definition = Some(definition);
        let change = Change { adds, checkpoints, definition, ..Change::default() };
        let state = self.table.commit(self.state.as_ref(), change, lake.now_ms()).await?;
        lake.remember(&self.table.name, state.clone()).await;
        self.stand_on(Some(state))
    }

    /// Takes the table as others made it meanwhile, what was written being kept. Fails if one of them
    /// went on with one of these upstreams.
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
            let is_same_fact = upstream.starts_with(IDENTITY) && now == Some(*ours);
            if now != before && !is_same_fact {
                bail!("another program goes on with {upstream} in {}", self.table.name);
            }
        }
        self.stand_on(Some(state))
    }

    /// [`Sink::commit`] of all rows there are, in place of these files.
    pub async fn commit_anew(
        &mut self,
        lake: &Lake,
        offsets: &Offsets,
        removes: Vec<Add>,
    ) -> anyhow::Result<()> {
        let is_redefined = self.state.is_none() || self.is_outdated();
        self.pack().await?;
        let change = Change {
            adds: std::mem::take(&mut self.closed),
            removes,
            checkpoints: checkpoints(offsets),
            definition: is_redefined.then(|| self.definition.clone()),
            rearranges: false,
        };
        let state = self.table.commit(self.state.as_ref(), change, lake.now_ms()).await?;
        lake.remember(&self.table.name, state.clone()).await;
        self.stand_on(Some(state))
    }
}
