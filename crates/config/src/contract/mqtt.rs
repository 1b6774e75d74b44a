//! `[mqtt]`: topics of an MQTT broker.

use super::layout;
use crate::diagnostic::did_you_mean;
use crate::secret::SecretRef;
use crate::toml_reader::TomlReader;
use plant::contract::{Column, Format, Origin};
use plant::mqtt_source::{MqttPayload, MqttSource, MqttVersion};
use plant::sparkplug;
use plant::topic_filter::TopicFilter;
use url::Url;

/// Keys of dumps and of Kafka, which have no meaning for messages of a broker of MQTT.
const OF_OTHERS: [&str; 6] = ["paths", "topics", "done_marker", "dump_unit", "framing", "changes"];

/// Versions of the protocol; the first one is the default.
pub(crate) const VERSIONS: [&str; 2] = ["3.1.1", "5"];

/// Headers that messages of version 3.1.1 have.
const HEADERS_OF_THREE: [&str; 2] = ["retained", "sparkplug"];

/// The format of payloads of Sparkplug B.
const SPARKPLUG_B: &str = "sparkplug_b";

const URL_REMEDY: &str = "Write \"mqtts://host:8883\", or \"mqtt://host:1883\" without encryption.";

/// Ports without one in the URL.
const PORT: u16 = 1883;
const ENCRYPTED_PORT: u16 = 8883;

/// The longest identifier that every broker accepts beside the usual 23 characters is not defined; those of
/// today accept this many.
const CLIENT_ID_BYTES: usize = 128;

/// Reads the table of a broker; `None` if there is none, or a required part is invalid.
pub(super) fn source(reader: &mut TomlReader<'_, '_>, table: &str) -> Option<MqttSource> {
    let mqtt = reader.table("mqtt")?;
    for key in OF_OTHERS.into_iter().filter(|key| reader.has(key)) {
        reader.note(key, format!("`{key}` beside `[mqtt]`"), "Write a contract for each source.");
    }
    reader.allow(&OF_OTHERS);
    broker(mqtt, table)
}

/// The format of a contract with `[mqtt]`, which determines what the payloads of `source` are. Other formats than those
/// of messages are noted.
pub(super) fn format(
    reader: &mut TomlReader<'_, '_>,
    source: Option<&mut MqttSource>,
) -> Option<Format> {
    let payload = match reader.text("format").as_deref() {
        None | Some("message") => MqttPayload::Json,
        Some(SPARKPLUG_B) => MqttPayload::SparkplugB,
        Some(_) => {
            let remedy =
                "Remove it if payloads are JSON objects, or write format = \"sparkplug_b\".";
            let message = "invalid format beside `[mqtt]`: expected message or sparkplug_b";
            reader.note("format", message, remedy);
            return None;
        }
    };
    if let Some(source) = source {
        source.payload = payload;
    }
    Some(Format::Message)
}

/// Where the records of a message are; `None` if a message is one record. Those of Sparkplug B are its metrics.
pub(super) fn records(
    reader: &mut TomlReader<'_, '_>,
    format: Option<&Format>,
    source: Option<&MqttSource>,
) -> Option<String> {
    if !source.is_some_and(is_sparkplug) {
        return layout::records(reader, format);
    }
    if reader.text("records").is_some() {
        let remedy = "Remove it: the records of Sparkplug B are the metrics of a payload.";
        reader.note("records", "`records` beside format = \"sparkplug_b\"", remedy);
    }
    Some(sparkplug::RECORDS.to_owned())
}

fn is_sparkplug(source: &MqttSource) -> bool {
    source.payload == MqttPayload::SparkplugB
}

/// Notes columns that a message of MQTT does not have.
pub(super) fn check_columns(reader: &TomlReader<'_, '_>, source: &MqttSource, columns: &[Column]) {
    if is_sparkplug(source) {
        check_sparkplug(reader, source, columns);
    }
    for Column { name, header, origin, .. } in columns {
        if *origin == Origin::Key {
            let message = format!("column `{name}`: a message of MQTT has no key");
            reader.note("columns", message, "Use from = \"topic\".");
        }
        let is_in_three = HEADERS_OF_THREE.contains(&header.as_str());
        if *origin == Origin::Header && source.version == MqttVersion::Three && !is_in_three {
            let message =
                format!("column `{name}`: a message of MQTT 3.1.1 has no header `{header}`");
            let remedy = "Write version = \"5\" in [mqtt] if the publishers send user properties, or header = \"retained\".";
            reader.note("columns", message, remedy);
        }
        let is_whole = header == name || header == "topic";
        if *origin == Origin::Topic && !is_whole && !source.has_level(header) {
            let message = format!("column `{name}`: no filter in topics has a level {{{header}}}");
            let remedy = format!(
                "Write {{{header}}} instead of + in a filter, or leave `header` out for the whole topic."
            );
            reader.note("columns", message, remedy);
        }
    }
}

/// Notes filters and columns that do not fit Sparkplug B.
fn check_sparkplug(reader: &TomlReader<'_, '_>, source: &MqttSource, columns: &[Column]) {
    let prefix = format!("{}/", sparkplug::NAMESPACE);
    for filter in source.filters.iter().filter(|it| it.is_shared()) {
        let message = format!("the shared subscription `{}` for Sparkplug B", filter.as_str());
        let remedy = "Remove $share/GROUP/: births and data of an edge node have an order, and belong to one client.";
        reader.note("mqtt", message, remedy);
    }
    let plain = source.filters.iter().filter(|it| !it.is_shared());
    for filter in plain.filter(|it| !it.as_str().starts_with(&prefix)) {
        let message = format!("the filter `{}` does not begin with {prefix}", filter.as_str());
        let remedy = format!("Write \"{prefix}{{group}}/#\", or \"{prefix}My group/#\".");
        reader.note("mqtt", message, remedy);
    }
    for Column { name, header, origin, .. } in columns {
        if *origin == Origin::Envelope {
            let message = format!("column `{name}`: a message of Sparkplug B has no envelope");
            reader.note("columns", message, "Remove from = \"envelope\".");
        }
        if *origin == Origin::Record && !sparkplug::FIELDS.contains(&header.as_str()) {
            let message = format!("column `{name}`: a metric of Sparkplug B has no `{header}`");
            let remedy = did_you_mean(header, &sparkplug::FIELDS);
            reader.note("columns", message, remedy);
        }
    }
}

fn broker(mut reader: TomlReader<'_, '_>, table: &str) -> Option<MqttSource> {
    let url = reader.required("url", URL_REMEDY);
    let address = url.and_then(|text| match address(&text) {
        Ok(address) => Some(address),
        Err(problem) => {
            reader.note("url", format!("invalid url: {problem}"), URL_REMEDY);
            None
        }
    });
    let version = version(&mut reader);
    let filters = filters(&mut reader, version);
    let client_id = client_id(&mut reader, table);
    let user = reader.text("user");
    let password = password(&mut reader, user.is_some());
    let ca_file = reader.text("ca_file");
    if ca_file.is_some() && address.as_ref().is_some_and(|(_, _, is_encrypted)| !is_encrypted) {
        let remedy = "Write url = \"mqtts://…\", or remove ca_file.";
        reader.note("ca_file", "`ca_file`, but the connection is not encrypted", remedy);
    }
    reader.finish();
    let ((host, port, is_encrypted), client_id) = (address?, client_id?);
    Some(MqttSource {
        host,
        port,
        is_encrypted,
        version: version?,
        filters: filters?,
        payload: MqttPayload::default(),
        client_id,
        user,
        password,
        ca_file,
    })
}

/// Host, port and whether the connection is encrypted. The error does not repeat the URL, which may have a
/// password.
fn address(text: &str) -> Result<(String, u16, bool), &'static str> {
    let Ok(url) = Url::parse(text) else { return Err("expected a URL") };
    let is_encrypted = match url.scheme() {
        "mqtts" => true,
        "mqtt" => false,
        _ => return Err("expected mqtt or mqtts before the colon"),
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user or a password; write user and password = \"env:NAME\"");
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("nothing may follow the port; topics are a key of their own");
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() {
        return Err("expected a host");
    }
    let port = url.port().unwrap_or(if is_encrypted { ENCRYPTED_PORT } else { PORT });
    Ok((host, port, is_encrypted))
}

/// The version of the protocol; `None` if it is invalid.
fn version(reader: &mut TomlReader<'_, '_>) -> Option<MqttVersion> {
    match reader.text("version").as_deref() {
        None | Some("3.1.1") => Some(MqttVersion::Three),
        Some("5") => Some(MqttVersion::Five),
        Some(other) => {
            let message = format!("invalid version `{other}`: expected 3.1.1 or 5");
            reader.note("version", message, "Write version = \"3.1.1\" or version = \"5\".");
            None
        }
    }
}

fn filters(
    reader: &mut TomlReader<'_, '_>,
    version: Option<MqttVersion>,
) -> Option<Vec<TopicFilter>> {
    let texts = reader.texts("topics").unwrap_or_default();
    if texts.is_empty() {
        let remedy = "Write topics = [\"plant/{area}/{unit}/temperature\"].";
        reader.note("topics", "`topics` is empty", remedy);
        return None;
    }
    let mut filters = Vec::with_capacity(texts.len());
    for text in texts {
        match TopicFilter::parse(&text) {
            Ok(filter) => {
                if filter.is_shared() && version == Some(MqttVersion::Three) {
                    let message = format!("`{text}`: MQTT 3.1.1 has no shared subscriptions");
                    reader.note(
                        "topics",
                        message,
                        "Write version = \"5\", or remove $share/GROUP/.",
                    );
                }
                filters.push(filter);
            }
            Err(problem) => reader.note("topics", problem, "Correct the filter."),
        }
    }
    Some(filters)
}

fn client_id(reader: &mut TomlReader<'_, '_>, table: &str) -> Option<String> {
    let Some(id) = reader.text("client_id") else { return Some(format!("cockpit-{table}")) };
    if id.is_empty() || id.len() > CLIENT_ID_BYTES || id.chars().any(char::is_control) {
        let message = format!("invalid client_id: expected 1 to {CLIENT_ID_BYTES} characters");
        reader.note("client_id", message, "Write a name of your own, such as \"cockpit-hall-3\".");
        return None;
    }
    Some(id)
}

/// A reference to the password. The password itself is refused, and not repeated.
fn password(reader: &mut TomlReader<'_, '_>, has_user: bool) -> Option<String> {
    let text = reader.text("password")?;
    if let Err(error) = text.parse::<SecretRef>() {
        reader.note("password", error.to_string(), "Write a reference here.");
        return None;
    }
    if !has_user {
        let remedy = "Write user = \"…\", too: MQTT has no password without a user.";
        reader.note("password", "`password` without `user`", remedy);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::toml_reader::Findings;

    fn read(text: &str) -> (Option<MqttSource>, String) {
        let findings = Findings::new("temps.toml", text);
        let document = findings.parse();
        let source = source(&mut TomlReader::new(document.get_ref(), 0, &findings), "temps");
        let notes: Vec<String> =
            findings.into_diagnostics().iter().map(ToString::to_string).collect();
        (source, notes.join("\n"))
    }

    #[test]
    fn a_broker_is_read_with_its_defaults() {
        let text = "[mqtt]\nurl = 'mqtts://broker.plant'\ntopics = ['plant/{area}/+/t', 'x/#']\n\
                    user = 'cockpit'\npassword = 'env:MQTT'\nca_file = 'ca.pem'\n";
        let (source, notes) = read(text);
        assert_eq!(notes, "");
        let source = source.unwrap();
        assert_eq!(source.to_string(), "mqtts://broker.plant:8883");
        assert_eq!(source.client_id, "cockpit-temps");
        assert!(source.has_level("area") && source.reads("plant/a/b/t") && !source.reads("y"));
        let plain = read("[mqtt]\nurl = 'mqtt://[::1]:1884'\ntopics = ['a']").0.unwrap();
        assert_eq!(plain.to_string(), "mqtt://[::1]:1884");
    }

    #[test]
    fn the_version_is_a_key_of_the_broker() {
        let version = |text: &str| {
            let (source, notes) =
                read(&format!("[mqtt]\nurl = 'mqtt://b'\ntopics = ['a']\n{text}\n"));
            assert_eq!(notes, "");
            source.unwrap().version
        };
        assert_eq!(version(""), MqttVersion::Three);
        assert_eq!(version("version = '3.1.1'"), MqttVersion::Three);
        assert_eq!(version("version = '5'"), MqttVersion::Five);
        let shared = "[mqtt]\nurl = 'mqtt://b'\ntopics = ['$share/g/a/{x}']\nversion = '5'\n";
        let (source, notes) = read(shared);
        assert_eq!(notes, "");
        assert_eq!(source.unwrap().filters[0].subscription(), "$share/g/a/+");
    }

    #[test]
    fn mistakes_are_noted_with_their_line() {
        let check = |text: &str, expected: &str| {
            let notes = read(text).1;
            assert!(notes.contains(expected) && notes.contains("temps.toml:"), "{text}: {notes}");
            assert!(!notes.contains("hunter2"), "{notes}");
        };
        let table = |text: &str| format!("[mqtt]\nurl = 'mqtt://b'\ntopics = ['a']\n{text}\n");
        check("[mqtt]\ntopics = ['a']", "`url` is missing");
        check("[mqtt]\nurl = 'http://b'\ntopics = ['a']", "expected mqtt or mqtts");
        check("[mqtt]\nurl = 'mqtt://a:hunter2@b'\ntopics = ['a']", "a user or a password");
        check("[mqtt]\nurl = 'mqtt://b/topic'\ntopics = ['a']", "nothing may follow");
        check("[mqtt]\nurl = 'mqtt://b'", "`topics` is empty");
        check("[mqtt]\nurl = 'mqtt://b'\ntopics = ['a#']", "a wildcard is a whole level");
        check(&table("user = 'u'\npassword = 'hunter2'"), "env:NAME");
        check(&table("password = 'env:P'"), "`password` without `user`");
        check(&table("ca_file = 'x'"), "not encrypted");
        check(&table("client_id = ''"), "invalid client_id");
        check(&table("version = '4'"), "expected 3.1.1 or 5");
        check(&table("version = 5"), "`version`");
        check(
            "[mqtt]\nurl = 'mqtt://b'\ntopics = ['$share/g/a']",
            "MQTT 3.1.1 has no shared subscriptions",
        );
        check(&table("qos = 2"), "unknown key `qos`");
        check(&format!("topics = ['x']\n{}", table("")), "`topics` beside `[mqtt]`");
    }
}
