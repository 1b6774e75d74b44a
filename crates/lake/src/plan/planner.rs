//! Plans the models of a plant: the columns and the lineage of each table, and the order of the steps.

use crate::alarm_events;
use crate::delta::replace::readable;
use crate::kpi::statement::check as check_kpis;
use crate::plan::{Step, equipment, lineage};
use crate::retention::check::check as check_retention;
use crate::session;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use batches::dump_columns::with_dump_columns;
use batches::{ledger, typed};
use config::definition::with_parameters;
use config::diagnostic::{Diagnostic, did_you_mean};
use config::folder::Plant;
use config::model::{Model, TableName};
use config::settings::Limits;
use datafusion::common::DFSchema;
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::prelude::SessionContext;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Plans every model of a plant over empty tables. Returns the steps, upstreams first, and every mistake.
pub async fn plan(plant: &Plant) -> anyhow::Result<(Vec<Step>, Vec<Diagnostic>)> {
    let limits = Limits::default();
    let session = session::empty(&limits, session::runtime(&limits)?, 1);
    for contract in plant.contracts.values() {
        let name = TableName::new("typed", &contract.table);
        let schema = with_dump_columns(&typed::schema(contract), contract, plant.zone);
        session::register(&session, &name, Arc::new(EmptyTable::new(schema)))?;
    }
    equipment::register(&session, &plant.equipment)?;
    let of_alarms = Arc::new(EmptyTable::new(alarm_events::schema()));
    session::register(&session, &alarm_events::name(), of_alarms)?;
    let mut planner = Planner { plant, session, steps: Vec::new(), found: Vec::new() };
    let mut done = BTreeSet::new();
    for name in plant.models.keys() {
        for name in order(plant, name, &mut Vec::new(), &mut done, &mut planner.found) {
            planner.step(&plant.models[&name]).await?;
        }
    }
    let schemas = planner.steps.iter().map(|it| (it.name().clone(), it.schema.clone())).collect();
    planner.found.extend(check_kpis(&planner.session, &plant.kpis, &schemas).await);
    planner.found.extend(check_retention(plant, &planner.steps));
    planner.found.sort();
    Ok((planner.steps, planner.found))
}

/// `name` and the tables it reads, upstreams first, without those in `done`.
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
        let message = format!("tables read each other in a cycle: {}", circle.join(" <- "));
        found.push(diagnostic(
            model,
            1,
            message,
            "Break the cycle: one of them must read a table further upstream.",
        ));
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

fn diagnostic(
    model: &Model,
    line: usize,
    message: String,
    remedy: impl Into<String>,
) -> Diagnostic {
    let file = format!("{}/{}.sql", model.table.schema, model.table.name);
    Diagnostic { file, line, message, remedy: remedy.into() }
}

struct Planner<'a> {
    plant: &'a Plant,
    session: SessionContext,
    steps: Vec<Step>,
    found: Vec<Diagnostic>,
}

impl Planner<'_> {
    async fn step(&mut self, model: &Model) -> anyhow::Result<()> {
        if !self.has_upstreams(model) {
            return Ok(());
        }
        let any = model.parameters.iter().map(|it| (it.name.clone(), it.default.any_value()));
        let sql = with_parameters(model, &any.collect());
        let plan = match self.session.state().create_logical_plan(&sql).await {
            Ok(plan) => plan,
            Err(error) => {
                let message =
                    format!("the statement cannot be planned: {}", error.strip_backtrace());
                self.report(model, statement_line(model), message, "Correct the statement.");
                return Ok(());
            }
        };
        let projection = self.projection(model, &plan);
        let schema = match self.stored_schema(&plan, projection.as_deref()) {
            Ok(schema) => schema,
            Err(error) => {
                let message = format!("the statement cannot be planned: {error}");
                self.report(model, statement_line(model), message, "Correct the statement.");
                return Ok(());
            }
        };
        let query_schema = schema;
        let schema = match model.is_ledger.then(|| ledger::stored_schema(&query_schema)) {
            None => query_schema.clone(),
            Some(Ok(schema)) => schema,
            Some(Err(message)) => {
                let remedy = "Select it; where it is unknown, select CAST(NULL AS STRING).";
                self.report(model, statement_line(model), message, remedy);
                return Ok(());
            }
        };
        self.check_columns(model, &schema);
        self.check_propagation(model);
        self.check_rules(model, &schema);
        self.check_identity(model, projection.is_some());
        session::register(&self.session, &model.table, Arc::new(EmptyTable::new(schema.clone())))?;
        let lineage = lineage::columns(&plan);
        self.steps.push(Step { model: model.clone(), schema, query_schema, projection, lineage });
        Ok(())
    }

    fn report(&mut self, model: &Model, line: usize, message: String, remedy: impl Into<String>) {
        self.found.push(diagnostic(model, line, message, remedy));
    }

    /// Whether all upstreams are planned; those that do not exist are reported.
    fn has_upstreams(&mut self, model: &Model) -> bool {
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
                self.report(model, line, format!("table {upstream} does not exist"), remedy);
            }
            let is_given = ["typed", equipment::SCHEMA].contains(&upstream.schema.as_str())
                || *upstream == alarm_events::name();
            let is_planned = is_given || self.steps.iter().any(|step| step.name() == upstream);
            all = all && is_known && is_planned;
        }
        all
    }

    /// The expressions of a cleaning step. It may only be a list of expressions over one typed table, so that
    /// rows correspond to records one by one.
    fn projection(&mut self, model: &Model, plan: &LogicalPlan) -> Option<Vec<Expr>> {
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
        self.report(model, statement_line(model), message, remedy);
        None
    }

    /// The columns as they are stored: those of a cleaning step by its expressions, which are not coerced yet,
    /// those of another by its analysed plan.
    fn stored_schema(
        &self,
        plan: &LogicalPlan,
        projection: Option<&[Expr]>,
    ) -> anyhow::Result<SchemaRef> {
        let state = self.session.state();
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
            let described = model.columns.iter().find(|column| &column.name == field.name());
            match described {
                None => {
                    let message = format!("column `{}` has no description", field.name());
                    let remedy = format!("Add -- column {} [unit]: DESCRIPTION.", field.name());
                    self.report(model, statement_line(model), message, remedy);
                }
                Some(column) if field.data_type().is_numeric() && column.unit.is_none() => {
                    let message = format!("column `{}` is a number without a unit", column.name);
                    let remedy = "Write the unit in brackets: [boards], [degC], [id], [code], or \
                                  [1] if it has none.";
                    self.report(model, column.line, message, remedy);
                }
                Some(_) => {}
            }
        }
        for column in &model.columns {
            if !names.contains(&column.name.as_str()) {
                let message = format!("column `{}` is described but not selected", column.name);
                self.report(model, column.line, message, did_you_mean(&column.name, &names));
            }
        }
        let named =
            model.key.iter().chain(&model.grain).chain(&model.refresh).chain(&model.certify);
        for name in named {
            if !names.contains(&name.as_str()) {
                let message = format!(
                    "column `{name}` of key, grain, refresh or final-after is not selected"
                );
                self.report(model, header_line(model, name), message, did_you_mean(name, &names));
            }
        }
    }

    /// Checks `propagates-through`: the statement must read both tables, both must have the column, in one
    /// type, and the model must have a refresh column.
    fn check_propagation(&mut self, model: &Model) {
        for via in &model.via {
            let line = line_naming(model, &format!("{} by {} of", via.table, via.column));
            let through: Vec<&String> = [&via.column].into_iter().chain(&model.refresh).collect();
            self.check_columns_of(model, line, &via.table, &[&via.column]);
            self.check_columns_of(model, line, &via.through, &through);
            let kinds = [&via.table, &via.through].map(|it| self.kind(model, it, &via.column));
            if let [Some(left), Some(right)] = kinds
                && left != right
            {
                let (column, table, through) = (&via.column, &via.table, &via.through);
                let message = format!(
                    "propagates-through: `{column}` is {left} in {table} and {right} in {through}"
                );
                self.report(model, line, message, "Use one type for the column in both contracts.");
            }
            if model.refresh.is_none() {
                let message = "propagates-through: without refresh the whole table is recomputed";
                let remedy = "Add -- refresh: COLUMN, or remove propagates-through.";
                self.report(model, line, message.to_owned(), remedy);
            }
        }
    }

    /// Checks that the statement reads a table and that this has some columns.
    fn check_columns_of(&mut self, model: &Model, line: usize, table: &str, columns: &[&String]) {
        let upstream = model.upstreams.iter().find(|upstream| upstream.name == *table);
        let Some(upstream) = upstream else {
            let known: Vec<&str> =
                model.upstreams.iter().map(|upstream| upstream.name.as_str()).collect();
            let message = format!("propagates-through: the statement does not read `{table}`");
            self.report(model, line, message, did_you_mean(table, &known));
            return;
        };
        let step = self.steps.iter().find(|step| step.name() == upstream);
        let Some(schema) = step.map(|step| step.schema.clone()) else { return };
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        for column in columns.iter().filter(|it| !names.contains(&it.as_str())) {
            let message = format!("propagates-through: {upstream} has no column `{column}`");
            self.report(model, line, message, did_you_mean(column, &names));
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
                .session
                .parse_sql_expr(&expectation.rule, &schema)
                .and_then(|rule| session::in_microseconds(rule, &schema))
                .and_then(|rule| self.session.create_physical_expr(rule, &schema));
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
                self.report(model, expectation.line, message, remedy);
            }
        }
    }

    fn check_identity(&mut self, model: &Model, is_cleaning: bool) {
        use plant::contract::Supersede;
        let reads_typed = model.upstreams.iter().any(|upstream| upstream.schema == "typed");
        if reads_typed && (model.table.schema != "silver" || model.upstreams.len() > 1) {
            let message = "a typed table can only be read alone, and by silver".to_owned();
            let remedy = "Clean each typed table into its own silver table, and join those.";
            self.report(model, statement_line(model), message, remedy);
        }
        let contract = model.cleans().and_then(|table| self.plant.contracts.get(table));
        match contract.map(|contract| contract.supersede) {
            Some(Supersede::Key) if model.key.is_empty() && is_cleaning => {
                let message = "no key: newer records cannot supersede older ones".to_owned();
                let remedy = "Add -- key: COLUMNS, or set supersede = \"dump\" in the contract.";
                self.report(model, 1, message, remedy);
            }
            Some(Supersede::Never) if model.key.is_empty() && is_cleaning => {
                let message = "no key: duplicate messages cannot be detected".to_owned();
                let remedy = "Add -- key: COLUMNS that are equal in duplicate messages.";
                self.report(model, 1, message, remedy);
            }
            None if model.grain.is_empty() => {
                let message = "no grain: the columns that identify a row are missing".to_owned();
                self.report(model, 1, message, "Add -- grain: COLUMNS that differ in every row.");
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

#[cfg(test)]
mod tests;
