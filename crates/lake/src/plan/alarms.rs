//! The statements of alarm rules, planned over the tables of the plant, so that a mistake in SQL is
//! reported with its line before the statement runs.

use crate::plan::{Step, known, statement};
use arrow::datatypes::{DataType, SchemaRef};
use config::alarms::{AlarmRules, FILE, FileRule, FileSuppression, Problem};
use config::diagnostic::{Diagnostic, did_you_mean};
use config::folder::Plant;
use datafusion::prelude::SessionContext;
use plant::alarm::{Condition, SqlCondition, Statement, SuppressionCause};
use std::collections::BTreeSet;

/// Columns of a suppression.
const PLACES: [&str; 6] = ["plant", "lane", "unit", "line", "area", "object"];

/// Plans the statements of rules and suppressions over empty tables. A rule with a mistake is left
/// out, with the line of the mistake among the problems of the rules. `steps` are the planned models
/// of the plant.
///
/// # Errors
/// A session cannot be created.
pub async fn check(plant: &Plant, steps: &[Step], rules: &mut AlarmRules) -> anyhow::Result<()> {
    let checker = Checker { plant, session: known::session(steps)? };
    let mut faulty = BTreeSet::new();
    for suppression in rules.suppressions.clone() {
        if let Some(diagnostic) = checker.suppression(&suppression).await {
            rules.problems.push(Problem { diagnostic, rule: None, is_warning: false });
            faulty.insert(suppression.name.clone());
        }
    }
    for file_rule in rules.rules.clone() {
        let Some(rule) = &file_rule.rule else { continue };
        let mut found = None;
        if let Condition::Sql(condition) = &rule.condition {
            found = checker.condition(&file_rule, condition).await;
        }
        let cause = rule.suppress_while.as_ref().filter(|it| faulty.contains(&it.name));
        if let Some(SuppressionCause::Sql(_)) = cause.map(|it| &it.cause) {
            let message = "its suppression has a mistake".to_owned();
            found = found.or_else(|| {
                Some(diagnostic(file_rule.line, message, "Correct the [[suppression]].".to_owned()))
            });
        }
        if let Some(diagnostic) = found {
            rules.refuse(&file_rule.name, diagnostic);
        }
    }
    rules.problems.sort();
    Ok(())
}

fn diagnostic(line: usize, message: String, remedy: String) -> Diagnostic {
    Diagnostic { file: FILE.to_owned(), line, message, remedy }
}

struct Checker<'a> {
    plant: &'a Plant,
    session: SessionContext,
}

impl Checker<'_> {
    /// The mistake of a rule of kind `sql`.
    async fn condition(&self, rule: &FileRule, condition: &SqlCondition) -> Option<Diagnostic> {
        let sql_line = rule.sql_line.unwrap_or(rule.line);
        let schema = match self.plan(&condition.statement, sql_line).await {
            Ok(schema) => schema,
            Err(mistake) => return Some(mistake),
        };
        let names: Vec<&str> = schema.fields().iter().map(|it| it.name().as_str()).collect();
        for (key, column) in [("object", &condition.object), ("value", &condition.value)] {
            let Ok(field) = schema.field_with_name(column) else {
                let message = format!("the statement has no column `{column}` for `{key}`");
                let remedy = did_you_mean(column, &names);
                return Some(diagnostic(sql_line, message, remedy));
            };
            let (is_valid, wanted) = match key {
                "object" => (field.data_type().is_string(), "a text: CAST(… AS STRING)"),
                _ => (is_number(field.data_type()), "a number: CAST(… AS DOUBLE)"),
            };
            if !is_valid {
                let kind = field.data_type();
                let message = format!("column `{column}` for `{key}` has type {kind}");
                return Some(diagnostic(sql_line, message, format!("Select {wanted}.")));
            }
        }
        None
    }

    /// The mistake of a `[[suppression]]`.
    async fn suppression(&self, suppression: &FileSuppression) -> Option<Diagnostic> {
        let sql_line = suppression.sql_line;
        let schema = match self.plan(&suppression.statement, sql_line).await {
            Ok(schema) => schema,
            Err(mistake) => return Some(mistake),
        };
        let unknown = schema.fields().iter().find(|it| !PLACES.contains(&it.name().as_str()));
        let column = unknown?.name();
        let message = format!("column `{column}` does not name a place");
        Some(diagnostic(sql_line, message, did_you_mean(column, &PLACES)))
    }

    /// The columns of a statement that begins at this line of the file.
    async fn plan(&self, statement: &Statement, sql_line: usize) -> Result<SchemaRef, Diagnostic> {
        let sql = statement.sql_at(0, self.plant.zone);
        statement::columns(&self.session, &sql).await.map_err(|mistake| {
            let remedy = "Correct the statement.".to_owned();
            diagnostic(sql_line + mistake.line, mistake.message, remedy)
        })
    }
}

fn is_number(kind: &DataType) -> bool {
    kind.is_numeric() || kind == &DataType::Null
}

#[cfg(test)]
mod tests;
