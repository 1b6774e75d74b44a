//! Cleaning of bronze batches by the contract of their table.

use crate::folder::Plant;
use crate::{PlantError, data_error, to_pyarrow};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use batches::clean::{self, Selection};
use batches::typed::Rejection;
use pyo3::prelude::*;
use pyo3_arrow::{PyRecordBatch, PySchema};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Cleans the bronze batches of one contract. It can be pickled and serves any number of batches.
#[pyclass(frozen, module = "plant_cockpit._native")]
pub struct Cleaner {
    plant: Plant,
    table: String,
    key: Vec<String>,
    cleaner: clean::Cleaner,
}

#[pymethods]
impl Cleaner {
    /// The cleaner of a bronze table. Rows without a value in a column of `key` are rejected.
    #[new]
    #[pyo3(signature = (plant, table, key=Vec::new()))]
    fn new(plant: Plant, table: String, key: Vec<String>) -> PyResult<Self> {
        let contract = plant.find_contract(&table)?.clone();
        let contract = &contract;
        let typed = batches::typed::schema(contract);
        if let Some(name) = key.iter().find(|name| typed.column_with_name(name).is_none()) {
            return Err(PlantError::new_err(format!("contract `{table}` has no column `{name}`")));
        }
        let selection = Selection::all_columns(contract, key.clone());
        let cleaner = clean::Cleaner::new(contract, &plant.read().calendar, selection);
        Ok(Self { plant, table, key, cleaner })
    }

    /// The columns of cleaned rows, as a `pyarrow.Schema`.
    #[getter]
    fn schema<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        PySchema::new(self.cleaner.schema().clone()).into_pyarrow(py)
    }

    /// Cleans one batch of the bronze table, as the program does.
    fn clean(&self, py: Python<'_>, bronze: PyRecordBatch) -> PyResult<Cleaned> {
        let bronze = bronze.into_inner();
        let clean = || {
            let bronze = with_types_of_bronze(&bronze, self.cleaner.schema())?;
            self.cleaner.clean(&bronze, None)
        };
        let cleaned = py.detach(clean);
        cleaned.map(|cleaned| Cleaned { cleaned }).map_err(|error| data_error(&error))
    }

    fn __reduce__(&self, py: Python<'_>) -> (Py<PyAny>, (Plant, String, Vec<String>)) {
        let class = py.get_type::<Self>().into_any().unbind();
        (class, (self.plant.clone(), self.table.clone(), self.key.clone()))
    }

    fn __repr__(&self) -> String {
        format!("Cleaner({:?}, key={:?})", self.table, self.key)
    }
}

/// One bronze batch, cleaned.
#[pyclass(frozen, module = "plant_cockpit._native")]
pub struct Cleaned {
    cleaned: clean::Cleaned,
}

#[pymethods]
impl Cleaned {
    /// Every row of the batch in its order, typed; unreadable values are null.
    #[getter]
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_pyarrow(py, self.cleaned.rows.clone())
    }

    /// The rows that reach the silver table.
    #[getter]
    fn accepted<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        to_pyarrow(py, self.cleaned.accepted().map_err(|error| data_error(&error))?)
    }

    /// The rejected rows: `row` (position in the batch, from 0), `column`, `reason`, `raw` (the text as
    /// received) and `rule`.
    #[getter]
    fn rejected<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let rejected = rejections(&self.cleaned);
        to_pyarrow(py, rejected.map_err(|error| PlantError::new_err(error.to_string()))?)
    }

    /// A row for each row of the batch: `_reject_column`, `_reject_reason`, `_reject_raw` and `_reject_rule`, null for
    /// rows that reach the silver table.
    #[getter]
    fn verdicts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let verdicts = verdicts(&self.cleaned);
        to_pyarrow(py, verdicts.map_err(|error| PlantError::new_err(error.to_string()))?)
    }

    /// For each column the number of unreadable texts that became null in accepted rows.
    #[getter]
    fn repaired(&self) -> BTreeMap<String, usize> {
        self.cleaned.repaired.iter().cloned().collect()
    }

    /// Whether there are times that the clock shows twice. Here they mean their first pass; the program
    /// resolves them by the order of the records of the whole dump.
    #[getter]
    fn needs_passes(&self) -> bool {
        self.cleaned.needs_passes
    }

    fn __len__(&self) -> usize {
        self.cleaned.rows.num_rows()
    }

    fn __repr__(&self) -> String {
        let rows = self.cleaned.rows.num_rows();
        format!("Cleaned({rows} rows, {} rejected)", self.cleaned.rejections.len())
    }
}

/// A bronze batch with its pointers in the types of bronze. Other engines name the zone of times otherwise, or have
/// other types of text.
fn with_types_of_bronze(bronze: &RecordBatch, stored: &Schema) -> anyhow::Result<RecordBatch> {
    let mut fields = Vec::with_capacity(bronze.num_columns());
    let mut columns = Vec::with_capacity(bronze.num_columns());
    for (field, column) in bronze.schema().fields().iter().zip(bronze.columns()) {
        let pointer = stored.field_with_name(field.name()).ok();
        let pointer = pointer.filter(|it| it.name().starts_with('_'));
        let kind = match field.data_type() {
            DataType::Timestamp(_, _) => batches::typed::utc(),
            own => pointer.map_or_else(|| own.clone(), |it| it.data_type().clone()),
        };
        columns.push(cast(column, &kind)?);
        fields.push(Field::new(field.name(), kind, true));
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
}

/// Column, reason, text and rule of a rejection.
fn texts(rejections: &[&Rejection]) -> [ArrayRef; 4] {
    let column = |it: &&Rejection| Some(it.column.to_string()).filter(|name| !name.is_empty());
    [
        Arc::new(rejections.iter().map(column).collect::<StringArray>()),
        Arc::new(rejections.iter().map(|it| Some(it.reason.as_ref())).collect::<StringArray>()),
        Arc::new(rejections.iter().map(|it| it.raw.as_deref()).collect::<StringArray>()),
        Arc::new(rejections.iter().map(|it| it.rule.as_deref()).collect::<StringArray>()),
    ]
}

fn rejections(cleaned: &clean::Cleaned) -> Result<RecordBatch, ArrowError> {
    let found: Vec<&Rejection> = cleaned.rejections.iter().collect();
    let rows = found.iter().map(|it| i64::try_from(it.row).unwrap_or(i64::MAX));
    let names = ["column", "reason", "raw", "rule"];
    let mut fields = vec![Field::new("row", DataType::Int64, false)];
    fields.extend(names.map(|name| Field::new(name, DataType::Utf8, true)));
    let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from_iter_values(rows))];
    columns.extend(texts(&found));
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

fn verdicts(cleaned: &clean::Cleaned) -> Result<RecordBatch, ArrowError> {
    let found: Vec<&Rejection> = cleaned.rejections.iter().collect();
    let mut positions: Vec<Option<u32>> = vec![None; cleaned.rows.num_rows()];
    for (at, rejection) in (0_u32..).zip(&found) {
        positions[rejection.row].get_or_insert(at);
    }
    let positions = UInt32Array::from(positions);
    let names = ["_reject_column", "_reject_reason", "_reject_raw", "_reject_rule"];
    let fields = names.map(|name| Field::new(name, DataType::Utf8, true));
    let columns = texts(&found).into_iter().map(|column| take(&column, &positions, None));
    RecordBatch::try_new(Arc::new(Schema::new(fields.to_vec())), columns.collect::<Result<_, _>>()?)
}
