"""The program beside DuckDB and Polars, on the same scaled dumps, one after the other in one run.

Promise: scales the dumps (once for a number of rows), runs each engine, refuses to compare what is not
equal, and prints each cost and its ratio to the program's. Ratios within one run count; single times on
a shared machine do not.

    python bench_batch.py --cockpit BIN --bucket DIR --work DIR [--rows 10000000]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def main() -> int:
    parser = argparse.ArgumentParser(description="Runs the program beside DuckDB and Polars.")
    parser.add_argument("--cockpit", type=Path, required=True)
    parser.add_argument("--bucket", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=10_000_000)
    args = parser.parse_args()
    scaled = args.work / f"bucket-{args.rows}"
    if not (scaled / "done").exists():
        _run("scale.py", "--bucket", args.bucket, "--rows", args.rows, "--out", scaled)
        (scaled / "done").touch()
    places = ["--bucket", scaled, "--out"]
    costs = [
        _run("bench_cockpit.py", "--cockpit", args.cockpit, *places, args.work / "cockpit"),
        _run("bench_duckdb.py", *places, args.work / "duckdb"),
        _run("bench_polars.py", *places, args.work / "polars"),
    ]
    results = {(cost["checksum"], cost["actual"], str(cost["rows"])) for cost in costs}
    if len(results) > 1:
        print(f"the engines do not agree: {json.dumps(costs, indent=2)}")
        return 1
    print(f"{'engine':<10}{'cpu s':>10}{'wall s':>10}{'peak MiB':>10}{'cpu ratio':>11}{'wall ratio':>12}")
    for cost in costs:
        cpu, wall = cost["cpu_s"] / costs[0]["cpu_s"], cost["wall_s"] / costs[0]["wall_s"]
        print(
            f"{cost['engine']:<10}{cost['cpu_s']:>10}{cost['wall_s']:>10}"
            f"{cost['peak_memory_mib']:>10}{cpu:>11.2f}{wall:>12.2f}"
        )
    return 0


def _run(script: str, *arguments: object) -> dict[str, Any]:
    command = [sys.executable, HERE / script, *map(str, arguments)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE)
    line = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "{}"
    return json.loads(line) if line.startswith("{") else {}


if __name__ == "__main__":
    sys.exit(main())
