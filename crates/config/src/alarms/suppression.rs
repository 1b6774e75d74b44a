//! `[[suppression]]`: when alarms are suppressed by design.

use super::FileSuppression;
use super::value;
use crate::diagnostic::did_you_mean;
use crate::toml_reader::{Findings, TomlReader};
use plant::alarm::{Statement, Suppression, SuppressionCause};
use std::sync::Arc;

/// Time between two evaluations of a statement.
pub const EVERY_US: i64 = 60_000_000;
/// Shortest time between two evaluations: a statement reads files of the lake.
const EVERY_MIN_US: i64 = 1_000_000;

/// What rules can name in `suppress_while`.
#[derive(Debug, Default)]
pub struct Suppressions {
    statements: Vec<FileSuppression>,
    rules: Vec<String>,
}

impl Suppressions {
    /// Reads the suppressions; those with mistakes are noted and left out.
    pub fn read(tables: Vec<TomlReader<'_, '_>>, findings: &Findings<'_>) -> Self {
        let mut found = Self::default();
        for mut table in tables {
            let name = table.required("name", "Give the suppression its name.");
            let sql_at = table.at_text("sql");
            let statement = statement(&mut table);
            if let Some(name) = &name
                && found.statements.iter().any(|it| *it.name == **name)
            {
                let message = format!("two suppressions are named `{name}`");
                table.note("name", message, "Give one of them another name.");
            }
            table.finish();
            if let (Some(name), Some(statement), Some(at)) = (name, statement, sql_at) {
                let sql_line = findings.line_of(at);
                found.statements.push(FileSuppression { name: name.into(), sql_line, statement });
            }
        }
        found
    }

    /// Adds the names of the rules.
    pub fn add_rules(&mut self, tables: &[TomlReader<'_, '_>]) {
        self.rules.extend(tables.iter().filter_map(|table| table.peek("name")).map(str::to_owned));
    }

    /// The suppression that the rule `own` names in `suppress_while`; `None` if it names none.
    pub fn named(&self, reader: &mut TomlReader<'_, '_>, own: &str) -> Option<Suppression> {
        let name = reader.text("suppress_while")?;
        if let Some(found) = self.statements.iter().find(|it| *it.name == *name) {
            let cause = SuppressionCause::Sql(found.statement.clone());
            return Some(Suppression { name: found.name.clone(), cause });
        }
        if self.rules.contains(&name) && name != own {
            let name: Arc<str> = name.into();
            return Some(Suppression { cause: SuppressionCause::Rule(name.clone()), name });
        }
        let known = self.statements.iter().map(|it| &*it.name);
        let rules = self.rules.iter().map(String::as_str).filter(|it| *it != own);
        let known: Vec<&str> = known.chain(rules).collect();
        let message = format!("unknown suppression `{name}`: expected a [[suppression]] or a rule");
        reader.note("suppress_while", message, did_you_mean(&name, &known));
        None
    }

    pub fn into_statements(self) -> Vec<FileSuppression> {
        self.statements
    }
}

/// The keys `sql` and `every`.
pub fn statement(reader: &mut TomlReader<'_, '_>) -> Option<Statement> {
    let sql = reader.required("sql", "Write one SELECT over the tables of the lake.");
    let every_us = every(reader);
    Some(Statement { sql: sql?, every_us })
}

/// The key `every`, in microseconds.
pub fn every(reader: &mut TomlReader<'_, '_>) -> i64 {
    let every_us = value::duration(reader, "every").unwrap_or(EVERY_US);
    if every_us < EVERY_MIN_US {
        reader.note("every", "`every` is too short", "Write at least \"1 s\".");
    }
    every_us.max(EVERY_MIN_US)
}
