"""Renders every report of the reference plant and compares each number with an independent computation.

Promise: every cell of each sheet (XLSX) equals the rows that `report_truth`, `report_sheets` and `report_heat`
compute from silver; the PDF has the same figures; two runs, minutes apart, give equal bytes; pages have no empty tables.

    python report_case.py --cockpit BIN --lake DIR --day D [--temperature-day D] [--landed-day D]
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tomllib
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from openpyxl import load_workbook

import report_heat
import report_sheets as sheets
import report_stock
from checks import Report
from program import LIMIT_S, PLANT
from report_truth import IST, Plant

SHOWN = 5
TOLERANCE = 1e-9
# Money is the sum of entries that are rounded to two places.
CENT = 0.005
# Rows of a table that the PDF is searched for; the templates show fewer of long tables.
PDF_ROWS = 30
# Columns that the templates leave out, by report and query; None for the whole query.
LEFT_OUT: dict[tuple[str, str], set[int] | None] = {
    ("shift-summary", "summary"): None,
    ("shift-summary", "timeline"): None,
    ("shift-summary", "items"): {3},
    ("daily-production", "summary"): None,
    ("weekly-oee", "summary"): None,
    ("quality", "summary"): None,
    ("stock", "summary"): None,
    ("temperatures", "summary"): None,
    ("data-quality", "reasons"): None,
    ("late-orders", "summary"): None,
    ("late-orders", "worst"): None,
}
# Read from meta, which has no second source; the case of ingestion compares it.
NOT_COMPARED = {"sources", "faulty", "expectations", "restated"}


def grouped(value: float, digits: int) -> str:
    """A number as it is printed: Indian groups, a typographic minus."""
    scaled = str(math.floor(abs(value) * 10**digits + 0.5)).rjust(digits + 1, "0")
    whole, fraction = scaled[: len(scaled) - digits], scaled[len(scaled) - digits :]
    head, tail = whole[:-3], whole[-3:]
    parts = []
    while len(head) > 2:
        parts.insert(0, head[-2:])
        head = head[:-2]
    text = ",".join([*([head] if head else []), *parts, tail])
    sign = "\u2212" if value < 0 and scaled.strip("0") else ""
    return sign + text + ("." + fraction if digits else "")


def is_same(given: Any, wanted: Any, tolerance: float) -> bool:
    if isinstance(wanted, datetime):
        return isinstance(given, datetime) and abs(given - wanted) < timedelta(seconds=1)
    if isinstance(wanted, date):
        return isinstance(given, datetime) and given.date() == wanted
    if isinstance(wanted, bool) or not isinstance(wanted, int | float):
        return given == wanted or (wanted == "" and given is None)
    if isinstance(given, bool) or not isinstance(given, int | float):
        return False
    return abs(given - wanted) <= max(tolerance, TOLERANCE * abs(wanted))


class Case:
    def __init__(self, cockpit: Path, lake: str, folder: Path) -> None:
        self.cockpit, self.lake, self.folder = cockpit, lake, folder
        self.report = Report()
        # The bytes of each file, by report, parameters and format.
        self.first: dict[tuple[str, tuple, str], bytes] = {}

    def render(
        self, name: str, parameters: dict[str, Any], ending: str, language: str = "en"
    ) -> Path:
        out = self.folder / f"{name}-{language}.{ending}"
        args = [
            "report",
            "run",
            name,
            "--plant",
            str(PLANT),
            "--lake",
            self.lake,
            "--out",
            str(out),
        ]
        for key, value in parameters.items():
            args += ["--set", f"{key}={value}"]
        done = subprocess.run(
            [str(self.cockpit), *args, "--language", language],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{name} {ending}: {done.stderr.strip() or done.stdout.strip()}")
        return out

    def run(self, name: str, parameters: dict[str, Any], wanted: dict[str, list[tuple]]) -> None:
        files = {it: self.render(name, parameters, it) for it in ("pdf", "xlsx", "csv", "html")}
        for ending, path in files.items():
            self.first[name, tuple(parameters.items()), ending] = path.read_bytes()
        book = load_workbook(files["xlsx"], data_only=True)
        columns = definitions(name)
        text = pages(files["pdf"])
        for query, spec in columns.items():
            given = rows_of(book[query])
            if query in NOT_COMPARED:
                self.in_pdf(name, query, given, spec, text)
                continue
            self.compare(f"{name}, {query}", shaped(name, query, given), wanted[query])
            self.in_pdf(name, query, given, spec, text)
        self.report.check(
            f"{name}: a sheet About", "About" in book.sheetnames, str(book.sheetnames)
        )
        for language, script in (("ml", "\u0d00"), ("hi", "\u0900")):
            text = pages(self.render(name, parameters, "pdf", language))
            has_script = any(ord(script) <= ord(sign) < ord(script) + 128 for sign in text)
            self.report.check(f"{name}: text in {language}", has_script)

    def compare(self, what: str, given: list[tuple], wanted: list[tuple]) -> None:
        tolerance = CENT if what.startswith("stock") else 0.0
        wrong = [] if len(given) == len(wanted) else [f"{len(given)} rows, must be {len(wanted)}"]
        for number, (left, right) in enumerate(zip(given, wanted, strict=False), 1):
            pairs = zip(left, right, strict=False)
            if len(left) != len(right) or not all(is_same(a, b, tolerance) for a, b in pairs):
                wrong.append(f"row {number}: is {left}\n       must be {right}")
        cells = sum(len(row) for row in wanted)
        self.report.check(f"{what}: {cells} cells", not wrong, "\n".join(wrong[:SHOWN]))

    def in_pdf(
        self, name: str, query: str, given: list[tuple], spec: list[dict], text: str
    ) -> None:
        left_out = LEFT_OUT.get((name, query), set())
        if left_out is None:
            return
        lines = [set(line.replace("+", "").split()) for line in text.splitlines()]
        absent = []
        for row in given[:PDF_ROWS]:
            figures = set()
            for at, value in enumerate(row):
                if at in left_out or isinstance(value, bool) or not isinstance(value, int | float):
                    continue
                column = spec[at]
                digits = column.get("digits", 0 if isinstance(value, int) else 2)
                figures.add(grouped(value * 100 if column.get("unit") == "%" else value, digits))
            if not any(figures <= line for line in lines):
                absent.append(f"{row}: {sorted(figures)}")
        shown = len(given[:PDF_ROWS])
        self.report.check(
            f"{name}, {query}: {shown} rows in the PDF", not absent, "\n".join(absent[:SHOWN])
        )

    def again(self) -> None:
        """Every file once more, some minutes after the first time: equal bytes."""
        for (name, parameters, ending), first in self.first.items():
            second = self.render(name, dict(parameters), ending).read_bytes()
            self.report.check(f"{name}: {ending} is the same again", first == second)


def definitions(name: str) -> dict[str, list[dict]]:
    """The columns of each query as the definition lists them."""
    text = (PLANT / "reports" / name / "report.toml").read_text()
    queries = tomllib.loads(text)["query"]
    return {
        query["name"]: [it for it in query["columns"].values() if not it.get("hidden")]
        for query in queries
    }


def rows_of(sheet: Any) -> list[tuple]:
    rows = list(sheet.iter_rows(values_only=True))[1:]
    return [row for row in rows if any(value is not None for value in row)]


def shaped(name: str, query: str, given: list[tuple]) -> list[tuple]:
    """The rows of a sheet as they are compared."""
    if (name, query) == ("shift-summary", "timeline"):
        seconds: dict = defaultdict(int)
        for unit, begin, end, state, _ in given:
            seconds[unit, state] += round((end - begin).total_seconds())
        return [(*key, value) for key, value in sorted(seconds.items())]
    if (name, query) == ("data-quality", "balance"):
        return [(row[0], *row[2:]) for row in given]
    return given


def pages(pdf: Path) -> str:
    done = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], capture_output=True, text=True, check=True
    )
    return done.stdout


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--cockpit", type=Path, required=True)
    arguments.add_argument("--lake", required=True)
    arguments.add_argument(
        "--day", type=date.fromisoformat, help="by default the last day with boards"
    )
    arguments.add_argument("--temperature-day", type=date.fromisoformat)
    arguments.add_argument("--landed-day", type=date.fromisoformat)
    arguments.add_argument("--out", type=Path, default=Path("report-case"))
    given = arguments.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    case = Case(given.cockpit.resolve(), str(Path(given.lake).resolve()), given.out)
    plant = Plant(case.lake)
    day = given.day or sorted({board.day for board in plant.boards})[-2]
    monday = day - timedelta(days=day.weekday())
    hot = given.temperature_day or day
    landed = given.landed_day or (datetime.now(UTC).replace(tzinfo=None) + IST).date()
    unit = min(key[2] for key in plant.sums)
    of_day = {"day": day}
    case.run("shift-summary", of_day | {"shift": "G"}, sheets.shift_summary(plant, day))
    case.run("daily-production", of_day, sheets.daily_production(plant, day))
    case.run("weekly-oee", {"week": monday}, sheets.weekly_oee(plant, monday))
    case.run("quality", of_day | {"days": 7, "unit": unit}, sheets.quality(plant, day, unit, 7))
    as_of = oldest_age(case)
    case.run("stock", {"top": 25, "old_days": 365}, report_stock.stock(plant, as_of, 25, 365))
    heat = report_heat.temperatures(case.lake, hot, 5)
    case.run("temperatures", {"day": hot, "silent_min": 5}, heat)
    case.run("data-quality", {"day": landed, "late_days": 1}, sheets.data_quality(plant, landed))
    late = report_stock.late_orders(plant, day, 1, 2)
    case.run("late-orders", of_day | {"at_least": 1, "still_days": 2}, late)
    case.again()
    return case.report.finish()


def oldest_age(case: Case) -> date:
    """The day for which the lake has the age of the stock: that of its last refinement."""
    book = load_workbook(case.render("stock", {}, "xlsx"), data_only=True)
    return rows_of(book["summary"])[0][0].date()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    # Threads of Arrow that still end while the interpreter does can abort it.
    os._exit(code)
