//! The statements of boards, planned over the tables of the plant, and the columns that their tiles name.

use crate::plan::{Step, known, statement};
use config::boards::{self, Board, BoardFile, Boards, Tile, TileKind};
use config::diagnostic::Diagnostic;
use config::reports::Statement;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::prelude::SessionContext;

/// The keys whose columns are numbers.
const NUMBERS: [&str; 6] = ["value", "target", "lower", "centre", "upper", "coverage"];

/// The mistakes of all boards, those of their files included. `steps` are the planned models of the plant.
///
/// # Errors
/// A session cannot be created.
pub async fn check(files: &Boards, steps: &[Step]) -> anyhow::Result<Vec<Diagnostic>> {
    let checker = Checker::new(steps)?;
    let mut found = Vec::new();
    for file in files.values() {
        found.extend(checker.mistakes(file).await);
    }
    Ok(found)
}

/// Plans boards over empty tables.
pub struct Checker {
    session: SessionContext,
}

impl Checker {
    /// A checker over the tables of `steps`.
    ///
    /// # Errors
    /// A session cannot be created.
    pub fn new(steps: &[Step]) -> anyhow::Result<Self> {
        Ok(Self::over(known::session(steps)?))
    }

    /// A checker over the tables of a session.
    pub fn over(session: SessionContext) -> Self {
        Self { session }
    }

    /// The mistakes of a board by line.
    pub async fn mistakes(&self, file: &BoardFile) -> Vec<Diagnostic> {
        let mut found = file.problems.clone();
        if let Some(board) = &file.board {
            found.extend(self.of_board(board).await);
        }
        found.sort();
        found
    }

    async fn of_board(&self, board: &Board) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        if let Some(statement) = &board.newest_day {
            found.extend(self.newest_day(board, statement).await);
        }
        for tile in &board.tiles {
            let mistake = match self.plan(board, &tile.statement).await {
                Ok(schema) => of_columns(board, tile, &schema),
                Err(mistake) => Some(mistake),
            };
            found.extend(mistake);
        }
        found
    }

    async fn plan(&self, board: &Board, statement: &Statement) -> Result<SchemaRef, Diagnostic> {
        statement::columns(&self.session, &statement.sql).await.map_err(|mistake| {
            let line = statement.line + mistake.line;
            diagnostic(board, line, mistake.message, "Correct the statement.")
        })
    }

    async fn newest_day(&self, board: &Board, statement: &Statement) -> Option<Diagnostic> {
        let schema = match self.plan(board, statement).await {
            Ok(schema) => schema,
            Err(mistake) => return Some(mistake),
        };
        let is_day =
            matches!(schema.fields().first().map(|it| it.data_type()), Some(DataType::Date32));
        let message = "the first column of `newest_day` is not a day".to_owned();
        let remedy = "Select one day, such as max(day_local).";
        (!is_day).then(|| diagnostic(board, statement.line, message, remedy))
    }
}

/// The mistake of a tile whose keys name a column that is missing or has another type.
fn of_columns(board: &Board, tile: &Tile, schema: &SchemaRef) -> Option<Diagnostic> {
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    let line = tile.statement.line;
    if let Some((message, remedy)) = boards::unknown_column(tile, &names) {
        return Some(diagnostic(board, line, message, &remedy));
    }
    let values: &[&str] = if tile.kind == TileKind::Timeline { &[] } else { &["y"] };
    for (key, column) in tile.named_columns() {
        let Ok(field) = schema.field_with_name(column) else { continue };
        let kind = field.data_type();
        let (is_valid, wanted) = match key {
            _ if NUMBERS.contains(&key) || values.contains(&key) => {
                (kind.is_numeric() || kind.is_null(), "a number: CAST(… AS DOUBLE)")
            }
            "start" | "end" | "at" => (is_time(kind), "a time: CAST(… AS TIMESTAMP)"),
            _ => (true, ""),
        };
        if !is_valid {
            let message =
                format!("tile `{}`: column `{column}` for `{key}` has type {kind}", tile.name);
            return Some(diagnostic(board, line, message, &format!("Select {wanted}.")));
        }
    }
    None
}

fn is_time(kind: &DataType) -> bool {
    matches!(kind, DataType::Timestamp(_, _) | DataType::Null)
}

fn diagnostic(board: &Board, line: usize, message: String, remedy: &str) -> Diagnostic {
    Diagnostic { file: boards::path(&board.name), line, message, remedy: remedy.to_owned() }
}
