use super::*;
use plant::contract::{Encoding, Escape, Lines, Origin};
use plant::mqtt_source::MqttPayload;

const DUMP: &str = "description = \"D.\"\nsource = \"s\"\npaths = [\"a.txt\"]\n";
const STREAM: &str = "description = \"D.\"\nsource = \"s\"\ntopics = [\"t\"]\n";

/// The contract that a text means, or the mistakes in it.
fn read_text(text: &str) -> Result<Contract, Vec<String>> {
    let findings = Findings::new("bronze/t.toml", text);
    let contract = read("t", Tz::UTC, &findings).map(|(contract, _)| contract);
    let mistakes = findings.into_diagnostics().into_iter().map(|it| it.to_string());
    match mistakes.collect::<Vec<_>>() {
        none if none.is_empty() => Ok(contract.unwrap()),
        mistakes => Err(mistakes),
    }
}

fn dump(keys: &str, column: &str) -> Result<Contract, Vec<String>> {
    let columns = format!("columns = [{{ name = \"a\", type = \"text\"{column} }}]");
    read_text(&format!("{DUMP}{keys}\n{columns}\n"))
}

/// Expects exactly one mistake, in these words.
#[track_caller]
fn check_mistake(contract: Result<Contract, Vec<String>>, words: &str) {
    let mistakes = contract.unwrap_err();
    assert!(mistakes.len() == 1 && mistakes[0].contains(words), "{mistakes:?} lacks {words:?}");
}

const CSV: &str = "format = \"delimited\"\nheader = true\ndelimiter = \";\"\n";

#[test]
fn a_dump_may_be_written_in_many_ways() {
    let keys = "format = \"delimited\"\nheader = true\ndelimiter = \"~|~\"\nescape = '\\'\n\
                encoding = \"CP1250\"\nskip_lines = 3\nskip_lines_after_header = 1\n\
                skip_footer_lines = 2\nskip_pattern = \"^#\"\nrecord_type = \"D\"";
    let contract = dump(keys, "").unwrap();
    let escape = Escape::Byte(b'\\');
    let delimiter = "~|~".to_owned();
    let expected = Format::Delimited { delimiter, quote: Some(b'"'), escape, header: true };
    assert_eq!(contract.format, expected);
    assert_eq!(contract.encoding, Encoding::Named("windows-1250"));
    let expected = Lines {
        skip: 3,
        skip_after_header: 1,
        skip_footer: 2,
        skip_pattern: Some("^#".to_owned()),
        record_type: Some("D".to_owned()),
    };
    assert_eq!(contract.lines, expected);
}

#[test]
fn columns_come_from_where_the_contract_says() {
    let json = "format = \"json_array\"\nrecords = \"d.results\"";
    let contract = dump(json, ", from = \"envelope\", header = \"d.unit\"").unwrap();
    assert_eq!(contract.columns[0].origin, Origin::Envelope);
    assert_eq!(contract.records.as_deref(), Some("d.results"));
    assert_eq!(dump(CSV, "").unwrap().columns[0].origin, Origin::Record);
    let stream = |from: &str| {
        let column = format!("{{ name = \"a\", type = \"text\", from = \"{from}\" }}");
        read_text(&format!("{STREAM}format = \"message\"\ncolumns = [{column}]\n"))
    };
    assert_eq!(stream("key").unwrap().columns[0].origin, Origin::Key);
    check_mistake(stream("path"), "a message has no path");
    check_mistake(dump(CSV, ", from = \"topic\""), "exists only for messages");
    check_mistake(dump(CSV, ", from = \"envelope\""), "exists only for JSON");
    check_mistake(dump(CSV, ", from = \"envelop\""), "Did you mean `envelope`?");
    let lines = dump("format = \"json_lines\"", ", from = \"envelope\"");
    check_mistake(lines, "has no meaning without `records`");
}

#[test]
fn what_makes_no_sense_is_a_mistake() {
    let csv = |keys: &str| dump(&format!("{CSV}{keys}"), "");
    check_mistake(csv("encoding = \"windows1252x\""), "Did you mean `windows-1252`?");
    check_mistake(csv("escape = \"ab\""), "not one plain character");
    check_mistake(csv("escape = \";\""), "it contains the escape");
    check_mistake(csv("quote = \";\""), "it contains the quote");
    check_mistake(csv("skip_pattern = \"(\""), "invalid skip_pattern");
    check_mistake(csv("skip_footer_lines = 1001"), "expected at most 1000");
    check_mistake(csv("records = \"d\""), "exists only for the formats json_array");
    let json = |keys: &str| dump(&format!("format = \"json_array\"\n{keys}"), "");
    check_mistake(json("skip_lines = 1"), "this format has no lines");
    check_mistake(json("record_type = \"D\""), "only for the formats delimited and fixed");
    check_mistake(json("records = \"d..e\""), "a key is empty");
    check_mistake(json("skip_lines_after_header = 1"), "without a header");
}

/// A contract of MQTT with these filters, keys and columns.
fn mqtt(filters: &str, keys: &str, columns: &str) -> Result<Contract, Vec<String>> {
    read_text(&format!(
        "description = \"D.\"\nsource = \"s\"\n{keys}\ncolumns = [{columns}]\n[mqtt]\n\
         url = \"mqtt://b\"\ntopics = [{filters}]\n"
    ))
}

const METRIC: &str = "{ name = \"a\", type = \"text\", header = \"metric\" }";

#[test]
fn the_records_of_sparkplug_are_its_metrics() {
    let sparkplug = "format = \"sparkplug_b\"";
    let contract = mqtt("\"spBv1.0/{group}/#\"", sparkplug, METRIC).unwrap();
    assert_eq!(contract.format, Format::Message);
    assert_eq!(contract.records.as_deref(), Some(plant::sparkplug::RECORDS));
    let payload = |contract: &Contract| contract.mqtt.as_ref().unwrap().payload;
    assert_eq!(payload(&contract), MqttPayload::SparkplugB);
    let json = mqtt("\"a\"", "", METRIC).unwrap();
    assert_eq!((payload(&json), json.records), (MqttPayload::Json, None));
}

#[test]
fn what_sparkplug_does_not_have_is_a_mistake() {
    let sparkplug = "format = \"sparkplug_b\"";
    let ours = "\"spBv1.0/#\"";
    check_mistake(mqtt("\"plant/#\"", sparkplug, METRIC), "does not begin with spBv1.0/");
    let mistakes = mqtt(ours, "format = \"parquet\"", METRIC).unwrap_err();
    assert!(mistakes[0].contains("expected message or sparkplug_b"), "{mistakes:?}");
    let records = format!("{sparkplug}\nrecords = \"x\"");
    check_mistake(mqtt(ours, &records, METRIC), "`records` beside");
    let column = "{ name = \"metrik\", type = \"text\" }";
    check_mistake(mqtt(ours, sparkplug, column), "Did you mean `metric`?");
    let column = "{ name = \"seq\", type = \"int\", from = \"envelope\" }";
    check_mistake(mqtt(ours, sparkplug, column), "has no envelope");
    check_mistake(dump(sparkplug, ""), "without `[mqtt]`");
    let shared = mqtt("\"$share/g/spBv1.0/#\"]\nversion = \"5\"\n#", sparkplug, METRIC);
    check_mistake(shared, "the shared subscription");
}

#[test]
fn headers_of_mqtt_depend_on_the_version() {
    let property = "{ name = \"machine\", type = \"text\", from = \"header\" }";
    let retained =
        "{ name = \"is_old\", type = \"bool\", from = \"header\", header = \"retained\" }";
    check_mistake(mqtt("\"a\"", "", property), "MQTT 3.1.1 has no header `machine`");
    assert_eq!(mqtt("\"a\"", "", retained).unwrap().columns.len(), 1);
    let five = "\"a\"]\nversion = \"5\"\n#";
    assert_eq!(mqtt(five, "", property).unwrap().columns.len(), 1);
}
