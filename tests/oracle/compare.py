"""Compares a lake of the program with the truth computed from the raw dumps.

Promise: every gold table is read twice, through `cockpit sql` and through its Delta table, and every
silver table through its Delta table; all rows are compared as multisets, none is sampled. The books of
`meta.runs` are checked against the record counts of the dumps, and every bronze row of a text dump
against the bytes it points to. Exit code 1 if anything differs.

    python compare.py --cockpit BIN --lake DIR|s3://… --bucket DIR [--as-of DATE] [--earlier-bucket DIR]
"""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

import books
import lake as lakes
import truth
from checks import Report
from program import PLANT, Cockpit

SHOWN_ROWS = 5
FAMILY = {"VARCHAR": "text", "BIGINT": "integer", "INTEGER": "integer", "SMALLINT": "integer"}
FAMILY |= {"TINYINT": "integer", "UBIGINT": "integer", "DATE": "date", "BOOLEAN": "boolean"}
FAMILY |= {"TIMESTAMP": "time", "TIMESTAMP WITH TIME ZONE": "time", "DOUBLE": "number"}


def same(
    report: Report, con: duckdb.DuckDBPyConnection, name: str, expected: str, actual: pa.Table
) -> bool:
    """Checks that `actual` holds exactly the rows of the truth's table `expected`."""
    con.register("actual_arrow", actual)
    wanted = {row[0]: row[1] for row in con.sql(f"DESCRIBE {expected}").fetchall()}
    given = {row[0]: row[1] for row in con.sql("DESCRIBE actual_arrow").fetchall()}
    missing = [c for c in wanted if c not in given]
    extra = [c for c in given if c not in wanted and not c.startswith("_")]
    if missing or extra:
        return report.check(name, False, f"columns missing: {missing}, not defined: {extra}")
    try:
        con.execute(
            f"CREATE OR REPLACE TEMP TABLE a AS SELECT {casts(wanted, given)} FROM actual_arrow"
        )
    except duckdb.Error as error:
        return report.check(name, False, f"a value has not the type of its column: {error}")
    con.execute(f"CREATE OR REPLACE TEMP TABLE t AS SELECT {casts(wanted, wanted)} FROM {expected}")
    con.execute("CREATE OR REPLACE TEMP TABLE lacking AS FROM t EXCEPT ALL FROM a")
    con.execute("CREATE OR REPLACE TEMP TABLE surplus AS FROM a EXCEPT ALL FROM t")
    lacking, surplus = _count(con, "lacking"), _count(con, "surplus")
    if lacking == surplus == 0:
        return report.check(f"{name} ({_count(con, 't')} rows)", True)
    lines = [f"rows: is {_count(con, 'a')}, must be {_count(con, 't')}", *_sum_lines(con, wanted)]
    lines += [f"{lacking} rows lacking, {surplus} rows too many"]
    lines += _rows(con, "lacking", wanted) + _rows(con, "surplus", wanted)
    return report.check(name, False, "\n".join(lines))


def types(
    report: Report, con: duckdb.DuckDBPyConnection, name: str, expected: str, actual: pa.Table
) -> None:
    """Checks that each column has the kind of type its meaning asks for."""
    con.register("actual_arrow", actual)
    given = {row[0]: _family(row[1]) for row in con.sql("DESCRIBE actual_arrow").fetchall()}
    wrong = [
        f"{column}: is {given[column]}, must be {_family(kind)}"
        for column, kind, *_ in con.sql(f"DESCRIBE {expected}").fetchall()
        if column in given and given[column] != _family(kind)
    ]
    report.check(f"{name}: types", not wrong, "\n".join(wrong))


def table(report: Report, con: duckdb.DuckDBPyConnection, lake: str, name: str) -> None:
    """Compares one Delta table with the truth and looks at its protocol."""
    try:
        delta = lakes.open_table(lake, name)
        actual = delta.to_pyarrow_table()
    except Exception as error:  # Any reader error is the finding.
        report.check(f"{name} by Delta", False, str(error))
        return
    protocol = delta.protocol()
    versions = (protocol.min_reader_version, protocol.min_writer_version)
    report.equal(f"{name}: Delta protocol", versions, (1, 2))
    types(report, con, name, name, actual)
    same(report, con, f"{name} by Delta", name, actual)


def gold_by_program(
    report: Report, con: duckdb.DuckDBPyConnection, cockpit: Cockpit, lake: str, name: str
) -> None:
    try:
        actual = cockpit.query(f"SELECT * FROM gold.{name}", lake)
    except Exception as error:  # Any refusal of the program is the finding.
        report.check(f"gold.{name} by SQL", False, str(error))
        return
    same(report, con, f"gold.{name} by SQL", f"gold.{name}", actual)


def run(
    cockpit: Cockpit, lake: str, bucket: Path, as_of: date, earlier: list[Path], report: Report
) -> None:
    """All checks of one lake against one bucket."""
    con = truth.build(bucket, as_of)
    con.execute("SET TimeZone = 'UTC'")
    for name in truth.GOLD:
        gold_by_program(report, con, cockpit, lake, name)
    for name in [f"gold.{t}" for t in truth.GOLD] + [f"silver.{t}" for t in truth.SILVER]:
        table(report, con, lake, name)
    books.check(report, con, cockpit, lake, bucket)
    books.bytes_of_rows(report, lake, [bucket, *earlier])


def casts(wanted: dict[str, str], given: dict[str, str]) -> str:
    return ", ".join(f'{_cast(c, kind, given[c])} AS "{c}"' for c, kind in wanted.items())


def _cast(column: str, wanted: str, given: str) -> str:
    name = f'"{column}"'
    if wanted == "TIMESTAMP":
        return (
            f"CAST(CAST({name} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS TIMESTAMP)"
            if given != "TIMESTAMP"
            else name
        )
    if wanted.startswith("DECIMAL"):
        return f"CAST({name} AS DECIMAL(38, 6))"
    return f"CAST({name} AS {wanted})"


def _family(kind: str) -> str:
    return "number" if kind.startswith("DECIMAL") else FAMILY.get(kind, kind)


def _count(con: duckdb.DuckDBPyConnection, name: str) -> int:
    row = con.sql(f"SELECT count(*) FROM {name}").fetchone()
    assert row is not None
    return int(row[0])


def _sum_lines(con: duckdb.DuckDBPyConnection, wanted: dict[str, str]) -> list[str]:
    numeric = [c for c, kind in wanted.items() if kind == "BIGINT" or kind.startswith("DECIMAL")]
    lines = []
    for column in numeric:
        is_, must = (con.sql(f'SELECT sum("{column}") FROM {t}').fetchone() for t in ("a", "t"))
        if is_ != must:
            lines.append(
                f"sum of {column}: is {is_[0] if is_ else None}, must be {must[0] if must else None}"
            )
    return lines


def _rows(con: duckdb.DuckDBPyConnection, name: str, wanted: dict[str, str]) -> list[str]:
    order = ", ".join(f'"{c}"' for c in wanted)
    rows = con.sql(f"SELECT * FROM {name} ORDER BY {order} LIMIT {SHOWN_ROWS}").fetchall()
    return [f"{name}: {', '.join(str(v) for v in row)}" for row in rows]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--lake", required=True)
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--plant", type=Path, default=PLANT)
    parser.add_argument("--as-of", type=date.fromisoformat, default=truth.today_local())
    parser.add_argument("--earlier-bucket", type=Path, action="append", default=[])
    args = parser.parse_args()
    report = Report()
    cockpit = Cockpit(args.cockpit.resolve(), args.plant)
    run(cockpit, args.lake, args.bucket, args.as_of, args.earlier_bucket, report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
