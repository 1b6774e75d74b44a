"""Messages by a schema registry and changes of a table, while the program is killed and the registry is away.

Promise: readings in Avro (written by fastavro, in two schemas of which one refers to a third), in Protobuf (written by Google's library),
in JSON with a schema and without one are produced to Apache Kafka with keys and headers, mixed with dirt: unknown ids, cut data, an unsupported kind. The
program reads them while it is killed with -9 and the registry goes away and returns. At the end silver has every clean reading
once with its values; every other is rejected with its reason; bronze = silver + rejected. A rebuild without the
registry gives the same; a schema that is registered later makes its messages rows. A table of a database changes by
inserts, updates and deletes, as Debezium sends them, some of them twice; the silver table is the table of the source.

    python registry_case.py --cockpit BIN --broker FOLDER/start --port N [--messages 20000] [--changes 5000] [--kills 4]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
from broker import Broker
from checks import Report, wait_for
from confluent_kafka import Producer
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2
from program import Cockpit
from schema_registry import PASSWORD, USER, SchemaRegistry

LIMIT_S = 120.0
READINGS, CHANGES = "readings", "mes.public.orders"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
UNIT = {"type": "record", "name": "plant.Unit", "fields": [{"name": "line", "type": "string"}]}
AT = {"type": "long", "logicalType": "timestamp-micros"}
FORCE = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 3}
FIRST = {
    "type": "record", "name": "plant.Reading",
    "fields": [{"name": "seq", "type": "long"}, {"name": "at", "type": AT}, {"name": "force", "type": ["null", FORCE]}],
}
SECOND = {
    "type": "record", "name": "plant.Reading",
    "fields": [
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["RUN", "STOP"]}},
        {"name": "unit", "type": "plant.Unit"},
        {"name": "tags", "type": {"type": "map", "values": "string"}},
        *FIRST["fields"],
    ],
}
PROTO = """syntax = "proto3";
package plant;
import "google/protobuf/timestamp.proto";
message Unit { string line = 1; }
message Reading {
  enum State { RUN = 0; STOP = 1; }
  int64 seq = 1;
  google.protobuf.Timestamp at = 2;
  optional string force = 3; // exact
  Unit unit = 4;
  State state = 5;
  map<string, sint32> more = 6;
}
"""
KEY = {"type": "record", "name": "plant.Key", "fields": [{"name": "press", "type": "string"}]}
FILES = {
    "plant.toml": """name = "Registry"
zone = "UTC"

[kafka]
schema_registry = "{url}"
schema_registry_user = "{user}"
schema_registry_password = "env:REGISTRY_CASE"
""",
    "bronze/reading.toml": """description = "Readings of presses."
source = "presses"
topics = ["readings"]
format = "message"
framing = "confluent"
columns = [
    {{ name = "seq", type = "int", required = true }},
    {{ name = "at", type = "time", formats = ["epoch_us"], required = true }},
    {{ name = "force", type = "decimal", precision = 9, scale = 3 }},
    {{ name = "state", type = "text" }},
    {{ name = "line", header = "unit.line", type = "text" }},
    {{ name = "press", from = "key", header = "$.press", type = "text" }},
    {{ name = "shift", from = "header", header = "shift-id", type = "int" }},
]
""",
    "silver/reading.sql": """-- Readings of presses.
--
-- key: seq
-- column seq [1]: Number.
-- column at: Time, UTC.
-- column force [kN]: Force.
-- column state: State.
-- column line: Line.
-- column press: Press.
-- column shift [id]: Shift.
SELECT seq, at, force, state, line, press, shift FROM typed.reading
""",
    "bronze/order_event.toml": """description = "Changes of the orders."
source = "mes"
topics = ["mes.public.orders"]
format = "message"
changes = "debezium"
columns = [
    {{ name = "order_id", header = "id", type = "int", required = true }},
    {{ name = "qty", type = "int" }},
    {{ name = "state", type = "text" }},
    {{ name = "op", from = "envelope", type = "text", required = true }},
    {{ name = "part", from = "partition", type = "int", required = true }},
    {{ name = "position", from = "offset", type = "int", required = true }},
]
""",
    "silver/order_change.sql": """-- Changes of the orders.
--
-- key: part, position
-- column order_id [id]: Order.
-- column qty [pieces]: Pieces.
-- column state: State.
-- column op: What happened.
-- column part [id]: Partition.
-- column position [id]: Offset.
SELECT order_id, qty, state, op, part, position FROM typed.order_event
""",
    "silver/orders.sql": """-- Orders as they are in the MES.
--
-- grain: order_id
-- refresh: order_id
-- column order_id [id]: Order.
-- column qty [pieces]: Pieces.
-- column state: State.
SELECT order_id, qty, state
FROM (
    SELECT order_id, qty, state, op,
        row_number() OVER (PARTITION BY order_id ORDER BY position DESC) AS newest
    FROM silver.order_change
) AS change
WHERE newest = 1 AND op <> 'd'
""",
}
Reading = tuple[str, Decimal | None, str | None, str | None, str | None, int | None]


def framed(number: int, schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return struct.pack(">bI", 0, number) + out.getvalue()


def proto_reading() -> Any:
    """The class of the message of `PROTO`, made without its text."""
    file = descriptor_pb2.FileDescriptorProto(name="reading.proto", package="plant", syntax="proto3")
    file.dependency.append("google/protobuf/timestamp.proto")
    kinds = descriptor_pb2.FieldDescriptorProto
    unit = file.message_type.add(name="Unit")
    unit.field.add(name="line", number=1, type=kinds.TYPE_STRING, label=1)
    reading = file.message_type.add(name="Reading")
    state = reading.enum_type.add(name="State")
    state.value.add(name="RUN", number=0)
    state.value.add(name="STOP", number=1)
    reading.field.add(name="seq", number=1, type=kinds.TYPE_INT64, label=1)
    reading.field.add(name="at", number=2, type=kinds.TYPE_MESSAGE, label=1, type_name=".google.protobuf.Timestamp")
    reading.oneof_decl.add(name="_force")
    reading.field.add(name="force", number=3, type=kinds.TYPE_STRING, label=1, proto3_optional=True, oneof_index=0)
    reading.field.add(name="unit", number=4, type=kinds.TYPE_MESSAGE, label=1, type_name=".plant.Unit")
    reading.field.add(name="state", number=5, type=kinds.TYPE_ENUM, label=1, type_name=".plant.Reading.State")
    timestamp_pb2.Timestamp()
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("plant.Reading"))


class Presses:
    """Makes readings, and remembers what becomes of each."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.seq = 0
        self.clean: dict[int, Reading] = {}
        self.late: dict[int, Reading] = {}
        """Readings of a schema that is registered at the end."""
        self.rejected: Counter[str] = Counter()
        self.first = fastavro.parse_schema(FIRST)
        self.second = fastavro.parse_schema([UNIT, SECOND])
        self.key = fastavro.parse_schema(KEY)
        self.proto = proto_reading()

    def message(self) -> tuple[bytes | None, bytes, list[tuple[str, bytes]]]:
        seq, rng = self.seq, self.rng
        self.seq += 1
        at = EPOCH + timedelta(microseconds=rng.randrange(10**13))
        force = None if rng.random() < 0.2 else Decimal(rng.randrange(-(10**6), 10**6)).scaleb(-3)
        fields = {"seq": seq, "at": at, "force": force}
        press, shift = f"P{rng.randrange(9)}", rng.randrange(3)
        key = framed(3, self.key, {"press": press})
        headers = [("shift-id", str(shift).encode())]
        shown = at.strftime("%Y-%m-%dT%H:%M:%S.%f")
        kind = rng.random()
        if kind < 0.35:
            self.clean[seq] = (shown, force, None, None, press, shift)
            return key, framed(1, self.first, fields), headers
        if kind < 0.65:
            state, line = rng.choice(["RUN", "STOP"]), f"L{rng.randrange(4)}"
            more = {"state": state, "unit": {"line": line}, "tags": {"a": "b" * rng.randrange(20)}}
            value = ("plant.Reading", fields | more)
            body = framed(2, self.second, value)
            # A union is written with its branch; the schema in the registry is the record itself.
            self.clean[seq] = (shown, force, state, line, press, shift)
            return key, body[:5] + body[6:], headers
        if kind < 0.80:
            state, line = rng.choice(["RUN", "STOP"]), f"L{rng.randrange(4)}"
            reading = self.proto(seq=seq, unit={"line": line}, state=state)
            reading.at.FromDatetime(at)
            if force is not None:
                reading.force = str(force)
            self.clean[seq] = (shown, force, state, line, press, shift)
            # The second message of the schema.
            return key, struct.pack(">bI", 0, 6) + b"\x02\x02" + reading.SerializeToString(), headers
        if kind < 0.90:
            text = json.dumps({"seq": seq, "at": round(at.timestamp() * 10**6), "force": str(force) if force else None})
            self.clean[seq] = (shown, force or None, None, None, None, None)
            frame = struct.pack(">bI", 0, 4) if kind < 0.85 else b""
            return None, frame + text.encode(), []
        return self.odd(kind, key, fields, (shown, force, None, None, press, None))

    def odd(self, kind: float, key: bytes, fields: Any, reading: Reading) -> tuple[bytes, bytes, list[Any]]:
        if kind < 0.92:
            self.late[fields["seq"]] = reading
            self.rejected["unknown_schema"] += 1
            return key, framed(77, self.first, fields), []
        if kind < 0.94:
            self.rejected["unusable_schema"] += 1
            return key, struct.pack(">bI", 0, 5) + b"\x08\x01", []
        if kind < 0.97:
            self.rejected["not_of_schema"] += 1
            return key, framed(1, self.first, fields)[:-1] + b"\xff" * 12, []
        self.rejected["not_json"] += 1
        return key, b"no message at all %d" % fields["seq"], []


class Orders:
    """A table of a database, and the messages of its changes."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.rows: dict[int, tuple[int, str]] = {}
        self.next = 1
        self.wrapped = False

    def change(self) -> list[tuple[bytes, bytes | None]]:
        rng = self.rng
        what = rng.random()
        if not self.rows or what < 0.4:
            number = self.next if rng.random() < 0.9 else rng.randrange(1, self.next + 1)
            if number in self.rows:
                return []
            self.next = max(self.next, number + 1)
            return self.sent("c", number, None, (rng.randrange(100), "NEW"))
        number = rng.choice(list(self.rows))
        if what < 0.8:
            return self.sent("u", number, self.rows[number], (rng.randrange(100), rng.choice(["RUN", "DONE"])))
        return self.sent("d", number, self.rows[number], None)

    def sent(
        self, op: str, number: int, before: tuple[int, str] | None, after: tuple[int, str] | None
    ) -> list[tuple[bytes, bytes | None]]:
        def row(values: tuple[int, str] | None) -> dict[str, Any] | None:
            return values and {"id": number, "qty": values[0], "state": values[1]}

        if after:
            self.rows[number] = after
        else:
            del self.rows[number]
        # Databases that do not log the old row send none.
        change: Any = {"before": row(before) if self.rng.random() < 0.5 else None, "after": row(after), "op": op}
        key: Any = {"id": number}
        if self.rng.random() < 0.3:
            change = {"schema": {"type": "struct"}, "payload": change}
            key = {"schema": {"type": "struct"}, "payload": key}
        messages: list[tuple[bytes, bytes | None]] = [(json.dumps(key).encode(), json.dumps(change).encode())]
        if op == "d":
            messages.append((json.dumps(key).encode(), None))
        # A connector that is killed sends its last messages again.
        return messages * (2 if self.rng.random() < 0.05 else 1)


class World:
    def __init__(self, program: Path, broker: Broker, registry: SchemaRegistry, folder: Path) -> None:
        self.broker, self.registry, self.folder = broker, registry, folder
        self.lake, plant = folder / "lake", folder / "plant"
        for name, text in FILES.items():
            path = plant / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(url=registry.url, user=USER))
        self.cockpit = Cockpit(program, plant)

    def args(self, command: str, *words: str) -> list[str]:
        places = ["--plant", str(self.cockpit.plant), "--lake", str(self.lake), "--kafka", self.broker.address]
        return [str(self.cockpit.program), command, *words, *places]

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(self.args("ingest", "--wait"), stdout=log, stderr=log)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        return self.cockpit.query(sql, str(self.lake)).to_pylist()

    def count(self, sql: str) -> int:
        try:
            return int(next(iter(self.rows(sql)[0].values())))
        except RuntimeError:
            return 0


def by_key(key: bytes | None) -> int:
    """The partition of a key, which all changes of a row share."""
    return sum(key or b"") % 2


def produce(world: World, presses: Presses, orders: Orders, messages: int, changes: int) -> None:
    producer = Producer({"bootstrap.servers": world.broker.address, "linger.ms": 5})

    def send(topic: str, key: bytes | None, value: bytes | None, headers: Any = None) -> None:
        producer.produce(topic, value, key, partition=by_key(number_of(key)), headers=headers)
        producer.poll(0)

    def number_of(key: bytes | None) -> bytes | None:
        # The key is written in two ways.
        return key and key.replace(b'{"schema": {"type": "struct"}, "payload": ', b"").replace(b"}}", b"}")

    for _ in range(messages):
        key, value, headers = presses.message()
        send(READINGS, key, value, headers)
    for _ in range(changes):
        for key, value in orders.change():
            send(CHANGES, key, value)
    producer.flush(LIMIT_S)


def under_kills(world: World, presses: Presses, orders: Orders, args: argparse.Namespace, report: Report) -> None:
    rng = random.Random(args.seed)
    running = world.start()
    for kill in range(args.kills):
        if kill == 1:
            world.registry.stop()
        produce(world, presses, orders, args.messages // args.kills, args.changes // args.kills)
        time.sleep(rng.uniform(0.2, 1.5))
        running.kill()
        running.wait()
        running = world.start()
        if kill == 1:
            # The other topic is read although this one waits.
            log = world.folder / "log"
            waits = "messages wait for the schema registry"
            wait_for("a topic that waits", lambda: waits in log.read_text(errors="replace"), LIMIT_S)
            sent = sum(world.broker.ends(CHANGES).values())
            bronze = "SELECT count(*) FROM bronze.order_event"
            wait_for("the other topic", lambda: world.count(bronze) == sent, LIMIT_S)
            report.check("a topic without a registry is read meanwhile", True)
            world.registry.start()
    total = sum(world.broker.ends(READINGS).values())
    wait_for("all messages", lambda: world.count("SELECT count(*) FROM bronze.reading") >= total, LIMIT_S)
    running.terminate()
    report.equal("the program stops with success", running.wait(timeout=LIMIT_S), 0)
    done = world.cockpit.run(world.args("ingest", "--once"))
    report.check("the rest is read", done.returncode == 0, done.stdout + done.stderr)


def check_readings(world: World, expected: dict[int, Reading], rejected: Counter[str], report: Report) -> None:
    rows = world.rows("SELECT seq, at, force, state, line, press, shift FROM silver.reading")
    found = {}
    for it in rows:
        force = None if it["force"] is None else Decimal(it["force"])
        shift = None if it["shift"] is None else int(it["shift"])
        at = datetime.fromisoformat(it["at"]).strftime("%Y-%m-%dT%H:%M:%S.%f")
        found[int(it["seq"])] = (at, force, it["state"], it["line"], it["press"], shift)
    wrong = [(key, found.get(key), expected.get(key)) for key in expected.keys() | found.keys() if found.get(key) != expected.get(key)]
    report.check(f"silver is what was sent ({len(expected)} readings)", not wrong, f"{len(wrong)}: {wrong[:3]}")
    report.equal("no reading is twice", len(rows), len(found))
    reasons = world.rows("SELECT reason, count(*) AS times FROM silver.rejected WHERE table_name = 'reading' GROUP BY 1")
    report.equal("rejected by reason", {it["reason"]: int(it["times"]) for it in reasons}, dict(rejected))
    bronze = world.count("SELECT count(*) FROM bronze.reading")
    report.equal("bronze = silver + rejected", bronze, len(rows) + rejected.total())
    places = "SELECT count(*) FROM (SELECT DISTINCT _topic, _partition, _offset FROM bronze.reading) AS place"
    report.equal("every message is once in bronze", world.count(places), bronze)
    report.equal("the rows balance", world.count("SELECT count(*) FROM meta.runs WHERE NOT is_balanced"), 0)


def check_orders(world: World, orders: Orders, report: Report) -> None:
    rows = world.rows("SELECT order_id, qty, state FROM silver.orders")
    found = {int(it["order_id"]): (int(it["qty"]), it["state"]) for it in rows}
    wrong = [key for key in found.keys() | orders.rows.keys() if found.get(key) != orders.rows.get(key)]
    report.check(f"the table is that of the source ({len(orders.rows)} orders)", not wrong, f"{wrong[:5]}")
    rejected = "SELECT count(*) FROM silver.rejected WHERE table_name = 'order_change'"
    report.equal("no change is rejected", world.count(rejected), 0)


def check_again(world: World, presses: Presses, orders: Orders, report: Report) -> None:
    before = world.registry.requests
    done = world.cockpit.run(world.args("ingest", "--once"))
    report.check("another run succeeds", done.returncode == 0, done.stdout + done.stderr)
    report.equal("and asks the registry nothing", world.registry.requests, before)
    world.registry.register(77, FIRST)
    rebuild = world.args("rebuild")[:-2]
    done = world.cockpit.run(rebuild)
    report.check("a rebuild succeeds", done.returncode == 0, done.stdout + done.stderr)
    report.equal("and asks for the schema that was missing", world.registry.requests, before + 1)
    del presses.rejected["unknown_schema"]
    check_readings(world, presses.clean | presses.late, presses.rejected, report)
    world.registry.stop()
    done = world.cockpit.run(rebuild)
    report.check("a rebuild without the registry succeeds", done.returncode == 0, done.stdout + done.stderr)
    check_readings(world, presses.clean | presses.late, presses.rejected, report)
    check_orders(world, orders, report)


def check_speed(world: World, presses: Presses, count: int, report: Report) -> None:
    producer = Producer({"bootstrap.servers": world.broker.address, "linger.ms": 5})
    value = {"seq": 0, "at": EPOCH, "force": Decimal("1.5")}
    for seq in range(10**9, 10**9 + count):
        producer.produce(READINGS, framed(1, presses.first, value | {"seq": seq}))
        producer.poll(0)
    producer.flush(LIMIT_S)
    took = timed(lambda: world.cockpit.run(world.args("ingest", "--once")).returncode)
    report.equal("a burst is read", world.count("SELECT count(*) FROM silver.reading WHERE seq >= 1000000000"), count)
    print(f"{count} messages in Avro: {took:.1f} s of CPU, {count / took:.0f} per CPU second with start and refinement")


def timed(work: Callable[[], object]) -> float:
    before = os.times()
    work()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def check_errors(world: World, report: Report) -> None:
    os.environ["REGISTRY_CASE"] = "wrong"
    producer = Producer({"bootstrap.servers": world.broker.address})
    producer.produce(READINGS, struct.pack(">bI", 0, 99))
    producer.flush(LIMIT_S)
    done = world.cockpit.run(world.args("ingest", "--once"))
    text = done.stdout + done.stderr
    report.check("a wrong password is an error that names the cause",
                 done.returncode != 0 and "schema_registry_user" in text, text[-600:])
    report.check("and does not show the password", "wrong" not in text.replace("wrong password", ""), text[-600:])


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--broker", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--changes", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--burst", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    os.environ["REGISTRY_CASE"] = PASSWORD
    folder = Path(tempfile.mkdtemp(prefix="registry-case-"))
    broker, registry, report = Broker(args.broker, args.port), SchemaRegistry(), Report()
    reference = registry.subject("plant.Unit-value", 1, UNIT)
    registry.register(1, FIRST)
    registry.register(2, SECOND, references=[reference])
    registry.register(3, KEY)
    registry.register(4, {"type": "object"}, kind="JSON")
    registry.register(5, "struct Reading {}", kind="THRIFT")
    registry.register(6, PROTO, kind="PROTOBUF")
    try:
        broker.start()
        for topic in (READINGS, CHANGES):
            # The broker may have the topics of another run.
            if broker.has(topic):
                broker.delete(topic)
            broker.create(topic, 2)
        registry.start()
        world, presses, orders = World(args.cockpit, broker, registry, folder), Presses(args.seed), Orders(args.seed)
        under_kills(world, presses, orders, args, report)
        check_readings(world, presses.clean, presses.rejected, report)
        check_orders(world, orders, report)
        check_again(world, presses, orders, report)
        registry.start()
        check_speed(world, presses, args.burst, report)
        check_errors(world, report)
    except Exception:
        log = folder / "log"
        print(log.read_text()[-3000:] if log.exists() else "no log", file=sys.stderr)
        raise
    finally:
        registry.stop()
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
