//! Editing `alarms.toml` as text, so that comments and the order of the file remain.

use super::FILE;
use crate::toml_reader::{Findings, TomlReader};
use anyhow::{anyhow, bail};
use std::fmt::Write as _;
use std::ops::Range;

/// Unchanged lines around a change in a difference.
const CONTEXT_LINES: usize = 3;

/// The text of the file with the rule `name` replaced by `new_toml`: one `[[rule]]` in TOML, which may
/// have another name. A rule that does not exist is added at the end; an empty `new_toml` removes the
/// rule. Everything else remains as it is, comments above the rule included.
///
/// # Errors
/// `new_toml` is not one rule, its name belongs to another rule, or the file is not valid TOML.
pub fn replace_rule(text: &str, name: &str, new_toml: &str) -> anyhow::Result<String> {
    let rules = rules(text)?;
    let found = rules.iter().find(|(found, _)| found == name).map(|(_, bytes)| bytes.clone());
    let new_toml = new_toml.trim();
    if !new_toml.is_empty() {
        let new_name = single_name(new_toml)?;
        if new_name != name && rules.iter().any(|(found, _)| *found == new_name) {
            bail!("two rules would be named `{new_name}`; choose another name");
        }
    }
    let edited = match found {
        Some(bytes) if new_toml.is_empty() => {
            let (head, tail) = (&text[..bytes.start], &text[bytes.end..]);
            format!("{head}{}", tail.trim_start_matches(['\r', '\n']))
        }
        Some(bytes) => format!("{}{new_toml}\n{}", &text[..bytes.start], &text[bytes.end..]),
        None if new_toml.is_empty() => bail!("no rule is named `{name}`"),
        None if text.trim().is_empty() => format!("{new_toml}\n"),
        None => format!("{}\n\n{new_toml}\n", text.trim_end()),
    };
    self::rules(&edited)?;
    Ok(edited)
}

/// Name and bytes of each rule: from `[[rule]]` to the end of the line of its last value.
fn rules(text: &str) -> anyhow::Result<Vec<(String, Range<usize>)>> {
    let findings = Findings::new(FILE, text);
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, &findings);
    let mut rules = Vec::new();
    for table in reader.tables("rule") {
        let (at, end) = (table.at(), table.end());
        let name = table.peek("name").unwrap_or_default().to_owned();
        rules.push((name, at..at + whole_lines(&text[at..], end - at).len()));
    }
    match findings.into_diagnostics().into_iter().next() {
        Some(mistake) => Err(anyhow!("{mistake}")),
        None => Ok(rules),
    }
}

/// The name of the only rule of a text, which must contain nothing else.
fn single_name(toml: &str) -> anyhow::Result<String> {
    let found = rules(toml)?;
    let [(name, bytes)] = &found[..] else {
        bail!("expected one [[rule]], found {}", found.len());
    };
    let is_outside = |line: &str| !line.trim().is_empty() && !line.trim().starts_with('#');
    let outside = [&toml[..bytes.start], &toml[bytes.end..]];
    if outside.iter().flat_map(|text| text.lines()).any(is_outside) {
        bail!("expected one [[rule]] and nothing else");
    }
    if name.is_empty() {
        bail!("`name` is missing: give the rule its name");
    }
    Ok(name.clone())
}

/// The first `bytes` of a text, and the rest of their last line.
pub(super) fn whole_lines(text: &str, bytes: usize) -> String {
    let rest = text.get(bytes..).unwrap_or_default();
    let end = rest.find('\n').map_or(text.len(), |at| bytes + at + 1);
    text.get(..end).unwrap_or(text).to_owned()
}

/// The difference of two texts of a file in the unified format, as one hunk from the first to the last
/// line that differs; empty if they are equal.
pub fn unified_diff(file: &str, before: &str, after: &str) -> String {
    if before == after {
        return String::new();
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[same..], &new[same..]);
    let same_end =
        old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(CONTEXT_LINES);
    let old_end = (old.len() - same_end + CONTEXT_LINES).min(old.len());
    let new_end = (new.len() - same_end + CONTEXT_LINES).min(new.len());
    // The start of an empty side is the line before it.
    let start = |end: usize| if end > from { from + 1 } else { from };
    let mut diff = format!("--- {file}\n+++ {file}\n");
    let _infallible = writeln!(
        diff,
        "@@ -{},{} +{},{} @@",
        start(old_end),
        old_end - from,
        start(new_end),
        new_end - from
    );
    let parts = [
        (' ', &old[from..same]),
        ('-', &old[same..old.len() - same_end]),
        ('+', &new[same..new.len() - same_end]),
        (' ', &old[old.len() - same_end..old_end]),
    ];
    for (sign, lines) in parts {
        for line in lines {
            let _infallible = writeln!(diff, "{sign}{line}");
        }
    }
    diff
}
