//! Operators and columns that the engine does not have.

use super::tree::{arguments, as_text, call, column, last, literal, number, text};
use datafusion::sql::sqlparser::ast::{
    Array, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, Ident, SelectItem, SetExpr,
    Statement, TableAlias, TableAliasColumnDef, TableFactor, Value, VisitorMut,
};
use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
use datafusion::sql::sqlparser::parser::Parser;
use std::ops::ControlFlow;

/// Operators in any statement.
pub struct Operators;

impl VisitorMut for Operators {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => {
                if let Some(array) = as_text(right).and_then(array_literal) {
                    **right = array;
                }
            }
            Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
                let escape = escape_char.take().map(|it| it.value.into_string());
                if let Some(escape) = escape.flatten() {
                    escape_by_backslash(pattern, &escape);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// The array of texts that `'{a,b}'` denotes.
fn array_literal(value: &str) -> Option<Expr> {
    let inner = value.trim().strip_prefix('{')?.strip_suffix('}')?;
    let items = inner.split(',').map(|it| it.trim().trim_matches('"')).filter(|it| !it.is_empty());
    Some(Expr::Array(Array { elem: items.map(text).collect(), named: true }))
}

/// The engine has patterns with the backslash as escape only.
fn escape_by_backslash(pattern: &mut Box<Expr>, escape: &str) {
    if escape == "\\" {
        return;
    }
    let (from, to) = if escape.is_empty() { ("\\", "\\\\") } else { (escape, "\\") };
    **pattern = match as_text(pattern) {
        Some(known) => text(&known.replace(from, to)),
        None => call("replace", vec![(**pattern).clone(), text(from), text(to)]),
    };
}

/// Beginnings of the names of columns of the catalogue that are true or false.
const TRUTHS: [&str; 8] =
    ["indis", "attis", "attnotnull", "atthas", "relhas", "relis", "rolcan", "proretset"];

/// Operators and columns in statements on the catalogue.
pub struct OfCatalogue;

impl VisitorMut for OfCatalogue {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::BinaryOp { left, op: BinaryOperator::Eq | BinaryOperator::NotEq, right } = expr
        {
            if is_table_number(left) || is_table_number(right) {
                *expr = literal(Value::Boolean(true));
            } else if is_truth(left)
                && let Some(known) = as_text(right)
            {
                **right = literal(Value::Boolean(known.starts_with(['t', '1', 'y'])));
            }
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::AnyOp { left, compare_op: BinaryOperator::Eq, right, .. }
                if column(right).is_some() || matches!(**right, Expr::Value(_)) =>
            {
                *expr = call("pg_is_any", vec![(**left).clone(), (**right).clone()]);
            }
            Expr::CompoundIdentifier(names) if names.last().is_some_and(is_hidden) => {
                *expr = number(0);
            }
            Expr::CompoundIdentifier(names) => {
                // The name of a column in version 16; the table is that of a later one.
                if let Some(name) = names.last_mut().filter(|it| it.value == "colliculocale") {
                    *name = Ident::new("colllocale");
                }
            }
            Expr::Function(function) if last(&function.name) == "array_to_string" => {
                function.name = vec![Ident::new("pg_array_to_string")].into();
            }
            Expr::Function(function) if last(&function.name) == "coalesce" => {
                // The engine does not read the second argument as an array.
                if let [array, none] = arguments(function).as_slice()
                    && as_text(none) == Some("{}")
                {
                    *expr = array.clone();
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let Some(row) = as_row(factor) {
            *factor = row;
        }
        match factor {
            TableFactor::Table { name, args: None, .. }
                if name.0.len() == 1 && last(name).starts_with("pg_") =>
            {
                *name = vec![Ident::new("pg_catalog"), Ident::new(last(name))].into();
            }
            TableFactor::Table { name, args: args @ Some(_), .. }
                if last(name) == "pg_get_keywords" =>
            {
                *args = None;
                *name = vec![Ident::new("pg_catalog"), Ident::new("pg_get_keywords")].into();
            }
            TableFactor::Table { alias: Some(alias), args: Some(_), .. }
            | TableFactor::UNNEST { alias: Some(alias), .. } => name_column(alias),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// A function that returns one value, as a table of one row.
fn as_row(factor: &TableFactor) -> Option<TableFactor> {
    let TableFactor::Table { name, args: Some(given), alias: Some(alias), .. } = factor else {
        return None;
    };
    if last(name) != "string_to_array" {
        return None;
    }
    let values: Option<Vec<Expr>> = given.args.iter().map(value).collect();
    let column = SelectItem::ExprWithAlias {
        expr: call("string_to_array", values?),
        alias: alias.name.clone(),
    };
    let Ok(Some(Statement::Query(mut subquery))) =
        Parser::parse_sql(&PostgreSqlDialect {}, "SELECT 1").map(|mut it| it.pop())
    else {
        return None;
    };
    let SetExpr::Select(select) = subquery.body.as_mut() else { return None };
    select.projection = vec![column];
    Some(TableFactor::Derived {
        lateral: false,
        subquery,
        alias: Some(alias.clone()),
        sample: None,
    })
}

fn value(argument: &FunctionArg) -> Option<Expr> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    }
}

/// The hidden column with the table of a row. Objects of different tables have different numbers here.
fn is_hidden(name: &Ident) -> bool {
    name.value.eq_ignore_ascii_case("tableoid")
}

fn is_table_number(expr: &Expr) -> bool {
    column(expr).is_some_and(is_hidden)
}

fn is_truth(expr: &Expr) -> bool {
    let name = column(expr).map(|it| it.value.to_lowercase());
    name.is_some_and(|name| TRUTHS.iter().any(|it| name.starts_with(it)))
}

/// The only column of a function has the name of its alias.
fn name_column(alias: &mut TableAlias) {
    if alias.columns.is_empty() {
        let name = alias.name.clone();
        alias.columns.push(TableAliasColumnDef { name, data_type: None });
    }
}
