//! Interpretation of messages: they are decoded and checked by their contract, and duplicates rejected.

use crate::columns::text;
use crate::context::LakeContext;
use crate::delta::table::Table;
use crate::lake::Lake;
use crate::plan::Step;
use crate::refine::cleaning::Cleaning;
use crate::refine::keys::Hasher;
use crate::rejected;
use crate::retention::late::{LateDataFilter, TOO_LATE};
use crate::stream::{Pointers, pointers};
use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, RecordBatch, StringArray};
use arrow::compute::take;
use arrow::datatypes::{Field, Schema, SchemaRef};
use batches::Cleaned;
use batches::batch::{Fields, Messages, topic_name};
use foldhash::fast::FixedState;
use plant::contract::Contract;
use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::sync::Arc;

/// Reason code of a message whose key repeats that of an earlier one.
const DUPLICATE: &str = "duplicate";

/// Interpreted messages.
#[derive(Debug, Clone)]
pub struct Interpreted {
    /// The good rows of the silver table.
    pub rows: RecordBatch,
    /// The other rows, for `silver.rejected`.
    pub rejected: RecordBatch,
}

/// Interprets the messages of one contract.
pub struct Interpreter<'a> {
    cleaning: Cleaning<'a>,
    source: String,
    /// The columns of messages before they are cleaned.
    schema: SchemaRef,
    /// Topic, source and run.
    constants: [Constant; 3],
    recent: Recent,
    late_data: Option<LateDataFilter>,
}

impl<'a> Interpreter<'a> {
    /// An interpreter for the step that cleans the contract's messages into `table`.
    pub fn new(
        context: &'a LakeContext,
        step: &'a Step,
        contract: &Contract,
        table: &'a Table,
    ) -> anyhow::Result<Self> {
        let text_field = |name: &str| Field::new(name, arrow::datatypes::DataType::Utf8, true);
        let mut fields: Vec<Field> =
            contract.columns.iter().map(|it| text_field(&it.name)).collect();
        fields.extend(["_fault", "_rest"].map(text_field));
        let element = contract.records.is_some().then_some(&crate::stream::ELEMENT);
        let pointers = crate::stream::POINTERS.iter().chain(element);
        fields.extend(pointers.map(|(name, kind, _)| Field::new(*name, kind.data_type(), true)));
        Ok(Self {
            cleaning: Cleaning::new(context, step, contract, table)?,
            source: contract.source.clone(),
            schema: Arc::new(Schema::new(fields)),
            constants: Default::default(),
            recent: Recent::new(context.lake.limits().stream.dedupe_readings),
            late_data: None,
        })
    }

    /// Rejects late data from now on.
    pub fn reject_late(&mut self, late_data: LateDataFilter) {
        self.late_data = Some(late_data);
    }

    fn lake(&self) -> &Lake {
        self.cleaning.lake
    }

    /// Remembers silver rows, oldest first, so that duplicates of them are detected.
    pub fn remember(&mut self, rows: &RecordBatch) -> anyhow::Result<()> {
        let hasher = Hasher::new(rows.schema_ref(), &self.cleaning.model.key)?;
        let topics = text(rows, "_topic")?;
        let mut last = ("", topic_hash(""));
        for (row, key) in hasher.short_keys(rows)?.into_iter().enumerate() {
            if topics.value(row) != last.0 {
                last = (topics.value(row), topic_hash(topics.value(row)));
            }
            if let Some(key) = key {
                self.recent.insert(key ^ last.1);
            }
        }
        Ok(())
    }

    /// The pointers of messages that land now.
    pub fn pointers(&mut self, messages: &Messages) -> Pointers {
        let (lake, rows) = (self.cleaning.lake, messages.len());
        let [topic, source, run] = &mut self.constants;
        let constants = [
            topic.column(&messages.topic, rows),
            source.column(&self.source, rows),
            run.column(lake.run(), rows),
        ];
        pointers(messages, constants, lake.now())
    }

    /// Interprets messages, decoded into `fields`, and remembers their keys.
    pub fn interpret(
        &mut self,
        messages: &Messages,
        pointers: &Pointers,
        fields: Fields,
    ) -> anyhow::Result<Interpreted> {
        let mut columns = fields.columns;
        columns.extend([Arc::new(fields.fault) as ArrayRef, Arc::new(fields.rest)]);
        match fields.elements {
            None => columns.extend(pointers.iter().cloned()),
            Some(elements) => {
                let by_record = pointers.iter().map(|all| take(all, &elements.message, None));
                columns.extend(by_record.collect::<Result<Vec<_>, _>>()?);
                columns.push(Arc::new(elements.position));
            }
        }
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        let mut cleaned = self.cleaning.clean(&batch)?;
        self.reject_duplicates(&mut cleaned, &messages.topic)?;
        self.reject_late_data(&mut cleaned)?;
        cleaned.rejections.sort_by_key(|rejection| rejection.row);
        let table = &self.cleaning.model.table;
        let rejected = rejected::rows(self.lake(), table, &batch, &cleaned.rejections)?;
        Ok(Interpreted { rows: cleaned.accepted()?, rejected })
    }

    /// Rejects duplicates and remembers the other keys. Topics are read in parallel, so messages of different
    /// topics are never duplicates of each other.
    fn reject_duplicates(&mut self, cleaned: &mut Cleaned, topic: &str) -> anyhow::Result<()> {
        let hasher = self.cleaning.hasher.as_ref().context("a stream without a key")?;
        let topic = topic_hash(topic);
        for (row, key) in hasher.short_keys(&cleaned.rows)?.into_iter().enumerate() {
            if !cleaned.is_rejected[row] && key.is_some_and(|key| !self.recent.insert(key ^ topic))
            {
                cleaned.reject(row, "", DUPLICATE);
            }
        }
        Ok(())
    }

    /// Rejects records of days that have expired.
    fn reject_late_data(&self, cleaned: &mut Cleaned) -> anyhow::Result<()> {
        let Some(late_data) = &self.late_data else { return Ok(()) };
        let in_time = late_data.in_time(&cleaned.rows, self.lake().now())?;
        for (row, is_in_time) in in_time.into_iter().flatten().enumerate() {
            if !is_in_time && !cleaned.is_rejected[row] {
                cleaned.reject(row, &late_data.time, TOO_LATE);
            }
        }
        Ok(())
    }
}

/// A hash of the topic of a log. Messages of a topic that was created again can be duplicates of those of
/// the previous log.
fn topic_hash(log: &str) -> u64 {
    FixedState::default().hash_one(topic_name(log))
}

/// A constant column; batches share slices of its longest array so far.
#[derive(Default)]
struct Constant {
    text: String,
    longest: Option<StringArray>,
}

impl Constant {
    fn column(&mut self, text: &str, rows: usize) -> ArrayRef {
        let longest = self.longest.take().filter(|it| self.text == text && it.len() >= rows);
        let longest = longest.unwrap_or_else(|| StringArray::from(vec![text; rows]));
        text.clone_into(&mut self.text);
        Arc::new(self.longest.insert(longest).slice(0, rows))
    }
}

/// The most recent keys: at least `capacity` and at most twice as many, in two generations. Both are allocated
/// at the start, so that no message waits for a rehash.
struct Recent {
    capacity: usize,
    young: HashSet<u64, FixedState>,
    old: HashSet<u64, FixedState>,
}

impl Recent {
    fn new(capacity: usize) -> Self {
        let empty = || HashSet::with_capacity_and_hasher(capacity, FixedState::default());
        Self { capacity, young: empty(), old: empty() }
    }

    /// Adds a key. Returns whether it is new, as far as is remembered.
    fn insert(&mut self, key: u64) -> bool {
        if self.old.contains(&key) || !self.young.insert(key) {
            return false;
        }
        if self.young.len() >= self.capacity {
            self.old.clear();
            std::mem::swap(&mut self.old, &mut self.young);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_for_at_least_the_capacity() {
        let mut recent = Recent::new(100);
        for key in 0..1000 {
            assert!(recent.insert(key));
            assert!(!recent.insert(key.saturating_sub(99)));
        }
        assert!(recent.young.len() + recent.old.len() <= 200);
    }

    #[test]
    fn a_constant_column_has_its_text_in_every_row() {
        let mut constant = Constant::default();
        for (text, rows) in [("a", 2), ("a", 1), ("a", 0), ("a", 3), ("b", 2), ("a", 2)] {
            let expected = StringArray::from(vec![text; rows]);
            assert_eq!(constant.column(text, rows).as_ref(), &expected as &dyn arrow::array::Array);
        }
    }
}
