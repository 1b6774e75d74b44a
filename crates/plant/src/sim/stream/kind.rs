//! The kinds of messages, from plain to malformed, and their expected outcome.

use rand::Rng as _;
use rand::RngExt as _;
use rand_pcg::Pcg32;

/// Why a message is rejected: the reason code in `silver.rejected` and, for a failed expectation,
/// its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RejectReason {
    pub code: &'static str,
    pub rule: Option<&'static str>,
}

impl RejectReason {
    const fn code(code: &'static str) -> Self {
        Self { code, rule: None }
    }

    const fn rule(rule: &'static str) -> Self {
        Self { code: "expectation", rule: Some(rule) }
    }
}

/// The message repeats an earlier one.
pub const DUPLICATE: RejectReason = RejectReason::code("duplicate");

const MISSING: RejectReason = RejectReason::code("missing");
const NOT_JSON: RejectReason = RejectReason::code("not_json");
const ARRAY_RECEIVED: RejectReason = RejectReason::code("array_received");
const NOT_SCALAR: RejectReason = RejectReason::code("not_scalar");
const INVALID_TEXT: RejectReason = RejectReason::code("invalid_text");
const TOO_LONG: RejectReason = RejectReason::code("too_long");
const NOT_A_NUMBER: RejectReason = RejectReason::code("not_a_number");
const NOT_A_TIME: RejectReason = RejectReason::code("not_a_time");
const OUT_OF_RANGE: RejectReason = RejectReason::rule("in_physical_range");
const FUTURE: RejectReason = RejectReason::rule("not_from_the_future");
const ANCIENT: RejectReason = RejectReason::rule("not_ancient");

/// How many messages have faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageFaults {
    /// Every message is a valid reading, in one of four time formats.
    None,
    /// As in the reference data: about one message in ten lacks its temperature, its component or
    /// both; a few are late or repeated.
    Usual,
    /// The same, and one message in twenty is of an exotic kind.
    Filthy,
}

/// The kinds of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKind {
    Plain,
    /// Sent some time after the measurement.
    Late,
    /// Sent, and sent again later.
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

/// A kind, its name, and the reason for which it is rejected.
type Known = (MessageKind, &'static str, Option<RejectReason>);

const KINDS: [Known; 45] = [
    (MessageKind::Plain, "plain", None),
    (MessageKind::Late, "late", None),
    (MessageKind::Repeated, "repeated", None),
    (MessageKind::NullTemperature, "null_temperature", Some(MISSING)),
    (MessageKind::NoComponent, "no_component", Some(MISSING)),
    (MessageKind::NullTemperatureNoComponent, "null_temperature_no_component", Some(MISSING)),
    (MessageKind::BareTemperature, "bare_temperature", None),
    (MessageKind::BareLane, "bare_lane", None),
    (MessageKind::BareTime, "bare_time", None),
    (MessageKind::ExtraField, "extra_field", None),
    (MessageKind::Escaped, "escaped", None),
    (MessageKind::Spaced, "spaced", None),
    (MessageKind::Reordered, "reordered", None),
    (MessageKind::DeeplyNested, "deeply_nested", None),
    (MessageKind::Words, "words", Some(NOT_JSON)),
    (MessageKind::Truncated, "truncated", Some(NOT_JSON)),
    (MessageKind::InvalidText, "invalid_text", Some(INVALID_TEXT)),
    (MessageKind::Empty, "empty", Some(NOT_JSON)),
    (MessageKind::NullBytes, "null_bytes", Some(NOT_JSON)),
    (MessageKind::TrailingText, "trailing_text", Some(NOT_JSON)),
    (MessageKind::TopArray, "top_array", Some(ARRAY_RECEIVED)),
    (MessageKind::TopNumber, "top_number", Some(NOT_JSON)),
    (MessageKind::TopNull, "top_null", Some(NOT_JSON)),
    (MessageKind::Huge, "huge", Some(TOO_LONG)),
    (MessageKind::MissingPlant, "missing_plant", Some(MISSING)),
    (MessageKind::MissingLane, "missing_lane", Some(MISSING)),
    (MessageKind::MissingTime, "missing_time", Some(MISSING)),
    (MessageKind::MissingTemperature, "missing_temperature", Some(MISSING)),
    (MessageKind::MissingComponent, "missing_component", Some(MISSING)),
    (MessageKind::NullTime, "null_time", Some(MISSING)),
    (MessageKind::NullComponent, "null_component", Some(MISSING)),
    (MessageKind::NullType, "null_type", Some(MISSING)),
    (MessageKind::PlantIsObject, "plant_is_object", Some(NOT_SCALAR)),
    (MessageKind::TemperatureIsBool, "temperature_is_bool", Some(NOT_A_NUMBER)),
    (MessageKind::TemperatureIsList, "temperature_is_list", Some(NOT_SCALAR)),
    (MessageKind::TemperatureIsWord, "temperature_is_word", Some(NOT_A_NUMBER)),
    (MessageKind::TemperatureIsNaN, "temperature_is_nan", Some(NOT_A_NUMBER)),
    (MessageKind::TemperatureIsInfinite, "temperature_is_infinite", Some(NOT_A_NUMBER)),
    (MessageKind::DecimalComma, "decimal_comma", Some(NOT_A_NUMBER)),
    (MessageKind::TooHot, "too_hot", Some(OUT_OF_RANGE)),
    (MessageKind::TooCold, "too_cold", Some(OUT_OF_RANGE)),
    (MessageKind::TimeIsWord, "time_is_word", Some(NOT_A_TIME)),
    (MessageKind::NoSuchDay, "no_such_day", Some(NOT_A_TIME)),
    (MessageKind::FarFuture, "far_future", Some(FUTURE)),
    (MessageKind::Ancient, "ancient", Some(ANCIENT)),
];

/// Kinds that look unusual but are valid readings.
const ODD: std::ops::Range<usize> =
    MessageKind::BareTemperature as usize..MessageKind::Words as usize;

/// Malformed kinds.
const POISON: std::ops::Range<usize> = MessageKind::Words as usize..KINDS.len();

/// A message of a megabyte is drawn less often than other malformed ones, or it would dominate the
/// volume.
const HUGE_SHARE: f64 = 0.002;

/// The kinds a draw selects from.
#[derive(Debug, Clone, Copy)]
enum Lot {
    One(MessageKind),
    AnyOdd,
    AnyPoison,
}

/// Messages in a million that are not plain.
const USUAL: [(u32, Lot); 5] = [
    (50_000, Lot::One(MessageKind::NullTemperatureNoComponent)),
    (25_000, Lot::One(MessageKind::NullTemperature)),
    (25_000, Lot::One(MessageKind::NoComponent)),
    (1_000, Lot::One(MessageKind::Late)),
    (1_000, Lot::One(MessageKind::Repeated)),
];

const FILTHY: [(u32, Lot); 7] = [
    (50_000, Lot::One(MessageKind::NullTemperatureNoComponent)),
    (25_000, Lot::One(MessageKind::NullTemperature)),
    (25_000, Lot::One(MessageKind::NoComponent)),
    (5_000, Lot::One(MessageKind::Late)),
    (5_000, Lot::One(MessageKind::Repeated)),
    (20_000, Lot::AnyOdd),
    (50_000, Lot::AnyPoison),
];

impl MessageFaults {
    /// Draws the kind of the next message.
    pub(super) fn kind(self, rng: &mut Pcg32) -> MessageKind {
        let lots: &[(u32, Lot)] = match self {
            Self::None => return MessageKind::Plain,
            Self::Usual => &USUAL,
            Self::Filthy => &FILTHY,
        };
        let mut drawn = rng.next_u32() % 1_000_000;
        for (share, lot) in lots {
            if drawn < *share {
                return lot.kind(rng);
            }
            drawn -= share;
        }
        MessageKind::Plain
    }
}

impl Lot {
    fn kind(self, rng: &mut Pcg32) -> MessageKind {
        match self {
            Self::One(kind) => kind,
            Self::AnyOdd => KINDS[rng.random_range(ODD)].0,
            Self::AnyPoison if rng.random_bool(HUGE_SHARE) => MessageKind::Huge,
            Self::AnyPoison => match KINDS[rng.random_range(POISON)].0 {
                MessageKind::Huge => MessageKind::Words,
                kind => kind,
            },
        }
    }
}

impl MessageKind {
    /// All kinds, from plain to malformed.
    pub fn all() -> impl Iterator<Item = Self> {
        KINDS.iter().map(|known| known.0)
    }

    pub const fn name(self) -> &'static str {
        KINDS[self as usize].1
    }

    /// The reason for which it is rejected, if it is. A [`MessageKind::Repeated`] message is a
    /// valid reading the first time it is sent.
    pub const fn reason(self) -> Option<RejectReason> {
        KINDS[self as usize].2
    }

    /// Whether it has the fields of the reference data with time, location and temperature
    /// unchanged.
    pub(super) const fn is_plain(self) -> bool {
        matches!(self, Self::Plain | Self::Late | Self::Repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn kinds_are_in_the_order_of_their_table() {
        for (place, kind) in MessageKind::all().enumerate() {
            assert_eq!(kind as usize, place, "{}", kind.name());
        }
        let names: BTreeSet<&str> = MessageKind::all().map(MessageKind::name).collect();
        assert_eq!(names.len(), KINDS.len());
        assert!(KINDS[POISON].iter().all(|known| known.2.is_some()));
        assert!(KINDS[ODD].iter().all(|known| known.2.is_none()));
        assert!(POISON.len() >= 25, "{} kinds of poison", POISON.len());
    }
}
