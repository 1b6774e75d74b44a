"""Dumps that several programs share, one of which is killed.

Promise: --dumps files wait, and three programs land them side by side with `ingest --only land`; one is killed with
SIGKILL while it lands. Each file is in bronze exactly once, none is missing, and each program landed a part. What the
killed one left below `_cockpit` is gone at the end. Then one program refines: the books of all dumps close. A program
that refines while others land refuses nothing and leaves right tables, too.

    python land_case.py --cockpit BIN --dumps 10000
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from deltalake.exceptions import TableNotFoundError

import lake as lakes
from checks import Report, wait_for
from many_case import RECORDS, Site

LIMIT_S = 600
PROGRAMS = 3
TOGETHER = 50
"""Dumps that share a commit, and the most that a program claims at a time."""
KILLED_AT = 0.2
"""The part of all dumps that has landed when one program is killed."""
REFINED_MORE = 100
TTL_S = 5


class Landers:
    """The programs of one site."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, number: int) -> subprocess.Popen[bytes]:
        log = (self.site.folder / f"lander{number}.log").open("wb")
        args = self.site.cockpit.ingest_args(str(self.site.folder / "bucket"), str(self.site.folder / "lake"))
        process = subprocess.Popen([*args, "--only", "land"], stdout=log, stderr=log, cwd=self.site.folder)
        self.running.append(process)
        return process

    def log(self, number: int) -> str:
        return (self.site.folder / f"lander{number}.log").read_text()[-2000:]

    def stop(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()


def landed(site: Site) -> dict[str, int]:
    """The number of dumps that each run has landed."""
    try:
        board = lakes.read(str(site.folder / "lake"), "bronze.board", ["_run", "_file"])
    except TableNotFoundError:
        return {}
    database = duckdb.connect()
    database.register("board", board)
    found = database.execute("SELECT _run, count(DISTINCT _file) FROM board GROUP BY 1").fetchall()
    return dict(found)


def left_over(site: Site) -> list[str]:
    """What lies below `_cockpit`."""
    folder = site.folder / "lake" / "_cockpit"
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def begin(site: Site, landers: Landers, dumps: int) -> None:
    """Starts the programs and kills the last one while all land."""
    processes = [landers.start(number) for number in range(PROGRAMS)]
    names: set[str] = set()

    def has_begun() -> bool:
        runs = landed(site)
        names.update(runs)
        is_over = any(process.poll() is not None for process in processes)
        return is_over or (len(runs) == PROGRAMS and sum(runs.values()) >= KILLED_AT * dumps)

    wait_for("a part of the dumps", has_begun, LIMIT_S)
    processes[-1].send_signal(signal.SIGKILL)
    processes[-1].wait()


def share(report: Report, site: Site, dumps: int) -> None:
    """All dumps, shared by three programs."""
    landers = Landers(site)
    begun = time.monotonic()
    try:
        begin(site, landers, dumps)
        at_kill = landed(site)
        report.check("one is killed before all have landed", sum(at_kill.values()) < dumps, str(at_kill))
        codes = [process.wait(LIMIT_S) for process in landers.running]
        took_s = time.monotonic() - begun
    finally:
        landers.stop()
    report.equal("exit codes", codes, [0, 0, -signal.SIGKILL])
    shares = landed(site)
    print(f"{dumps} dumps in {took_s:.1f} s: {sorted(shares.values())}")
    report.equal("each landed a part", len(shares), PROGRAMS)
    check_bronze(report, site, dumps)
    report.equal("nothing is left below _cockpit", left_over(site), [])


def check_bronze(report: Report, site: Site, dumps: int) -> None:
    database = duckdb.connect()
    database.register("board", lakes.read(str(site.folder / "lake"), "bronze.board"))
    database.register("files", lakes.read(str(site.folder / "lake"), "meta.files"))
    count = database.execute("SELECT count(*), count(DISTINCT _file), count(DISTINCT (_file, _dump)) FROM board")
    report.equal("records, files and dumps in bronze", count.fetchone(), (dumps * RECORDS, dumps, dumps))
    twice = database.execute("SELECT _file, _record FROM board GROUP BY 1, 2 HAVING count(*) > 1").fetchall()
    report.check("no record landed twice", not twice, str(twice[:3]))
    listed = database.execute("SELECT count(*), count(DISTINCT file) FROM files WHERE status = 'landed'")
    report.equal("files in meta.files", listed.fetchone(), (dumps, dumps))


def refine(report: Report, site: Site, dumps: int) -> None:
    site.round(report, "one program refines")
    report.equal("rows in silver", site.number("SELECT count(*) FROM silver.board"), dumps * RECORDS)
    report.equal("balances", site.number("SELECT count(*) FROM meta.runs WHERE closed"), dumps)
    report.equal("balances that do not close", site.number("SELECT count(*) FROM meta.runs WHERE NOT closed"), 0)


def refine_beside(report: Report, site: Site, dumps: int) -> None:
    """A program refines, and lands its part, while another one lands."""
    for number in range(dumps, dumps + REFINED_MORE):
        site.write(number, number * RECORDS, 1, number)
    landers = Landers(site)
    try:
        landers.start(PROGRAMS)
        site.round(report, "one program refines while another one lands")
        report.equal("the other one ends", landers.running[0].wait(LIMIT_S), 0)
    finally:
        landers.stop()
    site.round(report, "the last round")
    total = dumps + REFINED_MORE
    report.equal("rows in silver after both", site.number("SELECT count(*) FROM silver.board"), total * RECORDS)
    open_books = site.number("SELECT count(*) FROM meta.runs WHERE NOT closed")
    report.equal("balances that do not close after both", open_books, 0)
    check_bronze(report, site, total)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--dumps", type=int, default=10_000)
    args = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="land-case-") as folder:
        site = Site.make(Path(folder), args.cockpit.resolve())
        limits = f"\n[limits]\nland_together_dumps = {TOGETHER}\nclaim_ttl_s = {TTL_S}\n"
        plant = site.folder / "plant" / "plant.toml"
        plant.write_text(plant.read_text() + limits)
        for number in range(args.dumps):
            site.write(number, number * RECORDS, 1, number)
        share(report, site, args.dumps)
        refine(report, site, args.dumps)
        refine_beside(report, site, args.dumps)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
