//! The sources of the plant: state, last and next read, lag, rate, and the error with its remedy.

use super::Service;
use super::concurrency::Deadline;
use super::conditional;
use super::error::{Error, Refusals};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use chrono::{DateTime, TimeDelta, Utc};
use lake::sources::{SourceKind, SourceRow, SourceState};
use serde::Serialize;
use std::sync::Arc;
use utoipa::ToSchema;

/// How long after the time of its next read a source is late. Another program saves times to a minute, and the
/// reads of other sources may delay one.
const LATE: TimeDelta = TimeDelta::minutes(2);

/// The sources.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourcesAnswer {
    /// The time to which lags refer.
    #[schema(value_type = String, format = DateTime)]
    pub as_of: DateTime<Utc>,
    pub sources: Vec<SourceInfo>,
}

/// A source and its last read.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SourceInfo {
    /// The bronze table.
    pub table: String,
    /// `files`, `sql`, `http`, `topics` or `mqtt`.
    #[schema(value_type = String)]
    pub kind: SourceKind,
    /// System the records come from.
    pub source: String,
    /// Where the source is, without secrets.
    pub address: String,
    /// `ok`, `failing` or `refused`.
    #[schema(value_type = String)]
    pub state: SourceState,
    /// Whether the next read is overdue.
    pub is_late: bool,
    /// Why the last read failed and what to do.
    pub error: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<DateTime<Utc>>,
    #[schema(value_type = String, format = DateTime)]
    pub read_at: DateTime<Utc>,
    /// Null if the source is refused, and for topics, which are read continuously.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_read_at: Option<DateTime<Utc>>,
    /// Start of the last read that returned new records.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub changed_at: Option<DateTime<Utc>>,
    /// New records of that read.
    pub records: i64,
    /// New records of that read per second; null if it took no time.
    pub records_per_s: Option<f64>,
    /// Seconds since the start of the last read that succeeded.
    pub lag_s: Option<f64>,
    /// Messages that are not read yet; null for other sources than topics.
    pub unread: Option<i64>,
    /// Where the next increment starts; null if the source is read as a whole.
    pub checkpoint: Option<String>,
}

impl SourceInfo {
    fn new(row: SourceRow, now: DateTime<Utc>) -> Self {
        let seconds = |from: DateTime<Utc>| (now - from).num_milliseconds().max(0) as f64 / 1_000.0;
        let is_late = row.next_read_at.is_some_and(|at| now - at > LATE);
        let records_per_s =
            (row.took_ms > 0).then(|| row.records as f64 * 1_000.0 / row.took_ms as f64);
        Self {
            table: row.table_name,
            kind: row.kind,
            source: row.source,
            address: row.address,
            state: row.state,
            is_late,
            error: row.error,
            failing_since: row.failing_since,
            read_at: row.read_at,
            next_read_at: row.next_read_at,
            changed_at: row.changed_at,
            records: row.records,
            records_per_s,
            lag_s: row.succeeded_at.map(seconds),
            unread: row.unread,
            checkpoint: row.checkpoint,
        }
    }
}

/// Lists the sources: dumps, databases, HTTP interfaces and topics, those with errors first.
#[utoipa::path(
    get,
    path = "/api/v1/sources",
    operation_id = "listSources",
    tag = "tables",
    responses(
        (status = 200, description = "The sources", body = SourcesAnswer),
        (status = 304, description = "The sources have not changed since If-None-Match"),
        Refusals,
    )
)]
pub async fn sources(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let _permit = service.reads.take(&service.limits).await?;
    let mut deadline = Deadline::after(service.limits.answer_time);
    let rows = deadline.within(Box::pin(service.lake.sources())).await?;
    let rows = rows.map_err(Error::from_lower_layer)?;
    let as_of = (service.clock)();
    let mut sources: Vec<SourceInfo> =
        rows.into_iter().map(|row| SourceInfo::new(row, as_of)).collect();
    let is_ok = |it: &SourceInfo| it.state == SourceState::Ok && !it.is_late;
    sources.sort_by(|one, other| (is_ok(one), &one.table).cmp(&(is_ok(other), &other.table)));
    conditional::json(&headers, &SourcesAnswer { as_of, sources })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(state: SourceState) -> SourceRow {
        let at = |second: i64| DateTime::from_timestamp(1_795_441_700 + second, 0).unwrap();
        SourceRow {
            table_name: "orders".into(),
            kind: SourceKind::Sql,
            source: "mes".into(),
            address: "postgresql://cockpit@mes-db:5432/mes".into(),
            state,
            checkpoint: None,
            read_at: at(10),
            succeeded_at: Some(at(0)),
            next_read_at: Some(at(20)),
            changed_at: Some(at(0)),
            records: 500,
            took_ms: 250,
            unread: None,
            error: None,
            failing_since: None,
            run: "r".into(),
        }
    }

    #[test]
    fn lag_rate_and_lateness_are_computed() {
        let now = |second: i64| DateTime::from_timestamp(1_795_441_700 + second, 0).unwrap();
        let info = SourceInfo::new(row(SourceState::Ok), now(30));
        assert_eq!(
            (info.lag_s, info.records_per_s, info.is_late),
            (Some(30.0), Some(2_000.0), false)
        );
        assert!(SourceInfo::new(row(SourceState::Ok), now(141)).is_late);
        let instant = SourceRow { took_ms: 0, succeeded_at: None, ..row(SourceState::Failing) };
        let info = SourceInfo::new(instant, now(30));
        assert_eq!((info.lag_s, info.records_per_s), (None, None));
    }
}
