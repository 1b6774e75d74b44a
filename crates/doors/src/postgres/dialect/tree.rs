//! Parts of statements.

use datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments,
    GroupByExpr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Value, Visit, Visitor,
};
use std::ops::ControlFlow;

/// Aggregates that statements on the catalogue use.
const AGGREGATES: [&str; 12] = [
    "any_value",
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "count",
    "first_value",
    "json_agg",
    "max",
    "min",
    "string_agg",
    "sum",
];

/// A call of a function.
pub fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::Function(function(name, arguments))
}

/// A call of a function, to be completed.
pub fn function(name: &str, arguments: Vec<Expr>) -> Function {
    let args = arguments.into_iter().map(|it| FunctionArg::Unnamed(FunctionArgExpr::Expr(it)));
    let list =
        FunctionArgumentList { duplicate_treatment: None, args: args.collect(), clauses: vec![] };
    Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(list),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: vec![],
    }
}

/// A literal.
pub fn literal(value: Value) -> Expr {
    Expr::Value(value.with_empty_span())
}

/// A whole number.
pub fn number(value: i64) -> Expr {
    literal(Value::Number(value.to_string(), false))
}

/// A text.
pub fn text(value: &str) -> Expr {
    literal(Value::SingleQuotedString(value.to_owned()))
}

/// The text of a literal text.
pub fn as_text(expr: &Expr) -> Option<&str> {
    let Expr::Value(value) = expr else { return None };
    match &value.value {
        Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => Some(text),
        _ => None,
    }
}

/// The name of a column without its table.
pub fn column(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Identifier(name) => Some(name),
        Expr::CompoundIdentifier(names) => names.last(),
        Expr::Nested(inner) => column(inner),
        _ => None,
    }
}

/// The last part of a name in lower case.
pub fn last(name: &ObjectName) -> String {
    name.0.last().and_then(|it| it.as_ident()).map(|it| it.value.to_lowercase()).unwrap_or_default()
}

/// The name of a called function in lower case.
pub fn function_name(expr: &Expr) -> Option<String> {
    if let Expr::Function(function) = expr { Some(last(&function.name)) } else { None }
}

/// The arguments of a function, if they are plain expressions.
pub fn arguments(function: &Function) -> Vec<Expr> {
    let FunctionArguments::List(list) = &function.args else { return Vec::new() };
    let plain = |it: &FunctionArg| match it {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
        _ => None,
    };
    list.args.iter().filter_map(plain).collect()
}

/// The expression of an item; `None` for a wildcard.
pub fn expression(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// The only `SELECT` of a query.
pub fn select(query: &Query) -> Option<&Select> {
    if let SetExpr::Select(select) = query.body.as_ref() { Some(select) } else { None }
}

/// Whether a `SELECT` has neither groups nor other clauses that an aggregate would change.
pub fn is_plain(select: &Select) -> bool {
    let has_groups = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    !has_groups && select.distinct.is_none() && select.having.is_none()
}

/// Whether an expression contains an aggregate.
pub fn has_aggregate(expr: &Expr) -> bool {
    calls(expr, &|name| AGGREGATES.contains(&name))
}

/// Whether an expression calls a function of which `is_one` is true, other than in a subquery.
pub fn calls(expr: &Expr, is_one: &dyn Fn(&str) -> bool) -> bool {
    let mut look = Calls { is_one, queries: 0 };
    Visit::visit(expr, &mut look).is_break()
}

struct Calls<'a> {
    is_one: &'a dyn Fn(&str) -> bool,
    /// The queries around the visited expression.
    queries: usize,
}

impl Visitor for Calls<'_> {
    type Break = ();

    fn pre_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _query: &Query) -> ControlFlow<()> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match function_name(expr) {
            Some(name) if self.queries == 0 && (self.is_one)(&name) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}
