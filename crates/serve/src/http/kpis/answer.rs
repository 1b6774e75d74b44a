//! KPIs as the interface returns them.

use chrono::NaiveDate;
use config::kpi::Kpi;
use lake::kpi::{
    Cause, Dimensions, Figure, FigureDifference, FigureStatus, Granularity, Level, Row,
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The level of the equipment that is summed to.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = By)]
pub enum KpiBy {
    Unit,
    Line,
    Plant,
}

impl From<Level> for KpiBy {
    fn from(level: Level) -> Self {
        match level {
            Level::Unit => Self::Unit,
            Level::Line => Self::Line,
            Level::Plant => Self::Plant,
        }
    }
}

/// The periods that are summed over.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Each)]
pub enum KpiEach {
    /// An hour of the plant's clock, separately for each shift in it.
    Hour,
    /// A shift of a production day.
    Shift,
    /// A production day.
    Day,
    /// The whole query.
    Range,
}

impl From<Granularity> for KpiEach {
    fn from(granularity: Granularity) -> Self {
        match granularity {
            Granularity::Hour => Self::Hour,
            Granularity::Shift => Self::Shift,
            Granularity::Day => Self::Day,
            Granularity::Range => Self::Range,
        }
    }
}

/// The subject of a row; dimensions that were summed over are null.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Place)]
pub struct KpiDimensions {
    #[schema(value_type = Option<String>, format = Date)]
    production_day: Option<NaiveDate>,
    /// The day of an hour.
    #[schema(value_type = Option<String>, format = Date)]
    day_local: Option<NaiveDate>,
    /// Hour of the plant's clock, 0 to 23.
    hour_local: Option<u32>,
    /// Null also for time outside every shift.
    shift: Option<String>,
    line: Option<String>,
    unit: Option<String>,
}

impl From<Dimensions> for KpiDimensions {
    fn from(dimensions: Dimensions) -> Self {
        let Dimensions { production_day, day_local, hour_local, shift, line, unit } = dimensions;
        Self { production_day, day_local, hour_local, shift, line, unit }
    }
}

/// The status of a figure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = Standing)]
pub enum KpiStatus {
    /// Its production day was not over when the newest dump landed.
    Provisional,
    /// A dump landed after its production day was over, and none has changed it since.
    Certified,
    /// A dump changed it after it was certified; `meta.restatements` has the old and the new value.
    Restated,
}

impl From<FigureStatus> for KpiStatus {
    fn from(status: FigureStatus) -> Self {
        match status {
            FigureStatus::Provisional => Self::Provisional,
            FigureStatus::Certified => Self::Certified,
            FigureStatus::Restated => Self::Restated,
        }
    }
}

/// The figure of a KPI.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Figure)]
pub struct KpiFigure {
    /// Numerator divided by denominator; null if the denominator is 0 or the figure is unknown.
    value: Option<f64>,
    /// Lower bound, if something is unknown.
    low: Option<f64>,
    /// Upper bound, if something is unknown.
    high: Option<f64>,
    numerator: Option<f64>,
    denominator: Option<f64>,
    /// Why the figure is unknown.
    unknown: Option<String>,
    /// What a denominator of 0 means, if the figure is not unknown for another reason.
    none: Option<String>,
    /// The difference from the corresponding KPI of another set, if both are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    difference: Option<KpiDifference>,
}

impl From<Figure> for KpiFigure {
    fn from(figure: Figure) -> Self {
        Self {
            value: figure.value,
            low: figure.low,
            high: figure.high,
            numerator: figure.numerator,
            denominator: figure.denominator,
            unknown: figure.unknown,
            none: figure.none,
            difference: figure.difference.map(KpiDifference::from),
        }
    }
}

/// The difference of a KPI from the corresponding one of another set.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Difference)]
pub struct KpiDifference {
    /// The KPI of the other set.
    against: String,
    /// Its value.
    other: f64,
    /// This value minus the other one: the sum of the causes.
    value: f64,
    causes: Vec<KpiCause>,
}

impl From<FigureDifference> for KpiDifference {
    fn from(difference: FigureDifference) -> Self {
        let FigureDifference { against, other, value, causes } = difference;
        Self { against, other, value, causes: causes.into_iter().map(KpiCause::from).collect() }
    }
}

/// What the other set counts differently.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Cause)]
pub struct KpiCause {
    say: String,
    /// Its share of the difference.
    share: f64,
}

impl From<Cause> for KpiCause {
    fn from(Cause { say, share }: Cause) -> Self {
        Self { say, share }
    }
}

/// The figures of one combination of dimensions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Row)]
pub struct KpiRow {
    #[serde(flatten)]
    dimensions: KpiDimensions,
    standing: KpiStatus,
    /// By the name of the KPI.
    kpis: BTreeMap<String, KpiFigure>,
}

impl From<Row> for KpiRow {
    fn from(Row { dimensions, status, kpis }: Row) -> Self {
        let kpis = kpis.into_iter().map(|(name, figure)| (name, KpiFigure::from(figure)));
        Self { dimensions: dimensions.into(), standing: status.into(), kpis: kpis.collect() }
    }
}

/// The definition of a KPI.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Definition)]
pub struct KpiDefinition {
    name: String,
    title: String,
    /// The standard that defines it.
    set_name: String,
    table_name: String,
    formula: String,
    /// SQL over the sums of the table's columns.
    numerator: String,
    denominator: String,
    /// `%` for shares, whose values go from 0 to 1.
    unit: String,
    /// `higher` or `lower`.
    better: String,
    source: String,
    caveat: String,
}

impl From<&Kpi> for KpiDefinition {
    fn from(kpi: &Kpi) -> Self {
        let definition = lake::kpi::definition::KpiDefinition::from_kpi(kpi);
        Self {
            name: definition.name,
            title: definition.title,
            set_name: definition.set_name,
            table_name: definition.table_name,
            formula: definition.formula,
            numerator: definition.numerator,
            denominator: definition.denominator,
            unit: definition.unit,
            better: definition.better,
            source: definition.source,
            caveat: definition.caveat,
        }
    }
}
