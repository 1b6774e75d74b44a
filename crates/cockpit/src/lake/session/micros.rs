//! Times in SQL count microseconds, as the lake's tables do.
//!
//! DataFusion reads `timestamp '2300-01-01'` as nanoseconds, and compares a column of microseconds
//! with it, with a date or with a text in nanoseconds too. These end in 2262, so both the literal and
//! columns with 9999-12-31 overflow. Here every such time becomes microseconds before the types of
//! both sides are made alike, so that all years from 1 to 9999 can be compared.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, Result};
use datafusion::functions::datetime::to_timestamp_micros;
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    Between, BinaryExpr, Cast, Expr, ExprSchemable as _, Operator, TryCast,
};
use std::sync::Arc;

/// Makes times in nanoseconds microseconds.
#[derive(Debug)]
pub(super) struct Microseconds;

impl FunctionRewrite for Microseconds {
    fn name(&self) -> &'static str {
        "microseconds"
    }

    fn rewrite(
        &self,
        expr: Expr,
        schema: &DFSchema,
        options: &ConfigOptions,
    ) -> Result<Transformed<Expr>> {
        Ok(match expr {
            Expr::Cast(cast) => of_cast(cast, schema),
            Expr::TryCast(cast) => of_try_cast(cast, schema),
            Expr::ScalarFunction(function) => of_function(function, schema, options),
            Expr::BinaryExpr(binary) => of_binary(binary, schema),
            Expr::Between(between) => of_between(between, schema),
            Expr::InList(list) => of_list(list, schema),
            other => Transformed::no(other),
        })
    }
}

/// The expression with its times in microseconds, for callers that coerce types themselves.
///
/// # Errors
/// Fails if the expression cannot be walked through.
pub fn in_microseconds(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    let options = ConfigOptions::default();
    Ok(expr.transform_up(|expr| Microseconds.rewrite(expr, schema, &options))?.data)
}

/// The type in microseconds of a type in nanoseconds.
fn micros_of(kind: &DataType) -> Option<DataType> {
    match kind {
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
        }
        _ => None,
    }
}

/// The type a cast to nanoseconds should have. A number is cast to a count, whose unit must stay.
fn cast_to(from: &Expr, to: &DataType, schema: &DFSchema) -> Option<DataType> {
    let micros = micros_of(to)?;
    let from = from.get_type(schema).ok()?;
    (!from.is_numeric()).then_some(micros)
}

fn of_cast(cast: Cast, schema: &DFSchema) -> Transformed<Expr> {
    match cast_to(&cast.expr, cast.field.data_type(), schema) {
        Some(micros) => Transformed::yes(Expr::Cast(Cast::new(cast.expr, micros))),
        None => Transformed::no(Expr::Cast(cast)),
    }
}

fn of_try_cast(cast: TryCast, schema: &DFSchema) -> Transformed<Expr> {
    match cast_to(&cast.expr, cast.field.data_type(), schema) {
        Some(micros) => Transformed::yes(Expr::TryCast(TryCast::new(cast.expr, micros))),
        None => Transformed::no(Expr::TryCast(cast)),
    }
}

/// `to_timestamp` of a text reads microseconds; what else comes out in nanoseconds, such as `now()`,
/// is cast.
fn of_function(
    function: ScalarFunction,
    schema: &DFSchema,
    options: &ConfigOptions,
) -> Transformed<Expr> {
    let reads_text = function.name() == "to_timestamp"
        && function.args.first().is_some_and(|arg| is_text(arg, schema));
    if reads_text {
        let micros = ScalarFunction::new_udf(to_timestamp_micros(options), function.args);
        return Transformed::yes(Expr::ScalarFunction(micros));
    }
    let expr = Expr::ScalarFunction(function);
    let micros = expr.get_type(schema).ok().and_then(|kind| micros_of(&kind));
    match micros {
        Some(micros) => Transformed::yes(Expr::Cast(Cast::new(Box::new(expr), micros))),
        None => Transformed::no(expr),
    }
}

fn is_text(expr: &Expr, schema: &DFSchema) -> bool {
    expr.get_type(schema).is_ok_and(|kind| kind.is_string())
}

fn of_binary(binary: BinaryExpr, schema: &DFSchema) -> Transformed<Expr> {
    let is_minus = binary.op == Operator::Minus;
    if !is_minus && !compares(binary.op) {
        return Transformed::no(Expr::BinaryExpr(binary));
    }
    let BinaryExpr { left, op, right } = binary;
    // What a text means in a subtraction cannot be known.
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

fn of_between(between: Between, schema: &DFSchema) -> Transformed<Expr> {
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

fn of_list(list: InList, schema: &DFSchema) -> Transformed<Expr> {
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

/// Both sides in microseconds if one of them is a time and the other a time, a date or, where
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

/// The type one side is cast to, as the other side is a time.
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
