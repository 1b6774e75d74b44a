//! What is wrong with the rows of a batch, and what becomes of them.

use super::{MISSING, Misreads, Problem, Reader, Typed};
use arrow::array::{Array, BooleanArray, RecordBatch, StringArray};
use plant::contract::OnError;
use std::borrow::Cow;
use std::sync::Arc;

/// What is wrong with the rows of one batch, found column by column.
pub(super) struct Verdicts {
    rejected: Vec<bool>,
    problems: Vec<Problem>,
    /// Columns and the rows in which they became unknown.
    repaired: Vec<(String, Vec<usize>)>,
}

impl Verdicts {
    pub(super) fn new(rows: usize) -> Self {
        Self { rejected: vec![false; rows], problems: Vec::new(), repaired: Vec::new() }
    }

    pub(super) fn add_faults(&mut self, fault: &StringArray, rest: &StringArray) {
        if fault.null_count() == fault.len() {
            return;
        }
        let none = "".into();
        for (row, fault) in fault.iter().enumerate() {
            if let Some(fault) = fault {
                self.reject(row, &none, Cow::Owned(fault.to_owned()), rest);
            }
        }
    }

    pub(super) fn judge(
        &mut self,
        reader: &Reader,
        raw: &StringArray,
        values: &dyn Array,
        misreads: Misreads,
    ) {
        let Reader { name, column, .. } = reader;
        if column.required || column.on_error == OnError::Reject {
            for (row, misread) in misreads {
                self.reject(row, name, Cow::Borrowed(misread.code()), raw);
            }
        } else if !misreads.is_empty() {
            let rows = misreads.into_iter().map(|(row, _)| row).collect();
            self.repaired.push((column.name.clone(), rows));
        }
        if let Some(nulls) = values.nulls().filter(|_| column.required) {
            for row in (0..values.len()).filter(|row| nulls.is_null(*row)) {
                self.reject(row, name, Cow::Borrowed(MISSING), raw);
            }
        }
    }

    /// Only the first problem of a row counts.
    fn reject(
        &mut self,
        row: usize,
        column: &Arc<str>,
        reason: Cow<'static, str>,
        raw: &StringArray,
    ) {
        if std::mem::replace(&mut self.rejected[row], true) {
            return;
        }
        let raw = raw.is_valid(row).then(|| raw.value(row).to_owned());
        self.problems.push(Problem { row, column: column.clone(), reason, raw });
    }

    pub(super) fn close(mut self, rows: RecordBatch) -> Typed {
        self.problems.sort_unstable_by_key(|problem| problem.row);
        let staying =
            |rows: Vec<usize>| rows.into_iter().filter(|row| !self.rejected[*row]).count();
        let repaired = self.repaired.into_iter().map(|(column, rows)| (column, staying(rows)));
        Typed {
            rows,
            repaired: repaired.filter(|(_, count)| *count > 0).collect(),
            rejected: BooleanArray::from(self.rejected),
            problems: self.problems,
            ambiguous: Vec::new(),
            needs_passes: false,
        }
    }
}
