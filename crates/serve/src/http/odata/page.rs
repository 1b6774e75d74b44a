//! Streams a page of an entity set as the body of a response while it is computed.
//!
//! The first rows are computed before the response begins, so that most errors have a status. A later
//! error aborts the body.

use super::plan::Plan;
use super::rows::{RowWriter, Style};
use super::run::Run;
use crate::http::compute::Compute;
use crate::http::concurrency::{Deadline, Permit};
use crate::http::error::Error;
use crate::http::receipt::Receipt;
use arrow::array::RecordBatch;
use axum::body::Body;
use bytes::Bytes;
use datafusion::execution::SendableRecordBatchStream;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt as _;
use std::io::{self, Write as _};

/// What a page is delivered with.
pub struct Delivery {
    pub compute: Compute,
    pub deadline: Deadline,
    /// Held until the page is delivered or dropped.
    pub permit: Permit,
    pub receipt: Receipt,
    pub is_gzip: bool,
    pub style: Style,
}

/// The text around the rows.
pub struct Around {
    /// Up to the first row.
    pub head: String,
    /// The address of the next page for its position.
    pub next: Box<dyn Fn(&super::position::FeedPosition) -> String + Send>,
}

/// A page that is being delivered.
struct Page {
    head: Vec<u8>,
    next: Box<dyn Fn(&super::position::FeedPosition) -> String + Send>,
    stream: SendableRecordBatchStream,
    first: Option<RecordBatch>,
    writer: RowWriter,
    run: Run,
    /// Rows that the page still takes.
    room: u64,
    page_rows: u64,
    top: Option<u64>,
    has_more: bool,
    deadline: Deadline,
    _permit: Permit,
    receipt: Receipt,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

/// Starts the work on a page and returns the body that delivers it.
pub async fn open(plan: Plan, frame: Around, delivery: Delivery) -> Result<Body, Error> {
    let Delivery { compute, mut deadline, permit, receipt, is_gzip, style } = delivery;
    let stream = deadline.within(compute.stream(plan.rows)).await??;
    let mut page = Page {
        head: frame.head.into_bytes(),
        next: frame.next,
        stream,
        first: None,
        writer: RowWriter::new(&plan.shown, style),
        run: Run::new(plan.start, plan.order),
        room: plan.page_rows,
        page_rows: plan.page_rows,
        top: plan.top,
        has_more: false,
        deadline,
        _permit: permit,
        receipt,
        gzip: is_gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast())),
    };
    page.first = page.batch().await?;
    let chunks = futures::stream::try_unfold(Some(Box::new(page)), |page| async {
        chunk(page).await.map_err(|error| {
            error.log();
            io::Error::other(error.public)
        })
    });
    Ok(Body::from_stream(chunks))
}

type State = Option<Box<Page>>;

async fn chunk(page: State) -> Result<Option<(Bytes, State)>, Error> {
    let Some(mut page) = page else { return Ok(None) };
    let mut out = std::mem::take(&mut page.head);
    match page.batch().await? {
        Some(batch) => {
            page.write(&batch, &mut out)?;
            let bytes = page.packed(out)?;
            Ok(Some((bytes, Some(page))))
        }
        None => {
            page.end(&mut out);
            page.receipt.close()?;
            let bytes = page.finished(out)?;
            Ok(Some((bytes, None)))
        }
    }
}

impl Page {
    /// The next rows of the table, `None` at the end of the page.
    async fn batch(&mut self) -> Result<Option<RecordBatch>, Error> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.has_more {
            return Ok(None);
        }
        Ok(self.deadline.within(self.stream.next()).await?.transpose()?)
    }

    fn write(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), Error> {
        let rows = usize::try_from(self.room).unwrap_or(usize::MAX).min(batch.num_rows());
        self.has_more = rows < batch.num_rows();
        let batch = batch.slice(0, rows);
        self.room -= rows as u64;
        self.receipt.rows += rows as u64;
        self.run.add(&batch)?;
        self.writer.write(&batch, out).map_err(|error| Error::internal(error.into()))
    }

    fn end(&self, out: &mut Vec<u8>) {
        out.push(b']');
        if self.has_more {
            let top = self.top.map(|top| top.saturating_sub(self.page_rows));
            let next = (self.next)(&self.run.position(top));
            out.extend_from_slice(b",\"@odata.nextLink\":");
            out.extend_from_slice(serde_json::Value::from(next).to_string().as_bytes());
        }
        out.push(b'}');
    }

    fn packed(&mut self, out: Vec<u8>) -> Result<Bytes, Error> {
        let Some(gzip) = &mut self.gzip else { return Ok(out.into()) };
        gzip.write_all(&out).map_err(|error| Error::internal(error.into()))?;
        Ok(std::mem::take(gzip.get_mut()).into())
    }

    fn finished(&mut self, out: Vec<u8>) -> Result<Bytes, Error> {
        let Some(mut gzip) = self.gzip.take() else { return Ok(out.into()) };
        let packed = gzip.write_all(&out).and_then(|()| gzip.finish());
        packed.map(Bytes::from).map_err(|error| Error::internal(error.into()))
    }
}

/// `text` as it is sent, packed if `is_gzip`.
pub fn packed(text: String, is_gzip: bool) -> Result<Bytes, Error> {
    if !is_gzip {
        return Ok(text.into());
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish());
    packed.map(Bytes::from).map_err(|error| Error::internal(error.into()))
}
