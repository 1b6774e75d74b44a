//! The alarm that an address names.

use super::not_found;
use crate::http::error::Error;
use plant::alarm::AlarmKey;
use std::fmt;
use watch::Alarms;

/// The number of an occurrence of an alarm, or `rule/object` for the current one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AlarmRef {
    Id(i64),
    Key(AlarmKey),
}

impl AlarmRef {
    /// The alarm of a segment of a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Id(number));
        }
        AlarmKey::parse(text).map(Self::Key).ok_or_else(not_found)
    }

    /// The alarm, also a past one. May wait for the disk.
    pub fn find(&self, alarms: &Alarms) -> Result<Option<watch::Alarm>, watch::Error> {
        match self {
            Self::Id(number) => alarms.get(*number),
            Self::Key(key) => Ok(alarms.current(key)),
        }
    }
}

impl fmt::Display for AlarmRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(number) => write!(f, "{number}"),
            Self::Key(key) => write!(f, "{key}"),
        }
    }
}
