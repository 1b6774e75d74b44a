"""What both benches share: where things lie, how time is taken, how results are compared."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

RESULTS = "data/OperationsManagement/Results/Results.csv"
STAGES = "data/OperationsManagement/RoutingStages/RoutingStages.parquet"
UNKNOWN = ["", "None", "NULL", "null", "_RARE_"]
OFFSET_MIN = 330
OUTPUTS = ("board_result", "routing_stage", "production_hourly")


def measure(engine: str, work: Callable[[Path, Path, int], None]) -> None:
    """Runs the work once and prints its cost and its result's checksum as one JSON line."""
    parser = argparse.ArgumentParser(description=f"Refines the two big dumps with {engine}.")
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_SELF)
    work(args.bucket, args.out, args.threads)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cost = {
        "engine": engine,
        "wall_s": round(time.perf_counter() - begun, 2),
        "cpu_s": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 2),
        "peak_memory_mib": after.ru_maxrss // 1024,
    }
    print(json.dumps(cost | result(args.out)), flush=True)


def result(out: Path) -> dict[str, object]:
    """Rows of each output and a checksum of the gold rows, the same for every engine."""
    con = duckdb.connect()
    rows = {name: _one(con, f"SELECT count(*) FROM '{out}/{name}.parquet'") for name in OUTPUTS}
    line = "concat_ws('|', CAST(day_local AS DATE), hour_local, station, work_order, actual)"
    gold = f"'{out}/production_hourly.parquet'"
    checksum = _one(con, f"SELECT md5(string_agg({line}, chr(10) ORDER BY {line})) FROM {gold}")
    return {
        "rows": rows,
        "actual": _one(con, f"SELECT sum(actual) FROM {gold}"),
        "checksum": checksum,
    }


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> object:
    row = con.sql(sql).fetchone()
    assert row is not None
    return int(row[0]) if not isinstance(row[0], str) else row[0]
