//! Rules: what raises an alarm, and what an operator does about it.

mod condition;
mod statement;

pub use condition::{
    Condition, CountCondition, DataCondition, DataKind, GroupBy, KpiCondition, KpiLevel, KpiPeriod,
    SqlCondition,
};
pub use statement::Statement;

use super::Timing;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Language of a text that is written without one, and of missing translations.
const DEFAULT_LANGUAGE: &str = "en";

/// Priority of an alarm: how soon an operator has to act, from the consequence and the time to
/// respond (ISA-18.2, clause 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Priority {
    /// Critical: act at once.
    P1,
    /// High.
    P2,
    /// Medium.
    P3,
    /// Low.
    P4,
}

impl Priority {
    /// All priorities, the most urgent first.
    pub const ALL: [Self; 4] = [Self::P1, Self::P2, Self::P3, Self::P4];

    /// 1 for the most urgent, 4 for the least.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// The priority with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| i64::from(priority.number()) == number)
    }

    /// The name on pages and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::P1 => "P1",
            Self::P2 => "P2",
            Self::P3 => "P3",
            Self::P4 => "P4",
        }
    }
}

/// A text in one or several languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LocalText(BTreeMap<String, String>);

impl LocalText {
    /// A text in English.
    pub fn new(text: &str) -> Self {
        Self::from_iter([(DEFAULT_LANGUAGE.to_owned(), text.to_owned())])
    }

    /// The text in a language (`en`, `ml`, `hi`), otherwise in English, otherwise in any language;
    /// empty if there is none.
    pub fn in_language(&self, language: &str) -> &str {
        let text = self.0.get(language).or_else(|| self.0.get(DEFAULT_LANGUAGE));
        text.or_else(|| self.0.values().next()).map_or("", String::as_str)
    }

    /// Languages with a text, in order.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(String, String)> for LocalText {
    /// From pairs of language and text.
    fn from_iter<T: IntoIterator<Item = (String, String)>>(texts: T) -> Self {
        Self(texts.into_iter().collect())
    }
}

/// Whether and how long operators may shelve an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shelving {
    /// Longest time in microseconds.
    pub max_us: i64,
    pub is_allowed: bool,
}

impl Shelving {
    /// Checks a request to shelve until `until_us`.
    ///
    /// # Errors
    /// The rule does not allow it, or not for so long.
    pub fn check(&self, until_us: i64, now_us: i64) -> Result<(), String> {
        if !self.is_allowed {
            return Err("this alarm may not be shelved: its rule has `shelve_max = \"0 s\"`".into());
        }
        if until_us.saturating_sub(now_us) > self.max_us {
            let minutes = self.max_us / 60_000_000;
            return Err(format!("invalid time of shelving: expected at most {minutes} min"));
        }
        Ok(())
    }
}

/// When alarms of a rule are suppressed by design.
#[derive(Debug, Clone, PartialEq)]
pub struct Suppression {
    /// Name in `alarms.toml`, shown as the reason.
    pub name: Arc<str>,
    pub cause: SuppressionCause,
}

/// What suppresses alarms.
#[derive(Debug, Clone, PartialEq)]
pub enum SuppressionCause {
    /// A statement whose rows name suppressed places by its columns `plant`, `lane`, `unit`, `line`,
    /// `area` or `object`: an alarm is suppressed if a row has its value in every such column.
    Sql(Statement),
    /// An alarm of the rule with this name is active (its condition is met) on the same object, or
    /// on the object `plant`.
    Rule(Arc<str>),
}

/// A rule: its condition on every object it applies to is one alarm.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Unique; lower case letters, digits and `_`.
    pub name: Arc<str>,
    /// What is wrong, shown in lists and messages.
    pub text: LocalText,
    pub priority: Priority,
    pub condition: Condition,
    /// Unit of the value and the limit, such as `degC`; empty for a plain number.
    pub unit: String,
    pub timing: Timing,
    pub shelving: Shelving,
    /// Role or position that responds.
    pub owner: String,
    /// Probable cause.
    pub cause: LocalText,
    /// What the operator does.
    pub response: LocalText,
    /// What happens without a response.
    pub consequence: LocalText,
    pub suppress_while: Option<Suppression>,
    /// Whether the rule is evaluated.
    pub is_enabled: bool,
    /// Whether pages sound when it is raised.
    pub sound: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_translation_is_english_or_any() {
        let text: LocalText = [("en", "hot"), ("hi", "गरम")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .into_iter()
            .collect();
        assert_eq!((text.in_language("hi"), text.in_language("ml")), ("गरम", "hot"));
        assert_eq!(LocalText::default().in_language("en"), "");
        let only: LocalText = [("ml".to_owned(), "ചൂട്".to_owned())].into_iter().collect();
        assert_eq!(only.in_language("hi"), "ചൂട്");
    }

    #[test]
    fn shelving_has_a_limit() {
        let shelving = Shelving { max_us: 60_000_000, is_allowed: true };
        assert!(shelving.check(60_000_000, 0).is_ok());
        assert!(shelving.check(60_000_001, 0).unwrap_err().contains("at most 1 min"));
        let never = Shelving { is_allowed: false, ..shelving };
        assert!(never.check(1, 0).is_err());
    }

    #[test]
    fn priorities_are_numbered_from_1() {
        for priority in Priority::ALL {
            assert_eq!(Priority::from_number(i64::from(priority.number())), Some(priority));
            assert_eq!(priority.as_str(), format!("P{}", priority.number()));
        }
        assert_eq!(Priority::from_number(5), None);
    }
}
