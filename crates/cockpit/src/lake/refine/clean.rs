//! Cleaning: the records of one bronze table, typed, checked, and one per key.

use super::keys::{DumpOrder, Hasher, Standing, Written};
use super::rejected::{Reason, Rejects};
use super::{Extent, Outcome, Refinery, Repairs};
use crate::config::model::{Action, Model};
use crate::lake::bronze::{self, Pointer};
use crate::lake::models::Step;
use crate::lake::read::Batches;
use crate::lake::table::{Change, Definition, State, Table};
use crate::lake::write::DataWriter;
use crate::lake::{Lake, session, typed};
use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, BooleanBuilder, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{Field, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use datafusion::common::{DFSchema, TableReference};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::PhysicalExpr;
use deltalake::kernel::Add;
use futures::TryStreamExt as _;
use plant::contract::{Contract, Kind, OnError, Supersede};
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Columns a cleaned table takes over from bronze: where the row comes from, and what its dump's
/// place in the order of dumps is.
const POINTERS: [(&str, Pointer); 7] = [
    ("_file", Pointer::Text),
    ("_file_sha256", Pointer::Text),
    ("_dump", Pointer::Long),
    ("_record", Pointer::Long),
    ("_dumped_at", Pointer::Time),
    ("_modified_at", Pointer::Time),
    ("_ingested_at", Pointer::Time),
];

/// Brings one cleaned table up to its bronze table.
pub async fn run(
    refinery: &Refinery,
    step: &Step,
    contract: &Contract,
    extent: Extent,
) -> anyhow::Result<Outcome> {
    let untouched = Outcome::untouched(step.name());
    let lake = refinery.lake.as_ref();
    let source_name = bronze::name(contract);
    let Some(source_state) = lake.state(&source_name).await? else { return Ok(untouched) };
    let source = lake.table(&source_name)?;
    let table = lake.table(step.name())?;
    let state = lake.state(step.name()).await?;
    let fingerprint = fingerprint(step, contract, refinery);
    let upstream = source_name.to_string();
    let to = i64::try_from(source_state.version())?;
    let since = match &state {
        Some(state)
            if extent == Extent::Changes && state.fingerprint() == Some(fingerprint.as_str()) =>
        {
            table.checkpoint(state, &upstream).await?
        }
        _ => None,
    };
    if since == Some(to) {
        return Ok(untouched);
    }
    let new = match since {
        Some(since) => source.difference(since, &source_state).await?.map(|it| it.added),
        None => None,
    };
    let is_everything = new.is_none();
    let dumps = dumps(&source, new.unwrap_or_else(|| source_state.files())).await?;
    let base = state.as_ref().filter(|_| !is_everything);
    let cleaning = Cleaning::new(refinery, step, contract, &table)?;
    let (mut change, rejects, repairs) = cleaning.change(&source, dumps, base).await?;
    rejects.settle(is_everything).await?;
    let is_changed = is_everything || !change.adds.is_empty() || !change.removes.is_empty();
    if is_everything {
        change.removes = state.as_ref().map(State::files).unwrap_or_default();
        let schema = stored(&step.schema);
        let description = step.model.description.clone();
        change.definition = Some(Definition { schema, description, fingerprint });
    }
    change.checkpoints = BTreeMap::from([(upstream, to)]);
    let after = table.commit(state.as_ref(), change, lake.now_ms()).await?;
    lake.remember(step.name(), after).await;
    Ok(Outcome { is_changed, repairs, ..untouched })
}

/// The columns of a cleaned table and the pointers behind them.
fn stored(schema: &Schema) -> SchemaRef {
    let own = schema.fields().iter().map(|field| field.as_ref().clone());
    let pointers = POINTERS.iter().map(|(name, kind)| Field::new(*name, kind.data_type(), true));
    Arc::new(Schema::new(own.chain(pointers).collect::<Vec<_>>()))
}

/// Changes whenever the same bronze records would give another table.
fn fingerprint(step: &Step, contract: &Contract, refinery: &Refinery) -> String {
    let shifts = refinery.plant.calendar.shifts();
    let zone = refinery.plant.zone;
    let said = format!("{}\n{contract:?}\n{zone}\n{shifts:?}", step.model.sql);
    crate::digest::of_text(&said)
}

/// One dump in bronze: its place in the order of dumps and its data files.
struct Dump {
    file: String,
    number: i64,
    order: DumpOrder,
    parts: Vec<Add>,
}

/// The dumps the given bronze files are of, newest first.
async fn dumps(source: &Table, files: Vec<Add>) -> anyhow::Result<Vec<Dump>> {
    let columns = ["_file", "_dump", "_dumped_at", "_modified_at", "_ingested_at"];
    let mut dumps: BTreeMap<(DumpOrder, String, i64), Vec<Add>> = BTreeMap::new();
    for part in files {
        let first = source.read(&part, Some(&columns), 1).await?.try_next().await?;
        let first = first.with_context(|| format!("{} holds no rows", part.path))?;
        let (file, number) = dump_of(&first)?.context("a data file holds no rows")?;
        dumps.entry((Orders::of(&first)?.order(0), file, number)).or_default().push(part);
    }
    let dump = |((order, file, number), mut parts): ((DumpOrder, String, i64), Vec<Add>)| {
        parts.sort_by(|left, right| left.path.cmp(&right.path));
        Dump { file, number, order, parts }
    };
    Ok(dumps.into_iter().rev().map(dump).collect())
}

pub(super) fn dump_of(batch: &RecordBatch) -> anyhow::Result<Option<(String, i64)>> {
    if batch.num_rows() == 0 {
        return Ok(None);
    }
    let file = column(batch, "_file")?.as_string::<i32>().value(0).to_owned();
    Ok(Some((file, column(batch, "_dump")?.as_primitive::<Int64Type>().value(0))))
}

pub(super) fn column<'a>(batch: &'a RecordBatch, name: &str) -> anyhow::Result<&'a ArrayRef> {
    batch.column_by_name(name).with_context(|| format!("column {name} is not there"))
}

/// The columns by which dumps are ordered.
pub(super) struct Orders<'a> {
    dumped: &'a arrow::array::TimestampMicrosecondArray,
    modified: &'a arrow::array::TimestampMicrosecondArray,
    ingested: &'a arrow::array::TimestampMicrosecondArray,
}

impl<'a> Orders<'a> {
    pub(super) fn of(batch: &'a RecordBatch) -> anyhow::Result<Self> {
        Ok(Self {
            dumped: column(batch, "_dumped_at")?.as_primitive::<TimestampMicrosecondType>(),
            modified: column(batch, "_modified_at")?.as_primitive::<TimestampMicrosecondType>(),
            ingested: column(batch, "_ingested_at")?.as_primitive::<TimestampMicrosecondType>(),
        })
    }

    pub(super) fn order(&self, row: usize) -> DumpOrder {
        let dumped = (!self.dumped.is_null(row)).then(|| self.dumped.value(row));
        (dumped, self.modified.value(row), self.ingested.value(row))
    }
}

/// A condition every row is expected to fulfil, ready to be asked.
struct Rule {
    name: String,
    condition: Arc<dyn PhysicalExpr>,
}

/// The contract without the columns that neither the table takes nor any record can be rejected for.
fn needed(contract: &Contract, projection: &[Expr]) -> Contract {
    let taken: HashSet<String> = projection
        .iter()
        .flat_map(|expr| expr.column_refs().into_iter().map(|column| column.name.clone()))
        .collect();
    let is_needed = |column: &&plant::contract::Column| {
        let is_taken = |name: &String| {
            name == &column.name
                || name.strip_prefix(&column.name).is_some_and(typed::is_local_part)
        };
        let can_fail = column.kind != Kind::Text && column.on_error == OnError::Reject;
        column.required || can_fail || taken.iter().any(is_taken)
    };
    let columns = contract.columns.iter().filter(is_needed).cloned().collect();
    Contract { columns, ..contract.clone() }
}

/// The bronze columns a cleaning step reads: those of its contract, and the pointers.
fn bronze_columns(contract: &Contract) -> Vec<String> {
    let own = contract.columns.iter().map(|column| column.name.clone());
    let pointers = bronze::POINTERS.iter().map(|(name, _, _)| (*name).to_owned());
    own.chain(pointers).collect()
}

/// One bronze batch, cleaned.
pub(super) struct Cleaned {
    /// The good rows.
    pub(super) rows: RecordBatch,
    /// Why the others are not among them.
    reasons: Vec<Reason>,
    /// Columns and how many of their unreadable texts became unknown in good rows.
    repaired: Vec<(String, usize)>,
}

/// One cleaning step, made ready.
pub(super) struct Cleaning<'a> {
    pub(super) lake: &'a Lake,
    pub(super) model: &'a Model,
    pub(super) table: &'a Table,
    stage: typed::Stage,
    /// Columns of the bronze table that are read at all.
    read: Vec<String>,
    columns: Vec<Arc<dyn PhysicalExpr>>,
    rules: Vec<Rule>,
    own: SchemaRef,
    stored: SchemaRef,
    pub(super) hasher: Option<Hasher>,
}

impl<'a> Cleaning<'a> {
    pub(super) fn new(
        refinery: &'a Refinery,
        step: &'a Step,
        contract: &Contract,
        table: &'a Table,
    ) -> anyhow::Result<Self> {
        let lake = refinery.lake.as_ref();
        let context = session::empty(lake.limits(), refinery.runtime.clone(), 1);
        let reference = TableReference::partial("typed", contract.table.as_str());
        let projection = step.projection.as_deref().context("the step is no cleaning step")?;
        let contract = &needed(contract, projection);
        let schema = typed::schema(contract);
        let schema = DFSchema::try_from_qualified_schema(reference, &schema)?;
        let physical = |expr: &Expr| context.create_physical_expr(expr.clone().unalias(), &schema);
        let columns = projection.iter().map(physical).collect::<Result<Vec<_>, _>>()?;
        let own = DFSchema::try_from(step.schema.as_ref().clone())?;
        let mut rules = Vec::new();
        for expectation in &step.model.expectations {
            if expectation.action == Action::Reject {
                let condition = context.parse_sql_expr(&expectation.rule, &own)?;
                let condition = context.create_physical_expr(condition, &own)?;
                rules.push(Rule { name: expectation.name.clone(), condition });
            }
        }
        let hasher = match contract.supersede {
            Supersede::Key => Some(Hasher::new(&step.schema, &step.model.key)?),
            Supersede::Dump => None,
        };
        Ok(Self {
            lake,
            model: &step.model,
            table,
            stage: typed::Stage::new(contract, &refinery.plant.calendar),
            read: bronze_columns(contract),
            columns,
            rules,
            own: step.schema.clone(),
            stored: stored(&step.schema),
            hasher,
        })
    }

    pub(super) async fn read_bronze(&self, source: &Table, part: &Add) -> anyhow::Result<Batches> {
        let columns: Vec<&str> = self.read.iter().map(String::as_str).collect();
        source.read(part, Some(&columns), self.lake.batch_rows()).await
    }

    fn writer(&self) -> DataWriter {
        let lake = self.lake;
        self.table.writer(self.stored.clone(), lake.sizes(), lake.names(), lake.now_ms())
    }

    /// What the dumps (newest first) change in the table as it stands at `base`.
    async fn change(
        &self,
        source: &Table,
        dumps: Vec<Dump>,
        base: Option<&State>,
    ) -> anyhow::Result<(Change, Rejects<'a>, Repairs)> {
        let mut rejects = Rejects::new(self.lake, &self.model.table);
        let mut repairs = Repairs::default();
        let mut standing = Standing::default();
        let mut writer = self.writer();
        let newest = match (&self.hasher, base) {
            (None, Some(base)) => self.newest(base).await?,
            _ => None,
        };
        for (rank, dump) in (0_u32..).zip(&dumps) {
            rejects.dump(&dump.file, dump.number);
            // Without keys only the newest dump stands; the others are read for their rejects.
            let stands = self.hasher.is_some() || (rank == 0 && newest < Some(dump.order));
            for part in &dump.parts {
                let mut stream = self.read_bronze(source, part).await?;
                while let Some(batch) = stream.try_next().await? {
                    let cleaned = self.clean(&batch)?;
                    rejects.push(&batch, &cleaned.reasons)?;
                    repairs.add(batch.num_rows(), cleaned.repaired);
                    let rows = self.standing(cleaned.rows, rank, &mut standing, &writer, stands)?;
                    writer.write(&rows).await?;
                }
            }
        }
        let written = writer.finish().await?;
        let change = match &self.hasher {
            Some(_) => self.merge(standing, written, &dumps, base).await?,
            None => {
                let gone = base.filter(|_| !written.is_empty()).map(State::files);
                Change { adds: written, removes: gone.unwrap_or_default(), ..Change::default() }
            }
        };
        Ok((change, rejects, repairs))
    }

    /// Types, selects and checks one bronze batch: its good rows, and why the others are not.
    pub(super) fn clean(&self, bronze: &RecordBatch) -> anyhow::Result<Cleaned> {
        let typed = self.stage.apply(bronze)?;
        let mut columns = Vec::with_capacity(self.stored.fields().len());
        for (expr, field) in self.columns.iter().zip(self.own.fields()) {
            let value = expr.evaluate(&typed.rows)?.into_array(typed.rows.num_rows())?;
            columns.push(cast(&value, field.data_type())?);
        }
        let own = RecordBatch::try_new(self.own.clone(), columns)?;
        let mut reasons: Vec<Reason> = typed.problems.into_iter().map(Reason::from).collect();
        let mut is_bad: Vec<bool> = typed.rejected.values().iter().collect();
        self.check(&own, &mut is_bad, &mut reasons)?;
        reasons.sort_by_key(|reason| reason.row);
        let mut columns = own.columns().to_vec();
        for (name, _) in POINTERS {
            columns.push(column(bronze, name)?.clone());
        }
        let rows = RecordBatch::try_new(self.stored.clone(), columns)?;
        let good: BooleanArray = is_bad.iter().map(|is_bad| Some(!is_bad)).collect();
        let rows = filter_record_batch(&rows, &good)?;
        Ok(Cleaned { rows, reasons, repaired: typed.repaired })
    }

    /// Asks the rules and the key of every row not yet bad. A condition that comes out unknown is
    /// not violated.
    fn check(
        &self,
        own: &RecordBatch,
        is_bad: &mut [bool],
        reasons: &mut Vec<Reason>,
    ) -> anyhow::Result<()> {
        let reason = |row: usize, column: &str, code: &str, rule: Option<&str>| Reason {
            row,
            column: column.to_owned(),
            code: code.to_owned(),
            raw: None,
            rule: rule.map(str::to_owned),
        };
        for rule in &self.rules {
            let holds = rule.condition.evaluate(own)?.into_array(own.num_rows())?;
            let holds = holds.as_boolean();
            for (row, is_bad) in is_bad.iter_mut().enumerate() {
                if !*is_bad && holds.is_valid(row) && !holds.value(row) {
                    *is_bad = true;
                    reasons.push(reason(row, "", "expectation", Some(&rule.name)));
                }
            }
        }
        for name in &self.model.key {
            let values = column(own, name)?;
            for (row, is_bad) in is_bad.iter_mut().enumerate() {
                if !*is_bad && values.is_null(row) {
                    *is_bad = true;
                    reasons.push(reason(row, name, "missing", None));
                }
            }
        }
        Ok(())
    }

    /// The rows that stand against the newer ones met so far.
    fn standing(
        &self,
        rows: RecordBatch,
        rank: u32,
        standing: &mut Standing,
        writer: &DataWriter,
        stands: bool,
    ) -> anyhow::Result<RecordBatch> {
        let Some(hasher) = &self.hasher else {
            return Ok(if stands { rows } else { rows.slice(0, 0) });
        };
        let (file, mut row) = writer.position();
        let file = u32::try_from(file)?;
        let mut keep = BooleanBuilder::with_capacity(rows.num_rows());
        for key in hasher.keys(&rows)?.into_iter().flatten() {
            let at = Written { file, row: u32::try_from(row)? };
            let stands = standing.meet(key, rank, at);
            row += usize::from(stands);
            keep.append_value(stands);
        }
        Ok(filter_record_batch(&rows, &keep.finish())?)
    }

    /// Sets the new records against those of the table, and rewrites the files in which a row gives
    /// way.
    async fn merge(
        &self,
        mut standing: Standing,
        written: Vec<Add>,
        dumps: &[Dump],
        base: Option<&State>,
    ) -> anyhow::Result<Change> {
        let mut touched: Vec<(Add, Vec<u32>)> = Vec::new();
        for file in base.map(State::files).unwrap_or_default() {
            let gone = self.giving_way(&mut standing, &file, dumps).await?;
            if !gone.is_empty() {
                touched.push((file, gone));
            }
        }
        let mut withdrawn = standing.into_withdrawn();
        let mut change = Change::default();
        let mut discarded = Vec::new();
        let mut writer = self.writer();
        for (number, file) in (0_u32..).zip(written) {
            match withdrawn.remove(&number) {
                None => change.adds.push(file),
                Some(gone) => {
                    self.rewrite(&file, &gone, &mut writer).await?;
                    discarded.push(file);
                }
            }
        }
        for (file, gone) in touched {
            self.rewrite(&file, &gone, &mut writer).await?;
            change.removes.push(file);
        }
        change.adds.extend(writer.finish().await?);
        self.table.discard(&discarded).await?;
        Ok(change)
    }

    /// Rows of a file of the table that give way to a newer record; where the table's is newer, the
    /// new record is withdrawn.
    async fn giving_way(
        &self,
        standing: &mut Standing,
        file: &Add,
        dumps: &[Dump],
    ) -> anyhow::Result<Vec<u32>> {
        let mut gone = Vec::new();
        if standing.is_empty() {
            return Ok(gone);
        }
        let mut columns: Vec<&str> = self.model.key.iter().map(String::as_str).collect();
        columns.extend(["_dumped_at", "_modified_at", "_ingested_at"]);
        let mut first = 0;
        let mut stream = self.table.read(file, Some(&columns), self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let orders = Orders::of(&batch)?;
            let keys = Hasher::new(batch.schema_ref(), &self.model.key)?.keys(&batch)?;
            for (at, key) in keys.into_iter().enumerate() {
                let Some(key) = key else { continue };
                let Some(rank) = standing.rank(key) else { continue };
                if orders.order(at) > dumps[rank as usize].order {
                    standing.withdraw(key);
                } else {
                    gone.push(u32::try_from(first + at)?);
                }
            }
            first += batch.num_rows();
        }
        Ok(gone)
    }

    /// Copies the rows of a file that do not give way.
    async fn rewrite(
        &self,
        file: &Add,
        gone: &[u32],
        writer: &mut DataWriter,
    ) -> anyhow::Result<()> {
        let gone: HashSet<u32> = gone.iter().copied().collect();
        let mut row = 0_u32;
        let mut stream = self.table.read(file, None, self.lake.batch_rows()).await?;
        while let Some(batch) = stream.try_next().await? {
            let until = row + u32::try_from(batch.num_rows())?;
            let keep: BooleanArray = (row..until).map(|row| Some(!gone.contains(&row))).collect();
            writer.write(&filter_record_batch(&batch, &keep)?).await?;
            row = until;
        }
        Ok(())
    }

    /// The order of the dump the table holds, if it holds any row.
    pub(super) async fn newest(&self, base: &State) -> anyhow::Result<Option<DumpOrder>> {
        let columns = ["_dumped_at", "_modified_at", "_ingested_at"];
        for file in base.files() {
            let first = self.table.read(&file, Some(&columns), 1).await?.try_next().await?;
            if let Some(first) = first {
                return Ok(Some(Orders::of(&first)?.order(0)));
            }
        }
        Ok(None)
    }
}
