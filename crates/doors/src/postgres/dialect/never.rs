//! Tables of the catalogue that never have rows here.
//!
//! Clients read them with whatever PostgreSQL can compute. The result has no rows in any case, so it
//! matters only that it has the columns.

use super::tree::{as_text, calls, column, expression, has_aggregate, last, literal, select};
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArguments, GroupByExpr, Ident, Join, JoinOperator,
    Query, Select, SelectItem, TableFactor, TableWithJoins, Value, VisitorMut,
};
use std::ops::ControlFlow;

/// Tables for objects that the service does not have.
pub const EMPTY: [&str; 31] = [
    "pg_attrdef",
    "pg_auth_members",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_enum",
    "pg_event_trigger",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_inherits",
    "pg_largeobject",
    "pg_largeobject_metadata",
    "pg_parameter_acl",
    "pg_partitioned_table",
    "pg_policy",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_replication_origin",
    "pg_rewrite",
    "pg_rules",
    "pg_seclabel",
    "pg_sequence",
    "pg_shseclabel",
    "pg_statistic_ext",
    "pg_statistic_ext_data",
    "pg_subscription",
    "pg_subscription_rel",
    "pg_trigger",
    "pg_user_mapping",
    "pg_user_mappings",
];
/// All columns have the default collation, so a lookup of another one has no result.
const COLLATION: &str = "pg_collation";

/// The column with options of tables, which have none.
const OPTIONS: &str = "reloptions";

/// Replaces what is computed from tables without rows.
pub struct Never;

impl VisitorMut for Never {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        if select(query).is_some_and(|it| has_no_rows(it) && is_replaceable(it)) {
            query.order_by = None;
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        if has_no_rows(select) && is_replaceable(select) {
            replace(select);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let known = match expr {
            Expr::Subquery(query) => select(query).filter(|it| is_null(it)).map(|_| Value::Null),
            Expr::Function(Function { args: FunctionArguments::Subquery(query), .. }) => {
                select(query).filter(|it| is_null(it)).map(|_| Value::Null)
            }
            Expr::Exists { subquery, negated } => select(subquery)
                .filter(|it| has_no_rows(it) && is_replaceable(it))
                .map(|_| Value::Boolean(*negated)),
            _ => None,
        };
        if let Some(known) = known {
            *expr = literal(known);
        }
        ControlFlow::Continue(())
    }
}

/// Whether a scalar subquery is null.
fn is_null(select: &Select) -> bool {
    let mut items = select.projection.iter().filter_map(expression);
    let counts = items.any(|it| calls(it, &|name| name == "count"));
    !counts && (has_no_rows(select) || reads(select, COLLATION))
}

fn reads(select: &Select, name: &str) -> bool {
    let is = |factor: &TableFactor| matches!(factor, TableFactor::Table { name: table, .. } if last(table) == name);
    select.from.iter().any(|it| is(&it.relation) || it.joins.iter().any(|join| is(&join.relation)))
}

/// Whether the columns of a result are known without its tables, and it has no row of its own.
fn is_replaceable(select: &Select) -> bool {
    let has_groups = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    let mut items = select.projection.iter().map(expression);
    items.all(|it| it.is_some_and(|expr| has_groups || !has_aggregate(expr)))
}

fn has_no_rows(select: &Select) -> bool {
    select.from.iter().any(is_empty_join) || select.selection.as_ref().is_some_and(is_never)
}

fn is_empty_join(tables: &TableWithJoins) -> bool {
    let keeps_right = |join: &Join| {
        matches!(
            join.join_operator,
            JoinOperator::Right(_) | JoinOperator::RightOuter(_) | JoinOperator::FullOuter(_)
        )
    };
    let needs_right = |join: &&Join| {
        matches!(
            join.join_operator,
            JoinOperator::Join(_) | JoinOperator::Inner(_) | JoinOperator::CrossJoin(_)
        )
    };
    if tables.joins.iter().any(keeps_right) {
        return false;
    }
    let mut needed = tables.joins.iter().filter(needs_right);
    is_empty(&tables.relation) || needed.any(|it| is_empty(&it.relation))
}

fn is_empty(factor: &TableFactor) -> bool {
    match factor {
        TableFactor::Table { name, args: None, .. } => EMPTY.contains(&last(name).as_str()),
        TableFactor::Table { name, args: Some(given), .. } => {
            last(name) == "unnest" && given.args.iter().any(|it| it.to_string().ends_with(OPTIONS))
        }
        TableFactor::Derived { subquery, .. } => {
            select(subquery).is_some_and(|it| has_no_rows(it) && is_replaceable(it))
        }
        TableFactor::NestedJoin { table_with_joins, .. } => is_empty_join(table_with_joins),
        _ => false,
    }
}

/// Whether a condition selects foreign keys, which do not exist, or is `false`.
fn is_never(condition: &Expr) -> bool {
    match condition {
        Expr::BinaryOp { left, op: BinaryOperator::And, right } => {
            is_never(left) || is_never(right)
        }
        Expr::BinaryOp { left, op: BinaryOperator::Eq, right } => {
            column(left).is_some_and(|it| it.value.eq_ignore_ascii_case("contype"))
                && as_text(right) == Some("f")
        }
        Expr::Nested(inner) => is_never(inner),
        Expr::Value(value) => value.value == Value::Boolean(false),
        _ => false,
    }
}

fn replace(select: &mut Select) {
    let names = select.projection.iter().enumerate().map(|(position, item)| match item {
        SelectItem::ExprWithAlias { alias, .. } => alias.clone(),
        item => {
            let name = expression(item).map(super::output::name_of).unwrap_or_default();
            let is_used = select.projection[..position]
                .iter()
                .filter_map(expression)
                .any(|it| super::output::name_of(it) == name);
            Ident::new(if is_used { format!("{name}{}{position}", super::MARK) } else { name })
        }
    });
    let nothing = |alias| SelectItem::ExprWithAlias { expr: literal(Value::Null), alias };
    let items: Vec<SelectItem> = names.map(nothing).collect();
    select.projection = items;
    select.from = Vec::new();
    select.selection = Some(literal(Value::Boolean(false)));
    select.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    select.having = None;
    select.distinct = None;
}
