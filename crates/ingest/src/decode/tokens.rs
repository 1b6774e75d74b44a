//! Token text: one record per line, whose fields are the groups of a regular expression.

use super::DecodeLimits;
use super::error::DecodeError;
use super::raw::Raw;
use batches::batch::{BatchBuilder, Fault};
use plant::contract::{Contract, Origin};
use regex::{CaptureLocations, Regex, RegexBuilder};

/// Limit on the size of the compiled pattern, and on its cache while matching, in bytes.
const PATTERN_BYTES: usize = 16 << 20;

/// Decodes [`plant::contract::Format::Tokens`].
#[derive(Debug)]
pub(super) struct Tokens {
    pattern: Regex,
    /// The group of each column, `None` for a column that is not in the record.
    groups: Vec<Option<usize>>,
    found: CaptureLocations,
    kept_faulty_bytes: usize,
}

impl Tokens {
    pub fn new(
        contract: &Contract,
        pattern: &str,
        limits: DecodeLimits,
    ) -> Result<Self, DecodeError> {
        let refuse = |problem| DecodeError::Contract { table: contract.table.clone(), problem };
        let pattern = RegexBuilder::new(&format!(r"\A(?:{pattern})\z"))
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .build()
            .map_err(|error| refuse(format!("invalid pattern: {error}")))?;
        let groups = contract.columns.iter().map(|column| {
            if column.origin != Origin::Record {
                return Ok(None);
            }
            let group = pattern.capture_names().position(|name| name == Some(&column.header));
            let missing = || refuse(format!("the pattern has no group {}", column.header));
            group.ok_or_else(missing).map(Some)
        });
        Ok(Self {
            groups: groups.collect::<Result<_, _>>()?,
            found: pattern.capture_locations(),
            pattern,
            kept_faulty_bytes: limits.kept_faulty_bytes,
        })
    }

    pub fn read(&mut self, raw: Raw<'_>, out: &mut BatchBuilder) {
        let Some(chars) = raw.chars() else {
            return raw.end_faulty(Fault::InvalidText, self.kept_faulty_bytes, out);
        };
        if self.pattern.captures_read(&mut self.found, chars).is_none() {
            return raw.end_faulty(Fault::NoMatch, self.kept_faulty_bytes, out);
        }
        for &group in &self.groups {
            let found = group.and_then(|group| self.found.get(group));
            out.field(found.and_then(|(from, to)| chars.get(from..to)));
        }
        out.end(raw.range(), None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::{contract, decode, rows};
    use plant::contract::Format;

    fn check(pattern: &str, input: &str, expected: &[&str]) {
        let contract = contract(Format::Tokens { pattern: pattern.into() }, &["A", "B"]);
        assert_eq!(rows(&decode(&contract, input.as_bytes()).unwrap()), expected);
    }

    #[test]
    fn groups_are_fields() {
        let pattern = "(?<B>[a-z]*)-(?<A>[0-9]*)(?:!(?<C>.))?";
        check(pattern, "ab-12\n", &["12|ab"]);
        check(pattern, "-\r\nx-1!y", &["|", "1|x"]);
        check(pattern, "x-1\n\nx-\u{e9}\nx-2", &["1|x", "∅|∅ no_match x-\u{e9}", "2|x"]);
        check("(?<A>.)|(?<B>.)(?<X>.)", "x\nab\nabc\n", &["x|∅", "∅|a", "∅|∅ no_match abc"]);
    }

    #[test]
    fn a_wrong_pattern_is_refused() {
        let check = |pattern: &str, expected: &str| {
            let contract = contract(Format::Tokens { pattern: pattern.into() }, &["A"]);
            let text =
                Tokens::new(&contract, pattern, DecodeLimits::default()).unwrap_err().to_string();
            assert!(text.contains(expected), "{text}");
        };
        check("(?<A>", "invalid pattern");
        check("(?<B>.)", "no group A");
        check("(?<A>(?:a{1000}){1000}{10})", "invalid pattern");
    }
}
