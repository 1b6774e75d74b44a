//! The audit log: pages, verification, export.

use super::{call, uncached};
use crate::http::Service;
use crate::http::authorization::{Caller, Cost};
use crate::http::error::{Error, Refusals};
use crate::http::history::parse_time;
use crate::http::query::{parameters, whole_number};
use crate::http::temperatures::rfc3339;
use access::audit::{Entry, Filter, Kind, Page, Verified};
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _, stream};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write as _};
use std::sync::Arc;
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// Bytes of one chunk of an export, and chunks that wait for the client to read.
const CHUNK_BYTES: usize = 64 * 1024;
const CHUNKS_WAITING: usize = 4;

/// Entries of a page when the request names no number.
const PAGE_ENTRIES: u32 = 100;

/// A page of the audit log, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// `before_seq` of the next page; null after the oldest entry.
    pub next_before_seq: Option<i64>,
}

/// An entry of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditEntry {
    /// From 1, without gaps.
    pub seq: i64,
    #[schema(format = DateTime)]
    pub at: String,
    pub kind: String,
    /// User name, `terminal:ACCOUNT`, `program`, or `-` if not known.
    pub actor: String,
    pub address: Option<String>,
    #[schema(value_type = Object)]
    pub detail: Value,
    /// Hash of the previous entry.
    pub prev: String,
    /// Hash of this entry.
    pub hash: String,
}

/// The result of a verification.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditVerification {
    /// Valid entries before the first broken one.
    pub entries: u64,
    /// The last valid entry. Keep it outside of the program to detect a replaced log later.
    pub last: Option<AuditAnchor>,
    /// The first entry that is missing or changed; null if the log is complete.
    pub broken: Option<BrokenEntry>,
}

/// An entry and its hash.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditAnchor {
    pub seq: i64,
    pub hash: String,
}

/// An entry at which the verification failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct BrokenEntry {
    pub seq: i64,
    /// What is wrong, in words.
    pub reason: String,
}

/// Reads the audit log, newest entries first.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "readAudit", tag = "audit",
    params(
        ("before_seq" = Option<i64>, Query, description = "Only entries before this one: `next_before_seq` of the previous page"),
        ("kind" = Option<String>, Query, description = "Only entries of this kind, such as login_failed"),
        ("actor" = Option<String>, Query, description = "Only entries of this user"),
        ("from" = Option<String>, Query, description = "Only entries from this time on (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Only entries before this time (RFC 3339)"),
        ("limit" = Option<u32>, Query, description = "Entries of the page; 100 if left out"),
    ),
    responses((status = 200, description = "A page", body = AuditPage), Refusals)
)]
pub async fn page(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let given =
        parameters(query.as_deref(), &["before_seq", "kind", "actor", "from", "to", "limit"])?;
    let filter = filter(&given)?;
    let limit = whole_number(&given, "limit")?.unwrap_or(PAGE_ENTRIES);
    let page = call(&service, &caller, Cost::Disk, move |access, by, now_us| {
        access.audit_page(by, &filter, limit, now_us)
    });
    Ok(uncached(StatusCode::OK, AuditPage::from(page.await?)))
}

/// Verifies the whole audit log.
#[utoipa::path(
    get, path = "/api/v1/audit/verify", operation_id = "verifyAudit", tag = "audit",
    responses((status = 200, description = "The result", body = AuditVerification), Refusals)
)]
pub async fn verify(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
) -> Result<Response, Error> {
    let verified = call(&service, &caller, Cost::Disk, |access, by, now_us| {
        access.verify_audit(by, None, now_us)
    });
    Ok(uncached(StatusCode::OK, AuditVerification::from(verified.await?)))
}

/// Exports the audit log as JSON lines, oldest entries first, in the form that `cockpit audit verify`
/// reads.
#[utoipa::path(
    get, path = "/api/v1/audit/export", operation_id = "exportAudit", tag = "audit",
    params(("from_seq" = Option<i64>, Query, description = "The first entry; 1 if left out")),
    responses((status = 200, description = "The entries", body = String, content_type = "application/x-ndjson"), Refusals)
)]
pub async fn export(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let given = parameters(query.as_deref(), &["from_seq"])?;
    let from_seq = whole_number(&given, "from_seq")?.unwrap_or(1);
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING);
    let (exporting, exporter) = (Arc::clone(&service), Arc::clone(&caller));
    let exported = async move {
        call(&exporting, &exporter, Cost::Disk, move |access, by, now_us| {
            let mut lines = BufWriter::with_capacity(CHUNK_BYTES, Chunks(sender));
            access.export_audit(by, from_seq, &mut lines, now_us)?;
            lines.flush().map_err(|error| access::Error::File {
                action: "send",
                path: "the audit log".to_owned(),
                source: error,
            })
        })
        .await
    };
    let body = Body::from_stream(delivered(receiver, Box::pin(exported)));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"audit.ndjson\""),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, body).into_response())
}

/// The chunks, then the result of the export: one that fails breaks the body off.
fn delivered(
    receiver: mpsc::Receiver<Bytes>,
    exported: impl Future<Output = Result<(), Error>> + Send + Unpin + 'static,
) -> impl Stream<Item = Result<Bytes, io::Error>> + Send {
    let chunks = stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|chunk| (Ok(chunk), receiver))
    });
    let end = stream::once(exported).filter_map(async |done| {
        let error = done.err()?;
        error.log();
        Some(Err(io::Error::other(error.public)))
    });
    stream::select(chunks, end)
}

/// Writes into the body of a response, and waits while the client does not read.
struct Chunks(mpsc::Sender<Bytes>);

impl io::Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(bytes));
        sent.map(|()| bytes.len()).map_err(|_gone| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn filter(given: &BTreeMap<String, String>) -> Result<Filter, Error> {
    let time = |name: &str| given.get(name).map(|text| parse_time(name, text)).transpose();
    Ok(Filter {
        before_seq: whole_number(given, "before_seq")?,
        kind: given.get("kind").map(|text| kind(text)).transpose()?,
        actor: given.get("actor").cloned(),
        from_us: time("from")?,
        to_us: time("to")?,
    })
}

fn kind(text: &str) -> Result<Kind, Error> {
    let found = serde_json::from_value(Value::from(text));
    found.map_err(|error| Error::bad("bad_value", format!("invalid kind `{text}`: {error}")))
}

impl From<Page> for AuditPage {
    fn from(page: Page) -> Self {
        let entries = page.entries.into_iter().map(AuditEntry::from).collect();
        Self { entries, next_before_seq: page.next_before_seq }
    }
}

impl From<Entry> for AuditEntry {
    fn from(entry: Entry) -> Self {
        Self {
            seq: entry.seq,
            at: rfc3339(entry.at_us),
            kind: entry.kind,
            actor: entry.actor,
            address: entry.address,
            // A damaged entry is shown as it is.
            detail: serde_json::from_str(&entry.detail).unwrap_or(Value::String(entry.detail)),
            prev: entry.prev,
            hash: entry.hash,
        }
    }
}

impl From<Verified> for AuditVerification {
    fn from(verified: Verified) -> Self {
        let broken = verified.broken.map(|it| {
            let reason = it.to_string();
            BrokenEntry { seq: it.seq, reason }
        });
        let last = verified.anchor.map(|it| AuditAnchor { seq: it.seq, hash: it.hash });
        Self { entries: verified.entries, last, broken }
    }
}
