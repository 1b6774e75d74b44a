//! The columns of a contract whose values are in the record itself.

use plant::contract::{Column, Contract, Origin};

/// For each column of a contract, its number among those whose values are in the record. The others are null
/// in what a decoder returns; they are filled in later.
#[derive(Debug)]
pub(super) struct Slots(Vec<Option<usize>>);

impl Slots {
    /// The columns whose values are in the record, and their positions among all.
    pub fn new(contract: &Contract) -> (Vec<Column>, Self) {
        let mut own = Vec::new();
        let slots = contract.columns.iter().map(|column| {
            let is_in_record = column.origin == Origin::Record;
            is_in_record.then(|| {
                own.push(column.clone());
                own.len() - 1
            })
        });
        let slots = slots.collect();
        (own, Self(slots))
    }

    /// For each column of the contract, its number.
    pub fn iter(&self) -> impl Iterator<Item = Option<usize>> {
        self.0.iter().copied()
    }
}
