"""Kills the program at random moments and asks for the lake an undisturbed run would have made.

Promise: each round starts `ingest --once` and ends it with `kill -9` after a random part of the time
an undisturbed run takes, sometimes into a fresh lake, sometimes into the one the last kill left. After
the rounds of a lake one undisturbed run finishes it. Then every bronze, silver and gold table holds
exactly the rows of the undisturbed lake (the volatile columns aside), every file below a table is named
by its Delta log, and nothing but the lease lies in `_cockpit`. A lake that a round finished gets no more.

    python kill_case.py --cockpit BIN --bucket DIR --rounds 100 --seed 1
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

import compare
import lake as lakes
import truth
from checks import Report, wait_for
from program import PLANT, Cockpit

VOLATILE = ("_ingested_at", "_run", "_rejected_at")
CONTINUE_PROBABILITY = 0.75
LEASE_LIMIT_S = 180.0
"""A lake is free again this long after its holder was killed."""
LATEST_KILL = 1.1
"""Kills fall up to this part of an undisturbed run, so that some come after its end."""


@dataclass
class Lake:
    """One lake and what was done to it."""

    path: Path
    kills: list[float] = field(default_factory=list)
    finished: int = 0
    """Rounds that ended before their kill came."""


def kill_rounds(
    cockpit: Cockpit, bucket: str, folder: Path, rounds: int, seed: int, run_s: float
) -> list[Lake]:
    """All rounds with their kills; no lake is finished yet."""
    chance = random.Random(seed)
    made: list[Lake] = []
    for _ in range(rounds):
        if not made or made[-1].finished or chance.random() > CONTINUE_PROBABILITY:
            made.append(Lake(folder / f"lake{len(made)}"))
        delay_s = chance.uniform(0, LATEST_KILL * run_s)
        if killed_after(cockpit, bucket, made[-1].path, delay_s):
            made[-1].kills.append(delay_s)
        else:
            made[-1].finished += 1
    return made


def killed_after(cockpit: Cockpit, bucket: str, lake: Path, delay_s: float) -> bool:
    """Runs one ingest for at most `delay_s`; tells whether it had to be killed. A run that is
    refused, because the lease of the one killed before still stands, is started again."""
    log = lake.with_suffix(".log")
    outcome = {"killed": False}

    def ran() -> bool:
        process = cockpit.start(bucket, str(lake), log, once=True)
        try:
            return process.wait(timeout=delay_s) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            outcome["killed"] = True
            return True

    wait_for(f"a run not refused (see {log})", ran, LEASE_LIMIT_S)
    return outcome["killed"]


def compare_lakes(
    report: Report, name: str, lake: Path, sound: Path, volatile: tuple[str, ...] = VOLATILE
) -> None:
    """Every table of `sound` must be in `lake` with the same rows, and no other table. `volatile` columns may differ."""
    layers = ("bronze", "silver", "gold")
    tables = lakes.tables(str(sound), layers)
    report.equal(f"{name}: tables", lakes.tables(str(lake), layers), tables)
    con = duckdb.connect(config={"threads": 2})
    wrong = [line for table in tables for line in _differences(con, table, (lake, sound), volatile)]
    report.check(f"{name}: all rows of {len(tables)} tables", not wrong, "\n".join(wrong))


def orphans(lake: Path) -> list[str]:
    """Files that no Delta log names, that are no log and not the lease."""
    files = sorted(p.relative_to(lake) for p in lake.rglob("*") if p.is_file())
    named = {folder: _named(lake / folder) for folder in {Path(*f.parts[:2]) for f in files}}
    return [str(f) for f in files if not _belongs(f, named[Path(*f.parts[:2])])]


def _belongs(file: Path, named: set[str]) -> bool:
    if file.parts[0] == "_cockpit":
        return file.parts[1].startswith("lease")
    name = "/".join(file.parts[2:])
    return file.parts[0] in lakes.LAYERS and (_is_log(name) or name in named)


def _named(table: Path) -> set[str]:
    """Files that the commits and checkpoints of a table ever added."""
    log = table / "_delta_log"
    lines = [json.loads(line) for path in log.glob("*.json") for line in path.open()]
    named = {line["add"]["path"] for line in lines if "add" in line}
    for path in log.glob("*.checkpoint*.parquet"):
        adds = pq.read_table(path, columns=["add"]).column("add").to_pylist()
        named |= {add["path"] for add in adds if add}
    return {unquote(path) for path in named}


def _is_log(name: str) -> bool:
    """Commits, checkpoints and their pointer; a temporary file in the log is not one."""
    folder, _, file = name.rpartition("/")
    parts = file.split(".")
    commit = parts[0].isdigit() and file.endswith((".json", ".parquet", ".crc"))
    return folder == "_delta_log" and (file == "_last_checkpoint" or commit)


def _differences(
    con: duckdb.DuckDBPyConnection, table: str, pair: tuple[Path, Path], volatile: tuple[str, ...]
) -> list[str]:
    lake, sound = pair
    try:
        con.register("is_arrow", _stable(str(lake), table, volatile))
        con.register("must_arrow", _stable(str(sound), table, volatile))
    except Exception as error:  # Any reader error is the finding.
        return [f"{table}: {error}"]
    if _fingerprint(con, "is_arrow") == _fingerprint(con, "must_arrow"):
        return []
    con.execute("CREATE OR REPLACE TEMP TABLE has AS FROM is_arrow")
    con.execute("CREATE OR REPLACE TEMP TABLE must AS FROM must_arrow")
    pairs = {"lacking": ("must", "has"), "too many": ("has", "must")}
    lines = []
    for word, (left, right) in pairs.items():
        rows = con.sql(f"SELECT count(*) FROM (FROM {left} EXCEPT ALL FROM {right})").fetchone()
        if rows and rows[0]:
            lines.append(f"{table}: {rows[0]} rows {word}")
    return lines


def _fingerprint(con: duckdb.DuckDBPyConnection, relation: str) -> tuple[object, ...] | None:
    """Names and types of the columns, number of rows and, in any order, the sum of their hashes (64 bits each)."""
    columns = con.sql(f"DESCRIBE FROM {relation}").fetchall()
    sums = con.sql(
        f"SELECT count(*), sum(hash(r)::HUGEINT), bit_xor(hash(r)) FROM {relation} AS r"
    ).fetchone()
    return (columns, *sums) if sums else None


def _stable(lake: str, table: str, volatile: tuple[str, ...]) -> pa.Table:
    data = lakes.read(lake, table)
    return data.select(sorted(c for c in data.column_names if c not in volatile))


def undisturbed(cockpit: Cockpit, bucket: str, lake: Path) -> tuple[float, str]:
    """One run to the end, started again while it is refused: its seconds, and what went wrong."""
    took_s: list[float] = []
    said: list[str] = [""]

    def ran() -> bool:
        begun = time.monotonic()
        done = cockpit.ingest(bucket, str(lake))
        took_s.append(time.monotonic() - begun)
        said.append(done.stderr[-1000:])
        return done.returncode == 0

    try:
        wait_for("a run to its end", ran, LEASE_LIMIT_S)
    except TimeoutError as error:
        return took_s[-1], f"{error}: {said[-1]}"
    return took_s[-1], ""


def case(
    cockpit: Cockpit, bucket: str, folder: Path, rounds: int, seed: int, report: Report
) -> None:
    sound = folder / "sound"
    run_s, said = undisturbed(cockpit, bucket, sound)
    if not report.check(f"an undisturbed run ({run_s:.1f} s)", said == "", said):
        return
    inner = Report(quiet=True)
    compare.run(cockpit, str(sound), Path(bucket), truth.today_local(), [], inner)
    report.check(f"an undisturbed run holds the truth ({inner.passed} checks)", inner.failed == 0)
    left = orphans(sound)
    report.check("an undisturbed run leaves no orphans", not left, "\n".join(left[:20]))
    print(f"{'lake':8} {'kills':>5} {'ended':>5} {'last run s':>10} {'orphans':>7}")
    for lake in kill_rounds(cockpit, bucket, folder, rounds, seed, run_s):
        last_s, said = undisturbed(cockpit, bucket, lake.path)
        name = lake.path.name
        if not report.check(f"{name}: the last run ends well", said == "", said):
            continue
        left = orphans(lake.path)
        print(f"{name:8} {len(lake.kills):5} {lake.finished:5} {last_s:10.1f} {len(left):7}")
        report.check(f"{name}: no orphan or temporary file", not left, "\n".join(left[:20]))
        compare_lakes(report, name, lake.path, sound)
        shutil.rmtree(lake.path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--plant", type=Path, default=PLANT)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    report = Report()
    cockpit = Cockpit(args.cockpit.resolve(), args.plant)
    with tempfile.TemporaryDirectory() as folder:
        case(cockpit, str(args.bucket.resolve()), Path(folder), args.rounds, args.seed, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
