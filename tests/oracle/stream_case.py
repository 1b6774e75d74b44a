"""A topic into the lake while everything goes wrong: is every message there once, with its right fate?

Promise: a simulated stream, filthy, is produced to Apache Kafka while the program reads it. The
program is killed with `kill -9` at random moments, the broker is restarted (once stopped, once
killed), and a second worker of the same group joins and leaves; sometimes it is killed, as soon as it
lays small files together, or frozen until others have its partitions, and goes on. At the end an
undisturbed run reads what is left. Then every offset is in bronze once; silver and rejected together
hold each bronze row once; each message became, at its own offset, the reading or the reject with the
reason the simulator knows of; gold and silver equal those of a rebuild from bronze; and what the
killed left behind is little. Prints what was found.

    python stream_case.py --cockpit BIN --broker FOLDER/start --port N --messages 1000000 --kills 100
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zlib
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
LIMITS = {
    "COCKPIT_STREAM_COMMIT_EVERY_MS": "200",
    "COCKPIT_STREAM_REFINE_EVERY_S": "1",
    "COCKPIT_COMPACT_FILES": "8",
    "COCKPIT_KAFKA_SESSION_MS": "1500",
}
"""Short, so that kills also fall into commits, refinement and compaction, and so that partitions of the
killed are given to others before these are killed too."""
LAYING, LAID = "small files are being laid together", "small files were laid together"
LOOK_S = 0.005
FROZEN_S = 3.0
"""Longer than a session, so that others have the partitions of a frozen worker when it goes on."""
LEASE_LIMIT_S = 120.0
END_LIMIT_S = 30.0
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
        with (self.folder / log).open("ab") as out:
            return subprocess.Popen(
                command, stdout=out, stderr=out, env=os.environ | LIMITS, cwd=self.folder
            )

    def kill(self, process: subprocess.Popen[bytes], log: str) -> None:
        process.kill()
        process.wait()
        self.count("killed")
        if is_laying(self.folder / log):
            self.count("killed in compaction")

    def count(self, what: str) -> None:
        with self.lock:
            self.done[what] += 1


def is_laying(log: Path) -> bool:
    """Whether a worker has begun to lay files together and is not done with it."""
    lines = [line for line in log.read_text().splitlines() if LAYING in line or LAID in line]
    return bool(lines) and LAYING in lines[-1]


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
    for turn in range(kills):
        log = f"worker-{turn:03}.log"
        process = world.start(world.ingest("--wait", "--log", "debug"), log)
        try:
            process.wait(timeout=chance.uniform(0.05, 2 * seconds / kills))
            world.count("ended by itself")
        except subprocess.TimeoutExpired:
            world.kill(process, log)


def disturb_group(world: World, joins: int, seconds: float) -> None:
    """A second worker comes and goes; every third is frozen for a while, every third is killed instead
    of told to leave."""
    chance = random.Random(world.seed + 1)
    for turn in range(joins):
        log = f"second-{turn:03}.log"
        until = time.monotonic() + chance.uniform(0.5, 1.5) * seconds / joins
        process = world.start(world.ingest("--wait", "--log", "debug"), log)
        is_frozen, is_killed = turn % 3 == 1, turn % 3 == 2
        if is_frozen:
            freeze(world, process, chance.uniform(0.3, 0.7) * (until - time.monotonic()))
        while process.poll() is None and time.monotonic() < until:
            if is_killed and is_laying(world.folder / log):
                break
            time.sleep(LOOK_S)
        if process.poll() is not None:
            world.count("second refused")
            continue
        world.count("second joined")
        if is_killed:
            world.kill(process, log)
            continue
        process.terminate()
        try:
            process.wait(timeout=END_LIMIT_S)
        except subprocess.TimeoutExpired:
            world.count("second did not end")
            world.kill(process, log)


def freeze(world: World, process: subprocess.Popen[bytes], after_s: float) -> None:
    """Stops a worker in its tracks until its partitions are given away, and lets it go on."""
    try:
        process.wait(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGSTOP)
        time.sleep(FROZEN_S)
        process.send_signal(signal.SIGCONT)
        world.count("frozen")


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
            world.ingest("--once", "--wait"),
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
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


def commits(lake: Path, table: str) -> Counter[str]:
    """How often a table was committed to, by what was done."""
    folder = lake / table.replace(".", "/") / "_delta_log"
    lines = [json.loads(line) for log in folder.glob("*.json") for line in log.open()]
    return Counter(line["commitInfo"]["operation"] for line in lines if "commitInfo" in line)


def check_lake(world: World, ends: dict[int, int], report: Report) -> None:
    con = duckdb.connect(config={"threads": 2})
    con.execute("SET TimeZone = 'UTC'")
    relation(con, world.lake, "bronze.temperature_message", "bronze")
    relation(con, world.lake, "silver.temperature", "silver")
    relation(con, world.lake, "silver.rejected", "rejected")
    for table in ("bronze.temperature_message", "silver.temperature", "silver.rejected"):
        print(f"{table}: " + ", ".join(f"{n} {it}" for it, n in commits(world.lake, table).items()))
    counts = [
        one(con, f"SELECT count(*) FROM {name}")[0] for name in ("bronze", "silver", "rejected")
    ]
    print("bronze {:,}  silver {:,}  rejected {:,}".format(*counts))
    check_offsets(con, ends, report)
    check_fates(con, world.folder / "truth", len(ends), report)


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


def check_fates(
    con: duckdb.DuckDBPyConnection, truth: Path, partitions: int, report: Report
) -> None:
    """What each message became, at its own offset, against what the simulator knows."""
    said(con, truth, partitions)
    con.execute(
        """CREATE TEMP TABLE fate AS
        SELECT _partition, _offset, sensor, epoch("at")::BIGINT AS at_s,
            round(temp_c * 100)::BIGINT AS temp_centi, NULL AS reason, NULL AS rule FROM silver
        UNION ALL
        SELECT _partition, _offset, NULL, NULL, NULL, reason, rule FROM rejected"""
    )
    wrong = con.sql(
        """SELECT kind, _partition, _offset, said.*, fate.* FROM said FULL JOIN fate
        USING (_partition, _offset) WHERE said.reason IS DISTINCT FROM fate.reason
        OR said.rule IS DISTINCT FROM fate.rule OR said.temp_centi IS DISTINCT FROM fate.temp_centi
        OR said.at_s IS DISTINCT FROM fate.at_s
        OR (said.reason IS NULL AND said.sensor IS DISTINCT FROM fate.sensor) LIMIT 5"""
    ).fetchall()
    report.check("each message has its fate", not wrong, "\n".join(map(str, wrong)))
    kinds = con.sql(
        """SELECT kind, said.reason, said.rule, count(*),
            count(*) FILTER (said.reason IS NOT DISTINCT FROM fate.reason
                AND said.rule IS NOT DISTINCT FROM fate.rule)
        FROM said LEFT JOIN fate USING (_partition, _offset) GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    print(f"{'kind':32}{'must become':34}{'messages':>10}{'became it':>11}")
    for kind, reason, rule, messages, right in kinds:
        fate = f"{reason} {rule}" if rule else reason or "a reading"
        print(f"{kind:32}{fate:34}{messages:>10,}{right:>11,}")


def said(con: duckdb.DuckDBPyConnection, truth: Path, partitions: int) -> None:
    """The truth about each message, at the offset it has: messages of a sensor go to the partition of
    its name, and those of a partition are in the order in which they were sent."""
    con.execute(
        f"""CREATE TEMP TABLE dirt AS FROM read_json('{truth}/temperature_dirt.jsonl',
        format='newline_delimited');
        CREATE TEMP TABLE reading AS SELECT *, row_number() OVER () AS number
        FROM read_json('{truth}/temperature.jsonl', format='newline_delimited')"""
    )
    sensors = con.sql("SELECT sensor FROM reading UNION SELECT sensor FROM dirt").fetchall()
    con.execute("CREATE TEMP TABLE place (sensor VARCHAR, _partition INTEGER)")
    places = [[name, zlib.crc32(name.encode()) % partitions] for (name,) in sensors]
    con.executemany("INSERT INTO place VALUES (?, ?)", places)
    con.execute(
        """CREATE TEMP TABLE said AS WITH
        free AS (
            SELECT message, row_number() OVER (ORDER BY message) AS number FROM range(
                (SELECT count(*) FROM reading) + (SELECT count(*) FROM dirt)) numbers(message)
            WHERE message NOT IN (SELECT message FROM dirt)),
        messages AS (
            SELECT message, sensor, 'reading' AS kind, NULL AS reason, NULL AS rule, at_s,
                round(temp_c * 100)::BIGINT AS temp_centi FROM reading JOIN free USING (number)
            UNION ALL SELECT message, sensor, kind, reason, rule, NULL, NULL FROM dirt)
        SELECT _partition, row_number() OVER (PARTITION BY _partition ORDER BY message) - 1 AS _offset,
            messages.* FROM messages JOIN place USING (sensor)"""
    )


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
    report.check("workers end when they are told to", not world.done["second did not end"])
    report.check("no worker gives up", not world.done["ended by itself"])
    check_lake(world, ends, report)
    # A worker that is killed while another has the lease leaves its last files; upkeep deletes them
    # after a day, when nobody can be about to commit them.
    left = kill_case.orphans(world.lake)
    of_runs = [name for name in left if Path(name).name.startswith(("part-", ".cockpit-"))]
    report.equal("nothing lies about but files of workers", left, of_runs)
    most = FILES_OF_A_WORKER * world.done["killed"]
    report.check("there are few of them", len(left) <= most, f"{len(left)} of at most {most}")
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
