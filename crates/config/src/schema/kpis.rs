//! The keys of `kpis.toml`.

use super::{Key, Kind, Table};
use crate::kpi::BETTER;

pub const KPIS: Table = Table::new(
    "The KPIs of a plant, each a ratio over the summed columns of one gold table.",
    &[
        Key::new("kpi", Kind::Tables(&KPI), "The KPIs."),
        Key::new("hours", Kind::Tables(&HOURS), "Tables that have the same columns by the hour."),
    ],
);

const KPI: Table = Table::new(
    "A KPI: numerator and denominator are summed over time and equipment first, and divided last.",
    &[
        Key::text("name", "Unique name.").required().example("\"quality_ratio\""),
        Key::text("title", "Title on pages; by default the name.").example("\"Quality ratio\""),
        Key::text("set", "Standard it belongs to; requests name it.").default("\"iso22400\""),
        Key::text("table", "Gold table whose columns are summed.")
            .required()
            .example("\"gold.oee_shift\""),
        Key::text("formula", "Formula in the words of its source.")
            .required()
            .example("\"GQ / PQ\""),
        Key::text("numerator", "SQL over the sums of the columns.").required().example("\"gq\""),
        Key::text("denominator", "SQL over the sums of the columns.").required().example("\"pq\""),
        Key::new("low", Kind::Ratio, "Lower bound where something is unknown.")
            .example("[\"gq\", \"pq\"]"),
        Key::new("high", Kind::Ratio, "Upper bound where something is unknown.")
            .example("[\"gq + unknown\", \"pq\"]"),
        Key::new(
            "unknown",
            Kind::Tables(&UNKNOWN),
            "Conditions under which the KPI cannot be computed.",
        ),
        Key::text("none", "What a denominator of 0 means.").required().example("\"nothing made\""),
        Key::text("unit", "`%` for shares, whose values are numbers from 0 to 1, or another unit.")
            .required()
            .example("\"%\""),
        Key::new("better", Kind::Choice(&BETTER), "Which direction is better.").required(),
        Key::text("source", "Where the definition comes from.")
            .required()
            .example("\"ISO 22400-2:2014\""),
        Key::text("caveat", "What a reader has to know.").default("\"\""),
        Key::text(
            "against",
            "KPI of the same table, defined before, that this one is compared with.",
        )
        .example("\"oee\""),
        Key::new("cause", Kind::Tables(&CAUSE), "What explains the difference to it."),
    ],
);

const UNKNOWN: Table = Table::new(
    "A condition under which the KPI cannot be computed.",
    &[
        Key::text("when", "Condition in SQL over the sums.").required().example("\"pq = 0\""),
        Key::text("say", "Reason, as users read it.").required().example("\"no machine events\""),
    ],
);

const CAUSE: Table = Table::new(
    "One reason for the difference between two KPIs.",
    &[
        Key::text("say", "What is counted differently.").required().example("\"setup\""),
        Key::new("share", Kind::Ratio, "Its part of the difference.")
            .required()
            .example("[\"setup_s\", \"pbt_s\"]"),
    ],
);

const HOURS: Table = Table::new(
    "A table and the one with the same columns by the hour.",
    &[
        Key::text("table", "Table that KPIs use.").required().example("\"gold.oee_shift\""),
        Key::text("by_hour", "Table used for requests by hour.")
            .required()
            .example("\"gold.oee_hourly\""),
    ],
);
