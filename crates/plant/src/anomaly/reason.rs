//! The reason of a score, as a sentence.

use std::fmt;

/// The reason of a score. Numbers are in the unit of the readings, seconds and minutes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Reason {
    /// The reading differs from its forecast.
    Jump { by: f64, usual: f64 },
    /// The readings scatter.
    Noise { mean: f64, usual: f64 },
    /// The level changes.
    Rate { per_min: f64, usual: f64 },
    /// The level differs from that of the last hours, or from that of this time of day.
    Level { by: f64, usual: f64, is_daily: bool },
    /// The reading stays the same.
    Stuck { at: f64, for_s: f64 },
    /// No reading arrives.
    Silence { for_s: f64, usual_s: f64 },
    /// The level differs from that of like sensors.
    Sisters { by: f64, usual: f64 },
    /// The level changes against that of like sensors.
    SistersRate { per_min: f64, usual: f64 },
}

impl Reason {
    /// The sentence, with the unit of the readings.
    pub const fn with_unit<'a>(&'a self, unit: &'a str) -> impl fmt::Display + 'a {
        WithUnit { reason: self, unit }
    }
}

/// The sentence for temperatures.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.with_unit("degC"))
    }
}

struct WithUnit<'a> {
    reason: &'a Reason,
    unit: &'a str,
}

impl fmt::Display for WithUnit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = self.unit;
        match *self.reason {
            Reason::Jump { by, usual } => {
                let (way, by, usual) = (way(by, "up", "down"), number(by), number(usual));
                write!(f, "jumped {way} by {by} {unit}, usually at most {usual}")
            }
            Reason::Noise { mean, usual } => {
                let (mean, usual) = (number(mean), number(usual));
                write!(f, "scatters by {mean} {unit}, usually at most {usual}")
            }
            Reason::Rate { per_min, usual } => {
                let way = way(per_min, "rises", "falls");
                let (rate, usual) = (number(per_min), number(usual));
                write!(f, "{way} {rate} {unit}/min, usually at most {usual}")
            }
            Reason::Level { by, usual, is_daily } => {
                let than = if is_daily { "usual at this time of day" } else { "in the last hours" };
                let (way, by, usual) = (way(by, "higher", "lower"), number(by), number(usual));
                write!(f, "{by} {unit} {way} than {than}, usually at most {usual}")
            }
            Reason::Stuck { at, for_s } => {
                write!(f, "stuck at {at} {unit} for {}", Duration(for_s))
            }
            Reason::Silence { for_s, usual_s } => {
                let (silent, usual) = (Duration(for_s), Duration(usual_s));
                write!(f, "no reading for {silent}, usually at most {usual}")
            }
            Reason::Sisters { by, usual } => {
                let (way, by, usual) = (way(by, "higher", "lower"), number(by), number(usual));
                write!(f, "{by} {unit} {way} than like sensors, usually at most {usual}")
            }
            Reason::SistersRate { per_min, usual } => {
                let way = way(per_min, "rises", "falls");
                let (rate, usual) = (number(per_min), number(usual));
                write!(f, "{way} {rate} {unit}/min against like sensors, usually at most {usual}")
            }
        }
    }
}

const fn way<'a>(by: f64, up: &'a str, down: &'a str) -> &'a str {
    if by < 0.0 { down } else { up }
}

/// A magnitude with two significant digits, or without decimals from 10 on.
fn number(value: f64) -> String {
    let value = value.abs();
    match value {
        _ if value >= 10.0 => format!("{value:.0}"),
        _ if value >= 1.0 => format!("{value:.1}"),
        _ if value >= 0.1 => format!("{value:.2}").trim_end_matches('0').to_owned(),
        _ => format!("{value:.1e}").replace("e0", ""),
    }
}

/// A duration in seconds, in a unit that people use.
struct Duration(f64);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            seconds if seconds < 120.0 => write!(f, "{seconds:.0} s"),
            seconds if seconds < 7200.0 => write!(f, "{:.0} min", seconds / 60.0),
            seconds => write!(f, "{:.1} h", seconds / 3600.0),
        }
    }
}
