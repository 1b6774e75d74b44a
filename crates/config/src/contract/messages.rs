//! What is particular to the messages of topics: their names, and what precedes a
//! payload.

use crate::diagnostic::did_you_mean;
use crate::toml_reader::TomlReader;
use plant::contract::{ChangeFormat, Column, Framing, Origin};
use regex::Regex;

pub(crate) const FRAMINGS: [&str; 2] = ["none", "confluent"];
/// Formats of changes of tables.
pub(crate) const CHANGE_FORMATS: [&str; 1] = ["debezium"];

/// Names of topics, and regular expressions for them, which begin with `^`.
pub(super) fn topics(reader: &mut TomlReader<'_, '_>) -> Vec<String> {
    let topics = reader.texts("topics").unwrap_or_default();
    if topics.is_empty() {
        let remedy =
            "Write topics = [\"NameOfTheTopic\"], or a pattern such as [\"^line-[0-9]+$\"].";
        reader.note("topics", "`topics` is empty", remedy);
    }
    for topic in &topics {
        if let Some(problem) = problem(topic) {
            let remedy = "A name has letters, digits, `.`, `_` and `-`; a regular expression begins \
                          with `^`.";
            reader.note("topics", format!("invalid topic `{topic}`: {problem}"), remedy);
        }
    }
    topics
}

fn problem(topic: &str) -> Option<String> {
    /// The longest name Kafka allows.
    const NAME_CHARS: usize = 249;
    let is_named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if topic.starts_with('^') {
        return Regex::new(topic).err().map(|error| error.to_string());
    }
    if topic.is_empty() || topic.chars().count() > NAME_CHARS {
        return Some(format!("expected 1 to {NAME_CHARS} characters"));
    }
    let odd = topic.chars().find(|c| !is_named(*c))?;
    Some(format!("`{odd}` is in no name of a topic"))
}

pub(super) fn framing(reader: &mut TomlReader<'_, '_>) -> Framing {
    match reader.text("framing").as_deref() {
        None | Some("none") => Framing::None,
        Some("confluent") => Framing::Confluent,
        Some(other) => {
            let remedy = did_you_mean(other, &FRAMINGS);
            reader.note("framing", format!("invalid framing `{other}`"), remedy);
            Framing::None
        }
    }
}

/// How messages describe changes of a table.
pub(super) fn changes(reader: &mut TomlReader<'_, '_>) -> Option<ChangeFormat> {
    let text = reader.text("changes")?;
    if text != CHANGE_FORMATS[0] {
        let remedy = did_you_mean(&text, &CHANGE_FORMATS);
        reader.note("changes", format!("invalid changes `{text}`"), remedy);
        return None;
    }
    if reader.has("records") {
        let remedy = "Remove `records`: a change has the row before and the one after it.";
        reader.note("records", "`records` beside `changes`", remedy);
    }
    Some(ChangeFormat::Debezium)
}

/// Whether columns from the topic's name can be found in it.
pub(super) fn check_topic_columns(
    reader: &TomlReader<'_, '_>,
    topics: &[String],
    columns: &[Column],
) {
    let patterns: Vec<Regex> = topics
        .iter()
        .filter(|topic| topic.starts_with('^'))
        .filter_map(|topic| Regex::new(topic).ok())
        .collect();
    let has_group = |group: &str| {
        patterns.iter().any(|it| it.capture_names().flatten().any(|name| name == group))
    };
    for column in columns.iter().filter(|column| column.origin == Origin::Topic) {
        let Column { name, header, .. } = column;
        if header != name && header != "topic" && !has_group(header) {
            let remedy = format!(
                "Name a group of a pattern in topics, as in \"^plant\\\\.(?<{header}>.+)$\", or leave \
                 `header` out for the whole name."
            );
            let message = format!("column `{name}`: no pattern in topics has a group `{header}`");
            reader.note("topics", message, remedy);
        }
    }
}
