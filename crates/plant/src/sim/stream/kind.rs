//! Every kind of message there is, from plain to poison, and what must become of it.

use rand::Rng as _;
use rand::RngExt as _;
use rand_pcg::Pcg32;

/// The reason of a message that says again what was said.
pub const DUPLICATE: &str = "duplicate";

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
    Words,
    Truncated,
    InvalidText,
    Empty,
    NullBytes,
    TrailingText,
    TopArray,
    TopNumber,
    TopNull,
    DeeplyNested,
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
type Known = (Kind, &'static str, Option<&'static str>);

const KINDS: [Known; 45] = [
    (Kind::Plain, "plain", None),
    (Kind::Late, "late", None),
    (Kind::Repeated, "repeated", None),
    (Kind::NullTemperature, "null_temperature", Some("missing")),
    (Kind::NoComponent, "no_component", Some("missing")),
    (Kind::NullTemperatureNoComponent, "null_temperature_no_component", Some("missing")),
    (Kind::BareTemperature, "bare_temperature", None),
    (Kind::BareLane, "bare_lane", None),
    (Kind::BareTime, "bare_time", None),
    (Kind::ExtraField, "extra_field", None),
    (Kind::Escaped, "escaped", None),
    (Kind::Spaced, "spaced", None),
    (Kind::Reordered, "reordered", None),
    (Kind::Words, "words", Some("not_json")),
    (Kind::Truncated, "truncated", Some("not_json")),
    (Kind::InvalidText, "invalid_text", Some("invalid_text")),
    (Kind::Empty, "empty", Some("not_json")),
    (Kind::NullBytes, "null_bytes", Some("not_json")),
    (Kind::TrailingText, "trailing_text", Some("not_json")),
    (Kind::TopArray, "top_array", Some("not_json")),
    (Kind::TopNumber, "top_number", Some("not_json")),
    (Kind::TopNull, "top_null", Some("not_json")),
    (Kind::DeeplyNested, "deeply_nested", Some("not_json")),
    (Kind::Huge, "huge", Some("too_long")),
    (Kind::MissingPlant, "missing_plant", Some("missing")),
    (Kind::MissingLane, "missing_lane", Some("missing")),
    (Kind::MissingTime, "missing_time", Some("missing")),
    (Kind::MissingTemperature, "missing_temperature", Some("missing")),
    (Kind::MissingComponent, "missing_component", Some("missing")),
    (Kind::NullTime, "null_time", Some("missing")),
    (Kind::NullComponent, "null_component", Some("missing")),
    (Kind::NullType, "null_type", Some("missing")),
    (Kind::PlantIsObject, "plant_is_object", Some("wrong_type")),
    (Kind::TemperatureIsBool, "temperature_is_bool", Some("wrong_type")),
    (Kind::TemperatureIsList, "temperature_is_list", Some("wrong_type")),
    (Kind::TemperatureIsWord, "temperature_is_word", Some("not_a_number")),
    (Kind::TemperatureIsNaN, "temperature_is_nan", Some("not_a_number")),
    (Kind::TemperatureIsInfinite, "temperature_is_infinite", Some("not_a_number")),
    (Kind::DecimalComma, "decimal_comma", Some("not_a_number")),
    (Kind::TooHot, "too_hot", Some("out_of_range")),
    (Kind::TooCold, "too_cold", Some("out_of_range")),
    (Kind::TimeIsWord, "time_is_word", Some("not_a_time")),
    (Kind::NoSuchDay, "no_such_day", Some("not_a_time")),
    (Kind::FarFuture, "far_future", Some("future")),
    (Kind::Ancient, "ancient", Some("ancient")),
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

    /// The code of the reason for which it is no reading, if it is none. A [`Kind::Repeated`]
    /// message is one the first time it is said.
    pub const fn reason(self) -> Option<&'static str> {
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
