//! Values of the parameters of a statement (`$1`).

use super::errors::{from_datafusion, violation};
use super::message::Bind;
use arrow::datatypes::DataType;
use datafusion::common::ParamValues;
use datafusion::common::tree_node::{TreeNode as _, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion_postgres::arrow_pg::datatypes::df::deserialize_parameters_with_server_types;
use datafusion_postgres::arrow_pg::datatypes::{
    PG_OID_ALIAS_KEY, into_pg_type, pg_type_for_alias_kind,
};
use pgwire::api::Type;
use pgwire::api::portal::{Format, Portal};
use pgwire::api::stmt::StoredStatement;
use pgwire::error::PgWireResult;
use pgwire::messages::extendedquery::Bind as LibraryBind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The parameters of a statement in the order of their numbers.
#[derive(Debug, Clone, Default)]
pub struct Parameters {
    /// The type that the statement needs, if it is known.
    needed: Vec<Option<DataType>>,
    /// The type that the client sends.
    sent: Vec<Type>,
}

impl Parameters {
    /// The parameters of a plan. `declared` are types that the client declares, 0 for none.
    ///
    /// # Errors
    /// A type has no counterpart, or a number is missing.
    pub fn new(plan: &LogicalPlan, declared: &[u32], sql: &str) -> PgWireResult<Self> {
        let found = plan.get_parameter_types().map_err(|error| from_datafusion(error, sql))?;
        let mut needed = BTreeMap::new();
        for (name, kind) in found {
            needed.insert(number(&name)?, kind);
        }
        complete_from_casts(plan, &mut needed);
        let aliases = aliases(plan);
        let count = needed.keys().next_back().map_or(0, |last| last + 1).max(declared.len());
        let mut parameters = Self::default();
        for index in 0..count {
            let kind = needed.remove(&index).flatten();
            let declared = declared.get(index).filter(|it| **it != 0);
            let sent = match (declared.and_then(|oid| Type::from_oid(*oid)), &kind) {
                (Some(Type::UNKNOWN), _) | (None, None) => Type::TEXT,
                (Some(declared), _) => declared,
                (None, Some(kind)) => match aliases.get(&index) {
                    Some(alias) => alias.clone(),
                    None => into_pg_type(kind)?,
                },
            };
            parameters.needed.push(kind);
            parameters.sent.push(sent);
        }
        Ok(parameters)
    }

    /// The types that the client sends.
    pub fn types(&self) -> &[Type] {
        &self.sent
    }

    /// The values of a message.
    ///
    /// # Errors
    /// The number of values or formats is wrong, or a value is invalid.
    pub fn values(&self, bind: &Bind) -> PgWireResult<Option<ParamValues>> {
        let (given, expected) = (bind.values.len(), self.sent.len());
        if given != expected {
            return Err(violation(format!(
                "bind message supplies {given} parameters, but prepared statement requires {expected}"
            )));
        }
        if given == 0 {
            return Ok(None);
        }
        let types = self.sent.iter().cloned().map(Some).collect();
        let statement = Arc::new(StoredStatement::new(String::new(), (), types));
        let values = bind.values.clone();
        let message = LibraryBind::new(None, None, bind.formats.clone(), values, Vec::new());
        let portal = Portal::try_new(&message, statement)?;
        if let Format::Individual(codes) = &portal.parameter_format
            && codes.len() != given
        {
            let codes = codes.len();
            return Err(violation(format!(
                "bind message has {codes} parameter formats but {given} parameters"
            )));
        }
        let needed: Vec<Option<&DataType>> = self.needed.iter().map(Option::as_ref).collect();
        let sent: Vec<Option<&Type>> = self.sent.iter().map(Some).collect();
        deserialize_parameters_with_server_types(&portal, &needed, &sent).map(Some)
    }
}

/// The position of a parameter, from 0.
fn number(name: &str) -> PgWireResult<usize> {
    let number = name.strip_prefix('$').and_then(|it| it.parse::<usize>().ok());
    match number.and_then(|it| it.checked_sub(1)) {
        Some(index) if index < usize::from(u16::MAX) => Ok(index),
        _ => Err(super::errors::error("42P02", format!("there is no parameter {name}"))),
    }
}

/// The types of parameters whose only use is a cast.
fn complete_from_casts(plan: &LogicalPlan, needed: &mut BTreeMap<usize, Option<DataType>>) {
    visit(plan, |expr| {
        let Expr::Cast(cast) = expr else { return };
        let Expr::Placeholder(placeholder) = cast.expr.as_ref() else { return };
        let Ok(index) = number(&placeholder.id) else { return };
        let kind = needed.entry(index).or_default();
        *kind = kind.take().or_else(|| Some(cast.field.data_type().clone()));
    });
}

/// The parameters that are compared with columns of object identifiers.
fn aliases(plan: &LogicalPlan) -> BTreeMap<usize, Type> {
    let mut found = BTreeMap::new();
    visit(plan, |expr| {
        let Expr::Placeholder(placeholder) = expr else { return };
        let (Ok(index), Some(field)) = (number(&placeholder.id), &placeholder.field) else {
            return;
        };
        let alias = field.metadata().get(PG_OID_ALIAS_KEY);
        if let Some(kind) = alias.and_then(|it| pg_type_for_alias_kind(it))
            && field.data_type() == &DataType::Int32
        {
            found.insert(index, kind);
        }
    });
    found
}

/// Calls `look` for every expression of a plan.
fn visit(plan: &LogicalPlan, mut look: impl FnMut(&Expr)) {
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
