//! Answers: errors, tickets and streams of batches.

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::cast;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::sql::{Any, ProstMessageExt};
use arrow_flight::{FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, Ticket};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt as _};
use serve::http::{Error, Rows};
use std::pin::Pin;
use tonic::{Response, Status};

/// Batches on their way to a client.
pub type Batches = Pin<Box<dyn Stream<Item = Result<FlightData, Status>> + Send>>;

/// The next batch of a statement, with the rows that follow it.
type Next = BoxFuture<'static, Result<Option<(RecordBatch, Rows)>, FlightError>>;

/// An error of the read path, which is logged here.
pub fn status(failed: Error) -> Status {
    failed.log();
    let message = failed.public;
    match failed.status.as_u16() {
        401 => Status::unauthenticated(message),
        403 => Status::permission_denied(message),
        404 => Status::not_found(message),
        429 => Status::resource_exhausted(message),
        504 => Status::deadline_exceeded(message),
        503 => Status::unavailable(message),
        500 => Status::internal(message),
        _ => Status::invalid_argument(message),
    }
}

/// A value that Arrow cannot represent.
pub fn unwritable(failed: ArrowError) -> Status {
    status(Error::bad("unwritable", format!("the result cannot be written: {failed}")))
}

/// The place of the rows of a command: this service, for a ticket that contains the command.
pub fn info(
    command: &impl ProstMessageExt,
    schema: &Schema,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let ticket = Ticket { ticket: packed(&command.as_any()).into() };
    let endpoint = FlightEndpoint::new().with_ticket(ticket);
    let info = FlightInfo::new().try_with_schema(schema).map_err(unwritable)?;
    Ok(Response::new(info.with_endpoint(endpoint).with_descriptor(descriptor)))
}

/// A command as a protocol buffer: fields 1 and 2, each with its length.
fn packed(command: &Any) -> Vec<u8> {
    const LENGTH_DELIMITED: u8 = 2;
    let fields = [(1, command.type_url.as_bytes()), (2, &command.value[..])];
    let mut bytes = Vec::with_capacity(command.type_url.len() + command.value.len() + 12);
    for (number, value) in fields {
        bytes.push((number << 3) | LENGTH_DELIMITED);
        let mut rest = value.len();
        while rest >= 0x80 {
            bytes.push(u8::try_from(rest & 0x7f).unwrap_or_default() | 0x80);
            rest >>= 7;
        }
        bytes.push(u8::try_from(rest).unwrap_or_default());
        bytes.extend_from_slice(value);
    }
    bytes
}

/// The rows of a statement, in the columns that were announced, if there are any.
pub fn rows(rows: Rows, announced: Option<SchemaRef>) -> Response<Batches> {
    let schema = announced.unwrap_or_else(|| SchemaRef::clone(rows.schema()));
    let columns = SchemaRef::clone(&schema);
    let batches = stream::try_unfold(rows, move |mut rows| -> Next {
        let columns = SchemaRef::clone(&columns);
        Box::pin(async move {
            let next = rows.next_batch().await;
            let next = next.map_err(|failed| FlightError::Tonic(Box::new(status(failed))))?;
            let next = next.map(|batch| in_columns(&batch, columns)).transpose()?;
            Ok(next.map(|batch| (batch, rows)))
        })
    });
    encoded(schema, batches.boxed())
}

/// A batch in the columns of a schema, which may allow nulls where the batch has none.
fn in_columns(batch: &RecordBatch, schema: SchemaRef) -> Result<RecordBatch, ArrowError> {
    if batch.schema_ref() == &schema {
        return Ok(batch.clone());
    }
    let columns = batch.columns().iter().zip(schema.fields());
    let columns = columns.map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<_, _>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema, columns, &options)
}

/// One batch.
pub fn batch(batch: RecordBatch) -> Response<Batches> {
    encoded(batch.schema(), stream::iter([Ok(batch)]).boxed())
}

fn encoded(
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, FlightError>>,
) -> Response<Batches> {
    let encoder = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
    Response::new(Box::pin(encoder.map(|item| item.map_err(Status::from))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int32Array, Int64Array};
    use arrow::datatypes::{DataType, Field};
    use std::sync::Arc;

    #[test]
    fn rows_are_sent_in_the_announced_columns() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let batch = RecordBatch::try_from_iter([("a", numbers)]).unwrap();
        let schema = Arc::new(Schema::new(vec![Field::new("b", DataType::Int64, true)]));
        let sent = in_columns(&batch, Arc::clone(&schema)).unwrap();
        assert_eq!(sent.schema(), schema);
        assert_eq!(
            sent.column(0).as_ref(),
            &Int64Array::from(vec![1, 2]) as &dyn arrow::array::Array
        );
    }

    #[test]
    fn a_ticket_is_a_protocol_buffer() {
        let command = Any { type_url: "a/b".into(), value: vec![7; 300].into() };
        let bytes = packed(&command);
        assert_eq!(bytes[..5], [0x0a, 3, b'a', b'/', b'b']);
        assert_eq!(bytes[5..9], [0x12, 0xac, 0x02, 7]);
        assert_eq!(bytes.len(), 5 + 3 + 300);
    }
}
