//! Checks the retention of a plant: no figure may be lost when rows expire.

use crate::plan::Step;
use crate::retention::is_period;
use config::diagnostic::Diagnostic;
use config::folder::Plant;
use config::model::{Model, TableName};
use plant::contract::Contract;

/// Mistakes in the retention of a plant.
pub fn check(plant: &Plant, steps: &[Step]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    // The retention of bronze is checked with its contract.
    for (name, retention) in plant.retention.iter().filter(|(name, _)| name.schema != "bronze") {
        let Some(model) = plant.models.get(name) else { continue };
        let mut note = |message: String, remedy: String| {
            let (file, line) = (format!("{}/{}.sql", name.schema, name.name), retention.line);
            found.push(Diagnostic { file, line, message, remedy });
        };
        let contract = model.cleans().and_then(|table| plant.contracts.get(table));
        if !contract.is_some_and(Contract::is_stream) {
            let message = format!("retention of {name}: only tables of streams can have one");
            let remedy =
                "Remove the retention, or set it for a table that cleans the messages of a topic.";
            note(message, remedy.to_owned());
            continue;
        }
        let readers = plant.models.values().filter(|reader| reader.upstreams.contains(name));
        for reader in readers {
            let Some(problem) = problem(reader, name, steps) else { continue };
            let (schema, table) = (&reader.table.schema, &reader.table.name);
            let message = format!("{} {problem}", reader.table);
            let remedy = format!(
                "Add `-- refresh: COLUMN` to {schema}/{table}.sql, with a timestamp or date that {name} has \
                 too, or remove the retention."
            );
            note(message, remedy);
        }
    }
    found
}

/// Why a table that reads `upstream` would lose figures when rows of it expire.
fn problem(reader: &Model, upstream: &TableName, steps: &[Step]) -> Option<String> {
    let lost = "its figures of expired rows would be lost";
    let Some(refresh) = &reader.refresh else {
        return Some(format!("is recomputed from all rows at once: {lost}"));
    };
    if reader.via.iter().any(|via| via.table == upstream.name) {
        return Some(format!(
            "is refreshed for changes of {upstream} through another table: {lost}"
        ));
    }
    let kind = |table: &TableName| {
        let step = steps.iter().find(|step| step.name() == table)?;
        Some(step.schema.field_with_name(refresh).ok()?.data_type().clone())
    };
    // A table that cannot be planned has a diagnostic already.
    let is_planned = |table: &TableName| steps.iter().any(|step| step.name() == table);
    if !is_planned(&reader.table) || !is_planned(upstream) {
        return None;
    }
    let kinds = [kind(upstream), kind(&reader.table)];
    match kinds {
        [Some(left), Some(right)] if left == right && is_period(&left) => None,
        _ => Some(format!(
            "is refreshed by `{refresh}`, which is not a timestamp or date of {upstream}: {lost}"
        )),
    }
}
