"""The two big dumps through the program: landed in bronze, refined, all silver and gold tables made.

Promise: runs `cockpit ingest --once` into a fresh lake and prints cost and checksum as JSON, in the words
of the other benches. The program does more than they do: it lands every record, keeps rejects and books,
and makes every table of the plant.

    python bench_cockpit.py --cockpit BIN --bucket DIR --out DIR
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import time
from pathlib import Path

import duckdb
from deltalake import DeltaTable

import bench


def main() -> None:
    parser = argparse.ArgumentParser(description="Refines the two big dumps with the program.")
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    lake = args.out / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    args.out.mkdir(parents=True, exist_ok=True)
    begun = time.perf_counter()
    command = [args.cockpit, "ingest", "--once", "--bucket", args.bucket, "--lake", lake]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall_s = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cost = {
        "engine": "cockpit",
        "wall_s": round(wall_s, 2),
        "cpu_s": round(used.ru_utime + used.ru_stime, 2),
        "peak_memory_mib": used.ru_maxrss // 1024,
    }
    _as_the_others(lake, args.out)
    print(json.dumps(cost | bench.result(args.out)), flush=True)


def _as_the_others(lake: Path, out: Path) -> None:
    """Lays the lake's tables where the other benches lay theirs."""
    con = duckdb.connect()
    for schema, name in (
        ("silver", "board_result"),
        ("silver", "routing_stage"),
        ("gold", "production_hourly"),
    ):
        files = DeltaTable(str(lake / schema / name)).file_uris()
        rows = f"SELECT * FROM read_parquet({files})"
        if schema == "gold":
            rows = f"""SELECT day_local, hour_local, station, work_order, CAST(sum(actual) AS BIGINT) AS actual
                FROM ({rows}) GROUP BY ALL HAVING sum(actual) > 0"""
        con.execute(f"COPY ({rows}) TO '{out}/{name}.parquet' (FORMAT parquet)")


if __name__ == "__main__":
    main()
