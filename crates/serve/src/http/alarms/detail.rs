//! One alarm with its history, and the journal of all.

use super::dto::{Alarm, JournalEntry, language};
use super::statistics::{self, AlarmStatistics};
use super::{AlarmRef, PlaceFilter, uncached};
use crate::http::Service;
use crate::http::authorization::Caller;
use crate::http::error::{Error, Refusals};
use crate::http::history::parse_time;
use crate::http::query::{parameters, whole_number};
use axum::Extension;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use plant::alarm::AlarmEvent;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::ToSchema;
use watch::{Alarms, JournalQuery};

/// Entries of a page of the journal when the request names no number.
const PAGE_ENTRIES: u32 = 100;

/// An alarm with its history.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmDetail {
    pub alarm: Alarm,
    /// The journal of this occurrence, oldest entries first.
    pub events: Vec<JournalEntry>,
    pub statistics: AlarmStatistics,
}

/// A page of the journal, newest entries first.
#[derive(Debug, Serialize, ToSchema)]
pub struct JournalPage {
    pub events: Vec<JournalEntry>,
    /// `before` of the next page; null after the oldest entry.
    pub next_before: Option<i64>,
}

/// Returns one alarm, also a past one, with its journal.
#[utoipa::path(
    get, path = "/api/v1/alarms/{id}", operation_id = "readAlarm", tag = "alarms",
    params(
        ("id" = String, Path, description = "Number of the alarm, or rule/object, percent-encoded as one segment"),
        ("language" = Option<String>, Query, description = "Language of the texts: en, ml or hi; en if left out"),
    ),
    responses((status = 200, description = "The alarm", body = AlarmDetail), Refusals)
)]
pub async fn detail(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let values = parameters(query.as_deref(), &["language"])?;
    let (language, places) = (language(&values)?, PlaceFilter::new(&service, &caller)?);
    let (reference, entries) = (AlarmRef::parse(&id)?, service.limits.alarm_journal_entries);
    let from_us = service.alarms()?.engine_us(service.now_us()) - statistics::SPAN_US;
    let found =
        service.with_alarms_blocking(move |alarms| read(alarms, &reference, (from_us, entries)));
    let (alarm, events, statistics) = found.await?;
    let alarm = places.visible(alarm)?;
    Ok(uncached(AlarmDetail {
        alarm: Alarm::new(&alarm, &places, language),
        events: events.iter().map(JournalEntry::from).collect(),
        statistics,
    }))
}

type Found = (Option<watch::Alarm>, Vec<AlarmEvent>, AlarmStatistics);

/// An alarm, the journal of its occurrence, and the statistics of its rule on its object.
///
/// The statistics begin at `from_us`, and are of at most `limit` entries.
fn read(
    alarms: &Alarms,
    reference: &AlarmRef,
    (from_us, limit): (i64, u32),
) -> Result<Found, watch::Error> {
    let Some(alarm) = reference.find(alarms)? else {
        return Ok((None, Vec::new(), statistics::from_events(&[])));
    };
    let mut recent = alarms.journal(&JournalQuery {
        from_us: Some(from_us),
        rule: Some(alarm.key.rule.to_string()),
        object: Some(alarm.key.object.to_string()),
        limit,
        ..JournalQuery::default()
    })?;
    recent.reverse();
    let events = match alarm.id {
        0 => recent.iter().filter(|event| event.occurrence == 0).cloned().collect(),
        id => alarms.events(id)?,
    };
    Ok((Some(alarm), events, statistics::from_events(&recent)))
}

/// Reads the journal of alarms, newest entries first.
#[utoipa::path(
    get, path = "/api/v1/alarms/journal", operation_id = "readAlarmJournal", tag = "alarms",
    params(
        ("from" = Option<String>, Query, description = "Only entries from this time on (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Only entries before this time (RFC 3339)"),
        ("rule" = Option<String>, Query, description = "Only alarms of this rule"),
        ("object" = Option<String>, Query, description = "Only alarms of this object"),
        ("before" = Option<i64>, Query, description = "Only entries before this number: `next_before` of the previous page"),
        ("limit" = Option<u32>, Query, description = "Entries of the page; 100 if left out"),
    ),
    responses((status = 200, description = "A page", body = JournalPage), Refusals)
)]
pub async fn journal(
    State(service): State<Arc<Service>>,
    Extension(caller): Extension<Arc<Caller>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let known = ["from", "to", "rule", "object", "before", "limit"];
    let values = parameters(query.as_deref(), &known)?;
    let places = PlaceFilter::new(&service, &caller)?;
    let query = journal_query(&values, service.limits.alarm_journal_entries)?;
    let page = service.with_alarms_blocking(move |alarms| read_page(alarms, &places, query));
    Ok(uncached(page.await?))
}

fn journal_query(
    values: &BTreeMap<String, String>,
    entries_max: u32,
) -> Result<JournalQuery, Error> {
    let time = |name: &str| values.get(name).map(|text| parse_time(name, text)).transpose();
    let limit = whole_number(values, "limit")?.unwrap_or(PAGE_ENTRIES);
    Ok(JournalQuery {
        from_us: time("from")?,
        to_us: time("to")?,
        rule: values.get("rule").cloned(),
        object: values.get("object").cloned(),
        before: whole_number(values, "before")?,
        limit: limit.clamp(1, entries_max),
    })
}

/// The next visible entries. Entries that are not visible are left out of the page, so it may be shorter
/// than the limit, and is continued in the same way.
fn read_page(
    alarms: &Alarms,
    places: &PlaceFilter,
    query: JournalQuery,
) -> Result<JournalPage, watch::Error> {
    let found = alarms.journal(&query)?;
    let is_full = found.len() >= query.limit as usize;
    let next_before = found.last().filter(|_| is_full).map(|event| event.number);
    let visible = found.iter().filter(|event| places.is_visible(&alarms.place(&event.key)));
    Ok(JournalPage { events: visible.map(JournalEntry::from).collect(), next_before })
}
