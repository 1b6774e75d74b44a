//! Plans one model over the tables that are planned, and checks it.

use super::diagnostic;
use crate::alarm_events;
use crate::delta::replace::readable;
use crate::plan::{Step, equipment, lineage};
use crate::session;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use batches::ledger;
use config::definition::with_parameters;
use config::diagnostic::{Diagnostic, did_you_mean};
use config::folder::Plant;
use config::model::{Model, TableName};
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan};
use plant::contract::Supersede;
use std::collections::BTreeMap;

/// Plans one model.
pub(super) struct ModelPlanner<'a> {
    plant: &'a Plant,
    state: &'a SessionState,
    /// The models that are planned.
    steps: &'a BTreeMap<TableName, Step>,
    model: &'a Model,
    found: Vec<Diagnostic>,
}

impl<'a> ModelPlanner<'a> {
    pub(super) fn new(
        plant: &'a Plant,
        state: &'a SessionState,
        steps: &'a BTreeMap<TableName, Step>,
        model: &'a Model,
    ) -> Self {
        Self { plant, state, steps, model, found: Vec::new() }
    }

    /// The step of the model, unless it cannot be planned, and every mistake.
    pub(super) async fn plan(mut self) -> (Option<Step>, Vec<Diagnostic>) {
        if !self.has_upstreams() {
            return (None, self.found);
        }
        let step = match self.step().await {
            Ok(step) => Some(step),
            Err((message, remedy)) => {
                self.report(statement_line(self.model), message, remedy);
                None
            }
        };
        (step, self.found)
    }

    /// # Errors
    /// Why the statement cannot be planned, and the remedy.
    async fn step(&mut self) -> Result<Step, (String, &'static str)> {
        let model = self.model;
        let unplanned = |error: String| {
            (format!("the statement cannot be planned: {error}"), "Correct the statement.")
        };
        let any = model.parameters.iter().map(|it| (it.name.clone(), it.default.any_value()));
        let sql = with_parameters(model, &any.collect());
        let plan = self.state.create_logical_plan(&sql).await;
        let plan = plan.map_err(|error| unplanned(error.strip_backtrace()))?;
        let projection = self.projection(&plan);
        let query_schema = self.stored_schema(&plan, projection.as_deref());
        let query_schema = query_schema.map_err(|error| unplanned(error.to_string()))?;
        let schema = match model.is_ledger {
            false => query_schema.clone(),
            true => ledger::stored_schema(&query_schema).map_err(|message| {
                (message, "Select it; where it is unknown, select CAST(NULL AS STRING).")
            })?,
        };
        self.check_columns(&schema);
        self.check_propagation();
        self.check_rules(&schema);
        self.check_identity(projection.is_some());
        let lineage = lineage::columns(&plan);
        Ok(Step { model: model.clone(), schema, query_schema, projection, lineage })
    }

    fn report(&mut self, line: usize, message: String, remedy: impl Into<String>) {
        self.found.push(diagnostic(self.model, line, message, remedy));
    }

    /// Whether all upstreams are planned; those that do not exist are reported.
    fn has_upstreams(&mut self) -> bool {
        let model = self.model;
        let mut all = true;
        for upstream in &model.upstreams {
            let is_known = match upstream.schema.as_str() {
                "typed" => self.plant.contracts.contains_key(&upstream.name),
                equipment::SCHEMA => equipment::TABLES.contains(&upstream.name.as_str()),
                _ if *upstream == alarm_events::name() => true,
                _ => self.plant.models.contains_key(upstream),
            };
            // A model with mistakes has diagnostics already.
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
                self.report(line, format!("table {upstream} does not exist"), remedy);
            }
            let is_given = ["typed", equipment::SCHEMA].contains(&upstream.schema.as_str())
                || *upstream == alarm_events::name();
            let is_planned = is_given || self.steps.contains_key(upstream);
            all = all && is_known && is_planned;
        }
        all
    }

    /// The expressions of a cleaning step. It may only be a list of expressions over one typed table, so that
    /// rows correspond to records one by one.
    fn projection(&mut self, plan: &LogicalPlan) -> Option<Vec<Expr>> {
        let model = self.model;
        model.cleans()?;
        if let LogicalPlan::Projection(projection) = plan
            && let LogicalPlan::TableScan(_) = projection.input.as_ref()
        {
            return Some(projection.expr.clone());
        }
        let message =
            "a table that reads a typed table keeps every record: only SELECT … FROM typed.… is \
                       possible here"
                .to_owned();
        let remedy = "Reject records by `expect NAME: CONDITION | reject`; filter, join and group in a \
                      table that reads silver.";
        self.report(statement_line(model), message, remedy);
        None
    }

    /// The columns as they are stored: those of a cleaning step by its expressions, which are not coerced yet,
    /// those of another by its analysed plan.
    fn stored_schema(
        &self,
        plan: &LogicalPlan,
        projection: Option<&[Expr]>,
    ) -> anyhow::Result<SchemaRef> {
        if projection.is_some() {
            return Ok(readable(plan.schema().as_arrow()));
        }
        let options = self.state.config_options();
        let analysed = self.state.analyzer().execute_and_check(plan.clone(), options, |_, _| {})?;
        Ok(readable(analysed.schema().as_arrow()))
    }

    fn check_columns(&mut self, schema: &Schema) {
        let model = self.model;
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        for field in schema.fields() {
            let described = model.columns.iter().find(|column| &column.name == field.name());
            match described {
                None => {
                    let message = format!("column `{}` has no description", field.name());
                    let remedy = format!("Add -- column {} [unit]: DESCRIPTION.", field.name());
                    self.report(statement_line(model), message, remedy);
                }
                Some(column) if field.data_type().is_numeric() && column.unit.is_none() => {
                    let message = format!("column `{}` is a number without a unit", column.name);
                    let remedy = "Write the unit in brackets: [boards], [degC], [id], [code], or \
                                  [1] if it has none.";
                    self.report(column.line, message, remedy);
                }
                Some(_) => {}
            }
        }
        for column in &model.columns {
            if !names.contains(&column.name.as_str()) {
                let message = format!("column `{}` is described but not selected", column.name);
                self.report(column.line, message, did_you_mean(&column.name, &names));
            }
        }
        let named =
            model.key.iter().chain(&model.grain).chain(&model.refresh).chain(&model.certify);
        for name in named {
            if !names.contains(&name.as_str()) {
                let message = format!(
                    "column `{name}` of key, grain, refresh or final-after is not selected"
                );
                self.report(header_line(model, name), message, did_you_mean(name, &names));
            }
        }
    }

    /// Checks `propagates-through`: the statement must read both tables, both must have the column, in one
    /// type, and the model must have a refresh column.
    fn check_propagation(&mut self) {
        let model = self.model;
        for via in &model.via {
            let line = line_naming(model, &format!("{} by {} of", via.table, via.column));
            let through: Vec<&String> = [&via.column].into_iter().chain(&model.refresh).collect();
            self.check_columns_of(line, &via.table, &[&via.column]);
            self.check_columns_of(line, &via.through, &through);
            let kinds = [&via.table, &via.through].map(|it| self.kind(it, &via.column));
            if let [Some(left), Some(right)] = kinds
                && left != right
            {
                let (column, table, through) = (&via.column, &via.table, &via.through);
                let message = format!(
                    "propagates-through: `{column}` is {left} in {table} and {right} in {through}"
                );
                self.report(line, message, "Use one type for the column in both contracts.");
            }
            if model.refresh.is_none() {
                let message = "propagates-through: without refresh the whole table is recomputed";
                let remedy = "Add -- refresh: COLUMN, or remove propagates-through.";
                self.report(line, message.to_owned(), remedy);
            }
        }
    }

    /// Checks that the statement reads a table and that this has some columns.
    fn check_columns_of(&mut self, line: usize, table: &str, columns: &[&String]) {
        let model = self.model;
        let upstream = model.upstreams.iter().find(|upstream| upstream.name == *table);
        let Some(upstream) = upstream else {
            let known: Vec<&str> =
                model.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
            let message = format!("propagates-through: the statement does not read `{table}`");
            self.report(line, message, did_you_mean(table, &known));
            return;
        };
        let Some(step) = self.steps.get(upstream) else { return };
        let schema = &step.schema;
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        for column in columns.iter().filter(|it| !names.contains(&it.as_str())) {
            let message = format!("propagates-through: {upstream} has no column `{column}`");
            self.report(line, message, did_you_mean(column, &names));
        }
    }

    /// The type of a column of an upstream.
    fn kind(&self, table: &str, column: &str) -> Option<DataType> {
        let model = self.model;
        let upstream = model.upstreams.iter().find(|upstream| upstream.name == table)?;
        let step = self.steps.get(upstream)?;
        Some(step.schema.field_with_name(column).ok()?.data_type().clone())
    }

    fn check_rules(&mut self, schema: &Schema) {
        let model = self.model;
        let Ok(schema) = DFSchema::try_from(schema.clone()) else { return };
        for expectation in &model.expectations {
            let planned = self
                .state
                .create_logical_expr(&expectation.rule, &schema)
                .and_then(|rule| session::in_microseconds(rule, &schema))
                .and_then(|rule| self.state.create_physical_expr(rule, &schema));
            if let Err(error) = planned {
                let message = format!(
                    "expectation `{}` cannot be planned: {}",
                    expectation.name,
                    error.strip_backtrace()
                );
                let names: Vec<String> =
                    schema.fields().iter().map(|field| field.name().clone()).collect();
                let remedy =
                    format!("Correct the condition; columns of the table: {}.", names.join(", "));
                self.report(expectation.line, message, remedy);
            }
        }
    }

    fn check_identity(&mut self, is_cleaning: bool) {
        let model = self.model;
        let reads_typed = model.upstreams.iter().any(|upstream| upstream.schema == "typed");
        if reads_typed && (model.table.schema != "silver" || model.upstreams.len() > 1) {
            let message = "a typed table can only be read alone, and by silver".to_owned();
            let remedy = "Clean each typed table into its own silver table, and join those.";
            self.report(statement_line(model), message, remedy);
        }
        let contract = model.cleans().and_then(|table| self.plant.contracts.get(table));
        match contract.map(|contract| contract.supersede) {
            Some(Supersede::Key) if model.key.is_empty() && is_cleaning => {
                let message = "no key: newer records cannot supersede older ones".to_owned();
                let remedy = "Add -- key: COLUMNS, or set supersede = \"dump\" in the contract.";
                self.report(1, message, remedy);
            }
            Some(Supersede::Never) if model.key.is_empty() && is_cleaning => {
                let message = "no key: duplicate messages cannot be detected".to_owned();
                let remedy = "Add -- key: COLUMNS that are equal in duplicate messages.";
                self.report(1, message, remedy);
            }
            None if model.grain.is_empty() => {
                let message = "no grain: the columns that identify a row are missing".to_owned();
                self.report(1, message, "Add -- grain: COLUMNS that differ in every row.");
            }
            _ => {}
        }
    }
}

/// The first line of the statement.
fn statement_line(model: &Model) -> usize {
    1 + model.sql.lines().take_while(|line| line.starts_with("--")).count()
}

/// The line of the header (key, grain, refresh or final-after) that names `column`.
fn header_line(model: &Model, column: &str) -> usize {
    let names_it = |line: &str| {
        let line = line.trim_start_matches('-').trim_start();
        let (word, names) = line.split_once(':').unwrap_or_default();
        ["key", "grain", "refresh", "final-after", "certify"].contains(&word)
            && names.split(',').any(|name| name.trim() == column)
    };
    model.sql.lines().position(names_it).map_or_else(|| statement_line(model), |at| at + 1)
}

/// The first line that contains `word`, or that of the statement.
fn line_naming(model: &Model, word: &str) -> usize {
    let found = model.sql.lines().position(|line| line.contains(word));
    found.map_or_else(|| statement_line(model), |at| at + 1)
}
