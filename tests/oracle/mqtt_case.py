"""Messages of an MQTT broker, with TLS and a password, while program and broker are killed.

Promise: dirty and clean messages of many topics are published with QoS 1 while the program reads them. Program and
broker are killed with -9 again and again. At the end silver has every clean message once, with the levels of its topic
as columns; every dirty one is rejected; bronze = silver + rejected; another run reads nothing, also of retained
messages. A wrong password and a broker that is away are errors that name the broker. A burst that gathered while the
program was not running is read completely; its rate is printed. Readings reach viewers of the live stream. Metrics of
Sparkplug B are read by their aliases (mqtt_sparkplug.py). All of this holds for versions 3.1.1 and 5 of the protocol;
the second one has fewer messages, and what it has in addition is in mqtt_version5.py.

    python mqtt_case.py --cockpit BIN [--messages 100000] [--few 6000] [--kills 6] [--burst 20000] [--versions 3.1.1,5]
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from checks import Report, wait_for
from mqtt_broker import PASSWORD, Message, MqttBroker, Publisher
from mqtt_live import check_live
from mqtt_sparkplug import check_sparkplug
from mqtt_version5 import check_version5
from program import Cockpit

LIMIT_S = 120.0
LINES, UNITS = 4, 25
RETAINED = 50
START_S = 1_790_000_000

CONTRACT = """description = "Temperatures of the machines."
source = "machines"
columns = [
    {{ name = "line", type = "text", from = "topic", required = true }},
    {{ name = "unit", type = "text", from = "topic", required = true }},
    {{ name = "seq", type = "int", required = true }},
    {{ name = "temp_c", header = "m.temp", type = "float", required = true }},
    {{ name = "at", type = "time", formats = ["epoch_s"], required = true }},
]

[mqtt]
url = "{url}"
version = "{version}"
topics = ["plant/{{line}}/{{unit}}/temperature"]
user = "cockpit"
password = "env:{password}"
{more}
"""
SILVER = """-- Temperatures of the machines.
--
-- key: line, unit, seq
-- column line: Line.
-- column unit: Unit.
-- column seq [1]: Number of the reading.
-- column temp_c [degC]: Temperature.
-- column at: Time of the reading.
SELECT line, unit, seq, temp_c, at FROM typed.{table}
"""
DIRT = [b"", b"\xff\xfe", b"[1, 2]", b'{"seq": 1', b'{"seq": "many", "m": {"temp": 1}, "at": 1}', b"{}"]
"""Payloads that are rejected; a number makes each of them different."""
Key = tuple[str, str, int]


class Plan:
    """What is published: clean messages by their keys, and dirty ones."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clean: dict[Key, str] = {}
        self.dirty = 0

    def messages(self, count: int) -> list[Message]:
        made = []
        for _ in range(count):
            seq = len(self.clean)
            line, unit = f"L{seq % LINES}", f"U{seq // LINES % UNITS}"
            topic = f"plant/{line}/{unit}/temperature"
            if self.rng.random() < 0.02:
                self.dirty += 1
                made.append(Message(topic, self.rng.choice(DIRT) + b" " * self.dirty if self.dirty < 99 else
                                    b'{"dirt": %d}' % self.dirty))
                continue
            temp = f"{self.rng.uniform(20, 90):.2f}"
            self.clean[line, unit, seq] = temp
            made.append(Message(topic, json.dumps({"seq": seq, "m": {"temp": temp}, "at": START_S + seq}).encode()))
        return made

    def retained(self) -> list[Message]:
        """The last readings of units that the broker keeps: more than it sends without an acknowledgement."""
        made = []
        for unit in range(RETAINED):
            self.clean["L9", f"U{unit}", 0] = "42.5"
            payload = json.dumps({"seq": 0, "m": {"temp": "42.5"}, "at": START_S}).encode()
            made.append(Message(f"plant/L9/U{unit}/temperature", payload, retain=True))
        return made


class World:
    def __init__(self, program: Path, folder: Path, version: str) -> None:
        self.folder, self.broker, self.version = folder, MqttBroker(folder / "broker"), version
        self.plant, self.lake = folder / "plant", folder / "lake"
        for name in ("bronze", "silver"):
            (self.plant / name).mkdir(parents=True)
        (self.plant / "plant.toml").write_text('name = "MQTT"\nzone = "UTC"\n')
        self.cockpit = Cockpit(program, self.plant)
        self.contract("temperatures", self.broker.url, "MQTT_CASE", f'ca_file = "{self.broker.ca_file}"')

    def contract(self, name: str, url: str, password: str, more: str) -> None:
        text = CONTRACT.format(url=url, version=self.version, password=password, more=more)
        (self.plant / "bronze" / f"{name}.toml").write_text(text)
        (self.plant / "silver" / f"{name}.sql").write_text(SILVER.format(table=name))

    def args(self, *words: str) -> list[str]:
        return [str(self.cockpit.program), "ingest", *words, "--plant", str(self.plant), "--lake", str(self.lake)]

    def start(self) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(self.args(), stdout=log, stderr=log)

    def once(self) -> subprocess.CompletedProcess[str]:
        return self.cockpit.run(self.args("--once"))

    def count(self, sql: str) -> int:
        try:
            return int(self.cockpit.query(sql, str(self.lake)).column(0)[0].as_py())
        except RuntimeError:
            return 0

    def silver(self) -> int:
        return self.count("SELECT count(*) FROM silver.temperatures")


def under_kills(world: World, plan: Plan, messages: int, kills: int, rng: random.Random, report: Report) -> None:
    """Publishes in as many parts as there are kills; each part ends with one of them."""
    running = world.start()
    wait_for("a session", lambda: b"cockpit-temperatures" in (world.broker.folder / "log").read_bytes(), LIMIT_S)
    wait_for("the retained messages", lambda: world.silver() == RETAINED, LIMIT_S)
    world.broker.save()
    publisher = Publisher(world.broker, "machines")
    for kill in range(kills):
        part = plan.messages(messages // kills)
        publishing = threading.Thread(target=publisher.publish, args=(part,))
        publishing.start()
        time.sleep(rng.uniform(0.2, 2.0))
        if kill % 3 == 2:
            world.broker.kill()
            time.sleep(rng.uniform(0.1, 1.0))
            world.broker.start()
            publishing.join()
            # A killed broker has lost what it had acknowledged since it saved its state.
            publisher.publish(part)
        else:
            running.kill()
            running.wait()
            time.sleep(rng.uniform(0.0, 1.0))
            running = world.start()
            publishing.join()
        world.broker.save()
    wait_for("all messages in silver", lambda: world.silver() >= len(plan.clean), LIMIT_S)
    running.terminate()
    report.equal("the program stops with success", running.wait(timeout=LIMIT_S), 0)
    # Messages that were published again may be left.
    report.equal("the rest is read", world.once().returncode, 0)


def check_rows(world: World, plan: Plan, report: Report) -> None:
    rows = world.cockpit.query("SELECT line, unit, seq, temp_c FROM silver.temperatures", str(world.lake)).to_pylist()
    found = {(it["line"], it["unit"], int(it["seq"])): float(it["temp_c"]) for it in rows}
    expected = {key: float(temp) for key, temp in plan.clean.items()}
    wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    report.check(f"silver is what was published ({len(expected)} messages)", not wrong, f"{wrong[:5]}")
    report.equal("no message is twice in silver", len(rows), len(found))
    rejected = "FROM silver.rejected WHERE table_name = 'temperatures'"
    dirty = world.count(f"SELECT count(DISTINCT coalesce(raw, '')) {rejected} AND reason <> 'duplicate'")
    report.check("dirty messages are rejected", dirty > 0 and plan.dirty > 0, f"{dirty} of {plan.dirty}")
    bronze = world.count("SELECT count(*) FROM bronze.temperatures")
    all_rejected = world.count(f"SELECT count(*) {rejected}")
    report.equal("bronze = silver + rejected", bronze, len(rows) + all_rejected)
    distinct = world.count("SELECT count(DISTINCT concat(encode(_key, 'hex'), encode(payload, 'hex'))) FROM bronze.temperatures")
    report.equal("bronze has every message", distinct, len(plan.clean) + plan.dirty)
    receipts = world.count("SELECT count(DISTINCT _offset) FROM bronze.temperatures")
    report.equal("every receipt has a number of its own", receipts, bronze)
    print(f"{bronze - distinct} messages were received a second time")
    report.equal("the rows balance", world.count("SELECT count(*) FROM meta.runs WHERE NOT is_balanced"), 0)


def check_again(world: World, report: Report) -> None:
    before = world.count("SELECT count(*) FROM bronze.temperatures")
    done = world.once()
    report.equal("another run succeeds", done.returncode, 0)
    report.equal("another run reads nothing", world.count("SELECT count(*) FROM bronze.temperatures"), before)


def check_burst(world: World, plan: Plan, burst: int, report: Report) -> None:
    for inflight in (world.broker.inflight, 0):
        world.broker.stop()
        world.broker.inflight = inflight
        world.broker.start()
        Publisher(world.broker, "machines").publish(plan.messages(burst))
        began = time.monotonic()
        running = world.start()
        wait_for("the burst in silver", lambda: world.silver() >= len(plan.clean), LIMIT_S)
        took = time.monotonic() - began
        peak = _peak_mb(running.pid)
        running.terminate()
        running.wait(timeout=LIMIT_S)
        print(f"burst of {burst} messages, window of {inflight or 'any size'}: {burst / took:.0f}/s, {peak} MB")
        report.equal("the burst is read once", world.silver(), len(plan.clean))


def _peak_mb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


def check_errors(world: World, report: Report) -> None:
    os.environ["MQTT_WRONG"] = "wrong"
    ca = f'ca_file = "{world.broker.ca_file}"'
    world.contract("refused", world.broker.url, "MQTT_WRONG", ca)
    world.contract("away", "mqtt://127.0.0.1:1", "MQTT_CASE", "")
    world.contract("untrusted", world.broker.url, "MQTT_CASE", "")
    done = world.once()
    text = done.stdout + done.stderr
    report.equal("problems make the run fail", done.returncode, 1)
    for name, expected in (("refused", "user and password"), ("away", "mqtt://127.0.0.1:1"),
                           ("untrusted", "certificate")):
        line = next((it for it in text.splitlines() if f"{name}:" in it), "")
        report.check(f"{name}: the error names the cause", expected in line, f"{line!r} in {text[:900]}")


def check(version: str, folder: Path, args: argparse.Namespace, report: Report) -> None:
    """All checks by one version of the protocol."""
    messages, burst = (args.messages, args.burst) if version == "3.1.1" else (args.few, args.few)
    folder.mkdir()
    folder.chmod(0o755)
    world, plan = World(args.cockpit, folder, version), Plan(args.seed)
    print(f"version {version}")
    try:
        world.broker.start()
        Publisher(world.broker, "machines").publish(plan.retained())
        under_kills(world, plan, messages, args.kills, random.Random(args.seed), report)
        check_rows(world, plan, report)
        check_again(world, report)
        check_burst(world, plan, burst, report)
        check_live(args.cockpit, world.broker, folder, version, report)
        check_sparkplug(args.cockpit, world.broker, folder, version, report)
        if version == "5":
            check_version5(args.cockpit, world.broker, folder, report)
        check_errors(world, report)
    except Exception:
        log = folder / "log"
        print(log.read_text()[-3000:] if log.exists() else "no log", file=sys.stderr)
        raise
    finally:
        world.broker.kill()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--few", type=int, default=6_000, help="messages of version 5, under kills and in the burst")
    parser.add_argument("--kills", type=int, default=6)
    parser.add_argument("--burst", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--versions", default="3.1.1,5")
    args = parser.parse_args()
    os.environ["MQTT_CASE"] = PASSWORD
    folder, report = Path(tempfile.mkdtemp(prefix="mqtt-case-")), Report()
    folder.chmod(0o755)
    try:
        for version in args.versions.split(","):
            check(version, folder / version, args, report)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
