//! `boards/<name>.toml`: pages of tiles, each with the rows of one statement.
//!
//! A board with a mistake is reported with its line and left out; the other boards work. So a mistake in these
//! files never keeps the program from starting, and files can be read again while it runs.

mod limit;
mod tile;

pub use limit::{Bound, Limit};
pub use tile::{ROLES, Role, Tile, TileKind, unknown_column};

use super::alarms::value;
use super::diagnostic::Diagnostic;
use super::kpi::Kpi;
use super::model::TableName;
use super::reports::statement::{self, Named};
use super::reports::{
    ParameterKind, ReportParameter, ReportParameterDefault, Statement, is_name, titled,
};
use super::toml_reader::{Findings, TomlReader};
use plant::alarm::LocalText;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Folder of the boards in the folder of a plant.
pub const FOLDER: &str = "boards";
/// Ending of their files.
pub const ENDING: &str = "toml";

/// Columns of the grid unless a board has others.
const COLUMNS: u64 = 12;
const COLUMNS_MAX: u64 = 24;
/// Most tiles of a board: each is a statement, and a page with more is not read.
const TILES_MAX: usize = 40;

/// Names that pages use themselves: `/board/operator` and `/wall/plant`.
const RESERVED: [&str; 2] = ["operator", "plant"];

/// What `time` can be: the choice of the time control when the page is opened.
pub(crate) const TIMES: [&str; 5] = ["live", "this", "last", "today", "7d"];

/// A board: a title and its tiles.
#[derive(Debug, Clone, PartialEq)]
pub struct Board {
    /// Name of its file.
    pub name: String,
    pub title: LocalText,
    pub description: LocalText,
    /// Columns of the grid.
    pub columns: u8,
    /// The choice of the time control when the page is opened.
    pub time: &'static str,
    /// Finds the newest day with data, which the choice `live` shows; the current production day without it.
    pub newest_day: Option<Statement>,
    /// In the order of the file.
    pub tiles: Vec<Tile>,
}

impl Board {
    /// Every table that the board reads.
    pub fn tables(&self) -> BTreeSet<TableName> {
        let statements = self.tiles.iter().map(|tile| &tile.statement).chain(&self.newest_day);
        statements.flat_map(|statement| statement.tables.iter().cloned()).collect()
    }

    /// Whether a statement depends on the time control.
    pub fn has_time(&self) -> bool {
        self.tiles.iter().any(|tile| !tile.statement.parameters.is_empty())
    }
}

/// The boards of a plant by name, those with mistakes included.
pub type Boards = BTreeMap<String, Arc<BoardFile>>;

/// A board in its file.
#[derive(Debug, Clone, PartialEq)]
pub struct BoardFile {
    pub name: String,
    /// The file as it is.
    pub text: String,
    /// SHA-256 of the file in hexadecimal digits: its version.
    pub revision: String,
    /// The board, unless it has a mistake.
    pub board: Option<Arc<Board>>,
    /// Mistakes by line.
    pub problems: Vec<Diagnostic>,
}

/// Path of a board below the plant folder.
pub fn path(name: &str) -> String {
    format!("{FOLDER}/{name}.{ENDING}")
}

/// Reads the boards among the texts of a plant folder.
pub fn read(texts: &BTreeMap<String, String>, kpis: &[Kpi]) -> Boards {
    let mut boards = Boards::new();
    for (path, text) in texts {
        let Some(name) = name_of(path) else { continue };
        boards.insert(name.to_owned(), Arc::new(read_text(name, text, kpis)));
    }
    boards
}

/// Name of the board in a file; `None` for other files.
fn name_of(path: &str) -> Option<&str> {
    let name = path.strip_prefix(FOLDER)?.strip_prefix('/')?;
    name.strip_suffix(ENDING)?.strip_suffix('.').filter(|name| !name.contains('/'))
}

/// Reads one board.
pub fn read_text(name: &str, text: &str, kpis: &[Kpi]) -> BoardFile {
    let file = path(name);
    let findings = Findings::new(&file, text);
    let board = read_one(name, &findings, kpis);
    let mut problems = findings.into_diagnostics();
    problems.sort();
    BoardFile {
        name: name.to_owned(),
        text: text.to_owned(),
        revision: revision(text),
        board: board.filter(|_| problems.is_empty()).map(Arc::new),
        problems,
    }
}

/// The version of a text: its SHA-256 in hexadecimal digits.
pub fn revision(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether a text can be the name of a board.
pub fn is_valid_name(name: &str) -> bool {
    is_name(name, "-_") && !RESERVED.contains(&name)
}

/// The parameters that statements of boards name; the page's time control sets them.
pub fn parameters() -> [ReportParameter; 4] {
    let parameter = |name: &str, kind| ReportParameter {
        name: name.to_owned(),
        title: LocalText::new(&titled(name)),
        kind,
        default: ReportParameterDefault::Today,
        choices: None,
    };
    [
        parameter("day", ParameterKind::Day),
        parameter("from", ParameterKind::Day),
        parameter("to", ParameterKind::Day),
        parameter("shift", ParameterKind::Shift),
    ]
}

fn read_one(name: &str, findings: &Findings<'_>, kpis: &[Kpi]) -> Option<Board> {
    if !is_valid_name(name) {
        let remedy = format!(
            "Rename the file: lower-case letters, digits and hyphens, a letter first, and none of: {}.",
            RESERVED.join(", ")
        );
        findings.note_line(1, format!("invalid name `{name}` of a board"), remedy);
    }
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, findings);
    if !reader.has("title") {
        reader.required("title", "Give the board a title.");
    }
    let title = value::local_text(&mut reader, "title").unwrap_or_default();
    let description = value::local_text(&mut reader, "description").unwrap_or_default();
    let columns = columns(&mut reader);
    let times = TIMES.map(|time| (time, time));
    let time = value::choice(&mut reader, "time", times, Some(TIMES[0]));
    let newest_day = reader.has("newest_day");
    let known = Named { parameters: &[], kpis };
    let newest_day =
        newest_day.then(|| statement::read(&mut reader, "newest_day", known)).flatten();
    let parameters = parameters();
    let known = Named { parameters: &parameters, kpis };
    let tiles = tile::read(&mut reader, known, columns);
    if tiles.len() > TILES_MAX {
        let remedy = "Divide it into several boards.";
        reader.note_here(format!("{} tiles instead of {TILES_MAX} at most", tiles.len()), remedy);
    }
    reader.finish();
    let name = name.to_owned();
    Some(Board { name, title, description, columns, time: time?, newest_day, tiles })
}

/// The keys that the reader of a board reads, each with the path of its table.
#[cfg(test)]
pub(crate) fn known_keys(text: &str) -> BTreeSet<(String, String)> {
    let findings = Findings::new("boards/x.toml", text);
    drop(read_one("x", &findings, &[]));
    findings.known_keys()
}

fn columns(reader: &mut TomlReader<'_, '_>) -> u8 {
    let columns = reader.number("columns").unwrap_or(COLUMNS);
    if !(1..=COLUMNS_MAX).contains(&columns) {
        let remedy = format!("Write a whole number from 1 to {COLUMNS_MAX}.");
        reader.note("columns", format!("invalid columns `{columns}`"), remedy);
    }
    u8::try_from(columns.clamp(1, COLUMNS_MAX)).unwrap_or(1)
}

#[cfg(test)]
mod tests;
