//! Comparisons of functions with their identifiers.
//!
//! A column of functions, such as `pg_type.typreceive`, holds their names here, whereas in PostgreSQL it
//! is shown as a name and compared as a number. So `p.oid = t.typreceive` becomes `p.proname =
//! t.typreceive`; the names of such functions are unique.

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, Statement, VisitMut, VisitorMut,
};
use std::ops::ControlFlow;

/// Columns that hold names of functions.
const FUNCTIONS: [&str; 7] =
    ["typinput", "typoutput", "typreceive", "typsend", "typmodin", "typmodout", "typanalyze"];

/// The statement with comparisons of functions by name.
pub fn compare_by_name(mut statement: Statement) -> Statement {
    let _continued = VisitMut::visit(&mut statement, &mut ByName);
    statement
}

struct ByName;

impl VisitorMut for ByName {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::BinaryOp { left, op: BinaryOperator::Eq, right } = expr {
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
    last(expr).is_some_and(|name| FUNCTIONS.iter().any(|it| name.value.eq_ignore_ascii_case(it)))
}

fn last(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(names) => names.last(),
        _ => None,
    }
}

fn rename(expr: &mut Expr) {
    if let Expr::CompoundIdentifier(names) = expr
        && let Some(name) = names.last_mut()
        && name.value.eq_ignore_ascii_case("oid")
    {
        *name = Ident::new("proname");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::dialect::PostgreSqlDialect;
    use datafusion::sql::sqlparser::parser::Parser;

    fn check(sql: &str, expected: &str) {
        let statement = Parser::parse_sql(&PostgreSqlDialect {}, sql).unwrap().remove(0);
        assert_eq!(compare_by_name(statement).to_string(), expected);
    }

    #[test]
    fn only_comparisons_of_identifiers_with_functions_change() {
        check(
            "SELECT p.oid FROM t JOIN p ON p.oid = t.typreceive WHERE t.oid = 1",
            "SELECT p.oid FROM t JOIN p ON p.proname = t.typreceive WHERE t.oid = 1",
        );
        check("SELECT 1 WHERE a.typinput = b.oid", "SELECT 1 WHERE a.typinput = b.proname");
        check("SELECT 1 WHERE oid = relnamespace", "SELECT 1 WHERE oid = relnamespace");
    }
}
