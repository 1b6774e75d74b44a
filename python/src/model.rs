//! Models: the silver and gold tables that the SQL files of a plant define.

use pyo3::prelude::*;

/// One silver or gold table as its SQL file defines it.
#[pyclass(frozen, get_all, module = "plant_cockpit._native")]
#[derive(Clone)]
pub struct Model {
    /// What the table is.
    pub description: String,
    /// The whole file: comments and statement.
    pub sql: String,
    /// Columns whose values name a record; a newer record with the same values supersedes.
    pub key: Vec<String>,
    /// Columns whose values are different in every row.
    pub grain: Vec<String>,
    /// Tables that the statement reads.
    pub upstreams: Vec<String>,
    /// The contract whose records the table cleans; `None` if the table is derived from others.
    pub cleans: Option<String>,
    /// Whether the rows of the statement are claims on time, of which a ledger is made.
    pub is_ledger: bool,
    /// Column of the day after whose end a change of a row is a restatement.
    pub final_after: Option<String>,
    /// Name, condition in SQL, and action (`reject` or `warn`) of each expectation, in order.
    pub expectations: Vec<(String, String, &'static str)>,
    /// Name, unit and description of each column that the header describes.
    pub columns: Vec<(String, Option<String>, String)>,
}

impl Model {
    /// The model as Python reads it.
    pub fn new(model: &config::model::Model) -> Self {
        let expectations = model.expectations.iter();
        let columns = model.columns.iter();
        Self {
            description: model.description.clone(),
            sql: model.sql.clone(),
            key: model.key.clone(),
            grain: model.grain.clone(),
            upstreams: model.upstreams.iter().map(ToString::to_string).collect(),
            cleans: model.cleans().map(str::to_owned),
            is_ledger: model.is_ledger,
            final_after: model.certify.clone(),
            expectations: expectations
                .map(|it| (it.name.clone(), it.rule.clone(), it.action.as_str()))
                .collect(),
            columns: columns
                .map(|it| (it.name.clone(), it.unit.clone(), it.description.clone()))
                .collect(),
        }
    }
}
