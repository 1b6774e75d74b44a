//! The last state of an alarm, as it is stored to survive restarts.

use crate::alarm::Alarm;
use plant::alarm::{AlarmKey, Place, Priority, State, Status};
use serde_json::{Value, json};

/// An alarm with its status, and up to where its readings were evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Saved {
    pub alarm: Alarm,
    pub status: Status,
    /// Readings of the sensor up to this time were evaluated when this was stored: they are skipped if
    /// they are read again.
    pub evaluated_us: i64,
}

impl Saved {
    pub(super) fn to_json(&self) -> String {
        let Self { alarm, status, evaluated_us } = self;
        let place = &alarm.place;
        json!({
            "id": alarm.id,
            "priority": alarm.priority.number(),
            "raised_at_us": alarm.raised_at_us,
            "returned_at_us": alarm.returned_at_us,
            "acknowledged_at_us": alarm.acknowledged_at_us,
            "acknowledged_by": alarm.acknowledged_by,
            "value": alarm.value,
            "limit": alarm.limit,
            "unit": alarm.unit,
            "assignee": alarm.assignee,
            "evidence": alarm.evidence,
            "comments": alarm.comments,
            "place": [place.plant, place.lane, place.unit, place.line, place.area],
            "state": status.state.as_str(),
            "since_us": status.since_us,
            "is_active": status.is_active,
            "pending_us": status.pending_us,
            "shelved_until_us": status.shelved_until_us,
            "is_suppressed": status.is_suppressed,
            "last_us": status.last_us,
            "evaluated_us": evaluated_us,
        })
        .to_string()
    }

    /// Reads what [`Saved::to_json`] wrote; `None` if it is something else.
    pub(super) fn from_json(key: AlarmKey, text: &str) -> Option<Self> {
        let read: Value = serde_json::from_str(text).ok()?;
        let text = |name: &str| read[name].as_str().map(str::to_owned);
        let number = |name: &str| read[name].as_i64();
        let status = Status {
            state: State::from_name(read["state"].as_str()?)?,
            since_us: number("since_us")?,
            is_active: read["is_active"].as_bool()?,
            pending_us: number("pending_us"),
            shelved_until_us: number("shelved_until_us"),
            is_suppressed: read["is_suppressed"].as_bool()?,
            last_us: number("last_us")?,
        };
        let priority = Priority::from_number(number("priority")?)?;
        let alarm = Alarm {
            id: number("id")?,
            state: status.state,
            is_active: status.is_active,
            since_us: status.since_us,
            shelved_until_us: status.shelved_until_us,
            raised_at_us: number("raised_at_us"),
            returned_at_us: number("returned_at_us"),
            acknowledged_at_us: number("acknowledged_at_us"),
            acknowledged_by: text("acknowledged_by"),
            value: read["value"].as_f64(),
            limit: read["limit"].as_f64(),
            unit: text("unit").unwrap_or_default(),
            assignee: text("assignee"),
            evidence: text("evidence"),
            comments: u32::try_from(number("comments")?).ok()?,
            ..Alarm::without_rule(key, priority, place(&read["place"]))
        };
        Some(Self { alarm, status, evaluated_us: number("evaluated_us")? })
    }
}

fn place(read: &Value) -> Place {
    let part = |index: usize| read[index].as_str().map(str::to_owned);
    Place { plant: part(0), lane: part(1), unit: part(2), line: part(3), area: part(4) }
}
