//! The keys of `reports/<name>/report.toml`.

use super::{Key, Kind, Table};

const PARAMETER_KINDS: [&str; 4] = ["day", "shift", "text", "number"];
const CHART_KINDS: [&str; 5] = ["bars", "lines", "pareto", "strips", "control"];
const DELIVERY_KINDS: [&str; 4] = ["email", "link", "folder", "s3"];

pub const REPORT: Table = Table::new(
    "A report: its parameters, its queries, its charts, when it is issued and who receives it.",
    &[
        Key::new("title", Kind::Translated, "Title.").required().example("\"Shift summary\""),
        Key::new("description", Kind::Translated, "Line below the title."),
        Key::new(
            "parameters",
            Kind::Map(&PARAMETER),
            "The values that it is run with, by name: lower-case letters, digits and `_`.",
        ),
        Key::new("query", Kind::Tables(&QUERY), "The queries, each a table and a sheet.")
            .required(),
        Key::new("chart", Kind::Tables(&CHART), "The charts."),
        Key::new("schedule", Kind::Table(&SCHEDULE), "When it is issued without a request."),
        Key::new("send", Kind::Tables(&SEND), "Who receives issued reports."),
    ],
);

const PARAMETER: Table = Table::new(
    "A value that the report is run with; `:name` in statements.",
    &[
        Key::new("kind", Kind::Choice(&PARAMETER_KINDS), "Its type.").required(),
        Key::new("title", Kind::Translated, "Title in forms; by default the name."),
        Key::new(
            "default",
            Kind::TextOrNumber,
            "The value unless a request sets another. Day: `today`, `yesterday`, `last` (of the last shift that has \
             ended), `last_week` (its Monday) or a day. Shift: `last`, `current` or a name. All: `first`, the first \
             of `values`.",
        )
        .required()
        .example("\"last\""),
        Key::text("values", "One SELECT whose first column lists the values to choose from.")
            .example("\"SELECT DISTINCT unit FROM gold.oee_shift ORDER BY unit\""),
    ],
);

const QUERY: Table = Table::new(
    "A query: a table of the report, and a sheet of the workbook.",
    &[
        Key::text("name", "Unique name: lower-case letters, digits and `_`.")
            .required()
            .example("\"hours\""),
        Key::new("title", Kind::Translated, "Heading; by default the name."),
        Key::text(
            "sql",
            "One SELECT; `:name` is the value of a parameter, `kpi(name)` that of a KPI.",
        )
        .required()
        .example("\"SELECT unit, pq FROM gold.oee_shift WHERE production_day = :day\""),
        Key::new(
            "max_rows",
            Kind::Number(1, u32::MAX as u64),
            "Rows that are read at most; by default and at most the setting `report_rows`.",
        )
        .example("1000"),
        Key::new("columns", Kind::Map(&COLUMN), "How columns are shown, by their names."),
    ],
);

const COLUMN: Table = Table::new(
    "How a column is shown.",
    &[
        Key::new("title", Kind::Translated, "Title; by default the name."),
        Key::text("unit", "Unit; with `%` the values are numbers from 0 to 1.")
            .example("\"boards\""),
        Key::new(
            "digits",
            Kind::Number(0, 9),
            "Digits after the point; by default 0 for whole numbers and 2 for others.",
        ),
        Key::flag(
            "hidden",
            "Whether tables and sheets leave it out; templates and charts have it.",
        ),
    ],
);

const CHART: Table = Table::new(
    "A chart of the rows of a query.",
    &[
        Key::text("name", "Unique name; the template shows it by `show-chart(\"name\")`.")
            .required()
            .example("\"hours\""),
        Key::new("kind", Kind::Choice(&CHART_KINDS), "How it is drawn.").required(),
        Key::text("query", "Query whose rows it shows.").required().example("\"hours\""),
        Key::new("title", Kind::Translated, "Title."),
        Key::text("x", "Column of the category, day, time or number; of strips, of the start.")
            .required()
            .example("\"hour\""),
        Key::new("y", Kind::OneOrMore, "Columns of the values; of strips, of the state.")
            .required()
            .example("\"made\""),
        Key::new(
            "limits",
            Kind::TextsOrNumbers,
            "Columns or numbers: marks at bars, dashed lines; of control charts lower limit, centre, upper limit.",
        )
        .example("[\"planned\"]"),
        Key::text("end", "Strips: column of the end.").example("\"to_at\""),
        Key::text("row", "Strips: column of the row.").example("\"unit\""),
        Key::text("mark", "Control charts: column that is not empty where a rule is violated.")
            .example("\"rule\""),
        Key::text("unit", "Unit at the axis; by default that of the first column of `y`."),
        Key::new("width_mm", Kind::Number(20, 400), "Width in millimetres.").default("170"),
        Key::new("height_mm", Kind::Number(20, 400), "Height in millimetres.").default("60"),
    ],
);

const SCHEDULE: Table = Table::new(
    "When the report is issued, in plant time: exactly one of `at`, `after_shift` and `when`.",
    &[
        Key::text("at", "Time of day.").example("\"06:30\""),
        Key::texts("days", "With `at`: weekdays; by default all.").example("[\"mon\", \"fri\"]"),
        Key::text("after_shift", "Name of a shift: the report is issued when it has ended.")
            .example("\"G\""),
        Key::new("delay_min", Kind::Number(0, 1380), "With `after_shift`: minutes after its end.")
            .default("0"),
        Key::text("when", "`final`: when the data of a production day is final.")
            .example("\"final\""),
        Key::texts("formats", "Formats that are stored: `pdf`, `xlsx`, `csv`, `html`.")
            .default("[\"pdf\"]"),
        Key::text("language", "Language of the report.").default("\"en\""),
    ],
);

const SEND: Table = Table::new(
    "A recipient of issued reports.",
    &[
        Key::new("kind", Kind::Choice(&DELIVERY_KINDS), "How it is delivered.").required(),
        Key::texts("roles", "`email`, `link`: roles of persons in alarms.toml.")
            .example("[\"manager\"]"),
        Key::texts("to", "`email`, `link`: addresses.").example("[\"boss@plant.example\"]"),
        Key::text("location", "`folder`: a path; `s3`: a bucket with a prefix.")
            .example("\"s3://bucket/reports\""),
        Key::texts("formats", "Formats that are sent; by default those of the schedule.")
            .example("[\"pdf\"]"),
    ],
);
