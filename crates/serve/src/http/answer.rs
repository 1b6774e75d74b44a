//! Streams a data frame as the body of a response while it is computed.
//!
//! The first batch is encoded before the response begins, so that most errors have a status code. A later
//! error aborts the body: the client detects an incomplete transfer, and never receives a truncated file
//! that appears complete.

use super::compute::Compute;
use super::concurrency::{Deadline, Permit};
use super::encode::{Encoder, SheetOptions};
use super::error::Error;
use super::format::Format;
use super::receipt::Receipt;
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::dataframe::DataFrame;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use serde_json::json;
use std::collections::BTreeSet;
use std::io;

/// The rows to deliver, and their limits.
pub struct Answer {
    pub rows: DataFrame,
    pub compute: Compute,
    pub format: Format,
    /// Name of the file, without its extension.
    pub name: String,
    pub frame: Frame,
    /// Rows after which `over` applies.
    pub rows_max: u64,
    pub over: Over,
    pub deadline: Deadline,
    pub permit: Permit,
    pub receipt: Receipt,
    /// What a workbook contains beside the rows.
    pub sheet: SheetOptions,
}

/// The handling of rows beyond the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// They are left out, and the response reports it.
    LeftOut,
    /// The response is aborted.
    Abort,
}

/// The JSON around the rows.
pub enum Frame {
    Page(Box<Page>),
    Query,
}

/// A page of a table.
pub struct Page {
    /// The table, filtered, to count its rows if the page is not the last one.
    pub filtered: DataFrame,
    pub limit: u64,
    pub offset: u64,
    pub version: Option<u64>,
    pub as_of: Option<DateTime<Utc>>,
}

impl Answer {
    /// Starts the work and returns the response that delivers it, with `headers` added.
    pub async fn respond(self, headers: HeaderMap) -> Result<Response, Error> {
        let (format, name) = (self.format, self.name.clone());
        let delivery = Box::pin(Delivery::open(self)).await?;
        let body = match format {
            // A workbook has no bytes before its end, so its errors have a status code.
            Format::Xlsx => Body::from(Box::pin(delivery.whole()).await?),
            _ => Body::from_stream(chunks(delivery)),
        };
        let mut response = Response::new(body);
        let own = response.headers_mut();
        own.extend(headers);
        own.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
        own.insert(header::VARY, HeaderValue::from_static("accept"));
        let disposition = format.disposition(&name).map(HeaderValue::try_from);
        if let Some(Ok(disposition)) = disposition {
            own.insert(header::CONTENT_DISPOSITION, disposition);
        }
        Ok(response)
    }
}

struct Delivery {
    compute: Compute,
    stream: SendableRecordBatchStream,
    first: Option<Bytes>,
    encoder: Encoder,
    format: Format,
    frame: Frame,
    rows_max: u64,
    over: Over,
    deadline: Deadline,
    /// Held until the answer is delivered or dropped.
    _permit: Permit,
    receipt: Receipt,
    left_out: bool,
}

impl Delivery {
    async fn open(answer: Answer) -> Result<Self, Error> {
        let Answer {
            rows,
            compute,
            format,
            frame,
            rows_max,
            over,
            mut deadline,
            permit,
            receipt,
            sheet,
            ..
        } = answer;
        let stream = deadline.within(compute.stream(rows)).await??;
        check_names(&stream.schema())?;
        let encoder = Encoder::with_sheet(format, &stream.schema(), &sheet).map_err(unwritable)?;
        let encoder = encoder.with_escaped_formulas();
        let mut delivery = Self {
            compute,
            stream,
            first: None,
            encoder,
            format,
            frame,
            rows_max,
            over,
            deadline,
            _permit: permit,
            receipt,
            left_out: false,
        };
        delivery.first = delivery.rows().await?;
        Ok(delivery)
    }

    /// The next bytes of rows, `None` after the last row.
    async fn rows(&mut self) -> Result<Option<Bytes>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.left_out {
            return Ok(None);
        }
        let batch = self.deadline.within(self.stream.next()).await?.transpose()?;
        let Some(batch) = batch else { return Ok(None) };
        let batch = self.bounded(batch)?;
        self.receipt.rows += batch.num_rows() as u64;
        self.encoder.rows(&batch).map(Some).map_err(unwritable)
    }

    /// `batch`, truncated to the limit.
    fn bounded(&mut self, batch: RecordBatch) -> Result<RecordBatch, Error> {
        let left = self.rows_max - self.receipt.rows;
        if batch.num_rows() as u64 <= left {
            return Ok(batch);
        }
        if self.over == Over::Abort {
            let message = format!("more than {} rows; filter, or request pages", self.rows_max);
            return Err(Error::bad("too_many_rows", message));
        }
        self.left_out = true;
        Ok(batch.slice(0, usize::try_from(left).unwrap_or(usize::MAX)))
    }

    /// All bytes. The last step packs the file, so it runs on a thread for blocking work.
    async fn whole(mut self) -> Result<Bytes, Error> {
        while self.rows().await?.is_some() {}
        self.receipt.close()?;
        let Self { encoder, mut deadline, .. } = self;
        let packing = tokio::task::spawn_blocking(move || encoder.end());
        let packed = deadline.within(packing).await?;
        packed.map_err(|error| Error::internal(error.into()))?.map_err(unwritable)
    }

    fn head(&self) -> Bytes {
        if self.format != Format::Json {
            return Bytes::new();
        }
        match &self.frame {
            Frame::Page(_) => Bytes::from_static(b"{\"rows\":["),
            Frame::Query => {
                format!("{{\"columns\":{},\"rows\":[", columns(&self.stream.schema())).into()
            }
        }
    }

    async fn tail(mut self) -> Result<Bytes, Error> {
        self.receipt.close()?;
        if self.format != Format::Json {
            return self.encoder.end().map_err(unwritable);
        }
        let tail = match &self.frame {
            Frame::Page(page) => {
                let total =
                    total(page, self.receipt.rows, &self.compute, &mut self.deadline).await?;
                let as_of = page.as_of.map(|at| at.to_rfc3339_opts(SecondsFormat::AutoSi, true));
                format!(
                    "],\"total\":{total},\"limit\":{},\"offset\":{},\"version\":{},\"as_of\":{}}}",
                    page.limit,
                    page.offset,
                    json!(page.version),
                    json!(as_of)
                )
            }
            Frame::Query => {
                format!("],\"row_count\":{},\"truncated\":{}}}", self.receipt.rows, self.left_out)
            }
        };
        Ok(tail.into())
    }
}

/// Rows of the whole table: computed from the page if it is the last one, else counted.
async fn total(
    page: &Page,
    sent: u64,
    compute: &Compute,
    deadline: &mut Deadline,
) -> Result<u64, Error> {
    if sent < page.limit && (sent > 0 || page.offset == 0) {
        return Ok(page.offset + sent);
    }
    let count = deadline.within(compute.count(page.filtered.clone())).await??;
    Ok(count as u64)
}

/// The progress of a delivery.
enum Step {
    Head(Box<Delivery>),
    Rows(Box<Delivery>),
    End,
}

fn chunks(delivery: Delivery) -> impl futures::Stream<Item = Result<Bytes, io::Error>> + Send {
    futures::stream::try_unfold(Step::Head(Box::new(delivery)), |step| async {
        match next(step).await {
            Ok(None) => Ok(None),
            Ok(Some(next)) => Ok(Some(next)),
            Err(error) => {
                error.log();
                Err(io::Error::other(error.public))
            }
        }
    })
}

async fn next(step: Step) -> Result<Option<(Bytes, Step)>, Error> {
    match step {
        Step::Head(delivery) => Ok(Some((delivery.head(), Step::Rows(delivery)))),
        Step::Rows(mut delivery) => match delivery.rows().await? {
            Some(bytes) => Ok(Some((bytes, Step::Rows(delivery)))),
            None => Ok(Some((delivery.tail().await?, Step::End))),
        },
        Step::End => Ok(None),
    }
}

fn columns(schema: &Schema) -> serde_json::Value {
    let column = |field: &arrow::datatypes::FieldRef| json!({ "name": field.name(), "type": crate::type_name(field.data_type()) });
    schema.fields().iter().map(column).collect()
}

/// Refuses duplicate column names: JSON would lose one of them, and Parquet refuses them.
fn check_names(schema: &Schema) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    for field in schema.fields() {
        if !seen.insert(field.name()) {
            let message =
                format!("two columns are named {}; name one of them with AS", field.name());
            return Err(Error::bad("ambiguous_columns", message));
        }
    }
    Ok(())
}

/// A value that the format does not support.
fn unwritable(error: arrow::error::ArrowError) -> Error {
    Error::bad("unwritable", format!("the result cannot be written in this format: {error}"))
}
