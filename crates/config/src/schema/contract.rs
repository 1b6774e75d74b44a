//! The keys of a contract, `bronze/<table>.toml`.

use super::{Key, Kind, Table};
use crate::contract::{
    AUTHS, CHANGE_FORMATS, DUMP_UNITS, FORMATS, FRAMINGS, KINDS, MAX_FOOTER_LINES, MQTT_VERSIONS,
    ON_ERROR, ORIGIN_NAMES, PAGES, PERCENT, REMOVED_RECORDS, SUPERSEDE,
};

pub const CONTRACT: Table = Table::new(
    "A contract: where the dumps or messages of a bronze table are, how bytes become records, and how texts \
     become values.",
    &[
        Key::text("description", "What the table holds, one sentence; shown to users.")
            .required()
            .example("\"Counters of the presses.\""),
        Key::text("source", "System the data comes from.").required().example("\"mes\""),
        Key::new("format", Kind::Choice(&FORMATS), "How records are separated (required, except with `[sql]` and `[mqtt]`); `sparkplug_b` needs `[mqtt]`."),
        Key::new("sql", Kind::Table(&SQL), "The table or query of a database whose rows are the records."),
        Key::new("columns", Kind::Tables(&COLUMN), "The columns.").required(),
        Key::texts("nulls", "Texts that mean unknown in every column.")
            .default("[\"\"]")
            .example("[\"\", \"NULL\"]"),
        Key::texts("paths", "Patterns of file names below the bucket (dumps; required for them).")
            .example("[\"counts_{date}.csv\"]"),
        Key::new("http", Kind::Table(&HTTP), "The HTTP interface whose answers are the dumps."),
        Key::text("done_marker", "End of the name of the file that marks a dump as complete; without it, a dump is complete when it rests (dumps).")
            .example("\".done\""),
        Key::texts("topics", "Kafka topics; `^` starts a regular expression (message; required for it).")
            .example("[\"sensors\"]"),
        Key::new("mqtt", Kind::Table(&MQTT), "The MQTT broker whose messages are the records."),
        Key::new("framing", Kind::Choice(&FRAMINGS), "What precedes a payload: nothing, or the id of its schema (message).")
            .default("\"none\""),
        Key::new("changes", Kind::Choice(&CHANGE_FORMATS), "Format of messages that are changes of a table of a database (message)."),
        Key::text("encoding", "Label of the WHATWG Encoding Standard (text formats).")
            .default("\"utf-8\"")
            .example("\"windows-1252\""),
        Key::text("delimiter", "Text between fields (delimited; required for it).")
            .example("\";\""),
        Key::text("quote", "Character around fields; empty if fields are not quoted (delimited).")
            .default("'\"'"),
        Key::text("escape", "Character before a sign that is part of a field (delimited); detected if missing.")
            .example("'\\'"),
        Key::flag("header", "Whether the first record names the columns (delimited, where it is required, fixed, and workbook, where the default is true)."),
        Key::text("pattern", "Regular expression of a line; its named groups are the fields (tokens; required for it).")
            .example("'(?<at>\\d{8})-(?<unit>\\w+)'"),
        Key::text("sheet", "Name of the sheet; by default the only visible one (workbook).")
            .example("\"Plan\""),
        Key::text("range", "Cells that are read, B3:H200; B3:H for all rows from 3, B3 for all cells from there (workbook).")
            .example("\"B3:H\""),
        Key::new("skip_lines", Kind::Number(0, u64::MAX), "Lines skipped at the beginning.")
            .default("0"),
        Key::new("skip_lines_after_header", Kind::Number(0, u64::MAX), "Lines skipped below the header.")
            .default("0"),
        Key::new("skip_footer_lines", Kind::Number(0, MAX_FOOTER_LINES), "Lines skipped at the end.")
            .default("0"),
        Key::text("skip_pattern", "Regular expression of lines that are skipped.").example("\"^#\""),
        Key::text("record_type", "First field of the records of this table (delimited, fixed).")
            .example("\"D\""),
        Key::text("records", "Path of the array of records, keys separated by dots (JSON).")
            .example("\"d.results\""),
        Key::new("supersede", Kind::Choice(&SUPERSEDE), "What a newer dump replaces: records with the same key, or all older dumps.")
            .default("\"key\""),
        Key::new("removed_records", Kind::Choice(&REMOVED_RECORDS), "Whether records that a rewritten file no longer holds are kept; by default according to its name."),
        Key::new("dump_unit", Kind::Choice(&DUMP_UNITS), "Which files are one dump (supersede = \"dump\"); by default according to the paths."),
        Key::text("reject_at_most", "Share of rejected records above which a dump is reported as faulty.")
            .default("\"20 %\""),
        Key::flag("case_sensitive_columns", "Whether Qty and qty are different columns."),
        Key::text("retention", "How long messages are kept (message); without it, without limit.")
            .example("\"90 days\""),
    ],
);

const SQL: Table = Table::new(
    "A table or a query of a database, which is read on a schedule.",
    &[
        Key::text("url", "The database, without a password: postgresql://user@host:5432/database, mysql://user@host:3306/database, sqlserver://user@host:1433/database or sqlite:path.")
            .required()
            .example("\"postgresql://cockpit@mes-db/mes\""),
        Key::text("password", "Reference to the password: env:NAME, file:PATH or credential:NAME.")
            .example("\"env:MES_PASSWORD\""),
        Key::text("table", "Table or view, with its schema if needed; this or `query` is required.")
            .example("\"public.orders\""),
        Key::text("query", "A SELECT statement, instead of `table`.")
            .example("\"SELECT * FROM orders WHERE plant = 7\""),
        Key::texts("key", "Columns that identify a row. Rows are read in their order, page by page; without them by one statement.")
            .example("[\"id\"]"),
        Key::text("watermark", "Column that grows with each change of a row: only newer rows are read. Without it all rows are read each time, and rows that are missing are deleted.")
            .example("\"updated_at\""),
        Key::new("overlap", Kind::TextOrNumber, "How far before the last watermark rows are read again: a duration for times, a number for numbers.")
            .default("\"10 min\""),
        Key::new("clock_tolerance", Kind::Duration, "How far the clocks of writers may be ahead of that of the database.")
            .default("\"1 min\""),
        Key::new("every", Kind::Duration, "Time between two reads.").default("\"5 min\""),
        Key::new("reading", Kind::Number(1, 1_000_000), "Another number reads everything from the start once.")
            .default("1"),
        Key::new("rows_per_second", Kind::Number(1, u32::MAX as u64), "Rows read per second at most.")
            .default("50000"),
        Key::new("statement_timeout", Kind::Duration, "The longest time of a statement.")
            .default("\"1 min\""),
        Key::flag("tls", "Whether the connection is encrypted and the server's certificate checked; by default true unless the server is this machine."),
        Key::text("ca_file", "Certificates of trusted authorities beside those of the system, in PEM.")
            .example("\"/etc/ssl/mes.pem\""),
    ],
);

const HTTP: Table = Table::new(
    "An HTTP interface that is read on a schedule.",
    &[
        Key::text("url", "The URL, without user and password.")
            .required()
            .example("\"https://mes.example/api/orders\""),
        Key::new("every", Kind::Duration, "Time between two reads.").default("\"5 min\""),
        Key::texts("parameters", "Parameters of every request, name=value.")
            .default("[]")
            .example("[\"status=done\"]"),
        Key::texts("headers", "Headers of every request, name: value.")
            .default("[]")
            .example("[\"Accept: application/json\"]"),
        Key::new("auth", Kind::Choice(&AUTHS), "How requests authenticate.").default("\"none\""),
        Key::text("secret", "Reference to the password, token or key: env:NAME, file:PATH or credential:NAME.")
            .example("\"env:MES_TOKEN\""),
        Key::text("user", "Name of the user (basic).").example("\"cockpit\""),
        Key::text("key_name", "Name of the header or parameter of the key (key_header, key_parameter).")
            .example("\"X-Api-Key\""),
        Key::text("token_url", "URL of the token server (client_credentials).")
            .example("\"https://login.example/token\""),
        Key::text("client_id", "Name of the client (client_credentials).").example("\"cockpit\""),
        Key::text("scope", "Requested scope (client_credentials).").example("\"orders.read\""),
        Key::new("pages", Kind::Choice(&PAGES), "How the next page is requested.").default("\"one\""),
        Key::text("page_parameter", "Parameter of the page (number), of the number of records before it (offset), or of the cursor (cursor).")
            .example("\"page\""),
        Key::new("first_page", Kind::Number(0, u32::MAX as u64), "Number of the first page (number).")
            .default("1"),
        Key::text("next", "Path in the answer of the cursor or URL of the next page (cursor, next_link).")
            .example("\"@odata.nextLink\""),
        Key::text("size_parameter", "Parameter of the number of records per page.")
            .example("\"limit\""),
        Key::new("page_size", Kind::Number(1, u32::MAX as u64), "Records per page that are requested.")
            .example("500"),
        Key::text("watermark", "Column that grows with each change of a record: only newer records are requested. Without it, each read has all records, and those that are missing are removed.")
            .example("\"updated_at\""),
        Key::text("watermark_parameter", "Parameter that restricts a request to newer records.")
            .example("\"since\""),
        Key::text("watermark_value", "Value of that parameter; {watermark} is the greatest value of the column so far, as the source wrote it.")
            .default("\"{watermark}\"")
            .example("\"ModifiedAt ge {watermark}\""),
        Key::text("watermark_first", "Watermark of the first request; by default it has no such parameter.")
            .example("\"2026-01-01T00:00:00Z\""),
        Key::new("clock_tolerance", Kind::Duration, "How far the clock of the source may be ahead.")
            .default("\"1 min\""),
        Key::new("requests_per_second", Kind::Number(1, u32::MAX as u64), "Requests per second at most.")
            .default("10"),
    ],
);

const MQTT: Table = Table::new(
    "Topics of an MQTT broker, whose messages are the records.",
    &[
        Key::text("url", "The broker: mqtts://host:8883, or mqtt://host:1883 without encryption.")
            .required()
            .example("\"mqtts://broker.plant:8883\""),
        Key::new("version", Kind::Choice(&MQTT_VERSIONS), "Version of the protocol; 5 has user properties, reasons of refusals and shared subscriptions.")
            .default("\"3.1.1\""),
        Key::texts("topics", "Topic filters; + is one level, {name} one level that a column takes, # all further levels; $share/GROUP/ before a filter shares its messages among the clients of a group (version 5).")
            .required()
            .example("[\"plant/{area}/{unit}/temperature\"]"),
        Key::text("user", "Name of the user.").example("\"cockpit\""),
        Key::text("password", "Reference to the password: env:NAME, file:PATH or credential:NAME.")
            .example("\"env:MQTT_PASSWORD\""),
        Key::text("ca_file", "Certificates of trusted authorities beside those of the system, in PEM.")
            .example("\"/etc/ssl/plant.pem\""),
        Key::text("client_id", "Name of the session at the broker, which no other client may use; by default cockpit- and the name of the table.")
            .example("\"cockpit-hall-3\""),
    ],
);

const COLUMN: Table = Table::new(
    "A column of a contract.",
    &[
        Key::text(
            "name",
            "Name of the column: small letters, digits and _, starting with a letter.",
        )
        .required()
        .example("\"quantity\""),
        Key::new("type", Kind::Choice(&KINDS), "Type of the values; time is stored in UTC.")
            .required(),
        Key::text(
            "header",
            "Name in the source: header, path in JSON, group of the pattern; by default the name.",
        )
        .example("\"Qty.\""),
        Key::new("from", Kind::Choice(&ORIGIN_NAMES), "Where the value is.").default("\"record\""),
        Key::text("description", "What the column holds; shown to users.").default("\"\""),
        Key::flag("required", "Whether a record without a value is rejected."),
        Key::new(
            "on_error",
            Kind::Choice(&ON_ERROR),
            "Whether an invalid value rejects its record or becomes unknown.",
        )
        .default("\"reject\""),
        Key::texts("nulls", "Further texts that mean unknown in this column.").default("[]"),
        Key::new(
            "width",
            Kind::Number(0, u32::MAX as u64),
            "Width of the field in characters (fixed; required for it).",
        )
        .example("8"),
        Key::text("decimal", "Sign before the fraction of a number; `,` if thousands is `.`.")
            .default("\".\""),
        Key::text("thousands", "Sign between groups of digits.").example("\".\""),
        Key::texts("units", "Texts that may be beside a number; by default currencies and %.")
            .example("[\"kg\", \"pcs\"]"),
        Key::new("percent", Kind::Choice(&PERCENT), "Whether 12.5 % is 12.5 or 0.125.")
            .default("\"number\""),
        Key::new("precision", Kind::Number(1, 38), "Digits in all (decimal).").default("18"),
        Key::new("scale", Kind::Number(0, 38), "Digits after the decimal point (decimal).")
            .default("4"),
        Key::new(
            "rounding",
            Kind::Choice(&["reject", "half_up", "half_even"]),
            "What happens to digits beyond `scale` (decimal).",
        )
        .default("\"reject\""),
        Key::texts("yes", "Words for true (bool); by default true, yes, y, t, on, 1 in any case.")
            .example("[\"J\"]"),
        Key::texts("no", "Words for false (bool); by default false, no, n, f, off, 0 in any case.")
            .example("[\"N\"]"),
        Key::texts(
            "formats",
            "Formats of the values (date and time; required for them); the first that fits counts.",
        )
        .example("[\"yyyy-MM-dd HH:mm:ss\"]"),
        Key::texts("spellings", "Former name of `formats`.").deprecated(),
        Key::text("locale", "Language of months in words (date and time).").default("\"en\""),
        Key::new(
            "two_digit_years_from",
            Kind::Number(1, 9_900),
            "First of the hundred years that yy means (date and time).",
        )
        .default("1969"),
        Key::text(
            "zone",
            "IANA time zone of times without an offset (time); by default the plant's.",
        )
        .example("\"UTC\""),
        Key::flag(
            "local",
            "Whether day, hour, shift and production day, plant time, are computed beside the time (time).",
        ),
    ],
);
