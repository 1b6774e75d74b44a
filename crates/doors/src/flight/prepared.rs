//! Statements and the values of their parameters.

use super::answers::{Batches, rows, status, unwritable};
use super::binding::{Binding, described};
use super::handle::{Handle, Part};
use super::service::Flight;
use super::{placeholders, values};
use crate::columns::kinds;
use crate::parameters;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::sql::ActionCreatePreparedStatementResult;
use arrow_flight::sql::server::PeekableFlightDataStream;
use arrow_flight::{IpcMessage, SchemaAsIpc};
use bytes::Bytes;
use datafusion::dataframe::DataFrame;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use serve::http::{Error, SqlClient};
use std::sync::Arc;
use std::time::Duration;
use tonic::{Response, Status};

/// Bytes of a message around the handle within it.
const AROUND_BYTES: usize = 1_024;

/// Boxed, since the compiler examines the types of all futures within others again and again.
type Boxed<'a, T> = BoxFuture<'a, Result<T, Status>>;

/// A planned statement with its values.
struct Planned {
    frame: DataFrame,
    binding: Binding,
    /// The columns of the result, if values were bound.
    columns: Option<SchemaRef>,
}

/// The statement of a handle.
///
/// # Errors
/// The handle is not one of this version of the service.
pub fn statement(handle: Bytes) -> Result<Handle, Status> {
    Handle::read(handle).map_err(|invalid| Status::not_found(invalid.to_string()))
}

/// The refusal of a call that would change data.
pub fn read_only() -> Status {
    let message =
        "statements only read here: execute them as queries, with one row of values or more";
    status(Error::bad("read_only", message))
}

impl Flight {
    fn time(&self) -> Duration {
        Duration::from_secs(self.limits.doors.sql_statement_s)
    }

    /// The result of `work` within the time of a statement.
    async fn within<T>(&self, work: Boxed<'_, T>) -> Result<T, Status> {
        let done = tokio::time::timeout(self.time(), work).await;
        done.map_err(|_elapsed| status(Error::timeout(self.time())))?
    }

    /// The columns of a statement.
    ///
    /// # Errors
    /// The statement is invalid, or its parameters have no values, or wrong ones.
    pub fn columns<'a>(
        &'a self,
        client: &'a SqlClient,
        handle: &'a Handle,
    ) -> Boxed<'a, SchemaRef> {
        Box::pin(async move {
            let planned = self.within(self.plan(client, handle)).await?;
            Ok(planned
                .columns
                .unwrap_or_else(|| Arc::new(planned.frame.schema().as_arrow().clone())))
        })
    }

    /// Runs a statement, once for each row of its values.
    ///
    /// # Errors
    /// As [`Flight::columns`], or the statement cannot be executed.
    pub fn run<'a>(
        &'a self,
        client: &'a SqlClient,
        handle: &'a Handle,
    ) -> Boxed<'a, Response<Batches>> {
        Box::pin(async move {
            let mut running = client.start(&handle.sql, self.time()).await.map_err(status)?;
            let planned = running.within(self.plan(client, handle)).await.map_err(status)??;
            let Planned { frame, binding, columns } = planned;
            let frames = (0..binding.rows()).map(move |row| binding.frame(&frame, row));
            let ahead = self.limits.doors.sql_batches_ahead;
            let found = running.execute_each(Box::new(frames), ahead).await.map_err(status)?;
            Ok(rows(found, columns))
        })
    }

    /// Prepares a statement: its handle, its columns and its parameters.
    ///
    /// # Errors
    /// The statement is invalid.
    pub fn prepare<'a>(
        &'a self,
        client: &'a SqlClient,
        sql: String,
    ) -> Boxed<'a, ActionCreatePreparedStatementResult> {
        Box::pin(async move {
            let frame = self.within(plan_text(client, &sql)).await?;
            let types = parameters::needed(frame.logical_plan()).map_err(status)?;
            let parameter_schema = match types.is_empty() {
                true => Bytes::new(),
                false => encoded(&described(&types))?,
            };
            Ok(ActionCreatePreparedStatementResult {
                prepared_statement_handle: Handle::new(sql).write(),
                dataset_schema: encoded(frame.schema().as_arrow())?,
                parameter_schema,
            })
        })
    }

    /// Binds the values that a client sends to a statement, in place of those that it had.
    ///
    /// # Errors
    /// The values are invalid, do not belong to the parameters, or are too large.
    pub fn bind<'a>(
        &'a self,
        client: &'a SqlClient,
        handle: Handle,
        sent: PeekableFlightDataStream,
    ) -> Boxed<'a, Handle> {
        Box::pin(async move {
            self.within(Box::pin(async move {
                let bound = self.receive(handle, sent).await?;
                self.plan(client, &bound).await?;
                Ok(bound)
            }))
            .await
        })
    }

    /// The statement with the values of a stream. The handle has to fit into a message of a client, which
    /// sends it with each of the calls that follow.
    async fn receive(
        &self,
        handle: Handle,
        mut sent: PeekableFlightDataStream,
    ) -> Result<Handle, Status> {
        let bytes_max = self.limits.doors.sql_message_bytes.saturating_sub(AROUND_BYTES);
        let mut bound = Handle::new(handle.sql);
        let mut bytes = bound.bytes();
        while let Some(data) = sent.next().await {
            let data = data?;
            if data.data_header.is_empty() {
                continue;
            }
            let part = Part { header: data.data_header, body: data.data_body };
            bytes += part.bytes();
            if bytes > bytes_max {
                let message = format!(
                    "the statement and its values have more than {bytes_max} bytes: bind fewer, or raise \
                     sql_message_bytes"
                );
                return Err(status(Error::bad("too_big", message)));
            }
            bound.values.push(part);
        }
        match bound.values.is_empty() {
            true => Err(refused("no values were sent".to_owned())),
            false => Ok(bound),
        }
    }

    /// Plans a statement, and binds its values.
    fn plan<'a>(&'a self, client: &'a SqlClient, handle: &'a Handle) -> Boxed<'a, Planned> {
        Box::pin(async move {
            let frame = plan_text(client, &handle.sql).await?;
            let types = parameters::inferred(frame.logical_plan()).map_err(status)?;
            let rows_max = self.limits.doors.sql_parameter_rows;
            let values = match handle.values.is_empty() {
                true => None,
                false => Some(values::read(&handle.values, rows_max).map_err(refused)?),
            };
            let binding = Binding::new(&types, values.as_ref()).map_err(status)?;
            let columns = match values {
                None => None,
                Some(_) => Some(columns(&binding.frame(&frame, 0).map_err(status)?)),
            };
            Ok(Planned { frame, binding, columns })
        })
    }
}

fn refused(why: values::Refused) -> Status {
    status(Error::bad("bad_parameters", why))
}

fn plan_text<'a>(client: &'a SqlClient, sql: &'a str) -> Boxed<'a, DataFrame> {
    Box::pin(async move {
        let sql = placeholders::numbered(sql).map_err(status)?;
        let session = client.session().await.map_err(status)?;
        client.plan_text(&session, &sql).await.map_err(status)
    })
}

/// The columns of a statement with values. Each may have nulls, since each row of values may give some.
fn columns(frame: &DataFrame) -> SchemaRef {
    let planned = frame.schema().as_arrow().fields();
    let column = |(field, kind): (&Arc<Field>, _)| {
        Field::new(field.name(), kind, true).with_metadata(field.metadata().clone())
    };
    Arc::new(Schema::new(planned.iter().zip(kinds(frame)).map(column).collect::<Vec<_>>()))
}

fn encoded(schema: &Schema) -> Result<Bytes, Status> {
    let options = IpcWriteOptions::default();
    let encoded: Result<IpcMessage, _> = SchemaAsIpc::new(schema, &options).try_into();
    encoded.map(|it| it.0).map_err(unwritable)
}
