"""A topic into the lake while everything goes wrong: is every message there once, with its right fate?

Promise: a simulated stream, filthy, is produced to Apache Kafka while the program reads it. The program
is killed with `kill -9` at random moments, the broker is restarted (once stopped, once killed), and a
second worker of the same group joins and leaves, sometimes killed. At the end an undisturbed
run reads what is left. Then every offset is in bronze once; silver and rejected together hold each
bronze row once; silver and the reasons of the rejected equal what the simulator knows; gold and silver
equal those of a rebuild from bronze; and no half-written file lies about. Prints what was found.

    python stream_case.py --cockpit BIN --broker FOLDER/start --port N --messages 1000000 --kills 100
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

import kill_case
import lake as lakes
from broker import Broker
from checks import Report, wait_for
from program import PLANT

TOPIC = "IOTTemperatureStream01"
SENSORS = 2000
COMMIT_EVERY_MS = "200"
"""Short, so that kills also fall into commits."""
LIFE_S = 3.0
"""A worker lives at most so long before it is killed."""
LEASE_LIMIT_S = 120.0
FILES_OF_A_WORKER = 8
"""Data files a worker has open at most: bronze, rejected, and silver of a few days."""


@dataclass
class World:
    """The program, the broker and the lake of one case."""

    cockpit: Path
    broker: Broker
    folder: Path
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def lake(self) -> Path:
        return self.folder / "lake"

    def command(self, *words: str) -> list[str]:
        return [str(self.cockpit), *words]

    def ingest(self, *words: str) -> list[str]:
        kafka = ["--kafka", self.broker.address, "--lake", str(self.lake), "--plant", str(PLANT)]
        return self.command("ingest", *kafka, *words)

    def start(self, command: list[str], log: str) -> subprocess.Popen[bytes]:
        env = os.environ | {"COCKPIT_STREAM_COMMIT_EVERY_MS": COMMIT_EVERY_MS}
        with (self.folder / log).open("ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=out, env=env, cwd=self.folder)

    def count(self, what: str) -> None:
        with self.lock:
            self.done[what] += 1


def produce(world: World, messages: int, seconds: float) -> subprocess.Popen[bytes]:
    """Starts the stream: so many messages over so many seconds."""
    hz = messages / seconds / SENSORS
    words = ["--sensors", str(SENSORS), "--hz", f"{hz:.6f}", "--messages", str(messages)]
    truth = ["--truth", str(world.folder / "truth"), "--dirt", "filthy", "--seed", str(world.seed)]
    return world.start(
        world.command("simulate", "--kafka", world.broker.address, *words, *truth), "simulate.log"
    )


def disturb_worker(world: World, kills: int, seconds: float) -> None:
    """One worker after the other, each killed at a random moment."""
    chance = random.Random(world.seed)
    for _ in range(kills):
        process = world.start(world.ingest("--wait"), "worker.log")
        try:
            process.wait(timeout=chance.uniform(0.05, 2 * seconds / kills))
            world.count("ended by itself")
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            world.count("killed")


def disturb_group(world: World, joins: int, seconds: float) -> None:
    """A second worker comes and goes; every third is killed instead of told to leave."""
    chance = random.Random(world.seed + 1)
    for turn in range(joins):
        process = world.start(world.ingest("--wait"), "second.log")
        try:
            process.wait(timeout=chance.uniform(0.5, 1.5) * seconds / joins)
            world.count("second refused")
            continue
        except subprocess.TimeoutExpired:
            world.count("second joined")
        if turn % 3 == 2:
            process.kill()
        else:
            process.terminate()
        process.wait(timeout=30)


def disturb_broker(world: World, seconds: float) -> None:
    """The broker is away twice: told to end, and killed."""
    for end in (world.broker.stop, world.broker.kill):
        time.sleep(seconds / 3)
        end()
        world.broker.start()
        world.count("broker restarted")


def finish(world: World) -> str:
    """An undisturbed run to the end of the topic; what it said if it never ended well."""
    said = [""]

    def ran() -> bool:
        done = subprocess.run(
            world.ingest("--once", "--wait"), capture_output=True, text=True, timeout=600, check=False
        )
        said[0] = done.stdout[-600:] + done.stderr[-600:]
        return done.returncode == 0

    try:
        wait_for("a run to its end", ran, LEASE_LIMIT_S)
    except TimeoutError as error:
        return f"{error}: {said[0]}"
    return ""


def relation(con: duckdb.DuckDBPyConnection, lake: Path, table: str, name: str) -> None:
    """A Delta table as a view of its data files."""
    files = [str(file) for file in lakes.open_table(str(lake), table).file_uris()]
    con.execute(f"CREATE OR REPLACE VIEW {name} AS FROM read_parquet({files}, union_by_name=true)")


def one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[object, ...]:
    return con.sql(sql).fetchone() or ()


def check_lake(world: World, ends: dict[int, int], report: Report) -> None:
    con = duckdb.connect(config={"threads": 2})
    con.execute("SET TimeZone = 'UTC'")
    relation(con, world.lake, "bronze.temperature_message", "bronze")
    relation(con, world.lake, "silver.temperature", "silver")
    relation(con, world.lake, "silver.rejected", "rejected")
    counts = [one(con, f"SELECT count(*) FROM {name}")[0] for name in ("bronze", "silver", "rejected")]
    print("bronze {:,}  silver {:,}  rejected {:,}".format(*counts))
    check_offsets(con, ends, report)
    check_fates(con, world.folder / "truth", report)


def check_offsets(con: duckdb.DuckDBPyConnection, ends: dict[int, int], report: Report) -> None:
    place = "_topic, _partition, _offset"
    rows = con.sql("SELECT _partition, count(*) FROM bronze GROUP BY ALL").fetchall()
    report.equal("bronze has every message of the broker", dict(sorted(rows)), ends)
    gaps = con.sql(
        """SELECT _partition, count(*), count(DISTINCT _offset), min(_offset), max(_offset) FROM bronze
        GROUP BY ALL HAVING count(*) <> max(_offset) + 1 OR count(DISTINCT _offset) <> count(*)"""
    ).fetchall()
    report.equal("every offset is in bronze once", gaps, [])
    both = f"SELECT {place} FROM silver UNION ALL SELECT {place} FROM rejected"
    for name, left, right in (
        ("no bronze row lacks a fate", f"SELECT {place} FROM bronze", both),
        ("no row has two fates or none in bronze", both, f"SELECT {place} FROM bronze"),
    ):
        lack = one(con, f"SELECT count(*) FROM (({left}) EXCEPT ALL ({right}))")[0]
        report.equal(name, lack, 0)


def check_fates(con: duckdb.DuckDBPyConnection, truth: Path, report: Report) -> None:
    """Silver and the reasons, against what the simulator knows."""
    readings = f"read_json('{truth}/temperature.jsonl', format='newline_delimited')"
    must = f"SELECT sensor, at_s, round(temp_c * 100)::BIGINT FROM {readings}"
    has = 'SELECT sensor, epoch("at")::BIGINT, round(temp_c * 100)::BIGINT FROM silver'
    for name, left, right in (
        ("silver lacks no reading", must, has),
        ("silver has no reading too many", has, must),
    ):
        rows = con.sql(f"(({left}) EXCEPT ALL ({right})) LIMIT 5").fetchall()
        report.equal(name, rows, [])
    dirt = f"read_json('{truth}/temperature_dirt.jsonl', format='newline_delimited')"
    by_reason = "SELECT reason, coalesce(rule, '') AS rule, count(*) FROM {} GROUP BY ALL ORDER BY ALL"
    expected = con.sql(by_reason.format(dirt)).fetchall()
    found = con.sql(by_reason.format("rejected")).fetchall()
    report.equal("every rejected message has its right reason", found, expected)
    kinds = con.sql(f"SELECT kind, reason, count(*) FROM {dirt} GROUP BY ALL ORDER BY ALL").fetchall()
    print(f"{'kind of dirt':32}{'reason':16}{'messages':>10}")
    for kind, reason, count in kinds:
        print(f"{kind:32}{reason:16}{count:>10,}")


def check_rebuild(world: World, report: Report) -> None:
    """Silver and gold made anew from bronze are what they were."""
    copy = world.folder / "rebuilt"
    shutil.copytree(world.lake, copy)
    args = ["rebuild", "--lake", str(copy), "--plant", str(PLANT)]
    done = subprocess.run(
        world.command(*args), capture_output=True, text=True, timeout=900, check=False
    )
    report.check("a rebuild ends well", done.returncode == 0, done.stderr[-600:])
    kill_case.compare_lakes(report, "rebuilt", copy, world.lake)


def case(world: World, messages: int, kills: int, seconds: float, report: Report) -> None:
    joins, begun = max(1, kills // 5), time.monotonic()
    world.broker.start()
    stream = produce(world, messages, seconds)
    disturbances = [
        threading.Thread(target=disturb_worker, args=(world, kills, seconds)),
        threading.Thread(target=disturb_group, args=(world, joins, seconds)),
        threading.Thread(target=disturb_broker, args=(world, seconds)),
    ]
    for thread in disturbances:
        thread.start()
    for thread in disturbances:
        thread.join()
    ended = stream.wait(timeout=seconds + 300)
    said = (world.folder / "simulate.log").read_text()[-600:]
    report.check("every message was produced", ended == 0, said)
    ends = world.broker.ends(TOPIC)
    report.equal("the broker has every message", sum(ends.values()), messages)
    trouble = finish(world)
    report.check("the last run ends well", not trouble, trouble)
    print(f"{time.monotonic() - begun:.0f} s: {dict(sorted(world.done.items()))}")
    check_lake(world, ends, report)
    left = kill_case.orphans(world.lake)
    # A worker that is killed while another has the lease leaves its last data files; upkeep deletes
    # them after a day, when nobody can be about to commit them.
    torn = [name for name in left if not Path(name).name.startswith("part-")]
    report.check("no temporary file", not torn, "\n".join(torn[:20]))
    most = FILES_OF_A_WORKER * world.done["killed"]
    report.check("orphans are few", len(left) <= most, f"{len(left)} of at most {most}")
    check_rebuild(world, report)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--broker", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder to work in and leave behind")
    args = parser.parse_args()
    report = Report()
    broker = Broker(args.broker.resolve(), args.port)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        world = World(args.cockpit.resolve(), broker, folder.resolve(), args.seed)
        try:
            case(world, args.messages, args.kills, args.seconds, report)
        finally:
            broker.kill()
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
