//! The plant's models, planned: what each table's columns are, what it comes from, and in which
//! order tables follow from each other.

use super::lineage::{self, Source};

use super::replace::readable;
use super::{bronze, equipment, kpi, retention, session};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use batches::dump_columns::{is_dump_column, with_dump_columns};
use batches::{ledger, typed};
use config::diagnostic::{Diagnostic, did_you_mean};
use config::folder::Plant;
use config::model::{Model, ParameterValue, TableName};
use config::settings::Limits;
use datafusion::common::DFSchema;
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;
use plant::contract::Origin;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One table to be refined.
#[derive(Debug, Clone)]
pub struct Step {
    pub model: Model,
    /// The table's own columns, in the types it is stored in; pointers not included.
    pub schema: SchemaRef,
    /// The columns the statement gives; a ledger stores more.
    pub asked: SchemaRef,
    /// For a cleaning step, the expressions of its columns over the typed table.
    pub projection: Option<Vec<Expr>>,
    /// For each column, the columns it is made from.
    pub lineage: Vec<BTreeSet<Source>>,
}

impl Step {
    pub fn name(&self) -> &TableName {
        &self.model.table
    }
}

/// Plans every model of a plant over empty tables. The steps come in dependency order; every
/// mistake is in the list.
pub async fn plan(plant: &Plant) -> anyhow::Result<(Vec<Step>, Vec<Diagnostic>)> {
    let limits = Limits::default();
    let context = session::empty(&limits, session::runtime(&limits)?, 1);
    for contract in plant.contracts.values() {
        let name = TableName::new("typed", &contract.table);
        let schema = with_dump_columns(&typed::schema(contract), contract, plant.zone);
        session::register(&context, &name, Arc::new(EmptyTable::new(schema)))?;
    }
    equipment::register(&context, &plant.equipment)?;
    let mut planner = Planner { plant, context, steps: Vec::new(), found: Vec::new() };
    let mut done = BTreeSet::new();
    for name in plant.models.keys() {
        for name in order(plant, name, &mut Vec::new(), &mut done, &mut planner.found) {
            planner.step(&plant.models[&name]).await?;
        }
    }
    let schemas = planner.steps.iter().map(|it| (it.name().clone(), it.schema.clone())).collect();
    planner.found.extend(kpi::check(&planner.context, &plant.kpis, &schemas).await);
    planner.found.extend(retention::check(plant, &planner.steps));
    planner.found.sort();
    Ok((planner.steps, planner.found))
}

/// `name` and what it needs, upstream first, without what is `done`.
fn order(
    plant: &Plant,
    name: &TableName,
    path: &mut Vec<TableName>,
    done: &mut BTreeSet<TableName>,
    found: &mut Vec<Diagnostic>,
) -> Vec<TableName> {
    let Some(model) = plant.models.get(name).filter(|_| !done.contains(name)) else {
        return Vec::new();
    };
    if let Some(at) = path.iter().position(|on_path| on_path == name) {
        let circle: Vec<String> =
            path[at..].iter().chain([name]).map(ToString::to_string).collect();
        let message = format!("the tables need each other in a circle: {}", circle.join(" <- "));
        found.push(note(model, 1, message, "Break the circle: let one of them read further up."));
        return Vec::new();
    }
    path.push(name.clone());
    let mut names: Vec<TableName> = Vec::new();
    for upstream in &model.upstreams {
        names.extend(order(plant, upstream, path, done, found));
    }
    path.pop();
    if done.insert(name.clone()) {
        names.push(name.clone());
    }
    names
}

fn note(model: &Model, line: usize, message: String, remedy: impl Into<String>) -> Diagnostic {
    let file = format!("{}/{}.sql", model.table.schema, model.table.name);
    Diagnostic { file, line, message, remedy: remedy.into() }
}

/// The statement with its parameters put in.
pub fn with_parameters(model: &Model, values: &BTreeMap<String, ParameterValue>) -> String {
    let mut sql = model.sql.clone();
    for parameter in &model.parameters {
        if let Some(value) = values.get(&parameter.name) {
            sql = sql.replace(&format!(":{}", parameter.name), &value.to_string());
        }
    }
    sql
}

struct Planner<'a> {
    plant: &'a Plant,
    context: SessionContext,
    steps: Vec<Step>,
    found: Vec<Diagnostic>,
}

impl Planner<'_> {
    async fn step(&mut self, model: &Model) -> anyhow::Result<()> {
        if !self.upstreams_are_there(model) {
            return Ok(());
        }
        let any = model.parameters.iter().map(|it| (it.name.clone(), it.default.any_value()));
        let sql = with_parameters(model, &any.collect());
        let plan = match self.context.state().create_logical_plan(&sql).await {
            Ok(plan) => plan,
            Err(error) => {
                let message =
                    format!("the statement cannot be planned: {}", error.strip_backtrace());
                self.note(model, statement_line(model), message, "Mend the statement.");
                return Ok(());
            }
        };
        let projection = self.projection(model, &plan);
        let schema = match self.stored(&plan, projection.as_deref()) {
            Ok(schema) => schema,
            Err(error) => {
                let message = format!("the statement cannot be planned: {error}");
                self.note(model, statement_line(model), message, "Mend the statement.");
                return Ok(());
            }
        };
        let asked = schema;
        let schema = match model.is_ledger.then(|| ledger::stored_schema(&asked)) {
            None => asked.clone(),
            Some(Ok(schema)) => schema,
            Some(Err(message)) => {
                let remedy = "Select it; it may be CAST(NULL AS STRING) where nothing is known.";
                self.note(model, statement_line(model), message, remedy);
                return Ok(());
            }
        };
        self.check_columns(model, &schema);
        self.check_via(model);
        self.check_rules(model, &schema);
        self.check_place(model, projection.is_some());
        session::register(&self.context, &model.table, Arc::new(EmptyTable::new(schema.clone())))?;
        let lineage = lineage::columns(&plan);
        self.steps.push(Step { model: model.clone(), schema, asked, projection, lineage });
        Ok(())
    }

    fn note(&mut self, model: &Model, line: usize, message: String, remedy: impl Into<String>) {
        self.found.push(note(model, line, message, remedy));
    }

    /// Whether all upstreams can be planned on; those that do not exist are noted.
    fn upstreams_are_there(&mut self, model: &Model) -> bool {
        let mut all = true;
        for upstream in &model.upstreams {
            let is_known = match upstream.schema.as_str() {
                "typed" => self.plant.contracts.contains_key(&upstream.name),
                equipment::SCHEMA => equipment::TABLES.contains(&upstream.name.as_str()),
                _ => self.plant.models.contains_key(upstream),
            };
            // Of one with mistakes it is said already what is wrong.
            if !is_known && !self.plant.not_understood.contains(upstream) {
                let mut known: Vec<String> =
                    self.plant.models.keys().map(ToString::to_string).collect();
                known.extend(self.plant.contracts.keys().map(|table| format!("typed.{table}")));
                known.extend(
                    equipment::TABLES.map(|table| format!("{}.{table}", equipment::SCHEMA)),
                );
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let remedy = did_you_mean(&upstream.to_string(), &known);
                let line = line_naming(model, &upstream.name);
                self.note(model, line, format!("there is no table {upstream}"), remedy);
            }
            let is_given = ["typed", equipment::SCHEMA].contains(&upstream.schema.as_str());
            let is_planned = is_given || self.steps.iter().any(|step| step.name() == upstream);
            all = all && is_known && is_planned;
        }
        all
    }

    /// The expressions of a cleaning step, which may be nothing but a list of expressions over one
    /// typed table, so that every record keeps its place.
    fn projection(&mut self, model: &Model, plan: &LogicalPlan) -> Option<Vec<Expr>> {
        model.cleans()?;
        if let LogicalPlan::Projection(projection) = plan
            && let LogicalPlan::TableScan(_) = projection.input.as_ref()
        {
            return Some(projection.expr.clone());
        }
        let message = "a table made from one typed table keeps every record: only SELECT … FROM \
                       typed.… is possible here"
            .to_owned();
        let remedy = "Reject records by `expect NAME: CONDITION | reject`; filter, join and group \
                      in a table that reads silver.";
        self.note(model, statement_line(model), message, remedy);
        None
    }

    /// The columns as they are stored: a cleaning step's by its expressions, which the planner has
    /// not coerced yet, another's by its analysed plan.
    fn stored(&self, plan: &LogicalPlan, projection: Option<&[Expr]>) -> anyhow::Result<SchemaRef> {
        let state = self.context.state();
        if projection.is_some() {
            return Ok(readable(plan.schema().as_arrow()));
        }
        let analysed =
            state.analyzer().execute_and_check(plan.clone(), state.config_options(), |_, _| {})?;
        Ok(readable(analysed.schema().as_arrow()))
    }

    fn check_columns(&mut self, model: &Model, schema: &Schema) {
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        for field in schema.fields() {
            let said = model.columns.iter().find(|column| &column.name == field.name());
            match said {
                None => {
                    let message = format!("column `{}` is not described", field.name());
                    let remedy = format!("Add -- column {} [unit]: what it says.", field.name());
                    self.note(model, statement_line(model), message, remedy);
                }
                Some(said) if field.data_type().is_numeric() && said.unit.is_none() => {
                    let message = format!("column `{}` is a number without a unit", said.name);
                    let remedy = "Write the unit in brackets: [boards], [degC], [id], [code], or \
                                  [1] if it has none.";
                    self.note(model, said.line, message, remedy);
                }
                Some(_) => {}
            }
        }
        for said in &model.columns {
            if !names.contains(&said.name.as_str()) {
                let message = format!("column `{}` is described but not selected", said.name);
                self.note(model, said.line, message, did_you_mean(&said.name, &names));
            }
        }
        let named =
            model.key.iter().chain(&model.grain).chain(&model.refresh).chain(&model.certify);
        for name in named {
            if !names.contains(&name.as_str()) {
                let message =
                    format!("column `{name}` of key, grain, refresh or certify is not selected");
                self.note(model, line_promising(model, name), message, did_you_mean(name, &names));
            }
        }
    }

    /// Whether each way a change travels leads from one upstream through another.
    fn check_via(&mut self, model: &Model) {
        for via in &model.via {
            let line = line_naming(model, &format!("{} by {} of", via.table, via.column));
            for (table, columns) in [
                (&via.table, vec![&via.column]),
                (&via.through, [&via.column].into_iter().chain(&model.refresh).collect()),
            ] {
                let upstream = model.upstreams.iter().find(|upstream| upstream.name == *table);
                let Some(upstream) = upstream else {
                    let known: Vec<&str> =
                        model.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
                    let message = format!("via: the statement does not read `{table}`");
                    self.note(model, line, message, did_you_mean(table, &known));
                    continue;
                };
                let step = self.steps.iter().find(|step| step.name() == upstream);
                let Some(schema) = step.map(|step| step.schema.clone()) else { continue };
                let names: Vec<&str> =
                    schema.fields().iter().map(|field| field.name().as_str()).collect();
                for column in columns.into_iter().filter(|it| !names.contains(&it.as_str())) {
                    let message = format!("via: {upstream} has no column `{column}`");
                    self.note(model, line, message, did_you_mean(column, &names));
                }
            }
            let kinds = [&via.table, &via.through].map(|it| self.kind(model, it, &via.column));
            if let [Some(left), Some(right)] = kinds
                && left != right
            {
                let (column, table, through) = (&via.column, &via.table, &via.through);
                let message =
                    format!("via: `{column}` is {left} in {table} and {right} in {through}");
                self.note(model, line, message, "Give the column one type in both contracts.");
            }
            if model.refresh.is_none() {
                let message = "via: without refresh the whole table is made anew".to_owned();
                self.note(model, line, message, "Add -- refresh: COLUMN, or take via away.");
            }
        }
    }

    /// The type of a column of an upstream.
    fn kind(&self, model: &Model, table: &str, column: &str) -> Option<DataType> {
        let upstream = model.upstreams.iter().find(|upstream| upstream.name == table)?;
        let step = self.steps.iter().find(|step| step.name() == upstream)?;
        Some(step.schema.field_with_name(column).ok()?.data_type().clone())
    }

    fn check_rules(&mut self, model: &Model, schema: &Schema) {
        let Ok(schema) = DFSchema::try_from(schema.clone()) else { return };
        for expectation in &model.expectations {
            let planned = self
                .context
                .parse_sql_expr(&expectation.rule, &schema)
                .and_then(|rule| session::in_microseconds(rule, &schema))
                .and_then(|rule| self.context.create_physical_expr(rule, &schema));
            if let Err(error) = planned {
                let message = format!(
                    "expectation `{}` cannot be planned: {}",
                    expectation.name,
                    error.strip_backtrace()
                );
                let names: Vec<String> =
                    schema.fields().iter().map(|field| field.name().clone()).collect();
                let remedy = format!("Mend the condition; columns here: {}.", names.join(", "));
                self.note(model, expectation.line, message, remedy);
            }
        }
    }

    fn check_place(&mut self, model: &Model, is_cleaning: bool) {
        use plant::contract::Supersede;
        let reads_typed = model.upstreams.iter().any(|upstream| upstream.schema == "typed");
        if reads_typed && (model.table.schema != "silver" || model.upstreams.len() > 1) {
            let message = "typed tables are read alone, and by silver".to_owned();
            let remedy = "Clean each typed table into its own silver table, and join those.";
            self.note(model, statement_line(model), message, remedy);
        }
        let contract = model.cleans().and_then(|table| self.plant.contracts.get(table));
        match contract.map(|contract| contract.supersede) {
            Some(Supersede::Key) if model.key.is_empty() && is_cleaning => {
                let message = "no key: a newer record could never replace an older one".to_owned();
                let remedy = "Add -- key: COLUMNS, or say supersede = \"dump\" in the contract.";
                self.note(model, 1, message, remedy);
            }
            Some(Supersede::Never) if model.key.is_empty() && is_cleaning => {
                let message = "no key: a message said twice could not be told".to_owned();
                let remedy = "Add -- key: COLUMNS that say when two messages say the same.";
                self.note(model, 1, message, remedy);
            }
            None if model.grain.is_empty() => {
                let message = "no grain: it is not said what one row is".to_owned();
                self.note(model, 1, message, "Add -- grain: COLUMNS that differ in every row.");
            }
            _ => {}
        }
    }
}

/// The line the statement begins on.
fn statement_line(model: &Model) -> usize {
    1 + model.sql.lines().take_while(|line| line.starts_with("--")).count()
}

/// The line of key, grain, refresh or certify that names `column`.
fn line_promising(model: &Model, column: &str) -> usize {
    let promises = |line: &str| {
        let line = line.trim_start_matches('-').trim_start();
        let (word, names) = line.split_once(':').unwrap_or_default();
        ["key", "grain", "refresh", "certify"].contains(&word)
            && names.split(',').any(|name| name.trim() == column)
    };
    model.sql.lines().position(promises).map_or_else(|| statement_line(model), |at| at + 1)
}

/// The first line that names `word`, or the statement's.
fn line_naming(model: &Model, word: &str) -> usize {
    let found = model.sql.lines().position(|line| line.contains(word));
    found.map_or_else(|| statement_line(model), |at| at + 1)
}

/// Bronze columns a typed column comes from: its own, or the one its local parts were taken of.
pub fn bronze_source(plant: &Plant, table: &str, column: &str) -> Option<Source> {
    let contract = plant.contracts.get(table)?;
    if contract.is_stream() && column == "received_at" {
        return Some((bronze::name(contract), "_timestamp".to_owned()));
    }
    if is_dump_column(column) {
        return Some((bronze::name(contract), column.to_owned()));
    }
    let from = |it: &&plant::contract::Column| {
        column.strip_prefix(&it.name).is_some_and(typed::is_local_part)
    };
    let exact = contract.columns.iter().find(|it| it.name == column);
    let source = exact.or_else(|| contract.columns.iter().find(from))?;
    let source = match source.origin {
        _ if !contract.is_stream() => source.name.as_str(),
        Origin::Topic => "_topic",
        Origin::Key => "_key",
        Origin::Header => "_headers",
        Origin::Record | Origin::Envelope | Origin::Path => "payload",
    };
    Some((bronze::name(contract), source.to_owned()))
}

#[cfg(test)]
mod tests;
