//! What a report is about: the values of its parameters, its period, and the names of its files.

use super::record::IssueCause;
use crate::data::{Data, ParameterValue, Value};
use config::reports::{Definition, Format, Moment};
use plant::calendar::Calendar;
use plant::time::SECOND_US;
use serde_json::Map;

/// The values of the parameters by name: numbers as numbers, others as text.
pub(super) fn parameters(data: &Data) -> Map<String, serde_json::Value> {
    let json = |value: &Value| match value {
        Value::Day(_) | Value::Text(_) => value.to_string().into(),
        Value::Whole(number) => (*number).into(),
        Value::Decimal(number) => (*number).into(),
    };
    data.parameters.iter().map(|it| (it.name.clone(), json(&it.value))).collect()
}

/// Whether the period of a report was over when it was issued, so that a later change of its figures is a correction
/// and not progress. A report without a day describes a moment, which no later data corrects.
pub(super) fn is_over(
    report: &Definition,
    data: &Data,
    cause: &IssueCause,
    calendar: &Calendar,
) -> bool {
    let day = |it: &ParameterValue| match it.value {
        Value::Day(day) => Some(day),
        _ => None,
    };
    let Some(last) = data.parameters.iter().filter_map(day).max() else { return false };
    let moment = report.schedule.as_ref().map(|schedule| &schedule.moment);
    // The end of the shift is the end of the period, although the production day ends later.
    let is_after_period = matches!(cause, IssueCause::Schedule { .. })
        && matches!(moment, Some(Moment::AfterShift { .. } | Moment::Final));
    let end_us = calendar.production_day(last).1 * SECOND_US;
    is_after_period || data.issued_at_us.is_some_and(|at_us| end_us <= at_us)
}

/// Name of the files of a report without their extension: the report, its day and shift, and its receipt.
pub fn file_stem(data: &Data) -> String {
    let parts = data.parameters.iter().filter(|it| match &it.value {
        Value::Day(_) => true,
        Value::Text(text) => !text.is_empty(),
        Value::Whole(_) | Value::Decimal(_) => false,
    });
    let parts = parts.map(|it| plain(&it.value.to_string()));
    let parts: Vec<String> = [data.report.clone()].into_iter().chain(parts).collect();
    format!("{}-{}", parts.join("-"), data.id)
}

/// A text with every character replaced that is special in a header or a file system, cut off at 40 characters.
fn plain(text: &str) -> String {
    let keep =
        |sign: char| if sign.is_ascii_alphanumeric() || "._-".contains(sign) { sign } else { '_' };
    text.chars().take(40).map(keep).collect()
}

/// Start of a ZIP archive.
const ZIP: &[u8] = b"PK";

/// The extension of a file: several tables as CSV are a ZIP archive.
pub fn extension(format: Format, bytes: &[u8]) -> &'static str {
    match format {
        Format::Csv if bytes.starts_with(ZIP) => "zip",
        other => other.as_str(),
    }
}

/// The media type of a file.
pub fn media_type(extension: &str) -> &'static str {
    match extension {
        "pdf" => "application/pdf",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "csv" => "text/csv; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "zip" => "application/zip",
        "json" => "application/json",
        _ => "application/octet-stream",
    }
}
