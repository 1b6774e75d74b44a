"""The program beside DuckDB, Polars and Spark, on the same scaled dumps, turn by turn in one run.

Promise: scales the dumps (once for a number of rows), runs each engine --rounds times in turns, refuses to compare
what is not equal, and prints the medians of each cost and their ratios to the program's. Ratios within one run count;
single times on a shared machine do not. Spark runs once, if a Python with it is named.

    python bench_batch.py --cockpit BIN --bucket DIR --work DIR [--rows 10000000] [--rounds 5] [--spark PYTHON]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the program beside DuckDB and Polars.")
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--spark", type=Path, help="a Python with pyspark")
    args = parser.parse_args()
    scaled = args.work / f"bucket-{args.rows}"
    if not (scaled / "done").exists():
        _run("scale.py", "--bucket", args.bucket, "--rows", args.rows, "--out", scaled)
        (scaled / "done").touch()
    places = ["--bucket", scaled, "--out"]
    costs: dict[str, list[dict[str, Any]]] = {}
    for round_number in range(args.rounds):
        runs = [
            _run("bench_cockpit.py", "--cockpit", args.cockpit, *places, args.work / "cockpit"),
            _run("bench_duckdb.py", *places, args.work / "duckdb"),
            _run("bench_polars.py", *places, args.work / "polars"),
        ]
        if args.spark and round_number == 0:
            runs.append(_run("bench_batch_spark.py", *places, args.work / "spark", python=args.spark))
        for cost in runs:
            print(json.dumps(cost), file=sys.stderr, flush=True)
            costs.setdefault(cost["engine"], []).append(cost)
    every = [cost for runs in costs.values() for cost in runs]
    if len({(cost["checksum"], cost["actual"], str(cost["rows"])) for cost in every}) > 1:
        print(f"the engines do not agree: {json.dumps(every, indent=2)}")
        return 1
    figures = ("cpu_s", "wall_s", "peak_memory_mib")
    medians = {
        engine: [statistics.median(cost[figure] for cost in runs) for figure in figures] for engine, runs in costs.items()
    }
    own_cpu, own_wall, _ = medians["cockpit"]
    print(f"{'engine':<10}{'runs':>6}{'cpu s':>10}{'wall s':>10}{'peak MiB':>10}{'cpu ratio':>11}{'wall ratio':>12}")
    for engine, (cpu, wall, peak) in medians.items():
        line = f"{engine:<10}{len(costs[engine]):>6}{cpu:>10.2f}{wall:>10.2f}{peak:>10.0f}"
        print(f"{line}{cpu / own_cpu:>11.2f}{wall / own_wall:>12.2f}")
    return 0


def _run(script: str, *arguments: object, python: object = sys.executable) -> dict[str, Any]:
    command = [str(python), HERE / script, *map(str, arguments)]
    environment = os.environ | {"ORACLE_PACKAGES": sysconfig.get_paths()["purelib"]}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE, env=environment)
    line = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "{}"
    return json.loads(line) if line.startswith("{") else {}


if __name__ == "__main__":
    sys.exit(main())
