//! Refused requests: each is counted, and written to the audit log at a bounded rate.
//!
//! A client that is refused again and again must not fill the audit log. So of equal refusals (user or
//! address, and code) one entry is written per period; the next one contains how many were left out.

use super::authorization::AccessControl;
use super::rate::ClientKey;
use ::access::audit::Event;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

/// Who was refused, and why.
type Key = (String, Option<ClientKey>, &'static str);

/// Refusals since the start, and the recent ones.
#[derive(Debug)]
pub struct RefusalLog {
    counts: Mutex<BTreeMap<&'static str, u64>>,
    recent: Mutex<HashMap<Key, Recent>>,
    /// One entry of equal refusals is written in this time.
    period_us: i64,
    keys_max: usize,
}

/// Equal refusals.
#[derive(Debug, Clone, Copy)]
struct Recent {
    written_us: i64,
    left_out: u64,
}

impl RefusalLog {
    /// A log that distinguishes `keys_max` users and addresses; the others share an entry.
    pub fn new(period_us: i64, keys_max: usize) -> Self {
        Self { counts: Mutex::default(), recent: Mutex::default(), period_us, keys_max }
    }

    /// Counts a refused request.
    pub fn count(&self, code: &'static str) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner).entry(code).or_default() += 1;
    }

    /// Refused requests by code.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes a refusal, unless one of the same actor, address and code was written recently.
    pub fn write(&self, control: &AccessControl, code: &'static str, event: Event, now_us: i64) {
        let client = event.address.map(ClientKey::from_address);
        let Some(left_out) = self.take((event.actor.clone(), client, code), now_us) else { return };
        let mut event = event;
        if left_out > 0 {
            event.detail["left_out"] = left_out.into();
        }
        control.audit(event, now_us);
    }

    /// The number of equal refusals that were left out, if this one is to be written.
    fn take(&self, key: Key, now_us: i64) -> Option<u64> {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let is_recent =
            |it: &Recent| (0..self.period_us).contains(&now_us.saturating_sub(it.written_us));
        if recent.len() >= self.keys_max {
            recent.retain(|_, it| is_recent(it));
        }
        let is_full = recent.len() >= self.keys_max && !recent.contains_key(&key);
        let key = if is_full { (String::new(), None, key.2) } else { key };
        let found = recent.get_mut(&key);
        match found {
            Some(it) if is_recent(it) => {
                it.left_out += 1;
                None
            }
            found => {
                let left_out = found.map_or(0, |it| it.left_out);
                recent.insert(key, Recent { written_us: now_us, left_out: 0 });
                Some(left_out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    fn key(actor: &str, code: &'static str) -> Key {
        let address = "192.0.2.1".parse().unwrap();
        (actor.to_owned(), Some(ClientKey::from_address(address)), code)
    }

    #[test]
    fn equal_refusals_are_written_once_per_period_with_their_number() {
        let log = RefusalLog::new(60 * S, 10);
        assert_eq!(log.take(key("anna", "run_sql"), 0), Some(0));
        for second in 1..60 {
            assert_eq!(log.take(key("anna", "run_sql"), second * S), None);
        }
        assert_eq!(log.take(key("anna", "read_audit"), 30 * S), Some(0));
        assert_eq!(log.take(key("paul", "run_sql"), 30 * S), Some(0));
        assert_eq!(log.take(key("anna", "run_sql"), 60 * S), Some(59));
        assert_eq!(log.take(key("anna", "run_sql"), 0), Some(0), "a clock that was set back");
    }

    #[test]
    fn memory_is_bounded_and_the_rest_shares_an_entry() {
        let log = RefusalLog::new(60 * S, 3);
        let written = (0..100).filter(|it| log.take(key(&it.to_string(), "x"), 0).is_some());
        assert_eq!(written.count(), 4);
        assert!(log.recent.lock().unwrap().len() <= 4);
        assert_eq!(log.take(key("later", "x"), 61 * S), Some(0));
    }

    #[test]
    fn every_refusal_is_counted() {
        let log = RefusalLog::new(60 * S, 3);
        (0..5).for_each(|_| log.count("forbidden"));
        log.count("cross_site");
        assert_eq!(log.counts(), BTreeMap::from([("cross_site", 1), ("forbidden", 5)]));
    }
}
