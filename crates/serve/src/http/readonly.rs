//! Plans read-only SQL.
//!
//! Three independent checks: the kind of the statement, the kinds of nodes in its plan (an allow list, so
//! that additions of a new release of DataFusion are refused), and the tables it scans (only those that
//! are registered in the session).

use super::depth;
use super::error::Error;
use super::names;
use crate::Limits;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::ScalarValue;
use datafusion::common::TableReference;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::dataframe::DataFrame;
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::execution::context::{SQLOptions, SessionState};
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::Statement as Ast;

/// Table functions that generate rows.
const ROW_MAKERS: [&str; 2] = ["generate_series()", "range()"];
/// Functions whose result grows with a numeric argument.
const GROWING: [&str; 10] = [
    "repeat",
    "lpad",
    "rpad",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
    "generate_series",
    "range",
    "gen_series",
];

/// The data frame of `sql`, which is one statement that reads registered tables, or an error.
pub async fn plan(
    session: &SessionContext,
    sql: &str,
    limits: &Limits,
) -> Result<DataFrame, Error> {
    depth::check(sql, limits.query_depth_max)?;
    let mut state = session.state();
    state.config_mut().options_mut().catalog.information_schema = true;
    plan_parsed(state, one(sql)?, limits).await
}

/// The data frame of a parsed statement that reads registered tables, or an error.
pub async fn plan_parsed(
    mut state: SessionState,
    statement: Statement,
    limits: &Limits,
) -> Result<DataFrame, Error> {
    reading(&statement)?;
    state.config_mut().options_mut().sql_parser.collect_spans = true;
    let named = state.resolve_table_references(&statement)?;
    let plan = match state.statement_to_plan(statement).await {
        Ok(plan) => plan,
        Err(error) => return Err(explained(error, &named, &state)),
    };
    check_plan(&plan, &state, limits)?;
    Ok(DataFrame::new(state, plan))
}

/// Refuses a plan that does more than read registered tables.
fn check_plan(plan: &LogicalPlan, state: &SessionState, limits: &Limits) -> Result<(), Error> {
    let nothing_else =
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    nothing_else.verify_plan(plan).map_err(|error| read_only(&error.strip_backtrace()))?;
    let mut refused = None;
    plan.apply_with_subqueries(|node| {
        refused = check(node, state, limits).err();
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    refused.map_or(Ok(()), Err)
}

fn one(sql: &str) -> Result<Statement, Error> {
    let parsed = DFParserBuilder::new(sql).build().and_then(|mut parser| parser.parse_statements());
    let mut statements = parsed?;
    match (statements.pop_front(), statements.len()) {
        (Some(statement), 0) => Ok(statement),
        (None, _) => Err(Error::bad("bad_sql", "no statement: expected one")),
        (Some(_), more) => {
            let message = format!("expected one statement, found {}", more + 1);
            Err(Error::bad("several_statements", message))
        }
    }
}

/// Refuses statements that do more than read.
fn reading(statement: &Statement) -> Result<(), Error> {
    match statement {
        Statement::Explain(explain) => reading(&explain.statement),
        Statement::Statement(ast) => reading_ast(ast),
        other => Err(read_only(&first_words(&other.to_string()))),
    }
}

fn reading_ast(ast: &Ast) -> Result<(), Error> {
    match ast {
        Ast::Query(_)
        | Ast::ShowTables { .. }
        | Ast::ShowColumns { .. }
        | Ast::ShowVariable { .. }
        | Ast::ShowFunctions { .. }
        | Ast::ShowCreate { .. }
        | Ast::ExplainTable { .. } => Ok(()),
        Ast::Explain { statement, .. } => reading_ast(statement),
        other => Err(read_only(&first_words(&other.to_string()))),
    }
}

fn first_words(statement: &str) -> String {
    statement.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}

fn read_only(what: &str) -> Error {
    let message = format!("only SELECT, WITH, EXPLAIN, SHOW and DESCRIBE are allowed, not: {what}");
    Error::bad("read_only", message)
}

fn check(node: &LogicalPlan, state: &SessionState, limits: &Limits) -> Result<(), Error> {
    match node {
        LogicalPlan::TableScan(scan) => registered(scan, state)?,
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::DescribeTable(_)
        | LogicalPlan::Unnest(_)
        | LogicalPlan::RecursiveQuery(_) => {}
        other => return Err(read_only(&first_words(&other.display().to_string()))),
    }
    small(node, limits)
}

fn registered(scan: &TableScan, state: &SessionState) -> Result<(), Error> {
    let name = &scan.table_name;
    let made =
        name.schema().is_none() && ROW_MAKERS.contains(&name.table().to_ascii_lowercase().as_str());
    // The work table of a recursive query is not registered.
    let of_query = source_as_provider(&scan.source)
        .is_ok_and(|provider| provider.downcast_ref::<CteWorkTable>().is_some());
    if made || of_query || exists(name, state) {
        return Ok(());
    }
    Err(unknown_table(name, state))
}

fn exists(name: &TableReference, state: &SessionState) -> bool {
    let schema = state.schema_for_ref(name.clone());
    schema.is_ok_and(|schema| schema.table_exist(name.table()))
}

/// The error of the planner; if a table is missing, with a suggested name.
fn explained(error: DataFusionError, named: &[TableReference], state: &SessionState) -> Error {
    let missing = named.iter().find(|name| !exists(name, state));
    let error = Error::from(error);
    match missing {
        Some(name) if error.public.contains("not found") => {
            Error { position: error.position, ..unknown_table(name, state) }
        }
        _ => error,
    }
}

fn unknown_table(name: &TableReference, state: &SessionState) -> Error {
    let mut all = Vec::new();
    for catalog in state.catalog_list().catalog_names() {
        let Some(catalog) = state.catalog_list().catalog(&catalog) else { continue };
        for schema in catalog.schema_names() {
            let tables = catalog.schema(&schema).map(|schema| schema.table_names());
            all.extend(tables.into_iter().flatten().map(|table| format!("{schema}.{table}")));
        }
    }
    all.sort();
    let message = format!("unknown table {name}; {}", names::suggest(&name.to_string(), &all));
    Error::bad("unknown_table", message)
}

/// Refuses functions whose results would exceed the limit: the memory pool does not count them.
fn small(node: &LogicalPlan, limits: &Limits) -> Result<(), Error> {
    let mut refused = None;
    let mut look = |expr: &Expr| {
        let growing = too_big(expr, limits);
        refused = growing.map(|function| {
            let most = limits.repeat_count;
            let message = format!("{function} is limited to literal numbers up to {most}");
            Error::bad("too_big", message)
        });
        Ok(if refused.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    };
    node.apply_expressions(|expr| expr.apply(&mut look))?;
    refused.map_or(Ok(()), Err)
}

/// The name of the growing function, if its argument is too large or not a literal.
fn too_big(expr: &Expr, limits: &Limits) -> Option<String> {
    let Expr::ScalarFunction(call) = expr else { return None };
    let name = call.name();
    if !GROWING.contains(&name) {
        return None;
    }
    let makes_rows = ["generate_series", "gen_series", "range"].contains(&name);
    let counts = if makes_rows { &call.args[..] } else { call.args.get(1..2).unwrap_or_default() };
    let fits =
        |count: &Expr| matches!(number(count), Some(n) if n.unsigned_abs() <= limits.repeat_count);
    (!counts.iter().all(fits)).then(|| name.to_owned())
}

fn number(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(ScalarValue::Int64(value), _) => Some(value.unwrap_or(0)),
        Expr::Negative(inner) => number(inner)?.checked_neg(),
        _ => None,
    }
}

#[cfg(test)]
#[path = "readonly_tests.rs"]
mod tests;
