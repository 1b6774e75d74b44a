//! What defines the rows of a refined table, as a text: it differs whenever the same upstream rows would give
//! other rows. Every engine that refines a lake stores the SHA-256 of this text with the table.

use crate::folder::Plant;
use crate::model::{Model, ParameterDefault, ParameterValue, TableName};
use chrono::NaiveDate;
use plant::contract::{Contract, Origin};
use std::collections::BTreeMap;

/// The schema of the tables that the equipment of a plant makes.
pub const EQUIPMENT: &str = "plant";

/// The definition of a table that is cleaned from the records of a contract.
pub fn describe_cleaned(plant: &Plant, model: &Model, contract: &Contract) -> String {
    let (zone, shifts) = (plant.zone, plant.calendar.shifts());
    // The topics are irrelevant unless a column is taken from them, as are the settings that only affect
    // landing or the report of faulty dumps.
    let has_topic = contract.columns.iter().any(|column| column.origin == Origin::Topic);
    let topics = if has_topic { topics(contract) } else { Vec::new() };
    let contract = Contract {
        topics,
        http: None,
        mqtt: None,
        pull: None,
        done_marker: None,
        reject_at_most: None,
        case_sensitive_columns: false,
        ..contract.clone()
    };
    format!("{}\n{contract:?}\n{zone}\n{shifts:?}", model.meaning())
}

/// Names, patterns and filters of the topics of a contract.
fn topics(contract: &Contract) -> Vec<String> {
    let filters = contract.mqtt.iter().flat_map(|mqtt| &mqtt.filters);
    let filters = filters.map(|filter| filter.as_str().to_owned());
    contract.topics.iter().cloned().chain(filters).collect()
}

/// The definition of a table that is derived from others by the statement `sql`, which has the values of its
/// parameters.
pub fn describe_derived(plant: &Plant, model: &Model, sql: &str) -> String {
    let mut definition = sql.to_owned();
    let reads_equipment = |name: &TableName| name.schema == EQUIPMENT;
    if model.upstreams.iter().any(reads_equipment) {
        definition.push_str(&format!("\n{:?}", plant.equipment));
    }
    if model.is_ledger {
        let (shifts, rests) = (plant.calendar.shifts(), plant.calendar.rests());
        definition.push_str(&format!("\n{}\n{shifts:?}\n{rests:?}", plant.zone));
    }
    definition
}

/// The values of the parameters of a model unless a query sets others. `today` is the day in the plant's zone.
pub fn default_parameters(
    plant: &Plant,
    model: &Model,
    today: NaiveDate,
) -> BTreeMap<String, ParameterValue> {
    let value = |default| match default {
        ParameterDefault::Today => ParameterValue::Day(today),
        ParameterDefault::TemperatureLimit => ParameterValue::Number(plant.temperature.limit_c),
    };
    model.parameters.iter().map(|it| (it.name.clone(), value(it.default))).collect()
}

/// The statement of a model with the values of its parameters.
pub fn with_parameters(model: &Model, values: &BTreeMap<String, ParameterValue>) -> String {
    let mut sql = model.sql.clone();
    for parameter in &model.parameters {
        if let Some(value) = values.get(&parameter.name) {
            sql = sql.replace(&format!(":{}", parameter.name), &value.to_string());
        }
    }
    sql
}
