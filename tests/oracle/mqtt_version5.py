"""What version 5 of MQTT has in addition.

Promise: user properties, content type, response topic and message expiry are columns, and a user property cannot be
taken for what the program stores itself. Two installations with a shared subscription read each message once together.
A subscription that is longer than the packets of a broker is an error that names the limit.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from checks import Report, wait_for
from mqtt_broker import Message, MqttBroker, Publisher, properties
from program import Cockpit

LIMIT_S = 120.0
DESCRIBED, SHARED, EXPIRY_S = 20, 2_000, 3_600
PACKET_BYTES = 2_000
CONTRACT = """description = "Readings."
source = "machines"
columns = [
    {{ name = "unit", type = "text", from = "topic", required = true }},
    {{ name = "seq", type = "int", required = true }},
    {{ name = "machine", type = "text", from = "header" }},
    {{ name = "media_type", header = "content_type", type = "text", from = "header" }},
    {{ name = "answer_to", header = "response_topic", type = "text", from = "header" }},
    {{ name = "expires_s", header = "message_expiry_s", type = "int", from = "header" }},
    {{ name = "kept", header = "retained", type = "text", from = "header" }},
    {{ name = "claimed", header = "user.retained", type = "text", from = "header" }},
]

[mqtt]
url = "{url}"
version = "5"
topics = {topics}
user = "cockpit"
password = "env:MQTT_CASE"
ca_file = "{ca_file}"
client_id = "{client_id}"
"""
SILVER = """-- Readings.
--
-- key: unit, seq
-- column unit: Unit.
-- column seq [1]: Number of the reading.
-- column machine: Machine, a user property.
-- column media_type: Content type.
-- column answer_to: Response topic.
-- column expires_s [s]: Time until the message expires.
-- column kept: Whether the broker has kept the message.
-- column claimed: A user property with the name of what the program stores.
SELECT unit, seq, machine, media_type, answer_to, expires_s, kept, claimed FROM typed.readings
"""


class Installation:
    """A plant that reads topics by version 5."""

    def __init__(self, program: Path, broker: MqttBroker, folder: Path, name: str, topics: list[str]) -> None:
        self.log, self.plant, self.lake = folder / "log", folder / f"{name}-plant", folder / f"{name}-lake"
        for part in ("bronze", "silver"):
            (self.plant / part).mkdir(parents=True)
        (self.plant / "plant.toml").write_text('name = "MQTT 5"\nzone = "UTC"\n')
        contract = CONTRACT.format(url=broker.url, topics=json.dumps(topics), ca_file=broker.ca_file, client_id=name)
        (self.plant / "bronze/readings.toml").write_text(contract)
        (self.plant / "silver/readings.sql").write_text(SILVER)
        self.cockpit = Cockpit(program, self.plant)

    def args(self, *words: str) -> list[str]:
        return [str(self.cockpit.program), "ingest", *words, "--plant", str(self.plant), "--lake", str(self.lake)]

    def start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(self.args(), stdout=log, stderr=log)

    def once(self) -> subprocess.CompletedProcess[str]:
        return self.cockpit.run(self.args("--once"))

    def rows(self) -> list[dict[str, Any]]:
        try:
            return self.cockpit.query("SELECT * FROM silver.readings ORDER BY seq", str(self.lake)).to_pylist()
        except RuntimeError:
            return []


def check_version5(program: Path, broker: MqttBroker, folder: Path, report: Report) -> None:
    _check_properties(Installation(program, broker, folder, "described", ["described/{unit}"]), broker, report)
    pair = [Installation(program, broker, folder, name, ["$share/hall/shared/{unit}"]) for name in ("one", "two")]
    _check_shared(pair, broker, report)
    _check_long_subscription(program, folder, report)


def _reading(topic: str, seq: int, described: bytes = b"") -> Message:
    return Message(topic, json.dumps({"seq": seq}).encode(), properties=described)


def _check_properties(reader: Installation, broker: MqttBroker, report: Report) -> None:
    report.equal("a session begins", reader.once().returncode, 0)
    messages = [
        _reading("described/U7", seq, properties({"machine": f"M{seq}", "retained": "true"}, "application/json",
                                                 f"answers/{seq}", EXPIRY_S))
        for seq in range(DESCRIBED)
    ]
    Publisher(broker, "machines", "5").publish([*messages, _reading("described/U7", DESCRIBED)])
    report.equal("messages with properties are read", reader.once().returncode, 0)
    rows = reader.rows()
    last = rows.pop() if rows else {}
    report.equal("all are in silver", [int(it["seq"]) for it in rows], list(range(DESCRIBED)))
    names = ("machine", "media_type", "answer_to", "kept", "claimed")
    found = [tuple(it[name] for name in names) for it in rows]
    expected = [(f"M{seq}", "application/json", f"answers/{seq}", None, "true") for seq in range(DESCRIBED)]
    report.equal("properties are columns", found, expected)
    left = [int(it["expires_s"] or 0) for it in rows]
    report.check("the expiry is what is left of it", all(0 < it <= EXPIRY_S for it in left), f"{left}")
    report.equal("a message without properties has none", {last.get(name) for name in (*names, "expires_s")}, {None})


def _check_shared(pair: list[Installation], broker: MqttBroker, report: Report) -> None:
    running = [it.start() for it in pair]
    log = broker.folder / "log"
    wait_for("both subscriptions", lambda: log.read_bytes().count(b"$share/hall/shared/+") >= 2, LIMIT_S)
    Publisher(broker, "machines").publish(_reading("shared/U1", seq) for seq in range(SHARED))
    wait_for("all shared messages", lambda: sum(len(it.rows()) for it in pair) >= SHARED, LIMIT_S)
    for process in running:
        process.terminate()
    report.equal("both stop with success", [it.wait(timeout=LIMIT_S) for it in running], [0, 0])
    first, second = ([int(row["seq"]) for row in it.rows()] for it in pair)
    report.equal("each shared message is read once", sorted(first + second), list(range(SHARED)))
    report.check("both have a part of them", bool(first and second), f"{len(first)} and {len(second)}")


def _check_long_subscription(program: Path, folder: Path, report: Report) -> None:
    broker = MqttBroker(folder / "small-broker", more=f"max_packet_size {PACKET_BYTES}")
    broker.start()
    try:
        topics = [f"{'long' * 20}/{number}/{{unit}}" for number in range(40)]
        done = Installation(program, broker, folder, "long", topics).once()
        text = done.stdout + done.stderr
        report.equal("a subscription that is too long makes the run fail", done.returncode, 1)
        report.check("the error names the limit", f"at most {PACKET_BYTES} bytes" in text, text[:900])
    finally:
        broker.kill()
