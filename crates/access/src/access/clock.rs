//! Time that only moves forward, and what happens when the clock is set back.

use super::Access;
use crate::Error;
use crate::audit::{Event, Kind};
use crate::settings::us;
use crate::store::{attempts, audit, sessions, tokens, users, values};
use rusqlite::Transaction;
use std::num::ParseIntError;
use std::sync::atomic::Ordering;

/// The value under which the greatest time is stored.
pub(super) const VALUE: &str = "clock_us";

/// The greatest time the database knows of; before all times if there is none.
pub(super) fn stored_us(tx: &Transaction<'_>) -> Result<i64, Error> {
    let stored = values::get(tx, VALUE)?.map(|text| {
        text.parse().map_err(|error: ParseIntError| {
            Error::corrupt(format!("the stored time `{text}` cannot be read: {error}"))
        })
    });
    let stored = stored.transpose()?.unwrap_or(i64::MIN);
    Ok(stored.max(audit::last_us(tx)?.unwrap_or(i64::MIN)))
}

impl Access {
    /// The time to be used for a call that passed `now_us`: see [`Access`].
    pub(super) fn at(&self, now_us: i64) -> Result<i64, Error> {
        let greatest_us = self.clock_us.fetch_max(now_us, Ordering::AcqRel).max(now_us);
        if self.is_jitter(greatest_us, now_us) {
            return Ok(greatest_us);
        }
        self.set_back(now_us)
    }

    fn is_jitter(&self, greatest_us: i64, now_us: i64) -> bool {
        greatest_us.saturating_sub(now_us) <= us(self.settings.clock_tolerance_s)
    }

    fn set_back(&self, now_us: i64) -> Result<i64, Error> {
        // Entries of the time before come before the entry about the step.
        self.write_waiting()?;
        self.change(|tx| {
            // Only the first of several calls at the same time does it.
            let greatest_us = self.clock_us.load(Ordering::Acquire);
            if self.is_jitter(greatest_us, now_us) {
                return Ok(greatest_us);
            }
            let sessions_ended = sessions::remove_all(tx)?;
            let tokens_revoked = tokens::revoke_expired(tx, greatest_us, now_us)?;
            users::end_passwords(tx, greatest_us)?;
            attempts::set_back(tx, &self.settings, now_us)?;
            values::remove(tx, crate::setup::VALUE)?;
            values::set(tx, VALUE, &now_us.to_string())?;
            let detail = serde_json::json!({
                "from_us": greatest_us,
                "sessions_ended": sessions_ended,
                "to_us": now_us,
                "tokens_revoked": tokens_revoked,
            });
            self.note(tx, &Event::new(Kind::ClockSetBack, "program", detail), now_us)?;
            self.clock_us.store(now_us, Ordering::Release);
            self.version_seen_at_us.store(now_us, Ordering::Release);
            Ok(now_us)
        })
    }
}
