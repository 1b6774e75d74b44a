//! Columns whose value is a part of the dump's path, and the same for all its records.

use arrow::array::{ArrayRef, StringArray, new_null_array};
use arrow::datatypes::DataType;
use batches::batch::Batch;
use plant::contract::{Contract, Origin};
use std::sync::Arc;

/// The values taken from a dump's path, by their position among the contract's columns.
#[derive(Debug)]
pub struct PathColumns(Vec<(usize, Option<String>)>);

impl PathColumns {
    /// Takes the contract's columns of origin [`Origin::Path`] from `key`. A part that is missing in the path is
    /// null.
    pub fn new(contract: &Contract, key: &str) -> Self {
        let columns = contract.columns.iter().enumerate();
        let columns = columns.filter(|(_, column)| column.origin == Origin::Path);
        let value = |header: &str| {
            let mut parts = contract.paths.iter().filter_map(|path| path.part(key, header));
            parts.next().map(|part| part.into_owned())
        };
        Self(columns.map(|(at, column)| (at, value(&column.header))).collect())
    }

    /// The contract for the decoders: with the columns that are in the records.
    pub fn contract_of_records(&self, contract: &Contract) -> Contract {
        let columns = contract.columns.iter().filter(|column| column.origin != Origin::Path);
        Contract { columns: columns.cloned().collect(), ..contract.clone() }
    }

    /// The batch with the columns of the path inserted at their positions.
    pub fn complete(&self, mut batch: Batch) -> Batch {
        let rows = batch.record.len();
        for (at, value) in &self.0 {
            let column: ArrayRef = match value {
                Some(value) => Arc::new(StringArray::from(vec![value.as_str(); rows])),
                None => new_null_array(&DataType::Utf8, rows),
            };
            batch.fields.insert(*at, column);
        }
        batch
    }
}
