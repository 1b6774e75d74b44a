//! What the reader of a payload needs of earlier messages. It is a header of the message in bronze.

use serde::{Deserialize, Serialize};

/// Name of the header.
pub const HEADER: &str = "sparkplug";

/// What the reader of a payload needs of earlier messages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BirthContext {
    /// For each metric of data its name and data type, `None` if the birth does not have it. `None` as a whole before
    /// the birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Vec<Option<(String, u32)>>>,
    /// The metrics that a death ends. `None` before the birth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Vec<EndedMetric>>,
    /// The sequence number does not follow the one before, or is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<SequenceGap>,
    /// The broker sent the message again, so that its sequence number may be an old one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_again: bool,
    /// A death that does not end the current session of its edge node.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_of_other_session: bool,
    /// A birth that has more metrics than are remembered.
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_too_many: bool,
}

/// A metric that a death ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedMetric {
    /// `None` for a metric of the edge node itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<u64>,
    pub data_type: u32,
}

/// Numbers are missing between two messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceGap {
    /// The number that follows the one before; `None` if that is not known.
    pub expected: Option<u8>,
}

impl BirthContext {
    /// The value of the header; `None` if there is nothing to store.
    pub fn to_text(&self) -> Option<String> {
        // Serializing plain values cannot fail.
        (*self != Self::default()).then(|| serde_json::to_string(self).unwrap_or_default())
    }

    /// The context in the value of a header. A message that landed without it is read as one before the birth.
    pub fn from_text(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }
}

fn is_false(flag: &bool) -> bool {
    !flag
}
