//! Comparisons of functions with their identifiers.
//!
//! A column of functions, such as `pg_type.typreceive`, holds their names here, whereas in PostgreSQL it
//! is shown as a name and compared as a number. So `p.oid = t.typreceive` becomes `p.proname =
//! t.typreceive`; the names of such functions are unique. The number 0 is shown as `-`.

use super::tree::{column, text};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Expr, Ident, Value, VisitorMut};
use std::ops::ControlFlow;

/// Columns that hold names of functions.
const FUNCTIONS: [&str; 9] = [
    "amproc",
    "oprcode",
    "typanalyze",
    "typinput",
    "typmodin",
    "typmodout",
    "typoutput",
    "typreceive",
    "typsend",
];

/// Compares functions by name.
pub struct ByName;

impl VisitorMut for ByName {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::BinaryOp { left, op: BinaryOperator::Eq | BinaryOperator::NotEq, right } = expr
        {
            if is_function(right) {
                rename(left);
            } else if is_function(left) {
                rename(right);
            }
        }
        ControlFlow::Continue(())
    }
}

fn is_function(expr: &Expr) -> bool {
    column(expr).is_some_and(|name| FUNCTIONS.iter().any(|it| name.value.eq_ignore_ascii_case(it)))
}

fn rename(expr: &mut Expr) {
    match expr {
        Expr::CompoundIdentifier(names) => {
            if let Some(name) = names.last_mut()
                && name.value.eq_ignore_ascii_case("oid")
            {
                *name = Ident::new("proname");
            }
        }
        Expr::Value(value) if value.value == Value::Number("0".into(), false) => *expr = text("-"),
        _ => {}
    }
}
