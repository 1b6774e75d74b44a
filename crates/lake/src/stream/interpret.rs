//! Messages interpreted: read as their contract says, checked, and told apart from repetitions.

use super::super::Lake;
use super::super::models::Step;
use super::super::refine::Refinery;
use super::super::refine::cleaning::{Cleaned, Cleaning};
use super::super::refine::keys::Hasher;
use super::super::refine::rejected;
use super::super::retention::{Lateness, TOO_LATE};
use super::super::table::Table;
use super::{Pointers, pointers};
use anyhow::Context as _;
use arrow::array::{Array as _, ArrayRef, AsArray as _, RecordBatch, StringArray};
use arrow::compute::take;
use arrow::datatypes::{Field, Schema, SchemaRef};
use batches::batch::{Fields, Messages, topic_of};
use foldhash::fast::FixedState;
use plant::contract::Contract;
use std::collections::HashSet;
use std::hash::BuildHasher as _;
use std::sync::Arc;

/// Reason code of a message that says what an earlier one said.
const DUPLICATE: &str = "duplicate";

/// Messages, interpreted.
#[derive(Debug, Clone)]
pub struct Interpreted {
    /// The good rows, as the silver table stores them.
    pub rows: RecordBatch,
    /// The others, as `silver.rejected` stores them.
    pub rejected: RecordBatch,
}

/// Interprets the messages of one contract.
pub struct Interpreter<'a> {
    cleaning: Cleaning<'a>,
    source: String,
    /// What a message looks like before it is cleaned.
    schema: SchemaRef,
    /// Topic, source and run.
    constants: [Constant; 3],
    recent: Recent,
    lateness: Option<Lateness>,
}

impl<'a> Interpreter<'a> {
    /// An interpreter for the step that cleans the contract's messages into `table`.
    pub fn new(
        refinery: &'a Refinery,
        step: &'a Step,
        contract: &Contract,
        table: &'a Table,
    ) -> anyhow::Result<Self> {
        let text = |name: &str| Field::new(name, arrow::datatypes::DataType::Utf8, true);
        let mut fields: Vec<Field> = contract.columns.iter().map(|it| text(&it.name)).collect();
        fields.extend(["_fault", "_rest"].map(text));
        let element = contract.records.is_some().then_some(&super::ELEMENT);
        let pointers = super::POINTERS.iter().chain(element);
        fields.extend(pointers.map(|(name, kind, _)| Field::new(*name, kind.data_type(), true)));
        Ok(Self {
            cleaning: Cleaning::new(refinery, step, contract, table)?,
            source: contract.source.clone(),
            schema: Arc::new(Schema::new(fields)),
            constants: Default::default(),
            recent: Recent::new(refinery.lake.limits().stream.dedupe_readings),
            lateness: None,
        })
    }

    /// Rejects from now on what comes too late.
    pub fn reject_late(&mut self, lateness: Lateness) {
        self.lateness = Some(lateness);
    }

    fn lake(&self) -> &Lake {
        self.cleaning.lake
    }

    /// Remembers silver rows, oldest first, so that what repeats them is known.
    pub fn remember(&mut self, rows: &RecordBatch) -> anyhow::Result<()> {
        let hasher = Hasher::new(rows.schema_ref(), &self.cleaning.model.key)?;
        let topics = rows.column_by_name("_topic").context("rows of a stream without a topic")?;
        let topics = topics.as_string::<i32>();
        let mut last = ("", hash_of(""));
        for (row, key) in hasher.short_keys(rows)?.into_iter().enumerate() {
            if topics.value(row) != last.0 {
                last = (topics.value(row), hash_of(topics.value(row)));
            }
            if let Some(key) = key {
                self.recent.meet(key ^ last.1);
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

    /// Interprets messages, read as `fields`, and remembers them.
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
                let of_records = pointers.iter().map(|all| take(all, &elements.message, None));
                columns.extend(of_records.collect::<Result<Vec<_>, _>>()?);
                columns.push(Arc::new(elements.position));
            }
        }
        let batch = RecordBatch::try_new(self.schema.clone(), columns)?;
        let mut cleaned = self.cleaning.clean(&batch)?;
        self.reject_repetitions(&mut cleaned, &messages.topic)?;
        self.reject_late_ones(&mut cleaned)?;
        cleaned.reasons.sort_by_key(|reason| reason.row);
        let table = &self.cleaning.model.table;
        let rejected = rejected::rows(self.lake(), table, &batch, &cleaned.reasons)?;
        Ok(Interpreted { rows: cleaned.good()?, rejected })
    }

    /// Rejects what says nothing new, and remembers what does. Topics are read side by side, so what
    /// one of them says repeats nothing another one said.
    fn reject_repetitions(&mut self, cleaned: &mut Cleaned, topic: &str) -> anyhow::Result<()> {
        let hasher = self.cleaning.hasher.as_ref().context("a stream without a key")?;
        let topic = hash_of(topic);
        for (row, key) in hasher.short_keys(&cleaned.rows)?.into_iter().enumerate() {
            if !cleaned.is_bad[row] && key.is_some_and(|key| self.recent.meet(key ^ topic)) {
                cleaned.reject(row, "", DUPLICATE);
            }
        }
        Ok(())
    }

    /// Rejects what is of a day that is no longer kept.
    fn reject_late_ones(&self, cleaned: &mut Cleaned) -> anyhow::Result<()> {
        let Some(lateness) = &self.lateness else { return Ok(()) };
        let in_time = lateness.in_time(&cleaned.rows, self.lake().now())?;
        for (row, is_in_time) in in_time.into_iter().flatten().enumerate() {
            if !is_in_time && !cleaned.is_bad[row] {
                cleaned.reject(row, &lateness.time, TOO_LATE);
            }
        }
        Ok(())
    }
}

/// A number for the topic of a log. A topic that was created again may say again what it said before.
fn hash_of(log: &str) -> u64 {
    FixedState::default().hash_one(topic_of(log))
}

/// A column that says the same in every row; batches share its longest form so far.
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

/// The keys met last: at least `capacity` of them, at most twice as many, in two generations. Both
/// have their room from the start, so that no message waits while one grows.
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

    /// Whether the key was met before, as far as is remembered.
    fn meet(&mut self, key: u64) -> bool {
        if self.old.contains(&key) || !self.young.insert(key) {
            return true;
        }
        if self.young.len() >= self.capacity {
            self.old.clear();
            std::mem::swap(&mut self.old, &mut self.young);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_remembered_for_at_least_the_capacity() {
        let mut recent = Recent::new(100);
        for key in 0..1000 {
            assert!(!recent.meet(key));
            assert!(recent.meet(key.saturating_sub(99)));
        }
        assert!(recent.young.len() + recent.old.len() <= 200);
    }

    #[test]
    fn a_constant_follows_its_text_and_the_rows() {
        let mut constant = Constant::default();
        for (text, rows) in [("a", 2), ("a", 1), ("a", 0), ("a", 3), ("b", 2), ("a", 2)] {
            let expected = StringArray::from(vec![text; rows]);
            assert_eq!(constant.column(text, rows).as_ref(), &expected as &dyn arrow::array::Array);
        }
    }
}
