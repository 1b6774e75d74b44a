//! `plant_cockpit._native`: the rules of the program for Python.
//!
//! In: plant folders, Arrow batches of bronze tables, claims on time. Out: typed rows, rejected rows with
//! their reasons, closed time ledgers. Batches cross by the Arrow PyCapsule interface, without a copy.
//! Promise: the crates that the program runs are called, so that results are equal.

mod cleaner;
mod contract;
mod folder;
mod model;
mod store;

use anyhow::Error;
use arrow::array::RecordBatch;
use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatch, PyTable};

create_exception!(
    plant_cockpit._native,
    PlantError,
    PyValueError,
    "A plant folder that cannot be used, or data that does not fit it."
);

/// The error of a step as a Python exception, with its causes.
fn data_error(error: &Error) -> PyErr {
    PlantError::new_err(format!("{error:#}"))
}

/// A batch as a `pyarrow.RecordBatch`.
fn to_pyarrow(py: Python<'_>, batch: RecordBatch) -> PyResult<Bound<'_, PyAny>> {
    PyRecordBatch::new(batch).into_pyarrow(py)
}

/// Closes the time ledgers of all units that have a claim.
///
/// `claims` is a table with at least the columns `unit`, `line`, `category`, `reason`, `source`, `from_at`,
/// `to_at` and `precedence`. Returns one batch per unit, in the order of their names.
#[pyfunction]
fn ledger<'py>(
    py: Python<'py>,
    claims: PyTable,
    plant: &folder::Plant,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let (claims, schema) = claims.into_inner();
    let stored = batches::ledger::stored_schema(&schema).map_err(PlantError::new_err)?;
    let calendar = &plant.read().calendar;
    let closed = py.detach(|| batches::ledger::close(calendar, &claims, &schema, &stored));
    let closed = closed.map_err(|error| data_error(&error))?;
    closed.into_iter().map(|batch| to_pyarrow(py, batch)).collect()
}

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PlantError", module.py().get_type::<PlantError>())?;
    module.add_class::<folder::Plant>()?;
    module.add_class::<folder::Mistake>()?;
    module.add_class::<model::Model>()?;
    module.add_class::<contract::Contract>()?;
    module.add_class::<store::Store>()?;
    module.add_class::<cleaner::Cleaner>()?;
    module.add_class::<cleaner::Cleaned>()?;
    module.add_function(wrap_pyfunction!(folder::load_plant, module)?)?;
    module.add_function(wrap_pyfunction!(folder::check, module)?)?;
    module.add_function(wrap_pyfunction!(ledger, module)?)
}
