//! Which rows of a batch are rejected, and which unreadable values become null.

use super::{MISSING, ParseErrors, Reader, Rejection, Typed};
use arrow::array::{Array, BooleanArray, RecordBatch, StringArray};
use plant::contract::OnError;
use std::borrow::Cow;
use std::sync::Arc;

/// The rejected rows and repaired columns of one batch, collected column by column.
pub(super) struct Verdicts {
    rejected: Vec<bool>,
    rejections: Vec<Rejection>,
    /// Columns, and the rows in which their value became null.
    repaired: Vec<(String, Vec<usize>)>,
}

impl Verdicts {
    pub(super) fn new(rows: usize) -> Self {
        Self { rejected: vec![false; rows], rejections: Vec::new(), repaired: Vec::new() }
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
        errors: ParseErrors,
    ) {
        let Reader { name, column, .. } = reader;
        if column.required || column.on_error == OnError::Reject {
            for (row, error) in errors {
                self.reject(row, name, Cow::Borrowed(error.code()), raw);
            }
        } else if !errors.is_empty() {
            let rows = errors.into_iter().map(|(row, _)| row).collect();
            self.repaired.push((column.name.clone(), rows));
        }
        if let Some(nulls) = values.nulls().filter(|_| column.required) {
            for row in (0..values.len()).filter(|row| nulls.is_null(*row)) {
                self.reject(row, name, Cow::Borrowed(MISSING), raw);
            }
        }
    }

    /// Records the first reason of a row; later ones are ignored.
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
        let column = column.clone();
        self.rejections.push(Rejection { row, column, reason, raw, rule: None });
    }

    pub(super) fn finish(mut self, rows: RecordBatch) -> Typed {
        self.rejections.sort_unstable_by_key(|rejection| rejection.row);
        let in_accepted =
            |rows: Vec<usize>| rows.into_iter().filter(|row| !self.rejected[*row]).count();
        let repaired = self.repaired.into_iter().map(|(column, rows)| (column, in_accepted(rows)));
        Typed {
            rows,
            repaired: repaired.filter(|(_, count)| *count > 0).collect(),
            rejected: BooleanArray::from(self.rejected),
            rejections: self.rejections,
            ambiguous: Vec::new(),
            needs_passes: false,
        }
    }
}
