"""Sparkplug B from an MQTT broker.

Promise: metrics of an edge node and its device are published by their aliases while the program is killed with -9,
stopped and started again. Silver has each value under the name of its birth, whichever process has received the birth.
Data before a birth, an unknown alias, a wrong type, a gap in the sequence numbers and a death of an earlier session are
rejected with their reasons; commands and states do not land. A death makes every metric stale. Bronze has the payloads
as published, the rows balance, and a rebuild gives the same rows.
"""

from __future__ import annotations

import json
import struct
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from checks import Report, wait_for
from mqtt_broker import Message, MqttBroker, Publisher
from program import Cockpit

LIMIT_S = 120.0
AT_MS = 1_790_000_000_000
INT32, INT64, FLOAT, BOOLEAN, STRING = 3, 4, 9, 11, 12
CONTRACT = """description = "Metrics of edge nodes."
source = "edge nodes"
format = "sparkplug_b"
columns = [
    {{ name = "group_id", header = "group", type = "text", required = true }},
    {{ name = "edge_node", type = "text", required = true }},
    {{ name = "device", type = "text" }},
    {{ name = "message_type", type = "text", required = true }},
    {{ name = "metric", type = "text", required = true }},
    {{ name = "alias", type = "int" }},
    {{ name = "at", header = "timestamp", type = "time", formats = ["epoch_ms"], required = true }},
    {{ name = "data_type", type = "text" }},
    {{ name = "value", type = "text" }},
    {{ name = "is_null", type = "bool", required = true }},
    {{ name = "is_historical", type = "bool", required = true }},
    {{ name = "quality", type = "text", required = true }},
    {{ name = "seq", type = "int" }},
]

[mqtt]
url = "{url}"
version = "{version}"
topics = ["spBv1.0/#"]
user = "cockpit"
password = "env:MQTT_CASE"
ca_file = "{ca_file}"
client_id = "cockpit-sparkplug"
"""
SILVER = """-- Metrics of edge nodes.
--
-- key: edge_node, device, message_type, metric, at
-- column group_id: Group.
-- column edge_node: Edge node.
-- column device: Device, `-` for a metric of the edge node.
-- column message_type: Type of the message.
-- column metric: Name of the metric.
-- column alias [id]: Alias.
-- column at: Time of the value.
-- column data_type: Data type.
-- column value: Value as text.
-- column is_null: Whether there is no value.
-- column is_historical: Whether the value was buffered.
-- column quality: Quality.
-- column seq [1]: Sequence number.
SELECT
    group_id, edge_node, coalesce(device, '-') AS device, message_type, metric, alias, at, data_type, value, is_null,
    is_historical, quality, seq
FROM typed.metrics
"""


@dataclass(frozen=True)
class Metric:
    """A metric of a payload; `value` is of the type `kind`."""

    value: object = None
    kind: int | None = INT32
    name: str | None = None
    alias: int | None = None
    at_ms: int | None = None
    historical: bool = False

    def encoded(self) -> bytes:
        out = _sized(1, self.name.encode()) if self.name is not None else b""
        out += _number(2, self.alias) + _number(3, self.at_ms) + _number(4, self.kind)
        out += _number(5, 1 if self.historical else None) + _number(7, 1 if self.value is None else None)
        match self.value:
            case None:
                return out
            case bool():
                return out + _number(14, int(self.value))
            case int():
                field, bits = (11, 64) if self.kind == INT64 else (10, 32)
                return out + _number(field, self.value % (1 << bits))
            case float():
                return out + _tag(12, 5) + struct.pack("<f", self.value)
            case _:
                return out + _sized(15, str(self.value).encode())


def payload(metrics: list[Metric], seq: int | None, at_ms: int = AT_MS) -> bytes:
    return _number(1, at_ms) + b"".join(_sized(2, it.encoded()) for it in metrics) + _number(3, seq)


def _varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def _tag(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _number(field: int, value: int | None) -> bytes:
    return b"" if value is None else _tag(field, 0) + _varint(value)


def _sized(field: int, data: bytes) -> bytes:
    return _tag(field, 2) + _varint(len(data)) + data


class World:
    """A plant that reads Sparkplug, an edge node that publishes, and what was published."""

    def __init__(self, program: Path, broker: MqttBroker, folder: Path, version: str) -> None:
        self.folder, self.lake = folder, folder / "sparkplug-lake"
        plant = folder / "sparkplug-plant"
        for name in ("bronze", "silver"):
            (plant / name).mkdir(parents=True)
        (plant / "plant.toml").write_text('name = "Sparkplug"\nzone = "UTC"\n')
        contract = CONTRACT.format(url=broker.url, ca_file=broker.ca_file, version=version)
        (plant / "bronze/metrics.toml").write_text(contract)
        (plant / "silver/metrics.sql").write_text(SILVER)
        self.cockpit, self.plant = Cockpit(program, plant), plant
        self.publisher = Publisher(broker, "edge")
        self.published: list[tuple[str, bytes]] = []
        self.seq = -1

    def args(self, *words: str) -> list[str]:
        return [str(self.cockpit.program), *words, "--plant", str(self.plant), "--lake", str(self.lake)]

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(self.args("ingest"), stdout=log, stderr=log)

    def send(self, topic: str, metrics: list[Metric], seq: int | None = None, at_ms: int = AT_MS) -> None:
        message = f"spBv1.0/{topic}", payload(metrics, seq, at_ms)
        self.published.append(message)
        self.publisher.publish([Message(*message)])

    def next(self) -> int:
        self.seq = (self.seq + 1) % 256
        return self.seq

    def birth(self, session: int) -> None:
        """The edge node and its device are born; both use the alias 1."""
        self.seq = -1
        at_ms = AT_MS + session
        node = [Metric(session, INT64, "bdSeq"), Metric("ready", STRING, "state", 1)]
        self.send("G/NBIRTH/E", node, self.next(), at_ms)
        device = [Metric(20.5, FLOAT, "temperature", 1), Metric(-1, INT32, "count", 2), Metric(True, BOOLEAN, "on", 3)]
        self.send("G/DBIRTH/E/D", device, self.next(), at_ms)

    def data(self, first: int, count: int) -> None:
        for number in range(first, first + count):
            self.send("G/DDATA/E/D", [Metric(number, None, None, 2, AT_MS + 1_000 + number)], self.next())

    def rows(self, sql: str) -> list[dict[str, str | None]]:
        try:
            return self.cockpit.query(sql, str(self.lake)).to_pylist()
        except RuntimeError:
            return []

    def count(self, sql: str) -> int:
        rows = self.rows(sql)
        return int(next(iter(rows[0].values())) or 0) if rows else 0

    def counts(self) -> int:
        return self.count("SELECT count(*) FROM silver.metrics WHERE metric = 'count' AND message_type = 'DDATA'")


def check_sparkplug(program: Path, broker: MqttBroker, folder: Path, version: str, report: Report) -> None:
    world = World(program, broker, folder, version)
    running = world.start()
    # Messages of QoS 0 before it are lost.
    wait_for("a subscription", lambda: b"spBv1.0/#" in (broker.folder / "log").read_bytes(), LIMIT_S)
    _before_birth(world)
    world.birth(7)
    world.data(0, 20)
    wait_for("the first values", lambda: world.counts() >= 20, LIMIT_S)
    running.kill()
    running.wait()
    # The births are in bronze only.
    world.data(20, 20)
    running = world.start()
    wait_for("values after a kill", lambda: world.counts() >= 40, LIMIT_S)
    running.terminate()
    report.equal("the program stops with success", running.wait(timeout=LIMIT_S), 0)
    births = world.lake / "_cockpit/births/metrics.json"
    report.check("births are kept in the lake", births.exists() and "temperature" in births.read_text())
    world.data(40, 20)
    running = world.start()
    wait_for("values after a stop", lambda: world.counts() >= 60, LIMIT_S)
    _faulty(world)
    world.send("G/NDEATH/E", [Metric(6, INT64, "bdSeq")])
    world.send("G/NDEATH/E", [Metric(7, INT64, "bdSeq")])
    ended = "SELECT count(*) FROM silver.metrics WHERE message_type = 'NDEATH' AND quality = 'stale'"
    wait_for("the death", lambda: world.count(ended) == 4, LIMIT_S)
    running.terminate()
    running.wait(timeout=LIMIT_S)
    _check_rows(world, report)
    before = _content(world)
    done = world.cockpit.run(world.args("rebuild"))
    report.equal("a rebuild succeeds", done.returncode, 0)
    report.equal("a rebuild gives the same rows", _content(world), before)


def _before_birth(world: World) -> None:
    world.send("G/NDATA/F", [Metric(1, INT32, None, 1)], 3)
    world.send("G/DDATA/F/D", [Metric(1, INT32, None, 1)], 4)
    world.publisher.publish(
        [Message("spBv1.0/G/NCMD/E", payload([Metric(True, BOOLEAN, "Node Control/Rebirth")], None)),
         Message("spBv1.0/STATE/host", json.dumps({"online": True}).encode())]
    )


def _faulty(world: World) -> None:
    """Data of which a part cannot be read, among data that can."""
    good = Metric(60, None, None, 2, AT_MS + 1_060)
    world.send("G/DDATA/E/D", [Metric(1, None, None, 9), good, Metric("x", None, None, 2)], world.next())
    # A message is lost.
    world.next()
    world.data(61, 1)
    world.send("G/DDATA/E/D", [Metric(62, None, None, 2, AT_MS + 1_062, historical=True)], world.next())
    wait_for("values among faults", lambda: world.counts() >= 63, LIMIT_S)


def _check_rows(world: World, report: Report) -> None:
    values = world.rows("SELECT value FROM silver.metrics WHERE metric = 'count' AND message_type = 'DDATA'")
    found = sorted(int(it["value"] or -1) for it in values)
    report.equal("aliases have the names of the birth", found, list(range(63)))
    born = world.rows("SELECT metric, data_type, value FROM silver.metrics WHERE message_type = 'DBIRTH' ORDER BY metric")
    expected = [("count", "Int32", "-1"), ("on", "Boolean", "true"), ("temperature", "Float", "20.5")]
    report.equal("a birth has its values", [tuple(it.values()) for it in born], expected)
    historical = world.count("SELECT count(*) FROM silver.metrics WHERE is_historical")
    report.equal("historical values are marked", historical, 1)
    rejected = world.rows("SELECT reason FROM silver.rejected WHERE reason <> 'duplicate'")
    expected = {"before_birth": 2, "unknown_metric": 1, "wrong_data_type": 1, "sequence_gap": 1, "other_session": 1}
    report.equal("what cannot be read is rejected", dict(Counter(it["reason"] for it in rejected)), expected)
    landed = world.rows("SELECT DISTINCT encode(_key, 'hex') AS topic, encode(payload, 'hex') AS payload FROM bronze.metrics")
    found = {(it["topic"], it["payload"]) for it in landed}
    published = {(topic.encode().hex(), data.hex()) for topic, data in world.published}
    report.equal("bronze has the payloads as published", found, published)
    records = world.count("SELECT sum(_records) FROM bronze.metrics")
    rows = world.count("SELECT count(*) FROM silver.metrics") + world.count("SELECT count(*) FROM silver.rejected")
    report.equal("records = silver + rejected", records, rows)
    report.equal("the rows balance", world.count("SELECT count(*) FROM meta.runs WHERE NOT is_balanced"), 0)


def _content(world: World) -> list[str]:
    silver = world.rows("SELECT edge_node, device, message_type, metric, value, quality, _offset, _element FROM silver.metrics")
    rejected = world.rows("SELECT reason, raw FROM silver.rejected")
    return sorted(json.dumps(it, default=str) for it in silver + rejected)
