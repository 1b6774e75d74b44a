//! Words of messages in each language.

use config::notifications::Language;
use serde::Deserialize;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// The words of one language; those with `{…}` are filled by [`fill`].
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub alarm: String,
    pub returned: String,
    pub escalation: String,
    pub group: String,
    pub test: String,
    pub test_body: String,
    pub object: String,
    pub value: String,
    pub limit: String,
    pub since: String,
    pub evidence: String,
    pub cause: String,
    pub response: String,
    pub consequence: String,
    pub more: String,
    pub normal: String,
    pub open: String,
}

const fn source(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("templates/en.toml"),
        Language::Malayalam => include_str!("templates/ml.toml"),
        Language::Hindi => include_str!("templates/hi.toml"),
    }
}

/// The words of a language.
pub(super) fn words(language: Language) -> &'static Words {
    // A test parses every file, so that the default is never used.
    static WORDS: LazyLock<[Words; 3]> =
        LazyLock::new(|| Language::ALL.map(|it| toml::from_str(source(it)).unwrap_or_default()));
    &WORDS[language as usize]
}

/// Replaces each `{name}` by its value. Values are not searched for further names.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            filled.push('{');
            rest = after;
            break;
        };
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => drop(write!(filled, "{{{name}}}")),
        }
        rest = after;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn names(template: &str) -> BTreeSet<&str> {
        template.split('{').skip(1).filter_map(|it| it.split('}').next()).collect()
    }

    #[test]
    fn every_language_has_the_same_words_and_placeholders() {
        let parsed = Language::ALL.map(|language| {
            assert!(!words(language).open.is_empty(), "{language:?}");
            toml::from_str::<BTreeMap<String, String>>(source(language)).unwrap()
        });
        for (key, english) in &parsed[0] {
            for other in &parsed {
                assert_eq!(names(&other[key]), names(english), "{key}");
                assert!(!other[key].trim().is_empty());
            }
        }
        assert!(parsed.iter().all(|it| it.len() == parsed[0].len()));
    }

    #[test]
    fn values_are_not_searched_for_names() {
        assert_eq!(fill("{a} {b} {c}", &[("a", "{b}"), ("b", "x")]), "{b} x {c}");
        assert_eq!(fill("no end {a", &[("a", "x")]), "no end {a");
    }
}
