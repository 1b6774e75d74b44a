//! What a viewer of the live stream subscribes to.

use super::cursor::Position;
use crate::http::alarms::language;
use crate::http::error::Error;
use crate::http::query::whole_number;
use axum::http::HeaderMap;
use std::collections::BTreeMap;

const HZ_MAX: u32 = 25;

/// The subscription of a viewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Whether temperatures are sent.
    pub temps: bool,
    /// Only the sensors of this plant.
    pub plant: Option<String>,
    /// Frames a second at most; 0 for no limit.
    pub hz: u32,
    pub alarms: bool,
    /// Language of the texts of alarms.
    pub language: &'static str,
    /// What the viewer has received before.
    pub position: Position,
}

impl Topics {
    /// The subscription of a request.
    pub fn parse(values: &BTreeMap<String, String>, headers: &HeaderMap) -> Result<Self, Error> {
        let none = Self {
            temps: false,
            plant: None,
            hz: whole_number(values, "hz")?.unwrap_or(1),
            alarms: false,
            language: language(values)?,
            position: position(values, headers)?,
        };
        if none.hz > HZ_MAX {
            let message =
                format!("invalid hz `{}`: expected a whole number from 0 to {HZ_MAX}", none.hz);
            return Err(Error::bad("bad_value", message));
        }
        let topics = values.get("topics").map_or("temps", String::as_str);
        topics.split(',').try_fold(none, Self::add)
    }

    fn add(self, topic: &str) -> Result<Self, Error> {
        match topic.split_once(':') {
            None if topic == "alarms" && !self.alarms => Ok(Self { alarms: true, ..self }),
            None if topic == "temps" && !self.temps => Ok(Self { temps: true, ..self }),
            Some(("temps", plant)) if !self.temps => {
                Ok(Self { temps: true, plant: Some(plant.to_owned()), ..self })
            }
            _ => {
                let message = format!(
                    "invalid topic `{topic}`: expected temps or temps:<plant>, and alarms, each once, \
                     with a comma between"
                );
                Err(Error::bad("unknown_topic", message))
            }
        }
    }
}

/// The position in `Last-Event-ID`, else that of the parameter `after`.
fn position(values: &BTreeMap<String, String>, headers: &HeaderMap) -> Result<Position, Error> {
    let after = whole_number(values, "after")?.filter(|number| *number >= 0);
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let position = last.map(Position::parse).unwrap_or_default();
    Ok(Position { number: position.number.or(after), ..position })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str, last: Option<&str>) -> Result<Topics, Error> {
        let values = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let id = last.map(|id| ("last-event-id".parse().unwrap(), id.parse().unwrap()));
        Topics::parse(&values, &HeaderMap::from_iter(id))
    }

    #[test]
    fn topics_are_temperatures_and_alarms_in_any_order() {
        let topics = |query| {
            let it = parse(query, None).unwrap();
            (it.temps, it.plant, it.alarms)
        };
        assert_eq!(topics(""), (true, None, false));
        assert_eq!(topics("topics=temps"), (true, None, false));
        assert_eq!(topics("topics=alarms"), (false, None, true));
        assert_eq!(topics("topics=temps:Plant1,alarms"), (true, Some("Plant1".into()), true));
        assert_eq!(topics("topics=alarms,temps"), (true, None, true));
        for wrong in ["alarms,alarms", "temps,temps:Plant1", "", "alarms:1", "temps,", "x"] {
            let refused = parse(&format!("topics={wrong}"), None).unwrap_err();
            assert_eq!(refused.code, "unknown_topic", "{wrong}");
        }
    }

    #[test]
    fn the_last_event_has_precedence_over_the_parameter() {
        let position = |query, last| parse(query, last).unwrap().position;
        let expected = |frame: &str, number| Position { frame: frame.into(), number };
        assert_eq!(position("after=7", None), expected("", Some(7)));
        assert_eq!(position("after=7", Some("b-1~9")), expected("b-1", Some(9)));
        assert_eq!(position("after=7", Some("b-1")), expected("b-1", Some(7)));
        assert_eq!(position("", Some("b-1")), expected("b-1", None));
        assert!(parse("after=x", None).is_err() && parse("hz=26", None).is_err());
    }
}
