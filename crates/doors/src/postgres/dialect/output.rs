//! Names of the columns of a result as PostgreSQL gives them.
//!
//! The engine refuses two columns of one name, and names expressions by their text. So a column gets its
//! name with a mark and its position behind, which are removed before the columns are described.

use super::tree::{as_text, expression, last};
use datafusion::sql::sqlparser::ast::{
    DataType, Expr, Ident, Select, SelectItem, SetExpr, Statement, Value, VisitorMut,
};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// The mark after the name of a column, which no name contains.
pub const MARK: char = '\u{1}';

/// A name without mark and position.
pub fn without_mark(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

/// Names the columns of the result of a statement.
pub fn name(statement: &mut Statement) {
    let Statement::Query(query) = statement else { return };
    let mut body = query.body.as_mut();
    // The first query of a union names the columns.
    while let SetExpr::SetOperation { left, .. } = body {
        body = left.as_mut();
    }
    if let SetExpr::Select(select) = body {
        name_items(select, true);
    }
}

/// Names the columns of queries within a statement.
pub struct Inner;

impl VisitorMut for Inner {
    type Break = ();

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        name_items(select, false);
        ControlFlow::Continue(())
    }
}

fn name_items(select: &mut Select, is_result: bool) {
    let has_wildcard = select.projection.iter().any(|it| expression(it).is_none());
    let is_distinct = select.distinct.is_some();
    let mut used = BTreeSet::new();
    for (position, item) in select.projection.iter_mut().enumerate() {
        let (expr, name, is_column) = match item {
            SelectItem::UnnamedExpr(expr) => {
                let is_column = matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
                (expr.clone(), name_of(expr), is_column)
            }
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), alias.value.clone(), true),
            _ => continue,
        };
        let is_first = used.insert(name.to_lowercase());
        let may_repeat = !is_first || (has_wildcard && is_column && is_unnamed(item));
        if (is_column || is_distinct) && !may_repeat {
            continue;
        }
        let is_marked = is_result || may_repeat;
        let alias = if is_marked { format!("{name}{MARK}{position}") } else { name };
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', alias) };
    }
}

fn is_unnamed(item: &SelectItem) -> bool {
    matches!(item, SelectItem::UnnamedExpr(_))
}

/// The name of a column that has no alias.
pub fn name_of(expr: &Expr) -> String {
    found_name(expr).unwrap_or_else(|| "?column?".to_owned())
}

fn found_name(expr: &Expr) -> Option<String> {
    let name = match expr {
        Expr::Identifier(name) => folded(name),
        Expr::CompoundIdentifier(names) => folded(names.last()?),
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => return found_name(inner),
        Expr::CompoundFieldAccess { root, .. } => return found_name(root),
        Expr::Function(function) => last(&function.name),
        Expr::Cast { expr: inner, data_type, .. } => {
            return found_name(inner).or_else(|| Some(type_name(data_type)));
        }
        Expr::Case { else_result, .. } => {
            let name = else_result.as_deref().filter(|it| as_text(it).is_none());
            return name.and_then(found_name).or_else(|| Some("case".to_owned()));
        }
        Expr::Exists { .. } => "exists".to_owned(),
        Expr::Subquery(query) => {
            let SetExpr::Select(select) = query.body.as_ref() else { return None };
            return match select.projection.first()? {
                SelectItem::ExprWithAlias { alias, .. } => Some(folded(alias)),
                item => expression(item).and_then(found_name),
            };
        }
        Expr::Array(_) => "array".to_owned(),
        Expr::Extract { .. } => "extract".to_owned(),
        Expr::Substring { .. } => "substring".to_owned(),
        Expr::Trim { .. } => "btrim".to_owned(),
        Expr::Position { .. } => "position".to_owned(),
        Expr::Ceil { .. } => "ceil".to_owned(),
        Expr::Floor { .. } => "floor".to_owned(),
        Expr::AtTimeZone { .. } => "timezone".to_owned(),
        Expr::Interval(_) => "interval".to_owned(),
        Expr::TypedString(typed) => type_name(&typed.data_type),
        Expr::Value(value) if matches!(value.value, Value::Boolean(_)) => "bool".to_owned(),
        _ => return None,
    };
    Some(name)
}

/// A name as PostgreSQL stores it.
fn folded(name: &Ident) -> String {
    if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
}

/// The name of a type in `pg_type`.
fn type_name(data_type: &DataType) -> String {
    let name = data_type.to_string().to_lowercase();
    let name = name.split('(').next().unwrap_or(&name).trim();
    let known = match name.strip_prefix("pg_catalog.").unwrap_or(name) {
        "bigint" => "int8",
        "integer" | "int" => "int4",
        "smallint" => "int2",
        "double" | "double precision" => "float8",
        "real" | "float" => "float4",
        "boolean" => "bool",
        "decimal" => "numeric",
        "character varying" => "varchar",
        "timestamp with time zone" => "timestamptz",
        "timestamp without time zone" => "timestamp",
        other => other,
    };
    known.to_owned()
}
