//! Conditions: what is measured, and which values of it are abnormal.

use super::Statement;
use crate::alarm::{Comparison, Glob, SensorPattern};

/// The condition of a rule. Temperatures are in degrees Celsius, durations in microseconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// The latest temperature of a sensor.
    Temperature { sensors: SensorPattern, comparison: Comparison },
    /// The slope of a sensor's readings in the window, in degC per minute (least squares).
    Rate { sensors: SensorPattern, comparison: Comparison, window_us: i64 },
    /// The latest temperature of a sensor minus the median of the latest temperatures of all sensors
    /// of its component in its plant, its own included; evaluated if there are at least `min_sensors`.
    Deviation { sensors: SensorPattern, comparison: Comparison, min_sensors: u32 },
    /// Number of sensors with a reading above a temperature.
    Count(CountCondition),
    /// Time without a reading of a sensor that has sent one before.
    Silent { sensors: SensorPattern, after_us: i64 },
    /// Time with exactly the same temperature in all readings of a sensor.
    Stuck { sensors: SensorPattern, after_us: i64 },
    /// Score of the anomaly detector for a sensor.
    Anomaly { sensors: SensorPattern, comparison: Comparison },
    /// A KPI of `kpis.toml`.
    Kpi(KpiCondition),
    /// A value of each row of a statement over the lake.
    Sql(SqlCondition),
    /// The flow of data itself.
    Data(DataCondition),
}

/// More than `more_than` sensors of a group had a reading above `above_c` within the window.
#[derive(Debug, Clone, PartialEq)]
pub struct CountCondition {
    pub sensors: SensorPattern,
    pub group_by: GroupBy,
    pub above_c: f64,
    pub window_us: i64,
    pub more_than: u32,
}

/// How sensors are grouped; the object of the alarm is named in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupBy {
    /// Plant and component (`Plant1/solder_paste_printer`).
    Component,
    /// Plant and lane (`Plant1.4`).
    Lane,
    /// Plant (`Plant1`).
    Plant,
}

impl GroupBy {
    /// All groupings.
    pub const ALL: [Self; 3] = [Self::Component, Self::Lane, Self::Plant];

    /// The name in `alarms.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Component => "component",
            Self::Lane => "lane",
            Self::Plant => "plant",
        }
    }

    /// The object that the sensor belongs to.
    pub fn object(self, sensor: &crate::reading::SensorId) -> String {
        match self {
            Self::Component => format!("{}/{}", sensor.plant, sensor.component),
            Self::Lane => format!("{}.{}", sensor.plant, sensor.lane),
            Self::Plant => sensor.plant.clone(),
        }
    }
}

/// The figure of a KPI in its newest complete period, for each unit or line. An unknown figure
/// changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct KpiCondition {
    /// Name in `kpis.toml`.
    pub kpi: String,
    /// `unit`, `line` or `plant`.
    pub by: KpiLevel,
    /// Names of units or lines that the rule applies to.
    pub objects: Glob,
    pub period: KpiPeriod,
    /// Factor from the figure to the value that is compared: 100 for a share, whose limit is in
    /// percent, otherwise 1.
    pub scale: f64,
    pub comparison: Comparison,
    pub every_us: i64,
}

/// Level of equipment of a KPI; the object of the alarm is the name of the unit or line, or `plant`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KpiLevel {
    Unit,
    Line,
    Plant,
}

impl KpiLevel {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::Unit, Self::Line, Self::Plant];

    /// The name in `alarms.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Line => "line",
            Self::Plant => "plant",
        }
    }
}

/// Period of a KPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KpiPeriod {
    Hour,
    Shift,
    Day,
}

impl KpiPeriod {
    /// All periods.
    pub const ALL: [Self; 3] = [Self::Hour, Self::Shift, Self::Day];

    /// The name in `alarms.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Shift => "shift",
            Self::Day => "day",
        }
    }
}

/// Rows of a statement. An object that is not in the result does not meet the condition; a value of
/// NULL changes nothing.
#[derive(Debug, Clone, PartialEq)]
pub struct SqlCondition {
    pub statement: Statement,
    /// Column with the name of the object; unique in the result.
    pub object: String,
    /// Numeric column that is compared.
    pub value: String,
    pub comparison: Comparison,
}

/// A condition on the flow of data.
#[derive(Debug, Clone, PartialEq)]
pub struct DataCondition {
    pub kind: DataKind,
    /// Objects that the rule applies to: tables of contracts (`production`), partitions
    /// (`topic/0`), or `lake` for its disk.
    pub objects: Glob,
    pub comparison: Comparison,
    pub every_us: i64,
}

/// What of the flow of data is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DataKind {
    /// Hours since the newest dump of a table landed.
    DumpLate,
    /// Columns that the newest dump of a table has more or fewer than the one before.
    ColumnsChanged,
    /// Share of the records of the newest dump of a table that were rejected, in percent.
    RejectedShare,
    /// Messages of a partition that are not yet consumed.
    ConsumerLag,
    /// Offsets of a partition that the broker deleted before they were consumed.
    ExpiredOffsets,
    /// Records of a table that reconciliation cannot account for.
    RowBalance,
    /// Free space of the disk of the lake, in percent.
    DiskFree,
}

impl DataKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::DumpLate,
        Self::ColumnsChanged,
        Self::RejectedShare,
        Self::ConsumerLag,
        Self::ExpiredOffsets,
        Self::RowBalance,
        Self::DiskFree,
    ];

    /// The name in `alarms.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DumpLate => "dump_late",
            Self::ColumnsChanged => "columns_changed",
            Self::RejectedShare => "rejected_share",
            Self::ConsumerLag => "consumer_lag",
            Self::ExpiredOffsets => "expired_offsets",
            Self::RowBalance => "row_balance",
            Self::DiskFree => "disk_free",
        }
    }

    /// Unit of the value.
    pub fn unit(self) -> &'static str {
        match self {
            Self::DumpLate => "h",
            Self::RejectedShare | Self::DiskFree => "%",
            Self::ColumnsChanged | Self::ConsumerLag | Self::ExpiredOffsets | Self::RowBalance => {
                ""
            }
        }
    }
}

impl Condition {
    /// The key of the condition in `alarms.toml`, and its kind in the HTTP interface.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Temperature { .. } => "temperature",
            Self::Rate { .. } => "rate",
            Self::Deviation { .. } => "deviation",
            Self::Count(_) => "count",
            Self::Silent { .. } => "silent",
            Self::Stuck { .. } => "stuck",
            Self::Anomaly { .. } => "anomaly",
            Self::Kpi(_) => "kpi",
            Self::Sql(_) => "sql",
            Self::Data(_) => "data",
        }
    }

    /// The comparison of conditions that compare a value; the others count or wait.
    pub fn comparison(&self) -> Option<&Comparison> {
        match self {
            Self::Temperature { comparison, .. }
            | Self::Rate { comparison, .. }
            | Self::Deviation { comparison, .. }
            | Self::Anomaly { comparison, .. } => Some(comparison),
            Self::Kpi(kpi) => Some(&kpi.comparison),
            Self::Sql(sql) => Some(&sql.comparison),
            Self::Data(data) => Some(&data.comparison),
            Self::Count(_) | Self::Silent { .. } | Self::Stuck { .. } => None,
        }
    }

    /// The limit that the journal shows beside the value: of waiting conditions in seconds, of
    /// counts the number that is still accepted.
    pub fn limit(&self) -> f64 {
        match self {
            Self::Silent { after_us, .. } | Self::Stuck { after_us, .. } => *after_us as f64 / 1e6,
            Self::Count(count) => f64::from(count.more_than),
            _ => self.comparison().map_or(0.0, |comparison| comparison.limit),
        }
    }

    /// The sensors of conditions on single sensors or groups of them.
    pub fn sensors(&self) -> Option<&SensorPattern> {
        match self {
            Self::Temperature { sensors, .. }
            | Self::Rate { sensors, .. }
            | Self::Deviation { sensors, .. }
            | Self::Silent { sensors, .. }
            | Self::Stuck { sensors, .. }
            | Self::Anomaly { sensors, .. } => Some(sensors),
            Self::Count(count) => Some(&count.sensors),
            Self::Kpi(_) | Self::Sql(_) | Self::Data(_) => None,
        }
    }

    /// Unit of the value if the rule states none; `None` for KPIs and statements, whose unit is not
    /// known here.
    pub fn usual_unit(&self) -> Option<&'static str> {
        match self {
            Self::Temperature { .. } | Self::Deviation { .. } => Some("degC"),
            Self::Rate { .. } => Some("degC/min"),
            Self::Silent { .. } | Self::Stuck { .. } => Some("s"),
            Self::Count(_) | Self::Anomaly { .. } => Some(""),
            Self::Data(data) => Some(data.kind.unit()),
            Self::Kpi(_) | Self::Sql(_) => None,
        }
    }
}
