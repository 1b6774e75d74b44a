//! Planning of the statements of a plant folder over the tables of the plant, so that a mistake in SQL is reported
//! with its line before the statement runs.

use anyhow::Context as _;
use arrow::datatypes::SchemaRef;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use std::sync::Arc;

/// Why a statement cannot be planned.
#[derive(Debug)]
pub struct Mistake {
    /// The line of the statement, from 0.
    pub line: usize,
    pub message: String,
}

/// The columns of one SELECT.
pub async fn columns(session: &SessionContext, sql: &str) -> Result<SchemaRef, Mistake> {
    schema(session, sql).await.map_err(|error| {
        let text = format!("{error:#}").split_whitespace().collect::<Vec<_>>().join(" ");
        let message = format!("the statement cannot be planned: {text}");
        Mistake { line: line_of(sql, &text), message }
    })
}

async fn schema(session: &SessionContext, sql: &str) -> anyhow::Result<SchemaRef> {
    let state = session.state();
    let plan = state.create_logical_plan(sql).await.map_err(plain)?;
    let is_query = !matches!(
        plan,
        LogicalPlan::Ddl(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Copy(_)
            | LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::DescribeTable(_)
    );
    is_query.then_some(()).context("expected one SELECT")?;
    let options = state.config_options();
    let analysed = state.analyzer().execute_and_check(plan, options, |_, _| {}).map_err(plain)?;
    Ok(Arc::new(analysed.schema().as_arrow().clone()))
}

fn plain(error: datafusion::error::DataFusionError) -> anyhow::Error {
    anyhow::anyhow!("{}", error.strip_backtrace())
}

/// The line of a statement, from 0, that an error is about: the one it states, or the first that has
/// the name in it.
fn line_of(sql: &str, error: &str) -> usize {
    let stated = error.split("Line: ").nth(1).and_then(|rest| {
        let digits = rest.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse::<usize>().ok()?.checked_sub(1)
    });
    let named = ["No field named ", "table '", "Invalid function '"].iter().find_map(|opening| {
        let rest = error.split(opening).nth(1)?;
        let is_end = |sign: char| sign.is_whitespace() || matches!(sign, '\'' | ',');
        let name = rest.split(is_end).next()?.trim_end_matches('.');
        let word = name.rsplit('.').next()?.trim_matches(['"', '`']);
        sql.lines().position(|line| line.contains(word))
    });
    stated.or(named).unwrap_or(0)
}
