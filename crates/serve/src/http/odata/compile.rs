//! Compiles the tree of a filter to an expression of DataFusion. Names become columns of the table and
//! literals typed constants: no text of a request becomes SQL.
//!
//! Nulls are compared as OData defines: null equals null, `ne` is true if one side is null, and the other
//! comparisons with null are false, also below `not`.

mod call;

use super::edm::{Edm, Property};
use super::syntax::expression::{Arithmetic, Comparison, Node};
use super::syntax::literal::Literal;
use crate::http::error::Error;
use chrono::NaiveDate;
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Operator};
use datafusion::prelude::{Expr, cast, ident, lit};

/// The kind of a value, by which operators and functions are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueKind {
    Null,
    Bool,
    Number,
    Text,
    Binary,
    Date,
    Time,
}

impl ValueKind {
    fn from_edm(edm: Edm) -> Self {
        match edm {
            Edm::Boolean => Self::Bool,
            Edm::SByte | Edm::Int16 | Edm::Int32 | Edm::Int64 => Self::Number,
            Edm::Single | Edm::Double | Edm::Decimal { .. } => Self::Number,
            Edm::Text => Self::Text,
            Edm::Binary => Self::Binary,
            Edm::Date => Self::Date,
            Edm::DateTimeOffset => Self::Time,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool => "a boolean",
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Binary => "binary data",
            Self::Date => "a date",
            Self::Time => "a time",
        }
    }
}

/// An expression and the kind of its value.
pub struct Typed {
    pub expr: Expr,
    pub kind: ValueKind,
    /// Whether the number is a floating-point number.
    pub is_float: bool,
}

impl Typed {
    fn new(expr: Expr, kind: ValueKind) -> Self {
        Self { expr, kind, is_float: false }
    }

    /// The value as floating-point number, if `other` is one: a decimal can hold neither NaN nor infinity,
    /// to which the engine would convert both.
    fn number_like(self, other: bool) -> Self {
        if !other || self.is_float || self.kind != ValueKind::Number {
            return self;
        }
        Self { expr: cast(self.expr, DataType::Float64), is_float: true, ..self }
    }
}

/// The condition that a filter states on rows with `properties`.
pub fn condition(node: &Node, properties: &[Property]) -> Result<Expr, Error> {
    let compiler = Compiler { properties };
    let typed = compiler.compile(node, false)?;
    match typed.kind {
        ValueKind::Bool | ValueKind::Null => Ok(typed.expr),
        other => Err(mismatch(&format!("expected a condition, found {}", other.name()))),
    }
}

/// The condition that a property has the value of a literal.
pub fn equals(property: &Property, literal: &Literal) -> Result<Expr, Error> {
    let (left, right) = (typed_column(property), constant(literal));
    compared(Comparison::Eq, left, right, false)
}

/// The property of this name.
pub fn find<'a>(properties: &'a [Property], name: &str) -> Result<&'a Property, Error> {
    let found = properties.iter().find(|it| it.name == name);
    found.ok_or_else(|| {
        let all = properties.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        let suggestion = crate::http::names::suggest(name, &all);
        Error::bad("unknown_property", format!("unknown property {name}; {suggestion}"))
    })
}

struct Compiler<'a> {
    properties: &'a [Property],
}

impl Compiler<'_> {
    /// `is_exact` below `not`, where a comparison has to be false instead of null.
    fn compile(&self, node: &Node, is_exact: bool) -> Result<Typed, Error> {
        match node {
            Node::Literal(literal) => Ok(constant(literal)),
            Node::Property(name) => Ok(typed_column(find(self.properties, name)?)),
            Node::Compare(by, left, right) => {
                compared(*by, self.compile(left, true)?, self.compile(right, true)?, is_exact)
                    .map(|expr| Typed::new(expr, ValueKind::Bool))
            }
            Node::Compute(by, left, right) => {
                computed(*by, self.compile(left, true)?, self.compile(right, true)?)
            }
            Node::In(value, literals) => self.listed(value, literals, is_exact),
            Node::Negate(value) => {
                let value = self.compile(value, true)?;
                let is_float = value.is_float;
                let value = expect(value, ValueKind::Number, "-")?;
                Ok(Typed {
                    expr: Expr::Negative(Box::new(value)),
                    kind: ValueKind::Number,
                    is_float,
                })
            }
            Node::Not(value) => {
                let value = expect(self.compile(value, true)?, ValueKind::Bool, "not")?;
                Ok(Typed::new(Expr::Not(Box::new(value)), ValueKind::Bool))
            }
            Node::And(parts) => self.joined(parts, Operator::And, is_exact),
            Node::Or(parts) => self.joined(parts, Operator::Or, is_exact),
            Node::Call(name, arguments) => {
                let arguments = arguments.iter().map(|it| self.compile(it, true));
                let called = call::compile(name, arguments.collect::<Result<_, _>>()?)?;
                let is_exact = is_exact && called.kind == ValueKind::Bool;
                let expr = if is_exact { is_true(called.expr) } else { called.expr };
                Ok(Typed { expr, ..called })
            }
        }
    }

    fn joined(&self, parts: &[Node], by: Operator, is_exact: bool) -> Result<Typed, Error> {
        let word = if by == Operator::And { "and" } else { "or" };
        let parts =
            parts.iter().map(|it| expect(self.compile(it, is_exact)?, ValueKind::Bool, word));
        let parts = parts.collect::<Result<Vec<_>, Error>>()?;
        Ok(Typed::new(balanced(parts, by), ValueKind::Bool))
    }

    fn listed(&self, value: &Node, literals: &[Literal], is_exact: bool) -> Result<Typed, Error> {
        let value = self.compile(value, true)?;
        let is_null = literals.contains(&Literal::Null).then(|| value.expr.clone().is_null());
        let mut list = Vec::new();
        for literal in literals.iter().filter(|it| **it != Literal::Null) {
            let literal = constant(literal);
            let target = if value.kind == ValueKind::Time { ValueKind::Time } else { literal.kind };
            check_comparable(value.kind, literal.kind)?;
            list.push(as_kind(literal.number_like(value.is_float), target));
        }
        let is_listed = value.expr.in_list(list, false);
        let is_listed = if is_exact { is_true(is_listed) } else { is_listed };
        let expr = is_null.map_or(is_listed.clone(), |is_null| is_listed.or(is_null));
        Ok(Typed::new(expr, ValueKind::Bool))
    }
}

fn typed_column(property: &Property) -> Typed {
    let is_float = matches!(property.edm, Edm::Single | Edm::Double);
    Typed { expr: ident(&property.column), kind: ValueKind::from_edm(property.edm), is_float }
}

fn constant(literal: &Literal) -> Typed {
    let utc = || Some("UTC".into());
    let (value, kind) = match literal {
        Literal::Null => (ScalarValue::Null, ValueKind::Null),
        Literal::Bool(value) => (ScalarValue::Boolean(Some(*value)), ValueKind::Bool),
        Literal::Integer(value) => (ScalarValue::Int64(Some(*value)), ValueKind::Number),
        Literal::Decimal { unscaled, scale } => {
            (ScalarValue::Decimal128(Some(*unscaled), 38, *scale), ValueKind::Number)
        }
        Literal::Double(value) => (ScalarValue::Float64(Some(*value)), ValueKind::Number),
        Literal::Text(text) => (ScalarValue::Utf8(Some(text.clone())), ValueKind::Text),
        Literal::Date(day) => (ScalarValue::Date32(Some(epoch_days(*day))), ValueKind::Date),
        Literal::Time(at_us) => {
            (ScalarValue::TimestampMicrosecond(Some(*at_us), utc()), ValueKind::Time)
        }
    };
    let is_float = matches!(literal, Literal::Double(_));
    Typed { expr: lit(value), kind, is_float }
}

fn epoch_days(day: NaiveDate) -> i32 {
    day.to_epoch_days()
}

fn compared(by: Comparison, left: Typed, right: Typed, is_exact: bool) -> Result<Expr, Error> {
    if let Some(expr) = compared_to_null(by, &left, &right) {
        return Ok(expr);
    }
    check_comparable(left.kind, right.kind)?;
    let is_float = left.is_float || right.is_float;
    let (left, right) = (left.number_like(is_float), right.number_like(is_float));
    let is_time = left.kind == ValueKind::Time || right.kind == ValueKind::Time;
    let kind = if is_time { ValueKind::Time } else { left.kind };
    let operator = match by {
        // `=` can be compared with the statistics of the files; it differs for nulls only, which
        // matter below `not`.
        Comparison::Eq if is_exact => Operator::IsNotDistinctFrom,
        Comparison::Eq => Operator::Eq,
        Comparison::Ne => Operator::IsDistinctFrom,
        Comparison::Gt => Operator::Gt,
        Comparison::Ge => Operator::GtEq,
        Comparison::Lt => Operator::Lt,
        Comparison::Le => Operator::LtEq,
    };
    let is_ordered = !matches!(by, Comparison::Eq | Comparison::Ne);
    if is_ordered && matches!(kind, ValueKind::Bool | ValueKind::Binary) {
        return Err(mismatch(&format!("{} cannot be ordered", kind.name())));
    }
    let expr = binary(as_kind(left, kind), operator, as_kind(right, kind));
    Ok(if is_exact && is_ordered { is_true(expr) } else { expr })
}

/// A comparison of which one side is the literal null.
fn compared_to_null(by: Comparison, left: &Typed, right: &Typed) -> Option<Expr> {
    let other = match (left.kind, right.kind) {
        (ValueKind::Null, _) => right,
        (_, ValueKind::Null) => left,
        _ => return None,
    };
    Some(match by {
        Comparison::Eq => other.expr.clone().is_null(),
        Comparison::Ne => other.expr.clone().is_not_null(),
        Comparison::Gt | Comparison::Ge | Comparison::Lt | Comparison::Le => lit(false),
    })
}

fn computed(by: Arithmetic, left: Typed, right: Typed) -> Result<Typed, Error> {
    let (operator, word) = match by {
        Arithmetic::Add => (Operator::Plus, "add"),
        Arithmetic::Sub => (Operator::Minus, "sub"),
        Arithmetic::Mul => (Operator::Multiply, "mul"),
        Arithmetic::Div => (Operator::Divide, "div"),
        Arithmetic::Mod => (Operator::Modulo, "mod"),
    };
    let is_float = left.is_float || right.is_float;
    let left = expect(left.number_like(is_float), ValueKind::Number, word)?;
    let right = expect(right.number_like(is_float), ValueKind::Number, word)?;
    Ok(Typed { expr: binary(left, operator, right), kind: ValueKind::Number, is_float })
}

fn check_comparable(left: ValueKind, right: ValueKind) -> Result<(), Error> {
    let is_date_and_time = matches!(
        (left, right),
        (ValueKind::Date, ValueKind::Time) | (ValueKind::Time, ValueKind::Date)
    );
    if left == right || is_date_and_time || left == ValueKind::Null || right == ValueKind::Null {
        return Ok(());
    }
    Err(mismatch(&format!("{} cannot be compared with {}", left.name(), right.name())))
}

/// A date as the time at which it begins (UTC), if a time is needed.
fn as_kind(value: Typed, kind: ValueKind) -> Expr {
    let is_converted = value.kind == ValueKind::Date && kind == ValueKind::Time;
    if is_converted { cast(value.expr, utc_time()) } else { value.expr }
}

fn utc_time() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

fn expect(value: Typed, kind: ValueKind, by: &str) -> Result<Expr, Error> {
    if value.kind == kind || value.kind == ValueKind::Null {
        return Ok(value.expr);
    }
    let message = format!("{by} expects {}, found {}", kind.name(), value.kind.name());
    Err(mismatch(&message))
}

fn mismatch(message: &str) -> Error {
    Error::bad("bad_filter", format!("invalid $filter: {message}"))
}

fn is_true(expr: Expr) -> Expr {
    Expr::IsTrue(Box::new(expr))
}

fn binary(left: Expr, operator: Operator, right: Expr) -> Expr {
    Expr::BinaryExpr(BinaryExpr::new(Box::new(left), operator, Box::new(right)))
}

/// `parts` joined by `by` in a tree of the least height: a thousand alternatives in a row would be a
/// thousand levels.
fn balanced(mut parts: Vec<Expr>, by: Operator) -> Expr {
    while parts.len() > 1 {
        let mut pairs = Vec::with_capacity(parts.len().div_ceil(2));
        let mut rest = parts.into_iter();
        while let Some(left) = rest.next() {
            pairs.push(match rest.next() {
                Some(right) => binary(left, by, right),
                None => left,
            });
        }
        parts = pairs;
    }
    parts.pop().unwrap_or_else(|| lit(true))
}

#[cfg(test)]
#[path = "compile_tests.rs"]
mod tests;
