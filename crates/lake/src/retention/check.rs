//! Whether what is said of retention can be kept: no number may be lost with the rows.

use super::is_period;
use crate::models::Step;
use config::diagnostic::Diagnostic;
use config::folder::Plant;
use config::model::{Model, TableName};
use plant::contract::Contract;

/// The mistakes in what a plant says of retention.
pub fn check(plant: &Plant, steps: &[Step]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    // What bronze says is checked with its contract.
    for (name, retention) in plant.retention.iter().filter(|(name, _)| name.schema != "bronze") {
        let Some(model) = plant.models.get(name) else { continue };
        let mut note = |message: String, remedy: String| {
            let (file, line) = (format!("{}/{}.sql", name.schema, name.name), retention.line);
            found.push(Diagnostic { file, line, message, remedy });
        };
        let contract = model.cleans().and_then(|table| plant.contracts.get(table));
        if !contract.is_some_and(Contract::is_stream) {
            let message = format!("rows of {name} do not age");
            let remedy = "Take the retention away: only a table that cleans the messages of a topic \
                          has one.";
            note(message, remedy.to_owned());
            continue;
        }
        let readers = plant.models.values().filter(|reader| reader.upstreams.contains(name));
        for reader in readers {
            let Some(problem) = problem(reader, name, steps) else { continue };
            let (schema, table) = (&reader.table.schema, &reader.table.name);
            let message = format!("{} {problem}", reader.table);
            let remedy = format!(
                "Give {schema}/{table}.sql -- refresh: COLUMN, a time or day that {name} has too, or \
                 take the retention away."
            );
            note(message, remedy);
        }
    }
    found
}

/// Why a table made of one whose rows expire could not keep what it said of them.
fn problem(reader: &Model, upstream: &TableName, steps: &[Step]) -> Option<String> {
    let lost = "what it says of rows that have expired would be lost";
    let Some(refresh) = &reader.refresh else {
        return Some(format!("is made of all rows at once: {lost}"));
    };
    if reader.via.iter().any(|via| via.table == upstream.name) {
        return Some(format!("follows {upstream} by way of another table: {lost}"));
    }
    let kind = |table: &TableName| {
        let step = steps.iter().find(|step| step.name() == table)?;
        Some(step.schema.field_with_name(refresh).ok()?.data_type().clone())
    };
    // Of a table that cannot be planned it is said already what is wrong.
    let is_planned = |table: &TableName| steps.iter().any(|step| step.name() == table);
    if !is_planned(&reader.table) || !is_planned(upstream) {
        return None;
    }
    let kinds = [kind(upstream), kind(&reader.table)];
    match kinds {
        [Some(left), Some(right)] if left == right && is_period(&left) => None,
        _ => Some(format!("is made by `{refresh}`, no time or day {upstream} has: {lost}")),
    }
}
