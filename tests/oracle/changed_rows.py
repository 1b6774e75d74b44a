"""Compares what changed in the gold tables with what a second dump must change.

Promise: for every gold table the rows that went and the rows that came are exactly the expected ones,
no more and no fewer; a table without an expected change has none.

    python changed_rows.py --snapshot JSON --after LAKE --expect JSON      saves the gold rows of a lake
    python changed_rows.py --before LAKE_OR_JSON --after LAKE --expect JSON
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb

import compare
import lake as lakes
import truth
from checks import Report

Rows = Counter[tuple[str | None, ...]]


def rows_of(lake: str, name: str, columns: dict[str, str]) -> list[list[str | None]]:
    """A gold table's rows as text, in the columns and types of the truth."""
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.register("actual", lakes.read(lake, f"gold.{name}"))
    given = {r[0]: r[1] for r in con.sql("DESCRIBE actual").fetchall()}
    con.execute(f"CREATE TABLE typed AS SELECT {compare.casts(columns, given)} FROM actual")
    exact = ", ".join(f'CAST(CAST("{c}" AS {kind}) AS VARCHAR)' for c, kind in columns.items())
    return [list(row) for row in con.sql(f"SELECT {exact} FROM typed").fetchall()]


def snapshot(lake: str, columns: dict[str, dict[str, str]]) -> dict[str, Any]:
    return {name: rows_of(lake, name, kinds) for name, kinds in columns.items()}


def check(
    report: Report, before: dict[str, Any], after: dict[str, Any], expected: dict[str, Any]
) -> None:
    for name in truth.GOLD:
        table = expected["tables"][name]
        old, new = _counter(before[name]), _counter(after[name])
        for word, is_, must in [
            ("go", old - new, _counter(table["goes"])),
            ("come", new - old, _counter(table["comes"])),
        ]:
            lines = _lines("unexpected", is_ - must) + _lines("lacking", must - is_)
            report.check(f"gold.{name}: {must.total()} rows {word}", not lines, "\n".join(lines))


def _counter(rows: list[list[str | None]]) -> Rows:
    return Counter(tuple(row) for row in rows)


def _lines(word: str, rows: Rows) -> list[str]:
    if not rows:
        return []
    shown = list(rows)[: compare.SHOWN_ROWS]
    return [
        f"{rows.total()} rows {word}",
        *(f"{word}: {', '.join(str(v) for v in row)}" for row in shown),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", help="a lake or a snapshot")
    parser.add_argument("--after", required=True, help="a lake")
    parser.add_argument("--expect", type=Path, required=True, help="what redump.py saved")
    parser.add_argument("--snapshot", type=Path, help="only save the gold rows of --after here")
    args = parser.parse_args()
    expected = json.loads(args.expect.read_text())
    columns = {name: table["columns"] for name, table in expected["tables"].items()}
    after = snapshot(args.after, columns)
    if args.snapshot:
        args.snapshot.write_text(json.dumps(after))
        return 0
    if not args.before:
        parser.error("--before is needed to compare")
    is_json = args.before.endswith(".json")
    before = (
        json.loads(Path(args.before).read_text()) if is_json else snapshot(args.before, columns)
    )
    report = Report()
    check(report, before, after, expected)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
