//! Checks the reports of a plant folder: statements are planned, charts and templates are tried with made-up rows.

pub(crate) mod sample;

use crate::collect::PlantContext;
use crate::engine::Engine;
use crate::error::Error;
use crate::source::Rows;
use arrow::datatypes::SchemaRef;
use config::diagnostic::Diagnostic;
use config::folder::Plant;
use config::reports::{DEFINITION, Definition, Format, Query, Statement};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use lake::plan::{Step, known};
use std::sync::Arc;

/// Rows with which templates are tried, beside none: several, so that pages and tables break.
const ROWS: usize = 24;

/// The mistakes of all reports. `steps` are the planned models of the plant.
///
/// # Errors
/// A session cannot be created.
pub async fn check(plant: &Plant, steps: &[Step]) -> anyhow::Result<Vec<Diagnostic>> {
    let mut found = Vec::new();
    if plant.reports.is_empty() {
        return Ok(found);
    }
    let session = known::session(steps)?;
    let context = PlantContext::new(plant, None);
    let engine = Engine::new(&context.limits);
    for report in plant.reports.values() {
        let schemas = schemas(report, &session, &mut found).await;
        if let Some(schemas) = schemas {
            found.extend(render(report, &schemas, &context, &engine)?);
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The columns of each query; `None` if one has a mistake, which is noted.
async fn schemas(
    report: &Definition,
    session: &SessionContext,
    found: &mut Vec<Diagnostic>,
) -> Option<Vec<SchemaRef>> {
    let before = found.len();
    let mut schemas = Vec::with_capacity(report.queries.len());
    for parameter in &report.parameters {
        let Some(choices) = &parameter.choices else { continue };
        let planned = plan(report, choices, session).await;
        found.extend(planned.err());
    }
    for query in &report.queries {
        match plan(report, &query.statement, session).await {
            Ok(schema) => {
                found.extend(unknown_column(report, query, &schema));
                schemas.push(schema);
            }
            Err(mistake) => found.push(mistake),
        }
    }
    (found.len() == before).then_some(schemas)
}

async fn plan(
    report: &Definition,
    statement: &Statement,
    session: &SessionContext,
) -> Result<SchemaRef, Diagnostic> {
    let mut state = session.state();
    state.config_mut().options_mut().sql_parser.collect_spans = true;
    let planned = async {
        let plan = state.create_logical_plan(&statement.sql).await?;
        let is_query = !matches!(
            plan,
            LogicalPlan::Ddl(_)
                | LogicalPlan::Dml(_)
                | LogicalPlan::Copy(_)
                | LogicalPlan::Statement(_)
        );
        if !is_query {
            return Err(DataFusionError::Plan("expected one SELECT".to_owned()));
        }
        state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})
    };
    match planned.await {
        Ok(plan) => Ok(Arc::new(plan.schema().as_arrow().clone())),
        Err(error) => {
            let line = statement.line + line_of(&error).saturating_sub(1);
            let text = error.strip_backtrace();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let message = format!("the statement cannot be planned: {text}");
            Err(diagnostic(report, line, message, "Correct the statement."))
        }
    }
}

/// The line of a statement, from 1, that an error is about.
fn line_of(error: &DataFusionError) -> usize {
    let span = error.diagnostic().and_then(|diagnostic| diagnostic.span);
    if let Some(span) = span.filter(|span| span.start.line > 0) {
        return usize::try_from(span.start.line).unwrap_or(1);
    }
    let text = error.to_string();
    let stated = text.rsplit_once("Line: ").and_then(|(_, rest)| {
        rest.split(|sign: char| !sign.is_ascii_digit()).next()?.parse::<usize>().ok()
    });
    stated.unwrap_or(1)
}

/// A description of a column that the query does not have.
fn unknown_column(report: &Definition, query: &Query, schema: &SchemaRef) -> Option<Diagnostic> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let unknown = query.columns.keys().find(|name| !names.contains(&name.as_str()))?;
    let message = format!("the query `{}` has no column `{unknown}`", query.name);
    let remedy = config::diagnostic::did_you_mean(unknown, &names);
    Some(diagnostic(report, query.statement.line, message, &remedy))
}

/// The mistakes of charts and templates, without rows and with made-up ones.
fn render(
    report: &Definition,
    schemas: &[SchemaRef],
    context: &PlantContext,
    engine: &Engine,
) -> anyhow::Result<Vec<Diagnostic>> {
    for count in [0, ROWS] {
        let of_query = |schema: &SchemaRef| {
            let batches = vec![sample::batch(schema, count)?];
            Ok(Rows { schema: schema.clone(), batches, is_truncated: false })
        };
        let rows = schemas.iter().map(of_query).collect::<anyhow::Result<Vec<_>>>()?;
        let data = sample::data(report, rows, context)?;
        // Without rows the template is compiled only: what a PDF does not accept is found with rows.
        let done = match count {
            0 => engine.compile(report, &data),
            _ => engine.render(report, &data, Format::Pdf).map(drop),
        };
        match done {
            Ok(()) => {}
            Err(Error::Template(found)) => return Ok(found),
            Err(error @ Error::Internal(_)) => return Err(error.into()),
            Err(error) => {
                let message = error.to_string();
                return Ok(vec![diagnostic(report, 1, message, "Correct the definition.")]);
            }
        }
    }
    Ok(Vec::new())
}

fn diagnostic(report: &Definition, line: usize, message: String, remedy: &str) -> Diagnostic {
    Diagnostic { file: report.path(DEFINITION), line, message, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests;
