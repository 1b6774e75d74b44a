//! The change data feed of a table.

use super::answer::Lines;
use super::{Address, CallerOf, ServiceState, TablePath};
use super::{commit_times, find, format, no_version, respond, shared};
use crate::TableInfo;
use crate::http::Service;
use crate::http::concurrency::Deadline;
use crate::http::error::Error;
use crate::http::history::parse_time;
use crate::http::query::{parameters, whole_number};
use crate::http::receipt::took_ms;
use access::audit::Event;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use lake::shared::{ChangedFile, Changes};
use std::collections::BTreeMap;

const PARAMETERS: [&str; 5] = [
    "startingVersion",
    "endingVersion",
    "startingTimestamp",
    "endingTimestamp",
    // Clients send it; the schema of a table that is shared does not change within its feed.
    "includeHistoricalMetadata",
];

/// `GET …/tables/{table}/changes`: the files with the rows that were added and removed in a range of versions.
pub async fn changes(
    State(service): ServiceState,
    Extension(caller): CallerOf,
    path: TablePath,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let began_at_us = service.now_us();
    let given = parameters(query.as_deref(), &PARAMETERS)?;
    let info = find(&service, &caller, path).await?;
    let _permit = service.reads.take(&service.limits).await?;
    let mut deadline = Deadline::after(service.limits.answer_time);
    let commits = commit_times(&service, &info).await?;
    let (from, to) = versions(&info, &given, &commits)?;
    let read = service.lake.changes(&info.schema, &info.table, (from, to));
    let changes = deadline.within(Box::pin(read)).await?.map_err(Error::from_lower_layer)?;
    let files = files(&info, changes)?;
    // The protocol and the schema at the first version, as the feed begins with it.
    let table = shared(&service, &info, Some(from)).await?;
    let times: BTreeMap<u64, i64> = commits.into_iter().collect();
    let mut lines = Lines::new(format(&headers));
    let size_bytes = files.iter().map(|it| it.file.size_bytes).sum();
    lines.head(&table.protocol, &table.metadata, (from, files.len(), size_bytes));
    for changed in &files {
        let address = Address::new(&service, &caller, &headers, &info, changed.version)?;
        let url = address.url(&changed.file).await?;
        let at_ms = times.get(&changed.version).copied();
        lines.change(changed, at_ms, &url, address.until_us.div_euclid(1_000));
    }
    note(&service, &caller, (&info, &files), began_at_us)?;
    Ok(respond(lines, format(&headers), from))
}

fn note(
    service: &Service,
    caller: &crate::http::authorization::Caller,
    (info, files): (&TableInfo, &[ChangedFile]),
    began_at_us: i64,
) -> Result<(), Error> {
    let rows = files.iter().filter_map(|it| it.file.rows).sum();
    let name = caller.identity()?.name();
    let event = Event::download(name, &info.name(), "delta-sharing-changes", rows);
    let now_us = service.now_us();
    let event = event.from_address(caller.peer.address).taking(took_ms(began_at_us, now_us));
    service.access.try_audit(event, now_us)
}

/// The first and the last version that are requested.
fn versions(
    info: &TableInfo,
    given: &BTreeMap<String, String>,
    commits: &[(u64, i64)],
) -> Result<(u64, u64), Error> {
    let newest = commits.last().map_or(0, |(version, _)| *version);
    let from = match (whole_number(given, "startingVersion")?, given.get("startingTimestamp")) {
        (Some(version), None) => version,
        (None, Some(text)) => {
            let from_ms = parse_time("startingTimestamp", text)?.div_euclid(1_000);
            let first = commits.iter().find(|(_, at_ms)| *at_ms >= from_ms);
            first.map(|(version, _)| *version).ok_or_else(|| no_version(info, text))?
        }
        _ => return Err(one_of("startingVersion", "startingTimestamp")),
    };
    let to = match (whole_number(given, "endingVersion")?, given.get("endingTimestamp")) {
        (Some(version), None) => u64::min(version, newest),
        (None, Some(text)) => {
            let until_ms = parse_time("endingTimestamp", text)?.div_euclid(1_000);
            let last = commits.iter().rev().find(|(_, at_ms)| *at_ms <= until_ms);
            last.map(|(version, _)| *version).ok_or_else(|| no_version(info, text))?
        }
        (None, None) => newest,
        _ => return Err(one_of("endingVersion", "endingTimestamp")),
    };
    if from > to {
        let message =
            format!("invalid versions {from} to {to} of {}: the range is empty", info.name());
        return Err(Error::bad("bad_value", message));
    }
    Ok((from, to))
}

fn one_of(version: &str, timestamp: &str) -> Error {
    Error::bad("bad_parameter", format!("expected one of {version} and {timestamp}"))
}

fn files(info: &TableInfo, changes: Changes) -> Result<Vec<ChangedFile>, Error> {
    match changes {
        Changes::Files(files) => Ok(files),
        Changes::NotEnabled(version) => Err(not_enabled(info, Some(version))),
        Changes::NotStored(version) => {
            let message = format!("version {version} of {} is not stored", info.name());
            Err(Error::new(StatusCode::NOT_FOUND, "unknown_version", message))
        }
    }
}

/// The error for a table without a change data feed.
pub fn not_enabled(info: &TableInfo, version: Option<u64>) -> Error {
    let at = version.map_or_else(String::new, |version| format!(" at version {version}"));
    let message = format!(
        "{} has no change data feed{at}: query its newest version, or an older one by version or timestamp",
        info.name()
    );
    Error::bad("no_change_data_feed", message)
}
