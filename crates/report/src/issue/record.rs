//! An issued report and its parts.

use crate::differences::Difference;
use crate::source::Versions;
use bytes::Bytes;
use serde_json::{Map, Value};

/// Why a report was issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IssueCause {
    /// A user issued it.
    User(String),
    /// A run of its schedule, whose time is in microseconds since 1970, UTC.
    Schedule { run_at_us: i64 },
    /// Later versions of its tables changed a figure.
    Correction,
}

/// A report that is to be stored, with its files and deliveries.
#[derive(Debug, Clone, PartialEq)]
pub struct NewIssue {
    /// Name of the report.
    pub report: String,
    pub title: String,
    /// Code of the language in ISO 639-1.
    pub language: String,
    pub parameters: Map<String, Value>,
    pub issued_at_us: i64,
    pub cause: IssueCause,
    /// When the youngest table that the report read last changed.
    pub data_as_of_us: Option<i64>,
    pub versions: Versions,
    /// Whether later versions of its tables can correct the report: its period was over when it was issued.
    pub is_correctable: bool,
    /// The issued report that this one corrects.
    pub corrects: Option<i64>,
    pub differences: Vec<Difference>,
    pub files: Vec<IssuedFile>,
    pub deliveries: Vec<NewDelivery>,
}

/// A file of an issued report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedFile {
    /// `pdf`, `xlsx`, `csv` or `html`; `data` for the rows as JSON.
    pub format: String,
    /// Name of the file for people.
    pub name: String,
    pub bytes: Bytes,
}

/// A file of an issued report, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary {
    pub format: String,
    pub name: String,
    /// SHA-256 of the bytes, in hexadecimal digits.
    pub sha256: String,
    pub size_bytes: u64,
}

/// An issued report, which never changes; only whether it is corrected does.
#[derive(Debug, Clone, PartialEq)]
pub struct IssuedReport {
    pub id: i64,
    pub report: String,
    pub title: String,
    pub language: String,
    pub parameters: Map<String, Value>,
    pub issued_at_us: i64,
    pub cause: IssueCause,
    pub data_as_of_us: Option<i64>,
    pub versions: Versions,
    /// Versions whose figures were last compared with those of the report.
    pub compared_versions: Versions,
    pub is_correctable: bool,
    pub corrects: Option<i64>,
    /// The issued report that corrects this one.
    pub corrected_by: Option<i64>,
    /// Differences from the corrected report, at most [`DIFFERENCES_MAX`].
    pub differences: Vec<Difference>,
    pub differences_total: u64,
    pub files: Vec<FileSummary>,
}

/// Differences that an issued report lists; further ones are counted.
pub const DIFFERENCES_MAX: usize = 200;

/// What carries a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryKind {
    /// A message on a channel of `alarms.toml`, with files if it is e-mail.
    Message,
    /// Files in a folder or below a prefix of a bucket.
    Folder,
}

impl DeliveryKind {
    /// Its name in the database and in the HTTP interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Folder => "folder",
        }
    }
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryState {
    /// It is attempted when it is due.
    Waiting,
    /// An attempt is running.
    Sending,
    /// The receiver confirmed it, or the files are written.
    Sent,
    /// It was refused, or all attempts failed.
    Failed,
}

impl DeliveryState {
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Sending, Self::Sent, Self::Failed];

    /// Its name in the database and in the HTTP interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A delivery that is to be queued.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewDelivery {
    pub kind: DeliveryKind,
    /// Channel of a message; location of a folder.
    pub target: String,
    /// Name of a person, `channel:NAME`, an e-mail address, or the location.
    pub recipient: String,
    /// E-mail address, if the report names an address instead of a person.
    pub address: Option<String>,
    /// Formats of the files; none for a message with a link alone.
    pub formats: Vec<String>,
    pub due_at_us: i64,
}

/// A delivery of an issued report. Times are those of the program, in microseconds since 1970, UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub id: i64,
    /// The issued report.
    pub issued: i64,
    /// What is delivered, and when it is attempted next.
    pub content: NewDelivery,
    pub queued_at_us: i64,
    pub state: DeliveryState,
    pub attempts: u32,
    pub last_error: Option<String>,
    pub sent_at_us: Option<i64>,
}
