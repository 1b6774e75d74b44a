"""Dumps of a table at a server, while the program and the server are killed.

Promise: the table arrives in dumps of following days. Each changes records of the days before, and some records are
dirty. The program is killed with -9 again and again while it reads them, every third time the server, too. In between
dumps of earlier days are written again, without some of their records and with others changed. At the end silver is
the newest record of each key, the rows balance, each dirty record of the newest dumps is rejected, and another run
reads nothing.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import kill_case
import lake as lakes
import small_plant
from checks import Report
from program import Cockpit
from small_plant import Column, Table

DAYS = 10
CHANGED, REMOVED, DIRTY = 0.05, 0.1, 0.01
LATER, EARLIER = 1.2, 0.7
"""Runs with little to read are short: kills come earlier after a run that ended before its kill, later after others."""
COLUMNS = (Column("id", 'type = "int", required = true'), Column("value"))

Record = tuple[int, str, bool]
"""Number, value, and whether the record is dirty."""


@dataclass
class Source:
    """A server and how it is used: `put` stores a file below `url`, `restart` kills the server and starts it again."""

    name: str
    url: str
    put: Callable[[str, bytes], object]
    restart: Callable[[], object]
    get: Callable[[str], bytes | None] | None = None
    """Reads a file below `url`, of a server that loses what it has acknowledged when it is killed."""
    rest_s: float = 0.0
    """How long a run waits until its files rest."""


@dataclass
class Dumps:
    """The records of each day as the server has them."""

    rng: random.Random
    records: int
    days: list[list[Record]] = field(default_factory=list)

    def add_day(self) -> None:
        count = self.records // DAYS
        first = len(self.days) * count
        numbers = list(range(first, first + count))
        numbers += [self.rng.randrange(first) for _ in range(int(count * CHANGED)) if first]
        self.days.append([self.record(number) for number in numbers])

    def rewrite(self) -> int:
        """Removes and changes records of a day. Returns the day."""
        day = self.rng.randrange(len(self.days))
        kept = [record for record in self.days[day] if self.rng.random() > REMOVED]
        is_changed = [self.rng.random() < CHANGED for _ in kept]
        self.days[day] = [self.record(it[0]) if new else it for it, new in zip(kept, is_changed, strict=True)]
        return day

    def record(self, number: int) -> Record:
        return number, f"v{self.rng.randrange(1_000_000)}", self.rng.random() < DIRTY

    def text(self, day: int) -> bytes:
        lines = [f"{'x' if dirty else ''}{number},{value}\n" for number, value, dirty in self.days[day]]
        return ("id,value\n" + "".join(lines)).encode()

    def newest(self) -> dict[int, str]:
        return {number: value for day in self.days for number, value, dirty in day if not dirty}

    def dirty(self) -> int:
        return sum(dirty for day in self.days for _, _, dirty in day)


def dump_name(day: int) -> str:
    return f"part-2026-03-{day + 1:02}.csv"


def run(report: Report, program: Path, folder: Path, source: Source, records: int, kills: int) -> None:
    """Reads the dumps of one server in runs that are killed."""
    own = folder / f"{source.name}-kills"
    own.mkdir()
    table = Table("part", ("part-{date}.csv",), COLUMNS, f'{small_plant.DELIMITED}\nremoved_records = "remove"')
    cockpit = Cockpit(program, small_plant.write(own / "plant", [table]))
    dumps = Dumps(random.Random(kills), records)
    (own / "dumps").mkdir()
    for day in range(DAYS):
        dumps.add_day()
        (own / "dumps" / dump_name(day)).write_bytes(dumps.text(day))
        source.put(dump_name(day), dumps.text(day))
    run_s, said = kill_case.undisturbed(cockpit, str(own / "dumps"), own / "undisturbed")
    if not report.check(f"{source.name}: {records} records from a folder ({run_s:.1f} s)", said == "", said):
        return
    lake = own / "lake"
    killed = restarted = 0
    span_s = run_s + source.rest_s
    for number in range(kills):
        if number > kills // 3:
            day = dumps.rewrite()
            source.put(dump_name(day), dumps.text(day))
        after_s = dumps.rng.uniform(0.0, span_s)
        if number % 3 == 2:
            is_met = restarted_under(cockpit, source, lake, after_s)
            restarted += is_met
            restore_lost(source, dumps)
        else:
            is_met = kill_case.killed_after(cockpit, source.url, lake, after_s)
            killed += is_met
        span_s *= LATER if is_met else EARLIER
    report.check(f"{source.name}: {killed} runs and {restarted} servers are killed", killed > 0)
    finish(report, cockpit, source, lake, dumps)


def restarted_under(cockpit: Cockpit, source: Source, lake: Path, after_s: float) -> bool:
    """The server is killed and started again while a run reads; the run may fail, and is then killed, too. False if
    the run ended before."""
    process = cockpit.start(source.url, str(lake), lake.with_suffix(".log"), once=True)
    try:
        process.wait(timeout=after_s)
        return False
    except subprocess.TimeoutExpired:
        source.restart()
        try:
            process.wait(timeout=after_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return True


def restore_lost(source: Source, dumps: Dumps) -> None:
    """Stores the dumps again that the server has lost."""
    for day in range(DAYS) if source.get else ():
        if source.get(dump_name(day)) != dumps.text(day):
            print(f"{source.name}: the killed server has lost {dump_name(day)}")
            source.put(dump_name(day), dumps.text(day))


def finish(report: Report, cockpit: Cockpit, source: Source, lake: Path, dumps: Dumps) -> None:
    _, said = kill_case.undisturbed(cockpit, source.url, lake)
    if not report.check(f"{source.name}: the last run completes", said == "", said):
        return
    silver = lakes.read(str(lake), "silver.part", ["id", "value"])
    ids, values = (silver.column(name).to_pylist() for name in ("id", "value"))
    report.equal(f"{source.name}: each key is once in silver", len(ids), len(set(ids)))
    found, expected = dict(zip(ids, values, strict=True)), dumps.newest()
    wrong = [key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)]
    samples = str([(key, expected.get(key), found.get(key)) for key in wrong[:3]])
    report.check(f"{source.name}: silver is the newest record of each of {len(expected)} keys", not wrong, samples)
    newest = "SELECT file, max(dump) AS dump FROM meta.files GROUP BY file"
    rejected = cockpit.query(
        f"SELECT count(*) FROM silver.rejected r JOIN ({newest}) n ON r._file = n.file AND r._dump = n.dump", str(lake))
    report.equal(f"{source.name}: dirty records are rejected", int(rejected.column(0)[0].as_py()), dumps.dirty())
    unbalanced = cockpit.query("SELECT file FROM meta.runs WHERE NOT closed", str(lake)).num_rows
    report.equal(f"{source.name}: the rows balance", unbalanced, 0)
    done = cockpit.ingest(source.url, str(lake))
    said = done.stdout + done.stderr
    report.check(f"{source.name}: another run reads nothing", "0 dumps read" in said, said[-2000:])
