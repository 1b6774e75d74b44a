"""How fast rows arrive over the PostgreSQL protocol, beside DuckDB on the same files.

Promise: the figures are printed and not judged, since they depend on the machine and the build.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import duckdb
import polars

import sql_doors_wire as wire
from sql_doors_world import World

ROWS = 9_000
COPIES = 56
TABLE = "gold.oee_hourly"
REPEATED = 200


def measure(world: World) -> None:
    connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
    made = f"SELECT a.value AS id, a.value * 0.5 AS half, 'text' AS text FROM generate_series(1, {ROWS}) a, generate_series(1, {COPIES}) b"
    begun = time.perf_counter()
    count, first_s = connection.count_rows(made)
    rate = count / (time.perf_counter() - begun) / 1e6
    print(
        f"speed   {count} binary rows: {rate:.2f} million rows/s, the first after {first_s * 1e3:.1f} ms"
    )
    sql = f"SELECT * FROM {TABLE} LIMIT 100"
    print_times("over the protocol", lambda: connection.extended(sql))
    files = polars.read_delta(str(world.folder / "lake" / TABLE.replace(".", "/"))).to_arrow()
    duck = duckdb.connect()
    duck.register("rows", files)
    print_times(
        "DuckDB, in memory", lambda: duck.execute("SELECT * FROM rows LIMIT 100").fetchall()
    )
    connection.close()


def print_times(name: str, run: Callable[[], object]) -> None:
    times = []
    for _ in range(REPEATED):
        begun = time.perf_counter()
        run()
        times.append((time.perf_counter() - begun) * 1e3)
    p99 = statistics.quantiles(times, n=100)[98]
    print(f"speed   100 rows {name}: median {statistics.median(times):.1f} ms, p99 {p99:.1f} ms")
