//! `bronze/<table>.toml` as said, and the [`Contract`] it means.

mod columns;
mod layout;
mod messages;
mod values;

use super::retention::{self, Retention};
use super::said::{Findings, Said};
use chrono_tz::Tz;
use columns::columns;
use layout::{encoding, format};
use messages::{check_topic_columns, framing, records, topics};
use plant::contract::{Contract, Format, Framing, Supersede};
use plant::pattern::Pattern;

/// Reads one contract, and how long the rows of its table are kept; mistakes are noted in `findings`,
/// and a contract comes back only if there are none that keep it from meaning something.
pub fn read(
    table: &str,
    plant_zone: Tz,
    findings: &Findings<'_>,
) -> Option<(Contract, Option<Retention>)> {
    let document = findings.parse();
    let mut said = Said::new(document.get_ref(), 0, findings);
    let description = said.required("description", "Say in one sentence what the table holds.");
    let source = said.required("source", "Name the system the dumps come from, such as \"mes\".");
    let format = format(&mut said);
    let is_stream = format == Some(Format::Message);
    let paths = if is_stream { Vec::new() } else { paths(&mut said) };
    let topics = if is_stream { topics(&mut said) } else { Vec::new() };
    let framing = if is_stream { framing(&mut said) } else { Framing::None };
    let records = if is_stream { records(&mut said) } else { None };
    let encoding = encoding(&mut said);
    let supersede = if is_stream { Some(Supersede::Never) } else { supersede(&mut said) };
    let nulls = said.texts("nulls").unwrap_or_else(|| vec![String::new()]);
    let columns = columns(&mut said, plant_zone, format.as_ref(), findings);
    check_topic_columns(&said, &topics, &columns);
    let retention = retention(&mut said, is_stream, findings);
    said.finish();
    let contract = Contract {
        table: table.to_owned(),
        description: description?,
        source: source?,
        paths,
        topics,
        framing,
        records,
        format: format?,
        encoding: encoding?,
        supersede: supersede?,
        nulls,
        columns,
    };
    Some((contract, retention))
}

fn retention(
    said: &mut Said<'_, '_>,
    is_stream: bool,
    findings: &Findings<'_>,
) -> Option<Retention> {
    let text = said.text("retention")?;
    if !is_stream {
        let remedy =
            "Take it away: what a dump said is superseded by a later one, and does not age.";
        said.note("retention", "only the messages of a topic have a retention", remedy);
        return None;
    }
    match retention::days(&text) {
        Ok(days) => Some(Retention { days, line: findings.line_of(said.at_key("retention")) }),
        Err(reason) => {
            said.note("retention", reason, retention::REMEDY);
            None
        }
    }
}

fn paths(said: &mut Said<'_, '_>) -> Vec<Pattern> {
    let texts = said.texts("paths").unwrap_or_default();
    if texts.is_empty() {
        let remedy = "Write paths = [\"folder/File.csv\"], with {date} or * where names vary.";
        said.note("paths", "no paths: nothing would ever be read", remedy);
    }
    let mut patterns = Vec::with_capacity(texts.len());
    for text in texts {
        match Pattern::parse(&text) {
            Ok(pattern) => patterns.push(pattern),
            Err(reason) => said.note("paths", format!("`{text}`: {reason}"), "Mend the path."),
        }
    }
    patterns
}

fn supersede(said: &mut Said<'_, '_>) -> Option<Supersede> {
    match said.text("supersede").as_deref() {
        None | Some("key") => Some(Supersede::Key),
        Some("dump") => Some(Supersede::Dump),
        Some(other) => {
            let remedy = "\"key\": a record replaces the one with its key; \"dump\": a dump replaces \
                          the dump before it.";
            said.note("supersede", format!("unknown word `{other}`"), remedy);
            None
        }
    }
}
