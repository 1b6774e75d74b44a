//! Reads `bronze/<table>.toml` into a [`Contract`].

mod columns;
mod encodings;
mod http;
mod layout;
mod messages;
mod mqtt;
mod native;
mod pull;
mod tolerance;
mod values;

use super::retention::{self, Retention};
use super::toml_reader::{Findings, TomlReader};
use chrono_tz::Tz;
use columns::columns;
use layout::{encoding, format, lines};
use messages::{changes, check_topic_columns, framing, topics};
use native::{add_native_formats, check_path_columns};
use plant::contract::{
    ChangeFormat, Contract, DumpUnit, Format, Framing, RemovedRecords, Supersede,
};
use plant::mqtt_source::MqttSource;
use plant::pattern::Pattern;
use plant::source::{Pull, PullOrigin};

pub(crate) use columns::{ON_ERROR, ORIGIN_NAMES};
pub(crate) use http::{AUTHS, PAGES};
pub(crate) use layout::{FORMATS, MAX_FOOTER_LINES};
pub(crate) use messages::{CHANGE_FORMATS, FRAMINGS};
pub(crate) use mqtt::VERSIONS as MQTT_VERSIONS;
pub(crate) use values::{KINDS, PERCENT};

/// Ways in which a dump replaces earlier records.
pub(crate) const SUPERSEDE: [&str; 2] = ["key", "dump"];
/// What happens to records that a rewritten file no longer holds.
pub(crate) const REMOVED_RECORDS: [&str; 2] = ["keep", "remove"];
/// Which files are one dump.
pub(crate) const DUMP_UNITS: [&str; 3] = ["file", "folder", "date"];

/// Reads one contract and the retention of its table. Mistakes are noted in `findings`; the contract is
/// returned unless a required part is invalid.
pub fn read(
    table: &str,
    plant_zone: Tz,
    findings: &Findings<'_>,
) -> Option<(Contract, Option<Retention>)> {
    let document = findings.parse();
    let mut reader = TomlReader::new(document.get_ref(), 0, findings);
    let description =
        reader.required("description", "Describe in one sentence what the table holds.");
    let source = reader.required("source", "Name the system the dumps come from, such as \"mes\".");
    let pull = pull::pull(&mut reader);
    let is_mqtt = reader.has("mqtt");
    let mut mqtt = mqtt::source(&mut reader, table);
    let format = format_of_origin(&mut reader, pull.as_ref(), is_mqtt, mqtt.as_mut());
    let is_stream = format == Some(Format::Message);
    let http = http::pull(&mut reader, is_stream);
    let is_dump = !is_stream && http.is_none() && pull.is_none();
    let paths = paths_of_source(&mut reader, table, is_dump, http.is_some() && !is_stream);
    let done_marker = if is_dump { done_marker(&mut reader) } else { None };
    let is_kafka = is_stream && !is_mqtt;
    let (topics, framing, changes) = of_kafka(&mut reader, is_kafka);
    let encoding = encoding(&mut reader);
    let lines = lines(&mut reader, format.as_ref());
    let records = mqtt::records(&mut reader, format.as_ref(), mqtt.as_ref());
    let default = http.as_ref().map_or(Supersede::Key, http::supersede);
    let supersede = supersede_unless(is_stream, &mut reader, default);
    let removed_records =
        removed_records(&mut reader, supersede).map(|it| of_whole(it, pull.as_ref()));
    let dump_unit = dump_unit(&mut reader, supersede, http.is_some());
    let nulls = reader.texts("nulls").unwrap_or_else(|| vec![String::new()]);
    let mut columns = columns(&mut reader, plant_zone, format.as_ref(), findings);
    add_native_formats(format.as_ref(), framing, &mut columns);
    if is_dump {
        check_path_columns(reader.at_key("paths"), &paths, &columns, findings);
    }
    if let Some(mqtt) = &mqtt {
        mqtt::check_columns(&reader, mqtt, &columns);
    } else if !is_mqtt {
        check_topic_columns(&reader, &topics, &columns);
    }
    let retention = retention(&mut reader, is_stream, findings);
    let reject_at_most = tolerance::reject_at_most(&mut reader, is_stream);
    let case = if is_stream { None } else { reader.flag("case_sensitive_columns") };
    reader.finish();
    let contract = Contract {
        table: table.to_owned(),
        description: description?,
        source: source?,
        paths,
        http,
        done_marker,
        topics,
        mqtt,
        pull,
        framing,
        changes,
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

/// Messages are never replaced by later ones.
fn supersede_unless(
    is_stream: bool,
    reader: &mut TomlReader<'_, '_>,
    default: Supersede,
) -> Option<Supersede> {
    if is_stream { Some(Supersede::Never) } else { supersede(reader, default) }
}

/// The format of the records, which a database and a broker determine.
fn format_of_origin(
    reader: &mut TomlReader<'_, '_>,
    pull: Option<&Pull>,
    is_mqtt: bool,
    source: Option<&mut MqttSource>,
) -> Option<Format> {
    match pull.map(|pull| &pull.origin) {
        Some(PullOrigin::Sql(_)) => Some(Format::CopyText),
        None if is_mqtt => mqtt::format(reader, source),
        None => format(reader),
    }
}

/// The places of the dumps, which an interface determines by its table.
fn paths_of_source(
    reader: &mut TomlReader<'_, '_>,
    table: &str,
    is_dump: bool,
    is_http: bool,
) -> Vec<Pattern> {
    match (is_dump, is_http) {
        (true, _) => paths(reader),
        (false, true) => http::paths(table),
        (false, false) => Vec::new(),
    }
}

/// The topics of Kafka, how their messages are framed, and whether they are changes of a table.
fn of_kafka(
    reader: &mut TomlReader<'_, '_>,
    is_kafka: bool,
) -> (Vec<String>, Framing, Option<ChangeFormat>) {
    match is_kafka {
        true => (topics(reader), framing(reader), changes(reader)),
        false => (Vec::new(), Framing::None, None),
    }
}

/// A record that is missing in a source that is read as a whole is deleted there.
fn of_whole(removed_records: RemovedRecords, pull: Option<&Pull>) -> RemovedRecords {
    match removed_records {
        RemovedRecords::ByName if pull.is_some_and(Pull::is_whole) => RemovedRecords::Remove,
        other => other,
    }
}

fn retention(
    reader: &mut TomlReader<'_, '_>,
    is_stream: bool,
    findings: &Findings<'_>,
) -> Option<Retention> {
    let text = reader.text("retention")?;
    if !is_stream {
        let remedy = "Remove it: records of dumps are superseded by later dumps and do not expire.";
        reader.note("retention", "only the messages of a topic have a retention", remedy);
        return None;
    }
    match retention::days(&text) {
        Ok(days) => Some(Retention { days, line: findings.line_of(reader.at_key("retention")) }),
        Err(reason) => {
            reader.note("retention", reason, retention::REMEDY);
            None
        }
    }
}

fn paths(reader: &mut TomlReader<'_, '_>) -> Vec<Pattern> {
    let texts = reader.texts("paths").unwrap_or_default();
    if texts.is_empty() {
        let remedy = "Write paths = [\"folder/File.csv\"], with {date} or * where names vary.";
        reader.note("paths", "`paths` is empty", remedy);
    }
    let mut patterns = Vec::with_capacity(texts.len());
    for text in texts {
        match Pattern::parse(&text) {
            Ok(pattern) => patterns.push(pattern),
            Err(reason) => reader.note("paths", format!("`{text}`: {reason}"), "Correct the path."),
        }
    }
    patterns
}

/// The end of the names of marker files; `None` if there is none or it is invalid.
fn done_marker(reader: &mut TomlReader<'_, '_>) -> Option<String> {
    let text = reader.text("done_marker")?;
    let is_valid = text.len() > 1 && text.starts_with(['.', '_', '-']) && !text.contains('/');
    if !is_valid {
        let remedy = "Write the end that the name of the marker has in addition, such as \".done\" for a.csv.done.";
        reader.note("done_marker", format!("invalid done_marker `{text}`"), remedy);
        return None;
    }
    Some(text)
}

fn supersede(reader: &mut TomlReader<'_, '_>, default: Supersede) -> Option<Supersede> {
    match reader.text("supersede").as_deref() {
        None => Some(default),
        Some("key") => Some(Supersede::Key),
        Some("dump") => Some(Supersede::Dump),
        Some(other) => {
            let remedy = "\"key\": a record replaces the one with its key; \"dump\": a dump replaces \
                          the dump before it.";
            reader.note(
                "supersede",
                format!("invalid supersede `{other}`: expected key or dump"),
                remedy,
            );
            None
        }
    }
}

/// What becomes of records that a rewritten file no longer holds; `None` if the value is invalid.
fn removed_records(
    reader: &mut TomlReader<'_, '_>,
    supersede: Option<Supersede>,
) -> Option<RemovedRecords> {
    let Some(text) = reader.text("removed_records") else { return Some(RemovedRecords::ByName) };
    if supersede.is_some_and(|it| it != Supersede::Key) {
        let remedy = "Remove the key: it applies to files with supersede = \"key\" only.";
        reader.note("removed_records", "no record of this table is replaced by its key", remedy);
        return None;
    }
    match text.as_str() {
        "keep" => Some(RemovedRecords::Keep),
        "remove" => Some(RemovedRecords::Remove),
        other => {
            let remedy = "\"keep\": records that a rewritten file no longer holds stay; \"remove\": \
                          they go. Without the key, they go if the file's name carries a date.";
            let message = format!("invalid removed_records `{other}`: expected keep or remove");
            reader.note("removed_records", message, remedy);
            None
        }
    }
}

/// Which files are one dump; `None` if the value is invalid.
fn dump_unit(
    reader: &mut TomlReader<'_, '_>,
    supersede: Option<Supersede>,
    is_http: bool,
) -> Option<DumpUnit> {
    if is_http {
        return Some(http::dump_unit(supersede));
    }
    let Some(text) = reader.text("dump_unit") else { return Some(DumpUnit::ByName) };
    if supersede.is_some_and(|it| it != Supersede::Dump) {
        let remedy = "Remove the key: it applies to supersede = \"dump\" only.";
        reader.note("dump_unit", "no dump of this table replaces another as a whole", remedy);
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
            reader.note("dump_unit", message, remedy);
            None
        }
    }
}

#[cfg(test)]
mod tests;
