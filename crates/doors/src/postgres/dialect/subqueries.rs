//! Subqueries in places where the engine does not plan them.

use super::tree::{
    call, expression, function, function_name, has_aggregate, is_plain, number, select,
};
use super::walk;
use datafusion::sql::sqlparser::ast::{
    BinaryOperator, CaseWhen, Expr, FunctionArgumentClause, FunctionArguments, Ident, OrderByExpr,
    OrderByKind, Query, Select, SelectItem, SetExpr, TableAlias, TableAliasColumnDef, TableFactor,
    TableWithJoins, Value, VisitorMut,
};
use std::ops::ControlFlow;

/// Replaces `ARRAY(SELECT ...)`, `IN (SELECT ...)` in conditions of `CASE`, and `EXISTS` in results; in statements on
/// the catalogue also correlated subqueries without an aggregate, each of which has one row there.
pub struct Subqueries {
    pub reads_catalogue: bool,
}

impl VisitorMut for Subqueries {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if function_name(expr).as_deref() == Some("array")
            && let Expr::Function(called) = expr
            && let FunctionArguments::Subquery(query) = &called.args
        {
            *expr = Expr::Subquery(collected(query.clone()));
        } else if let Expr::Case { operand: None, conditions, .. } = expr {
            conditions.iter_mut().for_each(|CaseWhen { condition, .. }| contained(condition));
        } else if self.reads_catalogue
            && let Expr::Subquery(query) = expr
        {
            take_one(query);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        for item in &mut select.projection {
            if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
                walk::expression(expr, &mut Counted);
            }
        }
        ControlFlow::Continue(())
    }
}

/// The query that gives the values of `query` as an array.
fn collected(mut query: Box<Query>) -> Box<Query> {
    let is_simple = query.limit_clause.is_none()
        && select(&query).is_some_and(|it| {
            let value = it.projection.first().and_then(expression);
            is_plain(it) && value.is_some_and(|value| !has_aggregate(value))
        });
    if !is_simple {
        return collected_from(query);
    }
    let order = query.order_by.take().map(|it| it.kind);
    let SetExpr::Select(select) = query.body.as_mut() else { return query };
    let Some(value) = select.projection.first().and_then(expression).cloned() else { return query };
    let order = match order {
        Some(OrderByKind::Expressions(by)) => by,
        _ => Vec::new(),
    };
    select.projection = vec![aggregated(value, order)];
    query
}

/// `array_agg(value ORDER BY ...)`. A position refers to the value, the only column.
fn aggregated(value: Expr, mut order: Vec<OrderByExpr>) -> SelectItem {
    let mut aggregate = function("array_agg", vec![value.clone()]);
    for by in &mut order {
        if matches!(&by.expr, Expr::Value(it) if matches!(it.value, Value::Number(..))) {
            by.expr = value.clone();
        }
    }
    if !order.is_empty()
        && let FunctionArguments::List(list) = &mut aggregate.args
    {
        list.clauses.push(FunctionArgumentClause::OrderBy(order));
    }
    SelectItem::UnnamedExpr(Expr::Function(aggregate))
}

fn collected_from(query: Box<Query>) -> Box<Query> {
    let element = Ident::new("element");
    let column = TableAliasColumnDef { name: element.clone(), data_type: None };
    let alias =
        TableAlias { explicit: true, name: Ident::new("list"), columns: vec![column], at: None };
    let list = TableFactor::Derived {
        lateral: false,
        subquery: query.clone(),
        alias: Some(alias),
        sample: None,
    };
    let mut outer = query;
    outer.with = None;
    outer.order_by = None;
    outer.limit_clause = None;
    if let SetExpr::Select(first) = outer.body.as_mut() {
        let mut select = first.clone();
        select.projection = vec![aggregated(Expr::Identifier(element), Vec::new())];
        select.from = vec![TableWithJoins { relation: list, joins: Vec::new() }];
        select.selection = None;
        select.distinct = None;
        *first = select;
    }
    outer
}

/// Makes a scalar subquery one with an aggregate.
fn take_one(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else { return };
    if !is_plain(select) || select.from.is_empty() {
        return;
    }
    let [item] = select.projection.as_mut_slice() else { return };
    let (SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) = item else {
        return;
    };
    if !has_aggregate(expr) {
        *expr = call("first_value", vec![expr.clone()]);
        query.order_by = None;
        query.limit_clause = None;
    }
}

/// Replaces `IN (SELECT ...)` in a condition, where unknown is as false, by a search in an array. So the array may be
/// null, as it is without rows, and may contain nulls. `NOT IN` stays, since there unknown and false differ.
fn contained(condition: &mut Expr) {
    match condition {
        Expr::Nested(inner) => contained(inner),
        Expr::BinaryOp { left, op: BinaryOperator::And | BinaryOperator::Or, right } => {
            contained(left);
            contained(right);
        }
        Expr::InSubquery { expr, subquery, negated: false } => {
            let values = Expr::Subquery(collected(subquery.clone()));
            *condition = call("array_has", vec![values, expr.as_ref().clone()]);
        }
        _ => {}
    }
}

/// Replaces `EXISTS` by a number of rows, which is planned anywhere.
struct Counted;

impl VisitorMut for Counted {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let Expr::Exists { subquery, negated } = expr else { return ControlFlow::Continue(()) };
        let mut query = subquery.clone();
        if let SetExpr::Select(select) = query.body.as_mut()
            && is_plain(select)
        {
            select.projection = vec![SelectItem::UnnamedExpr(call("count", vec![number(1)]))];
            query.order_by = None;
            query.limit_clause = None;
            let op = if *negated { BinaryOperator::Eq } else { BinaryOperator::Gt };
            let (left, right) = (Box::new(Expr::Subquery(query)), Box::new(number(0)));
            *expr = Expr::BinaryOp { left, op, right };
        }
        ControlFlow::Continue(())
    }
}
