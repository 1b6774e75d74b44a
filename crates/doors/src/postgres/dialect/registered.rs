//! Casts to the types of registered objects, such as `regclass`, which are functions here.
//!
//! A cast of a name gives the number of the object, a cast of that to a text its name. In a result such a
//! number is shown as the name.

use super::tree::{as_text, call, column, function_name, text};
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Ident, Query, Select, SelectItem, SetExpr, Statement, VisitorMut,
};
use std::ops::ControlFlow;

/// Types with the functions that give a number, and a name.
const TYPES: [(&str, &str, &str); 4] = [
    ("regclass", "to_regclass", "pg_class_name"),
    ("regnamespace", "to_regnamespace", "pg_namespace_name"),
    ("regrole", "to_regrole", "pg_role_name"),
    ("regtype", "to_regtype", "pg_type_name"),
];
/// Types of functions, of which a name is the value.
const OF_FUNCTIONS: [&str; 2] = ["regproc", "regprocedure"];
const TEXTS: [&str; 4] = ["text", "varchar", "name", "character varying"];

/// Replaces the casts.
pub struct Registered;

impl VisitorMut for Registered {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Cast { expr: inner, data_type, .. } = expr else {
            return ControlFlow::Continue(());
        };
        let kind = type_name(data_type);
        if let Some((_, number, _)) = TYPES.iter().find(|it| it.0 == kind) {
            *expr = call(number, vec![(**inner).clone()]);
        } else if OF_FUNCTIONS.contains(&kind.as_str()) {
            *expr = match as_text(inner) {
                Some(name) => text(name.strip_prefix("pg_catalog.").unwrap_or(name)),
                None => (**inner).clone(),
            };
        } else if TEXTS.contains(&kind.as_str())
            && let Some(name) = name_of_number(inner)
        {
            *expr = name;
        }
        ControlFlow::Continue(())
    }
}

/// The name of a type without its schema, in lower case.
fn type_name(data_type: &DataType) -> String {
    let name = data_type.to_string().to_lowercase();
    name.strip_prefix("pg_catalog.").unwrap_or(&name).to_owned()
}

/// The call for the name in place of one for the number.
fn name_of_number(expr: &Expr) -> Option<Expr> {
    let called = function_name(expr)?;
    let (_, _, name) = TYPES.iter().find(|it| it.1 == called)?;
    let Expr::Function(function) = expr else { return None };
    Some(call(name, super::tree::arguments(function)))
}

/// Shows names in the result of a statement.
pub fn show_names(statement: &mut Statement) {
    if let Statement::Query(query) = statement {
        show_in(query);
    }
}

fn show_in(query: &mut Query) {
    if let SetExpr::Select(select) = query.body.as_mut() {
        show_in_select(select);
    }
}

fn show_in_select(select: &mut Select) {
    for item in &mut select.projection {
        match item {
            SelectItem::ExprWithAlias { expr, .. } => {
                if let Some(name) = name_of_number(expr) {
                    *expr = name;
                }
            }
            SelectItem::UnnamedExpr(expr) => {
                let Some(name) = name_of_number(expr) else { continue };
                let of_column = match expr {
                    Expr::Function(function) => super::tree::arguments(function),
                    _ => Vec::new(),
                };
                let alias = of_column.first().and_then(column).map(|it| it.value.clone());
                let alias = Ident::new(alias.unwrap_or_else(|| super::output::name_of(expr)));
                *item = SelectItem::ExprWithAlias { expr: name, alias };
            }
            _ => {}
        }
    }
}
