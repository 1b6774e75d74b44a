//! Bodies of the answers about boards.

use config::boards::{Board, BoardFile, Bound, Limit, Tile};
use config::diagnostic::Diagnostic;
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// The boards of the plant.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardsAnswer {
    pub boards: Vec<BoardInfo>,
    /// Whether the caller can add and change boards here.
    pub is_writable: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A board in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardInfo {
    pub name: String,
    pub title: String,
    pub description: String,
    /// Number of tiles.
    pub tiles: usize,
    /// Whether its file has mistakes; then the board as it was before is shown, if there was one.
    pub is_faulty: bool,
}

/// A board: how it is laid out and what its tiles show.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardAnswer {
    pub name: String,
    pub title: String,
    pub description: String,
    /// Columns of the grid.
    pub columns: u8,
    /// The choice of the time control when the page is opened: `live`, `this`, `last`, `today` or `7d`.
    pub time: &'static str,
    /// Whether a statement depends on the time control.
    pub has_time: bool,
    /// From left to right and from top to bottom.
    pub tiles: Vec<BoardTile>,
    /// Version of the file.
    pub revision: String,
    /// Mistakes of the file as it is now; the board is that of the version before.
    pub problems: Vec<BoardProblem>,
    pub is_writable: bool,
    /// Why not.
    pub reason: Option<String>,
}

/// A tile of a board.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardTile {
    pub name: String,
    pub title: String,
    /// `number`, `trend`, `table`, `timeline`, `bars`, `heat` or `control`.
    pub kind: &'static str,
    /// Columns of the result by the part of the tile that they are shown in: `value`, `x`, `y` and others.
    pub roles: BTreeMap<&'static str, Vec<String>>,
    pub limits: Vec<BoardLimit>,
    /// Address of a page of the cockpit, with `{column}` for values of the row.
    pub link: Option<String>,
    /// Columns of the grid that it covers.
    pub width: u8,
    /// Rows of the grid that it covers.
    pub height: u8,
    /// Age of the data from which it is stale.
    pub stale_after_s: Option<i64>,
    /// Whether its statement depends on the time control.
    pub has_time: bool,
}

/// A bound beyond which values are marked. It is a number or a column.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardLimit {
    /// Whether values above it are marked, otherwise those below.
    pub is_above: bool,
    pub number: Option<f64>,
    /// The column with the bound of each row.
    pub bound_column: Option<String>,
    /// Alarm priority, 1 to 4; null for a deviation from a target.
    pub priority: Option<u8>,
    /// The column that is compared; null for that of the value.
    pub column: Option<String>,
}

/// A mistake in the file of a board.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardProblem {
    /// From 1.
    pub line: usize,
    pub message: String,
    pub remedy: String,
}

/// The rows of the tiles.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardRows {
    pub period: BoardPeriod,
    /// When the newest of the tables changed (UTC); null without a table.
    pub as_of: Option<String>,
    /// The tables that were read.
    pub versions: Vec<BoardTableVersion>,
    /// In the order of the board.
    pub tiles: Vec<BoardTileRows>,
}

/// The production days of the parameters `:from`, `:to` (which is `:day`) and `:shift`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BoardPeriod {
    pub from: String,
    pub to: String,
    /// Null for all shifts.
    pub shift: Option<String>,
}

/// The version of a table that was read.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardTableVersion {
    pub table: String,
    pub version: u64,
    /// UTC.
    pub committed_at: String,
}

/// The rows of a tile, or the reason why there are none.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardTileRows {
    pub name: String,
    pub columns: Vec<BoardColumn>,
    /// One object for each row, by name of column.
    #[schema(value_type = Vec<BTreeMap<String, serde_json::Value>>)]
    pub rows: Box<RawValue>,
    /// Whether further rows are left out.
    pub is_truncated: bool,
    /// The statement with its values, for /explore.
    pub sql: String,
    /// Tables of the statement that have no data yet.
    pub missing_tables: Vec<String>,
    /// When the newest of its tables changed (UTC).
    pub as_of: Option<String>,
    pub error: Option<BoardTileError>,
}

/// A column of a tile.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardColumn {
    pub name: String,
    pub title: String,
    /// `text`, `integer`, `decimal`, `day`, `time` or `boolean`.
    #[serde(rename = "type")]
    pub type_name: &'static str,
    /// `%` for a share from 0 to 1.
    pub unit: Option<String>,
    /// Digits after the point.
    pub digits: Option<u8>,
    /// Whether tables leave it out.
    pub is_hidden: bool,
}

/// Why a tile has no rows.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoardTileError {
    /// For programs: stays the same from release to release.
    pub code: String,
    pub message: String,
    /// Line in the file of the board, from 1, if the error has a position.
    pub line: Option<usize>,
}

impl BoardInfo {
    /// A board in a language.
    pub fn new(file: &BoardFile, language: &str) -> Self {
        let board = file.board.as_deref();
        let title = board.map(|board| board.title.in_language(language).to_owned());
        let description = board.map(|board| board.description.in_language(language).to_owned());
        Self {
            name: file.name.clone(),
            title: title.unwrap_or_else(|| file.name.clone()),
            description: description.unwrap_or_default(),
            tiles: board.map_or(0, |board| board.tiles.len()),
            is_faulty: !file.problems.is_empty(),
        }
    }
}

impl BoardAnswer {
    /// A board in a language; `reason` is why its caller cannot change it.
    pub fn new(board: &Board, file: &BoardFile, language: &str, reason: Option<String>) -> Self {
        Self {
            name: board.name.clone(),
            title: board.title.in_language(language).to_owned(),
            description: board.description.in_language(language).to_owned(),
            columns: board.columns,
            time: board.time,
            has_time: board.has_time(),
            tiles: board.tiles.iter().map(|tile| BoardTile::new(tile, language)).collect(),
            revision: file.revision.clone(),
            problems: file.problems.iter().map(BoardProblem::from).collect(),
            is_writable: reason.is_none(),
            reason,
        }
    }
}

impl BoardTile {
    fn new(tile: &Tile, language: &str) -> Self {
        Self {
            name: tile.name.clone(),
            title: tile.title.in_language(language).to_owned(),
            kind: tile.kind.as_str(),
            roles: tile.roles.clone(),
            limits: tile.limits.iter().map(BoardLimit::from).collect(),
            link: tile.link.clone(),
            width: tile.width,
            height: tile.height,
            stale_after_s: tile.stale_after_us.map(|us| us / 1_000_000),
            has_time: !tile.statement.parameters.is_empty(),
        }
    }
}

impl From<&Limit> for BoardLimit {
    fn from(limit: &Limit) -> Self {
        let (number, bound_column) = match &limit.bound {
            Bound::Number(number) => (Some(*number), None),
            Bound::Column(column) => (None, Some(column.clone())),
        };
        Self {
            is_above: limit.is_above,
            number,
            bound_column,
            priority: limit.priority,
            column: limit.column.clone(),
        }
    }
}

impl From<&Diagnostic> for BoardProblem {
    fn from(mistake: &Diagnostic) -> Self {
        Self {
            line: mistake.line,
            message: mistake.message.clone(),
            remedy: mistake.remedy.clone(),
        }
    }
}
