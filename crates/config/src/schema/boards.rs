//! The keys of `boards/<name>.toml`.

use super::{Key, Kind, Table};
use crate::boards::TIMES;

/// Names of the kinds of tiles.
const KINDS: [&str; 7] = ["number", "trend", "table", "timeline", "bars", "heat", "control"];

pub const BOARD: Table = Table::new(
    "A board: a page of tiles, each with the rows of one statement. The page is `/board/NAME`, for a wall `/wall/NAME`.",
    &[
        Key::new("title", Kind::Translated, "Title of the page.").required().example("\"Line leader\""),
        Key::new("description", Kind::Translated, "What the board answers, in lists of boards.")
            .example("\"Plan, stops and quality of the shift\""),
        Key::new("columns", Kind::Number(1, 24), "Columns of the grid.").default("12"),
        Key::new("time", Kind::Choice(&TIMES), "What the time control shows when the page is opened: `live` is the newest day with data, `this` the newest shift, `last` the one before, `7d` seven days.")
            .default("\"live\""),
        Key::text("newest_day", "One SELECT with the newest day that has data, which `live` shows; without it that is the current production day.")
            .example("\"SELECT max(day_local) FROM gold.production_daily\""),
        Key::new("tile", Kind::Tables(&TILE), "The tiles, from left to right and from top to bottom.").required(),
    ],
);

const TILE: Table = Table::new(
    "A tile. Keys that name a column belong to some kinds only: [boards](../boards.md).",
    &[
        Key::text("name", "Unique name: letters a to z, digits and `_`.").required().example("\"made\""),
        Key::new("title", Kind::Translated, "Title of the tile; by default its name.").example("\"Boards made\""),
        Key::new("kind", Kind::Choice(&KINDS), "How the rows are shown.").required(),
        Key::text("sql", "One SELECT over tables of the lake. `:day`, `:from`, `:to` and `:shift` are set by the time control, `kpi(NAME)` is the formula of `kpis.toml`.")
            .required()
            .example("\"SELECT sum(actual) AS made FROM gold.production_hourly WHERE day_local = :day\""),
        Key::text("value", "`number`, `heat`: column of the value.").example("\"made\""),
        Key::text("target", "`number`, `bars`, `trend`: column of the value to reach.").example("\"planned\""),
        Key::text("note", "`number`: column of a text below the value.").example("\"note\""),
        Key::text("x", "`trend`, `bars`, `heat`, `control`: column of the category, day, time or number.").example("\"hour\""),
        Key::new("y", Kind::OneOrMore, "`trend`, `bars`, `control`: column of the values; a list for several lines of a trend.").example("\"made\""),
        Key::text("row", "`timeline`, `heat`: column of the row.").example("\"unit\""),
        Key::text("start", "`timeline`: column with the start of a state.").example("\"from_at\""),
        Key::text("end", "`timeline`: column with the end of a state.").example("\"to_at\""),
        Key::text("state", "`timeline`: column of the state.").example("\"category\""),
        Key::text("lower", "`control`: column of the lower limit.").example("\"lower_limit\""),
        Key::text("centre", "`control`: column of the centre line.").example("\"centre\""),
        Key::text("upper", "`control`: column of the upper limit.").example("\"upper_limit\""),
        Key::text("mark", "`control`: column that is true, or not empty, where a rule is violated.").example("\"is_violated\""),
        Key::text("at", "Column with the time up to which the row has data; without it the age of a tile is that of its tables.")
            .example("\"known_until\""),
        Key::text("coverage", "Column with the share of the data that has arrived, from 0 to 1; below 0.95 the tile is hatched.")
            .example("\"coverage\""),
        Key::text("unknown", "Column with the reason for which a value is unknown; the tile shows it.")
            .example("\"reason\""),
        Key::new("columns", Kind::Map(&COLUMN), "How columns are shown, by the name of the column."),
        Key::text("unit", "Unit of the values; `%` for shares from 0 to 1.").example("\"boards\""),
        Key::new("digits", Kind::Number(0, 9), "Digits after the point.").example("1"),
        Key::new("limits", Kind::Tables(&LIMIT), "Bounds beyond which a value is marked."),
        Key::text("link", "Page of the cockpit that the tile, or its row, opens; `{column}` is the value of a column.")
            .example("\"/make?station={station}\""),
        Key::new("width", Kind::Number(1, 24), "Columns of the grid that the tile covers; by default 3 for `number`, 12 for `timeline`, otherwise 6.")
            .example("4"),
        Key::new("height", Kind::Number(1, 12), "Rows of the grid that the tile covers; by default 1 for `number`, otherwise 2.")
            .example("2"),
        Key::new("stale_after", Kind::Duration, "Age of the data from which the tile is hatched.").example("\"2 h\""),
        Key::new("max_rows", Kind::Number(1, u64::MAX), "Rows that are read at most; by default the setting `board_rows`.")
            .example("10"),
    ],
);

const LIMIT: Table = Table::new(
    "A limit of the values.",
    &[
        Key::new("above", Kind::Limit, "Values above this number, or this column, are marked.").example("50"),
        Key::new("below", Kind::Limit, "Values below this number, or this column, are marked.").example("\"planned\""),
        Key::new("priority", Kind::Number(1, 4), "Marked with the badge of this alarm priority; without it as a deviation from a target.")
            .example("2"),
        Key::text("column", "Column that is compared; by default that of the value. Tables need it.").example("\"made\""),
    ],
);

const COLUMN: Table = Table::new(
    "How a column is shown.",
    &[
        Key::new("title", Kind::Translated, "Title; by default the name.").example("\"Made\""),
        Key::text("unit", "Unit; `%` for shares from 0 to 1.").example("\"boards\""),
        Key::new("digits", Kind::Number(0, 9), "Digits after the point.").example("1"),
        Key::flag("hidden", "Whether tables leave it out."),
    ],
);
