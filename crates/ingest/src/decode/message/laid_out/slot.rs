//! Where the text of a column comes from.

use plant::contract::{Column, Origin};
use plant::mqtt_source::MqttSource;

/// Begins the header of a column that is a field of the key; the path of the field follows.
pub const KEY_FIELD: &str = "$.";

/// Where the text of a column comes from.
#[derive(Debug)]
pub enum Slot {
    /// The next field of the record.
    Record,
    /// The field of the envelope at this path, the column at this position.
    Envelope(usize, String),
    /// The group of this name of the topic's regular expression, or the whole name of the topic.
    Topic(String),
    /// The level of this name of the topic, which is the key of a message of MQTT.
    Level(String),
    /// The whole key.
    Key,
    /// The next field of the key.
    KeyField,
    /// The header of this key.
    Header(String),
    Partition,
    Offset,
}

impl Slot {
    /// The slot of the column at position `at`.
    pub fn new(at: usize, column: &Column, mqtt: Option<&MqttSource>) -> Self {
        match (column.origin, mqtt) {
            (Origin::Topic, Some(mqtt)) if mqtt.has_level(&column.header) => {
                Self::Level(column.header.clone())
            }
            (Origin::Topic, Some(_)) => Self::Key,
            (origin, _) => Self::from_origin(at, column, origin),
        }
    }

    fn from_origin(at: usize, column: &Column, origin: Origin) -> Self {
        match origin {
            Origin::Record | Origin::Path => Self::Record,
            Origin::Envelope => Self::Envelope(at, column.header.clone()),
            Origin::Topic => Self::Topic(column.header.clone()),
            Origin::Key if column.header.starts_with(KEY_FIELD) => Self::KeyField,
            Origin::Key => Self::Key,
            Origin::Header => Self::Header(column.header.clone()),
            Origin::Partition => Self::Partition,
            Origin::Offset => Self::Offset,
        }
    }
}
