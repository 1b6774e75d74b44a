"""Scales the two big dumps to any number of rows, in the plant's own layout.

Promise: --out becomes a bucket the program can ingest: Results.csv and RoutingStages.parquet have
exactly N records each, of which one in a hundred is a later correction of a record before it (same key,
other station or hour, or other side of the board); ids, boards and stages are new, the boards are
spread over more days; the other dumps are copied. The same N gives the same bytes.

    python scale.py --bucket DIR --rows 10000000 --out DIR
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import duckdb

import raw

CORRECTED_EVERY = 100
RESULTS = "data/OperationsManagement/Results/Results.csv"
STAGES = "data/OperationsManagement/RoutingStages/RoutingStages.parquet"
MEMORY = "4GB"


def scale(bucket: Path, rows: int, out: Path) -> None:
    _copy_others(bucket, out)
    con = duckdb.connect(config={"threads": 2, "memory_limit": MEMORY})
    con.execute(f"SET temp_directory = '{out / 'spill'}'")
    corrections = rows // CORRECTED_EVERY
    con.execute(_boards(bucket, rows - corrections))
    _results(con, corrections, out / RESULTS)
    _stages(con, bucket, corrections, out / STAGES)
    con.close()
    shutil.rmtree(out / "spill", ignore_errors=True)


def _boards(bucket: Path, distinct: int) -> str:
    """The base records and which of their copies is which new board: `n` from 1 to `distinct`."""
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in raw.RESULTS)
    return f"""
        CREATE TABLE base AS SELECT *, row_number() OVER () - 1 AS place FROM
            read_csv('{bucket / RESULTS}', header=false, auto_detect=false, delim=',', quote='',
                escape='', nullstr='', columns={{{columns}}});
        SET VARIABLE size = (SELECT count(*) FROM base);
        SET VARIABLE days = (SELECT 1 + datediff('day', min(CAST(InspectionDate AS TIMESTAMP)),
            max(CAST(InspectionDate AS TIMESTAMP))) FROM base);
        CREATE VIEW board AS SELECT 1 + i AS n, i // getvariable('size') AS copy,
            i % getvariable('size') AS place FROM range({distinct}) r(i);
    """


def _results(con: duckdb.DuckDBPyConnection, corrections: int, to: Path) -> None:
    shift = "to_days(CAST(copy * getvariable('days') AS INTEGER))"
    moved = f"strftime(CAST({{}} AS TIMESTAMP) + {shift} + {{}}, '%Y-%m-%d %H:%M:%S') AS {{}}"
    names = ["BoardId", "BatchId", "RoutingStageId", "RoutingStageName"]
    fresh = ", ".join(f"{name} || '-' || copy AS {name}" for name in names)

    def select(station: str, later: str, condition: str) -> str:
        dates = ", ".join(
            moved.format(name, later, name) for name in ("InspectionDate", "LastModifiedDate")
        )
        return f"""SELECT base.* EXCLUDE (place) REPLACE (n AS Id, {fresh}, {dates}, {station} AS SubWorkCenter)
            FROM board JOIN base USING (place) WHERE {condition}"""

    first = select("SubWorkCenter", "INTERVAL 0 HOUR", "true")
    other = "CASE WHEN n % 3 = 0 THEN 'EE-0001' ELSE SubWorkCenter END"
    again = select(
        other,
        "CASE WHEN n % 3 = 1 THEN INTERVAL 2 HOUR ELSE INTERVAL 0 HOUR END",
        _corrected(corrections),
    )
    con.execute(
        f"COPY ({first} UNION ALL {again}) TO '{to}' (FORMAT csv, HEADER false, NULLSTR '')"
    )


def _stages(con: duckdb.DuckDBPyConnection, bucket: Path, corrections: int, to: Path) -> None:
    con.execute(
        f"CREATE TABLE stage AS SELECT *, file_row_number AS place FROM read_parquet('{bucket / STAGES}', file_row_number=true)"
    )
    shift = "to_days(CAST(copy * getvariable('days') AS INTEGER))"
    start = f"strftime(CAST(StartTime AS TIMESTAMP) + {shift}, '%Y-%m-%d %H:%M:%S')"

    def select(surface: str, condition: str) -> str:
        return f"""SELECT stage.* EXCLUDE (place, file_row_number) REPLACE (id || '-' || copy AS id,
                {start} AS StartTime, {surface} AS Surface)
            FROM board JOIN stage USING (place) WHERE {condition}"""

    again = select("CASE WHEN n % 3 = 2 THEN 3 - Surface ELSE Surface END", _corrected(corrections))
    con.execute(
        f"COPY ({select('Surface', 'true')} UNION ALL {again}) TO '{to}' (FORMAT parquet, COMPRESSION snappy)"
    )


def _corrected(corrections: int) -> str:
    """Every 99th board, as many as there are corrections."""
    step = CORRECTED_EVERY - 1
    return f"n % {step} = 0 AND n // {step} <= {corrections}"


def _copy_others(bucket: Path, out: Path) -> None:
    for file in raw.files(bucket):
        to = out / file.name
        to.parent.mkdir(parents=True, exist_ok=True)
        if file.name not in (RESULTS, STAGES):
            shutil.copyfile(file.path, to)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    scale(args.bucket, args.rows, args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
