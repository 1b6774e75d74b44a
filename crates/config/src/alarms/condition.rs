//! The conditions of rules, by kind.

use super::References;
use super::rule::RuleKind;
use super::suppression::{every, statement};
use super::value::{self, choice, limit};
use crate::diagnostic::did_you_mean;
use crate::toml_reader::TomlReader;
use plant::alarm::{
    Comparison, Condition, CountCondition, DataCondition, DataKind, Direction, Glob, GroupBy,
    KpiCondition, KpiLevel, KpiPeriod, SqlCondition,
};

pub(crate) const GROUPS: [&str; 3] = ["component", "lane", "plant"];
pub(crate) const LEVELS: [&str; 3] = ["unit", "line", "plant"];
pub(crate) const PERIODS: [&str; 3] = ["hour", "shift", "day"];

/// Sensors that a median needs to be meaningful.
const MIN_SENSORS: u64 = 3;
/// Window of a rate.
const RATE_WINDOW_US: i64 = 300_000_000;
/// From a share to percent.
const PERCENT: f64 = 100.0;

/// The condition of a rule; `None` if it has mistakes, which are noted.
pub fn read(
    reader: &mut TomlReader<'_, '_>,
    kind: RuleKind,
    plant: &References<'_>,
) -> Option<Condition> {
    let limit_c = plant.temperature.limit_c;
    let silent_s = plant.temperature.sensor_silent_s;
    match kind {
        RuleKind::Temperature => {
            let (sensors, comparison) = (value::sensors(reader), comparison(reader, limit_c));
            Some(Condition::Temperature { sensors: sensors?, comparison: comparison? })
        }
        RuleKind::Rate => {
            let (sensors, comparison) = (value::sensors(reader), comparison(reader, limit_c));
            let window_us = value::duration(reader, "window").unwrap_or(RATE_WINDOW_US);
            Some(Condition::Rate { sensors: sensors?, comparison: comparison?, window_us })
        }
        RuleKind::Deviation => {
            let (sensors, comparison) = (value::sensors(reader), comparison(reader, limit_c));
            let min_sensors = reader.number("min_sensors").unwrap_or(MIN_SENSORS);
            let min_sensors = u32::try_from(min_sensors).ok()?;
            Some(Condition::Deviation { sensors: sensors?, comparison: comparison?, min_sensors })
        }
        RuleKind::Anomaly => {
            let (sensors, comparison) = (value::sensors(reader), comparison(reader, limit_c));
            Some(Condition::Anomaly { sensors: sensors?, comparison: comparison? })
        }
        RuleKind::Count => count(reader, limit_c),
        RuleKind::Silent | RuleKind::Stuck => {
            let sensors = value::sensors(reader);
            let after_us = value::waiting_time(reader, "after", silent_s)?;
            let sensors = sensors?;
            Some(match kind {
                RuleKind::Silent => Condition::Silent { sensors, after_us },
                _ => Condition::Stuck { sensors, after_us },
            })
        }
        RuleKind::Kpi => kpi(reader, plant),
        RuleKind::Sql => sql(reader, limit_c),
        RuleKind::Data(kind) => data(reader, kind, limit_c),
    }
}

fn count(reader: &mut TomlReader<'_, '_>, limit_c: f64) -> Option<Condition> {
    let sensors = value::sensors(reader);
    let groups = GroupBy::ALL.map(|group| (group.as_str(), group));
    let group_by = choice(reader, "group_by", groups, Some(GroupBy::Component));
    if !reader.has("above") {
        reader.required("above", "Write degrees Celsius, or \"temperature.limit_c\".");
    }
    let above_c = limit(reader, "above", limit_c);
    let window_us = value::positive_duration(reader, "window");
    let more_than = reader.number("more_than");
    if !reader.has("more_than") {
        reader.required("more_than", "Write the number of sensors that is still accepted.");
    }
    Some(Condition::Count(CountCondition {
        sensors: sensors?,
        group_by: group_by?,
        above_c: above_c?,
        window_us: window_us?,
        more_than: u32::try_from(more_than?).ok()?,
    }))
}

fn kpi(reader: &mut TomlReader<'_, '_>, plant: &References<'_>) -> Option<Condition> {
    let name = reader.required("kpi", "Name a KPI of kpis.toml.");
    let known: Vec<&str> = plant.kpis.iter().map(|kpi| kpi.name.as_str()).collect();
    let found = plant.kpis.iter().find(|kpi| Some(&kpi.name) == name.as_ref());
    if let Some(name) = name.filter(|_| found.is_none()) {
        reader.note("kpi", format!("unknown KPI `{name}`"), did_you_mean(&name, &known));
    }
    let levels = KpiLevel::ALL.map(|level| (level.as_str(), level));
    let by = choice(reader, "by", levels, Some(KpiLevel::Unit));
    let periods = KpiPeriod::ALL.map(|period| (period.as_str(), period));
    let period = choice(reader, "period", periods, Some(KpiPeriod::Hour));
    let objects = objects(reader);
    let comparison = comparison(reader, plant.temperature.limit_c);
    let every_us = every(reader);
    let (found, comparison) = (found?, comparison?);
    let is_share = found.unit == "%";
    if is_share && comparison.limit > 0.0 && comparison.limit <= 1.0 {
        let percent = comparison.limit * PERCENT;
        let message = format!("the limit of KPI `{}` is {} %", found.name, comparison.limit);
        let remedy = format!("Write percent: {} = {percent}.", comparison.direction.as_str());
        reader.note(comparison.direction.as_str(), message, remedy);
    }
    Some(Condition::Kpi(KpiCondition {
        kpi: found.name.clone(),
        by: by?,
        objects,
        period: period?,
        scale: if is_share { PERCENT } else { 1.0 },
        comparison,
        every_us,
    }))
}

fn sql(reader: &mut TomlReader<'_, '_>, limit_c: f64) -> Option<Condition> {
    let statement = statement(reader);
    let object = reader.text("object").unwrap_or_else(|| "object".to_owned());
    let value = reader.text("value").unwrap_or_else(|| "value".to_owned());
    let comparison = comparison(reader, limit_c);
    let comparison = comparison?;
    Some(Condition::Sql(SqlCondition { statement: statement?, object, value, comparison }))
}

fn data(reader: &mut TomlReader<'_, '_>, kind: DataKind, limit_c: f64) -> Option<Condition> {
    let objects = objects(reader);
    let comparison = comparison(reader, limit_c);
    let every_us = every(reader);
    Some(Condition::Data(DataCondition { kind, objects, comparison: comparison?, every_us }))
}

fn objects(reader: &mut TomlReader<'_, '_>) -> Glob {
    reader.text("objects").map_or_else(Glob::any, |text| Glob::new(&text))
}

/// One of `above` and `below`, with `deadband`.
fn comparison(reader: &mut TomlReader<'_, '_>, limit_c: f64) -> Option<Comparison> {
    let above = limit(reader, "above", limit_c);
    let below = limit(reader, "below", limit_c);
    let deadband = reader.decimal("deadband").unwrap_or(0.0);
    if !(deadband.is_finite() && deadband >= 0.0) {
        reader.note("deadband", "invalid deadband", "Write a number of at least 0.");
    }
    let remedy = "Write above = NUMBER or below = NUMBER.";
    if reader.has("above") == reader.has("below") {
        let message = "expected one limit: `above` or `below`";
        reader.note("below", message, remedy);
        return None;
    }
    let (direction, limit) = match (above, below) {
        (Some(limit), _) => (Direction::Above, limit),
        (None, limit) => (Direction::Below, limit?),
    };
    let comparison = Comparison { direction, limit, deadband };
    check_deadband(reader, &comparison);
    Some(comparison)
}

/// Notes a limit that is smaller than its deadband: the alarm would return only at a value on the other
/// side of 0.
fn check_deadband(reader: &TomlReader<'_, '_>, comparison: &Comparison) {
    let Comparison { limit, deadband, direction } = *comparison;
    let signed = if direction == Direction::Above { limit } else { -limit };
    if signed > 0.0 && deadband > signed {
        let message = format!("the limit {limit} is below its deadband {deadband}");
        let remedy =
            format!("Write a deadband of at most {signed}, usually 1 to 5 % of the limit.");
        reader.note("deadband", message, remedy);
    }
}
