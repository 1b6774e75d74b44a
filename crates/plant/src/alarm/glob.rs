//! Patterns of names with `*`, and of sensors.

use crate::reading::SensorId;
use std::fmt;

/// Parts of a sensor's name: plant, lane, component, manufacturer.
const PARTS: usize = 4;

/// A name in which `*` matches any text, such as `SMT-*`. Letter case counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob(String);

impl Glob {
    /// A pattern from its text; every text is one.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The pattern that matches every name.
    pub fn any() -> Self {
        Self::new("*")
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern is a plain name, so that it matches only this.
    pub fn is_plain(&self) -> bool {
        !self.0.contains('*')
    }

    /// Whether the whole `name` matches. Each `*` matches as little as possible, so the time is
    /// linear in the length of the name for each `*`.
    pub fn matches(&self, name: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else { return self.0 == name };
        let Some(mut name) = name.strip_prefix(head) else { return false };
        let mut parts = rest.split('*').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                return name.ends_with(part);
            }
            let Some(at) = name.find(part) else { return false };
            name = &name[at + part.len()..];
        }
        true
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which sensors a rule applies to: patterns `PLANT.LANE.COMPONENT.MANUFACTURER`, each part with `*`,
/// or `*` alone for all; and patterns of exceptions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SensorPattern {
    include: Vec<[Glob; PARTS]>,
    exclude: Vec<[Glob; PARTS]>,
}

impl SensorPattern {
    /// The pattern of all sensors.
    pub fn any() -> Self {
        Self { include: vec![std::array::from_fn(|_| Glob::any())], exclude: Vec::new() }
    }

    /// Reads the patterns of a rule and those of its exceptions.
    ///
    /// # Errors
    /// The first text that does not have four parts, with what is expected.
    pub fn parse<'a>(
        include: impl IntoIterator<Item = &'a str>,
        exclude: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, String> {
        let include: Vec<_> = include.into_iter().map(parts).collect::<Result<_, _>>()?;
        let exclude = exclude.into_iter().map(parts).collect::<Result<_, _>>()?;
        if include.is_empty() {
            return Err("invalid sensors: expected at least one pattern".to_owned());
        }
        Ok(Self { include, exclude })
    }

    /// Whether the rule applies to the sensor.
    pub fn matches(&self, sensor: &SensorId) -> bool {
        let any = |patterns: &[[Glob; PARTS]]| patterns.iter().any(|it| is_match(it, sensor));
        any(&self.include) && !any(&self.exclude)
    }

    /// Whether a sensor in this lane (`Plant1.4`) may match, so that a pattern that matches no
    /// configured lane can be reported.
    pub fn may_match_lane(&self, lane: &str) -> bool {
        let (plant, lane) = lane.split_once('.').unwrap_or((lane, ""));
        self.include.iter().any(|[p, l, _, _]| p.matches(plant) && l.matches(lane))
    }
}

fn parts(text: &str) -> Result<[Glob; PARTS], String> {
    if text == "*" {
        return Ok(std::array::from_fn(|_| Glob::any()));
    }
    let globs: Vec<Glob> = text.split('.').map(Glob::new).collect();
    let is_complete = globs.iter().all(|glob| !glob.as_str().is_empty());
    globs.try_into().ok().filter(|_| is_complete).ok_or_else(|| {
        format!(
            "invalid sensors `{text}`: expected PLANT.LANE.COMPONENT.MANUFACTURER, each part with * \
             for any text, or * for all sensors"
        )
    })
}

fn is_match(pattern: &[Glob; PARTS], sensor: &SensorId) -> bool {
    let [plant, lane, component, manufacturer] = pattern;
    plant.matches(&sensor.plant)
        && lane.matches(&sensor.lane)
        && component.matches(&sensor.component)
        && manufacturer.matches(&sensor.manufacturer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sensor(text: &str) -> SensorId {
        let parts: Vec<&str> = text.split('.').collect();
        SensorId {
            plant: parts[0].to_owned(),
            lane: parts[1].to_owned(),
            component: parts[2].to_owned(),
            manufacturer: parts[3].to_owned(),
        }
    }

    #[test]
    fn a_star_matches_any_text() {
        let cases = [
            ("SMT-*", "SMT-1", true),
            ("SMT-*", "SMT", false),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c", false),
            ("*printer*", "solder_paste_printer", true),
            ("a*a", "a", false),
            ("plain", "plain", true),
            ("plain", "plainer", false),
        ];
        for (glob, name, expected) in cases {
            assert_eq!(Glob::new(glob).matches(name), expected, "{glob} {name}");
        }
    }

    #[test]
    fn sensors_are_included_and_excluded() {
        let pattern = SensorPattern::parse(["Plant1.*.*_printer.*"], ["*.4.*.*"]).unwrap();
        assert!(pattern.matches(&sensor("Plant1.3.label_printer.manufact1")));
        assert!(!pattern.matches(&sensor("Plant1.4.label_printer.manufact1")));
        assert!(!pattern.matches(&sensor("Plant2.3.label_printer.manufact1")));
        assert!(SensorPattern::any().matches(&sensor("a.b.c.d")));
        assert!(pattern.may_match_lane("Plant1.9") && !pattern.may_match_lane("Plant2.9"));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["Plant1.*", "a.b.c.d.e", "a..c.d", ""] {
            assert!(SensorPattern::parse([text], []).unwrap_err().contains("PLANT.LANE"), "{text}");
        }
        assert!(SensorPattern::parse([], []).is_err());
    }

    /// Matching as it is defined: try all lengths of each `*`.
    fn matches_naively(glob: &str, name: &str) -> bool {
        match glob.chars().next() {
            None => name.is_empty(),
            Some('*') => {
                let starts = (0..=name.len()).filter(|at| name.is_char_boundary(*at));
                starts.into_iter().any(|at| matches_naively(&glob[1..], &name[at..]))
            }
            Some(letter) => name
                .strip_prefix(letter)
                .is_some_and(|rest| matches_naively(&glob[letter.len_utf8()..], rest)),
        }
    }

    proptest! {
        #[test]
        fn globs_match_as_defined(glob in "[ab*]{0,8}", name in "[ab]{0,10}") {
            prop_assert_eq!(Glob::new(&glob).matches(&name), matches_naively(&glob, &name));
        }
    }
}
