//! Plant folders: read, checked, and sent to other processes as their texts.

use crate::PlantError;
use crate::contract::Contract;
use crate::model::Model;
use config::diagnostic::Diagnostic;
use chrono::NaiveDate;
use config::definition::{
    default_parameters, describe_cleaned, describe_derived, with_parameters,
};
use config::folder;
use config::model::TableName;
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// The texts of a plant folder by their path below it.
type Texts = BTreeMap<String, String>;

/// A plant as its folder describes it. It can be pickled: a worker of a cluster needs no copy of the folder.
#[pyclass(frozen, from_py_object, module = "plant_cockpit._native")]
#[derive(Clone)]
pub struct Plant {
    texts: Arc<Texts>,
    plant: Arc<folder::Plant>,
}

impl Plant {
    /// The plant as the program reads it.
    pub fn read(&self) -> &folder::Plant {
        &self.plant
    }

    /// The contract of a bronze table; an error names those that exist.
    pub fn find_contract(&self, table: &str) -> PyResult<&plant::contract::Contract> {
        let contracts = &self.plant.contracts;
        contracts.get(table).ok_or_else(|| {
            let known: Vec<&str> = contracts.keys().map(String::as_str).collect();
            let known = known.join(", ");
            PlantError::new_err(format!("unknown contract `{table}`: the plant has {known}"))
        })
    }

    fn find_model(&self, table: &str) -> PyResult<&config::model::Model> {
        let (schema, name) = table.split_once('.').unwrap_or_default();
        let model = self.plant.models.get(&TableName::new(schema, name));
        let unknown = || format!("unknown table `{table}`: expected silver.NAME or gold.NAME");
        model.ok_or_else(|| PlantError::new_err(unknown()))
    }
}

#[pymethods]
impl Plant {
    /// A plant from the texts of its folder.
    #[classmethod]
    fn from_texts(_: &Bound<'_, PyType>, texts: Texts) -> PyResult<Self> {
        new(texts)
    }

    /// Its name.
    #[getter]
    fn name(&self) -> &str {
        &self.plant.name
    }

    /// Its time zone, as the IANA database names it.
    #[getter]
    fn zone(&self) -> &str {
        self.plant.zone.name()
    }

    /// ISO 4217 code of the money in its dumps.
    #[getter]
    fn currency(&self) -> &str {
        &self.plant.currency
    }

    /// The bronze tables, each with a contract.
    #[getter]
    fn contracts(&self) -> Vec<String> {
        self.plant.contracts.keys().cloned().collect()
    }

    /// The silver and gold tables by name.
    #[getter]
    fn models(&self) -> BTreeMap<String, Model> {
        let models = self.plant.models.iter();
        models.map(|(table, model)| (table.to_string(), Model::new(model))).collect()
    }

    /// The contract of a bronze table.
    fn contract(&self, table: &str) -> PyResult<Contract> {
        self.find_contract(table).map(Contract::new)
    }

    /// The statement of a silver or gold table with the values of its parameters. `today` is the day in the
    /// zone of the plant.
    fn statement(&self, table: &str, today: NaiveDate) -> PyResult<String> {
        let model = self.find_model(table)?;
        Ok(with_parameters(model, &default_parameters(&self.plant, model, today)))
    }

    /// The SHA-256 of what defines the rows of a silver or gold table, as the program stores it with the table.
    fn definition(&self, table: &str, today: NaiveDate) -> PyResult<String> {
        let model = self.find_model(table)?;
        let described = match model.cleans() {
            Some(cleaned) => describe_cleaned(&self.plant, model, self.find_contract(cleaned)?),
            None => describe_derived(&self.plant, model, &self.statement(table, today)?),
        };
        Ok(batches::digest::sha256_hex(&described))
    }

    /// The units of the equipment: enterprise, site, area, line, unit. An unknown level is null.
    #[getter]
    fn units(&self) -> Vec<[Option<String>; 5]> {
        let equipment = &self.plant.equipment;
        let known = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let row = |unit: &plant::equipment::Unit| {
            [&equipment.enterprise, &equipment.site, &unit.area, &unit.line, &unit.name].map(known)
        };
        equipment.units.iter().map(row).collect()
    }

    /// The names of the units in other systems: kind (`station` or `lane`), name, unit.
    #[getter]
    fn aliases(&self) -> Vec<(&'static str, String, String)> {
        let of_unit = |unit: &plant::equipment::Unit| {
            let stations = unit.stations.iter().map(|it| ("station", it.clone(), unit.name.clone()));
            let lanes = unit.lanes.iter().map(|it| ("lane", it.clone(), unit.name.clone()));
            stations.chain(lanes).collect::<Vec<_>>()
        };
        self.plant.equipment.units.iter().flat_map(of_unit).collect()
    }

    fn __reduce__(&self, py: Python<'_>) -> PyResult<(Py<PyAny>, (Texts,))> {
        let from_texts = py.get_type::<Self>().getattr("from_texts")?;
        Ok((from_texts.unbind(), (self.texts.as_ref().clone(),)))
    }

    fn __repr__(&self) -> String {
        format!("Plant({:?}, {} contracts)", self.plant.name, self.plant.contracts.len())
    }
}

/// One mistake in a plant folder.
#[pyclass(frozen, get_all, module = "plant_cockpit._native")]
#[derive(Clone)]
pub struct Mistake {
    /// Path below the folder.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
    /// How to correct it.
    pub remedy: String,
}

impl From<Diagnostic> for Mistake {
    fn from(found: Diagnostic) -> Self {
        let Diagnostic { file, line, message, remedy } = found;
        Self { file, line, message, remedy }
    }
}

#[pymethods]
impl Mistake {
    fn __repr__(&self) -> String {
        format!("{}:{}: {}", self.file, self.line, self.message)
    }
}

/// Reads a plant folder, or without one the reference plant.
#[pyfunction]
#[pyo3(signature = (folder=None))]
pub fn load_plant(folder: Option<PathBuf>) -> PyResult<Plant> {
    new(texts(folder)?)
}

/// The mistakes of a plant folder: contracts, headers of models, KPIs, alarm rules, reports.
///
/// Statements are not planned; `cockpit check` plans them, too.
#[pyfunction]
#[pyo3(signature = (folder=None))]
pub fn check(folder: Option<PathBuf>) -> PyResult<Vec<Mistake>> {
    let (_, found) = folder::read(&texts(folder)?);
    Ok(found.into_iter().map(Mistake::from).collect())
}

fn texts(path: Option<PathBuf>) -> PyResult<Texts> {
    folder::texts(path.as_deref()).map_err(|error| crate::data_error(&error))
}

fn new(texts: Texts) -> PyResult<Plant> {
    if !texts.contains_key("plant.toml") {
        return Err(PlantError::new_err("the texts of a plant need plant.toml"));
    }
    match folder::read(&texts) {
        (Some(plant), found) if found.is_empty() => {
            Ok(Plant { texts: Arc::new(texts), plant: Arc::new(plant) })
        }
        (_, found) => {
            let lines: Vec<String> = found.iter().map(ToString::to_string).collect();
            Err(PlantError::new_err(lines.join("\n")))
        }
    }
}
