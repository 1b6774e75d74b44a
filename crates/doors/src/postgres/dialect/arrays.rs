//! Arrays and vectors of the catalogue.
//!
//! The elements of a vector of PostgreSQL, such as `pg_index.indkey`, are counted from 0, those of an array
//! from 1. The engine has arrays only.

use super::tree::{arguments, call, column, function_name, number, text};
use datafusion::sql::sqlparser::ast::{AccessExpr, BinaryOperator, Expr, Subscript, VisitorMut};
use std::ops::ControlFlow;

/// Columns that are vectors, and the name that JDBC gives one of them.
const VECTORS: [&str; 6] =
    ["indkey", "indoption", "indclass", "indcollation", "proargtypes", "i_indoption"];

/// Elements of vectors, and functions that return one row for each element.
pub struct Vectors;

impl VisitorMut for Vectors {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match function_name(expr).as_deref() {
            Some("generate_subscripts") => subscripts(expr),
            Some("_pg_expandarray") => {
                let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
                let expanded = call("pg_expanded", arguments(function));
                *expr = call("unnest", vec![expanded]);
            }
            _ => access(expr),
        }
        ControlFlow::Continue(())
    }
}

fn subscripts(expr: &mut Expr) {
    let Expr::Function(function) = expr else { return };
    let arguments = arguments(function);
    let Some(array) = arguments.into_iter().next() else { return };
    let from = i64::from(!is_vector(&array));
    *expr = call("unnest", vec![call("pg_subscripts", vec![array, number(from)])]);
}

fn access(expr: &mut Expr) {
    let Expr::CompoundFieldAccess { root, access_chain } = expr else { return };
    if let [AccessExpr::Dot(Expr::Identifier(field))] = access_chain.as_slice()
        && matches!(**root, Expr::Nested(_))
    {
        *expr = call("get_field", vec![(**root).clone(), text(&field.value)]);
        return;
    }
    let Some((AccessExpr::Subscript(Subscript::Index { index }), before)) =
        access_chain.split_last_mut()
    else {
        return;
    };
    let of_vector = match before.last() {
        Some(AccessExpr::Dot(field)) => is_vector(field),
        Some(AccessExpr::Subscript(_)) => false,
        None => is_vector(root),
    };
    if of_vector {
        let counted = Expr::Nested(Box::new(index.clone()));
        *index = Expr::BinaryOp {
            left: Box::new(counted),
            op: BinaryOperator::Plus,
            right: Box::new(number(1)),
        };
    }
}

fn is_vector(expr: &Expr) -> bool {
    column(expr).is_some_and(|name| VECTORS.iter().any(|it| name.value.eq_ignore_ascii_case(it)))
}
