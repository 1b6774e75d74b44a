//! `bronze/<table>.toml` as said, and the [`Contract`] it means.

use super::diagnostic::did_you_mean;
use super::retention::{self, Retention};
use super::said::{Findings, Said};
use chrono_tz::Tz;
use plant::contract::{Column, Contract, Encoding, Format, Kind, NumberStyle, OnError, Supersede};
use plant::pattern::Pattern;
use plant::spelling::TimeSpelling;
use std::collections::HashSet;

const FORMATS: [&str; 7] =
    ["delimited", "json_lines", "json_array", "parquet", "tokens", "fixed", "message"];
/// Keys that only some formats have.
const OF_FORMATS: [&str; 4] = ["delimiter", "quote", "header", "pattern"];
const ENCODINGS: [&str; 4] = ["utf-8", "utf-16le", "utf-16be", "latin-1"];
const KINDS: [&str; 7] = ["text", "int", "decimal", "float", "bool", "date", "time"];

/// Digits a decimal column has if the contract does not say: 18 in all, 4 of them after the point,
/// which holds quantities and money of any plant and stays exact in every reader.
const DECIMAL_DIGITS: (u8, i8) = (18, 4);

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
    let encoding = encoding(&mut said);
    let supersede = if is_stream { Some(Supersede::Never) } else { supersede(&mut said) };
    let nulls = said.texts("nulls").unwrap_or_else(|| vec![String::new()]);
    let columns = columns(&mut said, plant_zone, findings);
    let retention = retention(&mut said, is_stream, findings);
    said.finish();
    let contract = Contract {
        table: table.to_owned(),
        description: description?,
        source: source?,
        paths,
        topics,
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

fn topics(said: &mut Said<'_, '_>) -> Vec<String> {
    let topics = said.texts("topics").unwrap_or_default();
    if topics.is_empty() {
        let remedy = "Write topics = [\"NameOfTheTopic\"].";
        said.note("topics", "no topics: nothing would ever be read", remedy);
    }
    topics
}

fn format(said: &mut Said<'_, '_>) -> Option<Format> {
    let word = said.required("format", &format!("Say one of: {}.", FORMATS.join(", ")));
    let Some(word) = word else {
        said.allow(&OF_FORMATS);
        return None;
    };
    match word.as_str() {
        "delimited" => delimited(said),
        "json_lines" => Some(Format::JsonLines),
        "json_array" => Some(Format::JsonArray),
        "parquet" => Some(Format::Parquet),
        "message" => Some(Format::Message),
        "fixed" => Some(Format::Fixed { header: said.flag("header").unwrap_or(false) }),
        "tokens" => tokens(said),
        other => {
            said.note("format", format!("unknown format `{other}`"), did_you_mean(other, &FORMATS));
            said.allow(&OF_FORMATS);
            None
        }
    }
}

fn delimited(said: &mut Said<'_, '_>) -> Option<Format> {
    let delimiter =
        said.required("delimiter", "Write delimiter = \",\" or what stands between fields.");
    let delimiter = delimiter.and_then(|text| one_byte(said, "delimiter", &text));
    let quote = match said.text("quote") {
        None => Some(Some(b'"')),
        Some(text) if text.is_empty() => Some(None),
        Some(text) => one_byte(said, "quote", &text).map(Some),
    };
    let header = said.flag("header");
    if header.is_none() && !said.has("header") {
        let remedy = "Write header = true or header = false; without one the first row is data.";
        said.note("header", "it is not said whether the dump has a header", remedy);
    }
    Some(Format::Delimited { delimiter: delimiter?, quote: quote?, header: header? })
}

fn one_byte(said: &Said<'_, '_>, key: &'static str, text: &str) -> Option<u8> {
    if let [byte] = text.as_bytes() {
        return Some(*byte);
    }
    said.note(
        key,
        format!("`{text}` is not one plain character"),
        "Write exactly one, such as \",\".",
    );
    None
}

fn tokens(said: &mut Said<'_, '_>) -> Option<Format> {
    let pattern =
        said.required("pattern", "Write the line's regular expression with named groups.")?;
    if let Err(error) = regex::Regex::new(&pattern) {
        said.note("pattern", format!("not a regular expression: {error}"), "Mend the pattern.");
        return None;
    }
    Some(Format::Tokens { pattern })
}

fn encoding(said: &mut Said<'_, '_>) -> Option<Encoding> {
    match said.text("encoding").as_deref() {
        None | Some("utf-8") => Some(Encoding::Utf8),
        Some("utf-16le") => Some(Encoding::Utf16Le),
        Some("utf-16be") => Some(Encoding::Utf16Be),
        Some("latin-1") => Some(Encoding::Latin1),
        Some(other) => {
            let remedy = did_you_mean(other, &ENCODINGS);
            said.note("encoding", format!("unknown encoding `{other}`"), remedy);
            None
        }
    }
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

fn columns(said: &mut Said<'_, '_>, plant_zone: Tz, findings: &Findings<'_>) -> Vec<Column> {
    let mut names = HashSet::new();
    let mut columns = Vec::new();
    for table in said.tables("columns") {
        let at = table.at();
        let Some(column) = column(table, plant_zone) else { continue };
        if !names.insert(column.name.clone()) {
            let message = format!("column `{}` stands here twice", column.name);
            findings.note(at, message, "Give each column its own name.");
        }
        columns.push(column);
    }
    if columns.is_empty() {
        let remedy = "List the columns: columns = [ { name = \"id\", type = \"int\" }, … ].";
        said.note("columns", "no columns", remedy);
    }
    columns
}

fn column(mut said: Said<'_, '_>, plant_zone: Tz) -> Option<Column> {
    let name = said.required("name", "Name the column in small letters, digits and _.");
    let kind = kind(&mut said, plant_zone);
    let column = Column {
        header: said.text("header").or_else(|| name.clone()).unwrap_or_default(),
        required: said.flag("required").unwrap_or(false),
        on_error: on_error(&mut said),
        nulls: said.texts("nulls").unwrap_or_default(),
        width_chars: said.number("width").and_then(|width| width.try_into().ok()).unwrap_or(0),
        description: said.text("description").unwrap_or_default(),
        name: name.clone().unwrap_or_default(),
        kind: kind.clone().unwrap_or(Kind::Text),
    };
    check_name(&said, &column.name);
    // What an unknown type would have asked for is not known.
    if kind.is_some() {
        said.finish();
    }
    (name.is_some() && kind.is_some()).then_some(column)
}

fn check_name(said: &Said<'_, '_>, name: &str) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(plain) {
        return;
    }
    let remedy = "Use small letters, digits and _, starting with a letter, so that SQL and every \
                  reader take it without quotes; put the dump's own word into header.";
    said.note("name", format!("`{name}` is no plain name"), remedy);
}

fn on_error(said: &mut Said<'_, '_>) -> OnError {
    match said.text("on_error").as_deref() {
        None | Some("reject") => OnError::Reject,
        Some("null") => OnError::Null,
        Some(other) => {
            let remedy = "\"reject\": the record is rejected; \"null\": the value becomes unknown.";
            said.note("on_error", format!("unknown word `{other}`"), remedy);
            OnError::Reject
        }
    }
}

fn kind(said: &mut Said<'_, '_>, plant_zone: Tz) -> Option<Kind> {
    let word = said.required("type", &format!("Say one of: {}.", KINDS.join(", ")))?;
    Some(match word.as_str() {
        "text" => Kind::Text,
        "int" => Kind::Int { thousands: one_char(said, "thousands") },
        "float" => Kind::Float { number: number(said) },
        "decimal" => decimal(said),
        "bool" => Kind::Bool {
            yes: said.texts("yes").unwrap_or_else(|| words(&["true", "1", "yes", "Y"])),
            no: said.texts("no").unwrap_or_else(|| words(&["false", "0", "no", "N"])),
        },
        "date" => Kind::Date { spellings: spellings(said) },
        "time" => Kind::Time {
            spellings: spellings(said),
            zone: zone(said, plant_zone),
            local_parts: said.flag("local").unwrap_or(false),
        },
        other => {
            said.note("type", format!("unknown type `{other}`"), did_you_mean(other, &KINDS));
            return None;
        }
    })
}

fn decimal(said: &mut Said<'_, '_>) -> Kind {
    let precision = said.number("precision").and_then(|digits| u8::try_from(digits).ok());
    let scale = said.number("scale").and_then(|digits| i8::try_from(digits).ok());
    let (precision, scale) =
        (precision.unwrap_or(DECIMAL_DIGITS.0), scale.unwrap_or(DECIMAL_DIGITS.1));
    if precision == 0 || precision > 38 || scale > precision.cast_signed() {
        let remedy = "precision is 1 to 38 digits in all, scale at most as many after the point.";
        said.note("precision", format!("decimal({precision}, {scale}) cannot be"), remedy);
    }
    Kind::Decimal { precision, scale, number: number(said) }
}

fn number(said: &mut Said<'_, '_>) -> NumberStyle {
    let decimal = one_char(said, "decimal").unwrap_or('.');
    let thousands = one_char(said, "thousands");
    if thousands == Some(decimal) {
        let remedy = "Use different signs for the decimal point and the thousands.";
        said.note("thousands", "the same sign as the decimal point", remedy);
    }
    NumberStyle { decimal, thousands }
}

fn one_char(said: &mut Said<'_, '_>, key: &'static str) -> Option<char> {
    let text = said.text(key)?;
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(only), None) => Some(only),
        _ => {
            said.note(key, format!("`{text}` is not one character"), "Write exactly one.");
            None
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn spellings(said: &mut Said<'_, '_>) -> Vec<TimeSpelling> {
    let texts = said.texts("spellings").unwrap_or_default();
    if texts.is_empty() {
        let remedy = "Write spellings = [\"yyyy-MM-dd HH:mm:ss\"], every way the dump writes it.";
        said.note("spellings", "no spellings: no value could ever be read", remedy);
    }
    let mut spellings = Vec::with_capacity(texts.len());
    for text in texts {
        match TimeSpelling::parse(&text) {
            Ok(spelling) => spellings.push(spelling),
            Err(reason) => {
                said.note("spellings", format!("`{text}`: {reason}"), "Mend the spelling.");
            }
        }
    }
    spellings
}

fn zone(said: &mut Said<'_, '_>, plant_zone: Tz) -> Tz {
    let Some(name) = said.text("zone") else { return plant_zone };
    name.parse().unwrap_or_else(|_| {
        let remedy = "Write a name of the IANA time zone database, such as \"Asia/Kolkata\".";
        said.note("zone", format!("unknown time zone `{name}`"), remedy);
        plant_zone
    })
}
