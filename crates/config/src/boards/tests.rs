//! Definitions of boards, and the mistakes in them.

use super::*;

const VALID: &str = "title = { en = \"Line\", ml = \"ലൈൻ\" }
time = \"this\"
newest_day = \"select max(day_local) from gold.production_daily\"

[[tile]]
name = \"made\"
kind = \"number\"
sql = \"\"\"
select sum(actual) as made, sum(planned) as planned
from gold.production_hourly
where day_local between :from and :to and (:shift is null or shift = :shift)
\"\"\"
value = \"made\"
target = \"planned\"
unit = \"boards\"
limits = [{ below = \"planned\" }, { above = 1_000, priority = 2 }]
link = \"/make?station={made}\"
stale_after = \"90 min\"

[[tile]]
name = \"hours\"
kind = \"trend\"
sql = \"select hour_local, planned, actual from gold.production_hourly where day_local = :day\"
x = \"hour_local\"
y = [\"planned\", \"actual\"]
width = 4
height = 3
[tile.columns.actual]
title = { en = \"Made\" }
digits = 1
";

fn board(text: &str) -> BoardFile {
    read_text("line", text, &[])
}

/// The mistakes of the valid board with one change.
#[track_caller]
fn check(from: &str, to: &str, line: usize, expected: &str) {
    assert!(VALID.contains(from), "{from}");
    let file = board(&VALID.replacen(from, to, 1));
    assert!(file.board.is_none(), "{from} -> {to} is accepted");
    let found: Vec<String> = file.problems.iter().map(ToString::to_string).collect();
    let place = format!("boards/line.toml:{line}: ");
    let is_found = |text: &String| text.starts_with(&place) && text.contains(expected);
    assert!(found.iter().any(is_found), "{from} -> {to}: {found:#?}");
}

#[test]
fn a_board_has_its_tiles_in_order() {
    let file = board(VALID);
    assert_eq!(file.problems, []);
    let board = file.board.unwrap();
    assert_eq!((board.columns, board.time, board.has_time()), (12, "this", true));
    assert_eq!(board.title.in_language("ml"), "ലൈൻ");
    let [made, hours] = &board.tiles[..] else { panic!("{:?}", board.tiles) };
    assert_eq!((made.width, made.height, made.stale_after_us), (3, 1, Some(5_400_000_000)));
    assert_eq!((hours.width, hours.height), (4, 3));
    assert_eq!(hours.roles["y"], ["planned", "actual"]);
    assert_eq!(hours.title.in_language("hi"), "Hours");
    assert_eq!(made.limits[0].bound, Bound::Column("planned".to_owned()));
    assert_eq!(made.limits[1].priority, Some(2));
    assert!(made.statement.sql.contains("between CAST($from AS DATE) and CAST($to AS DATE)"));
    assert!(made.statement.sql.contains("CAST($shift AS VARCHAR) is null"));
    let tables: Vec<String> = board.tables().iter().map(ToString::to_string).collect();
    assert_eq!(tables, ["gold.production_daily", "gold.production_hourly"]);
    let named = made.named_columns();
    assert!(named.contains(&("link", "made")) && named.contains(&("limits", "planned")));
}

#[test]
fn mistakes_have_their_line_and_a_remedy() {
    check("title = { en = \"Line\", ml = \"ലൈൻ\" }", "", 1, "`title` is missing");
    check("time = \"this\"", "time = \"now\"", 2, "invalid time `now`");
    check("kind = \"number\"", "kind = \"gauge\"", 7, "invalid kind `gauge`");
    check(":from and", ":form and", 11, "unknown parameter `:form`");
    check(
        "from gold.production_hourly\nwhere",
        "from production_hourly\nwhere",
        9,
        "without its schema",
    );
    check("value = \"made\"", "", 5, "`value` is missing");
    check(
        "value = \"made\"",
        "value = \"made\"\nx = \"made\"",
        14,
        "a tile of kind number has no `x`",
    );
    check("{ below = \"planned\" }", "{ priority = 1 }", 16, "a limit needs one bound");
    check("{ below = \"planned\" }", "{ below = 1, above = 2 }", 16, "a limit needs one bound");
    check("priority = 2", "priority = 5", 16, "invalid priority");
    check("\"/make?station={made}\"", "\"https://example.com/\"", 17, "invalid link");
    check("\"/make?station={made}\"", "\"//example.com/\"", 17, "invalid link");
    check("{made}", "{made", 17, "a brace is not closed");
    check("90 min", "90", 18, "invalid duration `90`");
    check("name = \"hours\"", "name = \"made\"", 21, "the name `made` is taken");
    check("width = 4", "width = 13", 26, "invalid width `13`");
    check("digits = 1", "digts = 1", 30, "unknown key `digts`");
    check("x = \"hour_local\"", "x = [\"a\", \"b\"]", 24, "2 columns for `x`");
}

#[test]
fn names_of_pages_are_no_names_of_boards() {
    for name in ["operator", "plant", "Line", "a b", ""] {
        assert!(read_text(name, VALID, &[]).board.is_none(), "{name}");
    }
}

#[test]
fn a_file_with_a_mistake_does_not_affect_others() {
    let texts = [("boards/a.toml", VALID), ("boards/b.toml", "title = 1"), ("kpis.toml", "")];
    let texts = texts.map(|(path, text)| (path.to_owned(), text.to_owned()));
    let boards = read(&texts.into(), &[]);
    assert_eq!(boards.keys().collect::<Vec<_>>(), ["a", "b"]);
    assert!(boards["a"].board.is_some() && boards["b"].board.is_none());
    assert_ne!(boards["a"].revision, boards["b"].revision);
}

#[test]
fn roles_belong_to_known_kinds() {
    for kind in TileKind::ALL {
        let needed: Vec<&str> = ROLES
            .iter()
            .filter(|role| role.required.contains(&kind))
            .map(|role| role.key)
            .collect();
        assert_eq!(needed.is_empty(), kind == TileKind::Table, "{}", kind.as_str());
    }
    let tile = &board(VALID).board.unwrap().tiles[0];
    let (message, remedy) = unknown_column(tile, &["mad", "planned"]).unwrap();
    assert!(message.contains("no column `made`") && remedy.contains("mad"), "{message} {remedy}");
    assert_eq!(unknown_column(tile, &["made", "planned"]), None);
}
