"""The plant's own messages through a topic: does each end as an independent reading of it says?

Promise: every line of the file is produced to Apache Kafka and read by the program. The payloads in
bronze are the lines, byte for byte. Each is read here a second time, by Python's json and the rules the
plant names: every scalar may be a string, a sensor is plant, lane, component type and manufacturer, time
comes in four formats of UTC, and a message that lacks one of its parts is no reading. Silver and the
rejected must say the same of it, row by row. A second run changes nothing; a rule made stricter reaches
the rows that are there already, even if new messages come with it. Messages the broker deleted before they
were read are told with their offsets, once, and those behind them are read.

    python messages_case.py --cockpit BIN --broker FOLDER/start --port N --messages FILE
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import lake as lakes
from broker import Broker
from checks import Report
from program import PLANT

TOPIC = "IOTTemperatureStream01"
FORMATS = ("%Y%m%d%H%M%S", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S")
ZONE = timedelta(hours=5, minutes=30)
"""The plant's clock is ahead of UTC by this."""
BRONZE, SILVER, REJECTED = "bronze.temperature_message", "silver.temperature", "silver.rejected"
RULE = "temp_c BETWEEN -50 AND 300"
STRICTER, LIMIT_C = "temp_c BETWEEN -50 AND 90", 90.0
SAID = {
    "plant": ("plant_name",),
    "lane": ("lane_number",),
    "at": ("timestamp",),
    "temp_c": ("temperature",),
    "component": ("component_info", "component_type"),
    "manufacturer": ("component_info", "component_manufacturer"),
}
"""Where a message says what a reading needs."""

Row = dict[str, Any]
Place = tuple[int, int]


@dataclass(frozen=True)
class World:
    """The program, the broker, and the folder with plant and lake."""

    cockpit: Path
    broker: Broker
    folder: Path

    @property
    def lake(self) -> str:
        return str(self.folder / "lake")

    @property
    def plant(self) -> Path:
        return self.folder / "plant"

    def ingest(self) -> tuple[bool, str]:
        places = ["--kafka", self.broker.address, "--lake", self.lake, "--plant", str(self.plant)]
        done = subprocess.run(
            [str(self.cockpit), "ingest", "--once", *places],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.returncode == 0, done.stdout + done.stderr

    def rows(self, table: str) -> list[Row]:
        return lakes.read(self.lake, table).to_pylist()


def part(message: Any, way: tuple[str, ...]) -> str | None:
    """What a message says at a place, as text; nothing, null and `None` are all unknown."""
    for name in way:
        message = message.get(name) if isinstance(message, dict) else None
    return None if message in (None, "", "None", "NULL", "null") else str(message)


def moment(text: str) -> datetime:
    """Ten digits are seconds since 1970, all else is spelled out."""
    if text.isdigit() and len(text) == 10:
        return datetime.fromtimestamp(int(text), UTC)
    for time_format in FORMATS:
        try:
            return datetime.strptime(text, time_format).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(f"{text} is no time the plant writes")


def reading(payload: bytes) -> tuple[Row | None, list[str]]:
    """The row a message must become, or the columns for want of which it becomes none."""
    message = json.loads(payload)
    said = {name: part(message, way) for name, way in SAID.items()}
    lacking = [name for name, text in said.items() if text is None]
    if lacking:
        return None, lacking
    at = moment(said["at"])
    sensor = ".".join(said[name] for name in ("plant", "lane", "component", "manufacturer"))
    return said | {
        "sensor": sensor,
        "at": at,
        "minute_at": at.replace(second=0),
        "day_local": (at + ZONE).date(),
        "hour_local": (at + ZONE).hour,
        "temp_c": float(said["temp_c"]),
    }, []


def place(row: Row) -> Place:
    return row["_partition"], row["_offset"]


def is_rejected_for(row: Row, lacking: list[str]) -> bool:
    said = row["reason"], row["column_name"] in lacking, row["table_name"]
    return said == ("missing", True, "temperature")


def differences(bronze: list[Row], silver: list[Row], rejected: list[Row]) -> list[str]:
    """Messages that did not become what they must, in words."""
    rows, rejects = {place(it): it for it in silver}, {place(it): it for it in rejected}
    wrong = []
    for message in bronze:
        must, lacking = reading(message["payload"])
        row, reject = rows.get(place(message)), rejects.get(place(message))
        if must is None:
            is_right = row is None and reject is not None and is_rejected_for(reject, lacking)
        else:
            must["received_at"] = message["_timestamp"]
            has = {name: row[name] for name in must} if row else None
            is_right = reject is None and has == must
        if not is_right:
            wrong.append(f"{message['payload']!r}: {row or reject}, must be {must or lacking}")
    return wrong


def check_first(world: World, lines: list[bytes], report: Report) -> None:
    ended, said = world.ingest()
    report.check("the program reads them all", ended, said)
    bronze, silver, rejected = (world.rows(it) for it in (BRONZE, SILVER, REJECTED))
    payloads = Counter(row["payload"] for row in bronze)
    report.check("bronze holds each message byte for byte", payloads == Counter(lines))
    report.equal("each has one fate", len(silver) + len(rejected), len(lines))
    wrong = differences(bronze, silver, rejected)
    report.check("each ends as it reads", not wrong, "\n".join(wrong[:10]))
    for words, count in Counter(f"{it['reason']} {it['column_name']}" for it in rejected).items():
        print(f"        rejected: {count} {words}")
    print(f"        {len(bronze)} messages, {len(silver)} readings, {len(rejected)} rejected")


def check_again(world: World, report: Report) -> None:
    before = {it: sorted(map(str, world.rows(it))) for it in (BRONZE, SILVER, REJECTED)}
    ended, said = world.ingest()
    after = {it: sorted(map(str, world.rows(it))) for it in before}
    report.check("a second run ends well", ended, said)
    report.check("it changes nothing", before == after)


def check_stricter(world: World, line: bytes, report: Report) -> None:
    """A rule is made stricter while a message is waiting."""
    before = world.rows(SILVER)
    model = world.plant / "silver/temperature.sql"
    model.write_text(model.read_text().replace(RULE, STRICTER))
    world.broker.produce(TOPIC, [line])
    ended, said = world.ingest()
    report.check("a run with a stricter rule ends well", ended, said)
    bronze, silver, rejected = (world.rows(it) for it in (BRONZE, SILVER, REJECTED))
    hot = {place(row) for row in before if row["temp_c"] > LIMIT_C}
    now = {place(row) for row in rejected if row["reason"] == "expectation"}
    report.check("there are rows it meets", bool(hot))
    report.equal("it reaches the rows that were there", now, hot)
    report.equal("each has one fate still", len(silver) + len(rejected), len(bronze))


def check_expired(world: World, line: bytes, report: Report) -> None:
    """The broker deletes some messages before they are read."""
    read = {it["_partition"] for it in world.rows(BRONZE)}
    before = after = world.broker.ends(TOPIC)
    # Of a partition nothing was read of, nobody knows that anything is missing; the producer chooses.
    while all(after[it] == before[it] for it in read):
        world.broker.produce(TOPIC, [line] * 40)
        after = world.broker.ends(TOPIC)
    number = max(read, key=lambda it: after[it] - before[it])
    first, behind = before[number], (before[number] + after[number]) // 2
    world.broker.forget(TOPIC, {number: behind})
    ended, said = world.ingest()
    report.check("a run that misses messages does not end well", not ended, said)
    report.check("it says which", f"{first} to {behind - 1} expired" in said, said)
    open_books = [it for it in world.rows("meta.runs") if not it["closed"]]
    files = [it["file"] for it in open_books]
    report.equal("so do the books", files, [f"{TOPIC}/{number} expired {first}..{behind}"])
    landed = {it["_offset"] for it in world.rows(BRONZE) if it["_partition"] == number}
    report.check("what the broker still had is there", set(range(behind, after[number])) <= landed)
    ended, said = world.ingest()
    report.check("a run after it misses nothing more", ended, said)


def case(world: World, lines: list[bytes], report: Report) -> None:
    shutil.copytree(PLANT, world.plant)
    world.broker.start()
    world.broker.produce(TOPIC, lines)
    check_first(world, lines, report)
    check_again(world, report)
    good = next(line for line in lines if (reading(line)[0] or {}).get("temp_c", 1e9) < LIMIT_C)
    later = json.loads(good) | {"timestamp": "2023-01-12 12:00:00"}
    check_stricter(world, json.dumps(later).encode(), report)
    check_expired(world, json.dumps(later).encode(), report)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--broker", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=Path, required=True)
    args = parser.parse_args()
    report = Report()
    broker = Broker(args.broker.resolve(), args.port)
    with tempfile.TemporaryDirectory() as folder:
        world = World(args.cockpit.resolve(), broker, Path(folder))
        try:
            case(world, args.messages.read_bytes().splitlines(), report)
        finally:
            broker.kill()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
