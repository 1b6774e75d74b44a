//! Where in the plant a right holds: everywhere, in an area, or on a line.

use crate::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The longest name of an area or a line.
const NAME_CHARS_MAX: usize = 128;

/// A part of the plant's equipment (ISA-95), by the names in its configuration. The text form is
/// `plant`, `area:NAME` or `line:AREA/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    Plant,
    Area(String),
    Line { area: String, line: String },
}

impl Scope {
    /// Whether everything in `other` is in this scope too.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Plant, _) => true,
            (Self::Area(mine), Self::Area(area) | Self::Line { area, .. }) => mine == area,
            (Self::Line { .. }, Self::Line { .. }) => self == other,
            (Self::Area(_) | Self::Line { .. }, _) => false,
        }
    }

    /// What is in both scopes, if anything is.
    pub fn shared(&self, other: &Self) -> Option<Self> {
        if self.covers(other) {
            Some(other.clone())
        } else {
            other.covers(self).then(|| self.clone())
        }
    }

    /// Area and line as stored: an empty text where the scope names none.
    pub(crate) fn columns(&self) -> (&str, &str) {
        match self {
            Self::Plant => ("", ""),
            Self::Area(area) => (area, ""),
            Self::Line { area, line } => (area, line),
        }
    }

    /// The scope of stored columns. A line without an area is damaged: it becomes a scope that
    /// covers no place, and not the whole plant.
    pub(crate) fn from_columns(area: String, line: String) -> Self {
        match (area.is_empty(), line.is_empty()) {
            (true, true) => Self::Plant,
            (false, true) => Self::Area(area),
            (_, false) => Self::Line { area, line },
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plant => f.write_str("plant"),
            Self::Area(area) => write!(f, "area:{area}"),
            Self::Line { area, line } => write!(f, "line:{area}/{line}"),
        }
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let named = |name: &str| is_name(name).then(|| name.to_owned());
        let found = match text.split_once(':') {
            None if text == "plant" => Some(Self::Plant),
            Some(("area", area)) => named(area).map(Self::Area),
            Some(("line", path)) => path.split_once('/').and_then(|(area, line)| {
                Some(Self::Line { area: named(area)?, line: named(line)? })
            }),
            _ => None,
        };
        found.ok_or_else(|| Error::invalid("scope", text, "plant, area:NAME or line:AREA/NAME"))
    }
}

impl TryFrom<String> for Scope {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

fn is_name(name: &str) -> bool {
    let is_plain = |letter: char| !letter.is_control() && letter != '/';
    !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[test]
    fn wider_scopes_cover_narrower_ones() {
        let all = ["plant", "area:SMT", "area:THT", "line:SMT/1", "line:SMT/2", "line:THT/1"];
        let covered = |text: &str| -> Vec<&str> {
            all.into_iter().filter(|other| of(text).covers(&of(other))).collect()
        };
        assert_eq!(covered("plant"), all);
        assert_eq!(covered("area:SMT"), ["area:SMT", "line:SMT/1", "line:SMT/2"]);
        assert_eq!(covered("line:THT/1"), ["line:THT/1"]);
    }

    #[test]
    fn wrong_texts_are_refused() {
        for text in
            ["", "Plant", "area:", "area: ", "line:SMT", "line:/1", "line:a/b/c", "area:a\nb"]
        {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
        assert!(format!("area:{}", "x".repeat(129)).parse::<Scope>().is_err());
    }

    #[test]
    fn damaged_columns_do_not_become_the_whole_plant() {
        let damaged = Scope::from_columns(String::new(), "1".to_owned());
        assert!(!damaged.covers(&of("plant")) && !damaged.covers(&of("line:SMT/1")));
    }

    fn any_scope() -> impl Strategy<Value = Scope> {
        let name = || prop::sample::select(vec!["a", "b"]).prop_map(str::to_owned);
        prop_oneof![
            Just(Scope::Plant),
            name().prop_map(Scope::Area),
            (name(), name()).prop_map(|(area, line)| Scope::Line { area, line }),
        ]
    }

    proptest! {
        #[test]
        fn text_and_columns_lead_back(scope in any_scope()) {
            prop_assert_eq!(of(&scope.to_string()), scope.clone());
            let (area, line) = scope.columns();
            prop_assert_eq!(Scope::from_columns(area.to_owned(), line.to_owned()), scope);
        }

        #[test]
        fn what_is_shared_is_exactly_what_both_cover(
            one in any_scope(), other in any_scope(), place in any_scope()
        ) {
            let is_shared = one.shared(&other).is_some_and(|it| it.covers(&place));
            prop_assert_eq!(is_shared, one.covers(&place) && other.covers(&place));
        }
    }
}
