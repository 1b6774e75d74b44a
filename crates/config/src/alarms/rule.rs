//! `[[rule]]`: one alarm rule.

use super::References;
use super::condition;
use super::suppression::Suppressions;
use super::value::{choice, duration, local_text};
use crate::toml_reader::TomlReader;
use plant::alarm::{Condition, DataKind, KpiLevel, LocalText, Priority, Rule, Shelving, Timing};
use std::collections::BTreeSet;

/// Longest name of a rule.
const NAME_CHARS: usize = 64;
/// Longest time of shelving if the rule states none: a shift.
const SHELVE_MAX_US: i64 = 8 * 3_600_000_000;

/// The kinds of rules in `alarms.toml`.
pub(crate) const KINDS: [&str; 16] = [
    "temperature",
    "rate",
    "deviation",
    "count",
    "silent",
    "stuck",
    "anomaly",
    "kpi",
    "sql",
    "dump_late",
    "columns_changed",
    "rejected_share",
    "consumer_lag",
    "expired_offsets",
    "row_balance",
    "disk_free",
];

/// The kind of a rule, which decides on its further keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleKind {
    Temperature,
    Rate,
    Deviation,
    Count,
    Silent,
    Stuck,
    Anomaly,
    Kpi,
    Sql,
    Data(DataKind),
}

impl RuleKind {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "temperature" => Self::Temperature,
            "rate" => Self::Rate,
            "deviation" => Self::Deviation,
            "count" => Self::Count,
            "silent" => Self::Silent,
            "stuck" => Self::Stuck,
            "anomaly" => Self::Anomaly,
            "kpi" => Self::Kpi,
            "sql" => Self::Sql,
            _ => Self::Data(DataKind::ALL.into_iter().find(|kind| kind.as_str() == name)?),
        })
    }
}

/// What a rule can refer to.
#[derive(Debug)]
pub struct Context<'a> {
    pub plant: &'a References<'a>,
    pub suppressions: &'a Suppressions,
    /// Names of the rules before.
    pub taken: &'a BTreeSet<String>,
}

/// A rule with its name, which is empty if it has none; `None` if it has mistakes, which are noted. The
/// texts are warnings, each with its remedy.
pub fn read(
    mut reader: TomlReader<'_, '_>,
    context: &Context<'_>,
) -> (String, Option<Rule>, Vec<(String, String)>) {
    let name = name(&mut reader, context.taken);
    let own = name.as_deref().unwrap_or_default();
    let suppress_while = context.suppressions.named(&mut reader, own);
    let kinds = KINDS.into_iter().filter_map(|name| Some((name, RuleKind::from_name(name)?)));
    let kind = choice(&mut reader, "kind", kinds, None);
    let condition = kind.and_then(|kind| condition::read(&mut reader, kind, context.plant));
    let texts = Texts::read(&mut reader);
    let priority = priority(&mut reader);
    let owner = reader.required("owner", "Name the role or position that responds.");
    let unit = reader.text("unit");
    let timing = timing(&mut reader);
    let max_us = duration(&mut reader, "shelve_max").unwrap_or(SHELVE_MAX_US);
    let is_enabled = reader.flag("enabled").unwrap_or(true);
    let sound = reader.flag("sound").unwrap_or(false);
    // Without a kind it is not known which further keys are valid.
    if kind.is_some() {
        reader.finish();
    }
    let warnings = condition.iter().filter_map(|it| warning(it, context.plant)).collect();
    let name = name.unwrap_or_default();
    let rule = condition.zip(priority).zip(owner).map(|((condition, priority), owner)| Rule {
        name: name.as_str().into(),
        text: texts.text,
        priority,
        unit: unit.unwrap_or_else(|| unit_of(&condition, context.plant)),
        condition,
        timing,
        shelving: Shelving { max_us, is_allowed: max_us > 0 },
        owner,
        cause: texts.cause,
        response: texts.response,
        consequence: texts.consequence,
        suppress_while,
        is_enabled,
        sound,
    });
    (name, rule, warnings)
}

/// The texts of a rule.
struct Texts {
    text: LocalText,
    cause: LocalText,
    response: LocalText,
    consequence: LocalText,
}

impl Texts {
    fn read(reader: &mut TomlReader<'_, '_>) -> Self {
        for (key, remedy) in [
            ("text", "Write what is wrong."),
            (
                "response",
                "Write what the operator does; a rule without a response is not an alarm.",
            ),
        ] {
            if !reader.has(key) {
                reader.required(key, remedy);
            }
        }
        Self {
            text: local_text(reader, "text").unwrap_or_default(),
            cause: local_text(reader, "cause").unwrap_or_default(),
            response: local_text(reader, "response").unwrap_or_default(),
            consequence: local_text(reader, "consequence").unwrap_or_default(),
        }
    }
}

fn name(reader: &mut TomlReader<'_, '_>, taken: &BTreeSet<String>) -> Option<String> {
    let name = reader.required("name", "Give the rule its name.")?;
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if name.is_empty() || name.len() > NAME_CHARS || !name.bytes().all(is_allowed) {
        let remedy = "Write 1 to 64 letters a to z, digits and _.";
        reader.note("name", format!("invalid name `{name}`"), remedy);
        return None;
    }
    if taken.contains(&name) {
        let message = format!("two rules are named `{name}`");
        reader.note("name", message, "Give one of them another name.");
        return None;
    }
    Some(name)
}

fn priority(reader: &mut TomlReader<'_, '_>) -> Option<Priority> {
    const REMEDY: &str = "Write 1 (critical), 2 (high), 3 (medium) or 4 (low).";
    if !reader.has("priority") {
        reader.required("priority", REMEDY);
        return None;
    }
    let number = reader.number("priority")?;
    let priority = i64::try_from(number).ok().and_then(Priority::from_number);
    if priority.is_none() {
        reader.note("priority", format!("invalid priority {number}"), REMEDY);
    }
    priority
}

fn timing(reader: &mut TomlReader<'_, '_>) -> Timing {
    Timing {
        on_delay_us: duration(reader, "on_delay").unwrap_or(0),
        off_delay_us: duration(reader, "off_delay").unwrap_or(0),
        latching: reader.flag("latching").unwrap_or(false),
    }
}

/// Unit of the value if the rule states none.
fn unit_of(condition: &Condition, plant: &References<'_>) -> String {
    if let Condition::Kpi(condition) = condition {
        let kpi = plant.kpis.iter().find(|kpi| kpi.name == condition.kpi);
        return kpi.map(|kpi| kpi.unit.clone()).unwrap_or_default();
    }
    condition.usual_unit().unwrap_or_default().to_owned()
}

/// A warning about a pattern that matches nothing that is configured, with its remedy.
fn warning(condition: &Condition, plant: &References<'_>) -> Option<(String, String)> {
    let units = &plant.equipment.units;
    if let Some(sensors) = condition.sensors() {
        let mut lanes = units.iter().flat_map(|unit| &unit.lanes).peekable();
        let has_lanes = lanes.peek().is_some();
        let is_matched = lanes.any(|lane| sensors.may_match_lane(lane));
        let message = "the pattern of sensors matches no lane of plant.toml".to_owned();
        let remedy = "Correct the pattern, or add the lane to its unit.".to_owned();
        return (has_lanes && !is_matched).then_some((message, remedy));
    }
    let (objects, names): (_, Vec<&str>) = match condition {
        Condition::Kpi(kpi) if kpi.by == KpiLevel::Unit => {
            (&kpi.objects, units.iter().map(|unit| unit.name.as_str()).collect())
        }
        Condition::Kpi(kpi) if kpi.by == KpiLevel::Line => {
            (&kpi.objects, units.iter().map(|unit| unit.line.as_str()).collect())
        }
        Condition::Data(data) if is_about_tables(data.kind) => {
            (&data.objects, plant.tables.clone())
        }
        _ => return None,
    };
    if names.is_empty() || names.iter().any(|name| objects.matches(name)) {
        return None;
    }
    let message = format!("`objects = \"{objects}\"` matches nothing that is configured");
    Some((message, format!("Write a pattern of: {}.", names.join(", "))))
}

/// Whether the objects are tables of contracts.
fn is_about_tables(kind: DataKind) -> bool {
    match kind {
        DataKind::DumpLate
        | DataKind::ColumnsChanged
        | DataKind::RejectedShare
        | DataKind::RowBalance => true,
        DataKind::ConsumerLag | DataKind::ExpiredOffsets | DataKind::DiskFree => false,
    }
}
