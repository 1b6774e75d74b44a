//! `meta.sources`: the state of each source: a table of dumps, a database, an HTTP interface or topics.

use crate::bronze::utc;
use crate::columns::{KeyValue, RowKeys};
use crate::lake::Lake;
use crate::meta::{self, MetaTable};
use arrow::datatypes::DataType;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

/// The state of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceState {
    /// The last read succeeded.
    Ok,
    /// The last read failed; the next one may succeed.
    Failing,
    /// The source refuses user or password. A database is not read again before the password or the contract
    /// changes, or the program starts again; others are tried again slowly, since each attempt may count
    /// towards locking the account.
    Refused,
}

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Dumps in the bucket.
    Files,
    /// A table or a query of a database.
    Sql,
    /// An HTTP interface.
    Http,
    /// Topics of Kafka.
    Topics,
    /// Topics of a broker of MQTT.
    Mqtt,
}

/// A source and its last read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRow {
    /// The bronze table.
    pub table_name: String,
    pub kind: SourceKind,
    /// System the records come from.
    pub source: String,
    /// Where the source is, without secrets.
    pub address: String,
    pub state: SourceState,
    /// Where the next increment starts; null if the source is read as a whole.
    pub checkpoint: Option<String>,
    /// Start of the last read.
    pub read_at: DateTime<Utc>,
    /// Start of the last read that succeeded.
    pub succeeded_at: Option<DateTime<Utc>>,
    /// When the next read is due; null if the source is refused, and for topics, which are read continuously.
    pub next_read_at: Option<DateTime<Utc>>,
    /// Start of the last read that returned new records.
    pub changed_at: Option<DateTime<Utc>>,
    /// New records of that read.
    pub records: i64,
    /// Duration of that read.
    pub took_ms: i64,
    /// Messages that are not read yet; null for other sources.
    pub unread: Option<i64>,
    /// Why the last read failed and what to do; null if it succeeded.
    pub error: Option<String>,
    /// Since when reads have failed.
    pub failing_since: Option<DateTime<Utc>>,
    pub run: String,
}

/// One read of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceRead {
    /// The bronze table.
    pub table_name: String,
    pub kind: SourceKind,
    /// System the records come from.
    pub source: String,
    /// Where the source is, without secrets.
    pub address: String,
    pub read_at: DateTime<Utc>,
    pub took_ms: i64,
    pub next_read_at: Option<DateTime<Utc>>,
    /// New records.
    pub records: i64,
    pub checkpoint: Option<String>,
    pub unread: Option<i64>,
    /// The state that a failure leads to, and why the read failed; `None` if it succeeded.
    pub failure: Option<(SourceState, String)>,
}

impl SourceRead {
    /// The state of the source after this read. `before` is that of the read before.
    pub fn row(self, before: Option<&SourceRow>, run: &str) -> SourceRow {
        let is_new = self.records > 0;
        let (state, error) = match self.failure {
            None => (SourceState::Ok, None),
            Some((state, error)) => (state, Some(error)),
        };
        let failed_at = error.as_ref().map(|_| self.read_at);
        let failing_since = before.and_then(|it| it.failing_since).or(failed_at);
        let (records, took_ms) = match before {
            Some(before) if !is_new => (before.records, before.took_ms),
            _ => (self.records, self.took_ms),
        };
        let of_this =
            |is_this: bool, earlier: fn(&SourceRow) -> Option<DateTime<Utc>>| match is_this {
                true => Some(self.read_at),
                false => before.and_then(earlier),
            };
        SourceRow {
            state,
            succeeded_at: of_this(error.is_none(), |it| it.succeeded_at),
            changed_at: of_this(is_new, |it| it.changed_at),
            failing_since: failing_since.filter(|_| error.is_some()),
            table_name: self.table_name,
            kind: self.kind,
            source: self.source,
            address: self.address,
            checkpoint: self.checkpoint,
            read_at: self.read_at,
            next_read_at: self.next_read_at,
            records,
            took_ms,
            unread: self.unread,
            error,
            run: run.to_owned(),
        }
    }
}

impl SourceRow {
    /// Whether the row differs so much from the one that was `saved` that it has to be saved: by more than the
    /// time of its last read, or by more than `every`.
    pub fn is_news(&self, saved: &Self, every: TimeDelta) -> bool {
        let place = |row: &Self| (row.kind, row.source.clone(), row.address.clone());
        let news = |row: &Self| (row.state, row.error.clone(), row.checkpoint.clone());
        // New messages arrive all the time.
        let is_changed = !matches!(self.kind, SourceKind::Topics | SourceKind::Mqtt)
            && self.changed_at != saved.changed_at;
        place(self) != place(saved)
            || news(self) != news(saved)
            || is_changed
            || self.read_at - saved.read_at >= every
    }
}

/// The table's definition.
pub fn table() -> MetaTable {
    use DataType::{Int64, Utf8};
    let columns = [
        ("table_name", Utf8),
        ("kind", Utf8),
        ("source", Utf8),
        ("address", Utf8),
        ("state", Utf8),
        ("checkpoint", Utf8),
        ("read_at", utc()),
        ("succeeded_at", utc()),
        ("next_read_at", utc()),
        ("changed_at", utc()),
        ("records", Int64),
        ("took_ms", Int64),
        ("unread", Int64),
        ("error", Utf8),
        ("failing_since", utc()),
        ("run", Utf8),
    ];
    MetaTable::new("sources", "The state of each source and its last read.", columns)
}

/// The state of all sources as it was last saved.
pub async fn load(lake: &Lake) -> anyhow::Result<Vec<SourceRow>> {
    meta::rows(lake, &table()).await
}

/// Saves the state of sources, in place of what was saved of them before. The sources of the tables in `gone` are
/// removed.
pub async fn save(lake: &Lake, rows: &[SourceRow], gone: &[String]) -> anyhow::Result<()> {
    if rows.is_empty() && gone.is_empty() {
        return Ok(());
    }
    let names = rows.iter().map(|row| &row.table_name).chain(gone);
    let keys = names.map(|name| [KeyValue::Text(name)]);
    meta::replace(lake, &table(), rows, &RowKeys::new(["table_name"], keys)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_441_733 + second, 0).unwrap()
    }

    fn read(second: i64, records: i64, error: Option<&str>) -> SourceRead {
        SourceRead {
            table_name: "orders".into(),
            kind: SourceKind::Sql,
            source: "mes".into(),
            address: "sqlite:mes.db".into(),
            read_at: at(second),
            took_ms: 1_000 * second,
            next_read_at: Some(at(second + 10)),
            records,
            checkpoint: None,
            unread: None,
            failure: error.map(|error| (SourceState::Failing, error.to_owned())),
        }
    }

    #[test]
    fn a_state_has_the_last_success_and_the_first_failure() {
        let first = read(1, 5, None).row(None, "a");
        assert_eq!((first.state, first.records, first.took_ms), (SourceState::Ok, 5, 1_000));
        let second = read(2, 0, None).row(Some(&first), "a");
        assert_eq!((second.succeeded_at, second.changed_at), (Some(at(2)), Some(at(1))));
        assert_eq!((second.records, second.took_ms), (5, 1_000));
        let third = read(3, 0, Some("away")).row(Some(&second), "a");
        let fourth = read(4, 0, Some("away")).row(Some(&third), "a");
        assert_eq!((fourth.state, fourth.succeeded_at), (SourceState::Failing, Some(at(2))));
        assert_eq!((fourth.failing_since, fourth.read_at), (Some(at(3)), at(4)));
        let fifth = read(5, 1, None).row(Some(&fourth), "b");
        assert_eq!((fifth.failing_since, fifth.error.clone()), (None, None));
        assert_eq!((fifth.changed_at, fifth.run.as_str()), (Some(at(5)), "b"));
    }

    #[test]
    fn a_state_is_saved_if_it_has_news_or_is_old() {
        let every = TimeDelta::seconds(60);
        let saved = read(1, 5, None).row(None, "a");
        let next = |read: SourceRead| read.row(Some(&saved), "a").is_news(&saved, every);
        assert!(!next(read(2, 0, None)));
        assert!(next(read(2, 1, None)));
        assert!(next(read(2, 0, Some("away"))));
        assert!(next(read(61, 0, None)));
        assert!(next(SourceRead { address: "sqlite:other.db".into(), ..read(2, 0, None) }));
    }
}
