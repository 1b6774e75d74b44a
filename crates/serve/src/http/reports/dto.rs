//! Reports as JSON.

use crate::http::temperatures::rfc3339;
use ::report::issue::issuer::DATA_FORMAT;
use ::report::issue::record::{Delivery, DeliveryKind, IssueCause, IssuedReport};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The reports of the plant.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportsAnswer {
    pub reports: Vec<ReportInfo>,
}

/// A report of the plant folder.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportInfo {
    pub name: String,
    pub title: String,
    pub description: String,
    pub parameters: Vec<ReportParameter>,
    /// Null without a schedule.
    pub schedule: Option<ReportSchedule>,
    pub recipients: Vec<ReportRecipient>,
    /// The last issued report that the caller sees.
    pub last_issued: Option<IssuedReportInfo>,
    /// Why the last run of the schedule failed; null if it did not.
    pub problem: Option<String>,
}

/// A value that a report is run with.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportParameter {
    pub name: String,
    pub title: String,
    /// `day`, `shift`, `text` or `number`.
    pub kind: &'static str,
    /// A value, or `today`, `yesterday`, `last`, `last_week`, `current` or `first`.
    pub default: String,
    /// Values to choose from; empty if any value is valid, and in lists of reports.
    pub choices: Vec<String>,
}

/// When a report is issued without a request.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportSchedule {
    /// Local time of the plant.
    pub at: Option<String>,
    /// Weekdays with `at`, such as `Mon`.
    pub days: Vec<String>,
    /// The shift after whose end it is issued.
    pub after_shift: Option<String>,
    pub delay_min: Option<u32>,
    /// Whether it is issued when the data of a day is final.
    pub when_final: bool,
    pub formats: Vec<String>,
    pub language: String,
    /// The next time, if one is known.
    #[schema(format = DateTime)]
    pub next_at: Option<String>,
}

/// Who receives a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportRecipient {
    /// `email`, `link`, `folder` or `s3`.
    pub kind: &'static str,
    /// Roles and addresses, or a location.
    pub to: Vec<String>,
    pub formats: Vec<String>,
}

/// An issued report.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedReportInfo {
    pub id: i64,
    pub report: String,
    pub title: String,
    pub language: String,
    /// Values of the parameters by name.
    #[schema(value_type = Object)]
    pub parameters: Map<String, Value>,
    #[schema(format = DateTime)]
    pub issued_at: String,
    /// `user`, `schedule` or `correction`.
    pub cause: &'static str,
    /// The user who issued it.
    pub issued_by: Option<String>,
    /// Time of the run of the schedule.
    #[schema(format = DateTime)]
    pub run_at: Option<String>,
    /// When the youngest table that it read last changed.
    #[schema(format = DateTime)]
    pub data_as_of: Option<String>,
    /// The issued report that this one corrects.
    pub corrects: Option<i64>,
    /// The issued report that corrects this one.
    pub corrected_by: Option<i64>,
    /// Number of differences from the corrected report.
    pub differences_total: u64,
    pub files: Vec<IssuedReportFile>,
}

/// A file of an issued report.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedReportFile {
    /// `pdf`, `xlsx`, `csv` or `html`.
    pub format: String,
    pub name: String,
    pub size_bytes: u64,
    /// SHA-256 of the bytes.
    pub sha256: String,
}

/// A page of issued reports, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedReportsAnswer {
    pub issued: Vec<IssuedReportInfo>,
    /// `before` of the next page; null after the oldest one.
    pub next_before: Option<i64>,
}

/// An issued report with its deliveries.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedReportDetail {
    pub issued: IssuedReportInfo,
    pub deliveries: Vec<ReportDelivery>,
    /// Differences from the corrected report; the list may be cut off.
    #[schema(value_type = Vec<Object>)]
    pub differences: Vec<Value>,
    /// Version of each table that it read.
    pub versions: BTreeMap<String, u64>,
}

/// A delivery of an issued report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportDelivery {
    pub id: i64,
    /// `message` or `folder`.
    pub kind: &'static str,
    /// Name of the channel; null for a folder.
    pub channel: Option<String>,
    /// Name of a person, `channel:NAME`, an address, or a location.
    pub recipient: String,
    /// Formats of the files; empty for a link.
    pub formats: Vec<String>,
    /// `waiting`, `sending`, `sent` or `failed`.
    pub state: &'static str,
    pub attempts: u32,
    pub last_error: Option<String>,
    #[schema(format = DateTime)]
    pub queued_at: String,
    /// When it is attempted next.
    #[schema(format = DateTime)]
    pub due_at: String,
    #[schema(format = DateTime)]
    pub sent_at: Option<String>,
}

/// A report that is run without being issued.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportPreview {
    /// Each page as SVG.
    pub pages: Vec<String>,
    pub title: String,
    /// The values of the parameters.
    pub parameters: BTreeMap<String, String>,
    /// Receipt: the same for the same definition, parameters and versions.
    pub receipt: String,
    /// When the youngest table that it read last changed.
    #[schema(format = DateTime)]
    pub data_as_of: Option<String>,
    /// Rows of all queries.
    pub rows: u64,
}

/// A report that is to be issued.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueRequest {
    /// Values of parameters; others have their defaults.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// `en`, `ml` or `hi`; that of the schedule if left out.
    #[serde(default)]
    pub language: Option<String>,
    /// Whether it is sent to the recipients of the report.
    #[serde(default)]
    pub send: bool,
}

/// The number of a new issued report.
#[derive(Debug, Serialize, ToSchema)]
pub struct IssuedNumber {
    pub id: i64,
}

impl From<&IssuedReport> for IssuedReportInfo {
    fn from(report: &IssuedReport) -> Self {
        let (cause, issued_by, run_at_us) = match &report.cause {
            IssueCause::User(name) => ("user", Some(name.clone()), None),
            IssueCause::Schedule { run_at_us } => ("schedule", None, Some(*run_at_us)),
            IssueCause::Correction => ("correction", None, None),
        };
        // The rows are for comparisons.
        let files = report.files.iter().filter(|file| file.format != DATA_FORMAT);
        let files = files.map(|file| IssuedReportFile {
            format: file.format.clone(),
            name: file.name.clone(),
            size_bytes: file.size_bytes,
            sha256: file.sha256.clone(),
        });
        Self {
            id: report.id,
            report: report.report.clone(),
            title: report.title.clone(),
            language: report.language.clone(),
            parameters: report.parameters.clone(),
            issued_at: rfc3339(report.issued_at_us),
            cause,
            issued_by,
            run_at: run_at_us.map(rfc3339),
            data_as_of: report.data_as_of_us.map(rfc3339),
            corrects: report.corrects,
            corrected_by: report.corrected_by,
            differences_total: report.differences_total,
            files: files.collect(),
        }
    }
}

impl From<&Delivery> for ReportDelivery {
    fn from(delivery: &Delivery) -> Self {
        let content = &delivery.content;
        let is_message = content.kind == DeliveryKind::Message;
        Self {
            id: delivery.id,
            kind: content.kind.as_str(),
            channel: is_message.then(|| content.target.clone()),
            recipient: content.recipient.clone(),
            formats: content.formats.clone(),
            state: delivery.state.as_str(),
            attempts: delivery.attempts,
            last_error: delivery.last_error.clone(),
            queued_at: rfc3339(delivery.queued_at_us),
            due_at: rfc3339(content.due_at_us),
            sent_at: delivery.sent_at_us.map(rfc3339),
        }
    }
}
