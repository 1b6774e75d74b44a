//! Metrics of the service, in the text format of Prometheus.

use super::Service;
use super::error::{Error, Refusals, problem};
use crate::{Clock, RunInfo, TableInfo};
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use hyper::body::{Frame, SizeHint};
use live::{Counts, Link};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

/// Upper bounds of the duration histogram, in seconds.
const BOUNDS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

/// Counters since the start. Routes are patterns, so their number is fixed.
#[derive(Debug, Default)]
pub struct Metrics {
    requests: Mutex<BTreeMap<(&'static str, String, u16), u64>>,
    routes: Mutex<BTreeMap<&'static str, Series>>,
}

#[derive(Debug, Clone, Default)]
struct Series {
    /// Requests per bound of [`BOUNDS`]; the last one is beyond all of them.
    durations: [u64; BOUNDS.len() + 1],
    duration_s: f64,
    response_bytes: u64,
}

impl Metrics {
    fn record(&self, seen: &Seen, response_bytes: u64) {
        let duration_s =
            (seen.clock)().signed_duration_since(seen.started_at).as_seconds_f64().max(0.0);
        let key = (seen.route, seen.method.to_string(), seen.status);
        *self.requests.lock().unwrap_or_else(PoisonError::into_inner).entry(key).or_default() += 1;
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let series = routes.entry(seen.route).or_default();
        let bound = BOUNDS.iter().position(|bound| duration_s <= *bound).unwrap_or(BOUNDS.len());
        series.durations[bound] += 1;
        series.duration_s += duration_s;
        series.response_bytes += response_bytes;
    }
}

/// The properties of a route that [`measure`] needs.
#[derive(Clone)]
pub struct MeasuredRoute {
    pub metrics: Arc<Metrics>,
    pub clock: Clock,
    /// The pattern of the route, never the address itself.
    pub route: &'static str,
}

/// Counts a request once its answer is delivered or dropped.
pub async fn measure(State(route): State<MeasuredRoute>, request: Request, next: Next) -> Response {
    let started_at = (route.clock)();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    // The bytes of errors are counted as they are sent.
    problem::write_body(&mut response, &path, method == Method::HEAD);
    let (parts, body) = response.into_parts();
    let MeasuredRoute { metrics, clock, route } = route;
    let seen = Seen { route, method, status: parts.status.as_u16(), started_at, clock };
    Response::from_parts(parts, Body::new(Measured { body, bytes: 0, seen, metrics }))
}

struct Seen {
    route: &'static str,
    method: Method,
    status: u16,
    started_at: DateTime<Utc>,
    clock: Clock,
}

/// A body whose bytes are counted as they are sent.
struct Measured {
    body: Body,
    bytes: u64,
    seen: Seen,
    metrics: Arc<Metrics>,
}

impl HttpBody for Measured {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &polled {
            self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        self.metrics.record(&self.seen, self.bytes);
    }
}

/// Returns the metrics of the service, in the text format of Prometheus.
#[utoipa::path(
    get,
    path = "/metrics",
    operation_id = "readMetrics",
    tag = "program",
    responses((status = 200, description = "Metrics", body = String, content_type = "text/plain"), Refusals)
)]
pub async fn metrics(State(service): State<Arc<Service>>) -> Result<Response, Error> {
    let tables = service.lake.tables().await.map_err(Error::from_lower_layer)?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, text(&service, &tables)).into_response())
}

fn text(service: &Service, tables: &[TableInfo]) -> String {
    let mut page = Page::default();
    let health = service.lake.health();
    page.family("cockpit_build_info", "gauge", "The program.");
    let build = [("version", &health.build.version[..]), ("commit", &health.build.commit)];
    page.sample("cockpit_build_info", &build, 1.0);
    requests(&mut page, &service.metrics);
    routes(&mut page, &service.metrics);
    page.family("cockpit_running", "gauge", "Requests that are running.");
    page.sample("cockpit_running", &[("kind", "query")], service.queries.running() as f64);
    page.sample("cockpit_running", &[("kind", "table")], service.reads.running() as f64);
    // The former name is kept for one version: elsewhere, `rejected` counts records.
    for (name, help) in [
        ("cockpit_http_refused_total", "Requests refused because of a concurrency limit."),
        ("cockpit_rejected_total", "Deprecated: the same as cockpit_http_refused_total."),
    ] {
        page.family(name, "counter", help);
        page.sample(name, &[("kind", "query")], service.queries.refused() as f64);
        page.sample(name, &[("kind", "table")], service.reads.refused() as f64);
    }
    let name = "cockpit_http_denied_total";
    let help =
        "Requests refused for lack of a login or a permission, or by their origin, host or rate.";
    page.family(name, "counter", help);
    for (code, count) in service.refusals.counts() {
        page.sample(name, &[("code", code)], count as f64);
    }
    if let Some(run) = health.last_run {
        ingest(&mut page, &run);
    }
    live(&mut page, &service.live.counts());
    if let Some(alarms) = &service.alarms {
        page.alarms(alarms);
    }
    lake(&mut page, tables);
    page.0
}

fn requests(page: &mut Page, metrics: &Metrics) {
    let name = "cockpit_http_requests_total";
    page.family(name, "counter", "Requests answered.");
    for ((route, method, status), count) in
        &*metrics.requests.lock().unwrap_or_else(PoisonError::into_inner)
    {
        let status = status.to_string();
        let labels = [("route", *route), ("method", method), ("status", &status)];
        page.sample(name, &labels, *count as f64);
    }
}

fn routes(page: &mut Page, metrics: &Metrics) {
    let routes = metrics.routes.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let name = "cockpit_http_request_duration_seconds";
    page.family(name, "histogram", "Time from the request to the end of its answer.");
    for (route, series) in &routes {
        let mut sum = 0;
        for (index, count) in series.durations.iter().enumerate() {
            sum += count;
            let bound = BOUNDS.get(index).map_or("+Inf".into(), f64::to_string);
            let labels = [("route", *route), ("le", &bound)];
            page.sample(&format!("{name}_bucket"), &labels, sum as f64);
        }
        page.sample(&format!("{name}_sum"), &[("route", route)], series.duration_s);
        page.sample(&format!("{name}_count"), &[("route", route)], sum as f64);
    }
    let name = "cockpit_http_response_bytes_total";
    page.family(name, "counter", "Bytes of bodies sent.");
    for (route, series) in &routes {
        page.sample(name, &[("route", route)], series.response_bytes as f64);
    }
}

fn ingest(page: &mut Page, run: &RunInfo) {
    let name = "cockpit_ingest_last_run_timestamp_seconds";
    page.family(name, "gauge", "Start of the last ingest run.");
    page.sample(name, &[], run.started_at.timestamp() as f64);
    let name = "cockpit_ingest_last_run_success";
    page.family(name, "gauge", "Whether the last ingest run read every source to its end.");
    page.sample(name, &[], f64::from(u8::from(run.ok)));
    let name = "cockpit_ingest_last_run_rows";
    page.family(name, "gauge", "Records of the last ingest run by result.");
    for (fate, count) in [("read", run.read), ("landed", run.landed), ("rejected", run.rejected)] {
        page.sample(name, &[("fate", fate)], count as f64);
    }
}

fn live(page: &mut Page, counts: &Counts) {
    let mut one = |name: &str, kind: &str, help: &str, value: f64| {
        page.family(name, kind, help);
        page.sample(name, &[], value);
    };
    one("cockpit_live_sensors", "gauge", "Sensors met.", counts.sensors as f64);
    one("cockpit_live_viewers", "gauge", "Viewers watching.", counts.viewers as f64);
    one("cockpit_live_streams", "gauge", "Different streams open.", counts.streams as f64);
    let help = "Readings received from the stream.";
    one("cockpit_live_readings_total", "counter", help, counts.readings as f64);
    let help = "Readings older than the longest window.";
    one("cockpit_live_late_total", "counter", help, counts.late as f64);
    let help = "Messages of the stream without a reading.";
    one("cockpit_live_rejected_total", "counter", help, counts.rejected as f64);
    one("cockpit_live_frames_total", "counter", "Frames encoded.", counts.frames as f64);
    one("cockpit_live_sent_total", "counter", "Frames sent to viewers.", counts.sent as f64);
    if let Some(at_us) = counts.newest_at_us {
        let help = "Newest event time.";
        one("cockpit_live_newest_timestamp_seconds", "gauge", help, at_us as f64 / 1e6);
    }
    if let Some(delay_us) = counts.delay_us {
        let help = "Delay of the newest reading at its arrival.";
        one("cockpit_live_delay_seconds", "gauge", help, delay_us as f64 / 1e6);
    }
    let is_connected = f64::from(u8::from(counts.link.link == Link::Connected));
    one(
        "cockpit_live_connected",
        "gauge",
        "Whether the source of the stream is connected.",
        is_connected,
    );
    let has_failed = f64::from(u8::from(counts.link.link == Link::Failed));
    let help =
        "Whether the stream stopped because an operator has to fix credentials or configuration.";
    one("cockpit_live_failed", "gauge", help, has_failed);
    let name = "cockpit_live_lag_messages";
    page.family(name, "gauge", "Messages of a partition that are not read yet.");
    for lag in &counts.link.lags {
        let partition = lag.partition.to_string();
        let labels = [("topic", &lag.topic[..]), ("partition", &partition)];
        page.sample(name, &labels, lag.lag_messages as f64);
    }
}

fn lake(page: &mut Page, tables: &[TableInfo]) {
    let name = "cockpit_lake_table_rows";
    page.family(name, "gauge", "Rows per table of the lake.");
    for table in tables {
        if let Some(rows) = table.rows {
            page.sample(name, &[("table", &table.name())], rows as f64);
        }
    }
    let name = "cockpit_lake_table_updated_timestamp_seconds";
    page.family(name, "gauge", "Last change per table of the lake.");
    for table in tables {
        if let Some(at) = table.updated_at {
            page.sample(name, &[("table", &table.name())], at.timestamp() as f64);
        }
    }
}

/// The text of the page. Writing to a `String` cannot fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn alarms(&mut self, alarms: &watch::Alarms) {
        let counts = alarms.counts();
        for (name, help, by_priority) in [
            ("cockpit_alarms_open", "Open alarms.", counts.open),
            ("cockpit_alarms_unacknowledged", "Alarms to acknowledge.", counts.unacknowledged),
        ] {
            self.family(name, "gauge", help);
            for (count, priority) in by_priority.into_iter().zip(["1", "2", "3", "4"]) {
                self.sample(name, &[("priority", priority)], count as f64);
            }
        }
        let health = alarms.health();
        let waiting = health.waiting_readings as f64;
        for (name, kind, help, value) in [
            ("cockpit_alarm_events_total", "counter", "Events of alarms.", health.events as f64),
            ("cockpit_alarm_readings_total", "counter", "Readings.", health.readings as f64),
            (
                "cockpit_alarm_readings_skipped_total",
                "counter",
                "Readings that were not evaluated because the journal could not be written.",
                health.skipped_readings as f64,
            ),
            ("cockpit_alarm_readings_waiting", "gauge", "Readings to evaluate.", waiting),
            (
                "cockpit_alarm_events_unwritten",
                "gauge",
                "Events that are not in the journal yet.",
                health.unwritten_events as f64,
            ),
            (
                "cockpit_alarm_journal_lag_seconds",
                "gauge",
                "Time from the arrival of a reading to its event in the journal.",
                health.journal_lag_us as f64 / 1e6,
            ),
            (
                "cockpit_alarm_journal_failures_total",
                "counter",
                "Transactions of the journal that failed.",
                health.failed_writes as f64,
            ),
        ] {
            self.family(name, kind, help);
            self.sample(name, &[], value);
        }
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n").unwrap_or_default();
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: f64) {
        let quoted = |(label, value): &(&str, &str)| format!("{label}=\"{}\"", escape(value));
        let labels = labels.iter().map(quoted).collect::<Vec<_>>().join(",");
        let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
        writeln!(self.0, "{name}{labels} {value}").unwrap_or_default();
    }
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
