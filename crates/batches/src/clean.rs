//! Cleaning of a bronze batch: its texts become typed values, the columns of a table are selected from
//! them, and expectations and key are checked.
//!
//! Every row of the batch comes out in its order, as the table would store it, and the rejected ones
//! come with their reasons. Expectations and selected columns are functions over Arrow batches
//! ([`Evaluate`]): a program that plans SQL passes compiled expressions, a cluster worker passes its own.

use crate::columns::column;
use crate::dump_columns::{self, with_dump_columns};
use crate::pointer::{Pointer, kept, with_pointers};
use crate::typed::{self, AmbiguousTimes, MISSING, Passes, Rejection, Stage};
use anyhow::{Context as _, Result};
use arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch};
use arrow::compute::{cast, concat_batches, filter_record_batch};
use arrow::datatypes::SchemaRef;
use plant::calendar::Calendar;
use plant::contract::Contract;
use std::fmt;

/// Reason code of a row that does not meet an expectation.
pub const EXPECTATION: &str = "expectation";

/// Computes one array from a batch, with a value per row.
pub type Evaluate = Box<dyn Fn(&RecordBatch) -> Result<ArrayRef> + Send + Sync>;

/// A condition that every row of a table must meet.
pub struct Expectation {
    pub name: String,
    /// A boolean per row of the selected columns. Null does not violate the expectation.
    pub condition: Evaluate,
}

/// What a table takes from the typed rows of its contract, and what it expects of them.
pub struct Selection {
    /// The columns of the table, without pointers.
    pub schema: SchemaRef,
    /// How each column of `schema` is computed from a batch of [`typed_schema`].
    pub columns: Vec<Evaluate>,
    /// Checked in this order; a row is rejected for the first one that it violates.
    pub expectations: Vec<Expectation>,
    /// Columns of `schema` without which a row has no identity; none of them may be null.
    pub key: Vec<String>,
}

impl Selection {
    /// All columns of a contract as they are typed, without expectations.
    pub fn all_columns(contract: &Contract, key: Vec<String>) -> Self {
        let schema = typed::schema(contract);
        let columns = (0..schema.fields().len()).map(column_at).collect();
        Self { schema, columns, expectations: Vec::new(), key }
    }
}

fn column_at(position: usize) -> Evaluate {
    Box::new(move |rows| Ok(rows.column(position).clone()))
}

/// One bronze batch, cleaned.
#[derive(Debug, Clone)]
pub struct Cleaned {
    /// Every row of the batch, in its order, as the table would store it.
    pub rows: RecordBatch,
    /// For each row whether it must not reach the table.
    pub is_rejected: Vec<bool>,
    /// The first reason of each rejected row, in the order of the rows.
    pub rejections: Vec<Rejection>,
    /// Columns, and how many of their unreadable texts became null in accepted rows.
    pub repaired: Vec<(String, usize)>,
    /// Columns with times that the clock shows twice.
    pub ambiguous: Vec<AmbiguousTimes>,
    /// Whether the passes of the dump are needed to date these times.
    pub needs_passes: bool,
}

impl Cleaned {
    /// Concatenates cleaned batches that follow each other.
    ///
    /// # Errors
    /// Fails if there is none, or if their schemas differ.
    pub fn concat(pieces: Vec<Self>) -> Result<Self> {
        let schema = pieces.first().context("no cleaned batches to concatenate")?.rows.schema();
        let rows = concat_batches(&schema, pieces.iter().map(|piece| &piece.rows))?;
        let mut whole = Self {
            rows,
            is_rejected: Vec::new(),
            rejections: Vec::new(),
            repaired: Vec::new(),
            ambiguous: Vec::new(),
            needs_passes: false,
        };
        for piece in pieces {
            whole.append(piece);
        }
        Ok(whole)
    }

    fn append(&mut self, piece: Self) {
        let before = self.is_rejected.len();
        self.rejections.extend(piece.rejections.into_iter().map(|mut rejection| {
            rejection.row += before;
            rejection
        }));
        self.is_rejected.extend(piece.is_rejected);
        self.repaired.extend(piece.repaired);
        self.ambiguous.extend(piece.ambiguous);
        self.needs_passes |= piece.needs_passes;
    }

    /// Rejects a row for a reason outside its contract. The caller sorts the rejections by row after
    /// the last one.
    pub fn reject(&mut self, row: usize, column: &str, reason: &'static str) {
        self.is_rejected[row] = true;
        self.rejections.push(Rejection::new(row, column, reason));
    }

    /// The rows that reach the table.
    ///
    /// # Errors
    /// Fails if Arrow cannot filter the batch.
    pub fn accepted(&self) -> Result<RecordBatch> {
        if !self.is_rejected.contains(&true) {
            return Ok(self.rows.clone());
        }
        let accepted = self.is_rejected.iter().map(|is_rejected| Some(!is_rejected));
        Ok(filter_record_batch(&self.rows, &accepted.collect::<BooleanArray>())?)
    }
}

/// The columns a [`Selection`] is computed from: those of the contract, typed, and those of the dump.
pub fn typed_schema(contract: &Contract, calendar: &Calendar) -> SchemaRef {
    with_dump_columns(&typed::schema(contract), contract, calendar.zone().zone())
}

/// Cleans the batches of one bronze table. Built once, it serves any number of batches.
pub struct Cleaner {
    stage: Stage,
    typed: SchemaRef,
    selection: Selection,
    pointers: &'static [(&'static str, Pointer)],
    stored: SchemaRef,
}

impl fmt::Debug for Cleaner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleaner").field("stored", &self.stored).finish_non_exhaustive()
    }
}

impl Cleaner {
    /// A cleaner for the bronze table of a contract.
    pub fn new(contract: &Contract, calendar: &Calendar, selection: Selection) -> Self {
        Self {
            stage: Stage::new(contract, calendar),
            typed: typed_schema(contract, calendar),
            pointers: kept(contract),
            stored: with_pointers(&selection.schema, contract),
            selection,
        }
    }

    /// The stage that reads the texts of the contract's columns.
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    /// The columns of cleaned rows: those of the selection, and their pointers.
    pub fn schema(&self) -> &SchemaRef {
        &self.stored
    }

    /// Cleans one bronze batch. `passes` dates times that the clock shows twice; without them such a
    /// time means its first pass.
    ///
    /// # Errors
    /// Fails if the batch lacks a column of the contract or a pointer, or if an expression fails.
    pub fn clean(&self, bronze: &RecordBatch, passes: Option<&Passes>) -> Result<Cleaned> {
        let mut typed = self.stage.apply(bronze, passes)?;
        typed.rows = dump_columns::add(&typed.rows, bronze, &self.typed)?;
        let own = self.select(&typed.rows)?;
        let mut is_rejected: Vec<bool> = typed.rejected.values().iter().collect();
        let mut rejections = typed.rejections;
        self.check_expectations(&own, &mut is_rejected, &mut rejections)?;
        self.check_key(&own, &mut is_rejected, &mut rejections)?;
        rejections.sort_by_key(|rejection| rejection.row);
        let mut columns = own.columns().to_vec();
        for (name, _) in self.pointers {
            columns.push(column(bronze, name)?.clone());
        }
        Ok(Cleaned {
            rows: RecordBatch::try_new(self.stored.clone(), columns)?,
            is_rejected,
            rejections,
            repaired: typed.repaired,
            ambiguous: typed.ambiguous,
            needs_passes: typed.needs_passes,
        })
    }

    fn select(&self, typed: &RecordBatch) -> Result<RecordBatch> {
        let schema = &self.selection.schema;
        let mut columns = Vec::with_capacity(self.stored.fields().len());
        for (evaluate, field) in self.selection.columns.iter().zip(schema.fields()) {
            columns.push(cast(&evaluate(typed)?, field.data_type())?);
        }
        Ok(RecordBatch::try_new(schema.clone(), columns)?)
    }

    fn check_expectations(
        &self,
        own: &RecordBatch,
        is_rejected: &mut [bool],
        rejections: &mut Vec<Rejection>,
    ) -> Result<()> {
        for expectation in &self.selection.expectations {
            let holds = (expectation.condition)(own)?;
            let holds = holds.as_boolean_opt().with_context(|| {
                format!(
                    "expectation {} is {}, not a condition",
                    expectation.name,
                    holds.data_type()
                )
            })?;
            if holds.false_count() == 0 {
                continue;
            }
            for (row, is_rejected) in is_rejected.iter_mut().enumerate() {
                if !*is_rejected && holds.is_valid(row) && !holds.value(row) {
                    *is_rejected = true;
                    let rule = Some(expectation.name.clone());
                    rejections.push(Rejection { rule, ..Rejection::new(row, "", EXPECTATION) });
                }
            }
        }
        Ok(())
    }

    fn check_key(
        &self,
        own: &RecordBatch,
        is_rejected: &mut [bool],
        rejections: &mut Vec<Rejection>,
    ) -> Result<()> {
        for name in &self.selection.key {
            let Some(nulls) = column(own, name)?.nulls() else { continue };
            for (row, is_rejected) in is_rejected.iter_mut().enumerate() {
                if !*is_rejected && nulls.is_null(row) {
                    *is_rejected = true;
                    rejections.push(Rejection::new(row, name, MISSING));
                }
            }
        }
        Ok(())
    }
}

/// Cleans one bronze batch by its contract alone: formats, required columns and `key`, without a model.
///
/// # Errors
/// Fails if the batch lacks a column of the contract or a pointer.
pub fn clean(
    bronze: &RecordBatch,
    contract: &Contract,
    calendar: &Calendar,
    key: Vec<String>,
) -> Result<Cleaned> {
    let selection = Selection::all_columns(contract, key);
    Cleaner::new(contract, calendar, selection).clean(bronze, None)
}

#[cfg(test)]
mod tests;
