//! The position behind the rows of a page, while they are delivered.

use super::position::{FeedPosition, to_text};
use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;

/// The last delivered row in the columns of the order, and how many rows before it are equal to it.
pub struct Run {
    start: FeedPosition,
    /// Positions of the columns of the order.
    order: Vec<usize>,
    last: Option<Vec<ScalarValue>>,
    equal_rows: u64,
    /// Whether all rows so far are equal.
    is_whole: bool,
}

impl Run {
    /// A page that begins at `start`.
    pub fn new(start: FeedPosition, order: Vec<usize>) -> Self {
        Self { start, order, last: None, equal_rows: 0, is_whole: true }
    }

    /// Adds delivered rows.
    pub fn add(&mut self, batch: &RecordBatch) -> Result<(), DataFusionError> {
        let rows = batch.num_rows();
        let Some(newest) = rows.checked_sub(1) else { return Ok(()) };
        let last = self.values(batch, newest)?;
        let mut equal = 1;
        while equal < rows && self.values(batch, newest - equal)? == last {
            equal += 1;
        }
        let is_all = equal == rows;
        let continues = is_all && self.last.as_ref().is_none_or(|before| *before == last);
        self.equal_rows = equal as u64 + if continues { self.equal_rows } else { 0 };
        self.is_whole &= continues;
        self.last = Some(last);
        Ok(())
    }

    fn values(&self, batch: &RecordBatch, row: usize) -> Result<Vec<ScalarValue>, DataFusionError> {
        let value = |at: &usize| ScalarValue::try_from_array(batch.column(*at), row);
        self.order.iter().map(value).collect()
    }

    /// The position behind the delivered rows. `top` are the rows that `$top` leaves.
    pub fn position(&self, top: Option<u64>) -> FeedPosition {
        let Some(last) = &self.last else { return FeedPosition { top, ..self.start.clone() } };
        let values: Vec<_> = last.iter().map(to_text).collect();
        let version = self.start.version;
        // Rows before the page may be equal to the last one, too.
        let is_continued =
            self.is_whole && (self.start.values.is_empty() || self.start.values == values);
        match is_continued {
            true => FeedPosition {
                equal_rows: self.start.equal_rows.saturating_add(self.equal_rows),
                top,
                ..self.start.clone()
            },
            false => FeedPosition { version, values, equal_rows: self.equal_rows, top },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array};
    use std::sync::Arc;

    fn check(start: &FeedPosition, batches: &[&[i64]], values: &[&str], equal_rows: u64) {
        let mut run = Run::new(start.clone(), vec![0]);
        for values in batches {
            let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
            run.add(&RecordBatch::try_from_iter([("a", column)]).unwrap()).unwrap();
        }
        let position = run.position(Some(1));
        let expected: Vec<_> = values.iter().map(|it| Some((*it).to_owned())).collect();
        assert_eq!((position.values, position.equal_rows), (expected, equal_rows), "{batches:?}");
        assert_eq!((position.version, position.top), (3, Some(1)));
    }

    #[test]
    fn equal_rows_are_counted_across_batches_and_pages() {
        let first = FeedPosition { version: 3, ..FeedPosition::default() };
        check(&first, &[&[1, 2, 3]], &["3"], 1);
        check(&first, &[&[1, 2, 2], &[2, 2]], &["2"], 4);
        check(&first, &[&[1, 2], &[3], &[]], &["3"], 1);
        check(&first, &[&[2], &[2, 3, 3]], &["3"], 2);
        check(&first, &[&[2, 2], &[2]], &[], 3);
        let skipped = FeedPosition { equal_rows: 5, ..first.clone() };
        check(&skipped, &[&[2, 2]], &[], 7);
        check(&skipped, &[&[2, 2, 3]], &["3"], 1);
        let at = |value: &str| FeedPosition {
            values: vec![Some(value.into())],
            equal_rows: 4,
            ..first.clone()
        };
        check(&at("2"), &[&[2, 2]], &["2"], 6);
        check(&at("1"), &[&[2, 2]], &["2"], 2);
        check(&at("2"), &[], &["2"], 4);
    }
}
