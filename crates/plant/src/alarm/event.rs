//! Entries of the alarm journal.

use super::{Priority, State, Transition};
use std::fmt;
use std::sync::Arc;

/// Identifies an alarm: a rule on one object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AlarmKey {
    pub rule: Arc<str>,
    /// A sensor (`Plant1.4.solder_paste_printer.manufact2`), a group of sensors
    /// (`Plant1/solder_paste_printer`), a unit, an object of a statement, a partition (`topic/0`), a
    /// table, or `plant`.
    pub object: Arc<str>,
}

/// `rule/object`. Names of rules contain no slash, so the first one separates.
impl fmt::Display for AlarmKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.rule, self.object)
    }
}

impl AlarmKey {
    /// Reads `rule/object`; `None` without a slash.
    pub fn parse(text: &str) -> Option<Self> {
        let (rule, object) = text.split_once('/')?;
        Some(Self { rule: rule.into(), object: object.into() })
    }
}

/// One transition of an alarm, as the journal stores it.
#[derive(Debug, Clone, PartialEq)]
pub struct AlarmEvent {
    /// Position in the journal, from 1, without gaps.
    pub number: i64,
    /// When the transition happened: microseconds since 1970, UTC, in engine time.
    pub at_us: i64,
    pub key: AlarmKey,
    /// Number of the `Raised` event that began this occurrence of the alarm; 0 without one.
    pub occurrence: i64,
    pub transition: Transition,
    pub from: State,
    pub to: State,
    /// Of the rule at that time.
    pub priority: Priority,
    /// Value that was compared, in the unit of the rule.
    pub value: Option<f64>,
    /// Limit at that time.
    pub limit: Option<f64>,
    /// Event time of the reading behind the value: microseconds since 1970, UTC.
    pub reading_at_us: Option<i64>,
    /// User who caused the transition; `None` if the rule did.
    pub actor: Option<String>,
    pub comment: Option<String>,
    /// Why the condition is met, in plain words: "rises 1.1 degC/min, usually 0.1".
    pub evidence: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_back() {
        let key = AlarmKey { rule: "too_many_hot".into(), object: "Plant1/label_printer".into() };
        assert_eq!(AlarmKey::parse(&key.to_string()), Some(key));
        assert_eq!(AlarmKey::parse("temperature"), None);
    }
}
