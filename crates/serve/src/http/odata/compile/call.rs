//! Functions of filters.

use super::{Typed, ValueKind, binary, mismatch};
use crate::http::error::Error;
use datafusion::arrow::datatypes::DataType;
use datafusion::functions::expr_fn::{
    btrim, ceil, character_length, contains, date_part, ends_with, floor, lower, round,
    starts_with, strpos, substr, substring, upper,
};
use datafusion::logical_expr::Operator;
use datafusion::prelude::{Expr, cast, lit};

use ValueKind::{Bool, Date, Number, Text, Time};

/// A function: its name, the kinds of its arguments and the kind of its result. A function that takes
/// different kinds has several rows.
type Signature = (&'static str, &'static [ValueKind], ValueKind);

const FUNCTIONS: &[Signature] = &[
    ("contains", &[Text, Text], Bool),
    ("startswith", &[Text, Text], Bool),
    ("endswith", &[Text, Text], Bool),
    ("tolower", &[Text], Text),
    ("toupper", &[Text], Text),
    ("trim", &[Text], Text),
    ("length", &[Text], Number),
    ("indexof", &[Text, Text], Number),
    ("concat", &[Text, Text], Text),
    ("substring", &[Text, Number], Text),
    ("substring", &[Text, Number, Number], Text),
    ("year", &[Date], Number),
    ("year", &[Time], Number),
    ("month", &[Date], Number),
    ("month", &[Time], Number),
    ("day", &[Date], Number),
    ("day", &[Time], Number),
    ("hour", &[Time], Number),
    ("minute", &[Time], Number),
    ("second", &[Time], Number),
    ("date", &[Time], Date),
    ("round", &[Number], Number),
    ("floor", &[Number], Number),
    ("ceiling", &[Number], Number),
];

/// The call of the function `name`.
pub fn compile(name: &str, arguments: Vec<Typed>) -> Result<Typed, Error> {
    let kinds: Vec<ValueKind> = arguments.iter().map(|it| it.kind).collect();
    let fits = |(known, expected, _): &&Signature| {
        *known == name
            && expected.len() == kinds.len()
            && expected
                .iter()
                .zip(&kinds)
                .all(|(expected, found)| expected == found || *found == ValueKind::Null)
    };
    let Some((_, _, kind)) = FUNCTIONS.iter().find(fits) else {
        return Err(unknown(name, &kinds));
    };
    let is_float = arguments.iter().any(|it| it.is_float);
    let expr = expression(name, arguments.into_iter().map(|it| it.expr).collect());
    let expr = expr.ok_or_else(|| unknown(name, &kinds))?;
    Ok(Typed { expr, kind: *kind, is_float })
}

fn expression(name: &str, arguments: Vec<Expr>) -> Option<Expr> {
    let mut rest = arguments.into_iter();
    let first = rest.next()?;
    Some(match (name, rest.next(), rest.next()) {
        ("contains", Some(part), None) => contains(first, part),
        ("startswith", Some(part), None) => starts_with(first, part),
        ("endswith", Some(part), None) => ends_with(first, part),
        ("indexof", Some(part), None) => minus_one(strpos(first, part)),
        ("concat", Some(part), None) => binary(first, Operator::StringConcat, part),
        ("substring", Some(from), None) => substr(first, plus_one(from)),
        ("substring", Some(from), Some(count)) => substring(first, plus_one(from), integer(count)),
        ("tolower", None, None) => lower(first),
        ("toupper", None, None) => upper(first),
        ("trim", None, None) => btrim(vec![first]),
        ("length", None, None) => cast(character_length(first), DataType::Int64),
        ("date", None, None) => cast(first, DataType::Date32),
        ("round", None, None) => round(vec![first]),
        ("floor", None, None) => floor(first),
        ("ceiling", None, None) => ceil(first),
        (part @ ("year" | "month" | "day" | "hour" | "minute" | "second"), None, None) => {
            date_part(lit(part), first)
        }
        _ => return None,
    })
}

/// Positions are counted from 0 in OData and from 1 in SQL.
fn plus_one(position: Expr) -> Expr {
    binary(integer(position), Operator::Plus, lit(1_i64))
}

fn minus_one(position: Expr) -> Expr {
    binary(integer(position), Operator::Minus, lit(1_i64))
}

fn integer(value: Expr) -> Expr {
    cast(value, DataType::Int64)
}

fn unknown(name: &str, kinds: &[ValueKind]) -> Error {
    let found = kinds.iter().map(|it| it.name()).collect::<Vec<_>>().join(", ");
    let mut names: Vec<&str> = FUNCTIONS.iter().map(|(name, ..)| *name).collect();
    names.dedup();
    if names.contains(&name) {
        return mismatch(&format!("the function {name} does not accept ({found})"));
    }
    mismatch(&format!("unknown function {name}: expected one of {}", names.join(", ")))
}
