//! Timestamps in SQL have microseconds, like those in the tables of the lake.
//!
//! DataFusion reads `timestamp '2300-01-01'` as nanoseconds, and compares a column of microseconds with it,
//! with a date or with a text in nanoseconds too. These end in 2262, so both the literal and columns with
//! 9999-12-31 overflow. Here every such timestamp is cast to microseconds before types are coerced, so that
//! all years from 1 to 9999 can be compared.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    Between, BinaryExpr, Cast, Expr, ExprSchemable as _, Operator, TryCast,
};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder, Union};
use datafusion::optimizer::AnalyzerRule;
use std::sync::Arc;

/// Casts timestamps in nanoseconds to microseconds. It runs before types are coerced.
#[derive(Debug)]
pub struct Microseconds;

impl AnalyzerRule for Microseconds {
    fn name(&self) -> &'static str {
        "microseconds"
    }

    fn analyze(&self, plan: LogicalPlan, _options: &ConfigOptions) -> Result<LogicalPlan> {
        Ok(plan.transform_up_with_subqueries(rewrite_plan)?.data)
    }
}

fn rewrite_plan(plan: LogicalPlan) -> Result<Transformed<LogicalPlan>> {
    let mut schema = merge_schema(&plan.inputs());
    if let LogicalPlan::TableScan(scan) = &plan {
        let name = scan.table_name.clone();
        schema.merge(&DFSchema::try_from_qualified_schema(name, &scan.source.schema())?);
    }
    let names = NamePreserver::new(&plan);
    let rewritten = plan.map_expressions(|expr| {
        let name = names.save(&expr);
        let expr = expr.transform_up(|expr| Ok(rewrite(expr, &schema)))?;
        Ok(expr.update_data(|expr| name.restore(expr)))
    })?;
    let is_changed = rewritten.transformed;
    rewritten.map_data(|plan| match plan {
        // A list of values does not recompute its schema.
        LogicalPlan::Values(values) if is_changed => {
            LogicalPlanBuilder::values(values.values)?.build()
        }
        // Neither does a union, whose inputs may have other types now.
        LogicalPlan::Union(union) => {
            Union::try_new_with_loose_types(union.inputs).map(LogicalPlan::Union)
        }
        other => other.recompute_schema(),
    })
}

fn rewrite(expr: Expr, schema: &DFSchema) -> Transformed<Expr> {
    match expr {
        Expr::Cast(cast) => rewrite_cast(cast, schema),
        Expr::TryCast(cast) => rewrite_try_cast(cast, schema),
        Expr::ScalarFunction(function) => rewrite_function(function, schema),
        Expr::BinaryExpr(binary) => rewrite_binary(binary, schema),
        Expr::Between(between) => rewrite_between(between, schema),
        Expr::InList(list) => rewrite_list(list, schema),
        other => Transformed::no(other),
    }
}

/// The expression with timestamps in microseconds, for expressions that are planned without a statement.
///
/// # Errors
/// Fails if the expression cannot be traversed.
pub fn in_microseconds(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    Ok(expr.transform_up(|expr| Ok(rewrite(expr, schema)))?.data)
}

/// The type in microseconds for a type in nanoseconds.
fn to_micros(kind: &DataType) -> Option<DataType> {
    match kind {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
        }
        _ => None,
    }
}

/// The type that a cast to nanoseconds should have. A number that is cast keeps its unit.
fn cast_to(from: &Expr, to: &DataType, schema: &DFSchema) -> Option<DataType> {
    let micros = to_micros(to)?;
    let from = from.get_type(schema).ok()?;
    (!from.is_numeric()).then_some(micros)
}

fn rewrite_cast(cast: Cast, schema: &DFSchema) -> Transformed<Expr> {
    match cast_to(&cast.expr, cast.field.data_type(), schema) {
        Some(micros) => Transformed::yes(Expr::Cast(Cast::new(cast.expr, micros))),
        None => Transformed::no(Expr::Cast(cast)),
    }
}

fn rewrite_try_cast(cast: TryCast, schema: &DFSchema) -> Transformed<Expr> {
    match cast_to(&cast.expr, cast.field.data_type(), schema) {
        Some(micros) => Transformed::yes(Expr::TryCast(TryCast::new(cast.expr, micros))),
        None => Transformed::no(Expr::TryCast(cast)),
    }
}

/// `to_timestamp` of a text becomes a cast; other results in nanoseconds, such as `now()`, are cast.
fn rewrite_function(function: ScalarFunction, schema: &DFSchema) -> Transformed<Expr> {
    if function.name() == "to_timestamp"
        && let [text] = function.args.as_slice()
        && is_text(text, schema)
    {
        return Transformed::yes(cast_to_micros(text.clone()));
    }
    let expr = Expr::ScalarFunction(function);
    match expr.get_type(schema).ok().and_then(|kind| to_micros(&kind)) {
        Some(micros) => Transformed::yes(Expr::Cast(Cast::new(Box::new(expr), micros))),
        None => Transformed::no(expr),
    }
}

fn cast_to_micros(expr: Expr) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), in_zone(None)))
}

fn is_text(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|kind| kind.is_string())
}

fn rewrite_binary(binary: BinaryExpr, schema: &DFSchema) -> Transformed<Expr> {
    let is_minus = binary.op == Operator::Minus;
    if !is_minus && !compares(binary.op) {
        return Transformed::no(Expr::BinaryExpr(binary));
    }
    let BinaryExpr { left, op, right } = binary;
    // The type of a text in a subtraction is unknown.
    let (left, right) = aligned(*left, *right, !is_minus, schema);
    let is_changed = left.transformed || right.transformed;
    let binary = BinaryExpr::new(Box::new(left.data), op, Box::new(right.data));
    if is_changed {
        Transformed::yes(Expr::BinaryExpr(binary))
    } else {
        Transformed::no(Expr::BinaryExpr(binary))
    }
}

fn compares(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

fn rewrite_between(between: Between, schema: &DFSchema) -> Transformed<Expr> {
    let Between { expr, negated, low, high } = between;
    let (expr, low) = aligned(*expr, *low, true, schema);
    let (again, high) = aligned(expr.data, *high, true, schema);
    let is_changed = expr.transformed || low.transformed || again.transformed || high.transformed;
    let between =
        Between::new(Box::new(again.data), negated, Box::new(low.data), Box::new(high.data));
    if is_changed {
        Transformed::yes(Expr::Between(between))
    } else {
        Transformed::no(Expr::Between(between))
    }
}

fn rewrite_list(list: InList, schema: &DFSchema) -> Transformed<Expr> {
    let InList { expr, list, negated } = list;
    let (mut expr, mut is_changed) = (*expr, false);
    let mut items = Vec::with_capacity(list.len());
    for item in list {
        let (left, right) = aligned(expr, item, true, schema);
        is_changed |= left.transformed || right.transformed;
        expr = left.data;
        items.push(right.data);
    }
    let list = Expr::InList(InList::new(Box::new(expr), items, negated));
    if is_changed { Transformed::yes(list) } else { Transformed::no(list) }
}

/// Both sides in microseconds if one of them is a timestamp and the other a timestamp, a date or, where
/// allowed, a text.
fn aligned(
    left: Expr,
    right: Expr,
    may_be_text: bool,
    schema: &DFSchema,
) -> (Transformed<Expr>, Transformed<Expr>) {
    let (Ok(left_kind), Ok(right_kind)) = (left.get_type(schema), right.get_type(schema)) else {
        return (Transformed::no(left), Transformed::no(right));
    };
    let (left_to, right_to) = (
        aligned_kind(&left_kind, &right_kind, may_be_text),
        aligned_kind(&right_kind, &left_kind, may_be_text),
    );
    (cast_if(left, left_to), cast_if(right, right_to))
}

/// The type that one side is cast to because the other side is a timestamp.
fn aligned_kind(own: &DataType, other: &DataType, may_be_text: bool) -> Option<DataType> {
    let DataType::Timestamp(_, zone) = other else { return None };
    match own {
        DataType::Timestamp(TimeUnit::Nanosecond, own) => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, own.clone()))
        }
        DataType::Date32 | DataType::Date64 => Some(in_zone(zone.clone())),
        text if text.is_string() && may_be_text => Some(in_zone(zone.clone())),
        _ => None,
    }
}

fn in_zone(zone: Option<Arc<str>>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone)
}

fn cast_if(expr: Expr, to: Option<DataType>) -> Transformed<Expr> {
    match to {
        Some(to) => Transformed::yes(Expr::Cast(Cast::new(Box::new(expr), to))),
        None => Transformed::no(expr),
    }
}

#[cfg(test)]
mod tests;
