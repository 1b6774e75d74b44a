"""A topic is deleted and created again: does the program read the new one from its start?

Promise: whatever number of messages the new topic of Apache Kafka has, more than were read of the deleted
one or fewer, and whether the program runs meanwhile or not, every message of the new topic is in bronze
and silver, under a log of its own, so that no place is there twice. The program reports it once, and the
run after that ends well and changes nothing.

    python topics_case.py --cockpit BIN --broker FOLDER/start --port N
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lake as lakes
from broker import Broker
from checks import Report, wait_for

TOPIC = "presses"
PARTITIONS = 2
LIMIT_S = 120.0
BRONZE, SILVER = "bronze.pressure", "silver.pressure"
WORDS = "deleted and created again"
FILES = {
    "plant.toml": """name = "Case"
description = "A plant of one topic"
zone = "Asia/Kolkata"
currency = "INR"
""",
    "bronze/pressure.toml": f"""description = "Pressures as they were received."
source = "press"
topics = ["{TOPIC}"]
format = "message"
columns = [
    {{ name = "press", type = "text", required = true, description = "Press." }},
    {{ name = "at", type = "time", formats = ["epoch_ms"], zone = "UTC", required = true, description = "When." }},
    {{ name = "pressure", type = "float", required = true, description = "Pressure." }},
]
""",
    "silver/pressure.sql": """-- Pressures of presses.
--
-- key: press, at
-- column press: The press.
-- column at: When the pressure was measured, UTC.
-- column pressure [bar]: The pressure.
SELECT press, at, pressure FROM typed.pressure
""",
}


@dataclass(frozen=True)
class World:
    """The program, the broker, and the folder with plant and lake."""

    cockpit: Path
    broker: Broker
    folder: Path

    @property
    def lake(self) -> str:
        return str(self.folder / "lake")

    def command(self, *words: str) -> list[str]:
        places = ["--kafka", self.broker.address, "--lake", self.lake]
        return [str(self.cockpit), "ingest", *words, *places, "--plant", str(self.folder / "plant")]

    def ingest(self) -> tuple[bool, str]:
        done = subprocess.run(
            self.command("--once"), capture_output=True, text=True, timeout=300, check=False
        )
        return done.returncode == 0, done.stdout + done.stderr

    def rows(self, table: str) -> list[dict[str, Any]]:
        return lakes.read(self.lake, table).to_pylist()

    def presses(self, press: str) -> int:
        """Rows of silver of one press; none if there is no such table yet."""
        if not (self.folder / "lake/silver/pressure/_delta_log").exists():
            return 0
        return sum(row["press"] == press for row in self.rows(SILVER))

    def produce(self, press: str, count: int, first: int = 0) -> None:
        numbers = range(first, first + count)
        at = 1_700_000_000_000
        said = [{"press": press, "at": at + number, "pressure": number / 2} for number in numbers]
        self.broker.produce(TOPIC, [json.dumps(it).encode() for it in said])

    def create_again(self) -> None:
        self.broker.delete(TOPIC)
        self.broker.create(TOPIC, PARTITIONS)


def check_places(world: World, report: Report) -> None:
    places = [(it["_topic"], it["_partition"], it["_offset"]) for it in world.rows(BRONZE)]
    report.equal("no place is in bronze twice", len(set(places)), len(places))
    closed = [it["closed"] for it in world.rows("meta.runs")]
    report.check("the books close", all(closed), str(closed))


def check_between_runs(world: World, press: str, count: int, log: str, report: Report) -> None:
    """The topic is created again while no program runs."""
    world.create_again()
    world.produce(press, count)
    ended, said = world.ingest()
    report.check(f"a run reports {log}", not ended and WORDS in said and log in said, said)
    report.equal(f"silver has all of {log}", world.presses(press), count)
    topics = {it["_topic"] for it in world.rows(BRONZE)}
    report.check(f"{log} is a log of its own", log in topics, str(topics))
    ended, said = world.ingest()
    report.check("the run after it ends well", ended, said)
    report.equal("and changes nothing", world.presses(press), count)
    check_places(world, report)


def check_while_running(world: World, report: Report) -> None:
    """The topic is created again while a program reads it, with more messages than were read."""
    environment = os.environ | {
        "COCKPIT_KAFKA_SESSION_MS": "6000",
        "COCKPIT_KAFKA_LAG_EVERY_MS": "500",
    }
    report_to = (world.folder / "worker.log").open("wb")
    worker = subprocess.Popen(
        world.command("--wait"), stdout=report_to, stderr=report_to, env=environment
    )
    try:
        world.produce("before", 10)
        wait_for("what came first", lambda: world.presses("before") == 10, LIMIT_S)
        world.create_again()
        world.produce("while", 500)
        wait_for("all of the new topic", lambda: world.presses("while") == 500, LIMIT_S)
        world.produce("while", 10, first=500)
        wait_for("what came last", lambda: world.presses("while") == 510, LIMIT_S)
        report.check("a program that reads goes on with the new topic", True)
    except TimeoutError as error:
        report.check("a program that reads goes on with the new topic", False, str(error))
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=LIMIT_S)
        report_to.close()
    said = (world.folder / "worker.log").read_text(errors="replace")
    report.check("and reports it", "topic replaced" in said, said[-2000:])
    check_places(world, report)


def case(world: World, report: Report) -> None:
    for name, text in FILES.items():
        path = world.folder / "plant" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    world.broker.start()
    world.broker.create(TOPIC, PARTITIONS)
    world.produce("first", 6)
    ended, said = world.ingest()
    report.check("the first topic is read", ended and world.presses("first") == 6, said)
    check_between_runs(world, "longer", 20, f"{TOPIC}#2", report)
    check_between_runs(world, "shorter", 2, f"{TOPIC}#3", report)
    check_while_running(world, report)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--broker", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    args = parser.parse_args()
    report = Report()
    broker = Broker(args.broker.resolve(), args.port)
    with tempfile.TemporaryDirectory() as folder:
        world = World(args.cockpit.resolve(), broker, Path(folder))
        try:
            case(world, report)
        finally:
            broker.kill()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
