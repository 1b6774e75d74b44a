"""Many small dumps: what one costs must not depend on how many there are.

Promise: --dumps files of five records land in one round, and then one more file, and one that is there is
written again. All records are in silver, the books close, small dumps share commits and data files, and
the CPU time of a dump, beyond what starting the program costs, grows by no more than half from a tenth of
the files to all of them. With less than 10,000 files that growth is not checked: a tenth of them takes too
little time beside the start. Prints the figures.

    python many_case.py --cockpit BIN --dumps 10000
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from checks import Report
from program import Cockpit

RECORDS = 5
BEGIN_S = 1_700_000_000
"""When the first file was written; each is a second younger than the one before."""
GROWTH_LIMIT = 1.5
MEASURABLE_DUMPS = 10_000
"""From here on the growth is checked."""
DUMPS_PER_COMMIT = 1000
"""Default of land_together_dumps."""

FILES = {
    "plant.toml": 'name = "Many"\nzone = "Asia/Kolkata"\n',
    "bronze/board.toml": """description = "Boards, a file for each hour."
source = "mes"
paths = ["board/*.csv"]
format = "delimited"
delimiter = ","
header = true
columns = [
    { name = "id", type = "int", required = true },
    { name = "station", type = "text" },
    { name = "qty", type = "int", required = true },
]
""",
    "silver/board.sql": """-- Boards.
--
-- key: id
-- column id [1]: Number.
-- column station: Station.
-- column qty [1]: Quantity.
SELECT id, station, qty FROM typed.board
""",
}


@dataclass
class Site:
    """A plant, its bucket and its lake."""

    folder: Path
    cockpit: Cockpit

    @classmethod
    def make(cls, folder: Path, program: Path) -> Site:
        for name, text in FILES.items():
            path = folder / "plant" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (folder / "bucket" / "board").mkdir(parents=True)
        return cls(folder, Cockpit(program, folder / "plant"))

    def write(self, number: int, first: int, qty: int, age: int) -> None:
        rows = "".join(f"{first + at},S{at},{qty}\n" for at in range(RECORDS))
        path = self.folder / "bucket" / "board" / f"{number:06}.csv"
        path.write_text("id,station,qty\n" + rows)
        os.utime(path, (BEGIN_S + age, BEGIN_S + age))

    def round(self, report: Report, name: str) -> float:
        """One round; returns its CPU seconds."""
        before = _cpu_s()
        done = self.cockpit.ingest(str(self.folder / "bucket"), str(self.folder / "lake"))
        report.check(name, done.returncode == 0, done.stdout[-500:] + done.stderr[-500:])
        return _cpu_s() - before

    def number(self, sql: str) -> int:
        return int(self.cockpit.query(sql, str(self.folder / "lake")).column(0)[0].as_py())

    def commits(self, table: str) -> int:
        log = self.folder / "lake" / table / "_delta_log"
        return len([path for path in log.glob("*.json") if path.stem.isdigit()])


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(site: Site, dumps: int, report: Report) -> float:
    """Lands `dumps` files, then one more, then one again. Returns the CPU seconds of the first."""
    for number in range(dumps):
        site.write(number, number * RECORDS, 1, number)
    first_s = site.round(report, f"{dumps} dumps land")
    rows = site.number("SELECT count(*) FROM silver.board")
    report.equal(f"{dumps} dumps: rows in silver", rows, dumps * RECORDS)
    commits = site.commits("bronze/board")
    most = dumps // DUMPS_PER_COMMIT + 2
    report.check(f"{dumps} dumps: at most {most} commits", commits <= most, f"{commits} commits")
    site.write(dumps, dumps * RECORDS, 1, dumps)
    more_s = site.round(report, f"{dumps} dumps: one more lands")
    site.write(0, 0, 2, dumps + 1)
    again_s = site.round(report, f"{dumps} dumps: one is written again")
    none_s = site.round(report, f"{dumps} dumps: nothing is new")
    total = site.number("SELECT sum(qty) FROM silver.board")
    report.equal(f"{dumps} dumps: sum of quantities", total, (dumps + 2) * RECORDS)
    open_books = site.number("SELECT count(*) FROM meta.runs WHERE NOT closed")
    report.equal(f"{dumps} dumps: books that do not close", open_books, 0)
    each_ms = first_s / dumps * 1000
    print(
        f"{dumps} dumps: {first_s:.2f} CPU s, {each_ms:.2f} ms each; one more {more_s:.2f} s, "
        f"one again {again_s:.2f} s, nothing new {none_s:.2f} s"
    )
    return first_s


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--dumps", type=int, default=10_000)
    args = parser.parse_args()
    report = Report()
    program = args.cockpit.resolve()
    few = max(args.dumps // 10, 1)
    spent_s = {}
    for dumps in (1, few, args.dumps):
        with tempfile.TemporaryDirectory() as folder:
            spent_s[dumps] = measure(Site.make(Path(folder), program), dumps, report)
    if args.dumps < MEASURABLE_DUMPS:
        return report.finish()
    start_s = spent_s[1]
    of_few, of_all = ((spent_s[dumps] - start_s) / dumps * 1000 for dumps in (few, args.dumps))
    report.check(
        f"a dump of {args.dumps} costs at most {GROWTH_LIMIT} times one of {few}",
        of_all <= GROWTH_LIMIT * max(of_few, 0.1),
        f"{of_few:.2f} ms and {of_all:.2f} ms",
    )
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
