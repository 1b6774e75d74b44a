//! Messages whose schemas are in a registry, and changes of a table.
//!
//! The broker is librdkafka's mock, and the registry answers HTTP requests from a thread of the test.

use crate::stream::Broker;
use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A schema registry that knows some schemas, and counts requests.
struct Registry {
    url: String,
    schemas: Arc<Mutex<BTreeMap<u32, Value>>>,
    requests: Arc<AtomicUsize>,
}

impl Registry {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let schemas: Arc<Mutex<BTreeMap<u32, Value>>> = Arc::default();
        let requests = Arc::new(AtomicUsize::new(0));
        let (known, counted) = (schemas.clone(), requests.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                counted.fetch_add(1, Ordering::SeqCst);
                answer(stream.unwrap(), &known.lock().unwrap());
            }
        });
        Self { url, schemas, requests }
    }

    fn register(&self, id: u32, schema: &Value) {
        let answer = json!({ "schema": schema.to_string() });
        self.schemas.lock().unwrap().insert(id, answer);
    }
}

fn answer(mut stream: TcpStream, known: &BTreeMap<u32, Value>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let request = lines.next().unwrap().unwrap();
    lines.map(Result::unwrap).find(|line| line.is_empty());
    let id = request.split(' ').nth(1).and_then(|path| path.rsplit('/').next()?.parse().ok());
    let (status, body) = match id.and_then(|id: u32| known.get(&id)) {
        Some(answer) => ("200 OK", answer.to_string()),
        None => ("404 Not Found", json!({ "error_code": 40403 }).to_string()),
    };
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
}

const CONTRACT: &str = r#"description = "Orders as they change."
source = "mes"
topics = ["orders"]
format = "message"
framing = "confluent"
columns = [
    { name = "order_id", header = "id", type = "int", required = true, description = "Order." },
    { name = "qty", type = "float", description = "Pieces." },
    { name = "due", type = "time", formats = ["epoch_ms"], zone = "UTC", description = "Due." },
    { name = "line", from = "key", header = "$.line", type = "text", description = "Line." },
]
"#;

const MODEL: &str = "-- Orders.
--
-- key: order_id
-- column order_id [id]: The order.
-- column qty [pieces]: Pieces.
-- column due: When it is due, UTC.
-- column line: The line.
SELECT order_id, qty, due, line FROM typed.order_events
";

fn world(contract: &str, registry: &Registry) -> World {
    let world = World::new();
    world.write("bronze/order_events.toml", contract);
    world.write("silver/order_change.sql", MODEL);
    let plant = world.path("plant/plant.toml");
    let text = std::fs::read_to_string(&plant).unwrap();
    let kafka = format!("\n[kafka]\nschema_registry = \"{}\"\n", registry.url);
    assert!(!text.contains("[kafka]"));
    std::fs::write(plant, text + &kafka).unwrap();
    world
}

fn table(world: &World, query: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line =
        |row: &Value| row.as_object().unwrap().values().map(text).collect::<Vec<_>>().join(" ");
    world.sql(query).iter().map(line).collect()
}

fn frame(id: u32, body: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], body].concat()
}

fn schema(more: &[Value]) -> Value {
    let mut fields = vec![json!({ "name": "id", "type": "int" })];
    fields.extend(more.iter().cloned());
    json!({ "type": "record", "name": "Order", "fields": fields })
}

#[test]
fn framed_messages_are_read_by_schemas_that_evolve() {
    let (registry, broker) = (Registry::start(), Broker::with_topic("orders"));
    let world = world(CONTRACT, &registry);
    let millis = json!({ "type": "long", "logicalType": "timestamp-millis" });
    let due = json!({ "name": "due", "type": millis });
    registry.register(1, &schema(&[json!({ "name": "qty", "type": "double" })]));
    registry.register(2, &schema(&[json!({ "name": "qty", "type": ["null", "float"] }), due]));
    let line = json!({ "name": "line", "type": "string" });
    registry.register(3, &json!({ "type": "record", "name": "Key", "fields": [line] }));
    let first = frame(1, &[&[2][..], &1.5_f64.to_le_bytes()].concat());
    let second = frame(2, &[4, 0, 0]);
    let line = frame(3, b"\x04L7");
    broker.send_record(|record| record.partition(0).key(&line).payload(&first));
    broker.send_record(|record| record.partition(0).payload(&second));
    broker.send_bytes(&[&frame(9, &[6]), &frame(1, &[6])]);
    broker.ingest_into(&world);
    let rows = "SELECT due, line, order_id, qty FROM silver.order_change ORDER BY order_id";
    assert_eq!(table(&world, rows), ["null L7 1 1.5", "1970-01-01T00:00:00Z null 2 null"]);
    let reasons = "SELECT reason FROM silver.rejected ORDER BY 1";
    assert_eq!(table(&world, reasons), ["not_of_schema", "unknown_schema"]);
    world.is_balanced();
    // A schema that is registered late: its messages are read again from bronze, the others without the registry.
    let before = registry.requests.load(Ordering::SeqCst);
    registry.register(9, &schema(&[]));
    world.run(&["rebuild"]).success();
    assert_eq!(registry.requests.load(Ordering::SeqCst), before + 1);
    assert_eq!(table(&world, "SELECT count(*) FROM silver.order_change"), ["3"]);
    assert_eq!(table(&world, reasons), ["not_of_schema"]);
    world.is_balanced();
}

#[test]
fn a_registry_that_is_away_loses_nothing() {
    let (registry, broker) = (Registry::start(), Broker::with_topic("orders"));
    let world = world(CONTRACT, &registry);
    registry.register(1, &schema(&[]));
    world.edit("plant.toml", &registry.url, "http://127.0.0.1:1");
    broker.send_bytes(&[&frame(1, &[2])]);
    let fast =
        [("COCKPIT_SCHEMA_REGISTRY_RETRY_MIN_MS", "10"), ("COCKPIT_SCHEMA_REGISTRY_ATTEMPTS", "2")];
    let outcome = broker.try_ingest(&world, &fast);
    outcome.failure(&["the schema registry does not answer", "check the registry"]);
    world.edit("plant.toml", "http://127.0.0.1:1", &registry.url);
    broker.ingest_into(&world);
    assert_eq!(table(&world, "SELECT order_id FROM silver.order_change"), ["1"]);
    world.is_balanced();
}

const CHANGES: &str = r#"description = "Changes of orders."
source = "mes"
topics = ["orders"]
format = "message"
changes = "debezium"
columns = [
    { name = "order_id", header = "id", type = "int", required = true, description = "Order." },
    { name = "qty", type = "float", description = "Pieces." },
    { name = "op", from = "envelope", type = "text", required = true, description = "What happened." },
    { name = "part", from = "partition", type = "int", required = true, description = "Partition." },
    { name = "position", from = "offset", type = "int", required = true, description = "Offset." },
]
"#;

const CHANGE_MODEL: &str = "-- Changes of orders.
--
-- key: part, position
-- column order_id [id]: The order.
-- column qty [pieces]: Pieces.
-- column op: What happened: r, c, u or d.
-- column part [id]: Partition.
-- column position [id]: Offset.
SELECT order_id, qty, op, part, position FROM typed.order_events
";

const ORDER_MODEL: &str = "-- Orders as they are in the MES.
--
-- grain: order_id
-- refresh: order_id
-- column order_id [id]: The order.
-- column qty [pieces]: Pieces.
SELECT order_id, qty
FROM (
    SELECT order_id, qty, op,
        row_number() OVER (PARTITION BY order_id ORDER BY position DESC) AS newest
    FROM silver.order_change
) AS change
WHERE newest = 1 AND op <> 'd'
";

#[test]
fn a_table_follows_the_changes_of_its_source() {
    let (registry, broker) = (Registry::start(), Broker::with_topic("orders"));
    let world = world(CHANGES, &registry);
    world.write("silver/order_change.sql", CHANGE_MODEL);
    world.write("silver/order_now.sql", ORDER_MODEL);
    let send = |id: u32, payload: Option<String>| {
        let key = format!("{{\"id\":{id}}}");
        let payload = payload.as_ref().map(String::as_bytes);
        broker.send_keyed(key.as_bytes(), payload);
    };
    let row = |id: u32, qty: u32| format!("{{\"id\":{id},\"qty\":{qty}}}");
    let change = |op: &str, after: &str| Some(format!("{{\"op\":\"{op}\",\"after\":{after}}}"));
    let orders = || table(&world, "SELECT order_id, qty FROM silver.order_now ORDER BY 1");
    send(1, change("r", &row(1, 10)));
    send(2, change("r", &row(2, 20)));
    broker.ingest_into(&world);
    assert_eq!(orders(), ["1 10.0", "2 20.0"]);
    send(1, change("u", &row(1, 11)));
    send(2, change("d", "null"));
    send(2, None);
    send(3, change("c", &row(3, 30)));
    broker.ingest_into(&world);
    assert_eq!(orders(), ["1 11.0", "3 30.0"]);
    // An order that was deleted comes again, and one that never was known goes.
    send(2, change("c", &row(2, 21)));
    send(9, None);
    broker.ingest_into(&world);
    assert_eq!(orders(), ["1 11.0", "2 21.0", "3 30.0"]);
    // Every message is a change, tombstones too, so the table of rejected records does not exist.
    assert_eq!(table(&world, "SELECT count(*) FROM silver.order_change"), ["8"]);
    world.is_balanced();
    let before = orders();
    world.run(&["rebuild"]).success();
    assert_eq!(orders(), before);
}
