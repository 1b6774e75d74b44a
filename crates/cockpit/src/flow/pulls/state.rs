//! When each source is due, and how it failed before.

use super::Reading;
use crate::flow::source_states::reason;
use chrono::{DateTime, TimeDelta, Utc};
use config::secret::{SecretRef, SecretText};
use config::settings::Limits;
use ingest::retry::Backoff;
use ingest::{Error, Retry};
use lake::sources::SourceState;
use plant::contract::Contract;
use plant::source::{Database, Pull, PullOrigin};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// When the sources are due; shared by the parts of a process.
pub type Schedule = Arc<Mutex<SourceSchedule>>;

/// When the sources are due, by bronze table.
#[derive(Debug, Default)]
pub struct SourceSchedule(BTreeMap<String, SourceTimes>);

#[derive(Debug)]
struct SourceTimes {
    /// `None` if the source refused the password.
    next_at: Option<DateTime<Utc>>,
    /// The password that was refused.
    refused: Option<SecretText>,
    error: Option<String>,
    backoff: Backoff,
}

/// The result of a read for the schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub state: SourceState,
    pub next_at: Option<DateTime<Utc>>,
    /// Whether the error differs from that of the read before.
    pub is_news: bool,
}

impl Due {
    /// The error with what happens next.
    pub fn message(&self, error: &Error) -> String {
        let reason = reason(error);
        match self.state {
            SourceState::Refused => {
                format!(
                    "{reason}; it is not tried again before the password or the contract changes"
                )
            }
            _ => reason,
        }
    }
}

impl SourceSchedule {
    /// When a source is read next; `None` if it is due at once or not at all.
    pub fn next_at(&self, table: &str) -> Option<DateTime<Utc>> {
        self.0.get(table)?.next_at
    }

    /// Whether a source has to be read.
    pub fn is_due(&self, contract: &Contract, now: DateTime<Utc>) -> bool {
        let Some(times) = self.0.get(&contract.table) else { return true };
        match times.next_at {
            Some(at) => at <= now,
            None => password(contract) != times.refused,
        }
    }

    /// Records a read.
    pub(super) fn record(&mut self, reading: &Reading, limits: &Limits) -> Due {
        let contract = &reading.contract;
        let every = contract.pull.as_ref().and_then(|pull| pull.every_s);
        let every_s = every.unwrap_or(limits.pull.pull_every_s);
        let longest_s = limits.pull.pull_retry_max_s.min(every_s.max(1));
        let first_s = limits.refine.retry_pause_s.min(longest_s);
        let times = self.0.entry(contract.table.clone()).or_insert_with(|| SourceTimes {
            next_at: None,
            refused: None,
            error: None,
            backoff: Backoff::new(first_s * 1_000, longest_s * 1_000),
        });
        let regular = reading.started_at + seconds(every_s);
        let error = reading.done.as_ref().err();
        let (state, next_at) = match error {
            None => {
                times.backoff.reset();
                (SourceState::Ok, Some(regular.max(reading.ended_at)))
            }
            Some(Error::Auth(_)) => (SourceState::Refused, None),
            Some(error) if error.retry() == Retry::Backoff => {
                let pause = times.backoff.next_pause(1.0);
                let pause = TimeDelta::from_std(pause).unwrap_or_default();
                (SourceState::Failing, Some(reading.ended_at + pause))
            }
            Some(_) => (SourceState::Failing, Some(regular.max(reading.ended_at))),
        };
        times.next_at = next_at;
        times.refused = if state == SourceState::Refused { password(contract) } else { None };
        let error = error.map(ToString::to_string);
        let is_news = error != times.error;
        times.error = error;
        Due { state, next_at, is_news }
    }
}

fn seconds(seconds: u64) -> TimeDelta {
    TimeDelta::try_seconds(seconds.cast_signed()).unwrap_or(TimeDelta::MAX)
}

/// The password of a source, if it has one that can be read.
fn password(contract: &Contract) -> Option<SecretText> {
    let reference = match &contract.pull {
        Some(Pull { origin: PullOrigin::Sql(sql), .. }) => match &sql.database {
            Database::Postgres(server) | Database::MySql(server) | Database::SqlServer(server) => {
                server.password.as_ref()
            }
            Database::Sqlite(_) => None,
        },
        None => None,
    };
    reference?.parse::<SecretRef>().ok()?.read().ok()
}
