//! Source contracts: which records of a bronze table supersede which.

use plant::contract::{DumpId, Supersede};
use pyo3::prelude::*;

/// The source contract of one bronze table.
#[pyclass(frozen, module = "plant_cockpit._native")]
pub struct Contract {
    contract: plant::contract::Contract,
}

impl Contract {
    pub fn new(contract: &plant::contract::Contract) -> Self {
        Self { contract: contract.clone() }
    }
}

#[pymethods]
impl Contract {
    /// Name of the bronze table, without its schema.
    #[getter]
    fn table(&self) -> &str {
        &self.contract.table
    }

    /// What the records are.
    #[getter]
    fn description(&self) -> &str {
        &self.contract.description
    }

    /// Whether the records are messages of a stream rather than of dumps.
    #[getter]
    fn is_stream(&self) -> bool {
        self.contract.is_stream()
    }

    /// The columns of the bronze table without pointers, in order.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.contract.columns.iter().map(|column| column.name.clone()).collect()
    }

    /// `key` (the newest record of a key counts), `dump` (the newest dump counts) or `never`.
    #[getter]
    fn supersede(&self) -> &'static str {
        match self.contract.supersede {
            Supersede::Key => "key",
            Supersede::Dump => "dump",
            Supersede::Never => "never",
        }
    }

    /// Whether a newer version of a file supersedes every record of its older versions. `is_dated`: the name of
    /// the file has a date.
    fn removes_records(&self, is_dated: bool) -> bool {
        self.contract.supersede == Supersede::Key && self.contract.rewriting_removes(is_dated)
    }

    /// The dump a file belongs to, as a value that can be compared. `dated_us` is the time in the name of the
    /// file in microseconds since 1970 UTC, if it has one.
    #[pyo3(signature = (file, dated_us=None))]
    fn dump_id(&self, file: &str, dated_us: Option<i64>) -> (u8, String, i64) {
        match self.contract.dump_id(file, dated_us) {
            DumpId::File(key) => (0, key, 0),
            DumpId::Folder(key) => (1, key, 0),
            DumpId::Dated(at_us) => (2, String::new(), at_us),
        }
    }

    fn __repr__(&self) -> String {
        format!("Contract({:?})", self.contract.table)
    }
}
