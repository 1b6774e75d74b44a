//! Every kind of message there is, from plain to poison, and what must become of it.

use rand::Rng as _;
use rand::RngExt as _;
use rand_pcg::Pcg32;

/// Why a message is no reading: a code as `silver.rejected` has it and, where an expectation of the
/// table is not met, the name of that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reason {
    pub code: &'static str,
    pub rule: Option<&'static str>,
}

impl Reason {
    const fn code(code: &'static str) -> Self {
        Self { code, rule: None }
    }

    const fn rule(rule: &'static str) -> Self {
        Self { code: "expectation", rule: Some(rule) }
    }
}

/// The message says again what was said.
pub const DUPLICATE: Reason = Reason::code("duplicate");

const MISSING: Reason = Reason::code("missing");
const NOT_JSON: Reason = Reason::code("not_json");
const ARRAY_RECEIVED: Reason = Reason::code("array_received");
const NOT_SCALAR: Reason = Reason::code("not_scalar");
const INVALID_TEXT: Reason = Reason::code("invalid_text");
const TOO_LONG: Reason = Reason::code("too_long");
const NOT_A_NUMBER: Reason = Reason::code("not_a_number");
const NOT_A_TIME: Reason = Reason::code("not_a_time");
const OUT_OF_RANGE: Reason = Reason::rule("in_physical_range");
const FUTURE: Reason = Reason::rule("not_from_the_future");
const ANCIENT: Reason = Reason::rule("not_ancient");

/// How dirty a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dirt {
    /// Every message is a reading, in any of the four spellings of time.
    None,
    /// As in the reference plant: about one message in ten lacks its temperature, its component or
    /// both, a few come late or twice.
    Usual,
    /// That, and one message in twenty of the kinds nobody would think of.
    Filthy,
}

/// Kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Plain,
    /// Said some time after it was measured.
    Late,
    /// Said, and said again later.
    Repeated,
    NullTemperature,
    NoComponent,
    NullTemperatureNoComponent,
    BareTemperature,
    BareLane,
    BareTime,
    ExtraField,
    Escaped,
    Spaced,
    Reordered,
    DeeplyNested,
    Words,
    Truncated,
    InvalidText,
    Empty,
    NullBytes,
    TrailingText,
    TopArray,
    TopNumber,
    TopNull,
    Huge,
    MissingPlant,
    MissingLane,
    MissingTime,
    MissingTemperature,
    MissingComponent,
    NullTime,
    NullComponent,
    NullType,
    PlantIsObject,
    TemperatureIsBool,
    TemperatureIsList,
    TemperatureIsWord,
    TemperatureIsNaN,
    TemperatureIsInfinite,
    DecimalComma,
    TooHot,
    TooCold,
    TimeIsWord,
    NoSuchDay,
    FarFuture,
    Ancient,
}

/// What is known of a kind: its name, and the reason for which it is no reading.
type Known = (Kind, &'static str, Option<Reason>);

const KINDS: [Known; 45] = [
    (Kind::Plain, "plain", None),
    (Kind::Late, "late", None),
    (Kind::Repeated, "repeated", None),
    (Kind::NullTemperature, "null_temperature", Some(MISSING)),
    (Kind::NoComponent, "no_component", Some(MISSING)),
    (Kind::NullTemperatureNoComponent, "null_temperature_no_component", Some(MISSING)),
    (Kind::BareTemperature, "bare_temperature", None),
    (Kind::BareLane, "bare_lane", None),
    (Kind::BareTime, "bare_time", None),
    (Kind::ExtraField, "extra_field", None),
    (Kind::Escaped, "escaped", None),
    (Kind::Spaced, "spaced", None),
    (Kind::Reordered, "reordered", None),
    (Kind::DeeplyNested, "deeply_nested", None),
    (Kind::Words, "words", Some(NOT_JSON)),
    (Kind::Truncated, "truncated", Some(NOT_JSON)),
    (Kind::InvalidText, "invalid_text", Some(INVALID_TEXT)),
    (Kind::Empty, "empty", Some(NOT_JSON)),
    (Kind::NullBytes, "null_bytes", Some(NOT_JSON)),
    (Kind::TrailingText, "trailing_text", Some(NOT_JSON)),
    (Kind::TopArray, "top_array", Some(ARRAY_RECEIVED)),
    (Kind::TopNumber, "top_number", Some(NOT_JSON)),
    (Kind::TopNull, "top_null", Some(NOT_JSON)),
    (Kind::Huge, "huge", Some(TOO_LONG)),
    (Kind::MissingPlant, "missing_plant", Some(MISSING)),
    (Kind::MissingLane, "missing_lane", Some(MISSING)),
    (Kind::MissingTime, "missing_time", Some(MISSING)),
    (Kind::MissingTemperature, "missing_temperature", Some(MISSING)),
    (Kind::MissingComponent, "missing_component", Some(MISSING)),
    (Kind::NullTime, "null_time", Some(MISSING)),
    (Kind::NullComponent, "null_component", Some(MISSING)),
    (Kind::NullType, "null_type", Some(MISSING)),
    (Kind::PlantIsObject, "plant_is_object", Some(NOT_SCALAR)),
    (Kind::TemperatureIsBool, "temperature_is_bool", Some(NOT_A_NUMBER)),
    (Kind::TemperatureIsList, "temperature_is_list", Some(NOT_SCALAR)),
    (Kind::TemperatureIsWord, "temperature_is_word", Some(NOT_A_NUMBER)),
    (Kind::TemperatureIsNaN, "temperature_is_nan", Some(NOT_A_NUMBER)),
    (Kind::TemperatureIsInfinite, "temperature_is_infinite", Some(NOT_A_NUMBER)),
    (Kind::DecimalComma, "decimal_comma", Some(NOT_A_NUMBER)),
    (Kind::TooHot, "too_hot", Some(OUT_OF_RANGE)),
    (Kind::TooCold, "too_cold", Some(OUT_OF_RANGE)),
    (Kind::TimeIsWord, "time_is_word", Some(NOT_A_TIME)),
    (Kind::NoSuchDay, "no_such_day", Some(NOT_A_TIME)),
    (Kind::FarFuture, "far_future", Some(FUTURE)),
    (Kind::Ancient, "ancient", Some(ANCIENT)),
];

/// Kinds that look odd and are readings all the same.
const ODD: std::ops::Range<usize> = Kind::BareTemperature as usize..Kind::Words as usize;

/// Kinds that are poison.
const POISON: std::ops::Range<usize> = Kind::Words as usize..KINDS.len();

/// A megabyte is drawn more rarely than other poison, or it would be most of what is said.
const HUGE_SHARE: f64 = 0.002;

/// What a draw may fall on.
#[derive(Debug, Clone, Copy)]
enum Lot {
    One(Kind),
    AnyOdd,
    AnyPoison,
}

/// How many of a million messages are no plain ones.
const USUAL: [(u32, Lot); 5] = [
    (50_000, Lot::One(Kind::NullTemperatureNoComponent)),
    (25_000, Lot::One(Kind::NullTemperature)),
    (25_000, Lot::One(Kind::NoComponent)),
    (1_000, Lot::One(Kind::Late)),
    (1_000, Lot::One(Kind::Repeated)),
];

const FILTHY: [(u32, Lot); 7] = [
    (50_000, Lot::One(Kind::NullTemperatureNoComponent)),
    (25_000, Lot::One(Kind::NullTemperature)),
    (25_000, Lot::One(Kind::NoComponent)),
    (5_000, Lot::One(Kind::Late)),
    (5_000, Lot::One(Kind::Repeated)),
    (20_000, Lot::AnyOdd),
    (50_000, Lot::AnyPoison),
];

impl Dirt {
    /// What kind the next message is.
    pub(super) fn kind(self, chance: &mut Pcg32) -> Kind {
        let lots: &[(u32, Lot)] = match self {
            Self::None => return Kind::Plain,
            Self::Usual => &USUAL,
            Self::Filthy => &FILTHY,
        };
        let mut drawn = chance.next_u32() % 1_000_000;
        for (share, lot) in lots {
            if drawn < *share {
                return lot.kind(chance);
            }
            drawn -= share;
        }
        Kind::Plain
    }
}

impl Lot {
    fn kind(self, chance: &mut Pcg32) -> Kind {
        match self {
            Self::One(kind) => kind,
            Self::AnyOdd => KINDS[chance.random_range(ODD)].0,
            Self::AnyPoison if chance.random_bool(HUGE_SHARE) => Kind::Huge,
            Self::AnyPoison => match KINDS[chance.random_range(POISON)].0 {
                Kind::Huge => Kind::Words,
                kind => kind,
            },
        }
    }
}

impl Kind {
    /// Every kind, from plain to poison.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|known| known.0)
    }

    pub const fn name(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// The reason for which it is no reading, if it is none. A [`Kind::Repeated`]
    /// message is one the first time it is said.
    pub const fn reason(self) -> Option<Reason> {
        KINDS[self as usize].2
    }

    /// Whether it says who measured when and what in the reference plant's own words.
    pub(super) const fn is_plain(self) -> bool {
        matches!(self, Self::Plain | Self::Late | Self::Repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_stands_at_its_place() {
        for (place, kind) in Kind::all().enumerate() {
            assert_eq!(kind as usize, place, "{}", kind.name());
        }
        let names: BTreeSet<&str> = Kind::all().map(Kind::name).collect();
        assert_eq!(names.len(), KINDS.len());
        assert!(KINDS[POISON].iter().all(|known| known.2.is_some()));
        assert!(KINDS[ODD].iter().all(|known| known.2.is_none()));
        assert!(POISON.len() >= 25, "{} kinds of poison", POISON.len());
    }
}
