//! The keys of the TOML files of a plant folder: the source of `cockpit schema`, of editors that complete and
//! check, and of the reference pages. A test compares the tables with the keys that the readers read.

mod alarms;
mod boards;
mod contract;
mod json;
mod kpis;
mod notifications;
mod plant;

pub use json::json_schema;
pub(crate) use notifications::NOTIFICATION_KEYS;

use crate::settings::Setting;

/// A kind of TOML file in a plant folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Document {
    /// `plant.toml`
    Plant,
    /// `bronze/<table>.toml`
    Contract,
    /// `kpis.toml`
    Kpis,
    /// `alarms.toml`
    Alarms,
    /// `boards/<name>.toml`
    Board,
}

impl Document {
    pub const ALL: [Self; 5] = [Self::Plant, Self::Contract, Self::Kpis, Self::Alarms, Self::Board];

    /// Its name on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plant => "plant",
            Self::Contract => "contract",
            Self::Kpis => "kpis",
            Self::Alarms => "alarms",
            Self::Board => "board",
        }
    }

    /// The keys of the file.
    pub const fn table(self) -> &'static Table {
        match self {
            Self::Plant => &plant::PLANT,
            Self::Contract => &contract::CONTRACT,
            Self::Kpis => &kpis::KPIS,
            Self::Alarms => &alarms::ALARMS,
            Self::Board => &boards::BOARD,
        }
    }
}

/// A TOML table and its keys.
#[derive(Debug)]
pub struct Table {
    pub description: &'static str,
    pub keys: &'static [Key],
    /// Numeric settings that are keys of the table too.
    pub settings: fn() -> Vec<Setting>,
}

impl Table {
    const fn new(description: &'static str, keys: &'static [Key]) -> Self {
        Self { description, keys, settings: Vec::new }
    }

    const fn with_settings(mut self, settings: fn() -> Vec<Setting>) -> Self {
        self.settings = settings;
        self
    }
}

/// One key of a TOML table.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// What it means, as one or more sentences.
    pub description: &'static str,
    /// Its value if it is missing, in TOML; empty if there is none.
    pub default: &'static str,
    /// A value, in TOML; empty if the default or a choice is example enough.
    pub example: &'static str,
    pub is_required: bool,
    pub is_deprecated: bool,
}

/// The type of a key.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    /// One of some texts.
    Choice(&'static [&'static str]),
    Flag,
    /// A whole number within these bounds.
    Number(u64, u64),
    /// A number with or without a fraction.
    Decimal,
    Texts,
    /// A list of whole numbers.
    Numbers,
    /// A text, or a list of texts.
    OneOrMore,
    /// A text, or a table of texts by language.
    Translated,
    /// A number with its unit, such as `30 s`.
    Duration,
    /// A number, or the name of a setting or a column.
    Limit,
    /// Two texts: numerator and denominator in SQL.
    Ratio,
    Table(&'static Table),
    /// Tables by names that the file chooses.
    Map(&'static Table),
    Tables(&'static Table),
}

impl Key {
    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        let (default, example) = ("", "");
        Self { name, kind, description, default, example, is_required: false, is_deprecated: false }
    }

    const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Text, description)
    }

    const fn texts(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Texts, description)
    }

    const fn flag(name: &'static str, description: &'static str) -> Self {
        Self::new(name, Kind::Flag, description).default("false")
    }

    const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }

    const fn deprecated(mut self) -> Self {
        self.is_deprecated = true;
        self
    }

    const fn default(mut self, value: &'static str) -> Self {
        self.default = value;
        self
    }

    const fn example(mut self, value: &'static str) -> Self {
        self.example = value;
        self
    }
}

#[cfg(test)]
mod tests;
