//! Values of the parameters of a statement (`$1`).

use super::errors::{from_read_path, violation};
use super::message::Bind;
use crate::parameters::{needed, position, visit};
use arrow::datatypes::DataType;
use datafusion::common::ParamValues;
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
        let mut needed = needed(plan).map_err(|failed| from_read_path(failed, sql))?;
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
            parameters.needed.push(kind.filter(|kind| !is_wider(&sent, kind)));
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

/// Whether a number of the type that is sent may have no value in the integer type that is needed. The statement is
/// then planned with the type that is sent, as PostgreSQL does.
fn is_wider(sent: &Type, needed: &DataType) -> bool {
    match *sent {
        Type::FLOAT4 | Type::FLOAT8 | Type::NUMERIC => needed.is_integer(),
        Type::INT8 => needed.is_integer() && *needed != DataType::Int64,
        Type::INT4 => matches!(needed, DataType::Int8 | DataType::Int16),
        _ => false,
    }
}

/// The parameters that are compared with columns of object identifiers.
fn aliases(plan: &LogicalPlan) -> BTreeMap<usize, Type> {
    let mut found = BTreeMap::new();
    visit(plan, |expr| {
        let Expr::Placeholder(placeholder) = expr else { return };
        let (Ok(index), Some(field)) = (position(&placeholder.id), &placeholder.field) else {
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
