//! `limits`: the bounds at which a value is marked.

use crate::toml_reader::TomlReader;

/// A bound of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Bound {
    Number(f64),
    /// The column with the bound of each row.
    Column(String),
}

/// A limit: values beyond it are marked.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Whether values above the bound are marked, otherwise those below.
    pub is_above: bool,
    pub bound: Bound,
    /// Marked with the badge of this alarm priority; `None` for a deviation from a target.
    pub priority: Option<u8>,
    /// The column that is compared; `None` for that of the tile's value.
    pub column: Option<String>,
}

impl Limit {
    /// The columns that it names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        let bound = match &self.bound {
            Bound::Column(column) => Some(column.as_str()),
            Bound::Number(_) => None,
        };
        bound.into_iter().chain(self.column.as_deref())
    }
}

/// Reads `limits`.
pub fn read(reader: &mut TomlReader<'_, '_>) -> Vec<Limit> {
    let mut limits = Vec::new();
    for mut table in reader.tables("limits") {
        limits.extend(read_one(&mut table));
        table.finish();
    }
    limits
}

fn read_one(reader: &mut TomlReader<'_, '_>) -> Option<Limit> {
    let (above, below) = (bound(reader, "above"), bound(reader, "below"));
    let priority = reader.number("priority");
    if priority.is_some_and(|priority| !(1..=4).contains(&priority)) {
        let remedy = "Write 1 to 4, or leave it out for a deviation from a target.";
        reader.note("priority", "invalid priority", remedy);
    }
    let column = reader.text("column");
    let has_one = reader.has("above") != reader.has("below");
    if !has_one {
        let remedy = "Write either above = … or below = …: a number, or the name of a column.";
        reader.note_here("a limit needs one bound", remedy);
    }
    Some(Limit {
        is_above: above.is_some(),
        bound: above.or(below)?,
        priority: priority.and_then(|priority| u8::try_from(priority).ok()),
        column,
    })
}

/// A number, or the name of a column.
fn bound(reader: &mut TomlReader<'_, '_>, key: &'static str) -> Option<Bound> {
    if reader.peek(key).is_some() {
        return reader.text(key).map(Bound::Column);
    }
    let number = reader.decimal(key)?;
    if !number.is_finite() {
        reader.note(key, format!("invalid limit {number}"), "Write a finite number.");
    }
    Some(Bound::Number(number))
}
