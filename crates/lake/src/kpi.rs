//! KPIs, computed from their definitions in `kpis.toml`.
//!
//! In: the definitions, and the gold tables they sum.
//! Out: figures with numerator, denominator, bounds and status.
//! Promise: columns are summed first and divided last, so figures of any level and granularity agree; what is
//! not known is reported as unknown.

pub mod definition;
pub mod figures;
pub mod statement;
mod status;

use chrono::NaiveDate;
use serde::Serialize;
use std::collections::BTreeMap;
use std::str::FromStr;

/// Which sums are requested.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KpiQuery {
    pub level: Level,
    pub granularity: Granularity,
    /// First production day.
    pub from: Option<NaiveDate>,
    /// Last production day.
    pub to: Option<NaiveDate>,
    pub unit: Option<String>,
    pub line: Option<String>,
    pub shift: Option<String>,
}

/// The level of the equipment that is summed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Level {
    #[default]
    Unit,
    Line,
    Plant,
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "unit" => Ok(Self::Unit),
            "line" => Ok(Self::Line),
            "plant" => Ok(Self::Plant),
            _ => Err(format!("invalid level `{text}`: expected unit, line or plant")),
        }
    }
}

/// The periods that are summed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Granularity {
    /// An hour of the plant's clock, separately for each shift in it.
    Hour,
    /// A shift of a production day.
    #[default]
    Shift,
    /// A production day.
    Day,
    /// The whole query.
    Range,
}

impl FromStr for Granularity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "hour" => Ok(Self::Hour),
            "shift" => Ok(Self::Shift),
            "day" => Ok(Self::Day),
            "range" => Ok(Self::Range),
            _ => Err(format!("invalid granularity `{text}`: expected hour, shift, day or range")),
        }
    }
}

/// The subject of a row; dimensions that were summed over are `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Dimensions {
    pub production_day: Option<NaiveDate>,
    /// The day of an hour.
    pub day_local: Option<NaiveDate>,
    /// Hour of the plant's clock, 0 to 23.
    pub hour_local: Option<u32>,
    /// `None` also for time outside every shift.
    pub shift: Option<String>,
    pub line: Option<String>,
    pub unit: Option<String>,
}

/// The figure of a KPI.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figure {
    /// Numerator divided by denominator; `None` if the denominator is 0 or the figure is unknown.
    pub value: Option<f64>,
    /// Lower bound, if something is unknown.
    pub low: Option<f64>,
    /// Upper bound, if something is unknown.
    pub high: Option<f64>,
    pub numerator: Option<f64>,
    pub denominator: Option<f64>,
    /// Why the figure is unknown.
    pub unknown: Option<String>,
    /// What a denominator of 0 means, if the figure is not unknown for another reason.
    pub none: Option<String>,
    /// The difference from the corresponding KPI of another set, if both are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difference: Option<FigureDifference>,
}

/// The difference of a KPI from the corresponding one of another set.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FigureDifference {
    /// The KPI of the other set.
    pub against: String,
    /// Its value.
    pub other: f64,
    /// This value minus the other one: the sum of the causes.
    pub value: f64,
    pub causes: Vec<Cause>,
}

/// What the other set counts differently.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cause {
    pub say: String,
    /// Its share of the difference.
    pub share: f64,
}

/// The figures of one combination of dimensions.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub dimensions: Dimensions,
    pub status: FigureStatus,
    /// By the name of the KPI.
    pub kpis: BTreeMap<String, Figure>,
}

/// The status of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FigureStatus {
    /// Its production day was not over when the newest dump landed.
    Provisional,
    /// A dump landed after its production day was over, and none has changed it since.
    Certified,
    /// A dump changed it after it was certified; `meta.restatements` has the old and the new value.
    Restated,
}

impl FigureStatus {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Provisional => "provisional",
            Self::Certified => "certified",
            Self::Restated => "restated",
        }
    }
}
