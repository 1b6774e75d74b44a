use super::*;
use crate::plan::planner;
use config::folder;

/// The mistakes of the reference plant with this board in place of its own.
async fn mistakes(text: &str) -> Vec<Diagnostic> {
    let mut texts = folder::texts(None).unwrap();
    texts.retain(|path, _| !path.starts_with("boards/"));
    texts.insert("boards/x.toml".to_owned(), text.to_owned());
    let plant = folder::read(&texts).0.unwrap();
    let (steps, _) = planner::plan(&plant).await.unwrap();
    check(&plant.boards, &steps).await.unwrap()
}

/// A board with a statement, which begins at line 7, and further keys of its tile.
fn board(kind: &str, sql: &str, keys: &str) -> String {
    format!(
        "title = \"X\"\nnewest_day = \"SELECT max(day_local) FROM gold.production_daily\"\n[[tile]]\n\
         name = \"a\"\nkind = \"{kind}\"\nsql = \"\"\"\n{sql}\"\"\"\n{keys}\n"
    )
}

#[tokio::test]
async fn the_boards_of_the_reference_plant_can_be_planned() {
    let plant = folder::read(&folder::texts(None).unwrap()).0.unwrap();
    let (steps, _) = planner::plan(&plant).await.unwrap();
    assert_eq!(check(&plant.boards, &steps).await.unwrap(), []);
    assert!(plant.boards.len() >= 4);
    let tiles = plant.boards.values().flat_map(|file| &file.board.as_ref().unwrap().tiles);
    let used: Vec<TileKind> = tiles.map(|tile| tile.kind).collect();
    assert!(TileKind::ALL.iter().all(|kind| used.contains(kind)), "a kind is not used");
}

#[tokio::test]
async fn mistakes_in_statements_have_their_line_and_a_remedy() {
    let from = "FROM gold.production_rate WHERE day_local = :day";
    let number = "value = \"made\"";
    let cases = [
        (
            board("number", &format!("SELECT\n  mad AS made\n{from}"), number),
            8,
            "No field named mad",
        ),
        (board("number", "SELECT 1 AS made\nFROM gold.rate", number), 8, "gold.rate"),
        (board("number", &format!("SELECT made AS mode {from}"), number), 7, "no column `made`"),
        (
            board("number", &format!("SELECT unit AS made {from}"), number),
            7,
            "for `value` has type",
        ),
        (
            board("table", &format!("SELECT unit {from}"), "link = \"/make/{station}\""),
            7,
            "no column `station`, which `link` names",
        ),
        (
            board(
                "table",
                &format!("SELECT unit {from}"),
                "limits = [{ above = 1, column = \"x\" }]",
            ),
            7,
            "no column `x`, which `limits` names",
        ),
        (
            board(
                "timeline",
                &format!("SELECT unit, made, made AS until, 'x' AS state {from}"),
                "row = \"unit\"\nstart = \"made\"\nend = \"until\"\nstate = \"state\"",
            ),
            7,
            "for `end` has type",
        ),
        (
            board("number", &format!("SELECT made {from}"), number)
                .replace("max(day_local)", "max(item)"),
            2,
            "is not a day",
        ),
        (
            board(
                "number",
                "INSERT INTO gold.production_rate SELECT * FROM gold.production_rate",
                number,
            ),
            7,
            "cannot be planned",
        ),
    ];
    for (text, line, message) in cases {
        let found = mistakes(&text).await;
        let is_found = found.iter().any(|it| it.line == line && it.message.contains(message));
        assert!(is_found, "{text}\n{found:?}");
        assert!(found.iter().all(|it| it.file == "boards/x.toml" && !it.remedy.is_empty()));
    }
    assert_eq!(mistakes(&board("number", &format!("SELECT made {from}"), number)).await, []);
}
