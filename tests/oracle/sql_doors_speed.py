"""How fast rows arrive over the PostgreSQL protocol and Flight SQL, beside DuckDB on the same files.

Promise: the figures are printed and not judged, since they depend on the machine and the build.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import adbc_driver_flightsql.dbapi as adbc_flight
import adbc_driver_postgresql.dbapi as adbc_postgres
import duckdb
from deltalake import DeltaTable

import sql_doors_flight as flight
import sql_doors_wire as wire
from sql_doors_clients import url
from sql_doors_world import World

SERIES = 9_000
TABLE = "gold.oee_hourly"
REPEATED = 300


def made(copies: int) -> str:
    """A statement of so many thousands of rows of a number and a double."""
    return (
        "SELECT a.value AS id, b.value * 0.5 AS half "
        f"FROM generate_series(1, {SERIES}) a, generate_series(1, {copies}) b"
    )


def measure(world: World) -> None:
    measure_rows(world)
    connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
    sql = f"SELECT * FROM {TABLE} LIMIT 100"
    print_times("over PostgreSQL, binary", lambda: connection.extended(sql))
    connection.close()
    with (
        adbc_flight.connect(flight.place(world), db_kwargs=flight.bearer(world.tokens["anna"])) as it,
        it.cursor() as cursor,
    ):

        def read() -> None:
            cursor.execute(sql)
            cursor.fetch_arrow_table()

        print_times("over Flight SQL, ADBC", read)
    files = DeltaTable(str(world.folder / "lake" / TABLE.replace(".", "/"))).file_uris()
    duck = duckdb.connect()
    ours = f"SELECT * FROM read_parquet({files!r}) LIMIT 100"
    print_times("of the files, DuckDB", lambda: duck.execute(ours).fetch_arrow_table())


def measure_rows(world: World) -> None:
    """Rows of two numbers, which cost little to compute."""
    connection = wire.Wire(world.postgres, "anna", world.tokens["anna"])
    begun = time.perf_counter()
    count, first_s = connection.count_rows(made(112))
    print_rate("binary rows over PostgreSQL, counted in Python", count, begun)
    print(f"speed   the first of them after {first_s * 1e3:.1f} ms")
    connection.close()
    with adbc_postgres.connect(url(world, "anna", "postgresql")) as it, it.cursor() as cursor:
        begun = time.perf_counter()
        cursor.execute(made(334))
        print_rate("rows over PostgreSQL to Arrow, ADBC", cursor.fetch_arrow_table().num_rows, begun)
    begun = time.perf_counter()
    print_rate("rows over Flight SQL, pyarrow", flight.run(world, "anna", made(1_111)), begun)
    begun = time.perf_counter()
    sql = made(1_111).replace("a.value", "a.a").replace("b.value", "b.b")
    sql = sql.replace(") a", ") a(a)").replace(") b", ") b(b)")
    print_rate("rows in DuckDB to Arrow", duckdb.sql(sql).fetch_arrow_table().num_rows, begun)


def print_rate(name: str, rows: int, begun: float) -> None:
    rate = rows / (time.perf_counter() - begun) / 1e6
    print(f"speed   {rows} {name}: {rate:.2f} million rows/s")


def print_times(name: str, run: Callable[[], object]) -> None:
    times = []
    for _ in range(REPEATED):
        begun = time.perf_counter()
        run()
        times.append((time.perf_counter() - begun) * 1e3)
    p99 = statistics.quantiles(times, n=100)[98]
    print(f"speed   100 rows {name}: median {statistics.median(times):.1f} ms, p99 {p99:.1f} ms")
