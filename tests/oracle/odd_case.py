"""Ingests odd files of other programs and compares value for value.

Promise: each file of `odd_parquet.py`, `odd_others.py` and `odd_packed.py` is read with exactly its rows and types, or refused for the right
reason, and costs no other file; the books close.

    python odd_case.py --cockpit BIN
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import lake as lakes
import odd_others
import odd_packed
import odd_parquet
import small_plant
from checks import Report
from odd_file import File
from program import Cockpit
from small_plant import Table


def table(file: File) -> Table:
    paths = tuple(f"{file.name}/{path}" for path in file.paths or ("*.parquet",))
    return Table(file.name, paths, file.columns, file.format)


def check_file(
    file: File, lake: str, fates: dict[str, list[dict[str, str]]], report: Report
) -> None:
    fate = fates.get(file.name, [])
    said = "; ".join(f"{row['status']}: {row['reason']}" for row in fate)
    if file.refused:
        report.check(f"{file.name}: refused for `{file.refused}`", file.refused in said, said)
        return
    if not file.rows:
        report.check(f"{file.name}: holds nothing", "empty" in said, said)
        return
    landed = bool(fate) and all(row["status"] == "landed" for row in fate)
    if not report.check(f"{file.name}: read", landed, said):
        return
    names = [column.name for column in file.columns]
    rows = lakes.read(lake, f"silver.{file.name}", names).to_pylist()
    found = sorted((tuple(row[name] for name in names) for row in rows), key=lambda row: row[0])
    report.equal(f"{file.name}: its rows", found, file.rows)


def fates(cockpit: Cockpit, lake: str) -> dict[str, list[dict[str, str]]]:
    rows = cockpit.query("SELECT table_name, status, reason FROM meta.files", lake).to_pylist()
    by_table: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_table.setdefault(row["table_name"], []).append(row)
    return by_table


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    args = parser.parse_args()
    report = Report()
    files = [*odd_parquet.files(), *odd_others.files(), *odd_packed.files()]
    with tempfile.TemporaryDirectory() as folder:
        bucket, lake = Path(folder) / "bucket", str(Path(folder) / "lake")
        for file in files:
            place = bucket / file.name
            place.mkdir(parents=True)
            file.write(place)
        plant = small_plant.write(Path(folder) / "plant", [table(file) for file in files])
        cockpit = Cockpit(args.cockpit.resolve(), plant)
        done = cockpit.ingest(str(bucket), lake)
        said = done.stdout + done.stderr
        report.check(
            "some files are refused, so the run does not end well", done.returncode == 1, said
        )
        report.check("nothing panics", "panicked" not in said, said[-3000:])
        report.check("the books close", "all rows balance" in said, said[-3000:])
        known = fates(cockpit, lake)
        for file in files:
            check_file(file, lake, known, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
