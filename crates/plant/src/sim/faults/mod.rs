//! Fault injection: what goes wrong between the systems of a plant and their dumps.
//!
//! *In*: the level of each kind of fault, and a record to be written. *Out*: what is written
//! instead, and the expected outcome. *Promise*: outcomes follow from the contracts and models of
//! the reference plant and the kind of fault; dumps are not read back.

pub mod edit;
mod recipe;

pub use recipe::{Edit, Recipe};

use super::dump::Dump;
use super::random::Rng;
use rand::RngExt as _;
use std::collections::BTreeMap;

/// How many faults are injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FaultLevel {
    #[default]
    None,
    /// One record in a hundred.
    Usual,
    /// One record in twelve.
    Filthy,
}

impl FaultLevel {
    /// Parses a level.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "usual" => Some(Self::Usual),
            "filthy" => Some(Self::Filthy),
            _ => None,
        }
    }

    const fn records_per_100k(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Usual => 1_000,
            Self::Filthy => 8_000,
        }
    }

    const fn files_per_100k(self) -> u32 {
        match self {
            Self::None => 0,
            Self::Usual => 20_000,
            Self::Filthy => 60_000,
        }
    }
}

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    NullSpelling,
    Padding,
    BlankLine,
    ExcelSerial,
    UnreadableExtra,
    Duplicate,
    Correction,
    LateRecord,
    LateFile,
    NewColumn,
    RepeatedHeader,
    ShortLine,
    ExtraField,
    BrokenQuote,
    BrokenToken,
    BrokenJson,
    InvalidText,
    TruncatedEnd,
    MissingValue,
    NotANumber,
    DecimalComma,
    NegativeQuantity,
    AbsurdQuantity,
    ImpossibleTime,
    SwappedDayMonth,
    ClockChange,
    ClockSetBack,
    OverlappingStates,
    UnknownWord,
}

impl FaultKind {
    /// All kinds.
    pub const ALL: [Self; 29] = [
        Self::NullSpelling,
        Self::Padding,
        Self::BlankLine,
        Self::ExcelSerial,
        Self::UnreadableExtra,
        Self::Duplicate,
        Self::Correction,
        Self::LateRecord,
        Self::LateFile,
        Self::NewColumn,
        Self::RepeatedHeader,
        Self::ShortLine,
        Self::ExtraField,
        Self::BrokenQuote,
        Self::BrokenToken,
        Self::BrokenJson,
        Self::InvalidText,
        Self::TruncatedEnd,
        Self::MissingValue,
        Self::NotANumber,
        Self::DecimalComma,
        Self::NegativeQuantity,
        Self::AbsurdQuantity,
        Self::ImpossibleTime,
        Self::SwappedDayMonth,
        Self::ClockChange,
        Self::ClockSetBack,
        Self::OverlappingStates,
        Self::UnknownWord,
    ];

    /// Name of the kind.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NullSpelling => "null_spelling",
            Self::Padding => "padding",
            Self::BlankLine => "blank_line",
            Self::ExcelSerial => "excel_serial",
            Self::UnreadableExtra => "unreadable_extra",
            Self::Duplicate => "duplicate",
            Self::Correction => "correction",
            Self::LateRecord => "late_record",
            Self::LateFile => "late_file",
            Self::NewColumn => "new_column",
            Self::RepeatedHeader => "repeated_header",
            Self::ShortLine => "short_line",
            Self::ExtraField => "extra_field",
            Self::BrokenQuote => "broken_quote",
            Self::BrokenToken => "broken_token",
            Self::BrokenJson => "broken_json",
            Self::InvalidText => "invalid_text",
            Self::TruncatedEnd => "truncated_end",
            Self::MissingValue => "missing_value",
            Self::NotANumber => "not_a_number",
            Self::DecimalComma => "decimal_comma",
            Self::NegativeQuantity => "negative_quantity",
            Self::AbsurdQuantity => "absurd_quantity",
            Self::ImpossibleTime => "impossible_time",
            Self::SwappedDayMonth => "swapped_day_month",
            Self::ClockChange => "clock_change",
            Self::ClockSetBack => "clock_set_back",
            Self::OverlappingStates => "overlapping_states",
            Self::UnknownWord => "unknown_word",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Expected outcome for a record with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It counts like a valid record.
    Kept,
    /// It counts, and its text is interpreted as this.
    Repaired(&'static str),
    /// It is superseded by a later record of the same key.
    Superseded,
    /// The fault cannot be detected, and the record counts as written.
    Undetected,
    /// It is rejected, with the column (empty if the whole record is invalid), the reason code, and
    /// the rule of a failed expectation.
    Rejected { column: &'static str, reason: &'static str, rule: &'static str },
}

impl Outcome {
    /// Name of the outcome.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Repaired(_) => "repaired",
            Self::Superseded => "superseded",
            Self::Undetected => "misread",
            Self::Rejected { .. } => "rejected",
        }
    }
}

/// An injected fault, its location and its expected outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InjectedFault {
    pub kind: FaultKind,
    pub dump: Dump,
    /// Key of the dump.
    pub file: String,
    /// Number of the record in its file, from 1; `None` for the whole file.
    pub record: Option<u64>,
    pub outcome: Outcome,
}

impl InjectedFault {
    /// The fault as a line of JSON.
    pub fn line(&self) -> String {
        let text = |text: &str| {
            if text.is_empty() { "null".to_owned() } else { format!("\"{text}\"") }
        };
        let record = self.record.map_or("null".to_owned(), |record| record.to_string());
        let (column, reason, rule, to) = match self.outcome {
            Outcome::Rejected { column, reason, rule } => (column, reason, rule, ""),
            Outcome::Repaired(to) => ("", "", "", to),
            _ => ("", "", "", ""),
        };
        format!(
            "{{\"kind\":\"{}\",\"table\":\"{}\",\"file\":\"{}\",\"record\":{record},\
             \"fate\":\"{}\",\"column\":{},\"reason\":{},\"rule\":{},\"to\":{}}}\n",
            self.kind.as_str(),
            self.dump.about().table,
            self.file,
            self.outcome.as_str(),
            text(column),
            text(reason),
            text(rule),
            text(to)
        )
    }
}

/// Levels of all kinds of faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultInjector {
    levels: BTreeMap<FaultKind, FaultLevel>,
    /// The recipes of each dump with cumulative thresholds: a recipe applies to draws below its
    /// threshold and not below the one before.
    below: BTreeMap<Dump, Vec<(u32, &'static Recipe)>>,
}

impl FaultInjector {
    /// All kinds at one level.
    pub fn new(level: FaultLevel) -> Self {
        Self::from_levels(FaultKind::ALL.into_iter().map(|kind| (kind, level)).collect())
    }

    /// The same with one kind at another level.
    #[must_use]
    pub fn with(mut self, kind: FaultKind, level: FaultLevel) -> Self {
        self.levels.insert(kind, level);
        Self::from_levels(self.levels)
    }

    fn from_levels(levels: BTreeMap<FaultKind, FaultLevel>) -> Self {
        let level = |kind: FaultKind| levels.get(&kind).copied().unwrap_or_default();
        let mut below: BTreeMap<Dump, Vec<(u32, &'static Recipe)>> = BTreeMap::new();
        for dump in Dump::ALL {
            let recipes: Vec<_> = recipe::for_dump(dump).collect();
            let count = u32::try_from(recipes.len()).unwrap_or(u32::MAX).max(1);
            let mut sum = 0;
            for recipe in recipes {
                sum += level(recipe.kind).records_per_100k() / count;
                below.entry(dump).or_default().push((sum, recipe));
            }
        }
        Self { levels, below }
    }

    /// Draws the fault of the next record of a dump, if any.
    pub fn draw(&self, dump: Dump, rng: &mut Rng) -> Option<&'static Recipe> {
        let recipes = self.below.get(&dump)?;
        let (sum, _) = recipes.last().filter(|(sum, _)| *sum > 0)?;
        let drawn = rng.random_range(0..100_000_u32);
        if drawn >= *sum {
            return None;
        }
        recipes.iter().find(|(below, _)| drawn < *below).map(|(_, recipe)| *recipe)
    }

    /// Whether a fault of whole files affects the next file.
    pub fn strikes(&self, kind: FaultKind, rng: &mut Rng) -> bool {
        let level = self.levels.get(&kind).copied().unwrap_or_default();
        super::random::happens(rng, level.files_per_100k())
    }
}
