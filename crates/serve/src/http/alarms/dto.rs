//! The JSON of alarms and journal entries.

use super::PlaceFilter;
use crate::http::error::Error;
use crate::http::temperatures::rfc3339;
use plant::alarm::Direction;
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// Languages of the pages, in which texts of rules are requested.
const LANGUAGES: [&str; 3] = ["en", "ml", "hi"];

/// The parameter `language`.
pub fn language(values: &BTreeMap<String, String>) -> Result<&'static str, Error> {
    let Some(text) = values.get("language") else { return Ok(LANGUAGES[0]) };
    LANGUAGES.into_iter().find(|it| it == text).ok_or_else(|| {
        let message = format!("invalid language `{text}`: expected {}", LANGUAGES.join(", "));
        Error::bad("bad_value", message)
    })
}

/// An alarm: a rule on one object.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Alarm {
    /// Number of the journal entry that raised it; 0 if it was never raised, for example shelved before:
    /// then `rule/object` takes its place in addresses.
    pub id: i64,
    pub rule: String,
    /// Sensor, group of sensors, unit, object of a statement, partition, table, or `plant`.
    pub object: String,
    pub text: String,
    /// 1 is the most urgent, 4 the least.
    #[schema(minimum = 1, maximum = 4)]
    pub priority: u8,
    /// `normal`, `unacknowledged`, `acknowledged`, `returned_unacknowledged`, `shelved`, `suppressed` or
    /// `out_of_service`.
    pub state: String,
    /// Whether the condition is met, after delays.
    pub is_active: bool,
    /// When the state was entered.
    #[schema(format = DateTime)]
    pub since_at: String,
    #[schema(format = DateTime)]
    pub raised_at: Option<String>,
    #[schema(format = DateTime)]
    pub returned_at: Option<String>,
    #[schema(format = DateTime)]
    pub acknowledged_at: Option<String>,
    pub acknowledged_by: Option<String>,
    #[schema(format = DateTime)]
    pub shelved_until_at: Option<String>,
    /// Value at the last transition, in `unit`.
    pub value: Option<f64>,
    pub limit: Option<f64>,
    /// Kind of the condition, such as `temperature`; null if the rule no longer exists.
    pub kind: Option<&'static str>,
    /// `above` or `below`: where the condition is met. An active alarm whose value is on the other side of the
    /// limit is within the deadband. Null for conditions that compare no value.
    pub direction: Option<&'static str>,
    pub unit: String,
    /// Role that responds.
    pub owner: String,
    /// User who takes care of it.
    pub assignee: Option<String>,
    pub cause: String,
    pub response: String,
    pub consequence: String,
    pub place: AlarmPlace,
    /// Why the condition is met, in words.
    pub evidence: Option<String>,
    /// Number of comments.
    pub comments: u32,
    /// Whether pages sound when it is raised.
    pub sound: bool,
    /// Commands that the caller has the permission for and that the state permits: `acknowledge`, `shelve`,
    /// `unshelve`, `comment`, `assign`, `out_of_service`, `in_service`.
    pub may: Vec<&'static str>,
}

/// Where the object of an alarm is, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AlarmPlace {
    pub plant: Option<String>,
    pub lane: Option<String>,
    pub unit: Option<String>,
    pub line: Option<String>,
    pub area: Option<String>,
}

/// An entry of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct JournalEntry {
    /// Position in the journal, from 1, without gaps.
    pub number: i64,
    #[schema(format = DateTime)]
    pub at: String,
    pub rule: String,
    pub object: String,
    /// The alarm: number of the entry that raised it; 0 without one.
    pub id: i64,
    /// `raised`, `returned`, `cleared`, `acknowledged`, `shelved`, `unshelved`, `shelving_expired`,
    /// `suppressed`, `unsuppressed`, `out_of_service`, `in_service`, `commented`, `assigned` or `rule_changed`.
    pub transition: &'static str,
    /// State before.
    pub from: &'static str,
    /// State after.
    pub to: &'static str,
    #[schema(minimum = 1, maximum = 4)]
    pub priority: u8,
    pub value: Option<f64>,
    pub limit: Option<f64>,
    /// Event time of the reading behind the value.
    #[schema(format = DateTime)]
    pub reading_at: Option<String>,
    /// User who caused it; null if the rule did.
    pub actor: Option<String>,
    pub comment: Option<String>,
    pub evidence: Option<String>,
}

impl Alarm {
    /// An alarm as a caller sees it.
    pub fn new(alarm: &watch::Alarm, filter: &PlaceFilter, language: &str) -> Self {
        let place = &alarm.place;
        Self {
            id: alarm.id,
            rule: alarm.key.rule.to_string(),
            object: alarm.key.object.to_string(),
            text: alarm.text.in_language(language).to_owned(),
            priority: alarm.priority.number(),
            state: alarm.state.as_str().to_owned(),
            is_active: alarm.is_active,
            since_at: rfc3339(alarm.since_us),
            raised_at: alarm.raised_at_us.map(rfc3339),
            returned_at: alarm.returned_at_us.map(rfc3339),
            acknowledged_at: alarm.acknowledged_at_us.map(rfc3339),
            acknowledged_by: alarm.acknowledged_by.clone(),
            shelved_until_at: alarm.shelved_until_us.map(rfc3339),
            value: alarm.value,
            limit: alarm.limit,
            kind: alarm.kind,
            direction: alarm.direction.map(Direction::as_str),
            unit: alarm.unit.clone(),
            owner: alarm.owner.clone(),
            assignee: alarm.assignee.clone(),
            cause: alarm.cause.in_language(language).to_owned(),
            response: alarm.response.in_language(language).to_owned(),
            consequence: alarm.consequence.in_language(language).to_owned(),
            place: AlarmPlace {
                plant: place.plant.clone(),
                lane: place.lane.clone(),
                unit: place.unit.clone(),
                line: place.line.clone(),
                area: place.area.clone(),
            },
            evidence: alarm.evidence.clone(),
            comments: alarm.comments,
            sound: alarm.sound,
            may: filter.permitted(alarm),
        }
    }
}

impl From<&plant::alarm::AlarmEvent> for JournalEntry {
    fn from(event: &plant::alarm::AlarmEvent) -> Self {
        Self {
            number: event.number,
            at: rfc3339(event.at_us),
            rule: event.key.rule.to_string(),
            object: event.key.object.to_string(),
            id: event.occurrence,
            transition: event.transition.as_str(),
            from: event.from.as_str(),
            to: event.to.as_str(),
            priority: event.priority.number(),
            value: event.value,
            limit: event.limit,
            reading_at: event.reading_at_us.map(rfc3339),
            actor: event.actor.clone(),
            comment: event.comment.clone(),
            evidence: event.evidence.clone(),
        }
    }
}
