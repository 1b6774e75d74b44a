//! `silver/<table>.sql` and `gold/<table>.sql`: the statement and its header.
//!
//! The header is the run of comment lines at the top of the file. Its first paragraph describes the
//! table; then come the lines `key:`, `grain:`, `refresh:`, `propagates-through:`, `ledger:`, `final-after:`,
//! `retention:`, `parameter NAME:`, `expect NAME:` and `column NAME [unit]:`.

use super::diagnostic::did_you_mean;
use super::retention::{self, Retention};
use super::toml_reader::Findings;
use chrono::NaiveDate;
use std::collections::BTreeSet;
use std::fmt;

const WORDS: [&str; 10] = [
    "key",
    "grain",
    "refresh",
    "propagates-through",
    "ledger",
    "final-after",
    "retention",
    "parameter",
    "expect",
    "column",
];

/// Name of a table: its schema and its own name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    pub schema: String,
    pub name: String,
}

impl TableName {
    pub fn new(schema: &str, name: &str) -> Self {
        Self { schema: schema.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.name)
    }
}

/// One table as its SQL file defines it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub table: TableName,
    /// The whole file: comments and statement.
    pub sql: String,
    /// What the table is.
    pub description: String,
    /// Columns whose values name a record; a newer record with the same values supersedes.
    pub key: Vec<String>,
    /// Columns whose values are different in every row.
    pub grain: Vec<String>,
    /// The column by which the table can be refreshed in part: rows with one value of it depend
    /// only on upstream rows with the same value.
    pub refresh: Option<String>,
    /// How a change in an upstream table that lacks the refresh column reaches it.
    pub via: Vec<Via>,
    /// Whether the rows of the statement are claims on time, of which a ledger is made.
    pub is_ledger: bool,
    /// The column of the day a row is of: once the day is over and its dumps have come, a change of
    /// the row is a restatement.
    pub certify: Option<String>,
    /// How long its rows are kept; without it, for ever.
    pub retention: Option<Retention>,
    pub parameters: Vec<Parameter>,
    pub expectations: Vec<Expectation>,
    pub columns: Vec<ColumnNote>,
    /// Tables the statement reads.
    pub upstreams: BTreeSet<TableName>,
}

/// A change in `table` reaches the rows of `through` that have the same value of `column`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Via {
    pub table: String,
    pub column: String,
    pub through: String,
}

/// A value the statement takes from outside, written `:name` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    /// Its value unless a query sets another.
    pub default: ParameterDefault,
}

/// Where a parameter's value comes from unless a query sets another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterDefault {
    /// The current calendar day in the plant's zone: `date = today`.
    Today,
    /// The plant's temperature limit: `double = temperature.limit_c`.
    TemperatureLimit,
}

impl ParameterDefault {
    /// The ways a header line names type and default.
    const ALL: [(&str, Self); 2] =
        [("date=today", Self::Today), ("double=temperature.limit_c", Self::TemperatureLimit)];

    /// Name of the parameter's SQL type.
    pub const fn type_name(self) -> &'static str {
        match self {
            Self::Today => "date",
            Self::TemperatureLimit => "double",
        }
    }

    /// Some value of its type, for statements that are only planned.
    pub fn any_value(self) -> ParameterValue {
        match self {
            Self::Today => ParameterValue::Day(NaiveDate::default()),
            Self::TemperatureLimit => ParameterValue::Number(0.0),
        }
    }

    /// A value of its type from the text of a query.
    ///
    /// # Errors
    /// The text is not a value of the type.
    pub fn parse(self, text: &str) -> anyhow::Result<ParameterValue> {
        Ok(match self {
            Self::Today => ParameterValue::Day(text.parse()?),
            Self::TemperatureLimit => ParameterValue::Number(text.parse()?),
        })
    }
}

/// The value of a parameter; displays as SQL.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ParameterValue {
    Day(NaiveDate),
    Number(f64),
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => write!(f, "DATE '{day}'"),
            Self::Number(number) => write!(f, "CAST('{number:?}' AS DOUBLE)"),
        }
    }
}

/// What every row is expected to fulfil.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    pub name: String,
    /// A condition in SQL over the table's columns; unknown counts as fulfilled.
    pub rule: String,
    pub action: Action,
    pub line: usize,
}

/// What happens to a row that does not fulfil an expectation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It goes to `silver.rejected`.
    Reject,
    /// It stays, and `meta.quality` counts it.
    Warn,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reject => "reject",
            Self::Warn => "warn",
        }
    }
}

/// The description of one column in the header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnNote {
    pub name: String,
    pub unit: Option<String>,
    pub description: String,
    pub line: usize,
}

impl Model {
    /// The contract's table this model cleans, if it is a cleaning step: one that reads exactly one
    /// typed table and keeps its records apart.
    pub fn cleans(&self) -> Option<&str> {
        let mut upstreams = self.upstreams.iter();
        match (upstreams.next(), upstreams.next()) {
            (Some(only), None) if only.schema == "typed" => Some(&only.name),
            _ => None,
        }
    }

    /// The part of the file that determines its rows: all but the retention.
    pub fn meaning(&self) -> String {
        let Some(retention) = &self.retention else { return self.sql.clone() };
        let lines = self.sql.lines().enumerate().filter(|(at, _)| at + 1 != retention.line);
        let lines: Vec<&str> = lines.map(|(_, line)| line).collect();
        lines.join("\n") + "\n"
    }
}

/// Reads one SQL file. Mistakes are noted in `findings`; the model comes back all the same if its
/// statement can be parsed, so that one run finds the mistakes of every step.
pub fn read(table: TableName, sql: &str, findings: &Findings<'_>) -> Option<Model> {
    let mut model = Model {
        table,
        sql: sql.to_owned(),
        description: String::new(),
        key: Vec::new(),
        grain: Vec::new(),
        refresh: None,
        via: Vec::new(),
        is_ledger: false,
        certify: None,
        retention: None,
        parameters: Vec::new(),
        expectations: Vec::new(),
        columns: Vec::new(),
        upstreams: BTreeSet::new(),
    };
    read_header(sql, &mut model, findings);
    if model.description.is_empty() {
        findings.note_line(1, "no description", "Begin the file with -- and what the table is.");
    }
    model.upstreams = upstreams(sql, findings)?;
    Some(model)
}

fn read_header(sql: &str, model: &mut Model, findings: &Findings<'_>) {
    let mut in_description = true;
    for (index, line) in sql.lines().enumerate() {
        let Some(comment) = line.strip_prefix("--") else { break };
        let comment = comment.trim();
        if comment.is_empty() {
            in_description = false;
        } else if in_description {
            let gap = if model.description.is_empty() { "" } else { " " };
            model.description = format!("{}{gap}{comment}", model.description);
        } else {
            read_line(comment, index + 1, model, findings);
        }
    }
}

fn read_line(comment: &str, line: usize, model: &mut Model, findings: &Findings<'_>) {
    let Some((head, body)) = comment.split_once(':') else {
        let remedy = format!("Write `word: …` with one of: {}.", WORDS.join(", "));
        return findings.note_line(line, format!("invalid header line `{comment}`"), remedy);
    };
    let (word, name) = head.trim().split_once(' ').unwrap_or((head.trim(), ""));
    let (name, body) = (name.trim(), body.trim());
    match word {
        "key" => model.key = list(body),
        "grain" => model.grain = list(body),
        "refresh" => model.refresh = Some(body.to_owned()),
        "final-after" | "certify" => model.certify = Some(body.to_owned()),
        "retention" => match retention::days(body) {
            Ok(days) => model.retention = Some(Retention { days, line }),
            Err(reason) => findings.note_line(line, reason, retention::REMEDY),
        },
        "ledger" if body == "time" => model.is_ledger = true,
        "ledger" => {
            let remedy = "Write ledger: time.";
            findings.note_line(line, format!("invalid ledger `{body}`"), remedy);
        }
        "propagates-through" | "via" => read_via(body, line, model, findings),
        "parameter" => read_parameter(name, body, line, model, findings),
        "expect" => read_expectation(name, body, line, model, findings),
        "column" => read_column(name, body, line, model, findings),
        _ => {
            findings.note_line(line, format!("unknown word `{word}`"), did_you_mean(word, &WORDS));
        }
    }
}

fn list(body: &str) -> Vec<String> {
    body.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn read_via(body: &str, line: usize, model: &mut Model, findings: &Findings<'_>) {
    let words: Vec<&str> = body.split_whitespace().collect();
    match words.as_slice() {
        [table, "by", column, "of", through] => model.via.push(Via {
            table: (*table).to_owned(),
            column: (*column).to_owned(),
            through: (*through).to_owned(),
        }),
        _ => {
            let remedy =
                "Write propagates-through: TABLE by COLUMN of TABLE_WITH_THE_REFRESH_COLUMN.";
            findings.note_line(line, format!("invalid propagates-through `{body}`"), remedy);
        }
    }
}

fn read_parameter(name: &str, body: &str, line: usize, model: &mut Model, findings: &Findings<'_>) {
    let dense = body.replace(' ', "");
    let known = ParameterDefault::ALL.into_iter().find(|(text, _)| *text == dense);
    let Some((_, default)) = known.filter(|_| !name.is_empty()) else {
        let remedy = "Write parameter NAME: date = today, or parameter NAME: double = \
                      temperature.limit_c.";
        return findings.note_line(line, format!("invalid parameter `{body}`"), remedy);
    };
    model.parameters.push(Parameter { name: name.to_owned(), default });
}

fn read_expectation(
    name: &str,
    body: &str,
    line: usize,
    model: &mut Model,
    findings: &Findings<'_>,
) {
    let action = match body.rsplit_once('|').map(|(rule, word)| (rule, word.trim())) {
        Some((rule, "reject")) => Some((rule, Action::Reject)),
        Some((rule, "warn")) => Some((rule, Action::Warn)),
        _ => None,
    };
    let Some((rule, action)) = action.filter(|_| !name.is_empty()) else {
        let remedy = "Write expect NAME: CONDITION | reject, or | warn.";
        return findings.note_line(line, format!("invalid expectation `{body}`"), remedy);
    };
    let rule = rule.trim().to_owned();
    model.expectations.push(Expectation { name: name.to_owned(), rule, action, line });
}

fn read_column(name: &str, body: &str, line: usize, model: &mut Model, findings: &Findings<'_>) {
    let (name, unit) = match name.split_once(' ') {
        Some((name, unit)) => {
            (name, unit.trim().strip_prefix('[').and_then(|u| u.strip_suffix(']')))
        }
        None => (name, None),
    };
    if name.is_empty() || body.is_empty() {
        let remedy = "Write column NAME [unit]: what it holds. Texts need no unit.";
        return findings.note_line(line, "a column without a name or a description", remedy);
    }
    if model.columns.iter().any(|column| column.name == name) {
        let remedy = "Keep one of the two lines.";
        findings.note_line(line, format!("column `{name}` is described twice"), remedy);
    }
    model.columns.push(ColumnNote {
        name: name.to_owned(),
        unit: unit.map(str::to_owned),
        description: body.to_owned(),
        line,
    });
}

/// The tables the statement of a model reads.
fn upstreams(sql: &str, findings: &Findings<'_>) -> Option<BTreeSet<TableName>> {
    let line = 1 + sql.lines().take_while(|line| line.starts_with("--")).count();
    tables_of(sql, line, findings)
}

/// The tables a statement reads, its own CTEs left out. Mistakes are noted at `line`.
pub(crate) fn tables_of(
    sql: &str,
    line: usize,
    findings: &Findings<'_>,
) -> Option<BTreeSet<TableName>> {
    use datafusion_sql::parser::DFParser;
    use datafusion_sql::resolve::resolve_table_references;

    let statements = DFParser::parse_sql(sql);
    let statement = match statements {
        Ok(mut statements) if statements.len() == 1 => statements.pop_front()?,
        Ok(statements) => {
            let message = format!("{} statements instead of one", statements.len());
            findings.note_line(line, message, "Keep exactly one SELECT.");
            return None;
        }
        Err(error) => {
            findings.note_line(line, format!("not SQL: {error}"), "Correct the statement.");
            return None;
        }
    };
    let (references, _ctes) = resolve_table_references(&statement, true).ok()?;
    let mut upstreams = BTreeSet::new();
    let mut are_all_named = true;
    for reference in references {
        match reference.schema() {
            Some(schema) => {
                upstreams.insert(TableName::new(schema, reference.table()));
            }
            None => {
                are_all_named = false;
                findings.note_line(
                    line,
                    format!("table `{}` is named without its schema", reference.table()),
                    "Write typed., silver. or gold. before it.",
                );
            }
        }
    }
    are_all_named.then_some(upstreams)
}
