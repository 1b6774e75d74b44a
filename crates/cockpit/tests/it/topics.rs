//! Topics and messages as plants have them: a topic that was deleted and created again, topics that match a
//! pattern, messages without a value, framed by a schema registry, or with several readings.

use crate::stream::Broker;
use crate::world::World;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::BaseRecord;
use serde_json::Value;

const MODEL: &str = "-- Pressures of presses.
--
-- key: press, at
-- column press: The press.
-- column at: When the pressure was measured, UTC.
-- column pressure [bar]: The pressure.
SELECT press, at, pressure FROM typed.pressure
";

/// A contract for these topics. `keys` are further keys of the contract, `press` is what the column of the
/// press has besides its name and type.
fn contract(topics: &str, keys: &str, press: &str) -> String {
    format!(
        r#"description = "Pressures as they were received."
source = "press"
topics = {topics}
format = "message"
{keys}
columns = [
    {{ name = "press", type = "text", required = true, {press} description = "Press." }},
    {{ name = "at", header = "ts", type = "time", formats = ["epoch_ms"], zone = "UTC", required = true, description = "When." }},
    {{ name = "pressure", header = "bar", type = "float", required = true, description = "Pressure." }},
]
"#
    )
}

fn world(contract: &str) -> World {
    let world = World::new();
    world.write("bronze/pressure.toml", contract);
    world.write("silver/pressure.sql", MODEL);
    world
}

fn reading(press: &str, number: usize) -> String {
    format!(r#"{{"press":"{press}","ts":{},"bar":{number}.5}}"#, 1_700_000_000_000 + number * 1000)
}

fn readings(press: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| reading(press, number)).collect()
}

/// The values of each row, in the order of the columns' names, with blanks between them.
fn table(world: &World, query: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line =
        |row: &Value| row.as_object().unwrap().values().map(text).collect::<Vec<_>>().join(" ");
    world.sql(query).iter().map(line).collect()
}

fn count(world: &World, table: &str) -> i64 {
    world.number(&format!("SELECT count(*) FROM {table}"))
}

/// What a rebuild must not change.
fn contents(world: &World) -> [Vec<String>; 2] {
    ["silver.pressure", "silver.rejected"].map(|table| world.rows(table))
}

#[test]
fn a_message_that_is_not_a_record_is_rejected_with_its_reason() {
    let (world, broker) = (world(&contract(r#"["p"]"#, "", "")), Broker::with_topic("p"));
    broker.send(&[&reading("a", 1)]);
    broker.send_record(|record| record);
    for payload in ["", "null", "[]", &format!("[{}]", reading("b", 1)), "{", "\0\0\0\0\x07{}"] {
        broker.send(&[payload]);
    }
    broker.send_bytes(&[b"\0\0\0\0\x07\x02\x80\x81"]);
    broker.send(&[&reading("a", 2)]);
    broker.ingest_into(&world);
    assert_eq!(count(&world, "bronze.pressure"), 10);
    assert_eq!(count(&world, "bronze.pressure WHERE payload IS NULL"), 1);
    assert_eq!(count(&world, "silver.pressure"), 2);
    let reasons = table(
        &world,
        "SELECT reason, count(*) AS times FROM silver.rejected GROUP BY reason ORDER BY reason",
    );
    let expected = ["array_received 2", "not_json 3", "schema_registry_framing 2", "tombstone 1"];
    assert_eq!(reasons, expected);
    world.is_balanced();
}

#[test]
fn json_behind_a_frame_is_read_if_configured() {
    let contract = contract(r#"["p"]"#, r#"framing = "confluent""#, "");
    let (world, broker) = (world(&contract), Broker::with_topic("p"));
    broker.send(&[
        &format!("\0\0\0\x01\x07{}", reading("a", 1)),
        &reading("a", 2),
        "\0\0\0\0\x07[",
    ]);
    broker.ingest_into(&world);
    assert_eq!(table(&world, "SELECT pressure FROM silver.pressure ORDER BY 1"), ["1.5", "2.5"]);
    assert_eq!(table(&world, "SELECT reason FROM silver.rejected"), ["not_json"]);
    world.is_balanced();
}

/// Reads `old` and then `new`, two topics of one name, and checks that nothing of the new one is missing.
fn check_created_again(old: &Broker, new: &Broker, count_new: usize) {
    let world = world(&contract(r#"["p"]"#, "", ""));
    old.send_all(&readings("old", 6));
    old.ingest_into(&world);
    old.ingest_into(&world);
    new.send_all(&readings("new", count_new));
    let outcome = new.ingest_from(&world).failure(&["deleted and created again", "p#2"]);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    let of = |press: &str| count(&world, &format!("silver.pressure WHERE press = '{press}'"));
    assert_eq!((of("old"), of("new")), (6, i64::try_from(count_new).unwrap()));
    let places = "SELECT DISTINCT _topic, _partition, _offset FROM bronze.pressure";
    assert_eq!(count(&world, &format!("({places}) AS p")), count(&world, "bronze.pressure"));
    // It was reported, and reading resumes at its offset.
    new.send_all(&[reading("new", 100)]);
    new.ingest_into(&world);
    assert_eq!(of("new"), i64::try_from(count_new).unwrap() + 1);
    let before = contents(&world);
    world.run(&["rebuild"]).success();
    assert_eq!(contents(&world), before);
    world.is_balanced();
}

#[test]
fn a_topic_created_again_is_read_from_its_start() {
    check_created_again(&Broker::with_topic("p"), &Broker::with_topic("p"), 20);
}

#[test]
fn a_shorter_topic_created_again_is_read_from_its_start() {
    check_created_again(&Broker::with_topic("p"), &Broker::with_topic("p"), 2);
}

#[test]
fn a_topic_without_an_id_is_identified_by_its_last_message() {
    let nameless = || {
        let broker = Broker::with_topic("p");
        broker.forget_ids();
        broker
    };
    check_created_again(&nameless(), &nameless(), 20);
    check_created_again(&nameless(), &nameless(), 2);
    check_created_again(&nameless(), &Broker::with_topic("p"), 20);
}

#[test]
fn a_broker_that_begins_to_report_ids_changes_nothing() {
    let (world, broker) = (world(&contract(r#"["p"]"#, "", "")), Broker::with_topic("p"));
    broker.forget_ids();
    broker.send_all(&readings("a", 5));
    broker.ingest_into(&world);
    broker.report_ids();
    broker.send_all(&[reading("a", 10)]);
    broker.ingest_into(&world);
    broker.send_all(&[reading("a", 11)]);
    broker.ingest_into(&world);
    assert_eq!(table(&world, "SELECT DISTINCT _topic FROM bronze.pressure"), ["p"]);
    assert_eq!(count(&world, "silver.pressure"), 7);
}

#[test]
fn each_element_of_a_message_is_a_reading() {
    let keys = r#"records = "values""#;
    let press = r#"from = "envelope", header = "press","#;
    let (world, broker) = (world(&contract(r#"["p"]"#, keys, press)), Broker::with_topic("p"));
    let batch = |press: &str, values: &str| format!(r#"{{"press":"{press}","values":[{values}]}}"#);
    let values = r#"{"ts":1700000000000,"bar":1},{"ts":1700000001000,"bar":"x"},{"ts":1700000002000,"bar":3}"#;
    broker.send(&[
        &batch("a", values),
        &format!("[{},{}]", reading("b", 1), reading("b", 2)),
        &reading("c", 1),
        &batch("d", ""),
        &batch("e", r#"7,{"ts":1700000000000,"bar":1}"#),
        &batch("a", values),
    ]);
    broker.ingest_into(&world);
    assert_eq!(count(&world, "bronze.pressure"), 6);
    let rows = "SELECT press, pressure FROM silver.pressure ORDER BY 1, 2";
    assert_eq!(table(&world, rows), ["a 1.0", "a 3.0", "b 1.5", "b 2.5", "c 1.5", "e 1.0"]);
    let rejected = "SELECT reason, count(*) AS times FROM silver.rejected GROUP BY 1 ORDER BY 1";
    let expected = ["duplicate 2", "no_records 1", "not_a_number 2", "not_object 1"];
    assert_eq!(table(&world, rejected), expected);
    let places = "SELECT _topic, _partition, _offset, _element FROM";
    let all = format!("{places} silver.pressure UNION {places} silver.rejected");
    assert_eq!(count(&world, &format!("({all}) AS p")), 12, "each record has a place of its own");
    assert_eq!(world.number("SELECT sum(_records) FROM bronze.pressure"), 12);
    world.is_balanced();
    let before = contents(&world);
    world.run(&["rebuild"]).success();
    assert_eq!(contents(&world), before);
}

#[test]
fn records_are_read_once_their_path_is_configured() {
    let (world, broker) = (world(&contract(r#"["p"]"#, "", "")), Broker::with_topic("p"));
    broker.send(&[&format!("[{},{}]", reading("a", 1), reading("a", 2)), &reading("a", 3)]);
    broker.ingest_into(&world);
    assert_eq!(table(&world, "SELECT reason FROM silver.rejected"), ["array_received"]);
    world.edit(
        "bronze/pressure.toml",
        "format = \"message\"",
        "format = \"message\"\nrecords = \"$\"",
    );
    broker.send(&[&format!("[{}]", reading("a", 4))]);
    broker.ingest_into(&world);
    assert_eq!((count(&world, "silver.pressure"), count(&world, "silver.rejected")), (4, 0));
}

#[test]
fn columns_come_from_topic_key_and_headers() {
    let topics = r#"["^plant\\.(?<press>[a-z]+)\\.pressure$", "other"]"#;
    let press = r#"from = "topic","#;
    let (world, broker) =
        (world(&contract(topics, "", press)), Broker::with_topic("plant.left.pressure"));
    world.edit(
        "bronze/pressure.toml",
        "columns = [",
        "columns = [\n    { name = \"shift\", from = \"header\", header = \"shift-id\", type = \"int\" },\n    \
         { name = \"line\", from = \"key\", type = \"text\" },",
    );
    world.edit("silver/pressure.sql", "SELECT press,", "SELECT shift, line, press,");
    let columns = "-- column shift [id]: The shift.\n-- column line: The line.\n-- column press:";
    world.edit("silver/pressure.sql", "-- column press:", columns);
    for topic in ["plant.right.pressure", "plant.left.temperature", "other"] {
        broker.create(topic);
    }
    let same = reading("", 1);
    broker.send_to("plant.right.pressure", &same);
    broker.send_to("plant.left.temperature", &same);
    broker.send_record(|record: BaseRecord<'_, [u8], [u8]>| {
        let header = |value| Header { key: "shift-id", value: Some(value) };
        let headers = OwnedHeaders::new().insert(header("1")).insert(header("2"));
        record.key(&b"L7"[..]).headers(headers).payload(same.as_bytes())
    });
    broker.ingest_into(&world);
    let rows = "SELECT press, line, shift FROM silver.pressure ORDER BY 1";
    assert_eq!(table(&world, rows), ["L7 left 2", "null right null"]);
    let headers = r#"[{"key":"shift-id","value":"1"},{"key":"shift-id","value":"2"}]"#;
    let kept = "SELECT _headers FROM bronze.pressure WHERE _key IS NOT NULL";
    assert_eq!(table(&world, kept), [headers]);
    let before = contents(&world);
    world.run(&["rebuild"]).success();
    assert_eq!(contents(&world), before);
}

#[test]
fn a_topic_that_appears_later_is_read() {
    let contract = contract(r#"["^press-[0-9]+$"]"#, "", r#"from = "topic", header = "topic","#);
    let (world, broker) = (world(&contract), Broker::with_topic("press-1"));
    broker.send(&[&reading("", 1)]);
    let worker = broker.worker_with(&world, &[("COCKPIT_TOPIC_LISTING_EVERY_S", "1")]);
    let topics = || {
        let path = world.path("lake/silver/pressure/_delta_log");
        path.exists().then(|| table(&world, "SELECT press FROM silver.pressure ORDER BY 1"))
    };
    crate::lease::until("the first topic", || (topics()? == ["press-1"]).then_some(()));
    broker.create("press-2");
    broker.send_to("press-2", &reading("", 1));
    crate::lease::until("the second topic", || (topics()? == ["press-1", "press-2"]).then_some(()));
    drop(worker);
}

#[test]
fn two_topics_of_one_contract_make_one_table() {
    for _ in 0..5 {
        let (world, broker) = (world(&contract(r#"["p", "q"]"#, "", "")), Broker::with_topic("p"));
        broker.create("q");
        // Both have what is good and what is not, so that they make three tables at once.
        for topic in ["p", "q"] {
            broker.send_to(topic, &reading(topic, 1));
            broker.send_to(topic, "{");
        }
        broker.ingest_into(&world);
        assert_eq!(table(&world, "SELECT press FROM silver.pressure ORDER BY 1"), ["p", "q"]);
        assert_eq!(count(&world, "silver.rejected"), 2);
        world.is_balanced();
    }
}

#[test]
fn equal_offsets_of_two_topics_are_not_duplicates() {
    let (world, broker) = (world(&contract(r#"["p", "q"]"#, "", "")), Broker::with_topic("p"));
    broker.create("q");
    for topic in ["p", "q", "p"] {
        broker.send_to(topic, &reading("a", 1));
    }
    broker.ingest_into(&world);
    assert_eq!((count(&world, "silver.pressure"), count(&world, "silver.rejected")), (2, 1));
    broker.send_to("q", &reading("a", 1));
    broker.ingest_into(&world);
    assert_eq!((count(&world, "silver.pressure"), count(&world, "silver.rejected")), (2, 2));
    let before = contents(&world);
    world.run(&["rebuild"]).success();
    assert_eq!(contents(&world), before);
}

/// Two contracts that read the same topic each get all of its partitions.
#[test]
fn two_contracts_of_one_topic_share_nothing() {
    let contract = contract(r#"["p"]"#, "", "");
    let (world, broker) = (world(&contract), Broker::with_topic("p"));
    world.write("bronze/copy.toml", &contract);
    world.write("silver/copied.sql", &MODEL.replace("typed.pressure", "typed.copy"));
    let worker = broker.worker(&world);
    let texts = readings("a", 8);
    for (number, text) in (0..).zip(&texts) {
        broker.send_record(|record| record.partition(number % 2).payload(text.as_bytes()));
    }
    for table in ["silver.pressure", "silver.copied"] {
        let log = world.path(&format!("lake/{}/_delta_log", table.replace('.', "/")));
        crate::lease::until(table, || (log.exists() && count(&world, table) == 8).then_some(()));
    }
    drop(worker);
}

#[test]
fn mistakes_in_topics_are_found_by_check() {
    let press = r#"from = "topic", header = "side","#;
    let contract = contract(r#"["^p(", "a b"]"#, "framing = \"avro\"\nrecords = \"a..b\"", press);
    let outcome = world(&contract).run(&["check"]);
    outcome.failure(&[
        "invalid topic `^p(`",
        "invalid topic `a b`",
        "invalid framing `avro`",
        "invalid path `a..b`",
        "no pattern in topics has a group `side`",
    ]);
}
