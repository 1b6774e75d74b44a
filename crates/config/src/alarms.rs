//! `alarms.toml`: the alarm rules of a plant, and who is notified.
//!
//! A rule with a mistake is reported with its line and left out; the other rules work. So a mistake in
//! this file never keeps the program from starting.

mod condition;
pub mod edit;
mod rule;
mod suppression;
pub(crate) mod value;

pub use edit::{replace_rule, unified_diff};
pub use value::duration_us;

pub(crate) use condition::{GROUPS, LEVELS, PERIODS};
pub(crate) use rule::KINDS;

use crate::diagnostic::Diagnostic;
use crate::kpi::Kpi;
use crate::temperature::Temperature;
use crate::toml_reader::{Findings, TomlReader};
use plant::alarm::Rule;
use plant::equipment::Equipment;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use suppression::Suppressions;

/// The file below the plant folder.
pub const FILE: &str = "alarms.toml";

/// The alarm rules of a plant.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlarmRules {
    /// All rules in the order of the file, also those with mistakes.
    pub rules: Vec<FileRule>,
    /// Suppressions by statements, for their check.
    pub suppressions: Vec<FileSuppression>,
    /// Mistakes and warnings, by line.
    pub problems: Vec<Problem>,
    /// SHA-256 of the file in hexadecimal digits: its version.
    pub revision: String,
    /// Whether the file is valid TOML; otherwise there are no rules, and those before remain valid.
    pub is_readable: bool,
}

/// A rule in its file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRule {
    /// Empty if the rule has no valid name.
    pub name: String,
    /// Line of its `[[rule]]`, from 1.
    pub line: usize,
    /// Line of the first line of its SQL, if it has one.
    pub sql_line: Option<usize>,
    /// The rule in TOML, from `[[rule]]` on.
    pub toml: String,
    /// The rule, unless it has a mistake.
    pub rule: Option<Arc<Rule>>,
}

/// A `[[suppression]]` in its file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileSuppression {
    pub name: Arc<str>,
    /// Line of the first line of its SQL.
    pub sql_line: usize,
    pub statement: plant::alarm::Statement,
}

/// A mistake in the file, or a warning.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub diagnostic: Diagnostic,
    /// The rule that has it; `None` if it is outside the rules.
    pub rule: Option<String>,
    /// Whether the rule works nevertheless.
    pub is_warning: bool,
}

/// What is read from the file.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    pub rules: AlarmRules,
    pub notifications: crate::notifications::Notifications,
}

impl AlarmRules {
    /// The rules without mistakes, in the order of the file.
    pub fn valid(&self) -> impl Iterator<Item = &Arc<Rule>> {
        self.rules.iter().filter_map(|it| it.rule.as_ref())
    }

    /// The rule with this name, also one with a mistake.
    pub fn find(&self, name: &str) -> Option<&FileRule> {
        self.rules.iter().find(|it| it.name == name)
    }

    /// Leaves out a rule because of a mistake that only planning its statement shows.
    pub fn refuse(&mut self, name: &str, diagnostic: Diagnostic) {
        for rule in self.rules.iter_mut().filter(|it| it.name == name) {
            rule.rule = None;
        }
        self.problems.push(Problem { diagnostic, rule: Some(name.to_owned()), is_warning: false });
        self.problems.sort();
    }

    /// The problems that are mistakes.
    pub fn mistakes(&self) -> impl Iterator<Item = &Diagnostic> {
        self.problems.iter().filter(|it| !it.is_warning).map(|it| &it.diagnostic)
    }

    /// The problems that are warnings.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.problems.iter().filter(|it| it.is_warning).map(|it| &it.diagnostic)
    }
}

/// The plant that rules refer to.
#[derive(Debug)]
pub struct References<'a> {
    pub temperature: &'a Temperature,
    pub kpis: &'a [Kpi],
    pub equipment: &'a Equipment,
    /// Tables of the contracts.
    pub tables: Vec<&'a str>,
    pub shifts: Vec<String>,
}

/// Reads the text of the file. Mistakes are among the problems of the rules.
pub fn read(text: &str, plant: &References<'_>) -> Loaded {
    let findings = Findings::new(FILE, text);
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
    let mut rules = AlarmRules { revision: revision(text), ..AlarmRules::default() };
    let mut owners: Vec<Option<String>> = Vec::new();
    read_rules(&mut reader, plant, &findings, &mut rules, &mut owners);
    let notifications = crate::notifications::read(&mut reader, &plant.shifts);
    reader.finish();
    rules.is_readable = findings.are_about_meaning();
    if !rules.is_readable {
        rules.rules.clear();
        owners.clear();
    }
    owners.resize(findings.count(), None);
    let found = findings.into_diagnostics().into_iter().zip(owners);
    rules.problems.extend(found.map(|(diagnostic, rule)| Problem {
        diagnostic,
        rule,
        is_warning: false,
    }));
    rules.problems.sort();
    Loaded { rules, notifications }
}

/// The keys that are read from a text, whether present or not, each with the path of its table.
#[cfg(test)]
pub(crate) fn known_keys(text: &str) -> BTreeSet<(String, String)> {
    let (temperature, equipment) = (Temperature::default(), Equipment::default());
    let (temperature, equipment) = (&temperature, &equipment);
    let (tables, shifts) = (Vec::new(), Vec::new());
    let plant = References { temperature, kpis: &[], equipment, tables, shifts };
    let findings = Findings::new(FILE, text);
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
    read_rules(&mut reader, &plant, &findings, &mut AlarmRules::default(), &mut Vec::new());
    crate::notifications::read(&mut reader, &[]);
    findings.known_keys()
}

/// Reads suppressions and rules. `owners` receives the rule of each mistake so far.
fn read_rules(
    reader: &mut TomlReader<'_, '_>,
    plant: &References<'_>,
    findings: &Findings<'_>,
    rules: &mut AlarmRules,
    owners: &mut Vec<Option<String>>,
) {
    let tables = reader.tables("suppression");
    let mut suppressions = Suppressions::read(tables, findings);
    owners.resize(findings.count(), None);
    let tables = reader.tables("rule");
    suppressions.add_rules(&tables);
    owners.resize(findings.count(), None);
    let mut names = BTreeSet::new();
    for table in tables {
        let (at, end, sql_at) = (table.at(), table.end(), table.at_text("sql"));
        let before = findings.count();
        let context = rule::Context { plant, suppressions: &suppressions, taken: &names };
        let (name, rule, warnings) = rule::read(table, &context);
        names.insert(name.clone());
        owners.resize(findings.count(), Some(name.clone()));
        let line = findings.line_of(at);
        rules.problems.extend(warnings.into_iter().map(|(message, remedy)| Problem {
            diagnostic: Diagnostic { file: FILE.to_owned(), line, message, remedy },
            rule: Some(name.clone()),
            is_warning: true,
        }));
        rules.rules.push(FileRule {
            line,
            sql_line: sql_at.map(|at| findings.line_of(at)),
            toml: edit::whole_lines(&findings.file_text()[at..], end - at),
            rule: rule.filter(|_| findings.count() == before).map(Arc::new),
            name,
        });
    }
    rules.suppressions = suppressions.into_statements();
}

fn revision(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
