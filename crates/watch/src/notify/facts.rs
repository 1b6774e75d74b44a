//! What a message is about, stored with it as JSON.

use crate::Alarm;
use chrono::{DateTime, SecondsFormat};
use config::notifications::Language;
use plant::alarm::{AlarmEvent, LocalText, Place, Priority};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;

/// An alarm at the time of a transition.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub number: i64,
    pub occurrence: i64,
    pub transition: String,
    pub rule: String,
    pub object: String,
    pub priority: u8,
    /// When the transition happened, in engine time.
    pub at_us: i64,
    /// When the alarm was raised, in engine time.
    pub raised_at_us: i64,
    pub value: Option<f64>,
    pub limit: Option<f64>,
    pub unit: String,
    pub owner: String,
    pub evidence: Option<String>,
    pub plant: Option<String>,
    pub lane: Option<String>,
    pub equipment: Option<String>,
    pub line: Option<String>,
    pub area: Option<String>,
    /// Texts in the order of [`Language::ALL`].
    pub texts: [Texts; 3],
}

/// The texts of a rule in one language.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Texts {
    pub text: String,
    pub cause: String,
    pub response: String,
    pub consequence: String,
}

impl Facts {
    pub fn new(event: &AlarmEvent, alarm: &Alarm) -> Self {
        let Place { plant, lane, unit, line, area } = alarm.place.clone();
        Self {
            number: event.number,
            occurrence: event.occurrence,
            transition: event.transition.as_str().to_owned(),
            rule: event.key.rule.to_string(),
            object: event.key.object.to_string(),
            priority: event.priority.number(),
            at_us: event.at_us,
            raised_at_us: alarm.raised_at_us.unwrap_or(event.at_us),
            value: event.value.or(alarm.value),
            limit: event.limit.or(alarm.limit),
            unit: alarm.unit.clone(),
            owner: alarm.owner.clone(),
            evidence: event.evidence.clone().or_else(|| alarm.evidence.clone()),
            plant,
            lane,
            equipment: unit,
            line,
            area,
            texts: Language::ALL.map(|language| Texts::new(alarm, language)),
        }
    }

    /// Reads what [`Facts::to_json`] wrote; several alarms for a group, none for a test.
    pub fn read_all(data: &str) -> Vec<Self> {
        let one = serde_json::from_str::<Self>(data).map(|facts| vec![facts]);
        one.or_else(|_| serde_json::from_str(data)).unwrap_or_default()
    }

    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub fn texts(&self, language: Language) -> &Texts {
        &self.texts[language as usize]
    }

    pub fn priority(&self) -> Priority {
        Priority::from_number(self.priority.into()).unwrap_or(Priority::P4)
    }

    /// The alarm as programs receive it.
    pub fn public(&self, language: Language, public_url: Option<&Url>) -> Value {
        let Texts { text, cause, response, consequence } = self.texts(language);
        json!({
            "id": self.occurrence,
            "event": self.number,
            "transition": self.transition,
            "rule": self.rule,
            "object": self.object,
            "priority": self.priority,
            "at": rfc3339(self.at_us),
            "raised_at": rfc3339(self.raised_at_us),
            "value": self.value,
            "limit": self.limit,
            "unit": self.unit,
            "owner": self.owner,
            "evidence": self.evidence,
            "place": {
                "plant": self.plant, "lane": self.lane, "unit": self.equipment,
                "line": self.line, "area": self.area,
            },
            "text": text,
            "cause": cause,
            "response": response,
            "consequence": consequence,
            "link": alarm_link(public_url, self.occurrence),
        })
    }
}

impl Texts {
    fn new(alarm: &Alarm, language: Language) -> Self {
        let own = |text: &LocalText| text.in_language(language.as_str()).to_owned();
        Self {
            text: own(&alarm.text),
            cause: own(&alarm.cause),
            response: own(&alarm.response),
            consequence: own(&alarm.consequence),
        }
    }
}

/// A time for programs.
pub(super) fn rfc3339(at_us: i64) -> Option<String> {
    let time = DateTime::from_timestamp_micros(at_us)?;
    Some(time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// The page of an alarm; `None` without a public URL.
pub(super) fn alarm_link(public_url: Option<&Url>, occurrence: i64) -> Option<String> {
    let page = format!("alarms/{occurrence}");
    public_url.and_then(|url| url.join(&page).ok()).map(String::from)
}

/// The page of all alarms; `None` without a public URL.
pub(super) fn alarms_link(public_url: Option<&Url>) -> Option<String> {
    public_url.and_then(|url| url.join("alarms").ok()).map(String::from)
}
