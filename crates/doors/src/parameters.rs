//! The parameters of a plan (`$1`), to which both protocols bind values.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use serve::http::Error;
use std::collections::BTreeMap;

/// The types of parameters by position, from 0; `None` where the statement does not determine the type.
pub type ParameterTypes = BTreeMap<usize, Option<DataType>>;

/// The parameters of a plan, with the types that the engine infers from their uses.
///
/// # Errors
/// Two uses of a parameter need different types, or a parameter has no number.
pub fn inferred(plan: &LogicalPlan) -> Result<ParameterTypes, Error> {
    let found = plan.get_parameter_types()?;
    found.into_iter().map(|(name, kind)| Ok((position(&name)?, kind))).collect()
}

/// The parameters of a plan, also with the types of casts, which are known for parameters that have no other use, and
/// with lists in which values are searched.
///
/// # Errors
/// As [`inferred`].
pub fn needed(plan: &LogicalPlan) -> Result<ParameterTypes, Error> {
    let mut types = inferred(plan)?;
    visit(plan, |expr| {
        let Expr::Cast(cast) = expr else { return };
        let Expr::Placeholder(placeholder) = cast.expr.as_ref() else { return };
        let Ok(index) = position(&placeholder.id) else { return };
        let kind = types.entry(index).or_default();
        *kind = kind.take().or_else(|| Some(cast.field.data_type().clone()));
    });
    visit(plan, |expr| {
        if let Some(index) = searched(expr) {
            let element = types.remove(&index).flatten().unwrap_or(DataType::Utf8);
            types.insert(index, Some(list_of(element)));
        }
    });
    Ok(types)
}

/// The parameter in which a value is searched, as in `a = ANY($1)`. The engine infers the type of an element for it.
fn searched(expr: &Expr) -> Option<usize> {
    let Expr::ScalarFunction(call) = expr else { return None };
    match call.args.as_slice() {
        [Expr::Placeholder(list), _] if call.func.name() == "array_has" => position(&list.id).ok(),
        _ => None,
    }
}

fn list_of(element: DataType) -> DataType {
    match element {
        DataType::List(_) => element,
        DataType::Utf8View => DataType::new_list(DataType::Utf8, true),
        _ => DataType::new_list(element, true),
    }
}

/// The position of a parameter, from 0.
///
/// # Errors
/// The name is not `$` and a number from 1 to 65,535.
pub fn position(name: &str) -> Result<usize, Error> {
    let number = name.strip_prefix('$').and_then(|it| it.parse::<usize>().ok());
    match number.and_then(|it| it.checked_sub(1)) {
        Some(index) if index < usize::from(u16::MAX) => Ok(index),
        _ => Err(Error::bad("unknown_parameter", format!("there is no parameter {name}"))),
    }
}

/// Calls `look` for every expression of a plan.
pub fn visit(plan: &LogicalPlan, mut look: impl FnMut(&Expr)) {
    let visited = plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expr| {
            expr.apply(|part| {
                look(part);
                Ok(TreeNodeRecursion::Continue)
            })
        })
    });
    if let Err(error) = visited {
        tracing::debug!(%error, "plan_not_visited");
    }
}
