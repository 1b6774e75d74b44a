//! The keys of `alarms.toml`.

use super::{Key, Kind, NOTIFICATION_KEYS, Table};
use crate::alarms::{GROUPS, KINDS, LEVELS, PERIODS};

pub const ALARMS: Table = Table::new(
    "The alarm rules of a plant, and who is notified.",
    &[
        Key::new("rule", Kind::Tables(&RULE), "The rules."),
        Key::new(
            "suppression",
            Kind::Tables(&SUPPRESSION),
            "When alarms are suppressed by design.",
        ),
        NOTIFICATION_KEYS[0],
        NOTIFICATION_KEYS[1],
        NOTIFICATION_KEYS[2],
        NOTIFICATION_KEYS[3],
    ],
);

const RULE: Table = Table::new(
    "A rule: on each object that it applies to, it is one alarm. Which keys it has besides the common ones depends on its kind.",
    &[
        Key::text("name", "Unique name: letters a to z, digits and `_`.")
            .required()
            .example("\"too_hot\""),
        Key::new("kind", Kind::Choice(&KINDS), "What raises the alarm.").required(),
        Key::new("text", Kind::Translated, "What is wrong, as lists and messages show it.")
            .required()
            .example("\"Temperature high\""),
        Key::new("priority", Kind::Number(1, 4), "1 critical, 2 high, 3 medium, 4 low.")
            .required()
            .example("2"),
        Key::text("owner", "Role or position that responds.").required().example("\"line leader\""),
        Key::new("response", Kind::Translated, "What the operator does.")
            .required()
            .example("\"Check fan and filter.\""),
        Key::new("cause", Kind::Translated, "Probable cause.").example("\"Blocked filter\""),
        Key::new("consequence", Kind::Translated, "What happens without a response.")
            .example("\"The component fails within hours.\""),
        Key::new("on_delay", Kind::Duration, "How long the condition has to be met until the alarm is raised.")
            .default("\"0 s\"")
            .example("\"30 s\""),
        Key::new("off_delay", Kind::Duration, "How long the condition has to be unmet until the alarm returns.")
            .default("\"0 s\"")
            .example("\"60 s\""),
        Key::flag("latching", "Whether an acknowledged alarm has to be acknowledged once more after its condition ended."),
        Key::new("shelve_max", Kind::Duration, "Longest time of shelving; `\"0 s\"` forbids it.")
            .default("\"8 h\""),
        Key::text("suppress_while", "Name of a `[[suppression]]`, or of a rule whose alarm on the same object, or on `plant`, suppresses this one.")
            .example("\"not_planned\""),
        Key::flag("enabled", "Whether the rule is evaluated.").default("true"),
        Key::flag("sound", "Whether pages sound when the alarm is raised."),
        Key::text("unit", "Unit of value and limit; by default that of the kind or the KPI.")
            .example("\"boards\""),
        Key::new("above", Kind::Limit, "Limit: the condition is met above it; for `count`, the temperature that is counted.")
            .example("\"temperature.limit_c\""),
        Key::new("below", Kind::Limit, "Limit: the condition is met below it.").example("10"),
        Key::new("deadband", Kind::Decimal, "How far the value has to return behind the limit until the condition ends.")
            .default("0")
            .example("2"),
        Key::new("sensors", Kind::OneOrMore, "Sensors, PLANT.LANE.COMPONENT.MANUFACTURER, each part with `*` for any text; `*` alone for all.")
            .default("\"*\"")
            .example("\"Plant1.*.reflow_oven.*\""),
        Key::new("except", Kind::OneOrMore, "Sensors that the rule does not apply to.")
            .example("[\"Plant1.4.*.*\"]"),
        Key::new("window", Kind::Duration, "`rate`, `count`: the time that is looked at; required for `count`, 5 min for `rate`.")
            .example("\"10 min\""),
        Key::new("min_sensors", Kind::Number(2, 10_000), "`deviation`: sensors of the component that the median needs.")
            .default("3"),
        Key::new("group_by", Kind::Choice(&GROUPS), "`count`: what sensors are grouped by.")
            .default("\"component\""),
        Key::new("more_than", Kind::Number(0, 1_000_000), "`count`: number of sensors that is still accepted.")
            .example("3"),
        Key::new("after", Kind::Duration, "`silent`, `stuck`: time without a reading or a change, or `\"temperature.sensor_silent_s\"`.")
            .example("\"10 min\""),
        Key::text("kpi", "`kpi`: name in kpis.toml; limits of KPIs with the unit `%` are in percent.").example("\"oee\""),
        Key::new("by", Kind::Choice(&LEVELS), "`kpi`: level of the equipment.").default("\"unit\""),
        Key::new("period", Kind::Choice(&PERIODS), "`kpi`: the newest complete period is compared.")
            .default("\"hour\""),
        Key::text("objects", "`kpi`: units or lines; conditions on data: tables, `topic/partition`, or `lake`; with `*` for any text.")
            .default("\"*\"")
            .example("\"production*\""),
        Key::text("sql", "`sql`: one SELECT with a row for each object; `:now` is the time of evaluation.")
            .example("\"SELECT unit AS object, behind AS value FROM gold.x\""),
        Key::text("object", "`sql`: column with the name of the object.").default("\"object\""),
        Key::text("value", "`sql`: numeric column that is compared.").default("\"value\""),
        Key::new("every", Kind::Duration, "KPIs, SQL and conditions on data: time between two evaluations.")
            .default("\"60 s\"")
            .example("\"5 min\""),
    ],
);

const SUPPRESSION: Table = Table::new(
    "A statement whose rows name places in which alarms are suppressed.",
    &[
        Key::text("name", "Unique name.").required().example("\"not_planned\""),
        Key::text("sql", "One SELECT with columns among `plant`, `lane`, `unit`, `line`, `area`, `object`: an alarm is suppressed if a row has its values. `:now` is the time of evaluation.")
            .required()
            .example("\"SELECT line FROM gold.x\""),
        Key::new("every", Kind::Duration, "Time between two evaluations.").default("\"60 s\""),
    ],
);
