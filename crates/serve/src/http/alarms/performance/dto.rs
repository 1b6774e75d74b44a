//! The JSON of the performance of the alarm system.

use crate::http::alarms::list::ByPriority;
use serde::Serialize;
use utoipa::ToSchema;

/// Figures of the alarms that the caller sees. Only annunciations count: alarms raised, and alarms raised
/// again because their shelving expired. Shares are from 0 to 1.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmPerformance {
    #[schema(format = DateTime)]
    pub from: String,
    #[schema(format = DateTime)]
    pub to: String,
    /// Operator positions that share the alarms.
    pub positions: usize,
    pub annunciations: usize,
    /// Mean per position.
    pub per_hour: f64,
    /// Mean per position.
    pub per_10_min: f64,
    /// Most annunciations of all positions in ten minutes.
    pub max_10_min: usize,
    /// Share of hours with more than 30 annunciations per position.
    pub hours_above_30_share: f64,
    /// Share of time in floods.
    pub flood_time_share: f64,
    pub floods: Vec<FloodPeriod>,
    /// Alarms annunciated at least 3 times in 60 s, the worst first.
    pub chattering: Vec<AlarmTimes>,
    /// Alarms whose condition ended within 10 s, chattering aside, the worst first.
    pub fleeting: Vec<AlarmTimes>,
    /// Alarms annunciated for more than 24 h, the oldest first.
    pub stale: Vec<StaleAlarm>,
    /// The ten most frequent alarms.
    pub top: Vec<AlarmShare>,
    /// Annunciations by priority.
    pub by_priority: ByPriority,
    pub acknowledge_s: AcknowledgeTimes,
    /// Figures beside the targets of ANSI/ISA-18.2-2016, clause 16.5.
    pub figures: Vec<AlarmFigure>,
    /// Annunciations of each ten minutes in which there are some.
    pub buckets: Vec<LoadBucket>,
}

/// A flood: more than 10 alarms in ten minutes, until fewer than 5.
#[derive(Debug, Serialize, ToSchema)]
pub struct FloodPeriod {
    #[schema(format = DateTime)]
    pub from: String,
    #[schema(format = DateTime)]
    pub to: String,
    pub annunciations: usize,
    /// The first alarm of the ten minutes in which it began.
    pub first: Option<NamedAlarm>,
}

/// An alarm of a figure.
#[derive(Debug, Serialize, ToSchema)]
pub struct NamedAlarm {
    pub id: i64,
    pub rule: String,
    pub object: String,
    pub text: String,
    #[schema(minimum = 1, maximum = 4)]
    pub priority: u8,
}

/// An alarm that was annunciated several times.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmTimes {
    pub rule: String,
    pub object: String,
    pub times: usize,
}

/// A frequent alarm.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmShare {
    pub rule: String,
    pub object: String,
    pub annunciations: usize,
    /// Share of all annunciations.
    pub share: f64,
}

/// An alarm that has been annunciated for long.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaleAlarm {
    #[serde(flatten)]
    pub alarm: NamedAlarm,
    #[schema(format = DateTime)]
    pub since_at: String,
}

/// Times from annunciation to acknowledgement.
#[derive(Debug, Serialize, ToSchema)]
pub struct AcknowledgeTimes {
    pub median: Option<f64>,
    /// Nine of ten acknowledgements were at least as fast.
    pub p90: Option<f64>,
    /// Annunciations without acknowledgement.
    pub unacknowledged: usize,
}

/// A figure and its target.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmFigure {
    /// `per_hour`, `per_10_min`, `peak_10_min`, `overloaded_hours_share`, `flood_share`, `top_share`,
    /// `chattering`, `fleeting`, `stale`, `priority_1_share` to `priority_4_share`.
    pub name: &'static str,
    pub value: f64,
    /// What is very likely to be acceptable.
    pub acceptable: f64,
    /// What is manageable at most.
    pub maximum: f64,
    pub is_acceptable: bool,
    pub is_manageable: bool,
}

/// Annunciations of ten minutes.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoadBucket {
    /// Begin of the ten minutes.
    #[schema(format = DateTime)]
    pub at: String,
    pub annunciations: usize,
}
