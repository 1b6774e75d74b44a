//! `bronze/<table>.toml` as said, and the [`Contract`] it means.

mod columns;
mod encodings;
mod layout;
mod messages;
mod native;
mod tolerance;
mod values;

use super::retention::{self, Retention};
use super::said::{Findings, Said};
use chrono_tz::Tz;
use columns::columns;
use layout::{encoding, format, lines, records};
use messages::{check_topic_columns, framing, topics};
use native::{add_native_spellings, check_path_columns};
use plant::contract::{Contract, DumpUnit, Format, Framing, RemovedRecords, Supersede};
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
    let encoding = encoding(&mut said);
    let lines = lines(&mut said, format.as_ref());
    let records = records(&mut said, format.as_ref());
    let supersede = if is_stream { Some(Supersede::Never) } else { supersede(&mut said) };
    let removed_records = removed_records(&mut said, supersede);
    let dump_unit = dump_unit(&mut said, supersede);
    let nulls = said.texts("nulls").unwrap_or_else(|| vec![String::new()]);
    let mut columns = columns(&mut said, plant_zone, format.as_ref(), findings);
    add_native_spellings(format.as_ref(), &mut columns);
    if !is_stream {
        check_path_columns(said.at_key("paths"), &paths, &columns, findings);
    }
    check_topic_columns(&said, &topics, &columns);
    let retention = retention(&mut said, is_stream, findings);
    let reject_at_most = tolerance::reject_at_most(&mut said, is_stream);
    let case = if is_stream { None } else { said.flag("case_sensitive_columns") };
    said.finish();
    let contract = Contract {
        table: table.to_owned(),
        description: description?,
        source: source?,
        paths,
        topics,
        framing,
        format: format?,
        encoding: encoding?,
        lines,
        records,
        supersede: supersede?,
        removed_records: removed_records?,
        dump_unit: dump_unit?,
        nulls,
        columns,
        reject_at_most,
        case_sensitive_columns: case.unwrap_or(false),
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

/// What becomes of records that a rewritten file no longer holds; `None` if the value is invalid.
fn removed_records(
    said: &mut Said<'_, '_>,
    supersede: Option<Supersede>,
) -> Option<RemovedRecords> {
    let Some(text) = said.text("removed_records") else { return Some(RemovedRecords::ByName) };
    if supersede.is_some_and(|it| it != Supersede::Key) {
        let remedy = "Remove the key: it applies to files with supersede = \"key\" only.";
        said.note("removed_records", "no record of this table is replaced by its key", remedy);
        return None;
    }
    match text.as_str() {
        "keep" => Some(RemovedRecords::Keep),
        "remove" => Some(RemovedRecords::Remove),
        other => {
            let remedy = "\"keep\": records that a rewritten file no longer holds stay; \"remove\": \
                          they go. Without the key, they go if the file's name carries a date.";
            let message = format!("invalid removed_records `{other}`: expected keep or remove");
            said.note("removed_records", message, remedy);
            None
        }
    }
}

/// Which files are one dump; `None` if the value is invalid.
fn dump_unit(said: &mut Said<'_, '_>, supersede: Option<Supersede>) -> Option<DumpUnit> {
    let Some(text) = said.text("dump_unit") else { return Some(DumpUnit::ByName) };
    if supersede.is_some_and(|it| it != Supersede::Dump) {
        let remedy = "Remove the key: it applies to supersede = \"dump\" only.";
        said.note("dump_unit", "no dump of this table replaces another as a whole", remedy);
        return None;
    }
    match text.as_str() {
        "file" => Some(DumpUnit::File),
        "folder" => Some(DumpUnit::Folder),
        "date" => Some(DumpUnit::Date),
        other => {
            let remedy = "\"file\": each file is one dump; \"folder\": the files of one folder are; \
                          \"date\": the files of one date are.";
            let message = format!("invalid dump_unit `{other}`: expected file, folder or date");
            said.note("dump_unit", message, remedy);
            None
        }
    }
}

#[cfg(test)]
mod tests;
