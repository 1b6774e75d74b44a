//! The readings of a sensor in a period, aggregated into buckets.
//!
//! The span is divided into the requested number of buckets. Narrow buckets are computed from the readings
//! in `silver.temperature`, wider ones from the minutes and hours in gold, whose sums merge exactly. The
//! last half hour is read from memory, which is ahead of the lake: the lake is read up to a whole minute
//! and memory from there on, so every reading counts exactly once. If the readings have expired, the
//! minutes in gold are used.

use super::Service;
use super::authorization::Caller;
use super::concurrency::Deadline;
use super::error::{Error, Refusals};
use super::query::renamed_parameters;
use super::temperatures::rfc3339;
use super::visibility::Visibility;
use crate::Limits;
use access::Action;
use arrow::array::{Array, ArrowPrimitiveType, AsArray, PrimitiveArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use chrono::DateTime;
use datafusion::prelude::SessionContext;
use live::{Recent, Span};
use plant::reading::SensorId;
use plant::time::{DAY_US, HOUR_US, MINUTE_US, SECOND_US};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;

/// Defaults of a request: the last half hour, in enough buckets for the width of a chart.
const DEFAULT_SPAN_US: i64 = 30 * MINUTE_US;
const DEFAULT_POINTS: i64 = 600;
/// The longest span, 100 years: longer than any lake.
const SPAN_MAX_US: i64 = 100 * 366 * DAY_US;

/// The readings of a sensor.
#[derive(Debug, Serialize, ToSchema)]
pub struct HistoryAnswer {
    pub sensor: String,
    /// Begin and end of the span, widened to whole buckets; the end is exclusive.
    #[schema(format = DateTime)]
    pub from: String,
    #[schema(format = DateTime)]
    pub to: String,
    pub bucket_s: i64,
    /// Tables that were read; `memory` for the last minutes.
    pub sources: Vec<String>,
    pub limit_c: f64,
    /// Buckets with at least one reading, in ascending order.
    pub points: Vec<Point>,
}

/// The readings of one bucket.
#[derive(Debug, Serialize, ToSchema)]
pub struct Point {
    /// Begin of the bucket (UTC).
    #[schema(format = DateTime)]
    pub at: String,
    pub readings: i64,
    pub temp_c_min: f64,
    pub temp_c_max: f64,
    pub temp_c_mean: f64,
}

/// Returns the readings of a sensor in a period: lowest, highest and mean per bucket.
#[utoipa::path(
    get,
    path = "/api/v1/temperatures",
    operation_id = "readTemperatures",
    tag = "temperatures",
    params(
        ("sensor" = String, Query, description = "Plant1.4.solder_paste_printer.manufact2"),
        ("from" = Option<String>, Query, description = "Begin (RFC 3339); half an hour before the end if left out"),
        ("to" = Option<String>, Query, description = "End (RFC 3339); now if left out"),
        ("max_points" = Option<u32>, Query, description = "Buckets at most; 600 if left out"),
        ("points" = Option<u32>, Query, deprecated, description = "Former name of max_points"),
    ),
    responses(
        (status = 200, description = "The span", body = HistoryAnswer),
        Refusals,
    )
)]
pub async fn history(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = renamed_parameters(
        query.as_deref(),
        &["sensor", "from", "to", "max_points"],
        &[("points", "max_points")],
    )?;
    let request = HistoryRequest::parse(&values, service.now_us(), &service.limits)?;
    let visibility = Visibility::of_caller(&service, &caller, &[Action::ReadTables])?;
    visibility.check_sensor(&request.sensor)?;
    let _permit = service.reads.take(&service.limits).await?;
    let mut deadline = Deadline::after(service.limits.answer_time);
    let answer = deadline.within(Box::pin(answer(&service, &request))).await??;
    let no_store = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    Ok((no_store, Json(answer)).into_response())
}

/// A parsed request.
#[derive(Debug)]
struct HistoryRequest {
    sensor: String,
    span: Span,
}

impl HistoryRequest {
    fn parse(
        values: &BTreeMap<String, String>,
        now_us: i64,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let sensor = values.get("sensor").cloned();
        let sensor =
            sensor.ok_or_else(|| Error::bad("bad_parameter", "the parameter sensor is missing"))?;
        let to_us = values.get("to").map_or(Ok(now_us), |text| parse_time("to", text))?;
        let default_us = to_us - DEFAULT_SPAN_US;
        let from_us = values.get("from").map_or(Ok(default_us), |text| parse_time("from", text))?;
        let points = values.get("max_points").map_or(Ok(DEFAULT_POINTS), |text| {
            let points = text.parse().ok().filter(|points| (1..=limits.points).contains(points));
            let most = limits.points;
            let message =
                format!("invalid max_points `{text}`: expected a number from 1 to {most}");
            points.ok_or_else(|| Error::bad("bad_value", message))
        })?;
        if !(1..=SPAN_MAX_US).contains(&(to_us - from_us)) {
            return Err(Error::bad(
                "bad_value",
                "invalid from: expected a time before to, by 100 years at most",
            ));
        }
        Ok(Self { sensor, span: span(from_us, to_us, points) })
    }
}

/// A time of a request, in microseconds since the epoch (UTC).
pub fn parse_time(name: &str, text: &str) -> Result<i64, Error> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|error| {
        Error::bad(
            "bad_value",
            format!(
                "invalid {name} `{text}`: expected a time such as 2023-01-12T10:22:54Z ({error})"
            ),
        )
    })?;
    Ok(at.timestamp_micros())
}

/// The span, widened to at most `points` buckets of whole seconds, minutes or hours.
fn span(from_us: i64, to_us: i64, points: i64) -> Span {
    let least_us = (to_us - from_us) / points;
    let unit_us = match least_us {
        ..MINUTE_US => SECOND_US,
        MINUTE_US..HOUR_US => MINUTE_US,
        _ => HOUR_US,
    };
    // Rounded up, because the span may begin and end within a bucket.
    let width_us = (least_us / unit_us + i64::from(least_us % unit_us > 0)).max(1) * unit_us;
    Span {
        from_us: from_us.div_euclid(width_us) * width_us,
        until_us: (to_us - 1).div_euclid(width_us) * width_us + width_us,
        width_us,
    }
}

/// A table that holds readings or sums of them, and the part of the span it covers.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    table: &'static str,
    from_us: i64,
    until_us: i64,
}

/// The tables to read for the part of a span before `memory_from_us`, where memory begins.
fn parts(span: Span, memory_from_us: i64) -> Vec<Part> {
    let until_us = span.until_us.min(memory_from_us);
    let hours_us = until_us.div_euclid(HOUR_US) * HOUR_US;
    let part = |table, from_us: i64, until_us| Part { table, from_us, until_us };
    let found = if span.width_us < MINUTE_US {
        vec![part("silver.temperature", span.from_us, until_us)]
    } else if span.width_us < HOUR_US {
        vec![part("gold.temperature_minute", span.from_us, until_us)]
    } else {
        // The hour in which memory begins is incomplete, so it is read by the minute.
        let minutes_us = hours_us.max(span.from_us);
        vec![
            part("gold.temperature_hour", span.from_us, hours_us),
            part("gold.temperature_minute", minutes_us, until_us),
        ]
    };
    found.into_iter().filter(|part| part.from_us < part.until_us).collect()
}

/// The aggregate of the readings of a bucket.
#[derive(Debug, Clone, Copy)]
struct Sum {
    readings: i64,
    total_c: f64,
    min_c: f64,
    max_c: f64,
}

impl Sum {
    fn merge(&mut self, other: Self) {
        self.readings += other.readings;
        self.total_c += other.total_c;
        self.min_c = self.min_c.min(other.min_c);
        self.max_c = self.max_c.max(other.max_c);
    }
}

type Buckets = BTreeMap<i64, Sum>;

fn add(buckets: &mut Buckets, begin_us: i64, sum: Sum) {
    buckets.entry(begin_us).and_modify(|existing| existing.merge(sum)).or_insert(sum);
}

async fn answer(service: &Service, request: &HistoryRequest) -> Result<HistoryAnswer, Error> {
    let HistoryRequest { sensor, span } = request;
    let fine = answer_by(service, sensor, *span).await?;
    if !fine.points.is_empty() || span.width_us >= MINUTE_US {
        return Ok(fine);
    }
    let minutes = Span {
        from_us: span.from_us.div_euclid(MINUTE_US) * MINUTE_US,
        until_us: (span.until_us - 1).div_euclid(MINUTE_US) * MINUTE_US + MINUTE_US,
        width_us: MINUTE_US,
    };
    let coarse = answer_by(service, sensor, minutes).await?;
    Ok(if coarse.points.is_empty() { fine } else { coarse })
}

async fn answer_by(service: &Service, sensor: &str, span: Span) -> Result<HistoryAnswer, Error> {
    let recent = recent(service, sensor, span);
    let parts = parts(span, recent.as_ref().map_or(i64::MAX, |recent| recent.from_us));
    let mut buckets = Buckets::new();
    let mut sources = add_stored(service, sensor, &parts, span.width_us, &mut buckets).await?;
    if let Some(recent) = recent.filter(|recent| recent.from_us < span.until_us) {
        sources.push("memory".to_owned());
        add_recent(&recent, &mut buckets);
    }
    let points = buckets.into_iter().map(|(begin_us, sum)| point(begin_us, sum)).collect();
    Ok(HistoryAnswer {
        sensor: sensor.to_owned(),
        from: rfc3339(span.from_us),
        to: rfc3339(span.until_us),
        bucket_s: span.width_us / SECOND_US,
        sources,
        limit_c: service.live.limit_c(),
        points,
    })
}

/// Adds the readings of the lake, and returns the tables that were read. Without `parts`, no session is
/// created, so a trend of the last minutes is cheap.
async fn add_stored(
    service: &Service,
    sensor: &str,
    parts: &[Part],
    width_us: i64,
    buckets: &mut Buckets,
) -> Result<Vec<String>, Error> {
    let mut sources = Vec::new();
    if parts.is_empty() {
        return Ok(sources);
    }
    let session = service.lake.session().await.map_err(Error::from_lower_layer)?;
    for part in parts {
        if session.table_exist(part.table)? {
            read(&session, sensor, part, width_us, buckets).await?;
            sources.push(part.table.to_owned());
        }
    }
    Ok(sources)
}

fn recent(service: &Service, sensor: &str, span: Span) -> Option<Recent> {
    let ids = service.live.ids();
    let id: &Arc<SensorId> = ids.iter().find(|id| id.to_string() == sensor)?;
    service.live.recent(id, span)
}

fn add_recent(recent: &Recent, buckets: &mut Buckets) {
    for (begin_us, stats) in &recent.buckets {
        let ends = stats.min().zip(stats.max());
        let Some(((min_c, max_c), mean_c)) = ends.zip(stats.mean()) else { continue };
        let readings = i64::try_from(stats.count()).unwrap_or(i64::MAX);
        let sum = Sum { readings, total_c: mean_c * stats.count() as f64, min_c, max_c };
        add(buckets, *begin_us, sum);
    }
}

fn point(begin_us: i64, sum: Sum) -> Point {
    Point {
        at: rfc3339(begin_us),
        readings: sum.readings,
        temp_c_min: sum.min_c,
        temp_c_max: sum.max_c,
        temp_c_mean: sum.total_c / sum.readings as f64,
    }
}

/// Adds the aggregates of one table within its part of the span.
async fn read(
    session: &SessionContext,
    sensor: &str,
    part: &Part,
    width_us: i64,
    buckets: &mut Buckets,
) -> Result<(), Error> {
    let frame = session.sql(&sql(sensor, part, width_us)).await?;
    for batch in frame.collect().await? {
        for (begin_us, sum) in sums(&batch)? {
            add(buckets, begin_us, sum);
        }
    }
    Ok(())
}

fn sql(sensor: &str, part: &Part, width_us: i64) -> String {
    let (at, readings, total, min, max) = match part.table {
        "silver.temperature" => ("at", "count(*)", "temp_c", "temp_c", "temp_c"),
        "gold.temperature_minute" => {
            ("minute_at", "sum(readings)", "temp_c_sum", "temp_c_min", "temp_c_max")
        }
        _ => ("hour_at", "sum(readings)", "temp_c_sum", "temp_c_min", "temp_c_max"),
    };
    let time = |at_us: i64| format!("arrow_cast({at_us}, 'Timestamp(Microsecond, Some(\"UTC\"))')");
    format!(
        "SELECT arrow_cast({at}, 'Int64') / {width_us} * {width_us} AS begin_us, \
         CAST({readings} AS BIGINT) AS readings, CAST(sum({total}) AS DOUBLE) AS total_c, \
         CAST(min({min}) AS DOUBLE) AS min_c, CAST(max({max}) AS DOUBLE) AS max_c \
         FROM {} WHERE sensor = '{}' AND {at} >= {} AND {at} < {} GROUP BY begin_us",
        part.table,
        sensor.replace('\'', "''"),
        time(part.from_us),
        time(part.until_us)
    )
}

/// A column of a result of [`sql`].
fn column<T: ArrowPrimitiveType>(
    batch: &RecordBatch,
    index: usize,
) -> Result<&PrimitiveArray<T>, Error> {
    batch.column(index).as_primitive_opt().ok_or_else(|| {
        Error::internal(anyhow::anyhow!(
            "column {index} of the temperature sums has the wrong type"
        ))
    })
}

fn sums(batch: &RecordBatch) -> Result<Vec<(i64, Sum)>, Error> {
    let begins = column::<Int64Type>(batch, 0)?;
    let readings = column::<Int64Type>(batch, 1)?;
    let totals = column::<Float64Type>(batch, 2)?;
    let mins = column::<Float64Type>(batch, 3)?;
    let maxs = column::<Float64Type>(batch, 4)?;
    let is_valid = |row: &usize| totals.is_valid(*row) && readings.value(*row) > 0;
    let rows = (0..batch.num_rows()).filter(is_valid);
    let sum = |row: usize| Sum {
        readings: readings.value(row),
        total_c: totals.value(row),
        min_c: mins.value(row),
        max_c: maxs.value(row),
    };
    Ok(rows.map(|row| (begins.value(row), sum(row))).collect())
}
