//! Parsed and planned statements.

use super::command::Command;
use super::dialect::without_mark;
use super::errors::{error, from_read_path};
use super::parameters::Parameters;
use crate::columns::kinds;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use datafusion::dataframe::DataFrame;
use datafusion::sql::sqlparser::ast::Statement as Ast;
use pgwire::error::PgWireResult;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long a plan is used after it was made. Later, tables may have new versions, and the client other
/// permissions.
const PLAN_LIFE: Duration = Duration::from_secs(1);

/// A statement that was prepared.
#[derive(Debug)]
pub struct Prepared {
    pub sql: Arc<str>,
    pub kind: Kind,
    pub parameters: Parameters,
}

/// What a statement does.
#[derive(Debug)]
pub enum Kind {
    Empty,
    Command(Command),
    Query(Box<Query>),
}

/// A statement that returns rows.
#[derive(Debug)]
pub struct Query {
    pub ast: Ast,
    pub schema: SchemaRef,
    plan: Mutex<Option<Plan>>,
}

/// A plan for a client with certain permissions.
#[derive(Debug)]
pub struct Plan {
    pub frame: DataFrame,
    pub made_at: Instant,
    /// Differs between the rows that clients can see.
    pub visible: String,
}

impl Query {
    /// A query with the plan that was just made.
    pub fn new(ast: Ast, plan: Plan) -> Self {
        let schema = Arc::new(columns(&plan.frame));
        Self { ast, schema, plan: Mutex::new(Some(plan)) }
    }

    /// The plan, if it is new and for the same permissions. It is used once.
    pub fn take_plan(&self, visible: &str) -> Option<DataFrame> {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let is_current = plan.made_at.elapsed() < PLAN_LIFE && plan.visible == visible;
        is_current.then_some(plan.frame)
    }

    /// Fails if a later plan has other columns than the one that was described to the client.
    ///
    /// # Errors
    /// The columns differ.
    pub fn check(&self, frame: &DataFrame) -> PgWireResult<()> {
        let now = columns(frame);
        let same = |(one, other): (&FieldRef, &FieldRef)| {
            one.name() == other.name() && one.data_type() == other.data_type()
        };
        let is_same = now.fields().len() == self.schema.fields().len()
            && now.fields().iter().zip(self.schema.fields()).all(same);
        let message = "cached plan must not change result type: prepare the statement again";
        is_same.then_some(()).ok_or_else(|| error("0A000", message))
    }
}

/// The columns of a result.
fn columns(frame: &DataFrame) -> Schema {
    let column = |(planned, kind): (&FieldRef, DataType)| {
        // A column of nulls is one of texts in PostgreSQL.
        let kind = if kind == DataType::Null { DataType::Utf8 } else { kind };
        let name = without_mark(planned.name());
        Field::new(name, kind, true).with_metadata(planned.metadata().clone())
    };
    let planned = frame.schema().as_arrow().fields();
    Schema::new(planned.iter().zip(kinds(frame)).map(column).collect::<Vec<_>>())
}

/// The single statement of an error-prone text.
pub fn only(mut parsed: Vec<Ast>, sql: &str) -> PgWireResult<Ast> {
    match (parsed.pop(), parsed.len()) {
        (Some(ast), 0) => Ok(ast),
        _ => {
            let failed = serve::http::Error::bad("several_statements", "expected one statement");
            Err(from_read_path(failed, sql))
        }
    }
}
