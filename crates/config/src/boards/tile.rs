//! `[[tile]]`: the tiles of a board.

use super::limit::{self, Limit};
use crate::alarms::value;
use crate::diagnostic::did_you_mean;
use crate::reports::statement::{self, Named};
use crate::reports::{Column, DIGITS_MAX, Statement, column, is_name, titled};
use crate::toml_reader::TomlReader;
use plant::alarm::LocalText;
use std::collections::{BTreeMap, BTreeSet};

/// Most rows of the grid that a tile covers.
const HEIGHT_MAX: u64 = 12;

/// The kind of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TileKind {
    /// The first row as one figure.
    Number,
    /// Values over days, times or categories as lines.
    Trend,
    Table,
    /// States over time, one strip for each row.
    Timeline,
    Bars,
    /// Values as shades of a grid.
    Heat,
    /// Values over time between control limits.
    Control,
}

impl TileKind {
    pub const ALL: [Self; 7] = [
        Self::Number,
        Self::Trend,
        Self::Table,
        Self::Timeline,
        Self::Bars,
        Self::Heat,
        Self::Control,
    ];

    /// Its name in the definition and in the HTTP interface.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Trend => "trend",
            Self::Table => "table",
            Self::Timeline => "timeline",
            Self::Bars => "bars",
            Self::Heat => "heat",
            Self::Control => "control",
        }
    }

    /// Columns and rows of the grid that a tile covers unless its definition has others.
    const fn size(self) -> (u64, u64) {
        match self {
            Self::Number => (3, 1),
            Self::Timeline => (12, 2),
            Self::Trend | Self::Table | Self::Bars | Self::Heat | Self::Control => (6, 2),
        }
    }
}

/// A key that names the column for a part of a tile.
#[derive(Debug)]
pub struct Role {
    pub key: &'static str,
    /// Kinds that need it.
    pub required: &'static [TileKind],
    /// Kinds that can have it.
    pub optional: &'static [TileKind],
}

const fn role(
    key: &'static str,
    required: &'static [TileKind],
    optional: &'static [TileKind],
) -> Role {
    Role { key, required, optional }
}

use TileKind::{Bars, Control, Heat, Number, Timeline, Trend};

/// The keys that name columns. `y` can be a list for trends.
pub const ROLES: [Role; 16] = [
    role("value", &[Number, Heat], &[]),
    role("target", &[], &[Number, Bars, Trend]),
    role("note", &[], &[Number]),
    role("x", &[Trend, Bars, Heat, Control], &[]),
    role("y", &[Trend, Bars, Control], &[]),
    role("row", &[Timeline, Heat], &[]),
    role("start", &[Timeline], &[]),
    role("end", &[Timeline], &[]),
    role("state", &[Timeline], &[]),
    role("lower", &[Control], &[]),
    role("centre", &[Control], &[]),
    role("upper", &[Control], &[]),
    role("mark", &[], &[Control]),
    role("at", &[], &TileKind::ALL),
    role("coverage", &[], &TileKind::ALL),
    role("unknown", &[], &TileKind::ALL),
];

/// A tile of a board.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    pub name: String,
    pub title: LocalText,
    pub kind: TileKind,
    pub statement: Statement,
    /// The columns of its parts by the key of [`ROLES`].
    pub roles: BTreeMap<&'static str, Vec<String>>,
    /// How columns are shown, by name; a column may be missing.
    pub columns: BTreeMap<String, Column>,
    /// Unit of the values; `%` for a share from 0 to 1.
    pub unit: Option<String>,
    /// Digits after the point of the values.
    pub digits: Option<u8>,
    pub limits: Vec<Limit>,
    /// Address of a page of the cockpit, with `{column}` for values of the row.
    pub link: Option<String>,
    /// Columns of the grid that it covers.
    pub width: u8,
    /// Rows of the grid that it covers.
    pub height: u8,
    /// Age of the data from which the tile is marked as stale, in microseconds.
    pub stale_after_us: Option<i64>,
    /// Rows that are read at most; `None` for the setting `board_rows`.
    pub max_rows: Option<usize>,
}

impl Tile {
    /// The columns that the keys of the tile name, each with its key.
    pub fn named_columns(&self) -> Vec<(&str, &str)> {
        let roles = self.roles.iter();
        let roles = roles.flat_map(|(key, names)| names.iter().map(|name| (*key, name.as_str())));
        let limits = self.limits.iter().flat_map(Limit::columns).map(|name| ("limits", name));
        let columns = self.columns.keys().map(|name| ("columns", name.as_str()));
        let link = self.link.iter().flat_map(|link| placeholders(link));
        let link = link.map(|name| ("link", name));
        roles.chain(limits).chain(columns).chain(link).collect()
    }
}

/// The names in braces of a link.
fn placeholders(link: &str) -> impl Iterator<Item = &str> {
    link.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

/// Reads `[[tile]]`; `columns` are those of the grid.
pub fn read(reader: &mut TomlReader<'_, '_>, known: Named<'_>, columns: u8) -> Vec<Tile> {
    let mut tiles: Vec<Tile> = Vec::new();
    let mut taken = BTreeSet::new();
    for mut table in reader.tables("tile") {
        let tile = read_one(&mut table, &mut taken, known, columns);
        table.finish();
        tiles.extend(tile);
    }
    if !reader.has("tile") {
        reader.note_here("the board has no tile", "Add [[tile]] with name, kind and sql.");
    }
    tiles
}

fn read_one(
    reader: &mut TomlReader<'_, '_>,
    taken: &mut BTreeSet<String>,
    known: Named<'_>,
    columns: u8,
) -> Option<Tile> {
    let name = name(reader, taken);
    let title = value::local_text(reader, "title");
    let kind = value::choice(reader, "kind", TileKind::ALL.map(|it| (it.as_str(), it)), None);
    let statement = statement::read(reader, "sql", known);
    let roles = roles(reader, kind);
    let mut shown = BTreeMap::new();
    for (name, mut table) in reader.table("columns").into_iter().flat_map(TomlReader::into_tables) {
        shown.insert(name, column(&mut table));
        table.finish();
    }
    let unit = reader.text("unit").filter(|unit| !unit.is_empty());
    let digits = digits(reader);
    let limits = limit::read(reader);
    let link = link(reader);
    let (width, height) = size(reader, kind, columns);
    let stale_after_us = reader.has("stale_after");
    let stale_after_us = stale_after_us.then(|| value::positive_duration(reader, "stale_after"));
    let max_rows = max_rows(reader);
    let name = name?;
    Some(Tile {
        title: title.unwrap_or_else(|| LocalText::new(&titled(&name))),
        name,
        kind: kind?,
        statement: statement?,
        roles,
        columns: shown,
        unit,
        digits,
        limits,
        link,
        width,
        height,
        stale_after_us: stale_after_us.flatten(),
        max_rows,
    })
}

/// The required name of a tile; an invalid one, or one that is taken, is noted.
fn name(reader: &mut TomlReader<'_, '_>, taken: &mut BTreeSet<String>) -> Option<String> {
    let remedy = "Write lower-case letters, digits and _, a letter first.";
    let name = reader.required("name", remedy)?;
    if !is_name(&name, "_") {
        reader.note("name", format!("invalid name `{name}`"), remedy);
    } else if !taken.insert(name.clone()) {
        reader.note("name", format!("the name `{name}` is taken"), "Choose another one.");
    }
    Some(name)
}

/// The columns of the parts. A key that the kind needs and does not have, or has and does not know, is noted.
fn roles(
    reader: &mut TomlReader<'_, '_>,
    kind: Option<TileKind>,
) -> BTreeMap<&'static str, Vec<String>> {
    let mut roles = BTreeMap::new();
    for role in &ROLES {
        let key = role.key;
        let names = value::one_or_more(reader, key);
        let Some(kind) = kind else { continue };
        let (is_required, is_optional) =
            (role.required.contains(&kind), role.optional.contains(&kind));
        let kind_name = kind.as_str();
        if names.is_some() && !is_required && !is_optional {
            let message = format!("a tile of kind {kind_name} has no `{key}`");
            reader.note(key, message, format!("Remove it. {}", keys_of(kind)));
        }
        if !reader.has(key) && is_required {
            reader.note_here(format!("`{key}` is missing"), format!("Write {key} = \"COLUMN\"."));
        }
        let is_list = kind == Trend && key == "y";
        let Some(names) = names else { continue };
        if names.is_empty() || (names.len() > 1 && !is_list) {
            reader.note(key, format!("{} columns for `{key}`", names.len()), "Name one column.");
        }
        roles.insert(key, names);
    }
    roles
}

/// The keys of a kind that name columns, as a sentence.
fn keys_of(kind: TileKind) -> String {
    let is_known = |role: &&Role| role.required.contains(&kind) || role.optional.contains(&kind);
    let keys: Vec<&str> = ROLES.iter().filter(is_known).map(|role| role.key).collect();
    format!("Known here: {}.", keys.join(", "))
}

fn digits(reader: &mut TomlReader<'_, '_>) -> Option<u8> {
    let digits = reader.number("digits")?;
    if digits > DIGITS_MAX {
        let remedy = format!("Write a whole number from 0 to {DIGITS_MAX}.");
        reader.note("digits", "invalid digits", remedy);
    }
    u8::try_from(digits).ok()
}

/// The address of a page of the cockpit: a link of another host could take people to a forged login.
fn link(reader: &mut TomlReader<'_, '_>) -> Option<String> {
    let link = reader.text("link")?;
    let is_own = link.starts_with('/') && !link.starts_with("//") && !link.contains('\\');
    if !is_own {
        let remedy =
            "Write the address of a page of the cockpit, such as \"/make?station={station}\".";
        reader.note("link", format!("invalid link `{link}`"), remedy);
    }
    if link.matches('{').count() != placeholders(&link).count() {
        let remedy = "Write {column} for the value of a column.";
        reader.note("link", format!("invalid link `{link}`: a brace is not closed"), remedy);
    }
    Some(link)
}

fn size(reader: &mut TomlReader<'_, '_>, kind: Option<TileKind>, columns: u8) -> (u8, u8) {
    let (wide, high) = kind.map_or((1, 1), TileKind::size);
    let columns = u64::from(columns);
    let width = within(reader, "width", wide.min(columns), columns);
    let height = within(reader, "height", high, HEIGHT_MAX);
    (width, height)
}

fn within(reader: &mut TomlReader<'_, '_>, key: &'static str, default: u64, max: u64) -> u8 {
    let number = reader.number(key).unwrap_or(default);
    if !(1..=max).contains(&number) {
        let remedy = format!("Write a whole number from 1 to {max}.");
        reader.note(key, format!("invalid {key} `{number}`"), remedy);
    }
    u8::try_from(number.clamp(1, max)).unwrap_or(1)
}

fn max_rows(reader: &mut TomlReader<'_, '_>) -> Option<usize> {
    let rows = reader.number("max_rows")?;
    if rows == 0 {
        reader.note("max_rows", "invalid max_rows `0`", "Write at least 1.");
    }
    usize::try_from(rows).ok()
}

/// The mistake of a key that names a column which the statement does not have, with its remedy.
pub fn unknown_column(tile: &Tile, columns: &[&str]) -> Option<(String, String)> {
    let named = tile.named_columns();
    let (key, column) = named.iter().find(|(_, column)| !columns.contains(column))?;
    let message = format!("tile `{}`: no column `{column}`, which `{key}` names", tile.name);
    Some((message, did_you_mean(column, columns)))
}
