//! The audit log: entries that are only ever appended, each bound to the one before it.
//!
//! Entries are linked by hashes as [`crate::chain`] describes. The hash covers the keys `actor`,
//! `address`, `at_us`, `detail`, `kind` and `seq` in this order, keys of `detail` sorted, no white
//! space, UTF-8.

mod chain;

pub use crate::chain::{Anchor, Broken, BrokenReason, Verified};
pub use chain::verify_export;
pub(crate) use chain::{HashedFields, entry_hash};

use crate::json::{self, canonical};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;

/// What an entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    LoggedIn,
    LoginFailed,
    AddressDelayed,
    LoggedOut,
    SessionRevoked,
    Denied,
    UserAdded,
    UserDisabled,
    UserEnabled,
    PasswordChanged,
    PasswordReset,
    RolesChanged,
    SecondFactorEnabled,
    SecondFactorDisabled,
    RecoveryCodesReplaced,
    TokenCreated,
    TokenRevoked,
    ExternalLinked,
    SetupOffered,
    SetupCompleted,
    ClockSetBack,
    BackedUp,
    Restored,
    Queried,
    Downloaded,
    /// A change outside of this crate: an alarm, a rule, a rebuild, a setting.
    Changed,
}

/// Something that happened, before it is in the log.
#[derive(Debug, Clone)]
pub struct Event {
    pub kind: Kind,
    /// User name, `terminal:ACCOUNT`, `program`, or `-` if not known.
    pub actor: String,
    pub address: Option<IpAddr>,
    /// A JSON object. It must not hold secrets.
    pub detail: Value,
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// From 1, without gaps.
    pub seq: i64,
    pub at_us: i64,
    pub kind: String,
    pub actor: String,
    pub address: Option<String>,
    /// Canonical JSON.
    pub detail: String,
    /// Hash of the previous entry, in hexadecimal.
    pub prev: String,
    /// Hash of this entry, in hexadecimal.
    pub hash: String,
}

/// Which entries to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only entries before this one: the first of the previous page.
    pub before_seq: Option<i64>,
    pub kind: Option<Kind>,
    pub actor: Option<String>,
    /// Only entries at this time or later.
    pub from_us: Option<i64>,
    /// Only entries before this time.
    pub to_us: Option<i64>,
}

/// Entries of the log, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page {
    pub entries: Vec<Entry>,
    /// `before_seq` of the next page, if there may be one.
    pub next_before_seq: Option<i64>,
}

impl Kind {
    pub fn name(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|it| it.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

impl Event {
    pub fn new(kind: Kind, actor: &str, detail: Value) -> Self {
        Self { kind, actor: actor.to_owned(), address: None, detail }
    }

    pub fn from_address(self, address: IpAddr) -> Self {
        Self { address: Some(address.to_canonical()), ..self }
    }

    /// A query: its text, the number of rows and the duration.
    pub fn query(actor: &str, sql: &str, rows: u64, took_ms: u64) -> Self {
        let detail = serde_json::json!({ "ms": took_ms, "rows": rows, "sql": sql });
        Self::new(Kind::Queried, actor, detail)
    }

    /// A download: its subject, the format and the number of rows.
    pub fn download(actor: &str, what: &str, format: &str, rows: u64) -> Self {
        let detail = serde_json::json!({ "format": format, "rows": rows, "what": what });
        Self::new(Kind::Downloaded, actor, detail)
    }

    /// The same event with the time that its answer took.
    pub fn taking(mut self, took_ms: u64) -> Self {
        self.detail["ms"] = took_ms.into();
        self
    }

    /// A request that was refused for lack of a right.
    pub fn denied(actor: &str, action: crate::Action, scope: &crate::Scope) -> Self {
        let detail = serde_json::json!({ "action": action.name(), "scope": scope.to_string() });
        Self::new(Kind::Denied, actor, detail)
    }

    /// The detail as it is stored. One that is too long is replaced by its beginning, as a text.
    pub(crate) fn detail_kept(&self, bytes_max: u32) -> String {
        let text = canonical(&self.detail);
        let bytes_max = bytes_max as usize;
        if text.len() <= bytes_max {
            return text;
        }
        let cut = (0..=bytes_max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let detail = serde_json::json!({ "cut_bytes": text.len() - cut, "text": &text[..cut] });
        canonical(&detail)
    }
}

impl Entry {
    /// The entry with its hashes as one line of canonical JSON, without the line end.
    pub fn line(&self) -> String {
        let address = self.address.as_deref().map_or_else(|| "null".to_owned(), json::quoted);
        format!(
            r#"{{"actor":{},"address":{address},"at_us":{},"detail":{},"hash":{},"kind":{},"prev":{},"seq":{}}}"#,
            json::quoted(&self.actor),
            self.at_us,
            self.detail,
            json::quoted(&self.hash),
            json::quoted(&self.kind),
            json::quoted(&self.prev),
            self.seq
        )
    }
}
